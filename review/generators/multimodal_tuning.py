"""Multimodal, fine-tuning: the language model is tuned to write reports from findings, then writes them for new segments.

Tuned are low-rank adapters on pairs of findings and filled templates; segments and signals are simulated, never a patient's.
The model before and after tuning writes for the same segments with the same random numbers, and every claim of both is
checked against the signal.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.generators import ecg, ecg_measure, ecg_reports, multimodal_pairs
from review.generators.dataset import Dataset, Record, copied, item_seed
from review.generators.ecg_measure import Tolerances
from review.generators.multimodal_pairs import Judgement, Pair
from review.llm import EMBEDDED

if TYPE_CHECKING:
    from review.generators import Progress
    from review.generators.ecg_reports import Template
    from review.generators.text_sampling import Sampled
    from review.generators.tuning import Base

DEFAULT_SIZE = 10
REASONS: Mapping[str, str] = types.MappingProxyType(dict(multimodal_pairs.REASONS))
SYSTEM = "Write a short report on this single-lead ECG."
BASE, TUNED = "base", "tuned"
RUN = 8
"""Words in a row, numbers aside, that count as copied from a template."""


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    model : str
        ``embedded`` or the path of a ``.gguf`` file.
    segments : int
        Simulated segments to train with, each with one report; 8 or more.
    steps, batch, rank : int
        Of tuning.
    rate : float
        Learning rate.
    temperature : float
        0 or more.
    max_tokens : int
        Tokens of a report at most, 16 or more.
    heart_rate_tolerance : float
        As a share of the measured rate.
    interval_tolerance : float
        Milliseconds.
    """

    model: str = EMBEDDED
    segments: int = 64
    steps: int = 24
    batch: int = 2
    rank: int = 8
    rate: float = 2e-3
    temperature: float = 0.7
    max_tokens: int = 80
    heart_rate_tolerance: float = Tolerances.heart_rate
    interval_tolerance: float = Tolerances.interval

    def __post_init__(self) -> None:
        """Refuse what cannot be asked for."""
        if self.segments < 8 or self.max_tokens < 16:
            raise ValueError("segments is 8 or more, max_tokens is 16 or more -> change them")
        if min(self.steps, self.batch, self.rank) < 1 or self.rate <= 0 or self.temperature < 0:
            raise ValueError("steps, batch and rank are 1 or more, the rate is above 0, the temperature 0 or more -> change them")
        if self.heart_rate_tolerance < 0 or self.interval_tolerance < 0:
            raise ValueError("a tolerance is below 0 -> choose 0 or more")

    @property
    def limits(self) -> Tolerances:
        """The tolerances of the check."""
        return Tolerances(self.heart_rate_tolerance, self.interval_tolerance)


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Generate pairs of a simulated segment and a report; see :func:`review.generators.generate`."""
    from review.generators import tuning

    weights = tuning.find(options.model)
    train, held = ecg_reports.split(ecg_reports.load(), seed)
    made = multimodal_pairs.pairs(n, seed, progress)
    lessons = multimodal_pairs.others(options.segments, seed, progress, "simulate lessons")
    base = tuning.load_base(weights)
    losses = tuning.tune(
        base,
        _examples(lessons, train, seed),
        steps=options.steps,
        batch=options.batch,
        rank=options.rank,
        rate=options.rate,
        seed=seed,
        progress=progress,
    )
    scored = _perplexities(base, _examples(made, train, seed), _examples(made, held, seed))
    seeds = [item_seed(seed, index) for index in range(n)]
    tuned = _write(base, made, seeds, options, progress)
    with base.untuned():
        before = _write(base, made, seeds, options, progress)
    written = {BASE: before, TUNED: tuned}
    judged = {
        name: [
            multimodal_pairs.judge(text.text, pair.findings, options.limits, finished=text.finished)
            for text, pair in zip(texts, made, strict=True)
        ]
        for name, texts in written.items()
    }
    measures = {
        "loss": tuple({"step": step, "loss": loss} for step, loss in enumerate(losses, 1)),
        "perplexity": scored,
        "agreement": (
            *(row for name in written for row in ecg_reports.rates(name, [item.verdicts for item in judged[name]])),
            *multimodal_pairs.exchanged(
                "tuned, other segment", [text.text for text in tuned], [pair.findings for pair in made], seed, options.limits
            ),
            *multimodal_pairs.baseline(made, train, seed, options.limits),
        ),
        "checks": tuple(row for name in written for row in _checks(name, written[name], judged[name], train)),
        "side_by_side": _side_by_side(made, written, judged),
        "measurement": ecg_measure.accuracy([pair.segment for pair in made], [pair.findings for pair in made], options.limits),
    }
    records = tuple(
        _record(index, *item, train) for index, item in enumerate(zip(made, tuned, judged[TUNED], seeds, strict=True))
    )
    configuration = _configuration(n, options, train, held)
    return Dataset("multimodal", "fine-tuning", seed, dict(base.identity), configuration, REASONS, records, measures)


def _configuration(n: int, options: Options, train: Sequence[Template], held: Sequence[Template]) -> dict[str, Any]:
    names = ("segments", "steps", "batch", "rank", "rate", "temperature", "max_tokens")
    return {
        "n": n,
        **{name: getattr(options, name) for name in names},
        "system": SYSTEM,
        "templates": [template.id for template in train],
        "held_out": [template.id for template in held],
        "simulator": ecg.describe(),
        **multimodal_pairs.settings(options.limits),
    }


def _prompt(pair: Pair) -> str:
    from review.generators import tuning

    return tuning.chat(multimodal_pairs.describe(pair.findings), SYSTEM)


def _examples(made: Sequence[Pair], templates: Sequence[Template], seed: int) -> list[tuple[str, str]]:
    """Return prompt and report of each segment that a template fits."""
    usable = [pair for pair in made if any(template.fits(pair.findings) for template in templates)]
    chosen = [ecg_reports.choose(templates, pair.findings, item_seed(seed, place)) for place, pair in enumerate(usable)]
    return [(_prompt(pair), template.fill(pair.findings)) for pair, template in zip(usable, chosen, strict=True)]


def _perplexities(base: Base, known: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]) -> tuple[dict[str, Any], ...]:
    """Return perplexities of reports on new segments, with templates of training and with templates held out."""
    from review.generators import tuning

    rows = []
    for name, examples in (("templates of training", known), ("templates held out", new)):
        if not examples:
            continue
        after, tokens = tuning.pooled(tuning.likelihoods(base, examples))
        with base.untuned():
            before, _ = tuning.pooled(tuning.likelihoods(base, examples))
        rows.append({"reports": name, "count": len(examples), "tokens": tokens, BASE: before, TUNED: after})
    return tuple(rows)


def _write(base: Base, made: Sequence[Pair], seeds: Sequence[int], options: Options, progress: Progress) -> list[Sampled]:
    from review.generators import tuning

    prompts = [_prompt(pair) for pair in made]
    return tuning.sample(
        base, prompts, max_tokens=options.max_tokens, temperature=options.temperature, seeds=seeds, progress=progress
    )


def _checks(
    name: str, texts: Sequence[Sampled], judged: Sequence[Judgement], templates: Sequence[Template]
) -> list[dict[str, Any]]:
    known = multimodal_pairs.skeletons(templates)
    plain = [multimodal_pairs.skeleton(text.text) for text in texts]
    checks = {
        "ended": [text.finished for text in texts],
        "states something": [item.stated for item in judged],
        "nothing unsupported": [not item.unsupported for item in judged],
        "accepted": [not item.reason for item in judged],
        "is a template": [text in known for text in plain],
        f"shares {RUN} words with a template": [copied(text, known, RUN) for text in plain],
    }
    return [multimodal_pairs.share(name, check, passed) for check, passed in checks.items()]


def _side_by_side(
    made: Sequence[Pair], written: Mapping[str, Sequence[Sampled]], judged: Mapping[str, Sequence[Judgement]]
) -> tuple[dict[str, Any], ...]:
    rows = []
    for place, pair in enumerate(made):
        row: dict[str, Any] = {"index": place, **pair.findings.values()}
        for name in written:
            row |= {name: written[name][place].text, f"{name}_reason": judged[name][place].reason}
        rows.append(row)
    return tuple(rows)


def _record(index: int, pair: Pair, text: Sampled, judged: Judgement, seed: int, templates: Sequence[Template]) -> Record:
    return Record(
        index=index,
        content=multimodal_pairs.content(pair.segment.signal, pair.findings, text.text),
        reason=judged.reason,
        detail=judged.detail,
        seed=seed,
        parameters={
            "rhythm": pair.segment.rhythm,
            "is_template": multimodal_pairs.skeleton(text.text) in multimodal_pairs.skeletons(templates),
        },
        prompt=_prompt(pair),
    )

"""Multimodal, specialized: one transformer trained from scratch writes a report and the signal that it is about.

A pair is one sequence: a rhythm, the words of the report, then the segment as codes (:mod:`review.generators.multimodal_codec`).
What is drawn is decoded to a signal and measured like any other, and the report is checked against it. All it learnt from is
simulated. The network is small and learns templates; that its two parts agree is the point.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.generators import ecg, ecg_measure, ecg_reports, multimodal_codec, multimodal_pairs, multimodal_words
from review.generators.dataset import Dataset, Record, item_seed
from review.generators.ecg import RHYTHMS
from review.generators.ecg_measure import Findings, Tolerances
from review.generators.multimodal_codec import Code, Codec
from review.generators.multimodal_pairs import Judgement, Pair
from review.generators.multimodal_words import Parsed, Vocabulary

if TYPE_CHECKING:
    from review.generators import Progress
    from review.generators.decoder import Fitted
    from review.generators.ecg_reports import Template

DEFAULT_SIZE = 48
MALFORMED, UNMEASURED, OTHER = "malformed", "unmeasured", "other-rhythm"
REASONS: Mapping[str, str] = types.MappingProxyType(
    {
        MALFORMED: "the sequence has no end, a part of it is out of order, or its beats do not fill the segment",
        UNMEASURED: "no rhythm can be measured in the signal",
        **multimodal_pairs.REASONS,
        OTHER: "report and signal agree, on another rhythm than was asked for",
    }
)
HEADS = 4
HELD = 5
"""One of so many segments is held out."""
EVERY = 50
"""Steps between two looks at what is held out."""


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    segments : int
        Simulated segments; four fifths are learnt from, the others only watched. 40 or more.
    reports : int
        Reports a segment, from different templates.
    stretch : int
        Each segment is also shown with its beats closer together and further apart by up to so many bins of 3 %, as long as
        its rhythm stays, with the rate in the report as it then is.
    steps, batch, width, layers : int
        Of the network and its training.
    rate : float
        Highest learning rate.
    temperature : float
        1 draws from what was learnt.
    constrained : bool
        Whether only tokens that may stand at a place can be drawn there. What happens without is measured in any case.
    heart_rate_tolerance : float
        As a share of the measured rate.
    interval_tolerance : float
        Milliseconds.
    """

    segments: int = 200
    reports: int = 2
    stretch: int = 4
    steps: int = 700
    batch: int = 16
    width: int = 96
    layers: int = 2
    rate: float = 4e-3
    temperature: float = 0.8
    constrained: bool = True
    heart_rate_tolerance: float = Tolerances.heart_rate
    interval_tolerance: float = Tolerances.interval

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        for name, least in {"segments": 40, "reports": 1, "stretch": 0, "steps": 1, "batch": 1, "width": 4, "layers": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"the option {name} is {getattr(self, name)} -> choose {least} or more")
        if self.width % HEADS:
            raise ValueError(f"the option width is {self.width} -> choose a multiple of {HEADS}")
        if self.rate <= 0 or min(self.temperature, self.heart_rate_tolerance, self.interval_tolerance) < 0:
            raise ValueError("the rate is above 0, temperature and tolerances are 0 or more -> change them")

    @property
    def limits(self) -> Tolerances:
        """The tolerances of the check."""
        return Tolerances(self.heart_rate_tolerance, self.interval_tolerance)


@dataclass(frozen=True)
class Lesson:
    """One pair to learn from, before it becomes tokens."""

    rhythm: str
    report: str
    code: Code


@dataclass(frozen=True)
class Item:
    """One drawn sequence and everything that was found in it."""

    tokens: list[int]
    parsed: Parsed
    signal: list[int]
    findings: Findings
    judgement: Judgement
    reason: str
    detail: str


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Train the network and draw pairs; see :func:`review.generators.generate`."""
    from review.generators import decoder

    templates = ecg_reports.load()
    every = multimodal_pairs.others(options.segments, seed, progress, "simulate")
    usable = [pair for pair in every if pair.findings.rhythm is not None]
    train, held = [list(part) for part in _split(usable)]
    codec = multimodal_codec.learn(train, seed)
    lessons = _lessons(train, codec, templates, options, seed)
    watched = _lessons(held, codec, templates, dataclasses.replace(options, stretch=0), seed)
    words = Vocabulary([lesson.report for lesson in (*lessons, *watched)], codec.sizes)
    known, new = ([words.encode(item.rhythm, item.report, item.code) for item in part] for part in (lessons, watched))
    fitted = decoder.fit(
        known,
        vocabulary=len(words),
        steps=options.steps,
        batch=options.batch,
        width=options.width,
        layers=options.layers,
        heads=HEADS,
        rate=options.rate,
        seed=seed,
        context=words.room,
        watch=new,
        every=EVERY,
        progress=lambda done, total: progress("fit", done, total),
    )
    rhythms = [tuple(RHYTHMS)[index % len(RHYTHMS)] for index in range(n)]
    drawn, other = (_draw(fitted, words, rhythms, seed, options, way) for way in (options.constrained, not options.constrained))
    items = []
    for index, (rhythm, tokens) in enumerate(zip(rhythms, drawn, strict=True)):
        items.append(_read(tokens, rhythm, words, codec, options.limits))
        progress("measure", index + 1, n)
    quantised, back = multimodal_codec.errors(codec, held, options.limits)
    measures: dict[str, tuple[Mapping[str, Any], ...]] = {
        "training": _training(fitted),
        "quantiser": quantised,
        "agreement": (
            *_agreement(items, seed, options.limits),
            *_decoded(held, back, templates, seed, options.limits),
            *multimodal_pairs.baseline(held, templates, seed, options.limits),
        ),
        "checks": _checks(items, rhythms, [words.parse(tokens) for tokens in other], options),
        "copying": _copying(items, lessons, templates),
        "measurement": ecg_measure.accuracy([pair.segment for pair in held], [pair.findings for pair in held], options.limits),
    }
    records = tuple(
        _record(index, *pair, words, item_seed(seed, index)) for index, pair in enumerate(zip(items, rhythms, strict=True))
    )
    facts = {
        "n": n,
        "learnt": len(known),
        "watched": len(new),
        "heads": HEADS,
        "vocabulary": len(words),
        "longest": max(map(len, known)),
        "codes": dict(multimodal_codec.CODES),
        "simulator": ecg.describe(),
    }
    return Dataset(
        "multimodal", "specialized", seed, _model(fitted), {**dataclasses.asdict(options), **facts}, REASONS, records, measures
    )


def _split(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Return the segments to learn from, and those held out: the last fifth, in which the rhythms take turns, too."""
    first = len(pairs) - len(pairs) // HELD
    return list(pairs[:first]), list(pairs[first:])


def _lessons(pairs: Sequence[Pair], codec: Codec, templates: Sequence[Template], options: Options, seed: int) -> list[Lesson]:
    """Return pairs of report and code: each segment as it is, and stretched where its rhythm stays the same by the rule."""
    lessons = []
    for place, pair in enumerate(pairs):
        rhythm = str(pair.findings.rhythm)
        plain = codec.encode(pair.segment.signal, pair.findings)
        for by in range(-options.stretch, options.stretch + 1):
            code = plain.stretched(by) if by else plain
            if not code.fills or ecg_measure.classify(code.heart_rate, code.variation) != rhythm:
                continue
            findings = dataclasses.replace(pair.findings, heart_rate=code.heart_rate)
            own = item_seed(seed, 1000 * place + by + options.stretch)
            texts = multimodal_words.reports(findings, templates, options.reports, own)
            lessons += [Lesson(rhythm, text, code) for text in texts]
    return lessons


def _draw(
    fitted: Fitted, words: Vocabulary, rhythms: Sequence[str], seed: int, options: Options, constrained: bool
) -> list[list[int]]:
    from review.generators import decoder

    return decoder.sample(
        fitted.decoder,
        [words.prefix(rhythm) for rhythm in rhythms],
        length=fitted.decoder.context,
        temperature=options.temperature,
        seeds=[item_seed(seed, index) for index in range(len(rhythms))],
        end=words.numbers[multimodal_words.END],
        allowed=words.allowed if constrained else None,
    )


def _read(tokens: list[int], rhythm: str, words: Vocabulary, codec: Codec, limits: Tolerances) -> Item:
    """Decode, measure and judge a sequence."""
    parsed = words.parse(tokens)
    signal = codec.decode(parsed.code) if parsed.code else []
    findings = ecg_measure.measure(signal)
    judged = multimodal_pairs.judge(parsed.report, findings, limits)
    reason, detail = judged.reason, judged.detail
    if parsed.code is None:
        reason, detail = MALFORMED, parsed.fault
    elif findings.rhythm is None:
        reason, detail = UNMEASURED, f"{len(findings.beats)} beats found"
    elif not reason and findings.rhythm != rhythm:
        reason, detail = OTHER, f"asked for {rhythm}, measured {findings.rhythm}"
    return Item(tokens, parsed, signal, findings, judged, reason, detail)


def _agreement(items: Sequence[Item], seed: int, limits: Tolerances) -> tuple[dict[str, Any], ...]:
    """Return the agreement of generated pairs, and of generated reports with each other's signals."""
    whole = [item for item in items if item.findings.rhythm is not None]
    texts, findings = [item.parsed.report for item in whole], [item.findings for item in whole]
    own = ecg_reports.rates("generated", [item.judgement.verdicts for item in whole])
    return (*own, *multimodal_pairs.exchanged("generated, other signal", texts, findings, seed, limits))


def _decoded(
    held: Sequence[Pair], back: Sequence[Findings], templates: Sequence[Template], seed: int, limits: Tolerances
) -> tuple[dict[str, Any], ...]:
    """Return the agreement of templates with a segment after quantisation: what a perfect network could reach."""
    texts = [multimodal_words.reports(pair.findings, templates, 1, item_seed(seed, place))[0] for place, pair in enumerate(held)]
    checked = [ecg_reports.agreement(text, item, limits) for text, item in zip(texts, back, strict=True)]
    return ecg_reports.rates("template, decoded segment", checked)


def _checks(
    items: Sequence[Item], rhythms: Sequence[str], other: Sequence[Parsed], options: Options
) -> tuple[dict[str, Any], ...]:
    ways = ("constrained", "unconstrained") if options.constrained else ("unconstrained", "constrained")
    made = {
        "well-formed": [item.parsed.code is not None for item in items],
        "rhythm as asked": [item.findings.rhythm == rhythm for item, rhythm in zip(items, rhythms, strict=True)],
        "states something": [item.judgement.stated for item in items],
        "nothing unsupported": [not item.judgement.unsupported for item in items],
        "accepted": [not item.reason for item in items],
    }
    rows = [multimodal_pairs.share(ways[0], name, passed) for name, passed in made.items()]
    rows.insert(1, multimodal_pairs.share(ways[1], "well-formed", [item.code is not None for item in other]))
    return tuple(rows)


def _copying(items: Sequence[Item], lessons: Sequence[Lesson], templates: Sequence[Template]) -> tuple[dict[str, Any], ...]:
    """Return how many items repeat what was learnt from: a template, a report, a signal's codes, or both together."""
    known = multimodal_pairs.skeletons(templates)
    texts = {lesson.report for lesson in lessons}
    codes = {(lesson.code.shape, lesson.code.distances) for lesson in lessons}
    both = {(lesson.report, lesson.code.shape, lesson.code.distances) for lesson in lessons}
    whole = [(item.parsed.report, item.parsed.code) for item in items if item.parsed.code is not None]
    checks = {
        "report is a template": [multimodal_pairs.skeleton(text) in known for text, _ in whole],
        "report word for word": [text in texts for text, _ in whole],
        "signal code for code": [code is not None and (code.shape, code.distances) in codes for _, code in whole],
        "both together": [code is not None and (text, code.shape, code.distances) in both for text, code in whole],
    }
    return tuple(multimodal_pairs.share("copied from what was learnt", name, passed) for name, passed in checks.items())


def _training(fitted: Fitted) -> tuple[dict[str, Any], ...]:
    """Return the loss by step: the mean of the batches since the last look, and of the pairs held out."""
    rows = []
    for (before, _), (step, loss) in zip(fitted.watched, fitted.watched[1:], strict=False):
        batches = fitted.losses[before:step]
        rows.append({"step": step, "loss": round(sum(batches) / len(batches), 4), "series": "pairs to learn from"})
        rows.append({"step": step, "loss": round(loss, 4), "series": "pairs held out"})
    return tuple(rows)


def _model(fitted: Fitted) -> dict[str, str]:
    import torch

    return {
        "backend": "torch",
        "model": f"decoder trained from scratch, {fitted.decoder.size} parameters",
        "sha256": fitted.decoder.checksum,
        "build": f"torch {torch.__version__}",
    }


def _record(index: int, item: Item, rhythm: str, words: Vocabulary, seed: int) -> Record:
    return Record(
        index=index,
        content=multimodal_pairs.content(item.signal, item.findings, item.parsed.report),
        reason=item.reason,
        detail=item.detail,
        seed=seed,
        parameters={"rhythm": rhythm},
        raw="".join(words.names[token] for token in item.tokens),
    )

"""Text, fine-tuning: the local language model, tuned on part of the seed texts (LoRA), writes texts of a label and form.

What tuning changes is measured against the same model without it: how well either predicts the texts held out, how often
their texts have faults, and how much of a text stands word for word in one that was learnt from.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from review import llm
from review.errors import OptionError
from review.files import digest
from review.generators import seeds, text_checks
from review.generators.dataset import ACCEPTED, Dataset, Record, item_seed, normal
from review.generators.text_labels import adherence
from review.generators.text_measures import rate

if TYPE_CHECKING:
    from review.generators import Progress
    from review.generators.seeds import Seed
    from review.generators.text_sampling import Sampled

DEFAULT_SIZE = 8
KINDS = ("note", "dialogue")
REASONS = text_checks.REASONS
TOP_P, BATCH, EVERY, RESAMPLES = 0.95, 2, 5, 2000
FORMS: Mapping[str, str] = types.MappingProxyType({"note": "clinical note", "dialogue": "dialogue of doctor and patient"})


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    kind : {"note", "dialogue"}
    label : str
        One label for all items; "" takes the labels in turn.
    steps : int
        Batches of two texts.
    longest : int
        Words of a text at most; longer ones are neither learnt from nor predicted.
    rank : int
        Of the adapters.
    rate : float
        Learning rate.
    max_tokens : int
        Tokens of a text at most; what is not ended by then is rejected.
    compare : int
        How many of the items, the first ones, the model without tuning writes as well. These texts are no records.
    temperature : float
    model : str
        ``embedded`` or the path of a ``.gguf`` file.
    """

    kind: str = "note"
    label: str = ""
    steps: int = 24
    longest: int = 60
    rank: int = 8
    rate: float = 1e-3
    max_tokens: int = 96
    compare: int = 8
    temperature: float = 0.8
    model: str = llm.EMBEDDED

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        for name, known in (("kind", KINDS), ("label", ("", *seeds.LABELS))):
            if getattr(self, name) not in known:
                choices = ", ".join(repr(code) for code in known)
                raise ValueError(f"the option {name} is {getattr(self, name)!r} -> choose one of: {choices}")
        for name, least in (("steps", 1), ("rank", 1), ("longest", 20), ("max_tokens", 16), ("compare", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"the option {name} is {getattr(self, name)} -> choose {least} or more")
        if not 0 < self.rate <= 1:
            raise ValueError(f"the option rate is {self.rate} -> choose a number above 0 and at most 1")
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"the option temperature is {self.temperature} -> choose a number of 0 or more")


def prompt(kind: str, label: str, register: str) -> str:
    """Return what the model is told, in its chat format."""
    from review.generators import tuning

    return tuning.chat(f"Write a short {FORMS[kind]}. Specialty: {label}. Form: {register}.")


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Tune the model and let it write; see :func:`review.generators.generate`."""
    from review.generators import tuning

    known = seeds.load(options.kind)
    train, held = (tuple(item for item in part if _fits(item, options)) for part in seeds.split(known, seed))
    if not train or not held:
        raise OptionError(f"no text has {options.longest} words or fewer -> allow longer ones")
    base = tuning.load_base(tuning.find(options.model))
    test = [(prompt(item.kind, item.label, item.register), item.text) for item in held]
    before = tuning.likelihoods(base, test)
    examples = [(prompt(item.kind, item.label, item.register), item.text) for item in train]
    losses = tuning.tune(
        base, examples, steps=options.steps, batch=BATCH, rank=options.rank, rate=options.rate, seed=seed, progress=progress
    )
    after = tuning.likelihoods(base, test)
    asked = [_ask(item_seed(seed, index), index, options, train) for index in range(n)]
    prompts = [prompt(options.kind, item["label"], item["register"]) for item in asked]
    draw: dict[str, Any] = {"max_tokens": options.max_tokens, "temperature": options.temperature, "top_p": TOP_P}
    own = [item_seed(seed, index) for index in range(n)]
    written = tuning.sample(base, prompts, seeds=own, progress=progress, **draw)
    some = min(n, options.compare)
    with base.untuned():
        plain = tuning.sample(base, prompts[:some], seeds=own[:some], progress=progress, **draw) if some else []
    sources = {item.id: item.text for item in train}
    verdicts, bare = judge(written, sources), judge(plain, sources)
    records = tuple(
        Record(
            index,
            {"text": text.text.strip(), "label": asked[index]["label"]},
            *verdicts[index],
            own[index],
            {"kind": options.kind, **asked[index], "temperature": options.temperature},
            prompts[index],
            text.text,
        )
        for index, text in enumerate(written)
    )
    labels = [item["label"] for item in asked]
    made = [(record.content["label"], record.content["text"]) for record in records]
    measures: dict[str, tuple[Mapping[str, Any], ...]] = {
        "training": _training(losses),
        "perplexity": perplexities(before, after, seed),
        "faults": faults(verdicts[:some], bare),
        "adherence": (
            *adherence(train, held, made, "tuned model"),
            *adherence(
                train, [], [(label, text.text) for label, text in zip(labels, plain, strict=False)], "model without tuning"
            ),
        ),
        "copying": copying({"tuned model": written, "model without tuning": plain}, train, held),
    }
    chosen = dataclasses.asdict(options)
    facts = {
        "top_p": TOP_P,
        "batch": BATCH,
        "learnt": len(train),
        "held_out": len(held),
        "seeds_sha256": digest(*(f"{item.id}\n{item.text}".encode() for item in known)),
    }
    configuration = {name: value for name, value in chosen.items() if name != "model"} | facts
    return Dataset("text", "fine-tuning", seed, base.identity, configuration, REASONS, records, measures)


def _fits(item: Seed, options: Options) -> bool:
    return len(item.text.split()) <= options.longest


def _ask(own: int, index: int, options: Options, train: Sequence[Seed]) -> dict[str, str]:
    """Return the label of an item, in turn, and a form that texts of this label have, drawn."""
    label = options.label or seeds.LABELS[index % len(seeds.LABELS)]
    forms = sorted(item.register for item in train if item.label == label) or sorted({item.register for item in train})
    return {"label": label, "register": forms[int(np.random.default_rng(own).integers(len(forms)))]}


def judge(written: Sequence[Sampled], sources: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return for each text why it is rejected ("" if it is not) and what exactly was wrong."""
    verdicts: list[tuple[str, str]] = []
    earlier: set[str] = set()
    for item in written:
        text = item.text.strip()
        cut = bool(text) and not item.finished
        verdict = (text_checks.CUT, f"after {len(text.split())} words") if cut else text_checks.fault(text, sources, earlier)
        if not verdict[0]:
            earlier.add(normal(text))
        verdicts.append(verdict)
    return verdicts


def _training(losses: Sequence[float]) -> tuple[dict[str, Any], ...]:
    """Return the mean loss of each few steps, with the last step of them."""
    groups = [losses[start : start + EVERY] for start in range(0, len(losses), EVERY)]
    ends = [min(start + EVERY, len(losses)) for start in range(0, len(losses), EVERY)]
    return tuple({"step": end, "loss": round(sum(group) / len(group), 4)} for end, group in zip(ends, groups, strict=True))


def perplexities(
    before: Sequence[tuple[float, int]], after: Sequence[tuple[float, int]], seed: int
) -> tuple[dict[str, Any], ...]:
    """Return the perplexity of the texts held out before and after tuning, and their ratio, with bootstrap intervals.

    Parameters
    ----------
    before, after : sequence of (float, int)
        Negative log-likelihood in nats of each text, and its tokens.
    seed : int

    Returns
    -------
    tuple of dict
        ``model, perplexity, low, high, texts, tokens``. The intervals are percentiles (95 %) over resampled texts, the same
        ones for all three rows.
    """
    loss = np.array([[pair[0] for pair in scored] for scored in (before, after)])
    tokens = np.array([count for _, count in before])
    drawn = np.random.default_rng(seed).integers(len(tokens), size=(RESAMPLES, len(tokens)))
    draws = loss[:, drawn].sum(axis=2) / tokens[drawn].sum(axis=1)
    values = loss.sum(axis=1) / tokens.sum()
    rows = []
    for name, value, some in (
        ("without tuning", values[0], draws[0]),
        ("tuned", values[1], draws[1]),
        ("tuned / without tuning", values[1] - values[0], draws[1] - draws[0]),
    ):
        low, high = np.quantile(some, [0.025, 0.975])
        interval = {"low": round(math.exp(low), 4), "high": round(math.exp(high), 4)}
        facts = {"texts": len(tokens), "tokens": int(tokens.sum())}
        rows.append({"model": name, "perplexity": round(math.exp(value), 4), **interval, **facts})
    return tuple(rows)


def faults(tuned: Sequence[tuple[str, str]], plain: Sequence[tuple[str, str]]) -> tuple[dict[str, Any], ...]:
    """Count the texts without a fault, and each fault, for the same prompts and seeds with and without tuning."""
    rows = []
    for name in (ACCEPTED, *REASONS):
        reason = "" if name == ACCEPTED else name
        for series, verdicts in (("tuned model", tuned), ("model without tuning", plain)):
            rows.append(rate(name, [found == reason for found, _ in verdicts], series))
    seen = {row["name"] for row in rows if row["count"]}
    return tuple(row for row in rows if row["total"] and row["name"] in seen)


def longest_run(text: str, sources: Sequence[str]) -> int:
    """Return how many words in a row of a text stand in the source that has the longest such run."""
    words, longest = normal(text).split(), 0
    for source in sources:
        other = f" {' '.join(normal(source).split())} "
        start, end = 0, 1
        while end <= len(words):
            if f" {' '.join(words[start:end])} " in other:
                longest = max(longest, end - start)
                end += 1
            else:
                start += 1
                end = max(end, start + 1)
    return longest


def copying(written: Mapping[str, Sequence[Sampled]], train: Sequence[Seed], held: Sequence[Seed]) -> tuple[dict[str, Any], ...]:
    """Return how long the runs of words are that texts share with texts learnt from and, as a control, with texts held out.

    There are fewer texts held out, so as many of the others are taken, the first by identifier.
    """
    few = sorted(train, key=lambda item: item.id)[: len(held)]
    rows = []
    for name, texts in written.items():
        for against, some in (("texts to learn from", few), ("texts held out", held)):
            runs = [longest_run(item.text, [seed.text for seed in some]) for item in texts]
            if runs:
                mean = round(sum(runs) / len(runs), 3)
                rows.append(
                    {"model": name, "compared_with": against, "texts": len(runs), "mean_run": mean, "longest_run": max(runs)}
                )
    return tuple(rows)

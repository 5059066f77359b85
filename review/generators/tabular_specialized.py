"""Tabular, specialized: a transformer trained from scratch writes a row column by column, or a course visit by visit.

``data="table"`` learns a real table whose numbers are cut into bins; ``data="visits"`` learns simulated courses of a chronic
disease (no patients), in the manner of HALO (Theodorou et al. 2023, doi:10.1038/s41467-023-41093-0) and CEHR-GPT (Pang et al.
2024, arXiv:2402.04400), whose probabilities are known. Both are demonstrations: a small network, few data, one setting.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.errors import OptionError
from review.generators import tabular_rows, visits
from review.generators.dataset import Dataset, Record, item_seed
from review.generators.tables import CHOICES, NAMES
from review.statistics import wilson

if TYPE_CHECKING:
    from review.generators import Progress
    from review.generators.decoder import Allowed, Fitted

DEFAULT_SIZE = 200
DATA = ("table", "visits")
UNFINISHED, MALFORMED, IMPOSSIBLE = "unfinished", "malformed", "impossible"
REASONS: Mapping[str, str] = types.MappingProxyType(
    {
        **{code: words for code, words in tabular_rows.REASONS.items() if code != tabular_rows.SHOWN},
        UNFINISHED: "the course does not end within the longest that there can be",
        MALFORMED: "a part of the row or of a visit is missing, there twice or out of order",
        IMPOSSIBLE: "the course holds a step that has probability 0 in the simulator",
    }
)


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    data : {"table", "visits"}
    table : {"breast-cancer", "diabetes"}
        Real table, for ``data="table"``.
    columns : {"chosen", "all"}
        Of the table.
    condition : str
        A class (``malignant``, ``benign``; sex ``1``, ``2``) or age group (``younger``, ``older``) that all items have; "" draws.
    bins : int
        Bins of a number, 2 or more.
    courses : int
        Simulated courses to learn from.
    steps : int
        Steps of training; 0 takes 300 for a table and 400 for visits.
    width, layers : int
        Size of the network.
    temperature : float
        1 draws from what was learnt.
    constrained : bool
        Whether only words that may stand at a place can be drawn there (columns in their order; visits in their parts). What
        happens without is measured in any case.
    """

    data: str = "table"
    table: str = "breast-cancer"
    columns: str = "chosen"
    condition: str = ""
    bins: int = 12
    courses: int = 4000
    steps: int = 0
    width: int = 64
    layers: int = 2
    temperature: float = 1.0
    constrained: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        for name, known in (("data", DATA), ("table", NAMES), ("columns", CHOICES)):
            if getattr(self, name) not in known:
                raise ValueError(f"the option {name} is {getattr(self, name)!r} -> choose one of: {', '.join(known)}")
        least = {"bins": 2, "courses": 10, "steps": 0, "width": 4, "layers": 1}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise ValueError(f"the option {name} is {getattr(self, name)} -> choose {smallest} or more")
        if self.width % HEADS:
            raise ValueError(f"the option width is {self.width} -> choose a multiple of {HEADS}")
        if self.temperature < 0:
            raise ValueError(f"the option temperature is {self.temperature} -> choose 0 or more")


HEADS = 4
EVERY = 25
"""Steps between two looks at the data held out."""

SETTINGS: Mapping[str, Mapping[str, Any]] = types.MappingProxyType(
    {
        "table": {"steps": 300, "batch": 64, "rate": 2e-3, "dropout": 0.3, "decay": 0.1},
        "visits": {"steps": 400, "batch": 32, "rate": 3e-3, "dropout": 0.0, "decay": 0.01},
    }
)
"""Of training. Those of tables were chosen on parts of the rows to learn from (seed 11): with less dropout and more bins the
network learns single rows by heart."""

HELD_COURSES = 300
"""Simulated courses that are watched and never learnt from."""


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Train the network and draw from it; see :func:`review.generators.generate`."""
    return (_rows if options.data == "table" else _courses)(n, seed, options, progress)


def _settings(options: Options) -> dict[str, Any]:
    """Return the settings of training, complete."""
    chosen = dict(SETTINGS[options.data])
    return {**chosen, "steps": options.steps or chosen["steps"], "width": options.width, "layers": options.layers, "heads": HEADS}


def _rows(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    from review.generators import decoder, tables
    from review.generators.tabular_bins import Bins
    from review.generators.tabular_fidelity import FEWEST, copying, fidelity, marginals

    table = tables.load(options.table, options.columns)
    train, held = table.split(seed)
    bins = Bins(table, train, options.bins)
    prefix, settings = bins.prefix(options.condition), _settings(options)
    encoded = [[bins.encode(row) for row in table.rows(part)] for part in (train, held)]
    fitted = decoder.fit(
        encoded[0],
        vocabulary=bins.vocabulary,
        seed=seed,
        watch=encoded[1],
        every=EVERY,
        progress=lambda done, total: progress("fit", done, total),
        **settings,
    )
    judge = tabular_rows.Judge(table, train)
    drawn = _draw(fitted, prefix, bins.length, None, bins.allowed, n, seed, options, progress)
    fitting = [[bins.fits(tokens) for tokens in part] for part in drawn]
    records = []
    for index, tokens in enumerate(drawn[0]):
        own = item_seed(seed, index)
        if fitting[0][index]:
            reason, detail, row = judge.judge(bins.decode(tokens, own))
        else:
            reason, detail, row = MALFORMED, "a token of another column", {}
        records.append(Record(index, row, reason, detail, own, _parameters(options), raw=" ".join(map(str, tokens))))
    measures: dict[str, tuple[Mapping[str, Any], ...]] = {"training": _training(fitted, "rows")}
    measures["validity"] = _validity("rows", fitting, options)
    synthetic = table.frame_of([record.content for record in records if record.content])
    if options.condition:
        first = bins.parts[0].column.name
        train, held = (part[part[first] == options.condition].reset_index(drop=True) for part in (train, held))
    measures["fidelity"] = fidelity(table, train, held, synthetic, seed)
    measures["copying"] = copying(table, train, held, synthetic)
    measures["marginals"] = marginals(table, train, synthetic) if len(synthetic) >= FEWEST else ()
    facts = {"source": table.source, "licence": table.licence, "learnt": len(encoded[0]), "held_out": len(encoded[1])}
    return _dataset(seed, options, {**settings, **facts}, fitted, records, measures)


def _courses(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    from review.generators import decoder, tabular_courses

    if options.condition not in ("", *visits.GROUPS):
        raise OptionError(f"no age group {options.condition!r} -> choose of: {', '.join(visits.GROUPS)}")
    settings = _settings(options)
    seeds = [item_seed(seed, -place) for place in (1, 2, 3)]  # none of them is that of an item
    train, held = visits.simulate(options.courses, seeds[0]), visits.simulate(HELD_COURSES, seeds[1])
    encoded = [[[visits.TOKENS[word] for word in course.words()] for course in part] for part in (train, held)]
    fitted = decoder.fit(
        encoded[0],
        vocabulary=len(visits.WORDS),
        seed=seed,
        watch=encoded[1],
        every=EVERY,
        context=visits.LONGEST,
        progress=lambda done, total: progress("fit", done, total),
        **settings,
    )
    prefix = [visits.TOKENS[word] for word in (visits.START, options.condition) if word]

    def mask(_: int, tokens: list[int]) -> list[int]:
        return [visits.TOKENS[word] for word in visits.allowed([visits.WORDS[token] for token in tokens])]

    drawn = _draw(fitted, prefix, visits.LONGEST, visits.TOKENS[visits.END], mask, n, seed, options, progress)
    read = [[visits.read([visits.WORDS[token] for token in tokens]) for tokens in part] for part in drawn]
    records, made = [], [course for course, _ in read[0] if course]
    for index, ((course, fault), tokens) in enumerate(zip(read[0], drawn[0], strict=True)):
        words = [visits.WORDS[token] for token in tokens]
        detail = fault if course is None else visits.impossible(course)
        reason = IMPOSSIBLE if detail else ""
        if course is None:
            reason = MALFORMED if words[-1] == visits.END else UNFINISHED
        content = {"words": words} if course is None else course.plain()
        own = item_seed(seed, index)
        records.append(Record(index, content, reason, detail, own, _parameters(options), raw=", ".join(words)))
    measures: dict[str, tuple[Mapping[str, Any], ...]] = {"training": _training(fitted, "courses")}
    measures["validity"] = _validity("courses", [[course is not None for course, _ in part] for part in read], options)
    measures["likelihood"] = tabular_courses.likelihoods(fitted.watched[-1][1], held)
    measures["transitions"] = tabular_courses.transitions(made, visits.simulate(len(made), seeds[2]), options.condition)
    measures["within"] = tabular_courses.within(measures["transitions"])
    measures["copying"] = tabular_courses.copies(train, held, made)
    facts = {"source": "simulated, no patients: review.generators.visits", "learnt": len(train), "held_out": len(held)}
    return _dataset(seed, options, {**settings, **facts}, fitted, records, measures)


def _draw(
    fitted: Fitted,
    prefix: list[int],
    length: int,
    end: int | None,
    mask: Allowed,
    n: int,
    seed: int,
    options: Options,
    progress: Progress,
) -> tuple[list[list[int]], list[list[int]]]:
    """Return the sequences asked for, and those of the same seeds that are drawn the other way (constrained or not)."""
    from review.generators import decoder

    ways = (mask, None) if options.constrained else (None, mask)
    common: dict[str, Any] = {"length": length, "temperature": options.temperature, "end": end}
    parts: tuple[list[list[int]], list[list[int]]] = ([], [])
    for index in range(n):
        for way, part in zip(ways, parts, strict=True):
            part.extend(decoder.sample(fitted.decoder, [prefix], seeds=[item_seed(seed, index)], allowed=way, **common))
        progress("sample", index + 1, n)
    return parts


def _validity(noun: str, fitting: Sequence[Sequence[bool]], options: Options) -> tuple[dict[str, Any], ...]:
    """Return the shares of well-formed items: of those asked for, and of those drawn the other way."""
    ways = ("constrained", "unconstrained") if options.constrained else ("unconstrained", "constrained")
    rows = []
    for way, part in sorted(zip(ways, fitting, strict=True)):
        low, high = wilson(sum(part), len(part))
        facts = {"share": sum(part) / len(part), "low": low, "high": high}
        rows.append({"name": f"well-formed {noun}", "series": way, "count": sum(part), "total": len(part), **facts})
    return tuple(rows)


def _parameters(options: Options) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ("condition", "temperature", "constrained")}


def _training(fitted: Fitted, noun: str) -> tuple[dict[str, Any], ...]:
    """Return the loss by step: of the data held out, and the mean of the batches since the last look."""
    rows = []
    for (before, _), (step, loss) in zip(fitted.watched, fitted.watched[1:], strict=False):
        batches = fitted.losses[before:step]
        rows.append({"step": step, "loss": round(sum(batches) / len(batches), 4), "series": f"{noun} to learn from"})
        rows.append({"step": step, "loss": round(loss, 4), "series": f"{noun} held out"})
    return tuple(rows)


def _dataset(
    seed: int,
    options: Options,
    facts: Mapping[str, Any],
    fitted: Fitted,
    records: list[Record],
    measures: Mapping[str, tuple[Mapping[str, Any], ...]],
) -> Dataset:
    import torch

    model = {
        "backend": "torch",
        "model": f"decoder trained from scratch, {fitted.decoder.size} parameters",
        "sha256": fitted.decoder.checksum,
        "build": f"torch {torch.__version__}",
    }
    configuration = {**dataclasses.asdict(options), **facts}
    return Dataset("tabular", "specialized", seed, model, configuration, REASONS, tuple(records), measures)

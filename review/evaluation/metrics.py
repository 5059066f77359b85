"""What a report card is made of: metrics with their limits, measured values with intervals, grades of aspects.

A metric says what it cannot tell, a value says how large the samples were and what perfect data would have got, and a grade
follows from values by a rule that is written down. There is no overall grade.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from review.errors import ReviewError

FAMILIES: Mapping[str, str] = {
    "intrinsic": "Intrinsic",
    "human": "Human in the loop",
    "llm": "Language model as judge",
    "downstream": "Downstream utility",
    "privacy": "Privacy",
}
"""Code of a family -> title. The first three are those that the review counts; the fourth is coded for its studies as well."""

PASS, UNCLEAR, FAIL, NOT_ASSESSABLE, SHOWN = "pass", "unclear", "fail", "not assessable", ""
GRADES: Mapping[str, str] = {
    PASS: "not distinguishable, by its metrics and at these sizes, from what real data get",
    UNCLEAR: "worse than what real data get, but its interval still reaches there",
    FAIL: "worse than what real data get, with its whole interval",
    NOT_ASSESSABLE: "the data, the sizes or a missing input do not allow a grade",
}
"""Grade -> meaning, from best to worst; a value whose verdict is :data:`SHOWN` takes no part in a grade."""

LOWER, HIGHER, BASELINE = "lower", "higher", "baseline"
DIRECTIONS: Mapping[str, str] = {
    LOWER: "lower is better",
    HIGHER: "higher is better",
    BASELINE: "best near the value of real data",
}


@dataclass(frozen=True)
class Metric:
    """One metric: what it is, where it is from, and what it cannot tell.

    Attributes
    ----------
    name : str
        Unique code, for example ``ks``.
    title : str
    family : str
        One of :data:`FAMILIES`.
    aspect : str
        What is graded together, for example ``marginals``.
    low, high : float
        Range of its values; infinite where it has no bound.
    direction : {"lower", "higher", "baseline"}
    reference : str
        Where it is defined: authors, year, DOI or address.
    tells, blind : str
        In a sentence each: what it tells, and what it cannot tell.
    unit : str
    """

    name: str
    title: str
    family: str
    aspect: str
    low: float
    high: float
    direction: str
    reference: str
    tells: str
    blind: str
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse a metric that leaves out what a reader needs."""
        if self.family not in FAMILIES or self.direction not in DIRECTIONS:
            raise ValueError(f"metric {self.name}: no family {self.family!r} or direction {self.direction!r}")
        if not all((self.name, self.title, self.aspect, self.reference, self.tells, self.blind)):
            raise ValueError(f"metric {self.name}: title, aspect, reference, tells and blind are required")

    def plain(self) -> dict[str, Any]:
        """Return the metric as JSON has it; a missing bound is None."""
        facts = dataclasses.asdict(self)
        return {key: None if isinstance(value, float) and math.isinf(value) else value for key, value in facts.items()}


@dataclass(frozen=True)
class Value:
    """One measured value.

    Attributes
    ----------
    metric : str
        Name of a :class:`Metric`.
    subject : str
        What it was measured for: a column, a pair of columns, a label; "" for the whole.
    value : float or None
        None where it could not be measured; ``note`` says why.
    low, high : float or None
        Interval of the value.
    baseline, baseline_low, baseline_high : float or None
        The same measure where the answer is known, above all of real against real data.
    edge : float or None
        Beyond it a value counts as worse than the baseline.
    verdict : str
        One of :data:`GRADES`, or :data:`SHOWN` for a value that is not graded.
    real, synthetic : int
        How many items were compared at a time.
    interval : str
        In words: what the interval is.
    against : str
        In words: what the baseline is.
    note : str
        Sampling with its error, small samples, why there is no value.
    """

    metric: str
    subject: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    baseline_low: float | None = None
    baseline_high: float | None = None
    edge: float | None = None
    verdict: str = SHOWN
    real: int = 0
    synthetic: int = 0
    interval: str = ""
    against: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Turn numbers that JSON does not know into None; refuse an unknown verdict and a silent gap."""
        for name in ("value", "low", "high", "baseline", "baseline_low", "baseline_high", "edge"):
            number = getattr(self, name)
            if number is not None:
                object.__setattr__(self, name, round(float(number), 6) if math.isfinite(number) else None)
        if self.verdict not in (*GRADES, SHOWN):
            raise ValueError(f"no verdict named {self.verdict!r}")
        if self.value is None and not self.note:
            raise ValueError(f"{self.metric} {self.subject}: a missing value needs a note")


@dataclass(frozen=True)
class Grade:
    """The grade of one aspect, and the values that decided it.

    Attributes
    ----------
    family, aspect, grade : str
    reason : str
        In words, with numbers.
    decided_by : tuple of str
        ``metric`` or ``metric:subject`` of the values that have the worst verdict.
    """

    family: str
    aspect: str
    grade: str
    reason: str
    decided_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an unknown grade."""
        if self.grade not in GRADES:
            raise ValueError(f"no grade named {self.grade!r}")


@dataclass(frozen=True)
class Section:
    """What one module measured.

    Attributes
    ----------
    values : tuple of Value
    grades : tuple of Grade
    notes : tuple of str
        What a reader has to know before the numbers.
    tables : mapping of str to tuple of mappings
        Further tables, for example examples of copies; plain values only.
    """

    values: tuple[Value, ...] = ()
    grades: tuple[Grade, ...] = ()
    notes: tuple[str, ...] = ()
    tables: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """What decides a card besides the data.

    Attributes
    ----------
    seed : int
        Of everything random.
    deals : int
        How often the real items are dealt into two parts.
    most : int
        Items of each side that are compared at a time; what is beyond is sampled anew in each deal.
    repeats : int
        Of training, where a model is trained.
    model : str
        Language model for perplexity, as in :func:`review.llm.load`; "" measures none.
    """

    seed: int = 0
    deals: int = 200
    most: int = 5000
    repeats: int = 20
    model: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that make no interval."""
        for name, least in (("seed", 0), ("deals", 20), ("most", 50), ("repeats", 5)):
            if getattr(self, name) < least:
                raise ReviewError(f"{name} is {getattr(self, name)} -> choose {least} or more")


def grade(family: str, aspect: str, values: Iterable[Value], empty: str = "nothing of it could be measured") -> Grade:
    """Grade an aspect by its worst verdict.

    Parameters
    ----------
    family, aspect : str
    values : iterable of Value
        Of this aspect; those that are only shown are passed over.
    empty : str
        Why there is no grade if no value has a verdict.
    """
    judged = [value for value in values if value.verdict not in (SHOWN, NOT_ASSESSABLE)]
    if not judged:
        return Grade(family, aspect, NOT_ASSESSABLE, empty)
    order = list(GRADES)
    worst = max((value.verdict for value in judged), key=order.index)
    deciding = [value for value in judged if value.verdict == worst]
    names = tuple(f"{value.metric}:{value.subject}" if value.subject else value.metric for value in deciding)
    words = f"{len(deciding)} of {len(judged)} graded values: {GRADES[worst]}"
    return Grade(family, aspect, worst, words, () if worst == PASS else names)


def verdict(value: float, low: float, high: float, edge: float, direction: str) -> str:
    """Return how a value stands to the edge of what real data get.

    Pass: the value is not beyond the edge. Fail: its whole interval is. Unclear: the value is, its interval reaches back.

    Parameters
    ----------
    direction : {"lower", "higher"}
        What is better.
    """
    if any(math.isnan(number) for number in (value, low, high, edge)):
        return NOT_ASSESSABLE
    if direction == HIGHER:
        value, low, high, edge = -value, -high, -low, -edge
    if value <= edge:
        return PASS
    return FAIL if low > edge else UNCLEAR


def catalogue(*groups: Sequence[Metric]) -> dict[str, Metric]:
    """Return metrics by name.

    Raises
    ------
    ValueError
        If two have one name.
    """
    found: dict[str, Metric] = {}
    for metric in (metric for group in groups for metric in group):
        if metric.name in found:
            raise ValueError(f"two metrics are named {metric.name!r}")
        found[metric.name] = metric
    return found

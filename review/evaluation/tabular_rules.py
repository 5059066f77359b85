"""Rules that hold in every real row of the reference part, and how often other rows break them.

Ranges, levels, missing values, whole numbers, and the order of two columns of numbers. Real rows break such rules, too: the
share of synthetic rows that do is compared with the share of the second real part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review.evaluation import baseline
from review.evaluation.metrics import LOWER, Metric, Settings, Value
from review.evaluation.tabular_arrays import JOIN, Layout, Matrix, small

FAMILY, ASPECT = "intrinsic", "constraints"
FOUND = "broken_rules"
ORDERED = 30
"""Rows with both values known from which an order between two columns is taken for a rule."""

MOST = 30
"""Columns of numbers between which an order is looked for: the first ones."""

LISTED = 50
KINDS: Mapping[str, str] = {
    "range": "numbers outside the range",
    "level": "levels never seen",
    "missing": "missing where never missing",
    "whole": "decimals where only whole numbers",
    "order": "order of two columns turned round",
}
ADHERENCE = "https://docs.sdv.dev/sdmetrics/data-metrics/diagnostic"

METRICS = (
    Metric(
        FOUND,
        "Rows that break a rule of the real data",
        FAMILY,
        ASPECT,
        0.0,
        1.0,
        LOWER,
        f"defined here; ranges and levels as in BoundaryAdherence and CategoryAdherence, {ADHERENCE}; "
        "the edge is no nearer than the Wilson interval of the median share of the second real parts",
        "How often rows break what holds in every row of the real reference part: ranges, levels, missing values, whole numbers "
        "and the order of two columns.",
        "Rules that nobody can find in values, for example of physiology; a rule that holds by chance counts as well.",
        "share of rows",
    ),
)


@dataclass(frozen=True)
class Found:
    """The rules that hold in every row of a sample."""

    columns: Layout
    low: Matrix
    high: Matrix
    whole: NDArray[np.bool_]
    required: NDArray[np.bool_]
    seen: tuple[NDArray[np.bool_], ...]
    ordered: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, rows: Matrix, columns: Layout) -> Found:
        """Find them."""
        count = len(columns.numbers)
        numbers, known = rows[:, :count], ~np.isnan(rows)
        low = np.fmin.reduce(numbers, axis=0) if count else np.empty(0)
        high = np.fmax.reduce(numbers, axis=0) if count else np.empty(0)
        whole = np.asarray(((numbers == np.floor(numbers)) | ~known[:, :count]).all(axis=0) & known[:, :count].any(axis=0))
        seen = []
        for place, _, levels in columns.coded():
            values = rows[known[:, place], place].astype(np.int64)
            seen.append(np.bincount(values, minlength=levels) > 0)
        ordered = []
        for left in range(min(count, MOST)):
            turned = np.asarray((numbers[:, [left]] > numbers[:, :MOST]).any(axis=0))
            both = known[:, left] @ known[:, : min(count, MOST)].astype(np.float64)
            for right in range(min(count, MOST)):
                telling = low[left] < high[left] and low[right] < high[right] and high[left] > low[right]
                if left != right and not turned[right] and both[right] >= ORDERED and telling:
                    ordered.append((left, right))
        return cls(columns, low, high, whole, np.asarray(known.all(axis=0)), tuple(seen), tuple(ordered))

    def kinds(self) -> list[str]:
        """Return the kinds of rules that the columns can have."""
        numbers, classes = bool(self.columns.numbers), bool(self.columns.classes)
        having = {"range": numbers, "level": classes, "missing": True, "whole": numbers, "order": len(self.columns.numbers) > 1}
        return [kind for kind, there in having.items() if there]

    def each(self, rows: Matrix) -> Iterable[tuple[str, str, NDArray[np.bool_]]]:
        """Return kind, words and broken rows of each rule."""
        names, count = self.columns.names, len(self.columns.numbers)
        for place in range(count):
            values = rows[:, place]
            words = f"{self.low[place]:g} <= {names[place]} <= {self.high[place]:g}"
            yield "range", words, (values < self.low[place]) | (values > self.high[place])
            if self.whole[place]:
                yield "whole", f"{names[place]} whole numbers", ~np.isnan(values) & (values != np.floor(values))
        for (place, name, _), seen in zip(self.columns.coded(), self.seen, strict=True):
            known = ~np.isnan(rows[:, place])
            broken = np.zeros(len(rows), dtype=bool)
            broken[known] = ~seen[rows[known, place].astype(np.int64)]
            yield "level", f"{name} one of the {int(seen.sum())} levels seen", broken
        for place in np.flatnonzero(self.required).tolist():
            yield "missing", f"{names[place]} never missing", np.isnan(rows[:, place])
        for left, right in self.ordered:
            yield "order", f"{names[left]} <= {names[right]}", rows[:, left] > rows[:, right]

    def shares(self, rows: Matrix) -> dict[str, float]:
        """Return the share of rows that break any rule, and a rule of each kind."""
        broken = {kind: np.zeros(len(rows), dtype=bool) for kind in self.kinds()}
        for kind, _, found in self.each(rows):
            broken[kind] |= found
        every = np.any(list(broken.values()), axis=0)
        return {FOUND: float(every.mean())} | {JOIN.join((FOUND, kind)): float(found.mean()) for kind, found in broken.items()}


def found(real: Matrix, synthetic: Matrix, columns: Layout, settings: Settings, note: str) -> list[Value]:
    """Return how often rows break rules that hold in the reference part; the share of all kinds together is graded."""
    last: list[Any] = []

    def measure(one: Matrix, other: Matrix) -> dict[str, float]:
        if not last or last[0] is not one:
            last[:] = [one, Found.of(one, columns)]
        return dict(last[1].shares(other))

    compared = baseline.compare(measure, real, synthetic, settings, {FOUND: LOWER})
    values = []
    for name, summary in compared.items():
        kind = name.partition(JOIN)[2]
        if not kind:
            size = summary.sizes.other
            summary = baseline.spare(summary, round(summary.baseline * size), size)  # noqa: PLW2901
        notes = (KINDS.get(kind, ""), small(summary.sizes), note)
        values.append(summary.as_value(FOUND, kind, LOWER, "; ".join(filter(None, notes))))
    return values


def listed(real: Matrix, synthetic: Matrix, columns: Layout) -> tuple[Mapping[str, Any], ...]:
    """Return the rules of all real rows that synthetic rows break most often."""
    rows: list[dict[str, Any]] = []
    for kind, words, broken in Found.of(real, columns).each(synthetic):
        count = int(broken.sum())
        if count:
            rows.append({"kind": kind, "rule": words, "rows": count, "share": round(count / len(synthetic), 6)})
    return tuple(sorted(rows, key=lambda row: (-row["rows"], row["rule"]))[:LISTED])

"""Whether columns hang together in the synthetic rows as they do in the real ones.

Rank correlation (Spearman) of each pair of numbers, normalised mutual information of each pair of columns. What is graded is
the mean and the largest absolute difference over the pairs; the single pairs are listed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review.evaluation import baseline
from review.evaluation.metrics import LOWER, Grade, Metric, Settings, Value, grade
from review.evaluation.tabular_arrays import JOIN, RARE, Layout, Matrix, draw, one_thread, small

FAMILY, ASPECT = "intrinsic", "dependence"
COLUMNS = 30
"""Columns up to which every pair is compared; of more, so many are drawn by the seed."""

BINS = 5
"""Parts into which the quantiles of the reference part cut a column of numbers."""

KNOWN = 10
"""Rows with both values known below which a pair has no rank correlation."""

LISTED = 10
SHOWN_ROWS = 50_000
"""Rows of each side from which the two values of a listed pair are taken."""

MEAN, LARGEST = "mean of pairs", "largest of pairs"
RANK, INFORMATION = "rank_correlation", "mutual_information"

METRICS = (
    Metric(
        RANK,
        "Difference of rank correlations",
        FAMILY,
        ASPECT,
        0.0,
        2.0,
        LOWER,
        "Spearman 1904, American Journal of Psychology 15, 72-101, https://www.jstor.org/stable/1412159",
        "Whether pairs of numbers rise and fall together as strongly in the synthetic rows as in the real ones.",
        "Relations that are not monotonous, relations of three or more columns, and which rows make a relation.",
    ),
    Metric(
        INFORMATION,
        "Difference of normalised mutual information",
        FAMILY,
        ASPECT,
        0.0,
        1.0,
        LOWER,
        "Vinh, Epps and Bailey 2010, Journal of Machine Learning Research 11, 2837-2854 (by the mean of the entropies)",
        f"Whether two columns tell as much about each other; numbers in {BINS} bins by quantiles of the reference part, missing "
        f"values as a bin of their own, levels beyond the {RARE} most frequent ones as one.",
        "The direction and form of a relation (a relation turned round counts the same), and anything finer than the bins.",
    ),
)


@dataclass
class Associations:
    """The association of each pair of columns, for rows against the bins of a reference part.

    Attributes
    ----------
    columns : Layout
    chosen : tuple of int
        Columns whose pairs are looked at.
    merge : tuple of array
        For each class: place of a level -> code from 1 on.
    """

    columns: Layout
    chosen: tuple[int, ...]
    merge: tuple[NDArray[np.int64], ...]
    _held: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Lay out the pairs."""
        first, second = np.triu_indices(len(self.chosen), 1)
        self.pairs = list(zip(first.tolist(), second.tolist(), strict=True))
        count = len(self.columns.numbers)
        self.numbers = [place for place in self.chosen if place < count]
        self.ranked = [pair for pair in self.pairs if self.chosen[pair[1]] < count]
        self.sizes = np.array([BINS + 1 if at < count else int(self.merge[at - count].max()) + 1 for at in self.chosen])
        self.first, self.second = first, second
        cells = self.sizes[first] * self.sizes[second]
        self.starts = np.concatenate([[0], np.cumsum(cells)]).astype(np.int64)

    def label(self, metric: str, pair: tuple[int, int]) -> str:
        """Return the name of the measure of one pair."""
        return JOIN.join((metric, *(self.columns.names[self.chosen[at]] for at in pair)))

    def edges(self, rows: Matrix) -> list[Matrix]:
        """Return the inner quantiles of each chosen column of numbers."""
        inner = np.arange(1, BINS) / BINS
        known = [rows[:, place][~np.isnan(rows[:, place])] for place in self.numbers]
        return [np.quantile(values, inner) if len(values) else np.zeros(BINS - 1) for values in known]

    def information(self, rows: Matrix, edges: list[Matrix]) -> Matrix:
        """Return the normalised mutual information of every pair; 0 where a column holds one value only."""
        codes = np.zeros((len(self.chosen), len(rows)), dtype=np.int64)
        for at, place in enumerate(self.chosen):
            values = rows[:, place]
            known = ~np.isnan(values)
            if place < len(self.columns.numbers):
                codes[at, known] = np.searchsorted(edges[at], values[known], side="right") + 1
            else:
                codes[at, known] = self.merge[place - len(self.columns.numbers)][values[known].astype(np.int64)]
        single = np.array([_entropy(np.bincount(held)) for held in codes])
        joint = codes[self.first] * self.sizes[self.second][:, None] + codes[self.second] + self.starts[:-1, None]
        counts = np.bincount(joint.ravel(), minlength=int(self.starts[-1]))
        logs = np.where(counts > 0, counts * np.log(np.maximum(counts, 1)), 0.0)
        both = math.log(len(rows)) - np.add.reduceat(logs, self.starts[:-1]) / len(rows)
        total = single[self.first] + single[self.second]
        shared = np.maximum(total - both, 0.0)
        return np.where((single[self.first] > 0) & (single[self.second] > 0), 2 * shared / np.where(total > 0, total, 1.0), 0.0)

    def ranks(self, rows: Matrix) -> Matrix:
        """Return the rank correlation of every pair of numbers.

        Ranks are those among the known values of a column, and rows count where both are known; NaN if these are fewer than
        :data:`KNOWN`, 0 if one column holds one value only.
        """
        from scipy.stats import rankdata

        held = rows[:, self.numbers]
        known = ~np.isnan(held)
        scaled = np.zeros_like(held)
        for at in range(held.shape[1]):
            values = held[known[:, at], at]
            scaled[known[:, at], at] = (rankdata(values) - (len(values) + 1) / 2) / max(len(values), 1)
        seen = known.astype(float)
        count = seen.T @ seen
        sums, squares, products = scaled.T @ seen, (scaled**2).T @ seen, scaled.T @ scaled
        below = count * squares - sums**2
        below = np.sqrt(np.where(below > 1e-12 * count * squares, below, 0.0))
        below = below * below.T
        found = np.where(below > 0, (count * products - sums * sums.T) / np.where(below > 0, below, 1.0), 0.0)
        found = np.where(count >= KNOWN, np.clip(found, -1.0, 1.0), np.nan)
        return np.array([found[pair] for pair in self.ranked])

    def measure(self, one: Matrix, other: Matrix) -> dict[str, float]:
        """Return the absolute difference for each pair, and mean and largest over the pairs."""
        if not self._held or self._held[0] is not one:
            edges = self.edges(one)
            self._held[:] = [one, edges, self.ranks(one), self.information(one, edges)]
        _, edges, ranks, information = self._held
        found: dict[str, float] = {}
        gaps = (
            (RANK, self.ranked, ranks - self.ranks(other)),
            (INFORMATION, self.pairs, information - self.information(other, edges)),
        )
        for metric, pairs, signed in gaps:
            gap = np.abs(signed)
            known = gap[~np.isnan(gap)]
            if pairs:
                found[JOIN.join((metric, MEAN))] = float(known.mean()) if len(known) else math.nan
                found[JOIN.join((metric, LARGEST))] = float(known.max()) if len(known) else math.nan
            found |= {self.label(metric, pair): float(value) for pair, value in zip(pairs, gap, strict=True)}
        return found


def associations(real: Matrix, columns: Layout, seed: int) -> Associations:
    """Choose the columns and the levels that are told apart."""
    count = len(columns.names)
    places = np.arange(count)
    if count > COLUMNS:
        places = np.sort(np.random.default_rng([seed, 3]).choice(count, COLUMNS, replace=False))
    merge = []
    for place, _, levels in columns.coded():
        values = real[:, place]
        often = np.bincount(values[~np.isnan(values)].astype(np.int64), minlength=levels)
        order = np.argsort(-often, kind="stable")
        codes = np.full(levels, RARE + 1, dtype=np.int64)
        codes[order[:RARE]] = np.arange(1, min(levels, RARE) + 1)
        merge.append(codes if levels else np.zeros(1, dtype=np.int64))
    return Associations(columns, tuple(places.tolist()), tuple(merge))


def measure(
    real: Matrix, synthetic: Matrix, columns: Layout, settings: Settings, note: str
) -> tuple[tuple[Value, ...], Grade, tuple[Mapping[str, Any], ...]]:
    """Compare the dependence of columns; also return the pairs that differ most."""
    empty = "a pair needs two columns of numbers or classes"
    if len(columns.names) < 2:
        return (), grade(FAMILY, ASPECT, (), empty), ()
    held = associations(real, columns, settings.seed)
    totals = [JOIN.join((metric, part)) for metric in (RANK, INFORMATION) for part in (MEAN, LARGEST)]
    with one_thread():
        compared = baseline.compare(held.measure, real, synthetic, settings, dict.fromkeys(totals, LOWER))
    values = []
    for name in totals:
        if name in compared:
            metric, part = name.split(JOIN)
            pairs = held.ranked if metric == RANK else held.pairs
            parts = [f"{len(pairs)} pairs", small(compared[name].sizes), note]
            if len(columns.names) > COLUMNS:
                parts.insert(1, f"of {COLUMNS} columns drawn by the seed from {len(columns.names)}")
            values.append(compared[name].as_value(metric, part, LOWER, "; ".join(filter(None, parts))))
    few = f"fewer than {baseline.FEWEST} rows in a part"
    return tuple(values), grade(FAMILY, ASPECT, values, few), _listed(held, compared, real, synthetic, settings.seed)


def _listed(
    held: Associations, compared: Mapping[str, baseline.Compared], real: Matrix, synthetic: Matrix, seed: int
) -> tuple[Mapping[str, Any], ...]:
    rows: list[Mapping[str, Any]] = []
    one, other = draw(real, SHOWN_ROWS, [seed, 4]), draw(synthetic, SHOWN_ROWS, [seed, 5])
    edges = held.edges(one)
    tables = (
        (RANK, held.ranked, held.ranks(one), held.ranks(other)),
        (INFORMATION, held.pairs, held.information(one, edges), held.information(other, edges)),
    )
    for metric, pairs, left, right in tables:
        found: list[dict[str, Any]] = []
        for pair, *both in zip(pairs, left, right, strict=True):
            summary = compared.get(held.label(metric, pair))
            if summary is None or math.isnan(summary.value):
                continue
            first, second = (held.columns.names[held.chosen[at]] for at in pair)
            numbers = (*both, summary.value, summary.baseline, summary.baseline_high)
            rounded = [None if math.isnan(number) else round(float(number), 4) for number in numbers]
            keys = ("real", "synthetic", "difference", "difference_real", "difference_real_high")
            found.append({"metric": metric, "first": first, "second": second, **dict(zip(keys, rounded, strict=True))})
        rows += sorted(found, key=lambda row: (-row["difference"], row["first"], row["second"]))[:LISTED]
    return tuple(rows)


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) if len(shares) > 1 else 0.0

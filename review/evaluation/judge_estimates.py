"""Numbers with intervals over items or pairs, for scores in which some answers are missing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from review.statistics import LEVEL, wilson

RESAMPLES = 2000
NAN = math.nan
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, and the units (items or pairs) it rests on; NaN where it is not known."""

    value: float = NAN
    low: float = NAN
    high: float = NAN
    units: int = 0

    def __str__(self) -> str:
        return f"{self.value:.2f}" if math.isnan(self.low) else f"{self.value:.2f}, {self.low:.2f} to {self.high:.2f}"


def shares(hits: int, total: int) -> Estimate:
    """Return a share with its Wilson interval."""
    return Estimate(hits / total, *wilson(hits, total), total) if total else Estimate()


def mean(values: Floats, seed: int) -> Estimate:
    """Return the mean of the known values with its bootstrap interval over them."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Estimate()
    return Estimate(float(known.mean()), *_bounds(_drawn(len(known), seed) @ known / len(known), len(known)), len(known))


def auc(better: Floats, worse: Floats, seed: int) -> Estimate:
    """Return how often an original has a higher score than a bad copy, ties as half; the interval is over the originals.

    Both are of one length, each bad copy at the place of its original. Where all are told apart, the bootstrap knows no
    uncertainty; the interval is then that of Wilson for as many successes.
    """
    known = ~np.isnan(better) & ~np.isnan(worse)
    better, worse = better[known], worse[known]
    if not len(better):
        return Estimate()
    higher = (better[:, None] > worse[None, :]) + 0.5 * (better[:, None] == worse[None, :])
    n, value = len(better), float(higher.mean())
    if value in (0.0, 1.0):
        return Estimate(value, *wilson(int(value) * n, n), n)
    weights = _drawn(n, seed)
    return Estimate(value, *_bounds(((weights @ higher) * weights).sum(axis=1) / n**2, n), n)


def spearman(one: Floats, other: Floats, seed: int) -> Estimate:
    """Return the rank correlation with its bootstrap interval over items; NaN where one side has a single value."""
    known = ~np.isnan(one) & ~np.isnan(other)
    one, other = one[known], other[known]
    if len(one) < 2:
        return Estimate()
    places = np.random.default_rng(seed).integers(len(one), size=(RESAMPLES, len(one)))
    value = float(_rank_correlation(one[None, :], other[None, :])[0])
    return Estimate(value, *_bounds(_rank_correlation(one[places], other[places]), len(one)), len(one))


def alpha(scores: Floats, seed: int) -> Estimate:
    """Return Krippendorff's alpha (nominal) of repeated scores, for all criteria together.

    Disagreement within items is added up over the criteria, and so is the disagreement that chance would make on each: a
    criterion on which all items have one score adds nothing to either. For one criterion this is
    :func:`review.agreement.krippendorff_alpha`. NaN where no criterion has two scores.

    Parameters
    ----------
    scores : array (items, criteria, repeats)
    seed : int
        Of the bootstrap over items.
    """
    given = (scores[..., None] == np.unique(scores[~np.isnan(scores)])).sum(axis=2).astype(float)  # items, criteria, levels
    given *= given.sum(axis=2, keepdims=True) > 1
    units = int((given.sum(axis=(1, 2)) > 0).sum())
    if not units:
        return Estimate()
    drawn = _drawn(len(scores), seed)
    value = float(_alpha(given, np.ones((1, len(scores))))[0])
    return Estimate(value, *_bounds(_alpha(given, drawn), units), units)


def _alpha(given: Floats, weights: NDArray[np.number]) -> Floats:
    coders = given.sum(axis=2)
    apart = (coders**2 - (given**2).sum(axis=2)) / np.where(coders > 1, coders - 1, 1)
    observed = weights @ apart
    values = np.einsum("bi,icv->bcv", weights, given)
    codes = values.sum(axis=2)
    expected = (codes**2 - (values**2).sum(axis=2)) / np.where(codes > 1, codes - 1, 1)
    within = np.divide(observed, codes, out=np.zeros_like(codes), where=codes > 0).sum(axis=1)
    chance = np.divide(expected, codes, out=np.zeros_like(codes), where=codes > 0).sum(axis=1)
    found = np.full(len(weights), NAN)
    np.divide(chance - within, chance, out=found, where=chance > 0)
    return found


def most_frequent(scores: Floats, levels: int, seed: int) -> tuple[Estimate, Estimate]:
    """Return the share of the most frequent of some scores, and their entropy in bits, with intervals over items.

    Parameters
    ----------
    scores : array (items, repeats)
    levels : int
    """
    counts = np.array([(scores == at).sum(axis=1) for at in range(1, levels + 1)], dtype=float).T
    counts = counts[counts.sum(axis=1) > 0]
    if not len(counts):
        return Estimate(), Estimate()
    tables = np.concatenate([counts.sum(axis=0)[None], _drawn(len(counts), seed) @ counts])
    parts = tables / tables.sum(axis=1, keepdims=True)
    bits = -(parts * np.log2(np.where(parts > 0, parts, 1))).sum(axis=1)
    found = [Estimate(float(row[0]), *_bounds(row[1:], len(counts)), len(counts)) for row in (parts.max(axis=1), np.abs(bits))]
    return found[0], found[1]


def nanmean(table: Floats) -> Floats:
    """Return the mean of each row without its NaN, NaN for a row without numbers; no warning."""
    flat = table.reshape(len(table), -1)
    known = ~np.isnan(flat)
    found = np.full(len(flat), NAN)
    np.divide(np.where(known, flat, 0).sum(axis=1), known.sum(axis=1), out=found, where=known.any(axis=1))
    return found


def _drawn(n: int, seed: int) -> NDArray[np.int64]:
    """Return how often each unit is in each resample."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)


def _bounds(values: Floats, units: int) -> tuple[float, float]:
    """Return the middle 95 % of resamples; NaN for a single unit, and where they are undefined in more than 2.5 %."""
    tail = (1 - LEVEL) / 2
    known = values[~np.isnan(values)]
    if units < 2 or len(known) < (1 - tail) * len(values):
        return NAN, NAN
    low, high = np.quantile(known, (tail, 1 - tail))
    return float(low), float(high)


def _rank_correlation(one: Floats, other: Floats) -> Floats:
    from scipy.stats import rankdata

    left, right = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (rankdata(one, axis=1), rankdata(other, axis=1)))
    below = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    found = np.full(len(below), NAN)
    np.divide((left * right).sum(axis=1), below, out=found, where=below > 0)
    return found

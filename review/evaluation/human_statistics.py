"""Real and synthetic items beside each other: means with bootstrap intervals over items, and what chance alone would make.

Items are drawn anew within each origin; the raters are held fixed, so that an interval says nothing about other raters. What
chance makes comes from dealing the origins anew among the items, as often as there are draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from review.evaluation.baseline import Indices, together
from review.evaluation.human_answers import Flags, Floats
from review.statistics import wilson

RESAMPLES = 2000
POWER = 0.8416212
"""Quantile of the normal distribution: what lies so many spreads beyond the edge is found in 8 of 10 cases."""

DIGITS = 9
"""Digits that count: shares of few items meet their edges exactly, and must not cross them by an error of rounding."""

NAN = float("nan")


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval; NaN where there is none."""

    value: float
    low: float = NAN
    high: float = NAN


@dataclass(frozen=True)
class Difference:
    """Synthetic minus real items, for one criterion.

    Attributes
    ----------
    real, synthetic, real_median, synthetic_median, difference : Interval
    null : Interval
        The difference if origins are dealt among the items: median and middle 95 %.
    edge : float
        Beyond it the difference is worse than chance makes it, all criteria together in 5 % of the deals.
    found : float
        Size of a difference that would be beyond the edge in 8 of 10 cases.
    sizes : (int, int)
        Real and synthetic items with an answer.
    """

    real: Interval
    synthetic: Interval
    real_median: Interval
    synthetic_median: Interval
    difference: Interval
    null: Interval
    edge: float
    found: float
    sizes: tuple[int, int]


def item_means(table: Floats) -> Floats:
    """Return the mean of each item over the raters who answered; NaN without any."""
    return _row_means(table)


def compare(means: Mapping[str, Floats], synthetic: Flags, directions: Mapping[str, str], seed: int) -> dict[str, Difference]:
    """Compare the item means of each criterion.

    Parameters
    ----------
    means : mapping of str to array (items,)
        By criterion.
    synthetic : array (items,)
    directions : mapping of str to {"lower", "higher"}
        What is better, by criterion.
    seed : int

    Returns
    -------
    dict
        Without the criteria that nobody answered for items of both origins.
    """
    draw = np.random.default_rng(seed)
    size = len(synthetic)
    first, second = np.flatnonzero(~synthetic), np.flatnonzero(synthetic)
    drawn = [side[draw.integers(0, len(side), (RESAMPLES, len(side)))] for side in (first, second)]
    dealt = draw.random((RESAMPLES, size)).argsort(axis=1) < len(second)
    kept: dict[str, Floats] = {}
    nulls: dict[str, Floats] = {}
    for name, values in means.items():
        known = ~np.isnan(values)
        if known[first].any() and known[second].any():
            kept[name] = values
            nulls[name] = _weighted(values, dealt) - _weighted(values, ~dealt)
    nulls = {name: np.round(null, DIGITS) for name, null in nulls.items()}
    edges = together(nulls, {name: directions[name] for name in nulls})
    return {name: _difference(kept[name], nulls[name], (first, second), drawn, edges.get(name, NAN)) for name in kept}


def recognised(said_synthetic: Floats, synthetic: Flags, seed: int) -> tuple[Interval, Interval, float, float]:
    """Return the share of items whose origin was recognised, the mean of that of real and of synthetic items.

    Parameters
    ----------
    said_synthetic : array (items, raters)
        1 where a rater said synthetic, 0 for real, NaN without an answer.
    synthetic : array (items,)
    seed : int

    Returns
    -------
    share, null : Interval
        Null: if the origins are dealt among the items.
    edge : float
        Distance from 0.5 that is reached in 5 % of the deals.
    found : float
        Distance from 0.5 that would be beyond the edge in 8 of 10 cases.

    Notes
    -----
    One rater: Wilson's interval of the share; with unequal numbers of real and synthetic items that of their mean by
    :func:`add`. Several: bootstrap over items, and Wilson's interval with one trial an item where that has no spread.
    """
    means = item_means(said_synthetic)
    known = ~np.isnan(means)
    means, truth, answers = means[known], synthetic[known], said_synthetic[known]
    result = compare({"": means}, truth, {"": "lower"}, seed)[""]
    share = 0.5 + result.difference.value / 2
    draws = (0.5 + result.difference.low / 2, 0.5 + result.difference.high / 2)
    if answers.shape[1] == 1 or draws[0] == draws[1] or np.isnan(draws[0]):
        draws = _exact(means, truth)
    dealt = np.random.default_rng(seed).random((RESAMPLES, len(truth))).argsort(axis=1) < truth.sum()
    null = 0.5 + (_weighted(means, dealt) - _weighted(means, ~dealt)) / 2
    edge = float(np.quantile(np.abs(null - 0.5), 0.95))
    return Interval(share, *draws), _interval(null), edge, edge + POWER * float(null.std(ddof=1))


def add(first: tuple[float, int], second: tuple[float, int], weights: tuple[float, float]) -> Interval:
    """Return the weighted sum of two shares, with the interval that follows from the Wilson intervals of both.

    Newcombe 1998 (Statistics in Medicine 17, 873-890, method 10), for weights 1 and -1 the difference.

    Parameters
    ----------
    first, second : (float, int)
        Share, and of how many; the share is rounded to whole counts for its interval.
    """
    value, below, above = 0.0, 0.0, 0.0
    for (share, total), weight in zip((first, second), weights, strict=True):
        low, high = wilson(round(share * total), total)
        value += weight * share
        sides = (weight * (share - low), weight * (high - share))
        below += (sides[0] if weight > 0 else sides[1]) ** 2
        above += (sides[1] if weight > 0 else sides[0]) ** 2
    return Interval(value, value - sqrt(below), value + sqrt(above))


def _exact(means: Floats, truth: Flags) -> tuple[float, float]:
    parts = [(float((1 - means[~truth]).mean()), int((~truth).sum())), (float(means[truth].mean()), int(truth.sum()))]
    if parts[0][1] == parts[1][1]:
        total = len(truth)
        return wilson(round(sum(share for share, _ in parts) / 2 * total), total)
    joined = add(parts[0], parts[1], (0.5, 0.5))
    return joined.low, joined.high


def _difference(
    values: Floats, null: Floats, sides: tuple[Indices, Indices], drawn: Sequence[Indices], edge: float
) -> Difference:
    means, medians, resampled, sizes = [], [], [], []
    for side, places in zip(sides, drawn, strict=True):
        part, taken = values[side], values[places]
        draws = _row_means(taken)
        some = ~np.isnan(taken).all(axis=1)
        means.append(Interval(float(np.nanmean(part)), *_bounds(draws)))
        medians.append(Interval(float(np.nanmedian(part)), *_bounds(np.nanmedian(taken[some], axis=1))))
        resampled.append(draws)
        sizes.append(int((~np.isnan(part)).sum()))
    gap = Interval(means[1].value - means[0].value, *_bounds(resampled[1] - resampled[0]))
    spread = float(np.nanstd(null, ddof=1))
    factor = abs(edge - float(np.nanmean(null))) / spread if spread else NAN
    found = (factor + POWER) * float(np.nanstd(resampled[1] - resampled[0], ddof=1))
    return Difference(means[0], means[1], medians[0], medians[1], gap, _interval(null), edge, found, (sizes[0], sizes[1]))


def _weighted(values: Floats, chosen: Flags) -> Floats:
    """Return the mean of the chosen items of each row, of those with a value; NaN without any."""
    known = ~np.isnan(values)
    counts = (chosen & known).sum(axis=1)
    sums = chosen @ np.where(known, values, 0.0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _row_means(taken: Floats) -> Floats:
    known = ~np.isnan(taken)
    counts = known.sum(axis=1)
    return np.where(counts > 0, np.where(known, taken, 0.0).sum(axis=1) / np.maximum(counts, 1), np.nan)


def _bounds(draws: Floats) -> tuple[float, float]:
    """Return the middle 95 %; NaN where the draws have no spread, which tells nothing about uncertainty."""
    known = draws[~np.isnan(draws)]
    if not len(known) or np.ptp(known) == 0:
        return NAN, NAN
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _interval(draws: Floats) -> Interval:
    known = draws[~np.isnan(draws)]
    low, middle, high = (float(at) for at in np.quantile(known, (0.025, 0.5, 0.975)))
    return Interval(middle, low, high)

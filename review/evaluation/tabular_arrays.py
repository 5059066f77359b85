"""Numbers and classes of a pair as arrays that are quick to take rows from, and the distances of two samples of a column.

A row holds the numbers first, then the places of the classes' levels; NaN is a missing value in both.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from review.evaluation import baseline
from review.evaluation.inputs import CLASS, NUMBER

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair
    from review.evaluation.metrics import Settings

Matrix = NDArray[np.float64]
JOIN = "\x1f"
"""Between metric and subject in the name of a measure."""

POOL = 20
"""Times :attr:`Settings.most` rows from which each deal draws; a larger table is sampled once before the deals."""

FAR = 1e6
"""Standard deviations from the mean beyond which a number is not told from others."""

MOST = float(np.finfo(float).max)
"""Distance of which nothing greater is a number; further ones count as this."""

RARE = 20
"""Most frequent levels of a class that keep a column of their own where classes are counted against one another."""


@dataclass(frozen=True)
class Layout:
    """What stands in which column of a matrix.

    Attributes
    ----------
    numbers, classes : tuple of str
        Their names, in the order of the columns.
    levels : tuple of tuple of str
        Of each class.
    """

    numbers: tuple[str, ...]
    classes: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        return self.numbers + self.classes

    def coded(self) -> list[tuple[int, str, int]]:
        """Return column, name and number of levels of each class."""
        start = len(self.numbers)
        return [(start + at, name, len(self.levels[at])) for at, name in enumerate(self.classes)]


def layout(pair: Pair, leave_out: tuple[str, ...] = ()) -> Layout:
    """Return the layout of the numbers and classes of a pair."""
    numbers = tuple(name for name in pair.named(NUMBER) if name not in leave_out)
    classes = tuple(name for name in pair.named(CLASS) if name not in leave_out)
    return Layout(numbers, classes, tuple(tuple(map(str, pair.real[name].cat.categories)) for name in classes))


def matrix(frame: pd.DataFrame, columns: Layout) -> Matrix:
    """Return the rows of a table as numbers."""
    rows = np.empty((len(frame), len(columns.names)))
    for place, name in enumerate(columns.numbers):
        rows[:, place] = frame[name].to_numpy(dtype=float, na_value=np.nan)
    for place, name, _ in columns.coded():
        codes = frame[name].cat.codes.to_numpy()
        rows[:, place] = np.where(codes < 0, np.nan, codes)
    return rows


def pool(rows: Matrix, settings: Settings, stream: int) -> Matrix:
    """Return the rows from which the deals draw: all, or a seeded sample of a very large table."""
    return draw(rows, POOL * settings.most, [settings.seed, stream])


def draw(rows: Matrix, most: int, seed: list[int]) -> Matrix:
    """Return all rows, or so many drawn by the seed, in their order."""
    if len(rows) <= most:
        return rows
    return rows[np.sort(np.random.default_rng(seed).choice(len(rows), most, replace=False))]


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which linear algebra and trees use one thread, so that sums have one order."""
    import sklearn.ensemble  # noqa: F401 -- a library that is loaded later would not be limited
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)  # type: ignore[no-any-return]


def small(sizes: baseline.Sizes) -> str:
    """Return the note for a small sample, or ""."""
    if min(sizes.reference, sizes.other) >= baseline.SMALL:
        return ""
    return f"small sample: {sizes.reference} and {sizes.other} rows at a time"


def sampled(real: int, synthetic: int, settings: Settings) -> str:
    """Return the note for rows that are sampled in each deal, with the error of a distribution function, or ""."""
    if max(real, synthetic) <= 2 * settings.most:
        return ""
    rows = min(baseline.sizes(real, synthetic, settings.most).other, settings.most)
    error = math.sqrt(math.log(2 / 0.05) / (2 * rows))
    text = (
        f"sampled: {rows} synthetic rows at a time of {synthetic}, from {real} real ones; a distribution function of {rows} rows "
        f"is within {error:.4f} of the one of all rows in 95 % of samples (Massart 1990, doi:10.1214/aop/1176990746)"
    )
    if max(real, synthetic) > POOL * settings.most:
        text += f"; the deals draw from at most {POOL * settings.most} rows a side, chosen once by the seed"
    return text


def scale(values: Matrix) -> float:
    """Return the standard deviation of the known values, 1 where there is none (one value only, or all the same)."""
    known = values[~np.isnan(values)]
    largest = float(np.abs(known).max()) if len(known) else 0.0
    if largest == 0 or known.min() == known.max():
        return 1.0
    return float((known / largest).std()) * largest or 1.0


def distances(one: Matrix, other: Matrix) -> tuple[float, float]:
    """Return Kolmogorov-Smirnov and Wasserstein-1 distance of the known values; NaN if one side has none."""
    left, right = (np.sort(values[~np.isnan(values)]) for values in (one, other))
    if not len(left) or not len(right):
        return math.nan, math.nan
    values = np.concatenate([left, right])
    values.sort(kind="stable")
    below = [np.searchsorted(held, values, side="right") / len(held) for held in (left, right)]
    gaps = np.abs(below[0] - below[1])
    with np.errstate(over="ignore"):
        steps = np.minimum(np.diff(values), MOST)
        return float(gaps.max()), min(float((gaps[:-1] * steps).sum()), MOST)


def variation(one: Matrix, other: Matrix, levels: int) -> float:
    """Return the total variation distance of the known levels; NaN if one side has none."""
    shares = []
    for values in (one, other):
        known = values[~np.isnan(values)].astype(np.int64)
        if not len(known):
            return math.nan
        shares.append(np.bincount(known, minlength=levels) / len(known))
    return float(0.5 * np.abs(shares[0] - shares[1]).sum())


@dataclass(frozen=True)
class Encoder:
    """Rows as a linear model wants them: scaled numbers, flags for missing values, a flag for each level."""

    columns: Layout
    centre: Matrix
    spread: Matrix
    gaps: NDArray[np.bool_]

    @classmethod
    def fit(cls, rows: Matrix, columns: Layout) -> Encoder:
        """Learn the scaling, and which numbers have missing values."""
        held = rows[:, : len(columns.numbers)]
        known = np.asarray(~np.isnan(held))
        count = np.maximum(known.sum(axis=0), 1)
        centre = (np.where(known, held, 0.0) / count).sum(axis=0)
        spread = np.array([scale(held[:, place]) for place in range(held.shape[1])])
        return cls(columns, centre, spread, np.asarray(~known.all(axis=0)))

    def apply(self, rows: Matrix) -> Matrix:
        """Return rows as features; a missing number becomes the mean, a missing level no flag; none is beyond :data:`FAR`."""
        held = rows[:, : len(self.columns.numbers)]
        missing = np.isnan(held)
        with np.errstate(over="ignore"):
            scaled = np.clip(np.where(missing, 0.0, (held - self.centre) / self.spread), -FAR, FAR)
        flags = [rows[:, [place]] == np.arange(levels) for place, _, levels in self.columns.coded()]
        return np.hstack([scaled, missing[:, self.gaps], *flags]).astype(float)

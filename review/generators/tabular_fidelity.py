"""How close synthetic rows come to real ones, always beside how close real rows come to each other.

Two samples of the same people differ, too: a statistic of synthetic against real rows means little without the same statistic
of real against real rows at the same sizes. The real rows are therefore dealt anew many times into a part as large as the one
that was learnt from, and a part as large as the synthetic one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from review.generators.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

DEALS = 200
"""How often the real rows are dealt anew."""

MEAN, CORRELATION = "mean of the columns", "correlations"
FEWEST = 5
"""Rows below which nothing is compared."""


def coded(table: Table, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return a table as numbers (columns, rows): a class as the place of its level."""
    parts = [
        [column.levels.index(value) for value in frame[column.name]] if column.kind == "class" else frame[column.name]
        for column in table.columns
    ]
    return np.array(parts, dtype=float)


def column_distance(column: Column, one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return how far apart two samples of a column are, from 0 to 1; classes are given as the places of their levels.

    Numbers: the greatest difference of the two distribution functions (Kolmogorov-Smirnov). Classes: half the sum of the
    absolute differences of their shares (total variation).
    """
    if column.kind == "class":
        shares = [np.bincount(held.astype(int), minlength=len(column.levels)) / len(held) for held in (one, other)]
        return float(0.5 * np.abs(shares[0] - shares[1]).sum())
    left, right = np.sort(one), np.sort(other)
    places = np.concatenate([left, right])
    below = [np.searchsorted(held, places, side="right") / len(held) for held in (left, right)]
    return float(np.abs(below[0] - below[1]).max())


def correlations(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank correlations (Spearman) of all pairs of columns; NaN where a column has one value only.

    A class counts by the place of its level, which is exact for two levels.
    """
    from scipy.stats import rankdata

    ranks = rankdata(codes, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    sizes = np.sqrt((ranks**2).sum(axis=1))
    scaled = ranks / np.where(sizes > 0, sizes, np.nan)[:, None]
    return np.asarray((scaled @ scaled.T)[np.triu_indices(len(ranks), 1)])


def distances(table: Table, one: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, float]:
    """Return every distance of two samples of a table, both as :func:`coded` returns them.

    Returns
    -------
    dict
        Column -> distance, then :data:`MEAN` of them, then :data:`CORRELATION`: the mean absolute difference of the rank
        correlations, over the pairs for which both samples have one (NaN if there is none).
    """
    found = {column.name: column_distance(column, *held) for column, *held in zip(table.columns, one, other, strict=True)}
    gaps = np.abs(correlations(one) - correlations(other))
    known = gaps[~np.isnan(gaps)]
    return {**found, MEAN: float(np.mean(list(found.values()))), CORRELATION: float(known.mean()) if len(known) else float("nan")}


def fidelity(
    table: Table, train: pd.DataFrame, held: pd.DataFrame, synthetic: pd.DataFrame, seed: int, deals: int = DEALS
) -> tuple[dict[str, Any], ...]:
    """Compare synthetic rows with the rows that were learnt from, beside real rows.

    Parameters
    ----------
    table : Table
    train, held : DataFrame
        Rows that were learnt from, and rows that were not.
    synthetic : DataFrame
        No more of them than rows held out are compared: the first ones.
    seed : int
        Of the dealing.
    deals : int

    Returns
    -------
    tuple of dict
        ``measure, statistic, synthetic, real, low, high, rows``: the distance of the synthetic rows, the median of that of
        real rows, the middle 95 % of it, and how many rows were compared with those learnt from. Empty if there are fewer
        than :data:`FEWEST` rows.
    """
    synthetic = synthetic.head(len(held))
    if len(synthetic) < FEWEST:
        return ()
    learnt = coded(table, train)
    real = np.concatenate([learnt, coded(table, held)], axis=1)
    draw = np.random.default_rng(seed)
    null: dict[str, list[float]] = {}
    for _ in range(deals):
        order = draw.permutation(real.shape[1])
        one, other = real[:, order[: len(train)]], real[:, order[len(train) : len(train) + len(synthetic)]]
        for name, value in distances(table, one, other).items():
            null.setdefault(name, []).append(value)
    rows = []
    for name, value in distances(table, learnt, coded(table, synthetic)).items():
        low, middle, high = (float(at) for at in np.nanquantile(null[name], (0.025, 0.5, 0.975)))
        rounded = {key: _rounded(at) for key, at in (("synthetic", value), ("real", middle), ("low", low), ("high", high))}
        rows.append({"measure": name, "statistic": _statistic(table, name), **rounded, "rows": len(synthetic)})
    return tuple(rows)


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def _statistic(table: Table, name: str) -> str:
    kinds: Mapping[str, str] = {column.name: column.kind for column in table.columns}
    if name == CORRELATION:
        return "mean absolute difference"
    return {"number": "Kolmogorov-Smirnov", "class": "total variation"}.get(kinds.get(name, ""), "mean")


def nearest(table: Table, train: pd.DataFrame, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the distance of each row to the closest one that was learnt from (Gower 1971).

    The mean over the columns of: the difference as part of the range in ``train`` for numbers, 0 or 1 for classes.
    """
    total = np.zeros((len(rows), len(train)))
    for column in table.columns:
        one, other = rows[column.name].to_numpy(), train[column.name].to_numpy()
        if column.kind == "class":
            total += one[:, None] != other[None, :]
        else:
            total += np.abs(one.astype(float)[:, None] - other.astype(float)[None, :]) / np.ptp(other.astype(float))
    return np.asarray(total.min(axis=1) / len(table.columns))


def copying(table: Table, train: pd.DataFrame, held: pd.DataFrame, synthetic: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    """Tell whether synthetic rows lie closer to the rows that were learnt from than other real rows do.

    Returns
    -------
    tuple of dict
        For synthetic rows and for rows held out: ``rows, count, median, closer, equal``: median distance to the closest row
        learnt from, and the shares of rows that are closer than 5 % of the rows held out, and that are equal to one. Empty if
        there are fewer than :data:`FEWEST` synthetic rows.
    """
    if len(synthetic) < FEWEST:
        return ()
    real = nearest(table, train, held)
    border = float(np.quantile(real, 0.05))
    rows = []
    for name, found in (("synthetic", nearest(table, train, synthetic)), ("held out", real)):
        facts = {"median": np.median(found), "closer": np.mean(found < border), "equal": np.mean(found == 0)}
        rows.append({"rows": name, "count": len(found), **{key: round(float(value), 4) for key, value in facts.items()}})
    return tuple(rows)


def marginals(table: Table, train: pd.DataFrame, synthetic: pd.DataFrame, bins: int = 10) -> tuple[dict[str, Any], ...]:
    """Return how the values of each column are spread in real and synthetic rows.

    Returns
    -------
    tuple of dict
        ``column, kind, unit, bin, low, high, real, synthetic``: ``bins`` equal parts of the range in ``train`` for numbers, one
        row a level for classes (``low`` and ``high`` are None); shares of the rows.
    """
    rows = []
    for column in table.columns:
        one, other = train[column.name], synthetic[column.name]
        facts = {"column": column.name, "kind": column.kind, "unit": column.unit}
        if column.kind == "class":
            for level in column.levels:
                shares = {"real": float((one == level).mean()), "synthetic": float((other == level).mean())}
                rows.append({**facts, "bin": level, "low": None, "high": None, **shares})
            continue
        edges = np.linspace(float(one.min()), float(one.max()), bins + 1)
        counts = [np.histogram(held.to_numpy(float), edges)[0] / len(held) for held in (one, other)]
        for index in range(bins):
            low, high = round(float(edges[index]), 6), round(float(edges[index + 1]), 6)
            shares = {"real": float(counts[0][index]), "synthetic": float(counts[1][index])}
            rows.append({**facts, "bin": f"{low:g} to {high:g}", "low": low, "high": high, **shares})
    return tuple(rows)

"""Shares, cross tables and trends of a coded corpus, each value with its interval.

Nothing here draws or writes: every ``compute_*`` function returns a DataFrame.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from review.corpus import Corpus, flag
from review.errors import UnknownNameError
from review.published import UNATTAINABLE

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95
"""Confidence level of every interval."""

BY_CONSTRUCTION = "by construction"
INDEPENDENT = "independent"
NOT_ATTAINABLE = "not attainable"
NOT_CODED = "not coded"
NOT_PUBLISHED = "not published"
PURPOSIVE = "purposive sample"
STATUSES = {
    BY_CONSTRUCTION: "the selection was chosen to have this count: agreement with the review is no finding",
    INDEPENDENT: "counted on a list of studies that was not chosen to meet it",
    NOT_ATTAINABLE: "no number of studies is printed as the published share",
    NOT_CODED: "no study of the selection has a known code",
    NOT_PUBLISHED: "the review prints no such value; it describes this one selection, not the review",
    PURPOSIVE: "a sample collected with targets for each topic: its shares estimate nothing",
}


@dataclass(frozen=True)
class Share:
    """One category's share of a selection of studies.

    Attributes
    ----------
    dimension, category : str
        What was counted.
    count, total, unknown : int
        Studies with the code; studies in the selection; studies for which it is not known.
    share, low, high : float
        Proportion from 0 to 1 and the bounds of its 95 % Wilson interval (Wilson 1927, doi 10.1080/01621459.1927.10502953).
    simultaneous_low, simultaneous_high : float or None
        Bounds that hold for all categories together, for exclusive dimensions (Goodman 1965, doi 10.1080/00401706.1965.10490252).
    status : str
        One of :data:`STATUSES`.

    Notes
    -----
    The intervals treat the studies as a random sample of a larger literature. A review's studies are
    not one, so they show how far a count of this size determines a share, not an estimate's error.
    """

    dimension: str
    category: str
    count: int
    total: int
    unknown: int
    share: float
    low: float
    high: float
    simultaneous_low: float | None
    simultaneous_high: float | None
    status: str


def wilson(count: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the Wilson score interval of ``count / total``; (0, 1) if there is nothing to count.

    Raises
    ------
    ValueError
        If ``count`` is not between 0 and ``total``.
    """
    if not 0 <= count <= total:
        raise ValueError(f"count {count} of {total} is not a share")
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (count + z**2 / 2) / (total + z**2)
    half = z * sqrt(count * (total - count) / total + z**2 / 4) / (total + z**2)
    return (0.0 if count == 0 else middle - half), (1.0 if count == total else middle + half)


def goodman(counts: list[int], level: float = LEVEL) -> list[tuple[float, float]]:
    """Return Goodman's simultaneous intervals of multinomial proportions, one a category.

    Each is the Wilson interval with the error divided by their number; (0, 1) for one category or nothing counted.
    """
    total = sum(counts)
    if len(counts) < 2:
        return [(0.0, 1.0)] * len(counts)
    return [wilson(count, total, 1 - (1 - level) / len(counts)) for count in counts]


def indicator(frame: pd.DataFrame, corpus: Corpus, dimension: str, category: str) -> pd.Series:
    """Return for each study whether it has a code: true, false or missing (unknown)."""
    if not corpus.codebook[dimension].exclusive:
        return frame[flag(dimension, category)]
    return frame[dimension] == category


def compute_shares(
    corpus: Corpus, dimension: str, selection: str = "default", where: str = "", version: str = "default"
) -> pd.DataFrame:
    """Count every category of one dimension.

    Parameters
    ----------
    selection, where : str
        As in :meth:`Corpus.studies`.
    version : str
        Version of the review whose published values give the status.

    Returns
    -------
    DataFrame
        One row a category, in the order of the codebook, with the columns of :class:`Share`; labels may add up to more
        than 1. In an exclusive dimension the simultaneous bounds count "unknown", where it occurs, as one more category.
    """
    import pandas as pd

    frame = corpus.studies(selection, where)
    total = len(frame)
    masks = {code: indicator(frame, corpus, dimension, code) for code in corpus.codebook[dimension].categories}
    counts = {code: int(mask.sum()) for code, mask in masks.items()}
    rest = total - sum(counts.values())
    bounds: list[tuple[Any, Any]] = [(None, None)] * len(counts)
    if corpus.codebook[dimension].exclusive:
        bounds = goodman([*counts.values(), rest] if rest else list(counts.values()))[: len(counts)]
    rows = []
    for (code, count), both in zip(counts.items(), bounds, strict=True):
        unknown = int(masks[code].isna().sum())
        share = count / total if total else float("nan")
        status = status_of(corpus, dimension, code, selection=selection, where=where, version=version, known=unknown < total)
        rows.append(Share(dimension, code, count, total, unknown, share, *wilson(count, total), *both, status))
    return pd.DataFrame(rows).astype({"simultaneous_low": "Float64", "simultaneous_high": "Float64"})


def status_of(corpus: Corpus, dimension: str, category: str, *, selection: str, where: str, version: str, known: bool) -> str:
    """Return how far a count may be read as a finding: one of :data:`STATUSES`."""
    if not known:
        return NOT_CODED
    basis = corpus.basis(selection)
    constraints = _published(corpus, corpus.resolve(selection)) if basis == "calibrated" and not where.strip() else {}
    if constraints.get((dimension, category), ("", False))[1]:
        return BY_CONSTRUCTION
    if basis == "sample":
        return PURPOSIVE
    values = _published(corpus, corpus.version(version))
    if (dimension, category) not in values or where.strip():
        return NOT_PUBLISHED
    return NOT_ATTAINABLE if values[dimension, category][0] == UNATTAINABLE else INDEPENDENT


def _published(corpus: Corpus, version: str) -> dict[tuple[str, str], tuple[str, bool]]:
    """Return verdict and whether a count is implied, by dimension and category."""
    table = corpus.implied
    columns = (table["version"], table["dimension"], table["category"], table["verdict"], table["count"].notna())
    return {(row[1], row[2]): (row[3], row[4]) for row in zip(*columns, strict=True) if row[0] == version}


def compute_cross(corpus: Corpus, rows: str, columns: str, selection: str = "default", where: str = "") -> pd.DataFrame:
    """Count studies by two dimensions (or by ``year`` and one dimension).

    A study with several labels counts in several cells; a study that is unknown in either is left out.

    Returns
    -------
    DataFrame
        Index: categories of ``rows`` that occur or are in the codebook; columns: those of ``columns``; values: int.
    """
    import pandas as pd

    frame = corpus.studies(selection, where)
    first, second = (_memberships(frame, corpus, name) for name in (rows, columns))
    table = [[int((a & b).sum()) for b in second.values()] for a in first.values()]
    return pd.DataFrame(table, pd.Index(list(first), name=rows), pd.Index(list(second), name=columns), dtype="int64")


def _memberships(frame: pd.DataFrame, corpus: Corpus, name: str) -> dict[Any, pd.Series]:
    """Return a mask for each category of a dimension, or for each year."""
    if name == "year":
        known = frame["year"].dropna()
        years = range(int(known.min()), int(known.max()) + 1) if len(known) else ()
        return {year: (frame["year"] == year).fillna(False) for year in years}
    return {code: indicator(frame, corpus, name, code).fillna(False) for code in corpus.codebook[name].categories}


@dataclass(frozen=True)
class Association:
    """How far two classifications of the same studies go together.

    Attributes
    ----------
    p_value : float
        Monte Carlo p of the Fisher-Freeman-Halton exact test (Freeman and Halton 1951, doi 10.1093/biomet/38.1-2.141);
        for 2 x 2 tables Fisher's exact test itself.
    cramers_v : float
        Cramer's V from 0 to 1 (Cramer 1946), without bias correction.
    total, resamples : int
        Studies in the table; random tables drawn (0 if the test is exact).
    """

    p_value: float
    cramers_v: float
    total: int
    resamples: int


def associate(table: pd.DataFrame, seed: int = 0, resamples: int = 9999) -> Association:
    """Test whether the rows and columns of a table of counts are associated.

    Empty rows and columns are dropped first. Every study must be counted once: cross tables of multi-label
    dimensions are to be tested one label at a time. In a calibrated selection the margins were fixed and
    the joint table is one of many: the p-value describes this selection only.

    Returns
    -------
    Association
        With NaN where fewer than two rows or columns are left.
    """
    from scipy.stats import MonteCarloMethod, chi2_contingency, fisher_exact

    counts = table.to_numpy()
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    total = int(counts.sum())
    if min(counts.shape) < 2:
        return Association(float("nan"), float("nan"), total, 0)
    chi2 = float(chi2_contingency(counts, correction=False).statistic)
    strength = float(np.sqrt(chi2 / (total * (min(counts.shape) - 1))))
    if counts.shape == (2, 2):
        return Association(float(fisher_exact(counts).pvalue), strength, total, 0)
    method = MonteCarloMethod(n_resamples=resamples, rng=np.random.default_rng(seed))
    return Association(float(fisher_exact(counts, method=method).pvalue), strength, total, resamples)


def compute_trend(corpus: Corpus, dimension: str, selection: str = "default", where: str = "", by: str = "year") -> pd.DataFrame:
    """Return the share of every category in every year.

    Parameters
    ----------
    by : {"year", "first_public"}
        Year of the cited version, or of the earliest public version; another name raises UnknownNameError.

    Returns
    -------
    DataFrame
        ``year, dimension, category, count, total`` (studies of that year), ``unknown, share, low, high``.
    """
    import pandas as pd

    if by not in ("year", "first_public"):
        raise UnknownNameError("column", by, ["year", "first_public"])
    frame = corpus.studies(selection, where)
    if by == "first_public":
        frame["year"] = pd.to_numeric(frame["first_public"].str[:4])
    rows = []
    for year, when in _memberships(frame, corpus, "year").items():
        part = frame[when]
        for code in corpus.codebook[dimension].categories:
            mask = indicator(part, corpus, dimension, code)
            count = int(mask.sum())
            share = count / len(part) if len(part) else None
            rows.append([year, dimension, code, count, len(part), int(mask.isna().sum()), share, *wilson(count, len(part))])
    names = ["year", "dimension", "category", "count", "total", "unknown", "share", "low", "high"]
    return pd.DataFrame(rows, columns=names).astype({"share": "Float64"})


def trend_test(years: np.ndarray, has: np.ndarray, seed: int = 0, resamples: int = 9999) -> tuple[float, float]:
    """Test whether studies with a code are later or earlier than those without.

    Parameters
    ----------
    years, has : ndarray of float and ndarray of bool, shape (studies,)

    Returns
    -------
    difference, p_value : float
        Mean year with the code less without, NaN if all or none have it, and two-sided permutation p, NaN if one has or lacks it.
    """
    from scipy.stats import permutation_test

    if has.all() or not has.any():
        return float("nan"), float("nan")
    if min(has.sum(), (~has).sum()) < 2:
        return float(years[has].mean() - years[~has].mean()), float("nan")
    result = permutation_test(
        (years[has], years[~has]),
        lambda having, lacking, axis: having.mean(axis=axis) - lacking.mean(axis=axis),
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    return float(result.statistic), float(result.pvalue)


def compute_overlaps(corpus: Corpus, dimension: str, selection: str = "default", where: str = "") -> pd.DataFrame:
    """Count the combinations of labels of a multi-label dimension.

    Returns
    -------
    DataFrame
        One row a combination that occurs, the most frequent first: ``labels`` (joined by ``"; "``, empty: none is
        known to apply), one bool column a label, ``size`` (number of labels), ``count``.
    """
    import pandas as pd

    codes = list(corpus.codebook[dimension].categories)
    masks = _memberships(corpus.studies(selection, where), corpus, dimension)
    counts = Counter(zip(*(mask.tolist() for mask in masks.values()), strict=True))
    rows = [["; ".join(itertools.compress(codes, states)), *states, sum(states), count] for states, count in counts.items()]
    table = pd.DataFrame(rows, columns=["labels", *codes, "size", "count"])
    return table.sort_values(["count", "size", "labels"], ascending=[False, True, True]).reset_index(drop=True)


def reproduce(corpus: Corpus, selection: str = "default", where: str = "", version: str = "default") -> pd.DataFrame:
    """Set every published value of one version against the corpus: the reproduction table.

    Returns
    -------
    DataFrame
        ``dimension, category, published`` (percent, as printed), ``implied_count, verdict, count, total, unknown, percent,
        low, high`` (percent), ``difference`` (percentage points), ``status``.
    """
    import pandas as pd

    name = corpus.version(version)
    columns = ["dimension", "category", "published", "implied_count", "verdict"]
    values = corpus.implied.rename(columns={"share": "published", "count": "implied_count"})
    values = values.loc[values["version"] == name, columns]
    columns += ["count", "total", "unknown", "percent", "low", "high", "difference", "status"]
    if values.empty:
        return pd.DataFrame(columns=columns)
    shares = [compute_shares(corpus, str(code), selection, where, name) for code in values["dimension"].unique()]
    table = values.merge(pd.concat(shares), on=["dimension", "category"], validate="1:1")
    table["percent"] = (100 * table["share"]).round(2)
    table["difference"] = (100 * table["share"] - table["published"].astype(float)).round(2)
    table[["low", "high"]] = (100 * table[["low", "high"]]).round(1)
    return table[columns]

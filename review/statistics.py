"""Shares, cross tables and trends of a coded corpus, each value with its interval.

Nothing here draws or writes: every ``compute_*`` function returns a DataFrame.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from review.published import UNATTAINABLE

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus

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
    from scipy.stats import binomtest

    if total == 0 and count == 0:
        return 0.0, 1.0
    interval = binomtest(count, total).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def goodman(counts: list[int], level: float = LEVEL) -> list[tuple[float, float]]:
    """Return Goodman's simultaneous intervals of multinomial proportions, one a category.

    With one category, or nothing counted, there is nothing to estimate: (0, 1) for each.
    """
    from statsmodels.stats.proportion import multinomial_proportions_confint

    if len(counts) < 2 or sum(counts) == 0:
        return [(0.0, 1.0)] * len(counts)
    bounds = multinomial_proportions_confint(np.array(counts), alpha=1 - level, method="goodman")
    return [(float(max(low, 0.0)), float(min(high, 1.0))) for low, high in bounds]


def indicator(frame: pd.DataFrame, corpus: Corpus, dimension: str, category: str) -> pd.Series:
    """Return for each study whether it has a code: true, false or missing (unknown)."""
    from review.corpus import flag

    if not corpus.codebook[dimension].exclusive:
        return frame[flag(dimension, category)]
    return (frame[dimension] == category).astype("boolean").mask(frame[dimension].isna())


def compute_shares(
    corpus: Corpus,
    dimension: str,
    selection: str = "default",
    where: str = "",
    version: str = "default",
) -> pd.DataFrame:
    """Count every category of one dimension.

    Parameters
    ----------
    corpus : Corpus
    dimension : str
        A dimension of the codebook.
    selection, where : str
        As in :meth:`Corpus.studies`.
    version : str
        Version of the review whose published values give the status.

    Returns
    -------
    DataFrame
        One row a category, in the order of the codebook, with the columns of :class:`Share`. In a
        multi-label dimension shares may add up to more than 1.
    """
    import pandas as pd

    frame = corpus.studies(selection, where)
    description = corpus.codebook[dimension]
    masks = {code: indicator(frame, corpus, dimension, code) for code in description.categories}
    counts = {code: int(mask.fillna(False).sum()) for code, mask in masks.items()}
    bounds: list[tuple[float | None, float | None]] = [(None, None)] * len(counts)
    if description.exclusive:
        rest = len(frame) - sum(counts.values())
        values = [*counts.values(), rest] if rest else list(counts.values())
        bounds = [*goodman(values)[: len(counts)]]
    rows = []
    for (code, count), (first, last) in zip(counts.items(), bounds, strict=True):
        low, high = wilson(count, len(frame))
        known = not bool(masks[code].isna().all())
        rows.append(
            Share(
                dimension,
                code,
                count,
                len(frame),
                int(masks[code].isna().sum()),
                count / len(frame) if len(frame) else float("nan"),
                low,
                high,
                first,
                last,
                status_of(corpus, dimension, code, selection, where, version, known=known),
            )
        )
    frame = pd.DataFrame([asdict(row) for row in rows], columns=[field.name for field in fields(Share)])
    return frame.astype({"simultaneous_low": "Float64", "simultaneous_high": "Float64"})


def status_of(
    corpus: Corpus, dimension: str, category: str, selection: str, where: str, version: str, *, known: bool
) -> str:
    """Return how far a count may be read as a finding: one of :data:`STATUSES`."""
    if not known:
        return NOT_CODED
    basis = corpus.basis(selection)
    if basis == "calibrated" and not where.strip():
        constraints = _published(corpus, corpus.resolve(selection))
        if (dimension, category) in constraints and constraints[dimension, category][1]:
            return BY_CONSTRUCTION
    values = _published(corpus, corpus.version(version))
    if (dimension, category) not in values or where.strip():
        return PURPOSIVE if basis == "sample" else NOT_PUBLISHED
    if basis == "sample":
        return PURPOSIVE
    return NOT_ATTAINABLE if values[dimension, category][0] == UNATTAINABLE else INDEPENDENT


def _published(corpus: Corpus, version: str) -> dict[tuple[str, str], tuple[str, bool]]:
    """Return verdict and whether a count is implied, by dimension and category."""
    rows = corpus.implied[corpus.implied["version"] == version]
    return {
        (dimension, category): (verdict, known)
        for dimension, category, verdict, known in zip(
            rows["dimension"], rows["category"], rows["verdict"], rows["count"].notna(), strict=True
        )
    }


def compute_cross(
    corpus: Corpus, rows: str, columns: str, selection: str = "default", where: str = ""
) -> pd.DataFrame:
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
    return pd.DataFrame(
        table, index=pd.Index(list(first), name=rows), columns=pd.Index(list(second), name=columns), dtype="int64"
    )


def _memberships(frame: pd.DataFrame, corpus: Corpus, name: str) -> dict[Any, pd.Series]:
    """Return a mask for each category of a dimension, or for each year."""
    if name == "year":
        known = frame["year"].dropna()
        years = range(int(known.min()), int(known.max()) + 1) if len(known) else range(0)
        return {year: (frame["year"] == year).fillna(False).astype(bool) for year in years}
    return {
        code: indicator(frame, corpus, name, code).fillna(False).astype(bool)
        for code in corpus.codebook[name].categories
    }


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
    total : int
        Studies in the table.
    resamples : int
        Random tables drawn; 0 if the test is exact.
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


def compute_trend(
    corpus: Corpus, dimension: str, selection: str = "default", where: str = "", by: str = "year"
) -> pd.DataFrame:
    """Return the share of every category in every year.

    Parameters
    ----------
    by : {"year", "first_public"}
        Year of the cited version, or of the earliest public version.

    Returns
    -------
    DataFrame
        ``year, dimension, category, count, total`` (studies of that year), ``unknown, share, low, high``.
    """
    import pandas as pd

    frame = corpus.studies(selection, where)
    years = frame["year"] if by == "year" else pd.to_numeric(frame["first_public"].str[:4]).astype("Int64")
    rows = []
    present = sorted(int(year) for year in years.dropna().unique())
    for year in range(present[0], present[-1] + 1) if present else ():
        part = frame[(years == year).fillna(False)]
        for code in corpus.codebook[dimension].categories:
            mask = indicator(part, corpus, dimension, code)
            count = int(mask.fillna(False).sum())
            low, high = wilson(count, len(part))
            share = count / len(part) if len(part) else None
            rows.append([year, dimension, code, count, len(part), int(mask.isna().sum()), share, low, high])
    names = ["year", "dimension", "category", "count", "total", "unknown", "share", "low", "high"]
    return pd.DataFrame(rows, columns=names).astype({"share": "Float64"})


def trend_test(years: np.ndarray, has: np.ndarray, seed: int = 0, resamples: int = 9999) -> tuple[float, float]:
    """Test whether studies with a code are later or earlier than those without.

    Parameters
    ----------
    years : ndarray of float, shape (studies,)
    has : ndarray of bool, shape (studies,)

    Returns
    -------
    difference, p_value : float
        Mean year with the code less mean year without, and the two-sided permutation p; NaN if all or none have it.
    """
    from scipy.stats import permutation_test

    if has.all() or not has.any():
        return float("nan"), float("nan")

    def difference(with_code: np.ndarray, without: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.mean(with_code, axis=axis) - np.mean(without, axis=axis)

    result = permutation_test(
        (years[has], years[~has]),
        difference,
        vectorized=True,
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    return float(result.statistic), float(result.pvalue)


def compute_overlaps(
    corpus: Corpus, dimension: str, selection: str = "default", where: str = ""
) -> pd.DataFrame:
    """Count the combinations of labels of a multi-label dimension.

    Returns
    -------
    DataFrame
        One row a combination that occurs, the most frequent first: ``labels`` (joined by ``"; "``, empty: none is
        known to apply), one bool column a label, ``size`` (number of labels), ``count``.
    """
    import pandas as pd

    frame = corpus.studies(selection, where)
    codes = list(corpus.codebook[dimension].categories)
    masks = {code: indicator(frame, corpus, dimension, code).fillna(False).astype(bool) for code in codes}
    counts: dict[tuple[bool, ...], int] = {}
    for states in zip(*(masks[code] for code in codes), strict=True):
        key = tuple(bool(state) for state in states)
        counts[key] = counts.get(key, 0) + 1
    rows = [
        {
            "labels": "; ".join(itertools.compress(codes, states)),
            **dict(zip(codes, states, strict=True)),
            "size": sum(states),
            "count": count,
        }
        for states, count in counts.items()
    ]
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
    values = corpus.implied
    rows = []
    for dimension, group in values[values["version"] == name].groupby("dimension", sort=False):
        shares = compute_shares(corpus, str(dimension), selection, where, name).set_index("category")
        for value in group.itertuples(index=False):
            share = shares.loc[value.category]
            rows.append(
                {
                    "dimension": dimension,
                    "category": value.category,
                    "published": value.share,
                    "implied_count": value.count,
                    "verdict": value.verdict,
                    "count": int(share["count"]),
                    "total": int(share["total"]),
                    "unknown": int(share["unknown"]),
                    "percent": round(100 * float(share["share"]), 2),
                    "low": round(100 * float(share["low"]), 1),
                    "high": round(100 * float(share["high"]), 1),
                    "difference": round(100 * float(share["share"]) - float(value.share), 2),
                    "status": share["status"],
                }
            )
    columns = (
        "dimension category published implied_count verdict count total unknown percent low high difference status"
    ).split()
    return pd.DataFrame(rows, columns=columns).astype({"implied_count": "Int64"})

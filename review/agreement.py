"""How far two coders agree: percent, kappa, alpha and AC1, with bootstrap intervals over studies.

Agreement shows that codes are consistent, never that they are valid: two coders can share an error.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from review import codebook
from review.errors import UnknownNameError
from review.statistics import LEVEL
from review.system import unswept

if TYPE_CHECKING:
    import pandas as pd

    from review.codebook import Dimension
    from review.corpus import Corpus

STATISTICS = ("percent", "kappa", "alpha", "ac1")
UNKNOWN = ("category", "missing")

Codes = Iterable[Hashable]


@dataclass(frozen=True)
class _Units:
    """Units with at least two codes, those with the same codes gathered."""

    patterns: np.ndarray  # one row a pattern, one column a coder: numbers of categories, -1 where missing
    counts: np.ndarray  # units of each pattern
    size: int  # numbered categories
    choices: int  # categories that AC1 takes


def _encode(units: Iterable[Codes], categories: Codes | None = None) -> _Units:
    import pandas as pd

    numbers: dict[Hashable, int] = {code: number for number, code in enumerate(dict.fromkeys(categories or ()))}
    with unswept():
        rows = [list(unit) for unit in units]
    matrix = np.full((len(rows), max([2, *map(len, rows)])), -1)
    for place, row in enumerate(rows):
        for coder, code in enumerate(row):
            if pd.isna(code):  # type: ignore[call-overload]
                continue
            if categories is not None and code not in numbers:
                raise ValueError(f"the code {code!r} is not among the categories")
            matrix[place, coder] = numbers.setdefault(code, len(numbers))
    matrix = matrix[(matrix >= 0).sum(axis=1) >= 2]
    choices = len(np.unique(matrix[matrix >= 0])) if categories is None else len(numbers)
    patterns, counts = np.unique(matrix, axis=0, return_counts=True)
    return _Units(patterns, counts, len(numbers), choices)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide; NaN where ``below`` is 0."""
    result = np.full(below.shape, np.nan)
    np.divide(above, below, out=result, where=below != 0)
    return result


def _coefficients(units: _Units, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Compute every statistic of many samples; ``weights`` has one row a sample: how often each pattern is in it."""
    given = units.patterns[:, :, None] == np.arange(units.size)
    table = given.sum(axis=1)
    coders = table.sum(axis=1)
    values = weights @ table
    codes = values.sum(axis=1)
    apart = weights @ ((coders**2 - (table**2).sum(axis=1)) / (coders - 1))
    expected = codes**2 - (values**2).sum(axis=1)
    result = {"alpha": _ratio(expected - (codes - 1) * apart, expected)}
    if units.patterns.shape[1] == 2:
        total = weights.sum(axis=1)
        same = weights @ (units.patterns[:, 0] == units.patterns[:, 1])
        chance = ((weights @ given[:, 0]) * (weights @ given[:, 1])).sum(axis=1)
        spread = (values * (2 * total[:, None] - values)).sum(axis=1)
        scale = 4 * (units.choices - 1) * total
        result["percent"] = _ratio(same, total)
        result["kappa"] = _ratio(total * same - chance, total**2 - chance)
        result["ac1"] = _ratio(scale * same - spread, scale * total - spread)
    return result


def _value(statistic: str, units: _Units) -> float:
    return float(_coefficients(units, units.counts[None, :])[statistic].item())


def percent_agreement(first: Codes, second: Codes) -> float:
    """Return the share of units to which two coders gave the same code, from 0 to 1.

    Units with a missing code (None or NaN) are dropped. NaN without units. If all codes are one category: 1.
    """
    return _value("percent", _encode(zip(first, second, strict=True)))


def cohen_kappa(first: Codes, second: Codes) -> float:
    """Return Cohen's kappa of two coders: agreement beyond what their own shares of each code make by chance.

    Source: Cohen 1960, doi 10.1177/001316446002000104. Units with a missing code are dropped. NaN without units, and if all
    codes are one category (0/0).
    """
    return _value("kappa", _encode(zip(first, second, strict=True)))


def gwet_ac1(first: Codes, second: Codes, categories: Codes | None = None) -> float:
    """Return Gwet's AC1 of two coders, which stays high where one category is frequent and kappa falls.

    ``categories`` are all codes that the coders could give; by default those that occur. More of them make AC1 larger.
    Source: Gwet 2008, doi 10.1348/000711006X126600. Units with a missing code are dropped. NaN without units. If all codes
    are one category: 1 if ``categories`` names at least two, NaN if only that one is known.

    A code outside ``categories`` is a ValueError.
    """
    return _value("ac1", _encode(zip(first, second, strict=True), categories))


def krippendorff_alpha(ratings: Iterable[Codes]) -> float:
    """Return Krippendorff's alpha for nominal codes of any number of coders, with missing values.

    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, https://repository.upenn.edu/asc_papers/43. NaN
    without units, and if all codes are one category (0/0: without variation nothing shows that units can be told apart).

    Parameters
    ----------
    ratings : iterable of iterables
        One for each unit, with one code for each coder; None or NaN where missing. Units with fewer than two codes are dropped.
    """
    return _value("alpha", _encode(ratings))


def bootstrap(
    statistic: str, ratings: Iterable[Codes], seed: int = 0, resamples: int = 2000, *, categories: Codes | None = None
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic, over units.

    Units with at least two codes are drawn with replacement (Efron and Tibshirani 1993, doi 10.1201/9780429246593), equal units
    together as a multinomial, which is the same. AC1 keeps the number of categories of the sample. The bounds are NaN where
    all resamples give one value, as when coders never disagree: the bootstrap then says nothing about uncertainty, and a point
    would look certain. They are NaN too where the statistic is undefined in more than 2.5 % of the resamples, as kappa is for
    a label that both gave to the same three studies: the bound could be anywhere. Fewer undefined resamples are left out.

    Parameters
    ----------
    statistic : {"percent", "kappa", "alpha", "ac1"}
        All but alpha take two codes a unit.
    ratings, categories
        As in :func:`krippendorff_alpha` and :func:`gwet_ac1`.
    seed : int
        Of ``numpy.random.default_rng``; the same seed gives the same interval.
    """
    if statistic not in STATISTICS:
        raise UnknownNameError("statistic", statistic, STATISTICS)
    units = _encode(ratings, categories)
    if statistic != "alpha" and units.patterns.shape[1] > 2:
        raise ValueError(f"{statistic} compares two coders, there are {units.patterns.shape[1]} -> use alpha")
    return _intervals(units, seed, resamples)[statistic]


def _intervals(units: _Units, seed: int, resamples: int) -> dict[str, tuple[float, float]]:
    """Return the interval of every statistic, all from the same resamples."""
    drawn: np.ndarray = np.empty((0, len(units.counts)))
    if len(units.counts):
        total = units.counts.sum()
        drawn = np.random.default_rng(seed).multinomial(total, units.counts / total, size=resamples)
    return {statistic: _bounds(values) for statistic, values in _coefficients(units, drawn).items()}


def _bounds(values: np.ndarray) -> tuple[float, float]:
    tail, defined = (1 - LEVEL) / 2, values[~np.isnan(values)]
    if len(defined) < (1 - tail) * len(values) or len(np.unique(defined)) < 2:
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


@dataclass(frozen=True)
class _Comparison:
    """What two coders answered to one question: the studies compared, and how often each coder's code is unknown."""

    dimension: str
    label: str
    answers: Sequence[tuple[str, str, str]]
    unknown: tuple[int, int]


def _compare(corpus: Corpus, coders: Sequence[str], selection: str, where: str, unknown: str) -> Iterator[_Comparison]:
    if unknown not in UNKNOWN:
        raise UnknownNameError("treatment of unknown codes", unknown, UNKNOWN)
    given: dict[str, dict[str, dict[str, list[str]]]] = {}
    with unswept():
        for row in corpus.coding[["coder", "dimension", "key", "value"]].itertuples(index=False, name=None):
            coder, dimension, key, value = row
            given.setdefault(coder, {}).setdefault(dimension, {}).setdefault(key, []).append(value)
    if "" in list(coders):
        return
    for coder in coders:
        if coder not in given:
            raise UnknownNameError("coder", coder, list(given))
    first, second = (given[coder] for coder in coders)
    keys = corpus.studies(selection, where)["key"]
    for name, book in corpus.codebook.dimensions.items():
        if name not in first or name not in second:
            continue
        both = [key for key in keys if key in first[name] and key in second[name]]
        for label in [""] if book.exclusive else book.categories:
            with unswept():
                answers = [(key, *(_answer(book, label, coder[name][key]) for coder in (first, second))) for key in both]
            lacking = sum(not one for _, one, _ in answers), sum(not two for _, _, two in answers)
            yield _Comparison(name, label, [row for row in answers if unknown == "category" or all(row)], lacking)


def _answer(dimension: Dimension, label: str, values: Sequence[str]) -> str:
    """Return a coder's answer: the code (of a multi-label dimension ``label`` or ``not label``), or "" for unknown."""
    if dimension.exclusive:
        return values[0]
    if label in values:
        return label
    listed = dimension.absence == "unlisted" and any(value in dimension.categories for value in values)
    return codebook.NOT + label if listed or codebook.NOT + label in values else ""


def compute_agreement(
    corpus: Corpus,
    coders: Sequence[str] = ("a", "b"),
    selection: str = "all",
    where: str = "",
    *,
    seed: int = 0,
    resamples: int = 2000,
    unknown: str = "category",
) -> pd.DataFrame:
    """Compare two coders on every dimension that both coded.

    Coders a and b are language models reading abstracts; agreement shows consistency, not validity.

    Parameters
    ----------
    selection, where : str
        As in :meth:`Corpus.studies`.
    seed, resamples : int
        As in :func:`bootstrap`; every row starts from the same seed.
    unknown : {"category", "missing"}
        Whether an unknown code (empty value) is a category, which differs from every known one, or a missing value, so
        that the study is left out of the row.

    Returns
    -------
    DataFrame
        One row a single-label dimension or label of a multi-label dimension: ``dimension, label`` ("" for single-label),
        ``coder_1, coder_2, units`` (studies compared), ``agreed``; ``percent`` (0 to 1), ``kappa, alpha, ac1``, each with
        ``_low`` and ``_high``; ``prevalence_1, prevalence_2`` (share of ``units`` to which each coder gave the label; NaN for
        single-label); ``unknown_1, unknown_2`` (studies of unknown code among all that both coded).

    Notes
    -----
    A study counts if both coders have a row for it in the dimension. An answer about a label is ``X``, ``not X`` or unknown.
    With ``absence: unlisted`` in the codebook a label that is absent beside others is ``not X``; a coder who gave none is
    unknown on every label, and as a category that disagrees on all of them. With ``absence: unknown`` (``evaluation``) an
    absent label is unknown: as a category, absent and unknown are one thing, apart from a reported ``not X``; as missing, only
    studies on which both report something are left, nearly all ``X``, and kappa is mostly undefined.

    AC1 takes the codes that occur in the row as categories; the whole vocabulary would raise it. Kappa, alpha and AC1 are NaN
    where both gave one code throughout, as for a label that neither used. Where coders wrote free terms that were mapped to
    labels afterwards for both together (``application, domain, generator, language``), agreement is the mapping's as well.
    """
    import pandas as pd

    rows = []
    for item in _compare(corpus, coders, selection, where, unknown):
        pairs = [(one, two) for _, one, two in item.answers]
        units = _encode(pairs)
        bounds = _intervals(units, seed, resamples)
        row: dict[str, Any] = {"dimension": item.dimension, "label": item.label, "coder_1": coders[0], "coder_2": coders[1]}
        row |= {"units": len(pairs), "agreed": sum(one == two for one, two in pairs)}
        for name in STATISTICS:
            row[name] = _value(name, units)
            row[f"{name}_low"], row[f"{name}_high"] = bounds[name]
        for side in (0, 1):
            having = sum(pair[side] == item.label for pair in pairs)
            row[f"prevalence_{side + 1}"] = having / len(pairs) if item.label and pairs else float("nan")
        rows.append(row | {"unknown_1": item.unknown[0], "unknown_2": item.unknown[1]})
    columns = ["dimension", "label", "coder_1", "coder_2", "units", "agreed"]
    columns += [f"{name}{ending}" for name in STATISTICS for ending in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=[*columns, "prevalence_1", "prevalence_2", "unknown_1", "unknown_2"])


def raw_disagreements(
    corpus: Corpus, coders: Sequence[str] = ("a", "b"), selection: str = "all", where: str = "", *, unknown: str = "category"
) -> pd.DataFrame:
    """List every disagreement behind :func:`compute_agreement`, for reading.

    Columns: ``key, dimension, label, value_1, value_2``; a value is the code, ``not X``, or "" where unknown. With ``absence:
    unlisted`` a label that a coder left out while giving others reads ``not X``.
    """
    import pandas as pd

    items = _compare(corpus, coders, selection, where, unknown)
    rows = [(key, item.dimension, item.label, one, two) for item in items for key, one, two in item.answers if one != two]
    return pd.DataFrame(rows, columns=["key", "dimension", "label", "value_1", "value_2"])

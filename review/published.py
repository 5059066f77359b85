"""Printed shares -> the counts that could have produced them, with a verdict on each.

A share printed with one decimal hides the count behind it. For ``n`` studies every count from 0 to
``n`` is turned into a share under three ways of shortening a decimal (half up, half even,
truncation) and compared with what is printed: the same idea as the GRIM test (Brown and Heathers 2017,
doi 10.1177/1948550616673876), for shares instead of means. Arithmetic is exact (fractions, no floats).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from review.codebook import Codebook

RULES = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN, "truncation": ROUND_DOWN}

ATTAINABLE = "attainable"
BY_DIFFERENCE = "by difference to 100"
BY_TRUNCATION = "only by truncation"
UNATTAINABLE = "not attainable"


@dataclass(frozen=True)
class Attainability:
    """Which counts could have been printed as one share.

    Attributes
    ----------
    share : str
        The percentage as printed.
    total : int
        Number of studies.
    counts : dict of str to tuple of int
        For each rounding rule the counts that it prints as ``share``.
    """

    share: str
    total: int
    counts: dict[str, tuple[int, ...]]

    @property
    def rounded(self) -> tuple[int, ...]:
        """Counts that half up or half even print as the share."""
        return tuple(sorted({*self.counts["half up"], *self.counts["half even"]}))


def shorten(count: int, total: int, decimals: int, rule: str) -> Decimal:
    """Return ``100 * count / total`` with ``decimals`` places under a rounding rule.

    Raises
    ------
    ValueError
        If ``total`` is not positive or ``count`` is not between 0 and ``total``.
    """
    if total <= 0 or not 0 <= count <= total:
        raise ValueError(f"count {count} of {total} is not a share")
    scaled = Fraction(100 * count * 10**decimals, total)
    whole, rest = divmod(scaled.numerator, scaled.denominator)
    twice = 2 * rest - scaled.denominator
    up = {
        ROUND_HALF_UP: twice >= 0,
        ROUND_HALF_EVEN: twice > 0 or (twice == 0 and whole % 2 == 1),
        ROUND_DOWN: False,
    }
    return Decimal(whole + int(up[RULES[rule]])).scaleb(-decimals)


def attainable(share: str, total: int) -> Attainability:
    """Find every count of ``total`` that is printed as ``share`` under each rounding rule.

    Parameters
    ----------
    share : str
        The percentage as printed: its decimals matter (``"8.4"`` is not ``"8.40"``).
    total : int
        Number of studies.

    Examples
    --------
    >>> attainable("78.0", 59).rounded
    (46,)
    >>> attainable("8.4", 59).counts["half up"], attainable("8.4", 59).counts["truncation"]
    ((), (5,))
    """
    decimals = len(share.partition(".")[2])
    printed = Decimal(share)
    exact, unit = Fraction(printed) * total / 100, Fraction(total, 100 * 10**decimals)
    near = range(max(0, floor(exact - unit)), min(total, ceil(exact + unit)) + 1)
    counts = {rule: tuple(count for count in near if shorten(count, total, decimals, rule) == printed) for rule in RULES}
    return Attainability(share, total, counts)


def implied_counts(published: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    """Return the count behind each printed share, and how sure it is.

    The verdict is ``attainable`` if rounding gives the share; else ``by difference to 100`` if it is the
    only such share of a dimension with exclusive categories, the shares add up to 100 and the other counts
    leave one number of studies over; else ``only by truncation``; else ``not attainable``. A truncation that would contradict the
    other shares of the same table is still listed in ``truncation_counts``.

    Parameters
    ----------
    published : DataFrame
        The table ``published.csv``.
    book : Codebook
        Tells which dimensions are exclusive.

    Returns
    -------
    DataFrame
        ``version, dimension, category, share`` (text, as printed), ``total, count`` (nullable integer:
        missing where several counts or none are possible), ``exact`` (percent), ``verdict``,
        ``rounded_counts``, ``truncation_counts`` (text), ``source``, ``date``, ``note``.
    """
    import pandas as pd

    rows = []
    for (version, name), group in published.groupby(["version", "dimension"], sort=False):
        found = {
            str(code): attainable(str(share), int(total))
            for code, share, total in zip(group["category"], group["share"], group["total"], strict=True)
        }
        leftover = _by_difference(found) if book[str(name)].exclusive else {}
        remarks = zip(group["source"], group["date"], group["note"], strict=True)
        for (code, item), (source, date, note) in zip(found.items(), remarks, strict=True):
            count, verdict = _verdict(item, leftover.get(code))
            rows.append(
                {
                    "version": version,
                    "dimension": name,
                    "category": code,
                    "share": item.share,
                    "total": item.total,
                    "count": count,
                    "exact": None if count is None else round(100 * count / item.total, 4),
                    "verdict": verdict,
                    "rounded_counts": _join(item.rounded),
                    "truncation_counts": _join(item.counts["truncation"]),
                    "source": source,
                    "date": date,
                    "note": note,
                }
            )
    columns = ["version", "dimension", "category", "share", "total", "count", "exact", "verdict"]
    columns += ["rounded_counts", "truncation_counts", "source", "date", "note"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"total": "int64", "count": "Int64", "exact": "Float64"})


def _join(counts: tuple[int, ...]) -> str:
    return " ".join(str(count) for count in counts)


def _by_difference(found: dict[str, Attainability]) -> dict[str, int]:
    """Return the one category whose count is what the others leave over, if there is one."""
    odd = [code for code, item in found.items() if not item.rounded]
    sure = [item.rounded[0] for item in found.values() if len(item.rounded) == 1]
    total = sum((Decimal(item.share) for item in found.values()), Decimal(0))
    if len(odd) != 1 or len(sure) != len(found) - 1 or total != 100:
        return {}
    left = found[odd[0]].total - sum(sure)
    return {odd[0]: left} if left >= 0 else {}


def _verdict(item: Attainability, leftover: int | None) -> tuple[int | None, str]:
    if item.rounded:
        return (item.rounded[0] if len(item.rounded) == 1 else None), ATTAINABLE
    if leftover is not None:
        return leftover, BY_DIFFERENCE
    truncated = item.counts["truncation"]
    if truncated:
        return (truncated[0] if len(truncated) == 1 else None), BY_TRUNCATION
    return None, UNATTAINABLE


def compare_versions(published: pd.DataFrame, book: Codebook, before: str, after: str) -> pd.DataFrame:
    """Return what changed between two versions of a review, value by value.

    Returns
    -------
    DataFrame
        ``dimension, category, share_before, share_after`` (percent), ``count_before, count_after``
        (nullable), ``moved`` (studies) and ``points`` (percentage points).
    """
    counts = implied_counts(published, book)
    keep = ["dimension", "category", "share", "count"]
    old, new = (counts.loc[counts["version"] == version, keep] for version in (before, after))
    frame = old.merge(new, on=["dimension", "category"], how="outer", suffixes=("_before", "_after"))
    order = {
        (name, code): (i, j)
        for i, (name, dimension) in enumerate(book.dimensions.items())
        for j, code in enumerate(dimension.categories)
    }
    ranks = [order[pair] for pair in zip(frame["dimension"], frame["category"], strict=True)]
    frame = frame.iloc[sorted(range(len(frame)), key=lambda index: ranks[index])].reset_index(drop=True)
    for side in ("share_before", "share_after"):
        frame[side] = frame[side].astype("Float64")
    frame["moved"] = frame["count_after"] - frame["count_before"]
    frame["points"] = (frame["share_after"] - frame["share_before"]).round(4)
    return frame

"""Tables of counts in words and numbers as people read them: labels, percentages, alternative text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from review.errors import ReviewError
from review.published import shorten

if TYPE_CHECKING:
    import pandas as pd

Titles = Mapping[str, str] | None
Words = tuple[str, list[str], str]

LONGEST = 600
"""Characters of an alternative text."""


def rows_of(table: pd.DataFrame, needed: str) -> list[dict[str, Any]]:
    """Return the rows of a table as plain values, missing ones as None.

    Raises
    ------
    ReviewError
        If one of the ``needed`` columns (separated by blanks) is not there.
    """
    from review.files import records

    missing = [column for column in needed.split() if column not in table.columns]
    if missing:
        raise ReviewError(f"the table has no column {', '.join(missing)} -> give what the compute function returns")
    return records(table)


def label(code: object, titles: Titles = None) -> str:
    """Return what people read for a code: its title, or the code itself."""
    text = str(code)
    return (titles or {}).get(text, text)


def heading(name: object, titles: Titles = None) -> str:
    """Return the title of a dimension; without one its name as words."""
    text = str(name)
    return (titles or {}).get(text) or text.replace("_", " ").capitalize()


def reason(code: object, titles: Titles = None) -> str:
    """Return what people read for a reason of exclusion."""
    text = label(code, titles)
    return text if text != str(code) else text.replace("-", " ").capitalize()


def percent(count: int, total: int) -> str:
    """Return a share as people read it: percent with one decimal, or ``-`` of nothing."""
    return str(shorten(count, total, 1, "half up")) if total else "-"


def number(value: float | None, decimals: int = 1, scale: float = 1, *, sign: bool = False) -> str:
    """Return a number with a true minus sign, or ``-`` for a missing one."""
    if value is None:
        return "-"
    rounded = round(value * scale, decimals) + 0.0
    return f"{rounded:{'+' if sign and rounded else ''}.{decimals}f}".replace("-", "\u2212")


def describe(table: pd.DataFrame, kind: str, titles: Titles = None) -> str:
    """Return alternative text for a figure: what it is, its numbers, and how far they are findings.

    Parameters
    ----------
    table : DataFrame
        The table that was drawn.
    kind : str
        The plot function's name without ``plot_``.
    titles : mapping of str to str, optional
        What to call codes and dimensions.

    Returns
    -------
    str
        At most :data:`LONGEST` characters; what does not fit is counted.

    Raises
    ------
    ReviewError
        If there is no such plot.
    """
    if kind not in _WORDS:
        raise ReviewError(f"no kind of figure named {kind!r} -> choose one of: {', '.join(_WORDS)}")
    start, parts, end = _WORDS[kind](table, titles)
    if not parts:
        return f"{start}."
    for count in range(len(parts), -1, -1):
        rest = f"; and {len(parts) - count} more" if count < len(parts) else ""
        text = f"{start}: {', '.join(parts[:count])}{rest}{end}."
        if len(text) <= LONGEST:
            break
    return text[:LONGEST]


def _say_shares(table: pd.DataFrame, titles: Titles) -> Words:
    rows = [row for row in rows_of(table, "dimension category count total unknown status") if row["total"]]
    if not rows:
        return "Shares: no studies", [], ""
    parts = []
    for row in rows:
        unknown = f", {row['unknown']} not known" if row["unknown"] else ""
        share = f"{row['count']} ({percent(row['count'], row['total'])} %{unknown})"
        parts.append(f"{_word(row['category'], titles)} {'not coded' if row['status'] == 'not coded' else share}")
    return f"Shares of {rows[0]['total']} studies by {_word(rows[0]['dimension'], titles)}", parts, _statuses(rows)


def _say_reproduction(table: pd.DataFrame, titles: Titles) -> Words:
    rows = [row for row in rows_of(table, "category published count total status") if row["total"]]
    if not rows:
        return "Published and recomputed shares: no studies", [], ""
    parts = [
        f"{_word(row['category'], titles)} {row['published']} and "
        f"{'not coded' if row['status'] == 'not coded' else percent(row['count'], row['total']) + ' %'}"
        for row in rows
    ]
    return f"Published and recomputed shares of {rows[0]['total']} studies", parts, _statuses(rows)


def _say_versions(table: pd.DataFrame, titles: Titles) -> Words:
    rows = rows_of(table, "category share_before share_after moved points")
    changed = [row for row in rows if row["points"] != 0]
    parts = [
        f"{_word(row['category'], titles)} {number(row['share_before'])} to {number(row['share_after'])} % "
        f"(studies {number(row['moved'], 0, sign=True)})"
        for row in changed
    ]
    return f"Two versions of the published shares, {len(changed)} of {len(rows)} values changed", parts, ""


def _say_cross(table: pd.DataFrame, titles: Titles) -> Words:
    cells = [(int(table.loc[a, b]), a, b) for a in table.index for b in table.columns if table.loc[a, b] > 0]
    cells.sort(key=lambda cell: -cell[0])
    parts = [f"{_word(a, titles)} with {_word(b, titles)} {count}" for count, a, b in cells]
    names = f"{_word(table.index.name, titles)} and {_word(table.columns.name, titles)}"
    return f"Counts of studies by {names}, {table.size - len(cells)} of {table.size} cells empty", parts, ""


def _say_trend(table: pd.DataFrame, titles: Titles) -> Words:
    rows = rows_of(table, "year category count total")
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(_word(row["category"], titles), []).append(f"{row['year']} {row['count']}/{row['total']}")
    parts = [f"{name} {' '.join(values)}" for name, values in groups.items()]
    return "Studies with each code of all studies of the year" if parts else "Shares by year: no studies", parts, ""


def _say_overlaps(table: pd.DataFrame, titles: Titles) -> Words:
    rows = rows_of(table, "labels size count")
    total = sum(row["count"] for row in rows)
    names = [" and ".join(_word(code, titles) for code in row["labels"].split("; ") if code) or "none known" for row in rows]
    parts = [f"{name} {row['count']}" for name, row in zip(names, rows, strict=True)]
    return f"Combinations of labels in {total} studies", parts, ""


def _say_flow(table: pd.DataFrame, titles: Titles) -> Words:
    rows = rows_of(table, "label count kind")
    parts = [f"{_word(str(row['label']).split(chr(10))[0], titles)} {row['count']}" for row in rows]
    return "Flow of records", parts, ""


def _say_agreement(table: pd.DataFrame, titles: Titles) -> Words:
    rows = [row for row in rows_of(table, "dimension label units percent kappa ac1") if row["units"]]
    parts = [
        f"{_word(row['label'] or row['dimension'], titles)} {number(row['kappa'], 2)} and {number(row['ac1'], 2)} "
        f"({number(row['percent'], 0, 100)} % of {row['units']})"
        for row in rows
    ]
    return "Agreement of two coders, kappa and AC1 (studies agreed)" if parts else "Agreement: no studies", parts, ""


def _say_reasons(table: pd.DataFrame, titles: Titles) -> Words:
    rows = [row for row in rows_of(table, "reason count") if row["count"]]
    parts, group = [], ""
    for row in rows:
        name = " ".join(str(row[key]) for key in ("stage", "decision") if row.get(key))
        parts.append((f"{name}: " if name != group else "") + f"{reason(row['reason'], titles).lower()} {row['count']}")
        group = name
    return f"Reasons why {sum(row['count'] for row in rows)} records left the review", parts, ""


def _word(code: object, titles: Titles) -> str:
    """Return a label as it stands inside a sentence."""
    text = str(code)
    title = (titles or {}).get(text)
    return text.replace("_", " ") if title is None else title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _statuses(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how far the rows are findings."""
    statuses = list(dict.fromkeys(row["status"] for row in rows))
    if len(statuses) == 1:
        return f"; all {statuses[0]}"
    return "; " + ", ".join(f"{sum(row['status'] == status for row in rows)} {status}" for status in statuses)


_WORDS: dict[str, Callable[[pd.DataFrame, Titles], Words]] = {
    "agreement": _say_agreement,
    "cross": _say_cross,
    "flow": _say_flow,
    "overlaps": _say_overlaps,
    "reproduction": _say_reproduction,
    "screening_reasons": _say_reasons,
    "shares": _say_shares,
    "trend": _say_trend,
    "versions": _say_versions,
}

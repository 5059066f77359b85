"""Rows of a table as cells for a page: numbers as people read them, keys and codes as links."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.site.clean import web
from review.site.places import Places, relative

if TYPE_CHECKING:
    from review.corpus import Corpus

MOST = 200
"""Rows that a page shows; the file has all."""

LONG = 45
"""Letters from which a text needs a wide column."""

_SPLIT = re.compile(r"; ?|, ")


@dataclass(frozen=True)
class Cell:
    """One cell: pieces of text, each with an address or "", and its class."""

    pieces: tuple[tuple[str, str], ...]
    kind: str = ""


@dataclass(frozen=True)
class Grid:
    """A table as it is shown.

    Attributes
    ----------
    columns : tuple of (str, str)
        Name, and the class of its cells: ``n`` for numbers, ``w`` for long text, or "".
    rows : tuple of tuple of Cell
        At most :data:`MOST`.
    total : int
        Rows of the whole table.
    """

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int


def grid(rows: Sequence[Mapping[str, Any]], corpus: Corpus, places: Places, page: str, most: int = MOST) -> Grid:
    """Return a table with links to the studies and statistics of the site.

    Parameters
    ----------
    rows : sequence of mapping
        Records with the same columns.
    page : str
        The page that shows them.
    most : int
        Rows to show.
    """
    names = [str(name) for name in rows[0]] if rows else []
    kinds = {name: _kind([row.get(name) for row in rows]) for name in names}
    digits = {name: _digits([row.get(name) for row in rows]) for name in names}
    shown = tuple(
        tuple(Cell(_pieces(name, row, digits[name], corpus, places, page), kinds[name]) for name in names) for row in rows[:most]
    )
    return Grid(tuple((name, kinds[name]) for name in names), shown, len(rows))


def _kind(values: Sequence[Any]) -> str:
    """Return the class of a column by what is in it."""
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return "n"
    return "w" if any(isinstance(value, str) and len(value) > LONG and " " in value for value in known) else ""


def _digits(values: Sequence[Any]) -> int:
    """Return the decimals of a column: three for shares and probabilities, else two."""
    return 3 if all(abs(value) <= 1 for value in values if isinstance(value, float)) else 2


def say(value: Any, digits: int = 3) -> str:
    """Return a plain value as people read it; a missing one is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        small = 0 < abs(value) < 10**-digits / 2
        return f"{value:.1e}" if small else f"{value:.{digits}f}".replace("-", "\u2212")
    return str(value)


def _pieces(
    name: str, row: Mapping[str, Any], digits: int, corpus: Corpus, places: Places, page: str
) -> tuple[tuple[str, str], ...]:
    """Return the text of a cell in pieces, with where each leads."""
    value = row.get(name)
    text = say(value, digits)
    dimensions = corpus.codebook.dimensions

    def to(target: str | None) -> str:
        return relative(target, page) if target else ""

    if name in dimensions and text == "" and "key" in row:
        return (("unknown", ""),)
    if name in ("key", "keys") and isinstance(value, str):
        keys = _SPLIT.split(text)
        if all(key in places.studies for key in keys):
            return tuple((key, to(places.studies[key])) for key in keys)
    if name in ("category", "label") and (row.get("dimension"), value) in places.codes:
        return ((text, to(places.codes[str(row["dimension"]), text])),)
    if name == "dimension" and value in dimensions:
        return ((text, to(places.dimensions[text])),)
    if name in dimensions and "key" not in row and (name, value) in places.codes:
        return ((text, to(places.codes[name, text])),)
    address = web(text) if name in ("link", "source") else ""
    return ((re.sub(r"^https?://", "", text) if address else text, address),)


def linked(html: str, places: Places, page: str) -> str:
    """Return a clean HTML table with links from cells that hold nothing but a citation key."""

    def link(match: re.Match[str]) -> str:
        target = places.studies.get(match[2])
        return f'{match[1]}<a href="{relative(target, page)}">{match[2]}</a>{match[3]}' if target else match[0]

    return re.sub(r"(<td[^>]*>|<code>)([A-Za-z0-9][\w:.+-]*)(</td>|</code>)", link, html)

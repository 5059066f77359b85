"""A table for a paper, before it is written as HTML, LaTeX or Word: title, columns, groups of rows, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from review.describe import number, percent
from review.errors import ReviewError, printable
from review.files import records, sheet, write_bytes

if TYPE_CHECKING:
    import pandas as pd

MISSING = "NA"
DASH = "\u2013"
FIGURE_SPACE = "\u2007"
"""As wide as a digit: it keeps numbers of different length in line."""

SUFFIXES = {"html": ".html", "latex": ".tex", "word": ".docx"}
"""Formats of a table and how their files end; a CSV with the plain values is always written beside them."""


@dataclass(frozen=True)
class Link:
    """A piece of text that leads to an address."""

    text: str
    address: str


Cell: TypeAlias = "str | tuple[str | Link, ...]"


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    label : str
        Its heading.
    share : float
        Part of the table's width; all columns together have 1.
    align : {"left", "right"}
    above : str
        Heading over neighbouring columns that have the same one; "": none.
    """

    label: str
    share: float
    align: Literal["left", "right"] = "left"
    above: str = ""


@dataclass(frozen=True)
class Group:
    """Rows under one heading; "": without a heading."""

    title: str
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, eq=False)
class PaperTable:
    """One table.

    Attributes
    ----------
    name : str
        In file names and labels.
    title : str
        Without a number: the paper gives it.
    columns : tuple of Column
        The first one names the row.
    groups : tuple of Group
    notes : tuple of str
        Below the table; the first one says how far its numbers are findings.
    frame : DataFrame
        The plain values, for CSV.
    empty : str
        What stands in a table without rows.
    long, wide, loose : bool
        Whether it may break across pages, needs a page in landscape, and has rows of several lines that want space between them.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]
    frame: pd.DataFrame
    empty: str = "There is nothing to show."
    long: bool = False
    wide: bool = False
    loose: bool = False

    def shown(self) -> PaperTable:
        """Return the table without empty groups; one that is empty has one column with one row that says so."""
        filled = tuple(group for group in self.groups if group.rows)
        if filled:
            return replace(self, groups=filled)
        return replace(self, columns=(Column(self.columns[0].label, 1.0),), groups=(Group("", ((self.empty,),)),))

    @property
    def spans(self) -> list[tuple[str, int, int]]:
        """Headings over columns with their first and last place; none if no column has one."""
        found: list[tuple[str, int, int]] = []
        for place, column in enumerate(self.columns):
            if found and column.above and found[-1][0] == column.above and found[-1][2] == place - 1:
                found[-1] = (column.above, found[-1][1], place)
            elif column.above:
                found.append((column.above, place, place))
        return found

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from review.paper_html import fragment

        return fragment(self)


def parts(cell: Cell) -> tuple[str | Link, ...]:
    """Return the pieces of a cell."""
    return (cell,) if isinstance(cell, str) else cell


def plain(cell: Cell) -> str:
    """Return the text of a cell without its links."""
    return "".join(part if isinstance(part, str) else part.text for part in parts(cell))


def clean(text: object) -> str:
    """Return text from data on one line, control characters written out."""
    return printable(" ".join(str(text).split()))


def counted_column(given: Iterable[tuple[int, int]]) -> list[str]:
    """Return a column of ``n (%)`` in which counts and decimal points stand in line; the share of nothing is ``NA``."""
    texts = [(str(count), f"({percent(count, total) if total else MISSING})") for count, total in given]
    left, right = (max((len(text[side]) for text in texts), default=0) for side in (0, 1))
    return [f"{count.rjust(left, FIGURE_SPACE)} {share.rjust(right, FIGURE_SPACE)}" for count, share in texts]


def interval(low: float | None, high: float | None, decimals: int = 1, scale: float = 1) -> str:
    """Return two bounds with an en dash between; ``NA`` if one is missing."""
    if low is None or high is None:
        return MISSING
    ends = number(low, decimals, scale), number(high, decimals, scale)
    return (" to " if "\u2212" in "".join(ends) else DASH).join(ends)


def span(low: int | None, high: int | None) -> str:
    """Return the range of a count: one number if it has one value only, ``NA`` if it is missing."""
    if low is None or high is None:
        return MISSING
    return str(low) if low == high else f"{low}{DASH}{high}"


def to_csv(table: PaperTable) -> str:
    """Return the plain values as CSV for people."""
    return sheet(table.frame.columns, (row.values() for row in records(table.frame)))


def known_formats(names: Iterable[str]) -> tuple[str, ...]:
    """Return formats without doubles, in the order given.

    Raises
    ------
    ReviewError
        If there is none, or one is not in :data:`SUFFIXES`.
    """
    wanted = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    unknown = [name for name in wanted if name not in SUFFIXES]
    if unknown or not wanted:
        raise ReviewError(f"no format {', '.join(unknown) or 'given'} -> choose of: {', '.join(SUFFIXES)}")
    return wanted


def write(table: PaperTable, folder: Path, stem: str = "", formats: Iterable[str] = tuple(SUFFIXES)) -> list[Path]:
    """Write a table in several formats, and its plain values as CSV.

    Parameters
    ----------
    table : PaperTable
    folder : Path
        Made if it is not there.
    stem : str
        File name without ending; the table's name by default.
    formats : iterable of str
        Of :data:`SUFFIXES`.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ReviewError
        If a format is unknown; nothing is written then.
    """
    from review import paper_html, paper_latex, paper_word

    makers: dict[str, Callable[[PaperTable], bytes]] = {
        "html": lambda given: paper_html.page(given).encode("utf-8"),
        "latex": lambda given: paper_latex.to_latex(given).encode("utf-8"),
        "word": paper_word.to_word,
    }
    made = [(SUFFIXES[name], makers[name](table)) for name in known_formats(formats)]
    written = []
    for suffix, data in [*made, (".csv", to_csv(table).encode("utf-8"))]:
        path = folder / f"{stem or table.name}{suffix}"
        write_bytes(path, data)
        written.append(path)
    return written

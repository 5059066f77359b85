"""Tables with a header: exports of Scopus, Web of Science, PubMed, Zotero, Covidence or ASReview, or one made by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from review.errors import Problem
from review.importing.kinds import kind
from review.importing.records import Record, normalise, refuse_many
from review.importing.text import folded

HEADERS = {
    "title": ("title", "article title", "document title", "primary title", "ti"),
    "authors": ("authors", "author", "author s", "author names", "author full names", "af", "au", "first author"),
    "year": ("year", "publication year", "published year", "pub year", "date", "publication date", "py"),
    "doi": ("doi", "di", "digital object identifier", "book doi"),
    "pmid": ("pmid", "pubmed id", "pubmed", "pm", "pubmedid"),
    "pmcid": ("pmcid", "pmc", "pmc id"),
    "arxiv": ("arxiv", "arxiv id", "arxivid"),
    "preprint": ("preprint", "preprint doi"),
    "venue": (
        "journal",
        "source title",
        "publication title",
        "journal book",
        "venue",
        "booktitle",
        "conference",
        "conference title",
        "proceedings title",
        "publication",
        "so",
    ),
    "volume": ("volume", "vl"),
    "number": ("issue", "number", "is"),
    "pages": ("pages", "page range"),
    "first": ("page start", "start page", "bp"),
    "last": ("page end", "end page", "ep"),
    "article": ("art no", "article number", "ar"),
    "url": ("url", "link", "article url", "urls"),
    "abstract": ("abstract", "abstract note", "ab"),
    "kind": ("document type", "item type", "publication type", "type", "dt", "pt"),
    "key": ("key", "citation key", "covidence", "record id", "id"),
}
"""Field -> headers in lower case without punctuation, the preferred first."""

DELIMITERS = (",", ";", "\t")
MOST_PROBLEMS = 50
EMPTY = frozenset(("n/a", "na", "nan", "null", "none", "#n/a", "-", "--", "?"))
"""What programs write for nothing, in whatever case."""


def is_header(text: str) -> bool:
    """Tell whether a text begins with a header that names a title or an identifier, and something else."""
    return _layout(text) is not None


def parse(text: str, file: str) -> tuple[list[Record], list[Problem]]:
    """Return the rows of a table as records, and every row that is none."""
    layout = _layout(text)
    if layout is None:
        named = "title, authors, year, doi, pmid, arxiv, journal, url, abstract"
        return [], [Problem(file, 1, None, "the header names neither a title nor an identifier", f"name columns: {named}")]
    delimiter, columns, skipped = layout
    reader = csv.reader(io.StringIO(text[skipped:], newline=""), delimiter=delimiter, strict=True)
    records: list[Record] = []
    problems: list[Problem] = []
    before = text.count("\n", 0, skipped)
    start = before + 1
    try:
        width = len(next(reader))
        start = before + reader.line_num + 1
        for row in reader:
            cells = [*row[:width], *(cell for cell in row[width:] if cell.strip())]
            if not any(cell.strip() for cell in row):
                pass
            elif len(cells) != width:
                problems.append(
                    Problem(file, start, None, f"the row has {len(cells)} fields, {width} are expected", "check its quotes")
                )
            else:
                records.append(_record(cells, columns, file, start))
                refuse_many(file, len(records))
            start = before + reader.line_num + 1
            if len(problems) == MOST_PROBLEMS:
                problems.append(
                    Problem(file, start, None, "nothing is read from here on: too many rows are broken", "mend those above")
                )
                break
    except csv.Error as error:
        problems.append(Problem(file, start, None, f"nothing is read from here on: {error}", "check the quotes of this row"))
    return records, problems


def _layout(text: str) -> tuple[str, dict[str, list[int]], int] | None:
    """Return delimiter, places of the columns by field, and where the header begins; None if it is no such table."""
    skipped = len(text) - len(text.lstrip("\n "))
    if text[skipped:].lower().startswith("sep="):
        skipped = text.find("\n", skipped) + 1 or len(text)
    line = text[skipped:].partition("\n")[0][:20_000]
    best: tuple[int, str, dict[str, list[int]]] | None = None
    for delimiter in DELIMITERS:
        try:
            header = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        columns = _columns(header)
        names = {"title", "doi", "pmid", "pmcid", "arxiv"} & set(columns)
        if names and (best is None or len(columns) > best[0]):
            best = len(columns), delimiter, columns
    return None if best is None else (best[1], best[2], skipped)


def _columns(header: Sequence[str]) -> dict[str, list[int]]:
    places = [folded(name[:100]) for name in header]
    found = {
        field: [place for name in names for place, given in enumerate(places) if given == name]
        for field, names in HEADERS.items()
    }
    return {field: columns for field, columns in found.items() if columns}


def _record(cells: Sequence[str], columns: Mapping[str, Sequence[int]], file: str, line: int) -> Record:
    """Return one row in the form of all records; of several columns for one field the first that is filled counts."""

    def cell(field: str) -> str:
        texts = (cells[place].strip() for place in columns.get(field, ()))
        return next((text for text in texts if text and text.lower() not in EMPTY), "")

    first, last = cell("first"), cell("last")
    span = f"{first}--{last}" if first and last and first != last else first or cell("article")
    names = ("title", "doi", "pmid", "pmcid", "arxiv", "preprint", "venue", "volume", "number", "url", "abstract")
    plain: dict[str, Any] = {field: cell(field) for field in names}
    return normalise(
        authors=cell("authors"),
        year=cell("year"),
        kind=kind(cell("kind")),
        pages=cell("pages") or span,
        key=cell("key")[:200],
        file=file,
        line=line,
        **plain,
    )

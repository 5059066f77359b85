"""Abstracts or other texts of studies, which no corpus holds: read from a file and laid beside keys of the corpus."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.errors import InputError, Problem
from review.files import read_text
from review.importing import matching
from review.importing.records import Record, normalise

if TYPE_CHECKING:
    from review.corpus import Corpus

COLUMNS = ("record", "title", "authors", "year", "venue", "doi", "preprint", "arxiv", "pmid", "pmcid", "abstract")
"""Of the file that an update writes; of one made by hand ``abstract`` and one column that identifies are enough."""

NAMED = ("key", "title", "doi", "arxiv", "pmid", "pmcid")
_TAKEN = ("title", "authors", "year", "venue", "doi", "preprint", "arxiv", "pmid", "pmcid", "abstract")


@dataclass(frozen=True)
class Texts:
    """What a file tells of studies and records, by key.

    Attributes
    ----------
    records : dict of str to Record
        With the abstract, and authors and venue where the file has them.
    name : str
        Of the file, without folder.
    unmatched : int
        Rows for which the corpus has no study or record.
    """

    records: dict[str, Record]
    name: str
    unmatched: int

    def abstract(self, key: str) -> str:
        """Return the abstract of a study or record; "" if there is none."""
        return self.records[key].abstract if key in self.records else ""


NONE = Texts({}, "", 0)


def read(path: Path | str, corpus: Corpus) -> Texts:
    """Read texts of studies and records from a CSV table.

    A row belongs to a study with its key, or else as :func:`review.importing.matching.match` finds it; a row that a person would
    have to decide about belongs to none. Of several rows of one study the first counts.

    Parameters
    ----------
    path : Path or str
        Columns ``abstract``, and one or more of ``key, title, doi, arxiv, pmid, pmcid``.

    Raises
    ------
    InputError
        If the file is no such table.
    """
    file = Path(path)
    keys = {reference.key for reference in corpus.references} | set(corpus.screening["key"])
    found: dict[str, Record] = {}
    others = []
    for line, row in _rows(file):
        given: dict[str, Any] = {name: row.get(name, "") for name in _TAKEN}
        record = normalise(file=file.name, line=line, **given)
        if row.get("key", "") in keys:
            found.setdefault(row["key"], record)
        else:
            others.append(record)
    matches = matching.match(others, corpus)
    for one in matches:
        if one.key in keys and not one.open:
            found.setdefault(one.key, one.record)
    return Texts(found, file.name, sum(one.key not in keys or one.open for one in matches))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a table with their lines."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader)]
        if "abstract" not in header or not set(header) & set(NAMED):
            message = "the header does not name abstract and something that identifies a study"
            raise InputError([Problem(str(path), 1, None, message, f"name columns: abstract, and some of {', '.join(NAMED)}")])
        found, line = [], reader.line_num + 1
        for row in reader:
            if not any(cell.strip() for cell in row):
                pass  # a spreadsheet leaves such lines
            elif len(row) == len(header):
                found.append((line, {name: cell.strip() for name, cell in zip(header, row, strict=True)}))
            else:
                message = f"the row has {len(row)} fields, {len(header)} are expected"
                raise InputError([Problem(str(path), line, None, message, "check its quotes")])
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError([Problem(str(path), reader.line_num, None, str(error), "check the quotes")]) from None
    return found

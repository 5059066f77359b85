"""Exchange of records with ASReview LAB: out with what was decided so far, back in as decisions on records that waited.

The table has the columns that ASReview reads (``title, abstract, authors, year, doi, url, included``) and the key of the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import paths, writing
from review.corpus import link
from review.errors import InputError, OptionError
from review.files import records, rows_to_csv, write_text
from review.importing import entries
from review.importing.records import Record, normalise
from review.living.labels import IRRELEVANT, RELEVANT, Labelled
from review.living.texts import NONE, Texts

if TYPE_CHECKING:
    import pandas as pd

    from review.bibliography import Reference
    from review.corpus import Corpus
    from review.writing import Change

FIELDS = ("key", "title", "abstract", "authors", "year", "doi", "url", "included")
EXCLUDED_BY = "excluded-by-screener"
NOT_VERIFIED = "not-verified"
SAME, EXCLUDE, INCLUDE, CONFLICT, REPLACE = "as before", "excluded", "included", "conflict", "overwritten"
UNLABELLED, ELSEWHERE = "no label", "not found"


def compute_records(corpus: Corpus, texts: Texts = NONE, only: str = "all") -> pd.DataFrame:
    """Return every record of the screening table as ASReview reads it.

    Parameters
    ----------
    corpus : Corpus
    texts : Texts
        Abstracts, and authors of records that are not in the bibliography; a corpus holds neither.
    only : {"all", "pending"}
        Whether records that are decided are among them.

    Returns
    -------
    DataFrame
        ``key, title, abstract, authors`` (with semicolons), ``year, doi, url, included``: 1 for studies of the bibliography, 0
        for excluded records, missing for those that wait.

    Raises
    ------
    InputError
        If the corpus has no screening table.
    """
    import pandas as pd

    if corpus.screening.empty:
        message = "this corpus has no screening table"
        raise InputError.one(corpus.directory / paths.SCREENING, message, "only records that are screened can be exchanged")
    authors = {reference.key: reference.fields.get("author", "").replace(" and ", "; ") for reference in corpus.references}
    rows = []
    for row in corpus.screening.to_dict("records"):
        if only == "pending" and row["decision"] != "pending":
            continue
        key = str(row["key"])
        known = texts.records.get(key)
        names = authors.get(key) or ("; ".join(known.authors) if known else "")
        address = link({str(name): value for name, value in row.items()})
        included = {"pending": None, "excluded": 0}.get(str(row["decision"]), 1)
        year = int(row["year"]) if row["year"] else None
        rows.append((key, row["title"], texts.abstract(key), names, year, row["doi"], address, included))
    return pd.DataFrame(rows, columns=list(FIELDS)).astype({"year": "Int64", "included": "Int64"})


def export(frame: pd.DataFrame, path: Path) -> None:
    """Write records for ASReview, as CSV or RIS by the ending of the name.

    Raises
    ------
    OptionError
        If the name ends otherwise.
    """
    rows = records(frame)
    if path.suffix.lower() == ".csv":
        write_text(path, rows_to_csv(FIELDS, (row.values() for row in rows)))
    elif path.suffix.lower() == ".ris":
        write_text(path, _ris_text(rows))
    else:
        raise OptionError(f"{path.name} ends neither in .csv nor in .ris -> name a file that does")


def _ris_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return records as RIS, without the numbers that rispy writes between them and RIS does not know."""
    import rispy

    class Writer(rispy.RisWriter):  # type: ignore[misc]
        def set_header(self, count: int) -> str:  # noqa: ARG002 (the signature of rispy)
            return ""

    return str(rispy.dumps([_ris(row) for row in rows], implementation=Writer))


def _ris(row: dict[str, Any]) -> dict[str, Any]:
    note = {1: "ASReview_relevant", 0: "ASReview_irrelevant", None: "ASReview_not_seen"}[row["included"]]
    found = {
        "type_of_reference": "JOUR",
        "id": row["key"],
        "title": row["title"],
        "abstract": row["abstract"],
        "authors": [name for name in row["authors"].split("; ") if name],
        "year": str(row["year"] or ""),
        "doi": row["doi"],
        "urls": [row["url"]] if row["url"] else [],
        "notes": [note],
    }
    return {name: _line(value) for name, value in found.items() if value}


def _line(value: Any) -> Any:
    """Return text on one line: a line of its own could end the record and begin a forged one."""
    return " ".join(value.split()) if isinstance(value, str) else [" ".join(text.split()) for text in value]


@dataclass(frozen=True)
class Screened:
    """What labels do to a corpus.

    Attributes
    ----------
    change : Change
    rows : tuple of (str, str, str, str)
        For each record of the file: key or place, label, what becomes of it, why.
    """

    change: Change
    rows: tuple[tuple[str, str, str, str], ...]

    def table(self) -> pd.DataFrame:
        """Return one row a record of the file: ``record, label, what, note``."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=["record", "label", "what", "note"])


def plan(corpus: Corpus, labelled: Sequence[Labelled], *, reason: str = EXCLUDED_BY, overwrite: bool = False) -> Screened:
    """Return what labels change; nothing is written.

    A record that waits and is irrelevant is excluded; one that is relevant becomes a study of the bibliography that was not
    verified. A label against an earlier decision is a conflict and changes nothing, unless ``overwrite`` is set; a study that has
    codes or is in a selection is never excluded here.

    Raises
    ------
    InputError
        If the corpus has no screening table.
    """
    if corpus.screening.empty:
        message = "this corpus has no screening table"
        raise InputError.one(corpus.directory / paths.SCREENING, message, "import records first: review import FILE")
    desk = _Desk(corpus, reason, overwrite)
    rows = tuple(desk.decide(one) for one in labelled)
    change = writing.change(
        corpus,
        references=desk.references.values() if desk.changed else None,
        screening=[list(row.values()) for row in desk.screening.values()] if desk.changed else None,
    )
    return Screened(change, rows)


class _Desk:
    """Takes labels one by one, and keeps what the tables would be."""

    def __init__(self, corpus: Corpus, reason: str, overwrite: bool) -> None:
        self.references: dict[str, Reference] = {reference.key: reference for reference in corpus.references}
        rows = corpus.screening.to_dict("records")
        self.screening: dict[str, dict[str, str]] = {
            str(row["key"]): {str(name): str(value) for name, value in row.items()} for row in rows
        }
        self.reason, self.overwrite, self.changed = reason, overwrite, False
        self._codes = corpus.coding["key"].value_counts().to_dict()
        self._selected = set(corpus.selection_table["key"])

    def decide(self, one: Labelled) -> tuple[str, str, str, str]:
        """Return what becomes of one record."""
        name = one.key or one.record.place
        if not one.label:
            return name, "", UNLABELLED, one.note
        row = self.screening.get(one.key)
        if row is None:
            return name, one.label, ELSEWHERE, one.note or "it is in the bibliography, but was never screened"
        decision = row["decision"]
        if decision == "pending":
            self._take(one, row)
            return name, one.label, INCLUDE if one.label == RELEVANT else EXCLUDE, ""
        if (decision == "excluded") == (one.label == IRRELEVANT):
            return name, one.label, SAME, decision
        why = f"{decision}: {row['reason']}" if row["reason"] else decision
        held = self._held(one.key) if one.label == IRRELEVANT else ""
        if not self.overwrite or held:
            return name, one.label, CONFLICT, f"{why}; {held}" if held else why
        row["note"] = " | ".join(part for part in (row["note"], f"was {why}") if part)
        self._take(one, row)
        return name, one.label, REPLACE, f"was {why}"

    def _held(self, key: str) -> str:
        """Return why a study cannot be excluded here."""
        if self._codes.get(key):
            return f"it has {self._codes[key]} codes, which would be lost"
        return "it is in a selection" if key in self._selected else ""

    def _take(self, one: Labelled, row: dict[str, str]) -> None:
        self.changed = True
        row["note"] = " | ".join(part for part in (row["note"], f"ASReview: {one.label}") if part)
        row["verified_on"] = ""
        if one.label == IRRELEVANT:
            row |= {"stage": "screening", "decision": "excluded", "reason": self.reason}
            self.references.pop(one.key, None)
            return
        row |= {"stage": "verification", "decision": "unverified", "reason": NOT_VERIFIED}
        self.references[one.key] = entries.reference(_merged(one.record, row), one.key)


def _merged(record: Record, row: dict[str, str]) -> Record:
    """Return what the corpus knows of a record, and what only the file knows."""
    return normalise(
        title=row["title"],
        authors=record.authors,
        year=row["year"] or record.year,
        kind=record.kind,
        venue=record.venue,
        doi=row["doi"] or record.doi or record.preprint,
        arxiv=row["arxiv"] or record.arxiv,
        pmid=row["pmid"] or record.pmid,
        pmcid=record.pmcid,
        markup=False,
    )

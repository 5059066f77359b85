"""What becomes of a record in the files of a corpus: a key, an entry of the bibliography, a row of the screening table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from review.bibliography import Reference
from review.importing import matching, names
from review.importing.text import ascii_word, folded

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus
    from review.importing.matching import Match
    from review.importing.records import Record

ORDER = (
    "title",
    "author",
    "year",
    "journal",
    "booktitle",
    "howpublished",
    "volume",
    "number",
    "pages",
    "doi",
    "eprint",
    "archiveprefix",
    "pmid",
    "pmcid",
    "preprint",
    "url",
    "firstpublic",
)
"""Of the fields of an entry; others come last."""

_VENUES = {"article": "journal", "inproceedings": "booktitle", "incollection": "booktitle"}
_SMALL = frozenset(
    """
    a an and are as at be by can could do does for from how i in is it its of on or our should so that the
    their these this to towards toward under using via was we what when where which who why will with your
    """.split()  # noqa: SIM905 (easier to read than a list)
)


def assign(corpus: Corpus, matches: Iterable[Match]) -> dict[str, str]:
    """Return the key that each new record gets, by ``FILE:LINE``: family name, year and first telling word of the title.

    Keys are letters and digits of ASCII, unlike every key of the corpus; ``anon`` and ``nd`` stand for what is not known.
    """
    taken = {reference.key.lower() for reference in corpus.references} | {str(key).lower() for key in corpus.screening["key"]}
    found = {}
    for record in matching.new_records(matches):
        found[record.place] = key = _free(_stem(record), taken)
        taken.add(key)
    return found


def _stem(record: Record) -> str:
    family = ascii_word(record.family)[:40] or "anon"
    words = [word for part in folded(record.title).split() if (word := ascii_word(part))]
    telling = next((word for word in words if word not in _SMALL), words[0] if words else "untitled")
    return f"{family}{record.year or 'nd'}{telling[:30]}"


def _free(stem: str, taken: Collection[str]) -> str:
    if stem not in taken:
        return stem
    number = 2
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def reference(record: Record, key: str) -> Reference:
    """Return a record as an entry of the bibliography; fields that are not known are left out."""
    fields = {
        "title": record.title,
        "author": names.joined(record.authors),
        "year": str(record.year or ""),
        _VENUES.get(record.kind, "howpublished"): record.venue,
        "volume": record.volume,
        "number": record.number,
        "pages": record.pages,
        "url": "" if record.identifiers else record.url,
        **_fields(record),
    }
    return Reference(key, record.kind, _ordered(fields), 0)


def _fields(record: Record) -> dict[str, str]:
    """Return the identifiers of a record as an entry has them."""
    archive = {"eprint": record.arxiv, "archiveprefix": "arXiv"} if record.arxiv else {}
    rest = {name: value for name, value in record.identifiers.items() if name != "arxiv"}
    return {**rest, **archive}


def _ordered(fields: Mapping[str, str]) -> Mapping[str, str]:
    place = {name: number for number, name in enumerate(ORDER)}
    order = sorted((name for name, value in fields.items() if value), key=lambda name: place.get(name, len(ORDER)))
    return MappingProxyType({name: fields[name] for name in order})


def screening_row(record: Record, key: str, stage: str, decision: str, reason: str, note: str = "") -> list[str]:
    """Return a row of the screening table; its source is the place of the record."""
    year, doi = str(record.year or ""), record.doi or record.preprint
    return [key, stage, decision, reason, note, "", "", record.place, record.title, year, doi, record.arxiv, record.pmid]


def described(record: Record) -> str:
    """Return what the screening table has no column for: authors, venue, PubMed Central identifier, address."""
    authors = "; ".join(record.authors[:10]) + ("; et al." if len(record.authors) > 10 else "")
    return " | ".join(part for part in (authors, record.venue, record.pmcid, record.url) if part)


def rows_of(table: pd.DataFrame) -> list[list[str]]:
    """Return the rows of a table of the corpus as lists of text."""
    return [[str(value) for value in row] for row in table.itertuples(index=False, name=None)]


def unless_same(rows: list[list[str]], table: pd.DataFrame) -> list[list[str]] | None:
    """Return rows, or None if the table of the corpus holds just them: then its file need not be written in our form."""
    return None if sorted(rows) == sorted(rows_of(table)) else rows


def filled(corpus: Corpus, matches: Iterable[Match]) -> tuple[list[Reference], list[list[str]]]:
    """Return bibliography and screening table with identifiers that studies lack and their records have.

    No value is replaced, and no identifier is given to a second study.
    """
    from review.importing import compare

    given = {pair for item in compare.known(corpus) for pair in item.identifiers.items()}
    more: dict[str, dict[str, str]] = {}
    for one in matches:
        if one.verdict not in (matching.KNOWN, matching.EXCLUDED, matching.PENDING):
            continue
        for name, value in one.record.identifiers.items():
            if (name, value) not in given and name not in more.get(one.key, {}):
                given.add((name, value))
                more.setdefault(one.key, {})[name] = value
    references = [_completed(old, more.get(old.key, {})) for old in corpus.references]
    columns = list(corpus.screening.columns)
    rows = rows_of(corpus.screening)
    for row in rows:
        wanted = more.get(row[0], {})
        for name in ("doi", "arxiv", "pmid"):
            place = columns.index(name)
            row[place] = row[place] or wanted.get(name, "")
    return references, rows


def _completed(old: Reference, more: Mapping[str, str]) -> Reference:
    wanted = {"eprint" if name == "arxiv" else name: value for name, value in more.items()}
    if "eprint" in wanted:
        if old.fields.get("eprint"):
            del wanted["eprint"]
        else:
            wanted["archiveprefix"] = "arXiv"
    fields = {**wanted, **{name: value for name, value in old.fields.items() if value}}
    return replace(old, fields=_ordered(fields)) if set(fields) > {name for name, value in old.fields.items() if value} else old

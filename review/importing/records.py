"""One reference from another program, in one form whatever it was written in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from review.errors import InputError
from review.importing import identifiers, names
from review.importing.text import clean, page_range

ABSTRACT = 50_000
LONGEST = {"title": 1_000, "authors": 20_000, "abstract": ABSTRACT}
"""Characters that a field may have; all others :data:`ORDINARY`."""

ORDINARY = 2_000
MOST = 10_000
"""Records that are read and matched at a time: as many as PubMed gives in one file."""

MOST_LINES = 20_000
"""Lines that one record may have."""

IDENTIFIERS = ("doi", "preprint", "arxiv", "pmid", "pmcid")
ADDRESSES = ("url", *IDENTIFIERS)
KINDS = ("article", "book", "incollection", "inproceedings", "mastersthesis", "misc", "phdthesis", "techreport", "unpublished")
_OF_A_DOI = ("doi", "preprint", "arxiv")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")


@dataclass(frozen=True)
class Record:
    """One reference: plain text on one line in every field, "" where nothing is known.

    Attributes
    ----------
    title : str
    authors : tuple of str
        "Family, Given"; the last one is ``others`` where more are not named.
    year : int or None
    kind : str
        Entry type of BibTeX, one of :data:`KINDS`.
    venue, volume, number, pages : str
        Journal, proceedings or book; ``pages`` with a double hyphen.
    doi, preprint, arxiv, pmid, pmcid : str
        In the forms of :mod:`review.importing.identifiers`; ``preprint`` is the DOI at a preprint server, ``doi`` never is.
    url, abstract : str
    file, line : str, int
        Name of the file (without folder) and line where it starts, or the name of a database and the place in its answer.
    part : int
        Which of the records that start on that line it is.
    key : str
        Its own key in that file; it is never used as a key of the corpus.
    notices : tuple of str
        What was removed or left out to get here.
    """

    title: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    kind: str = "misc"
    venue: str = ""
    volume: str = ""
    number: str = ""
    pages: str = ""
    doi: str = ""
    preprint: str = ""
    arxiv: str = ""
    pmid: str = ""
    pmcid: str = ""
    url: str = ""
    abstract: str = ""
    file: str = ""
    line: int = 0
    part: int = 1
    key: str = ""
    notices: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands: ``FILE:LINE``, or ``FILE:LINE.PART`` for a later record of a line."""
        return f"{self.file}:{self.line}" + (f".{self.part}" if self.part > 1 else "")

    @property
    def family(self) -> str:
        """Family name of the first author, as names are compared; "" if none is known."""
        return names.family(self.authors[0]) if self.authors else ""

    @property
    def identifiers(self) -> dict[str, str]:
        """What identifies it, by name; only what is known."""
        return {name: str(getattr(self, name)) for name in IDENTIFIERS if getattr(self, name)}

    @property
    def missing(self) -> tuple[str, ...]:
        """What a study of a bibliography needs and this lacks: title, author, year."""
        return tuple(name for name, value in (("title", self.title), ("author", self.authors), ("year", self.year)) if not value)


def normalise(
    *,
    authors: str | Iterable[str] = (),
    year: object = None,
    file: str | Path = "",
    line: int = 0,
    part: int = 1,
    kind: str = "misc",
    markup: bool = True,
    **given: Any,
) -> Record:
    """Return a record in its normal form.

    Parameters
    ----------
    authors : str or iterable of str
        One field with all names, or one text a name, in any of the usual orders.
    year : object
        A year or a date in any form; the first year from 1900 to 2099 counts.
    file : str or Path
        The folder is left out.
    line, part : int
    kind : str
        Entry type of BibTeX; an unknown one becomes ``misc``.
    markup : bool
        Whether tags and HTML entities may stand in the texts, to be removed.
    **given
        Other fields of :class:`Record` as they were found: DOI with or without prefix, at a preprint server, of arXiv; arXiv
        with version; addresses that name an identifier.

    Raises
    ------
    TypeError
        For a field that a record does not have.
    """
    known = {field.name for field in fields(Record)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise TypeError(f"a record has no field {unknown[0]!r}")
    notices: list[str] = list(given.pop("notices", ()))
    texts = {
        name: clean(value, notices, name, LONGEST.get(name, ORDINARY), markup and name not in ADDRESSES)
        for name, value in given.items()
    }
    found = _identifiers(texts, notices)
    date = clean(year, notices, "year", ORDINARY)
    match = _YEAR.search(date)
    if date and not match:
        notices.append(f"{date[:40]!r} is not a year")
    rest = {name: value for name, value in texts.items() if name not in ADDRESSES}
    rest["pages"] = page_range(rest.get("pages", ""))
    return Record(
        authors=_authors(authors, notices, markup),
        year=int(match[0]) if match else None,
        kind=kind if kind in KINDS else "misc",
        file=Path(file).name,
        line=line,
        part=part,
        notices=tuple(notices),
        **rest,
        **found,
    )


def _authors(given: str | Iterable[str], notices: list[str], markup: bool) -> tuple[str, ...]:
    texts = names.people(given[: LONGEST["authors"]]) if isinstance(given, str) else list(given)
    cleaned = [clean(text, notices, "authors", 200, markup) for text in texts]
    people = [found for text in cleaned if (found := clean(names.person(text), notices, "authors", 200, markup=False))]
    if sum(map(len, people)) > LONGEST["authors"]:
        notices.append(f"{len(people)} authors are left out: {LONGEST['authors']:,} characters are the most")
        return ()
    return tuple(people)


def _identifiers(texts: dict[str, str], notices: list[str]) -> dict[str, str]:
    """Return every identifier in its one form; what is none is left out with a notice."""
    raw = {name: texts.get(name, "") for name in ADDRESSES}
    found = dict.fromkeys(ADDRESSES, "")
    found["url"] = identifiers.address(raw["url"])
    for name in ("doi", "preprint"):
        for part, value in zip(_OF_A_DOI, identifiers.split_doi(raw[name]), strict=True):
            found[part] = found[part] or value
        if raw[name] and not identifiers.doi(raw[name]):
            _say(notices, name, raw[name])
    for name, read in (("arxiv", identifiers.arxiv), ("pmid", identifiers.pmid), ("pmcid", identifiers.pmcid)):
        value = read(raw[name])
        found[name] = value or found[name]
        if raw[name] and not value:
            _say(notices, name, raw[name])
    for name, value in identifiers.in_address(found["url"]).items():
        parts = (
            dict(zip(("doi", "preprint", "arxiv"), identifiers.split_doi(value), strict=True)) if name == "doi" else {name: value}
        )
        found |= {part: found[part] or text for part, text in parts.items()}
    for name in ("venue", "volume", "number", "pages"):
        found["arxiv"] = found["arxiv"] or identifiers.arxiv_in(texts.get(name, ""))
    if raw["url"] and not found["url"]:
        _say(notices, "url", raw["url"])
    return found


def refuse_many(file: str, number: int) -> None:
    """Refuse a file with too many records before time is spent on them.

    Raises
    ------
    InputError
        If there are more than :data:`MOST`.
    """
    if number > MOST:
        raise InputError.one(file, f"there are more than {MOST:,} records in it", "split the file")


def _say(notices: list[str], name: str, value: str) -> None:
    notices.append(f"{value[:60]!r} is no {name} and is left out")

"""RIS files, as EndNote, Zotero, Scopus, Web of Science and publishers write them."""

from __future__ import annotations

import re
from typing import Any

from review.errors import Problem
from review.importing import identifiers
from review.importing.kinds import kind
from review.importing.records import MOST_LINES, Record, normalise, refuse_many

_TAG = re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: (.*))?")
_START = re.compile(r"^TY {1,2}-", re.MULTILINE)
_VENUES = ("journal_name", "secondary_title", "alternate_title3", "alternate_title2", "alternate_title1", "tertiary_title")


def parse(text: str, file: str) -> tuple[list[Record], list[Problem]]:
    """Return the records of a RIS file, and every block that is none."""
    import rispy

    refuse_many(file, len(_START.findall(text)))
    records: list[Record] = []
    problems: list[Problem] = []
    for start, lines, ended in _blocks(text, file, problems):
        if not ended:
            message, remedy = "the record has no end", "add the line 'ER  - ' (the file may be cut off here)"
            problems.append(Problem(file, start, None, message, remedy))
            continue
        if len(lines) > MOST_LINES:
            problems.append(Problem(file, start, None, f"the record has more than {MOST_LINES:,} lines", "export it again"))
            continue
        found = rispy.RisParser().parse_lines(iter(lines))
        records += [_record(one, file, start) for one in found]
    return records, problems


def _blocks(text: str, file: str, problems: list[Problem]) -> list[tuple[int, list[str], bool]]:
    """Return line, lines and whether there is an end of every record; lines that go on are joined to the one before."""
    blocks: list[tuple[int, list[str], bool]] = []
    parts: list[list[str]] = []
    start, outside = 0, 0
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip("\ufeff ").rstrip()
        match = _TAG.fullmatch(bare)
        tag = match[1] if match else "TY" if _START.match(bare) else ""
        if tag == "TY":
            if parts:
                blocks.append((start, ["".join(part) for part in parts], False))
            start, parts = number, [[f"TY  - {bare.partition('-')[2].strip()}"]]
        elif not parts:
            if line.strip() and not outside and tag:
                outside = number
        elif tag == "ER":
            blocks.append((start, [*(" ".join(part) for part in parts), "ER  - "], True))
            parts = []
        elif match:
            parts.append([f"{tag}  - {match[2] or ''}"])
        elif line.strip():
            parts[-1].append(line.strip())
    if parts:
        blocks.append((start, [" ".join(part) for part in parts], False))
    if outside:
        problems.append(Problem(file, outside, None, "a line stands outside every record", "begin the record with 'TY  - '"))
    return blocks


def _record(raw: dict[str, Any], file: str, line: int) -> Record:
    """Return a record of rispy in the form of all records."""

    def text(*names: str) -> str:
        return next((str(raw[name]) for name in names if raw.get(name)), "")

    first, last = text("start_page"), text("end_page")
    addresses = [str(one) for one in raw.get("urls", [])]
    named: dict[str, str] = {}
    for one in addresses[:50]:
        named |= {name: value for name, value in identifiers.in_address(one).items() if value and name not in named}
    notes = " ".join(map(str, raw.get("notes", [])))[:2000]
    database = f"{text('name_of_database')} {text('database_provider')}".lower()
    number = text("accession_number")
    pmid = number if re.search("pubmed|medline|nlm", database) and number.isdigit() else ""
    stated = re.search(r"\bPMID:?\s*(\d{1,9})\b", notes)
    doi = text("doi") or next((one for one in (text("type_of_work"), text("note")) if identifiers.doi(one)), "")
    return normalise(
        title=text("title", "primary_title", "translated_title"),
        authors=[str(one) for name in ("authors", "first_authors") for one in raw.get(name, [])]
        or [str(one) for one in raw.get("secondary_authors", [])],
        year=text("year", "publication_year", "date"),
        kind=kind(text("type_of_reference")),
        venue=text(*_VENUES),
        volume=text("volume"),
        number=text("number"),
        pages=f"{first}--{last}" if first and last and first != last and "-" not in first else first,
        doi=doi or named.get("doi", ""),
        arxiv=named.get("arxiv", ""),
        pmid=pmid or (stated[1] if stated else "") or named.get("pmid", ""),
        pmcid=identifiers.pmcid(text("custom2")) or named.get("pmcid", ""),
        url=next((one for one in addresses if identifiers.address(one)), ""),
        abstract=text("abstract", "notes_abstract"),
        key=text("id", "label")[:200],
        file=file,
        line=line,
    )

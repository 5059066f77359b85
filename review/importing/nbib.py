"""PubMed's own format (MEDLINE, ``.nbib``): tags of up to four letters, a hyphen, and lines that go on after six blanks.

The tags: https://www.nlm.nih.gov/bsd/mms/medlineelements.html
"""

from __future__ import annotations

import re

from review.errors import Problem
from review.importing.records import MOST_LINES, Record, normalise, refuse_many

_TAG = re.compile(r"([A-Z]{2,4}) {0,2}- ?(.*)")
_KINDS = {"Preprint": "misc", "Book": "book", "Congress": "inproceedings"}


def parse(text: str, file: str) -> tuple[list[Record], list[Problem]]:
    """Return the records of a file from PubMed, and every block that is none."""
    refuse_many(file, len(re.findall(r"^PMID ?-", text, re.MULTILINE)))
    records: list[Record] = []
    problems: list[Problem] = []
    for start, fields in _blocks(text):
        if "PMID" not in fields and "TI" not in fields and "BTI" not in fields:
            message, remedy = "the block has neither PMID nor title", "export the records again in the format PubMed"
            problems.append(Problem(file, start, None, message, remedy))
        elif sum(map(len, fields.values())) > MOST_LINES:
            problems.append(Problem(file, start, None, f"the record has more than {MOST_LINES:,} lines", "export it again"))
        else:
            records.append(_record(fields, file, start))
    return records, problems


def _blocks(text: str) -> list[tuple[int, dict[str, list[str]]]]:
    """Return line and fields of every record; one begins after an empty line or with PMID."""
    blocks: list[tuple[int, dict[str, list[list[str]]]]] = []
    last: list[str] | None = None
    empty = True
    for number, line in enumerate(text.split("\n"), 1):
        match = _TAG.fullmatch(line)
        if not line.strip():
            empty = True
            continue
        if match is None and last is not None and line.startswith("  "):
            last.append(line.strip())
            continue
        tag, value = (match[1], match[2]) if match else ("", line)
        if empty or not blocks or (tag == "PMID" and "PMID" in blocks[-1][1]):
            blocks.append((number, {}))
        empty, last = False, [value.strip()]
        blocks[-1][1].setdefault(tag, []).append(last)
    return [(number, {tag: [" ".join(value) for value in values] for tag, values in fields.items()}) for number, fields in blocks]


def _record(fields: dict[str, list[str]], file: str, line: int) -> Record:
    """Return one record in the form of all records."""

    def text(*tags: str) -> str:
        return next((fields[tag][0] for tag in tags if fields.get(tag) and fields[tag][0]), "")

    marked = [
        match for value in fields.get("LID", []) + fields.get("AID", []) if (match := re.fullmatch(r"(\S+) \[doi\]", value))
    ]
    archive = re.search(r"arXiv:\s*(\S+)", " ".join(fields.get("AID", []) + fields.get("SO", [])))
    types = [_KINDS[value] for value in fields.get("PT", []) if value in _KINDS]
    return normalise(
        title=re.sub(r"^\[(.*)\]$", r"\1", re.sub(r"(?<!\.)\.$", "", text("TI", "BTI"))),
        authors=fields.get("FAU") or fields.get("AU") or [f"{{{name}}}" for name in fields.get("CN", [])],
        year=text("DP", "DEP"),
        kind=types[0] if types else "article",
        venue=text("JT", "TA"),
        volume=text("VI"),
        number=text("IP"),
        pages=_pages(text("PG")),
        doi=marked[0][1] if marked else "",
        arxiv=archive[1].rstrip(".") if archive else "",
        pmid=text("PMID"),
        pmcid=text("PMC"),
        abstract=text("AB"),
        file=file,
        line=line,
    )


def _pages(text: str) -> str:
    """Return pages with the last one in full: MEDLINE writes 2193-201 for 2193-2201."""
    match = re.fullmatch(r"(\d+)-(\d+)", text)
    if match is None or len(match[2]) >= len(match[1]):
        return text
    return f"{match[1]}-{match[1][: len(match[1]) - len(match[2])]}{match[2]}"

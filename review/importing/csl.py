"""CSL JSON, as Zotero, Better BibTeX, Mendeley and Pandoc write it (https://docs.citationstyles.org)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from review.errors import Problem
from review.importing import identifiers
from review.importing.kinds import kind
from review.importing.records import Record, normalise, refuse_many

DEEPEST = 50
_BLANK = re.compile(r"[\s,]*")
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


def parse(text: str, file: str) -> tuple[list[Record], list[Problem]]:
    """Return the items of a CSL JSON file, and everything in it that is no item."""
    records: list[Record] = []
    problems: list[Problem] = []

    def complain(line: int, message: str, remedy: str) -> None:
        problems.append(Problem(file, line, None, message, remedy))

    if _too_deep(text):
        complain(1, f"more than {DEEPEST} levels of nesting", "export CSL JSON")
        return records, problems
    lines = _Lines(text)
    for place, item, message in _items(text):
        if message:
            complain(lines.at(place), message, "correct the JSON from here on, or export it again")
        elif not isinstance(item, dict) or not ({"title", "DOI", "PMID", "id"} & set(item)):
            complain(lines.at(place), "this is no item of CSL JSON", "an item is an object with a title")
        else:
            records.append(_record(item, file, lines.at(place)))
            refuse_many(file, len(records))
    return records, problems


class _Lines:
    """Counts lines once for places that only grow."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.line = text, 0, 1

    def at(self, place: int) -> int:
        self.line += self.text.count("\n", self.place, place)
        self.place = place
        return self.line


def _too_deep(text: str) -> bool:
    depth = 0
    for match in _BRACKET.finditer(text):
        sign = match[0]
        depth += (sign in "[{") - (sign in "]}") if len(sign) == 1 else 0
        if depth > DEEPEST:
            return True
    return False


def _items(text: str) -> Iterator[tuple[int, Any, str]]:
    """Return place and value of every element of the list, and what ends the reading if something does."""
    decoder = json.JSONDecoder(object_pairs_hook=_first)
    place = len(text) - len(text.lstrip())
    wrapped = re.compile(r'\{\s*"items"\s*:\s*(?=\[)').match(text, place)
    single = text[place : place + 1] == "{" and wrapped is None
    place = wrapped.end() if wrapped else place
    place += 0 if single else 1
    while True:
        match = _BLANK.match(text, place)
        place = match.end() if match else place
        if text[place : place + 1] == "]" and not single:
            return
        if place >= len(text):
            if not single:
                yield place, None, "the list has no end"
            return
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            yield place, None, f"not JSON: {getattr(error, 'msg', str(error))[:80]}"
            return
        yield place, value, ""
        place = end


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object in which of two values with one name the first counts."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _record(item: dict[str, Any], file: str, line: int) -> Record:
    """Return one item in the form of all records."""

    def text(*names: str) -> str:
        return next((str(item[name]) for name in names if isinstance(item.get(name), str | int) and item[name] != ""), "")

    note = text("note")[:2000]
    stated = {name: _stated(name, note) for name in ("PMID", "PMCID", "DOI", "arXiv")}
    archive = identifiers.arxiv_in(f"{text('number')} {text('archive_location')} {stated['arXiv']}")
    people = item.get("author") or item.get("editor") or []
    return normalise(
        title=text("title"),
        authors=[name for one in (people if isinstance(people, list) else [people]) if (name := _name(one))],
        year=_year(item.get("issued")),
        kind=kind(text("type")),
        venue=text("container-title", "collection-title", "event-title", "publisher"),
        volume=text("volume"),
        number=text("issue"),
        pages=text("page"),
        doi=text("DOI") or stated["DOI"],
        arxiv=archive,
        pmid=text("PMID") or stated["PMID"],
        pmcid=text("PMCID") or stated["PMCID"],
        url=text("URL"),
        abstract=text("abstract"),
        key=text("citation-key", "id")[:200],
        file=file,
        line=line,
    )


def _stated(name: str, note: str) -> str:
    match = re.search(rf"(?:^|[\s;])({name}\s*:\s*(\S+))", note, re.IGNORECASE)
    return "" if match is None else match[1] if name == "arXiv" else match[2]


def _name(given: Any) -> str:
    if isinstance(given, str):
        return given
    if not isinstance(given, dict):
        return ""
    parts = {name: str(given.get(name) or "").strip() for name in ("family", "given", "literal", "non-dropping-particle")}
    if not parts["family"]:
        return f"{{{parts['literal']}}}" if parts["literal"] else parts["given"]
    family = f"{parts['non-dropping-particle']} {parts['family']}".strip()
    return f"{family}, {parts['given']}" if parts["given"] else f"{{{family}}}"


def _year(issued: Any) -> str:
    """Return the year of a date of CSL: a list of parts, or a text."""
    if isinstance(issued, dict):
        parts = issued.get("date-parts")
        while isinstance(parts, list) and parts:
            parts = parts[0]
        return str(parts) if isinstance(parts, str | int) else str(issued.get("raw") or issued.get("literal") or "")
    return str(issued) if isinstance(issued, str | int) else ""

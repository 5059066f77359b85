"""BibTeX in the form in which this project writes it, split fast; every other file is split by bibtexparser.

Splitting is most of the work of reading a large bibliography. Here it is left to a regular expression that knows one
form only: entries apart by one blank line, one field a line, every value in braces. What a value means and whether it
is allowed is asked elsewhere, and by the same functions for both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_INNER = r"(?:[^{}\\\n]++|\\[^{}\\\n])*+"
_GROUP = rf"\{{{_INNER}\}}"
for _ in range(2):
    _GROUP = rf"\{{{_INNER}(?:{_GROUP}{_INNER})*+\}}"
_FIELD = re.compile(rf"  ([a-z][a-z0-9_]*) = \{{({_INNER}(?:{_GROUP}{_INNER})*+)\}},\n")
_ENTRY = re.compile(
    rf"@([a-z]+)\{{([A-Za-z0-9][A-Za-z0-9_:.+-]*),\n((?:  [a-z][a-z0-9_]* = \{{{_INNER}(?:{_GROUP}{_INNER})*+\}},\n)+)\}}\n"
)
_NO_ENTRIES = ("string", "preamble", "comment")


@dataclass(frozen=True, slots=True)
class Plain:
    """One entry: its kind, its key, its fields as they stand between their outer braces, and the line on which it starts."""

    kind: str
    key: str
    fields: dict[str, str]
    line: int


class OtherFormError(Exception):
    """A bibliography in any other form, or with a key or a field that stands twice."""


def entries(text: str) -> Iterator[Plain]:
    """Return the entries of a bibliography, one by one.

    Raises
    ------
    OtherFormError
        Where the form ends.
    """
    keys = set()
    place, line = 0, 1
    while place < len(text):
        match = _ENTRY.match(text, place)
        pairs = _FIELD.findall(match[3]) if match else []
        fields = dict(pairs)
        if match is None or match[2] in keys or len(fields) < len(pairs) or match[1].startswith(_NO_ENTRIES):
            raise OtherFormError
        yield Plain(match[1], match[2], fields, line)
        keys.add(match[2])
        line += len(pairs) + 3
        place = match.end()
        if place < len(text):
            if text[place] != "\n":
                raise OtherFormError
            place += 1

"""BibTeX in and out: a strict reader and a writer that sorts by key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import InputError, Problem
from review.files import read_text

if TYPE_CHECKING:
    from bibtexparser.model import Block, Entry, Field

ENTRY_TYPES = (
    "article",
    "book",
    "inbook",
    "incollection",
    "inproceedings",
    "mastersthesis",
    "misc",
    "phdthesis",
    "proceedings",
    "techreport",
    "unpublished",
)
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:.+-]*")
MONTHS = frozenset("jan feb mar apr may jun jul aug sep oct nov dec".split())
_SPECIAL = re.compile(r"([&%#_$])")


@dataclass(frozen=True)
class Reference:
    """One entry of the bibliography, decoded to plain text.

    Attributes
    ----------
    key, kind : str
        Citation key and entry type (``article``, ``misc`` ...).
    fields : mapping of str to str
        Lower-case field names and their text.
    line : int
        The line on which the entry starts, counted from 1.
    """

    key: str
    kind: str
    fields: Mapping[str, str]
    line: int


def read(path: Path) -> list[Reference]:
    """Read a BibTeX file and refuse it whole if anything in it is doubtful.

    bibtexparser drops broken blocks, duplicate keys and undefined ``@string`` names without
    raising; here each of them is a problem.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    import logging

    import bibtexparser
    from bibtexparser.middlewares import LatexDecodingMiddleware

    text = read_text(path)
    logger = logging.getLogger("bibtexparser")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        library = bibtexparser.parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    finally:
        logger.setLevel(level)
    problems = [_failed(str(path), block) for block in library.failed_blocks]
    for comment in library.comments:
        content = getattr(comment, "comment", "")
        if "@" in content:
            line = (comment.start_line or 0) + 1
            message = "there is an '@' outside every entry"
            problems.append(Problem(str(path), line, None, message, "complete the entry or remove the text"))
    for entry in library.entries:
        problems.extend(_entry_problems(str(path), entry))
    if not library.entries and not problems:
        message = "no entry was found"
        problems.append(Problem(str(path), None, None, message, "add BibTeX entries such as @article{key, ...}"))
    if problems:
        raise InputError(sorted(problems, key=lambda problem: (problem.line or 0, problem.message)))
    return [
        Reference(
            entry.key,
            entry.entry_type.lower(),
            {field.key.lower(): " ".join(str(field.value).split()) for field in entry.fields},
            (entry.start_line or 0) + 1,
        )
        for entry in library.entries
    ]


def _failed(file: str, block: Block) -> Problem:
    """Turn a block that bibtexparser gave up on into a problem."""
    line = (block.start_line or 0) + 1
    kind = type(block).__name__
    if kind == "DuplicateBlockKeyBlock":
        key = str(getattr(block, "key", ""))
        return Problem(file, line, key, "the key stands twice in the bibliography", "rename or remove one entry")
    if kind == "DuplicateFieldKeyBlock":
        names = ", ".join(sorted(getattr(block, "duplicate_keys", [])))
        return Problem(file, line, names or None, "a field stands twice in one entry", "keep one of them")
    error = str(getattr(block, "error", "") or "").strip()
    detail = " ".join(error.splitlines()[-1].split()) if error else "the block is not BibTeX"
    return Problem(file, line, None, f"broken entry: {detail}", "check braces, commas and quotes of this entry")


def _entry_problems(file: str, entry: Entry) -> list[Problem]:
    """Check what bibtexparser accepts but no corpus should contain."""
    line = (entry.start_line or 0) + 1

    def problem(message: str, remedy: str, at: int | None = line) -> Problem:
        return Problem(file, at, entry.key, message, remedy)

    found = []
    if entry.entry_type.lower() not in ENTRY_TYPES:
        known = ", ".join(ENTRY_TYPES)
        found.append(problem(f"unknown entry type @{entry.entry_type}", f"use one of: {known}"))
    if not KEY.fullmatch(entry.key):
        found.append(problem(f"the key {entry.key!r} is not usable", "use letters, digits and _ : . + - only"))
    lower = [field.key.lower() for field in entry.fields]
    for name in sorted({name for name in lower if lower.count(name) > 1}):
        found.append(problem(f"the field {name!r} stands twice", "keep one of them"))
    values = {field.key.lower(): str(field.value).strip() for field in entry.fields}
    if not values.get("title"):
        found.append(problem("the field 'title' is missing or empty", "add title = {...}"))
    if values.get("year") and not re.fullmatch(r"(19|20)\d\d", values["year"]):
        found.append(problem(f"year {values['year']!r} is not a year", "write four digits, 1900 to 2099"))
    for field in entry.fields:
        if _undefined(field):
            message = f"{field.key} = {field.value} names an @string that is not defined"
            found.append(problem(message, "define the @string or put the value in braces", (field.start_line or 0) + 1))
    return found


def _undefined(field: Field) -> bool:
    """Tell whether a bare value was left unresolved (numbers and months may be bare)."""
    bare = field.enclosing == "no-enclosing"
    value = str(field.value).strip()
    return bare and not value.isdigit() and value.lower() not in MONTHS


def escape(text: str) -> str:
    """Escape the characters that TeX reads as commands; letters stay UTF-8."""
    plain = text.replace("\\", r"\textbackslash ").replace("~", r"\textasciitilde ").replace("^", r"\^{}")
    return _SPECIAL.sub(r"\\\1", plain)


def write(references: Iterable[Reference]) -> str:
    """Return BibTeX text, sorted by key, one field a line, empty fields left out.

    Fields that are read as identifiers (doi, eprint, pmid, pmcid, url) are not escaped.
    """
    blocks = []
    for reference in sorted(references, key=lambda item: item.key):
        lines = [f"@{reference.kind}{{{reference.key},"]
        for name, value in reference.fields.items():
            if value:
                shown = value if name in ("doi", "eprint", "pmid", "pmcid", "url", "preprint") else escape(value)
                shown = f"{{{shown}}}" if name == "title" else shown
                lines.append(f"  {name} = {{{shown}}},")
        blocks.append("\n".join([*lines, "}"]))
    return "\n\n".join(blocks) + "\n"

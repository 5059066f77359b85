"""BibTeX in and out: a strict reader and a writer that sorts by key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from review.errors import InputError, Problem
from review.files import read_text

if TYPE_CHECKING:
    from bibtexparser.middlewares import LatexDecodingMiddleware
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
YEAR = re.compile(r"(19|20)[0-9]{2}")
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:.+-]*")
MONTHS = frozenset(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
IDENTIFIERS = ("doi", "eprint", "pmid", "pmcid", "url", "preprint")
"""Fields that are not TeX: a ``%`` in them starts no comment and a ``~`` is no space."""

_ESCAPES = {
    **{character: f"\\{character}" for character in "&%#_$"},
    "\\": r"{\textbackslash}",
    "{": r"{\lbrace}",
    "}": r"{\rbrace}",
    "~": r"{\textasciitilde}",
    "^": r"\^{}",
}
_SPECIAL = re.compile(r"[&%#_$\\{}~^]")
_LIGATURES = re.compile(r"(?<=[`'<>!?])(?=[`'<>])")
_TEX = re.compile(r"[\\{}$~%&#^_'`\"<>]|--")
"""What may mean something in TeX; most values hold nothing of it and need not be decoded, which takes long."""
_BARE = re.compile(r"(?<!\\)([&%])")
_ESCAPED = re.compile(r"\\([&%#_${}])")


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

    from bibtexparser.entrypoint import parse_string

    text = read_text(path)
    logger = logging.getLogger("bibtexparser")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        library = parse_string(text)
    finally:
        logger.setLevel(level)
    file = str(path)
    problems = [failed(file, block) for block in library.failed_blocks]
    for comment in library.comments:
        content = getattr(comment, "comment", "")
        found = next((character for character in content if character in "@{}"), None)
        if found:
            line = (comment.start_line or 0) + 1
            message = f"there is {'an' if found == '@' else 'a'} {found!r} outside every entry"
            problems.append(Problem(file, line, None, message, "complete the entry or remove the text"))
    references = []
    for entry in library.entries:
        values = {field.key.lower(): decode(field) for field in entry.fields}
        problems.extend(_entry_problems(file, entry, values))
        fields = {name: value or "" for name, value in values.items()}
        references.append(Reference(entry.key, entry.entry_type.lower(), MappingProxyType(fields), (entry.start_line or 0) + 1))
    if not references and not problems:
        message = "no entry was found"
        problems.append(Problem(file, None, None, message, "add BibTeX entries such as @article{key, ...}"))
    if problems:
        raise InputError(sorted(problems))
    return references


def decode(field: Field) -> str | None:
    """Return a value as plain text on one line; None if it is not TeX that can be read."""
    from bibtexparser.library import Library
    from bibtexparser.model import String

    value = str(field.value)
    if field.key.lower() in IDENTIFIERS:
        return " ".join(_ESCAPED.sub(r"\1", value).split())
    if not _TEX.search(value):
        return " ".join(value.split())
    plain = _BARE.sub(r"\\\1", value).replace(r"\^{}", "^")
    block = _decoder().transform_string(String(field.key, plain), Library())
    return " ".join(block.value.split()) if isinstance(block, String) else None


@cache
def _decoder() -> LatexDecodingMiddleware:
    from bibtexparser.middlewares import LatexDecodingMiddleware

    return LatexDecodingMiddleware()


def failed(file: str, block: Block) -> Problem:
    """Turn a block that bibtexparser gave up on into a problem."""
    line = (block.start_line or 0) + 1
    kind = type(block).__name__
    if kind == "DuplicateBlockKeyBlock":
        key = str(getattr(block, "key", ""))
        return Problem(file, line, key, "the key stands twice in the bibliography", "rename or remove one entry")
    start = re.match(r"\s*@\w+\s*[{(]\s*([^\s,={}()]+)\s*,", block.raw or "")
    key_or_none = start and start[1]
    if kind == "DuplicateFieldKeyBlock":
        names = ", ".join(sorted(repr(name) for name in getattr(block, "duplicate_keys", [])))
        return Problem(file, line, key_or_none, f"a field stands twice in one entry: {names}", "keep one of them")
    reason = getattr(getattr(block, "error", None), "abort_reason", "") or "the block is not BibTeX"
    detail = " ".join(str(reason).split()).rstrip(".")
    return Problem(file, line, key_or_none, f"broken entry: {detail}", "check braces, commas and quotes of this entry")


def _entry_problems(file: str, entry: Entry, values: Mapping[str, str | None]) -> list[Problem]:
    """Check what bibtexparser accepts but no corpus should contain."""
    line = (entry.start_line or 0) + 1
    lines = {field.key.lower(): line if field.start_line is None else field.start_line + 1 for field in entry.fields}

    def problem(message: str, remedy: str, field: str = "") -> Problem:
        return Problem(file, lines.get(field, line), entry.key or None, message, remedy)

    found = []
    if entry.entry_type.lower() not in ENTRY_TYPES:
        known = ", ".join(ENTRY_TYPES)
        found.append(problem(f"unknown entry type @{entry.entry_type}", f"use one of: {known}"))
    if not KEY.fullmatch(entry.key):
        found.append(problem(f"the key {entry.key!r} is not usable", "use letters, digits and _ : . + - only"))
    lower = [field.key.lower() for field in entry.fields]
    twice = sorted({name for name in lower if lower.count(name) > 1})
    found += [problem(f"the field {name!r} stands twice", "keep one of them", name) for name in twice]
    if values.get("title", "") == "":
        found.append(problem("the field 'title' is missing or empty", "add title = {...}"))
    for field in entry.fields:
        name, value = field.key.lower(), values[field.key.lower()]
        shown = " ".join(str(field.value).split())[:80]
        if value is None:
            message = f"the field {name!r} cannot be read as TeX"
            found.append(problem(message, "check its braces and commands", name))
        elif bare(field):
            message, remedy = _unquoted(shown)
            found.append(problem(f"{field.key} = {shown} {message}", remedy, name))
        elif name == "year" and not YEAR.fullmatch(value):
            found.append(problem(f"year {shown!r} is not a year", "write four digits, 1900 to 2099", name))
    return found


def bare(field: Field) -> bool:
    """Tell whether a value has neither braces nor quotes, and is no number or month."""
    value = str(field.value).strip()
    return field.enclosing == "no-enclosing" and not value.isdigit() and value.lower() not in MONTHS


def _unquoted(value: str) -> tuple[str, str]:
    """Return what is wrong with a value that has neither braces nor quotes, and the remedy."""
    if re.fullmatch(r"[^\W\d][\w:.+-]*", value):
        return "names an @string that is not defined", "define the @string or put the value in braces"
    return "is not one value in braces or quotes", "check for a missing comma, brace or quote; do not join with #"


def escape(text: str) -> str:
    """Escape what TeX reads as commands; letters stay UTF-8.

    Two and three hyphens stay as they are: they are the usual way to write dashes and are read as such.
    """
    parts = _LIGATURES.split(text)
    return "{}".join(_SPECIAL.sub(lambda match: _ESCAPES[match[0]], part) for part in parts)


def write(references: Iterable[Reference]) -> str:
    """Return BibTeX text, sorted by key, one field a line, empty fields left out.

    Of the fields in ``IDENTIFIERS`` only braces are escaped; a backslash, which none may contain, is percent-encoded.
    """
    blocks = []
    for reference in sorted(references, key=lambda item: item.key):
        lines = [f"@{reference.kind}{{{reference.key},"]
        for name, value in reference.fields.items():
            if value:
                shown = _identifier(value) if name in IDENTIFIERS else escape(value)
                shown = f"{{{shown}}}" if name == "title" else shown
                lines.append(f"  {name} = {{{shown}}},")
        blocks.append("\n".join([*lines, "}"]))
    return "\n\n".join(blocks) + "\n"


def _identifier(value: str) -> str:
    return value.replace("\\", "%5C").replace("{", r"\{").replace("}", r"\}")

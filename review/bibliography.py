"""BibTeX in and out: a strict reader and a writer that sorts by key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from review import plain_bibtex
from review.errors import InputError, Problem
from review.files import read_plain

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
FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_:.+-]*")
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
_EASY = re.compile(r"(?:[^\\{}$~%&#^_'`\"<>]++|\\[&%#_$]|'(?!')|[{}])*+")
"""TeX of braces and escaped signs only, such as most titles: it can be read without a decoder."""
_MOST = 20
"""Opening braces of such a value: many more may be nested too deeply to be read."""
_UNEASY = re.compile(r"[{}]-|-[{}]")
"""Hyphens that are no dash, or none yet, until the brace beside them is gone."""
_ESCAPE = re.compile(r"\\([&%#_$])")
_ALMOST = re.compile(r"@(?!(?:string|preamble|comment)\b)\w+", re.IGNORECASE)
"""What bibtexparser takes for ``@string``, ``@preamble`` or ``@comment`` because it begins like one."""
_BARE = re.compile(r"(?<!\\)([&%])")
_LONGEST = 20_000
"""Characters of a value that is decoded as TeX, at about 30,000 a second."""
_SHORT = _LONGEST // 17
"""Characters of a text that is no longer than that when it is written, whatever it holds."""
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
    text = read_plain(path)
    try:
        return _at_once(text)
    except plain_bibtex.OtherFormError:
        return _one_by_one(str(path), text)


def _at_once(text: str) -> list[Reference]:
    """Return the entries of a file in the form of :func:`write` with nothing wrong in it.

    Raises
    ------
    OtherFormError
        If it is any other file.
    """
    references = []
    for entry in plain_bibtex.entries(text):
        fields = {}
        for name, raw in entry.fields.items():
            value = plain_text(name, raw)
            if value is None or ("\\" in value and name in IDENTIFIERS):
                raise plain_bibtex.OtherFormError
            fields[name] = value
        if entry.kind not in ENTRY_TYPES or not fields.get("title") or not YEAR.fullmatch(fields.get("year", "2000")):
            raise plain_bibtex.OtherFormError
        references.append(Reference(entry.key, entry.kind, MappingProxyType(fields), entry.line))
    if not references:
        raise plain_bibtex.OtherFormError
    return references


def _one_by_one(file: str, text: str) -> list[Reference]:
    """Return the entries of any file as bibtexparser splits it.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    from bibtexparser.entrypoint import parse_string

    with _silent("bibtexparser"):
        library = parse_string(text)
    problems = [failed(file, block) for block in library.failed_blocks]
    for comment in library.comments:
        content = getattr(comment, "comment", "")
        found = next((character for character in content if character in "@{}"), None)
        if found:
            line = (comment.start_line or 0) + 1
            message = f"there is {'an' if found == '@' else 'a'} {found!r} outside every entry"
            problems.append(Problem(file, line, None, message, "complete the entry or remove the text"))
    for block in (*library.comments, *library.strings, *library.preambles):
        if type(block).__name__ != "ImplicitComment" and (found := _ALMOST.match(block.raw or "")):
            message, remedy = (
                f"unknown kind of entry {found[0]}",
                "write @string, @preamble or @comment, or one of the entry types",
            )
            problems.append(Problem(file, (block.start_line or 0) + 1, None, message, remedy))
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


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Keep a library from printing what becomes a problem of its own."""
    import logging

    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def decode(field: Field) -> str | None:
    """Return a value as plain text on one line; None if it is not TeX that can be read."""
    return plain_text(field.key.lower(), str(field.value))


def plain_text(name: str, value: str) -> str | None:
    """Return the value of a field, by its name in small letters, as :func:`decode` does."""
    if name in IDENTIFIERS:
        if "\\" not in value:
            return " ".join(value.split())
        return " ".join(_ESCAPED.sub(r"\1", value).split())
    if len(value) <= _SHORT and not _TEX.search(value):
        return " ".join(value.split())
    text = _plain_text(name, value)
    written = escape(text) if text and len(text) > _SHORT else ""
    return None if len(written) > _LONGEST and _TEX.search(written) and not _easy(written) else text


def _plain_text(name: str, value: str) -> str | None:
    if not _TEX.search(value):
        return " ".join(value.split())
    if _easy(value):
        plain = _ESCAPE.sub(r"\1", value) if "\\" in value else value
        return _dashes(plain.replace("{", "").replace("}", ""))
    return None if len(value) > _LONGEST else _decoded(name, value)


def _easy(value: str) -> bool:
    """Tell whether nothing is to be done but to take braces and backslashes away."""
    usual = value.count("{") <= _MOST and _EASY.fullmatch(value) is not None and _matched(value)
    return usual and not ("--" in value and _UNEASY.search(value))


def _decoded(name: str, value: str) -> str | None:
    """Return any TeX as plain text."""
    from bibtexparser.library import Library
    from bibtexparser.model import String

    plain = _BARE.sub(r"\\\1", value).replace(r"\^{}", "^")
    with _silent("pylatexenc"):
        block = _decoder().transform_string(String(name, plain), Library())
    if not isinstance(block, String):
        return None
    return _dashes(block.value)  # also in mathematics, which is left as it is


def _dashes(text: str) -> str:
    """Return text on one line, three and two hyphens as dashes."""
    return " ".join(text.replace("---", "\u2014").replace("--", "\u2013").split())


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
    twice = sorted(name for name, times in Counter(field.key.lower() for field in entry.fields).items() if times > 1)
    found += [problem(f"the field {name!r} stands twice", "keep one of them", name) for name in twice]
    if values.get("title", "") == "":
        found.append(problem("the field 'title' is missing or empty", "add title = {...}"))
    for field in entry.fields:
        name, value = field.key.lower(), values[field.key.lower()]
        shown = " ".join(str(field.value).split())[:80]
        if not FIELD.fullmatch(name):
            remedy = "check for a missing comma, brace or quote before it; use letters, digits and _ : . + - only"
            found.append(problem(f"the field name {name!r} is not usable", remedy, name))
        elif value is None and len(field.value) > _LONGEST:
            message = f"the field {name!r} has {len(field.value)} characters, {_LONGEST} with TeX in them are the most"
            found.append(problem(message, "shorten it", name))
        elif value is None:
            message = f"the field {name!r} cannot be read as TeX"
            found.append(problem(message, "check its braces and commands, or shorten it", name))
        elif bare(field):
            message, remedy = _unquoted(shown)
            found.append(problem(f"{field.key} = {shown} {message}", remedy, name))
        elif not _matched(str(field.value)):
            found.append(problem(f"the field {name!r} has braces that do not match", "correct them; write \\{ for a sign", name))
        elif name in IDENTIFIERS and "\\" in value:
            message = f"the field {name!r} holds a backslash: {shown}"
            found.append(problem(message, "write it as it is, without commands of TeX", name))
        elif name == "year" and not YEAR.fullmatch(value):
            found.append(problem(f"year {shown!r} is not a year", "write four digits, 1900 to 2099", name))
    return found


def _matched(value: str) -> bool:
    """Tell whether every brace that opens is closed, and the other way round."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", value):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


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

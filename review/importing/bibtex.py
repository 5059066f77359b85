"""Bibliographies from other programs: BibTeX and BibLaTeX, read leniently, with everything that is left out reported."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from review import bibliography
from review.errors import Problem
from review.importing import identifiers
from review.importing.kinds import kind
from review.importing.records import Record, normalise, refuse_many

if TYPE_CHECKING:
    from bibtexparser.library import Library
    from bibtexparser.model import Block, Entry, Field

DEEPEST = 30
"""Braces within braces; deeper ones are no title but an attack on the reader of TeX."""

LONGEST = 200_000
LONGEST_TEX = 10_000
COMMANDS = 50_000
"""Commands of TeX that are decoded in one file; in what is left braces and backslashes are removed."""

_COMMAND = re.compile(r"[\\$~^%&#_'`\"<>]|--")
_FIELDS = {
    "title": ("title",),
    "venue": ("journal", "journaltitle", "booktitle", "howpublished", "eventtitle", "publisher", "school", "institution"),
    "volume": ("volume",),
    "number": ("number", "issue"),
    "pages": ("pages", "eid", "articleno"),
    "preprint": ("preprint",),
    "doi": ("doi",),
    "pmid": ("pmid",),
    "pmcid": ("pmcid", "pmc"),
    "url": ("url",),
    "abstract": ("abstract",),
}
_YEARS = ("year", "date", "issued", "urldate")
_START = re.compile(r"@[A-Za-z]+[ \t]*[{(]")


def parse(text: str, file: str) -> tuple[list[Record], list[Problem]]:
    """Return the entries of a bibliography, and every block that is no entry."""
    from bibtexparser.entrypoint import parse_string

    refuse_many(file, len(_START.findall(text)))
    with _silent("bibtexparser"):
        library = parse_string(text)
    entries: list[tuple[Entry, list[str]]] = [(entry, []) for entry in library.entries]
    problems = []
    for block in library.failed_blocks:
        entry = getattr(block, "ignore_error_block", None)
        if entry is None or not hasattr(entry, "fields"):
            problems.append(bibliography.failed(file, block))
        else:
            said = [] if type(block).__name__ == "DuplicateBlockKeyBlock" else [_repeated(block)]
            entries.append((_opened(entry, library), said))
    problems += [found for comment in library.comments if (found := _hidden(file, comment))]
    entries.sort(key=lambda pair: pair[0].start_line or 0)
    tex = _Tex()
    with _silent("pylatexenc"):
        return [_record(entry, file, said, tex) for entry, said in entries], problems


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Have a library say nothing: what it has to say is in the problems and notices."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Tex:
    """Decodes TeX, as long as a file has no more commands than a bibliography needs."""

    def __init__(self) -> None:
        self.left = COMMANDS

    def decoded(self, field: Field) -> str | None:
        """Return plain text, or None if it cannot be read as TeX or would take too long."""
        raw = str(field.value)
        if not _COMMAND.search(raw):
            return " ".join(raw.replace("{", "").replace("}", "").split())
        self.left -= len(_COMMAND.findall(raw))
        if self.left < 0 or len(raw) > LONGEST_TEX:
            return None
        value = bibliography.decode(field)
        return None if value is None else value.replace("{", "").replace("}", "")


def _repeated(block: Block) -> str:
    names = ", ".join(sorted(getattr(block, "duplicate_keys", ())))
    return f"{names} stands twice; the first counts"


def _opened(entry: Entry, library: Library) -> Entry:
    """Return an entry that bibtexparser set aside with its values out of their braces and quotes."""
    strings = {name.lower(): string.value for name, string in library.strings_dict.items()}
    for field in entry.fields:
        value = str(field.value).strip()
        if value[:1] + value[-1:] in ("{}", '""') and len(value) > 1:
            field.value, field.enclosing = value[1:-1], value[0]
        elif value.lower() in strings:
            field.value, field.enclosing = str(strings[value.lower()]).strip('{}"'), "{"
        else:
            field.enclosing = "no-enclosing"
    return entry


def _hidden(file: str, comment: Block) -> Problem | None:
    """Return the problem of a comment that looks like a part of an entry."""
    content = str(getattr(comment, "comment", ""))
    if not _START.search(content) or content.lstrip().lower().startswith("jabref-meta"):
        return None
    line = (comment.start_line or 0) + 1
    return Problem(file, line, None, "an entry begins where none can be read", "check the braces before it")


def _record(entry: Entry, file: str, said: list[str], tex: _Tex) -> Record:
    """Return an entry in the form of all records."""
    fields: dict[str, Field] = {}
    for field in entry.fields:
        fields.setdefault(field.key.lower(), field)
    texts = {name: _value(name, field, said, tex) for name, field in fields.items() if name not in ("author", "editor")}
    given: dict[str, Any] = {name: next((texts[one] for one in names if texts.get(one)), "") for name, names in _FIELDS.items()}
    archive = _archive(texts)
    given |= {name: given.get(name) or value for name, value in archive.items()}
    people = next((fields[name] for name in ("author", "editor") if name in fields and str(fields[name].value).strip()), None)
    return normalise(
        authors=[] if people is None else _names(people, said, tex),
        year=next((texts[name] for name in _YEARS[:3] if texts.get(name)), None),
        kind=kind(entry.entry_type),
        file=file,
        line=(entry.start_line or 0) + 1,
        key=entry.key[:200],
        notices=said,
        **given,
    )


def _archive(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the identifier in ``eprint``, by the archive that it is said to be of, or else by its form."""
    value = texts.get("eprint", "")
    archive = (texts.get("archiveprefix") or texts.get("eprinttype") or "").lower()
    if archive in ("pubmed", "pmid"):
        return {"pmid": value}
    if archive in ("pmc", "pmcid"):
        return {"pmcid": value}
    return {"arxiv": value} if value and (archive == "arxiv" or identifiers.arxiv(value)) else {"arxiv": texts.get("arxiv", "")}


def _value(name: str, field: Field, said: list[str], tex: _Tex) -> str:
    """Return the text of a field; one that is no TeX is taken without its braces and backslashes."""
    raw = str(field.value)
    if bibliography.bare(field):
        said.append(f"{name} = {' '.join(raw.split())[:60]} names an @string that is not defined, and is left out")
        return ""
    if len(raw) > LONGEST or _depth(raw) > DEEPEST:
        said.append(f"the field {name!r} is too long or too deep in braces, and is left out")
        return ""
    value = tex.decoded(field) if name != "abstract" else re.sub(r"\\(?=[&%#_$])", "", raw)
    if value is None:
        said.append(f"the field {name!r} is no TeX that can be read; braces and backslashes were removed")
        return re.sub(r"[\\{}]", "", raw)
    return value


def _names(field: Field, said: list[str], tex: _Tex) -> list[str]:
    """Return authors one by one; names in braces stay in braces."""
    from bibtexparser.middlewares.names import split_multiple_persons_names
    from bibtexparser.model import Field as Piece

    raw = str(field.value)
    if len(raw) > LONGEST or _depth(raw) > DEEPEST or bibliography.bare(field):
        said.append("the authors are too long, too deep in braces or no text, and are left out")
        return []
    found = []
    for name in split_multiple_persons_names(raw):
        whole = re.fullmatch(r"\{[^{}]*\}", name.strip()) is not None
        text = _value("author", Piece("author", name.strip(), enclosing="{"), said, tex)
        found.append(f"{{{text}}}" if whole else text)
    return found


def _depth(text: str) -> int:
    """Return how deep braces are nested."""
    deepest = depth = 0
    for sign in re.findall(r"[{}]", text):
        depth += 1 if sign == "{" else -1
        deepest = max(deepest, depth)
    return deepest

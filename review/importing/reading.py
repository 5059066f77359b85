"""Files of references in any of five formats -> records, and a list of what could not be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from review.errors import InputError, OptionError, Problem, printable
from review.files import decode, digest, read_bytes
from review.importing import bibtex, csl, nbib, ris, table
from review.importing.records import Record

MOST_BYTES = 20_000_000
MOST_PROBLEMS = 50
READERS: dict[str, Callable[[str, str], tuple[list[Record], list[Problem]]]] = {
    "bibtex": bibtex.parse,
    "ris": ris.parse,
    "nbib": nbib.parse,
    "csv": table.parse,
    "csl": csl.parse,
}
"""Format -> function of the text and the file's name."""

NAMES = {
    "bibtex": "BibTeX or BibLaTeX",
    "ris": "RIS",
    "nbib": "PubMed or MEDLINE (.nbib)",
    "csv": "a table with commas, semicolons or tabs and a header",
    "csl": "CSL JSON (Zotero, Better BibTeX, Pandoc)",
}
_BINARY = {
    b"PK\x03\x04": "a zip archive, as .xlsx and .docx are",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x1f\x8b": "packed by gzip",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
}
_STARTS = {
    "nbib": re.compile(r"^PMID ?- ", re.MULTILINE),
    "ris": re.compile(r"^TY {1,2}-", re.MULTILINE),
    "bibtex": re.compile(r"^[ \t]*@[A-Za-z]+[ \t]*[{(]", re.MULTILINE),
}


@dataclass(frozen=True)
class Reading:
    """What was read from one file.

    Attributes
    ----------
    file : str
        As the user gave it.
    form : str
        One of :data:`READERS`.
    records : tuple of Record
        In the order of the file.
    problems : tuple of Problem
        Every block that is no record, with its line.
    digest : str
        SHA-256 of the bytes.
    """

    file: str
    form: str
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]
    digest: str


def read(path: Path | str, form: str = "") -> Reading:
    """Read a file of references; what is broken in it is reported, and the rest is read.

    Parameters
    ----------
    path : Path or str
    form : str
        One of :data:`READERS`; by default the content tells.

    Raises
    ------
    InputError
        If nothing of the file can be read: it is missing, no text, too large or of an unknown format, or holds no record.
    OptionError
        If the format does not exist.
    """
    if form and form not in READERS:
        raise OptionError(f"there is no format {form!r} -> choose one of: {', '.join(READERS)}")
    place, file = Path(path), printable(str(path))  # as it can stand in a corpus
    data = _bytes(place)
    text = _text(place, data)
    found = form or detect(text)
    if not found:
        names = ", ".join(NAMES.values())
        raise InputError.one(path, "the format is not known", f"export {names}; or name it with --from-format")
    records, problems = READERS[found](text, file)
    if not records and not problems:
        problems = [Problem(file, None, None, f"there is no record in it, read as {NAMES[found]}", "check what was exported")]
    problems = _shown(sorted(problems))
    if not records:
        raise InputError(problems)
    return Reading(file, found, tuple(_numbered(records)), tuple(problems), digest(data))


def _numbered(records: list[Record]) -> Iterator[Record]:
    """Return records of which no two have one place."""
    counts: dict[int, int] = {}
    for record in records:
        counts[record.line] = part = counts.get(record.line, 0) + 1
        yield record if part == 1 else replace(record, part=part)


def _shown(problems: list[Problem]) -> list[Problem]:
    """Return the first problems, and how many more there are."""
    if len(problems) <= MOST_PROBLEMS:
        return problems
    last, rest = problems[MOST_PROBLEMS], len(problems) - MOST_PROBLEMS
    message = f"{rest:,} more blocks from here on could not be read"
    return [*problems[:MOST_PROBLEMS], Problem(last.file, last.line, None, message, "mend those above first")]


def read_all(files: Iterable[Path | str], form: str = "") -> list[Reading]:
    """Read several files; if some cannot be read at all, all problems are raised at once.

    Raises
    ------
    InputError
        Also if two files have the same content or the same name, since records are named by file and line.
    """
    readings: list[Reading] = []
    problems: list[Problem] = []
    for file in files:
        try:
            readings.append(read(file, form))
        except InputError as error:
            problems += error.problems
    for place, one in enumerate(readings):
        for other in readings[:place]:
            if one.digest == other.digest:
                problems.append(Problem(one.file, None, None, f"it has the same content as {other.file}", "name one of them"))
            elif Path(one.file).name == Path(other.file).name:
                problems.append(Problem(one.file, None, None, f"it has the same name as {other.file}", "rename one of them"))
    if problems:
        raise InputError(problems)
    return readings


def detect(text: str) -> str:
    """Return the format of a text by its content; "" if it is none that is known."""
    start = text.lstrip()
    if start[:1] in ("[", "{"):
        return "csl"
    first = next((name for name, pattern in _STARTS.items() if pattern.match(start)), "")
    if first:
        return first
    if table.is_header(text):
        return "csv"
    places = {name: match.start() for name, pattern in _STARTS.items() if (match := pattern.search(text))}
    return min(places, key=lambda name: places[name]) if places else ""


def _bytes(path: Path) -> bytes:
    def refuse(message: str, remedy: str) -> InputError:
        return InputError.one(path, message, remedy)

    try:
        data = read_bytes(path, MOST_BYTES, "split it, or export without abstracts")
    except FileNotFoundError:
        raise refuse("there is no such file", "check its name") from None
    except (OSError, ValueError) as error:
        raise refuse(
            f"the file cannot be read ({getattr(error, 'strerror', None) or error})", "check its name and rights"
        ) from None
    if not data.strip():
        raise refuse("the file is empty", "export it again")
    for mark, what in _BINARY.items():
        if data.startswith(mark):
            raise refuse(f"it is {what}, not text", f"export one of: {', '.join(NAMES.values())}")
    return data


def _text(path: Path, data: bytes) -> str:
    """Return the text with line feeds: UTF-8, or UTF-16 with its mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError:
            raise InputError.one(path, "it has the mark of UTF-16 but is none", "save the file as UTF-8") from None
        data = text.encode("utf-8", "surrogatepass")
    return decode(path, data.removeprefix(b"\xef\xbb\xbf")).replace("\r\n", "\n").replace("\r", "\n")

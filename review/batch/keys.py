"""What a run depends on, as hashes: only a run of which nothing changed may be skipped, and it can be said what changed.

A key has five parts: the source cells of the notebook (and what it promises), its parameters, the files that it reads, the
source of this package if the notebook imports it, and the locks of the installed packages with the version of Python.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review import paths
from review.errors import InputError
from review.files import digest

PARTS: Mapping[str, str] = {
    "source": "the notebook changed",
    "parameters": "the parameters changed",
    "inputs": "an input file changed",
    "package": "the source of the package changed",
    "lock": "the locked versions or Python changed",
}
"""Part of a key -> what to say if it is another one."""

MOST_BELOW = 100_000
"""Files and folders that a folder holds at most which is an input of a run."""

_IMPORTS = re.compile(r"^\s*(?:from|import)\s+review\b", re.MULTILINE)


@dataclass(frozen=True)
class Key:
    """Everything that a run depends on.

    Attributes
    ----------
    parts : mapping of str to str
        SHA-256 of each of :data:`PARTS`.
    files : mapping of str to str
        SHA-256 of each input file, by its path as it was given.
    """

    parts: Mapping[str, str]
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of all parts."""
        return digest(*(f"{name} {self.parts[name]}".encode() for name in PARTS))

    def changes(self, parts: Mapping[str, str], files: Mapping[str, str]) -> tuple[str, ...]:
        """Return in words what is other than in an earlier key; empty if it is the same."""
        found = []
        for name, words in PARTS.items():
            if self.parts[name] == parts.get(name):
                continue
            different = sorted(path for path in {*self.files, *files} if self.files.get(path) != files.get(path))
            which = f": {', '.join(different[:3])}{' ...' if len(different) > 3 else ''}" if name == "inputs" else ""
            found.append(words + which)
        return tuple(found)


@dataclass(frozen=True)
class Source:
    """What a notebook itself decides: the SHA-256 of its cells and promises, and whether it imports this package."""

    digest: str
    own: bool


def source(notebook: Path) -> Source:
    """Read what a notebook itself decides.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from review.batch import declarations

    book = declarations.read_notebook(notebook)
    cells = [(cell.cell_type, cell.source) for cell in book.cells]
    whole = json.dumps([cells, book.metadata.get("review", {})], ensure_ascii=False)
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    return Source(digest(whole.encode()), bool(_IMPORTS.search(text)))


def compute(source: Source, parameters: Mapping[str, Any], inputs: Iterable[Path] = ()) -> Key:
    """Return the key of one run.

    Parameters
    ----------
    source : Source
    parameters : mapping
        Without the folder of the output, which decides nothing.
    inputs : iterable of Path
        Files, and folders with all files in them. Values of parameters that are paths of existing files or folders count as
        inputs, too; so does the project's own corpus for a notebook with an empty ``corpus_dir``.

    Raises
    ------
    InputError
        If an input cannot be read, or is a folder with too many files.
    """
    own = [paths.DATA] if parameters.get("corpus_dir") == "" else []
    files = _files([*inputs, *named(parameters).values(), *own])
    parts = {
        "source": source.digest,
        "parameters": digest(json.dumps(dict(parameters), sort_keys=True, ensure_ascii=False).encode()),
        "inputs": digest(*(part.encode("utf-8", "surrogateescape") for pair in sorted(files.items()) for part in pair)),
        "package": package() if source.own else "",
        "lock": lock(),
    }
    return Key(parts, files)


def named(parameters: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files and folders that values of parameters name, by parameter.

    A pipe or a device is none of them, and neither is the root of the file system, which is rather a sign that separates.
    """
    return {name: Path(value) for name, value in parameters.items() if isinstance(value, str) and value and _is_input(value)}


def _is_input(value: str) -> bool:
    return os.path.isfile(value) or (os.path.isdir(value) and not os.path.samefile(value, os.path.abspath(os.sep)))


def below(folder: Path) -> list[Path]:
    """Return all that is in a folder, but for what Python keeps there, sorted.

    Raises
    ------
    InputError
        If there are too many: as an input of a run every file is read.
    """
    found = sorted(itertools.islice(folder.rglob("*"), MOST_BELOW + 1))
    if len(found) > MOST_BELOW:
        message = f"the folder holds more than {MOST_BELOW:,} files, and as the input of a run all of them would be read"
        raise InputError.one(folder, message, "name the one in it that is meant")
    return [one for one in found if "__pycache__" not in one.parts]


def _files(inputs: Iterable[Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in inputs:
        if not os.path.isfile(path) and not os.path.isdir(path):  # which do not fail, whatever the name
            there = os.path.exists(path)
            wrong, remedy = ("is no file", "name one") if there else ("file is missing", "add it, or do not name it")
            raise InputError.one(path, f"the input {wrong}", remedy)
        for name in below(path) if path.is_dir() else [path]:
            if name.is_file():
                found[shown(name)] = of_file(name)
    return found


def shown(path: Path) -> str:
    """Return a path, relative to the project where it lies in it."""
    whole = paths.real(path)
    return str(whole.relative_to(paths.ROOT)) if whole.is_relative_to(paths.ROOT) else str(path)


def of_file(path: Path) -> str:
    """Return the SHA-256 of a file; one that is the same by its size and time of change is not read again."""
    facts = path.stat()
    return _hashed(path, facts.st_size, facts.st_mtime_ns, facts.st_ino)


@functools.lru_cache(maxsize=100_000)
def _hashed(path: Path, *_: int) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=1)
def package() -> str:
    """Return the SHA-256 of the source of this package."""
    folder = Path(__file__).parent.parent
    names = sorted(one for one in folder.rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    return digest(*(part for one in names for part in (str(one.relative_to(folder)).encode(), one.read_bytes())))


@functools.lru_cache(maxsize=1)
def lock() -> str:
    """Return the SHA-256 of the locks and the version of Python."""
    names = sorted(paths.ROOT.glob("requirements*.lock"))
    return digest(platform.python_version().encode(), *(one.read_bytes() for one in names))

"""What a notebook says of itself: its parameters, what it promises to write, whose files it reads, how it is run small."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from review import strict_json
from review.batch import engine
from review.errors import InputError, Problem
from review.files import read_text

REMEDY = "open it in JupyterLab and save it"


def declared(notebook: Path) -> dict[str, str]:
    """Return the parameters that a notebook declares, with their default as source text.

    Raises
    ------
    InputError
        If the file is not a notebook.
    """
    return {name: default for name, (_, default) in inspected(notebook).items()}


def inspected(notebook: Path) -> dict[str, tuple[str, str]]:
    """Return the parameters that a notebook declares: type (``None`` where it tells none) and default as source text.

    Raises
    ------
    InputError
        If the file is not a notebook.
    """
    read_notebook(notebook)
    return dict(_inspected(notebook, *_state(notebook)))


@functools.lru_cache(maxsize=256)
def _inspected(notebook: Path, *_: int) -> dict[str, tuple[str, str]]:
    inspect = engine.papermill().inspect_notebook
    try:
        with _quiet():
            facts = inspect(str(notebook))
    except Exception as error:  # of any kind: there is no kernel, its language is unknown, tags are none
        message, remedy = f"its parameters cannot be read: {_first(error)}", f"choose a kernel of Python: {REMEDY}"
        raise InputError([Problem(str(notebook), None, None, message, remedy)]) from None
    return {name: (str(fact["inferred_type_name"]), str(fact["default"])) for name, fact in facts.items()}


def _first(error: Exception) -> str:
    """Return the beginning of the first line of an error."""
    return (str(error).splitlines() or [type(error).__name__])[0][:100]


def promised(notebook: Path) -> tuple[str, ...]:
    """Return the artefacts that a notebook promises (metadata ``review.artefacts``), relative to its output folder.

    Raises
    ------
    InputError
        If the file is not a notebook, or the promise is not a list of relative paths.
    """
    names = _said(notebook).get("artefacts", [])
    usable = isinstance(names, list) and all(
        isinstance(name, str) and name and not Path(name).is_absolute() and ".." not in Path(name).parts for name in names
    )
    if not usable:
        message = "metadata review.artefacts is not a list of relative paths"
        raise InputError([Problem(str(notebook), None, "review.artefacts", message, "list the files it writes")])
    return tuple(names)


def awaited(notebook: Path) -> tuple[str, ...]:
    """Return the names of notebooks whose files a notebook reads (metadata ``review.after``).

    Raises
    ------
    InputError
        If the file is not a notebook, or ``review.after`` is not a list of names.
    """
    names = _said(notebook).get("after", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name == Path(name).name != "" for name in names):
        message = "metadata review.after is not a list of names of notebooks"
        raise InputError([Problem(str(notebook), None, "review.after", message, "list the notebooks whose files it reads")])
    return tuple(names)


def quick(notebook: Path) -> dict[str, Any]:
    """Return the parameters with which a notebook that runs a generator makes a small run (metadata ``review.quick``).

    Empty for every other notebook.

    Raises
    ------
    InputError
        If the file is not a notebook, or ``review.quick`` is not a mapping.
    """
    values = _said(notebook).get("quick", {})
    if not isinstance(values, dict):
        message = "metadata review.quick is not a mapping of parameters to values"
        raise InputError([Problem(str(notebook), None, "review.quick", message, 'write for example {"n": 4}')])
    return dict(values)


def demonstrates(notebook: Path) -> bool:
    """Tell whether a notebook runs a generator: it says how it is run small."""
    return bool(quick(notebook))


def _said(notebook: Path) -> Mapping[str, Any]:
    """Return what a notebook says of itself to this package."""
    said = read_notebook(notebook).metadata.get("review", {})
    if not isinstance(said, dict):
        message = "metadata review is not a mapping"
        raise InputError([Problem(str(notebook), None, "review", message, 'write for example {"artefacts": []}')])
    return said


def read_notebook(notebook: Path) -> Any:
    """Return a notebook, not to be changed; one that is the same by its size and time of change is not read again.

    Raises
    ------
    InputError
        If the file is missing or not a notebook.
    """
    return _read(notebook, *_state(notebook))


def _state(notebook: Path) -> tuple[int, int, int]:
    """Return by what it is known whether a notebook is the same as before: size, time of change, number of the file."""
    try:
        facts = notebook.stat()
    except OSError:
        raise InputError([Problem(str(notebook), None, None, "there is no such notebook", "check the path")]) from None
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


@functools.lru_cache(maxsize=256)
def _read(notebook: Path, *_: int) -> Any:
    library = engine.nbformat()
    text = read_text(notebook)
    strict_json.parse(str(notebook), text, REMEDY, nan=True)
    try:
        with _quiet():
            book = library.reads(text, as_version=4)
            library.validate(book)
        return book
    except Exception as error:  # of any kind: what notebooks of older formats are made of is checked nowhere
        problem = Problem(str(notebook), None, None, f"not a notebook: {_first(error)}", REMEDY)
    raise InputError([problem])


@contextmanager
def _quiet() -> Iterator[None]:
    """Have nbformat add or change identifiers of cells without warning about it."""
    from nbformat.warnings import DuplicateCellId, MissingIDFieldWarning

    with warnings.catch_warnings():
        for kind in (DuplicateCellId, MissingIDFieldWarning):
            warnings.simplefilter("ignore", kind)
        yield

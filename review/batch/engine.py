"""papermill and nbformat without what takes them seconds to import and is not used.

nbformat checks notebooks with jsonschema, which imports ``rfc3987_syntax`` where it is installed (JupyterLab requires it): that
package builds 39 grammars, about 3 s in every process, to check internationalized addresses. No schema of a notebook has one.
"""

from __future__ import annotations

import errno
import functools
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from review.files import write_text

GRAMMARS = "rfc3987_syntax"


@contextmanager
def without_grammars() -> Iterator[None]:
    """Have jsonschema imported without the grammars of addresses; what is imported already stays as it is."""
    absent = GRAMMARS not in sys.modules
    if absent:
        sys.modules[GRAMMARS] = None  # type: ignore[assignment]  # an import of it then fails, as if it were not installed
    try:
        yield
    finally:
        if absent:
            del sys.modules[GRAMMARS]


@functools.cache
def papermill() -> Any:
    """Import papermill, and let it write notebooks whole or not at all: it writes them again and again while they run."""
    with without_grammars():
        module = importlib.import_module("papermill")
        iorw = importlib.import_module("papermill.iorw")

    class Whole(iorw.LocalHandler):  # type: ignore[misc, name-defined]
        def write(self, buf: str, path: str) -> None:
            if not Path(path).parent.is_dir():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(Path(path).parent))
            write_text(Path(path), buf)

    iorw.papermill_io.register(os.sep, Whole())  # for whole paths, which alone are given to it here
    return module


def nbformat() -> Any:
    """Import nbformat."""
    with without_grammars():
        return importlib.import_module("nbformat")

"""papermill and nbformat without what takes them seconds to import and is not used.

nbformat checks notebooks with jsonschema, which imports ``rfc3987_syntax`` where it is installed (JupyterLab requires it): that
package builds 39 grammars, about 3 s in every process, to check internationalized addresses. No schema of a notebook has one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


def papermill() -> Any:
    """Import papermill."""
    with without_grammars():
        return importlib.import_module("papermill")


def nbformat() -> Any:
    """Import nbformat."""
    with without_grammars():
        return importlib.import_module("nbformat")

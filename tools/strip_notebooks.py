"""Remove outputs, execution counts and run metadata from notebooks; exit 1 if anything was removed.

Run ``python tools/strip_notebooks.py notebooks/*.ipynb``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat

KEPT_CELL = {"tags"}
KEPT_NOTEBOOK = {"kernelspec", "language_info", "review"}


def strip(notebook: Any) -> Any:
    """Return the notebook with its sources, tags and promises only."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata = {name: value for name, value in cell.metadata.items() if name in KEPT_CELL}
    notebook.metadata = {name: value for name, value in notebook.metadata.items() if name in KEPT_NOTEBOOK}
    if "language_info" in notebook.metadata:
        notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def main(names: list[str]) -> int:
    """Strip every file that needs it."""
    changed = 0
    for path in map(Path, names):
        before = path.read_text("utf-8")
        after = nbformat.writes(strip(nbformat.reads(before, as_version=4)), indent=1, ensure_ascii=False) + "\n"
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"stripped {path}")
            changed += 1
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a batch was asked to do, kept beside its manifest: with it an earlier batch is gone on with, and its state is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review import paths
from review.batch.keys import shown
from review.errors import InputError
from review.files import read_text, to_json, write_text

NAME = "batch.json"
FORMAT = "synthetic-data-review/asked/1"


@dataclass(frozen=True)
class Asked:
    """A notebook and its parameter sets.

    Attributes
    ----------
    notebook : Path
    sets : tuple of mappings
    inputs : tuple of Path
        Files and folders that every run reads.
    cell_timeout : float
    run_timeout : float, optional
    """

    notebook: Path
    sets: tuple[Mapping[str, Any], ...]
    inputs: tuple[Path, ...] = ()
    cell_timeout: float = 900.0
    run_timeout: float | None = None

    def write(self, folder: Path) -> None:
        """Keep it in the folder of the batch."""
        limits = {"cell_timeout": self.cell_timeout, "run_timeout": self.run_timeout}
        files = {"notebook": shown(self.notebook.resolve()), "inputs": [shown(path.resolve()) for path in self.inputs]}
        write_text(folder / NAME, to_json({"format": FORMAT, **files, **limits, "sets": [dict(one) for one in self.sets]}))


def read(folder: Path) -> Asked:
    """Return what the batch in a folder was asked to do.

    Raises
    ------
    InputError
        If the folder holds no batch.
    """
    path = folder / NAME
    if not path.is_file():
        raise InputError.one(folder, "there is no batch in this folder", "name the folder that was given with --out")
    try:
        held = json.loads(read_text(path))
        if held["format"] != FORMAT:
            raise ValueError(f"of the format {held['format']}")
        notebook, inputs = _place(held["notebook"]), tuple(map(_place, held["inputs"]))
        return Asked(notebook, tuple(map(dict, held["sets"])), inputs, held["cell_timeout"], held["run_timeout"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError.one(path, f"it cannot be read: {error}", "start the batch again with its notebook and grid") from None


def _place(text: str) -> Path:
    return paths.ROOT / text

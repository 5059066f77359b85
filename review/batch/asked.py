"""What a batch was asked to do, kept beside its manifest: with it an earlier batch is gone on with, and its state is told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review import paths
from review.batch.keys import shown
from review.errors import InputError
from review.files import to_json, write_text
from review.strict_json import load

NAME = "batch.json"
FORMAT = "synthetic-data-review/asked/1"
REMEDY = "start the batch again with its notebook and grid"


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
        files = {"notebook": shown(paths.real(self.notebook)), "inputs": [shown(paths.real(path)) for path in self.inputs]}
        write_text(folder / NAME, to_json({"format": FORMAT, **files, **limits, "sets": [dict(one) for one in self.sets]}))


def read(folder: Path) -> Asked:
    """Return what the batch in a folder was asked to do.

    Raises
    ------
    InputError
        If the folder holds no batch, or the file that tells of it is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        raise InputError.one(folder, "there is no batch in this folder", "name the folder that was given with --out")
    held = load(path, REMEDY, controls=False)
    for name, (sound, wanted) in _parts(held).items():
        if not sound:
            raise InputError.one(path, f"it is not {wanted}", REMEDY, name)
    notebook, inputs = paths.ROOT / held["notebook"], tuple(paths.ROOT / one for one in held["inputs"])
    return Asked(notebook, tuple(held["sets"]), inputs, held["cell_timeout"], held["run_timeout"])


def _parts(held: Any) -> dict[str, tuple[bool, str]]:
    """Return whether each part of the file is as it should be, and what it should be."""
    given = held if isinstance(held, dict) else {}
    names, sets, inputs = {"format", *Asked.__dataclass_fields__}, given.get("sets"), given.get("inputs")
    listed = isinstance(sets, list) and bool(sets) and all(isinstance(one, dict) for one in sets)
    limit = given.get("run_timeout", 0)
    return {
        "format": (given.get("format") == FORMAT and set(given) == names, f"of the format {FORMAT}"),
        "notebook": (_is_path(given.get("notebook")), "a path"),
        "inputs": (isinstance(inputs, list) and all(map(_is_path, inputs)), "a list of paths"),
        "sets": (listed, "a list of parameter sets"),
        "cell_timeout": (_is_limit(given.get("cell_timeout")), "a number of seconds"),
        "run_timeout": (limit is None or _is_limit(limit), "a number of seconds or null"),
    }


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_limit(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf

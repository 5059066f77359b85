"""Every folder of the project, named once."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"
FIGURES = ROOT / "figures"
RUNS = ROOT / "runs"
CACHE = RUNS / "cache"
SEEDS = DATA / "seeds"

BIBLIOGRAPHY = "bibliography.bib"
CODEBOOK = "codebook.yaml"
CODING = "coding.csv"
SCREENING = "screening.csv"
FLOW = "flow.csv"
PUBLISHED = "published.csv"
SELECTION = "selection.csv"
DATAPACKAGE = "datapackage.json"
DECIDED = Path(".change/decided.json")
"""In a corpus while a change of several files is being written: see :mod:`review.writing`."""


def real(path: Path) -> Path:
    """Return a whole path without links; where links lead to each other it keeps them, for whatever reads it to tell so."""
    return Path(os.path.realpath(path))


def plain_name(text: str) -> str:
    """Return text as the name of one folder, whatever it holds: itself where that is one, or else what is left with a mark.

    Names of selections and versions are free text: none of them leads out of the folder in which it names another.
    """
    plain = re.sub(r"[^\w.+-]", "-", text).lstrip(".-")[:100]
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:6]}".lstrip("-")

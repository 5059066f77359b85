"""Every folder of the project, named once."""

from __future__ import annotations

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

"""What a site is made from: the folder of one run, read and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import paths
from review.batch.declarations import promised, read_notebook
from review.errors import InputError, RunError, UnknownNameError, is_text, printable
from review.files import read_text
from review.notebook import CARDS, FIGURES, GENERATED, TABLES
from review.reproduce import SUMMARY
from review.strict_json import load

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from review.corpus import Corpus

DRAWN = (FIGURES, GENERATED, CARDS)
"""Folders of a run that hold figures."""

PLOTLY = "application/vnd.plotly.v1+json"


@dataclass(frozen=True)
class Executed:
    """One executed notebook: its name without suffix, its cells, and the files that it promised."""

    name: str
    cells: Sequence[NotebookNode]
    promised: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """A figure of the run: folder and name of its files, figure JSON, alternative text, caption."""

    place: str
    figure: Mapping[str, Any]
    alt: str
    caption: str

    @property
    def name(self) -> str:
        """Name of the files, without folder and suffix."""
        return Path(self.place).name


@dataclass(frozen=True)
class Run:
    """An executed run.

    Attributes
    ----------
    folder : Path
        Where it is.
    notebooks : tuple of Executed
        In the order of their names.
    pictures : mapping of str to Picture
        By place: folder and name.
    selection, version, where : str
        What was counted.
    statuses : mapping of str to str
        What became of each notebook, by file name; empty if the run does not tell.
    """

    folder: Path
    notebooks: tuple[Executed, ...]
    pictures: Mapping[str, Picture]
    selection: str
    version: str
    where: str
    statuses: Mapping[str, str]

    @cached_property
    def _marks(self) -> dict[str, list[str]]:
        """Places of figures by what they show."""
        marks: dict[str, list[str]] = {}
        for place, picture in self.pictures.items():
            marks.setdefault(canonical(picture.figure), []).append(place)
        return marks

    def picture(self, shown: Mapping[str, Any], promised: Sequence[str]) -> Picture | None:
        """Return the figure that an output shows, by its content; of several alike one that the notebook promised."""
        alike = self._marks.get(canonical(shown), [])
        own = [place for place in alike if f"{place}.json" in promised]
        return self.pictures[(own or alike)[0]] if alike else None

    def table(self, name: str) -> list[dict[str, Any]] | None:
        """Return the rows of a table that the run wrote, or None if there is no such table."""
        path = self.folder / TABLES / f"{name}.json"
        if not path.is_file():
            return None
        rows = _json(path)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError.one(path, "it is not a list of rows", "run the notebook again")
        return rows

    def data_of(self, picture: Picture) -> str:
        """Return the name of the table that was drawn: that of the figure, or the longest that it begins with; "" if none."""
        names = sorted((path.stem for path in (self.folder / TABLES).glob("*.json")), key=len)
        fitting = [name for name in names if picture.name == name or picture.name.startswith(f"{name}-")]
        return fitting[-1] if fitting else ""


def canonical(figure: Mapping[str, Any]) -> str:
    """Return text that is equal for equal figures, whatever a file remembers of its making."""
    layout = figure.get("layout")
    shown = {name: value for name, value in layout.items() if name != "meta"} if isinstance(layout, dict) else layout
    return json.dumps({"data": figure.get("data"), "layout": shown}, sort_keys=True)


def read(folder: Path, corpus: Corpus) -> Run:
    """Read the folder of a run and check that it was made from a corpus.

    Parameters
    ----------
    folder : Path
        Executed notebooks beside ``figures/`` and ``tables/``, as ``review reproduce`` leaves them. Without its
        ``summary.json`` the corpus' default selection is taken.
    corpus : Corpus
        The studies that its numbers must be about.

    Raises
    ------
    InputError
        If a file of the run is broken, or has a name that is no text.
    RunError
        If the folder has no executed notebook, was made from another corpus, or has a link that leads out of it.
    """
    if not folder.is_dir():
        raise RunError(f"there is no run in {folder} -> run: review reproduce, or name another folder with --from")
    if stray := leading_out(folder):
        raise RunError(f"{printable(str(stray))} is a link to a place outside of the run, which a site would show -> remove it")
    for path in sorted(folder.rglob("*")):
        if not is_text(path.name):
            raise InputError.one(path, "the name has bytes that are no text, and no page can name it", "rename it")
    path = folder / SUMMARY
    said = _json(path) if path.exists() else {}
    if not isinstance(said, dict):
        raise InputError.one(path, "it is not a summary of a run", "run: review reproduce")
    if said and said.get("corpus") != corpus.hash:
        made = printable(str(said.get("corpus"))[:12])
        message = f"{folder} was made from corpus {made}, and {corpus.directory} is {corpus.hash[:12]}"
        raise RunError(f"{message} -> run review reproduce again, or name its corpus with --corpus")
    notebooks = [_notebook(path) for path in sorted(folder.glob("*.ipynb"))]
    if not any(cell.get("outputs") for notebook in notebooks for cell in notebook.cells):
        raise RunError(f"there is no executed notebook in {folder} -> run: review reproduce, or name another folder with --from")
    found = [_picture(path, folder) for name in DRAWN for path in sorted((folder / name).glob("*.json"))]
    pictures = {picture.place: picture for picture in found if picture is not None}
    try:
        selection = corpus.resolve(str(said.get("selection", "default")))
        version = corpus.version(str(said.get("version", "default")))
    except UnknownNameError as error:
        raise InputError.one(path, f"there is no {error.what} named {error.name!r}", "run: review reproduce") from None
    where = str(said.get("where", ""))
    told = said.get("runs", [])
    if not isinstance(told, list):
        raise InputError.one(path, "it is not a list of notebooks", "run: review reproduce", "runs")
    statuses = {str(item.get("notebook")): str(item.get("status")) for item in told if isinstance(item, dict)}
    return Run(folder, tuple(notebooks), pictures, selection, version, where, statuses)


def leading_out(folder: Path) -> Path | None:
    """Return a link in a folder that leads out of it; None if there is none."""
    home = paths.real(folder)
    links = (path for path in sorted(folder.rglob("*")) if path.is_symlink())
    return next((path for path in links if not paths.real(path).is_relative_to(home)), None)


def _notebook(path: Path) -> Executed:
    return Executed(path.stem, read_notebook(path).cells, promised(path))


def _picture(path: Path, folder: Path) -> Picture | None:
    """Return a figure, or None for JSON that is something else."""
    figure = _json(path)
    if not isinstance(figure, dict) or not {"data", "layout"} <= set(figure):
        return None
    note = path.with_suffix(".txt")
    alt, _, caption = read_text(note).partition("\n\n") if note.exists() else ("", "", "")
    return Picture(path.relative_to(folder).with_suffix("").as_posix(), figure, alt.strip(), caption.strip())


def _json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return load(path, "run the notebook again")


def latest(corpus: Corpus) -> Path:
    """Return the folder where ``review reproduce`` leaves its run of a corpus with default parameters."""
    parts = [corpus.resolve("default"), corpus.version("default") or "unpublished", corpus.hash[:12]]
    return paths.RUNS / paths.plain_name("-".join(parts))

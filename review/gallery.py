"""Figures drawn again, from the JSON that the notebooks left, in other formats or at another width."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from review import paths, strict_json
from review.errors import InputError, ReviewError, UnknownNameError
from review.files import check_folder, read_text

if TYPE_CHECKING:
    from review.export import Item
    from review.theme import Width


NAME = re.compile(r"[a-z0-9-]+")
"""Names of figures: they stand in names of files, in pages and in LaTeX."""


def read(source: Path, only: Sequence[str] = ()) -> list[Item]:
    """Return the figures of a folder in order of their names, with where they come from.

    Figures that do not say so themselves are looked up: the notebook is the one that promises the figure, and the corpus is
    named, by the first digits of its hash, in the caption.

    Parameters
    ----------
    source : Path
        Folder with ``<name>.json`` and ``<name>.txt`` (alternative text, empty line, caption).
    only : sequence of str
        Names of figures; without any all are read.

    Raises
    ------
    InputError
        If a file is missing, or no figure or text of one.
    UnknownNameError
        If there is no figure of a name.
    ReviewError
        If there is no figure.
    """
    import plotly.io

    from review.export import Item

    files = sorted(source.glob("*.json"))
    if not files:
        raise ReviewError(f"there is no figure in {source} -> run: review reproduce")
    known = [path.stem for path in files]
    for name in only:
        if name not in known:
            raise UnknownNameError("figure", name, known)
    if odd := next((path for path in files if not NAME.fullmatch(path.stem)), None):
        message = "its name is no name of a figure"
        raise InputError.one(odd, message, "rename it with small letters, digits and hyphens, or move it elsewhere")
    items = []
    for path in (path for path in files if path.stem in only or not only):
        try:
            figure = plotly.io.from_json(read_text(path))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise InputError.one(
                path, f"this is no figure of plotly ({_first(error)})", "restore it, or run: review reproduce"
            ) from None
        alt, gap, caption = read_text(path.with_suffix(".txt")).partition("\n\n")
        if not gap or not caption.strip():
            message = "there is no caption below an empty line"
            raise InputError.one(path.with_suffix(".txt"), message, "write the alternative text, an empty line, the caption")
        meta = figure.layout.meta if isinstance(figure.layout.meta, dict) else {}
        short = re.search(r"\bCorpus ([0-9a-f]{12})\.", caption)
        notebook = str(meta.get("notebook", "")) or notebook_of(f"figures/{path.name}")
        corpus = str(meta.get("corpus", "")) or (short[1] if short else "")
        items.append(Item(figure, path.stem, alt.strip(), caption.strip(), notebook, corpus))
    return items


def _first(error: Exception) -> str:
    """Return the first line of an error; plotly's go on for pages."""
    return str(error).strip().split("\n", maxsplit=1)[0]


def notebook_of(artefact: str, folder: Path = paths.NOTEBOOKS) -> str:
    """Return the notebook that promises a file, as a path within the project; "" if none does.

    Parameters
    ----------
    artefact : str
        As notebooks list it in their metadata: ``figures/02-shares.json``. Notebooks of the same number are read first.
    folder : Path
        The notebooks.

    Raises
    ------
    InputError
        If a file of the folder is no notebook.
    """
    number = Path(artefact).name[:2]
    for path in sorted(folder.glob("*.ipynb"), key=lambda path: (path.name[:2] != number, path.name)):
        remedy = "restore it from version control"
        try:
            promised = strict_json.load(path, remedy, nan=True).get("metadata", {}).get("review", {}).get("artefacts", [])
        except AttributeError as error:
            raise InputError.one(path, f"this is no notebook ({_first(error)})", remedy) from None
        if not isinstance(promised, list):
            raise InputError.one(path, "metadata review.artefacts is not a list", remedy)
        if artefact in promised:
            return f"{folder.name}/{path.name}"
    return ""


def redraw(
    source: Path,
    target: Path,
    formats: Sequence[str] = ("svg", "pdf", "png"),
    width: Width = "double",
    only: Sequence[str] = (),
) -> list[str]:
    """Draw every figure of ``source`` into ``target``; return a line a figure.

    Parameters
    ----------
    source : Path
        As for :func:`read`.
    target : Path
        Another folder.
    formats : sequence of str
        Of svg, pdf and png.
    width : {"single", "double"}
        Column width: 84 or 174 mm.
    only : sequence of str
        Names of figures; without any all are drawn.

    Raises
    ------
    InputError
        If a file of a figure cannot be read.
    ReviewError
        If a format is unknown, both folders are one, or there is no figure.
    """
    from review import export

    unknown = [name for name in formats if name not in export.FORMATS]
    if unknown or not formats:
        raise ReviewError(f"no format {', '.join(unknown) or 'given'} -> choose of: {', '.join(export.FORMATS)}")
    apart(source, target)
    check_folder(target)
    done = export.export_all(read(source, only), target, formats=tuple(formats), width=width)
    return [
        f"{item.name}: {', '.join(path.name for path in item.written) or 'unchanged'}"
        + "".join(f"; {kind} not drawn: {reason}" for kind, reason in item.skipped)
        for item in done
    ]


def apart(source: Path, target: Path) -> None:
    """Refuse to write over the figures of the notebooks.

    Raises
    ------
    ReviewError
        If both folders are one.
    """
    if paths.real(source) == paths.real(target):
        raise ReviewError(f"{target} holds the figures of the notebooks -> choose another folder")

"""Figures drawn again, from the JSON that the notebooks left, in other formats or at another width."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import ReviewError
from review.files import read_text

if TYPE_CHECKING:
    from review.theme import Width


def redraw(source: Path, target: Path, formats: Sequence[str] = ("svg", "pdf", "png"), width: Width = "double") -> list[str]:
    """Draw every figure of ``source`` into ``target``; return a line a figure.

    Parameters
    ----------
    source : Path
        Folder with ``<name>.json`` and ``<name>.txt`` (alternative text, empty line, caption).
    target : Path
        Another folder.
    formats : sequence of str
        Of svg, pdf and png.
    width : {"single", "double"}
        Column width: 84 or 174 mm.

    Raises
    ------
    ReviewError
        If a format is unknown, both folders are one, or there is no figure.
    """
    import plotly.io

    from review import export, theme

    unknown = [name for name in formats if name not in export.FORMATS]
    if unknown or not formats:
        raise ReviewError(f"no format {', '.join(unknown) or 'given'} -> choose of: {', '.join(export.FORMATS)}")
    if source.resolve() == target.resolve():
        raise ReviewError(f"{target} holds the figures of the notebooks -> choose another folder")
    names = sorted(source.glob("*.json"))
    if not names:
        raise ReviewError(f"there is no figure in {source} -> run: review reproduce")
    items = []
    for path in names:
        alt, _, caption = read_text(path.with_suffix(".txt")).partition("\n\n")
        figure = theme.resize(plotly.io.from_json(read_text(path)), width)
        items.append(export.Item(figure, path.stem, alt.strip(), caption.strip()))
    done = export.export_all(items, target, formats=tuple(formats), width=width)
    return [
        f"{item.name}: {', '.join(path.name for path in item.written) or 'unchanged'}"
        + "".join(f"; not drawn: {reason}" for reason in item.skipped)
        for item in done
    ]

"""Write figures: JSON, HTML and text always, SVG, PDF and PNG where a browser can be started.

A figure's hash is kept beside its files: what has not changed is not drawn again. PDF and PNG are made from the SVG.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import imprint, theme
from review.browser import render
from review.errors import RunError
from review.files import digest, write_bytes
from review.imprint import Facts
from review.theme import Width

if TYPE_CHECKING:
    import plotly.graph_objects as go

FORMATS = ("svg", "pdf", "png")
EDITION = "3"
"""Part of every hash: raise it when this module draws the same figure differently."""

SCRIPT = "plotly.min.js"
POLICY = (
    "default-src 'none'; script-src 'self' file: 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'"
)
"""Of the interactive page: plotly beside it draws, and nothing is asked of anybody."""


@dataclass(frozen=True)
class Item:
    """One figure to export: the figure, its name, what it shows, what is said about it, and where it comes from.

    Attributes
    ----------
    figure : Figure
    name, alt, caption : str
    notebook, corpus : str
        Path of the notebook in the project, and SHA-256 of the corpus; where empty, what the figure says (``layout.meta``).
    """

    figure: go.Figure
    name: str
    alt: str
    caption: str
    notebook: str = ""
    corpus: str = ""


@dataclass(frozen=True)
class Exported:
    """The files of one figure.

    Attributes
    ----------
    name, hash : str
        Name of the files, and the hash that stands for their content.
    written : tuple of Path
        Every file that now exists, whether drawn now, copied or left as it was.
    skipped : tuple of (str, str)
        Formats without a file, and why in one line.
    drawn : tuple of str
        Formats for which the browser was used this time.
    """

    name: str
    hash: str
    written: tuple[Path, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    drawn: tuple[str, ...] = ()


@dataclass
class Task:
    """A figure on its way: its content, what is said about it, and images as bytes or reasons why there are none."""

    item: Item
    figure: go.Figure
    text: str
    facts: Facts
    present: list[str] = field(default_factory=list)
    images: dict[str, bytes | str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """What stands for the figure's content."""
        return self.facts.hash


def export(
    figure: go.Figure,
    name: str,
    directory: Path,
    alt: str,
    caption: str,
    formats: Sequence[str] = FORMATS,
    width: Width = "double",
    dpi: int = 300,
    cache: Path | None = None,
    notebook: str = "",
    corpus: str = "",
) -> Exported:
    """Write one figure in all its forms; see :func:`export_all` and :class:`Item`."""
    return export_all([Item(figure, name, alt, caption, notebook, corpus)], directory, formats, width, dpi, cache)[0]


def export_all(
    items: Iterable[Item],
    directory: Path,
    formats: Sequence[str] = FORMATS,
    width: Width = "double",
    dpi: int = 300,
    cache: Path | None = None,
) -> list[Exported]:
    """Write figures; all images that are missing are drawn by one browser.

    Parameters
    ----------
    items : iterable of Item
        Figures with names of small letters, digits and hyphens.
    directory : Path
        Gets ``<name>.json``, ``.txt`` (alternative text, blank line, caption), ``.sha256``, the images, and ``html/<name>.html``.
    formats : sequence of str
        Of :data:`FORMATS`.
    width : {"single", "double"}
        Printed width.
    dpi : int
        Resolution of the PNG.
    cache : Path, optional
        A folder like ``directory``: images are copied from there if the hash is the same.

    Raises
    ------
    RunError
        If a name, format or dpi cannot be used, or a figure has no alternative text. A missing browser is no
        error: see :attr:`Exported.skipped`.
    """
    tasks = [_prepare(item, formats, width, dpi) for item in items]
    for name, count in Counter(task.item.name for task in tasks).items():
        if count > 1:
            raise RunError(f"two figures are named {name!r} -> give each its own name")
    for task in tasks:
        _take(task, formats, directory, cache)
    missing = [(task, kind) for task in tasks for kind in formats if kind not in task.present and kind not in task.images]
    if missing:
        images = render({(task.item.name, kind): _order(task, kind, dpi, directory) for task, kind in missing})
        for task, kind in missing:
            image = images[task.item.name, kind]
            task.images[kind] = image if isinstance(image, str) else finish(image, kind, task.facts, dpi)
    drawn = {(task.item.name, kind) for task, kind in missing}
    return [_write(task, directory, {kind for name, kind in drawn if name == task.item.name}) for task in tasks]


def _prepare(item: Item, formats: Sequence[str], width: Width, dpi: int) -> Task:
    if not re.fullmatch(r"[a-z0-9-]+", item.name):
        raise RunError(f"{item.name!r} is no name for a figure -> use small letters, digits and hyphens")
    unknown = [kind for kind in formats if kind not in FORMATS]
    if unknown:
        raise RunError(f"no figure format named {unknown[0]!r} -> choose of: {', '.join(FORMATS)}")
    if not 30 <= dpi <= 2400:
        raise RunError(f"a resolution of {dpi} dpi cannot be used -> choose 30 to 2400")
    alt, caption = (" ".join(text.split()) for text in (item.alt, item.caption))
    if not alt:
        raise RunError(f"the figure {item.name!r} has no alternative text -> say in words what it shows")
    return prepare(Item(item.figure, item.name, alt, caption, item.notebook, item.corpus), width, str(dpi))


def prepare(item: Item, width: Width, *parts: str) -> Task:
    """Return a figure at a printed width with its JSON and its hash, of which ``parts`` is a part."""
    figure, origin = _signed(theme.resize(item.figure, width), item)
    text = json.dumps(json.loads(figure.to_json()), sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    whole = digest(*(part.encode() for part in (EDITION, text, item.alt, item.caption, width, *parts)))
    bare = _bare(figure)
    size = (float(bare.layout.width), float(bare.layout.height))
    return Task(item, bare, text, Facts(item.name, item.alt, item.caption, whole, *origin, size))


def _signed(figure: go.Figure, item: Item) -> tuple[go.Figure, tuple[str, str]]:
    """Return the figure with its notebook and corpus in ``layout.meta``, where its JSON has them, and both."""
    meta = figure.layout.meta
    known = dict(meta) if isinstance(meta, dict) else {} if meta is None else {"meta": meta}
    origin = (item.notebook or str(known.get("notebook", "")), item.corpus or str(known.get("corpus", "")))
    said = {name: value for name, value in zip(("notebook", "corpus"), origin, strict=True) if value}
    return (figure.update_layout(meta={**known, **said}, overwrite=True) if said else figure), origin


def _bare(figure: go.Figure) -> go.Figure:
    """Return the figure without what it remembers of its other width and its making."""
    import plotly.graph_objects as go

    return go.Figure(figure).update_layout(meta=None, height=figure.layout.height or 450)


def _take(task: Task, formats: Sequence[str], directory: Path, cache: Path | None) -> None:
    """Find the images that exist: left alone in ``directory``, read from ``cache``."""
    task.present = [path.suffix[1:] for path in _kept(task, directory, formats)]
    for path in [] if cache is None else _kept(task, cache, formats):
        if path.suffix[1:] not in task.present:
            task.images[path.suffix[1:]] = path.read_bytes()


def _same(task: Task, folder: Path) -> bool:
    mark = folder / f"{task.item.name}.sha256"
    return mark.is_file() and mark.read_bytes().strip() == task.hash.encode()


def _kept(task: Task, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Return the images of this very figure in a folder."""
    paths = [folder / f"{task.item.name}.{kind}" for kind in formats] if _same(task, folder) else []
    return [path for path in paths if path.is_file() and path.stat().st_size > 0]


def _order(task: Task, kind: str, dpi: int, directory: Path) -> dict[str, Any]:
    """Return what the browser has to draw: from the SVG, if that is kept."""
    kept = task.images.get("svg")
    if "svg" in task.present:
        kept = (directory / f"{task.item.name}.svg").read_bytes()
    return order(task, kind, dpi, kept.decode("utf-8") if isinstance(kept, bytes) else "")


def order(task: Task, kind: str, dpi: int, svg: str = "") -> dict[str, Any]:
    """Return what the browser has to draw of a figure, or of its SVG if there is one."""
    size = {"width": task.figure.layout.width, "height": task.figure.layout.height}
    source = {"svg": svg} if svg else {"fig": task.figure.to_plotly_json()}
    return {**source, "opts": {"format": kind, **size, "scale": dpi / 96 if kind == "png" else 1}}


def finish(image: bytes, kind: str, facts: Facts, dpi: int) -> bytes:
    """Return an image with what it has to say about itself."""
    if kind == "png":
        return imprint.png(image, facts, dpi)
    return imprint.pdf(image, facts) if kind == "pdf" else imprint.svg(image.decode("utf-8"), facts).encode("utf-8")


def _write(task: Task, directory: Path, drawn: set[str]) -> Exported:
    """Write everything, the hash last; images of another hash that have no successor are removed only now."""
    import plotly.offline

    name, item = task.item.name, task.item
    script = plotly.offline.get_plotlyjs().encode("utf-8")
    files = {
        directory / f"{name}.json": task.text.encode(),
        directory / f"{name}.txt": f"{item.alt}\n\n{item.caption}\n".encode(),
    }
    files |= {directory / "html" / f"{name}.html": page(task.figure, item).encode(), directory / "html" / SCRIPT: script}
    files |= {directory / f"{name}.{kind}": image for kind, image in task.images.items() if isinstance(image, bytes)}
    files[directory / f"{name}.sha256"] = f"{task.hash}\n".encode("ascii")
    if not _same(task, directory):
        for path in [directory / f"{name}.{kind}" for kind in ("sha256", *FORMATS)]:
            if path not in files or path.suffix == ".sha256":
                path.unlink(missing_ok=True)
    for path, data in files.items():
        if not path.is_file() or path.read_bytes() != data:
            write_bytes(path, data)
    written = sorted({*files, *(directory / f"{name}.{kind}" for kind in task.present)})
    skipped = tuple((kind, image) for kind, image in task.images.items() if isinstance(image, str))
    lost = {kind for kind, _ in skipped}
    return Exported(name, task.hash, tuple(written), skipped, tuple(kind for kind in FORMATS if kind in drawn - lost))


def page(figure: go.Figure, item: Item) -> str:
    """Return an interactive page that needs nothing but ``plotly.min.js`` beside it."""
    scripts = {"include_plotlyjs": "directory", "include_mathjax": False}
    config = {"displaylogo": False, "plotlyServerURL": "", "responsive": False}
    body = figure.to_html(full_html=False, div_id=f"figure-{item.name}", config=config, **scripts)
    alt, caption = html.escape(item.alt), html.escape(item.caption)
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head = f'<head><meta charset="utf-8">{policy}<title>{html.escape(item.name)}</title></head>'
    content = f'<div role="img" aria-label="{alt}">\n{body}\n</div>\n<figcaption>{caption}</figcaption>'
    return f'<!DOCTYPE html>\n<html lang="en">\n{head}\n<body>\n<figure>\n{content}\n</figure>\n</body>\n</html>\n'

"""Figures for a paper: each at both column widths, in the formats that journals take, with its words and a contact sheet.

Everything is drawn by one browser. What is there and unchanged is left alone: ``manifest.json`` holds the hash of each figure and
of each file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import contact_sheet, export, gallery, imprint, paths, strict_json
from review.browser import NO_BROWSER, Orders, find_browser, render_many
from review.errors import InputError, ReviewError, RunError
from review.export import Item
from review.files import check_folder, sheet, to_json, write_bytes
from review.imprint import Facts

if TYPE_CHECKING:
    from review.export import Task
    from review.theme import Width

EDITION = "1"
"""Part of every hash: raise it when this module makes other files of the same figure."""

DPI = 600
"""Of the picture that the browser draws; the one of 300 dpi is made from it."""

NAMES: dict[Width, str] = {"single": "84mm", "double": "174mm"}
KINDS = ("svg", "pdf", "png")
"""What the browser draws, in this order: the SVG, and from it the others."""

MANIFEST, TABLE = "manifest.json", "figures.csv"
HEADER = ("figure", "width_mm", "height_mm", "notebook", "corpus", "hash", "file", "format", "dpi", "sha256")


@dataclass(frozen=True)
class File:
    """One file: its name, its format, its resolution (None for vector graphics and text) and its SHA-256."""

    name: str
    format: str
    dpi: int | None
    sha256: str


@dataclass(frozen=True)
class Entry:
    """One figure at one width.

    Attributes
    ----------
    figure, width : str
        Name of the figure, and ``single`` or ``double``.
    facts : Facts
        What its files say about themselves.
    files : tuple of File
        Empty if it could not be drawn.
    reason : str
        Why it could not be drawn; else "".
    drawn : bool
        Whether it was drawn this time.
    """

    figure: str
    width: Width
    facts: Facts
    files: tuple[File, ...] = ()
    reason: str = ""
    drawn: bool = False

    @property
    def stem(self) -> str:
        """What the names of its files start with."""
        return f"{self.figure}-{NAMES[self.width]}"

    def record(self) -> dict[str, Any]:
        """Return it as the manifest has it."""
        across, down = self.facts.millimetres
        files = [{"file": one.name, "format": one.format, "dpi": one.dpi, "sha256": one.sha256} for one in self.files]
        origin = {"notebook": self.facts.notebook, "corpus": self.facts.corpus, "hash": self.facts.hash}
        words = {"alt": self.facts.alt, "caption": self.facts.caption}
        size = {"width_mm": round(across, 2), "height_mm": round(down, 2)}
        return {"figure": self.figure, **size, **origin, **words, "files": files, "reason": self.reason}


@dataclass(frozen=True)
class Publication:
    """What was written.

    Attributes
    ----------
    folder : Path
    entries : tuple of Entry
        Every figure at every width.
    files : tuple of Path
        Every file of the folder that belongs to them.
    """

    folder: Path
    entries: tuple[Entry, ...]
    files: tuple[Path, ...]


@dataclass
class _Plan:
    """A figure at one width on its way: what is to be drawn, and the files that are written meanwhile."""

    entry: Entry
    task: Task | None
    made: list[Future[list[File]]] = field(default_factory=list)
    reason: str = ""

    def settle(self) -> None:
        """Wait for the files; of a figure that was not drawn whole none is listed."""
        files = sorted((file for made in self.made for file in made.result()), key=lambda file: file.name)
        whole = not self.reason and len(self.made) == len(KINDS)
        self.entry = replace(self.entry, files=tuple(files) if whole else (), reason=self.reason, drawn=whole)


def write(source: Path = paths.FIGURES, target: Path = paths.RUNS / "publication", only: Sequence[str] = ()) -> Publication:
    """Write all figures of a folder for a paper.

    Parameters
    ----------
    source : Path
        Folder with the figures' JSON and text, as :func:`review.gallery.read` wants them.
    target : Path
        Another folder. For each figure and width (84 and 174 mm) it gets ``<name>-<width>.svg``, ``.pdf``, ``-300dpi.png``,
        ``-600dpi.png``, ``-600dpi.tiff`` and ``.tex``; for each figure ``<name>.txt`` (alternative text, empty line, caption);
        and ``index.html``, ``sheet.pdf``, ``figures.csv`` and ``manifest.json``, which is written last. Files of figures that are
        not written this time are removed if they are as they were written.
    only : sequence of str
        Names of figures; without any all are written.

    Raises
    ------
    InputError
        If a file of a figure, or the manifest in ``target``, cannot be read.
    ReviewError
        If there is no figure, or both folders are one.
    RunError
        If there is no browser, or it could not draw a figure: what could be drawn is there.
    """
    gallery.apart(source, target)
    check_folder(target)
    items = gallery.read(source, only)
    if find_browser() is None:
        raise RunError(f"figures cannot be drawn: {NO_BROWSER}")
    known = _known(target)
    plans = [_plan(item, width, known, target) for item in items for width in NAMES]
    problem = _draw(plans, known, target)
    entries = tuple(plan.entry for plan in plans)
    words = [_put(target / f"{item.name}.txt", f"{item.alt}\n\n{item.caption}\n".encode(), "txt") for item in items]
    words.append(_put(target / contact_sheet.PAGE, contact_sheet.page(entries).encode(), "html"))
    words.append(_put(target / TABLE, listed(entries).encode(), "csv"))
    others = {file.name: file.sha256 for file in words}
    pages = target / contact_sheet.SHEET
    if pages.is_file() and not problem:
        others[pages.name] = sha256(pages.read_bytes()).hexdigest()
    files = {*others, *(file.name for entry in entries for file in entry.files)}
    _remove(known, files, target)
    figures = [entry.record() for entry in entries]
    record = {"software": imprint.SOFTWARE, "figures": figures, "sheet": contact_sheet.mark(entries), "others": others}
    write_bytes(target / MANIFEST, to_json(record).encode())
    if problem:
        raise RunError(f"{problem} -> run the command again: what is there is kept")
    return Publication(target, entries, tuple(target / name for name in sorted({MANIFEST, *files})))


def _plan(item: Item, width: Width, known: Mapping[str, Any], target: Path) -> _Plan:
    """Say what is to be done for a figure at one width: nothing, if its files are there and unchanged."""
    try:
        task = export.prepare(replace(item, name=f"{item.name}-{NAMES[width]}"), width, EDITION, str(DPI))
    except ReviewError as error:
        facts = Facts(item.name, item.alt, item.caption, "", item.notebook, item.corpus, (0.0, 0.0))
        return _Plan(Entry(item.name, width, facts, reason=str(error)), None)
    entry = Entry(item.name, width, task.facts)
    for record in known.get("figures", []):
        if (record["figure"], record["hash"]) == (item.name, entry.facts.hash):
            files = [File(one["file"], one["format"], one["dpi"], one["sha256"]) for one in record["files"]]
            if files and all(_same(target / file.name, file.sha256) for file in files):
                entry = replace(entry, files=tuple(files))
    return _Plan(entry, task)


def _known(target: Path) -> dict[str, Any]:
    """Return the manifest of the last time, {} if there is none."""
    path = target / MANIFEST
    if not path.exists():
        return {}
    remedy = "choose another folder, or remove the file: everything is drawn again then"
    record = strict_json.load(path, remedy)
    try:
        files = {one["file"] for figure in record["figures"] for one in figure["files"]} | {*record["others"]}
        usable = isinstance(record, dict) and all(Path(name).name == name and len(name.encode()) < 256 for name in files)
        usable = usable and all(
            isinstance(figure["hash"], str) and isinstance(figure["figure"], str) for figure in record["figures"]
        )
        usable = usable and all(
            set(one) == {"file", "format", "dpi", "sha256"} for figure in record["figures"] for one in figure["files"]
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError.one(path, f"this is no list of figures ({type(error).__name__})", remedy) from None
    if not usable:
        raise InputError.one(path, "this is no list of figures (a file outside of the folder)", remedy)
    return dict(record)


def _same(path: Path, wanted: str) -> bool:
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == wanted


def _put(path: Path, data: bytes, kind: str, dpi: int | None = None) -> File:
    """Write a file unless it is there as it is."""
    hash_ = sha256(data).hexdigest()
    if not _same(path, hash_):
        write_bytes(path, data)
    return File(path.name, kind, dpi, hash_)


def _draw(plans: list[_Plan], known: Mapping[str, Any], target: Path) -> str:
    """Draw what is missing, and the sheet; files are made while the browser goes on. Return what went wrong, or ""."""
    waiting = {plan.entry.stem: plan for plan in plans if plan.task is not None and not plan.entry.files}
    orders = {(name, kind): export.order(plan.task, kind, DPI) for name, plan in waiting.items() if plan.task for kind in KINDS}
    helpers = os.cpu_count() or 1

    def ready(key: tuple[str, str], image: bytes | str) -> None:
        plan = waiting[key[0]]
        if isinstance(image, str):
            plan.reason = plan.reason or image
        else:
            plan.made.append(pool.submit(_finish, plan.entry, key[1], image, target))

    def then() -> Orders:
        for plan in waiting.values():
            plan.settle()
        entries = [plan.entry for plan in plans]
        sheet = target / contact_sheet.SHEET
        if not contact_sheet.shown(entries):
            return {}
        same = known.get("sheet") == contact_sheet.mark(entries) and _same(sheet, known["others"].get(sheet.name, ""))
        return {} if same else {(sheet.name, "pdf"): contact_sheet.order(entries, target)}

    with ThreadPoolExecutor(helpers) as pool:
        if not waiting and not then():
            return ""
        done = render_many(orders, max(1, min(helpers, 4, len(waiting))), ready, then)
    sheet = done.pop((contact_sheet.SHEET, "pdf"), "")
    if isinstance(sheet, bytes):
        _put(target / contact_sheet.SHEET, contact_sheet.finish(sheet), "pdf")
    failed = {f"{name}.{kind}": image for (name, kind), image in done.items() if isinstance(image, str)}
    for name, plan in waiting.items():
        plan.reason = plan.reason or next((image for file, image in failed.items() if file.startswith(f"{name}.")), "")
        plan.settle()
        for file in [] if plan.entry.files else [file for made in plan.made for file in made.result()]:
            (target / file.name).unlink(missing_ok=True)
    if isinstance(sheet, str) and sheet:
        failed[contact_sheet.SHEET] = sheet
    first = next(iter(failed), "")
    return f"{len(failed)} drawings failed, the first is {first}: {failed[first]}" if failed else ""


def _finish(entry: Entry, kind: str, image: bytes, target: Path) -> list[File]:
    """Write all files that are made from one image."""
    facts, stem = entry.facts, target / entry.stem
    if kind != "png":
        return [_put(stem.with_name(f"{stem.name}.{kind}"), export.finish(image, kind, facts, DPI), kind)]
    half = DPI // 2
    return [
        _put(stem.with_name(f"{stem.name}-{DPI}dpi.png"), imprint.png(image, facts, DPI), "png", DPI),
        _put(stem.with_name(f"{stem.name}-{half}dpi.png"), imprint.png(imprint.halved(image), facts, half), "png", half),
        _put(stem.with_name(f"{stem.name}-{DPI}dpi.tiff"), imprint.tiff(image, facts, DPI), "tiff", DPI),
        _put(stem.with_name(f"{stem.name}.tex"), latex(entry).encode(), "tex"),
    ]


def latex(entry: Entry) -> str:
    """Return a figure environment: the PDF at its natural width, alternative text and caption.

    The wide one goes over both columns of a page that has two.
    """
    from review.paper_latex import escape

    place = "figure" if entry.width == "single" else "figure*"
    lines = [rf"\begin{{{place}}}", r"  \centering"]
    lines.append(rf"  \includegraphics[alt={{{escape(entry.facts.alt)}}}]{{{entry.stem}.pdf}}")
    lines += [rf"  \caption{{{escape(entry.facts.caption)}}}", rf"  \label{{fig:{entry.figure}}}", rf"\end{{{place}}}"]
    return "\n".join(lines) + "\n"


def listed(entries: Sequence[Entry]) -> str:
    """Return the list of all files of figures as CSV for people."""
    return sheet(HEADER, _rows(entries))


def _rows(entries: Sequence[Entry]) -> Iterator[tuple[object, ...]]:
    for entry in entries:
        facts = entry.facts
        for file in entry.files:
            across, down = facts.millimetres
            origin = (entry.figure, round(across, 2), round(down, 2), facts.notebook, facts.corpus, facts.hash)
            yield (*origin, file.name, file.format, file.dpi, file.sha256)


def _remove(known: Mapping[str, Any], kept: set[str], target: Path) -> None:
    """Remove files of the last time that are not made any more; those that were changed since stay."""
    old = {one["file"]: one["sha256"] for figure in known.get("figures", []) for one in figure["files"]}
    old |= known.get("others", {})
    for name, hash_ in old.items():
        if name not in kept and _same(target / name, hash_):
            (target / name).unlink(missing_ok=True)


def lines(made: Publication, say: Callable[[str], None]) -> None:
    """Tell in words what was written."""
    for entry in made.entries:
        if entry.reason:
            say(f"{entry.stem}: not drawn: {entry.reason}")
    drawn = sum(entry.drawn for entry in made.entries)
    figures = len({entry.figure for entry in made.entries})
    say(f"{figures} figures at {' and '.join(NAMES.values())}: {drawn} drawn, {len(made.entries) - drawn} unchanged or not drawn")
    say(f"{made.folder / contact_sheet.PAGE}, {made.folder / MANIFEST}")

"""Executed notebooks and the files of a run, as the site shows them."""

from __future__ import annotations

import base64
import json
from collections import Counter
from functools import cache
from pathlib import Path

from conftest import TINY
from site_runs import Page, notebook, plotly, shown, tiny_run, unsafe

from fuzzing.common import BOOK, JSON, forget, scratch, words
from fuzzing.harness import Outcome, Target, WrongError, kept, refused, same
from fuzzing.targets_import import tiny
from review.errors import ReviewError
from review.files import to_json
from review.site import book, source
from review.site.clean import data as json_of
from review.site.places import Places

# --- executed notebooks, as the site shows them


@cache
def shown_seeds() -> list[bytes]:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    outputs = (
        shown(text__html="<b onclick=x>a</b><script>1</script><table><tr><td>1</td></tr></table>", text__plain="a"),
        shown("display_data", image__png=png, text__plain="words"),
        shown("display_data", image__svg__xml="<svg/>") | {"data": {"image/svg+xml": "<svg/>"}},
        shown(text__markdown="# T\n\n[a](b.md) ![c](d.png) `x` <i>y</i>\n\n| a |\n| - |\n| 1 |\n"),
        plotly({"data": [{"type": "bar", "x": [1], "y": [2]}], "layout": {"title": {"text": "T"}}}),
        {"output_type": "stream", "name": "stderr", "text": ["\x1b[31mred\x1b[0m\n", "b"]},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[1mt"]},
    )
    made = []
    with scratch() as place:
        for number, output in enumerate(outputs):
            path = notebook(place / f"{number}.ipynb", f"# Title {number}\n\nWords.", ('session.table(a, "02-shares")', output))
            made.append(path.read_bytes())
    return made


@cache
def shown_run(folder: Path) -> Path:
    return tiny_run(folder / "run", TINY)


def attack_shown(data: bytes, folder: Path) -> Outcome:
    run = shown_run(folder)
    path = run / "05-x.ipynb"
    path.write_bytes(data)
    forget()
    try:
        found = source.read(run, tiny())
        shelf = book.Shelf(found, tiny(), Places.of(tiny()), None)
        chapter = next(one for one in shelf.chapters if one.notebook.name == path.stem)
    except ReviewError as error:
        return refused(error, path.name)
    for block in chapter.blocks:
        if block.kind == "html":
            page = Page(f"<main>{block.html}</main>")
            if bad := unsafe(page):
                raise WrongError(f"{bad} got into a page")
        if block.figure is not None:
            json_of(block.figure)
    list(chapter.entries())
    f"{chapter.title}{chapter.summary}".encode()
    "".join(block.html for block in chapter.blocks).encode()
    held = json.loads(data)
    if held["nbformat"] == 4:
        cells = [cell["cell_type"] for cell in held["cells"] if cell["cell_type"] != "code" or "".join(cell["source"]).strip()]
        wanted = Counter("html" if kind == "markdown" else "code" for kind in cells if kind in ("markdown", "code"))
        same(sum(block.kind == "code" for block in chapter.blocks), wanted["code"], "cells with code")
    return kept(str(sorted({block.kind for block in chapter.blocks})))


# --- the files of a run that the site shows

RUN_FILES = ("summary.json", "tables/02-shares.json", "figures/02-shares.json", "figures/02-shares.txt")


@cache
def run_seeds() -> list[bytes]:
    with scratch() as place:
        run = tiny_run(place, TINY)
        table = json.loads((run / RUN_FILES[1]).read_text())
        figure = json.loads((run / RUN_FILES[2]).read_text())
        small = {"data": figure["data"][:1], "layout": {"title": {"text": "T"}}}
        parts = [(run / RUN_FILES[0]).read_bytes(), to_json(table[:2]).encode(), json.dumps(small).encode()]
        return [bytes([place]) + part for place, part in enumerate([*parts, b"Alt.\n\nCaption.\n"])]


def attack_run(data: bytes, folder: Path) -> Outcome:
    """The first byte tells which file is damaged."""
    run = shown_run(folder)
    name = RUN_FILES[(data[0] if data else 0) % len(RUN_FILES)]
    (run / "05-x.ipynb").unlink(missing_ok=True)
    before = (run / name).read_bytes()
    (run / name).write_bytes(data[1:])
    try:
        found = source.read(run, tiny())
        for chapter in book.Shelf(found, tiny(), Places.of(tiny()), None).chapters:
            list(chapter.entries())
            to_json([chapter.title, chapter.status, [(one.name, one.html) for one in chapter.blocks]]).encode()
            for block in chapter.blocks:
                if block.picture is not None:
                    json_of(block.picture.figure).encode()
                if block.grid is not None:
                    json_of([[piece for cell in row for piece in cell.pieces] for row in block.grid.rows]).encode()
    except ReviewError as error:
        return refused(error, Path(name).name, run.name)
    finally:
        (run / name).write_bytes(before)
    return kept(name)


TARGETS = (
    Target(
        "notebook-shown",
        shown_seeds,
        attack_shown,
        words(JSON + BOOK + "|<script>|<img src=x onerror=1>|javascript:|](data:|<svg/onload=1>|&#x6a;|```|$$|<!--|<a href=//x>"),
    ),
    Target(
        "run-files", run_seeds, attack_run, words(JSON + '"corpus":|"runs":|"notebook":|"status":|"selection":|"layout":|"meta":')
    ),
)

"""The cells of an executed notebook as blocks of a page."""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import paths
from review.site.clean import Resolve, clean
from review.site.markdown import Headings, framed, render
from review.site.places import Places
from review.site.source import PLOTLY, Executed, Picture, Run
from review.site.tables import Grid, grid, linked

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from review.corpus import Corpus

PICTURES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif", "image/webp")
WIDGET = "application/vnd.jupyter.widget-view+json"
LIVE = "An interactive element stands here in JupyterLab; it needs a running kernel."
INJECTED = "injected-parameters"
"""Tag of the cell in which papermill writes parameters."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass(frozen=True)
class Block:
    """A piece of a page.

    Attributes
    ----------
    kind : {"html", "code", "table", "figure", "text", "error", "image"}
    html : str
        Safe HTML (``html``), or plain text for the template to escape (``text``, ``error``), or highlighted code.
    name : str
        Of the table or figure; alternative text of an image.
    grid : Grid or None
        Of a table.
    picture : Picture or None
        Of a figure that the run wrote.
    figure : mapping or None
        Figure JSON.
    number : int
        Of code cells, from 1.
    anchor : str
        The ``id`` of a figure or table within the page.
    """

    kind: str
    html: str = ""
    name: str = ""
    grid: Grid | None = None
    picture: Picture | None = None
    figure: Mapping[str, Any] | None = None
    number: int = 0
    anchor: str = ""


@dataclass(frozen=True)
class Reader:
    """Turns one notebook into blocks."""

    run: Run
    notebook: Executed
    corpus: Corpus
    places: Places
    page: str
    headings: Headings

    @cached_property
    def resolve(self) -> Resolve:
        """What rewrites relative addresses of this notebook."""
        return self.places.resolve(self.page, f"notebooks/{self.notebook.name}.ipynb")

    def blocks(self) -> Iterator[Block]:
        """Return the blocks of all cells, in order."""
        number = 0
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown":
                yield Block("html", render(cell.source, self.resolve, self.headings))
            elif cell.cell_type == "code" and cell.source.strip():
                number += 1
                given = INJECTED in cell.metadata.get("tags", ())
                yield Block("code", highlight(placeless(cell.source) if given else cell.source), number=number)
                for output in cell.outputs:
                    yield from self._output(cell, output)

    def _output(self, cell: NotebookNode, output: NotebookNode) -> Iterator[Block]:
        if output.output_type == "stream":
            yield Block("text", plain(output.text))
        elif output.output_type == "error":
            yield Block("error", plain("\n".join(output.traceback) or f"{output.ename}: {output.evalue}"))
        else:
            yield from self._shown(cell, output.get("data", {}))

    def _shown(self, cell: NotebookNode, data: Mapping[str, Any]) -> Iterator[Block]:
        """Return the richest form of an output that can be shown without running anything of it."""
        figure = data.get(PLOTLY)
        image = next((kind for kind in PICTURES if isinstance(data.get(kind), str)), "")
        if isinstance(figure, dict) and isinstance(figure.get("data"), list) and isinstance(figure.get("layout"), dict):
            picture = self.run.picture(figure, self.notebook.promised)
            name = picture.name if picture else f"{self.notebook.name}-figure"
            anchor = self.headings.place(f"figure-{name}")
            yield Block("figure", name=name, picture=picture, figure=figure, anchor=anchor)
        elif "text/html" in data:
            name = written(cell.source)
            rows = self.run.table(name) if name else None
            if rows:
                shown = grid(rows, self.corpus, self.places, self.page)
                yield Block("table", name=name, grid=shown, anchor=self.headings.place(f"table-{name}"))
            else:
                yield Block("html", linked(framed(clean(text(data["text/html"]), self.resolve)), self.places, self.page))
        elif image:
            yield self._image(image, data)
        elif "text/markdown" in data:
            yield Block("html", render(text(data["text/markdown"]), self.resolve, self.headings))
        elif WIDGET in data:
            yield Block("text", LIVE)
        elif "text/plain" in data:
            yield Block("text", plain(text(data["text/plain"])))

    def _image(self, kind: str, data: Mapping[str, Any]) -> Block:
        """Return a picture as a data address, in which nothing runs."""
        content = text(data[kind])
        if kind == "image/svg+xml":
            content = base64.b64encode(content.encode()).decode("ascii")
        else:
            try:
                content = base64.b64encode(base64.b64decode(content, validate=False)).decode("ascii")
            except ValueError:
                return Block("error", f"a picture of type {kind} that cannot be read")
        return Block("image", f"data:{kind};base64,{content}", plain(text(data.get("text/plain", "picture"))))


def text(value: Any) -> str:
    """Return the text of a part of an output: one text, or lines."""
    return value if isinstance(value, str) else "".join(str(line) for line in value) if isinstance(value, list) else str(value)


def plain(value: str) -> str:
    """Return text without the control sequences of terminals."""
    return _ESCAPES.sub("", value).rstrip()


def written(source: str) -> str:
    """Return the name of the table that the last line of a cell writes and shows, or "".

    That is a call of a method ``table`` with a name as constant: ``session.table(frame, "02-shares")``.
    """
    try:
        last = ast.parse(source).body[-1]
    except (SyntaxError, ValueError, IndexError):  # magic of IPython, a NUL byte, nothing but comments
        return ""
    call = last.value if isinstance(last, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "table":
        return ""
    given = [*call.args, *(item.value for item in call.keywords)]
    names = [item.value for item in given if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return names[0] if names and re.fullmatch(r"[\w-]+", names[0]) else ""


def placeless(source: str) -> str:
    """Return code without the places of this machine: of an absolute path what is below the project, or else the last name.

    Papermill writes whole paths into a cell. Who made a site, and where, is nobody's business, and it must not make two differ.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    lines = source.encode().split(b"\n")
    for node in sorted(found, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        path = Path(str(node.value))
        if path.is_absolute() and node.end_lineno == node.lineno:
            known = path.is_relative_to(paths.ROOT)
            shown = json.dumps(path.relative_to(paths.ROOT).as_posix() if known else path.name, ensure_ascii=False)
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line[: node.col_offset] + shown.encode() + line[node.end_col_offset :]
    return b"\n".join(lines).decode()


def highlight(source: str) -> str:
    """Return Python code as HTML, its parts marked with the short class names of Pygments."""
    from pygments import highlight as paint
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return str(paint(source, PythonLexer(), HtmlFormatter(nowrap=True)))

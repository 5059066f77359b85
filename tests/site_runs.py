"""Runs made by hand for the tests of the site: executed notebooks with known outputs beside their tables and figures."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import plotly.graph_objects as go

from review import corpus, figures, statistics
from review.files import to_json, write_table

PLOTLY = "application/vnd.plotly.v1+json"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="174mm" height="35mm" viewBox="0 0 658 132"><rect width="9" height="9"/></svg>'
)
OUTPUTS = {"execute_result": {"metadata": {}, "execution_count": 1}, "display_data": {"metadata": {}}}


def shown(kind="execute_result", /, **data):
    """Return an output with data by MIME type; ``__`` stands for a slash."""
    return {"output_type": kind, "data": {name.replace("__", "/"): value for name, value in data.items()}, **OUTPUTS[kind]}


def plotly(figure):
    return {"output_type": "display_data", "data": {PLOTLY: figure}, "metadata": {}}


def notebook(path, *cells, artefacts=()):
    """Write an executed notebook; a cell is Markdown text, or code with its outputs."""
    made = []
    for number, cell in enumerate(cells):
        if isinstance(cell, str):
            made.append({"cell_type": "markdown", "id": f"c{number}", "metadata": {}, "source": cell})
        else:
            source, *outputs = cell
            code = {"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": source}
            made.append({**code, "execution_count": 1, "outputs": outputs})
    book = {"cells": made, "metadata": {"review": {"artefacts": list(artefacts)}}, "nbformat": 4, "nbformat_minor": 5}
    nbformat.validate(nbformat.from_dict(book))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(book), "utf-8")
    return path


def picture(folder, name, figure, alt="Three bars.", caption="A caption."):
    """Write the files of a figure as a run leaves them; return its JSON."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    content = json.loads(figure.to_json())
    (folder / "figures" / f"{name}.json").write_text(json.dumps(content), "utf-8")
    (folder / "figures" / f"{name}.txt").write_text(f"{alt}\n\n{caption}\n", "utf-8")
    (folder / "figures" / f"{name}.svg").write_text(SVG, "utf-8")
    return content


def tiny_run(folder: Path, directory: Path) -> Path:
    """Write a run of the tiny corpus: two notebooks, a table, a figure, a summary."""
    loaded = corpus.load(directory)
    shares = statistics.compute_shares(loaded, "design")
    write_table(shares, folder / "tables" / "02-shares")
    drawn = picture(folder, "02-shares", figures.plot_shares(shares))
    bare = json.loads(go.Figure(go.Bar(x=[1], y=[2])).to_json())
    notebook(
        folder / "00-start.ipynb",
        "# Start\n\nFirst words. See [the shares](02-shares.ipynb#by-design) and [nothing](gone.md).",
        (
            "1 / 0",
            {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "<b>no</b>", "traceback": ["\x1b[31mZero\x1b[0m"]},
        ),
        ("print(1)", {"output_type": "stream", "name": "stdout", "text": "one\n"}),
    )
    notebook(
        folder / "02-shares.ipynb",
        "# Shares\n\n| a | b |\n| - | - |\n| 1 | 2 |\n",
        "## By design\n\nWords about Zürich.",
        ('session.table(shares, "02-shares")', shown(text__html="<table><tr><td>short</td></tr></table>")),
        ("session.figure(...)", plotly(drawn)),
        ("fig", plotly(bare)),
        ("frame", shown(text__html="<table><tr><td>adams2018pain</td><td>other</td></tr></table>", text__plain="x")),
        ("Markdown()", shown(text__markdown="## Deep\n\n**bold**")),
        artefacts=["tables/02-shares.csv", "figures/02-shares.json", "tables/missing.csv"],
    )
    runs = [{"notebook": "00-start.ipynb", "status": "failed", "missing": []}, {"notebook": "02-shares.ipynb", "status": "ok"}]
    summary = {"corpus": loaded.hash, "selection": "first", "version": "first", "where": "", "runs": runs}
    (folder / "summary.json").write_text(to_json(summary), "utf-8")
    return folder


class Page(HTMLParser):
    """What a page consists of: elements with their attributes, ids, links, and the words outside scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.ids, self.links, self.words, self.scripts = [], [], [], "", []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.elements.append((tag, found))
        self._inside = tag if tag in ("script", "style") else self._inside
        if tag == "script":
            self.scripts.append("")
        if found.get("id"):
            self.ids.append(found["id"])
        self.links += [(tag, name, found[name]) for name in ("href", "src", "action") if found.get(name)]

    def handle_endtag(self, tag):
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts[-1] += data
        elif not self._inside:
            self.words += data

    def find(self, tag, **wanted):
        """Return the attributes of all elements of a kind with some values."""
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]


def dead_links(folder):
    """Return every link within a site that leads nowhere."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}
    dead = []
    for path, page in pages.items():
        for _, _, link in page.links:
            if link.startswith(("https://", "http://", "data:", "mailto:")):
                continue
            name, _, mark = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            known = pages.get(target)
            if not target.is_file() or (mark and known and "=" not in mark and mark not in known.ids):
                dead.append((path.name, link))
    return dead


def unsafe(page):
    """Return everything in a page that would run or load something that is not of the site."""
    found = []
    for tag, attributes in page.elements:
        if tag in ("iframe", "object", "embed", "base", "frame", "applet", "foreignobject", "use", "animate", "set"):
            found.append((tag, attributes))
        if tag == "script" and attributes.get("type") != "application/json" and "static/" not in str(attributes.get("src")):
            found.append((tag, attributes))
        if tag == "meta" and attributes.get("http-equiv", "content-security-policy").lower() != "content-security-policy":
            found.append((tag, attributes))
        for name, value in attributes.items():
            address = "".join(str(value).split()).lower()
            runs = address.startswith(("javascript:", "vbscript:", "data:text", "data:application"))
            loads = (tag, name) in {("img", "src"), ("link", "href"), ("script", "src")} and address.startswith(("http", "//"))
            if name.startswith("on") or name in ("style", "srcdoc", "srcset", "formaction", "ping") or runs or loads:
                found.append((tag, name, value))
    return found

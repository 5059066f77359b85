"""All figures at a glance: a page that shows and links them, and the same as PDF to print or to send."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import imprint
from review.files import digest

if TYPE_CHECKING:
    from review.publication import Entry, File

PAGE, SHEET = "index.html", "sheet.pdf"
PAPER = {"width": 210 / 25.4 * 96, "height": 297 / 25.4 * 96}
"""A4 in layout pixels."""

POLICY = "default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'"

STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 Arimo, Arial, "Liberation Sans", sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto;
  max-width: 76rem; padding: 1rem; }
ul.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(34rem, 100%), 1fr)); gap: 2rem; padding: 0;
  list-style: none; }
li.figure { border-top: 1px solid #8c8c8c; padding-top: .5rem; min-width: 0; }
h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
img { max-width: 100%; height: auto; }
figure { margin: 0; }
p, figcaption { margin: .5rem 0; overflow-wrap: anywhere; }
.origin { color: #595959; font-size: .875rem; }
a { color: #0072b2; }
"""
PRINTED = """
.sheet { font: 7pt/1.3 Arimo; color: #1a1a1a; padding: 10mm 0; }
@page { margin: 12mm }
.sheet h1 { font-size: 12pt; margin: 0 0 4mm; }
.sheet .grid { display: grid; grid-template-columns: 1fr 1fr; gap: 7mm 8mm; }
.sheet .cell { break-inside: avoid; border-top: .2mm solid #8c8c8c; padding-top: 2mm; }
.sheet h2 { font-size: 8pt; margin: 0 0 1.5mm; }
.sheet img { display: block; max-width: 100%; max-height: 82mm; }
.sheet p { margin: 1.5mm 0 0; }
"""


def page(entries: Sequence[Entry]) -> str:
    """Return a page that shows the figures and links all their files, for a browser; it needs the files beside it."""
    items = "\n".join(_item(entry, _others(entries, entry)) for entry in shown(entries))
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>Figures</title>'
    body = f'<main>\n<h1>Figures</h1>\n<ul class="figures">\n{items}\n</ul>\n</main>'
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}<style>{STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n'


def shown(entries: Sequence[Entry]) -> list[Entry]:
    """Return each figure once, at the greatest width at which it could be drawn."""
    widest = {entry.figure: entry for entry in sorted(entries, key=lambda entry: entry.facts.size) if entry.files}
    return [widest[name] for name in sorted(widest)]


def _others(entries: Sequence[Entry], entry: Entry) -> list[Entry]:
    return [other for other in entries if other.figure == entry.figure and other.files]


def _item(entry: Entry, widths: Sequence[Entry]) -> str:
    facts = entry.facts
    picture = min((file for file in entry.files if file.format == "png"), key=lambda file: file.dpi or 0)
    across, down = (round(size) for size in facts.size)
    image = (
        f'<img src="{html.escape(picture.name)}" width="{across}" height="{down}" alt="{html.escape(facts.alt)}" loading="lazy">'
    )
    links = [f"{_width(other)}: {' '.join(_link(file, other) for file in other.files)}" for other in widths]
    words = [html.escape(facts.caption), *links, html.escape(_origin(entry))]
    classes = ["", *[' class="files"'] * len(links), ' class="origin"']
    below = "".join(f"<p{look}>{text}</p>" for text, look in zip(words[1:], classes[1:], strict=True))
    figure = f"<figure>{image}<figcaption>{words[0]}</figcaption></figure>"
    name = html.escape(entry.figure)
    return f'<li class="figure"><h2 id="{name}">{name}</h2>{figure}{below}</li>'


def _width(entry: Entry) -> str:
    return f"{entry.facts.millimetres[0]:.0f} mm"


def _link(file: File, entry: Entry) -> str:
    label = f"{file.format.upper()} {file.dpi} dpi" if file.dpi else file.format.upper()
    said = html.escape(f"{label}, {entry.figure}, {_width(entry)}")
    return f'<a href="{html.escape(file.name)}" aria-label="{said}">{html.escape(label)}</a>'


def _origin(entry: Entry) -> str:
    facts = entry.facts
    parts = [facts.notebook, f"corpus {facts.corpus[:12]}" if facts.corpus else "", f"figure {facts.hash[:12]}"]
    return " \u00b7 ".join(part for part in parts if part)


def mark(entries: Sequence[Entry]) -> str:
    """Return a hash that stands for the printed sheet of these figures."""
    return digest(PRINTED.encode(), *(f"{entry.stem} {entry.facts.hash}".encode() for entry in shown(entries)))


def order(entries: Sequence[Entry], folder: Path) -> dict[str, Any]:
    """Return what the browser has to print: the drawings in ``folder`` with names and captions, on A4."""
    cells = []
    for entry in shown(entries):
        drawing = base64.b64encode((folder / f"{entry.stem}.svg").read_bytes()).decode("ascii")
        image = f'<img src="data:image/svg+xml;base64,{drawing}" alt="">'
        caption = f"<p>{html.escape(entry.facts.caption)}</p><p>{html.escape(_origin(entry))}</p>"
        cells.append(f'<div class="cell"><h2>{html.escape(entry.figure)}</h2>{image}{caption}</div>')
    grid = f'<div class="sheet"><h1>Figures</h1><div class="grid">{"".join(cells)}</div></div>'
    return {"html": f"<style>{PRINTED}</style>{grid}", "opts": {"format": "pdf", "pages": "", **PAPER}}


def finish(pages: bytes) -> bytes:
    """Return the printed sheet with its title and without times."""
    return imprint.document(pages, "Figures", "All figures with their captions; each is in a file of its own, too.")

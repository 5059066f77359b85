"""What a reader gets of every committed figure, at both widths: text that can be read, colours that can be told apart.

The colours are looked at in the figures' JSON. Sizes, boxes and contrast are measured in a browser on the drawings themselves.
"""

from __future__ import annotations

import io
import itertools
import os
from typing import Any

import numpy as np
import pytest

from review import colours, export, gallery, paths, theme
from review.browser import find_browser, render_many
from review.errors import ReviewError

LEAST = 10.0
"""CIEDE2000 between colours that are the only difference of two things."""

MEASURE = """
() => {
  const seen = (node) => { const look = getComputedStyle(node); return look.visibility !== "hidden" && look.opacity !== "0"; };
  const box = (node) => { const b = node.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
  const root = document.querySelector("svg");
  const texts = [];
  for (const text of root.querySelectorAll("text")) {
    if (!text.textContent.trim() || !seen(text)) continue;
    const lines = text.querySelectorAll("tspan.line");
    for (const line of lines.length ? lines : [text]) {
      if (!line.textContent.trim()) continue;
      const inner = line.querySelector("tspan") || line;
      const look = getComputedStyle(inner);
      const size = parseFloat(look.fontSize);
      texts.push({said: line.textContent, box: box(line), size, fill: look.fill, font: look.fontFamily});
    }
  }
  const strokes = [];
  for (const node of root.querySelectorAll("path, rect, line, circle, polygon")) {
    const look = getComputedStyle(node);
    if (look.stroke === "none" || look.strokeOpacity === "0" || parseFloat(look.strokeWidth) === 0 || !seen(node)) continue;
    strokes.push([parseFloat(look.strokeWidth), node.outerHTML.slice(0, 120)]);
  }
  return {page: box(root), texts, strokes, faces: Array.from(document.fonts, (face) => [face.family, face.status])};
}
"""


def both():
    """Return the committed figures at each width at which they can be drawn."""
    found = []
    for item in gallery.read(paths.FIGURES):
        for width in theme.WIDTHS:
            try:
                found.append((f"{item.name}-{width}", export.prepare(item, width)))
            except ReviewError:
                assert width == "single", "only a single column may be too narrow"
    return found


FIGURES = both()


def looks(figure: dict[str, Any]):
    """Return (channels but colour, colour) of everything in a figure that stands for something.

    A mark with a number in its middle is told by the number.
    """
    numbers = {
        (round(note["x"], 1), round(note["y"], 1)): note["text"]
        for note in figure["layout"].get("annotations", ())
        if note["text"].isdigit() and note["xref"] == "x" and note["yref"] == "y"
    }
    for trace in figure["data"]:
        if trace["type"] == "heatmap":
            continue  # each cell has its number in it
        marker = trace.get("marker", {})
        line = trace.get("line", {})
        dashes = line.get("dash", "solid")
        if "markers" in trace.get("mode", "markers" if trace["type"] == "scatter" else ""):
            inside = [numbers.get((round(x, 1), round(y, 1)), "") for x, y in spots(trace)] if numbers else ""
            for symbol, colour, edge, number in zip(
                *spread(marker.get("symbol", "circle"), marker.get("color"), edge_of(marker), inside), strict=True
            ):
                yield ("mark", symbol, colour == "white", number), colour if colour not in (None, "white") else edge
        if "lines" in trace.get("mode", ""):
            yield ("line", dashes), line.get("color")
        if trace["type"] == "bar":
            pattern = marker.get("pattern", {}).get("shape", "")
            for colour, shape, edge in zip(*spread(marker.get("color"), pattern, edge_of(marker)), strict=True):
                yield ("bar", shape), edge if shape or colour == "white" else colour


def spots(trace):
    """Return where the marks of a trace are, if both its axes count pixels or numbers."""
    import plotly.graph_objects as go

    drawn = go.Figure({"data": [trace]}).data[0]
    return [
        (x, y) if all(isinstance(value, int | float) for value in (x, y)) else (0, -1)
        for x, y in zip(drawn.x, drawn.y, strict=True)
    ]


def edge_of(marker):
    return marker.get("line", {}).get("color")


def spread(*values):
    """Repeat single values beside lists."""
    longest = max((len(value) for value in values if isinstance(value, list | tuple)), default=1)
    return [list(value) if isinstance(value, list | tuple) else [value] * longest for value in values]


@pytest.mark.parametrize(("name", "task"), FIGURES, ids=[name for name, _ in FIGURES])
def test_what_differs_in_colour_only_differs_for_everybody(name, task):
    things = {(channels, colour) for channels, colour in looks(task.figure.to_plotly_json()) if colour}
    for (channels, one), (others, other) in itertools.combinations(sorted(things), 2):
        if channels == others and one != other:
            for vision in colours.VISIONS:
                assert colours.distance(one, other, vision) >= LEAST, (vision, channels, one, other)


def test_the_figures_hold_something_to_look_at():
    kinds = {channels[0] for _, task in FIGURES for channels, _ in looks(task.figure.to_plotly_json())}
    assert kinds >= {"mark", "bar"}
    assert len(FIGURES) >= 48


def test_no_title_stands_in_a_picture():
    for name, task in FIGURES:
        assert task.figure.layout.title.text is None, name


def test_every_letter_of_every_figure_is_in_the_font():
    from review import fonts

    for name, task in FIGURES:
        missing = {letter for letter in every_text(task.figure.to_plotly_json()) if not fonts.covers(letter)} - set("\n")
        assert not missing, name


def every_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(every_text(inner) for key, inner in value.items() if key != "template")
    return "".join(map(every_text, value)) if isinstance(value, list | tuple) else ""


# In a browser


@pytest.fixture(scope="module")
def drawn():
    """Every figure at both widths as SVG, by one browser."""
    if find_browser() is None and "CI" not in os.environ:
        pytest.skip("no browser here")
    orders = {(name, "svg"): export.order(task, "svg", 300) for name, task in FIGURES}
    images = render_many(orders, 2, lambda _key, _image: None)
    facts = {name: task.facts for name, task in FIGURES}
    assert [image for image in images.values() if isinstance(image, str)] == []
    return {name: export.finish(image, "svg", facts[name], 300).decode() for (name, _), image in images.items()}


@pytest.fixture(scope="module")
def measured(drawn):
    """What stands where in every drawing, and the colours behind the texts."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    found = {}
    with sync_playwright() as play:
        program = play.chromium.launch(executable_path=str(find_browser()), args=["--no-sandbox"])
        page = program.new_page(viewport={"width": 700, "height": 1400})
        for name, svg in drawn.items():
            page.set_content(f"<!DOCTYPE html><style>body {{ margin: 0 }}</style>{svg}")
            page.evaluate("document.fonts.ready.then(() => null)")
            facts = page.evaluate(MEASURE)
            page.add_style_tag(content="text { visibility: hidden !important }")
            picture = np.asarray(Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB"))
            for text in facts["texts"]:
                text["behind"] = behind(picture, text["box"])
            found[name] = facts
        program.close()
    return found


def behind(picture, box):
    """Return the colours that make up at least a twentieth of what is behind a text."""
    left, top, right, bottom = (round(edge) for edge in box)
    dots = picture[max(top, 0) : bottom, max(left, 0) : right].reshape(-1, 3)
    kinds, counts = np.unique(dots, axis=0, return_counts=True)
    return ["#{:02X}{:02X}{:02X}".format(*kind) for kind, count in zip(kinds, counts, strict=True) if count >= len(dots) / 20]


@pytest.mark.browser
@pytest.mark.slow
def test_text_is_8_to_12_points_in_the_embedded_font(measured):
    for name, facts in measured.items():
        assert facts["texts"], name
        assert {family.strip('"') for family, _ in facts["faces"]} == {"Arimo"}, name
        assert {status for _, status in facts["faces"]} == {"loaded"}, name
        for text in facts["texts"]:
            assert 7.99 <= text["size"] * 0.75 <= 12.01, (name, text["said"])
            assert text["font"].split(",")[0].strip("\"' ") == "Arimo", (name, text["said"])


@pytest.mark.browser
@pytest.mark.slow
def test_lines_can_be_printed(measured):
    assert sum(len(facts["strokes"]) for facts in measured.values()) > 1000
    for name, facts in measured.items():
        for width, node in facts["strokes"]:
            assert width / theme.PIXELS >= 0.1, (name, node)


@pytest.mark.browser
@pytest.mark.slow
def test_no_text_is_cut_off_by_the_edge(measured):
    problems = []
    for name, facts in measured.items():
        left, top, right, bottom = facts["page"]
        for text in facts["texts"]:
            x0, y0, x1, y1 = text["box"]
            if x0 < left - 0.6 or y0 < top - 1.6 or x1 > right + 0.6 or y1 > bottom + 1.6:
                problems.append((name, text["said"], text["box"], facts["page"]))
    assert problems == []


@pytest.mark.browser
@pytest.mark.slow
def test_no_text_lies_on_another(measured):
    problems = []
    for name, facts in measured.items():
        for one, other in itertools.combinations(facts["texts"], 2):
            (a, b, c, d), (e, f, g, h) = one["box"], other["box"]
            if min(c, g) - max(a, e) > 0.6 and min(d, h) - max(b, f) > 1.6:
                problems.append((name, one["said"], other["said"]))
    assert problems == []


@pytest.mark.browser
@pytest.mark.slow
def test_text_stands_out_from_what_is_behind_it(measured):
    problems, grounds = [], set()
    for name, facts in measured.items():
        for text in facts["texts"]:
            grounds.update(text["behind"])
            problems += [
                (name, text["said"], text["fill"], ground)
                for ground in text["behind"]
                if colours.contrast(text["fill"], ground) < 4.5
            ]
    assert problems == []
    assert len(grounds) > 3, "texts on bars, boxes and cells were looked at, too"

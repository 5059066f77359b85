"""Files of a figure: the same for the same figure, at their printed size, and no browser where none is needed."""

from __future__ import annotations

import asyncio
import http.server
import io
import json
import os
import re
import struct
import threading
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

from review import browser as browsers
from review import export, figures, theme
from review.browser import find_browser
from review.errors import ReviewError, RunError
from review.export import Item

SVG = "{http://www.w3.org/2000/svg}"
ALT = 'Reasons: <script>"many"</script> & more.'
CAPTION = "Why records left. Counts of one search."
TEXTS = ("json", "txt", "sha256")


@pytest.fixture
def browser():
    if find_browser() is None and "CI" not in os.environ:
        pytest.skip("no browser here")


@pytest.fixture
def no_browser(monkeypatch, tmp_path):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "absent"))


@pytest.fixture
def forbidden(monkeypatch):
    """Fail if anything asks for a browser."""

    def refuse(orders):
        raise AssertionError(f"a browser was asked for {list(orders)}")

    monkeypatch.setattr(export, "render", refuse)


@pytest.fixture
def pretend(monkeypatch):
    """Pretend to draw; returns the list of what was asked for, one entry a session."""
    asked = []

    def draw(orders):
        asked.append(list(orders))
        svg = b'<svg class="main-svg" width="1" height="2"><text>drawn</text></svg>'
        png = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(17) + b"rest"
        return {key: {"svg": svg, "pdf": sheet(), "png": png}[key[1]] for key in orders}

    monkeypatch.setattr(export, "render", draw)
    return asked


def sheet():
    """Return a PDF with an empty page."""
    from pypdf import PdfWriter

    writer, sink = PdfWriter(), io.BytesIO()
    writer.add_blank_page(500, 200)
    writer.write(sink)
    return sink.getvalue()


def chart(count=52, width="double"):
    table = pd.DataFrame({"reason": ["outside <b>window</b>", "not-a-study"], "count": [count, 8]})
    return figures.plot_screening_reasons(table, width=width)


def save(folder, figure=None, name="reasons", **options):
    return export.export(figure or chart(), name, folder, ALT, CAPTION, **options)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# Without a browser


def test_json_html_and_text_are_written_without_a_browser(tmp_path, no_browser):
    result = save(tmp_path)
    assert [kind for kind, _ in result.skipped] == ["svg", "pdf", "png"]
    assert {reason for _, reason in result.skipped} == {browsers.NO_BROWSER}
    assert result.drawn == ()
    expected = {"reasons.json", "reasons.txt", "reasons.sha256", "html/reasons.html", "html/plotly.min.js"}
    assert set(contents(tmp_path)) == expected
    assert {str(path.relative_to(tmp_path)) for path in result.written} == expected


def test_the_text_is_alt_then_blank_line_then_caption(tmp_path, no_browser):
    export.export(chart(), "reasons", tmp_path, "two\n\nlines ", " a  caption\n")
    assert (tmp_path / "reasons.txt").read_bytes() == b"two lines\n\na caption\n"


def test_files_are_the_same_for_the_same_figure(tmp_path, no_browser):
    first = save(tmp_path / "a")
    second = save(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert first.hash == second.hash == (tmp_path / "a" / "reasons.sha256").read_text().strip()


def test_json_does_not_depend_on_the_order_of_making(tmp_path, no_browser):
    one = go.Figure(layout={"width": 100, "height": 50}).update_layout(showlegend=False, barmode="stack")
    two = go.Figure(layout={"height": 50, "width": 100}).update_layout(barmode="stack", showlegend=False)
    assert save(tmp_path / "a", one).hash == save(tmp_path / "b", two).hash


def test_json_can_be_read_back_and_drawn_at_the_other_width(tmp_path, no_browser):
    import plotly.io as pio

    save(tmp_path)
    read = pio.from_json((tmp_path / "reasons.json").read_text())
    assert save(tmp_path / "again", read).hash == save(tmp_path).hash
    other = save(tmp_path / "single", read, width="single")
    assert other.hash == save(tmp_path / "direct", chart(width="single"), width="single").hash
    assert json.loads((tmp_path / "single" / "reasons.json").read_text())["layout"]["width"] == theme.pixels("single")


@pytest.mark.parametrize(
    ("change", "value"), [("dpi", 600), ("width", "single"), ("caption", "Other."), ("alt", "Other."), ("figure", chart(53))]
)
def test_whatever_is_seen_or_said_changes_the_hash(tmp_path, no_browser, change, value):
    given = {"figure": chart(), "name": "reasons", "directory": tmp_path, "alt": ALT, "caption": CAPTION}
    assert export.export(**given).hash != export.export(**{**given, change: value}).hash


def test_the_page_loads_nothing_from_elsewhere(tmp_path, no_browser):
    save(tmp_path)
    page = (tmp_path / "html" / "reasons.html").read_text()
    assert re.findall(r'<script[^>]*src="([^"]*)"', page) == ["plotly.min.js"]
    assert not re.findall(r"https?://", page.split("Plotly.newPlot")[0])
    assert "cdn" not in page.lower()
    assert 'id="figure-reasons"' in page
    assert '<html lang="en">' in page
    assert "<script>&quot;many" not in page
    assert 'aria-label="Reasons: &lt;script&gt;&quot;many&quot;&lt;/script&gt; &amp; more."' in page
    assert f"<figcaption>{CAPTION}</figcaption>" in page
    assert (tmp_path / "html" / "plotly.min.js").stat().st_size > 1_000_000


@pytest.mark.parametrize("name", ["", "Upper", "a b", "../x", "a_b", "a.b", "a/b", "a\n", "\u00e9"])
def test_names_that_could_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(RunError, match="is no name for a figure"):
        save(tmp_path, name=name)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ("eps",)}, "no figure format named 'eps'"),
        ({"dpi": 0}, "0 dpi"),
        ({"width": "huge"}, "no figure width named 'huge'"),
    ],
)
def test_options_that_cannot_be_used_are_refused(tmp_path, options, message):
    with pytest.raises(ReviewError, match=message):
        save(tmp_path, **options)
    assert contents(tmp_path) == {}


def test_a_figure_without_alternative_text_is_refused(tmp_path):
    with pytest.raises(RunError, match="has no alternative text"):
        export.export(chart(), "reasons", tmp_path, " \n", CAPTION)


def test_two_figures_of_one_name_are_refused(tmp_path):
    with pytest.raises(RunError, match="two figures are named 'same'"):
        export.export_all([Item(chart(), "same", ALT, CAPTION), Item(chart(3), "same", ALT, CAPTION)], tmp_path)


# Hash and cache


def test_figures_share_one_session(tmp_path, pretend):
    items = [Item(chart(n), f"figure-{n}", ALT, CAPTION) for n in (1, 2, 3)]
    results = export.export_all(items, tmp_path, formats=("svg", "pdf"))
    assert pretend == [[(f"figure-{n}", kind) for n in (1, 2, 3) for kind in ("svg", "pdf")]]
    assert [result.drawn for result in results] == [("svg", "pdf")] * 3
    assert [result.name for result in results] == ["figure-1", "figure-2", "figure-3"]


def test_what_is_there_is_left_alone(tmp_path, pretend):
    save(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = save(tmp_path)
    assert len(pretend) == 1
    assert (again.drawn, again.skipped) == ((), ())
    assert {path.suffix for path in again.written} == {".json", ".txt", ".sha256", ".svg", ".pdf", ".png", ".html", ".js"}
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_images_come_from_the_cache(tmp_path, pretend, monkeypatch):
    save(tmp_path / "figures")
    (tmp_path / "figures" / "reasons.svg").write_text("<svg>kept</svg>")
    monkeypatch.setattr(export, "render", lambda orders: pytest.fail(f"asked for {orders}"))
    result = save(tmp_path / "run", cache=tmp_path / "figures")
    assert result.drawn == ()
    assert (tmp_path / "run" / "reasons.svg").read_text() == "<svg>kept</svg>"
    assert contents(tmp_path / "run") == contents(tmp_path / "figures")


def test_what_is_there_is_not_replaced_from_the_cache(tmp_path, pretend):
    for folder in ("figures", "run"):
        save(tmp_path / folder)
        (tmp_path / folder / "reasons.svg").write_text(f"<svg>{folder}</svg>")
    save(tmp_path / "run", cache=tmp_path / "figures")
    assert (tmp_path / "run" / "reasons.svg").read_text() == "<svg>run</svg>"


def test_a_cache_of_another_figure_is_not_used(tmp_path, pretend):
    save(tmp_path / "figures", chart(1))
    result = save(tmp_path / "run", chart(2), cache=tmp_path / "figures")
    assert result.drawn == ("svg", "pdf", "png")


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_only_what_is_missing_or_empty_is_drawn(tmp_path, pretend, damage):
    save(tmp_path)
    damage(tmp_path / "reasons.pdf")
    result = save(tmp_path)
    assert result.drawn == ("pdf",)
    assert pretend[1] == [("reasons", "pdf")]
    assert (tmp_path / "reasons.pdf").read_bytes().startswith(b"%PDF-1.")


def test_pictures_of_an_older_figure_do_not_stay_beside_the_new_one(tmp_path, pretend, monkeypatch):
    save(tmp_path, chart(1))
    monkeypatch.setattr(export, "render", lambda orders: dict.fromkeys(orders, "it failed"))
    result = save(tmp_path, chart(2), formats=("svg",))
    assert result.skipped == (("svg", "it failed"),)
    assert not list(tmp_path.glob("reasons.[sp][vdn]*g")) + list(tmp_path.glob("*.pdf"))
    assert (tmp_path / "reasons.sha256").read_text().strip() == result.hash


def test_a_run_that_breaks_off_leaves_no_hash_of_what_is_not_there(tmp_path, pretend, monkeypatch):
    save(tmp_path, chart(1))

    def fail(path, data):
        raise OSError("disk full")

    monkeypatch.setattr(export, "write_bytes", fail)
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path, chart(2))
    assert not (tmp_path / "reasons.sha256").exists()


def test_a_hand_made_figure_without_height_can_be_exported(tmp_path, pretend):
    result = save(tmp_path, go.Figure(go.Bar(x=[1], y=[2])))
    assert result.skipped == ()
    root = ET.parse(tmp_path / "reasons.svg").getroot()
    assert root.get("height") == f"{450 / theme.PIXELS:.4f}mm"


# Browsers


def program(folder, name, body="exit 1"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_browser_path_comes_first_and_is_not_overruled(monkeypatch, tmp_path):
    chosen = program(tmp_path, "mine")
    monkeypatch.setenv("BROWSER_PATH", str(chosen))
    assert find_browser() == chosen
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "absent"))
    assert find_browser() is None
    monkeypatch.setenv("BROWSER_PATH", "")
    assert find_browser() is None


def test_browsers_are_looked_for_in_order(monkeypatch, tmp_path):
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in reversed(browsers.BROWSERS):
        path = program(tmp_path, name)
        assert find_browser() == path


def test_choreographers_own_browser_comes_last(monkeypatch, tmp_path):
    from choreographer.browsers import Chromium

    monkeypatch.delenv("BROWSER_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    downloaded = program(tmp_path, "downloaded")
    monkeypatch.setattr(Chromium, "find_browser", lambda **_: str(downloaded))
    assert find_browser() == downloaded
    monkeypatch.setattr(Chromium, "find_browser", lambda **_: None)
    assert find_browser() is None


def test_a_browser_that_fails_to_start_is_a_reason_and_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(program(tmp_path / "bin", "broken")))
    result = save(tmp_path / "out")
    assert [kind for kind, _ in result.skipped] == ["svg", "pdf", "png"]
    for _, reason in result.skipped:
        assert reason.startswith("broken failed: ")
        assert "\n" not in reason
    assert (tmp_path / "out" / "reasons.json").exists()


def test_a_browser_that_never_answers_is_killed(tmp_path, monkeypatch):
    mark = tmp_path / "pid"
    monkeypatch.setenv("BROWSER_PATH", str(program(tmp_path / "bin", "mute", f"echo $$ > {mark}\nexec sleep 300")))
    monkeypatch.setattr(browsers, "PATIENCE", 3.0)
    result = save(tmp_path / "out", formats=("svg",))
    assert result.skipped == (("svg", "mute failed: no answer within 3 seconds"),)
    pid = int(mark.read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


# With a browser


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Two figures at both widths, drawn once."""
    if find_browser() is None and "CI" not in os.environ:
        pytest.skip("no browser here")
    folder = tmp_path_factory.mktemp("drawn")
    items = [Item(chart(), "reasons", ALT, CAPTION), Item(chart(7), "seven", "Seven.", "Seven of them.")]
    single = export.export_all(items, folder / "single", width="single")
    return {
        "single": (folder / "single", single),
        "double": (folder / "double", export.export_all(items[:1], folder / "double", dpi=150)),
    }


@pytest.mark.browser
def test_all_formats_are_drawn(drawn):
    for folder, results in drawn.values():
        for result in results:
            assert result.skipped == ()
            assert result.drawn == ("svg", "pdf", "png")
            assert all((folder / f"{result.name}.{kind}").stat().st_size > 1000 for kind in result.drawn)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "millimetres"), [("single", 84), ("double", 174)])
def test_svg_has_its_words_and_its_size(drawn, width, millimetres):
    folder, _ = drawn[width]
    root = ET.parse(folder / "reasons.svg").getroot()
    assert root.tag == f"{SVG}svg"
    assert float(root.get("width").removesuffix("mm")) == pytest.approx(millimetres, abs=0.01)
    figure = json.loads((folder / "reasons.json").read_text())
    assert float(root.get("height").removesuffix("mm")) == pytest.approx(figure["layout"]["height"] * 25.4 / 96, abs=0.01)
    view = [float(part) for part in root.get("viewBox").split()]
    assert view[2:] == pytest.approx([figure["layout"]["width"], figure["layout"]["height"]], abs=1)
    title, desc = root[0], root[1]
    assert (title.tag, desc.tag) == (f"{SVG}title", f"{SVG}desc")
    assert (title.text, desc.text) == ("Why records left.", ALT)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [title.get("id"), desc.get("id")]


@pytest.mark.browser
def test_svg_shows_markup_of_the_data_letter_by_letter(drawn):
    root = ET.parse(drawn["double"][0] / "reasons.svg").getroot()
    shown = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    assert "Outside <b>window</b>" in shown
    assert {"52", "8", "Not a study"} <= set(shown)
    assert not list(root.iter(f"{SVG}script"))
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", (drawn["double"][0] / "reasons.svg").read_text())]
    assert min(sizes) * 72 / 96 >= 8 - 0.01


@pytest.mark.browser
@pytest.mark.parametrize(("width", "across", "dpi"), [("single", 992, 300), ("double", 1028, 150)])
def test_png_has_its_pixels_and_its_resolution(drawn, width, across, dpi):
    folder, _ = drawn[width]
    data = (folder / "reasons.png").read_bytes()
    height = json.loads((folder / "reasons.json").read_text())["layout"]["height"]
    chunks, at = {}, 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks.setdefault(kind, []).append(body)
        at += 12 + size
    assert struct.unpack(">II", chunks[b"IHDR"][0][:8]) == pytest.approx((across, height * dpi / 96), abs=1)
    assert struct.unpack(">IIB", chunks[b"pHYs"][0]) == (round(dpi / 0.0254), round(dpi / 0.0254), 1)
    pixels = zlib.decompress(b"".join(chunks[b"IDAT"]))
    assert len(set(pixels)) > 20, "the picture is blank"


@pytest.mark.browser
@pytest.mark.parametrize(("width", "millimetres"), [("single", 84), ("double", 174)])
def test_pdf_is_one_page_of_the_size_and_neither_shrunk_nor_cropped(drawn, width, millimetres):
    folder, _ = drawn[width]
    data = (folder / "reasons.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 1
    left, bottom, right, top = (float(part) for part in re.search(rb"/MediaBox\s*\[([^\]]*)\]", data)[1].split())
    height = json.loads((folder / "reasons.json").read_text())["layout"]["height"]
    assert (right - left, top - bottom) == pytest.approx((millimetres / 25.4 * 72, height * 0.75), abs=1)
    streams = [
        zlib.decompress(found[1])
        for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S)
        if b"x\x9c" in found[1][:2]
    ]
    content = max((stream for stream in streams if re.match(rb"[.\d]+ 0 0 -[.\d]+ 0 [.\d]+ cm", stream)), key=len)
    outer, inner, x, y = (
        float(part) for part in re.match(rb"([.\d]+) 0 0 .*? cm\s+q\s+([.\d]+) 0 0 [.\d]+ (\S+) (\S+) cm", content).groups()
    )
    assert outer * inner == pytest.approx(0.75, rel=0.005), "one layout pixel is 0.75 point"
    assert (x, y) == pytest.approx((0, 0), abs=1)


@pytest.mark.browser
def test_drawing_works_inside_a_running_event_loop_and_starts_no_second_time(drawn, monkeypatch):
    folder, _ = drawn["single"]
    (folder / "seven.svg").unlink()

    async def notebook():
        return export.export(chart(7), "seven", folder, "Seven.", "Seven of them.", width="single")

    assert asyncio.run(notebook()).drawn == ("svg",)
    monkeypatch.setattr(browsers, "find_browser", lambda: pytest.fail("a browser was looked for"))
    assert asyncio.run(notebook()).drawn == ()


@pytest.mark.browser
def test_a_figure_cannot_load_from_the_network(tmp_path, browser):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            source = f"http://127.0.0.1:{server.server_port}/spy.png"
            figure = go.Figure(layout={"images": [{"source": source, "x": 0, "y": 1, "sizex": 1, "sizey": 1}], "height": 100})
            save(tmp_path, figure, formats=("png",))
        finally:
            server.shutdown()
            thread.join()
    assert asked == []


@pytest.mark.browser
def test_letters_are_as_wide_as_the_layout_thinks(tmp_path, browser):
    lines = [
        "Language-model based",
        "Tabular and structured",
        "(count: by difference to 100)",
        "46/59 (78.0), 43 unknown",
        "WMQ@%&ijl|",
    ]
    figure = go.Figure(layout={"template": theme.register(), "width": 400, "height": 200, "margin": dict.fromkeys("lrtb", 0)})
    for line in lines:
        options = {"bgcolor": "white", "borderpad": 0, "bordercolor": "black", "borderwidth": 1}
        theme.note(figure, theme.escape(line), 0, 1, **options)
    save(tmp_path, figure, formats=("svg",))
    svg = (tmp_path / "reasons.svg").read_text()
    boxes = [float(width) for width in re.findall(r'<rect class="bg"[^>]* width="([\d.]+)"', svg) if float(width) < 300]
    assert boxes[-len(lines) :] == pytest.approx([theme.extent(line) for line in lines], abs=3.5)

"""Figures for a paper: every file, its size and its words; nothing drawn twice, nothing lost, nothing stale."""

import csv
import hashlib
import io
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from review import cli, contact_sheet, export, figures, imprint, publication, theme
from review.browser import find_browser
from review.errors import InputError, ReviewError, RunError

KINDS = ("-300dpi.png", "-600dpi.png", "-600dpi.tiff", ".pdf", ".svg", ".tex")
NOTEBOOK, CORPUS = "notebooks/01-corpus-and-screening.ipynb", "c" * 64
CAPTION = "Reasons, 100 % & more_or less. By construction."


def chart(count=52):
    table = pd.DataFrame({"reason": ["outside window", "not-a-study"], "count": [count, 8]})
    return figures.plot_screening_reasons(table)


def leave(folder, name="01-reasons", figure=None):
    """Write a figure as a notebook leaves it."""
    given = (figure or chart(), name, folder, f"Alt of {name}.", CAPTION)
    export.export(*given, formats=(), notebook=NOTEBOOK, corpus=CORPUS)


@pytest.fixture
def source(tmp_path):
    leave(tmp_path / "figures")
    return tmp_path / "figures"


def page(order):
    writer, sink = PdfWriter(), io.BytesIO()
    writer.add_blank_page(*(order["opts"][side] * 0.75 + 0.5 for side in ("width", "height")))
    writer.write(sink)
    return sink.getvalue()


def dots(order):
    size = [round(order["opts"][side] * order["opts"]["scale"]) for side in ("width", "height")]
    sink = io.BytesIO()
    Image.new("RGB", size, "white").save(sink, "PNG")
    return sink.getvalue()


@pytest.fixture
def pretend(monkeypatch):
    """Pretend to draw; returns what was asked for and a set of what fails."""
    asked, failing = [], set()
    makers = {"svg": lambda order: b'<svg xmlns="http://www.w3.org/2000/svg"><text>drawn</text></svg>', "pdf": page, "png": dots}

    def draw(orders, number, ready, then):
        done = {}
        for key, order in orders.items():
            asked.append(key)
            done[key] = "it failed" if key in failing else makers[key[1]](order)
            ready(key, done[key])
        for key, order in then().items():
            asked.append(key)
            done[key] = "it failed" if key in failing else page(order)
        return done

    monkeypatch.setattr(publication, "render_many", draw)
    monkeypatch.setattr(publication, "find_browser", lambda: Path("/usr/bin/pretended"))
    return asked, failing


def expected(*names):
    files = {f"{name}-{width}{kind}" for name in names for width in ("84mm", "174mm") for kind in KINDS}
    return files | {f"{name}.txt" for name in names} | {"index.html", "sheet.pdf", "figures.csv", "manifest.json"}


def names(folder):
    return {path.name for path in folder.iterdir()}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_format_at_both_widths_with_words_list_and_sheet(source, tmp_path, pretend):
    made = publication.write(source, tmp_path / "out")
    assert names(tmp_path / "out") == {path.name for path in made.files} == expected("01-reasons")
    assert [(entry.stem, entry.drawn, entry.reason) for entry in made.entries] == [
        ("01-reasons-84mm", True, ""),
        ("01-reasons-174mm", True, ""),
    ]
    assert (tmp_path / "out" / "01-reasons.txt").read_text() == f"Alt of 01-reasons.\n\n{CAPTION}\n"


def test_the_list_names_each_file_with_size_origin_and_hash(source, tmp_path, pretend):
    publication.write(source, tmp_path / "out")
    with open(tmp_path / "out" / "figures.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(KINDS)
    for row in rows:
        data = (tmp_path / "out" / row["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert (row["notebook"], row["corpus"]) == (NOTEBOOK, CORPUS)
        assert row["width_mm"] == ("84.0" if "84mm" in row["file"] else "174.0")
        assert row["dpi"] == (re.search(r"(\d+)dpi", row["file"]) or ["", ""])[1]
    record = json.loads((tmp_path / "out" / "manifest.json").read_text())
    listed = [one["file"] for figure in record["figures"] for one in figure["files"]]
    assert sorted(listed) == sorted(row["file"] for row in rows)
    assert record["figures"][0]["alt"] == "Alt of 01-reasons."


def test_unchanged_figures_are_not_drawn_again(source, tmp_path, pretend):
    publication.write(source, tmp_path / "out")
    first, before = len(pretend[0]), contents(tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir() if path.name != "manifest.json"}
    again = publication.write(source, tmp_path / "out")
    assert len(pretend[0]) == first == 7
    assert not any(entry.drawn for entry in again.entries)
    assert contents(tmp_path / "out") == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"changed")])
def test_what_is_missing_or_damaged_is_drawn_again(source, tmp_path, pretend, damage):
    publication.write(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    damage(tmp_path / "out" / "01-reasons-84mm-600dpi.tiff")
    pretend[0].clear()
    publication.write(source, tmp_path / "out")
    assert pretend[0] == [("01-reasons-84mm", kind) for kind in ("svg", "pdf", "png")]
    assert contents(tmp_path / "out") == before


def test_a_damaged_sheet_is_printed_again_and_nothing_else(source, tmp_path, pretend):
    publication.write(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "sheet.pdf").write_bytes(b"changed")
    (tmp_path / "out" / "index.html").unlink()
    pretend[0].clear()
    publication.write(source, tmp_path / "out")
    assert pretend[0] == [("sheet.pdf", "pdf")]
    assert contents(tmp_path / "out") == before


def test_a_figure_that_changed_is_drawn_and_one_that_left_is_removed(source, tmp_path, pretend):
    leave(source, "02-other")
    publication.write(source, tmp_path / "out")
    assert names(tmp_path / "out") == expected("01-reasons", "02-other")
    for path in source.glob("02-other.*"):
        path.unlink()
    leave(source, figure=chart(7))
    (tmp_path / "out" / "02-other-84mm.tex").write_text("mine now")
    pretend[0].clear()
    publication.write(source, tmp_path / "out")
    assert {name for name, _ in pretend[0]} == {"01-reasons-84mm", "01-reasons-174mm", "sheet.pdf"}
    assert names(tmp_path / "out") == expected("01-reasons") | {"02-other-84mm.tex"}
    assert (tmp_path / "out" / "02-other-84mm.tex").read_text() == "mine now"


def test_two_figures_that_look_the_same_have_files_of_their_own(source, tmp_path, pretend):
    publication.write(source, tmp_path / "out")
    for path in source.glob("01-reasons.*"):
        path.rename(path.with_name(path.name.replace("01-reasons", "03-reasons")))
    publication.write(source, tmp_path / "out")
    assert names(tmp_path / "out") == expected("03-reasons")


def test_a_drawing_that_fails_leaves_the_others_and_nothing_of_itself(source, tmp_path, pretend):
    leave(source, "02-other")
    publication.write(source, tmp_path / "out")
    leave(source, "02-other", chart(3))
    pretend[1].add(("02-other-84mm", "png"))
    with pytest.raises(RunError, match=r"1 drawings failed, the first is 02-other-84mm.png: it failed -> run the command again"):
        publication.write(source, tmp_path / "out")
    missing = {f"02-other-84mm{kind}" for kind in KINDS}
    assert names(tmp_path / "out") == expected("01-reasons", "02-other") - missing - {"sheet.pdf"}
    pretend[1].clear()
    pretend[0].clear()
    publication.write(source, tmp_path / "out")
    assert [key for key in pretend[0] if key[0] != "sheet.pdf"] == [("02-other-84mm", kind) for kind in ("svg", "pdf", "png")]
    assert names(tmp_path / "out") == expected("01-reasons", "02-other")


def test_a_sheet_that_fails_is_told_and_printed_the_next_time(source, tmp_path, pretend):
    pretend[1].add(("sheet.pdf", "pdf"))
    with pytest.raises(RunError, match=r"the first is sheet\.pdf: it failed"):
        publication.write(source, tmp_path / "out")
    assert names(tmp_path / "out") == expected("01-reasons") - {"sheet.pdf"}
    pretend[1].clear()
    publication.write(source, tmp_path / "out")
    assert names(tmp_path / "out") == expected("01-reasons")


def test_a_full_disk_stops_it_and_the_next_run_goes_on(source, tmp_path, pretend, monkeypatch):
    def full(image, facts, dpi):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(imprint, "tiff", full)
        with pytest.raises(OSError, match="no space left"):
            publication.write(source, tmp_path / "out")
    assert "manifest.json" not in names(tmp_path / "out")
    publication.write(source, tmp_path / "out")
    assert names(tmp_path / "out") == expected("01-reasons")


def test_a_figure_too_wide_for_a_column_is_told_and_no_failure(source, tmp_path, pretend):
    @theme.two_widths
    def plot(*, width="double"):
        if width == "single":
            raise ReviewError("too many columns")
        return theme.canvas(width, 100)

    leave(source, "02-wide", plot())
    made = publication.write(source, tmp_path / "out")
    missing = {f"02-wide-84mm{kind}" for kind in KINDS}
    assert names(tmp_path / "out") == expected("01-reasons", "02-wide") - missing
    said = []
    publication.lines(made, said.append)
    assert said[0] == "02-wide-84mm: not drawn: too many columns"
    assert said[1].startswith("2 figures at 84mm and 174mm: 3 drawn")
    only = tmp_path / "only"
    for path in source.glob("02-wide.*"):
        only.mkdir(exist_ok=True)
        shutil.copy(path, only)
    record = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {one["reason"] for one in record["figures"]} == {"", "too many columns"}


def test_without_a_browser_nothing_is_touched(source, tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "absent"))
    with pytest.raises(RunError, match="no browser found"):
        publication.write(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_notebooks_figures_are_not_written_over(source, pretend):
    with pytest.raises(ReviewError, match="choose another folder"):
        publication.write(source, source)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"figures": [{"files": [{"file": "../x"}], "hash": "", "figure": ""}], "others": {}}',
        '{"figures": [{"files": [], "hash": 1, "figure": ""}], "others": {}}',
        '{"figures": 1, "others": {}}',
    ],
)
def test_a_list_that_is_not_ours_is_left_alone(source, tmp_path, pretend, text):
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json:.* (this is no list of figures|not JSON).* -> choose another folder"):
        publication.write(source, out)
    assert contents(out) == {"manifest.json": text.encode()}


def test_latex_has_caption_and_alternative_text_escaped(source, tmp_path, pretend):
    publication.write(source, tmp_path / "out")
    single = (tmp_path / "out" / "01-reasons-84mm.tex").read_text()
    double = (tmp_path / "out" / "01-reasons-174mm.tex").read_text()
    assert r"\includegraphics[alt={Alt of 01-reasons.}]{01-reasons-84mm.pdf}" in single
    assert re.search(r"100 \{?\\%\}? \{?\\&\}? more\{?\\_\}?or less\.", single)
    assert single.startswith("\\begin{figure}\n")
    assert single.endswith("\\end{figure}\n")
    assert double.startswith("\\begin{figure*}\n")


def test_the_page_shows_each_figure_once_with_words_and_links(source, tmp_path, pretend):
    evil = "<script>alert(1)</script>"
    given = (chart(), "02-evil", source, evil, f"{evil} Caption.")
    export.export(*given, formats=(), notebook=NOTEBOOK, corpus=CORPUS)
    publication.write(source, tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "<script" not in page
    assert page.count("<img ") == 2
    assert 'src="01-reasons-174mm-300dpi.png"' in page
    assert 'alt="Alt of 01-reasons."' in page
    links = re.findall(r'href="([^"]+)" aria-label="([^"]+)"', page)
    assert {name for name, _ in links} == {name for name in expected("01-reasons", "02-evil") if re.search(r"mm[-.]", name)}
    assert len({label for _, label in links}) == len(links), "each link says where it leads"
    assert f"{NOTEBOOK} \u00b7 corpus {CORPUS[:12]}" in page


def test_the_command_writes_where_it_is_told(source, tmp_path, pretend, capsys):
    arguments = ["figures", "--publication", "--from", str(source), "--out", str(tmp_path / "out")]
    assert cli.main(arguments) == 0
    assert names(tmp_path / "out") == expected("01-reasons")
    assert "1 figures at 84mm and 174mm: 2 drawn" in capsys.readouterr().err
    assert cli.main(["figures", "--publication", "--from", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 1


# With a browser


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Two figures, one by this project and one by hand, drawn once."""
    import os

    if find_browser() is None and "CI" not in os.environ:
        pytest.skip("no browser here")
    source, out = tmp_path_factory.mktemp("figures"), tmp_path_factory.mktemp("out")
    leave(source)
    own = go.Figure(go.Scatter(x=[1, 2], y=[1, 3], mode="lines"), layout={"template": theme.register(), "height": 200})
    leave(source, "02-own", own)
    return source, out, publication.write(source, out)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "across"), [("84mm", 1984), ("174mm", 4110)])
def test_pictures_have_the_dots_of_their_resolution(drawn, width, across):
    _, out, _ = drawn
    with Image.open(out / f"01-reasons-{width}-600dpi.png") as big, Image.open(out / f"01-reasons-{width}-300dpi.png") as small:
        assert (big.width, big.mode, small.mode) == (across, "RGB", "RGB")
        assert (small.width, small.height) == (across // 2, -(-big.height // 2))
        assert len(big.getcolors(1 << 24)) > 20, "letters have soft edges"
        assert small.text["Notebook"] == NOTEBOOK
        with Image.open(out / f"01-reasons-{width}-600dpi.tiff") as tiff:
            assert tiff.tobytes() == big.tobytes()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "millimetres"), [("84mm", 84), ("174mm", 174)])
def test_pdfs_have_their_size_fonts_and_text(drawn, width, millimetres):
    _, out, made = drawn
    reader = PdfReader(out / f"01-reasons-{width}.pdf")
    assert len(reader.pages) == 1
    [entry] = [entry for entry in made.entries if entry.stem == f"01-reasons-{width}"]
    box = reader.pages[0].mediabox
    sizes = (float(box.width) / 72 * 25.4, float(box.height) / 72 * 25.4)
    assert sizes == pytest.approx((millimetres, entry.facts.millimetres[1]), abs=0.2)
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        assert re.fullmatch(r"/[A-Z]{6}\+Arimo-(Regular|Bold)", font["/BaseFont"])
        inner = font["/DescendantFonts"][0].get_object()
        assert inner["/Subtype"] == "/CIDFontType2"
        assert inner["/FontDescriptor"]["/FontFile2"].get_object().get_data()
    assert "Outside window" in reader.pages[0].extract_text()


@pytest.mark.browser
def test_the_sheet_shows_all_figures_on_a4(drawn):
    _, out, _ = drawn
    reader = PdfReader(out / "sheet.pdf")
    text = "".join(page.extract_text() for page in reader.pages)
    assert "01-reasons" in text
    assert "02-own" in text
    assert "Outside window" in text
    box = reader.pages[0].mediabox
    assert (float(box.width) / 72 * 25.4, float(box.height) / 72 * 25.4) == pytest.approx((210, 297), abs=0.5)


@pytest.mark.browser
def test_drawn_again_elsewhere_the_files_are_the_same(drawn, tmp_path):
    source, out, _ = drawn
    publication.write(source, tmp_path)
    assert contents(tmp_path) == contents(out)


def test_the_sheet_is_another_one_if_a_figure_is(drawn):
    _, _, made = drawn
    assert contact_sheet.mark(made.entries) != contact_sheet.mark(made.entries[:2])

"""Committed figures are drawn again in other formats and widths from their JSON."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import plotly.graph_objects as go
import pytest

from review import cli, figures, gallery, paths, statistics
from review import corpus as corpora
from review.describe import describe
from review.errors import InputError, ReviewError, UnknownNameError
from review.export import export, export_all


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    table = statistics.compute_shares(corpora.load(), "modality")
    export(figures.plot_shares(table), "shares", folder, describe(table, "shares"), "Caption.", formats=("svg",))
    return folder


@pytest.mark.browser
@pytest.mark.parametrize(("width", "millimetres"), [("single", 84), ("double", 174)])
def test_a_figure_is_drawn_at_the_width_that_was_asked_for(source, tmp_path, width, millimetres):
    lines = gallery.redraw(source, tmp_path, ("svg",), width)
    svg = (tmp_path / "shares.svg").read_text("utf-8")
    assert len(lines) == 1
    assert "shares.svg" in lines[0]
    assert float(re.search(r'width="([\d.]+)mm"', svg)[1]) == pytest.approx(millimetres, abs=0.1)
    assert (tmp_path / "shares.txt").read_text("utf-8") == (source / "shares.txt").read_text("utf-8")


@pytest.mark.parametrize("formats", [("eps",), ()])
def test_unknown_formats_are_refused(source, tmp_path, formats):
    with pytest.raises(ReviewError, match="choose of: svg, pdf, png"):
        gallery.redraw(source, tmp_path, formats)


def test_the_notebooks_figures_are_not_overwritten(source):
    with pytest.raises(ReviewError, match="choose another folder"):
        gallery.redraw(source, source)


def test_nothing_to_draw_says_what_to_run(tmp_path):
    with pytest.raises(ReviewError, match="review reproduce"):
        gallery.redraw(tmp_path, tmp_path / "out")


def test_figures_are_read_with_where_they_come_from(source, tmp_path):
    [item] = gallery.read(source)
    assert (item.name, item.notebook, item.corpus) == ("shares", "", "")
    for path in source.glob("shares.*"):
        shutil.copy(path, tmp_path / f"02-{path.name}")
    (tmp_path / "02-shares.txt").write_text("Alt.\n\nCaption. Corpus 0123456789ab.\n")
    [item] = gallery.read(tmp_path)
    assert (item.alt, item.notebook, item.corpus) == ("Alt.", "notebooks/02-modality.ipynb", "0123456789ab")
    [done] = export_all([replace(item, corpus="d" * 64)], tmp_path / "said", formats=())
    [again] = gallery.read(tmp_path / "said")
    assert (done.hash, again.notebook, again.corpus) == (done.hash, "notebooks/02-modality.ipynb", "d" * 64)
    assert export_all([again], tmp_path / "once-more", formats=())[0].hash == done.hash


def test_a_figure_that_says_where_it_comes_from_keeps_what_else_it_says(tmp_path):
    figure = go.Figure(layout={"meta": "mine"})
    export(figure, "own", tmp_path, "Alt.", "Caption.", formats=(), notebook="notebooks/own.ipynb")
    assert json.loads((tmp_path / "own.json").read_text())["layout"]["meta"] == {
        "meta": "mine",
        "notebook": "notebooks/own.ipynb",
    }
    assert figure.layout.meta == "mine"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("shares.json", "{", r"shares\.json: this is no figure of plotly"),
        ("shares.json", '{"data": [{"type": "pie in the sky"}]}', r"shares\.json: this is no figure of plotly"),
        ("shares.json", '{"data": 5}', r"shares\.json: this is no figure of plotly"),
        ("shares.txt", "Only words.", r"shares\.txt: there is no caption"),
        ("shares.txt", None, r"shares\.txt: the file is missing"),
    ],
)
def test_files_that_are_no_figure_are_named(source, tmp_path, name, text, message):
    for path in source.glob("shares.*"):
        shutil.copy(path, tmp_path)
    (tmp_path / name).unlink()
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        gallery.read(tmp_path)


def test_every_committed_figure_is_promised_by_one_notebook():
    found = {item.name: item.notebook for item in gallery.read(paths.FIGURES)}
    assert all(found.values())
    assert found["02-shares"] == "notebooks/02-modality.ipynb"
    assert {name[:2] == Path(notebook).name[:2] for name, notebook in found.items()} == {True}


def test_a_broken_notebook_is_named(tmp_path):
    (tmp_path / "a.ipynb").write_text("[]")
    with pytest.raises(InputError, match=r"a\.ipynb: this is no notebook"):
        gallery.notebook_of("figures/a.json", tmp_path)
    (tmp_path / "a.ipynb").write_text("{}")
    assert gallery.notebook_of("figures/a.json", tmp_path) == ""


def test_the_command_refuses_a_bad_format(capsys, tmp_path):
    assert cli.main(["figures", "--format", "tiff", "--out", str(tmp_path)]) == 1
    assert "no format tiff" in capsys.readouterr().err


def test_every_committed_figure_has_all_its_files():
    names = {path.stem for path in paths.FIGURES.glob("*.json")}
    assert len(names) >= 24
    for name in names:
        for suffix in ("svg", "pdf", "png", "txt", "sha256"):
            assert (paths.FIGURES / f"{name}.{suffix}").stat().st_size > 0
        caption = (paths.FIGURES / f"{name}.txt").read_text("utf-8")
        assert "by construction" in caption


def test_only_the_figures_that_are_named_are_read():
    assert [item.name for item in gallery.read(paths.FIGURES, ["02-shares", "01-flow"])] == ["01-flow", "02-shares"]
    with pytest.raises(UnknownNameError, match="no figure named '02-share' -> choose one of: 00-overview"):
        gallery.read(paths.FIGURES, ["02-share"])

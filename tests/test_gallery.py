"""Committed figures are drawn again in other formats and widths from their JSON."""

import re

import pytest

from review import cli, figures, gallery, paths, statistics
from review import corpus as corpora
from review.describe import describe
from review.errors import ReviewError
from review.export import export


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


def test_the_command_refuses_a_bad_format(capsys, tmp_path):
    assert cli.main(["figures", "--format", "tiff", "--out", str(tmp_path)]) == 1
    assert "no format tiff" in capsys.readouterr().err


def test_every_committed_figure_has_all_its_files():
    names = {path.stem for path in paths.FIGURES.glob("*.json")}
    assert len(names) == 24
    for name in names:
        for suffix in ("svg", "pdf", "png", "txt", "sha256"):
            assert (paths.FIGURES / f"{name}.{suffix}").stat().st_size > 0
        caption = (paths.FIGURES / f"{name}.txt").read_text("utf-8")
        assert "by construction" in caption

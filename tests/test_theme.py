"""Sizes, colours and text: what every figure rests on."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

from review import fonts, theme
from review.colours import VISIONS, contrast, distance
from review.errors import ReviewError


@pytest.mark.parametrize("vision", VISIONS)
def test_statuses_with_one_symbol_differ_in_colour_and_all_differ_somehow(vision):
    looks = list(theme.STATUS_MARKS.values())
    assert len(set(looks)) == len(looks)
    for (symbol, colour), (other, shade) in itertools.combinations(looks, 2):
        assert symbol != other or distance(colour, shade, vision) > 15


def test_statuses_differ_without_colour():
    symbols = [symbol for symbol, _ in theme.STATUS_MARKS.values()]
    assert len(set(symbols)) == len(symbols)


def test_every_status_has_a_mark():
    from review.statistics import STATUSES

    assert set(theme.STATUS_MARKS) == set(STATUSES)


@pytest.mark.parametrize(
    ("text", "ground"),
    [(theme.INK, "#FFFFFF"), (theme.INK, theme.PALE), (theme.MUTED, "#FFFFFF"), (theme.BLACK, theme.SKY), (theme.INK, "#D6ECF8")],
)
def test_text_has_enough_contrast(text, ground):
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize("colour", [theme.BLUE, theme.GREEN, theme.VERMILLION, theme.HATCH])
def test_marks_have_enough_contrast_for_graphics(colour):
    assert contrast(colour, "#FFFFFF") >= 3


def test_sizes_are_printable():
    assert theme.pixels("single") / 96 * 25.4 == pytest.approx(84, abs=0.01)
    assert theme.pixels("double") / 96 * 25.4 == pytest.approx(174, abs=0.01)
    assert theme.TEXT * 72 / 96 >= 8
    assert min(theme.LINE, theme.THIN) / theme.PIXELS >= 0.1


def test_an_unknown_width_is_refused():
    with pytest.raises(ReviewError, match="no figure width named 'triple'"):
        theme.pixels("triple")


def test_the_template_is_registered_once_and_sets_font_and_white_ground():
    import plotly.io as pio

    name = theme.register()
    first = pio.templates[name]
    assert theme.register() == name
    assert pio.templates[name].to_plotly_json() == first.to_plotly_json()
    layout = first.layout
    assert (layout.font.size, layout.font.family) == (theme.TEXT, theme.FONT)
    assert (layout.paper_bgcolor, layout.plot_bgcolor) == ("white", "white")
    assert tuple(layout.colorway) == theme.PALETTE


def test_figures_name_the_embedded_font_first_and_fonts_as_wide_as_it_next():
    names = [name.strip() for name in theme.FONT.split(",")]
    assert names[:4] == [fonts.FAMILY, "Liberation Sans", "Arial", "Helvetica"]
    assert names[-1] == "sans-serif"


def test_the_figures_import_no_heavy_library():
    heavy = "{'plotly', 'pandas', 'numpy', 'kaleido', 'fontTools', 'PIL', 'pypdf'}"
    code = f"import sys, review.figures, review.export, review.publication; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ("a & b", "a &amp; b"),
        ("$x^2$", "&#36;x^2&#36;"),
        ("&lt;", "&amp;lt;"),
        ("<br>", "&lt;br&gt;"),
        (2024, "2024"),
    ],
)
def test_text_from_data_is_escaped(text, shown):
    assert theme.escape(text) == shown


def test_lines_are_as_wide_as_in_helvetica():
    assert theme.extent("Hello", 1000) == 722 + 556 + 222 + 222 + 556
    assert theme.extent("46/59 (78.0 %)", 10) == pytest.approx(10 * 0.556 * 7 + 2.78 * 4 + 3.33 * 2 + 8.89)


def test_bold_lines_are_wider():
    assert theme.extent("fair", 1000, bold=True) == 333 + 556 + 278 + 389
    assert theme.extent("fair", 1000) == 278 + 556 + 222 + 333


@pytest.mark.parametrize("room", [40, 80, 200])
def test_wrapped_lines_fit_and_lose_nothing(room):
    text = "Studies judged eligible, looked up again\nrecord synthesis: 12 Donaudampfschifffahrtsgesellschaft"
    lines = theme.wrap(text, room)
    assert all(theme.extent(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")


def test_wrapping_keeps_given_lines_and_hard_spaces():
    assert theme.wrap("one\ntwo", 500) == ["one", "two"]
    assert theme.wrap("records (n\u00a0=\u00a059)", theme.extent("records (n = 5")) == ["records", "(n\u00a0=\u00a059)"]


def test_a_hollow_mark_hides_the_line_behind_it():
    assert theme.mark("circle-open", theme.BLUE)["color"] == "white"
    assert theme.mark("circle-open", theme.BLUE)["line"]["color"] == theme.BLUE
    assert theme.mark("circle", theme.BLUE)["color"] == theme.BLUE


def test_a_figure_is_drawn_for_the_other_width_when_resized():
    @theme.two_widths
    def plot(text, *, width="double"):
        figure = theme.canvas(width, 100)
        theme.note(figure, f"{text} at {width}", 0, 0)
        return figure

    double = plot("drawn")
    single = theme.resize(double, "single")
    assert single.layout.annotations[0].text == "drawn at single"
    assert single.layout.width == theme.pixels("single")
    assert single == plot("drawn", width="single")
    assert theme.resize(single, "double") == double
    assert double.layout.annotations[0].text == "drawn at double"
    assert theme.resize(double, "double") == double


def test_where_a_figure_comes_from_stays_with_it_at_either_width():
    @theme.two_widths
    def plot(*, width="double"):
        return theme.canvas(width, 100)

    double = plot()
    double.update_layout(meta={**double.layout.meta, "notebook": "notebooks/x.ipynb"})
    single = theme.resize(double, "single")
    assert single.layout.meta["notebook"] == "notebooks/x.ipynb"
    assert theme.resize(single, "double") == double


def test_a_figure_made_elsewhere_only_gets_the_width():
    import plotly.graph_objects as go

    given = go.Figure(layout={"width": 900, "height": 300, "meta": "mine"})
    made = theme.resize(given, "single")
    assert (made.layout.width, made.layout.height, made.layout.meta) == (theme.pixels("single"), 300, "mine")
    assert given.layout.width == 900


def test_a_figure_that_cannot_be_drawn_at_the_other_width_says_so_when_asked():
    @theme.two_widths
    def plot(*, width="double"):
        if width == "single":
            raise ReviewError("too wide")
        return theme.canvas(width, 100)

    figure = plot()
    assert theme.resize(figure, "double") == figure
    with pytest.raises(ReviewError, match="too wide"):
        theme.resize(figure, "single")

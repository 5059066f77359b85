"""Sizes, colours and text: what every figure rests on."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest

from review import theme
from review.errors import ReviewError

# Machado, Oliveira and Fernandes 2009, doi 10.1109/TVCG.2009.113, severity 1.0, on linear RGB.
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
TRITANOPIA = [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
NORMAL = np.eye(3).tolist()
VISIONS = {"normal": NORMAL, "protanopia": PROTANOPIA, "deuteranopia": DEUTERANOPIA, "tritanopia": TRITANOPIA}


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, two: str) -> float:
    """Contrast ratio of WCAG 2."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(weights @ linear(colour)) for colour in (one, two))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear sRGB under D65."""
    matrix = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    x, y, z = (matrix @ np.clip(rgb, 0, 1)) / np.array([0.95047, 1.0, 1.08883])
    fx, fy, fz = (v ** (1 / 3) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def distance(one: str, two: str, vision: list[list[float]]) -> float:
    first, second = (lab(np.array(vision) @ linear(colour)) for colour in (one, two))
    return float(np.linalg.norm(first - second))


def test_colour_helpers_know_their_fixed_points():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert lab(linear("#FFFFFF")) == pytest.approx([100, 0, 0], abs=0.02)
    assert distance("#FF0000", "#00FF00", NORMAL) == pytest.approx(170.6, abs=0.2)
    assert distance("#D62728", "#2CA02C", DEUTERANOPIA) < 30  # red and green of other palettes come close


@pytest.mark.parametrize("vision", VISIONS)
def test_neighbours_in_the_palette_differ_for_every_vision(vision):
    pairs = list(itertools.pairwise(theme.PALETTE))
    assert min(distance(one, two, VISIONS[vision]) for one, two in pairs) > 35


@pytest.mark.parametrize("vision", VISIONS)
def test_statuses_with_one_symbol_differ_in_colour_and_all_differ_somehow(vision):
    looks = list(theme.STATUS_MARKS.values())
    assert len(set(looks)) == len(looks)
    for (symbol, colour), (other, shade) in itertools.combinations(looks, 2):
        assert symbol != other or distance(colour, shade, VISIONS[vision]) > 20


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


def test_the_font_names_one_that_exists_here():
    listed = subprocess.run(["fc-list", ":", "family"], capture_output=True, text=True, check=True).stdout
    assert any(name.strip() in listed for name in theme.FONT.split(",")[:4])


def test_the_figures_import_no_heavy_library():
    code = "import sys, review.figures, review.export; print({'plotly', 'pandas', 'numpy', 'kaleido'} & set(sys.modules))"
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

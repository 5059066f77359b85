"""The figures' font: its licence and letters, widths as in Helvetica, and what is made from it."""

import io
import re
import subprocess
import sys
from importlib.metadata import distribution

import pytest
from fontTools.ttLib import TTFont

from review import fonts
from review.errors import ReviewError

# Widths in thousandths from Adobe's font metrics of Helvetica and Helvetica-Bold (Core 14 AFM files).
HELVETICA = {" ": 278, "A": 667, "W": 944, "a": 556, "f": 278, "i": 222, "m": 833, "0": 556, "%": 889, "@": 1015, "\u2026": 1000}
HELVETICA_BOLD = {" ": 278, "A": 722, "W": 944, "a": 556, "f": 333, "i": 278, "m": 889, "0": 556, "%": 889, "@": 975}

DRAWN = "".join(map(chr, range(0x20, 0x7F))) + "".join(
    (
        "\u00a0\u00b0\u00b1\u00b2\u00b3\u00b7\u00d7",
        "\u00e0\u00e4\u00e5\u00e7\u00e9\u00ef\u00f1\u00f6\u00f8\u00fc\u00df\u011f\u0131\u0142\u0159\u015f\u017e",
        "\u0391\u03b1\u03ba\u03bb\u03bc\u03c3\u03c7",
        "\u2009\u2011\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u202f\u2190\u2192\u2212\u2248\u2260\u2264\u2265\u221e",
    )
)
"""Letters, signs and arrows that figures may show: names of authors, Greek, mathematics."""


def test_the_licence_allows_to_embed_it():
    meta = distribution("fontpkg-arimo")
    assert meta.metadata["License-Expression"] == "OFL-1.1"
    licence = next(path for path in meta.files if path.name == "LICENSE")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence.locate().read_text("utf-8")
    assert TTFont(fonts.file())["OS/2"].fsType == 0, "the font itself says that it may be embedded"


def test_letters_are_as_wide_as_in_helvetica():
    assert {letter: fonts.advance(letter) for letter in HELVETICA} == HELVETICA
    assert {letter: fonts.advance(letter, bold=True) for letter in HELVETICA_BOLD} == HELVETICA_BOLD


@pytest.mark.parametrize("weight", [fonts.REGULAR, fonts.BOLD])
def test_the_layout_counts_with_the_widths_that_are_drawn(weight):
    font = TTFont(io.BytesIO(fonts.instance(weight)))
    names, widths = font.getBestCmap(), font["hmtx"].metrics
    for letter in DRAWN:
        drawn = widths[names[ord(letter)]][0] / font["head"].unitsPerEm * 1000
        assert fonts.advance(letter, weight == fonts.BOLD) == pytest.approx(drawn, abs=0.75), letter


def test_all_that_figures_show_is_there():
    assert [letter for letter in DRAWN if not fonts.covers(letter)] == []


def test_letters_of_other_fonts_get_a_width_all_the_same():
    assert not fonts.covers("\u4e2d")
    assert fonts.advance("\u4e2d") == 1000
    assert fonts.advance("\u0951") == 0
    assert fonts.advance("\u2713") == fonts.UNKNOWN


@pytest.mark.parametrize(("weight", "style"), [(fonts.REGULAR, "Regular"), (fonts.BOLD, "Bold")])
def test_a_font_of_one_weight_has_its_name_and_is_no_variable_one(weight, style):
    font = TTFont(io.BytesIO(fonts.instance(weight)))
    assert "fvar" not in font
    assert font["name"].getDebugName(6) == f"Arimo-{style}"
    assert "openfontlicense" in font["name"].getDebugName(14)


def test_a_subset_has_the_letters_and_their_kerning_and_is_the_same_each_time():
    one = fonts.subset("AVgb", fonts.REGULAR)
    assert one == fonts.subset("bgVA", fonts.REGULAR)
    font = TTFont(io.BytesIO(one))
    assert set(font.getBestCmap()) == set(map(ord, "AVgb"))
    assert "GPOS" in font
    assert len(one) < 5000
    assert font["head"].modified == TTFont(fonts.file(), recalcTimestamp=False)["head"].modified


def test_two_processes_make_the_same_font():
    code = "import hashlib; from review import fonts; print(hashlib.sha256(fonts.subset('Figure 1', 700)).hexdigest())"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1] != ""


SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg"><style>x</style><text style="font-family: Arimo, sans-serif">'
    'ab<tspan style="font-weight: bold">cd<tspan font-weight="400">e</tspan>f</tspan>g\u4e2d</text>'
    '<text font-weight="700" font-family="Arimo">h<tspan style="font-weight:normal">i</tspan></text><desc>zzz</desc></svg>'
)


def test_letters_are_counted_by_weight():
    assert fonts.written(SVG) == {fonts.REGULAR: "abegi", fonts.BOLD: "cdfh"}


def test_an_svg_gets_the_letters_that_it_shows():
    got = fonts.embed(SVG)
    assert got == fonts.embed(SVG)
    assert fonts.bare(got) == fonts.bare(SVG) == SVG
    rules = re.findall(r"font-weight:(\d+);unicode-range:([^;]*);src:url\(data:font/ttf;base64,", got)
    assert rules == [("400", "U+61-62,U+65,U+67,U+69"), ("700", "U+63-64,U+66,U+68")]


@pytest.mark.parametrize(
    "svg",
    [
        '<svg xmlns="http://www.w3.org/2000/svg"><text font-family="Other">a</text></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><desc>Arimo</desc></svg>',
    ],
)
def test_an_svg_without_such_text_is_left_alone(svg):
    assert fonts.embed(svg) == svg


def test_without_the_package_it_says_what_to_run(monkeypatch):
    monkeypatch.setattr(fonts, "find_spec", lambda name: None)
    with pytest.raises(ReviewError, match=r"fontpkg-arimo.* -> run: make setup"):
        fonts.file()

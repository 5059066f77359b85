"""The figures' font, as a file: its widths for the layout, and what browsers, SVG and PDF files get of it.

Arimo (SIL Open Font License 1.1) comes with the package ``fontpkg-arimo``, so no font has to be installed on a machine. Its
letters are as wide as those of Arial, Helvetica and Liberation Sans. The file holds all weights in one; what is drawn with are
two fonts of one weight made from it, because PDF files cannot hold a font of many weights as text.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import ReviewError

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

FAMILY = "Arimo"
PACKAGE, FILE = "fontpkg_arimo", "files/Arimo[wght].ttf"
REGULAR, BOLD = 400, 700
STYLES = {REGULAR: "Regular", BOLD: "Bold"}

SCRIPTS = ((0x20, 0x24F), (0x370, 0x52F), (0x1E00, 0x1FFF), (0x2000, 0x27FF))
"""What is kept of the font: Latin, Greek, Cyrillic, signs and arrows."""

UNKNOWN = 556
"""Width of a letter that the font lacks and another font of the machine will show."""


def file() -> Path:
    """Return the font's file.

    Raises
    ------
    ReviewError
        If the package that ships it is not installed.
    """
    spec = find_spec(PACKAGE)
    path = Path(spec.origin).parent / FILE if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ReviewError("the figures' font is not installed (package fontpkg-arimo) -> run: make setup")
    return path


def _read(data: bytes) -> TTFont:
    """Return a font; what is made from it carries the time of the original, not of today."""
    import io

    from fontTools.ttLib import TTFont

    return TTFont(io.BytesIO(data), recalcTimestamp=False)


def _bytes(font: TTFont) -> bytes:
    import io

    sink = io.BytesIO()
    font.save(sink)
    return sink.getvalue()


@cache
def _variable() -> TTFont:
    return _read(file().read_bytes())


@cache
def _letters() -> dict[int, str]:
    found: dict[int, str] = _variable().getBestCmap()
    return found


EXACT = ".main-svg text{text-rendering:geometricPrecision}"
"""Letters stand where the font says, not on whole dots of some screen: where that is depends on the machine's settings."""


def covers(letter: str) -> bool:
    """Tell whether the font has a letter."""
    return ord(letter) in _letters()


@cache
def advance(letter: str, bold: bool = False) -> int:
    """Return the width of one letter in thousandths of the font size."""
    name = _letters().get(ord(letter))
    if name is None:
        wide = unicodedata.east_asian_width(letter) in "WF"
        return 0 if unicodedata.combining(letter) else 1000 if wide else UNKNOWN
    glyphs = _variable().getGlyphSet(location={"wght": BOLD if bold else REGULAR})
    width: int = round(1000 * glyphs[name].width / _variable()["head"].unitsPerEm)
    return width


@cache
def instance(weight: int) -> bytes:
    """Return the font of one weight as TrueType, without what screens of few dots need."""
    from fontTools.varLib.instancer import instantiateVariableFont

    font = _read(file().read_bytes())
    _reduce(font, (code for code in _letters() if any(low <= code <= high for low, high in SCRIPTS)))
    instantiateVariableFont(font, {"wght": weight}, inplace=True)
    style = STYLES[weight]
    for number, name in ((2, style), (4, f"{FAMILY} {style}"), (6, f"{FAMILY}-{style}")):
        font["name"].setName(name, number, 3, 1, 0x409)
    return _bytes(font)


def subset(letters: str, weight: int) -> bytes:
    """Return a TrueType font of one weight with nothing but some letters and their kerning; the same for the same letters."""
    font = _read(instance(weight))
    _reduce(font, sorted(map(ord, set(letters))))
    return _bytes(font)


def _reduce(font: TTFont, codes: Iterable[int]) -> None:
    from fontTools.subset import Options, Subsetter

    options = Options(hinting=False, layout_features=["kern"], name_IDs=[0, 1, 2, 4, 6, 13, 14], notdef_outline=True)
    options.drop_tables += ["GDEF", "STAT"] if "fvar" not in font else ["STAT"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)


def face(data: bytes, weight: int, letters: str = "") -> str:
    """Return the CSS rule of one weight; with letters it is used for these only."""
    codes = sorted(set(map(ord, letters)))
    scope = f"unicode-range:{','.join(_ranges(codes))};" if codes else ""
    source = f'url(data:font/ttf;base64,{base64.b64encode(data).decode("ascii")}) format("truetype")'
    return f'@font-face{{font-family:"{FAMILY}";font-weight:{weight};{scope}src:{source}}}'


def _ranges(codes: list[int]) -> list[str]:
    """Return code points as ranges of CSS."""
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return [f"U+{low:X}" if low == high else f"U+{low:X}-{high:X}" for low, high in ranges]


@cache
def faces() -> str:
    """Return the CSS by which a page has the whole font in both weights."""
    return "".join(face(instance(weight), weight) for weight in (REGULAR, BOLD)) + "svg " + EXACT.partition(" ")[2]


def embed(svg: str) -> str:
    """Return an SVG with the letters that it shows, so that it looks the same on every machine.

    An SVG without text in the figures' font is left as it is.
    """
    if FAMILY not in svg:
        return svg
    used = written(svg)
    rules = "".join(face(subset(letters, weight), weight, letters) for weight, letters in used.items() if letters)
    start = svg.index(">", svg.index("<svg")) + 1
    return f"{svg[:start]}<style>{rules}{EXACT}</style>{svg[start:]}" if rules else svg


def bare(svg: str) -> str:
    """Return an SVG without the letters that :func:`embed` gave it, for a page that has the font."""
    return re.sub(r"<style>@font-face[^<]*</style>", "", svg)


def written(svg: str) -> dict[int, str]:
    """Return the letters of an SVG's texts by weight, those that the font has, in order."""
    import xml.etree.ElementTree as ET

    found: dict[int, set[str]] = {REGULAR: set(), BOLD: set()}

    def walk(node: ET.Element, weight: int) -> None:
        said = re.search(r"font-weight:\s*(\w+)", node.get("style", ""))
        word = said[1] if said else node.get("font-weight", "")
        inner = weight if not word else BOLD if word in {"bold", "bolder", "600", "700", "800", "900"} else REGULAR
        found[inner].update(node.text or "")
        for child in node:
            walk(child, inner)
            found[inner].update(child.tail or "")

    root = ET.fromstring(svg)  # noqa: S314 -- drawn here, by plotly
    for node in root.iter("{http://www.w3.org/2000/svg}text"):
        walk(node, REGULAR)
    return {weight: "".join(sorted(letter for letter in letters if covers(letter))) for weight, letters in found.items()}

"""How well colours can be told apart, by whom, and how well text can be read on them.

Distances are CIEDE2000 (Sharma, Wu and Dalal 2005, doi 10.1002/col.20070) under daylight D65. Colour-blindness is simulated after
Machado, Oliveira and Fernandes 2009 (doi 10.1109/TVCG.2009.113) at full severity, on linear RGB. Contrast is that of WCAG 2.
"""

from __future__ import annotations

import math
import re
from typing import Literal

from review.errors import ReviewError

Vision = Literal["normal", "protanopia", "deuteranopia", "tritanopia"]
Triple = tuple[float, float, float]

NAMED = {"white": "#FFFFFF", "black": "#000000"}
VISIONS: dict[Vision, tuple[Triple, Triple, Triple]] = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""Matrices on linear RGB."""

_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
_WHITE = (0.95047, 1.0, 1.08883)


def rgb(colour: str) -> Triple:
    """Return the parts of a colour from 0 to 1, for ``#rrggbb``, ``rgb(r, g, b)``, ``white`` and ``black``.

    Raises
    ------
    ReviewError
        If it is written in another way.
    """
    text = NAMED.get(colour.strip().lower(), colour.strip())
    if found := re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text):
        red, green, blue = (int(part, 16) / 255 for part in found.groups())
    elif found := re.fullmatch(r"rgb\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)", text):
        red, green, blue = (min(int(part), 255) / 255 for part in found.groups())
    else:
        raise ReviewError(f"no colour is written {colour!r} -> write #rrggbb")
    return red, green, blue


def linear(colour: str) -> Triple:
    """Return the parts of a colour as amounts of light (IEC 61966-2-1)."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour))
    return red, green, blue


def _times(matrix: tuple[Triple, Triple, Triple], values: Triple) -> Triple:
    first, second, third = (math.fsum(a * b for a, b in zip(row, values, strict=True)) for row in matrix)
    return first, second, third


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted(_times(_XYZ_WCAG, linear(colour))[1] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


_XYZ_WCAG = (_XYZ[0], (0.2126, 0.7152, 0.0722), _XYZ[2])


def lab(colour: str, vision: Vision = "normal") -> Triple:
    """Return CIE L*a*b* of a colour as it is seen by somebody."""
    seen = _times(VISIONS[vision], linear(colour))
    red, green, blue = (min(max(part, 0.0), 1.0) for part in seen)
    ratios = (part / white for part, white in zip(_times(_XYZ, (red, green, blue)), _WHITE, strict=True))
    x, y, z = (ratio ** (1 / 3) if ratio > 216 / 24389 else (24389 / 27 * ratio + 16) / 116 for ratio in ratios)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str, vision: Vision = "normal") -> float:
    """Return how different two colours look to somebody: CIEDE2000, about 1 where a difference can just be seen."""
    return ciede2000(lab(one, vision), lab(other, vision))


def ciede2000(one: Triple, other: Triple) -> float:
    """Return the CIEDE2000 distance of two colours in L*a*b*, with all weights 1."""
    mean = (math.hypot(*one[1:]) + math.hypot(*other[1:])) / 2
    stretch = 1 + 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    (first, second), (chroma, chroma2), (hue, hue2) = zip(*(_polar(colour, stretch) for colour in (one, other)), strict=True)
    grey = chroma * chroma2 == 0
    turn = 0.0 if grey else (hue2 - hue + 180) % 360 - 180
    light, colourful = (first + second) / 2, (chroma + chroma2) / 2
    middle = hue + hue2 if grey else hue + turn / 2
    part = {n: math.cos(math.radians(n * middle + shift)) for n, shift in ((1, -30), (2, 0), (3, 6), (4, -63))}
    weight = 1 - 0.17 * part[1] + 0.24 * part[2] + 0.32 * part[3] - 0.20 * part[4]
    by_light = (second - first) / (1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2))
    by_chroma = (chroma2 - chroma) / (1 + 0.045 * colourful)
    by_hue = 2 * math.sqrt(chroma * chroma2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * colourful * weight)
    angle = 60 * math.exp(-((((middle % 360) - 275) / 25) ** 2))
    rotation = -2 * math.sqrt(colourful**7 / (colourful**7 + 25**7)) * math.sin(math.radians(angle))
    return math.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue)


def _polar(colour: Triple, stretch: float) -> Triple:
    """Return lightness, chroma and hue in degrees, with a* stretched."""
    lightness, a, b = colour[0], colour[1] * stretch, colour[2]
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360

"""Distances and contrasts of colours against published values; colour-blindness against the matrices' own properties."""

import math

import pytest

from review import colours, theme
from review.errors import ReviewError

# From the supplementary test data of Sharma, Wu and Dalal 2005, doi 10.1002/col.20070, table 1.
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, -0.9009, -85.5211), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, -0.001, 2.49), (50.0, 0.0009, -2.49), 4.8045),
    ((50.0, -0.001, 2.49), (50.0, 0.0011, -2.49), 4.7461),
    ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
    ((50.0, 2.5, 0.0), (56.0, -27.0, -3.0), 31.9030),
    ((50.0, 2.5, 0.0), (58.0, 24.0, 15.0), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "expected"), SHARMA)
def test_distances_are_the_published_ones_in_both_directions(one, other, expected):
    assert colours.ciede2000(one, other) == pytest.approx(expected, abs=5e-5)
    assert colours.ciede2000(other, one) == pytest.approx(expected, abs=5e-5)
    assert colours.ciede2000(one, one) == 0


def test_black_and_white_are_100_apart_with_contrast_21():
    assert colours.distance("#000000", "white") == pytest.approx(100, abs=0.01)
    assert colours.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert colours.contrast("white", "white") == 1
    assert colours.lab("#FFFFFF") == pytest.approx((100, 0, 0), abs=0.02)


def test_the_lightest_grey_that_passes_on_white_is_767676():
    assert colours.contrast("#767676", "#FFFFFF") >= 4.5 > colours.contrast("#777777", "#FFFFFF")


@pytest.mark.parametrize("vision", colours.VISIONS)
def test_grey_stays_grey_for_everybody(vision):
    for row in colours.VISIONS[vision]:
        assert math.fsum(row) == pytest.approx(1, abs=1.5e-6)
    assert colours.distance("#808080", "#808080", vision) == 0
    assert colours.lab("#808080", vision)[1:] == pytest.approx((0, 0), abs=0.05)


@pytest.mark.parametrize(
    ("vision", "one", "other"),
    [("protanopia", "#D62728", "#6B5A20"), ("deuteranopia", "#D62728", "#2CA02C"), ("tritanopia", "#1F77B4", "#1F8077")],
)
def test_known_confusions_come_closer(vision, one, other):
    assert colours.distance(one, other, vision) < 0.6 * colours.distance(one, other)


@pytest.mark.parametrize("vision", colours.VISIONS)
def test_neighbours_in_the_palette_differ(vision):
    for one, other in zip(theme.PALETTE, theme.PALETTE[1:], strict=False):
        assert colours.distance(one, other, vision) > 15, (one, other)


@pytest.mark.parametrize(("text", "same"), [("rgb(0, 114, 178)", "#0072B2"), (" #0072b2", "#0072B2"), ("White", "#FFFFFF")])
def test_colours_are_read_in_the_ways_browsers_write_them(text, same):
    assert colours.rgb(text) == colours.rgb(same)


@pytest.mark.parametrize("text", ["", "#12", "blue", "rgba(0,0,0,0.5)", "#12345g"])
def test_other_ways_are_refused(text):
    with pytest.raises(ReviewError, match="no colour is written"):
        colours.rgb(text)

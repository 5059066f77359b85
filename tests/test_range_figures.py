"""Pictures of ranges show the numbers of their tables, at both widths, with words that hold for them."""

import pandas as pd
import pytest

from review import corpus, range_figures, sensitivity, theme


@pytest.fixture(scope="module")
def tables():
    loaded = corpus.load()
    ranges = sensitivity.compute_bounds(loaded, ["method", "evaluation", "year"], "v2")
    cells = sensitivity.compute_cell_bounds(loaded, "method", "modality", "v2")
    draws = sensitivity.compute_draws(loaded, "method", "modality", "v2", number=20, seed=1)
    return ranges, cells, draws


def trace(figure, name):
    return next(item for item in figure.data if item.name == name and item.xaxis != "x2")


@pytest.mark.parametrize("width", ["single", "double"])
def test_bars_reach_from_the_smallest_to_the_greatest_count(tables, width):
    ranges, _, _ = tables
    figure = range_figures.plot_ranges(ranges, width=width)
    bars = trace(figure, range_figures.RANGE)
    assert list(bars.base) == ranges["min"].tolist()
    assert [base + length for base, length in zip(bars.base, bars.x, strict=True)] == ranges["max"].tolist()
    fixed = ranges[ranges["fixed"]]
    assert list(trace(figure, range_figures.FIXED).x) == fixed["chosen"].tolist()
    assert list(trace(figure, range_figures.CHOSEN).x) == ranges[~ranges["fixed"]]["chosen"].tolist()
    assert figure.layout.width == pytest.approx(theme.pixels(width))
    assert trace(figure, range_figures.FIXED).marker.symbol != trace(figure, range_figures.CHOSEN).marker.symbol


def test_dots_stand_for_draws_and_lie_on_the_bars(tables):
    _, cells, draws = tables
    figure = range_figures.plot_draws(draws, cells)
    dots = trace(figure, range_figures.DRAWS)
    assert len(dots.x) == len(draws.groupby(["row", "column", "count"]).size())
    bars = trace(figure, range_figures.RANGE)
    spans = {y: (base, base + length) for y, base, length in zip(bars.y, bars.base, bars.x, strict=True)}
    for x, y in zip(dots.x, dots.y, strict=True):
        assert spans[y][0] <= x <= spans[y][1]
    assert max(dots.marker.size) > min(dots.marker.size)


def test_words_name_the_widest_ranges_and_what_draws_are_not(tables):
    ranges, cells, draws = tables
    text = range_figures.alt_ranges(ranges)
    down = ranges[ranges["category"] == "downstream"].iloc[0]
    assert f"downstream {down['min']} to {down['max']}" in text
    assert "6 are fixed by published counts" in text
    assert "no probabilities" in range_figures.alt_draws(draws, cells)


def test_empty_tables_do_not_crash(tables):
    ranges, cells, draws = tables
    assert range_figures.plot_ranges(ranges.head(0)).layout.annotations
    assert range_figures.plot_draws(draws.head(0), cells).layout.annotations
    assert range_figures.alt_ranges(ranges.head(0)) == "Ranges: no categories."


def test_markup_in_a_code_is_shown_as_text(tables):
    ranges = pd.DataFrame([tables[0].iloc[0].to_dict() | {"category": "<b>x</b>", "fixed": False}])
    figure = range_figures.plot_ranges(ranges)
    texts = " ".join(str(note.text) for note in figure.layout.annotations)
    assert "<b>x</b>" not in texts
    assert "&lt;b&gt;" in texts

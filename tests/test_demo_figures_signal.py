"""Pictures of signals show the samples in millivolts and seconds, with the measured rhythm in words."""

import pytest

from review import demo_figures_signal as figures
from review import theme

ITEMS = [
    {"signal": [0, 1000, -500, 250], "sampling_rate": 2, "rhythm": "normal", "heart_rate": 71.6},
    {"signal": [0, 0, 0, 100, 0, 0], "sampling_rate": 2, "rhythm": None, "heart_rate": None},
]


@pytest.mark.parametrize("width", ["single", "double"])
def test_samples_are_drawn_in_millivolts_by_seconds(width):
    figure = figures.plot_signals(ITEMS, width=width)
    assert list(figure.data[0].x) == [0.0, 0.5, 1.0, 1.5]
    assert list(figure.data[0].y) == [0.0, 1.0, -0.5, 0.25]
    assert list(figure.data[1].y) == [0.0, 0.0, 0.0, 0.1, 0.0, 0.0]
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range == (-0.6, 1.1)
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    assert figure.layout.width == pytest.approx(theme.pixels(width))
    texts = [note.text for note in figure.layout.annotations]
    assert texts == ["1. measured: normal, 72 beats/min", "2. measured: no rhythm"]


def test_only_the_first_seconds_can_be_drawn():
    assert [len(trace.x) for trace in figures.plot_signals(ITEMS, seconds=1).data] == [2, 2]


def test_words_and_nothing_to_draw():
    assert figures.alt_signals(ITEMS) == "2 ECG segments of one lead, measured as: normal, 72 beats/min; no rhythm."
    assert figures.alt_signals([]) == "ECG segments: none."
    assert figures.plot_signals([]).layout.annotations[0].text == "no signals"


def test_markup_is_shown_as_text():
    figure = figures.plot_signals([{**ITEMS[0], "rhythm": "<b>x</b>"}])
    assert "<b>" not in figure.layout.annotations[0].text

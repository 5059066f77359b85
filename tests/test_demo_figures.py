"""Pictures of demonstrations show the numbers of their tables, at both widths, with words that hold for them."""

import re

import pandas as pd
import pytest

from review import demo_figures, theme
from review.generators.dataset import Dataset, Record

REASONS = {"cut-off": "the answer did not end", "schema": "it does not meet the schema"}
NASTY = "<b>x</b> $y$"


def outcomes(by="technique"):
    reasons = ["", "", "cut-off", "schema"]
    records = tuple(
        Record(i, {}, reasons[i % 4] if i < 14 else "", parameters={"technique": ["zero-shot", "few-shot"][i % 2]})
        for i in range(20)
    )
    return Dataset("text", "prompting", 1, {"model": "m"}, {}, REASONS, records).outcomes(by)


def rates():
    rows = [("heart-rate", "real", 19), ("heart-rate", "shuffled", 4), ("rhythm", "real", 20), ("rhythm", "shuffled", 6)]
    shares = [
        (name, kind, count, 20, count / 20, max(0, count / 20 - 0.2), min(1, count / 20 + 0.1)) for name, kind, count in rows
    ]
    return pd.DataFrame(shares, columns=["name", "series", "count", "total", "share", "low", "high"])


def training():
    steps = [(step, 4 / (1 + step), "training") for step in range(30)] + [
        (step, 5 / (1 + step), "held out") for step in (0, 10, 29)
    ]
    return pd.DataFrame(steps, columns=["step", "loss", "series"])


def trace(figure, name):
    return next(item for item in figure.data if item.name == name and item.xaxis != "x2")


def texts(figure):
    return " ".join(str(note.text) for note in figure.layout.annotations)


@pytest.mark.parametrize("width", ["single", "double"])
def test_outcomes_are_points_with_intervals(width):
    table = outcomes()
    figure = demo_figures.plot_outcomes(table, width=width)
    accepted = table[table["outcome"] == "accepted"]
    dots = trace(figure, "accepted")
    assert list(dots.x) == pytest.approx((100 * accepted["share"]).tolist(), abs=1e-3)
    assert list(dots.error_x.array) == pytest.approx((100 * (accepted["high"] - accepted["share"])).tolist(), abs=1e-3)
    assert list(dots.error_x.arrayminus) == pytest.approx((100 * (accepted["share"] - accepted["low"])).tolist(), abs=1e-3)
    assert len(trace(figure, "rejected").x) == len(table) - len(accepted)
    assert dots.marker.symbol != trace(figure, "rejected").marker.symbol
    assert figure.layout.width == pytest.approx(theme.pixels(width))
    assert {"<b>Zero shot</b>", "<b>Few shot</b>"} <= {str(note.text) for note in figure.layout.annotations}
    assert all(f"{row.count}/{row.total}" in texts(figure) for row in table.itertuples())


def test_one_group_has_no_heading_and_a_legend_names_what_is_there():
    figure = demo_figures.plot_outcomes(outcomes(""))
    assert "<b>" not in texts(figure)
    good = outcomes("").head(1)
    assert "rejected" not in texts(demo_figures.plot_outcomes(good))


@pytest.mark.parametrize("width", ["single", "double"])
def test_rates_stand_by_name_with_a_symbol_a_series(width):
    table = rates()
    figure = demo_figures.plot_rates(table, width=width)
    real, shuffled = trace(figure, "real"), trace(figure, "shuffled")
    assert list(real.x) == [95.0, 100.0]
    assert list(shuffled.x) == [20.0, 30.0]
    assert real.marker.symbol != shuffled.marker.symbol
    assert real.y[0] < shuffled.y[0] < real.y[1] < shuffled.y[1]
    assert "Heart rate" in texts(figure)
    assert list(real.error_x.array) == pytest.approx([5.0, 0.0])


def test_rates_need_no_series():
    figure = demo_figures.plot_rates(rates().drop(columns="series").iloc[[0, 2]])
    assert [list(item.x) for item in figure.data if item.xaxis != "x2"] == [[95.0, 100.0]]


@pytest.mark.parametrize("width", ["single", "double"])
def test_training_is_a_line_a_series(width):
    figure = demo_figures.plot_training(training(), width=width)
    first, second = trace(figure, "training"), trace(figure, "held out")
    assert list(second.x) == [0, 10, 29]
    assert first.y[0] == 4.0
    assert first.line.dash != second.line.dash
    assert first.line.color != second.line.color
    assert "training" in texts(figure)
    bare = demo_figures.plot_training(training().drop(columns="series").head(30))
    assert len(bare.data) == 1


def test_words_hold_the_numbers():
    assert "zero-shot: accepted 7 of 10" in demo_figures.alt_outcomes(outcomes())
    assert re.search(r": accepted 14 of 20, cut-off 3 of 20", demo_figures.alt_outcomes(outcomes("")))
    assert "heart-rate (shuffled) 4 of 20" in demo_figures.alt_rates(rates())
    assert "training 4.00 at step 0 to 0.13 at step 29" in demo_figures.alt_training(training())
    many = pd.concat([rates().assign(name=f"n{index}") for index in range(9)])
    assert "; and 22 more" in demo_figures.alt_rates(many)


@pytest.mark.parametrize(
    ("plot", "alt", "table"),
    [
        (demo_figures.plot_outcomes, demo_figures.alt_outcomes, outcomes()),
        (demo_figures.plot_rates, demo_figures.alt_rates, rates()),
        (demo_figures.plot_training, demo_figures.alt_training, training()),
    ],
)
def test_empty_tables_say_so(plot, alt, table):
    assert len(plot(table.head(0)).layout.annotations) == 1
    assert alt(table.head(0)).endswith(".")


def test_markup_is_shown_as_text():
    for figure in (
        demo_figures.plot_rates(rates().assign(name=NASTY, series=NASTY)),
        demo_figures.plot_outcomes(outcomes("").assign(outcome=NASTY)),
        demo_figures.plot_training(training().assign(series=NASTY)),
    ):
        written = figure.to_json()
        assert "<b>x" not in written.replace("\\u003c", "<")
        assert "$y$" not in written

"""Pictures of synthetic tables show the numbers of their tables, at both widths, with words that hold for them."""

import pandas as pd
import pytest

from review import demo_figures_tabular as figures
from review import theme
from review.errors import ReviewError
from review.generators import tables, tabular_courses, tabular_fidelity, visits

NASTY = "<b>x</b> $y$"
both = pytest.mark.parametrize("width", ["single", "double"])


@pytest.fixture(scope="module")
def made():
    """Real rows in the place of synthetic ones, and simulated courses in the place of generated ones."""
    table = tables.load("breast-cancer")
    train, held = table.split(1)
    marginals = pd.DataFrame(tabular_fidelity.marginals(table, train, held))
    fidelity = pd.DataFrame(tabular_fidelity.fidelity(table, train, held, held, 1, deals=20))
    transitions = pd.DataFrame(tabular_courses.transitions(visits.simulate(100, 1), visits.simulate(100, 2)))
    return marginals, fidelity, transitions


def traces(figure, name):
    return [item for item in figure.data if item.name == name and item.xaxis != "x2"]


def texts(figure):
    return [str(note.text) for note in figure.layout.annotations]


@both
def test_marginals_are_bars_and_points_of_the_same_panels(made, width):
    marginals, _, _ = made
    figure = figures.plot_marginals(marginals, width=width)
    assert figure.layout.width == pytest.approx(theme.pixels(width))
    bars, points = traces(figure, figures.REAL), traces(figure, figures.SYNTHETIC)
    names = list(dict.fromkeys(marginals["column"]))
    assert len(bars) == len(points) == len(names) == 8
    for name, bar, point in zip(names, bars, points, strict=True):
        own = marginals[marginals["column"] == name]
        assert list(bar.y) == pytest.approx((100 * own["real"]).tolist(), abs=1e-3)
        assert list(point.y) == pytest.approx((100 * own["synthetic"]).tolist(), abs=1e-3)
        assert bar.xaxis == point.xaxis
        assert name in texts(figure)
    assert len({bar.xaxis for bar in bars}) == 8
    assert list(bars[0].x) == [0, 1]
    axis = figure.layout[bars[0].xaxis.replace("x", "xaxis")]
    assert list(axis.ticktext) == ["malignant", "benign"]
    own = marginals[marginals["column"] == names[1]]
    assert list(bars[1].width) == pytest.approx((own["high"] - own["low"]).tolist())
    assert points[0].marker.symbol == "diamond"


@both
def test_panels_do_not_overlap_and_stay_on_the_page(made, width):
    figure = figures.plot_marginals(made[0], width=width)
    boxes = []
    for bar in traces(figure, figures.REAL):
        number = bar.xaxis.removeprefix("x")
        x, y = figure.layout[f"xaxis{number}"].domain, figure.layout[f"yaxis{number}"].domain
        assert 0 <= x[0] < x[1] <= 1
        assert 0 <= y[0] < y[1] <= 1
        assert all(x[1] <= a[0] or a[1] <= x[0] or y[1] <= b[0] or b[1] <= y[0] for a, b in boxes)
        boxes.append((x, y))
    assert figure.layout.height < theme.TALLEST * theme.PIXELS


@both
def test_fidelity_shows_distances_and_the_range_of_real_rows(made, width):
    _, fidelity, _ = made
    figure = figures.plot_fidelity(fidelity, width=width)
    [bars], [dots] = traces(figure, figures.BASELINE), traces(figure, "synthetic rows")
    assert list(dots.x) == fidelity["synthetic"].tolist()
    assert list(bars.base) == fidelity["low"].tolist()
    assert [base + length for base, length in zip(bars.base, bars.x, strict=True)] == pytest.approx(fidelity["high"].tolist())
    assert list(traces(figure, figures.MEDIAN)[0].x) == fidelity["real"].tolist()
    assert list(dots.y) == list(bars.y)
    assert sorted(dots.y) == list(dots.y)
    assert bars.marker.pattern.shape == "/"


def test_several_generators_have_their_own_symbols_and_share_a_row(made):
    _, fidelity, _ = made
    both = pd.concat([fidelity.assign(series="copula"), fidelity.assign(series=NASTY, synthetic=fidelity["synthetic"] + 0.1)])
    figure = figures.plot_fidelity(both)
    [one], [other] = traces(figure, "copula"), traces(figure, theme.escape(NASTY))
    assert one.marker.symbol != other.marker.symbol
    assert list(one.y) == list(other.y)
    assert list(other.x) == pytest.approx((fidelity["synthetic"] + 0.1).tolist())
    assert len(traces(figure, figures.BASELINE)[0].x) == len(fidelity)
    assert f"copula, diagnosis {fidelity['synthetic'].iloc[0]:.2f}" in figures.alt_fidelity(both)


def test_an_undefined_distance_is_left_out(made):
    _, fidelity, _ = made
    odd = fidelity.astype({"synthetic": object, "low": object, "high": object, "real": object})
    odd.loc[0, "synthetic"] = None
    odd.loc[1, ["low", "high", "real"]] = None
    figure = figures.plot_fidelity(odd)
    assert len(traces(figure, "synthetic rows")[0].x) == len(fidelity) - 1
    assert len(traces(figure, figures.BASELINE)[0].x) == len(fidelity) - 2
    assert "diagnosis" not in figures.alt_fidelity(odd)


@both
def test_transitions_show_known_generated_and_chance(made, width):
    _, _, transitions = made
    transitions = transitions.assign(inside=[row % 3 > 0 for row in range(len(transitions))])
    chosen = transitions[transitions["table"].isin(["first stage", "next stage"])]
    figure = figures.plot_transitions(chosen, width=width)
    assert list(traces(figure, figures.KNOWN)[0].x) == chosen["known"].tolist()
    [within], [beyond] = traces(figure, figures.WITHIN), traces(figure, figures.BEYOND)
    assert list(within.x) == chosen[chosen["inside"]]["generated"].tolist()
    assert list(beyond.x) == chosen[~chosen["inside"]]["generated"].tolist()
    assert within.marker.symbol != beyond.marker.symbol
    assert list(traces(figure, figures.AGAIN)[0].x) == chosen["simulated"].tolist()
    assert list(traces(figure, figures.CHANCE)[0].base) == chosen["low"].tolist()
    assert {"<b>First stage</b>", "<b>Next stage</b>"} <= set(texts(figure))
    assert figure.layout.height < theme.TALLEST * theme.PIXELS


def test_a_share_without_a_second_simulation_has_no_square(made):
    chosen = made[2].head(3).astype({"simulated": object})
    chosen.loc[0, "simulated"] = None
    assert len(traces(figures.plot_transitions(chosen), figures.AGAIN)[0].x) == 2
    chosen["inside"] = True
    assert traces(figures.plot_transitions(chosen), figures.BEYOND) == []


def test_words_say_what_is_furthest(made):
    marginals, fidelity, transitions = made
    gap = (marginals["real"] - marginals["synthetic"]).abs()
    worst = marginals.loc[gap[marginals["column"] == "mean area"].idxmax()]
    shares = f"real {100 * worst['real']:.0f} %, synthetic {100 * worst['synthetic']:.0f} %"
    assert f"mean area in {worst['bin']}: {shares}" in figures.alt_marginals(marginals)
    assert f"Distances of {fidelity['rows'].iloc[0]} synthetic rows" in figures.alt_fidelity(fidelity)
    text = figures.alt_transitions(transitions)
    assert f"{len(transitions)} known probabilities, {transitions['inside'].sum()} of them explained by chance" in text
    worst = transitions.loc[(transitions["generated"] - transitions["known"]).abs().idxmax()]
    assert f"Furthest: {worst['given']} to {worst['word']} {worst['generated']:.2f} (known {worst['known']:.2f})" in text


def test_nothing_to_show_is_said(made):
    marginals, fidelity, transitions = made
    for plot, alt, table in (
        (figures.plot_marginals, figures.alt_marginals, marginals),
        (figures.plot_fidelity, figures.alt_fidelity, fidelity),
        (figures.plot_transitions, figures.alt_transitions, transitions),
    ):
        assert "too few rows" in texts(plot(table.head(0)))[0] or "no courses" in texts(plot(table.head(0)))[0]
        assert "too few rows" in alt(table.head(0)) or "no courses" in alt(table.head(0))
        assert texts(plot(pd.DataFrame())) == texts(plot(table.head(0)))
        assert alt(pd.DataFrame()) == alt(table.head(0))
        with pytest.raises(ReviewError, match="the table has no column"):
            plot(table.drop(columns=table.columns[0]))


def test_markup_in_a_name_is_shown_as_text(made):
    marginals, fidelity, transitions = made
    pictures = (
        figures.plot_marginals(marginals.assign(column=NASTY, bin=NASTY, unit="<i>cm</i>").head(2)),
        figures.plot_fidelity(fidelity.head(1).assign(measure=NASTY)),
        figures.plot_transitions(transitions.head(1).assign(table=NASTY, given=NASTY)),
    )
    for figure in pictures:
        joined = " ".join(texts(figure)).lower()
        assert "<b>x</b>" not in joined.replace("<b>&lt;b&gt;", "")
        assert "&lt;b&gt;x&lt;/b&gt;" in joined
        assert "$" not in joined

"""Every figure shows its table: the same numbers, the same words, nothing clipped, nothing by colour alone."""

from __future__ import annotations

import itertools
import json
import re

import pandas as pd
import pytest

from review import describe as words
from review import figures, theme
from review.describe import describe
from review.errors import ReviewError

TITLES = {
    "text": "Unstructured text",
    "tabular": "Tabular and structured",
    "multimodal": "Multimodal",
    "modality": "Data modality",
}
NASTY = "<b>x</b> <script>alert(1)</script> & $y$"

CODES = ["intrinsic", "human", "llm", "downstream"]
COMBINATIONS = [(20, "0001"), (11, "0101"), (8, "1001"), (4, "0100"), (3, "0000"), (1, "1111")]


def frame(rows, columns):
    return pd.DataFrame(rows, columns=columns.split())


def shares(rows, dimension="modality", total=59):
    """A table as compute_shares returns it, from code, count, unknown, low, high and status."""
    data = [
        [dimension, code, count, total, unknown, count / total if total else float("nan"), low, high, None, None, status]
        for code, count, unknown, low, high, status in rows
    ]
    columns = "dimension category count total unknown share low high simultaneous_low simultaneous_high status"
    return frame(data, columns).astype({"simultaneous_low": "Float64", "simultaneous_high": "Float64"})


def modality(status="by construction"):
    return shares(
        [
            ("text", 46, 0, 0.6587, 0.8665, status),
            ("tabular", 8, 0, 0.0703, 0.2454, status),
            ("multimodal", 5, 0, 0.0367, 0.1835, status),
        ]
    )


def evaluation():
    return shares(
        [
            ("intrinsic", 16, 43, 0.1744, 0.396, "by construction"),
            ("human", 26, 33, 0.3215, 0.5671, "by construction"),
            ("llm", 0, 59, 0.0, 0.0611, "not coded"),
            ("downstream", 45, 14, 0.6406, 0.8524, "not published"),
        ],
        "evaluation",
    )


def reproduction():
    rows = [
        ["modality", "text", "78.0", 46, "attainable", 46, 59, 0, 77.97, 65.9, 86.6, -0.03, "by construction"],
        ["modality", "multimodal", "8.4", 5, "by difference to 100", 5, 59, 0, 8.47, 3.7, 18.4, 0.07, "by construction"],
        ["evaluation", "human", "44.1", 26, "attainable", 20, 59, 33, 33.9, 23.1, 46.6, -10.2, "independent"],
        ["evaluation", "llm", "13.6", 8, "attainable", 0, 59, 59, 0.0, 0.0, 6.1, -13.6, "not coded"],
    ]
    columns = "dimension category published implied_count verdict count total unknown percent low high difference status"
    return frame(rows, columns).astype({"implied_count": "Int64"})


def versions():
    rows = [["modality", "text", 78.0, 46, 78.0, 46, 0, 0.0], ["evaluation", "human", 55.9, 33, 44.1, 26, -7, -11.8]]
    rows.append(["evaluation", "llm", 13.6, 8, None, None, None, None])
    columns = "dimension category share_before count_before share_after count_after moved points"
    whole = dict.fromkeys(("count_before", "count_after", "moved"), "Int64")
    return frame(rows, columns).astype({"share_before": "Float64", "share_after": "Float64", "points": "Float64", **whole})


def cross():
    index = pd.Index(["text", "tabular", "multimodal"], name="modality")
    columns = pd.Index(["prompting", "fine-tuning", "specialized"], name="method")
    return pd.DataFrame([[34, 10, 2], [6, 1, 1], [4, 1, 0]], index=index, columns=columns)


def trend():
    counts = {"text": [4, 0, 11, 13], "tabular": [0, 0, 0, 5]}
    totals = [4, 0, 12, 20]
    rows = [
        [
            2021 + i,
            "modality",
            code,
            n,
            total,
            total and 1,
            n / total if total else None,
            n / 30,
            1.0 if n == total else n / total + 0.1,
        ]
        for code, values in counts.items()
        for i, (n, total) in enumerate(zip(values, totals, strict=True))
    ]
    names = ["year", "dimension", "category", "count", "total", "unknown", "share", "low", "high"]
    return pd.DataFrame(rows, columns=names).astype({"share": "Float64"})


def overlaps():
    rows = []
    for count, bits in COMBINATIONS:
        states = [bit == "1" for bit in bits]
        names = [code for code, state in zip(CODES, states, strict=True) if state]
        rows.append(["; ".join(names), *states, len(names), count])
    return pd.DataFrame(rows, columns=["labels", *CODES, "size", "count"])


REASONS = {
    "outside window": 52,
    "generation not shown": 27,
    "no synthetic output": 23,
    "date not shown": 12,
    "not biomedical": 10,
}
REASONS |= {"not a language model": 8, "not a study, but a data set or a shared task": 7, "not primary": 5, "duplicate": 2}


def flow():
    excluded = "\n".join(["Excluded", *(f"{reason}: {count}" for reason, count in REASONS.items())])
    rows = [
        ("identification", "Records found by 356 queries", 404, "box"),
        ("identification", "Duplicates removed", 67, "out"),
        ("screening", "Records screened", 337, "box"),
        ("screening", excluded, 146, "out"),
        ("eligibility", "Studies judged eligible, looked up again", 191, "box"),
        ("eligibility", "Excluded\noutside window: 2", 2, "out"),
        ("eligibility", "Could not be verified\nmethod not shown: 34", 34, "out"),
        ("eligibility", "Verified studies", 155, "box"),
        ("selection", "Not chosen", 96, "out"),
        ("selection", "Selection v2, chosen to meet the published counts", 59, "box"),
    ]
    return pd.DataFrame(rows, columns=["stage", "label", "count", "kind"])


def agreement():
    nan = float("nan")
    rows = [
        ["modality", "", 189, 0.9947, 0.984, 0.947, 1.0, 0.984, 0.947, 1.0, 0.994, 0.981, 1.0],
        ["evaluation", "human", 189, 0.98, 0.9, 0.8, 0.95, 0.9, 0.8, 0.95, 0.95, 0.9, 0.98],
        ["evaluation", "llm", 189, 1.0, nan, nan, nan, nan, nan, nan, 1.0, 1.0, 1.0],
        ["evaluation", "downstream", 12, 1.0, nan, nan, nan, nan, nan, nan, nan, nan, nan],
        ["evaluation", "intrinsic", 30, 0.4, -0.3, -0.6, 0.1, -0.3, -0.6, 0.1, -0.1, -0.4, 0.2],
    ]
    ends = [name + end for name in ("kappa", "alpha", "ac1") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=["dimension", "label", "units", "percent", *ends])


def reasons():
    return pd.DataFrame({"reason": ["outside-window", "not-a-study", "duplicate"], "count": [52, 8, 1]})


TABLES = {
    "agreement": agreement,
    "cross": cross,
    "flow": flow,
    "overlaps": overlaps,
    "reproduction": reproduction,
    "screening_reasons": reasons,
    "shares": evaluation,
    "trend": trend,
    "versions": versions,
}
KINDS = sorted(TABLES)
WIDTHS = ["single", "double"]


def plot(kind, table, **options):
    return getattr(figures, f"plot_{kind}")(table, **options)


def texts(figure):
    return [note.text for note in figure.layout.annotations]


def named(figure, name):
    found = [trace for trace in figure.data if trace.name == name]
    assert len(found) == 1, [trace.name for trace in figure.data]
    return found[0]


def height_of(figure, text):
    """Where a row's name or cell stands on the vertical axis."""
    found = [note.y for note in figure.layout.annotations if note.text == text and note.yref == "y"]
    assert len(found) == 1, texts(figure)
    return found[0]


# What all figures have in common


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_sizes_hold_at_both_widths(kind, width):
    figure = plot(kind, TABLES[kind](), width=width)
    assert figure.layout.width == theme.pixels(width)
    assert figure.layout.height / theme.PIXELS < theme.TALLEST
    assert figure.layout.title.text is None
    content = json.loads(figure.to_json())
    content["layout"].pop("meta")
    fonts, lines = [], []

    def walk(node, path=()):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(value, dict | list):
                walk(value, (*path, key))
            elif key == "size" and "font" in str(path[-1:]):
                fonts.append(value)
            elif key in ("linewidth", "gridwidth", "tickwidth", "thickness", "arrowwidth"):
                lines.append(value)

    walk(content)
    assert min(fonts) >= theme.TEXT
    assert min(lines) / theme.PIXELS >= 0.1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_leaves_the_page(kind, width):
    figure = plot(kind, TABLES[kind](), width=width)
    total = theme.pixels(width)
    for note in figure.layout.annotations:
        if note.xref != "paper" or note.textangle:
            continue
        plain = re.sub("</?b>", "", note.text).replace("&amp;", "&").split("<br>")
        wide = max(theme.extent(line) for line in plain)
        margin = figure.layout.margin
        left, right = margin.l or 0, margin.r or 0
        x = left + note.x * (total - left - right) + (note.xshift or 0)
        start = x - {"left": 0, "center": wide / 2, "right": wide}[note.xanchor]
        assert start >= 0, note.text
        assert start + wide <= total, note.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_table_gives_the_same_figure_and_another_one_does_not(kind):
    table = TABLES[kind]()
    first = plot(kind, table).to_json()
    assert plot(kind, table.copy()).to_json() == first
    assert "uid" not in first
    assert plot(kind, table.iloc[:-1]).to_json() != first
    pd.testing.assert_frame_equal(table, TABLES[kind]())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_resized_is_the_figure_drawn_for_that_width(kind, width):
    other = "double" if width == "single" else "single"
    resized = theme.resize(plot(kind, TABLES[kind](), width=other), width)
    assert json.loads(resized.to_json()) == json.loads(plot(kind, TABLES[kind](), width=width).to_json())


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_give_a_figure_that_says_so(kind):
    figure = plot(kind, TABLES[kind]().iloc[:0])
    (note,) = figure.layout.annotations
    assert note.text.startswith("no ")
    assert figure.data == ()
    assert describe(TABLES[kind]().iloc[:0], kind)


@pytest.mark.parametrize("kind", KINDS)
def test_markup_in_the_data_is_shown_as_it_is(kind):
    table = TABLES[kind]()
    if kind == "cross":
        table = table.rename(index={"text": NASTY}, columns={"prompting": NASTY})
    elif kind == "overlaps":
        table = table.rename(columns={"human": NASTY})
        table["labels"] = table["labels"].str.replace("human", NASTY)
    else:
        column = {"flow": "label", "screening_reasons": "reason", "agreement": "label"}.get(kind, "category")
        table.loc[1, column] = NASTY
    for width in WIDTHS:
        figure = plot(kind, table, width=width)
        content = json.loads(figure.to_json())
        content["layout"].pop("meta", None)
        dumped = json.dumps(content)
        assert "<script" not in dumped
        assert "<b>x" not in dumped
        assert "$y" not in dumped
        assert "&lt;script&gt;" in dumped


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "cross"])
def test_a_table_without_a_needed_column_is_refused_by_name(kind):
    column = {"versions": "points", "agreement": "units"}.get(kind, "count")
    with pytest.raises(ReviewError, match=f"no column {column}"):
        plot(kind, TABLES[kind]().drop(columns=column))


# Shares


@pytest.mark.parametrize("width", WIDTHS)
def test_shares_are_points_with_their_intervals(width):
    figure = figures.plot_shares(modality(), titles=TITLES, width=width)
    points = named(figure, "by construction")
    assert points.x == pytest.approx([100 * n / 59 for n in (46, 8, 5)], abs=1e-4)
    assert [x + up for x, up in zip(points.x, points.error_x.array, strict=True)] == pytest.approx([86.65, 24.54, 18.35])
    assert [x - down for x, down in zip(points.x, points.error_x.arrayminus, strict=True)] == pytest.approx([65.87, 7.03, 3.67])
    axis = figure.layout.yaxis.range
    assert axis[0] > axis[1], "the first category stands on top"
    assert points.y == tuple(sorted(points.y))
    cells = (
        ["46/59", "8/59", "5/59", "78.0", "13.6", "8.5"] if width == "double" else ["46/59 (78.0)", "8/59 (13.6)", "5/59 (8.5)"]
    )
    assert set(cells) <= set(texts(figure))
    first = "46/59" if width == "double" else "46/59 (78.0)"
    assert height_of(figure, first) == height_of(figure, "Unstructured text") == points.y[0]


def test_by_construction_is_hollow_and_named_in_the_picture():
    figure = figures.plot_shares(modality())
    assert named(figure, "by construction").marker.color == "white"
    assert "by construction" in texts(figure)
    found = named(figures.plot_shares(modality("independent")), "independent")
    assert found.marker.color == theme.BLUE
    assert "by construction" not in texts(figures.plot_shares(modality("independent")))


def test_each_status_has_its_own_symbol_and_legend():
    table = pd.concat([modality(status) for status in theme.STATUS_MARKS if status != "not coded"], ignore_index=True)
    figure = figures.plot_shares(table)
    looks = {trace.name: (trace.marker.symbol, trace.marker.color == "white") for trace in figure.data if trace.name}
    assert len(set(looks.values())) == 5
    assert set(looks) <= set(texts(figure))


def test_an_unheard_of_status_is_drawn_and_named_all_the_same():
    figure = figures.plot_shares(modality("half <i>sure</i>"))
    assert named(figure, "half <i>sure</i>").marker.symbol == "hexagon"
    assert "half &lt;i&gt;sure&lt;/i&gt;" in texts(figure)


def test_unknown_codes_are_hatched_from_the_share_on():
    figure = figures.plot_shares(evaluation())
    bars = named(figure, "code not known")
    assert bars.marker.pattern.shape == "/"
    assert bars.base == pytest.approx([100 * n / 59 for n in (16, 26, 0, 45)], abs=1e-4)
    assert bars.x == pytest.approx([100 * n / 59 for n in (43, 33, 59, 14)], abs=1e-4)
    assert {"43", "33", "59", "14", "Unknown"} <= set(texts(figure))
    single = figures.plot_shares(evaluation(), width="single")
    assert "26/59 (44.1)<br>33 unknown" in texts(single)


def test_unknown_in_every_row_alike_is_said_once():
    table = modality().assign(unknown=2)
    figure = figures.plot_shares(table)
    assert "code not known (of 2 studies)" in texts(figure)
    assert "Unknown" not in texts(figure)


def test_what_is_not_coded_has_no_point():
    figure = figures.plot_shares(evaluation())
    assert len(figure.data[0].x) == 1
    y = height_of(figure, "llm")
    drawn = [trace for trace in figure.data if trace.type == "scatter" and trace.yaxis != "y2"]
    assert y not in [value for trace in drawn for value in trace.y]
    assert height_of(figure, "not coded") == y


def test_published_values_are_ticks_on_their_rows():
    figure = figures.plot_shares(modality(), published=reproduction())
    ticks = named(figure, "as printed in the review")
    assert ticks.x == (78.0, 8.4)
    assert ticks.marker.symbol == "line-ns-open"
    assert ticks.y == (height_of(figure, "text"), height_of(figure, "multimodal"))
    assert "as printed in the review" not in texts(figures.plot_shares(modality()))


def test_a_filter_that_leaves_no_study_gives_no_studies():
    table = shares([("text", 0, 0, 0.0, 1.0, "not published")], total=0)
    assert texts(figures.plot_shares(table)) == ["no studies"]
    assert texts(figures.plot_reproduction(reproduction().assign(total=0, count=0, percent=float("nan")))) == ["no studies"]


def test_missing_numbers_do_not_stop_a_figure():
    table = modality()
    table.loc[0, ["share", "low", "high"]] = float("nan")
    table.loc[1, ["low", "high"]] = float("nan")
    points = named(figures.plot_shares(table), "by construction")
    assert len(points.x) == 2
    assert points.error_x.array[0] == points.error_x.arrayminus[0] == 0


# Reproduction and versions


@pytest.mark.parametrize("width", WIDTHS)
def test_reproduction_sets_printed_beside_recomputed(width):
    figure = figures.plot_reproduction(reproduction(), titles=TITLES, width=width)
    ticks = named(figure, "as printed in the review")
    assert ticks.x == (78.0, 8.4, 44.1, 13.6)
    points = named(figure, "by construction")
    assert points.x == (77.97, 8.47)
    assert points.y == ticks.y[:2]
    assert [x + up for x, up in zip(points.x, points.error_x.array, strict=True)] == pytest.approx([86.6, 18.4])
    other = named(figure, "independent")
    assert (other.x, other.y) == ((33.9,), ticks.y[2:3])
    assert other.marker.symbol == "circle"
    assert other.marker.color != "white"
    joined = " ".join(texts(figure)).replace("<br>", " ")
    assert "(count: by difference to 100)" in joined
    assert {"<b>Data modality</b>", "<b>Evaluation</b>"} <= set(texts(figure))
    assert "not coded" in joined
    assert "46/59" in joined


@pytest.mark.parametrize("width", WIDTHS)
def test_versions_join_two_values(width):
    figure = figures.plot_versions(versions(), width=width)
    before, after = named(figure, "v1"), named(figure, "v2")
    assert before.x == (78.0, 55.9, 13.6)
    assert after.x == (78.0, 44.1)
    assert before.marker.symbol != after.marker.symbol
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(78.0, 78.0), (55.9, 44.1)]
    assert height_of(figure, "\u221211.8") == height_of(figure, "\u22127") == after.y[1] == height_of(figure, "human")
    assert {"0.0", "v1", "v2"} <= set(texts(figure))


# Cross tables and trends


def test_cross_shows_every_count_as_text():
    figure = figures.plot_cross(cross(), titles=TITLES)
    (heat,) = figure.data
    assert [list(row) for row in heat.z] == [[34, 10, 2], [6, 1, 1], [4, 1, 0]]
    assert [list(row) for row in heat.text] == [["34", "10", "2"], ["6", "1", "1"], ["4", "1", "0"]]
    assert heat.textfont.color == theme.BLACK
    assert figure.layout.yaxis.ticktext == ("Unstructured text", "Tabular and structured", "Multimodal")
    assert figure.layout.xaxis.ticktext == ("prompting", "fine-tuning", "specialized")
    assert figure.layout.yaxis.autorange == "reversed"
    assert {"Data modality", "Method"} <= set(texts(figure))


def test_cross_turns_a_wide_table_on_its_side_where_it_must():
    wide = pd.DataFrame(
        [range(90, 115), range(25)], index=pd.Index(["a", "b"], name="rows"), columns=[f"c{i}" for i in range(25)]
    )
    single = figures.plot_cross(wide, width="single")
    assert len(single.data[0].z) == 25
    assert [list(row) for row in single.data[0].z][1] == [91, 1]
    assert len(figures.plot_cross(wide, width="double").data[0].z) == 2


def test_cross_refuses_cells_too_narrow_for_their_counts():
    table = pd.DataFrame([[10] * 60] * 60)
    with pytest.raises(ReviewError, match="60 columns do not fit into a single column"):
        figures.plot_cross(table, width="single")


@pytest.mark.parametrize("width", WIDTHS)
def test_cross_leaves_room_for_the_cells_beside_long_names(width):
    long = {"text": "free text of any kind, from discharge letters to interviews, with all their headings and tables"}
    figure = figures.plot_cross(cross(), titles=long, width=width)
    assert figure.layout.width - figure.layout.margin.l - figure.layout.margin.r > 0.3 * theme.pixels(width)
    assert "<br>" in figure.layout.yaxis.ticktext[0]


def test_cross_leaves_missing_cells_empty():
    table = cross().astype(float)
    table.iloc[0, 0] = float("nan")
    (heat,) = figures.plot_cross(table).data
    assert heat.text[0][0] == ""
    assert heat.z[0][0] is None
    assert describe(table, "cross")


@pytest.mark.parametrize("width", WIDTHS)
def test_trend_draws_a_panel_a_category(width):
    figure = figures.plot_trend(trend(), titles=TITLES, width=width)
    enough, few = (trace for trace in figure.data if trace.yaxis == "y")
    assert few.x == (2021,)
    assert few.marker.color == "white"
    assert enough.x == (2023, 2024)
    assert enough.marker.color == theme.BLUE
    assert enough.y == pytest.approx([1100 / 12, 65], abs=1e-4)
    assert [y + up for y, up in zip(enough.y, enough.error_y.array, strict=True)] == pytest.approx([1100 / 12 + 10, 75])
    assert [y - down for y, down in zip(enough.y, enough.error_y.arrayminus, strict=True)] == pytest.approx(
        [1100 / 30, 1300 / 30]
    )
    assert next(trace.y for trace in figure.data if trace.yaxis == "y2") == (0, 25)
    ticks = figure.layout.xaxis.ticktext
    assert [tick.split("<br>")[1] for tick in ticks] == ["4", "0", "12", "20"]
    assert any("fewer than 10" in text.replace("<br>", " ") for text in texts(figure))
    assert {"Unstructured text", "Tabular and structured"} <= set(texts(figure))


@pytest.mark.parametrize("width", WIDTHS)
def test_trend_panels_do_not_overlap(width):
    parts = [trend().assign(category=f"category number {i}") for i in range(12)]
    figure = figures.plot_trend(pd.concat(parts, ignore_index=True).drop_duplicates(["year", "category"]), width=width)
    layout = figure.layout
    boxes = [(*layout[f"xaxis{i or ''}"].domain, *layout[f"yaxis{i or ''}"].domain) for i in [0, *range(2, 13)]]
    for i, (a, b, c, d) in enumerate(boxes):
        assert 0 <= a < b <= 1
        assert 0 <= c < d <= 1
        assert all(b <= e or f <= a or d <= g or h <= c for e, f, g, h in boxes[i + 1 :])


# Overlaps


@pytest.mark.parametrize("width", WIDTHS)
def test_overlaps_draw_combinations_sizes_and_dots(width):
    figure = figures.plot_overlaps(overlaps(), width=width)
    up, held, free, sizes = figure.data
    assert up.y == tuple(count for count, _ in COMBINATIONS)
    assert sizes.x == (9, 16, 1, 40)
    spots = sorted({*held.y, *free.y})
    assert {(x, spots.index(y)) for x, y in zip(held.x, held.y, strict=True)} == {
        (x, y) for x, (_, bits) in enumerate(COMBINATIONS) for y, bit in enumerate(bits) if bit == "1"
    }
    assert len(held.x) + len(free.x) == 24
    assert free.marker.color == "white"
    assert held.marker.size > free.marker.size
    assert [(shape.x0, spots.index(shape.y0), spots.index(shape.y1)) for shape in figure.layout.shapes] == [
        (1, 1, 3),
        (2, 0, 3),
        (5, 0, 3),
    ]
    assert [note.x for note in figure.layout.annotations if note.text == "none"] == [4]
    assert {"20", "11", "8", "40", "16"} <= set(texts(figure))


def test_overlaps_count_what_does_not_fit():
    base = overlaps().iloc[1]
    table = pd.DataFrame([{**base, "count": 40 - i} for i in range(40)])
    figure = figures.plot_overlaps(table, width="single")
    shown = len(figure.data[0].y)
    assert shown < 40
    studies = sum(40 - i for i in range(shown, 40))
    assert f"{40 - shown} rarer combinations ({studies} studies) not shown" in texts(figure)


# Flow


@pytest.mark.parametrize("width", WIDTHS)
def test_flow_has_all_boxes_in_order_and_their_text_fits(width):
    figure = figures.plot_flow(flow(), width=width)
    shapes = figure.layout.shapes
    boxes = [shape for shape in shapes if shape.layer == "above"]
    notes = [note for note in figure.layout.annotations if note.text and not note.textangle]
    assert len(boxes) == len(notes) == 10
    for box, note, row in zip(boxes, notes, flow().itertuples(), strict=True):
        lines = note.text.split("<br>")
        assert " ".join(lines).startswith(str(row.label).split("\n")[0])
        assert f"(n\u00a0=\u00a0{row[3]})" in note.text
        assert max(map(theme.extent, lines)) <= box.x1 - box.x0 - 8
        assert len(lines) * theme.LEADING <= box.y1 - box.y0
        assert box.y0 < note.y < box.y1
        assert 0 <= box.x0 < box.x1 <= theme.pixels(width)
    tops = [box.y0 for box in boxes]
    assert tops == sorted(tops)
    assert all(upper.y1 < lower.y0 for upper, lower in itertools.pairwise(boxes))
    assert boxes[-1].y1 <= figure.layout.height
    outs = [box for box, kind in zip(boxes, flow()["kind"], strict=True) if kind == "out"]
    mains = [box for box, kind in zip(boxes, flow()["kind"], strict=True) if kind == "box"]
    assert min(box.x0 for box in outs) > max(box.x1 for box in mains)


def test_flow_lists_reasons_one_a_line():
    figure = figures.plot_flow(flow())
    (box,) = (text for text in texts(figure) if text.startswith("Excluded (n\u00a0=\u00a0146)"))
    assert box.split("<br>")[1:] == [f"{reason}: {count}" for reason, count in REASONS.items()]
    (narrow,) = (
        text for text in texts(figures.plot_flow(flow(), width="single")) if text.startswith("Excluded (n\u00a0=\u00a0146)")
    )
    assert "<br>\u00a0\u00a0" in narrow, "what wraps of a reason is set in"
    assert narrow.replace("<br>\u00a0\u00a0", " ") == box


def test_flow_has_an_arrow_to_every_box_but_the_first():
    figure = figures.plot_flow(flow())
    heads = [(note.x, note.y) for note in figure.layout.annotations if note.showarrow]
    boxes = [shape for shape in figure.layout.shapes if shape.layer == "above"]
    assert len(heads) == 9
    for box in boxes[1:]:
        assert any(box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1 for x, y in heads)


@pytest.mark.parametrize("width", WIDTHS)
def test_flow_names_each_stage_in_a_band_that_holds_its_name(width):
    figure = figures.plot_flow(flow(), width=width)
    stages = {note.text: note.y for note in figure.layout.annotations if note.textangle == -90}
    bands = [shape for shape in figure.layout.shapes if shape.type == "rect" and shape.layer == "below"]
    assert list(stages) == ["Identification", "Screening", "Eligibility", "Selection"]
    for (name, y), band in zip(stages.items(), bands, strict=True):
        assert band.y0 < y < band.y1
        assert theme.extent(name) <= band.y1 - band.y0
    assert all(upper.y1 < lower.y0 for upper, lower in itertools.pairwise(bands))


def test_flow_makes_room_for_the_name_of_a_short_stage():
    rows = [("a stage with a name longer than its box", "Found", 9, "box"), ("next", "Kept", 9, "box")]
    figure = figures.plot_flow(pd.DataFrame(rows, columns=["stage", "label", "count", "kind"]))
    first, second = (shape for shape in figure.layout.shapes if shape.type == "rect" and shape.layer == "below")
    assert theme.extent(rows[0][0]) <= first.y1 - first.y0
    assert first.y1 < second.y0


# Agreement and reasons


def test_agreement_draws_three_coefficients_with_intervals():
    figure = figures.plot_agreement(agreement(), titles=TITLES)
    kappa, alpha, ac1 = (named(figure, name) for name in ("Cohen's kappa", "Krippendorff's alpha", "Gwet's AC1"))
    assert kappa.x == (0.984, 0.9, -0.3)
    assert ac1.x == (0.994, 0.95, 1.0, -0.1)
    assert [x - down for x, down in zip(kappa.x, kappa.error_x.arrayminus, strict=True)] == pytest.approx([0.947, 0.8, -0.6])
    assert len({trace.marker.symbol for trace in (kappa, alpha, ac1)}) == 3
    assert figure.layout.xaxis.range[0] < -0.6
    assert {"Data modality", "<b>Evaluation</b>", "99.5", "189", "not defined"} <= set(texts(figure))
    assert any("(kappa, alpha undefined)" in text.replace("<br>", " ") for text in texts(figure))


def test_reasons_are_bars_with_counts():
    figure = figures.plot_screening_reasons(reasons())
    (bars,) = figure.data
    assert bars.x == (52, 8, 1)
    assert height_of(figure, "52") == height_of(figure, "Outside window") == bars.y[0]
    table = reasons().assign(stage=["screening", "screening", "verification"], decision="excluded")
    assert {"<b>Screening: excluded</b>", "<b>Verification: excluded</b>"} <= set(texts(figures.plot_screening_reasons(table)))


# Words


def test_alternative_text_holds_numbers_and_status():
    assert describe(modality(), "shares", TITLES) == (
        "Shares of 59 studies by data modality: unstructured text 46 (78.0 %), tabular and structured 8 (13.6 %), "
        "multimodal 5 (8.5 %); all by construction."
    )
    text = describe(evaluation(), "shares")
    assert "human 26 (44.1 %, 33 not known)" in text
    assert "llm not coded" in text
    assert text.endswith("; 2 by construction, 1 not coded, 1 not published.")


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("reproduction", ["text 78.0 and 78.0 %", "multimodal 8.4 and 8.5 %", "human 44.1 and 33.9 %", "llm 13.6 and not coded"]),
        ("versions", ["human 55.9 to 44.1 % (studies \u22127)", "2 of 3 values changed"]),
        ("cross", ["text with prompting 34", "1 of 9 cells empty"]),
        ("trend", ["text 2021 4/4 2022 0/0 2023 11/12 2024 13/20"]),
        ("overlaps", ["47 studies", "human and downstream 11", "none known 3"]),
        ("flow", ["Records found by 356 queries 404", "Not chosen 96"]),
        ("agreement", ["modality 0.98 and 0.99 (99 % of 189)", "llm - and 1.00"]),
        ("screening_reasons", ["61 records", "outside window 52, not a study 8"]),
    ],
)
def test_alternative_text_holds_the_numbers(kind, parts):
    text = describe(TABLES[kind](), kind)
    assert [part for part in parts if part not in text] == []
    assert len(text) <= words.LONGEST


def test_alternative_text_is_cut_by_whole_parts_and_says_so():
    table = pd.concat(
        [modality().assign(category=f"a category with a rather long name {i}") for i in range(40)], ignore_index=True
    )
    text = describe(table, "shares")
    assert len(text) <= words.LONGEST
    shown = text.count("long name")
    assert f"; and {120 - shown} more; all by construction." in text


def test_unknown_kinds_are_refused():
    with pytest.raises(ReviewError, match="no kind of figure named 'pie'"):
        describe(modality(), "pie")
    assert {f"plot_{kind}" for kind in KINDS} == set(figures.__all__)


@pytest.mark.parametrize(
    ("value", "options", "shown"),
    [
        (-11.8, {"sign": True}, "\u221211.8"),
        (1.7, {"sign": True}, "+1.7"),
        (0.0, {"sign": True}, "0.0"),
        (-0.04, {}, "0.0"),
        (None, {}, "-"),
    ],
)
def test_numbers_are_written_for_people(value, options, shown):
    assert words.number(value, **options) == shown


def test_percentages_are_rounded_half_up():
    assert [words.percent(*pair) for pair in ((46, 59), (1, 80), (3, 80), (0, 0))] == ["78.0", "1.3", "3.8", "-"]


def test_the_real_tables_can_be_drawn(real):
    from review import prisma, statistics

    titles = {code: category.title for code, category in real.codebook["evaluation"].categories.items()}
    table = statistics.compute_shares(real, "evaluation")
    figure = figures.plot_shares(table, titles=titles, published=statistics.reproduce(real))
    assert sum(len(trace.x) for trace in figure.data if trace.name in theme.STATUS_MARKS) == 4
    for dimension in ("technique", "modality"):
        for width in WIDTHS:
            drawn = figures.plot_shares(statistics.compute_shares(real, dimension), width=width)
            assert drawn.layout.height / theme.PIXELS < theme.TALLEST
    assert len(figures.plot_flow(prisma.compute_flow(real)).layout.shapes) > 10
    assert figures.plot_screening_reasons(prisma.compute_reasons(real)).data

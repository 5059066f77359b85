"""Pictures of joint counts show their tables: every study once, nothing clipped or on top of another, nothing by colour alone."""

from __future__ import annotations

import copy
import html
import itertools
import json
import math
import re
from collections import Counter

import pandas as pd
import pytest

from review import board, colours, gap_figures, joint, joint_figures, map_figures, map_table, theme
from review import corpus as corpora
from review.errors import ReviewError

WIDTHS = ["single", "double"]
NASTY = "<b>x</b> <script>alert(1)</script> & $y$"
SETS = {
    "v2": ("", "v2", ("modality", "method", "evaluation")),
    "pool": ("", "pool", ("modality", "method", "evaluation")),
    "second": ("examples/second-review", "default", ("family", "technology", "ontologies")),
    "tiny": ("tests/examples/valid/tiny", "all", ("design", "setting", "outcome")),
}
KINDS = ["map", "joint", "gaps"]


class Tables:
    """Everything that is drawn of one corpus."""

    def __init__(self, name):
        folder, selection, (rows, columns, labels) = SETS[name]
        corpus = corpora.load(folder)
        choice = {"selection": selection}
        self.cells = joint.compute_cells(corpus, rows, columns, **choice)
        self.joint = joint.compute_joint(corpus, rows, columns, labels, **choice)
        self.gaps = joint.compute_gaps(corpus, rows, columns, labels, **choice)
        self.studies = map_table.compute_map(corpus, rows, columns, labels, **choice)
        self.codes = joint.codes(corpus, labels)
        self.titles = {
            code: category.title
            for dimension in corpus.codebook.dimensions.values()
            for code, category in dimension.categories.items()
        }

    def draw(self, kind, width="double"):
        options = {"titles": self.titles, "width": width}
        if kind == "map":
            return map_figures.plot_map(self.studies, self.cells, self.codes, **options)
        if kind == "joint":
            return joint_figures.plot_joint(self.joint, self.cells, self.codes, **options)
        return gap_figures.plot_gaps(self.gaps, **options)

    def words(self, kind):
        if kind == "map":
            return map_figures.alt_map(self.studies, self.cells, self.titles)
        return (
            joint_figures.alt_joint(self.joint, self.titles) if kind == "joint" else gap_figures.alt_gaps(self.gaps, self.titles)
        )


@pytest.fixture(scope="module")
def every():
    return {name: Tables(name) for name in SETS}


def plain(text):
    return html.unescape(re.sub("<[^>]*>", "", text))


def boxes(figure):
    """The place that each text takes, in pixels: left, top, right, bottom."""
    found = []
    for note in figure.layout.annotations:
        lines = [plain(line) for line in note.text.split("<br>")]
        bold = "<b>" in note.text
        wide, tall = max(theme.extent(line, bold=bold) for line in lines), len(lines) * theme.TEXT
        if note.textangle:
            wide, tall = tall, wide
        x = note.x - {"left": 0, "center": 0.5, "right": 1}[note.xanchor] * wide
        leading = (theme.LEADING - theme.TEXT) / 2 if note.yanchor != "middle" and not note.textangle else 0
        y = note.y + leading * {"top": 1, "bottom": -1, "middle": 0}[note.yanchor]
        y -= {"top": 0, "middle": 0.5, "bottom": 1}[note.yanchor] * tall
        found.append((x, y, x + wide, y + tall, plain(note.text)))
    return found


def trace(figure, name):
    found = [one for one in figure.data if one.name == name]
    assert len(found) == 1, [one.name for one in figure.data]
    return found[0]


def spots(one):
    return list(zip(one.x, one.y, strict=True))


# What the three figures have in common


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SETS)
def test_no_text_leaves_the_page_or_lies_on_another(every, name, kind, width):
    figure = every[name].draw(kind, width)
    total, height = figure.layout.width, figure.layout.height
    assert total == theme.pixels(width)
    assert height < theme.TALLEST * theme.PIXELS
    places = boxes(figure)
    for left, top, right, bottom, text in places:
        assert left >= -0.5, text
        assert right <= total + 0.5, text
        assert top >= -0.5, text
        assert bottom <= height + 0.5, text
    for one, other in itertools.combinations(places, 2):
        apart = one[2] <= other[0] + 1 or other[2] <= one[0] + 1 or one[3] <= other[1] + 1.5 or other[3] <= one[1] + 1.5
        assert apart, (one, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SETS)
def test_symbols_stay_on_the_page(every, name, kind):
    for width in WIDTHS:
        figure = every[name].draw(kind, width)
        for one in figure.data:
            half = (one.marker.size if "markers" in one.mode else 0) / 2
            for x, y in spots(one):
                if x is not None:
                    assert half - 1 <= x <= figure.layout.width - half + 1
                    assert half - 1 <= y <= figure.layout.height - half + 1


@pytest.mark.parametrize("kind", KINDS)
def test_all_text_has_one_size_and_lines_are_not_too_thin(every, kind):
    content = json.loads(every["v2"].draw(kind).to_json())
    content["layout"].pop("meta")
    sizes = re.findall(r'"font": \{[^}]*"size": ([0-9.]+)', json.dumps(content))
    assert {float(size) for size in sizes} == {theme.TEXT}
    edges = [shape["line"]["width"] for shape in content["layout"].get("shapes", [])]
    edges += [one["line"]["width"] for one in content["data"] if one["mode"] == "lines"]
    assert min(edges) >= theme.THIN


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_is_the_same_each_time_and_knows_its_other_width(every, kind):
    first = every["v2"].draw(kind)
    assert first.to_json() == every["v2"].draw(kind).to_json()
    assert json.loads(theme.resize(first, "single").to_json()) == json.loads(every["v2"].draw(kind, "single").to_json())


@pytest.mark.parametrize("kind", KINDS)
def test_alternative_texts_are_short_and_speak_of_the_table(every, kind):
    for name in SETS:
        text = every[name].words(kind)
        assert 40 < len(text) <= 600
        assert text.endswith(".")
    assert "59" in every["v2"].words(kind) or kind == "gaps"


def test_alternative_texts_say_where_there_is_no_study(every):
    assert "No study: multimodal with specialized model." in every["v2"].words("map")
    assert "unstructured text with prompting 34 (32\u201337)" in every["v2"].words("map")
    gaps = every["v2"].gaps
    empty = ((gaps["count"] == 0) & (gaps["label"] != "")).sum()
    assert every["v2"].words("gaps").startswith(f"{empty} of 36 combinations")
    assert "have studies in no reconstruction" in every["v2"].words("gaps")
    assert "59 studies may have further labels" in every["v2"].words("joint")
    assert "unstructured text, prompting, human in the loop + downstream task 6" in every["v2"].words("joint")


@pytest.mark.parametrize("kind", KINDS)
def test_no_studies_give_a_figure_that_says_so(real, kind):
    where = "year >= 2090"
    names = ("modality", "method", "evaluation")
    cells = joint.compute_cells(real, *names[:2], where=where)
    if kind == "map":
        studies = map_table.compute_map(real, *names, where=where)
        figure, text = map_figures.plot_map(studies, cells, []), map_figures.alt_map(studies, cells)
    elif kind == "joint":
        table = joint.compute_joint(real, *names, where=where)
        figure, text = joint_figures.plot_joint(table, cells, []), joint_figures.alt_joint(table)
    else:
        table = joint.compute_gaps(real, *names, where=where)
        figure, text = gap_figures.plot_gaps(table), gap_figures.alt_gaps(table)
    assert [note.text for note in figure.layout.annotations] == ["no studies"]
    assert text.endswith("no studies.")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_markup_in_the_data_is_shown_as_it_is(every, kind, width):
    tables = every["v2"]
    titles = {**tables.titles, "text": NASTY, "prompting": NASTY, "human": NASTY}
    if kind == "map":
        studies = tables.studies.assign(title=NASTY, citation=NASTY, row_evidence=NASTY, link=NASTY)
        figure = map_figures.plot_map(studies, tables.cells, tables.codes, titles=titles, width=width)
    elif kind == "joint":
        figure = joint_figures.plot_joint(tables.joint, tables.cells, tables.codes, titles=titles, width=width)
    else:
        figure = gap_figures.plot_gaps(tables.gaps, titles=titles, width=width)
    content = json.loads(figure.to_json())
    content["layout"].pop("meta")
    dumped = json.dumps(content)
    assert "<script" not in dumped
    assert "<b>x" not in dumped
    assert "$y" not in dumped
    assert "&lt;b&gt;" in dumped


@pytest.mark.parametrize(("name", "column"), [("studies", "labels"), ("joint", "labels"), ("gaps", "verdict"), ("cells", "min")])
def test_a_table_without_a_needed_column_is_refused_by_name(every, name, column):
    tables = copy.copy(every["v2"])
    setattr(tables, name, getattr(tables, name).drop(columns=column))
    kind = {"studies": "map", "cells": "map"}.get(name, name)
    with pytest.raises(ReviewError, match=f"no column {column}"):
        tables.draw(kind)


# The evidence map


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SETS)
def test_every_study_is_one_circle_and_no_two_overlap(every, name, width):
    figure = every[name].draw("map", width)
    circles = trace(figure, map_figures.STUDY)
    assert len(circles.x) == len(every[name].studies)
    for (x, y), (other, height) in itertools.combinations(spots(circles), 2):
        assert math.hypot(x - other, y - height) >= circles.marker.size + 0.5
    frames = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert len(frames) == len(every[name].cells)
    half = circles.marker.size / 2
    inside = Counter()
    for x, y in spots(circles):
        around = [
            i
            for i, one in enumerate(frames)
            if one.x0 <= x - half and x + half <= one.x1 and one.y0 <= y - half and y + half <= one.y1
        ]
        assert len(around) == 1, "within one cell"
        inside[around[0]] += 1
    assert sorted(inside.values()) == sorted(count for count in every[name].cells["count"] if count)


def test_circles_keep_clear_of_the_numbers_of_their_cells(every):
    for name, width in itertools.product(SETS, WIDTHS):
        figure = every[name].draw("map", width)
        circles = trace(figure, map_figures.STUDY)
        half = circles.marker.size / 2
        for left, top, right, bottom, text in boxes(figure):
            for x, y in spots(circles):
                near = left < x + half and x - half < right and top < y + half - 0.5 and y - half + 0.5 < bottom
                assert not near, (name, width, text)


@pytest.mark.parametrize("width", WIDTHS)
def test_later_studies_stand_to_the_right(every, width):
    tables = every["v2"]
    figure = tables.draw("map", width)
    circles = trace(figure, map_figures.STUDY)
    years = dict(zip(tables.studies["citation"] + tables.studies["title"].str[:8], tables.studies["year"], strict=True))
    frames = sorted({(shape.x0, shape.x1) for shape in figure.layout.shapes})
    found = []
    for (x, _), told in zip(spots(circles), circles.hovertext, strict=True):
        citation, title = plain(told.split("<br>")[0]), plain(told.split("<br>")[1])
        column = next(i for i, (left, right) in enumerate(frames) if left <= x <= right)
        found.append((column, x, years[citation + title[:8]]))
    for column in range(len(frames)):
        ordered = [year for place, _, year in sorted(found) if place == column]
        assert ordered == sorted(ordered)


def test_the_pointer_shows_study_codes_wording_and_link(every):
    tables = every["v2"]
    told = {plain(text.replace("<br>", " ")) for text in trace(tables.draw("map"), map_figures.STUDY).hovertext}
    for study in tables.studies.head(10).to_dict("records"):
        (mine,) = [text for text in told if study["link"] in text.split(" ")]
        assert mine.startswith(study["citation"])
        assert study["title"] in mine
        assert study["row_evidence"][:60] in mine
        assert tables.titles[study["row"]] in mine


def test_parts_of_circles_are_the_labels(every):
    tables = every["v2"]
    figure = tables.draw("map")
    for part, code in enumerate(tables.codes):
        areas = trace(figure, tables.titles[code])
        assert areas.fillcolor == map_figures.COLOURS[part]
        drawn = sum(x is None for x in areas.x) + 1
        assert drawn == tables.studies["labels"].str.split("; ").map(lambda labels, code=code: code in labels).sum()


def test_each_label_has_its_own_part():
    middles = []
    for part in range(4):
        outline = map_figures.sector((0.0, 0.0), 1.0, part, 4)
        middles.append((sum(x for x, _ in outline), sum(y for _, y in outline)))
        assert max(math.hypot(x, y) for x, y in outline) == pytest.approx(1)
    assert [(x > 0, y > 0) for x, y in middles] == [(False, False), (True, False), (True, True), (False, True)], "clockwise"
    half = map_figures.sector((5.0, 5.0), 2.0, 0, 2)
    assert all(y <= 5 + 1e-9 for _, y in half)
    whole = map_figures.sector((0.0, 0.0), 1.0, 0, 1)
    assert (0.0, 0.0) not in whole


def test_colours_of_the_parts_can_be_told_apart():
    for one, other in itertools.combinations(map_figures.COLOURS, 2):
        for vision in colours.VISIONS:
            assert colours.distance(one, other, vision) > 10, (one, other, vision)


def test_studies_without_a_known_label_are_crossed(every):
    tables = every["pool"]
    crosses = trace(tables.draw("map"), board.NOT_REPORTED)
    assert len(crosses.x) == (tables.studies["labels"] == "").sum() > 0
    assert "No label known" in [plain(note.text) for note in tables.draw("map").layout.annotations]
    assert "No label known" not in [plain(note.text) for note in every["v2"].draw("map").layout.annotations]


def test_of_many_labels_the_most_frequent_are_marked_and_the_rest_is_said(every):
    figure = every["second"].draw("map")
    texts = " ".join(plain(note.text.replace("<br>", " ")) for note in figure.layout.annotations)
    assert "marked are 4 of 13 labels, the most frequent" in texts
    assert "Another label" in texts
    assert len(trace(figure, "another label").x) == 23 + 2 + 2 + 1 + 1, "all but the 25 with two marked labels only"


def test_cells_say_how_many_and_how_firm(every):
    texts = [plain(note.text) for note in every["v2"].draw("map").layout.annotations]
    for cell in every["v2"].cells.to_dict("records"):
        span = str(cell["min"]) if cell["min"] == cell["max"] else f"{cell['min']}\u2013{cell['max']}"
        assert f"{cell['count']} ({span})" in texts
    assert texts.count("no study") == 1
    assert not any("(" in text for text in [plain(note.text) for note in every["pool"].draw("map").layout.annotations])


def test_tables_of_different_studies_are_refused(every):
    with pytest.raises(ReviewError, match="not those of the cells"):
        map_figures.plot_map(every["pool"].studies, every["v2"].cells, every["v2"].codes)


def grid(rows, columns, years=(2020, 2021)):
    """Made-up tables: one study a cell on the diagonal."""
    cells = [
        ["r", f"row {i}", "c", f"{'wide' * 8} {j}", int(i == j % rows), None, None] for i in range(rows) for j in range(columns)
    ]
    found = [cell for cell in cells if cell[4]]
    studies = [
        [f"k{i}", "A 2020", "T", years[i % len(years)], "", one[1], one[3], "", "r", "c", "d", "", "", ""]
        for i, one in enumerate(found)
    ]
    names = "key citation title year link row column labels rows columns dimension row_evidence column_evidence labels_evidence"
    return pd.DataFrame(studies, columns=names.split()), pd.DataFrame(
        cells, columns=["rows", "row", "columns", "column", "count", "min", "max"]
    )


def test_a_grid_that_is_too_wide_is_turned():
    studies, cells = grid(2, 5)
    figure = map_figures.plot_map(studies, cells, ["x"])
    frames = figure.layout.shapes
    assert len({(one.y0, one.y1) for one in frames}) == 5
    assert len({(one.x0, one.x1) for one in frames}) == 2
    assert len(trace(figure, map_figures.STUDY).x) == 5


def test_a_grid_that_does_not_fit_at_all_is_refused():
    studies, cells = grid(6, 6)
    with pytest.raises(ReviewError, match="6 columns do not fit into a double column"):
        map_figures.plot_map(studies, cells, ["x"])


@pytest.mark.parametrize(("years", "last"), [((None,), "n.d."), ((2020, None), "n.d."), ((1990, 2025), "2025")])
def test_years_are_printed_as_far_as_there_is_room(years, last):
    studies, cells = grid(2, 2, years)
    texts = [note.text for note in map_figures.plot_map(studies, cells, ["x"]).layout.annotations]
    assert last in texts or last[2:] in texts


# Combinations


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SETS)
def test_numbers_in_the_squares_add_up_to_all_studies(every, name, width):
    tables = every[name]
    figure = tables.draw("joint", width)
    squares = trace(figure, "studies")
    counts = {(round(note.x, 1), round(note.y, 1)): int(note.text) for note in figure.layout.annotations if note.text.isdigit()}
    shown = [counts.get((round(x, 1), round(y, 1)), 0) for x, y in spots(squares)]
    assert sum(shown) == tables.joint["count"].sum() == len(tables.studies)
    told = [int(re.search(r": (\d+)", text.split("<br>")[1]).group(1)) for text in squares.hovertext]
    assert told == shown


def test_squares_are_darker_for_more_studies(every):
    squares = trace(every["v2"].draw("joint"), "studies")
    counts = [int(re.search(r": (\d+)", text.split("<br>")[1]).group(1)) for text in squares.hovertext]
    light = [colours.lab(colour)[0] for colour in squares.marker.color]
    order = sorted(zip(counts, light, strict=True))
    assert all(one[1] >= other[1] - 1e-9 for one, other in itertools.pairwise(order))
    assert min(light) > 60, "black numbers can be read on all of them"


def test_bars_count_the_exact_combinations(every):
    tables = every["v2"]
    sizes = tables.joint.groupby("labels")["count"].sum()
    sizes = sorted((count for count in sizes if count), reverse=True)
    figure = tables.draw("joint")
    bars = [shape for shape in figure.layout.shapes if shape.fillcolor == theme.BLUE]
    heights = [bar.y1 - bar.y0 for bar in bars]
    assert [round(height / max(heights) * sizes[0]) for height in heights] == sizes == [19, 11, 9, 5, 5, 4, 2, 2, 1, 1]


def test_dots_of_the_matrix_are_the_labels(every):
    tables = every["v2"]
    figure = tables.draw("joint")
    has, lacks = trace(figure, "applies"), trace(figure, "not known to apply")
    kept = tables.joint[tables.joint["count"] > 0].drop_duplicates("labels")
    assert len(has.x) == kept["size"].sum()
    assert len(has.x) + len(lacks.x) == len(kept) * len(tables.codes)
    assert has.marker.color != lacks.marker.color == "white"
    assert has.marker.size > lacks.marker.size


def test_what_does_not_fit_is_added_up_not_left_out(every):
    single = every["pool"].draw("joint", "single")
    texts = " ".join(plain(note.text.replace("<br>", " ")) for note in single.layout.annotations)
    assert "The last column adds up the rarer combinations (3 studies)" in texts
    assert "other" in [note.text for note in single.layout.annotations]
    assert "Of 7 studies no label is known" in texts
    assert "other" not in [note.text for note in every["pool"].draw("joint").layout.annotations]


def test_ranges_stand_beside_the_sums_of_the_rows(every):
    texts = [note.text for note in every["v2"].draw("joint").layout.annotations]
    for cell in every["v2"].cells.to_dict("records"):
        if cell["count"]:
            assert board.counted(cell["count"], cell["min"], cell["max"]) in texts


def test_no_room_for_columns_is_an_error(every):
    tables = every["v2"]
    sums = tables.cells.assign(max=10**40, min=1)
    with pytest.raises(ReviewError, match="no room for columns"):
        joint_figures.plot_joint(tables.joint, sums, tables.codes, width="single")


# Gaps


@pytest.mark.parametrize("width", WIDTHS)
def test_symbols_are_the_verdicts(every, width):
    gaps = every["v2"].gaps
    figure = every["v2"].draw("gaps", width)
    for verdict, count in gaps["verdict"].value_counts().items():
        assert len(trace(figure, verdict).x) == count
    looks = {(one.marker.symbol, one.marker.color) for one in figure.data if one.name in joint.VERDICTS}
    assert len({symbol for symbol, _ in looks}) == 3, "the symbol alone tells the verdict"


def test_counts_and_ranges_are_printed(every):
    texts = Counter(plain(note.text) for note in every["v2"].draw("gaps").layout.annotations)
    rows = every["v2"].gaps
    expected = Counter(
        board.counted(row.count_, row.min, row.max) if row.max else "0"
        for row in rows.rename(columns={"count": "count_"}).itertuples()
    )
    assert expected <= texts


def test_large_grids_leave_out_pairs_that_never_have_a_study_and_say_so(every):
    figure = every["second"].draw("gaps")
    texts = " ".join(plain(note.text.replace("<br>", " ")) for note in figure.layout.annotations)
    assert "18 pairs without any study are not shown" in texts
    assert len(trace(figure, joint.FILLED).x) == (every["second"].gaps["count"] > 0).sum()


def test_labels_that_do_not_fit_are_counted(every):
    figure = every["second"].draw("gaps", "single")
    texts = " ".join(plain(note.text.replace("<br>", " ")) for note in figure.layout.annotations)
    assert "of 13 labels, the most frequent" in texts


def test_no_room_for_labels_is_an_error(every):
    with pytest.raises(ReviewError, match="no room for labels"):
        gap_figures.plot_gaps(every["v2"].gaps.assign(max=10**60), width="single")


def test_no_gaps_are_said_to_be_none(every):
    full = every["v2"].gaps.query("count > 0")
    assert "None:" not in gap_figures.alt_gaps(full)
    assert gap_figures.alt_gaps(full).startswith("0 of")


# Words


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("Fine-tuning", 40, ["Fine-", "tuning"]),
        ("Fine-tuning", 400, ["Fine-tuning"]),
        ("One-two three-four", theme.extent("One-two") + 1, ["One-two", "three-", "four"]),
    ],
)
def test_long_words_break_after_hyphens(text, room, lines):
    assert board.fit(text, room) == lines


def test_whole_words_only():
    assert board.whole("Fine-tuning", theme.extent("tuning"))
    assert not board.whole("Finetuning", theme.extent("tuning"))


def test_what_does_not_fit_into_an_alternative_text_is_counted():
    text = board.shortened("Start", ["x" * 100] * 10, ".")
    assert len(text) <= 600
    assert text.endswith("; and 5 more.")
    assert board.shortened("Start", ["x" * 700], ".") == "Start: 1 in the table."
    assert len(board.shortened("S" * 700, ["x"], ".")) == 600

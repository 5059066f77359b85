"""The evidence map: every study a circle in a grid of two dimensions, over its year, its parts filled by the labels of a third.

Evidence maps show where there are studies and where there are none (Miake-Lye et al. 2016, doi 10.1186/s13643-016-0204-x).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from review import theme
from review.board import DASH, NOT_REPORTED, Board, Point, counted, ends, fit, high, named, remark, said, shortened, small
from review.describe import LONGEST, Titles, heading, label, rows_of
from review.errors import ReviewError
from review.joint import split
from review.map_columns import DOT, Column, Place, Study, columns_of, narrow, piled
from review.theme import LEADING, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

COLOURS = (theme.BLUE, theme.VERMILLION, theme.BLACK, theme.SKY)
"""Of the parts of a circle, clockwise from the left: which part is filled says the same."""

STUDY = "studies"
NO_DATE = "n.d."
NEEDED = "key citation title year link row column labels row_evidence column_evidence labels_evidence"
SAID = 150
"""Characters of a coder's wording that are shown under the pointer."""


@two_widths
def plot_map(
    studies: pd.DataFrame, cells: pd.DataFrame, codes: Sequence[str], *, titles: Titles = None, width: Width = "double"
) -> go.Figure:
    """Draw an evidence map.

    Parameters
    ----------
    studies : DataFrame
        As :func:`review.map_table.compute_map` returns it.
    cells : DataFrame
        As :func:`review.joint.compute_cells` returns it for the same studies: the grid, empty cells too, with counts and ranges.
    codes : sequence of str
        Labels that the parts of a circle stand for; of more than four the most frequent ones.
    titles : mapping of str to str, optional
        What to print for a code or a dimension.
    width : {"single", "double"}
        Column width.

    Raises
    ------
    ReviewError
        If the columns do not fit into the width, or the two tables are of different studies.
    """
    grid: list[Study] = [*rows_of(cells, "rows row columns column count min max")]
    people: list[Study] = [*rows_of(studies, NEEDED)]
    if not people:
        return theme.empty(width)
    board = Board(width)
    years, shown = _years(people), _marked(people, codes)
    if narrow(board, grid, titles):
        grid, people = ([_turned(one) for one in found] for found in (grid, people))
    within = _within(people, grid)
    room = (0.2 if width == "single" else 0.16) * board.total
    names = {row: fit(named(row, titles), room) for row in dict.fromkeys(one["row"] for one in grid)}
    left = 12 + LEADING + max(theme.extent(line) for lines in names.values() for line in lines)
    columns = columns_of(board, grid, within, len(years), left, titles)
    heads = {column.name: fit(named(column.name, titles), column.right - column.left - 2) for column in columns}
    board.text(
        theme.escape(heading(grid[0]["columns"], titles)), (left + board.total) / 2, 2, xanchor="center", font_color=theme.MUTED
    )
    top = 6 + LEADING
    bottom = top + max(map(high, heads.values())) + 4
    for column in columns:
        middle = (column.left + column.right) / 2
        board.lines(heads[column.name], middle, bottom - 3, xanchor="center", yanchor="bottom", align="center")
    start, ticks, placed = bottom, [], []
    for row, lines in names.items():
        piles = {column.name: piled(within.get((row, column.name), []), column, years, DOT[width]) for column in columns}
        stack = max((y for spots in piles.values() for _, y in spots), default=0.0) + DOT[width] / 2
        end = bottom + max(LEADING + stack + 10, high(lines) + 6, LEADING * 2 + 8)
        board.lines(lines, left - 5, (bottom + end) / 2, xanchor="right", yanchor="middle", align="right")
        for column in columns:
            cell = next(one for one in grid if (one["row"], one["column"]) == (row, column.name))
            _cell(board, cell, column, bottom, end)
            floor = end - 4
            ticks += [((column.middle(place), end), (column.middle(place), end - 2.5)) for place in range(len(years))]
            spots = [(x, floor - y) for x, y in piles[column.name]]
            placed += list(zip(within.get((row, column.name), []), spots, strict=True))
        bottom = end + 3
    board.strokes(ticks, theme.MUTED, theme.THIN)
    middle = (start + bottom) / 2
    board.text(theme.escape(heading(grid[0]["rows"], titles)), 2 + LEADING / 2, middle, **_UPRIGHT)
    _circles(board, placed, shown, codes, titles)
    for column in columns:
        _year_labels(board, column, years, bottom)
    bottom = _legend(board, shown, people, bottom + LEADING + 6, titles)
    notes = _notes(len(shown), len(codes), ranges=any(one["max"] is not None for one in grid))
    return board.draw(remark(board, notes, bottom))


def _notes(shown: int, labels: int, *, ranges: bool) -> list[str]:
    """Return what the reader has to know."""
    few = f"; marked are {shown} of {labels} labels, the most frequent" if shown < labels else ""
    return [
        "A circle is a study, over the year of its cited version.",
        f"A part that is not filled: not known to apply{few}.",
        "Numbers: studies in the cell" + (", in brackets the smallest and greatest over all reconstructions." if ranges else "."),
    ]


_UPRIGHT: dict[str, Any] = {"textangle": -90, "xanchor": "center", "yanchor": "middle", "font_color": theme.MUTED}


def _within(people: Sequence[Study], grid: Sequence[Mapping[str, Any]]) -> dict[Place, list[Study]]:
    """Return the studies of each cell: by year, those with the same labels side by side."""
    found: dict[Place, list[Study]] = {}
    for study in sorted(people, key=lambda one: (one["year"] or math.inf, len(split(one["labels"])), one["labels"], one["key"])):
        found.setdefault((study["row"], study["column"]), []).append(study)
    if {place: len(cell) for place, cell in found.items()} != {
        (one["row"], one["column"]): one["count"] for one in grid if one["count"]
    }:
        raise ReviewError("the studies are not those of the cells -> compute both tables for the same selection and dimensions")
    return found


def _years(people: Sequence[Study]) -> list[int | None]:
    """Return every year from the first to the last, and None if a study has none."""
    known = [int(study["year"]) for study in people if study["year"] is not None]
    years: list[int | None] = list(range(min(known), max(known) + 1)) if known else []
    return [*years, *([None] if len(known) < len(people) else [])]


def _marked(people: Sequence[Study], codes: Sequence[str]) -> list[str]:
    """Return the labels that circles show, in the order of the codebook: at most as many as there are colours."""
    counts = Counter(code for study in people for code in split(study["labels"]))
    most = sorted(codes, key=lambda code: -counts[code])[: len(COLOURS)]
    return [code for code in codes if code in most]


def _turned(row: Study) -> Study:
    """Return a row of a table with rows and columns exchanged."""
    names = {"rows": "columns", "row": "column", "row_evidence": "column_evidence"}
    names |= {column: name for name, column in names.items()}
    return {names.get(name, name): value for name, value in row.items()}


def _cell(board: Board, cell: Mapping[str, Any], column: Column, top: float, bottom: float) -> None:
    """Put the frame of a cell and how many studies it has."""
    empty = not cell["count"]
    board.box((column.left, top), (column.right, bottom), theme.PALE if empty else "white", theme.HATCH)
    span = ends(cell["min"], cell["max"])
    board.text(f"<b>{cell['count']}</b>" + (f" ({span})" if span else ""), column.left + 2, top + 1)
    if empty:
        middle = ((column.left + column.right) / 2, (top + LEADING + bottom) / 2)
        board.text("no study", *middle, xanchor="center", yanchor="middle", font_color=theme.MUTED)


def sector(middle: Point, radius: float, part: int, parts: int) -> list[Point]:
    """Return the outline of one of several equal parts of a circle, clockwise from the left; y grows downwards."""
    angles = [math.pi * (1 - 2 * part / parts) - step * 2 * math.pi / parts / 6 for step in range(7)]
    arc = [(middle[0] + radius * math.cos(angle), middle[1] - radius * math.sin(angle)) for angle in angles]
    return arc if parts == 1 else [middle, *arc, middle]


def _circles(
    board: Board, placed: Sequence[tuple[Study, Point]], shown: Sequence[str], codes: Sequence[str], titles: Titles
) -> None:
    """Put the circles of all studies, with their filled parts."""
    size = DOT[board.width]
    for part, code in enumerate(shown):
        outlines = [sector(spot, size / 2, part, len(shown)) for study, spot in placed if code in split(study["labels"])]
        board.areas(outlines, COLOURS[part], theme.escape(label(code, titles)))
    others = set(codes) - set(shown)
    board.dots([spot for study, spot in placed if others & set(split(study["labels"]))], _other(size), name="another label")
    board.dots([spot for study, spot in placed if not study["labels"]], _nothing(size), name=NOT_REPORTED)
    room = min(90 * theme.PIXELS, 0.7 * board.total)
    hover = [_hover(study, room, titles) for study, _ in placed]
    board.dots([spot for _, spot in placed], _ring(size), hover, STUDY)


def _ring(size: float) -> dict[str, Any]:
    return {"symbol": "circle-open", "size": round(size, 2), "color": theme.INK, "line": {"width": 0.8, "color": theme.INK}}


def _other(size: float) -> dict[str, Any]:
    return {"symbol": "circle", "size": round(0.4 * size, 2), "color": "white", "line": {"width": 0.8, "color": theme.INK}}


def _nothing(size: float) -> dict[str, Any]:
    return {"symbol": "x-thin-open", "size": round(0.5 * size, 2), "color": theme.INK, "line": {"width": 1, "color": theme.INK}}


def _hover(study: Study, room: float, titles: Titles) -> str:
    """Return what is shown of a study under the pointer: who, what, its codes and the wording behind them, where to read it."""
    lines = [study["citation"], study["title"]]
    for name, dimension in (("row", "rows"), ("column", "columns"), ("labels", "dimension")):
        ground = study[f"{name}_evidence"]
        ground = ground if len(ground) <= SAID else f"{ground[:SAID].rstrip()}\u2026"
        lines.append(
            f"{heading(study[dimension], titles)}: {named(study[name], titles)}" + (f" {DASH} {ground}" if ground else "")
        )
    if study["link"]:
        lines.append(study["link"])
    return theme.markup([part for line in lines for part in theme.wrap(line, room)])


def _year_labels(board: Board, column: Column, years: Sequence[int | None], y: float) -> None:
    """Put the years under a column, as many as there is room for."""
    short = column.band < theme.extent("2020") + 3
    texts = [NO_DATE if year is None else str(year)[2:] if short else str(year) for year in years]
    if texts == [NO_DATE]:
        board.text(NO_DATE, column.middle(0), y, xanchor="center")
        return
    every = math.ceil((theme.extent("00" if short else "0000") + 3) / column.band)
    last = len(texts) - 1 - (years[-1] is None)
    places = list(range(last, -1, -every))
    if (
        years[-1] is None
        and column.middle(len(years) - 1) - column.middle(last) > theme.extent(NO_DATE) / 2 + theme.extent(texts[last]) / 2
    ):
        places.append(len(years) - 1)
    for place in places:
        half = theme.extent(texts[place]) / 2
        middle = min(max(column.middle(place), column.left + half), column.right - half)
        board.text(texts[place], middle, y, xanchor="center")


def _legend(board: Board, shown: Sequence[str], people: Sequence[Study], y: float, titles: Titles) -> float:
    """Put which part of a circle stands for which label; return where the legend ends."""
    size, x = 1.3 * DOT[board.width], 4.0
    labels = [(part, label(code, titles)) for part, code in enumerate(shown)]
    more = [(-1, "Another label")] if any(set(split(study["labels"])) - set(shown) for study in people) else []
    none = [(-2, "No label known")] if any(not study["labels"] for study in people) else []
    for part, text in [*labels, *more, *none]:
        if x > 4 and x + size + 5 + theme.extent(text) > board.total - 2:
            x, y = 4.0, y + LEADING + 4
        middle = (x + size / 2, y + size / 2)
        if part >= 0:
            board.areas([sector(middle, size / 2, part, len(shown))], COLOURS[part])
        else:
            board.dots([middle], _other(size) if part == -1 else _nothing(size))
        board.dots([middle], _ring(size))
        board.text(theme.escape(text), x + size + 5, y + size / 2, yanchor="middle")
        x += size + 5 + theme.extent(text) + 14
    return y + size + 6


def alt_map(studies: pd.DataFrame, cells: pd.DataFrame, titles: Titles = None) -> str:
    """Return the alternative text of :func:`plot_map`."""
    grid = rows_of(cells, "rows row columns column count min max")
    if not len(studies):
        return "Evidence map: no studies."
    ordered = sorted(grid, key=lambda one: -one["count"])
    spans = any(one["max"] is not None for one in grid)
    start = f"Evidence map of {len(studies)} studies by {small(heading(grid[0]['rows'], titles))} and "
    start += small(heading(grid[0]["columns"], titles)) + (", in brackets the range over all reconstructions" if spans else "")
    empty = [_pair(one, titles) for one in ordered if not one["count"]]
    full = [f"{_pair(one, titles)} {counted(one['count'], one['min'], one['max'])}" for one in ordered if one["count"]]
    gaps = f" No study: {'; '.join(empty)}." if empty else " No cell is empty."
    table = " The table lists every study."
    text = shortened(start, full, f".{gaps}{table}", " cells")
    counts = f"{len(full)} cells have studies, {len(empty)} have none."
    return text if text.endswith(table) else f"{start}. {counts}{table}"[:LONGEST]


def _pair(cell: Mapping[str, Any], titles: Titles) -> str:
    return f"{said(cell['row'], titles)} with {said(cell['column'], titles)}"

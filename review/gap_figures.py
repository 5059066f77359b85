"""Where there are no studies: every pair of codes with every label of a third dimension, and whether it must or may have any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review import theme
from review.board import ROW, Board, ends, fit, high, named, remark, said, shortened, small, whole
from review.describe import Titles, heading, rows_of
from review.errors import ReviewError
from review.joint import ALWAYS, EMPTY, FILLED, NEVER, SOMETIMES, UNKNOWN
from review.theme import LEADING, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Row = Mapping[str, Any]
Pair = tuple[str, str]
MARKS = {
    ALWAYS: ("square", theme.BLUE),
    SOMETIMES: ("diamond-open", theme.VERMILLION),
    NEVER: ("x-thin-open", theme.MUTED),
    FILLED: ("square", theme.BLUE),
    EMPTY: ("x-thin-open", theme.MUTED),
}
"""Symbol and colour of each verdict of :data:`review.joint.VERDICTS`."""

FEW = 12
"""Pairs of codes that are all drawn, empty ones too."""

NEEDED = "rows row columns column dimension label count cell min max verdict"


@two_widths
def plot_gaps(table: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw for every pair of codes and every label whether there are studies, and whether there must or may be any.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.joint.compute_gaps` returns it.
    titles : mapping of str to str, optional
        What to print for a code or a dimension.
    width : {"single", "double"}
        Column width.

    Returns
    -------
    Figure
        A symbol for the verdict, the count, and its exact range where there is one. Of more labels than fit the most frequent.
    """
    rows = rows_of(table, NEEDED)
    if not any(row["cell"] for row in rows):
        return theme.empty(width)
    board = Board(width)
    grid = _Grid.of(board, rows, titles)
    bottom = _heads(board, grid, heading(rows[0]["dimension"], titles), titles)
    found = {(row["row"], row["column"], row["label"]): row for row in rows}
    points: dict[str, list[tuple[tuple[float, float], str]]] = {}
    before = None
    for pair, lines in grid.names.items():
        if pair[0] != before:
            before = pair[0]
            board.text(f"<b>{theme.escape(named(before, titles))}</b>", 2, bottom + 3)
            bottom += LEADING + 6
        size = max(ROW, high(lines) + 4, grid.least)
        board.lines(lines, grid.left - 8, bottom + size / 2, xanchor="right", yanchor="middle", align="right")
        board.strokes([((grid.left - 4, bottom), (board.total - 2, bottom))], theme.GRID, theme.LINE)
        for place, code in enumerate(grid.shown):
            row = found[*pair, code]
            spot = _cell(board, grid, row, grid.left + place * grid.step + 8, (bottom, bottom + size))
            points.setdefault(row["verdict"], []).append((spot, _told(row, titles)))
        bottom += size
    for verdict, marks in points.items():
        board.dots([spot for spot, _ in marks], _mark(verdict), [told for _, told in marks], verdict)
    bottom = _key(board, [verdict for verdict in MARKS if verdict in points], bottom + 8)
    return board.draw(remark(board, grid.notes, bottom))


@dataclass(frozen=True)
class _Grid:
    """What is drawn of a table, and where.

    Attributes
    ----------
    names : mapping
        Lines of text for each pair that is drawn.
    shown : list of str
        Labels that are drawn.
    left, step : float
        Where the labels start, and the width of each.
    ranges, beside : bool
        Whether there are ranges; whether they stand beside the counts, not below.
    notes : list of str
        What the reader has to know.
    """

    names: Mapping[Pair, list[str]]
    shown: list[str]
    left: float
    step: float
    ranges: bool
    beside: bool
    notes: list[str]

    @classmethod
    def of(cls, board: Board, rows: Sequence[Row], titles: Titles) -> _Grid:
        """Find what fits."""
        ranges = any(row["max"] is not None for row in rows)
        pairs, hidden = _pairs(rows)
        room = (0.25 if board.width == "single" else 0.26) * board.total
        names = {pair: fit(f"{named(pair[1], titles)} ({cell})", room) for pair, cell in pairs.items()}
        left = 14 + max(theme.extent(line) for lines in names.values() for line in lines)
        widest = max(theme.extent(ends(row["min"], row["max"])) for row in rows)
        need = max(18 + max(theme.extent(str(row["count"])) for row in rows), 10 + widest)
        every = list(dict.fromkeys(row["label"] for row in rows))
        shown = _frequent(rows, every, int((board.total - left - 2) // need))
        step = (board.total - left - 2) / len(shown)
        notes = ["Numbers: studies of the selection that are known to have the label" + (", and their range." if ranges else ".")]
        notes += ["A study counts for each of its labels; in brackets after a name: all studies of the pair."]
        if len(shown) < len(every):
            notes.append(f"Shown are {len(shown)} of {len(every)} labels, the most frequent.")
        if hidden:
            notes.append(f"{hidden} pairs without any study are not shown.")
        return cls(names, shown, left, step, ranges, step >= 32 + widest + theme.extent("00"), notes)

    @property
    def least(self) -> float:
        """Height that a row needs at least."""
        return 2 * LEADING + 4 if self.ranges and not self.beside else ROW


def _pairs(rows: Sequence[Row]) -> tuple[dict[Pair, int], int]:
    """Return the pairs of codes with their studies, and how many are left out: in a large grid those that never have any."""
    pairs = {(row["row"], row["column"]): row["cell"] for row in rows}
    alive = {(row["row"], row["column"]) for row in rows if row["cell"] or row["max"]}
    kept = {pair: cell for pair, cell in pairs.items() if len(pairs) <= FEW or pair in alive}
    return kept, len(pairs) - len(kept)


def _frequent(rows: Sequence[Row], every: Sequence[str], most: int) -> list[str]:
    """Return the labels that fit, in their order; the most frequent ones where not all do."""
    if most < 1:
        raise ReviewError("the names leave no room for labels -> choose a greater width")
    counts = dict.fromkeys(every, 0)
    for row in rows:
        counts[row["label"]] += row["count"]
    kept = sorted(every, key=lambda code: -counts[code])[:most]
    return [code for code in every if code in kept]


def _heads(board: Board, grid: _Grid, title: str, titles: Titles) -> float:
    """Put the names of the labels, upright if they are too long; return where they end."""
    names = [named(code, titles) for code in grid.shown]
    heads = [fit(name, grid.step - 4) for name in names]
    level = all(whole(name, grid.step - 4) for name in names) and max(map(len, heads)) <= 3
    tall = max(map(high, heads)) if level else max(map(theme.extent, names))
    board.text(theme.escape(title), grid.left + 2, 2, font_color=theme.MUTED)
    bottom = 16 + LEADING + tall
    for place, (name, lines) in enumerate(zip(names, heads, strict=True)):
        x = grid.left + place * grid.step
        if level:
            board.lines(lines, x + 2, bottom - 4, yanchor="bottom")
        else:
            board.text(theme.escape(name), x + 10, bottom - 4, textangle=-90, xanchor="center", yanchor="bottom")
    return bottom


def _cell(board: Board, grid: _Grid, row: Row, x: float, between: tuple[float, float]) -> tuple[float, float]:
    """Put the count of a cell and its range; return where its symbol stands."""
    below = grid.ranges and not grid.beside
    y = between[0] + 2 + LEADING / 2 if below else sum(between) / 2
    if row["verdict"] == EMPTY:
        return x, y
    span = ends(row["min"], row["max"]) if row["max"] else ""
    aside = f" <span style='color:{theme.MUTED}'>({span})</span>" if span and not below else ""
    board.text(f"{row['count']}{aside}", x + 8, y, yanchor="middle")
    if span and below:
        board.text(span, x - 4, y + LEADING / 2, font_color=theme.MUTED)
    return x, y


def _told(row: Row, titles: Titles) -> str:
    """Return what is shown of a cell under the pointer."""
    span = ends(row["min"], row["max"])
    count = f"{row['count']} of {row['cell']} studies" + (f", range {span}" if span else "")
    names = f"{named(row['row'], titles)}, {named(row['column'], titles)}"
    return theme.markup([names, f"{named(row['label'], titles)}: {count}", row["verdict"]])


def _mark(verdict: str) -> dict[str, Any]:
    symbol, colour = MARKS[verdict]
    return theme.mark(symbol, colour, 7 if symbol.startswith("x") else 8)


def _key(board: Board, verdicts: Sequence[str], y: float) -> float:
    """Put what the symbols mean; return where the legend ends."""
    x = 4.0
    for verdict in verdicts:
        text = f"studies {verdict}" if verdict in (ALWAYS, SOMETIMES, NEVER) else verdict
        if x > 4 and x + 16 + theme.extent(text) > board.total - 2:
            x, y = 4.0, y + LEADING + 3
        board.dots([(x + 4, y + LEADING / 2)], _mark(verdict))
        board.text(theme.escape(text), x + 14, y + LEADING / 2, yanchor="middle")
        x += 14 + theme.extent(text) + 16
    return y + LEADING + 6


def alt_gaps(table: pd.DataFrame, titles: Titles = None) -> str:
    """Return the alternative text of :func:`plot_gaps`."""
    rows = rows_of(table, NEEDED)
    if not any(row["cell"] for row in rows):
        return "Gaps: no studies."
    names = [small(heading(rows[0][name], titles)) for name in ("rows", "columns", "dimension")]
    cells = [row for row in rows if row["label"] != UNKNOWN]
    empty = [row for row in cells if not row["count"]]
    start = f"{len(empty)} of {len(cells)} combinations of {names[0]}, {names[1]} and label of {names[2]} have no known study"
    verdicts = [verdict for verdict in (ALWAYS, SOMETIMES, NEVER) if any(row["verdict"] == verdict for row in cells)]
    if verdicts:
        counts = [f"{sum(row['verdict'] == verdict for row in cells)} have studies {verdict}" for verdict in verdicts]
        start += f"; {', '.join(counts)}"
    if not empty:
        return f"{start}."
    parts = [", ".join(said(row[name], titles) for name in ("row", "column", "label")) for row in empty]
    return shortened(f"{start}. None", parts, ".")

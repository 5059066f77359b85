"""Codes of three dimensions at once: how often they occur together.

Labels overlap, so the third dimension is drawn by the exact combinations of its labels, as in an UpSet plot (Lex et al. 2014,
doi 10.1109/TVCG.2014.2346248): every study is counted once. Bands from code to code (parallel sets) were not chosen: two thirds
of the studies would lie in one of them, and single studies, which matter here, would be hairlines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from review import theme
from review.board import ROW, Board, counted, ends, fit, high, named, remark, said, shortened, small
from review.describe import Titles, heading, label, rows_of
from review.errors import ReviewError
from review.joint import SEPARATOR, UNKNOWN, split
from review.theme import LEADING, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Row = Mapping[str, Any]
NARROWEST, WIDEST = 15.0, 48.0
"""Pixels of a column."""

BARS = 46.0
"""Pixels of the tallest bar."""

OTHERS = SEPARATOR
"""The column of rarer combinations: no combination is written like that."""


@two_widths
def plot_joint(
    table: pd.DataFrame, cells: pd.DataFrame, codes: Sequence[str], *, titles: Titles = None, width: Width = "double"
) -> go.Figure:
    """Draw how many studies have each pair of codes and each exact combination of labels.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.joint.compute_joint` returns it.
    cells : DataFrame
        As :func:`review.joint.compute_cells` returns it for the same studies: sums of the rows, with their ranges.
    codes : sequence of str
        Labels of the third dimension, in the order of the codebook; of more than eight those that occur.
    titles : mapping of str to str, optional
        What to print for a code or a dimension.
    width : {"single", "double"}
        Column width.

    Returns
    -------
    Figure
        Columns are combinations, the most frequent first; what does not fit is added up in a last column.
    """
    rows = [row for row in rows_of(table, "rows row columns column dimension labels size open count min max") if row["count"]]
    sums = {(row["row"], row["column"]): row for row in rows_of(cells, "row column count min max") if row["count"]}
    if not rows:
        return theme.empty(width)
    board = Board(width)
    occurring = {code for row in rows for code in split(row["labels"])}
    shown = [code for code in codes if len(codes) <= 8 or code in occurring]
    room = (0.3 if width == "single" else 0.24) * board.total
    sides = {code: fit(label(code, titles), room) for code in shown}
    pairs = list(dict.fromkeys((row["row"], row["column"]) for row in rows))
    wrapped = {pair: fit(named(pair[1], titles), room - 6) for pair in pairs}
    left = 13 + max(theme.extent(line) for lines in (*sides.values(), *wrapped.values()) for line in lines)
    totals = {pair: counted(sums[pair]["count"], sums[pair]["min"], sums[pair]["max"]) for pair in pairs}
    right = 8 + max(theme.extent("Studies"), *map(theme.extent, totals.values()))
    columns, inside = _columns(rows, int((board.total - left - right) // NARROWEST))
    step = min(WIDEST, (board.total - left - right) / len(columns))
    middles = {name: left + (place + 0.5) * step for place, name in enumerate(columns)}
    bottom = _bars(board, columns, middles, step, left)
    bottom = _matrix(board, middles, sides, left, bottom)
    edge = left + step * len(columns)
    board.text(theme.escape("Studies"), edge + right - 2, bottom - LEADING, xanchor="right", font_color=theme.MUTED)
    most, before = max(inside.values()), None
    squares: list[tuple[tuple[float, float], int, str]] = []
    for pair in pairs:
        if pair[0] != before:
            before = pair[0]
            board.text(f"<b>{theme.escape(named(before, titles))}</b>", 2, bottom + 3)
            bottom += LEADING + 6
        size = max(ROW, high(wrapped[pair]) + 4)
        y = bottom + size / 2
        board.lines(wrapped[pair], left - 6, y, xanchor="right", yanchor="middle", align="right")
        board.text(totals[pair], edge + right - 2, y, xanchor="right", yanchor="middle")
        for name, x in middles.items():
            count = inside.get((*pair, name), 0)
            told = f"{named(pair[0], titles)}, {named(pair[1], titles)}\n{_combination(name, titles)}: {count}"
            told += "".join(f" (range {span})" for span in [_span(rows, pair, name)] if span)
            squares.append(((x, y), count, theme.markup(told.split("\n"))))
        bottom += size
    side = min(step, ROW) - 2
    shade = {"color": [_shade(count / most) for _, count, _ in squares], "line": {"width": theme.THIN, "color": theme.HATCH}}
    marker = {"symbol": "square", "size": round(side, 2), **shade}
    board.dots([spot for spot, _, _ in squares], marker, [told for _, _, told in squares], "studies")
    for spot, count, _ in squares:
        if count:
            board.text(str(count), *spot, xanchor="center", yanchor="middle")
    return board.draw(remark(board, _notes(rows, columns, any(row["max"] is not None for row in sums.values())), bottom + 4))


def _columns(rows: Sequence[Row], most: int) -> tuple[dict[str, int], dict[tuple[str, str, str], int]]:
    """Return the combinations that are drawn with their counts, the most frequent first, and the counts inside."""
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row["labels"]] = sizes.get(row["labels"], 0) + row["count"]
    order = sorted(sizes, key=lambda labels: (-sizes[labels], len(split(labels)), labels))
    if most < 2:
        raise ReviewError("the names leave no room for columns -> choose a greater width")
    kept = order if len(order) <= most else order[: most - 1]
    columns = {labels: sizes[labels] for labels in kept}
    if len(kept) < len(order):
        columns[OTHERS] = sum(sizes[labels] for labels in order[most - 1 :])
    inside: dict[tuple[str, str, str], int] = {}
    for row in rows:
        name = row["labels"] if row["labels"] in columns else OTHERS
        place = (row["row"], row["column"], name)
        inside[place] = inside.get(place, 0) + row["count"]
    return columns, inside


def _bars(board: Board, columns: Mapping[str, int], middles: Mapping[str, float], step: float, left: float) -> float:
    """Put a bar for each combination; return where they stand."""
    floor, most = 4 + LEADING + BARS, max(columns.values())
    board.lines(
        ["Studies with", "exactly these"],
        left - 6,
        floor,
        xanchor="right",
        yanchor="bottom",
        align="right",
        font_color=theme.MUTED,
    )
    for name, count in columns.items():
        tall, half = BARS * count / most, min(0.3 * step, 8.0)
        board.box((middles[name] - half, floor - tall), (middles[name] + half, floor), theme.BLUE, theme.BLUE)
        board.text(str(count), middles[name], floor - tall, xanchor="center", yanchor="bottom")
    board.strokes([((left, floor), (left + step * len(columns), floor))], theme.INK, theme.THIN)
    return floor + 4


def _matrix(board: Board, middles: Mapping[str, float], sides: Mapping[str, Sequence[str]], left: float, top: float) -> float:
    """Put which labels each combination has; return where the matrix ends."""
    heights = {code: max(ROW - 2, high(lines) + 3) for code, lines in sides.items()}
    spots, y = {}, top
    for code, size in heights.items():
        spots[code] = y + size / 2
        board.lines(sides[code], left - 6, spots[code], xanchor="right", yanchor="middle", align="right")
        y += size
    on, off, strokes = [], [], []
    for name, x in middles.items():
        if name == OTHERS:
            board.text("other", x, (top + y) / 2, textangle=-90, xanchor="center", yanchor="middle")
            continue
        held = [spots[code] for code in spots if code in split(name)]
        on += [(x, spot) for spot in held]
        off += [(x, spot) for spot in spots.values() if spot not in held]
        strokes += [((x, held[0]), (x, held[-1]))] if len(held) > 1 else []
    board.strokes(strokes, theme.INK, 1.6)
    board.dots(off, theme.mark("circle-open", theme.HATCH, 6), name="not known to apply")
    board.dots(on, theme.mark("circle", theme.INK, 9), name="applies")
    return y + 6


def _combination(name: str, titles: Titles) -> str:
    """Return a column's name inside a sentence."""
    return "other combinations" if name == OTHERS else named(name, titles)


def _span(rows: Sequence[Row], pair: tuple[str, str], name: str) -> str:
    return next((ends(row["min"], row["max"]) for row in rows if (row["row"], row["column"], row["labels"]) == (*pair, name)), "")


def _shade(share: float) -> str:
    """Return a colour from white to sky blue."""
    parts = [round(255 + (int(theme.SKY[place : place + 2], 16) - 255) * share) for place in (1, 3, 5)]
    return "#" + "".join(f"{part:02X}" for part in parts)


def _notes(rows: Sequence[Row], columns: Mapping[str, int], ranges: bool) -> list[str]:
    undecided, total = sum(row["open"] for row in rows), sum(row["count"] for row in rows)
    notes = ["Filled: the label is known to apply; open: not known to apply."]
    if undecided:
        notes.append(f"{undecided} of {total} studies may have further labels that are not known.")
    if UNKNOWN in columns:
        notes.append(f"Of {columns[UNKNOWN]} studies no label is known.")
    if OTHERS in columns:
        notes.append(f"The last column adds up the rarer combinations ({columns[OTHERS]} studies).")
    return [*notes, "In brackets: smallest and greatest count over all reconstructions." if ranges else ""]


def alt_joint(table: pd.DataFrame, titles: Titles = None) -> str:
    """Return the alternative text of :func:`plot_joint`."""
    rows = [row for row in rows_of(table, "rows row columns column dimension labels open count") if row["count"]]
    if not rows:
        return "Combinations of codes: no studies."
    names = [small(heading(rows[0][name], titles)) for name in ("rows", "columns", "dimension")]
    start = f"{sum(row['count'] for row in rows)} studies by {names[0]}, {names[1]} and exact combination of {names[2]}"
    order = sorted(rows, key=lambda row: -row["count"])
    parts = [f"{_words(row, titles)} {row['count']}" for row in order]
    undecided = sum(row["open"] for row in rows)
    end = f". {undecided} studies may have further labels." if undecided else "."
    return shortened(start, parts, end)


def _words(row: Row, titles: Titles) -> str:
    return ", ".join(said(row[name], titles) for name in ("row", "column", "labels"))

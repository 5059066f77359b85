"""Pictures of exact ranges: bars from the smallest to the greatest count, with the chosen selection marked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from review import theme
from review.describe import Titles, heading, label, rows_of
from review.theme import Chart, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

CHOSEN = "in the committed selection"
FIXED = "fixed by a published count"
RANGE = "possible in some reconstruction"
DRAWS = "random reconstructions (larger: more of them)"


def _bar() -> dict[str, Any]:
    return {"color": "#BFD7EA", "line": {"width": theme.THIN, "color": theme.BLUE}, "pattern": {"shape": ""}}


def _marker(*, fixed: bool) -> dict[str, Any]:
    return theme.mark("circle-open", theme.BLACK) if fixed else theme.mark("diamond", theme.VERMILLION)


@two_widths
def plot_ranges(table: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw the range of each count over all reconstructions.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.sensitivity.compute_bounds` returns it.
    titles : mapping of str to str, optional
        What to print for a code or dimension.
    width : {"single", "double"}
        Column width.
    """
    import plotly.graph_objects as go

    rows = rows_of(table, "dimension category min max chosen total scenario fixed")
    if not rows:
        return theme.empty(width, "no ranges")
    chart = Chart(width, ("Range", "Chosen"))
    places, dimension = [], None
    for row in rows:
        if row["dimension"] != dimension:
            dimension = row["dimension"]
            chart.head(heading(dimension, titles))
        span = str(row["min"]) if row["min"] == row["max"] else f"{row['min']}\u2013{row['max']}"
        places.append(chart.row(label(row["category"], titles), (span, "-" if row["chosen"] is None else str(row["chosen"]))))
    keys = {RANGE: _bar()} | {CHOSEN: _marker(fixed=False)}
    if any(row["fixed"] for row in rows):
        keys[FIXED] = _marker(fixed=True)
    total = max(row["total"] for row in rows)
    figure = chart.draw(f"Studies, of {total}", (-0.02 * total, 1.02 * total), keys)
    lengths = [row["max"] - row["min"] for row in rows]
    hover = [f"{theme.escape(row['category'])}: {row['min']} to {row['max']}" for row in rows]
    place = {"y": places, "base": [row["min"] for row in rows], "orientation": "h", "width": [9.0] * len(rows)}
    figure.add_trace(go.Bar(x=lengths, **place, name=RANGE, marker=_bar(), hovertext=hover, hoverinfo="text"))
    for fixed, name in ((False, CHOSEN), (True, FIXED)):
        points = [
            (y, row["chosen"]) for y, row in zip(places, rows, strict=True) if row["fixed"] is fixed and row["chosen"] is not None
        ]
        xs, ys = [x for _, x in points], [y for y, _ in points]
        figure.add_trace(go.Scatter(x=xs, y=ys, mode="markers", name=name, marker=_marker(fixed=fixed), hoverinfo="x+name"))
    return figure


def alt_ranges(table: pd.DataFrame, titles: Titles = None) -> str:
    """Return the alternative text of :func:`plot_ranges`."""
    rows = rows_of(table, "category min max chosen total scenario fixed")
    if not rows:
        return "Ranges: no categories."
    fixed = sum(row["fixed"] for row in rows)
    free = [row for row in rows if not row["fixed"]]
    widest = sorted(free, key=lambda row: (row["min"] - row["max"], row["category"]))[:6]
    parts = [f"{label(row['category'], titles).lower()} {row['min']} to {row['max']}" for row in widest]
    start = f"Ranges of {len(rows)} counts over all reconstructions of {rows[0]['total']} studies, scenario {rows[0]['scenario']}"
    ends = f"; {fixed} are fixed by published counts" if fixed else ""
    return f"{start}{ends}. Widest: {', '.join(parts)}." if parts else f"{start}{ends}."


@two_widths
def plot_draws(draws: pd.DataFrame, cells: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw how far the cells of a cross table differ between reconstructions.

    Parameters
    ----------
    draws : DataFrame
        As :func:`review.sensitivity.compute_draws` returns it.
    cells : DataFrame
        As :func:`review.sensitivity.compute_cell_bounds` returns it, for the same dimensions.
    titles, width
        As in :func:`plot_ranges`.
    """
    import plotly.graph_objects as go

    rows = rows_of(cells, "row column min max")
    counts = Counter(zip(draws["row"], draws["column"], draws["count"], strict=True))
    if not rows or not counts:
        return theme.empty(width, "no reconstructions")
    chart = Chart(width, ("Range",))
    places, head = [], None
    for row in rows:
        if row["row"] != head:
            head = row["row"]
            chart.head(label(head, titles))
        span = str(row["min"]) if row["min"] == row["max"] else f"{row['min']}\u2013{row['max']}"
        places.append(chart.row(label(row["column"], titles), (span,)))
    dot = theme.mark("circle", theme.VERMILLION, 7)
    greatest = max(row["max"] for row in rows)
    figure = chart.draw("Studies in the cell", (-0.03 * greatest - 0.5, 1.03 * greatest + 0.5), {RANGE: _bar(), DRAWS: dot})
    place = {"y": places, "base": [row["min"] for row in rows], "orientation": "h", "width": [9.0] * len(rows)}
    lengths = [row["max"] - row["min"] for row in rows]
    figure.add_trace(go.Bar(x=lengths, **place, name=RANGE, marker=_bar(), hoverinfo="skip"))
    total = int(draws["draw"].nunique())
    where = {(row["row"], row["column"]): y for row, y in zip(rows, places, strict=True)}
    found = sorted(counts.items())
    points = [(where[row, column], int(count), size) for (row, column, count), size in found if (row, column) in where]
    sizes = [3 + 8 * (size / total) ** 0.5 for _, _, size in points]
    marker = {**dot, "size": [round(size, 3) for size in sizes], "opacity": 0.85}
    text = [f"{count} studies in {size} of {total} draws" for _, count, size in points]
    xs, ys = [x for _, x, _ in points], [y for y, _, _ in points]
    figure.add_trace(go.Scatter(x=xs, y=ys, mode="markers", name=DRAWS, marker=marker, hovertext=text, hoverinfo="text"))
    return figure


def alt_draws(draws: pd.DataFrame, cells: pd.DataFrame, titles: Titles = None) -> str:
    """Return the alternative text of :func:`plot_draws`."""
    rows = rows_of(cells, "row column min max")
    total = int(draws["draw"].nunique())
    widest = sorted(rows, key=lambda row: (row["min"] - row["max"], row["row"], row["column"]))[:4]
    parts = [
        f"{label(row['row'], titles).lower()} and {label(row['column'], titles).lower()} {row['min']} to {row['max']}"
        for row in widest
    ]
    start = f"Cells of a cross table: exact ranges and {total} random reconstructions, whose frequencies are no probabilities"
    return f"{start}. Widest: {', '.join(parts)}."

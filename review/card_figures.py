"""Pictures of report cards: grades side by side, and values beside what real data get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from review import theme
from review.describe import number, rows_of
from review.evaluation.metrics import FAIL, FAMILIES, NOT_ASSESSABLE, PASS, UNCLEAR
from review.figures import add_points, tick_marker
from review.theme import Chart, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MARKS = {
    PASS: theme.mark("circle", theme.BLUE),
    UNCLEAR: theme.mark("diamond-open", theme.ORANGE),
    FAIL: theme.mark("x", theme.VERMILLION),
    NOT_ASSESSABLE: theme.mark("line-ew-open", theme.MUTED),
}
SYNTHETIC, REAL = "synthetic against real", "real against real"
SIDES = (theme.mark("circle", theme.VERMILLION), theme.mark("square-open", theme.BLUE))
EDGE = "edge"
MOST = 40
"""Rows that a picture of values shows."""


@two_widths
def plot_grades(table: pd.DataFrame, *, width: Width = "double") -> go.Figure:
    """Draw grades of several cards: a row an aspect, a column a card.

    Parameters
    ----------
    table : DataFrame
        ``series, family, aspect, grade``, in the order in which they are drawn.
    width : {"single", "double"}
        Column width.
    """
    rows = rows_of(table, "series family aspect grade")
    if not rows:
        return theme.empty(width, "no grades")
    series = list(dict.fromkeys(row["series"] for row in rows))
    chart = Chart(width)
    heading = max(theme.extent(name) for name in series) + 10
    top = chart.row("", least=heading)
    heights: dict[tuple[str, str], float] = {}
    for family, title in FAMILIES.items():
        aspects = dict.fromkeys(row["aspect"] for row in rows if row["family"] == family)
        if aspects:
            chart.head(title)
        for aspect in aspects:
            heights[family, aspect] = chart.row(aspect.capitalize())
    data: dict[str, list[Any]] = {name: [] for name in MARKS}
    for row in rows:
        words = [row["series"], f"{FAMILIES[row['family']]}: {row['aspect']}", row["grade"]]
        place = series.index(row["series"])
        data[row["grade"]].append((heights[row["family"], row["aspect"]], place, None, None, theme.markup(words)))
    used = {name: MARKS[name] for name, points in data.items() if points}
    figure = chart.draw("", (-0.5, len(series) - 0.5), used)
    figure.update_xaxes(showticklabels=False, ticks="", showline=False, tickvals=list(range(len(series))), selector=0)
    for name, marker in used.items():
        add_points(figure, data[name], name, marker)
    for place, name in enumerate(series):
        look = {"textangle": -90, "xanchor": "center", "yanchor": "bottom", "bgcolor": "white"}
        theme.note(figure, theme.escape(name), place, top + heading / 2 - 2, xref="x", yref="y", **look)
    return figure


def alt_grades(table: pd.DataFrame) -> str:
    """Return the alternative text of :func:`plot_grades`."""
    rows = rows_of(table, "series family aspect grade")
    if not rows:
        return "Grades: none."
    parts = []
    for series in dict.fromkeys(row["series"] for row in rows):
        own = [row for row in rows if row["series"] == series]
        counts = [f"{sum(row['grade'] == name for row in own)} {name}" for name in MARKS]
        failing = [row["aspect"] for row in own if row["grade"] == FAIL]
        parts.append(f"{series}: {', '.join(counts)}{' (fails: ' + ', '.join(failing) + ')' if failing else ''}")
    return f"Grades of report cards. {'; '.join(parts)}."


@two_widths
def plot_beside(
    table: pd.DataFrame,
    *,
    title: str = "Value, interval",
    names: tuple[str, str] = (SYNTHETIC, REAL),
    width: Width = "double",
) -> go.Figure:
    """Draw values of synthetic against real data beside those of real against real data.

    Parameters
    ----------
    table : DataFrame
        Rows of :meth:`review.evaluation.card.Card.measured` that can share one axis: ``title, subject, value, low, high,
        baseline, baseline_low, baseline_high, edge``. The first :data:`MOST` of them with a value are drawn.
    title : str
        Of the horizontal axis.
    names : tuple of str
        What the values are, and what their baselines are.
    width : {"single", "double"}
        Column width.
    """
    columns = "title subject value low high baseline baseline_low baseline_high edge"
    rows = [row for row in rows_of(table, columns) if row["value"] is not None][:MOST]
    if not rows:
        return theme.empty(width, "no values")
    chart = Chart(width)
    data: dict[str, list[Any]] = {name: [] for name in names}
    edges = []
    heading = None
    for row in rows:
        if row["title"] != heading:
            heading = row["title"]
            chart.head(heading)
        y = chart.row(row["subject"] or "all", least=30)
        hover = [row["subject"] or row["title"], f"{number(row['value'])} against {number(row['baseline'])}"]
        for offset, side, prefix in ((-5, names[0], ""), (5, names[1], "baseline_")):
            value = row["baseline"] if prefix else row["value"]
            bounds = (row[f"{prefix}low"], row[f"{prefix}high"])
            data[side].append((y + offset, value, *bounds, theme.markup([side, *hover])))
        if row["edge"] is not None:
            edges.append((y, row["edge"], None, None, theme.markup([f"edge {number(row['edge'])}"])))
    numbers = [at for points in data.values() for point in points for at in point[1:4] if at is not None]
    numbers += [point[1] for point in edges]
    low, high = min([0.0, *numbers]), max(numbers)
    room = 0.03 * ((high - low) or 1.0)
    keys = {**dict(zip(names, SIDES, strict=True)), **({EDGE: tick_marker()} if edges else {})}
    figure = chart.draw(title, (low - room, high + room), keys)
    for name, marker in keys.items():
        add_points(figure, edges if name == EDGE else data[name], name, marker)
    return figure


def alt_beside(table: pd.DataFrame, names: tuple[str, str] = (SYNTHETIC, REAL)) -> str:
    """Return the alternative text of :func:`plot_beside`."""
    rows = [row for row in rows_of(table, "title subject value baseline") if row["value"] is not None][:MOST]
    if not rows:
        return "Values: none."
    parts = [
        f"{row['title']}{' of ' + row['subject'] if row['subject'] else ''} {number(row['value'])} "
        f"({'no baseline' if row['baseline'] is None else number(row['baseline'])})"
        for row in rows[:20]
    ]
    rest = f"; and {len(rows) - 20} more" if len(rows) > 20 else ""
    return f"Values, {names[0]} ({names[1]} in brackets): {'; '.join(parts)}{rest}."

"""Pictures of what a demonstration did: what became of the items, rates with intervals, the loss of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from review import theme
from review.describe import number, percent, rows_of
from review.figures import add_points
from review.theme import Chart, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

ACCEPTED = "accepted"
REJECTED = "rejected"
MARKS = {ACCEPTED: theme.mark("circle", theme.BLUE), REJECTED: theme.mark("diamond-open", theme.VERMILLION)}
SERIES = (("circle", "solid"), ("square-open", "dash"), ("diamond", "dot"), ("cross", "dashdot"), ("x", "longdash"))
"""Symbol and line of the first, second ... series, so that no colour stands alone."""


ABBREVIATIONS = {"pr": "PR", "qrs": "QRS", "qt": "QT"}


def _words(code: str) -> str:
    if code in ABBREVIATIONS:
        return ABBREVIATIONS[code]
    return code[:1].upper() + code[1:].replace("-", " ").replace("_", " ")


@two_widths
def plot_outcomes(table: pd.DataFrame, *, width: Width = "double") -> go.Figure:
    """Draw which part of the items was accepted, and which was rejected for what reason.

    Parameters
    ----------
    table : DataFrame
        As :meth:`review.generators.dataset.Dataset.outcomes` returns it.
    width : {"single", "double"}
        Column width.
    """
    rows = [row for row in rows_of(table, "group outcome count total share low high") if row["total"]]
    if not rows:
        return theme.empty(width, "no items")
    wide = width == "double"
    chart = Chart(width, ("Items", "%") if wide else ("Items (%)",))
    grouped = len({row["group"] for row in rows}) > 1
    data: dict[str, list[Any]] = {name: [] for name in MARKS}
    group = None
    for row in rows:
        if grouped and row["group"] != group:
            group = row["group"]
            chart.head(_words(group))
        counted, share = f"{row['count']}/{row['total']}", percent(row["count"], row["total"])
        name = _words(row["outcome"])
        y = chart.row(name, (counted, share) if wide else (f"{counted} ({share})",))
        kind = ACCEPTED if row["outcome"] == ACCEPTED else REJECTED
        hover = theme.markup([name, row.get("meaning") or "", f"{counted} ({share} %)"])
        data[kind].append((y, *(round(100 * row[key], 4) for key in ("share", "low", "high")), hover))
    used = {name: MARKS[name] for name, points in data.items() if points}
    figure = chart.draw("Share of the items asked for (%), 95 % interval", (-2, 102), used)
    for name, marker in used.items():
        add_points(figure, data[name], name, marker)
    return figure


def alt_outcomes(table: pd.DataFrame) -> str:
    """Return the alternative text of :func:`plot_outcomes`."""
    rows = [row for row in rows_of(table, "group outcome count total") if row["total"]]
    if not rows:
        return "Outcomes: no items."
    grouped = len({row["group"] for row in rows}) > 1
    parts = [f"{row['group']}: " * grouped + f"{row['outcome']} {row['count']} of {row['total']}" for row in rows]
    return f"What became of the generated items: {_some(parts)}."


def _some(parts: list[str], most: int = 14) -> str:
    rest = f"; and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + rest


@two_widths
def plot_rates(table: pd.DataFrame, *, title: str = "Rate (%), 95 % interval", width: Width = "double") -> go.Figure:
    """Draw rates with their intervals, several series beside one another.

    Parameters
    ----------
    table : DataFrame
        ``name, count, total, share, low, high`` (shares from 0 to 1) and optionally ``series``; rows of one name stand together.
    title : str
        Of the horizontal axis.
    width : {"single", "double"}
        Column width.
    """
    rows = [row for row in rows_of(table, "name count total share low high") if row["total"]]
    if not rows:
        return theme.empty(width, "nothing to rate")
    names = list(dict.fromkeys(row["name"] for row in rows))
    series = list(dict.fromkeys(str(row.get("series") or "") for row in rows))
    chart = Chart(width, ("Count",))
    data: dict[str, list[Any]] = {name: [] for name in series}
    for name in names:
        members = [row for row in rows if row["name"] == name]
        counts = "\n".join(f"{row['count']}/{row['total']}" for row in members)
        middle = chart.row(_words(name), (counts,), least=6 + 13.4 * len(members))
        for index, row in enumerate(members):
            y = middle + 13.4 * (index - (len(members) - 1) / 2)
            label = str(row.get("series") or "")
            hover = theme.markup([_words(name), label, f"{row['count']} of {row['total']}"])
            data[label].append((y, *(round(100 * row[key], 4) for key in ("share", "low", "high")), hover))
    marks = {name: theme.mark(SERIES[i % len(SERIES)][0], theme.PALETTE[i % len(theme.PALETTE)]) for i, name in enumerate(series)}
    figure = chart.draw(title, (-2, 102), {name: marker for name, marker in marks.items() if name})
    for name, marker in marks.items():
        add_points(figure, data[name], theme.escape(name), marker)
    return figure


def alt_rates(table: pd.DataFrame) -> str:
    """Return the alternative text of :func:`plot_rates`."""
    rows = [row for row in rows_of(table, "name count total") if row["total"]]
    if not rows:
        return "Rates: nothing to rate."
    parts = [
        f"{row['name']}{' (' + str(row['series']) + ')' if row.get('series') else ''} {row['count']} of {row['total']}"
        for row in rows
    ]
    return f"Rates with 95 % intervals: {_some(parts)}."


@two_widths
def plot_training(table: pd.DataFrame, *, title: str = "Loss (nats per token)", width: Width = "double") -> go.Figure:
    """Draw a loss by step, one line a series.

    Parameters
    ----------
    table : DataFrame
        ``step, loss`` and optionally ``series``.
    title : str
        Of the vertical axis.
    width : {"single", "double"}
        Column width.
    """
    import plotly.graph_objects as go

    rows = rows_of(table, "step loss")
    if not rows:
        return theme.empty(width, "no training")
    total = theme.pixels(width)
    series = list(dict.fromkeys(str(row.get("series") or "") for row in rows))
    named = [name for name in series if name]
    legend = 17.0 * len(named)
    foot = 40 + legend
    height = 150 + foot
    figure = theme.canvas(width, height)
    hidden: dict[str, Any] = {"visible": False}
    figure.update_layout(
        xaxis={"domain": [44 / total, 1 - 12 / total], "title": {"text": "Step"}, "showgrid": False},
        yaxis={"domain": [foot / height, 1 - 8 / height], "title": {"text": theme.escape(title)}, "rangemode": "tozero"},
        xaxis2={"domain": [0, 1], "range": [0, total], "anchor": "y2", **hidden},
        yaxis2={"domain": [0, max(legend, 1) / height], "range": [max(legend, 1), 0], "anchor": "x2", **hidden},
    )
    for index, name in enumerate(series):
        symbol, dash = SERIES[index % len(SERIES)]
        colour = theme.PALETTE[index % len(theme.PALETTE)]
        line = {"color": colour, "width": 2 * theme.LINE, "dash": dash}
        members = [row for row in rows if str(row.get("series") or "") == name]
        look = {"line": line, "marker": theme.mark(symbol, colour, 6), "name": theme.escape(name)}
        mode = "lines+markers" if len(members) <= 24 else "lines"
        xs, ys = [row["step"] for row in members], [round(row["loss"], 4) for row in members]
        figure.add_trace(go.Scatter(x=xs, y=ys, mode=mode, hoverinfo="x+y+name" if name else "x+y", **look))
        if name:
            y = 17.0 * named.index(name) + 8
            key = {"x": [48, 64, 80], "y": [y] * 3, "mode": mode, "xaxis": "x2", "yaxis": "y2", "hoverinfo": "skip"}
            figure.add_trace(go.Scatter(**key, **look))
            theme.note(figure, theme.escape(name), 88 / total, y, yref="y2", yanchor="middle")
    return figure


def alt_training(table: pd.DataFrame) -> str:
    """Return the alternative text of :func:`plot_training`."""
    rows = rows_of(table, "step loss")
    if not rows:
        return "Training: no steps."
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(str(row.get("series") or "loss"), []).append(row)
    parts = []
    for name, members in groups.items():
        ends = [f"{number(row['loss'], 2)} at step {row['step']}" for row in (members[0], members[-1])]
        parts.append(f"{name} {ends[0]} to {ends[1]}")
    return f"Loss by step of training: {_some(parts)}."

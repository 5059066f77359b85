"""Pictures of synthetic tables: values beside real ones, distances beside those of real rows, shares beside known chances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from review import theme
from review.describe import number
from review.describe import rows_of as checked
from review.theme import Chart, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

REAL, SYNTHETIC = "real rows learnt from", "synthetic rows"
BASELINE, MEDIAN = "real rows against real rows, middle 95 %", "their median"
CHANCE, KNOWN = "what chance explains, middle 95 %", "known probability"
WITHIN, BEYOND = "generated, explained by chance", "generated, not explained by chance"
AGAIN = "simulated again"
SYMBOLS = ("circle", "diamond-open", "square", "cross", "triangle-up-open", "x")
"""Of the first, second ... generator of a comparison."""

TICK = {"symbol": "line-ns-open", "size": 13, "color": theme.BLACK, "line": {"width": 1.6, "color": theme.BLACK}}
PANEL, GAP, TITLE = 86.0, 34.0, 18.0
"""Height of a panel, of the room below it for its axis, and of its title, in layout pixels."""


def _bar() -> dict[str, Any]:
    pattern = {"shape": "/", "fgcolor": theme.HATCH, "bgcolor": theme.PALE, "size": 4, "solidity": 0.2}
    return {"color": theme.PALE, "line": {"width": theme.THIN, "color": theme.HATCH}, "pattern": pattern}


def _flat() -> dict[str, Any]:
    return {"color": "#D9E8F3", "line": {"width": theme.THIN, "color": theme.BLUE}, "pattern": {"shape": ""}}


def rows_of(table: pd.DataFrame, needed: str) -> list[dict[str, Any]]:
    """Return the rows of a measure as plain values; one that was not taken has neither rows nor columns."""
    return checked(table, needed) if len(table) else []


@two_widths
def plot_marginals(table: pd.DataFrame, *, width: Width = "double") -> go.Figure:
    """Draw how the values of each column are spread: bars for real rows, a line with symbols for synthetic ones.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.generators.tabular_fidelity.marginals` returns it.
    width : {"single", "double"}
        Column width.
    """
    import plotly.graph_objects as go

    rows = rows_of(table, "column kind unit bin low high real synthetic")
    if not rows:
        return theme.empty(width, "too few rows to compare")
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        panels.setdefault(row["column"], []).append(row)
    across = min(4 if width == "double" else 2, len(panels))
    down = -(-len(panels) // across)
    total, foot = theme.pixels(width), 24.0
    height = down * (TITLE + PANEL + GAP) + foot
    figure = theme.canvas(width, height)
    room = (total - 4) / across
    figure.update_layout(
        barmode="overlay",
        xaxis2={"domain": [0, 1], "range": [0, total], "visible": False, "anchor": "y2"},
        yaxis2={"domain": [0, foot / height], "range": [foot, 0], "visible": False, "anchor": "x2"},
    )
    line = theme.mark("diamond", theme.VERMILLION, 5)
    for place, (name, members) in enumerate(panels.items()):
        left, top = (place % across) * room, (place // across) * (TITLE + PANEL + GAP)
        axis = str(place + 3)  # the first is not used, the second is that of the legend
        numeric = members[0]["kind"] == "number"
        xs = [(row["low"] + row["high"]) / 2 for row in members] if numeric else list(range(len(members)))
        widths = [row["high"] - row["low"] for row in members] if numeric else [0.6] * len(members)
        ticks = {"nticks": 4} if numeric else {"tickvals": xs, "ticktext": [theme.escape(row["bin"]) for row in members]}
        across_axis = {
            "domain": [(left + 30) / total, (left + room - 8) / total],
            "anchor": f"y{axis}",
            "showgrid": False,
            **ticks,
        }
        upper, lower = 1 - (top + TITLE) / height, 1 - (top + TITLE + PANEL) / height
        up = {"domain": [lower, upper], "anchor": f"x{axis}", "rangemode": "tozero", "nticks": 4}
        figure.update_layout({f"xaxis{axis}": across_axis, f"yaxis{axis}": up})
        on = {"x": xs, "xaxis": f"x{axis}", "yaxis": f"y{axis}", "hoverinfo": "text"}
        for kind in ("real", "synthetic"):
            shares = [round(100 * row[kind], 3) for row in members]
            text = [
                theme.markup([name, str(row["bin"]), f"{share:.1f} % of {kind} rows"])
                for row, share in zip(members, shares, strict=True)
            ]
            if kind == "real":
                figure.add_trace(go.Bar(y=shares, width=widths, marker=_flat(), name=REAL, hovertext=text, **on))
            else:
                look = {
                    "mode": "lines+markers" if numeric else "markers",
                    "line": {"color": theme.VERMILLION, "width": theme.LINE},
                }
                marker = line if numeric else {**line, "size": 9}
                figure.add_trace(go.Scatter(y=shares, marker=marker, name=SYNTHETIC, hovertext=text, **look, **on))
        title = theme.wrap(name + (f" ({members[0]['unit']})" if members[0]["unit"] else ""), room - 10)[0]
        theme.note(figure, theme.escape(title), (left + 4) / total, 1 - top / height)
    theme.swatch(figure, _flat(), 12, 14)
    theme.note(figure, REAL, 24 / total, 14, yref="y2", yanchor="middle")
    theme.swatch(figure, line, 40 + theme.extent(REAL), 14)
    theme.note(figure, f"{SYNTHETIC} (%)", (50 + theme.extent(REAL)) / total, 14, yref="y2", yanchor="middle")
    return figure


def alt_marginals(table: pd.DataFrame) -> str:
    """Return the alternative text of :func:`plot_marginals`."""
    rows = rows_of(table, "column bin real synthetic")
    if not rows:
        return "Values by column: too few rows to compare."
    parts = []
    for name in dict.fromkeys(row["column"] for row in rows):
        members = [row for row in rows if row["column"] == name]
        widest = max(members, key=lambda row: abs(row["real"] - row["synthetic"]))
        shares = f"real {100 * widest['real']:.0f} %, synthetic {100 * widest['synthetic']:.0f} %"
        parts.append(f"{name} in {widest['bin']}: {shares}")
    return f"Values of {len(parts)} columns in real and synthetic rows; where they differ most: {'; '.join(parts)}."


@two_widths
def plot_fidelity(table: pd.DataFrame, *, width: Width = "double") -> go.Figure:
    """Draw distances of synthetic from real rows, beside the distances of real rows from each other.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.generators.tabular_fidelity.fidelity` returns it; with a column ``series``, several generators stand
        beside one another, and the baseline is that of the first.
    width : {"single", "double"}
        Column width.
    """
    import plotly.graph_objects as go

    rows = [row for row in rows_of(table, "measure statistic synthetic real low high rows") if row["synthetic"] is not None]
    if not rows:
        return theme.empty(width, "too few rows to compare")
    series = list(dict.fromkeys(str(row.get("series") or "synthetic rows") for row in rows))
    chart = Chart(width, ("Synthetic", "Real") if len(series) == 1 else ("Real",))
    places: dict[str, float] = {}
    firsts: list[dict[str, Any]] = []
    for row in rows:
        if row["measure"] not in places:
            cells = (number(row["synthetic"], 2), number(row["real"], 2))
            places[row["measure"]] = chart.row(str(row["measure"]), cells if len(series) == 1 else cells[1:])
            firsts.append(row)
    marks = {name: theme.mark(SYMBOLS[i % len(SYMBOLS)], theme.PALETTE[i % len(theme.PALETTE)]) for i, name in enumerate(series)}
    known = [row for row in firsts if row["low"] is not None]
    greatest = max([row["synthetic"] for row in rows] + [row["high"] for row in known])
    keys = {**marks, BASELINE: _bar(), MEDIAN: TICK}
    figure = chart.draw("Distance from the rows learnt from", (-0.02 * greatest, 1.05 * greatest), keys)
    ys = [places[row["measure"]] for row in known]
    base = {"y": ys, "base": [row["low"] for row in known], "orientation": "h", "width": [9.0] * len(known)}
    lengths = [round(row["high"] - row["low"], 6) for row in known]
    figure.add_trace(go.Bar(x=lengths, **base, name=BASELINE, marker=_bar(), hoverinfo="skip"))
    middles = [row["real"] for row in known]
    figure.add_trace(go.Scatter(x=middles, y=ys, mode="markers", marker=TICK, name=MEDIAN, hoverinfo="x+name"))
    for name, marker in marks.items():
        own = [row for row in rows if str(row.get("series") or "synthetic rows") == name]
        xs, heights = [row["synthetic"] for row in own], [places[row["measure"]] for row in own]
        text = [theme.markup([str(row["measure"]), str(row["statistic"]), name, number(row["synthetic"], 3)]) for row in own]
        look = {"mode": "markers", "marker": marker, "name": theme.escape(name), "hovertext": text, "hoverinfo": "text"}
        figure.add_trace(go.Scatter(x=xs, y=heights, **look))
    return figure


def alt_fidelity(table: pd.DataFrame) -> str:
    """Return the alternative text of :func:`plot_fidelity`."""
    rows = [row for row in rows_of(table, "measure synthetic real low high rows") if row["synthetic"] is not None]
    if not rows:
        return "Distances of synthetic from real rows: too few rows to compare."
    parts = []
    for row in rows:
        name = f"{row['series']}, {row['measure']}" if row.get("series") else str(row["measure"])
        span = "" if row["low"] is None else f" (real {number(row['low'], 2)} to {number(row['high'], 2)})"
        parts.append(f"{name} {number(row['synthetic'], 2)}{span}")
    return f"Distances of {rows[0]['rows']} synthetic rows from the real rows learnt from: {'; '.join(parts)}."


@two_widths
def plot_transitions(table: pd.DataFrame, *, width: Width = "double") -> go.Figure:
    """Draw the shares in generated courses beside the probabilities of the simulator.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.generators.tabular_courses.transitions` returns it, or some of its rows.
    width : {"single", "double"}
        Column width.
    """
    import plotly.graph_objects as go

    rows = rows_of(table, "table given word known generated total low high inside simulated")
    if not rows:
        return theme.empty(width, "no courses")
    chart = Chart(width, ("Generated", "Known", "Draws") if width == "double" else ("Generated,\nknown",))
    places, head = [], None
    for row in rows:
        if row["table"] != head:
            head = row["table"]
            chart.head(str(head).capitalize())
        shares = (number(row["generated"], 2), number(row["known"], 2))
        cells = (*shares, str(row["total"])) if width == "double" else (", ".join(shares),)
        places.append(chart.row(f"{row['given']} \u2192 {row['word']}", cells))
    markers = {
        KNOWN: TICK,
        AGAIN: theme.mark("square-open", theme.MUTED, 7),
        WITHIN: theme.mark("circle", theme.BLUE),
        BEYOND: theme.mark("x", theme.VERMILLION, 9),
    }
    values: dict[str, list[tuple[float, float, str]]] = {name: [] for name in markers}
    for y, row in zip(places, rows, strict=True):
        text = theme.markup([f"{row['given']} \u2192 {row['word']}", f"known {row['known']}", f"generated {row['generated']}"])
        values[KNOWN].append((y, row["known"], text))
        values[WITHIN if row["inside"] else BEYOND].append((y, row["generated"], text))
        if row["simulated"] is not None:
            values[AGAIN].append((y, row["simulated"], text))
    used = {name: marker for name, marker in markers.items() if values[name]}
    figure = chart.draw("Share of the draws", (-0.03, 1.03), {CHANCE: _bar(), **used})
    base = {"y": places, "base": [row["low"] for row in rows], "orientation": "h", "width": [9.0] * len(rows)}
    lengths = [round(row["high"] - row["low"], 6) for row in rows]
    figure.add_trace(go.Bar(x=lengths, **base, name=CHANCE, marker=_bar(), hoverinfo="skip"))
    for name, marker in used.items():
        xs, ys, texts = [x for _, x, _ in values[name]], [y for y, _, _ in values[name]], [text for _, _, text in values[name]]
        figure.add_trace(go.Scatter(x=xs, y=ys, mode="markers", marker=marker, name=name, hovertext=texts, hoverinfo="text"))
    return figure


def alt_transitions(table: pd.DataFrame) -> str:
    """Return the alternative text of :func:`plot_transitions`."""
    rows = rows_of(table, "table given word known generated inside")
    if not rows:
        return "Shares in generated courses: no courses."
    inside = sum(row["inside"] for row in rows)
    worst = sorted(rows, key=lambda row: -abs(row["generated"] - row["known"]))[:5]
    parts = [f"{row['given']} to {row['word']} {row['generated']:.2f} (known {row['known']:.2f})" for row in worst]
    start = f"Shares in generated courses beside {len(rows)} known probabilities, {inside} of them explained by chance"
    return f"{start}. Furthest: {', '.join(parts)}."

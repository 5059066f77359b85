"""Figures that are not rows of points: cross tables, trends, overlaps of labels and the flow of records."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from review import theme
from review.describe import Titles, heading, label, rows_of
from review.errors import ReviewError
from review.theme import LEADING, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

FEW = 10
"""A year with fewer studies than this gets an open symbol."""

AXIS = {"showgrid": False, "zeroline": False, "ticks": "", "showline": False}


@two_widths
def plot_cross(table: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw a table of counts as shaded cells with the counts in them.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.statistics.compute_cross` returns it; turned on its side where it would be too wide.
    titles : mapping of str to str, optional
        What to print for a code or a dimension.
    width : {"single", "double"}
        Column width.

    Raises
    ------
    ReviewError
        If the cells would be too narrow for their counts.
    """
    import numpy as np
    import plotly.graph_objects as go

    if not table.size or not np.nansum(table.to_numpy()):
        return theme.empty(width)
    total, most = theme.pixels(width), int(np.nanmax(table.to_numpy()))
    for turned in (False, True):
        counts = table.T if turned else table
        room = max(0.3 * total, min(0.6 * total, total - (75 if len(counts) <= 12 else 45) * len(counts.columns)))
        names = [theme.wrap(label(code, titles), room) for code in counts.index]
        left = 12 + LEADING + max(theme.extent(line) for lines in names for line in lines)
        cell = (total - left - 6) / len(counts.columns)
        if cell >= theme.extent(str(most)) + 4:
            break
    else:
        raise ReviewError(f"{min(table.shape)} columns do not fit into a {width} column -> choose a greater width or fewer codes")
    across = [theme.wrap(label(code, titles), cell - 4) for code in counts.columns]
    whole = [label(code, titles) for code in counts.columns]
    upright = all(" ".join(lines) == name for lines, name in zip(across, whole, strict=True)) and max(map(len, across)) <= 4
    bottom = max(map(len, across)) * LEADING if upright else max(map(theme.extent, whole))
    side = theme.extent(heading(counts.index.name, titles)) + 6 if counts.index.name else 0.0
    high = max(22.0, max(map(len, names)) * LEADING + 6, side / len(names))
    values = [[int(count) if count == count else None for count in row] for row in counts.to_numpy()]  # noqa: PLR0124
    figure = theme.canvas(width, high * len(names) + bottom + LEADING + 18)
    figure.update_layout(margin={"l": left, "r": 6, "t": 4, "b": bottom + LEADING + 14}, plot_bgcolor=theme.GRID)
    hover = [
        [theme.markup([" ".join(name), column, str(count)]) for column, count in zip(whole, row, strict=True)]
        for name, row in zip(names, values, strict=True)
    ]
    place = {"z": values, "x": list(range(len(across))), "y": list(range(len(names))), "xgap": 1, "ygap": 1}
    look = {"colorscale": [[0, "#FFFFFF"], [1, theme.SKY]], "zmin": 0, "zmax": float(most), "showscale": False}
    text = {
        "text": [["" if count is None else str(count) for count in row] for row in values],
        "texttemplate": "%{text}",
        "textfont_color": theme.BLACK,
    }
    figure.add_trace(go.Heatmap(**place, **look, **text, hovertext=hover, hoverinfo="text"))
    words = [theme.markup(lines) for lines in across] if upright else [theme.escape(name) for name in whole]
    figure.update_xaxes(**AXIS, tickvals=list(range(len(words))), ticktext=words, tickangle=0 if upright else -90)
    rows = {"tickvals": list(range(len(names))), "ticktext": list(map(theme.markup, names)), "autorange": "reversed"}
    figure.update_yaxes(**AXIS, **rows, ticklabelstandoff=3)
    first, second = (theme.escape(heading(name, titles)) if name else "" for name in (counts.index.name, counts.columns.name))
    theme.note(figure, first, 0, 0.5, xshift=2 - left, textangle=-90, yanchor="middle", font_color=theme.MUTED)
    theme.note(figure, second, 0.5, 0, xanchor="center", yshift=-bottom - 8, font_color=theme.MUTED)
    return figure


@two_widths
def plot_trend(table: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw the share of every category in every year, a small panel each.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.statistics.compute_trend` returns it.
    titles, width
        As in :func:`plot_cross`.

    Returns
    -------
    Figure
        Under each year is its number of studies; years with fewer than :data:`FEW` have open symbols.
    """
    rows = rows_of(table, "year category count total unknown share low high")
    totals = {int(row["year"]): int(row["total"]) for row in rows}
    if not any(totals.values()):
        return theme.empty(width)
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(str(row["category"]), []).append(row)
    total, left, gap = theme.pixels(width), 30.0, 14.0
    remark = theme.wrap(f"Under each year: its number of studies. Open symbol: fewer than {FEW}.", total - left - 6)
    foot = (2 + len(remark)) * LEADING + 16
    for columns in range(min(len(groups), 3 if width == "double" else 2), (4 if width == "double" else 3) + 1):
        room = (total - left - 8 - gap * (columns - 1)) / columns
        names = [theme.wrap(label(code, titles), room) for code in groups]
        head = max(map(len, names)) * LEADING + 8
        lines = math.ceil(len(groups) / columns)
        panel = max(41.0, 90.0 - 10 * (lines - 1))
        height = lines * (panel + head + 4) + foot + LEADING + 4
        if height <= theme.TALLEST * theme.PIXELS:
            break
    figure = theme.canvas(width, height)
    every = math.ceil((theme.extent("00") + 3) * len(totals) / room)
    shown = sorted(totals)[::every]
    short = room / len(totals) < theme.extent("2020") + 4
    ticks = [f"{str(year)[2:] if short else year}<br>{totals[year]}" for year in shown]
    for index, group in enumerate(groups.values()):
        line, column = divmod(index, columns)
        x, y = left + column * (room + gap), LEADING + 4 + line * (panel + head + 4) + head
        suffix = str(index + 1) if index else ""
        bottom = index + columns >= len(groups)
        across = {
            "domain": [x / total, (x + room) / total],
            "range": [min(totals) - 0.5, max(totals) + 0.5],
            "anchor": f"y{suffix}",
        }
        up = {"domain": [1 - (y + panel) / height, 1 - y / height], "range": [-6, 106], "anchor": f"x{suffix}"}
        years = {"tickvals": shown, "ticktext": ticks, "tickangle": 0, "showticklabels": bottom}
        figure.update_layout({f"xaxis{suffix}": {**across, **years}})
        figure.update_layout(
            {f"yaxis{suffix}": {**up, "tickvals": [0, 50, 100], "showticklabels": column == 0, "showgrid": True}}
        )
        _panel(figure, group, suffix)
        theme.note(figure, theme.markup(names[index]), x / total, 1 - y / height, yanchor="bottom", yshift=2)
    theme.note(figure, "Share of the year's studies (%), 95 % interval", 0, 1, xshift=2, font_color=theme.MUTED)
    theme.note(figure, theme.markup(remark), left / total, 0, yanchor="bottom", yshift=2, font_color=theme.MUTED)
    return figure


def _panel(figure: go.Figure, rows: list[dict[str, Any]], suffix: str) -> None:
    """Add one category's points, those of years with few studies open."""
    import plotly.graph_objects as go

    for few in (False, True):
        known = [row for row in rows if None not in (row["share"], row["low"], row["high"]) and (int(row["total"]) < FEW) == few]
        values = [round(100 * row["share"], 4) for row in known]
        pairs = list(zip(known, values, strict=True))
        bars: dict[str, Any] = {"type": "data", "thickness": theme.LINE, "width": 3, "color": theme.BLUE}
        bars["array"] = [round(100 * row["high"] - value, 4) for row, value in pairs]
        bars["arrayminus"] = [round(value - 100 * row["low"], 4) for row, value in pairs]
        text = [f"{row['year']}: {row['count']} of {row['total']}, {row['unknown']} not known" for row in known]
        marker = theme.mark("circle-open" if few else "circle", theme.BLUE, 7)
        place = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "x": [int(row["year"]) for row in known], "y": values}
        hover = {"hovertext": text, "hoverinfo": "text", "cliponaxis": False}
        figure.add_trace(go.Scatter(mode="markers", marker=marker, error_y=bars, **place, **hover))


@two_widths
def plot_overlaps(table: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw how often labels occur together: combinations as columns of dots, their counts as bars above.

    An UpSet plot (Lex et al. 2014, doi 10.1109/TVCG.2014.2346248).

    Parameters
    ----------
    table : DataFrame
        As :func:`review.statistics.compute_overlaps` returns it.
    titles, width
        As in :func:`plot_cross`.

    Returns
    -------
    Figure
        The most frequent combinations that fit; what is left out is counted in a note.
    """
    import plotly.graph_objects as go

    rows = rows_of(table, "labels size count")
    codes = [column for column in table.columns if column not in ("labels", "size", "count")]
    if not sum(row["count"] for row in rows) or not codes:
        return theme.empty(width)
    total = theme.pixels(width)
    names = [theme.wrap(label(code, titles), (0.3 if width == "double" else 0.42) * total) for code in codes]
    sizes = {code: sum(row["count"] for row in rows if row[code]) for code in codes}
    bars = 0.15 * total
    start = bars + 18 + max(theme.extent(line) for lines in names for line in lines)
    shown = rows[: int((total - start - 6) // 17)]
    hidden = rows[len(shown) :]
    step = min(44.0, (total - start - 6) / len(shown))
    heights = [max(17.0, len(lines) * LEADING + 3) for lines in names]
    spots = [sum(heights[:index]) + size / 2 for index, size in enumerate(heights)]
    matrix, foot = sum(heights), 4 + LEADING * ((1 if hidden else 0) + (0 if all(row["size"] for row in shown) else 1))
    height = 122 + matrix + foot
    figure = theme.canvas(width, height)
    across = {"domain": [start / total, (start + step * len(shown)) / total], "range": [-0.5, len(shown) - 0.5], **AXIS}
    down = {"domain": [foot / height, (foot + matrix) / height], "range": [matrix, 0], "showticklabels": False, **AXIS}
    up = {"domain": [(foot + matrix + 8) / height, 1 - 16 / height], "rangemode": "tozero", "nticks": 4, "showgrid": True}
    under = {"showticklabels": False}
    figure.update_layout(
        xaxis={**across, **under, "anchor": "y"},
        yaxis={**up, "anchor": "x", "title": {"text": "Studies"}},
        xaxis2={**across, **under, "anchor": "y2"},
        yaxis2={**down, "anchor": "x2"},
        xaxis3={**AXIS, "domain": [20 / total, bars / total], "range": [max(*sizes.values(), 1), 0], **under, "anchor": "y3"},
        yaxis3={**down, "anchor": "x3"},
    )
    counts = [row["count"] for row in shown]
    hover = [theme.escape(row["labels"]) or "none is known to apply" for row in shown]
    look = {"marker_color": theme.BLUE, "hovertext": hover, "hoverinfo": "text+y", "textposition": "none"}
    figure.add_trace(go.Bar(x=list(range(len(shown))), y=counts, width=0.6, **look))
    for index, count in enumerate(counts):
        theme.note(figure, str(count), index, count, xref="x", yref="y", xanchor="center", yanchor="bottom")
        held = [spot for spot, code in zip(spots, codes, strict=True) if shown[index][code]]
        if len(held) > 1:
            line = {"color": theme.INK, "width": 1.6}
            ends = {"x0": index, "x1": index, "y0": held[0], "y1": held[-1], "xref": "x2", "yref": "y2"}
            figure.add_shape(type="line", **ends, line=line, layer="below")
        elif not held:
            theme.note(figure, "none", index, foot / height, xref="x2", xanchor="center")
    for has, marker in ((True, theme.mark("circle", theme.INK, 9)), (False, theme.mark("circle-open", theme.HATCH, 6))):
        points = [(x, spots[y]) for x, row in enumerate(shown) for y, code in enumerate(codes) if bool(row[code]) == has]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        figure.add_trace(go.Scatter(x=xs, y=ys, mode="markers", marker=marker, xaxis="x2", yaxis="y2", hoverinfo="skip"))
    pale = {"color": theme.SKY, "line": {"width": theme.THIN, "color": theme.INK}}
    place = {"xaxis": "x3", "yaxis": "y3", "y": spots, "width": [11.0] * len(spots)}
    figure.add_trace(go.Bar(x=list(sizes.values()), orientation="h", marker=pale, hoverinfo="x", **place))
    for spot, code, lines in zip(spots, codes, names, strict=True):
        row_place: dict[str, Any] = {"y": spot, "yanchor": "middle", "xanchor": "right"}
        theme.note(figure, theme.markup(lines), (start - 6) / total, yref="y2", align="right", **row_place)
        theme.note(figure, str(sizes[code]), sizes[code], xref="x3", yref="y3", **row_place)
    theme.note(
        figure,
        "Studies with<br>the label",
        0,
        (foot + matrix) / height,
        yanchor="bottom",
        xshift=2,
        yshift=3,
        font_color=theme.MUTED,
    )
    if hidden:
        left_out = f"{len(hidden)} rarer combinations ({sum(row['count'] for row in hidden)} studies) not shown"
        theme.note(figure, left_out, 1, 0, xanchor="right", yanchor="bottom", xshift=-2, yshift=1, font_color=theme.MUTED)
    return figure


@two_widths
def plot_flow(table: pd.DataFrame, *, width: Width = "double") -> go.Figure:
    """Draw the flow of records from identification to inclusion: at the right what left (Page et al. 2021, doi 10.1136/bmj.n71).

    Parameters
    ----------
    table : DataFrame
        As :func:`review.prisma.compute_flow` returns it: ``stage, label, count, kind``, top to bottom.
    width : {"single", "double"}
        Column width.
    """
    rows = rows_of(table, "stage label count kind")
    if not rows:
        return theme.empty(width, "no records")
    total = theme.pixels(width)
    band, gap = 18.0, 14.0 if width == "single" else 40.0
    main = (total - band - gap - 8) * (0.45 if width == "single" else 0.5)
    side = total - band - main - gap - 10
    texts = [_box(str(row["label"]), row["count"], (main if row["kind"] == "box" else side) - 12) for row in rows]
    outs = [line for row, lines in zip(rows, texts, strict=True) if row["kind"] == "out" for line in lines]
    side = min(side, 12 + max(map(theme.extent, outs), default=0.0))
    spot = {"box": (band + 6, main), "out": (band + 6 + main + gap, side)}
    boxes: list[tuple[float, float, float, float, str, str]] = []
    stages: dict[str, list[float]] = {}
    y, before = 2.0, ""
    for row, lines in zip(rows, texts, strict=True):
        stage = str(row["stage"])
        y += 0 if not boxes else 10 if row["kind"] == "out" else 18 if before == "box" else 12
        if stage not in stages and stages:
            last = list(stages)[-1]
            y = stages[last][1] = max(y - 8, stages[last][0] + theme.extent(last.capitalize()) + 8)
            y += 8
        high = len(lines) * LEADING + 10
        boxes.append((*spot[row["kind"]], y, high, row["kind"], theme.markup(lines)))
        stages.setdefault(stage, [y, y + high])[1] = y + high
        y += high
        before = row["kind"]
    figure = theme.canvas(width, y + 4)
    figure.update_xaxes(visible=False, range=[0, total]).update_yaxes(visible=False, range=[y + 4, 0])
    shapes = [_rectangle(2, band, top, bottom, "#D6ECF8", "below") for top, bottom in stages.values()]
    upright = {"xref": "x", "yref": "y", "xanchor": "center", "yanchor": "middle", "textangle": -90}
    notes = [
        theme.words(theme.escape(name.capitalize()), (band + 2) / 2, (top + bottom) / 2, **upright)
        for name, (top, bottom) in stages.items()
    ]
    trunk = band + 6 + main / 2
    mains = [box for box in boxes if box[4] == "box"]
    arrows = [((trunk, upper[2] + upper[3]), (trunk, lower[2])) for upper, lower in itertools.pairwise(mains)]
    for x, room, top, high, kind, text in boxes:
        if kind == "out":
            arrows.append(((trunk, top + high / 2), (x, top + high / 2)))
        shapes.append(_rectangle(x, x + room, top, top + high, "white" if kind == "box" else theme.PALE, "above"))
        side_by = {"xanchor": "center", "align": "center"} if kind == "box" else {"xanchor": "left", "align": "left"}
        at = x + room / 2 if kind == "box" else x + 5
        notes.append(theme.words(text, at, top + high / 2, xref="x", yref="y", yanchor="middle", **side_by))
    lines_and_heads = [_arrow(start, end) for start, end in arrows]
    shapes += [line for line, _ in lines_and_heads]
    return figure.update_layout(shapes=shapes, annotations=[*notes, *(head for _, head in lines_and_heads)])


def _box(text: str, count: int, room: float) -> list[str]:
    """Return a label with its count, then its reasons one a line; what wraps of a reason is set in."""
    first, *reasons = text.split("\n")
    lines = theme.wrap(f"{first} (n\u00a0=\u00a0{count})", room)
    for reason in reasons:
        head, *more = theme.wrap(reason, room - 8)
        lines += [head, *(f"\u00a0\u00a0{line}" for line in more)]
    return lines


def _rectangle(x0: float, x1: float, y0: float, y1: float, fill: str, layer: str) -> dict[str, Any]:
    edge = {"color": theme.INK, "width": theme.LINE}
    return {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1, "fillcolor": fill, "line": edge, "layer": layer}


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an arrow's line, for its full length, and its head."""
    look = {"color": theme.INK, "width": theme.LINE}
    line = {"type": "line", "x0": start[0], "y0": start[1], "x1": end[0], "y1": end[1], "line": look, "layer": "below"}
    head = {"showarrow": True, "arrowhead": 2, "arrowsize": 1, "arrowwidth": theme.LINE, "arrowcolor": theme.INK, "text": ""}
    place = {"x": end[0], "y": end[1], "ax": start[0], "ay": start[1], "xref": "x", "yref": "y", "axref": "x", "ayref": "y"}
    return line, {**head, **place}

"""One plot function a table: each takes what a ``compute_*`` function returns and gives a plotly figure.

No figure has a title: captions stand outside, and :func:`review.describe.describe` puts each table into words.
Cross tables, trends, overlaps and flows are drawn in :mod:`review.diagrams` and can be taken from here as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review import theme
from review.describe import Titles, heading, label, number, percent, reason, rows_of
from review.diagrams import plot_cross, plot_flow, plot_overlaps, plot_trend
from review.theme import Chart, Width, two_widths

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

__all__ = ["plot_agreement", "plot_cross", "plot_flow", "plot_overlaps", "plot_reproduction"]
__all__ += ["plot_screening_reasons", "plot_shares", "plot_trend", "plot_versions"]

PUBLISHED = "as printed in the review"
UNKNOWN = "code not known"
COEFFICIENTS = {
    "kappa": ("Cohen's kappa", "circle", theme.BLUE),
    "alpha": ("Krippendorff's alpha", "square-open", theme.VERMILLION),
    "ac1": ("Gwet's AC1", "diamond", theme.GREEN),
}


def add_points(
    figure: go.Figure,
    data: Sequence[tuple[float, float | None, float | None, float | None, str]],
    name: str,
    marker: dict[str, Any],
) -> None:
    """Add points with intervals: height, value, low, high and hover text of each."""
    import plotly.graph_objects as go

    known = [(y, value, low, high, text) for y, value, low, high, text in data if value is not None]
    above = [0.0 if high is None else round(high - value, 4) for _, value, _, high, _ in known]
    below = [0.0 if low is None else round(value - low, 4) for _, value, low, _, _ in known]
    bars = {
        "type": "data",
        "array": above,
        "arrayminus": below,
        "thickness": theme.LINE,
        "width": 3,
        "color": marker["line"]["color"],
    }
    figure.add_trace(
        go.Scatter(
            x=[value for _, value, _, _, _ in known],
            y=[y for y, _, _, _, _ in known],
            mode="markers",
            name=name,
            marker=marker,
            error_x=bars if any(above + below) else None,
            hovertext=[text for _, _, _, _, text in known],
            hoverinfo="text",
        )
    )


def _hatch() -> dict[str, Any]:
    """Return the look of a bar that stands for what is not known."""
    pattern = {"shape": "/", "fgcolor": theme.HATCH, "bgcolor": "white", "size": 4, "solidity": 0.2}
    return {"color": "white", "line": {"width": theme.THIN, "color": theme.HATCH}, "pattern": pattern}


def tick_marker() -> dict[str, Any]:
    """Return a vertical tick as marker, above all of a published value."""
    return {"symbol": "line-ns-open", "size": 14, "color": theme.BLACK, "line": {"width": 1.8, "color": theme.BLACK}}


@dataclass(frozen=True)
class _Share:
    """One row of a chart of shares: where it stands, what was counted and what is printed."""

    y: float
    row: Mapping[str, Any]
    name: str
    scale: float
    printed: float | None

    def value(self, column: str) -> float | None:
        """Return a share in percent; None where there is none."""
        return None if self.row[column] is None else round(self.scale * float(self.row[column]), 4)

    @property
    def hover(self) -> str:
        """What is shown of the row under the pointer."""
        row = self.row
        counted = f"{row['count']} of {row['total']} ({percent(row['count'], row['total'])} %)"
        unknown = [f"{row['unknown']} not known"] if row["unknown"] else []
        interval = f"95 % interval {number(self.value('low'))} to {number(self.value('high'))} %"
        return theme.markup([self.name, counted, interval, row["status"], *unknown])


def _draw_shares(chart: Chart, shares: Sequence[_Share], column: str, known: str = "") -> go.Figure:
    """Draw shares with intervals, the symbol telling the status; hatched bars for unknown, ticks for printed values."""
    import plotly.graph_objects as go

    marks: dict[str, list[_Share]] = {}
    for share in shares:
        if share.row["status"] != "not coded" and share.row[column] is not None:
            marks.setdefault(share.row["status"], []).append(share)
    hatches = [share for share in shares if share.row["unknown"] and share.row[column] is not None]
    ticks = [(share.y, share.printed) for share in shares if share.printed is not None]
    symbols = {status: theme.mark(*theme.STATUS_MARKS.get(status, ("hexagon", theme.PURPLE))) for status in marks}
    keys = symbols | ({PUBLISHED: tick_marker()} if ticks else {}) | ({UNKNOWN + known: _hatch()} if hatches else {})
    figure = chart.draw("Share of studies (%), 95 % interval", (-2, 102), keys)
    if hatches:
        starts = [one.value(column) for one in hatches]
        lengths = [round(100 * one.row["unknown"] / one.row["total"], 4) for one in hatches]
        place = {"y": [one.y for one in hatches], "base": starts, "orientation": "h", "width": [9.0] * len(hatches)}
        figure.add_trace(go.Bar(x=lengths, **place, name=UNKNOWN, marker=_hatch(), hoverinfo="skip"))
    if ticks:
        xs, ys = [x for _, x in ticks], [y for y, _ in ticks]
        figure.add_trace(go.Scatter(x=xs, y=ys, mode="markers", name=PUBLISHED, marker=tick_marker(), hoverinfo="x"))
    for status, group in marks.items():
        points = [(one.y, one.value(column), one.value("low"), one.value("high"), one.hover) for one in group]
        add_points(figure, points, status, symbols[status])
    return figure


@two_widths
def plot_shares(
    table: pd.DataFrame, *, titles: Titles = None, published: pd.DataFrame | None = None, width: Width = "double"
) -> go.Figure:
    """Draw shares with their Wilson intervals, the symbol telling the status.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.statistics.compute_shares` returns it.
    titles : mapping of str to str, optional
        What to print for a code.
    published : DataFrame, optional
        As :func:`review.statistics.reproduce` returns it: the published values are drawn as ticks.
    width : {"single", "double"}
        Column width.

    Returns
    -------
    Figure
        Studies whose code is not known are a hatched bar from the share on: it ends where the share would be if all had it.
    """
    needed = "dimension category count total unknown share low high status"
    rows = [row for row in rows_of(table, needed) if row["total"] and row["count"] is not None]
    if not rows:
        return theme.empty(width)
    printed = {
        (row["dimension"], row["category"]): float(row["published"])
        for row in ([] if published is None else rows_of(published, "dimension category published"))
    }
    unknown = {row["unknown"] for row in rows}
    gaps, wide = len(unknown) > 1, width == "double"
    chart = Chart(width, ("Studies", "%", *(["Unknown"] if gaps else [])) if wide else ("Studies (%)",))
    shares = []
    for row in rows:
        value = percent(row["count"], row["total"])
        cells = [f"{row['count']}/{row['total']}", value] if wide else [f"{row['count']}/{row['total']} ({value})"]
        if row["status"] == "not coded":
            cells = ["not coded", ""] if wide else ["not coded"]
        if gaps and wide:
            cells.append(str(row["unknown"]))
        elif gaps and row["unknown"]:
            cells[0] += f"\n{row['unknown']} unknown"
        name = label(row["category"], titles)
        shares.append(_Share(chart.row(name, tuple(cells)), row, name, 100, printed.get((row["dimension"], row["category"]))))
    return _draw_shares(chart, shares, "share", "" if gaps else f" (of {unknown.pop()} studies)")


@two_widths
def plot_reproduction(table: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw each published value beside the recomputed one.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.statistics.reproduce` returns it.
    titles, width
        As in :func:`plot_shares`; titles may name dimensions too.

    Returns
    -------
    Figure
        A tick for the published value, a symbol with its interval for the recomputed one. Where no count is
        printed as the published value, the row says how the count was found.
    """
    needed = "dimension category published verdict count total unknown percent low high status"
    rows = rows_of(table, needed)
    if not any(row["total"] for row in rows):
        return theme.empty(width)
    wide = width == "double"
    chart = Chart(width, ("Printed %", "Recomputed %", "Studies") if wide else ("Printed,\nrecomputed %",))
    shares, dimension = [], None
    for row in rows:
        if row["dimension"] != dimension:
            dimension = row["dimension"]
            chart.head(heading(dimension, titles))
        name = label(row["category"], titles)
        verdict = "" if row["verdict"] == "attainable" else f"\n(count: {row['verdict']})"
        again = "not coded" if row["status"] == "not coded" else percent(row["count"], row["total"])
        studies = f"{row['count']}/{row['total']}"
        cells = (str(row["published"]), again, studies) if wide else (f"{row['published']}, {again}\n{studies}",)
        shares.append(_Share(chart.row(name + verdict, cells), row, name, 1, float(row["published"])))
    return _draw_shares(chart, shares, "percent")


@two_widths
def plot_versions(
    table: pd.DataFrame, *, titles: Titles = None, names: tuple[str, str] = ("v1", "v2"), width: Width = "double"
) -> go.Figure:
    """Draw what a review's second version changed: a line from the first value to the second.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.published.compare_versions` returns it.
    names : tuple of str
        What to call the two versions.
    titles, width
        As in :func:`plot_reproduction`.
    """
    import plotly.graph_objects as go

    rows = rows_of(table, "dimension category share_before share_after moved points")
    if not rows:
        return theme.empty(width, "no published values")
    wide = width == "double"
    chart = Chart(width, ("Percentage\npoints", "Studies\nmoved") if wide else ("Points", "Moved"))
    ends: list[tuple[float, float | None, float | None]] = []
    dimension = None
    for row in rows:
        if row["dimension"] != dimension:
            dimension = row["dimension"]
            chart.head(heading(dimension, titles))
        cells = (number(row["points"], sign=True), number(row["moved"], 0, sign=True))
        ends.append((chart.row(label(row["category"], titles), cells), row["share_before"], row["share_after"]))
    markers = {names[0]: theme.mark("circle-open", theme.BLUE, 11), names[1]: theme.mark("diamond", theme.VERMILLION, 7)}
    figure = chart.draw("Share of studies (%), as printed", (-2, 102), markers)
    for y, before, after in ends:
        if before is not None and after is not None:
            line = {"color": theme.HATCH, "width": 2}
            figure.add_shape(type="line", x0=before, x1=after, y0=y, y1=y, line=line, layer="below")
    for index, (name, marker) in enumerate(markers.items()):
        known = [(end[0], end[1 + index]) for end in ends if end[1 + index] is not None]
        xs, ys = [x for _, x in known], [y for y, _ in known]
        figure.add_trace(go.Scatter(x=xs, y=ys, mode="markers", name=theme.escape(name), marker=marker, hoverinfo="x+name"))
    return figure


@two_widths
def plot_agreement(table: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw three coefficients of agreement with their intervals, row by row.

    Parameters
    ----------
    table : DataFrame
        As :func:`review.agreement.compute_agreement` returns it.
    titles, width
        As in :func:`plot_reproduction`.
    """
    rows = [row for row in rows_of(table, "dimension label units percent kappa alpha ac1") if row["units"]]
    if not rows:
        return theme.empty(width)
    chart = Chart(width, ("Agreed %", "Studies") if width == "double" else ("Agreed\n%", "n"))
    data: dict[str, list[Any]] = {name: [] for name in COEFFICIENTS}
    bare, group = [], None
    for row in rows:
        if row["label"] and row["dimension"] != group:
            chart.head(heading(row["dimension"], titles))
        group = row["dimension"]
        name = label(row["label"], titles) if row["label"] else heading(row["dimension"], titles)
        missing = [key for key in COEFFICIENTS if row[key] is None]
        reason = f"\n({', '.join(missing)} undefined)" if 0 < len(missing) < 3 else ""
        y = chart.row(name + reason, (number(row["percent"], scale=100), str(row["units"])), least=32)
        if len(missing) == 3:
            bare.append(y)
        for index, key in enumerate(COEFFICIENTS):
            text = theme.markup([name, f"{COEFFICIENTS[key][0]} {number(row[key], 2)}"])
            data[key].append((y + 8 * (index - 1), row[key], row.get(f"{key}_low"), row.get(f"{key}_high"), text))
    lows = [value for points in data.values() for _, one, low, _, _ in points for value in (one, low) if value is not None]
    floor = -0.05 if min(lows, default=0) >= 0 else min(-0.1, min(lows) - 0.05)
    markers = {name: theme.mark(symbol, colour) for name, symbol, colour in COEFFICIENTS.values()}
    figure = chart.draw("Coefficient, 95 % interval", (max(floor, -1.05), 1.05), markers)
    figure.add_vline(0, line_width=theme.THIN, line_color=theme.INK)
    for y in bare:
        theme.note(figure, "not defined", 0.02, y, xref="x", yref="y", yanchor="middle", font_color=theme.MUTED)
    for key, (name, _, _) in COEFFICIENTS.items():
        add_points(figure, data[key], name, markers[name])
    return figure


@two_widths
def plot_screening_reasons(table: pd.DataFrame, *, titles: Titles = None, width: Width = "double") -> go.Figure:
    """Draw how many records were excluded for each reason.

    Parameters
    ----------
    table : DataFrame
        ``reason, count``; with ``stage`` and ``decision`` too, as :func:`review.prisma.compute_reasons` returns it, the
        reasons stand under headings.
    titles, width
        As in :func:`plot_shares`.
    """
    import plotly.graph_objects as go

    rows = [row for row in rows_of(table, "reason count") if row["count"]]
    if not rows:
        return theme.empty(width, "no records")
    chart = Chart(width, ("Records",))
    ends, group = [], ""
    for row in rows:
        name = ": ".join(str(row[key]).replace("_", " ") for key in ("stage", "decision") if row.get(key)).capitalize()
        if name != group:
            chart.head(name)
            group = name
        ends.append((chart.row(reason(row["reason"], titles), (str(row["count"]),)), row["count"]))
    figure = chart.draw("Records", (0, 1.05 * max(count for _, count in ends)))
    figure.update_xaxes(tickformat=",d")
    marker = {"color": theme.SKY, "line": {"width": theme.THIN, "color": theme.INK}}
    xs, ys = [count for _, count in ends], [y for y, _ in ends]
    figure.add_trace(go.Bar(x=xs, y=ys, width=[11.0] * len(ends), orientation="h", marker=marker, hoverinfo="x"))
    return figure

"""A picture of ECG segments with what was measured on them: rows of one lead each, on axes in seconds and millivolts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from review import theme
from review.describe import number
from review.theme import Width, two_widths

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 84.0
"""Layout pixels of one segment."""


def _name(item: Mapping[str, Any]) -> str:
    rate = "" if item.get("heart_rate") is None else f", {number(item['heart_rate'], 0)} beats/min"
    return f"{item.get('rhythm') or 'no rhythm'}{rate}"


@two_widths
def plot_signals(items: Sequence[Mapping[str, Any]], *, seconds: float = 0.0, width: Width = "double") -> go.Figure:
    """Draw segments one below the other, named by the measured rhythm and heart rate.

    Parameters
    ----------
    items : sequence of mapping
        Contents of records of a multimodal cell: ``signal`` (whole microvolts), ``sampling_rate`` (samples a second),
        ``rhythm`` and ``heart_rate`` (may be None).
    seconds : float
        How much of each segment is drawn, from its start; 0 draws all of it.
    width : {"single", "double"}
        Column width.
    """
    import plotly.graph_objects as go

    if not items:
        return theme.empty(width, "no signals")
    total, foot = theme.pixels(width), 40.0
    height = HEIGHT * len(items) + foot
    figure = theme.canvas(width, height)
    lines = [[value / 1000 for value in item["signal"][: round(seconds * item["sampling_rate"]) or None]] for item in items]
    low, high = min(map(min, lines)), max(map(max, lines))
    for place, (item, line) in enumerate(zip(items, lines, strict=True)):
        suffix = "" if place == 0 else str(place + 1)
        top = 1 - place * HEIGHT / height
        last = place == len(items) - 1
        figure.update_layout(
            {
                f"xaxis{suffix}": {
                    "domain": [44 / total, 1 - 12 / total],
                    "anchor": f"y{suffix}",
                    "showgrid": True,
                    "showticklabels": last,
                    "title": {"text": "Seconds" if last else ""},
                },
                f"yaxis{suffix}": {
                    "domain": [top - (HEIGHT - 18) / height, top - 18 / height],
                    "anchor": f"x{suffix}",
                    "range": [low - 0.1, high + 0.1],
                    "nticks": 4,
                    "title": {"text": "mV"},
                },
            }
        )
        rate = item["sampling_rate"]
        figure.add_trace(
            go.Scatter(
                x=[round(sample / rate, 4) for sample in range(len(line))],
                y=[round(value, 4) for value in line],
                mode="lines",
                line={"color": theme.BLUE, "width": 1.2 * theme.LINE},
                name=theme.escape(_name(item)),
                xaxis=f"x{suffix}",
                yaxis=f"y{suffix}",
                hoverinfo="x+y",
            )
        )
        theme.note(figure, theme.escape(f"{place + 1}. measured: {_name(item)}"), 44 / total, top, yshift=-2)
    return figure


def alt_signals(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the alternative text of :func:`plot_signals`."""
    if not items:
        return "ECG segments: none."
    return f"{len(items)} ECG segments of one lead, measured as: {'; '.join(_name(item) for item in items)}."

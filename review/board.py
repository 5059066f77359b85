"""A figure that is laid out by hand: text, boxes, lines and symbols at places counted in layout pixels from the top left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from review import theme
from review.describe import LONGEST, Titles, label
from review.joint import split
from review.theme import LEADING, Width

if TYPE_CHECKING:
    import plotly.graph_objects as go

Point = tuple[float, float]
ROW = 18.0
"""Least height of a row in pixels."""

NOT_REPORTED = "Not reported"
DASH = "\u2013"


@dataclass
class Board:
    """What is put on a figure, until its height is known and it is drawn.

    Attributes
    ----------
    width : {"single", "double"}
        Column width.
    """

    width: Width
    _notes: list[dict[str, Any]] = field(default_factory=list)
    _shapes: list[dict[str, Any]] = field(default_factory=list)
    _traces: list[Any] = field(default_factory=list)

    @property
    def total(self) -> float:
        """Width in pixels."""
        return theme.pixels(self.width)

    def text(self, markup: str, x: float, y: float, **options: Any) -> None:
        """Put plotly markup at a place: its top left corner, unless told otherwise."""
        self._notes.append(theme.words(markup, round(x, 2), round(y, 2), xref="x", yref="y", **options))

    def lines(self, lines: Sequence[str], x: float, y: float, **options: Any) -> None:
        """Put plain lines at a place."""
        self.text(theme.markup(lines), x, y, **options)

    def box(self, start: Point, end: Point, fill: str, edge: str) -> None:
        """Put a rectangle behind everything else."""
        corners = {"x0": start[0], "y0": start[1], "x1": end[0], "y1": end[1]}
        line = {"color": edge, "width": theme.THIN}
        places = {name: round(value, 2) for name, value in corners.items()}
        self._shapes.append({"type": "rect", **places, "fillcolor": fill, "line": line, "layer": "below"})

    def strokes(self, strokes: Sequence[tuple[Point, Point]], colour: str, width: float) -> None:
        """Put straight lines."""
        self._path([[start, end] for start, end in strokes], line={"color": colour, "width": width})

    def areas(self, outlines: Sequence[Sequence[Point]], colour: str, name: str = "") -> None:
        """Put filled areas with a fine white edge."""
        look = {"line": {"color": "white", "width": theme.THIN}, "fill": "toself", "fillcolor": colour}
        self._path(outlines, name=name, **look)

    def _path(self, parts: Sequence[Sequence[Point]], **look: Any) -> None:
        import plotly.graph_objects as go

        if not parts:
            return
        xs: list[float | None] = []
        ys: list[float | None] = []
        for part in parts:
            xs += [*([None] if xs else []), *(round(x, 2) for x, _ in part)]
            ys += [*([None] if ys else []), *(round(y, 2) for _, y in part)]
        self._traces.append(go.Scatter(x=xs, y=ys, mode="lines", hoverinfo="skip", **look))

    def dots(
        self, points: Sequence[Point], marker: Mapping[str, Any], hover: Sequence[str] = (), name: str = "", **more: Any
    ) -> None:
        """Put one symbol at each point; ``hover`` is markup that is shown of each under the pointer."""
        import plotly.graph_objects as go

        if not points:
            return
        told = {"hovertext": list(hover), "hoverinfo": "text"} if hover else {"hoverinfo": "skip"}
        place = {"x": [round(x, 2) for x, _ in points], "y": [round(y, 2) for _, y in points]}
        self._traces.append(go.Scatter(**place, **{"mode": "markers", "marker": dict(marker), "name": name, **told, **more}))

    def draw(self, height: float) -> go.Figure:
        """Return the figure."""
        figure = theme.canvas(self.width, height)
        figure.add_traces(self._traces)
        figure.update_xaxes(visible=False, range=[0, self.total]).update_yaxes(visible=False, range=[round(height, 2), 0])
        told = {"align": "left", "bgcolor": "white", "bordercolor": theme.INK, "font": {"color": theme.INK}}
        return figure.update_layout(shapes=self._shapes, annotations=self._notes, hovermode="closest", hoverlabel=told)


def named(stratum: str, titles: Titles = None) -> str:
    """Return what people read for a stratum: a code, several labels, or that none is known."""
    return " + ".join(label(code, titles) for code in split(stratum)) or NOT_REPORTED


def said(stratum: str, titles: Titles = None) -> str:
    """Return what :func:`named` does, as it stands inside a sentence."""
    return " + ".join(small(label(code, titles)) for code in split(stratum)) or small(NOT_REPORTED)


def ends(low: int | None, high: int | None) -> str:
    """Return a range as text; "" where there is none."""
    if low is None or high is None:
        return ""
    return str(low) if low == high else f"{low}{DASH}{high}"


def counted(count: int, low: int | None, high: int | None) -> str:
    """Return a count, and its range in brackets where there is one."""
    span = ends(low, high)
    return f"{count} ({span})" if span else str(count)


def fit(text: str, room: float) -> list[str]:
    """Break plain text into lines, after hyphens too where a word is too wide."""
    words = [word.replace("-", "-\u0000") if theme.extent(word) > room else word for word in text.split(" ")]
    lines = theme.wrap(" ".join(words).replace("\u0000", " "), room)
    return [line if line in text else line.replace("- ", "-") for line in lines]


def whole(text: str, room: float) -> bool:
    """Tell whether text breaks into lines without cutting a word."""
    return all(theme.extent(word) <= room for part in text.split(" ") for word in part.replace("-", "- ").split(" "))


def high(lines: Sequence[str]) -> float:
    """Return the height of lines in pixels."""
    return len(lines) * LEADING


def remark(board: Board, texts: Sequence[str], y: float) -> float:
    """Put sentences under a drawing; return where they end."""
    lines = theme.wrap(" ".join(text for text in texts if text), board.total - 6)
    board.lines(lines, 2, y, font_color=theme.MUTED)
    return y + high(lines) + 4


def small(text: str) -> str:
    """Return a title as it stands inside a sentence."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def shortened(start: str, parts: Sequence[str], end: str, noun: str = "") -> str:
    """Return an alternative text with as many parts as it may hold, the others counted; ``noun`` says what they are."""
    for shown in range(len(parts), -1, -1):
        left = f"; and {len(parts) - shown} more{noun}" if shown < len(parts) else ""
        rest = left if shown else f"{len(parts)} in the table"
        text = f"{start}: {'; '.join(parts[:shown])}{rest}{end}"
        if len(text) <= LONGEST:
            return text
    return f"{start}{end}"[:LONGEST]

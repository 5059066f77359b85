"""The look of every figure: sizes in millimetres, one plotly template, a palette that survives colour-blindness.

Colours are those of Okabe and Ito (2008), Color Universal Design, https://jfly.uni-koeln.de/color/.
A colour never stands alone: marker symbols, hatches and dashes say the same.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

from review import fonts
from review.errors import ReviewError

if TYPE_CHECKING:
    import plotly.graph_objects as go

P = ParamSpec("P")
Width = Literal["single", "double"]
WIDTHS: dict[Width, float] = {"single": 84.0, "double": 174.0}
"""Column widths of a journal page, in millimetres."""

TALLEST = 234.0
"""Height of a journal page's text, in millimetres: figures stay below it where they can."""

TEMPLATE = "review"
FONT = f"{fonts.FAMILY}, Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"
"""Images hold the letters of the first, :mod:`review.fonts`; interactive pages take what a machine has: all but the last two are
equally wide."""

PIXELS = 96 / 25.4
"""Layout pixels (1/96 inch) a millimetre."""

TEXT = 8 * 96 / 72
"""Size of all text: 8 pt at the printed width."""

LEADING = 1.25 * TEXT
LINE = 0.25 * PIXELS
"""Width of data lines: 0.25 mm."""

THIN = 0.15 * PIXELS
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILLION, YELLOW, BLACK = "#56B4E9", "#D55E00", "#F0E442", "#000000"
PALETTE = (BLUE, VERMILLION, SKY, ORANGE, GREEN, BLACK, PURPLE, YELLOW)
INK = "#1A1A1A"
MUTED = "#595959"
GRID = "#E3E3E3"
PALE = "#F2F2F2"
HATCH = "#8C8C8C"

STATUS_MARKS: dict[str, tuple[str, str]] = {
    "by construction": ("circle-open", BLUE),
    "independent": ("circle", BLUE),
    "not attainable": ("x", VERMILLION),
    "not coded": ("line-ew-open", MUTED),
    "not published": ("diamond", GREEN),
    "purposive sample": ("square-open", VERMILLION),
}
"""Marker symbol and colour of each status of :data:`review.statistics.STATUSES`."""


def pixels(width: Width) -> float:
    """Return the layout width in pixels at 96 dpi.

    Raises
    ------
    ReviewError
        If there is no such width.
    """
    if width not in WIDTHS:
        raise ReviewError(f"no figure width named {width!r} -> choose one of: {', '.join(WIDTHS)}")
    return round(WIDTHS[width] * PIXELS, 2)


def register() -> str:
    """Register the plotly template if need be, and return its name."""
    import plotly.graph_objects as go
    import plotly.io as pio

    if TEMPLATE not in pio.templates:
        line = {"showline": True, "linecolor": INK, "linewidth": THIN, "gridcolor": GRID, "gridwidth": THIN, "zeroline": False}
        ticks = {"ticks": "outside", "ticklen": 3, "tickwidth": THIN, "tickcolor": INK, "fixedrange": True}
        axis = line | ticks | {"title": {"standoff": 6, "font": {"size": TEXT}}}
        pio.templates[TEMPLATE] = go.layout.Template(
            layout={
                "font": {"family": FONT, "size": TEXT, "color": INK},
                "paper_bgcolor": "white",
                "plot_bgcolor": "white",
                "colorway": list(PALETTE),
                "xaxis": axis,
                "yaxis": axis,
                "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
                "hoverlabel": {"font": {"family": FONT, "size": TEXT}},
                "uniformtext": {"minsize": TEXT, "mode": "show"},
                "showlegend": False,
            }
        )
    return TEMPLATE


def canvas(width: Width, height: float) -> go.Figure:
    """Return an empty figure of a printed width; ``height`` is in layout pixels."""
    import plotly.graph_objects as go

    return go.Figure(layout={"template": register(), "width": pixels(width), "height": round(height, 2)})


def empty(width: Width, message: str = "no studies") -> go.Figure:
    """Return the figure that stands where there is nothing to draw."""
    figure = canvas(width, 24 * PIXELS).update_xaxes(visible=False).update_yaxes(visible=False)
    note(figure, message, 0.5, 0.5, xanchor="center", yanchor="middle")
    return figure


def words(text: str, x: float, y: float, **options: Any) -> dict[str, Any]:
    """Return one piece of text, at paper coordinates unless told otherwise.

    ``text`` is plotly markup: :func:`escape` what comes from data.
    """
    place = {"xref": "paper", "yref": "paper", "showarrow": False, "xanchor": "left", "yanchor": "top", "align": "left"}
    return {**place, "text": text, "x": x, "y": y, **options}


def note(figure: go.Figure, text: str, x: float, y: float, **options: Any) -> None:
    """Add what :func:`words` returns to a figure."""
    figure.add_annotation(words(text, x, y, **options))


def escape(text: object) -> str:
    """Return text that plotly shows letter by letter: no markup, no formula."""
    return html.escape(str(text), quote=False).replace("$", "&#36;")


def extent(text: str, size: float = TEXT, *, bold: bool = False) -> float:
    """Return the width in pixels of one plain line in the figures' font."""
    return _advance(text, bold) * size / 1000


def _advance(text: str, bold: bool = False) -> int:
    """Return it in thousandths of the size of the font."""
    return sum(fonts.advance(letter, bold) for letter in text)


@lru_cache(maxsize=1 << 16)
def _word(text: str) -> int:
    """Return it for a word, which is likely to come again."""
    return _advance(text)


def wrap(text: object, room: float, size: float = TEXT) -> list[str]:
    """Break plain text into lines that fit into ``room`` pixels; words that are too long are cut."""
    lines: list[str] = []
    for paragraph in str(text).split("\n"):
        line, width = "", 0
        for word in _pieces(paragraph, room, size):
            wider = width + _word(" ") + _word(word)
            if line and wider * size / 1000 > room:
                lines.append(line)
                line = ""
            line, width = (f"{line} {word}", wider) if line else (word, _word(word))
        lines.append(line)
    return lines


def _pieces(paragraph: str, room: float, size: float) -> list[str]:
    """Return the words of a paragraph, those wider than ``room`` in parts."""
    pieces = []
    for word in paragraph.split(" "):
        part = ""
        if _word(word) * size / 1000 <= room:
            pieces.append(word)
            continue
        for letter in word:
            if part and extent(part + letter, size) > room:
                pieces.append(part)
                part = ""
            part += letter
        pieces.append(part)
    return pieces


def markup(lines: Sequence[str]) -> str:
    """Return plain lines as escaped plotly text."""
    return "<br>".join(escape(line) for line in lines)


def two_widths(plot: Callable[P, go.Figure]) -> Callable[P, go.Figure]:
    """Make a plot function remember how the figure looks at the other width.

    A single column is not a double column made smaller: labels wrap elsewhere, so the drawing is made
    twice, and the second is kept in ``layout.meta`` for :func:`resize`.
    """

    @wraps(plot)
    def drawn(*args: P.args, **options: P.kwargs) -> go.Figure:
        width = options.get("width", "double")
        figure = plot(*args, **options)
        other = "single" if width == "double" else "double"
        options["width"] = other
        try:
            kept = plot(*args, **options).to_plotly_json()
        except ReviewError as error:
            figure.update_layout(meta={"width": width, other: {"error": str(error)}})
            return figure
        kept["layout"].pop("template", None)
        figure.update_layout(meta={"width": width, other: kept})
        return figure

    return drawn


def resize(figure: go.Figure, width: Width) -> go.Figure:
    """Return the figure at a printed width, drawn for it if its plot function knew how.

    Figures made elsewhere only get the new width: their text keeps its size.

    Raises
    ------
    ReviewError
        If the figure cannot be drawn at this width.
    """
    import plotly.graph_objects as go

    content = figure.to_plotly_json()
    layout, size = content["layout"], pixels(width)
    meta = layout.get("meta")
    if not isinstance(meta, dict) or "width" not in meta or meta["width"] == width:
        layout["width"] = size
        return go.Figure(content)
    other = meta[width]
    if "error" in other:
        raise ReviewError(other["error"])
    template = layout.pop("template", None)
    layout.pop("meta")
    kept = {"data": content["data"], "layout": layout}
    more = {name: value for name, value in meta.items() if name not in ("width", *WIDTHS)}
    turned = {**more, "width": width, meta["width"]: kept}
    return go.Figure({"data": other["data"], "layout": {**other["layout"], "template": template, "meta": turned}})


def mark(symbol: str, colour: str, size: float = 8) -> dict[str, Any]:
    """Return a marker; an ``-open`` symbol is white inside, so that it hides the line behind it."""
    hollow = symbol.endswith("-open") and not symbol.startswith("line")
    line = {"color": colour, "width": 1.5 if "-open" in symbol else 0}
    return {
        "symbol": symbol.removesuffix("-open") if hollow else symbol,
        "color": "white" if hollow else colour,
        "size": size,
        "line": line,
    }


@dataclass
class Chart:
    """Rows with a name at the left, a plot area, and columns of text at the right.

    The vertical axis counts layout pixels, so rows may differ in height.
    """

    width: Width
    columns: tuple[str, ...] = ()
    rows: list[tuple[list[str], tuple[str, ...], bool, float]] = field(default_factory=list)
    height: float = 0.0

    def row(self, name: str, cells: tuple[str, ...] = (), least: float = 18.0) -> float:
        """Add a row and return the height of its middle."""
        return self._add(wrap(name, 0.33 * pixels(self.width)), cells, least, head=False)

    def head(self, name: str) -> float:
        """Add a heading for the rows that follow."""
        return self._add(wrap(name, 0.85 * pixels(self.width)), (), 20.0, head=True)

    def _add(self, lines: list[str], cells: tuple[str, ...], least: float, *, head: bool) -> float:
        size = max(least, max([len(lines), *(cell.count("\n") + 1 for cell in cells)]) * LEADING + 6)
        middle = self.height + size / 2
        self.rows.append((lines, cells, head, middle))
        self.height += size
        return middle

    def draw(self, title: str, span: tuple[float, float], keys: Mapping[str, dict[str, Any]] | None = None) -> go.Figure:
        """Return the figure with axes, names, columns and legend, but without data.

        Parameters
        ----------
        title : str
            Of the horizontal axis.
        span : tuple of float
            Range of the horizontal axis.
        keys : mapping of str to dict, optional
            Marker by name: the legend.
        """
        total = pixels(self.width)
        left = 12 + max([extent(line) for lines, _, head, _ in self.rows if not head for line in lines], default=0)
        cells = [[self.columns[i], *(row[1][i] for row in self.rows if row[1])] for i in range(len(self.columns))]
        widths = [10 + max(extent(line) for cell in column for line in cell.split("\n")) for column in cells]
        right = max(sum(widths) + 2, 12)
        top = 4 + LEADING * max([name.count("\n") + 1 for name in self.columns if name], default=0)
        places, x, line = [], 4.0, 0
        for key in keys or {}:
            if x > 4 and x + extent(key) + 24 > total:
                x, line = 4.0, line + 1
            places.append((x, line * 17 + 10.0))
            x += extent(key) + 38
        foot = 17.0 * (line + 1) + 4 if places else 4.0
        height = top + self.height + 36 + foot
        figure = canvas(self.width, height)
        low, high = (36 + foot) / height, 1 - top / height
        figure.update_layout(barmode="overlay", xaxis2={"domain": [0, 1], "range": [0, total], "visible": False, "anchor": "y2"})
        figure.update_layout(yaxis2={"domain": [0, foot / height], "range": [foot, 0], "visible": False, "anchor": "x2"})
        figure.update_xaxes(domain=[left / total, 1 - right / total], range=list(span), showgrid=True, selector=0)
        hidden = {"showline": False, "ticks": "", "showticklabels": False, "showgrid": False}
        figure.update_yaxes(domain=[low, high], range=[self.height, 0], **hidden, selector=0)
        notes = [words(escape(title), (left + total - right) / 2 / total, low, yshift=-20, xanchor="center")]
        for (name, marker), (x, y) in zip((keys or {}).items(), places, strict=True):
            swatch(figure, marker, x + 8, y)
            notes.append(words(escape(name), (x + 20) / total, y, yref="y2", yanchor="middle"))
        return figure.update_layout(annotations=[*notes, *self._words(widths, left / total, high)])

    def _words(self, widths: list[float], left: float, top: float) -> Iterator[dict[str, Any]]:
        ends = [1 - sum(widths[i + 1 :]) / pixels(self.width) for i in range(len(widths))]
        for lines, cells, head, middle in self.rows:
            place: dict[str, Any] = {"yref": "y", "yanchor": "middle", "y": middle}
            if head:
                yield words(f"<b>{markup(lines)}</b>", 0, xshift=2, **place)
                continue
            yield words(markup(lines), left, xanchor="right", align="right", xshift=-5, **place)
            for end, cell in zip(ends, cells, strict=True):
                yield words(markup(cell.split("\n")), end, xanchor="right", align="right", xshift=-2, **place)
        for end, name in zip(ends, self.columns, strict=True):
            look = {"xanchor": "right", "align": "right", "yanchor": "bottom", "xshift": -2, "font_color": MUTED}
            yield words(markup(name.split("\n")), end, top, **look)


def swatch(figure: go.Figure, marker: dict[str, Any], x: float, y: float) -> None:
    """Add one symbol of a legend on the axes ``x2`` and ``y2``."""
    import plotly.graph_objects as go

    marker = {**marker, "size": min(marker.get("size", 8), 10)} if "symbol" in marker else marker
    place = {"xaxis": "x2", "yaxis": "y2", "marker": marker, "hoverinfo": "skip", "y": [y]}
    if "pattern" in marker:
        figure.add_trace(go.Bar(x=[16], base=[x - 8], width=[9.0], orientation="h", **place))
    else:
        figure.add_trace(go.Scatter(x=[x], mode="markers", **place))

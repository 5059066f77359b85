"""The page on which figures are drawn, and what is asked of it: an SVG of a plotly figure; a PNG or a PDF of an SVG.

Every kind of image is made from the same SVG, which holds the letters that it shows: the page loads nothing but local files.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kaleido._kaleido_tab import _KaleidoTab

POLICY = "default-src file: data: blob: 'unsafe-inline' 'unsafe-eval'"
INCH = 96.0
"""Layout pixels of an inch."""

STYLE = "@page { margin: 0 } html, body { margin: 0; padding: 0; background: white } body > svg { display: block }"
SCRIPT = """
async function letters() {
  const faces = await Promise.all(["8px Arimo", "bold 8px Arimo"].map((face) => document.fonts.load(face)));
  if (faces.some((found) => found.length === 0)) throw new Error("the figures' font could not be read");
}
async function drawing(figure, width, height) {
  await letters();
  const options = {format: "svg", width: width, height: height, imageDataOnly: true};
  return await Plotly.toImage({data: figure.data, layout: figure.layout, config: {}}, options);
}
async function picture(svg, across, down) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], {type: "image/svg+xml"}));
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {width: across, height: down});
  const pen = canvas.getContext("2d", {alpha: false});
  pen.fillStyle = "white";
  pen.fillRect(0, 0, across, down);
  pen.drawImage(image, 0, 0, across, down);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  URL.revokeObjectURL(image.src);
  if (blob === null) throw new Error(`no picture of ${across} x ${down} dots`);
  const reader = new FileReader();
  await new Promise((done) => { reader.onload = done; reader.readAsDataURL(blob); });
  return reader.result.split(",")[1];
}
async function paper(content) {
  await letters();
  document.body.innerHTML = content;
  await Promise.all(Array.from(document.images, (image) => image.decode()));
  await document.fonts.ready;
  return "";
}
"""


class DrawingError(Exception):
    """What the page says about a figure that it cannot draw."""


class Paper:
    """Makes the page, for kaleido."""

    def generate_index(self) -> str:
        """Return the page: plotly, the figures' font, and the functions above."""
        import plotly

        from review import fonts

        script = (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").as_uri()
        head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        parts = f"<style>{fonts.faces()}{STYLE}</style><script src='{script}'></script><script>{SCRIPT}</script>"
        return f'<!DOCTYPE html><html lang="en"><head>{head}<title></title>{parts}</head><body></body></html>'


class Page:
    """One page of a browser, which draws one image at a time.

    Parameters
    ----------
    tab : kaleido's tab
        Where the page is open.
    """

    def __init__(self, tab: _KaleidoTab) -> None:
        self.tab, self.used = tab, False
        self._last = ("", "")

    async def draw(self, order: Mapping[str, Any]) -> bytes:
        """Return an image.

        Parameters
        ----------
        order : mapping
            ``fig``, a plotly figure, or ``svg``, a drawing of it, or ``html``, a document; and ``opts``: ``format`` (svg, png
            or pdf), ``width`` and ``height`` in layout pixels, and for a PNG ``scale`` (dots a layout pixel).

        Raises
        ------
        DrawingError
            If it cannot be drawn.
        """
        from review import fonts

        options = order["opts"]
        if "html" in order:
            return await self._print(order["html"], options)
        svg = order["svg"] if "svg" in order else await self._svg(order["fig"], options)
        if options["format"] == "svg":
            return str(svg).encode("utf-8")
        if options["format"] == "pdf":
            return await self._print(fonts.bare(svg), options)
        across, down = (round(options[side] * options.get("scale", 1)) for side in ("width", "height"))
        return base64.b64decode(await self._call("picture", svg, across, down))

    async def _svg(self, figure: Any, options: Mapping[str, Any]) -> str:
        """Return the drawing of a figure, the last one again if it is the same.

        It is drawn on a new page: plotly writes attributes in another order if it has measured a text before. The other
        kinds do not depend on that, and to load a page takes longer than to draw on it.
        """
        from plotly.utils import PlotlyJSONEncoder

        from review import fonts

        text = json.dumps([figure, options["width"], options["height"]], cls=PlotlyJSONEncoder)
        if text != self._last[0]:
            await self.refresh()
            self._last = (text, fonts.embed(await self._call("drawing", *json.loads(text))))
        return self._last[1]

    async def _print(self, content: str, options: Mapping[str, Any]) -> bytes:
        """Return a PDF of the given paper size without margins."""
        await self._call("paper", content)
        size = {"paperWidth": options["width"] / INCH, "paperHeight": options["height"] / INCH}
        edges = {f"margin{side}": 0 for side in ("Top", "Bottom", "Left", "Right")}
        command = {"printBackground": True, "generateTaggedPDF": False, **size, **edges}
        answer = await self.tab.tab.send_command("Page.printToPDF", command | {"pageRanges": options.get("pages", "1")})
        return base64.b64decode(_result(answer)["data"])

    async def _call(self, name: str, *arguments: Any) -> str:
        """Call a function of the page and return its text."""
        self.used = True
        call = f"{name}({', '.join(json.dumps(argument) for argument in arguments)})"
        command = {"expression": call, "awaitPromise": True, "returnByValue": True}
        result = _result(await self.tab.tab.send_command("Runtime.evaluate", command))
        if "exceptionDetails" in result:
            raise DrawingError(_said(result["exceptionDetails"]))
        return str(result["result"].get("value", ""))

    async def refresh(self) -> None:
        """Load the page anew if it was used."""
        if self.used:
            await self.tab.reload()
            self.used = False


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what a command of the browser gave.

    Raises
    ------
    DrawingError
        If it refused.
    """
    if "error" in answer:
        raise DrawingError(str(answer["error"].get("message", answer["error"])))
    result: dict[str, Any] = answer["result"]
    return result


def _said(details: Mapping[str, Any]) -> str:
    """Return the first line of what went wrong on the page."""
    words = details.get("exception", {}).get("description") or details.get("exception", {}).get("value") or details.get("text")
    return str(words).split("\n", maxsplit=1)[0]

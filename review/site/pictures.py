"""The files of a figure in a site: small enough to load, the same content."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from review.errors import InputError
from review.site.source import Picture

KINDS = ("svg", "pdf", "png", "json")
WORDS = {"svg": "SVG", "pdf": "PDF", "png": "PNG", "json": "figure as JSON"}
COLOURS = 256
MOST_DOTS = 50_000_000
"""Dots of a PNG: the largest of ours, 174 mm wide at 600 dpi, have fewer than 20 million."""


def files(folder: Path, picture: Picture, kinds: tuple[str, ...]) -> dict[str, bytes]:
    """Return the files of a figure by kind, of those kinds that exist.

    PNG files get a palette of :data:`COLOURS` colours, PDF files lose repeated objects, JSON its blanks: a third of the size.
    """
    found = {}
    for kind in kinds:
        path = folder / f"{picture.place}.{kind}"
        if path.is_file():
            try:
                found[kind] = _smaller(kind, path.read_bytes())
            except (OSError, ValueError, SyntaxError, RecursionError) as error:  # Pillow raises any of these
                message = f"it cannot be read ({str(error)[:100]})"
                raise InputError.one(path, message, "run the notebook again, or remove the file") from None
    return found


@lru_cache(maxsize=512)
def _smaller(kind: str, content: bytes) -> bytes:
    """Return the smaller form of a file; the file itself if that is no smaller."""
    shrink = {"json": compact, "png": palette, "pdf": merged}.get(kind)
    small = content if shrink is None else shrink(content)
    return small if len(small) < len(content) else content


def compact(content: bytes) -> bytes:
    """Return JSON without blanks and line ends."""
    return json.dumps(json.loads(content), ensure_ascii=False, separators=(",", ":")).encode()


def palette(content: bytes) -> bytes:
    """Return a PNG with few colours, at the same size and resolution, with the same texts in it."""
    from PIL import Image, PngImagePlugin

    across, down = struct.unpack(">II", content[16:24].ljust(8, b"\0"))
    if across * down > MOST_DOTS:
        raise ValueError(f"{across:,} x {down:,} dots are too many")
    with Image.open(io.BytesIO(content)) as image:
        told = PngImagePlugin.PngInfo()
        for name, value in getattr(image, "text", {}).items():
            told.add_itxt(name, str(value))
        white = Image.new("RGBA", image.size, "white")
        flat = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
        options = {"dpi": image.info["dpi"]} if "dpi" in image.info else {}
        small = io.BytesIO()
        flat.quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True, pnginfo=told, **options)
    return small.getvalue()


def merged(content: bytes) -> bytes:
    """Return a PDF in which equal objects stand once; one that cannot be read is returned as it is."""
    from pypdf import PdfWriter
    from pypdf.errors import PyPdfError

    try:
        writer = PdfWriter(clone_from=io.BytesIO(content))
        writer.compress_identical_objects()
        small = io.BytesIO()
        writer.write(small)
    except PyPdfError:
        return content
    return small.getvalue()


def size(content: bytes) -> tuple[int, int]:
    """Return width and height of an SVG in pixels, (0, 0) if it does not tell."""
    head = content[:2000].decode("utf-8", "replace")
    found = [re.search(rf'<svg[^>]*\s{name}="([0-9.]+)(px|mm|pt)?"', head) for name in ("width", "height")]
    scale = {None: 1.0, "px": 1.0, "pt": 96 / 72, "mm": 96 / 25.4}
    pair = [round(float(match[1]) * scale[match[2]]) if match else 0 for match in found]
    return (pair[0], pair[1]) if all(pair) else (0, 0)


def drawable(figure: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page's script draws: ``wide``, and ``narrow`` where the figure knows how it looks in one column."""
    layout = dict(figure["layout"])
    meta = layout.pop("meta", None)
    wide = {"data": figure["data"], "layout": layout}
    narrow = meta.get("single") if isinstance(meta, dict) and meta.get("width") == "double" else None
    if not isinstance(narrow, dict) or "error" in narrow or "data" not in narrow:
        return {"wide": wide}
    kept = {key: value for key, value in narrow.get("layout", {}).items() if key not in ("meta", "template")}
    return {"wide": wide, "narrow": {"data": narrow["data"], "layout": kept}}

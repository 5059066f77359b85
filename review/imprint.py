"""What a figure's files say about themselves: words for those who do not see it, size, and where the numbers come from.

Each file names the notebook that made the figure, the hash of the corpus and the hash of the figure, in the way of its format:
SVG ``<metadata>`` (Dublin Core), PDF document information and XMP, PNG text chunks, TIFF ``ImageDescription``.
"""

from __future__ import annotations

import html
import io
import json
import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review import __version__, theme
from review.errors import RunError

if TYPE_CHECKING:
    from pypdf import PdfWriter

SOFTWARE = f"synthetic-data-review {__version__}"
POINTS = 72 / 96
"""Points of a layout pixel."""


@dataclass(frozen=True)
class Facts:
    """What is said about one figure.

    Attributes
    ----------
    name, alt, caption : str
        Name of the files, what is seen, what is said below it.
    hash : str
        SHA-256 that stands for the figure's content.
    notebook, corpus : str
        Path of the notebook in the project, and SHA-256 of the corpus; "" where unknown.
    size : tuple of float
        Width and height in layout pixels (1/96 inch).
    """

    name: str
    alt: str
    caption: str
    hash: str
    notebook: str
    corpus: str
    size: tuple[float, float]

    @property
    def title(self) -> str:
        """The first sentence of the caption."""
        return re.split(r"(?<=[.:])\s", self.caption)[0] or self.name

    @property
    def millimetres(self) -> tuple[float, float]:
        """Width and height in print."""
        across, down = self.size
        return round(across / theme.PIXELS, 4), round(down / theme.PIXELS, 4)

    @property
    def origin(self) -> dict[str, str]:
        """Where the figure comes from, without what is unknown."""
        hashes = {"corpus": f"sha256:{self.corpus}" if self.corpus else "", "figure": f"sha256:{self.hash}"}
        every = {"name": self.name, "notebook": self.notebook, **hashes, "software": SOFTWARE}
        return {name: value for name, value in every.items() if value}


def svg(drawing: str, facts: Facts) -> str:
    """Return an SVG with role, title, description, its size in millimetres and metadata.

    plotly marks its clip paths with a random name: it is replaced by the figure's hash, so that equal figures are equal files.

    Raises
    ------
    RunError
        If this is no SVG.
    """
    if mark := re.search(r'id="defs-([0-9a-f]{6})"', drawing):
        drawing = drawing.replace(mark[1], facts.hash[:6])
    root = re.match(r"<svg\b[^>]*>", drawing)
    if root is None:
        raise RunError(f"the browser drew no SVG of {facts.name!r} -> run again")
    tag = re.sub(r'\s(width|height|role|aria-labelledby)="[^"]*"', "", root[0])
    across, down = (f"{size:.4f}mm" for size in facts.millimetres)
    name = html.escape(facts.name)
    words = f'role="img" aria-labelledby="{name}-title {name}-desc"'
    title = f'<title id="{name}-title">{html.escape(facts.title)}</title>'
    inner = f'{title}<desc id="{name}-desc">{html.escape(facts.alt)}</desc><metadata>{_rdf(facts)}</metadata>'
    return f'{tag[:-1]} width="{across}" height="{down}" {words}>{inner}{drawing[root.end() :]}'


def _rdf(facts: Facts) -> str:
    """Return Dublin Core in RDF, as SVG and XMP hold it."""
    source = f"<dc:source>{html.escape(facts.notebook)}</dc:source>" if facts.notebook else ""
    related = f"<rdf:Bag><rdf:li>corpus sha256:{html.escape(facts.corpus)}</rdf:li></rdf:Bag>"
    corpus = f"<dc:relation>{related}</dc:relation>" if facts.corpus else ""
    words = "".join(
        f'<dc:{name}><rdf:Alt><rdf:li xml:lang="x-default">{html.escape(text)}</rdf:li></rdf:Alt></dc:{name}>'
        for name, text in (("title", facts.title), ("description", facts.alt))
    )
    identity = f"<dc:identifier>{html.escape(facts.name)} sha256:{html.escape(facts.hash)}</dc:identifier>"
    spaces = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    inner = f"{words}{identity}{source}{corpus}"
    return f'<rdf:RDF {spaces}><rdf:Description rdf:about="">{inner}</rdf:Description></rdf:RDF>'


def pdf(page: bytes, facts: Facts) -> bytes:
    """Return a PDF cut to the figure's exact size, with document information and XMP and without times.

    Browsers round the paper up to whole dots of a printer; the drawing stands at the upper left.
    """
    from pypdf.generic import NameObject, RectangleObject

    writer = _writer(page)
    sheet = writer.pages[0]
    across, down = (size * POINTS for size in facts.size)
    top = float(sheet.mediabox.top)
    for box in ("/MediaBox", "/CropBox", "/TrimBox"):
        sheet[NameObject(box)] = RectangleObject((0, round(top - down, 4), round(across, 4), top))
    origin = "; ".join(f"{name} {value}" for name, value in facts.origin.items())
    return _sealed(writer, facts.title, facts.alt, origin, _rdf(facts))


def document(pages: bytes, title: str, subject: str) -> bytes:
    """Return a PDF of whole pages with a title and without times."""
    return _sealed(_writer(pages), title, subject, SOFTWARE)


def _writer(page: bytes) -> PdfWriter:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(page)), import_outline=False)
    return writer


def _sealed(writer: PdfWriter, title: str, subject: str, keywords: str, rdf: str = "") -> bytes:
    from pypdf.generic import BooleanObject, NameObject, TextStringObject

    said = {"/Title": title, "/Subject": subject, "/Keywords": keywords, "/Creator": SOFTWARE, "/Producer": "Skia/PDF, pypdf"}
    writer.metadata = said
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    writer.create_viewer_preferences()[NameObject("/DisplayDocTitle")] = BooleanObject(True)
    if rdf:
        head, foot = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="r"?>'
        writer.xmp_metadata = f'{head}<x:xmpmeta xmlns:x="adobe:ns:meta/">{rdf}</x:xmpmeta>{foot}'.encode()
    sink = io.BytesIO()
    writer.write(sink)
    return sink.getvalue()


def png(image: bytes, facts: Facts, dpi: int) -> bytes:
    """Return a PNG with its resolution and with text chunks, after the header."""
    metre = round(dpi / 0.0254)
    parts = [_chunk(b"pHYs", struct.pack(">IIB", metre, metre, 1))]
    texts = {"Title": facts.title, "Description": facts.alt, **{name.title(): said for name, said in facts.origin.items()}}
    parts += [_chunk(b"iTXt", name.encode() + b"\0\0\0\0\0" + text.encode()) for name, text in texts.items() if name != "Name"]
    return image[:33] + b"".join(parts) + image[33:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def halved(image: bytes) -> bytes:
    """Return a PNG of half the resolution: each dot is the mean of four, so no line and no letter is lost or moved."""
    from PIL import Image

    sink = io.BytesIO()
    with Image.open(io.BytesIO(image)) as whole:
        whole.convert("RGB").reduce(2).save(sink, "PNG", compress_level=6)
    return sink.getvalue()


def tiff(image: bytes, facts: Facts, dpi: int) -> bytes:
    """Return a PNG as TIFF: RGB, no transparency, LZW, with resolution and description (JSON in ASCII, as the format wants)."""
    from PIL import Image
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[270] = _even(json.dumps({"title": facts.title, "alt": facts.alt, **facts.origin}))
    tags[305] = _even(SOFTWARE)
    sink = io.BytesIO()
    with Image.open(io.BytesIO(image)) as picture:
        picture.convert("RGB").save(sink, "TIFF", compression="tiff_lzw", dpi=(dpi, dpi), tiffinfo=tags)
    return _without_chance(sink.getvalue())


def _even(text: str) -> str:
    """Return ASCII that needs no byte to fill up a word behind it and its zero: Pillow before 13 leaves such a byte to chance."""
    return text if len(text) % 2 else f"{text} "


def _without_chance(image: bytes) -> bytes:
    """Return a TIFF with a zero between picture and directory, where Pillow before 13 writes what happens to be in memory."""
    from PIL import Image

    with Image.open(io.BytesIO(image)) as picture:
        tags = picture.tag_v2  # type: ignore[attr-defined]
        end = max(start + size for start, size in zip(tags[273], tags[279], strict=True))
    directory = int.from_bytes(image[4:8], "little" if image[:2] == b"II" else "big")
    return image[:end] + bytes(directory - end) + image[directory:] if end < directory else image

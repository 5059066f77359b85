"""What a figure's files say about themselves, read by other libraries."""

import io
import json
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from review import imprint, theme
from review.errors import RunError

ALT, NOTEBOOK, CORPUS, HASH = 'Shares: "a" < b & \u201cc\u201d \u2212 \u00e9.', "notebooks/02-modality.ipynb", "c" * 64, "f" * 64
FACTS = imprint.Facts("02-shares", ALT, "Shares of <all>. By construction.", HASH, NOTEBOOK, CORPUS, (317.48, 200.0))
BARE = imprint.Facts("own", "Mine.", "Mine.", HASH, "", "", (317.48, 200.0))
SPACES = {
    "svg": "http://www.w3.org/2000/svg",
    "dc": "http://purl.org/dc/elements/1.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


def sheet(across=250.0, down=160.0):
    writer, sink = PdfWriter(), io.BytesIO()
    writer.add_blank_page(across, down)
    writer.add_metadata({"/CreationDate": "D:20260101000000Z", "/Title": "index.html"})
    writer.write(sink)
    return sink.getvalue()


def picture(across=4, down=4, mode="RGB"):
    dots = np.random.default_rng(0).integers(0, 256, (down, across, len(mode)), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(dots, mode).save(sink, "PNG")
    return sink.getvalue(), dots


def test_an_svg_has_words_size_and_origin():
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="2"><g id="defs-a1b2c3"/><use href="#a1b2c3"/></svg>'
    svg = imprint.svg(drawing, FACTS)
    root = ET.fromstring(svg)
    assert (root.get("width"), root.get("height"), root.get("role")) == ("83.9999mm", "52.9167mm", "img")
    assert [root.find("svg:title", SPACES).text, root.find("svg:desc", SPACES).text] == ["Shares of <all>.", ALT]
    about = root.find("svg:metadata/rdf:RDF/rdf:Description", SPACES)
    assert about.find("dc:source", SPACES).text == NOTEBOOK
    assert about.find("dc:relation/rdf:Bag/rdf:li", SPACES).text == f"corpus sha256:{CORPUS}"
    assert about.find("dc:identifier", SPACES).text == f"02-shares sha256:{HASH}"
    assert "a1b2c3" not in svg
    assert svg.count("ffffff") >= 3


def test_what_is_no_svg_is_refused():
    with pytest.raises(RunError, match="no SVG of '02-shares' -> run again"):
        imprint.svg("<html>", FACTS)


def test_what_is_unknown_is_not_said():
    svg = imprint.svg("<svg></svg>", BARE)
    assert "dc:source" not in svg
    assert "dc:relation" not in svg
    assert set(BARE.origin) == {"name", "figure", "software"}


def test_a_pdf_is_cut_to_the_figure_and_says_where_it_comes_from():
    data = imprint.pdf(sheet(), FACTS)
    reader = PdfReader(io.BytesIO(data))
    page = reader.pages[0]
    for box in (page.mediabox, page.cropbox, page.trimbox):
        assert (float(box.left), float(box.top)) == (0, 160)
        assert (float(box.width) / 72 * 25.4, float(box.height) / 72 * 25.4) == pytest.approx((84, 200 / theme.PIXELS), abs=0.01)
    said = reader.metadata
    assert (said.title, said.subject) == ("Shares of <all>.", ALT)
    for part in (NOTEBOOK, CORPUS, HASH):
        assert part in said["/Keywords"]
    assert "/CreationDate" not in said
    xmp = reader.xmp_metadata
    assert (xmp.dc_source, xmp.dc_relation) == (NOTEBOOK, [f"corpus sha256:{CORPUS}"])
    assert xmp.dc_description == {"x-default": ALT}
    assert reader.root_object["/Lang"] == "en"
    assert data == imprint.pdf(sheet(), FACTS)


def test_a_document_keeps_its_pages():
    data = imprint.document(sheet(300, 400), "All figures", "Thumbnails")
    reader = PdfReader(io.BytesIO(data))
    assert tuple(map(float, reader.pages[0].mediabox)) == (0, 0, 300, 400)
    assert (reader.metadata.title, reader.xmp_metadata) == ("All figures", None)
    assert data == imprint.document(sheet(300, 400), "All figures", "Thumbnails")


@pytest.mark.parametrize("dpi", [300, 600])
def test_a_png_keeps_its_dots_and_tells_resolution_and_origin(dpi):
    image, dots = picture()
    with Image.open(io.BytesIO(imprint.png(image, FACTS, dpi))) as got:
        got.verify()
    with Image.open(io.BytesIO(imprint.png(image, FACTS, dpi))) as got:
        assert (np.asarray(got) == dots).all()
        assert got.info["dpi"] == pytest.approx((dpi, dpi), abs=0.01)
        assert got.text == {
            "Title": "Shares of <all>.",
            "Description": ALT,
            "Notebook": NOTEBOOK,
            "Corpus": f"sha256:{CORPUS}",
            "Figure": f"sha256:{HASH}",
            "Software": imprint.SOFTWARE,
        }


@pytest.mark.parametrize(("across", "down"), [(4, 6), (6, 5)])
def test_half_the_resolution_is_the_mean_of_four_dots(across, down):
    image, dots = picture(across, down)
    with Image.open(io.BytesIO(imprint.halved(image))) as got:
        small = np.asarray(got).astype(float)
    assert small.shape == (-(-down // 2), across // 2, 3)
    even = dots[: down // 2 * 2].reshape(down // 2, 2, across // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(small[: down // 2] - even).max() <= 0.5


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_tiff_is_rgb_with_lzw_and_no_transparency(mode):
    image, dots = picture(8, 8, mode)
    data = imprint.tiff(image, FACTS, 600)
    with Image.open(io.BytesIO(data)) as got:
        assert (got.mode, got.info["compression"], got.info["dpi"]) == ("RGB", "tiff_lzw", (600, 600))
        assert (np.asarray(got) == dots[..., :3]).all()
        said = json.loads(got.tag_v2[270])
        assert got.tag_v2[277] == 3
        assert 306 not in got.tag_v2, "no time"
    assert said == {"title": "Shares of <all>.", "alt": ALT, **FACTS.origin}
    assert data == imprint.tiff(image, FACTS, 600)


def test_no_byte_of_a_tiff_is_left_to_chance():
    """Older versions of Pillow fill words up with what is in memory: behind the picture, and behind texts of odd length."""
    filled = 0
    for across in range(8, 24):
        image, _ = picture(across, 9)
        for alt in ("a", "ab"):
            data = imprint.tiff(image, replace(FACTS, alt=alt), 600)
            with Image.open(io.BytesIO(data)) as got:
                end = max(start + size for start, size in zip(got.tag_v2[273], got.tag_v2[279], strict=True))
                assert all(len(got.tag_v2[tag]) % 2 for tag in (270, 305)), "and a zero"
            directory = int.from_bytes(data[4:8], sys.byteorder)
            assert directory - end in (0, 1)
            if end < directory:
                filled += 1
                assert imprint._without_chance(data[:end] + b"\x07" + data[directory:]) == data
    assert filled

"""A stranger takes a figure into a LaTeX document: natural size, caption and alternative text, fonts embedded.

Where no LaTeX is installed the PDF itself is looked at, which :mod:`test_publication` does in any case.
"""

import os
import re
import shutil
import subprocess

import pandas as pd
import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream

from review import export, figures, publication
from review.browser import find_browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ENGINES = [name for name in ("pdflatex", "lualatex") if shutil.which(name)]
CAPTION = "Reasons of 100\u202f% & more_or less {at \u2212 5 \u2264 \u03ba \u00e9}; $x^2$ ~ #1. By construction."
DOCUMENT = r"""\documentclass[twocolumn]{article}
\usepackage[a4paper, margin=15mm, columnsep=6mm]{geometry}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{graphicx}
\graphicspath{{FOLDER/}}
\begin{document}
See figure~\ref{fig:01-reasons}.
\input{FOLDER/01-reasons-WIDTH.tex}
\end{document}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if find_browser() is None and "CI" not in os.environ:
        pytest.skip("no browser here")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("out")
    table = pd.DataFrame({"reason": ["outside window", "not-a-study"], "count": [52, 8]})
    given = (
        figures.plot_screening_reasons(table),
        "01-reasons",
        source,
        "Alt: 50 % \u2212 {a_b} \\ & #1 \u201cq\u201d.",
        CAPTION,
    )
    export.export(*given, formats=())
    publication.write(source, out)
    return out


def placed(page):
    """Return the figure's object and the scales with which it is set on the page."""
    [(name, figure)] = [
        (name, entry.get_object())
        for name, entry in page["/Resources"]["/XObject"].items()
        if entry.get_object()["/Subtype"] == "/Form"
    ]
    scales = [(1.0, 1.0)]
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        if operator == b"q":
            scales.append(scales[-1])
        elif operator == b"Q":
            scales.pop()
        elif operator == b"cm":
            scales[-1] = (scales[-1][0] * float(operands[0]), scales[-1][1] * float(operands[3]))
        elif operator == b"Do" and operands[0] == name:
            return figure, scales[-1]
    raise AssertionError("the figure is not on the page")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("width", "millimetres"), [("84mm", 84), ("174mm", 174)])
def test_a_figure_stands_in_a_document_at_its_natural_size(folder, tmp_path, engine, width, millimetres):
    text = DOCUMENT.replace("FOLDER", str(folder)).replace("WIDTH", width)
    (tmp_path / "paper.tex").write_text(text, "utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    for _ in range(2):
        run = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=300)
        assert run.returncode == 0, run.stdout[-2000:]
    assert not re.search(r"Overfull|Missing character|undefined", run.stdout), run.stdout[-2000:]
    reader = PdfReader(tmp_path / "paper.pdf")
    [page] = [page for page in reader.pages if "/XObject" in page["/Resources"]]
    assert (float(page.mediabox.width) / 72 * 25.4, float(page.mediabox.height) / 72 * 25.4) == pytest.approx((210, 297), abs=0.2)
    figure, (across, down) = placed(page)
    assert across == pytest.approx(down) == pytest.approx(1, abs=0.001)
    left, bottom, right, top = map(float, figure["/BBox"])
    assert (right - left) * across / 72 * 25.4 == pytest.approx(millimetres, abs=0.2)
    assert top - bottom > 50
    for font in figure["/Resources"]["/Font"].values():
        inner = font.get_object()["/DescendantFonts"][0].get_object()
        assert "/FontFile2" in inner["/FontDescriptor"]
    shown = page.extract_text()
    assert "Outside window" in shown
    assert "more_or less" in shown


def test_the_pdf_can_be_taken_in_as_it_is(folder):
    for width, millimetres in (("84mm", 84), ("174mm", 174)):
        [page] = PdfReader(folder / f"01-reasons-{width}.pdf").pages
        assert page.mediabox == page.cropbox
        assert float(page.mediabox.width) / 72 * 25.4 == pytest.approx(millimetres, abs=0.05)
        assert "/Rotate" not in page or page["/Rotate"] == 0
        assert all("/FontDescriptor" in font.get_object()["/DescendantFonts"][0] for font in page["/Resources"]["/Font"].values())

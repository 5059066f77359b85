"""A table for a paper as a Word file: a real table with repeated head, three rules, caption and notes."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any

from review.paper_table import Cell, Link, PaperTable, parts

if TYPE_CHECKING:
    from docx.document import Document

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of everything inside, so that the same table gives the same bytes."""

FONT = "Arial"
NOTE = "Table Note"
LINK_COLOUR = "0B5394"
_AFTER_BORDERS = ("w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:tblCaption", "w:tblDescription")
_AFTER_CELL_BORDERS = ("w:shd", "w:noWrap", "w:tcMar", "w:textDirection", "w:tcFitText", "w:vAlign", "w:hideMark")


def to_word(table: PaperTable) -> bytes:
    """Return the table as a .docx file."""
    import docx

    table = table.shown()
    document = docx.Document()
    _prepare(document, table)
    document.add_paragraph(table.title, style="Caption").paragraph_format.keep_with_next = True
    _fill(document, table)
    for note in table.notes:
        document.add_paragraph(note, style=NOTE)
    stream = io.BytesIO()
    document.save(stream)
    return settled(stream.getvalue())


def settled(data: bytes) -> bytes:
    """Return a zip file whose members have one date and one order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, EPOCH)
            member.compress_type, member.create_system, member.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            target.writestr(member, source.read(name))
    return stream.getvalue()


def _prepare(document: Document, table: PaperTable) -> None:
    """Set page, styles and properties."""
    from docx.enum.section import WD_ORIENT
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Mm, Pt, RGBColor

    section = document.sections[0]
    section.page_width, section.page_height = (Mm(297), Mm(210)) if table.wide else (Mm(210), Mm(297))
    section.orientation = WD_ORIENT.LANDSCAPE if table.wide else WD_ORIENT.PORTRAIT
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(20)
    note: Any = document.styles.add_style(NOTE, WD_STYLE_TYPE.PARAGRAPH)
    note.base_style = document.styles["Normal"]
    for name, size in (("Normal", 9), ("Caption", 10), (NOTE, 8)):
        style: Any = document.styles[name]
        style.font.name, style.font.size, style.font.color.rgb = FONT, Pt(size), RGBColor(0, 0, 0)
        style.paragraph_format.space_before = Pt(3 if name == NOTE else 0)
        style.paragraph_format.space_after = Pt(4 if name == "Caption" else 0)
        style.paragraph_format.line_spacing = 1.0
    facts = document.core_properties
    facts.title, facts.author, facts.last_modified_by, facts.comments, facts.revision = table.title, "", "", "", 1
    facts.created = facts.modified = datetime(*EPOCH)  # noqa: DTZ001 (the format keeps no zone)
    facts.language = "en"


def _fill(document: Document, table: PaperTable) -> None:
    """Write head and rows."""
    from docx.shared import Pt

    head = 2 if table.spans else 1
    body = [row for group in table.groups for row in ([[group.title], *group.rows] if group.title else group.rows)]
    grid = document.add_table(head + len(body), len(table.columns))
    grid.autofit = False
    section = document.sections[0]
    page, edges = section.page_width, (section.left_margin, section.right_margin)
    room = int(page or 0) - sum(int(edge or 0) for edge in edges)
    widths = [int(room * column.share) for column in table.columns]
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    _describe(grid, table)
    rows = [list(row.cells) for row in grid.rows]
    for label, first, last in table.spans:
        rows[0][first].merge(rows[0][last])
        _write(rows[0][first], label, "center", bold=True)
        _rule(rows[0][first : last + 1], "bottom")
    for cell, column in zip(rows[head - 1], table.columns, strict=True):
        _write(cell, column.label, column.align, bold=True)
    _rule(rows[head - 1], "bottom")
    for cells, values in zip(rows[head:], body, strict=True):
        if len(values) == 1 < len(table.columns):
            merged = cells[0].merge(cells[-1])
            _write(merged, values[0], "left", bold=True)
            look = merged.paragraphs[0].paragraph_format
            look.keep_with_next, look.space_before = True, Pt(4)
            continue
        for cell, value, column in zip(cells, values, table.columns, strict=True):
            _write(cell, value, column.align)
            if table.loose:
                cell.paragraphs[0].paragraph_format.space_after = Pt(3)
    for place, (row, cells) in enumerate(zip(grid.rows, rows, strict=True)):
        settings = row._tr.get_or_add_trPr()
        settings.append(_element("w:cantSplit"))
        if place < head:
            settings.append(_element("w:tblHeader"))
        for cell, width in zip(cells, widths, strict=True):
            if cell._tc.grid_span == 1:
                cell.width = width


def _describe(grid: Any, table: PaperTable) -> None:
    """Rule the table at top and bottom, name its first row and column as heads, and give it alternative text."""
    properties = grid._tbl.tblPr
    borders = _element("w:tblBorders")
    for side in ("top", "bottom"):
        borders.append(_element(f"w:{side}", val="single", sz="12", space="0", color="000000"))
    properties.insert_element_before(borders, *_AFTER_BORDERS)
    for look in properties.findall(_name("w:tblLook")):
        properties.remove(look)
    properties.append(_element("w:tblLook", val="00A0", firstRow="1", firstColumn="1", noHBand="1", noVBand="1"))
    properties.append(_element("w:tblCaption", val=table.title))
    properties.append(_element("w:tblDescription", val=table.notes[0] if table.notes else table.title))


def _rule(cells: list[Any], side: str) -> None:
    for cell in cells:
        properties = cell._tc.get_or_add_tcPr()
        borders = _element("w:tcBorders")
        borders.append(_element(f"w:{side}", val="single", sz="6", space="0", color="000000"))
        properties.insert_element_before(borders, *_AFTER_CELL_BORDERS)


def _write(cell: Any, value: Cell, align: str, *, bold: bool = False) -> None:
    """Put text and links into a cell."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph = cell.paragraphs[0]
    paragraph.alignment = getattr(WD_ALIGN_PARAGRAPH, align.upper())
    for part in parts(value):
        if isinstance(part, str):
            paragraph.add_run(part).bold = bold or None
        else:
            _link(paragraph, part)


def _link(paragraph: Any, link: Link) -> None:
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.shared import RGBColor

    identifier = paragraph.part.relate_to(link.address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    run = paragraph.add_run(link.text)
    run.font.color.rgb, run.font.underline = RGBColor.from_string(LINK_COLOUR), True
    holder = _element("w:hyperlink")
    holder.set(_name("r:id"), identifier)
    paragraph._p.append(holder)
    holder.append(run._r)


def _name(tag: str) -> str:
    from docx.oxml.ns import qn

    return qn(tag)


def _element(tag: str, **values: str) -> Any:
    from docx.oxml import OxmlElement

    element = OxmlElement(tag)
    for name, value in values.items():
        element.set(_name(f"w:{name}"), value)
    return element

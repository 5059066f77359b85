"""A table for a paper as HTML, drawn by great_tables."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from review.paper_table import Cell, Link, PaperTable, parts
from review.theme import FONT, INK

if TYPE_CHECKING:
    from great_tables import GT

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_CSS = """
#{id} caption {{ text-align: left; font-weight: 600; padding: 4px 5px 8px; caption-side: top; }}
#{id} .gt_table {{ font-variant-numeric: tabular-nums lining-nums; }}
#{id} .gt_row, #{id} .gt_col_heading {{ vertical-align: top; }}
#{id} .gt_sourcenote {{ padding-left: 5px; max-width: 60rem; }}
#{id} a {{ color: #0b5394; overflow-wrap: anywhere; }}
#{id} td, #{id} th {{ overflow-wrap: break-word; }}
#{id} tr, #{id} tr:hover {{ background: none; }}
"""


def to_gt(table: PaperTable) -> GT:
    """Return the table as a great_tables object, to be changed further; its title is added by :func:`fragment` as a caption."""
    import pandas as pd
    from great_tables import GT

    table = table.shown()
    names = [f"c{place}" for place in range(len(table.columns))]
    rows = [[group.title, *map(_marked, row)] for group in table.groups for row in group.rows]
    headed = any(group.title for group in table.groups)
    frame = pd.DataFrame(rows, columns=["group", *names], dtype=object)
    given = frame if headed else frame.drop(columns="group")
    identifier = f"table-{table.name}"
    made = GT(given, rowname_col="c0", groupname_col="group" if headed else None, id=identifier, locale="en")
    made = made.fmt(str, columns=names).tab_stubhead(table.columns[0].label)  # fmt takes what is escaped already as it is
    made = made.cols_label({name: column.label for name, column in zip(names[1:], table.columns[1:], strict=True)})
    widths = {name: f"{100 * column.share:g}%" for name, column in zip(names, table.columns, strict=True)}
    made = made.cols_width(widths)
    for align in ("left", "right"):
        chosen = [name for name, column in zip(names, table.columns, strict=True) if column.align == align]
        made = made.cols_align(align=align, columns=chosen) if chosen else made
    for label, first, last in table.spans:
        made = made.tab_spanner(label, columns=names[first : last + 1])
    for note in table.notes:
        made = made.tab_source_note(note)
    return _style(made, identifier, "7px" if table.loose else "3px")


def _style(made: GT, identifier: str, padding: str) -> GT:
    """Rule the table at its top, under its head and at its bottom only."""
    rule, thin = {"style": "solid", "width": "2px", "color": INK}, {"style": "solid", "width": "1px", "color": INK}
    none = {"style": "none"}
    places = {
        "table_border_top": rule,
        "column_labels_border_top": none,
        "column_labels_border_bottom": thin,
        "table_body_border_top": none,
        "table_body_border_bottom": rule,
        "table_border_bottom": none,
        "table_body_hlines": none,
        "row_group_border_top": none,
        "row_group_border_bottom": none,
        "stub_border": none,
    }
    options: dict[str, Any] = {f"{place}_{part}": value for place, look in places.items() for part, value in look.items()}
    options |= {"table_font_size": "14px", "table_font_color": INK, "data_row_padding": padding, "row_group_padding": "6px"}
    options |= {"row_group_font_weight": "600", "column_labels_font_weight": "600", "table_width": "100%"}
    return made.opt_table_font(FONT.split(", ")).tab_options(**options).opt_css(_CSS.format(id=identifier), add=True)


def _marked(cell: Cell) -> str:
    return "".join(_part(part) for part in parts(cell))


def _part(part: str | Link) -> str:
    if isinstance(part, str):
        return html.escape(part)
    return f'<a href="{html.escape(part.address)}">{html.escape(part.text)}</a>'


def fragment(table: PaperTable) -> str:
    """Return the table with its caption, for a page or a notebook: no scripts, no random names."""
    identifier = f"table-{table.name}"
    text = to_gt(table).as_raw_html()
    region = f'<div id="{identifier}" role="region" tabindex="0" aria-labelledby="{identifier}-caption" '
    text = text.replace(f'<div id="{identifier}" ', region, 1)
    caption = f'<caption id="{identifier}-caption">{html.escape(table.title)}</caption>'
    return re.sub(r'<table[^>]*class="gt_table"[^>]*>', lambda found: f"{found[0]}\n{caption}", text, count=1)


def page(table: PaperTable) -> str:
    """Return the table as one HTML file that needs nothing else."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{html.escape(table.title)}</title>\n"
        "<style>body { margin: 1rem auto; max-width: 72rem; padding: 0 1rem; background: #fff; }</style>\n"
        f"</head>\n<body>\n<main>\n{fragment(table)}\n</main>\n</body>\n</html>\n"
    )

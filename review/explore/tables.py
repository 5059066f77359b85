"""Long tables that can be sorted and searched in a notebook, and are plain tables where no script may run."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from review.errors import ReviewError
from review.files import digest, records, to_json

if TYPE_CHECKING:
    import pandas as pd

STATIC = Path(__file__).parent / "static"
ROWS = 10
"""Rows on a page of a table, where it can be turned."""

LINKS = MappingProxyType({"citation": "link", "consensus": "source"})
"""Columns of a list of studies that lead to a page, and the columns of the addresses."""

EVENT = "review-tables"
"""What the page is told when the script is there; tables that were drawn before wait for it."""

_START = """<div class="review-tables" role="note">The tables of this notebook can be sorted and searched.</div>
<script>
if (!window.reviewTables) {{
  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const style = document.createElement("style");
  style.textContent = new TextDecoder().decode(bytes("{style}"));
  document.head.append(style);
  const address = URL.createObjectURL(new Blob([bytes("{script}")], {{ type: "text/javascript" }}));
  window.reviewTables = import(address);
  window.reviewTables.then(() => window.dispatchEvent(new Event("{event}")));
}}
</script>
"""
_UPGRADE = """<script type="module">
const upgrade = async () => {{
  const {{ ITable }} = await window.reviewTables;
  for (const table of document.querySelectorAll("#{name}:not(.dataTable)")) new ITable(table, {options});
}};
if (window.reviewTables) upgrade();
else window.addEventListener("{event}", upgrade, {{ once: true }});
</script>
"""


@dataclass(frozen=True)
class Page:
    """HTML for a notebook, and the same as text."""

    page: str
    text: str

    def _repr_html_(self) -> str:
        return self.page

    def __repr__(self) -> str:
        return self.text


def start_tables() -> Page:
    """Return the script of sortable tables, to stand once in a notebook: nothing is loaded from elsewhere.

    It is DataTables as the package itables brings it, some 950 kB. Without it :func:`table` shows plain tables.
    """
    import itables.options

    bundle = Path(itables.options.dt_bundle)
    style = bundle.with_suffix(".css").read_bytes() + (STATIC / "tables.css").read_bytes()
    script, look = (base64.b64encode(part).decode("ascii") for part in (bundle.read_bytes(), style))
    return Page(_START.format(style=look, script=script, event=EVENT), "The script of sortable tables.")


def table(frame: pd.DataFrame, caption: str = "", links: Mapping[str, str] = LINKS) -> Page:
    """Return a table that can be sorted and searched after :func:`start_tables`, and is a plain one elsewhere.

    Parameters
    ----------
    frame : DataFrame
        Every row is shown; its index is not.
    caption : str
        What the table shows.
    links : mapping of str to str
        Column that is shown as a link, and column of its address, which is then not shown itself. Pairs that are not in the
        frame are left out, as is an address that is not of the web.

    Raises
    ------
    ReviewError
        If the frame has no columns.
    """
    import pandas as pd

    if not len(frame.columns):
        raise ReviewError("the table has no columns -> give one with at least one column")
    rows = records(frame)
    columns = [str(name) for name in frame.columns]
    addresses = {shown: address for shown, address in links.items() if {shown, address} <= set(columns)}
    names = [name for name in columns if name not in addresses.values()]
    numeric = {name for at, name in enumerate(columns) if pd.api.types.is_numeric_dtype(frame.iloc[:, at].dtype)}
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    body = "\n".join(
        f"<tr>{''.join(_cell(row[name], row.get(addresses.get(name, '')), name in numeric) for name in names)}</tr>"
        for row in rows
    )
    above = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    name = f"review-{digest(to_json(rows).encode(), caption.encode())[:12]}"
    options = {"order": [], "pageLength": ROWS, "paging": len(rows) > ROWS, "autoWidth": False}
    page = (
        f'<table id="{name}" class="review-table display compact">{above}\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n"
    )
    script = _UPGRADE.format(name=name, options=to_json(options).strip(), event=EVENT)
    return Page(page + script, frame.to_string(index=False))


def _cell(value: Any, address: Any, number: bool) -> str:
    """Return a value as a cell of escaped HTML."""
    text = "" if value is None else html.escape(str(value)).replace("\n", "<br>")
    if text and is_web(str(address or "")):
        text = f'<a href="{html.escape(str(address))}" rel="noopener noreferrer" target="_blank">{text}</a>'
    return f'<td class="dt-right">{text}</td>' if number else f"<td>{text}</td>"


def is_web(address: str) -> bool:
    """Tell whether an address leads to a page of the web, and to nothing else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and address.isprintable() and " " not in address

"""Tables in the form in which this project writes them, read at once; every other file is read row by row elsewhere."""

from __future__ import annotations

import codecs
import csv
import importlib.util
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from review import files

if TYPE_CHECKING:
    import pandas as pd

ARROW = importlib.util.find_spec("pyarrow") is not None
"""Whether pyarrow is installed, which this project does not ask for."""

_BLOCK = 1 << 18
"""Bytes that are looked at together: no more than a processor keeps close at hand, unless a line is longer."""


def read(data: bytes, names: Sequence[str]) -> pd.DataFrame | None:
    """Return a table as text, a row on every line; None if the file is anything else than that, or may be."""
    import pandas as pd

    header = (",".join(names) + "\n").encode()
    regular = data.startswith(header) and data.endswith(b"\n") and len(data) > len(header)
    if not regular or b"\r" in data or not _even(data, len(names)):
        return None
    if ARROW:
        return _arrow(data, names)
    return pd.read_csv(
        BytesIO(data), engine="c", dtype="str", index_col=False, na_filter=False, skip_blank_lines=False, encoding="utf-8"
    )


def _arrow(data: bytes, names: Sequence[str]) -> pd.DataFrame:
    """Return the same table by pyarrow, which pandas keeps texts in where it is installed, and which is several times as fast."""
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv as arrow

    text = pa.large_string()
    table = arrow.read_csv(
        pa.BufferReader(data),
        read_options=arrow.ReadOptions(use_threads=False, block_size=max(1 << 24, 2 * csv.field_size_limit())),
        parse_options=arrow.ParseOptions(ignore_empty_lines=False),
        convert_options=arrow.ConvertOptions(column_types=dict.fromkeys(names, text), strings_can_be_null=False),
    )
    kind = pd.StringDtype("pyarrow", na_value=float("nan"))
    return pd.DataFrame(
        {name: pd.array(column, dtype=kind) for name, column in zip(names, table.columns, strict=True)}, copy=False
    )


def _even(data: bytes, width: int) -> bool:
    """Tell whether every line is one row of ``width`` fields in usual signs: quotes end on the line on which they start."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    start = 0
    while start < len(data):
        stop = data.rfind(b"\n", start, start + _BLOCK) + 1 or data.index(b"\n", start) + 1
        if not _even_block(data[start:stop], width, decoder):
            return False
        start = stop
    return True


def _even_block(block: bytes, width: int, decoder: codecs.IncrementalDecoder) -> bool:
    """Tell it of whole lines. Fields of lines without quotes are counted together, those of others by :mod:`csv`."""
    import numpy as np

    try:
        decoder.decode(block)
    except UnicodeDecodeError:
        return False
    if files.peculiar(block):
        return False
    signs = np.frombuffer(block, dtype=np.uint8)
    places = np.flatnonzero((signs == ord(",")) | (signs == ord("\n")) | (signs == ord('"')))
    kinds = signs[places]
    ends = np.flatnonzero(kinds == ord("\n"))
    quoted = np.unique(np.searchsorted(ends, np.flatnonzero(kinds == ord('"'))))
    fields = np.diff(ends, prepend=-1)
    fields[quoted] = width
    stops = places[ends] + 1
    starts = np.concatenate(([0], stops[:-1]))
    if (fields != width).any() or (stops - starts).max() >= csv.field_size_limit():
        return False
    lines = b"".join(block[start:stop] for start, stop in zip(starts[quoted].tolist(), stops[quoted].tolist(), strict=True))
    try:
        rows = list(csv.reader(lines.decode().split("\n")[:-1], strict=True))
    except csv.Error:
        return False
    return len(rows) == len(quoted) and {width}.issuperset(map(len, rows))

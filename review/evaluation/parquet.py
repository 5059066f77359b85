"""A Parquet file as a table, unless it is a small file that unpacks to more than a machine holds.

Equal values cost a Parquet file next to nothing, so its size tells nothing. What columns of one width take is known from its
metadata; texts are read by their dictionaries, and added up before they are written out.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST = 1_000_000_000
"""Bytes of a table, unpacked."""

_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8, "BYTE_ARRAY": 4}
"""Bytes of a value; those of a text have their length beside."""


def unpack(data: bytes, most: int = LARGEST) -> pa.Table | None:
    """Return the table of a file; None if it would have more bytes than wanted.

    Raises
    ------
    ArrowException
        If it is no Parquet file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    facts = parquet.ParquetFile(io.BytesIO(data)).metadata
    chunks = [facts.row_group(group).column(at) for group in range(facts.num_row_groups) for at in range(facts.num_columns)]
    least = sum(max(chunk.total_uncompressed_size, chunk.num_values * _WIDTHS.get(chunk.physical_type, 16)) for chunk in chunks)
    if least > most:
        return None
    texts = [chunk.path_in_schema for chunk in chunks if chunk.physical_type == "BYTE_ARRAY" and "." not in chunk.path_in_schema]
    source = parquet.ParquetFile(io.BytesIO(data), read_dictionary=list(dict.fromkeys(texts)))
    groups, size = [], 0
    for place in range(facts.num_row_groups):
        groups.append(source.read_row_group(place))
        size += sum(_bytes(chunk) for column in groups[-1].columns for chunk in column.chunks)
        if size > most:
            return None
    return pa.concat_tables(groups) if groups else source.schema_arrow.empty_table()


def deadly(paths: Sequence[Path]) -> Path | None:
    """Return the first of some files that ends a process which reads it; None if there is none.

    What reads them is native code, which some damaged files make abort: nothing can be caught then. So another process tries.
    """
    names = b"\0".join(os.fsencode(os.path.realpath(path)) for path in paths)
    command = [sys.executable, "-P", "-c", f"from {__name__} import try_all; try_all()"]
    done = subprocess.run(command, input=names, capture_output=True, check=False)  # noqa: S603 (this module)
    survived = done.stdout.count(b"\n")
    return paths[survived] if done.returncode not in (0, 1) and survived < len(paths) else None


def try_all() -> None:
    """Read the files that standard input names, and write a line for each that this process survives."""
    for name in sys.stdin.buffer.read().split(b"\0"):
        attempt(Path(os.fsdecode(name)))
        print(flush=True)


def attempt(path: Path) -> None:
    """Read all of a file, which may end this process; what is wrong with it is told by the process that asks."""
    with suppress(Exception):
        table = unpack(path.read_bytes())
        if table is not None:
            table.validate(full=True)


def _bytes(chunk: Any) -> int:
    """Return the bytes of a part of a column, those of texts written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(chunk.type) or not _is_text(chunk.type.value_type):
        return int(chunk.nbytes)
    lengths = pc.take(pc.binary_length(chunk.dictionary), chunk.indices)
    return int(chunk.indices.nbytes) + int(pc.sum(lengths).as_py() or 0)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return any(
        check(kind) for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    )

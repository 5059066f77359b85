"""Read text strictly, write files whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd


_QUOTED = re.compile(r'[,"\r\n]')


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file.

    Raises
    ------
    InputError
        If the file is missing, empty, not UTF-8, starts with a byte order mark or contains NUL bytes.
    """

    def refuse(message: str, remedy: str, line: int | None = None) -> InputError:
        return InputError([Problem(str(path), line, None, message, remedy)])

    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise refuse("the file is missing", "add it, or name another corpus folder") from None
    except OSError as error:
        raise refuse(f"the file cannot be read ({error.strerror})", "check its type and rights") from None
    if not data.strip():
        raise refuse("the file is empty", "restore it from version control")
    if data.startswith(b"\xef\xbb\xbf"):
        raise refuse("the file starts with a byte order mark", "save it as UTF-8 without BOM", 1)
    return decode(path, data)


def decode(path: Path, data: bytes) -> str:
    """Return bytes of a file as text.

    Raises
    ------
    InputError
        If they are not UTF-8, or contain NUL bytes.
    """

    def refuse(message: str, remedy: str, line: int) -> InputError:
        return InputError([Problem(str(path), line, None, message, remedy)])

    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refuse(f"byte {error.start} is not UTF-8", "save the file as UTF-8", line) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise refuse("the file contains a NUL byte", "save it as plain text", line)
    return text


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to a temporary name beside ``path``, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with LF line ends, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def to_json(value: Any) -> str:
    """Return JSON that is the same for the same value, with a final newline."""
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def to_text(value: Any) -> str:
    """Return text as it is, anything else as JSON on one line: arrays as lists, and as text what JSON does not know."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_listed)


def _listed(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def rows_to_csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return CSV text with LF line ends; None becomes an empty field.

    :mod:`csv` leaves a carriage return unquoted when lines end with LF, so the quoting is done here.
    """
    lines = [[_field(field) for field in row] for row in (header, *rows)]
    return "".join((",".join(line) if line != [""] else '""') + "\n" for line in lines)


def _field(value: object) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as ``path.csv`` and ``path.json`` (records).

    Missing values become empty fields and null. Floats are written with their shortest exact form.
    """
    rows = records(frame)
    texts = {".csv": rows_to_csv(frame.columns, (row.values() for row in rows)), ".json": to_json(rows)}
    for suffix, text in texts.items():
        write_text(path.with_name(path.name + suffix), text)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as plain Python values; missing values are None.

    Raises
    ------
    ValueError
        If two columns have one name.
    """
    columns = [str(column) for column in frame.columns]
    if len(set(columns)) < len(columns):
        raise ValueError(f"two columns have one name: {', '.join(columns)}")
    return [
        {name: _plain(value) for name, value in zip(columns, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def _plain(value: Any) -> Any:
    """Return a value that JSON knows: NaN and NA become None, numpy scalars Python ones."""
    import pandas as pd

    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def digest(*parts: bytes) -> str:
    """Return the SHA-256 of the parts, each preceded by its length."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()

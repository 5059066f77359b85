"""Read text strictly, write files whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import drafts
from review.errors import InputError, Problem, is_text, naming
from review.system import rename_new

if TYPE_CHECKING:
    import pandas as pd


NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What is no character of a text: XML, and so a file of Word, cannot hold it, and a terminal may obey it."""

HIDING = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What shows nothing of itself: terminals obey the first, and the others show a text in another order than it is read."""

MOST_BYTES = 1_000_000_000
"""Bytes that a file has at most which is read whole: a corpus of 100,000 studies has no file of this size."""

_USUAL = b"\t\n\r" + bytes(range(0x20, 0x7F))
"""What stands in every text: the little that is left without it is searched a hundred times as fast as the whole."""

_QUOTED = re.compile(r'[,"\r\n]')
_FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def read_bytes(path: Path, most: int = MOST_BYTES, remedy: str = "split it") -> bytes:
    """Return what a file holds: one that is read whole, and so has to end, and to fit in memory.

    Raises
    ------
    InputError
        If it is a folder, a device, a pipe or a socket, or has more than ``most`` bytes.
    OSError
        If it is missing or cannot be read.
    """
    drafts.refuse(path)
    size = path.stat().st_size
    if size > most:
        raise InputError.one(path, f"the file has {size:,} bytes, {most:,} are the most", remedy)
    return path.read_bytes()


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file.

    Raises
    ------
    InputError
        If the file is missing, no regular file, too large, empty, not UTF-8, starts with a byte order mark or contains NUL bytes.
    """

    def refuse(message: str, remedy: str, line: int | None = None) -> InputError:
        return InputError([Problem(str(path), line, None, message, remedy)])

    try:
        data = read_bytes(path)
    except FileNotFoundError:
        raise refuse("the file is missing", "add it, or check the path") from None
    except OSError as error:
        raise refuse(f"the file cannot be read ({error.strerror})", "check its type and rights") from None
    if not data.strip():
        raise refuse("the file is empty", "restore it from version control")
    if data.startswith(b"\xef\xbb\xbf"):
        raise refuse("the file starts with a byte order mark", "save it as UTF-8 without BOM", 1)
    return decode(path, data)


def read_plain(path: Path) -> str:
    """Return the text of a UTF-8 file without control characters but tabs and line ends, and without signs that reorder it.

    Raises
    ------
    InputError
        As from :func:`read_text`, or if it holds one.
    """
    text = read_text(path)
    found = (NO_TEXT.search(text) or HIDING.search(text)) if peculiar(text.encode()) else None
    if found:
        line = text.count("\n", 0, found.start()) + 1
        message = f"the file contains the control character U+{ord(found[0]):04X}"
        raise InputError([Problem(str(path), line, None, message, "remove it")])
    return text


def peculiar(data: bytes) -> bool:
    """Tell whether UTF-8 holds a character that :func:`read_plain` refuses."""
    rare = data.translate(None, _USUAL).decode("utf-8", "replace")
    return bool(NO_TEXT.search(rare) or HIDING.search(rare))


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


def write_bytes(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write ``data`` to a temporary name beside ``path``, then rename; see :func:`review.drafts.draft`.

    A new file has the mode that the system gives new files (0666 without what the umask takes away); one that was there
    keeps its mode. The owner is whoever writes.
    """
    with drafts.draft(path, data, mode=mode_of(path), durable=durable) as name:
        os.replace(name, path)


def write_new(path: Path, data: bytes) -> None:
    """Write a file whole; one that is there already, or that another process writes first, stays."""
    with drafts.draft(path, data) as name:
        if path.exists() or rename_new(Path(name), path):
            return
        try:
            os.link(name, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(name, path)


def check_name(path: Path) -> None:
    """Refuse a path that texts cannot hold, notebooks that get it as a parameter among them.

    Raises
    ------
    InputError
        If its bytes are no text.
    """
    if not is_text(str(path)):
        raise InputError.one(
            path, "the name has bytes that are no text, and no notebook can be told it", "rename the file or folder"
        )


def check_file(path: Path) -> None:
    """Refuse a path at which no file could be written: before the work whose result is to go there.

    Nothing is made. The place may be lost later: what writes there tells so.

    Raises
    ------
    InputError
        If there is a folder, a device, a pipe or a socket.
    OSError
        With the path, if its name is too long, or the folder that it would be in is none, cannot be made or cannot be written to.
    """
    drafts.refuse(path)
    _nearest(drafts.named(path, 0), path)
    check_folder(path.parent, path)


def check_folder(folder: Path, path: Path | None = None) -> None:
    """Refuse a folder that could not be made or written to; nothing is made.

    Parameters
    ----------
    folder : Path
    path : Path, optional
        What the error names; the folder by default.

    Raises
    ------
    OSError
        With the path.
    """
    place = _nearest(folder, path or folder)
    with naming(path or folder), tempfile.TemporaryFile(dir=place):
        pass


def _nearest(place: Path, path: Path) -> Path:
    """Return what there is of a path: itself, or the first above it that is there."""
    place = place.absolute()
    with naming(path):
        while True:
            try:
                place.lstat()
            except (FileNotFoundError, NotADirectoryError):
                place = place.parent
            else:
                return place


def mode_of(path: Path) -> int | None:
    """Return who may read and write a file or folder; None if it is not there."""
    try:
        return stat.S_IMODE(path.stat().st_mode) & 0o777
    except FileNotFoundError:
        return None


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


def inert(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: text that looks like one gets a leading apostrophe.

    Numbers stay as they are, and what has got its apostrophe does not get another.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def sheet(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Return CSV text for people, who open it in a spreadsheet: nothing in it is taken for a formula.

    What this project reads back exactly, such as the tables of a corpus, is written by :func:`rows_to_csv`.
    """
    return rows_to_csv((str(inert(name)) for name in header), ([inert(value) for value in row] for row in rows))


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as ``path.csv`` (see :func:`sheet`) and ``path.json`` (records, exact).

    Missing values become empty fields and null. Floats are written with their shortest exact form.
    """
    rows = records(frame)
    texts = {".csv": sheet(frame.columns, (row.values() for row in rows)), ".json": to_json(rows)}
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


def digest_files(files: Iterable[Path]) -> str:
    """Return :func:`digest` of the names and contents of files, of which no more than a part is in memory at a time."""
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            name, size = path.name.encode(), os.fstat(file.fileno()).st_size
            total.update(len(name).to_bytes(8, "big") + name + size.to_bytes(8, "big"))
            while part := file.read(1 << 20):
                total.update(part)
    return total.hexdigest()

"""What several targets share: words of JSON and of notebooks, and places to write."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from fuzzing.harness import PROJECT, same
from review.batch import declarations, keys

BOOKS = PROJECT / "tests" / "examples" / "notebooks"


def words(text: str) -> tuple[bytes, ...]:
    return tuple(word.encode() for word in text.split("|"))


JSON = (
    '"":|null|true|[]|{}|,|NaN|Infinity|-1|1e999|1.5|"\\ud800"|"\\u0000"|"../x"|"/etc/passwd"|"a"|[[|{"a":|"format":|"metadata":|'
    "0|99999999999999999999|''|\"\"|"
)
BOOK = (
    '"cells":|"cell_type":|"code"|"markdown"|"source":|"outputs":|"output_type":|"data":|"review":|"artefacts":|"after":|"quick":|'
    '"tags":["parameters"]|"nbformat":4|"nbformat":3|"nbformat_minor":|"text/html":|"text/plain":|"image/png":|"id":|"raw"|'
    '"worksheets":|"text":|"name":|"traceback":|"execution_count":|"attachments":|"kernelspec":|"n: int = 1"|"n = [1,"|"%magic"'
)


def scratch() -> Any:
    import contextlib
    import tempfile

    @contextlib.contextmanager
    def place() -> Any:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)

    return place()


def forget() -> None:
    """Have notebooks read again: two that follow each other at once may be of one size and one time."""
    declarations._read.cache_clear()
    declarations._inspected.cache_clear()
    keys._hashed.cache_clear()


def once(data: bytes) -> Any:
    """Return what JSON holds; raise if a name stands twice in an object."""

    def pairs(given: list[tuple[str, Any]]) -> dict[str, Any]:
        same(len(dict(given)), len(given), "names that stand once")
        return dict(given)

    return json.loads(data, object_pairs_hook=pairs)


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder

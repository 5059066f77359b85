"""JSON from a file that somebody may have changed or damaged: what is not plain JSON is refused with its line."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

from review.errors import HALF, InputError, Problem
from review.files import NO_TEXT, read_text

_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|[fF]{3}[eEfF]|00[01])")
"""What may stand for half of a character, for none at all, or for a control character."""


def load(path: Path, remedy: str, *, controls: bool = True, nan: bool = False) -> Any:
    """Return what a JSON file holds.

    Parameters
    ----------
    path : Path
    remedy : str
        What to do about a file that is damaged.
    controls, nan : bool
        As in :func:`parse`.

    Raises
    ------
    InputError
        If it cannot be read, or as from :func:`parse`.
    """
    return parse(str(path), read_text(path), remedy, controls=controls, nan=nan)


def parse(file: str, text: str, remedy: str, line: int | None = None, *, controls: bool = True, nan: bool = False) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    file : str
        Name for the error.
    text : str
    remedy : str
    line : int, optional
        Where the text stands in the file, if it is one line of it.
    controls : bool
        Whether control characters may stand in its texts, written as escapes.
    nan : bool
        Whether NaN and infinities may stand in it, as in the outputs of notebooks.

    Raises
    ------
    InputError
        If it is not JSON, is nested too deeply, has a name twice in one object, a number that is none or is too large, or a text
        with half of a character or a control character.
    """
    at = line
    try:
        numbers: dict[str, Any] = {} if nan else {"parse_constant": _no_number, "parse_float": _number}
        found = json.loads(text, object_pairs_hook=_once, **numbers)
        fault = _texts(found, HALF if controls else NO_TEXT) if _ESCAPE.search(text) else ""
    except json.JSONDecodeError as error:
        fault, at = f"not JSON ({error.msg})", line or error.lineno
    except RecursionError:
        fault = "it is nested too deeply"
    except ValueError as error:
        fault = str(error)
    if fault:
        raise InputError([Problem(file, at, None, fault, remedy)])
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the name {twice[:60]!r} stands twice in an object")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"the value {name} is not JSON")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:30]} is too large")
    return value


def _texts(found: Any, refused: re.Pattern[str]) -> str:
    """Return what is wrong with a text in a value, or ""."""
    waiting = [found]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and (sign := refused.search(value)):
            return f"a text holds the control character or half of a character U+{ord(sign[0]):04X}"
    return ""

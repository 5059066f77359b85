"""Read a file of JSON lines into rows with exactly the fields of a dataclass, and say what is wrong with the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from review.errors import Problem, is_text
from review.files import read_text

Report = Callable[[str, str, str], bool]
"""Called with key, message and remedy; notes the problem and returns False."""


def rows(path: Path, kind: type[Any], problems: list[Problem], ids: dict[str, str]) -> Iterator[tuple[Report, dict[str, Any]]]:
    """Yield each line that has all fields of ``kind`` with the right types and an identifier of its own.

    Parameters
    ----------
    path : Path
    kind : type
        A dataclass with a field ``id``, whose fields are texts or tuples of texts.
    problems : list of Problem
        What is wrong is added to it.
    ids : dict of str to str
        Identifier -> where it stands; shared by files whose identifiers must differ.

    Yields
    ------
    report : callable
        Notes a further problem of the line.
    row : dict
        Field -> str or list of str.

    Raises
    ------
    InputError
        If the file cannot be read at all.
    """
    wanted = {field.name: str(field.type) for field in fields(kind)}
    for number, line in enumerate(read_text(path).removesuffix("\n").split("\n"), 1):
        row = _object(path, number, line, problems)
        if row is None:
            continue
        report = _reporter(path, number, row.get("id"), problems)
        sound = True
        for key in sorted(set(row) - set(wanted)):
            sound = report(key, "there is no such field", f"remove it; the fields are: {', '.join(wanted)}")
        for key, type_ in wanted.items():
            if key not in row:
                sound = report(key, "the field is missing", "add it")
            elif type_ == "str":
                sound = _is_text(row[key], key, report) and sound
            else:
                sound = _is_list(row[key], key, report) and sound
        if sound and row["id"] in ids:
            first = ids[row["id"]]
            sound = report("id", f"{row['id']!r} is used twice, first in {first}", "give each item an identifier of its own")
        if sound:
            ids[row["id"]] = f"{path.name}:{number}"
            yield report, row


def _reporter(path: Path, number: int, name: object, problems: list[Problem]) -> Report:
    def report(key: str, message: str, remedy: str) -> bool:
        where = f"{name}: {key}" if isinstance(name, str) and name and key != "id" else key
        problems.append(Problem(str(path), number, where, message, remedy))
        return False

    return report


def _object(path: Path, number: int, line: str, problems: list[Problem]) -> dict[str, Any] | None:
    """Return the JSON object on a line, or note why there is none."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a field stands twice")
        return found

    message = "the line is empty"
    row: object = None
    if line.strip():
        message = "the line is no JSON object"
        try:
            row = json.loads(line, object_pairs_hook=once)
        except (ValueError, RecursionError) as error:
            message = f"the line is no JSON ({error})"
    if isinstance(row, dict):
        return row
    problems.append(Problem(str(path), number, None, message, "write one JSON object a line"))
    return None


def _is_text(value: object, key: str, report: Report) -> bool:
    if not isinstance(value, str):
        return report(key, f"{json.dumps(value)[:40]} is no text", "put it in quotation marks")
    if not value.strip():
        return report(key, "the field is empty", "write its text")
    if value != value.strip():
        return report(key, "it begins or ends with white space", "remove that")
    if not is_text(value):
        return report(key, "it holds half of a surrogate pair", "write the character itself")
    return True


def _is_list(value: object, key: str, report: Report) -> bool:
    if not isinstance(value, list):
        return report(key, f"{json.dumps(value)[:40]} is no list", "write a list of texts, [] for none")
    sound = True
    for entry in value:
        sound = _is_text(entry, key, report) and sound
    return sound

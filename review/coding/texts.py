"""Texts of studies, such as abstracts, that a coder reads beside the questions; from a file of the coder's own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from review.errors import InputError, Problem
from review.files import read_text

COLUMNS = ("key", "text")
SUFFIXES = (".csv", ".jsonl")


def read(path: Path, known: Collection[str]) -> dict[str, str]:
    """Read the text of each study.

    Parameters
    ----------
    path : Path
        CSV with the columns ``key`` and ``text``, or JSON lines with these two names; others are left alone.
    known : collection of str
        Citation keys of the corpus.

    Raises
    ------
    InputError
        With every problem of the file: keys that the corpus does not have or that stand twice, texts that are none.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError.one(path, "texts are read from .csv and .jsonl", "give the file one of these endings")
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for line, key, text in _csv(path) if path.suffix.lower() == ".csv" else _lines(path):
        fault = remedy = ""
        if not isinstance(key, str) or key not in known:
            fault, remedy = f"there is no study {key!r}", "use the citation keys of the bibliography"
        elif not isinstance(text, str):
            fault, remedy = "there is no text", "write it under 'text'"
        elif key in found:
            fault, remedy = "the study stands twice", "keep one of the two"
        else:
            found[key] = text.strip()
        if fault:
            problems.append(Problem(str(path), line, str(key), fault, remedy))
    if problems:
        raise InputError(problems)
    return found


def _csv(path: Path) -> Iterator[tuple[int, Any, Any]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    line = 1
    try:
        lost = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if lost:
            raise InputError([Problem(str(path), 1, lost[0], "the column is missing", "name the columns key and text")])
        line = reader.line_num + 1
        for row in reader:
            yield line, row["key"], row["text"]
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError([Problem(str(path), line, None, f"not CSV: {error}", "check quotes and line ends")]) from None


def _lines(path: Path) -> Iterator[tuple[int, Any, Any]]:
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            remedy = 'write: {"key": "...", "text": "..."}'
            raise InputError([Problem(str(path), number, None, "the line is not a JSON object", remedy)])
        yield number, row.get("key"), row.get("text")

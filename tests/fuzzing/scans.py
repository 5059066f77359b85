"""Simple scanners of BibTeX, CSV and YAML, written without the readers that they are held against."""

from __future__ import annotations

import re
from collections import Counter

_START = re.compile(r"@\s*(\w+)\s*([{(])")
_NAME = re.compile(r"\s*([^\s=,{}()\"#]+)\s*=\s*")
_KEY = re.compile(r"\s*([^\s,={}()\"]+)\s*")
_WORD = re.compile(r"[^\s,#{}()\"]+")

Entry = tuple[str, list[tuple[str, str]]]


class OddError(ValueError):
    """Something that the scanner does not take for the format."""


def entries(text: str) -> list[Entry]:
    """Return key and fields (names and raw values) of every BibTeX entry."""
    return _scanned(text)[0]


def outside(text: str) -> list[str]:
    """Return the lines of a BibTeX file that belong to no entry, without blanks around them."""
    return [line.strip() for part in _scanned(text)[1] for line in part.splitlines() if line.strip()]


def _scanned(text: str) -> tuple[list[Entry], list[str]]:
    found: list[Entry] = []
    between: list[str] = []
    place = after = 0
    while start := _START.search(text, place):
        kind, opened = start[1].lower(), start[2]
        if kind in ("comment", "string", "preamble"):
            place = _closed(text, start.end() - 1)
            continue
        closing = "}" if opened == "{" else ")"
        key = _KEY.match(text, start.end())
        if key is None:
            raise OddError(f"no key at {start.end()}")
        place = key.end()
        fields: list[tuple[str, str]] = []
        while True:
            place = _blanks(text, place)
            if text[place : place + 1] == closing:
                break
            if text[place : place + 1] != ",":
                raise OddError(f"no comma at {place}")
            place = _blanks(text, place + 1)
            if text[place : place + 1] == closing:
                break
            name = _NAME.match(text, place)
            if name is None:
                raise OddError(f"no field at {place}")
            place = _value(text, name.end())
            fields.append((name[1].lower(), text[name.end() : place]))
        place += 1
        between.append(text[after : start.start()])
        after = place
        found.append((key[1], fields))
    return found, [*between, text[after:]]


def _blanks(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _closed(text: str, place: int) -> int:
    """Return the place after what is opened here by a brace, bracket or quote; after a backslash none of them counts."""
    closing = {"{": "}", "(": ")", '"': '"'}[text[place]]
    depth = 0
    place += 1
    while place < len(text):
        sign = text[place]
        if text[place - 1] == "\\":
            place += 1
            continue
        if depth == 0 and sign == closing:
            return place + 1
        depth += (sign == "{") - (sign == "}")
        place += 1
    raise OddError("something is not closed")


def _value(text: str, place: int) -> int:
    """Return the place after a value: parts in braces or quotes or single words, joined by #."""
    while True:
        place = _blanks(text, place)
        if text[place : place + 1] in ("{", '"'):
            place = _closed(text, place)
        else:
            word = _WORD.match(text, place)
            if word is None:
                raise OddError(f"no value at {place}")
            place = word.end()
        after = _blanks(text, place)
        if text[after : after + 1] != "#":
            return place
        place = after + 1


def letters(text: str) -> Counter[str]:
    """Count letters and digits."""
    return Counter(sign for sign in text if sign.isalnum())


def records(text: str) -> list[tuple[int, list[str]]]:
    """Return the records of CSV (RFC 4180, any line end), each with the line on which it starts; empty lines are left out."""
    found: list[tuple[int, list[str]]] = []
    line, place, size = 1, 0, len(text)
    while place < size:
        start, fields = line, []
        while True:
            if text[place : place + 1] == '"':
                value = ""
                place += 1
                while True:
                    end = text.find('"', place)
                    if end < 0:
                        raise OddError("a quote is not closed")
                    value += text[place:end]
                    place = end + 1
                    if text[place : place + 1] != '"':
                        break
                    value += '"'
                    place += 1
                line += _breaks(value)
            else:
                end = min((at for sign in ",\r\n" if (at := text.find(sign, place)) >= 0), default=size)
                value = text[place:end]
                place = end
            fields.append(value)
            sign = text[place : place + 1]
            if sign != ",":
                break
            place += 1
        if sign not in ("", "\r", "\n"):
            raise OddError(f"text after a quote on line {line}")
        place += 2 if text[place : place + 2] == "\r\n" else 1
        line += 1
        if fields != [""] or text[max(0, place - 3) : place].startswith('""'):
            found.append((start, fields))
    return found


def _breaks(value: str) -> int:
    return value.count("\n") + value.count("\r") - value.count("\r\n")

"""Parameter sets for many runs of one notebook: read, checked and typed before any kernel starts.

A grid is YAML, JSON or CSV. CSV has one run a line, named by its first line. YAML and JSON hold any of::

    fixed:   {review_version: v2}                 # the same in every run
    product: {selection: [v1, v2], seed: [1, 2]}  # every combination
    zip:     {where: ["", "year >= 2024"], n: [5, 10]}  # side by side, equally long
    list:    [{label: cardiology}, {label: neurology}]  # one set after the other
    exclude: [{selection: v1, seed: 2}]           # leave out what has all of these values

``product``, ``zip`` and ``list`` are combined with each other; ``exclude`` comes last.
"""

from __future__ import annotations

import ast
import csv
import io
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review import codebook, strict_json
from review.errors import InputError, OptionError, Problem
from review.files import NO_TEXT, read_text

PARTS = ("fixed", "product", "zip", "list", "exclude")
SUFFIXES = (".yaml", ".yml", ".json", ".csv")
MOST = 100_000
"""Runs that a grid may have."""

_TYPES: Mapping[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}
_TRUTHS = {"true": True, "false": False}

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Declared:
    """One parameter of a notebook.

    Attributes
    ----------
    name : str
    kind : type or None
        From its annotation or, without one, its default; None where neither tells: any value fits.
    default : object
        None where it is no literal.
    """

    name: str
    kind: type | None
    default: Any


def declared(notebook: Path) -> dict[str, Declared]:
    """Return the parameters that the ``parameters`` cell of a notebook declares.

    Raises
    ------
    InputError
        If the file is not a notebook.
    """
    from review.batch import declarations

    return {name: _declared(name, *facts) for name, facts in declarations.inspected(notebook).items()}


def _declared(name: str, kind: str, default: str) -> Declared:
    try:
        value = ast.literal_eval(default)
    except (ValueError, SyntaxError):
        value = None
    told = kind.partition("[")[0].strip()
    found = _TYPES.get(told) if told and told != "None" else (type(value) if value is not None else None)
    return Declared(name, found, value)


def convert(parameter: Declared, value: Any, *, text: bool = False) -> Any:
    """Return a value as the type of its parameter.

    Parameters
    ----------
    parameter : Declared
    value : object
    text : bool
        Whether it was written as text, as in CSV and on the command line, and is to be read as the type.

    Raises
    ------
    ValueError
        If it is of another type; the message says which is wanted.
    """
    kind = parameter.kind
    _check(value)
    if text and isinstance(value, str) and kind is not str:
        value = _read(value, kind)
        _check(value)
    if kind is float and type(value) is int:
        return float(value)
    right = kind is None or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool)))
    if not right:
        raise ValueError(f"{value!r} is not of the type {kind.__name__ if kind else ''}")
    return value


def _check(value: Any) -> None:
    """Refuse what cannot be written as JSON in UTF-8, as the manifest and the name of a run are."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            for name in one:
                if not isinstance(name, str):
                    raise ValueError(f"the name {str(name)[:80]!r} within the value is no text (put it in quotes)")
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            if NO_TEXT.search(one):
                raise ValueError(f"{one[:80]!r} holds a control character or half of a character")
        elif isinstance(one, float):
            if not math.isfinite(one):
                raise ValueError(f"{one} is no number that JSON has")
        elif one is not None and not isinstance(one, int):
            raise ValueError(f"{str(one)[:80]!r} is no text, number, truth value, list or mapping")


def _read(value: str, kind: type | None) -> Any:
    if kind is bool:
        if value.strip().lower() not in _TRUTHS:
            raise ValueError(f"{value!r} is not true or false")
        return _TRUTHS[value.strip().lower()]
    if kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"{value!r} is not of the type {kind.__name__}") from None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        if kind is None:
            return value
        raise ValueError(f"{value!r} is not a {kind.__name__} written as JSON") from None


def of_pairs(pairs: Sequence[tuple[str, str]], known: Mapping[str, Declared]) -> Parameters:
    """Return the parameters of the command line, ``-p name value``.

    Raises
    ------
    OptionError
        If one is unknown, of the wrong type or given twice.
    """
    found: Parameters = {}
    for name, value in pairs:
        if name not in known:
            raise OptionError(f"the notebook declares no parameter {name!r} -> it declares: {', '.join(known) or 'none'}")
        if name in found:
            raise OptionError(f"the parameter {name!r} is given twice -> give it once")
        try:
            found[name] = convert(known[name], value, text=True)
        except ValueError as error:
            raise OptionError(f"the parameter {name}: {error} -> correct it") from None
    return found


def read(path: Path, known: Mapping[str, Declared], fixed: Mapping[str, Any] | None = None) -> tuple[Parameters, ...]:
    """Return the parameter sets of a file, checked against the parameters of a notebook.

    Parameters
    ----------
    path : Path
    known : mapping of str to Declared
        As :func:`declared` returns it.
    fixed : mapping, optional
        Values of the command line, the same in every run; the file may not name these parameters.

    Raises
    ------
    InputError
        With every problem: not readable, unknown parameter, wrong type, unequal lengths, a run that stands twice, no run.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError.one(
            path, f"the suffix is {path.suffix or 'missing'}", f"give a file that ends with {', '.join(SUFFIXES)}"
        )
    text = read_text(path)
    given = dict(fixed or {})
    table = path.suffix.lower() == ".csv"
    sets = _csv(path, text, known) if table else _combined(path, _mapping(path, text), known, text)
    problems = _problems(path, sets, given)
    if problems:
        raise InputError(problems)
    return tuple({**given, **one} for one in sets)


def _problems(path: Path, sets: Sequence[Parameters], given: Mapping[str, Any]) -> list[Problem]:
    if not sets:
        return [Problem(str(path), None, None, "no run is left", "name some, or exclude less")]
    problems = [
        Problem(str(path), None, name, "the parameter stands in the file and on the command line", "give it in one place")
        for name in sorted({name for one in sets for name in one} & set(given))
    ]
    seen: dict[str, int] = {}
    for place, one in enumerate(sets, 1):
        key = json.dumps(one, sort_keys=True, ensure_ascii=False)
        if key in seen:
            problems.append(
                Problem(str(path), None, None, f"run {place} is the same as run {seen[key]}: {key[:120]}", "keep one")
            )
        seen.setdefault(key, place)
    return problems


def _csv(path: Path, text: str, known: Mapping[str, Declared]) -> list[Parameters]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return _rows(path, reader, known)
    except csv.Error as error:
        problem = Problem(str(path), max(reader.line_num, 1), None, f"not CSV ({error})", "check the quotes and line ends")
        raise InputError([problem]) from None


def _rows(path: Path, reader: Any, known: Mapping[str, Declared]) -> list[Parameters]:
    names = next(reader)
    problems = [_unknown(path, name, 1, known) for name in names if name not in known]
    problems += [
        Problem(str(path), 1, name, "the column stands twice", "keep one")
        for name in sorted(name for name, count in Counter(names).items() if count > 1)
    ]
    sets: list[Parameters] = []
    for row in reader:
        line = reader.line_num
        if not row:
            continue
        if len(row) != len(names):
            problems.append(
                Problem(str(path), line, None, f"{len(row)} fields instead of {len(names)}", "give one for each column")
            )
            continue
        one: Parameters = {}
        for name, value in zip(names, row, strict=True):
            if name in known:
                try:
                    one[name] = convert(known[name], value, text=True)
                except ValueError as error:
                    problems.append(Problem(str(path), line, name, str(error), "correct the value"))
        sets.append(one)
    if problems:
        raise InputError(problems)
    return sets


def _mapping(path: Path, text: str) -> dict[str, Any]:
    import yaml

    try:
        found = _json(path, text) if path.suffix.lower() == ".json" else _yaml(path, text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        problem = Problem(
            str(path), None if line is None else line + 1, None, f"not YAML ({getattr(error, 'problem', error)})", "correct it"
        )
        raise InputError([problem]) from None
    if isinstance(found, list):
        found = {"list": found}
    if not isinstance(found, dict) or not found:
        raise InputError.one(path, "no mapping", f"write some of: {', '.join(PARTS)}")
    return found


def _json(path: Path, text: str) -> Any:
    return strict_json.parse(str(path), text, "correct it", controls=False)


def _yaml(path: Path, text: str) -> Any:
    """Return what plain YAML holds."""
    root = codebook.composed(str(path), text)
    if twice := codebook.duplicates(path, root):
        raise InputError(twice)
    return codebook.plain(path, root)


def _combined(path: Path, grid: Mapping[str, Any], known: Mapping[str, Declared], text: str) -> list[Parameters]:
    """Return every combination of the parts of a grid."""
    checker = _Checker(path, known, text)
    for name in grid:
        if name not in PARTS:
            checker.say(str(name), "unknown part of a grid", f"use: {', '.join(PARTS)}")
    fixed = checker.set(grid.get("fixed", {}), "fixed")
    product = checker.lists(grid.get("product", {}), "product")
    beside = checker.lists(grid.get("zip", {}), "zip")
    listed = checker.sets(grid.get("list", [{}]), "list")
    excluded = checker.sets(grid.get("exclude", []), "exclude")
    lengths = {len(values) for values in beside.values()}
    if len(lengths) > 1:
        checker.say("zip", f"lists of {', '.join(map(str, sorted(lengths)))} values stand side by side", "make them equally long")
    doubled = _doubled(fixed, product, beside, *listed[:1])
    for name in doubled:
        checker.say(name, "the parameter stands in two parts of the grid", "give it in one")
    checker.finish()
    rows = [dict(zip(beside, values, strict=True)) for values in zip(*beside.values(), strict=True)] if beside else [{}]
    count = len(rows) * len(listed)
    for values in product.values():
        count *= len(values)
    if count > MOST:
        raise InputError.one(path, f"{count} runs are more than {MOST}", "divide the grid")
    every = itertools.product(*product.values())
    crossed = [dict(zip(product, values, strict=True)) for values in every]
    sets = [{**fixed, **one, **two, **three} for one, two, three in itertools.product(listed, rows, crossed)]
    return [one for one in sets if not any(_fits(one, rule) for rule in excluded)]


def _fits(one: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    return bool(rule) and all(name in one and one[name] == value for name, value in rule.items())


def _doubled(*parts: Mapping[str, Any]) -> list[str]:
    names = [name for part in parts for name in part]
    return sorted({name for name in names if names.count(name) > 1})


def _unknown(path: Path, name: str, line: int | None, known: Mapping[str, Declared]) -> Problem:
    message = f"the notebook declares no parameter {name!r}"
    return Problem(str(path), line, name, message, f"it declares: {', '.join(known) or 'none'}")


@dataclass
class _Checker:
    """Collects what is wrong with a grid."""

    path: Path
    known: Mapping[str, Declared]
    text: str

    def __post_init__(self) -> None:
        self.problems: list[Problem] = []

    def say(self, key: str, message: str, remedy: str) -> None:
        """Take note of a problem with the line on which its key stands first."""
        self.problems.append(Problem(str(self.path), next(self._lines(key), None), key, message, remedy))

    def _lines(self, key: str) -> Iterator[int]:
        for number, line in enumerate(self.text.splitlines(), 1):
            if f"{key}:" in line or f'"{key}"' in line:
                yield number

    def finish(self) -> None:
        """Raise what was collected."""
        if self.problems:
            raise InputError(self.problems)

    def value(self, name: Any, value: Any) -> Any:
        """Return one value as its parameter's type."""
        if isinstance(name, bool):
            self.say(str(name).lower(), f"YAML reads a name as {str(name).lower()}", "write the name of the parameter in quotes")
            return value
        if not isinstance(name, str) or name not in self.known:
            self.problems.append(_unknown(self.path, str(name), next(self._lines(str(name)), None), self.known))
            return value
        try:
            return convert(self.known[name], value)
        except ValueError as error:
            self.say(name, str(error), "correct the value")
            return value

    def set(self, part: Any, where: str) -> Parameters:
        """Return a mapping of parameters to values."""
        if not isinstance(part, dict):
            self.say(where, "not a mapping of parameters to values", "write for example {seed: 1}")
            return {}
        return {str(name): self.value(name, value) for name, value in part.items()}

    def sets(self, part: Any, where: str) -> list[Parameters]:
        """Return a list of mappings."""
        if not isinstance(part, list):
            self.say(where, "not a list of mappings", "write for example [{seed: 1}, {seed: 2}]")
            return []
        return [self.set(one, where) for one in part]

    def lists(self, part: Any, where: str) -> dict[str, list[Any]]:
        """Return a mapping of parameters to lists of values."""
        if not isinstance(part, dict) or not all(isinstance(values, list) and values for values in part.values()):
            self.say(where, "not a mapping of parameters to lists of values", "write for example {seed: [1, 2]}")
            return {}
        return {str(name): [self.value(name, value) for value in values] for name, values in part.items()}

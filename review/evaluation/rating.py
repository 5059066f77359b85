"""A rating task: real and synthetic items, blinded, in an order of its own for each rater.

An item's identifier is a keyed digest and says nothing about its origin. The origins stand in a file of their own, which
raters do not open; blinding holds against looking, not against a rater who has the data and computes.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from review import strict_json
from review.errors import InputError, OptionError
from review.evaluation import rubric as rubrics
from review.evaluation.rubric import ORIGINS, REAL, SYNTHETIC, Rubric
from review.files import digest, to_json, write_text

if TYPE_CHECKING:
    from review.evaluation.inputs import Pair

FORMAT = "synthetic-data-review/rating-task/1"
KEY_FORMAT = "synthetic-data-review/rating-origins/1"
TASK_FILE, KEY_FILE = "task.json", "origins.json"
RATER = re.compile(r"[A-Za-z0-9_-]{1,32}")
LONG = 60
"""Characters above which a value is shown as a text, not in a row."""

APART = 3
"""Items between the two showings of a repeated item, where there are enough items."""

Part = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """What a rater sees.

    Attributes
    ----------
    id : str
        16 hexadecimal digits.
    parts : tuple of mappings
        ``kind`` is ``text`` (with ``name, text``), ``rows`` (``rows``: pairs of name and value, as text) or ``sequence``
        (``name, values``: numbers, None where missing).
    """

    id: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Slot:
    """One place in the order of one rater; ``showing`` is 2 where the item was shown before."""

    position: int
    item: Item
    showing: int = 1


@dataclass(frozen=True)
class Task:
    """What is rated, and how.

    Attributes
    ----------
    items : tuple of Item
        Sorted by identifier, so that their order says nothing.
    rubric : Rubric
    seed : int
        Of the orders of the raters.
    repeats : int
        Items that each rater sees a second time.
    origins : mapping of str to str
        Identifier -> ``real`` or ``synthetic``; empty in a task that was read without its key.
    """

    items: tuple[Item, ...]
    rubric: Rubric
    seed: int
    repeats: int = 0
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def total(self) -> int:
        """Showings that each rater answers."""
        return len(self.items) + self.repeats

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all but the origins."""
        return digest(to_json(self.plain()).encode())

    @cached_property
    def by_id(self) -> Mapping[str, Item]:
        """The items by identifier."""
        return {item.id: item for item in self.items}

    def plain(self) -> dict[str, Any]:
        """Return the task without origins, as JSON has it."""
        items = [{"id": item.id, "parts": [dict(part) for part in item.parts]} for item in self.items]
        return {"format": FORMAT, "rubric": self.rubric.plain(), "seed": self.seed, "repeats": self.repeats, "items": items}

    def order(self, rater: str) -> tuple[Slot, ...]:
        """Return the showings of one rater: a random order of its own, the second showings in its later half."""
        check_rater(rater)
        draw = np.random.default_rng(list(bytes.fromhex(digest(self.digest.encode(), rater.encode()))))
        places = [int(place) for place in draw.permutation(len(self.items))]
        half = math.ceil(len(places) / 2)
        early, late = places[:half], places[half:]
        able = early[: max(self.repeats, half - APART)]
        again = [able[int(place)] for place in draw.permutation(len(able))[: self.repeats]]
        second = [(place, 1) for place in late] + [(place, 2) for place in again]
        rest = [second[int(place)] for place in draw.permutation(len(second))]
        shown = [(place, 1) for place in early] + rest
        return tuple(Slot(position, self.items[place], showing) for position, (place, showing) in enumerate(shown))

    def write(self, folder: Path, key: Path | None = None) -> None:
        """Write ``task.json`` and, in the same folder or as ``key``, the origins.

        Raises
        ------
        InputError
            If the folder holds another task: its ratings would belong to neither.
        """
        path = folder / TASK_FILE
        if path.exists() and _task(path).digest != self.digest:
            raise InputError.one(path, "the folder holds another task", "choose an empty folder for the ratings")
        write_text(path, to_json(self.plain()))
        if self.origins:
            write_text(
                key or folder / KEY_FILE, to_json({"format": KEY_FORMAT, "task": self.digest, "origins": dict(self.origins)})
            )


def check_rater(name: str) -> str:
    """Return a rater's name.

    Raises
    ------
    OptionError
        If it cannot be part of a file name.
    """
    if not RATER.fullmatch(name):
        raise OptionError(f"the rater's name is {name!r} -> use 1 to 32 letters (a-z), digits, _ and -")
    return name


def plan(
    source: Pair | Mapping[str, Sequence[Any]], *, n: int, seed: int, rubric: Rubric | None = None, repeats: int = 0
) -> Task:
    """Draw real and synthetic items and blind them.

    Parameters
    ----------
    source : Pair, or mapping with ``real`` and ``synthetic``
        Each a sequence of texts, or of mappings of names to texts, numbers, sequences of numbers or None.
    n : int
        Different items; one half is real, the other synthetic.
    seed : int
        The same source, numbers and seed give the same task.
    rubric : Rubric, optional
        The built-in one if not given.
    repeats : int
        Items that each rater sees twice, at most a third of ``n``.

    Raises
    ------
    OptionError
        If the numbers cannot be met.
    """
    found, texts = entries_of(source), () if isinstance(source, Mapping) else source.named("text")
    entries = {role: [list(_parts(entry, texts)) for entry in held] for role, held in found.items()}
    fewest = min(map(len, entries.values()))
    if n < 2 or n % 2 or n // 2 > fewest:
        raise OptionError(f"n is {n} -> choose an even number from 2 to {2 * fewest}: one half is real, the other synthetic")
    if not 0 <= repeats <= n // 3:
        raise OptionError(f"repeats is {repeats} -> choose a number from 0 to a third of n, {n // 3}")
    if seed < 0:
        raise OptionError(f"the seed is {seed} -> choose 0 or a positive whole number")
    draw = np.random.default_rng(seed)
    drawn = [(role, entries[role][int(place)]) for role in ORIGINS for place in draw.permutation(len(entries[role]))[: n // 2]]
    mixed = [drawn[int(place)] for place in draw.permutation(n)]
    key = bytes.fromhex(digest(str(seed).encode(), to_json([parts for _, parts in mixed]).encode()))
    blinded = []
    for place, (role, parts) in enumerate(mixed):
        code = hmac.new(key, to_json([place, parts]).encode(), hashlib.sha256).hexdigest()[:16]
        blinded.append((Item(code, tuple(parts)), role))
    blinded.sort(key=lambda pair: pair[0].id)
    origins = {item.id: role for item, role in blinded}
    return Task(tuple(item for item, _ in blinded), rubric or rubrics.DEFAULT, seed, repeats, origins)


def load(folder: Path, key: Path | None = None) -> Task:
    """Read a task that :meth:`Task.write` wrote; without its key if that is not there and not named.

    Raises
    ------
    InputError
        If a file is broken, or the key belongs to another task.
    """
    path = folder / TASK_FILE
    task = _task(path)
    key_path = key or folder / KEY_FILE
    if key is None and not key_path.exists():
        return task
    held = _object(key_path, KEY_FORMAT)
    origins = held.get("origins")
    fits = isinstance(origins, dict) and set(origins) == set(task.by_id)
    fits = fits and isinstance(origins, dict) and all(origin in ORIGINS for origin in origins.values())
    if held.get("task") != task.digest or not fits or not isinstance(origins, dict):
        raise InputError.one(key_path, "the origins belong to another task", f"name the file that was written with {path.name}")
    return Task(task.items, task.rubric, task.seed, task.repeats, origins)


def _task(path: Path) -> Task:
    data = _object(path, FORMAT)
    try:
        items = tuple(Item(entry["id"], tuple(entry["parts"])) for entry in data["items"])
        task = Task(items, rubrics.parse(data["rubric"]), int(data["seed"]), int(data["repeats"]))
        if len(task.by_id) < len(items) or not all(map(_is_item, items)) or not 0 <= task.repeats <= max(len(items) - 1, 0):
            raise ValueError("an item is damaged or there twice, or more are shown again than there are")
        return task
    except (KeyError, TypeError, ValueError) as error:
        raise InputError.one(path, f"the task cannot be read ({error!r})", "write it again with the same data and seed") from None


def _is_item(item: Item) -> bool:
    """Tell whether an item is of the form in which it is written."""
    return isinstance(item.id, str) and all(isinstance(part, dict) and _is_part(part) for part in item.parts)


def _is_part(part: Part) -> bool:
    if part.get("kind") == "rows":
        rows = part.get("rows")
        return isinstance(rows, list) and all(isinstance(row, list) and [type(one) for one in row] == [str, str] for row in rows)
    if not isinstance(part.get("name"), str):
        return False
    if part.get("kind") == "text":
        return isinstance(part.get("text"), str)
    values = part.get("values")
    return (
        part.get("kind") == "sequence"
        and isinstance(values, list)
        and all(type(one) in (int, float, type(None)) for one in values)
    )


def _object(path: Path, form: str) -> dict[str, Any]:
    data = strict_json.load(path, "write it again with the same data and seed")
    if not isinstance(data, dict) or data.get("format") != form:
        raise InputError.one(path, f"this is not a file of the format {form}", "write it again with the same data and seed")
    return data


def entries_of(source: Pair | Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the items by origin as :func:`plan` takes them; a row of a pair is a mapping."""
    if not isinstance(source, Mapping):
        return {REAL: source.real.to_dict("records"), SYNTHETIC: source.synthetic.to_dict("records")}
    for role in ORIGINS:
        if role not in source:
            raise OptionError(f"there are no {role} items -> give items under 'real' and 'synthetic'")
    return {role: source[role] for role in ORIGINS}


def _parts(entry: Any, texts: Sequence[str] = ()) -> Iterator[Part]:
    """Yield a text; or the rows of short values, then the named texts (those of ``texts``, and long values) and sequences."""
    if isinstance(entry, str):
        yield {"kind": "text", "name": "", "text": entry}
        return
    rows: list[list[str]] = []
    long: list[Part] = []
    for name, value in entry.items():
        if isinstance(value, str) and (name in texts or len(value) > LONG or "\n" in value):
            long.append({"kind": "text", "name": str(name), "text": value})
        elif isinstance(value, list | tuple | np.ndarray):
            values = [None if number is None or not math.isfinite(number) else float(number) for number in value]
            long.append({"kind": "sequence", "name": str(name), "values": values})
        else:
            rows.append([str(name), _shown(value)])
    if rows:
        yield {"kind": "rows", "rows": rows}
    yield from long


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "missing"
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)

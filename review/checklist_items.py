"""``checklist.yaml`` -> checked items, and whether the places that they name exist."""

from __future__ import annotations

import importlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review import paths
from review.codebook import duplicates, plain, read_nodes
from review.errors import InputError, Problem
from review.files import read_text

SOURCE = Path(__file__).with_name("checklist.yaml")
STATUSES = {
    "answered": "the repository tells what the item asks for",
    "partly": "it tells a part of it, or tells that it was done in another way than the item expects",
    "not answered": "it was not done, or is not told",
    "not applicable": "the item asks for something that this kind of work does not have",
}
COLUMNS = ("prisma_scr", "item", "prisma_2020", "item_2020", "section", "asks", "optional", "status", "where", "how")
GUIDELINES = ("prisma_scr", "prisma_2020")
_FUNCTION = re.compile(r"review(\.[A-Za-z_]\w*)+")
_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*\s*")


@dataclass(frozen=True)
class Item:
    """One row: an item of one guideline, or items of both that ask for the same.

    Attributes
    ----------
    prisma_scr, item : str
        Number and name in PRISMA-ScR; "": that guideline has none.
    prisma_2020 : tuple of str
        Numbers in PRISMA 2020.
    item_2020, section : str
        Name in PRISMA 2020, and the section of a report that it belongs to.
    asks : str
        What is asked for, in our own words.
    optional : bool
        Whether PRISMA-ScR leaves it free.
    status : str
        One of :data:`STATUSES`.
    where : tuple of str
        Files, headings (``file#heading``) and functions that answer it.
    how : str
        What they tell, or why there is nothing.
    """

    prisma_scr: str
    item: str
    prisma_2020: tuple[str, ...]
    item_2020: str
    section: str
    asks: str
    optional: bool
    status: str
    where: tuple[str, ...]
    how: str


@dataclass(frozen=True)
class Checklist:
    """All items, what the list is about, and the guidelines with their citations."""

    scope: str
    numbering: str
    guidelines: Mapping[str, tuple[str, str]]
    items: tuple[Item, ...]


def load(path: Path = SOURCE) -> Checklist:
    """Read and check a checklist.

    Raises
    ------
    InputError
        With every problem: no plain YAML, missing or wrong parts, an unknown status, a number that stands twice.
    """
    nodes = read_nodes(path)
    data = plain(path, nodes)
    top = data if isinstance(data, dict) else {}
    problems = duplicates(path, nodes)

    def complain(key: str, message: str, remedy: str) -> None:
        problems.append(Problem(str(path), None, key, message, remedy))

    def surplus(given: Any, known: tuple[str, ...], place: str = "") -> None:
        for part in given if isinstance(given, dict) else ():
            if part not in known:
                complain(f"{place}{part}", "it is not known here", f"use: {', '.join(known)}")

    surplus(top, ("guidelines", "scope", "numbering", "items"))
    surplus(top.get("guidelines"), GUIDELINES, "guidelines.")
    for name in ("scope", "numbering"):
        if not _filled(top.get(name)):
            complain(name, "it is missing or no text", "write a sentence")
    found: dict[str, tuple[str, str]] = {}
    for name in GUIDELINES:
        given = (top.get("guidelines") or {}).get(name) if isinstance(top.get("guidelines"), dict | None) else None
        surplus(given, ("name", "citation"), f"guidelines.{name}.")
        if isinstance(given, dict) and _filled(given.get("name")) and _filled(given.get("citation")):
            found[name] = (given["name"].strip(), given["citation"].strip())
        else:
            complain(f"guidelines.{name}", "it lacks name or citation", "write both")
    rows = top.get("items")
    if not isinstance(rows, list) or not rows:
        complain("items", "there are no items", "write a list with one item or more")
        rows = []
    items = [_item(f"items[{place}]", row, complain) for place, row in enumerate(rows)]
    for guideline in GUIDELINES:
        numbers = [number for item in items for number in numbers_of(item, guideline)]
        for number in sorted(number for number, times in Counter(numbers).items() if times > 1):
            complain(f"{guideline} {number}", "the number stands twice", "keep one of the two rows")
    if problems:
        raise InputError(problems)
    return Checklist(top["scope"].strip(), top["numbering"].strip(), found, tuple(items))


def _filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def numbers_of(item: Item, guideline: str) -> tuple[str, ...]:
    """Return the numbers that an item has in one of :data:`GUIDELINES`."""
    if guideline == "prisma_2020":
        return item.prisma_2020
    return (item.prisma_scr,) if item.prisma_scr else ()


def _item(place: str, row: Any, complain: Any) -> Item:
    """Return one item; what is wrong with it goes to ``complain``."""
    given = row if isinstance(row, dict) else {}
    texts = dict.fromkeys(COLUMNS, "")
    for name in ("prisma_scr", "item", "item_2020", "section", "asks", "status", "how"):
        needed = name not in ("prisma_scr", "item") or "prisma_scr" in given
        if name in given or needed:
            if _filled(given.get(name)):
                texts[name] = given[name].strip()
            else:
                complain(f"{place}.{name}", "it is missing or no text", "write one line of text, numbers in quotes")
    for name in sorted(str(name) for name in set(given) - set(COLUMNS)):
        complain(f"{place}.{name}", "it is not known here", f"use: {', '.join(COLUMNS)}")
    if texts["status"] and texts["status"] not in STATUSES:
        complain(f"{place}.status", f"{texts['status']!r} is no status", f"choose one of: {', '.join(STATUSES)}")
    lists: dict[str, tuple[str, ...]] = {}
    for name in ("prisma_2020", "where"):
        value = given.get(name)
        good = isinstance(value, list) and all(_filled(entry) for entry in value)
        lists[name] = tuple(value) if good and value else ()
        if not good:
            complain(f"{place}.{name}", "it is no list of texts", "write a list, numbers in quotes; [] for none")
    if texts["status"] in ("answered", "partly") and not lists["where"]:
        complain(f"{place}.where", f"nothing is named for the status {texts['status']!r}", "name a file, heading or function")
    if not texts["prisma_scr"] and not lists["prisma_2020"]:
        complain(f"{place}.prisma_2020", "it has no number in either guideline", "write one")
    optional = given.get("optional", False)
    if not isinstance(optional, bool):
        complain(f"{place}.optional", f"{optional!r} is neither true nor false", "write true or false")
    return Item(
        prisma_scr=texts["prisma_scr"],
        item=texts["item"],
        prisma_2020=lists["prisma_2020"],
        item_2020=texts["item_2020"],
        section=texts["section"],
        asks=texts["asks"],
        optional=optional is True,
        status=texts["status"],
        where=lists["where"],
        how=texts["how"],
    )


def unresolved(given: Checklist, root: Path = paths.ROOT) -> list[str]:
    """Return a line for every file, heading or function that the checklist names and that is not there."""
    found = []
    for item in given.items:
        number = item.prisma_scr or item.prisma_2020[0]
        found += [f"item {number}: {place}: {reason}" for place in item.where if (reason := _missing(place, root))]
    return found


def _missing(place: str, root: Path) -> str:
    """Say why something cannot be found; "" if it can."""
    name, _, heading = place.partition("#")
    path = root / name
    try:
        there = path.is_file()
    except OSError as error:  # such as a name that is too long
        return f"it cannot be a file: {error.strerror}"
    if _FUNCTION.fullmatch(name) and not there:
        module, _, attribute = name.rpartition(".")
        try:
            return "" if hasattr(importlib.import_module(module), attribute) else f"{module} has no {attribute}"
        except ModuleNotFoundError:
            return f"there is no module {module}"
    if not there:
        return "there is no such file"
    if not heading or heading in _headings(path):
        return ""
    return f"there is no heading {heading!r}"


def _headings(path: Path) -> set[str]:
    """Return the headings of a Markdown file or a notebook."""
    text = read_text(path)
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
    return {found[1] for line in text.splitlines() if (found := _HEADING.fullmatch(line))}

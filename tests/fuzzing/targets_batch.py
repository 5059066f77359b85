"""What batches are given: grids and notebooks."""

from __future__ import annotations

import csv
import io
import json
import shutil
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

from fuzzing.common import BOOK, BOOKS, JSON, forget, once, words
from fuzzing.harness import Outcome, Target, WrongError, kept, refused, same
from review import codebook, gallery
from review.batch import asked, declarations, grid, keys, manifest
from review.batch.grid import Declared
from review.batch.manifest import STARTED, Event, Manifest
from review.errors import ReviewError
from review.files import to_json

# --- grids

KNOWN = {
    "selection": Declared("selection", str, "v2"),
    "seed": Declared("seed", int, 0),
    "share": Declared("share", float, 0.5),
    "deep": Declared("deep", bool, False),
    "names": Declared("names", list, []),
    "facts": Declared("facts", dict, {}),
    "any": Declared("any", None, None),
}
GRIDS: dict[str, list[Any]] = {
    "product": [{"product": {"selection": ["v1", "v2"], "seed": [1, 2]}, "exclude": [{"selection": "v1", "seed": 2}]}],
    "zip": [{"fixed": {"deep": True}, "zip": {"share": [0.1, 0.2], "names": [["a"], []]}}],
    "list": [{"list": [{"facts": {"a": 1}, "any": None}, {"facts": {}, "any": "x"}]}, [{"seed": 3}, {"seed": 4}]],
}
TABLE = 'selection,seed,share,deep,names,facts,any\nv1,1,0.5,true,"[""a""]",{},x\n"v,2",2,1e3,False,[],"{""a"": [1]}",[1]\n'


def grid_seeds(suffix: str) -> list[bytes]:
    if suffix == ".csv":
        return [TABLE.encode(), b"seed\n1\n2\n", b"any,names\nnull,[]\n"]
    write = partial(yaml.safe_dump, sort_keys=False) if suffix == ".yaml" else json.dumps
    return [str(write(one)).encode() for given in GRIDS.values() for one in given]


def attack_grid(suffix: str, data: bytes, folder: Path) -> Outcome:
    path = folder / f"grid{suffix}"
    path.write_bytes(data)
    try:
        found = grid.read(path, KNOWN)
    except ReviewError as error:
        return refused(error, path.name)
    for one in found:
        for name, value in one.items():
            kind = KNOWN[name].kind
            if kind is not None and type(value) is not kind:
                raise WrongError(f"{name} is {value!r}")
    if suffix == ".csv":
        rows = [row for row in csv.reader(io.StringIO(data.decode(), newline="")) if row]
        same(len(found), len(rows) - 1, "rows and runs")
    elif suffix == ".json":
        same(len(found), _count(once(data)), "runs")
    elif codebook.duplicates(path, codebook.composed(path.name, data.decode())):
        raise WrongError("a part that stands twice was read")
    asked.Asked(Path("n.ipynb"), found).write(folder)
    same(list(asked.read(folder).sets), list(found), "kept beside the batch and read again")
    for one in found[:2]:
        keys.compute(keys.Source("", False), one)
        _round(folder, Event(STARTED, "r", "n.ipynb", one))
    return kept(f"{len(found)} {sorted({type(value).__name__ for one in found for value in one.values()})}")


def _count(held: Any) -> int:
    """Return the runs of a grid in JSON, worked out one by one."""
    given = {"list": held} if isinstance(held, list) else held
    sets: list[dict[str, Any]] = [{**given.get("fixed", {}), **one} for one in given.get("list", [{}])]
    for name, values in given.get("product", {}).items():
        sets = [{**one, name: value} for one in sets for value in values]
    beside = given.get("zip", {})
    if beside:
        sets = [{**one, **dict(zip(beside, row, strict=True))} for one in sets for row in zip(*beside.values(), strict=True)]
    rules = given.get("exclude", [])
    return sum(not any(rule and all(name in one and one[name] == rule[name] for name in rule) for rule in rules) for one in sets)


def _round(folder: Path, event: Event) -> None:
    """Raise unless an event is read as it was written."""
    place = folder / "round"
    shutil.rmtree(place, ignore_errors=True)
    with Manifest(place) as held:
        held.add(event)
    same([one.parameters for one in manifest.read(place / manifest.NAME)], [event.parameters], "written to a manifest")


# --- notebooks


@cache
def book_seeds() -> list[bytes]:
    found = [path.read_bytes() for path in sorted(BOOKS.glob("*.ipynb"))]
    cell = {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "source": "n: int = 1\nname = 'x'  # words\n"}
    told = {"artefacts": ["tables/x.csv"], "after": ["00-a.ipynb"], "quick": {"n": 2}}
    code = {**cell, "execution_count": None, "outputs": []}
    small = {"cells": [code], "metadata": {"review": told}, "nbformat": 4, "nbformat_minor": 5}
    old = {"cells": [{**code, "source": ["n = 1\n", "m = [1, 2]"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    del old["cells"][0]["id"]
    return [json.dumps(small).encode(), json.dumps(old, indent=1).encode(), *(one for one in found if len(one) < 4000)]


def attack_book(data: bytes, folder: Path) -> Outcome:
    path = folder / "book.ipynb"
    path.write_bytes(data)
    forget()
    try:
        known = grid.declared(path)
        promised, awaited, quick = declarations.promised(path), declarations.awaited(path), declarations.quick(path)
        own = keys.source(path)
    except ReviewError as error:
        return refused(error, path.name)
    held = json.loads(data)
    if held["nbformat"] == 4:
        said = held["metadata"].get("review", {})
        same(
            [list(promised), list(awaited), quick],
            [said.get("artefacts", []), said.get("after", []), said.get("quick", {})],
            "said",
        )
        cells = ["".join(cell["source"]) for cell in held["cells"]]
        same([cell.source for cell in declarations.read_notebook(path).cells], cells, "cells")
    to_json([sorted(known), list(promised), list(awaited), own.digest])
    return kept(f"{len(known)} {len(promised)} {sorted({str(one.kind) for one in known.values()})}")


def attack_gallery(data: bytes, folder: Path) -> Outcome:
    place = folder / "books"
    place.mkdir(exist_ok=True)
    (place / "02-x.ipynb").write_bytes(data)
    try:
        found = gallery.notebook_of("tables/x.csv", place)
    except ReviewError as error:
        return refused(error, "02-x.ipynb")
    return kept(found)


TARGETS = (
    Target(
        "grid-yaml",
        partial(grid_seeds, ".yaml"),
        partial(attack_grid, ".yaml"),
        words(JSON + "product:|zip:|list:|fixed:|exclude:|seed:|- |: |<<: |&a |*a|~|.nan|.inf|2020-01-01|!!binary |? "),
    ),
    Target(
        "grid-json",
        partial(grid_seeds, ".json"),
        partial(attack_grid, ".json"),
        words(JSON + '"product":|"zip":|"list":|"fixed":|"exclude":|"seed":|"any":|"facts":|"names":'),
    ),
    Target(
        "grid-csv",
        partial(grid_seeds, ".csv"),
        partial(attack_grid, ".csv"),
        words(JSON + 'selection|seed|share|any|names|facts|deep|"|""|nan|inf|1_0|٣'),
    ),
    Target("notebook", book_seeds, attack_book, words(JSON + BOOK)),
    Target("gallery", book_seeds, attack_gallery, words(JSON + BOOK)),
)

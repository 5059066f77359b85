"""What of a file that holds times has to be the same after a fault, and what a file may hold that is not finished yet.

A *view* returns of a file what has to be the same, and raises ValueError, LookupError or TypeError if the file is not whole.

What cannot be compared, and why:

- Times, durations, memory, and hashes of files that hold times: another run has others. What takes their place is
  :func:`untrue`: a manifest and an RO-Crate must tell the hashes of the very files that are there, whatever these are.
- How often something was tried: a journal also tells of what was cut off. Compared is what was achieved.
- The number of requests of an update: what was fetched before the fault is not fetched again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

View = Callable[[bytes], Any]
Grown = Callable[[bytes, bytes], bool]
"""Tells whether a file, given as it is and as it will be in the end, is on its way from nothing to there."""

MANIFEST, CRATE, JOURNAL = "manifest.jsonl", "ro-crate-metadata.json", "journal.jsonl"
BROKEN = (ValueError, LookupError, TypeError, AttributeError)


def lines(data: bytes) -> list[dict[str, Any]]:
    """Return the lines of a journal; one that a fault cut off, also in the middle, is left out."""
    found = []
    for line in data.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def runs(data: bytes) -> dict[str, Any]:
    """Return the last word of a manifest on each run, without times and memory, and without hashes of executed notebooks."""
    kept = ("event", "error", "inputs", "missing", "notebook", "parameters", "parts", "status", "versions")
    found = {}
    for event in lines(data):
        outputs = {name: None if name.endswith(".ipynb") else sha for name, sha in event["outputs"].items()}
        found[event["run"]] = {"outputs": outputs, **{name: event[name] for name in kept}}
    return found


def pages(data: bytes) -> dict[str, Any]:
    """Return of the journal of an update each page that came, and what each source had in all."""
    found = {}
    for event in lines(data):
        if event["event"] == "page":
            found[f"{event['source']} {event['number']}"] = [event["bytes"], event["sha256"]]
        elif event["event"] == "finished":
            found[event["source"]] = [event["total"], event["received"]]
        else:
            found[event["event"]] = []
    return found


def crate(data: bytes) -> dict[str, Any]:
    """Return the files, programs and parameters of an RO-Crate, and what its good runs left.

    Names of runs and parameters in it are made of times, too.
    """
    found: dict[str, Any] = {}
    for one in json.loads(data)["@graph"]:
        name, kind = one["@id"], one["@type"]
        if kind == "File":
            timed = name.endswith((".ipynb", MANIFEST))
            found[name] = {key: value for key, value in one.items() if not (timed and key in ("sha256", "contentSize"))}
        elif kind == "SoftwareApplication":
            found[name] = one
        elif kind == "PropertyValue":
            found[f"parameter {one['name']} {one['value']}"] = True
        elif kind == "CreateAction" and one["actionStatus"].endswith("CompletedActionStatus"):
            found[f"run {one['name']} {one['description']}"] = one["result"]
    return found


def notebook(data: bytes) -> Any:
    """Return an executed notebook without times."""
    book = json.loads(data)
    for part in (book, *book["cells"]):
        part["metadata"].pop("execution", None)
        kept = ("exception", "status", "parameters", "input_path", "output_path", "version")
        part["metadata"]["papermill"] = {name: part["metadata"].get("papermill", {}).get(name) for name in kept}
    for cell in book["cells"]:
        cell.pop("id")
    return book


def same(view: View, found: bytes, wanted: bytes, before: bytes | None) -> bool:
    """Tell whether two files are the same in what has to be; what was there before the fault may be there still."""
    try:
        one, other = view(found), view(wanted)
        older = view(before) if before and isinstance(one, dict) else {}
    except BROKEN:
        return False
    if not isinstance(one, dict) or view is notebook:
        return bool(one == other)
    more = {name for name in one if name not in other}
    return all(name in one and one[name] == value for name, value in other.items()) and more <= set(older)


def whole(view: View, data: bytes) -> bool:
    """Tell whether a file that is written in one step is whole."""
    try:
        view(data)
    except BROKEN:
        return False
    return True


def longer(found: bytes, before: bytes) -> bool:
    """Tell whether a journal has all that it had, and behind it whole lines, but for one that is cut off."""
    if not found.startswith(before):
        return False
    more = found[len(before) :].split(b"\n")
    try:
        for line in more[:-1]:
            json.loads(line)
    except ValueError:
        return False
    return True


def rows(found: bytes, wanted: bytes) -> bool:
    """Tell whether a table has the columns it will have, and some of the rows."""
    one, other = (list(csv.reader(io.StringIO(data.decode()))) for data in (found, wanted))
    return found.endswith(b"\n") and one[:1] == other[:1] and all(row in other for row in one)


def members(found: bytes, wanted: bytes) -> bool:
    """Tell whether an object of JSON has what it will have, except that mappings in it lack something."""
    try:
        one, other = json.loads(found), json.loads(wanted)
    except ValueError:
        return False
    return set(one) == set(other) and all(
        value == other[name] or (isinstance(value, dict) and value.items() <= other[name].items()) for name, value in one.items()
    )


def drawings(found: bytes, wanted: bytes) -> bool:
    """Tell whether a list of drawings is the one to come, but for figures that could not be drawn, which say why."""
    try:
        one, other = json.loads(found), json.loads(wanted)
        drawn = [
            {**right, "files": [], "reason": left["reason"]} if left["reason"] else right
            for left, right in zip(one["figures"], other["figures"], strict=True)
        ]
        return set(one) == set(other) and one["figures"] == drawn
    except BROKEN:
        return False


def page(found: bytes, _: bytes) -> bool:
    """Tell whether a page of HTML is whole."""
    return found.startswith(b"<!DOCTYPE html>") and found.rstrip().endswith(b"</html>")


def keys(found: bytes, wanted: bytes) -> bool:
    """Tell whether an object of JSON is whole."""
    try:
        return bool(json.loads(found).keys() == json.loads(wanted).keys())
    except ValueError:
        return False


def untrue(tree: Mapping[str, bytes]) -> list[str]:
    """Return the files of which a manifest or an RO-Crate in their folder tells another hash than they have."""
    wrong = []
    for record, data in tree.items():
        folder, name = PurePosixPath(record).parent, PurePosixPath(record).name
        if name == MANIFEST:
            last = {event["run"]: event for event in lines(data)}
            for run, event in last.items():
                place = folder / run if f"{folder / run}/" in tree else folder
                wrong += [str(place / one) for one, sha in event["outputs"].items() if _hash(tree, place / one) != sha]
        elif name == CRATE:
            files = [one for one in json.loads(data)["@graph"] if one["@type"] == "File"]
            wrong += [str(folder / one["@id"]) for one in files if _hash(tree, folder / one["@id"]) != one["sha256"]]
    return wrong


def _hash(tree: Mapping[str, bytes], path: PurePosixPath) -> str | None:
    return hashlib.sha256(tree[str(path)]).hexdigest() if str(path) in tree else None

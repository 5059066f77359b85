"""What may differ between two runs of the same on one machine, and why: everything else that differs is a fault.

Used by ``tools/repeat.py``. A rule names files by a pattern, says why they differ, and takes away exactly what may.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """Part of some files that may differ.

    Attributes
    ----------
    pattern : str
        Of paths below the folder of what was made, as :mod:`fnmatch` has it.
    reason : str
    clean : callable
        Takes the content and the folder of the checkout; returns the content without what may differ.
    """

    pattern: str
    reason: str
    clean: Callable[[bytes, str], bytes]


def _placeless(content: bytes, root: str) -> str:
    """Return a text without the folder of the checkout, as it is or as papermill writes it in a cell."""
    escaped = root.encode("unicode_escape").decode().replace("\\", "\\\\")
    return content.decode().replace(root, "ROOT").replace(escaped, "ROOT")


def _without_times(content: bytes, root: str) -> bytes:
    """Take times and memory from a manifest, and the order in which runs that ran side by side began and ended."""
    lines = [json.loads(line) for line in _placeless(content, root).splitlines()]
    kept = [{name: value for name, value in line.items() if name not in ("began", "seconds", "memory")} for line in lines]
    for line in kept:
        line["outputs"] = {name: value for name, value in line["outputs"].items() if not name.endswith(".ipynb")}
    return "\n".join(sorted(json.dumps(line, sort_keys=True) for line in kept)).encode()


def _without_seconds(content: bytes, _: str) -> bytes:
    """Take how long runs took from a printed table, and the width of its columns."""
    return re.sub(rb" +", b" ", re.sub(rb" +\d+\.\d{3} +", b" ", content))


def _without_place(content: bytes, root: str) -> bytes:
    """Take the folder of the checkout from what was printed."""
    return _placeless(content, root).encode()


def _without_execution(content: bytes, root: str) -> bytes:
    """Take from an executed notebook when its cells ran, and where, and the name of the cell that was added."""
    text = _placeless(content, root)
    for place, name in enumerate(dict.fromkeys(re.findall(r'"model_id": "([0-9a-f]{32})"', text))):
        text = text.replace(name, f"widget {place}")
    book = json.loads(text)
    for held in book["metadata"].get("widgets", {}).values():  # parts of a widget, by random names
        bare = (re.sub(r"[0-9a-f]{32}", "part", json.dumps(part, sort_keys=True)) for part in held["state"].values())
        held["state"] = sorted(bare)
    told = book["metadata"]["papermill"]
    for name in ("start_time", "end_time", "duration"):
        told.pop(name)
    for cell in book["cells"]:
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            cell.pop("id")
        cell["metadata"].pop("execution", None)
        for name in ("start_time", "end_time", "duration"):
            cell["metadata"].get("papermill", {}).pop(name, None)
    return json.dumps(book, sort_keys=True).encode()


def _without_ends(content: bytes, root: str) -> bytes:
    """Take from a crate what repeats the manifest: times, names made of them, digests and sizes of files that hold them."""
    text = _placeless(content, root)
    for entity in json.loads(text)["@graph"]:
        if entity["@type"] == "CreateAction":
            text = text.replace(entity["@id"], f"#run of {json.dumps(entity['description'])[1:-1]}")
    crate = json.loads(text)
    timed = re.compile(r"\.ipynb$|manifest\.jsonl$")

    def bare(entity: dict[str, Any]) -> dict[str, Any]:
        gone = {"startTime", "endTime", "datePublished"}
        if timed.search(str(entity["@id"])):
            gone |= {"sha256", "contentSize"}
        kept = {name: value for name, value in entity.items() if name not in gone}
        return {name: sorted(value, key=str) if isinstance(value, list) else value for name, value in kept.items()}

    entities = sorted((bare(entity) for entity in crate["@graph"]), key=lambda entity: str(entity["@id"]))
    return json.dumps(entities, sort_keys=True).encode()


RULES = (
    Rule("*/printed/validate.table", "says to its user which folder was checked, by its whole path", _without_place),
    Rule("*/printed/batch", "tells its user how many seconds each run took", _without_seconds),
    Rule("*manifest.jsonl", "a diary: times, memory, order of runs side by side, digests of executed notebooks", _without_times),
    Rule(
        "*.ipynb",
        "papermill notes when cells ran and in which folder, and names the cell it adds at random, as ipywidgets its models",
        _without_execution,
    ),
    Rule(
        "*ro-crate-metadata.json",
        "describes the manifest and the executed notebooks, with the times of runs and names made of them",
        _without_ends,
    ),
)

SKIPPED = {
    "*/.lock": "empty: held while a batch runs",
}


def rule(name: str) -> Rule | None:
    """Return the rule for a file, if there is one."""
    return next((one for one in RULES if fnmatch.fnmatch(name, one.pattern)), None)


def skipped(name: str) -> bool:
    """Tell whether a file is none of the results."""
    return any(fnmatch.fnmatch(name, pattern) for pattern in SKIPPED)

"""A batch as an RO-Crate: which run made which file, of what, with what, for other tools than this one.

The metadata follow the profile Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process/0.5) of RO-Crate 1.1. The folder of the
batch itself is the crate: nothing is copied. All of it comes from the manifest and the files: the same give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import shlex
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from review import paths
from review.batch import keys, manifest
from review.batch.manifest import FINISHED, REDACTED, SECRET, Event
from review.batch.runner import OK
from review.errors import InputError
from review.files import to_json, to_text, write_text

NAME = "ro-crate-metadata.json"
VERSION = "1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
"""Defines ``sha256``, which RO-Crate 1.1 does not."""

PAGES: Mapping[str, str] = {
    "ipykernel": "https://ipykernel.readthedocs.io/",
    "nbclient": "https://nbclient.readthedocs.io/",
    "nbformat": "https://nbformat.readthedocs.io/",
    "numpy": "https://numpy.org/",
    "pandas": "https://pandas.pydata.org/",
    "papermill": "https://papermill.readthedocs.io/",
    "plotly": "https://plotly.com/python/",
    "python": "https://www.python.org/",
    "scipy": "https://scipy.org/",
}
"""Home pages of what the manifest names."""

ENGINE = "papermill"
FORMATS: Mapping[str, str] = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""Formats of files by their suffix; the system's own list would differ from one machine to the next."""

_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, PROFILE)
_HOME = re.compile(r"(?<![\w.-])(?:/(?:home|Users)/[^/\s\"']+|/root(?=[/\s\"']|$)|[A-Za-z]:\\+Users\\+[^\\\s\"']+)")


def write(folder: Path) -> Path:
    """Write the metadata of a batch; return their path.

    Described is the last end of every run, good or failed, whose files are all still there, unchanged.

    Parameters
    ----------
    folder : Path
        Of all runs, with the manifest.

    Raises
    ------
    InputError
        If the manifest cannot be read, or there is no such run.
    """
    folder = paths.real(folder)
    ends = {event.run: event for event in manifest.read(folder / manifest.NAME) if event.event == FINISHED}
    runs = [(event, place) for event in ends.values() if (place := _place(folder, event))]
    if not runs:
        raise InputError.one(folder / manifest.NAME, "there is no run that ended and whose files are there", "run review batch")
    target = folder / NAME
    write_text(target, whole(to_json(_Crate(folder).describe(runs, len(ends) - len(runs)))))
    return target


def refresh(folder: Path) -> None:
    """Write the metadata unless they are those of the manifest that is there: who added to it may have been killed since.

    Raises
    ------
    InputError
        As from :func:`write`.
    """
    told = folder / NAME
    if not told.is_file() or keys.of_file(folder / manifest.NAME).encode() not in told.read_bytes():
        write(folder)


def whole(text: str) -> str:
    """Return JSON with halves of characters written as escapes, as a manifest has them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _place(folder: Path, event: Event) -> Path | None:
    """Return the folder that the outputs of a run are in, its own or that of all runs; None if one is gone or was edited."""
    for place in (folder / event.run, folder):
        files = [(place / name, digest) for name, digest in event.outputs.items()]
        if all(path.is_file() and keys.of_file(path) == digest for path, digest in files):
            return place
    return None


def _times(event: Event) -> tuple[str, str]:
    """Return when a run began and ended."""
    try:
        began = dt.datetime.fromisoformat(event.began)
    except ValueError:
        message = f"{event.began!r} is no time at which the run {event.run} began"
        raise InputError.one(manifest.NAME, message, "restore the manifest") from None
    ended = began + dt.timedelta(seconds=event.seconds)
    return began.isoformat(timespec="milliseconds"), ended.isoformat(timespec="milliseconds")


def _id(*parts: object) -> str:
    """Return an identifier that is the same for the same parts."""
    return f"#{uuid.uuid5(_SPACE, whole(json.dumps(parts, ensure_ascii=False)))}"


class _Crate:
    """The entities of one crate; each is added once."""

    def __init__(self, folder: Path) -> None:
        from rocrate.rocrate import ROCrate

        self.folder = folder
        self.crate = ROCrate(version=VERSION)
        self.crate.metadata.extra_contexts.append(TERMS)
        self._files: dict[str, Any] = {}
        self._others: dict[str, Any] = {}
        self._inputs: dict[tuple[str, str], Any] = {}

    def describe(self, runs: Sequence[tuple[Event, Path]], gone: int) -> dict[str, Any]:
        """Return the metadata of runs, each with the folder of its outputs."""
        self._file(self.folder / manifest.NAME)
        for event, place in runs:  # first: an input may be the output of any run
            for name in event.outputs:
                self._file(place / name)
        actions = [self._action(event, place) for event, place in runs]
        failed = sum(event.status != OK for event, _ in runs)
        books = ", ".join(sorted({event.notebook for event, _ in runs}))
        told = f"{len(runs)} runs of {books}, of which {failed} failed."
        if gone:
            told += f" {gone} more stand in the manifest, but their files are gone or were edited."
        profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": PROFILE.rpartition("/")[2]}
        licence = {
            "@type": "CreativeWork",
            "name": "No licence is stated",
            "description": "What may be done with these files depends on the notebooks and inputs that they were made from.",
        }
        root = {
            "name": f"Runs of {books}",
            "description": told,
            "datePublished": max(_times(event)[1] for event, _ in runs),
            "license": self._context("#licence", licence),
            "conformsTo": self._context(PROFILE, profile),
            "mentions": actions,
        }
        for name, value in root.items():
            self.crate.root_dataset[name] = _compact(value)
        found: dict[str, Any] = self.crate.metadata.generate()
        return found

    def _action(self, event: Event, place: Path) -> Any:
        """Return the action of one run."""
        began, ended = _times(event)
        book = self._notebook(event)
        engine = [self._software(name, version) for name, version in event.versions.items() if name == ENGINE]
        for one in event.inputs.items():  # many runs read the same files
            self._inputs[one] = self._inputs.get(one) or self._input(*one)
        inputs = [self._inputs[one] for one in event.inputs.items()]
        values = {name: self._shown(name, value, event) for name, value in event.parameters.items()}
        good = event.status == OK
        status = "CompletedActionStatus" if good else "FailedActionStatus"
        given = " ".join(f"-p {shlex.quote(name)} {shlex.quote(to_text(value))}" for name, value in values.items())
        action: dict[str, Any] = {
            "@type": "CreateAction",
            "name": f"Run {event.run} of {event.notebook}",
            "description": f"papermill {event.notebook} {given}".rstrip(),
            "startTime": began,
            "endTime": ended,
            "instrument": [book, *engine],
            "object": [*inputs, *(self._value(name, value) for name, value in values.items())],
            "result": [self._file(place / name) for name in event.outputs],
            "actionStatus": f"http://schema.org/{status}",
        }
        if not good:
            missing = f"missing: {', '.join(event.missing)}" if event.missing else event.status
            action["error"] = self._safe(event.error) or missing
        return self._context(_id("run", event.run, event.began), action)

    def _notebook(self, event: Event) -> Any:
        """Return the notebook as it was when it ran, with what it ran on."""
        cells = event.parts.get("source", "")
        needs = [self._software(name, version) for name, version in event.versions.items()]
        facts = {
            "@type": "SoftwareSourceCode",
            "name": event.notebook,
            "description": "Jupyter notebook; identified by the SHA-256 of its cells, its version is the commit of the project.",
            "identifier": f"sha256:{cells}",
            "version": event.commit or cells,
            "softwareRequirements": needs,
        }
        return self._context(_id("notebook", event.notebook, cells, event.commit, dict(event.versions)), facts)

    def _software(self, name: str, version: str) -> Any:
        page = PAGES.get(name, "")
        facts = {"@type": "SoftwareApplication", "name": name, "softwareVersion": version}
        return self._context(f"{page}#{version}" if page else f"#{name}-{version}", facts | ({"url": page} if page else {}))

    def _input(self, name: str, digest: str) -> Any:
        """Return an input: a file of the crate if it is one and still the same; otherwise by name and hash."""
        path = paths.real(paths.ROOT / name)
        if path.is_relative_to(self.folder) and path.is_file() and keys.of_file(path) == digest:
            return self._file(path)
        shown = self._named(name)
        facts = {"@type": "CreativeWork", "name": shown, "sha256": digest}
        return self._context(_id("input", shown, digest), facts | _format(path))

    def _value(self, name: str, shown: Any) -> Any:
        """Return a parameter; what is no text, number or truth value stands as JSON."""
        facts = {"@type": "PropertyValue", "name": name, "value": shown}
        return self._context(_id("parameter", name, shown), facts)

    def _shown(self, name: str, value: Any, event: Event) -> Any:
        """Return the value of a parameter as it may be shown."""
        if SECRET.search(name):
            return REDACTED
        place = value.rstrip("/") if isinstance(value, str) else ""
        if place and any(one == value or one.startswith(f"{place}/") for one in event.inputs):
            return self._safe(self._named(value))
        if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
            return value
        return self._safe(to_text(value))

    def _named(self, path: str) -> str:
        """Return a path within the project or the crate as it is, of any other its last part."""
        whole = Path(path)
        return whole.name if whole.is_absolute() or ".." in whole.parts else path

    def _safe(self, text: str) -> str:
        """Return a text without secrets, and without the place of the project and of anyone's home."""
        for place in (self.folder, paths.ROOT):
            text = re.sub(rf"(?<![\w.-]){re.escape(str(place))}(?:/|(?![\w.-]))", "./", text)
        return _HOME.sub("~", manifest.redacted(text))

    def _file(self, path: Path) -> Any:
        """Return a file of the crate; bytes of its name that are no text stand in its identifier as they are."""
        from rocrate.model.data_entity import DataEntity

        name = path.relative_to(self.folder).as_posix()
        if name not in self._files:
            size = str(path.stat().st_size)  # a text in RO-Crate
            facts = {"@type": "File", "name": path.name, "sha256": keys.of_file(path), "contentSize": size, **_format(path)}
            self._files[name] = self.crate.add(DataEntity(self.crate, quote(name, errors="surrogateescape"), properties=facts))
        return self._files[name]

    def _context(self, identifier: str, facts: Mapping[str, Any]) -> Any:
        from rocrate.model.contextentity import ContextEntity

        if identifier not in self._others:
            plain = {name: _compact(fact) for name, fact in facts.items() if fact != []}
            self._others[identifier] = self.crate.add(ContextEntity(self.crate, identifier, properties=plain))
        return self._others[identifier]


def _compact(value: Any) -> Any:
    """Return the one value of a list of one, as RO-Crate recommends, anything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _format(path: Path) -> dict[str, str]:
    """Return the format of a file, if it is known."""
    kind = FORMATS.get(path.suffix.lower())
    return {"encodingFormat": kind} if kind else {}

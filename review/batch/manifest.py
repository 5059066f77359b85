"""What was run, line by line: an append-only file that survives the end of its writer at any byte.

Every line is one event of one run: ``started`` or ``finished``. A run whose last event is not ``finished`` was cut off. What
counts is the last event of each run; nothing is ever changed or taken away.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from review.errors import InputError, Problem, RunError
from review.files import read_bytes

FORMAT = "synthetic-data-review/batch/1"
NAME = "manifest.jsonl"
LOCK = ".lock"
STARTED, FINISHED = "started", "finished"
SECRET = re.compile(r"(?i)(secret|passw|token|api_?key|credential)")
"""Names of parameters whose values are refused: they would stand in the executed notebook."""

REDACTED = "[redacted]"
_SECRETS = re.compile(
    r"(?i)(?P<name>\b[\w-]*(?:secret|passw(?:or)?d|token|api[_-]?key|credential|authorization)[\w-]*[\"']?\s*[:=]\s*[\"']?)"
    r"(?:bearer\s+|basic\s+)?[^\s\"',;&)]+"
    r"|(?P<scheme>\bbearer\s+)[\w.~+/=-]+"
    r"|\b(?:sk|pk|rk|ghp|gho|hf|xox[a-z])[-_][\w-]{8,}"
    r"|(?P<url>\b[a-z][a-z0-9+.-]*://)[^\s/@]+:[^\s/@]+(?=@)"
)
_KEYS = re.compile(
    r"(?i:(?P<name>\b[\w-]*(?:key|sig|signature|auth|sas|pwd|cookie)[\"']?\s*[:=]\s*[\"']?))[\w+/.~=-]{16,}"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JSON Web Token
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\b(?:github_pat|glpat)[_-][\w-]{16,}"
)

PATIENCE = 5.0
"""Seconds that workers of an earlier runner, which was killed, get to end."""


@dataclass(frozen=True)
class Event:
    """One line.

    Attributes
    ----------
    event : {"started", "finished"}
    run : str
        Identifier of the run: the same for the same notebook and parameters.
    notebook : str
    parameters : mapping
    parts, inputs : mapping of str to str
        As :class:`review.batch.keys.Key` has them.
    outputs : mapping of str to str
        SHA-256 of each file that the run left, by its path in the folder of the run.
    status, error : str
    missing : tuple of str
        Promised files that are not there.
    began : str
        UTC time at which it started, ISO 8601.
    seconds : float
    memory : int
        Peak memory of the kernel in bytes; 0 where it is not known.
    versions : mapping of str to str
    commit : str
        Of the project's repository, with ``+changes`` if the tree is not clean; "" outside one.
    """

    event: str
    run: str
    notebook: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    status: str = ""
    error: str = ""
    missing: tuple[str, ...] = ()
    began: str = ""
    seconds: float = 0.0
    memory: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""


class Manifest:
    """The events of one folder; held by one process at a time, a second one is refused.

    Parameters
    ----------
    folder : Path
        Made if need be.

    Attributes
    ----------
    lock : int
        The descriptor by which the folder is held: whoever has a copy of it holds it, too.
    last : dict of str to Event
        Last event of each run.

    Raises
    ------
    RunError
        If another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        import fcntl

        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        self.lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        limit = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > limit:
                    os.close(self.lock)
                    message = f"another batch is running in {folder} -> wait for it, or choose another folder with --out"
                    raise RunError(message) from None
                time.sleep(0.05)
        self.last = {event.run: event for event in read(self.path)}
        self._mend()
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process hold the folder."""
        os.close(self._file)
        os.close(self.lock)

    def add(self, event: Event) -> None:
        """Append an event; it is on the disk when this returns.

        Raises
        ------
        RunError
            If it cannot be written, for example because the disk is full.
        """
        line = json.dumps({"format": FORMAT, **asdict(event)}, ensure_ascii=False, sort_keys=True) + "\n"
        data = line.encode("utf-8", "backslashreplace")
        end = os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, end)
            remedy = "make room, then go on with review batch --resume"
            raise RunError(f"{self.path} cannot be written: {error.strerror} -> {remedy}") from None
        self.last[event.run] = event

    def _mend(self) -> None:
        """End a line that was cut off, so that the next event does not become part of it."""
        if self.path.exists() and self.path.stat().st_size:
            with self.path.open("rb+") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")


def redacted(text: str) -> str:
    """Return a text without what looks like a secret: values of such names, keys of services, passwords in addresses."""

    def hide(found: re.Match[str]) -> str:
        return next((kept for kept in found.groupdict().values() if kept), "") + REDACTED

    return _KEYS.sub(hide, _SECRETS.sub(hide, text))


def read(path: Path) -> Iterator[Event]:
    """Return the events of a manifest in their order; a line that was cut off by the end of its writer is passed over.

    Raises
    ------
    InputError
        If a whole line is no event, or the file cannot be read.
    """
    if not os.path.lexists(path):
        return
    try:
        data = read_bytes(path)
    except OSError as error:
        raise InputError.one(path, f"the file cannot be read ({error.strerror})", "check its type and rights") from None
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            held = json.loads(line.decode("utf-8"))
        except ValueError:
            continue  # cut off: its run counts as not finished
        except RecursionError:
            held = None
        fault = _fault(held)
        if fault:
            raise InputError([Problem(str(path), number, None, fault, "restore the file, or choose another folder")])
        rest = {name: value for name, value in held.items() if name != "format"}
        yield Event(**{**rest, "missing": tuple(rest.get("missing", ()))})


def _fault(held: Any) -> str:
    """Return what is wrong with a line of a manifest, or ""."""
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        return f"no event of the format {FORMAT}"
    given = {name: value for name, value in held.items() if name != "format"}
    if not {"event", "run", "notebook"} <= set(given) <= set(Event.__dataclass_fields__):
        return f"no event of the format {FORMAT}"
    wrong = next((name for name, value in given.items() if not _is_sound(name, value)), "")
    return f"{wrong} is {str(given[wrong])[:60]!r}" if wrong else ""


def _is_sound(name: str, value: Any) -> bool:
    """Tell whether a part of an event is of its type."""
    if name in ("parts", "inputs", "outputs", "versions"):
        return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    if name == "parameters":
        return isinstance(value, dict)
    if name == "missing":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if name in ("seconds", "memory"):
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, str) and (name != "event" or value in (STARTED, FINISHED))

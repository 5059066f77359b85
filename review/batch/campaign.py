"""Many runs of one notebook: planned before any starts, skipped where nothing changed, never counted as done without proof.

Each run has a folder of its own, named by what it is: the same notebook and parameters, the same folder. The manifest decides:
a run is done if its last event says so, its key is still the same, and every file that it left is still there, unchanged.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import paths
from review.batch import grid, keys, manifest, runner, warm
from review.batch.manifest import FINISHED, STARTED, Event, Manifest
from review.batch.runner import OK, Job, Outcome
from review.errors import InputError, OptionError
from review.files import digest

if TYPE_CHECKING:
    import pandas as pd

OUTPUT = "output_dir"
"""Parameter that a notebook may declare for the folder of its files: each run gets its own."""

EXECUTED = "notebook.ipynb"
WARM = "review.batch.warm_provisioner.WarmKernelManager"
"""Class of the managers of kernels that are forked; where that cannot be done they start ordinary ones, and say so."""

UNCHANGED, NEW = "unchanged", "new"
LIBRARIES = ("ipykernel", "nbclient", "nbformat", "numpy", "pandas", "papermill", "plotly", "scipy")


@dataclass(frozen=True)
class Run:
    """One planned run.

    Attributes
    ----------
    name : str
        First 12 digits of the SHA-256 of notebook and parameters.
    parameters : mapping
        As given, without the folder of the output.
    folder : Path
    key : Key
    reasons : tuple of str
        Why it has to run; empty if nothing changed since it was done.
    """

    name: str
    parameters: Mapping[str, Any]
    folder: Path
    key: keys.Key
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """What became of a planned run: ``status`` is that of an :class:`Outcome`, or :data:`UNCHANGED`."""

    run: Run
    status: str
    seconds: float = 0.0
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether its files can be used."""
        return self.status in (OK, UNCHANGED)


def plan(
    notebook: Path,
    sets: Sequence[Mapping[str, Any]],
    folder: Path,
    last: Mapping[str, Event],
    *,
    inputs: Sequence[Path] = (),
    force: bool = False,
) -> tuple[Run, ...]:
    """Say of every parameter set whether it has to run, and why.

    Parameters
    ----------
    notebook : Path
    sets : sequence of mappings
        Parameters of each run, as :mod:`review.batch.grid` returns them.
    folder : Path
        Of all runs.
    last : mapping of str to Event
        Last event of each run.
    inputs : sequence of Path
        Files that every run reads, besides those that parameters name.
    force : bool
        Whether everything has to run.

    Raises
    ------
    InputError, OptionError
        If the notebook or an input cannot be read, a parameter is not declared, or looks like a secret.
    """
    known = grid.declared(notebook)
    problems = sorted({name for one in sets for name in one if manifest.SECRET.search(name)})
    if problems:
        raise OptionError(f"the parameter {problems[0]!r} looks like a secret -> have the notebook read it from the environment")
    if any(OUTPUT in one for one in sets):
        raise OptionError(f"every run gets a folder of its own as {OUTPUT!r} -> choose the folder of all with --out")
    source = keys.source(notebook)
    defaults = {name: parameter.default for name, parameter in known.items() if name != OUTPUT}
    runs = []
    for one in sets:
        name = digest(notebook.name.encode(), json.dumps(dict(one), sort_keys=True, ensure_ascii=False).encode())[:12]
        key = keys.compute(source, {**defaults, **one}, inputs)
        place = folder / name
        reasons = ("asked to",) if force else stale(last.get(name), key, place)
        runs.append(Run(name, dict(one), place, key, reasons))
    return tuple(runs)


def stale(event: Event | None, key: keys.Key, folder: Path) -> tuple[str, ...]:
    """Return why a run has to be done (again), in words; empty if it is done and nothing changed."""
    if event is None:
        return (NEW,)
    if event.event != FINISHED:
        return ("it was cut off",)
    if event.status != OK:
        return (f"it ended with: {event.status}",)
    found = list(key.changes(event.parts, event.inputs))
    for name, expected in event.outputs.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is gone")
        elif keys.of_file(path) != expected:
            found.append(f"{name} was edited")
    return tuple(found)


def run(
    notebook: Path,
    sets: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    jobs: int = 2,
    inputs: Sequence[Path] = (),
    force: bool = False,
    cell_timeout: float = 900.0,
    cold: bool = False,
    report: Callable[[Done], None] | None = None,
) -> tuple[Done, ...]:
    """Do every run that has to be done, and return what became of all of them, in the order of the sets.

    Parameters
    ----------
    notebook, sets, folder, inputs, force
        As :func:`plan`.
    jobs : int
        Processes at a time.
    cell_timeout : float
        Seconds that a cell may take.
    cold : bool
        Whether kernels are started from nothing, not forked from a process that has imported what notebooks import.
    report : callable, optional
        Called with each run as it ends; those that are skipped come first.

    Raises
    ------
    RunError
        If another process works in the folder.
    InputError, OptionError
        As :func:`plan`, before anything runs.
    """
    with Manifest(folder) as book:
        planned = plan(notebook, sets, folder, book.last, inputs=inputs, force=force)
        done: dict[str, Done] = {}
        for one in planned:
            if not one.reasons:
                done[one.name] = Done(one, UNCHANGED)
                if report:
                    report(done[one.name])
        waiting = [one for one in planned if one.reasons]
        facts = {"versions": versions(), "commit": commit()} if waiting else {}
        own, promises = OUTPUT in grid.declared(notebook), runner.promised(notebook)
        manager = runner.ORDINARY if cold else WARM
        tasks = [_job(notebook, one, promises if own else None, cell_timeout, manager) for one in waiting]
        began: dict[int, str] = {}

        def start(place: int) -> None:
            one = waiting[place]
            if one.folder.exists():
                shutil.rmtree(one.folder)
            one.folder.mkdir(parents=True)
            began[place] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            book.add(_event(STARTED, notebook, one, began=began[place]))

        def end(place: int, outcome: Outcome) -> None:
            one = waiting[place]
            detail = outcome.error or ", ".join(outcome.missing)
            done[one.name] = Done(one, outcome.status, outcome.seconds, detail)
            told = {"status": outcome.status, "error": outcome.error, "missing": outcome.missing}
            measured = {"seconds": round(outcome.seconds, 3), "memory": outcome.memory, "began": began[place]}
            book.add(_event(FINISHED, notebook, one, outputs=outputs(one.folder), **told, **measured, **facts))
            if report:
                report(done[one.name])

        with warm.session() if waiting and not cold else contextlib.nullcontext():
            runner.run_each(tasks, jobs, start, end)
    return tuple(done[one.name] for one in planned)


def _job(notebook: Path, one: Run, promises: Sequence[str] | None, cell_timeout: float, manager: str) -> Job:
    """Return the job of a run; a notebook that takes no folder (None) can be held to no promise."""
    own = {} if promises is None else {OUTPUT: str(one.folder)}
    artefacts = tuple(one.folder / name for name in promises or ())
    return Job(notebook, one.folder / EXECUTED, {**one.parameters, **own}, artefacts, cell_timeout=cell_timeout, manager=manager)


def _event(kind: str, notebook: Path, one: Run, **more: Any) -> Event:
    return Event(kind, one.name, notebook.name, dict(one.parameters), dict(one.key.parts), dict(one.key.files), **more)


def outputs(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that a run left, by its path in the folder."""
    return {str(path.relative_to(folder)): keys.of_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def versions() -> dict[str, str]:
    """Return the versions of what runs notebooks."""
    import platform

    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of the project, with ``+changes`` if its tree is not clean; "" where it is no repository."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(paths.ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603

    try:
        head = git("rev-parse", "HEAD")
        return head + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def table(done: Sequence[Done]) -> pd.DataFrame:
    """Return what became of every run, failures first: ``run, status, seconds``, the parameters that differ, ``why, detail``."""
    import pandas as pd

    names = list(dict.fromkeys(name for one in done for name in one.run.parameters))
    rows = [
        {
            "run": one.run.name,
            "status": one.status,
            "seconds": round(one.seconds, 1),
            **{name: one.run.parameters.get(name) for name in names},
            "why": "; ".join(one.run.reasons),
            "detail": one.detail,
        }
        for one in sorted(done, key=lambda one: one.good)
    ]
    return pd.DataFrame(rows, columns=["run", "status", "seconds", *names, "why", "detail"])


def collect(done: Sequence[Done], pattern: str) -> pd.DataFrame:
    """Gather one table of every good run, the parameters as its first columns.

    Parameters
    ----------
    done : sequence of Done
    pattern : str
        Path of the CSV file in the folder of a run, for example ``tables/02-shares.csv``.

    Raises
    ------
    InputError
        If a run does not have the table, or a column of it is named like a parameter.
    """
    import pandas as pd

    tables = []
    for one in done:
        if not one.good:
            continue
        path = one.run.folder / pattern
        if not path.is_file():
            raise InputError.one(path, "the run left no such table", "name one with --collect that the notebook writes")
        held = pd.read_csv(path)
        given = {"run": one.run.name, **one.run.parameters}
        twice = sorted(set(given) & set(held.columns))
        if twice:
            raise InputError.one(path, "a column is named like a parameter", "rename it in the notebook", twice[0])
        for place, (name, value) in enumerate(given.items()):
            held.insert(place, name, [value] * len(held))
        tables.append(held)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

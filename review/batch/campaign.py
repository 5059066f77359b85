"""Many runs of notebooks: planned before any starts, skipped where nothing changed, never counted as done without proof.

The manifest decides: a run is done if its last event says so, its key is still the same, and every file that it left is still
there, unchanged. Each run of a grid has a folder of its own, named by what it is: the same notebook and parameters, the same
folder. Runs of several notebooks may share a folder: then each answers for its executed copy and for what it promises.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import glob
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import browser
from review.batch import declarations, grid, keys, manifest, pool, provenance, runner, warm
from review.batch.manifest import FINISHED, STARTED, Event, Manifest
from review.batch.runner import OK, Job, Outcome
from review.errors import OptionError
from review.files import digest

if TYPE_CHECKING:
    import pandas as pd

OUTPUT = "output_dir"
"""Parameter that a notebook may declare for the folder of its files: each run gets its own."""

EXECUTED = "notebook.ipynb"
WARM = "review.batch.warm_provisioner.WarmKernelManager"
"""Class of the managers of kernels that are forked; where that cannot be done they start ordinary ones, and say so."""

UNCHANGED, NEW = "unchanged", "new"

Dispatch = Callable[[Sequence[Job], Callable[[int], None], Callable[[int, Outcome], None]], None]
"""Runs jobs somewhere, and calls back as :func:`review.batch.pool.run_each` does."""


@dataclass(frozen=True)
class Run:
    """One planned run.

    Attributes
    ----------
    name : str
        The same for the same run.
    notebook : Path
    parameters : mapping
        As given, without the folder of the output.
    folder : Path
        Where its files go.
    executed : Path
        The executed copy of the notebook.
    key : Key
    reasons : tuple of str
        Why it has to run; empty if nothing changed since it was done.
    promises : tuple of str or None
        Files that it must leave, relative to the folder; None if the notebook takes no folder.
    after : tuple of str
        Names of notebooks that run before.
    shared : bool
        Whether other runs write in the folder as well.
    """

    name: str
    notebook: Path
    parameters: Mapping[str, Any]
    folder: Path
    executed: Path
    key: keys.Key
    reasons: tuple[str, ...]
    promises: tuple[str, ...] | None = None
    after: tuple[str, ...] = ()
    shared: bool = False

    def outputs(self) -> dict[str, str]:
        """Return the SHA-256 of every file that it left, by its path in the folder.

        In a folder of others these are the executed copy, and what it promises with what bears the same name (the pictures
        and the page of a figure).
        """
        found = set(self._named()) if self.shared else set(self.folder.rglob("*"))
        return {str(path.relative_to(self.folder)): keys.of_file(path) for path in sorted(found) if path.is_file()}

    def _named(self) -> Iterator[Path]:
        yield self.executed
        for name in self.promises or ():
            place = self.folder / name
            for folder in (place.parent, place.parent / "html"):
                yield from folder.glob(f"{glob.escape(place.stem)}.*")

    def job(self, cell_timeout: float, run_timeout: float | None, manager: str) -> Job:
        """Return what is to be done; a notebook that takes no folder can be held to no promise."""
        own = {} if self.promises is None else {OUTPUT: str(self.folder)}
        artefacts = tuple(self.folder / name for name in self.promises or ())
        given = {**self.parameters, **own}
        return Job(self.notebook, self.executed, given, artefacts, self.after, cell_timeout, run_timeout, manager)

    def event(self, kind: str, **more: Any) -> Event:
        """Return an event of this run."""
        key = self.key
        return Event(kind, self.name, self.notebook.name, dict(self.parameters), dict(key.parts), dict(key.files), **more)


@dataclass(frozen=True)
class Done:
    """What became of a planned run: ``status`` is that of an :class:`Outcome`, or :data:`UNCHANGED`."""

    run: Run
    status: str
    seconds: float = 0.0
    error: str = ""
    missing: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether its files can be used."""
        return self.status in (OK, UNCHANGED)

    @property
    def detail(self) -> str:
        """What went wrong, in one line; "" if nothing did."""
        return self.error or ", ".join(self.missing)


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
    promises = declarations.promised(notebook) if OUTPUT in known else None
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
        reasons = stale(last.get(name), key, place, force=force)
        runs.append(Run(name, notebook, dict(one), place, place / EXECUTED, key, reasons, promises))
    return tuple(runs)


def stale(event: Event | None, key: keys.Key, folder: Path, *, force: bool = False) -> tuple[str, ...]:
    """Return why a run has to be done (again), in words; empty if it is done and nothing changed."""
    if force:
        return ("asked to",)
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
    inputs: Sequence[Path] = (),
    force: bool = False,
    options: Options | None = None,
    report: Callable[[Done], None] | None = None,
    before: Callable[[], object] = lambda: None,
) -> tuple[Done, ...]:
    """Do every run that has to be done, and return what became of all of them, in the order of the sets.

    Parameters
    ----------
    notebook, sets, folder, inputs, force
        As :func:`plan`.
    options : Options, optional
        How they are run.
    before : callable, optional
        Called once the folder is held by this process.
    report : callable, optional
        Called with each run as it ends; those that are skipped come first.

    Raises
    ------
    RunError
        If another process works in the folder, or the manifest cannot be written.
    InputError, OptionError
        As :func:`plan`, before anything runs.
    Interrupted
        If the user stopped it; what ended is in the manifest.
    """
    with Manifest(folder) as book:
        before()
        runs = plan(notebook, sets, folder, book.last, inputs=inputs, force=force)
        done = perform(book, runs, options or Options(), report)
    return tuple(done[one.name] for one in runs)


@dataclass(frozen=True)
class Options:
    """How runs are done.

    Attributes
    ----------
    jobs : int
        Processes at a time.
    cell_timeout : float
        Seconds that a cell may take.
    run_timeout : float, optional
        Seconds that a run may take.
    cold : bool
        Whether kernels are started from nothing, not forked from a process that has imported what notebooks import.
    dispatch : callable, optional
        Runs the jobs elsewhere than in processes of this machine.
    """

    jobs: int = 2
    cell_timeout: float = 900.0
    run_timeout: float | None = None
    cold: bool = False
    dispatch: Dispatch | None = None


def perform(
    book: Manifest, runs: Sequence[Run], options: Options, report: Callable[[Done], None] | None = None
) -> dict[str, Done]:
    """Do those runs that have a reason, each with its events in the manifest; return what became of all, by name.

    Parameters
    ----------
    book : Manifest
    runs : sequence of Run
    options : Options
    report : callable, optional
        Called with each run as it ends; those that are skipped come first.

    Raises
    ------
    InputError
        If a parameter is not declared, or notebooks wait for each other: before anything runs.
    RunError
        If the manifest cannot be written.
    Interrupted
        If the user stopped it.
    """
    done: dict[str, Done] = {}

    def tell(one: Done) -> None:
        done[one.run.name] = one
        if report:
            report(one)

    for one in runs:
        if not one.reasons:
            tell(Done(one, UNCHANGED, book.last[one.name].seconds))
    waiting = [one for one in runs if one.reasons]
    if not waiting:
        return done
    manager = runner.ORDINARY if options.cold else WARM
    tasks = [one.job(options.cell_timeout, options.run_timeout, manager) for one in waiting]
    runner.check(tasks)
    facts = {"versions": provenance.versions(), "commit": provenance.commit()}
    began: dict[int, str] = {}

    def start(place: int) -> None:
        one = waiting[place]
        if not one.shared and one.folder.exists():
            shutil.rmtree(one.folder)
        one.folder.mkdir(parents=True, exist_ok=True)
        began[place] = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        book.add(one.event(STARTED, began=began[place]))

    def end(place: int, outcome: Outcome) -> None:
        one = waiting[place]
        error = manifest.redacted(outcome.error)
        told = {"status": outcome.status, "error": error, "missing": outcome.missing}
        measured = {"seconds": round(outcome.seconds, 3), "memory": outcome.memory, "began": began[place]}
        book.add(one.event(FINISHED, outputs=one.outputs(), **told, **measured, **facts))
        tell(Done(one, outcome.status, outcome.seconds, error, outcome.missing))

    if options.dispatch:
        options.dispatch(tasks, start, end)
        return done
    with contextlib.nullcontext() if options.cold else warm.session(), browser.shared():
        pool.run_each(tasks, options.jobs, start, end, book.lock)
    return done


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

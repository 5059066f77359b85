"""What a worker does for :mod:`review.batch.cluster`: run a job in a folder of its own, and answer with what it left."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import json
import platform
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from review import paths
from review.batch import kernel, keys, runner
from review.batch.campaign import OUTPUT
from review.batch.runner import FAILED, Job, Outcome
from review.errors import OptionError, RunError
from review.files import write_bytes, write_text

RECORD = "review_cluster"
"""Metadata of an executed notebook: the worker, and the paths that the run saw with what the caller calls them."""

LOSSES = 2
"""Attempts that a job may lose with their worker."""

FACTS: Mapping[str, str] = {
    "python": "another version of Python",
    "papermill": "another version of papermill",
    "package": "another source of this package",
    "disk": "another source of this package on its disk",
    "lock": "other locks",
    "corpus": "another corpus",
}
"""What a worker must have in common with the caller -> what to say if it has not."""

_turn = threading.Lock()
_now = ""


@dataclass(frozen=True)
class Task:
    """A job on its way to a worker.

    Attributes
    ----------
    call : str
        The call of :func:`run_each` that it belongs to.
    place : int
    job : Job
        With absolute paths of the caller.
    folder : Path
        Where the files of the run belong.
    cwd : Path
        The caller's current folder.
    files : mapping of str to str
        SHA-256 of each file that the run reads, "" for a folder, by its place under the private folder, or, with a shared
        path, by its path.
    rebased : mapping of str to str
        Place under the private folder of what a parameter names, by the name of the parameter.
    facts : mapping of str to str
        Those of the caller.
    shared : bool
    """

    call: str
    place: int
    job: Job
    folder: Path
    cwd: Path
    files: Mapping[str, str]
    rebased: Mapping[str, str]
    facts: Mapping[str, str]
    shared: bool


@dataclass(frozen=True)
class Result:
    """What a worker answers: the outcome, SHA-256 of every file of the run, and the files or the folder that holds them."""

    outcome: Outcome
    hashes: Mapping[str, str] = field(default_factory=dict)
    content: Mapping[str, bytes] = field(default_factory=dict)
    part: Path | None = None


def facts() -> dict[str, str]:
    """Return what a worker must have in common with the caller.

    ``package`` is what this process has loaded, ``disk`` what a kernel that starts now will import.
    """
    corpus = keys.compute(keys.Source("", own=False), {}, [paths.DATA]).parts["inputs"]
    return {
        "python": platform.python_version(),
        "papermill": version("papermill"),
        "package": keys.package(),
        "disk": keys.package.__wrapped__(),
        "lock": keys.lock(),
        "corpus": corpus,
    }


def check(found: Mapping[str, str] | BaseException, expected: Mapping[str, str], who: str) -> None:
    """Refuse a worker or scheduler whose facts are not those of the caller.

    Raises
    ------
    RunError
        With its name and what differs.
    """
    if isinstance(found, BaseException):
        raise RunError(f"{who} cannot load this package ({type(found).__name__}: {found}) -> install the same source there")
    wrong = [f"{FACTS[name]} ({found[name][:12]}, here {expected[name][:12]})" for name in FACTS if found[name] != expected[name]]
    if wrong:
        raise RunError(f"{who} has {', '.join(wrong)} -> give it the same checkout and environment, and restart it")


def dask_library() -> Any:
    """Import Dask's library for clusters.

    Raises
    ------
    OptionError
        If it is not installed.
    """
    try:
        return importlib.import_module("distributed")
    except ModuleNotFoundError as error:
        raise OptionError(f"the module {error.name!r} is not installed -> install the extra 'cluster'") from None


def store_of(scratch: str, call: str) -> Path:
    """Return where a worker keeps the files that a call has delivered."""
    return Path(scratch) / f"review-{call}"


def deliver(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files under their SHA-256, on a worker.

    Raises
    ------
    RunError
        If one is not what its name says, or they cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        for sha, data in files.items():
            if sha_of(data) != sha:
                raise RunError("an input file changed while it was sent, or arrived damaged -> start again")
            write_bytes(folder / sha, data)
    except OSError as error:
        raise RunError(f"input files cannot be kept on a worker ({error}) -> make room in its local directory") from None


def sha_of(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def failed(task: Task, error: str) -> Outcome:
    """Return the outcome of a job that has failed before or after its run."""
    return Outcome(task.job.notebook.name, FAILED, 0.0, error)


def lost_words(times: int) -> str:
    """Say how often the worker of a job was lost."""
    return f"the worker was lost {'twice' if times == LOSSES else f'{times} times'}"


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder, read anew, by its path in the folder."""
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha_of(path.read_bytes()) for path in names}


def attempt(task: Task) -> Result:
    """Do a job, in the task of a worker; one at a time in a process, for the current folder and kernels are those of a process.

    Raises
    ------
    RunError
        If this worker has another environment than the caller.
    """
    global _now  # noqa: PLW0603
    worker = dask_library().get_worker()
    with _turn:
        check(facts(), task.facts, f"the worker {worker.address}")
        events, topic = dask_library().get_client(), f"review-{task.call}-{task.place}"
        if len(events.get_events(topic)) >= LOSSES:
            return Result(failed(task, lost_words(LOSSES)))
        events.log_event(topic, worker.address)
        _now = task.call
        try:
            return perform(task, Path(worker.local_directory), worker.address)
        finally:
            _now = ""


def kill(call: str) -> None:
    """Kill the kernels of this process, a worker, if they belong to the call."""
    if _now == call:
        kernel.kill_all()


def perform(task: Task, scratch: Path, worker: str) -> Result:
    """Do a job in a folder of its own, and return what it left.

    Parameters
    ----------
    task : Task
    scratch : Path
        The worker's folder, with the files that were delivered.
    worker : str
        Its address, for the record.

    Raises
    ------
    RunError
        If a file on a shared path is not the caller's.
    """
    with tempfile.TemporaryDirectory(prefix="review-run-", dir=scratch, ignore_cleanup_errors=True) as name:
        private = Path(name)
        if task.shared:
            _compare(task, worker)
            cwd, folder = task.cwd, task.folder.with_name(f"{task.folder.name}.part-{uuid.uuid4().hex}")
        else:
            _lay_out(task, private, store_of(str(scratch), task.call))
            cwd, folder = private / "here", private / "run"
        folder.mkdir()
        job, seen = _rebased(task, private, folder)
        with contextlib.chdir(cwd), _event_loop():
            outcome = runner.execute(job)
        if job.output.is_file():
            _sign(job.output, {"worker": worker, "paths": seen})
        if task.shared:
            return Result(outcome, hashes_of(folder), part=folder)
        content = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return Result(outcome, {name: sha_of(data) for name, data in content.items()}, content)


@contextlib.contextmanager
def _event_loop() -> Iterator[None]:
    """Give Jupyter an event loop and close it: each task of Dask has a context of its own, in which a new one would be left."""
    from jupyter_core.utils import ensure_event_loop

    loop = ensure_event_loop()
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _compare(task: Task, worker: str) -> None:
    for name, sha in task.files.items():
        path = Path(name)
        if not path.exists() or (sha and keys.of_file(path) != sha):
            raise RunError(f"the worker {worker} does not see {name} as it is here -> leave out --shared, or share that folder")


def _lay_out(task: Task, private: Path, store: Path) -> None:
    """Copy the files that a run reads, so that it may change them; "here" stands for the caller's current folder."""
    (private / "here").mkdir()
    for name, sha in task.files.items():
        place = private / name
        if sha:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(store / sha, place)
        else:
            place.mkdir(parents=True, exist_ok=True)


def _rebased(task: Task, private: Path, folder: Path) -> tuple[Job, dict[str, str]]:
    """Return the job with the paths of this worker, and what the caller calls those that its parameters show."""
    job = task.job
    given = {**job.parameters, **{name: str(private / place) for name, place in task.rebased.items()}}
    if OUTPUT in given:
        given[OUTPUT] = str(folder)
    seen = {str(folder): str(task.folder)}
    if not task.shared:
        seen |= {str(private / "here"): str(task.cwd), str(private / "elsewhere"): "/"}
    notebook = job.notebook if task.shared else private / "notebook" / job.notebook.name
    artefacts = tuple(folder / path.relative_to(task.folder) for path in job.artefacts)
    output = folder / job.output.relative_to(task.folder)
    return replace(job, notebook=notebook, output=output, artefacts=artefacts, parameters=given), seen


def _sign(notebook: Path, record: Mapping[str, Any]) -> None:
    """Say in an executed notebook where it ran."""
    book = json.loads(notebook.read_text("utf-8"))
    book["metadata"][RECORD] = dict(record)
    write_text(notebook, json.dumps(book, ensure_ascii=False, indent=1, sort_keys=True) + "\n")

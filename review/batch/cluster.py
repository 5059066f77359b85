"""The same runs on a Dask cluster: jobs go out, outcomes and files come back, and only the caller writes in the folder of a run.

Workers are refused unless they have the caller's Python, package, locks and corpus. Without a shared path a worker gets the
notebook and the input files as bytes, runs in a folder of its own, and answers with the bytes of what the run left. What the
run saw under another path than the caller's stands in the metadata of the executed notebook
(:data:`review.batch.cluster_worker.RECORD`).
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from review.batch import keys
from review.batch.campaign import OUTPUT
from review.batch.cluster_worker import (
    Result,
    Task,
    attempt,
    check,
    dask_library,
    deliver,
    facts,
    failed,
    hashes_of,
    kill,
    lost_words,
    sha_of,
    store_of,
)
from review.batch.pool import Interrupted
from review.batch.runner import FAILED, Job, Outcome
from review.errors import OptionError, ReviewError, RunError
from review.files import write_bytes

CONNECT = 30.0
"""Seconds in which the scheduler must answer."""

LEAST = 4
"""Jobs that are submitted even if there is no worker yet, so that a cluster which grows by need does."""

TICK = 0.05
"""Seconds between two looks at results."""


def run_each(
    jobs: Sequence[Job],
    address: str,
    started: Callable[[int], None],
    ended: Callable[[int, Outcome], None],
    *,
    inputs: Sequence[Path] = (),
    shared: bool = False,
    announce: Callable[[str], None] = print,
) -> None:
    """Run jobs on the workers of a Dask scheduler; call back in this process before one is submitted, and when it has ended.

    A job whose worker was lost is run again on another one; only one that is lost twice has failed.

    Parameters
    ----------
    jobs : sequence of Job
        As :func:`review.batch.runner.check` accepts them, each with a folder of its own.
    address : str
        Of the scheduler, for example ``tcp://127.0.0.1:8786``.
    started, ended : callable
        With the place of the job, and its outcome.
    inputs : sequence of Path
        Files and folders that every run reads, besides those that parameters name.
    shared : bool
        Whether workers see the folders of the runs, the notebook and the inputs under the same paths.
    announce : callable
        Called with a line about the cluster.

    Raises
    ------
    OptionError
        If jobs share a folder or wait for each other, an input cannot be shipped, or Dask is not installed.
    RunError
        If the scheduler cannot be reached or is lost, or a worker has another environment.
    Interrupted
        If the user stopped it; what was submitted is cancelled.
    """
    call = uuid.uuid4().hex
    tasks, store = _packed(jobs, inputs, call, shared)
    with _connected(address) as client:
        with _reached(address):
            _announce(client, address, announce)
            _check_all(client, facts())
        with _delivered(client, address, call, store):
            _Dispatch(client, address, tasks, started, ended).run()


def _packed(jobs: Sequence[Job], inputs: Sequence[Path], call: str, shared: bool) -> tuple[list[Task], dict[str, Path]]:
    """Return the tasks, and the files to ship by their SHA-256."""
    names = {job.notebook.name for job in jobs}
    if any(names & (set(job.after) - {job.notebook.name}) for job in jobs):
        raise OptionError("on a cluster a notebook cannot wait for another one -> run these notebooks on this machine")
    own, cwd = facts(), Path.cwd()
    tasks, store, folders = list[Task](), dict[str, Path](), set[Path]()
    for place, job in enumerate(jobs):
        whole = _whole(job)
        folder = Path(job.parameters.get(OUTPUT) or whole.output.parent).absolute()
        if folder in folders or not all(path.is_relative_to(folder) for path in (whole.output, *whole.artefacts)):
            raise OptionError(f"{folder} is not the folder of one run alone -> give each run its own for all that it writes")
        folders.add(folder)
        read = _read(whole)
        found = _files(whole.notebook, [*inputs, *read.values()], cwd, shared)
        files = {name: "" if path.is_dir() else keys.of_file(path) for name, path in found.items()}
        rebased = {}
        if shared:
            files |= {str(folder.parent): "", str(cwd): ""}
        else:
            _check_reach(inputs, read, cwd)
            rebased = {name: _place(path, cwd) for name, path in read.items() if path.is_absolute() or not _within(path, cwd)}
            store.update({files[name]: path for name, path in found.items() if files[name]})
        tasks.append(Task(call, place, whole, folder, cwd, files, rebased, own, shared))
    return tasks, store


def _whole(job: Job) -> Job:
    """Return a job whose paths are absolute."""
    artefacts = tuple(path.absolute() for path in job.artefacts)
    return replace(job, notebook=job.notebook.absolute(), output=job.output.absolute(), artefacts=artefacts)


def _files(notebook: Path, named: Sequence[Path], cwd: Path, shared: bool) -> dict[str, Path]:
    """Return all that a run reads by place (see :class:`Task`): files, folders, and the files in these."""
    found = {str(notebook) if shared else f"notebook/{notebook.name}": notebook}
    for path in (one.absolute() for one in named):
        below = [one for one in keys.below(path) if one.is_file() or one.is_dir()] if path.is_dir() else []
        found.update({str(one) if shared else _place(one, cwd): one for one in (path, *below)})
    return found


def _read(job: Job) -> dict[str, Path]:
    """Return the files and folders that parameters name, given or by default, as they count in the key of a run."""
    from review.batch import grid

    defaults = {name: one.default for name, one in grid.declared(job.notebook).items()}
    return keys.named({name: value for name, value in {**defaults, **job.parameters}.items() if name != OUTPUT})


def _check_reach(inputs: Sequence[Path], read: Mapping[str, Path], cwd: Path) -> None:
    named = {path.absolute() for path in read.values()}
    for path in inputs:
        if not _within(path, cwd) and path.absolute() not in named:
            message = f"the input {path} is outside of the current folder: no run would find it on a worker"
            raise OptionError(f"{message} -> name it in a parameter, or use a shared path (--shared)")


def _within(path: Path, cwd: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(cwd)


def _place(path: Path, cwd: Path) -> str:
    """Return where a file goes under the private folder: as it lies in the current folder, or as it lies on the disk."""
    whole = Path(os.path.abspath(path))
    if whole.is_relative_to(cwd):
        return (Path("here") / whole.relative_to(cwd)).as_posix()
    return (Path("elsewhere") / whole.relative_to(whole.anchor)).as_posix()


@contextlib.contextmanager
def _reached(address: str) -> Iterator[None]:
    """Say what to do where Dask says that the scheduler does not answer."""
    try:
        yield
    except (OSError, ValueError, dask_library().client.ClosedClientError) as error:
        remedy = "check that it runs, and start the same command again: runs that had ended are kept"
        raise RunError(f"the scheduler at {address} does not answer ({type(error).__name__}: {error}) -> {remedy}") from error


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    dask = dask_library()
    with _reached(address):
        client = dask.Client(address, timeout=CONNECT, set_as_default=False, name="review")
    with client:
        yield client


def _announce(client: Any, address: str, announce: Callable[[str], None]) -> None:
    services = client.scheduler_info(n_workers=0)["services"]
    link = client.dashboard_link if "dashboard" in services else "none"
    number = len(client.nthreads())
    announce(f"{number} worker{'' if number == 1 else 's'} at {address}, dashboard: {link}")


def _check_all(client: Any, expected: Mapping[str, str]) -> None:
    """Compare scheduler and workers, which all unpickle what this package sends, before anything runs."""
    try:
        scheduler = client.run_on_scheduler(facts)
    except (ImportError, AttributeError, ReviewError) as error:
        scheduler = error
    check(scheduler, expected, "the scheduler")
    for name, found in client.run(facts, on_error="return").items():
        check(found, expected, f"the worker {name}")


@contextlib.contextmanager
def _delivered(client: Any, address: str, call: str, store: Mapping[str, Path]) -> Iterator[None]:
    """Have every worker, also one that joins later, keep the files under their SHA-256 while the block runs."""

    class Store(dask_library().WorkerPlugin):  # type: ignore[misc]  # Dask is imported where it is used
        def __init__(self, files: dict[str, bytes]) -> None:
            self.files = files

        def setup(self, worker: Any) -> None:
            deliver(store_of(worker.local_directory, call), self.files)
            self.files = {}

        def teardown(self, worker: Any) -> None:
            shutil.rmtree(store_of(worker.local_directory, call), ignore_errors=True)  # Dask may have removed all before

    name = f"review-{call}"
    with _reached(address):
        client.register_plugin(Store({sha: path.read_bytes() for sha, path in store.items()}), name)
    try:
        yield
    finally:
        if client.status == "running":
            with _reached(address):
                client.unregister_worker_plugin(name)


class _Dispatch:
    """What is to be done, and what is being done."""

    def __init__(
        self,
        client: Any,
        address: str,
        tasks: Sequence[Task],
        started: Callable[[int], None],
        ended: Callable[[int, Outcome], None],
    ) -> None:
        self.client, self.address, self.tasks, self.started, self.ended = client, address, tasks, started, ended
        self.waiting = deque(range(len(tasks)))
        self.running: dict[Any, int] = {}

    def run(self) -> None:
        """Keep twice as many jobs submitted as there are threads, until all have ended."""
        results = dask_library().as_completed(loop=self.client.loop, with_results=True, raise_errors=False)
        try:
            while self.waiting or self.running:
                self._submit(results)
                self._settle(*self._next(results))
        except BaseException as error:
            self._cancel()
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted(f"{len(self.waiting) + len(self.running)} of {len(self.tasks)} runs are left") from None
            raise

    def _submit(self, results: Any) -> None:
        with _reached(self.address):
            width = max(LEAST, 2 * sum(self.client.nthreads().values()))
        while self.waiting and len(self.running) < width:
            task = self.tasks[self.waiting[0]]
            self.started(self.waiting.popleft())
            with _reached(self.address):
                future = self.client.submit(attempt, task, key=f"review-{task.call}-{task.place}", pure=False)
            self.running[future] = task.place
            results.add(future)

    def _next(self, results: Any) -> tuple[Any, Any]:
        """Wait for a result: Dask's own waiting would not end if the scheduler is lost while a result is fetched."""
        while not results.has_ready():
            if self.client.status != "running":
                raise _gone(self.address, "the connection is closed")
            time.sleep(TICK)
        future, answer = next(results)
        return future, answer

    def _settle(self, future: Any, answer: Any) -> None:
        task = self.tasks[self.running[future]]
        outcome = _outcome(task, answer, self.address)
        del self.running[future]
        future.release()
        self.ended(task.place, outcome)

    def _cancel(self) -> None:
        """Cancel what was submitted, and kill the kernels of this call, as far as the scheduler answers."""
        if self.client.status == "running":
            with contextlib.suppress(OSError):
                self.client.cancel(list(self.running))
                self.client.run(kill, self.tasks[0].call, on_error="ignore")


def _outcome(task: Task, answer: Any, address: str) -> Outcome:
    """Return what became of a job, its files in their place.

    Raises
    ------
    RunError
        If the scheduler is lost, the worker was refused, or what it wrote is not seen here.
    """
    if isinstance(answer, Result):
        return _accepted(task, answer)
    if not isinstance(answer, tuple):
        raise _gone(address, answer)
    error = answer[1]
    if isinstance(error, RunError):
        raise error
    lost = isinstance(error, dask_library().KilledWorker)
    return failed(task, lost_words(error.allowed_failures + 1) if lost else f"on the worker: {type(error).__name__}: {error}")


def _gone(address: str, reason: object) -> RunError:
    reason = str(reason).partition("\n")[0]
    remedy = "start it, and the same command again: runs that had ended are kept"
    return RunError(f"the scheduler at {address} is lost ({reason}) -> {remedy}")


def _accepted(task: Task, result: Result) -> Outcome:
    """Put the files of a run in its folder, or fail it if one is not what the worker had."""
    try:
        damaged = _placed(task, result)
    except OSError as error:  # a full disk, for example: the others go on
        return replace(result.outcome, status=FAILED, error=f"{type(error).__name__}: {error}")
    if damaged:
        return replace(result.outcome, status=FAILED, error=f"not what the worker had written: {', '.join(damaged)}")
    return result.outcome


def _inside(name: str) -> bool:
    """Tell whether a name leads into a folder, and not out of it."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _placed(task: Task, result: Result) -> list[str]:
    """Put the files of a run in its folder; return the names of those that are damaged."""
    if not task.shared:
        damaged = [name for name, sha in result.hashes.items() if sha_of(result.content[name]) != sha]
        damaged += [name for name in result.content if not _inside(name)]
        if not damaged:
            for name, data in result.content.items():
                write_bytes(task.folder / name, data)
        return damaged
    if result.part:
        if not result.part.is_dir():
            raise RunError(f"{result.part}, written on a worker, is not seen here -> leave out --shared, or share that folder")
        result.part.rename(task.folder)
    for stray in task.folder.parent.glob(f"{glob.escape(task.folder.name)}.part-*"):
        shutil.rmtree(stray, ignore_errors=True)  # of an attempt that was lost, and may still be writing
    found = hashes_of(task.folder)
    return sorted(name for name in {*found, *result.hashes} if found.get(name) != result.hashes.get(name))

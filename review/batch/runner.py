"""Execute notebooks with papermill over processes, and hold them to what they promise."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from review.errors import InputError, Problem

OK = "ok"
FAILED = "failed"
BROKEN_PROMISE = "missing artefact"
ORDINARY = "review.batch.kernel.PrivateKernelManager"
"""Class of the managers of kernels that are started from nothing."""


@dataclass(frozen=True)
class Job:
    """One notebook to run once.

    Attributes
    ----------
    notebook : Path
        The source, which is never changed.
    output : Path
        Where the executed copy goes; written even if a cell fails.
    parameters : mapping of str to object
        Values for the notebook's ``parameters`` cell.
    artefacts : tuple of Path
        Files that the run must leave behind, not empty.
    after : tuple of str
        Names of notebooks: if they are in the same batch, this one waits until they have ended, well or not.
    cell_timeout : float
        Seconds that a cell may take.
    manager : str
        Class of the kernel manager, by its full name.
    """

    notebook: Path
    output: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    artefacts: tuple[Path, ...] = ()
    after: tuple[str, ...] = ()
    cell_timeout: float = 900.0
    manager: str = ORDINARY


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    notebook, status : str
    seconds : float
    error : str
    missing : tuple of str
        Promised files that are not there, or empty.
    remark : str
        What else a reader must know.
    memory : int
        Peak memory of the kernel in bytes; 0 where it is not known.
    """

    notebook: str
    status: str
    seconds: float
    error: str = ""
    missing: tuple[str, ...] = ()
    remark: str = ""
    memory: int = 0


def declared(notebook: Path) -> dict[str, str]:
    """Return the parameters that a notebook declares, with their default as source text.

    Raises
    ------
    InputError
        If the file is not a notebook.
    """
    return {name: default for name, (_, default) in inspected(notebook).items()}


def inspected(notebook: Path) -> dict[str, tuple[str, str]]:
    """Return the parameters that a notebook declares: type (``None`` where it tells none) and default as source text.

    Raises
    ------
    InputError
        If the file is not a notebook.
    """
    import papermill

    read_notebook(notebook)
    facts = papermill.inspect_notebook(str(notebook))
    return {name: (str(fact["inferred_type_name"]), str(fact["default"])) for name, fact in facts.items()}


def promised(notebook: Path) -> tuple[str, ...]:
    """Return the artefacts that a notebook promises (metadata ``review.artefacts``), relative to its output folder.

    Raises
    ------
    InputError
        If the file is not a notebook, or the promise is not a list of relative paths.
    """
    names = read_notebook(notebook).metadata.get("review", {}).get("artefacts", [])
    usable = isinstance(names, list) and all(
        isinstance(name, str) and name and not Path(name).is_absolute() and ".." not in Path(name).parts for name in names
    )
    if not usable:
        message = "metadata review.artefacts is not a list of relative paths"
        raise InputError([Problem(str(notebook), None, "review.artefacts", message, "list the files it writes")])
    return tuple(names)


def awaited(notebook: Path) -> tuple[str, ...]:
    """Return the names of notebooks whose files a notebook reads (metadata ``review.after``).

    Raises
    ------
    InputError
        If the file is not a notebook, or ``review.after`` is not a list of names.
    """
    names = read_notebook(notebook).metadata.get("review", {}).get("after", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name == Path(name).name != "" for name in names):
        message = "metadata review.after is not a list of names of notebooks"
        raise InputError([Problem(str(notebook), None, "review.after", message, "list the notebooks whose files it reads")])
    return tuple(names)


def quick(notebook: Path) -> dict[str, Any]:
    """Return the parameters with which a notebook that runs a generator makes a small run (metadata ``review.quick``).

    Empty for every other notebook.

    Raises
    ------
    InputError
        If the file is not a notebook, or ``review.quick`` is not a mapping.
    """
    values = read_notebook(notebook).metadata.get("review", {}).get("quick", {})
    if not isinstance(values, dict):
        message = "metadata review.quick is not a mapping of parameters to values"
        raise InputError([Problem(str(notebook), None, "review.quick", message, 'write for example {"n": 4}')])
    return dict(values)


def demonstrates(notebook: Path) -> bool:
    """Tell whether a notebook runs a generator: it says how it is run small."""
    return bool(quick(notebook))


def read_notebook(notebook: Path) -> Any:
    """Return a notebook.

    Raises
    ------
    InputError
        If the file is missing or not a notebook.
    """
    import nbformat
    from jsonschema import ValidationError
    from nbformat.reader import NotJSONError

    try:
        book = nbformat.read(notebook, as_version=4)
        nbformat.validate(book)
        return book
    except FileNotFoundError:
        message, remedy = "there is no such notebook", "check the path"
    except (NotJSONError, ValidationError, ValueError, KeyError, AttributeError, TypeError) as error:
        message, remedy = f"not a notebook: {str(error).splitlines()[0][:100]}", "open it in JupyterLab and save it"
    raise InputError([Problem(str(notebook), None, None, message, remedy)])


def check(jobs: Sequence[Job]) -> None:
    """Refuse jobs whose notebook is broken or does not declare a parameter that it is given.

    papermill itself only warns of an unknown parameter, and the run then counts as a success.

    Raises
    ------
    InputError
        With all such problems.
    """
    problems: list[Problem] = []
    for job in jobs:
        try:
            known = declared(job.notebook)
        except InputError as error:
            problems.extend(error.problems)
            continue
        for name in sorted(set(job.parameters) - set(known)):
            choices = ", ".join(known) or "none"
            message = f"the notebook declares no parameter {name!r}"
            problems.append(Problem(str(job.notebook), None, name, message, f"it declares: {choices}"))
    if problems:
        raise InputError(problems)
    _check_order(jobs)


def _check_order(jobs: Sequence[Job]) -> None:
    """Refuse notebooks that wait for each other."""
    left = {job.notebook.name: set(job.after) - {job.notebook.name} for job in jobs}
    while left:
        free = [name for name, others in left.items() if not others & set(left)]
        if not free:
            names = ", ".join(sorted(left))
            message = f"these notebooks wait for each other: {names}"
            raise InputError.one(names, message, "correct the metadata review.after of one of them", "review.after")
        for name in free:
            del left[name]


def execute(job: Job) -> Outcome:
    """Run one job in this process (its kernel is a process of its own)."""
    import os

    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a debugger's remark would be printed once a kernel
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from review.batch import kernel

    for artefact in job.artefacts:
        artefact.unlink(missing_ok=True)
    job.output.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    error = ""
    kernel.PEAKS.clear()
    try:
        papermill.execute_notebook(
            str(job.notebook),
            str(job.output),
            parameters=dict(job.parameters),
            progress_bar=False,
            log_output=False,
            start_timeout=120,
            execution_timeout=job.cell_timeout,
            kernel_manager_class=job.manager,
        )
    except PapermillExecutionError as failure:
        error = f"cell {failure.exec_count}: {failure.ename}: {failure.evalue}"
    except Exception as failure:  # a kernel that died, or a file that cannot be written: the other jobs go on
        error = f"{type(failure).__name__}: {failure}"
    seconds = time.perf_counter() - start
    memory = max(kernel.PEAKS, default=0)
    if error:
        return Outcome(job.notebook.name, FAILED, seconds, error, memory=memory)
    missing = tuple(path.name for path in job.artefacts if not path.is_file() or path.stat().st_size == 0)
    return Outcome(job.notebook.name, BROKEN_PROMISE if missing else OK, seconds, "", missing, memory=memory)


def run(jobs: Sequence[Job], workers: int = 2, report: Callable[[Outcome], None] | None = None) -> list[Outcome]:
    """Run jobs over processes and return their outcomes in the order of the jobs.

    Parameters
    ----------
    jobs : sequence of Job
    workers : int
        Processes at a time.
    report : callable, optional
        Called with each outcome as it comes in.

    Raises
    ------
    InputError
        If a notebook is broken or a parameter unknown: before anything runs.
    """
    check(jobs)
    outcomes: dict[int, Outcome] = {}

    def ended(index: int, outcome: Outcome) -> None:
        outcomes[index] = outcome
        if report:
            report(outcome)

    run_each(jobs, workers, None, ended)
    return [outcomes[index] for index in range(len(jobs))]


def run_each(
    jobs: Sequence[Job],
    workers: int,
    started: Callable[[int], None] | None,
    ended: Callable[[int, Outcome], None],
) -> None:
    """Run jobs over processes; call back in this process when one starts, and when it has ended.

    A worker that is killed takes the others with it: the jobs that were in them are run once more, and only one that is lost
    again has failed.

    Parameters
    ----------
    jobs : sequence of Job
        As :func:`check` accepts them.
    workers : int
        Processes at a time.
    started, ended : callable
        With the place of the job, and its outcome.
    """
    waiting, lost = list(range(len(jobs))), set[int]()
    while waiting:
        with ProcessPoolExecutor(max_workers=max(1, min(workers, len(waiting))), mp_context=get_context("spawn")) as pool:
            running: dict[Future[Outcome], int] = {}
            broken: list[int] = []
            while (waiting and not broken) or running:
                for index in _ready(jobs, waiting, running, 0 if broken else workers):
                    waiting.remove(index)
                    if started:
                        started(index)
                    running[_start(pool, jobs[index])] = index
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    index = running.pop(future)
                    try:
                        ended(index, future.result())
                    except BrokenProcessPool:
                        broken.append(index)
        for index in broken:
            if index in lost:
                ended(index, Outcome(jobs[index].notebook.name, FAILED, 0.0, "the worker process was killed"))
        waiting = [*(index for index in broken if index not in lost), *waiting]
        lost.update(broken)


def _ready(jobs: Sequence[Job], waiting: Sequence[int], running: Mapping[Future[Outcome], int], workers: int) -> list[int]:
    """Return the jobs that can start now: as many as workers are free, none of which waits for another."""
    busy = {jobs[index].notebook.name for index in (*waiting, *running.values())}
    free = [index for index in waiting if not busy & (set(jobs[index].after) - {jobs[index].notebook.name})]
    return free[: max(0, workers - len(running))]


def _start(pool: ProcessPoolExecutor, job: Job) -> Future[Outcome]:
    """Hand a job to the pool; where a killed worker has broken it, the result says so, as for the jobs that were in it."""
    try:
        return pool.submit(execute, job)
    except BrokenProcessPool as error:
        lost: Future[Outcome] = Future()
        lost.set_exception(error)
        return lost

"""One run of a notebook with papermill, held to what the notebook promises."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from review.batch import engine
from review.batch.declarations import declared
from review.errors import InputError, Problem

OK = "ok"
FAILED = "failed"
BROKEN_PROMISE = "missing artefact"
ORDINARY = "review.batch.kernel.PrivateKernelManager"
"""Class of the managers of kernels that are started from nothing."""

CLOCK = 2.0
"""Seconds by which the time of a file may seem earlier than it is: clocks of file systems are coarse, those of FAT the most."""


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
    run_timeout : float, optional
        Seconds that the whole run may take.
    manager : str
        Class of the kernel manager, by its full name.
    """

    notebook: Path
    output: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    artefacts: tuple[Path, ...] = ()
    after: tuple[str, ...] = ()
    cell_timeout: float = 900.0
    run_timeout: float | None = None
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
        Promised files that are not there, empty, or older than the run.
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
    """Refuse notebooks that wait for each other.

    Raises
    ------
    InputError
        With their names.
    """
    left = {job.notebook.name: set(job.after) - {job.notebook.name} for job in jobs}
    while left:
        free = [name for name, others in left.items() if not others & set(left)]
        if not free:
            names = ", ".join(sorted(left))
            message = f"these notebooks wait for each other: {names}"
            raise InputError.one(names, message, "correct the metadata review.after of one of them", "review.after")
        for name in free:
            del left[name]


def execute(job: Job, watch: Callable[[int], None] | None = None) -> Outcome:
    """Run one job in this process; its kernel is a process of its own.

    Parameters
    ----------
    job : Job
    watch : callable, optional
        Called with the process number of the kernel as soon as it runs.
    """
    from review.batch import kernel

    began = time.time()
    start = time.perf_counter()
    for artefact in job.artefacts:
        artefact.unlink(missing_ok=True)
    kernel.PEAKS.clear()
    with kernel.watched(watch), kernel.limited(job.run_timeout) as expired:
        error = _executed(job)
    if expired.is_set():
        error = f"the run took longer than {job.run_timeout:g} s"
    seconds, memory = time.perf_counter() - start, max(kernel.PEAKS, default=0)
    if error:
        return Outcome(job.notebook.name, FAILED, seconds, error, memory=memory)
    set_back = time.time() < began + seconds - CLOCK  # the clock, during the run: times tell nothing then
    broken = _broken(job.artefacts, 0.0 if set_back else began)
    return Outcome(job.notebook.name, BROKEN_PROMISE if broken else OK, seconds, "", broken, memory=memory)


def _executed(job: Job) -> str:
    """Execute the notebook; return in one line what went wrong, "" if nothing did."""
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a debugger's remark would be printed once a kernel
    papermill = engine.papermill()
    from papermill.exceptions import PapermillExecutionError

    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
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
        return f"cell {failure.exec_count}: {failure.ename}: {failure.evalue}"
    except Exception as failure:  # a kernel that died, a cell that took too long, a file that cannot be written: others go on
        return f"{type(failure).__name__}: {failure}"
    return ""


def _broken(artefacts: Sequence[Path], began: float) -> tuple[str, ...]:
    """Return the promised files that are not there, empty, or older than the run, and which of these."""
    found = []
    for path in artefacts:
        if not path.is_file():
            found.append(path.name)
        elif path.stat().st_size == 0:
            found.append(f"{path.name} (empty)")
        elif path.stat().st_mtime < began - CLOCK:
            found.append(f"{path.name} (older than the run)")
    return tuple(found)

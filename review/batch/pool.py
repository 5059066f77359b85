"""Jobs over worker processes, so that whatever happens to one of them costs the others nothing.

Each worker runs one job at a time. A worker that is lost costs its job one more try. A worker whose runner is lost kills its
kernel and ends, so that nobody writes in the folder of a run when the next runner starts.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import connection, get_context, parent_process, reduction
from multiprocessing.connection import Connection
from typing import Any

from review.batch import runner
from review.batch.runner import FAILED, Job, Outcome

TICK = 0.25
"""Seconds between two looks at signals and limits."""

GRACE = 30.0
"""Seconds that a worker gets to end a run whose time is over, before it is killed itself."""

DYING = 10.0
"""Seconds that a killed process may take to be gone."""


class Interrupted(KeyboardInterrupt):
    """The user stopped the runs; those that had ended are whole."""


class Stop:
    """Counts requests to stop: Ctrl-C once finishes what runs, twice kills it; so does the end signal of the system."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, number: int, _frame: object) -> None:
        """Handle a signal."""
        self.asked = 2 if number == signal.SIGTERM else self.asked + 1
        words = "finishing what runs; again to kill it" if self.asked == 1 else "killing what runs"
        os.write(2, f"\n{words}\n".encode())

    @contextlib.contextmanager
    def handling(self) -> Iterator[None]:
        """Handle the signals in the block, where this is the main thread."""
        numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
        before = {number: signal.signal(number, self) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass
class _Worker:
    """A worker process as the runner sees it."""

    process: Any
    line: Connection
    place: int = -1
    limit: float | None = None
    kernel: int | None = field(default=None)

    def give(self, place: int, job: Job) -> None:
        self.place, self.kernel = place, None
        self.limit = None if job.run_timeout is None else time.monotonic() + job.run_timeout + GRACE
        with contextlib.suppress(OSError):  # it has died: noticed when its answer is read
            self.line.send(job)

    def answer(self) -> Outcome | None:
        """Return what became of the job, None while that is not known.

        Raises
        ------
        EOFError, OSError
            If the worker is lost.
        """
        said = self.line.recv()
        if isinstance(said, Outcome):
            return said
        self._drop()
        self.kernel = _handle(said)
        return None

    def bury(self) -> None:
        """Kill it and its kernel, and wait until both are gone."""
        self.process.kill()
        self.process.join()
        with contextlib.suppress(OSError, EOFError):  # it may have told of a kernel just before its end
            while self.line.poll():
                self.answer()
        if self.kernel is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.kernel, signal.SIGKILL)
            select.select([self.kernel], [], [], DYING)
        self.close()

    def close(self) -> None:
        self._drop()
        self.line.close()

    def _drop(self) -> None:
        if self.kernel is not None:
            os.close(self.kernel)
            self.kernel = None


def _handle(pid: int) -> int | None:
    """Return what stands for this very process even when its number is given away; None where there is no such thing."""
    try:
        return os.pidfd_open(pid) if sys.platform == "linux" else None
    except OSError:
        return None


def _work(line: Connection, lock: Any) -> None:
    """Run the jobs that come in until the other side hangs up; this is the main function of a worker.

    The lock of the folder is kept open, so that it is free only when all workers have ended.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _nothing)  # the runner decides; unlike ignored ones, handled signals are not handed down
    if lock is not None:
        lock.detach()
    threading.Thread(target=_follow, daemon=True).start()
    while True:
        try:
            job = line.recv()
        except EOFError:
            return
        line.send(runner.execute(job, line.send))


def _nothing(*_: object) -> None:
    """Handle a signal by doing nothing."""


def _follow() -> None:
    """End this process and its kernel when the runner has ended."""
    from review.batch import kernel, warm

    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    kernel.kill_all()
    for name in (kernel.FOLDER, warm.SHARED):
        if folder := os.environ.get(name):
            shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


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
    Interrupted
        If the user stopped it.
    """
    runner.check(jobs)
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
    lock: int | None = None,
) -> None:
    """Run jobs over processes; call back in this process when one starts, and when it has ended.

    A job whose worker was lost is run once more; only one that is lost again has failed.

    Parameters
    ----------
    jobs : sequence of Job
        As :func:`review.batch.runner.check` accepts them.
    workers : int
        Processes at a time.
    started, ended : callable
        With the place of the job, and its outcome.
    lock : int, optional
        A descriptor that workers keep open until they end.

    Raises
    ------
    Interrupted
        If the user stopped it; what was started has ended or was killed.
    """
    from review.batch import kernel

    crew = _Crew(jobs, workers, started, ended, lock)
    with crew.stop.handling(), kernel.place():
        try:
            crew.run()
        finally:
            crew.close()


class _Crew:
    """The workers, and what is to be done."""

    def __init__(
        self,
        jobs: Sequence[Job],
        workers: int,
        started: Callable[[int], None] | None,
        ended: Callable[[int, Outcome], None],
        lock: int | None,
    ) -> None:
        self.jobs, self.size, self.started, self.ended, self.lock = jobs, max(1, workers), started, ended, lock
        self.waiting, self.lost, self.stop = list(range(len(jobs))), set[int](), Stop()
        self.idle: list[_Worker] = []
        self.busy: list[_Worker] = []

    def run(self) -> None:
        while self.waiting or self.busy:
            if self.stop.asked > 1 or (self.stop.asked and not self.busy):
                raise Interrupted(f"{len(self.waiting) + len(self.busy)} of {len(self.jobs)} runs are left")
            if not self.stop.asked:
                for place in ready(self.jobs, self.waiting, [one.place for one in self.busy], self.size):
                    self._begin(place)
            heard = connection.wait([one.line for one in self.busy], TICK)
            for one in [one for one in self.busy if one.line in heard]:
                self._hear(one)
            for one in [one for one in self.busy if one.limit is not None and time.monotonic() > one.limit]:
                one.process.kill()  # noticed as lost in the next round
                self.lost.add(one.place)

    def _begin(self, place: int) -> None:
        self.waiting.remove(place)
        if self.started:
            self.started(place)
        worker = self.idle.pop() if self.idle else self._hire()
        self.busy.append(worker)
        worker.give(place, self.jobs[place])

    def _hire(self) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, None if self.lock is None else _Shared(self.lock)), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _hear(self, worker: _Worker) -> None:
        place = worker.place
        try:
            outcome = worker.answer()
        except (EOFError, OSError):
            self.busy.remove(worker)
            worker.bury()
            if place in self.lost:
                self.ended(place, Outcome(self.jobs[place].notebook.name, FAILED, 0.0, "the worker process was killed"))
            else:
                self.lost.add(place)
                self.waiting.insert(0, place)
            return
        if outcome is not None:
            self.busy.remove(worker)
            self.idle.append(worker)
            self.ended(place, outcome)

    def close(self) -> None:
        """End the workers: those that wait by hanging up, the others by force."""
        for one in self.idle:
            one.close()
        for one in self.busy:
            one.bury()
        for one in self.idle:
            one.process.join(DYING)
            one.process.kill()


class _Shared:
    """A descriptor on its way to a worker."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return _received, (reduction.DupFd(self.number),)


def _received(held: Any) -> Any:
    return held


def ready(jobs: Sequence[Job], waiting: Sequence[int], running: Sequence[int], workers: int) -> list[int]:
    """Return the jobs that can start now: as many as workers are free, none of which waits for another."""
    busy = {jobs[index].notebook.name for index in (*waiting, *running)}
    free = [index for index in waiting if not busy & (set(jobs[index].after) - {jobs[index].notebook.name})]
    return free[: max(0, workers - len(running))]

"""Whatever happens to a worker, a kernel or the runner: the other runs go on, and nobody is left who writes."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from queue import Empty

import nbformat
import processes
import pytest
from processes import gone

from review.batch import kernel, manifest, pool, runner
from review.batch.manifest import Manifest
from review.batch.runner import BROKEN_PROMISE, FAILED, OK, Job, Outcome
from review.errors import RunError

until = partial(processes.until, seconds=60)
HEAD = "output_dir: str = ''\nnumber: int = 0"


def book(path, *cells, artefacts=()):
    """Write a notebook with a cell of parameters and these cells."""
    found = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}})
    found.metadata["review"] = {"artefacts": list(artefacts)}
    found.cells = [nbformat.v4.new_code_cell(cell) for cell in (HEAD, *cells)]
    found.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(found, path)
    return path


def job(folder, *cells, artefacts=(), **options):
    folder.mkdir(parents=True, exist_ok=True)
    source = book(folder / "book.ipynb", *cells)
    return Job(source, folder / "out.ipynb", {"output_dir": str(folder)}, tuple(folder / name for name in artefacts), **options)


PID = "import os, pathlib; pathlib.Path(output_dir, 'pid').write_text(str(os.getpid()))"


def test_a_run_that_takes_too_long_keeps_what_it_had(tmp_path):
    outcome = runner.execute(job(tmp_path, "before = 1; print(before)", PID, "import time; time.sleep(600)", run_timeout=8))
    assert (outcome.status, outcome.error) == (FAILED, "the run took longer than 8 s")
    assert 8 <= outcome.seconds < 60
    partial = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert [cell.outputs[0].text for cell in partial.cells if "before" in cell.source] == ["1\n"]
    until(lambda: gone((tmp_path / "pid").read_text()))


def test_a_cell_that_takes_too_long_fails_its_run(tmp_path):
    outcome = runner.execute(job(tmp_path, "import time; time.sleep(600)", cell_timeout=2))
    assert outcome.status == FAILED
    assert "CellTimeoutError" in outcome.error
    assert outcome.seconds < 60


def test_a_kernel_that_hears_nothing_more_is_killed(tmp_path):
    stopped = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    outcome = runner.execute(job(tmp_path, PID, stopped, run_timeout=8))
    assert outcome.error == "the run took longer than 8 s"
    until(lambda: gone((tmp_path / "pid").read_text()))


def test_a_kernel_without_memory_fails_its_run_alone(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 ** 30, 2 ** 30)); held = bytearray(2 ** 32)"
    outcomes = pool.run([job(tmp_path / "a", limit), job(tmp_path / "b", "1")])
    assert [outcome.status for outcome in outcomes] == [FAILED, OK]
    assert "MemoryError" in outcomes[0].error


def test_a_worker_that_does_not_end_its_run_in_time_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "GRACE", 2.0)
    find = "import os, pathlib; worker = int(pathlib.Path(f'/proc/{os.getpid()}/stat').read_text().split()[3])"
    hang = f"{find}\nimport signal; os.kill(worker, signal.SIGSTOP)"
    outcomes = pool.run([job(tmp_path / "a", PID, hang, run_timeout=15), job(tmp_path / "b", "1")])
    assert outcomes[0].error == "the worker process was killed"
    assert outcomes[1].status == OK
    assert gone((tmp_path / "a" / "pid").read_text())


def test_a_file_that_is_older_than_the_run_keeps_no_promise(tmp_path):
    copy = "import os, pathlib; p = pathlib.Path(output_dir, 'a.txt'); p.write_text('x'); os.utime(p, (1, 1))"
    outcome = runner.execute(job(tmp_path, copy, "open(output_dir + '/b.txt', 'w')", artefacts=("a.txt", "b.txt", "c.txt")))
    assert outcome.status == BROKEN_PROMISE
    assert outcome.missing == ("a.txt (older than the run)", "b.txt (empty)", "c.txt")


def test_an_error_that_is_none_of_the_notebook_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    blocked = job(tmp_path, "1")
    outcome = runner.execute(Job(blocked.notebook, tmp_path / "file" / "out.ipynb"))
    assert outcome.status == FAILED
    assert "Error: " in outcome.error


SCRIPT = """
import sys
from pathlib import Path
from queue import Empty
from review.batch import pool
from review.batch.manifest import Manifest
from review.batch.runner import Job

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with Manifest(folder) as book:
        jobs = [Job(folder / "book.ipynb", folder / f"{n}.ipynb", {"output_dir": str(folder), "number": n}) for n in range(4)]
        def ended(place, outcome):
            print("ended", place, outcome.status, flush=True)
        try:
            pool.run_each(jobs, 2, lambda place: print("started", place, flush=True), ended, book.lock)
        except pool.Interrupted as stop:
            print("interrupted:", stop, flush=True)
"""

WAITS = """
import os, pathlib, time
pathlib.Path(output_dir, f"pid{number}").write_text(str(os.getpid()))
while not pathlib.Path(output_dir, "go").exists():
    time.sleep(0.05)
"""


@pytest.fixture
def begun(tmp_path):
    """Start a runner of four notebooks that wait for a file, and return it when two of them run."""
    book(tmp_path / "book.ipynb", WAITS)
    (tmp_path / "runner.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "runner.py"), str(tmp_path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, start_new_session=True, **pipes) as process:
        until(lambda: all((tmp_path / f"pid{n}").exists() and (tmp_path / f"pid{n}").read_text() for n in (0, 1)))
        yield process
        process.kill()


def kernels(folder):
    return [int((folder / f"pid{number}").read_text()) for number in (0, 1)]


def test_one_interrupt_finishes_what_runs(begun, tmp_path):
    os.killpg(begun.pid, signal.SIGINT)  # as a terminal does: the workers get it as well
    time.sleep(1)
    assert begun.poll() is None
    (tmp_path / "go").touch()
    out, err = begun.communicate(timeout=60)
    assert sorted(out.splitlines()) == [
        "ended 0 ok",
        "ended 1 ok",
        "interrupted: 2 of 4 runs are left",
        "started 0",
        "started 1",
    ]
    assert "finishing what runs; again to kill it" in err
    assert "Traceback" not in err
    assert begun.returncode == 0


@pytest.mark.parametrize("signals", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,)])
def test_two_interrupts_or_a_request_to_end_kill_what_runs(begun, tmp_path, signals):
    for number in signals:
        os.killpg(begun.pid, number)
        time.sleep(1)
    out, err = begun.communicate(timeout=60)
    assert sorted(out.splitlines()) == ["interrupted: 4 of 4 runs are left", "started 0", "started 1"]
    assert all(map(gone, kernels(tmp_path)))
    assert "Traceback" not in err


def test_nobody_holds_the_folder_once_the_kernels_of_a_killed_runner_are_gone(begun, tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "PATIENCE", 0.1)
    with pytest.raises(RunError, match="another batch is running"):
        Manifest(tmp_path)
    monkeypatch.setattr(manifest, "PATIENCE", 30.0)
    begun.kill()
    begun.wait()
    with Manifest(tmp_path):
        assert all(map(gone, kernels(tmp_path)))


def test_the_kernel_of_a_killed_worker_is_gone_before_its_job_starts_again(tmp_path):
    cell = (
        "import os, pathlib, signal, time\n"
        "mark = pathlib.Path(output_dir, 'pid')\n"
        "first = not mark.exists()\n"
        "mark.write_text(str(os.getpid()))\n"
        "worker = int(pathlib.Path(f'/proc/{os.getpid()}/stat').read_text().split()[3])\n"
        "first and os.kill(worker, signal.SIGKILL)\n"
        "first and time.sleep(600)"
    )
    one, alive = job(tmp_path, cell), []

    def started(_):
        if (tmp_path / "pid").exists():
            alive.append(not gone((tmp_path / "pid").read_text()))

    seen = {}
    pool.run_each([one], 2, started, seen.setdefault)
    assert seen[0].status == OK
    assert alive == [False]


def test_a_job_that_is_lost_twice_has_failed(tmp_path):
    cell = "import os, pathlib, signal; os.kill(int(pathlib.Path(f'/proc/{os.getpid()}/stat').read_text().split()[3]), 9)"
    outcomes = pool.run([job(tmp_path / "a", cell + "\nimport time; time.sleep(600)"), job(tmp_path / "b", "1")])
    assert [outcome.error for outcome in outcomes] == ["the worker process was killed", ""]


def test_outside_the_main_thread_signals_are_left_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def handle():
        with pool.Stop().handling():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=handle)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_process_that_is_gone_has_no_handle():
    process = subprocess.Popen(["true"])
    process.wait()
    assert pool._handle(process.pid) is None


def test_every_kernel_is_watched_and_killed_together(tmp_path):
    seen = []
    with kernel.watched(seen.append):
        outcome = runner.execute(job(tmp_path, PID))
    assert outcome == Outcome("book.ipynb", OK, outcome.seconds, memory=outcome.memory)
    assert seen == [int((tmp_path / "pid").read_text())]
    kernel.kill_all()  # none is left: nothing happens
    assert kernel._running == {}


def test_a_client_waits_for_the_kernel_and_notices_its_death(tmp_path):
    manager = kernel.PrivateKernelManager(kernel_name="python3")
    loop = asyncio.new_event_loop()

    async def work():
        await manager._async_start_kernel(cwd=str(tmp_path))
        client = manager.client()
        assert isinstance(client, kernel.PromptClient)
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        with pytest.raises(Empty):  # nothing of the start is left that could be taken for output of a cell
            await client.iopub_channel.get_msg(timeout=0.5)
        os.kill(manager.provisioner.pid, signal.SIGSTOP)
        with pytest.raises(RuntimeError, match="was not ready within 1 s"):
            await client.wait_for_ready(timeout=1)
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        manager.provisioner.process.wait(30)
        with pytest.raises(RuntimeError, match="died before it was ready"):
            await client.wait_for_ready(timeout=60)
        client.stop_channels()
        await manager._async_shutdown_kernel(now=True)

    loop.run_until_complete(asyncio.wait_for(work(), 120))
    loop.close()


def test_files_of_kernels_are_gone_after_a_batch_also_where_sockets_do_not_fit(tmp_path, monkeypatch):
    deep = tmp_path / ("long" * 20)
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setattr(tempfile, "tempdir", None)
    place = "import os, ipykernel.connect; print(os.path.dirname(ipykernel.connect.get_connection_file()))"
    (outcome,) = pool.run([job(tmp_path / "a", place)])
    assert outcome.status == OK
    executed = nbformat.read(tmp_path / "a" / "out.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text.startswith(str(deep / "review-kernels-"))
    assert [path for path in deep.iterdir() if "review" in path.name or path.suffix == ".json"] == []

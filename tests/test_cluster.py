"""A real scheduler with real worker processes on loopback: the same results as on this machine, whatever is lost on the way."""

import contextlib
import hashlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import nbformat
import processes
import pytest
from processes import gone

from review import paths
from review.batch import campaign, cluster, cluster_worker, pool, runner, warm
from review.batch.cluster_worker import Result, Task
from review.batch.pool import Interrupted
from review.batch.runner import BROKEN_PROMISE, FAILED, OK, Job, Outcome
from review.errors import OptionError, RunError

distributed = pytest.importorskip("distributed")
NOTEBOOKS = paths.ROOT / "tests" / "examples" / "notebooks"
HEAD = "output_dir: str = ''\nnumber: int = 0\ntable: str = 'data/table.csv'\nother: str = ''\nmarks: str = ''"
PATIENCE = 120
until = partial(processes.until, seconds=PATIENCE)


class Cluster:
    """A scheduler and workers, as processes of the command line."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        place = folder / "scheduler.json"
        self.scheduler = self.start("scheduler", "--port", "0", "--dashboard-address", ":0", "--scheduler-file", str(place))
        until(lambda: place.exists() and place.read_text().endswith("}"))
        self.address = json.loads(place.read_text())["address"]

    def start(self, kind, *options, **environment):
        program = [sys.executable, "-m", "distributed.cli.dask_" + kind, "--host", "127.0.0.1", *options]
        with (self.folder / f"{kind}-{len(self.processes)}.log").open("w") as log:
            process = subprocess.Popen(
                program, cwd=self.folder, env={**self.environment, **environment}, stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(process)
        return process

    def workers(self, number, name, **environment):
        options = ("--nworkers", str(number), "--nthreads", "1", "--name", name, "--no-dashboard")
        process = self.start("worker", self.address, *options, "--local-directory", str(self.folder / name), **environment)
        with self.client() as client:
            until(lambda: self.number(client, name) == number)
        return process

    def client(self):
        return distributed.Client(self.address, set_as_default=False)

    def number(self, client, name):
        return len(self.addresses(client, name))

    @staticmethod
    def addresses(client, name):
        workers = client.scheduler_info(n_workers=-1)["workers"]
        return [address for address, one in workers.items() if name in str(one["name"])]

    def stop(self):
        for process in reversed(self.processes):
            end(process)


def end(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def crew(tmp_path_factory):
    """Two worker processes, each with one thread and a nanny."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    found.workers(2, "good")
    yield found
    found.stop()


@pytest.fixture
def two(crew):
    """The two workers, when both are there: an earlier test may have killed them."""
    with crew.client() as client:
        until(lambda: crew.number(client, "good") == 2)
    return crew


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """One worker with two threads in this process, so that what it does can be measured and changed."""
    scratch = str(tmp_path_factory.mktemp("here"))
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        local_directory=scratch,
    ) as found:
        yield found


def book(path, *cells, artefacts=()):
    """Write a notebook with a cell of parameters and these cells."""
    found = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}})
    found.metadata["review"] = {"artefacts": list(artefacts)}
    found.cells = [nbformat.v4.new_code_cell(cell) for cell in (HEAD, *cells)]
    found.cells[0].metadata["tags"] = ["parameters"]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(found, path)
    return path


def jobs(notebook, root, sets, artefacts=(), **options):
    made = []
    for place, parameters in enumerate(sets):
        folder = root / str(place)
        given = {"output_dir": str(folder), **parameters}
        made.append(Job(notebook, folder / "notebook.ipynb", given, tuple(folder / name for name in artefacts), **options))
    return made


class Calls:
    """Callbacks that note what they are told, and make the folder of a run as a campaign does."""

    def __init__(self, tasks):
        self.tasks, self.started, self.ended, self.lines = tasks, [], {}, []

    def start(self, place):
        assert place not in self.started
        self.started.append(place)
        self.tasks[place].output.parent.mkdir(parents=True)

    def end(self, place, outcome):
        assert place in self.started
        assert place not in self.ended
        self.ended[place] = outcome

    def on(self, address, **options):
        cluster.run_each(self.tasks, address, self.start, self.end, announce=self.lines.append, **options)
        return [self.ended[place] for place in range(len(self.tasks))]

    def locally(self):
        pool.run_each(self.tasks, 2, self.start, self.end)
        return [self.ended[place] for place in range(len(self.tasks))]


def plain(outcome):
    return outcome.notebook, outcome.status, outcome.error, outcome.missing


def executed(path):
    """Return source and outputs of the cells, and the record of the cluster; paths as the caller knows them."""
    found = json.loads(path.read_text())
    record = found["metadata"].pop(cluster_worker.RECORD, {"paths": {}})
    text = json.dumps([(cell["source"], cell.get("outputs")) for cell in found["cells"]])
    for seen, ours in record["paths"].items():
        text = text.replace(seen, ours.rstrip("/"))
    return text, record


def files(folder, but="notebook.ipynb"):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != but}


READS = """
import os, pathlib
print(table, other, output_dir, os.getcwd())
text = "".join(open(name).read() for name in (table, other + "/deep/more.txt", "extra.txt"))
pathlib.Path(table).write_text("spoilt")
"""
WRITES = """
folder = pathlib.Path(output_dir, "tables")
folder.mkdir()
(folder / "number.csv").write_text(f"{number},{text}")
(folder / "bytes.bin").write_bytes(bytes(range(256)) * number)
number, text
"""
SEES = """
import os, pathlib
print(table, other, output_dir, os.getcwd())
pathlib.Path(output_dir, "text.txt").write_text(pathlib.Path(table).read_text() + str(number))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A current folder with a notebook that reads a table by default, a folder elsewhere, and a file that nothing names."""
    (tmp_path / "project" / "data").mkdir(parents=True)
    (tmp_path / "project" / "data" / "table.csv").write_text("a,b\n")
    (tmp_path / "project" / "extra.txt").write_text("extra")
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep" / "more.txt").write_text("more")
    (tmp_path / "elsewhere" / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


def test_shipped_runs_are_the_same_cell_by_cell(project, two):
    source = book(project / "book.ipynb", READS, WRITES)
    sets = [{"number": n, "other": str(project / "elsewhere")} for n in range(4)]
    remote = Calls(jobs(source, project / "remote", sets, ["tables/number.csv"]))
    outcomes = remote.on(two.address, inputs=[Path("extra.txt")])
    assert Path("data/table.csv").read_text() == "a,b\n"  # the copy of a worker may be spoilt, ours is not
    local = Calls(jobs(source, project / "local", sets[:1], ["tables/number.csv"]))
    assert [plain(one) for one in outcomes] == [plain(local.locally()[0])] * 4 == [("book.ipynb", OK, "", ())] * 4
    assert all(one.memory > 2**20 and one.seconds > 0 for one in outcomes)
    assert files(project / "remote" / "0") == files(project / "local" / "0")
    text, record = executed(project / "remote" / "0" / "notebook.ipynb")
    expected, _ = executed(project / "local" / "0" / "notebook.ipynb")
    assert text == expected.replace(str(project / "local"), str(project / "remote"))
    assert sorted(record) == ["paths", "worker"]
    assert sorted(record["paths"].values()) == ["/", str(project / "project"), str(project / "remote" / "0")]
    used = {executed(project / "remote" / str(n) / "notebook.ipynb")[1]["worker"] for n in range(4)}
    assert len(used) == 2
    for n in range(4):
        assert files(project / "remote" / str(n))["tables/number.csv"] == f"{n},a,b\nmoreextra".encode()
        assert files(project / "remote" / str(n))["tables/bytes.bin"] == bytes(range(256)) * n
    assert remote.lines[0].startswith(f"2 workers at {two.address}, dashboard: http://127.0.0.1:")
    assert not list(two.folder.glob("good/**/review-*"))


def test_on_a_shared_path_the_same_files_are_left(project, two):
    source = book(project / "book.ipynb", SEES, artefacts=["text.txt"])
    sets = [{"number": n, "other": str(project / "elsewhere")} for n in range(3)]
    remote = Calls(jobs(source, project / "remote", sets, ["text.txt"]))
    stray = project / "remote" / "0.part-of-a-lost-attempt"
    stray.mkdir(parents=True)
    assert [one.status for one in remote.on(two.address, shared=True)] == [OK] * 3
    local = Calls(jobs(source, project / "local", sets[:1], ["text.txt"]))
    local.locally()
    text, record = executed(project / "remote" / "0" / "notebook.ipynb")
    assert text == executed(project / "local" / "0" / "notebook.ipynb")[0].replace("/local/", "/remote/")
    assert list(record["paths"].values()) == [str(project / "remote" / "0")]
    assert sorted(path.name for path in (project / "remote").iterdir()) == ["0", "1", "2"]
    assert files(project / "remote" / "2") == {"text.txt": b"a,b\n2"}


def test_failures_are_outcomes_as_on_this_machine(project, two):
    cases = [
        (NOTEBOOKS / "raises.ipynb", None),
        (NOTEBOOKS / "breaks-its-promise.ipynb", None),
        (NOTEBOOKS / "kills-its-kernel.ipynb", None),
        (book(project / "slow.ipynb", "import time; time.sleep(600)"), 4.0),
        (book(project / "reads.ipynb", f"open({str(project / 'nowhere')!r})"), None),
    ]
    tasks = [jobs(source, project / source.stem, [{}], ["number.txt"], run_timeout=limit)[0] for source, limit in cases]
    outcomes = Calls(tasks).on(two.address)
    assert [one.status for one in outcomes] == [FAILED, BROKEN_PROMISE, FAILED, FAILED, FAILED]
    assert outcomes[0].error.endswith("ValueError: a cell that fails")
    assert outcomes[1].missing == ("number.txt",)
    assert "DeadKernelError" in outcomes[2].error
    assert outcomes[3].error == "the run took longer than 4 s"
    assert "FileNotFoundError" in outcomes[4].error
    assert "before = 1" in executed(tasks[0].output)[0]
    assert plain(outcomes[0]) == plain(runner.execute(tasks[0]))


FIRST_HANGS = """
import os, pathlib, time
attempt = len(list(pathlib.Path(marks).glob("*.pid")))
new = pathlib.Path(marks, f"{attempt}.new")
new.write_text(f"{os.getpid()} {os.getppid()}")
new.rename(pathlib.Path(marks, f"{attempt}.pid"))
pathlib.Path(output_dir, f"attempt-{attempt}.txt").write_text("x")
if attempt == 0:
    time.sleep(600)
"""


def absolute(text, folder):
    """Return a cell that writes its marks in a folder of this machine, wherever it runs."""
    return f"marks = {str(folder)!r}\n{text}"


@pytest.mark.parametrize("shared", [False, True])
def test_a_run_whose_worker_is_killed_is_done_again(project, two, shared):
    marks = project / "marks"
    marks.mkdir()
    hangs = jobs(book(project / "hangs.ipynb", absolute(FIRST_HANGS, marks)), project / "hang", [{}])
    quick = jobs(book(project / "quick.ipynb", "number"), project / "quick", [{"number": n} for n in range(2)])
    calls = Calls([*hangs, *quick])

    def kill():
        until((marks / "0.pid").exists)
        os.kill(int((marks / "0.pid").read_text().split()[1]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = calls.on(two.address, shared=shared)
    killer.join()
    assert [one.status for one in outcomes] == [OK] * 3
    assert calls.started == [0, 1, 2]
    assert list(files(project / "hang" / "0")) == ["attempt-1.txt"]
    assert [path.name for path in (project / "hang").iterdir()] == ["0"]
    until(lambda: gone((marks / "0.pid").read_text().split()[0]))


def test_a_run_that_loses_two_workers_has_failed(project, two):
    marks = project / "marks"
    marks.mkdir()
    always = FIRST_HANGS.replace(
        "if attempt == 0:\n    time.sleep(600)", "import signal; os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(600)"
    )
    kills = jobs(book(project / "kills.ipynb", absolute(always, marks)), project / "kill", [{}])
    (outcome,) = Calls(kills).on(two.address)
    assert (outcome.status, outcome.error) == (FAILED, "the worker was lost twice")
    assert sorted(path.name for path in marks.iterdir()) == ["0.pid", "1.pid"]
    assert files(project / "kill" / "0", but="") == {}


def test_a_worker_with_another_source_is_refused_by_name(project, two):
    other = project / "checkout"
    shutil.copytree(paths.ROOT / "review", other / "review", ignore=shutil.ignore_patterns("__pycache__"))
    (other / "data").symlink_to(paths.DATA)
    for lock in paths.ROOT.glob("requirements*.lock"):
        (other / lock.name).symlink_to(lock)
    (other / "review" / "theme.py").write_text((other / "review" / "theme.py").read_text() + "\n")
    process = two.workers(1, "different", PYTHONPATH=str(other))
    with two.client() as client:
        (address,) = two.addresses(client, "different")
    calls = Calls(jobs(NOTEBOOKS / "keeps-its-promise.ipynb", project / "runs", [{}]))
    try:
        with pytest.raises(RunError, match=f"the worker {address} has another source of this package .*-> give it the same"):
            calls.on(two.address)
    finally:
        end(process)
        with two.client() as client:
            until(lambda: two.number(client, "different") == 0)
    assert calls.started == []


def test_a_scheduler_that_is_not_there(project, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    calls = Calls(jobs(NOTEBOOKS / "keeps-its-promise.ipynb", project / "runs", [{}]))
    with pytest.raises(RunError, match=r"the scheduler at tcp://127.0.0.1:9 does not answer .* -> check that it runs"):
        calls.on("tcp://127.0.0.1:9")
    with pytest.raises(RunError, match=r"the scheduler at nonsense://x does not answer"):
        calls.on("nonsense://x")
    assert calls.started == []


def test_a_scheduler_that_is_lost_leaves_the_rest_to_the_next_call(project, tmp_path_factory):
    found = Cluster(tmp_path_factory.mktemp("lost"))
    try:
        found.workers(1, "only")
        marks = project / "marks"
        marks.mkdir()
        hang = book(project / "hangs.ipynb", absolute(FIRST_HANGS, marks))
        quick = book(project / "quick.ipynb", "number")
        calls = Calls([*jobs(quick, project / "quick", [{}]), *jobs(hang, project / "hang", [{}])])

        def kill():
            until((marks / "0.pid").exists)
            until(lambda: calls.ended)
            os.killpg(found.scheduler.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(RunError, match=r"the scheduler at tcp://[\d.:]+ (is lost|does not answer) \(.*\) -> "):
            calls.on(found.address)
        killer.join()
        assert [(place, one.status) for place, one in calls.ended.items()] == [(0, OK)]
    finally:
        found.stop()


def test_a_stop_cancels_what_is_left_and_ends_its_kernels(project, two):
    marks = project / "marks"
    marks.mkdir()
    hang = book(project / "hangs.ipynb", absolute(FIRST_HANGS, marks))
    quick = book(project / "quick.ipynb", "number")
    calls = Calls([*jobs(hang, project / "hang", [{}]), *jobs(quick, project / "quick", [{"number": n} for n in range(9)])])
    note = calls.end

    def end_one(place, outcome):
        note(place, outcome)
        until((marks / "0.pid").exists)
        raise KeyboardInterrupt

    calls.end = end_one
    with pytest.raises(Interrupted, match="9 of 10 runs are left"):
        calls.on(two.address)
    assert len(calls.ended) == 1
    assert 0 not in calls.ended
    assert len(calls.started) == 4
    until(lambda: gone((marks / "0.pid").read_text().split()[0]))
    with two.client() as client:
        until(lambda: not client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))


def test_a_campaign_on_a_cluster_is_skipped_when_it_is_done(project, two):
    def dispatch(tasks, start, end):
        cluster.run_each(tasks, two.address, start, end, announce=lambda line: None)

    sets = [{"number": 1}, {"number": 2}]
    arguments = (NOTEBOOKS / "keeps-its-promise.ipynb", sets, project / "runs")
    done = campaign.run(*arguments, options=campaign.Options(dispatch=dispatch))
    assert [one.status for one in done] == [OK, OK]
    assert [(one.run.folder / "number.txt").read_text() for one in done] == ["1", "2"]
    if warm.supported():
        with two.client() as client:
            assert set(client.run(warm.fallbacks).values()) == {()}  # kernels were forked from a process of the worker
    again = campaign.run(*arguments)
    assert [one.status for one in again] == [campaign.UNCHANGED] * 2


def test_two_threads_of_one_worker_take_turns(project, here):
    source = book(project / "book.ipynb", SEES)
    calls = Calls(jobs(source, project / "runs", [{"number": n, "other": str(project / "elsewhere")} for n in range(5)]))
    note, most = calls.end, []

    def count(place, outcome):
        most.append(len(here.scheduler.tasks))
        note(place, outcome)

    calls.end = count
    outcomes = calls.on(here.scheduler_address)
    assert [one.status for one in outcomes] == [OK] * 5
    assert all(one.memory > 2**20 for one in outcomes)
    assert max(most) <= 4
    assert calls.lines == [f"1 worker at {here.scheduler_address}, dashboard: {here.dashboard_link}"]
    assert Path.cwd() == project / "project"


def test_on_a_shared_path_in_this_process(project, here):
    calls = Calls(jobs(book(project / "book.ipynb", SEES), project / "runs", [{}]))
    (outcome,) = calls.on(here.scheduler_address, shared=True)
    assert outcome.status == OK
    assert files(project / "runs" / "0") == {"text.txt": b"a,b\n0"}


def test_a_worker_that_comes_later_is_refused_as_well(project, here, monkeypatch):
    calls = Calls(jobs(NOTEBOOKS / "keeps-its-promise.ipynb", project / "runs", [{}]))
    calls.start = lambda place: monkeypatch.setattr(cluster_worker, "version", lambda name: "0.0")
    with pytest.raises(RunError, match=r"the worker tcp://127.0.0.1:\d+ has another version of papermill \(0.0, here "):
        calls.on(here.scheduler_address)
    assert calls.ended == {}


def test_an_error_on_a_worker_fails_its_run_alone(project, here, monkeypatch):
    calls = Calls(jobs(book(project / "book.ipynb", "number"), project / "runs", [{}, {}]))
    perform = cluster_worker.perform

    def full(task, *rest):
        if task.place == 0:
            raise OSError(28, "No space left on device")
        return perform(task, *rest)

    monkeypatch.setattr(cluster_worker, "perform", full)
    outcomes = calls.on(here.scheduler_address)
    assert [one.status for one in outcomes] == [FAILED, OK]
    assert outcomes[0].error == "on the worker: OSError: [Errno 28] No space left on device"


def task(folder, shared=False, **more):
    job = Job(folder / "book.ipynb", folder / "run" / "notebook.ipynb", {"output_dir": str(folder / "run")})
    given = {"files": {}, "rebased": {}, "facts": {}, **more}
    return Task("call", 0, job, folder / "run", folder, shared=shared, **given)


def sha(data):
    return hashlib.sha256(data).hexdigest()


GOOD = Outcome("book.ipynb", OK, 1.5, memory=7)


def test_files_that_arrive_damaged_fail_the_run_and_are_not_kept(tmp_path):
    hashes = {"a.txt": sha(b"one"), "b.txt": sha(b"two")}
    outcome = cluster._outcome(task(tmp_path), Result(GOOD, hashes, {"a.txt": b"one", "b.txt": b"twO"}), "tcp://x")
    assert outcome == Outcome("book.ipynb", FAILED, 1.5, "not what the worker had written: b.txt", memory=7)
    assert not (tmp_path / "run").exists()
    assert cluster._outcome(task(tmp_path), Result(GOOD, hashes, {"a.txt": b"one", "b.txt": b"two"}), "tcp://x") == GOOD
    assert files(tmp_path / "run") == {"a.txt": b"one", "b.txt": b"two"}


@pytest.mark.parametrize(("name", "data"), [("a.txt", b"onE"), ("b.txt", b"one")])
def test_files_on_a_shared_path_that_are_others_fail_the_run(tmp_path, name, data):
    part = tmp_path / "run.part-1"
    part.mkdir()
    (part / name).write_bytes(data)
    outcome = cluster._outcome(task(tmp_path, shared=True), Result(GOOD, {"a.txt": sha(b"one")}, part=part), "tcp://x")
    assert outcome.status == FAILED
    assert outcome.error.startswith("not what the worker had written: a.txt")


def test_files_that_cannot_be_written_fail_the_run(tmp_path):
    (tmp_path / "run").write_text("a file where the folder should be")
    outcome = cluster._outcome(task(tmp_path), Result(GOOD, {"a": sha(b"1")}, {"a": b"1"}), "tcp://x")
    assert outcome.status == FAILED
    assert "Error" in outcome.error


def test_a_folder_that_is_shared_by_name_only_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"run.part-9, written on a worker, is not seen here -> leave out --shared"):
        cluster._outcome(task(tmp_path, shared=True), Result(GOOD, {}, part=tmp_path / "run.part-9"), "tcp://x")


def test_a_file_that_a_worker_sees_otherwise_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    for name in ("a.txt", "b.txt"):
        given = task(tmp_path, shared=True, files={str(tmp_path): "", str(tmp_path / name): sha(b"two")})
        with pytest.raises(RunError, match=rf"the worker tcp://w does not see .*{name} as it is here"):
            cluster_worker.perform(given, tmp_path, "tcp://w")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt"]


def test_dasks_own_limit_of_losses_is_told(tmp_path):
    for limit, words in ((0, "1 times"), (1, "twice"), (3, "4 times")):
        error = distributed.KilledWorker("key", None, limit)
        outcome = cluster._outcome(task(tmp_path), (type(error), error, None), "tcp://x")
        assert outcome == Outcome("book.ipynb", FAILED, 0.0, f"the worker was lost {words}")


def test_inputs_are_delivered_whole_or_refused(tmp_path):
    cluster_worker.deliver(tmp_path / "store", {sha(b"one"): b"one"})
    assert files(tmp_path / "store") == {sha(b"one"): b"one"}
    with pytest.raises(RunError, match="arrived damaged"):
        cluster_worker.deliver(tmp_path / "store", {sha(b"one"): b"onE"})
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be kept on a worker"):
        cluster_worker.deliver(tmp_path / "file" / "store", {})


def test_facts_name_what_differs():
    own = cluster_worker.facts()
    assert set(own) == set(cluster_worker.FACTS)
    cluster_worker.check(own, own, "w")
    for name, words in cluster_worker.FACTS.items():
        with pytest.raises(RunError, match=f"^w has {words} \\(other, here {own[name][:12]}\\) -> "):
            cluster_worker.check({**own, name: "other"}, own, "w")
    with pytest.raises(RunError, match=r"w cannot load this package \(ModuleNotFoundError: x\) -> install"):
        cluster_worker.check(ModuleNotFoundError("x"), own, "w")


def test_a_scheduler_without_this_package_is_refused():
    class Client:
        def run_on_scheduler(self, function):
            raise ModuleNotFoundError("no review")

    with pytest.raises(RunError, match="the scheduler cannot load this package"):
        cluster._check_all(Client(), {})


def test_a_scheduler_without_a_dashboard_is_announced():
    class Client:
        def scheduler_info(self, n_workers):
            return {"services": {}}

        def nthreads(self):
            return {}

    lines = []
    cluster._announce(Client(), "tcp://x", lines.append)
    assert lines == ["0 workers at tcp://x, dashboard: none"]


def test_only_kernels_of_the_call_are_killed(monkeypatch):
    killed = []
    monkeypatch.setattr(cluster_worker.kernel, "kill_all", lambda: killed.append(1))
    monkeypatch.setattr(cluster_worker, "_now", "mine")
    cluster_worker.kill("other")
    assert killed == []
    cluster_worker.kill("mine")
    assert killed == [1]


def test_jobs_that_cannot_go_to_a_cluster_are_refused_before_it_is_asked(project):
    source = book(project / "book.ipynb", "number")
    one, two = jobs(source, project / "runs", [{}, {}])

    def refused(*tasks, **options):
        with pytest.raises(OptionError) as caught:
            Calls(tasks).on("tcp://127.0.0.1:9", **options)
        return str(caught.value)

    same = Job(source, one.output, dict(one.parameters))
    assert "is not the folder of one run alone" in refused(one, same)
    outside = Job(source, project / "out.ipynb", dict(one.parameters))
    assert "is not the folder of one run alone" in refused(outside)
    waits = Job(book(project / "next.ipynb", "1"), two.output, dict(two.parameters), after=("book.ipynb",))
    assert "cannot wait for another" in refused(one, waits)
    far = project / "elsewhere"
    assert "is outside of the current folder" in refused(one, inputs=[far])
    named = Job(source, one.output, {**one.parameters, "other": str(far)})
    tasks, store = cluster._packed([named], [far], "call", shared=False)
    place = f"elsewhere{far}"
    assert tasks[0].rebased == {"other": place}
    assert tasks[0].files[f"{place}/empty"] == ""
    assert set(store) == {sha for sha in tasks[0].files.values() if sha}


def test_without_dask_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("no", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(OptionError, match="'distributed' is not installed -> install the extra 'cluster'"):
        cluster_worker.dask_library()

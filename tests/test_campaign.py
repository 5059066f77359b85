"""Many runs of a notebook: each in its place, skipped only if nothing changed, never done without proof."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from review import cli
from review.batch import campaign, kernel, keys, manifest, pool
from review.batch.campaign import NEW, UNCHANGED
from review.batch.manifest import FINISHED, STARTED, Event, Manifest
from review.batch.runner import BROKEN_PROMISE, FAILED, OK, Job, Outcome
from review.errors import InputError, OptionError, RunError

SOURCE = Path(__file__).parent / "examples" / "notebooks" / "keeps-its-promise.ipynb"


def sets(*numbers):
    return [{"number": number} for number in numbers]


def statuses(done):
    return [one.status for one in done]


@pytest.fixture
def quick(monkeypatch):
    """Run jobs without a kernel: each writes the number it was given, or fails for 13."""

    def run_each(jobs, workers, started, ended, lock):
        for place, job in enumerate(jobs):
            started(place)
            number = job.parameters["number"]
            job.output.write_text("{}")
            if number == 13:
                ended(place, Outcome(job.notebook.name, FAILED, 0.1, "cell 1: ValueError: no"))
                continue
            Path(job.parameters["output_dir"], "number.txt").write_text(str(number))
            ended(place, Outcome(job.notebook.name, OK, 0.1, memory=5))

    monkeypatch.setattr(pool, "run_each", run_each)
    monkeypatch.setattr(campaign.warm, "session", contextlib.nullcontext)


def test_real_kernels_run_and_an_unchanged_batch_does_nothing(tmp_path, notebook):
    folder = tmp_path / "out"
    done = campaign.run(notebook, sets(1, 2, 3), folder)
    assert statuses(done) == [OK] * 3
    assert [(one.run.folder / "number.txt").read_text() for one in done] == ["1", "2", "3"]
    executed = nbformat.read(done[0].run.folder / campaign.EXECUTED, as_version=4)
    nbformat.validate(executed)
    events = list(manifest.read(folder / manifest.NAME))
    assert [event.event for event in events].count(FINISHED) == 3
    last = events[-1]
    assert set(last.outputs) == {"notebook.ipynb", "number.txt"}
    assert last.outputs["number.txt"] == keys.of_file(folder / last.run / "number.txt")
    assert last.memory > 10_000_000 or not Path("/proc/self/status").exists()
    before = (folder / manifest.NAME).read_bytes()
    assert statuses(campaign.run(notebook, sets(3, 2, 1), folder)) == [UNCHANGED] * 3
    assert (folder / manifest.NAME).read_bytes() == before


def test_what_changed_is_run_again_and_said(tmp_path, notebook, quick):
    folder, extra = tmp_path / "out", tmp_path / "input.txt"
    extra.write_text("a")

    def again(*numbers, **options):
        done = campaign.run(notebook, sets(*numbers), folder, inputs=[extra], **options)
        return {one.run.parameters["number"]: (one.status, one.run.reasons) for one in done}

    assert again(1, 2) == {1: (OK, (NEW,)), 2: (OK, (NEW,))}
    assert again(1, 2, 3)[3] == (OK, (NEW,))
    assert again(1) == {1: (UNCHANGED, ())}
    places = {one.parameters["number"]: one.folder for one in campaign.plan(notebook, sets(1, 2, 3), folder, {})}
    (places[1] / "number.txt").write_text("edited")
    (places[2] / "number.txt").unlink()
    found = again(1, 2, 3)
    assert found == {1: (OK, ("number.txt was edited",)), 2: (OK, ("number.txt is gone",)), 3: (UNCHANGED, ())}
    assert (places[1] / "number.txt").read_text() == "1"
    extra.write_text("b")
    assert again(1) == {1: (OK, (f"an input file changed: {extra}",))}
    book = nbformat.read(notebook, as_version=4)
    book.cells[-1].source += "\n# changed"
    nbformat.write(book, notebook)
    assert again(1) == {1: (OK, ("the notebook changed",))}
    assert again(1, force=True) == {1: (OK, ("asked to",))}


def test_a_failed_run_is_tried_again(tmp_path, notebook, quick):
    folder = tmp_path / "out"
    assert statuses(campaign.run(notebook, sets(13, 1), folder)) == [FAILED, OK]
    done = campaign.run(notebook, sets(13, 1), folder)
    assert [(one.status, one.run.reasons) for one in done] == [(FAILED, (f"it ended with: {FAILED}",)), (UNCHANGED, ())]
    table = campaign.table(done)
    assert table["status"].tolist() == [FAILED, UNCHANGED]
    assert table["detail"].tolist()[0] == "cell 1: ValueError: no"
    assert list(table.columns) == ["run", "status", "seconds", "number", "why", "detail"]


def test_a_run_that_was_cut_off_starts_anew_in_an_empty_folder(tmp_path, notebook, quick):
    folder = tmp_path / "out"
    (planned,) = campaign.plan(notebook, sets(1), folder, {})
    planned.folder.mkdir(parents=True)
    (planned.folder / "half.txt").write_text("ha")
    with Manifest(folder) as book:
        book.add(Event(STARTED, planned.name, notebook.name))
    (done,) = campaign.run(notebook, sets(1), folder)
    assert (done.status, done.run.reasons) == (OK, ("it was cut off",))
    assert not (planned.folder / "half.txt").exists()


@pytest.mark.parametrize(
    ("one", "words"), [({"api_key": "x"}, "looks like a secret"), ({"output_dir": "x"}, "a folder of its own as 'output_dir'")]
)
def test_secrets_and_folders_are_no_parameters(tmp_path, notebook, one, words):
    with pytest.raises(OptionError, match=words):
        campaign.plan(notebook, [one], tmp_path, {})


def test_a_second_writer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "PATIENCE", 0.2)
    with Manifest(tmp_path), pytest.raises(RunError, match="another batch is running"):
        Manifest(tmp_path)
    with Manifest(tmp_path):
        pass


def test_a_line_cut_off_at_any_byte_loses_that_event_alone(tmp_path):
    folder = tmp_path / "whole"
    with Manifest(folder) as book:
        book.add(Event(STARTED, "a", "n", {"text": "\u00e4\n\ud800"}))
        book.add(Event(FINISHED, "a", "n", status=OK))
        book.add(Event(STARTED, "b", "n"))
    data = (folder / manifest.NAME).read_bytes()
    begin = data.rindex(b"\n", 0, -1) + 1
    for end in range(begin, len(data)):
        cut = tmp_path / f"cut{end}"
        cut.mkdir()
        (cut / manifest.NAME).write_bytes(data[:end])
        with Manifest(cut) as book:
            assert {run: event.event for run, event in book.last.items()} in ({"a": FINISHED}, {"a": FINISHED, "b": STARTED})
            assert ("b" in book.last) == (end == len(data) - 1)
            book.add(Event(STARTED, "c", "n"))
        assert [event.run for event in manifest.read(cut / manifest.NAME)][-1] == "c"


@pytest.mark.parametrize("line", ['{"format": "other/1"}', "[1]", '{"format": "synthetic-data-review/batch/1", "event": "x"}'])
def test_another_file_is_no_manifest(tmp_path, line):
    (tmp_path / manifest.NAME).write_text(line + "\n")
    with pytest.raises(InputError, match="no event"):
        list(manifest.read(tmp_path / manifest.NAME))


def test_inputs_are_hashed_with_everything_in_folders(tmp_path, notebook):
    source = keys.source(notebook)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.txt").write_text("a")
    key = keys.compute(source, {"data": str(tmp_path / "in"), "long": "x" * 5000, "nul": "a\0b"})
    assert list(key.files) == [str(tmp_path / "in" / "deep" / "a.txt")]
    other = keys.compute(source, {"data": str(tmp_path / "in"), "long": "y", "nul": "a\0b"})
    assert key.digest != other.digest
    assert key.changes(other.parts, other.files) == ("the parameters changed",)
    with pytest.raises(InputError, match="the input file is missing"):
        keys.compute(source, {}, [tmp_path / "none"])
    own = keys.compute(keys.Source("x", True), {"corpus_dir": ""})
    assert "data/bibliography.bib" in own.files
    assert own.parts["package"] == keys.package() != ""
    assert key.parts["package"] == ""


def test_jobs_of_a_killed_worker_are_run_once_more(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    book = nbformat.read(SOURCE, as_version=4)
    kill = (
        "import os, pathlib, signal\n"
        f"mark = pathlib.Path({str(marks)!r}, str(number))\n"
        "first = not mark.exists()\n"
        "mark.touch()\n"
        "worker = int(pathlib.Path(f'/proc/{os.getpid()}/stat').read_text().split()[3])\n"
        "first and number == 1 and os.kill(worker, signal.SIGKILL)\n"
    )
    book.cells.insert(-1, nbformat.v4.new_code_cell(kill))
    source = tmp_path / "kills.ipynb"
    nbformat.write(book, source)
    seen = {}
    jobs = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        jobs.append(Job(source, folder / "out.ipynb", {"number": number, "output_dir": str(folder)}, (folder / "number.txt",)))
    started = []
    pool.run_each(jobs, 2, started.append, seen.setdefault)
    assert {place: outcome.status for place, outcome in seen.items()} == {0: OK, 1: OK}
    assert started.count(0) == 2


def test_the_runner_killed_at_any_moment_loses_nothing(tmp_path, notebook):
    folder = tmp_path / "out"
    grid = tmp_path / "grid.json"
    grid.write_text(json.dumps({"product": {"number": [1, 2, 3, 4]}}))
    command = [sys.executable, "-m", "review.cli", "batch", str(notebook), "-f", str(grid), "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    path = folder / manifest.NAME
    for _ in range(600):
        if path.exists() and b'"finished"' in path.read_bytes():
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = {event.run for event in manifest.read(path) if event.event == FINISHED}
    assert finished
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr[-2000:]
    ends = [event.run for event in manifest.read(path) if event.event == FINISHED]
    assert len(ends) == len(set(ends)) == 4  # nothing lost, nothing run twice
    assert sorted((folder / run / "number.txt").read_text() for run in ends) == ["1", "2", "3", "4"]


def test_the_command_says_what_would_run_and_why(tmp_path, notebook, quick, capsys):
    folder = str(tmp_path / "out")
    command = ["batch", str(notebook), "-p", "number", "4", "--out", folder, "--format", "json"]
    assert cli.main([*command, "--status"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["status"], row["why"]) == ("to run", "new")
    assert not Path(folder).exists()
    assert cli.main(command) == 0
    assert "1 of 1 runs are good, 0 of them unchanged" in capsys.readouterr().err
    assert cli.main([*command, "--status"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["status"], row["number"]) == ("unchanged", 4)
    (place,) = (path for path in Path(folder).iterdir() if path.is_dir())
    (place / "t.csv").write_text("a\n1\n")
    assert cli.main(["batch", str(notebook), "-p", "number", "13", "--out", folder]) == 1
    assert cli.main([*command, "--jobs", "0"]) == 1
    assert cli.main([*command, "--cell-timeout", "0"]) == 1
    assert cli.main([*command, "--collect", "none.csv"]) == 1
    assert cli.main([*command, "-p", "nmuber", "1"]) == 1
    said = capsys.readouterr().err
    assert "declares no parameter 'nmuber'" in said
    assert "Traceback" not in said


def test_what_a_kernel_used_is_known_where_the_system_tells():
    assert kernel.peak_memory(None) == 0
    if Path("/proc/self/status").exists():
        assert kernel.peak_memory(os.getpid()) > 10_000_000


def test_a_broken_promise_is_no_good_run(tmp_path):
    source = SOURCE.with_name("breaks-its-promise.ipynb")
    (done,) = campaign.run(source, [{}], tmp_path / "out")
    assert (done.status, done.good, done.detail) == (BROKEN_PROMISE, False, "number.txt")


def shown(path):
    """Return sources and outputs of an executed notebook, cell by cell, without what papermill adds."""
    book = nbformat.read(path, as_version=4)
    return [
        (cell.cell_type, cell.source, cell.get("outputs"))
        for cell in book.cells
        if "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def test_warm_and_cold_kernels_leave_the_same(tmp_path, notebook):
    warm, cold = (
        campaign.run(notebook, sets(7), tmp_path / name, options=campaign.Options(cold=name == "cold"))
        for name in ("warm", "cold")
    )
    assert statuses(warm) == statuses(cold) == [OK]
    folders = [done[0].run.folder for done in (warm, cold)]
    assert shown(folders[0] / campaign.EXECUTED) == shown(folders[1] / campaign.EXECUTED)
    assert (folders[0] / "number.txt").read_bytes() == (folders[1] / "number.txt").read_bytes()

"""`review batch` and `review status` as a user meets them: going on, saying what is stale, telling how far it is."""

import errno
import io
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from review import cli, paths
from review.batch import asked, campaign, command, engine, manifest, pool, progress
from review.batch.asked import Asked
from review.batch.campaign import Done
from review.batch.manifest import STARTED, Event, Manifest
from review.batch.runner import FAILED, OK, Outcome
from review.errors import InputError, RunError


@pytest.fixture
def quick(monkeypatch):
    """Run jobs without a kernel; the list that is given ends the batch at these numbers."""
    stops = []

    def run_each(jobs, workers, started, ended, lock):
        for place, job in enumerate(jobs):
            started(place)
            number = job.parameters["number"]
            if number in stops:
                raise pool.Interrupted("1 of 2 runs are left")
            job.output.write_text("{}")
            Path(job.parameters["output_dir"], "number.txt").write_text(str(number))
            ended(place, Outcome(job.notebook.name, OK, 0.1))

    monkeypatch.setattr(pool, "run_each", run_each)
    monkeypatch.setattr(campaign.warm, "session", io.StringIO)
    return stops


def grid(tmp_path, *numbers):
    path = tmp_path / "grid.json"
    path.write_text(json.dumps({"product": {"number": list(numbers)}}))
    return str(path)


def test_an_interrupted_batch_says_how_to_go_on_and_does(tmp_path, notebook, quick, capsys):
    folder = str(tmp_path / "out")
    quick.append(2)
    assert cli.main(["batch", str(notebook), "-f", grid(tmp_path, 1, 2), "--out", folder, "--run-timeout", "60"]) == 1
    said = capsys.readouterr().err
    assert f"interrupted: 1 of 2 runs are left; go on with: review batch --resume --out {folder}" in said
    quick.clear()
    assert cli.main(["batch", "--resume", "--out", folder, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["number"]: (row["status"], row["why"]) for row in rows} == {1: ("unchanged", ""), 2: ("ok", "it was cut off")}
    assert asked.read(Path(folder)).run_timeout == 60


def test_status_tells_what_is_stale_in_every_batch(tmp_path, notebook, quick, capsys, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    assert cli.main(["status"]) == 1
    assert "there is no batch in" in capsys.readouterr().err
    assert cli.main(["batch", str(notebook), "-f", grid(tmp_path, 1, 2)]) == 0
    capsys.readouterr()
    assert cli.main(["status", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    described = tmp_path / "runs" / "batch" / "book" / "ro-crate-metadata.json"
    before = described.stat().st_mtime_ns
    assert cli.main(["batch", str(notebook), "-f", grid(tmp_path, 1, 2)]) == 0
    assert described.stat().st_mtime_ns == before  # nothing ran: it is left as it is
    capsys.readouterr()
    (edited,) = (path for path in tmp_path.glob("runs/batch/book/*/number.txt") if path.read_text() == "2")
    edited.write_text("3")
    assert cli.main(["status", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    (row,) = json.loads(out)
    assert (row["batch"], row["number"], row["why"]) == ("book", 2, "number.txt was edited")
    assert "1 of 2 runs would run" in err
    assert cli.main(["status", "--all", "--format", "json", str(tmp_path / "runs" / "batch" / "book")]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    notebook.unlink()
    assert cli.main(["status"]) == 1
    assert "there is no such notebook" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--resume"], "no notebook is named"),
        (["--resume", "--out", "{out}", "-p", "number", "1"], "--resume takes parameters from the earlier batch"),
        (["--resume", "--out", "{out}"], "there is no batch in this folder"),
        (["--out", "{out}"], "no notebook is named"),
        (["book.ipynb", "--run-timeout", "-1"], "--run-timeout is -1.0"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, words, said, capsys):
    assert cli.main(["batch", *(word.format(out=tmp_path) for word in words)]) == 1
    assert said in capsys.readouterr().err


def test_what_was_asked_for_is_kept(tmp_path):
    one = Asked(paths.NOTEBOOKS / "02-modality.ipynb", ({"seed": 1, "where": "ü"},), (tmp_path,), 5.0, None)
    one.write(tmp_path)
    assert asked.read(tmp_path) == one
    assert json.loads((tmp_path / asked.NAME).read_text("utf-8"))["notebook"] == "notebooks/02-modality.ipynb"


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "x/1"}', '{"format": "synthetic-data-review/asked/1"}'])
def test_another_file_tells_nothing(tmp_path, text):
    (tmp_path / asked.NAME).write_text(text)
    with pytest.raises(InputError, match="start the batch again with its notebook and grid"):
        asked.read(tmp_path)


def fill(number, *_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_whole_events_and_says_what_to_do(tmp_path, monkeypatch):
    with Manifest(tmp_path) as book:
        book.add(Event(STARTED, "a", "n"))
        before = (tmp_path / manifest.NAME).read_bytes()
        real, written = os.write, []

        def half(number, data):
            if written:
                fill(number)
            written.append(real(number, data[:10]))
            return written[0]

        with monkeypatch.context() as patch:
            patch.setattr(manifest.os, "write", half)
            with pytest.raises(RunError, match=r"No space left on device -> make room, then go on with review batch --resume"):
                book.add(Event(STARTED, "b", "n"))
        assert written == [10]
        assert (tmp_path / manifest.NAME).read_bytes() == before
        book.add(Event(STARTED, "c", "n"))
    assert [event.run for event in manifest.read(tmp_path / manifest.NAME)] == ["a", "c"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("OSError: token=abc123def", "OSError: token=[redacted]"),
        ("{'api_key': 'abc', 'n': 1}", "{'api_key': '[redacted]', 'n': 1}"),
        ("Authorization: Bearer eyJh.b-c", "Authorization: [redacted]"),
        ("sent Bearer eyJh.b-c= to", "sent Bearer [redacted] to"),
        ("invalid key sk-abcdefgh12345678 given", "invalid key [redacted] given"),
        ("https://me:secret1@host/x", "https://[redacted]@host/x"),
        ("PASSWORD = 'x y'", "PASSWORD = '[redacted] y'"),
        ("cell 4: ValueError: a cell that fails", "cell 4: ValueError: a cell that fails"),
        ("KeyError: 'tokens'", "KeyError: 'tokens'"),
    ],
)
def test_secrets_in_errors_are_not_kept(text, left):
    assert manifest.redacted(text) == left


def done(number, status=OK, reasons=("new",)):
    run = SimpleNamespace(name=str(number), reasons=reasons, parameters={})
    return Done(run, status)


def test_the_rest_is_estimated_from_what_was_run(monkeypatch):
    clock = iter([100.0, 104.0, 104.0, 104.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    stream = io.StringIO()
    with progress.Progress(10, stream) as bar:
        assert bar.remaining is None
        bar(done(1, "unchanged", ()))
        bar(done(2))
        bar(done(3, FAILED))
        assert bar.remaining == 4 / 2 * 7  # two runs took four seconds, seven are left
        assert bar.text() == "2 of 9 runs ended, 1 failed, 1 unchanged, about 14 s left"
    assert "2/9" in stream.getvalue()
    assert "1 failed" in stream.getvalue()


def test_where_all_is_unchanged_nothing_is_to_run():
    with progress.Progress(1, io.StringIO()) as bar:
        bar(done(1, "unchanged", ()))
        assert bar.text() == "nothing to run, 1 unchanged"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_times_are_spoken(seconds, words):
    assert progress.spoken(seconds) == words


def test_progress_is_shown_in_a_notebook(tmp_path):
    from review.batch import runner
    from review.batch.runner import Job

    source = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}})
    code = """
        from types import SimpleNamespace
        from review.batch.campaign import Done
        from review.batch.progress import Progress
        with Progress(3) as bar:
            bar(Done(SimpleNamespace(reasons=()), "unchanged"))
            bar(Done(SimpleNamespace(reasons=("new",)), "ok"))
    """
    source.cells = [nbformat.v4.new_code_cell(textwrap.dedent(code))]
    nbformat.write(source, tmp_path / "book.ipynb")
    assert runner.execute(Job(tmp_path / "book.ipynb", tmp_path / "out.ipynb")).status == OK
    (shown,) = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs
    page = shown.data["text/html"]
    assert 'value="2" max="3"' in page
    assert re.search(r"1 of 2 runs ended, 1 unchanged, about \d+ s left", page)


def test_nothing_slow_is_imported_for_a_batch():
    code = (
        "import sys; from review.batch import engine; engine.papermill(); import review.batch.kernel\n"
        "print('rfc3987_syntax' in sys.modules, 'lark' in sys.modules)\n"
        "import importlib.util; there = importlib.util.find_spec('rfc3987_syntax')\n"  # older versions of Jupyter do without
        "print(not there or __import__('rfc3987_syntax').__name__ == 'rfc3987_syntax')"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False", "True"]


def test_what_is_imported_already_stays():
    held = sys.modules.get(engine.GRAMMARS)
    sys.modules[engine.GRAMMARS] = sys
    try:
        with engine.without_grammars():
            assert sys.modules[engine.GRAMMARS] is sys
        assert sys.modules[engine.GRAMMARS] is sys
    finally:
        del sys.modules[engine.GRAMMARS]
        if held is not None:
            sys.modules[engine.GRAMMARS] = held


def test_a_batch_on_a_cluster_is_handed_over(tmp_path, notebook, quick, monkeypatch, capsys):
    from review.batch import cluster

    seen = {}

    def run_each(jobs, address, started, ended, *, inputs, shared, announce):
        seen.update(address=address, inputs=inputs, shared=shared)
        announce("the dashboard is there")
        pool.run_each(jobs, 1, started, ended, None)

    monkeypatch.setattr(cluster, "run_each", run_each)
    words = ["--scheduler", "tcp://127.0.0.1:1", "--shared", "--input", str(notebook), "--out", str(tmp_path / "out")]
    assert cli.main(["batch", str(notebook), "-p", "number", "1", *words]) == 0
    assert seen == {"address": "tcp://127.0.0.1:1", "inputs": (notebook,), "shared": True}
    assert "the dashboard is there" in capsys.readouterr().err
    assert command._dispatch(SimpleNamespace(scheduler=None), None) is None

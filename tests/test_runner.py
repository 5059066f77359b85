"""Notebooks run in their own processes, and are held to what they promise."""

import json
from pathlib import Path

import nbformat
import pytest

from review.batch import declarations, pool, runner
from review.batch.runner import BROKEN_PROMISE, FAILED, OK, Job
from review.errors import InputError

EXAMPLES = Path(__file__).parent / "examples" / "notebooks"


def job(name, folder, **parameters):
    source = EXAMPLES / f"{name}.ipynb"
    artefacts = tuple(folder / promise for promise in declarations.promised(source))
    return Job(source, folder / "executed" / source.name, {"output_dir": str(folder), **parameters}, artefacts)


def test_outcomes_come_back_in_the_order_of_the_jobs(tmp_path):
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    jobs = [
        job("keeps-its-promise", folders[0], number=7),
        job("raises", folders[1]),
        job("breaks-its-promise", folders[2]),
    ]
    seen = []
    outcomes = pool.run(jobs, 2, seen.append)
    assert [outcome.status for outcome in outcomes] == [OK, FAILED, BROKEN_PROMISE]
    assert {outcome.notebook for outcome in seen} == {path.notebook.name for path in jobs}
    assert (folders[0] / "number.txt").read_text() == "7"
    assert outcomes[1].error == "cell 4: ValueError: a cell that fails"  # the count that Jupyter shows in the executed copy
    assert outcomes[2].missing == ("number.txt",)
    partial = nbformat.read(jobs[1].output, as_version=4)
    assert any("before = 1" in cell.source and cell.execution_count for cell in partial.cells)


def test_an_empty_artefact_is_a_broken_promise(tmp_path):
    assert runner.execute(job("writes-an-empty-file", tmp_path)).status == BROKEN_PROMISE


def test_an_artefact_of_an_earlier_run_does_not_count(tmp_path):
    (tmp_path / "number.txt").write_text("old")
    assert runner.execute(job("breaks-its-promise", tmp_path)).status == BROKEN_PROMISE


def test_a_dead_kernel_fails_its_notebook_only(tmp_path):
    outcome = runner.execute(job("kills-its-kernel", tmp_path))
    assert outcome.status == FAILED
    assert "DeadKernelError" in outcome.error


def test_the_source_is_not_changed(tmp_path):
    source = EXAMPLES / "keeps-its-promise.ipynb"
    before = source.read_bytes()
    runner.execute(job("keeps-its-promise", tmp_path))
    assert source.read_bytes() == before


def test_unknown_parameters_are_refused_before_anything_runs(tmp_path):
    jobs = [job("keeps-its-promise", tmp_path), job("raises", tmp_path, nmuber=3)]
    with pytest.raises(InputError, match=r"raises.ipynb.*\[nmuber\].*declares no parameter 'nmuber'.*output_dir"):
        pool.run(jobs)
    assert not (tmp_path / "number.txt").exists()


def test_parameters_are_read_with_their_defaults():
    assert declarations.declared(EXAMPLES / "keeps-its-promise.ipynb") == {"output_dir": '""', "number": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "the file is empty"), ("{}", "not a notebook"), ("[1]", "not a notebook"), ("\x00", "NUL byte"), ("{", "not JSON")],
)
def test_a_file_that_is_no_notebook_is_refused(tmp_path, text, message):
    path = tmp_path / "broken.ipynb"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        declarations.declared(path)


def test_a_missing_notebook_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such notebook"):
        declarations.promised(tmp_path / "missing.ipynb")


def test_a_small_run_is_a_mapping_of_parameters(tmp_path):
    assert declarations.quick(EXAMPLES / "raises.ipynb") == {}
    assert not declarations.demonstrates(EXAMPLES / "raises.ipynb")
    book = json.loads((EXAMPLES / "raises.ipynb").read_text())
    path = tmp_path / "book.ipynb"
    book["metadata"]["review"]["quick"] = {"n": 2}
    path.write_text(json.dumps(book))
    assert declarations.quick(path) == {"n": 2}
    assert declarations.demonstrates(path)
    book["metadata"]["review"]["quick"] = ["n"]
    path.write_text(json.dumps(book))
    with pytest.raises(InputError, match=r"\[review.quick\].*not a mapping"):
        declarations.quick(path)


def test_promises_may_not_leave_the_output_folder():
    with pytest.raises(InputError, match="relative paths"):
        declarations.promised(EXAMPLES / "promises-outside.ipynb")


@pytest.mark.parametrize("value", [["/etc/passwd"], "number.txt", [1], [""]])
def test_promises_must_be_a_list_of_relative_paths(tmp_path, value):
    book = json.loads((EXAMPLES / "raises.ipynb").read_text())
    book["metadata"]["review"]["artefacts"] = value
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(book))
    with pytest.raises(InputError, match="relative paths"):
        declarations.promised(path)


def following(folder, name, *others):
    """Return a job like ``keeps-its-promise`` under a name of its own, which waits for other names."""
    folder.mkdir()
    source = folder / f"{name}.ipynb"
    source.write_bytes((EXAMPLES / "keeps-its-promise.ipynb").read_bytes())
    return Job(source, folder / "executed.ipynb", {"output_dir": str(folder)}, (folder / "number.txt",), others)


def test_a_notebook_waits_for_those_whose_files_it_reads(tmp_path):
    jobs = [following(tmp_path / "a", "last", "first.ipynb", "absent.ipynb", "last.ipynb"), following(tmp_path / "b", "first")]
    seen = []
    outcomes = pool.run(jobs, 2, seen.append)
    assert [outcome.status for outcome in outcomes] == [OK, OK]
    assert [outcome.notebook for outcome in seen] == ["first.ipynb", "last.ipynb"]
    assert (tmp_path / "a" / "number.txt").stat().st_mtime_ns > (tmp_path / "b" / "number.txt").stat().st_mtime_ns


def test_a_notebook_also_runs_after_one_that_failed(tmp_path):
    before = job("raises", tmp_path)
    outcomes = pool.run([following(tmp_path / "a", "last", before.notebook.name), before])
    assert [outcome.status for outcome in outcomes] == [OK, FAILED]


def test_notebooks_that_wait_for_each_other_are_refused(tmp_path):
    jobs = [following(tmp_path / "a", "one", "two.ipynb"), following(tmp_path / "b", "two", "one.ipynb")]
    with pytest.raises(InputError, match=r"one\.ipynb, two\.ipynb.*wait for each other"):
        pool.run(jobs)


@pytest.mark.parametrize("value", ["a.ipynb", [1], ["folder/a.ipynb"], [""]])
def test_what_a_notebook_waits_for_is_a_list_of_names(tmp_path, value):
    source = tmp_path / "a.ipynb"
    book = nbformat.read(EXAMPLES / "keeps-its-promise.ipynb", as_version=4)
    book.metadata["review"] = {"after": value}
    nbformat.write(book, source)
    with pytest.raises(InputError, match=r"review\.after is not a list of names"):
        declarations.awaited(source)

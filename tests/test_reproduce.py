"""The main job: outcomes, report, summary, and committed figures that change only when they must."""

import io
import json
from pathlib import Path

import pytest

from review import paths, reproduce
from review.batch import declarations
from review.batch.runner import BROKEN_PROMISE, FAILED, OK, Outcome
from review.errors import RunError, UnknownNameError

EXAMPLES = Path(__file__).parent / "examples" / "notebooks"
SOURCES = [paths.NOTEBOOKS / "06-versions.ipynb"]


def test_a_run_leaves_notebooks_tables_figures_report_and_summary(tmp_path):
    bar = io.StringIO()
    before = {path.name: path.stat().st_mtime_ns for path in paths.FIGURES.glob("*.*")}
    result = reproduce.reproduce(selection="v1", version="v1", notebooks=SOURCES, folder=tmp_path, progress=bar)
    assert result.good
    assert [outcome.status for outcome in result.outcomes] == [OK]
    assert (tmp_path / "06-versions.ipynb").is_file()
    changes = json.loads((tmp_path / "tables" / "06-changes.json").read_text("utf-8"))
    moved = {(row["dimension"], row["category"]): row["moved"] for row in changes}
    assert moved["method", "fine-tuning"] == -1
    assert moved["method", "prompting"] == 1
    assert moved["evaluation", "human"] == -7
    assert "06-versions.ipynb" in (tmp_path / "report.html").read_text("utf-8")
    summary = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert summary["selection"] == summary["version"] == "v1"
    assert summary["demonstrations"] == "full"
    assert summary["runs"] == [{"notebook": "06-versions.ipynb", "status": "ok", "missing": []}]
    assert "1/1" in bar.getvalue()
    # another selection than the default never touches the committed figures
    assert before == {path.name: path.stat().st_mtime_ns for path in paths.FIGURES.glob("*.*")}
    assert result.changed == ()


def test_a_failing_notebook_makes_the_run_bad_and_the_report_says_so(tmp_path):
    sources = [EXAMPLES / "raises.ipynb", EXAMPLES / "breaks-its-promise.ipynb"]
    result = reproduce.reproduce(notebooks=sources, folder=tmp_path)
    assert not result.good
    assert [outcome.status for outcome in result.outcomes] == [FAILED, BROKEN_PROMISE]
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "ValueError: a cell that fails" in text
    assert "number.txt" in text


def test_the_command_exits_1_when_a_notebook_fails(monkeypatch, capsys, tmp_path):
    from review import cli

    bad = reproduce.Result(tmp_path, (Outcome("a.ipynb", FAILED, 1.0, "cell 2: ValueError: x"),), (), ("plot",))
    monkeypatch.setattr(reproduce, "reproduce", lambda **_: bad)
    assert cli.main(["reproduce"]) == 1
    err = capsys.readouterr().err
    assert "failed  a.ipynb  1.0 s: cell 2: ValueError: x" in err
    assert "0 of 1 notebooks" in err
    assert "no static pictures of: plot" in err
    monkeypatch.setattr(reproduce, "reproduce", lambda **_: reproduce.Result(tmp_path, (), (), ()))
    assert cli.main(["reproduce"]) == 0


def test_failures_come_first_in_the_summary(tmp_path):
    outcomes = (Outcome("a.ipynb", OK, 1.0), Outcome("b.ipynb", BROKEN_PROMISE, 2.0, "", ("t.csv",)))
    lines = reproduce.summary_lines(reproduce.Result(tmp_path, outcomes, ("f",), ()))
    assert "b.ipynb" in lines[0]
    assert "t.csv" in lines[0]
    assert lines[2] == "1 of 2 notebooks ran and kept their promises"
    assert any("rewritten" in line and "f" in line for line in lines)


def test_nothing_to_run_is_an_error(tmp_path):
    with pytest.raises(RunError, match="no notebook"):
        reproduce.reproduce(notebooks=[], folder=tmp_path)


def test_demonstrations_can_be_left_out(tmp_path):
    demonstration = paths.NOTEBOOKS / "23-text-specialized.ipynb"
    with pytest.raises(RunError, match="no notebook"):
        reproduce.reproduce(notebooks=[demonstration], demonstrations="none", folder=tmp_path)
    result = reproduce.reproduce(notebooks=[demonstration, *SOURCES], demonstrations="none", folder=tmp_path)
    assert [outcome.notebook for outcome in result.outcomes] == ["06-versions.ipynb"]
    with pytest.raises(UnknownNameError, match=r"'small'.*full, quick, none"):
        reproduce.reproduce(notebooks=SOURCES, demonstrations="small", folder=tmp_path)


@pytest.mark.slow
def test_demonstrations_can_be_run_small_and_the_report_says_so(tmp_path):
    demonstration = paths.NOTEBOOKS / "23-text-specialized.ipynb"
    result = reproduce.reproduce(notebooks=[*SOURCES, demonstration], demonstrations="quick", folder=tmp_path)
    assert result.good
    assert [outcome.remark for outcome in result.outcomes] == ["", reproduce.SMALL]
    lines = (tmp_path / "generated" / "23-records.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == declarations.quick(demonstration)["n"] == 8
    assert (tmp_path / "report.html").read_text("utf-8").count(reproduce.SMALL) == 1
    assert json.loads((tmp_path / "summary.json").read_text("utf-8"))["demonstrations"] == "quick"
    assert sum(line.endswith(reproduce.SMALL) for line in reproduce.summary_lines(result)) == 1


def test_an_unknown_selection_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(UnknownNameError, match="v9"):
        reproduce.reproduce(selection="v9", folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def figure(folder, name, digest, content):
    (folder / "html").mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.sha256").write_text(digest)
    (folder / f"{name}.svg").write_text(content)
    (folder / f"{name}.json").write_text(content)
    (folder / "html" / f"{name}.html").write_text(content)


def test_committed_figures_are_replaced_only_when_their_hash_changes(tmp_path):
    new, kept = tmp_path / "new", tmp_path / "kept"
    figure(kept, "same", "1", "old")
    figure(kept, "other", "1", "old")
    figure(new, "same", "1", "rendered by another browser")
    figure(new, "other", "2", "new")
    figure(new, "added", "3", "new")
    assert reproduce.publish(new, kept) == ("added", "other")
    assert (kept / "same.svg").read_text() == "old"
    assert (kept / "other.svg").read_text() == "new"
    assert (kept / "other.sha256").read_text() == "2"
    assert (kept / "added.json").read_text() == "new"
    assert (kept / "html" / "same.html").read_text() == "rendered by another browser"
    assert reproduce.publish(new, kept) == ()


def test_a_picture_of_the_old_figure_goes_when_there_is_no_new_one(tmp_path):
    new, kept = tmp_path / "new", tmp_path / "kept"
    figure(kept, "plot", "1", "old")
    figure(new, "plot", "2", "new")
    (new / "plot.svg").unlink()  # as a run without a browser leaves it
    assert reproduce.publish(new, kept) == ("plot",)
    assert sorted(path.name for path in kept.glob("plot.*")) == ["plot.json", "plot.sha256"]


def test_a_deleted_committed_figure_comes_back(tmp_path):
    new, kept = tmp_path / "new", tmp_path / "kept"
    figure(kept, "same", "1", "old")
    figure(new, "same", "1", "new")
    (kept / "same.svg").unlink()
    assert reproduce.publish(new, kept) == ("same",)
    assert (kept / "same.svg").read_text() == "new"


def test_two_runs_are_equal_byte_for_byte(tmp_path):
    for name in "ab":
        reproduce.reproduce(notebooks=SOURCES, selection="v1", folder=tmp_path / name)
    for pattern in ("tables/*", "figures/*.json", "report.html", "summary.json"):
        files = sorted((tmp_path / "a").glob(pattern))
        assert files
        for path in files:
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path

"""The workbench works for another review: only the corpus folder changes."""

import json
import subprocess
import sys

import pytest

from review import corpus, paths, reproduce, sensitivity

SECOND = paths.ROOT / "examples" / "second-review"


def test_it_has_other_dimensions_and_other_shares():
    first, second = corpus.load(), corpus.load(SECOND)
    assert not set(first.codebook.dimensions) & set(second.codebook.dimensions)
    assert set(second.published["total"]) == {"54"}
    assert second.basis("default") == "listed"


def test_its_files_are_rebuilt_from_the_licensed_source(tmp_path):
    subprocess.run([sys.executable, SECOND / "build.py", tmp_path], check=True, capture_output=True)
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"bibliography.bib", "coding.csv", "published.csv", "selection.csv"} <= set(built)
    assert built == {name: (SECOND / name).read_bytes() for name in built}
    assert "MIT" in (SECOND / "source" / "LICENSE").read_text("utf-8")


def test_a_listed_review_has_one_reconstruction():
    """All 54 studies are listed, so every count is a single value."""
    table = sensitivity.compute_bounds(corpus.load(SECOND))
    assert (table["min"] == table["max"]).all()
    assert (table["chosen"] == table["min"]).all()


# the demonstrations run on it in test_notebooks.py
@pytest.mark.slow
@pytest.mark.browser
def test_every_notebook_of_numbers_runs_on_it(tmp_path):
    before = {path.name: path.stat().st_mtime_ns for path in paths.FIGURES.glob("*.*")}
    result = reproduce.reproduce(corpus_dir=str(SECOND), folder=tmp_path, demonstrations="none")
    assert result.good, reproduce.summary_lines(result)
    assert len(result.outcomes) == len(list(paths.NOTEBOOKS.glob("[016]?-*.ipynb"))) == 16
    rows = json.loads((tmp_path / "tables" / "08-reproduction.json").read_text("utf-8"))
    assert len(rows) == 32
    assert {row["status"] for row in rows} == {"independent"}
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "by construction" not in text
    assert "single reviewer" in text
    assert before == {path.name: path.stat().st_mtime_ns for path in paths.FIGURES.glob("*.*")}

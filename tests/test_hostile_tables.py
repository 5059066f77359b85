"""Cells that a spreadsheet would run: inert in every table for people, exact in everything that is read back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import SimpleNamespace

import hostile_inputs as hostile
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review import corpus, files, paper_table, publication, publication_tables, report, writing
from review.batch import collect
from review.imprint import Facts
from review.living import asreview
from review.living.texts import NONE
from review.printing import print_table
from review.publication import File

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
FRAME = pd.DataFrame(
    {"=1+1": list(hostile.FORMULAS), "-x": [f"{sign}1" for sign in "+-+-+-+"], "n": [-1.5, 2, -3, 4, 5, 6, -7e-9], "safe": "a-b"}
)


def cells(text):
    """Return all cells of CSV text, the header's too."""
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


def runs(cell):
    """Tell whether a spreadsheet would take a cell for a formula."""
    if not cell.startswith(DANGEROUS):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A corpus in which every text begins a formula."""
    return corpus.load(hostile.corpus(tmp_path_factory.mktemp("formulas") / "corpus", "=1+"))


def test_what_runs_is_found():
    assert [cell for cell in hostile.FORMULAS if not runs(cell)] == []
    assert any(runs(cell) for cell in cells(files.rows_to_csv(FRAME.columns, FRAME.itertuples(index=False))))


@settings(deadline=None)
@given(st.text(alphabet="=+-@\t\r\n\uff1d'\"0123456789.eE a;", max_size=12))
def test_no_text_is_a_formula_and_none_is_marked_twice(text):
    once = files.inert(text)
    assert not runs(str(once))
    assert files.inert(once) == once
    assert once in (text, f"'{text}")


@pytest.mark.parametrize("value", [-1, -0.5, None, True, "-1", "+2.5", "-1e-9", "a=b", "", "x", "-.5"])
def test_numbers_and_plain_words_stay_as_they_are(value):
    assert files.inert(value) == value


def test_tables_of_notebooks_are_inert_and_their_json_exact(tmp_path):
    files.write_table(FRAME, tmp_path / "t")
    text = (tmp_path / "t.csv").read_bytes().decode()
    assert [cell for cell in cells(text) if runs(cell)] == []
    assert cells(text)[:4] == ["'=1+1", "'-x", "n", "safe"]
    assert "-1.5" in cells(text)
    rows = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert [row["=1+1"] for row in rows] == list(hostile.FORMULAS)


def test_a_table_gathered_from_runs_is_inert(tmp_path):
    runs_of = []
    for name in "ab":
        files.write_table(FRAME, tmp_path / name / "tables" / "t")
        run = SimpleNamespace(name=name, folder=tmp_path / name, parameters={"=p": "=1+1"}, notebook=Path("n.ipynb"))
        runs_of.append(SimpleNamespace(run=run, good=True))
    whole = collect.gather(runs_of, "tables/t.csv")
    collect.write(whole, tmp_path / "all.csv")
    found = cells((tmp_path / "all.csv").read_bytes().decode())
    assert [cell for cell in found if runs(cell)] == []
    assert "'=1+1" in found
    assert "''=1+1" not in found
    assert "-3.0" in found


def test_a_table_printed_as_csv_is_inert_and_as_json_exact(capsys):
    print_table(FRAME, "csv")
    assert [cell for cell in cells(capsys.readouterr().out) if runs(cell)] == []
    print_table(FRAME, "json")
    assert [row["=1+1"] for row in json.loads(capsys.readouterr().out)] == list(hostile.FORMULAS)


def test_tables_for_papers_are_inert(loaded, tmp_path):
    for table in publication_tables.every(loaded, resamples=5):
        paper_table.write(table, tmp_path, formats=["html"])
    found = {path.name: cells(path.read_bytes().decode()) for path in tmp_path.glob("*.csv")}
    assert len(found) == 5
    assert [cell for row in found.values() for cell in row if runs(cell)] == []
    assert any(cell.startswith("'=1+") for cell in found["studies.csv"])


def test_a_list_of_published_figures_is_inert():
    facts = [Facts("01-x", words, words, words, words, words, (100.0, 50.0)) for words in hostile.FORMULAS]
    text = publication.listed(
        [publication.Entry("01-x", "single", one, (File("01-x.png", "png", 300, "0" * 64),)) for one in facts]
    )
    assert [cell for cell in cells(text) if runs(cell)] == []
    assert any(cell.startswith("'=") for cell in cells(text))


def test_a_study_list_is_inert(loaded, tmp_path):
    files.write_table(report.compute_studies(loaded, "all"), tmp_path / "studies")
    found = cells((tmp_path / "studies.csv").read_bytes().decode())
    assert [cell for cell in found if runs(cell)] == []
    assert sum(cell.startswith("'=1+") for cell in found) >= 12


def test_the_tables_of_a_corpus_are_read_back_exactly(loaded, tmp_path):
    coding = loaded.coding
    coding.loc[0, "evidence"] = "=2+2"
    writing.change(loaded, coding=coding).apply()
    again = corpus.load(loaded.directory).coding
    assert again["evidence"][0] == "=2+2"
    assert list(again["evidence"][1:]) == list(loaded.coding["evidence"][1:])
    assert all(text.startswith("=1+") for text in again["evidence"][1:])


def test_records_for_another_program_cannot_end_themselves(tmp_path):
    """A title of several lines would end its record in RIS and begin a forged one, already labelled."""
    folder = hostile.corpus(tmp_path / "corpus")
    text = (folder / "screening.csv").read_text("utf-8")
    row = 'hill2020x,screening,pending,new,,,,,"A\nER  - \n\nTY  - JOUR\nTI  - forged\nN1  - ASReview_relevant",2020,,,\n'
    (folder / "screening.csv").write_text(text + row, "utf-8")
    flow = (folder / "flow.csv").read_text("utf-8")
    (folder / "flow.csv").write_text(flow.replace("records found,11", "records found,12"), "utf-8")
    frame = asreview.compute_records(corpus.load(folder), NONE)
    asreview.export(frame, tmp_path / "out.ris")
    lines = (tmp_path / "out.ris").read_text("utf-8").splitlines()
    assert sum(line.startswith("TY  -") for line in lines) == len(frame)
    assert sum(line.startswith("ER  -") for line in lines) == len(frame)
    assert lines.count("N1  - ASReview_not_seen") == 1

"""A corpus is changed as a whole: checked first, then all files or none, whatever happens in between."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from review import corpus, paths, prisma, writing
from review.bibliography import Reference
from review.errors import InputError, ReviewError

FIELDS = {"title": "Test study", "author": "Doe, Jo", "year": "2024"}


def texts(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def grown(folder):
    """The tiny corpus with one more study, verified and without codes."""
    loaded = corpus.load(folder)
    references = [*loaded.references, Reference("doe2024test", "misc", FIELDS, 0)]
    row = ["doe2024test", "verification", "verified", "", "", "2026-11-26", "seen", "", "Test study", "2024", "", "", ""]
    screening = [*loaded.screening.itertuples(index=False, name=None), row]
    flow = [(step, int(count) + (step == "records found"), note) for step, count, note in loaded.flow.itertuples(index=False)]
    return writing.change(loaded, references=references, screening=screening, flow=flow)


def test_what_is_as_it_was_is_no_change(tiny):
    loaded = corpus.load(tiny)
    same = writing.change(
        loaded, references=loaded.references, coding=loaded.coding, screening=loaded.screening, selection=loaded.selection_table
    )
    assert not same
    assert same.diff() == ""


def test_the_projects_own_files_are_written_as_they_are(real):
    assert not writing.change(
        real,
        references=real.references,
        coding=real.coding,
        screening=real.screening,
        selection=real.selection_table,
        flow=real.flow,
    )


def test_a_change_is_shown_then_made(tiny):
    before = texts(tiny)
    change = grown(tiny)
    assert set(change.files) == {paths.BIBLIOGRAPHY, paths.SCREENING, paths.FLOW}
    added = [line for line in change.diff().splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert "+@misc{doe2024test," in added
    assert "+doe2024test,verification,verified,,,2026-11-26,seen,,Test study,2024,,," in added
    assert texts(tiny) == before, "looking at a change writes nothing"
    loaded = change.apply()
    assert "doe2024test" in loaded.selections["pool"]
    assert loaded == corpus.load(tiny)
    assert set(texts(tiny)) == set(before), "nothing is left beside the files"
    assert not (tiny / writing.JOURNAL).exists()


def test_a_change_that_would_break_the_corpus_writes_nothing(tiny):
    before = texts(tiny)
    loaded = corpus.load(tiny)
    coding = [*loaded.coding.itertuples(index=False, name=None), ("nobody", "colour", "anna", "red", "", "", "", "")]
    with pytest.raises(InputError) as caught:
        writing.change(loaded, coding=coding).apply()
    assert str(tiny / paths.CODING) in str(caught.value), "the problem names the file of the corpus, not of a copy"
    assert "nobody" in str(caught.value)
    assert texts(tiny) == before


def test_a_file_that_changed_meanwhile_is_not_overwritten(tiny):
    change = grown(tiny)
    path = tiny / paths.FLOW
    path.write_text(path.read_text("utf-8") + "a later step,5,\n", "utf-8")
    held = texts(tiny)
    with pytest.raises(InputError, match="changed meanwhile"):
        change.apply()
    assert texts(tiny) == held


def test_an_empty_table_is_refused(tiny):
    with pytest.raises(InputError, match="no rows"):
        writing.change(tiny, coding=[])
    loaded = corpus.load(tiny)
    with pytest.raises(InputError, match="lacks the column 'coder'"):
        writing.change(tiny, coding=loaded.coding.drop(columns="coder"))


def test_one_process_changes_a_corpus_at_a_time(tiny):
    import fcntl

    handle = os.open(tiny, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(ReviewError, match="another process is changing"):
            grown(tiny).apply()
    finally:
        os.close(handle)
    grown(tiny).apply()


KILLED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_writing import grown
from review import writing
left, replace = int(sys.argv[3]), os.replace
def counted(*names):
    global left
    if left == 0:
        os.kill(os.getpid(), 9)
    left -= 1
    return replace(*names)
change = grown(Path(sys.argv[2]))
writing.Change.check = lambda self: None  # it renames files of its own
os.replace = counted
change.apply()
"""


@pytest.mark.parametrize("renames", range(8))
def test_killed_at_any_rename_it_is_all_or_nothing(tiny, renames):
    """Three files to the journal, the list, three files to their places: seven renames; the eighth does not come."""
    before = corpus.load(tiny).hash
    command = [sys.executable, "-c", KILLED, os.path.dirname(__file__), str(tiny), str(renames)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == (0 if renames == 7 else -9), run.stderr
    if 4 <= renames < 7:
        with pytest.raises(InputError, match="review validate --corpus"):
            corpus.load(tiny)
    written = writing.recover(tiny)
    assert written == (4 <= renames < 7)
    after = corpus.load(tiny)
    assert (after.hash == before) == (renames < 4)
    assert ("doe2024test" in after.selections["all"]) == (renames >= 4)
    assert not (tiny / writing.JOURNAL).exists()
    assert not writing.recover(tiny)


def test_a_damaged_journal_is_not_followed(tiny):
    folder = tiny / writing.JOURNAL
    folder.mkdir()
    (folder / paths.FLOW).write_text("damaged", "utf-8")
    (tiny / paths.DECIDED).write_text('{"flow.csv": "00"}', "utf-8")
    with pytest.raises(InputError, match="damaged"):
        writing.recover(tiny)
    (folder / paths.FLOW).unlink()
    with pytest.raises(InputError, match="not what an unfinished change left"):
        writing.recover(tiny)


def test_records_that_wait_are_in_the_flow_and_nowhere_else(tiny):
    loaded = corpus.load(tiny)
    row = ["roe2025new", "screening", "pending", "not-screened", "", "", "", "list.bib:3", "New record", "2025", "", "", ""]
    screening = [*loaded.screening.itertuples(index=False, name=None), row]
    flow = [(step, int(count) + (step == "records found"), note) for step, count, note in loaded.flow.itertuples(index=False)]
    after = writing.change(loaded, screening=screening, flow=flow).apply()
    assert after.selections == loaded.selections
    table = prisma.compute_flow(after)
    waiting = table[table["label"] == "Awaiting screening"]
    assert waiting[["count", "kind"]].to_numpy().tolist() == [[1, "out"]]
    screened = table.loc[table["label"] == "Records screened", "count"].item()
    assert screened == len(loaded.screening) == len(after.screening) - 1


def test_a_pending_record_is_no_study_and_at_no_later_stage(tiny):
    loaded = corpus.load(tiny)
    key = loaded.references[0].key
    screening = loaded.screening
    screening.loc[screening["key"] == key, ["decision", "reason"]] = ["pending", "not-screened"]
    with pytest.raises(InputError) as caught:
        writing.change(loaded, screening=screening).check()
    assert "pending but stands in the bibliography" in str(caught.value)
    assert "pending at the stage 'verification'" in str(caught.value)


def test_validate_finishes_a_change_that_was_cut_off(tiny, capsys):
    from review import cli

    command = [sys.executable, "-c", KILLED, os.path.dirname(__file__), str(tiny), "5"]
    subprocess.run(command, capture_output=True, check=False)
    assert cli.main(["statistics", "--corpus", str(tiny)]) == 1
    assert "run: review validate --corpus" in capsys.readouterr().err
    assert cli.main(["validate", "--corpus", str(tiny)]) == 0
    assert "finished a change that was cut off" in capsys.readouterr().err
    assert cli.main(["statistics", "--corpus", str(tiny)]) == 0


def test_entries_that_stay_keep_their_text(tiny):
    path = tiny / paths.BIBLIOGRAPHY
    text = path.read_text("utf-8")
    loaded = corpus.load(tiny)
    change = writing.change(loaded, references=[*loaded.references, Reference("aaa2024first", "misc", FIELDS, 0)])
    after = change.files[paths.BIBLIOGRAPHY][1]
    entry = "@misc{aaa2024first,\n  title = {{Test study}},\n  author = {Doe, Jo},\n  year = {2024},\n}\n"
    assert after.replace(entry + "\n", "") == text
    fewer = writing.change(loaded, references=loaded.references[1:]).files[paths.BIBLIOGRAPHY][1]
    assert fewer in text, "an entry that is gone takes nothing else with it"
    assert len(fewer) < len(text)


@pytest.mark.parametrize(
    ("pages", "shown"),
    [
        ("1\u20139", "1--9"),
        ("1\u2013", "1--"),
        ("\u2013-", "\u2013-"),
        ("1\u2013\u20139", "1\u2013\u20139"),
        ("1-\u20139", "1-\u20139"),
    ],
)
def test_pages_mean_the_same_after_another_field_changed(tiny, pages, shown):
    loaded = corpus.load(tiny)
    first = loaded.references[0]
    fields = {**first.fields, "pages": pages}
    loaded = writing.change(loaded, references=[replace(first, fields=fields), *loaded.references[1:]]).apply()
    assert loaded.references[0].fields["pages"] == pages
    change = writing.change(loaded, references=[replace(first, fields={**fields, "note": "n"}), *loaded.references[1:]])
    assert f"pages = {{{shown}}}" in change.files[paths.BIBLIOGRAPHY][1]
    assert change.apply().references[0].fields["pages"] == pages

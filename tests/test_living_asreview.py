"""Records go to ASReview and come back as decisions; nothing that was decided or coded is lost on the way."""

import csv
import io

import pytest

from review import cli, corpus, writing
from review.errors import InputError, OptionError
from review.living import asreview, labels, texts

ABSTRACTS = """key,title,authors,doi,abstract
ada2026test,,,,An abstract for Ada
,Pain after Surgery,Ann Adams,10.1000/PAIN_2018,About pain
"""


@pytest.fixture
def waiting(tiny):
    """The tiny corpus with two records that wait."""
    loaded = corpus.load(tiny)
    rows = [list(row) for row in loaded.screening.itertuples(index=False, name=None)]
    for key, title, year, doi in (
        ("ada2026test", "Test record ada", "2026", "10.5555/ada"),
        ("ben2026test", "Test record, ben", "", ""),
    ):
        rows.append([key, "screening", "pending", "not-screened", "", "", "", "test:1", title, year, doi, "", ""])
    flow = [
        [step, str(int(count) + 2 * (step == "records found")), note] for step, count, note in loaded.flow.itertuples(index=False)
    ]
    writing.change(loaded, screening=rows, flow=flow).apply()
    return tiny


def table(path):
    return {row["key"]: row for row in csv.DictReader(io.StringIO(path.read_text("utf-8")))}


def test_decisions_become_labels(waiting, tmp_path, capsys):
    out = tmp_path / "records.csv"
    assert cli.main(["asreview", "export", "--corpus", str(waiting), "--out", str(out)]) == 0
    rows = table(out)
    assert list(next(iter(rows.values()))) == ["key", "title", "abstract", "authors", "year", "doi", "url", "included"]
    assert {key: row["included"] for key, row in rows.items()} == {
        **dict.fromkeys(
            ("adams2018pain", "brown2019sleep", "chen2020mood", "diaz2020work", "evans2021home", "fox2022clinic"), "1"
        ),
        **dict.fromkeys(("gray2017paper", "hall2016note"), "0"),
        **dict.fromkeys(("ada2026test", "ben2026test"), ""),
    }
    assert rows["adams2018pain"]["authors"] == "Adams, Ann; Ode, Bo; Ito, Chie"
    assert rows["chen2020mood"]["url"] == "https://arxiv.org/abs/2001.00001"
    assert rows["diaz2020work"]["url"] == "https://pubmed.ncbi.nlm.nih.gov/123"
    said = capsys.readouterr().err
    assert "10 records: 6 included, 2 excluded, 2 to screen" in said
    assert "10 records have no abstract" in said


def test_abstracts_come_from_a_file(waiting, tmp_path, capsys):
    (tmp_path / "texts.csv").write_text(ABSTRACTS + ",Nobody knows this,,,x\n", "utf-8")
    out = tmp_path / "records.csv"
    command = ["asreview", "export", "--corpus", str(waiting), "--out", str(out), "--texts", str(tmp_path / "texts.csv")]
    assert cli.main([*command, "--only", "pending"]) == 0
    assert {key: row["abstract"] for key, row in table(out).items()} == {"ada2026test": "An abstract for Ada", "ben2026test": ""}
    assert "1 rows of texts.csv belong to no study or record" in capsys.readouterr().err
    assert cli.main(command) == 0
    assert table(out)["adams2018pain"]["abstract"] == "About pain", "found by its DOI"


def test_a_ris_file_says_the_same(waiting, tmp_path):
    import rispy

    out = tmp_path / "records.ris"
    assert cli.main(["asreview", "export", "--corpus", str(waiting), "--out", str(out)]) == 0
    found = {one["id"]: one["notes"] for one in rispy.loads(out.read_text("utf-8"))}
    assert found["adams2018pain"] == ["ASReview_relevant"]
    assert found["hall2016note"] == ["ASReview_irrelevant"]
    assert found["ada2026test"] == ["ASReview_not_seen"]
    assert out.read_text("utf-8").startswith("TY  - JOUR\n"), "no numbers between records"


def labelled(path, rows):
    """Write an export of ASReview: the columns that went out, then its own."""
    head = ["", "key", "title", "abstract", "authors", "year", "doi", "url", "included", "asreview_label", "asreview_time"]
    lines = [
        [str(n), key, title, "", authors, year, doi, "", before, label, "2026-01-01"]
        for n, (key, title, authors, year, doi, before, label) in enumerate(rows)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *lines])
    return path


ADA = ("ada2026test", "Test record ada", "Test, Ada;Doe, Jo", "2026.0", "10.5555/ada", "", "1.0")
BEN = ("ben2026test", "Test record, ben", "", "", "", "", "0.0")


def test_labels_decide_about_records_that_wait(waiting, tmp_path, capsys):
    path = labelled(tmp_path / "export.csv", [ADA, BEN])
    before = corpus.load(waiting)
    assert cli.main(["asreview", "import", str(path), "--corpus", str(waiting)]) == 0
    said = capsys.readouterr()
    assert [line.split()[:3] for line in said.out.splitlines()[1:]] == [
        ["ada2026test", "relevant", "included"],
        ["ben2026test", "irrelevant", "excluded"],
    ]
    assert "nothing is written without --apply" in said.err
    assert corpus.load(waiting) == before
    assert cli.main(["asreview", "import", str(path), "--corpus", str(waiting), "--apply"]) == 0
    after = corpus.load(waiting)
    rows = after.screening.set_index("key")
    assert rows.loc["ada2026test", ["stage", "decision", "reason"]].tolist() == ["verification", "unverified", "not-verified"]
    assert rows.loc["ben2026test", ["stage", "decision", "reason"]].tolist() == ["screening", "excluded", "excluded-by-screener"]
    entry = next(one for one in after.references if one.key == "ada2026test")
    assert dict(entry.fields) == {
        "title": "Test record ada",
        "author": "Test, Ada and Doe, Jo",
        "year": "2026",
        "doi": "10.5555/ada",
    }
    assert len(after.references) == len(before.references) + 1
    assert after.coding.equals(before.coding)
    assert cli.main(["asreview", "import", str(path), "--corpus", str(waiting), "--apply"]) == 0
    assert "nothing would change" in capsys.readouterr().err


def test_a_label_against_a_decision_is_shown_and_nothing_else(waiting, tmp_path, capsys):
    rows = [
        ("gray2017paper", "A Paper", "", "2017", "", "0", "1"),
        ("adams2018pain", "Pain after Surgery", "", "2018", "", "1", "0"),
        ("hall2016note", "A Note", "", "2016", "", "0", "0"),
    ]
    path = labelled(tmp_path / "export.csv", rows)
    before = corpus.load(waiting).hash
    assert cli.main(["asreview", "import", str(path), "--corpus", str(waiting), "--apply"]) == 0
    said = capsys.readouterr()
    assert said.out.count("conflict") == 2
    assert "it has 8 codes, which would be lost" in said.out
    assert "changes nothing without --overwrite" in said.err
    assert corpus.load(waiting).hash == before


def test_overwriting_takes_what_can_be_taken(waiting, tmp_path, capsys):
    loaded = corpus.load(waiting)
    rows = [
        ("gray2017paper", "A Paper", "", "2017", "", "0", "1"),
        ("adams2018pain", "Pain after Surgery", "", "2018", "", "1", "0"),
        ("fox2022clinic", "A Clinic", "", "", "", "1", "0"),
    ]
    path = labelled(tmp_path / "export.csv", rows)
    assert (
        cli.main(["asreview", "import", str(path), "--corpus", str(waiting), "--overwrite", "--apply", "--format", "json"]) == 0
    )
    after = corpus.load(waiting)
    row = after.screening.set_index("key").loc["gray2017paper"]
    assert (row["decision"], row["note"]) == ("unverified", "an opinion | was excluded: not-a-study | ASReview: relevant")
    assert "gray2017paper" in after.selections["all"]
    assert after.coding.equals(loaded.coding), "a study with codes stays"
    assert {"adams2018pain", "fox2022clinic"} <= set(after.selections["all"])


def test_a_study_in_a_selection_without_codes_stays(waiting):
    loaded = corpus.load(waiting)
    kept = loaded.coding[loaded.coding["key"] != "fox2022clinic"]
    loaded = writing.change(loaded, coding=kept).apply()
    one = labels.Labelled(labels_record("A Clinic"), "irrelevant", "fox2022clinic", "")
    found = asreview.plan(loaded, [one], overwrite=True)
    assert found.rows == (("fox2022clinic", "irrelevant", "conflict", "unverified: not-found; it is in a selection"),)
    assert not found.change


def test_a_study_without_codes_can_be_excluded(waiting):
    loaded = corpus.load(waiting)
    kept = loaded.coding[loaded.coding["key"] != "fox2022clinic"]
    listed = loaded.selection_table[loaded.selection_table["key"] != "fox2022clinic"]
    loaded = writing.change(loaded, coding=kept, selection=listed).apply()
    one = labels.Labelled(labels_record("A Clinic"), "irrelevant", "fox2022clinic", "")
    after = asreview.plan(loaded, [one], overwrite=True, reason="not-a-study").change.apply()
    assert "fox2022clinic" not in after.selections["all"]
    assert after.screening.set_index("key").loc["fox2022clinic", "reason"] == "not-a-study"


def labels_record(title):
    from review.importing.records import normalise

    return normalise(title=title, file="x.csv", line=2)


def test_a_key_counts_only_with_its_title(waiting, tmp_path):
    rows = [
        ("ada2026test", "Something else altogether", "", "2020", "", "", "1"),
        ("wrong", "Test record ada", "", "2026", "10.5555/ada", "", "0"),
    ]
    found = labels.read(labelled(tmp_path / "export.csv", rows), corpus.load(waiting))
    assert [(one.key, one.label) for one in found] == [("", "relevant"), ("ada2026test", "irrelevant")]
    rows = asreview.plan(corpus.load(waiting), found).rows
    assert rows[0] == ("export.csv:2", "relevant", "not found", "not in this corpus")


def test_two_labels_for_one_record_are_refused(waiting, tmp_path):
    path = labelled(tmp_path / "export.csv", [ADA, (*ADA[:-1], "0.0")])
    with pytest.raises(InputError, match="it is irrelevant here and relevant in line 2 -> keep one"):
        labels.read(path, corpus.load(waiting))


def test_ris_of_any_version_is_read_by_its_note(waiting, tmp_path):
    path = tmp_path / "export.ris"
    notes = ("<p>ASReview_relevant</p>", "ASReview_irrelevant")
    for name, title, note in zip(("ada2026test", "ben2026test"), ("Test record ada", "Test record, ben"), notes, strict=True):
        with path.open("a", encoding="utf-8") as file:
            file.write(f'1.\nTY  - JOUR\nN1  - {note}\nN1  - asreview_time: "2026"\nID  - {name}\nTI  - {title}\nER  - \n\n')
    found = labels.read(path, corpus.load(waiting))
    assert [(one.key, one.label) for one in found] == [("ada2026test", "relevant"), ("ben2026test", "irrelevant")]


@pytest.mark.parametrize(
    ("notes", "label"),
    [
        (("relevant", "not_seen"), "relevant"),
        (("not_seen", "irrelevant"), "irrelevant"),
        (("relevant", "relevant"), "relevant"),
        (("not_seen",), ""),
    ],
)
def test_a_note_without_a_label_takes_no_label_away(waiting, tmp_path, notes, label):
    path = tmp_path / "export.ris"
    lines = "".join(f"N1  - ASReview_{note}\n" for note in notes)
    path.write_text(f"TY  - JOUR\n{lines}ID  - ada2026test\nTI  - Test record ada\nER  - \n", encoding="utf-8")
    assert [(one.key, one.label) for one in labels.read(path, corpus.load(waiting))] == [("ada2026test", label)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_version_1_writes_to_included_and_lines_may_break_in_quotes(waiting, tmp_path, delimiter):
    path = tmp_path / "export.csv"
    rows = [
        ["record_id", "title", "abstract", "included"],
        ["0", "Test record ada", "two\nlines", "1"],
        ["1", "Test record, ben", "", ""],
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    found = labels.read(path, corpus.load(waiting))
    assert [(one.record.title, one.label) for one in found] == [("Test record ada", "relevant"), ("Test record, ben", "")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title,included\nA Paper,maybe\n", "'maybe' is no label -> write 1, 0 or nothing"),
        ("title,doi\nA Paper,\n", "no column holds labels"),
        ("TY  - JOUR\nTI  - A Paper\nER  - \n", "no record has a note with a label"),
        (
            "TY  - JOUR\nTI  - A\nN1  - ASReview_relevant\nN1  - ASReview_irrelevant\nER  - \n",
            "the record is relevant and irrelevant -> keep one",
        ),
        ("@misc{a, title={A Paper}}", "it is neither a table nor a RIS file"),
        ("title,included\nA Paper,1,2,3\n", "the row has"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_is_no_export_is_told(waiting, tmp_path, text, said):
    path = tmp_path / "export.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        labels.read(path, corpus.load(waiting))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["export"], "an export needs a file to write"),
        (["export", "--out", "x.xlsx"], "ends neither in .csv nor in .ris"),
        (["import"], "an import needs a file to read"),
        (["import", "no-such.csv"], "the file is missing"),
    ],
)
def test_wrong_options_are_told(waiting, capsys, options, said):
    assert cli.main(["asreview", "--corpus", str(waiting), *options]) == 1
    assert said in capsys.readouterr().err


def test_a_corpus_without_screening_is_told(damage):
    damage("screening.csv")
    damage("flow.csv")
    damage("bibliography.bib", "  title = {{A Clinic}},\n", "  title = {{A Clinic}},\n  author = {Fox, F},\n  year = {2022},\n")
    loaded = corpus.load(damage("selection.csv"))
    with pytest.raises(InputError, match="only records that are screened"):
        asreview.compute_records(loaded)
    with pytest.raises(InputError, match="import records first"):
        asreview.plan(loaded, [])


def test_what_goes_out_comes_back_as_it_was(waiting, tmp_path):
    loaded = corpus.load(waiting)
    for name in ("records.csv", "records.ris"):
        asreview.export(asreview.compute_records(loaded), tmp_path / name)
        found = asreview.plan(loaded, labels.read(tmp_path / name, loaded))
        assert not found.change
        assert [what for *_, what, _ in found.rows].count("as before") == 8
    with pytest.raises(OptionError):
        asreview.export(asreview.compute_records(loaded), tmp_path / "records")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title,doi\na,b\n", "the header does not name abstract"),
        ("abstract\nx\n", "the header does not name abstract and something"),
        ("key,abstract\na,b,c\n", "the row has 3 fields, 2 are expected"),
        ('key,abstract\na,"b\n', "check the quotes"),
    ],
)
def test_a_file_of_abstracts_that_is_none(tmp_path, small, text, said):
    path = tmp_path / "texts.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        texts.read(path, small)


def test_the_first_abstract_counts_and_empty_lines_do_not(tmp_path, small):
    path = tmp_path / "texts.csv"
    path.write_text("Key,Abstract\nadams2018pain,first\n\n,\nadams2018pain,second\n", "utf-8")
    found = texts.read(path, small)
    assert (found.abstract("adams2018pain"), found.abstract("x"), found.unmatched) == ("first", "", 0)

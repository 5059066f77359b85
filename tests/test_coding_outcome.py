"""What becomes of codes: rows that a corpus accepts, agreement computed by hand, results held back, and the command line."""

import csv
import io
import json
import shutil

import pytest
from conftest import TINY

from review import cli, corpus, notebook, paths
from review.agreement import cohen_kappa, percent_agreement
from review.coding import adjudication, codes, outcome, pairs, results, work
from review.coding import task as tasks
from review.coding.answers import Answer
from review.errors import InputError, OptionError, ReviewError
from review.journal import Journal

KEYS = ("evans2021home", "fox2022clinic")
EVERY = ("adams2018pain", "brown2019sleep", "chen2020mood", "diaz2020work", *KEYS)
UNKNOWN = Answer({}, True)
PAIN, HOSPITAL = Answer({"pain": "yes"}), Answer({"hospital": "yes"})


def design(code, **rest):
    return Answer({code: "yes"}, **rest)


def give(folder, task, coder, designs, rest=None, finish=True):
    """Let a coder answer: the design of each study, and the same for all in other dimensions."""
    file = codes.CodesFile(folder, task, coder)
    for key, answer in designs.items():
        for name, one in ({"outcome": PAIN, "setting": HOSPITAL} | (rest or {}) | {"design": answer}).items():
            file.answer(key, name, one)
        if finish:
            file.finish(key)
    file.journal.close()


def settle(folder, pair, name="cleo", reason="the methods section says so"):
    """Let an adjudicator side with the second coder in everything."""
    file = adjudication.Decided(folder, pair, name)
    for case in pair.left(file.decisions):
        file.decide(case, "second", case.second, reason)
    file.journal.close()


@pytest.fixture
def place(tmp_path):
    """A folder with a task of two studies, the one not coded in full, coded by anna and ben."""
    folder = tmp_path / "coded"
    held = corpus.load(shutil.copytree(TINY, tmp_path / "corpus"))
    task = tasks.plan(held, keys=KEYS, seed=1)
    task.write(folder)
    source = {"source": "https://anna.org", "scope": "full text"}
    give(folder, task, "anna", {key: design("cohort", confidence="high", evidence="A", **source) for key in KEYS})
    give(folder, task, "ben", {KEYS[0]: design("cohort", evidence="B"), KEYS[1]: design("trial", evidence="B")})
    return held, task, folder


def outcome_of(held, task, folder):
    pair = pairs.choose(codes.load_all(folder, task), task)
    return outcome.Outcome(held, pair, adjudication.load(folder, task, pair.coders))


def rows_of(folder):
    return list(csv.reader(io.StringIO((folder / "coding.csv").read_text("utf-8"), newline="")))[1:]


# --- what is written


def test_a_settled_study_brings_both_coders_and_a_consensus_with_its_rule(place):
    held, task, folder = place
    found = outcome_of(held, task, folder)
    assert found.settled == (KEYS[0],)
    rest = ("https://anna.org", "full text")
    both = "both coders: anna, ben"
    assert sorted(found.rows()) == sorted(
        [
            (KEYS[0], "design", "anna", "cohort", "high", "A", *rest),
            (KEYS[0], "design", "ben", "cohort", "", "B", "", ""),
            (KEYS[0], "design", "consensus", "cohort", "", both, *rest),
            *((KEYS[0], "outcome", who, "pain", "", "", "", "") for who in ("anna", "ben")),
            (KEYS[0], "outcome", "consensus", "pain", "", both, "", ""),
            *((KEYS[0], "setting", who, "hospital", "", "", "", "") for who in ("anna", "ben")),
            (KEYS[0], "setting", "consensus", "hospital", "", both, "", ""),
        ]
    )


def test_the_change_is_a_good_corpus_and_leaves_everything_else_as_it_was(place):
    held, task, folder = place
    settle(folder, outcome_of(held, task, folder).pair)
    change = outcome_of(held, task, folder).change()
    before = rows_of(held.directory)
    loaded = change.apply()
    after = rows_of(held.directory)
    others = [row for row in before if row[2] != "consensus" or row[0] not in KEYS]
    assert [row for row in after if row in others] == others, "kept, and in their order"
    assert {tuple(row[:4]) for row in after if row[0] == KEYS[1]} == {
        (KEYS[1], name, who, value)
        for name, values in (("design", ("cohort", "trial", "trial")), ("outcome", ("pain",) * 3), ("setting", ("hospital",) * 3))
        for who, value in zip(("anna", "ben", "consensus"), values, strict=True)
    }
    study = loaded.studies().set_index("key").loc[KEYS[1]]
    assert (study["design"], study["outcome"]) == ("trial", "pain")
    rules = {row[5] for row in after if row[0] == KEYS[1] and row[2] == "consensus"}
    assert rules == {"both coders: anna, ben", "adjudicated by cleo: the methods section says so"}
    assert tasks.uncoded(loaded) == {}
    assert not outcome_of(loaded, task, folder).change(), "the same once more changes nothing"


def test_rows_of_a_study_are_in_the_order_of_dimensions_and_coders(place):
    held, _, _ = place
    adams = "adams2018pain"
    new = [(adams, "design", who, "cohort", "", "", "", "") for who in ("zoe", "llm", "anna", "consensus")]
    merged = outcome.codes_with(held, new)
    assert [row[2] for row in merged if row[:2] == (adams, "design")] == ["a", "b", "verifier", "anna", "zoe", "llm", "consensus"]
    assert [row for row in merged if row[0] != adams] == [row for row in outcome.codes_with(held, []) if row[0] != adams]
    assert list(dict.fromkeys(row[1] for row in merged if row[0] == adams)) == ["design", "outcome", "setting"]


def test_a_study_without_codes_goes_to_its_place_by_key(tiny):
    (tiny / "selection.csv").unlink()
    head, *lines = (tiny / "coding.csv").read_text().splitlines(True)
    new = [("chen2020mood", "design", "anna", "survey", "", "", "", "")]
    (tiny / "coding.csv").write_text("".join([head, *(line for line in lines if not line.startswith("chen2020mood"))]))
    rows = outcome.codes_with(corpus.load(tiny), new)
    assert list(dict.fromkeys(row[0] for row in rows)) == list(EVERY)
    (tiny / "coding.csv").write_text("".join([head, lines[-1], lines[0]]))
    rows = outcome.codes_with(corpus.load(tiny), new)
    assert [row[0] for row in rows] == ["fox2022clinic", "adams2018pain", "chen2020mood"], "a table in another order keeps it"


def test_nothing_settled_is_nothing_to_write(tmp_path, small):
    task = tasks.plan(small, keys=KEYS[:1], seed=1)
    give(tmp_path, task, "anna", {KEYS[0]: design("cohort")})
    give(tmp_path, task, "ben", {KEYS[0]: design("trial")})
    with pytest.raises(ReviewError, match="no study is settled"):
        outcome_of(small, task, tmp_path).change()


CHOSEN = "selection,key,basis\n" + "".join(f"first,{key},calibrated\n" for key in EVERY[:4]) + "authors,fox2022clinic,listed\n"


@pytest.fixture
def calibrated(tmp_path):
    """A corpus of which five studies have identifiers: two sets of four meet the published counts."""
    folder = shutil.copytree(TINY, tmp_path / "calibrated")
    text = (folder / "bibliography.bib").read_text()
    for key in ("brown2019sleep", "evans2021home"):
        text = text.replace(f"{{{key},", f"{{{key},\n  doi = {{10.1000/{key}}},")
    (folder / "bibliography.bib").write_text(text)
    (folder / "selection.csv").write_text(CHOSEN)
    rows = (folder / "coding.csv").read_text()
    (folder / "coding.csv").write_text(
        rows.replace("evans2021home,outcome,consensus,,,,,", "evans2021home,outcome,consensus,pain,,,,")
    )
    return corpus.load(folder)


def test_a_calibrated_selection_that_no_longer_fits_is_refused_or_solved_anew(calibrated, tmp_path):
    """Diaz is coded as something else: the counts need Evans, another cohort, in its place."""
    task = tasks.plan(calibrated, keys=["diaz2020work"], seed=1)
    for name in ("anna", "ben"):
        give(tmp_path / "w", task, name, {"diaz2020work": UNKNOWN})
    found = outcome_of(calibrated, task, tmp_path / "w")
    before = (calibrated.directory / "coding.csv").read_bytes()
    with pytest.raises(InputError, match="1 studies are coded design cohort, the published share implies 2"):
        found.change().apply()
    assert (calibrated.directory / "coding.csv").read_bytes() == before
    loaded = found.change(reselect=True).apply()
    assert set(loaded.selections["first"]) == {"adams2018pain", "brown2019sleep", "chen2020mood", "evans2021home"}
    assert loaded.selections["authors"] == ("fox2022clinic",), "a listed selection stays"
    assert loaded.basis("first") == "calibrated"


# --- what is compared


def test_agreement_is_that_of_hand_computed_codes(tmp_path, small):
    """Design of six studies: 4 of 6 alike; kappa by its formula: (4/6 - 14/36) / (1 - 14/36) = 5/11."""
    one = ["cohort", "cohort", "cohort", "trial", "trial", "survey"]
    two = ["cohort", "cohort", "trial", "trial", "cohort", "survey"]
    task = tasks.plan(small, keys=EVERY, seed=1)
    for name, given in (("anna", one), ("ben", two)):
        give(tmp_path, task, name, {key: design(code) for key, code in zip(EVERY, given, strict=True)})
    held = codes.load_all(tmp_path, task)
    table = outcome.compare(small, [held["anna"], held["ben"]], EVERY, resamples=100).set_index(["dimension", "label"])
    row = table.loc["design", ""]
    assert (row["units"], row["agreed"]) == (6, 4)
    assert row["percent"] == pytest.approx(4 / 6) == percent_agreement(one, two)
    assert row["kappa"] == pytest.approx((4 / 6 - 14 / 36) / (1 - 14 / 36)) == cohen_kappa(one, two)
    assert row["percent_low"] < row["percent"] < row["percent_high"]
    assert table.loc["outcome", "pain"]["agreed"] == 6


def test_people_are_compared_with_the_consensus_of_others_only(tmp_path, small):
    """Consensus: cohort, trial, survey, cohort, cohort, unknown. Anna says cohort throughout: 3 of 6 alike."""
    task = tasks.plan(small, keys=EVERY, seed=1)
    give(tmp_path, task, "anna", {key: design("cohort") for key in EVERY})
    held = codes.load_all(tmp_path, task)["anna"]
    table = outcome.compare(small, [held], EVERY, resamples=100).set_index(["dimension", "label"])
    row = table.loc["design", ""]
    assert (row["coder_1"], row["coder_2"], row["units"], row["agreed"]) == ("anna", "consensus", 6, 3)
    assert row["unknown_2"] == 1
    copied = shutil.copytree(TINY, tmp_path / "own")
    path = copied / "coding.csv"
    path.write_text(
        path.read_text().replace(
            "adams2018pain,design,consensus,cohort,,verifier", 'adams2018pain,design,consensus,cohort,,"both coders: anna, ben"'
        )
    )
    own = corpus.load(copied)
    assert outcome.own_consensus(own, EVERY) == 1
    assert outcome.own_consensus(small, EVERY) == 0
    row = outcome.compare(own, [held], EVERY, resamples=100).set_index(["dimension", "label"]).loc["design", ""]
    assert (row["units"], row["agreed"]) == (5, 2)


def test_what_a_person_coded_in_an_earlier_task_is_not_compared(tmp_path, tiny):
    with (tiny / "coding.csv").open("a") as file:
        file.writelines(f"{key},design,{who},survey,,,,\n" for key in EVERY[:4] for who in ("anna", "ben"))
    held = corpus.load(tiny)
    task = tasks.plan(held, keys=KEYS, seed=1)
    for name in ("anna", "ben"):
        give(tmp_path, task, name, {key: design("cohort") for key in KEYS})
    anna, ben = codes.load_all(tmp_path, task).values()
    for people in ([anna], [anna, ben]):
        row = outcome.compare(held, people, KEYS, resamples=50).set_index(["dimension", "label"]).loc["design", ""]
        assert row["units"] == 2


def test_nobody_to_compare_is_an_empty_table(small):
    assert outcome.compare(small, [], []).empty


# --- the notebook's objects


def session(tmp_path, where=TINY, **options):
    return notebook.start(str(where), output_dir=str(tmp_path / "out"), **options)


def test_a_look_writes_nothing_and_shows_what_there_is(tmp_path):
    held = work.begin(session(tmp_path))
    assert held.folder.parent == tmp_path / "out" / "coding"
    assert not held.folder.exists()
    assert list(held.studies()["key"]) == ["fox2022clinic"]
    assert held.progress().empty
    found = results.results(held)
    assert "no agreement to show yet" in found.note.data
    assert found.agreement.empty
    assert found.validity.empty
    assert found.cases.empty
    assert found.changes().empty
    assert "No study is settled" in found.proposal().data
    assert "Nothing to settle" in found.adjudicate().data
    assert "Nothing to compare yet" in found.validity_note.data
    assert "nobody (a look)" in repr(held.show())
    assert not (tmp_path / "out").exists()


def test_a_coder_begins_a_task_and_takes_it_up_again(tmp_path):
    (tmp_path / "texts.csv").write_text("key,text\nfox2022clinic,An abstract.\n")
    held = work.begin(session(tmp_path), "anna", texts_file=str(tmp_path / "texts.csv"))
    assert held.task.by_key["fox2022clinic"].text == "An abstract."
    assert (held.folder / tasks.FILE).exists()
    again = work.begin(session(tmp_path), "ben", keys="adams2018pain", coding_dir=str(held.folder))
    assert again.task == held.task, "the task of the folder is taken up as it is"
    named = work.begin(session(tmp_path), keys=" adams2018pain , diaz2020work ", coding_dir=str(tmp_path / "new"))
    assert list(named.task.by_key) == ["adams2018pain", "diaz2020work"]
    with pytest.raises(OptionError, match="a coder of this corpus already"):
        work.begin(session(tmp_path), "a")
    default = work.begin(notebook.start(str(TINY)))
    assert default.folder.parent == paths.RUNS / "coding"


def test_results_are_held_back_until_a_coder_has_finished_and_then_close_the_codes(place):
    held, task, folder = place
    begun = codes.CodesFile(folder, task, "dora")
    begun.answer(KEYS[0], "design", design("survey"))
    begun.journal.close()
    for name, adjudicator in (("dora", ""), ("eve", ""), ("", "dora")):
        found = results.results(work.Work(held, task, folder, name), "anna", "ben", adjudicator, 50)
        assert "has not finished" in found.note.data
        assert found.outcome is None
        assert found.agreement.empty
        assert found.validity.empty
        assert found.cases.empty
    assert not codes.load(folder, task, "dora").closed
    found = results.results(work.Work(held, task, folder, "anna"), "anna", "ben", resamples=50)
    assert "`anna` and `ben`" in found.note.data
    assert "Over 2 studies only" in found.note.data
    assert codes.load(folder, task, "anna").closed
    assert not codes.load(folder, task, "ben").closed


def test_results_show_agreement_validity_cases_and_the_change(place):
    held, task, folder = place
    mine = work.Work(held, task, folder)
    found = results.results(mine, resamples=50)
    row = found.agreement.set_index(["dimension", "label"]).loc["design", ""]
    assert (row["units"], row["agreed"]) == (2, 1)
    assert set(found.validity["coder_1"]) == {"anna", "ben"}
    assert set(found.validity["coder_2"]) == {"consensus"}
    assert "not a verdict" in found.validity_note.data
    (case,) = found.cases.to_dict("records")
    assert (case["study"], case["dimension"], case["answer_1"], case["answer_2"]) == (KEYS[1], "design", "cohort", "trial")
    assert (case["evidence_1"], case["evidence_2"], case["state"]) == ("A", "B", "open")
    assert "1 disagreements" in repr(found.adjudicate())
    assert found.changes().to_dict("records") == [{"file": "coding.csv", "added": 9, "removed": 3}]
    settle(folder, found.outcome.pair, reason="see ```page 3```")
    shown = found.proposal().data
    assert "2 of 2 studies are settled" in shown
    assert f"review code --corpus {held.directory} --work {folder} --apply" in shown
    assert "+fox2022clinic,design,consensus,trial,,adjudicated by cleo: see ```page 3```," in shown
    assert "\n````diff\n" in shown, "what is written cannot end the block"
    (case,) = found.cases.to_dict("records")
    assert (case["state"], case["settled"], case["adjudicator"]) == ("settled", "trial", "cleo")


def test_two_who_agree_have_nothing_to_settle(tmp_path, small):
    task = tasks.plan(small, keys=KEYS, seed=1)
    for name in ("anna", "ben"):
        give(tmp_path, task, name, {key: design("cohort") for key in KEYS})
    found = results.results(work.Work(small, task, tmp_path), resamples=50)
    assert "agree on everything" in found.adjudicate().data
    assert work.few(outcome.FEW) == "Over 30 studies."
    assert "Over 1 study only" in work.few(1)


def test_an_adjudicator_needs_a_name_of_a_person(place):
    held, task, folder = place
    with pytest.raises(OptionError, match="stands for no person"):
        results.results(work.Work(held, task, folder), adjudicator="consensus")


def test_the_command_for_the_projects_own_corpus_is_short(real):
    task = tasks.plan(real, n=1)
    assert work.Work(real, task, paths.RUNS / "coding" / "x").options == "--work runs/coding/x"


def test_the_questions_are_the_codebook(small):
    table = work.questions(small.codebook.dimensions)
    assert list(table["code"]) == ["cohort", "trial", "survey", "pain", "sleep", "mood-score", "hospital", "at home"]
    assert table.loc[0, "exclude"] == "Allocated treatments (trial)."


# --- the command line


def run(capsys, *argv):
    status = cli.main(["code", *map(str, argv)])
    streams = capsys.readouterr()
    return status, streams.out, streams.err


def test_the_command_lists_what_is_not_coded(capsys):
    status, out, err = run(capsys, "--corpus", TINY, "--format", "json")
    assert status == 0
    assert json.loads(out) == [
        {"key": "fox2022clinic", "year": None, "coded": 1, "left": "outcome; setting", "title": "A Clinic"}
    ]
    assert "1 of 6 studies are not coded (consensus) in all 3 dimensions" in err
    status, out, err = run(capsys, "--corpus", TINY, "--coder", "b", "--selection", "first", "--format", "csv")
    assert "4 of 4 studies are not coded by b" in err
    assert out.splitlines()[1].startswith("adams2018pain,2018,1,outcome; setting,")


def test_the_command_tells_progress_disagreements_and_writes_only_when_told(capsys, place):
    held, _task, folder = place
    known = ("--corpus", held.directory, "--work", folder)
    before = (held.directory / "coding.csv").read_bytes()
    status, out, err = run(capsys, *known, "--format", "csv")
    assert (status, err) == (0, "")
    assert out == "coder,finished,of,questions_open,closed\nanna,2,2,0,False\nben,2,2,0,False\n"
    status, out, err = run(capsys, *known, "--adjudicate", "--format", "json")
    assert "anna and ben: 2 of 2 studies finished by both, 1 settled; 1 of 1 disagreements left" in err
    assert json.loads(out)[0]["study"] == KEYS[1]
    status, out, err = run(capsys, *known, "--diff")
    assert "+evans2021home,design,anna,cohort" in out
    assert (held.directory / "coding.csv").read_bytes() == before
    status, out, err = run(capsys, *known, "--apply")
    assert status == 0, err
    assert "written: coding.csv" in err
    assert (held.directory / "coding.csv").read_bytes() != before
    status, out, err = run(capsys, *known, "--apply")
    assert (status, out) == (0, "")
    assert "nothing to write" in err


def test_the_command_keeps_results_from_a_coder_who_has_not_finished(capsys, place):
    held, _task, folder = place
    status, out, err = run(capsys, "--corpus", held.directory, "--work", folder, "--adjudicate", "--coder", "dora")
    assert (status, out) == (1, "")
    assert "dora has not finished" in err


def test_the_command_says_how_a_selection_is_solved_anew(capsys, calibrated, tmp_path):
    task = tasks.plan(calibrated, keys=["diaz2020work"], seed=1)
    task.write(tmp_path / "w")
    for name in ("anna", "ben"):
        give(tmp_path / "w", task, name, {"diaz2020work": UNKNOWN})
    known = ("--corpus", calibrated.directory, "--work", tmp_path / "w")
    status, _, err = run(capsys, *known, "--apply")
    assert status == 1
    assert "add --reselect: the selection is solved anew with these codes" in err
    status, out, err = run(capsys, *known, "--apply", "--reselect")
    assert status == 0, err
    assert "+first,evans2021home,calibrated" in out


def test_a_broken_consensus_is_refused_with_its_own_remedy(capsys, place, monkeypatch):
    held, _task, folder = place
    path = held.directory / "coding.csv"
    monkeypatch.setattr(outcome, "codes_with", lambda *_: [("nobody", "design", "anna", "cohort", "", "", "", "")])
    status, _, err = run(capsys, "--corpus", held.directory, "--work", folder, "--apply")
    assert status == 1
    assert "the key is not in the bibliography -> add the entry, or correct the key" in err
    assert path.read_bytes() == (TINY / "coding.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--reselect",), "add --diff or --apply"),
        (("--progress",), "0 coding tasks fit this corpus"),
        (("--work", "nowhere"), "the file is missing"),
    ],
)
def test_what_the_command_cannot_do_says_what_to_do(capsys, monkeypatch, tmp_path, options, words):
    monkeypatch.setattr(work, "HOME", tmp_path / "none")
    status, _, err = run(capsys, "--corpus", TINY, *options)
    assert status == 1
    assert words in err


def test_the_only_task_that_fits_is_found(capsys, monkeypatch, place, tmp_path, real):
    held, _task, folder = place
    home = tmp_path / "home"
    shutil.copytree(folder, home / "one")
    tasks.plan(real, n=1).write(home / "other")
    monkeypatch.setattr(work, "HOME", home)
    status, out, _ = run(capsys, "--corpus", held.directory, "--progress")
    assert status == 0
    assert "anna" in out
    shutil.copytree(folder, home / "two")
    status, _, err = run(capsys, "--corpus", held.directory, "--progress")
    assert status == 1
    assert "2 coding tasks fit this corpus" in err


def test_one_coder_is_not_enough(capsys, place, tmp_path):
    held, task, _ = place
    task.write(tmp_path / "w")
    give(tmp_path / "w", task, "anna", {key: design("cohort") for key in KEYS})
    status, _, err = run(capsys, "--corpus", held.directory, "--work", tmp_path / "w", "--diff")
    assert status == 1
    assert "fewer than two people have finished" in err


def test_no_file_is_left_open():
    assert Journal._open == {}

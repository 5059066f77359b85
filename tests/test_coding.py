"""Coding: tasks hold no codes, answers keep unknown and no apart, files survive their writer, two coders are compared."""

import json
import os
import subprocess
import sys
import textwrap

import pandas as pd
import pytest
from conftest import TINY
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from review import contracts, corpus, paths, writing
from review.coding import adjudication, codes, desk, names, outcome, pairs, texts, widget
from review.coding import task as tasks
from review.coding.answers import EMPTY, Answer, common, differing, from_values, parse, says, shown
from review.errors import InputError, MissingExtraError, OptionError, ReviewError, UnknownNameError
from review.journal import Journal, read

SMALL = corpus.load(TINY)
BOOK = SMALL.codebook.dimensions
DESIGN, OUTCOME, SETTING = BOOK["design"], BOOK["outcome"], BOOK["setting"]
BLANK = {"labels": {}, "unknown": False, "confidence": "", "evidence": "", "source": "", "scope": ""}
KEYS = ("evans2021home", "fox2022clinic")


def raw(**parts):
    return BLANK | parts


def answers(labels=None, *, unknown=False, **rest):
    return Answer(labels or {}, unknown, **rest)


YES_PAIN = answers({"pain": "yes"})
COHORT, TRIAL, UNKNOWN = answers({"cohort": "yes"}), answers({"trial": "yes"}), answers(unknown=True)


@pytest.fixture
def task(small):
    return tasks.plan(small, keys=KEYS, seed=3)


def code_all(folder, task, coder, design=COHORT, other=YES_PAIN, setting=UNKNOWN, finish=True):
    """Let a coder answer everything in the same way."""
    file = codes.CodesFile(folder, task, coder)
    for study in task.studies:
        for name, answer in (("design", design), ("outcome", other), ("setting", setting)):
            file.answer(study.key, name, answer)
        if finish:
            file.finish(study.key)
    file.journal.close()
    return codes.load(folder, task, coder)


# --- answers


def test_values_keep_no_unknown_and_nothing_apart():
    assert answers({"pain": "yes", "sleep": "no"}).coded == ("pain", "not sleep")
    assert UNKNOWN.coded == ("",)
    assert EMPTY.coded == ()
    told = answers({"pain": "yes", "sleep": "no"}, confidence="low", evidence="e", source="https://x.org", scope="abstract")
    rest = ("low", "e", "https://x.org", "abstract")
    assert told.rows("k", "outcome", "anna") == [
        ("k", "outcome", "anna", "pain", *rest),
        ("k", "outcome", "anna", "not sleep", *rest),
    ]
    assert UNKNOWN.rows("k", "outcome", "anna") == [("k", "outcome", "anna", "", "", "", "", "")]


@pytest.mark.parametrize(
    ("dimension", "given_answer", "words"),
    [
        (DESIGN, raw(labels={"cohort": "yes", "trial": "yes"}), "one code, not 2"),
        (DESIGN, raw(labels={"cohort": "no"}), "'cohort' is 'no', not yes"),
        (OUTCOME, raw(labels={"pain": "yes"}, unknown=True), "it is unknown and has codes"),
        (OUTCOME, raw(labels={"toe": "yes"}), "'toe' is no code"),
        (OUTCOME, raw(labels={"pain": "maybe"}), "'maybe', not yes or no"),
        (OUTCOME, raw(labels=["pain"]), "labels are a mapping"),
        (OUTCOME, raw(unknown="no"), "unknown is true or false"),
        (OUTCOME, raw(confidence="sure"), "confidence is 'sure'"),
        (OUTCOME, raw(scope="title"), "scope is 'title'"),
        (OUTCOME, raw(evidence="x" * 2001), "evidence is not text of at most 2000"),
        (OUTCOME, raw(source=7), "source is not text"),
        (OUTCOME, {"labels": {}}, "it has to hold"),
        (OUTCOME, None, "it has to hold"),
    ],
)
def test_what_cannot_be_an_answer_is_refused(dimension, given_answer, words):
    with pytest.raises(ReviewError, match=words):
        parse(dimension, given_answer)


def test_texts_are_cleaned_so_that_they_can_stand_in_a_file():
    found = parse(OUTCOME, raw(evidence="a\x00b\r\nc\x0cd\ud800e\tf", source="  https://x.org \n"))
    assert found.evidence == "a b\nc d\ufffde\tf"
    assert found.source == "https://x.org"


def test_labels_come_in_the_order_of_the_codebook():
    assert parse(OUTCOME, raw(labels={"sleep": "yes", "pain": "no"})).coded == ("not pain", "sleep")


def test_an_answer_says_what_it_lacks():
    assert EMPTY.missing() == ("choose a code, or unknown",)
    assert answers({"pain": "no"}).missing() == UNKNOWN.missing() == ()
    assert answers({"pain": "yes"}, source="example.org").missing() == ("write the source as an address: http:// or https://",)
    assert answers({"pain": "yes"}, source="https://example.org/a b").missing()
    assert not answers({"pain": "yes"}, source="https://example.org/a?b=1#c").missing()


def test_values_of_a_table_become_answers_unless_they_contradict_each_other():
    assert from_values(OUTCOME, ["pain", "not sleep"], scope="abstract") == answers(
        {"pain": "yes", "sleep": "no"}, scope="abstract"
    )
    assert from_values(DESIGN, [""]) == UNKNOWN
    for dimension, values in ((OUTCOME, ["pain", "not pain"]), (OUTCOME, ["", "pain"]), (DESIGN, ["cohort", "trial"])):
        with pytest.raises(ReviewError, match=r"cannot be|contradict"):
            from_values(dimension, values)


def test_a_label_left_out_means_no_only_where_the_codebook_says_so():
    assert says(OUTCOME, "sleep", YES_PAIN) == ""
    assert says(SETTING, "at home", answers({"hospital": "yes"})) == "no"
    assert says(SETTING, "at home", answers({"hospital": "no"})) == ""
    assert says(SETTING, "at home", UNKNOWN) == ""


def test_differences_are_between_labels_as_they_are_meant():
    assert differing(DESIGN, COHORT, TRIAL) == differing(DESIGN, COHORT, UNKNOWN) == ("",)
    assert differing(DESIGN, COHORT, answers({"cohort": "yes"}, evidence="other words")) == ()
    assert differing(OUTCOME, YES_PAIN, answers({"pain": "yes", "sleep": "no"})) == ("sleep",)
    hospital = answers({"hospital": "yes"})
    assert differing(SETTING, hospital, answers({"hospital": "yes", "at home": "no"})) == ()
    assert differing(SETTING, hospital, UNKNOWN) == ("hospital", "at home")


def test_what_two_agree_on_keeps_a_source_and_no_evidence():
    one = answers({"pain": "yes"}, evidence="mine", confidence="high")
    two = answers({"pain": "yes"}, evidence="yours", source="https://two.org", scope="full text")
    assert common(OUTCOME, one, two) == answers({"pain": "yes"}, source="https://two.org", scope="full text")
    assert common(OUTCOME, two, one) == common(OUTCOME, one, two)
    assert common(DESIGN, UNKNOWN, UNKNOWN) == UNKNOWN
    assert common(DESIGN, COHORT, TRIAL) is None
    full = answers({"hospital": "yes", "at home": "no"})
    assert common(SETTING, full, answers({"hospital": "yes"})).coded == ("hospital",)
    assert shown(OUTCOME, answers({"pain": "yes", "sleep": "no"})) == "Pain; Sleep: reported as not done"
    assert shown(OUTCOME, UNKNOWN) == "unknown"


fields = {
    "confidence": st.sampled_from(contracts.LEVELS),
    "evidence": st.text(max_size=60),
    "source": st.sampled_from(["", "https://example.org/x,y", 'http://e.org/"q"']),
    "scope": st.sampled_from(contracts.SCOPES),
}


@st.composite
def given_answers(draw, dimension):
    """Draw any complete answer in a dimension."""
    states = ["yes"] if dimension.exclusive else ["yes", "no"]
    most = 1 if dimension.exclusive else len(dimension.categories)
    labels = draw(st.dictionaries(st.sampled_from(list(dimension.categories)), st.sampled_from(states), max_size=most))
    parts = {name: draw(strategy) for name, strategy in fields.items()}
    return parse(dimension, raw(labels=labels, unknown=not labels, **parts))


@limits(max_examples=15, deadline=None)
@given(st.fixed_dictionaries({name: given_answers(dimension) for name, dimension in BOOK.items()}))
def test_answers_survive_the_way_through_a_corpus(drawn):
    """Answer -> rows -> checked corpus -> rows -> answer; and the table of studies says the same as the answer."""
    rows = [row for name, answer in drawn.items() for row in answer.rows("evans2021home", name, "anna")]
    rows += [(*row[:2], "consensus", *row[3:]) for row in rows]
    loaded = writing.change(SMALL, coding=outcome.codes_with(SMALL, rows)).check()
    study = loaded.studies().set_index("key").loc["evans2021home"]
    table = loaded.coding
    for name, answer in drawn.items():
        mine = table[(table["key"] == "evans2021home") & (table["dimension"] == name) & (table["coder"] == "anna")]
        rest = {column: mine[column].iloc[0] for column in ("confidence", "evidence", "source", "scope")}
        assert from_values(BOOK[name], list(mine["value"]), **rest) == answer
        for code in () if BOOK[name].exclusive else BOOK[name].categories:
            state = study[corpus.flag(name, code)]
            meant = "" if pd.isna(state) else "yes" if state else "no"
            assert meant == says(BOOK[name], code, answer)


# --- names


@pytest.mark.parametrize(
    "name", ["", "Anna", "anna k", "1anna", "-a", "a" * 32, "anna.k", "consensus", "verifier", "llm", "verifyer"]
)
def test_names_that_cannot_be(name):
    with pytest.raises(OptionError, match=" -> "):
        names.check(name)


def test_a_coder_of_the_corpus_cannot_be_taken_over(small):
    assert names.check_new("anna", small, KEYS) == "anna"
    with pytest.raises(OptionError, match="'a' is a coder of this corpus already"):
        names.check_new("a", small, KEYS)


def test_codes_given_before_are_not_given_again_under_the_same_name(tiny):
    with (tiny / "coding.csv").open("a") as file:
        file.write("evans2021home,design,anna,cohort,,,,\n")
    held = corpus.load(tiny)
    with pytest.raises(OptionError, match="codes of 'anna' for 1 of these studies, 'evans2021home'"):
        names.check_new("anna", held, KEYS)
    assert names.check_new("anna", held, ["fox2022clinic"]) == "anna"


# --- texts


def test_texts_are_read_from_tables_and_lines(tmp_path):
    (tmp_path / "t.csv").write_text('id,key,text\n1,one,"two\nlines"\n2,two,\n')
    assert texts.read(tmp_path / "t.csv", {"one", "two"}) == {"one": "two\nlines", "two": ""}
    (tmp_path / "t.jsonl").write_text('{"key": "one", "text": " words "}\n\n{"key": "two", "text": ""}\n')
    assert texts.read(tmp_path / "t.jsonl", {"one", "two"}) == {"one": "words", "two": ""}


@pytest.mark.parametrize(
    ("name", "content", "line", "words"),
    [
        ("t.csv", "key,abstract\none,x\n", 1, "the column is missing"),
        ("t.csv", "key,text\none,x\nthree,x\n", 3, "there is no study 'three'"),
        ("t.csv", "key,text\none,x\none,y\n", 3, "the study stands twice"),
        ("t.csv", "key,text\none\n", 2, "there is no text"),
        ("t.csv", 'key,text\none,"x\n', 2, "not CSV"),
        ("t.jsonl", '{"key": "one", "text": "x"}\n[1]\n', 2, "the line is not a JSON object"),
        ("t.jsonl", '{"key": "one", "text": 3}\n', 1, "there is no text"),
        ("t.jsonl", "{\n", 1, "the line is not a JSON object"),
        ("t.txt", "x", None, "texts are read from .csv and .jsonl"),
    ],
)
def test_texts_that_cannot_be_read_say_where(tmp_path, name, content, line, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        texts.read(tmp_path / name, {"one", "two"})
    (problem,) = caught.value.problems
    assert (problem.line, problem.file) == (line, str(tmp_path / name))
    assert words in problem.message


# --- tasks


def test_studies_without_codes_come_first_then_those_without_some(tiny):
    text = (tiny / "coding.csv").read_text()
    (tiny / "coding.csv").write_text("".join(line for line in text.splitlines(True) if not line.startswith("evans2021home")))
    held = corpus.load(tiny)
    assert tasks.uncoded(held) == {"evans2021home": ("design", "outcome", "setting"), "fox2022clinic": ("outcome", "setting")}
    assert set(tasks.uncoded(held, "b")) == {reference.key for reference in held.references}
    one = tasks.plan(held, n=1, seed=9)
    assert (one.purpose, list(one.by_key)) == (tasks.UNCODED, ["evans2021home"])
    assert list(tasks.plan(held, n=5, seed=9).by_key) == ["evans2021home", "fox2022clinic"]
    assert list(tasks.plan(held, n=5, seed=9, where="year > 2000").by_key) == ["evans2021home"], "fox has no year"


def test_without_open_studies_a_seeded_sample_of_the_selection_is_coded_again(real):
    one = tasks.plan(real, n=10, seed=1, selection="v2")
    assert one.purpose == tasks.AGAIN
    assert len(one.studies) == 10
    assert set(one.by_key) <= set(real.selections["v2"])
    assert tasks.plan(real, n=10, seed=1, selection="v2").digest == one.digest
    assert set(tasks.plan(real, n=10, seed=2, selection="v2").by_key) != set(one.by_key)
    assert set(tasks.plan(real, n=12, seed=1, selection="v2").by_key) > set(one.by_key), "a larger sample keeps the smaller"


def test_a_task_holds_what_a_coder_may_see_and_no_code(real):
    made = tasks.plan(real, n=30, seed=1, texts={"alamgeer2025ai": "An abstract."}, keys=["alamgeer2025ai"])
    (study,) = made.studies
    assert study.text == "An abstract."
    assert all(address.startswith("https://") for _, _, address in study.links)
    held = json.dumps(made.plain()["studies"])
    rows = real.coding[real.coding["key"] == "alamgeer2025ai"]
    for words in set(rows["evidence"]) - {""}:
        assert words not in held
    assert "verified" not in held


def test_each_coder_has_an_order_of_his_or_her_own(real):
    made = tasks.plan(real, n=8, seed=1)
    orders = [tuple(study.key for study in made.order(name)) for name in ("anna", "ben", "cleo", "")]
    assert len(set(orders)) == 4
    assert all(set(order) == set(made.by_key) for order in orders)
    assert tuple(study.key for study in made.order("anna")) == orders[0]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n": 0}, OptionError, "n is 0"),
        ({"seed": -1}, OptionError, "the seed is -1"),
        ({"keys": ["nobody"]}, UnknownNameError, "nobody"),
    ],
)
def test_tasks_that_cannot_be(small, options, error, words):
    with pytest.raises(error, match=words):
        tasks.plan(small, **options)


def test_an_empty_choice_is_refused(real):
    with pytest.raises(OptionError, match="no study is left"):
        tasks.plan(real, where="year > 2090")


def test_a_task_is_read_as_it_was_written_and_not_replaced(small, task, tmp_path):
    task.write(tmp_path)
    before = (tmp_path / tasks.FILE).read_bytes()
    task.write(tmp_path)
    assert (tmp_path / tasks.FILE).read_bytes() == before
    assert tasks.load(tmp_path, small) == task
    with pytest.raises(InputError, match="the folder holds another task"):
        tasks.plan(small, keys=KEYS[:1]).write(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.update(format="other"), "not a file of the format"),
        (lambda data: data["dimensions"][0].update(title="Other"), "another codebook"),
        (lambda data: data["studies"][0].update(key="nobody"), "the study is not in the corpus"),
        (lambda data: data["studies"][0].update(surplus=1), "cannot be read"),
        (lambda data: data.pop("seed"), "cannot be read"),
    ],
)
def test_tasks_that_are_broken_or_of_another_corpus_are_refused(small, task, tmp_path, change, words):
    task.write(tmp_path)
    data = json.loads((tmp_path / tasks.FILE).read_text())
    change(data)
    (tmp_path / tasks.FILE).write_text(json.dumps(data))
    with pytest.raises(InputError, match=words):
        tasks.load(tmp_path, small)
    (tmp_path / tasks.FILE).write_text("{")
    with pytest.raises(InputError, match=r"task\.json:1: not JSON"):
        tasks.load(tmp_path, small)


# --- files


def sound(_):
    return ""


def test_a_torn_last_line_is_put_aside_and_everything_else_kept(tmp_path):
    path = tmp_path / "j.jsonl"
    with Journal(path, sound) as journal:
        journal.add({"x": 1})
        journal.add({"x": "ü"})
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"x": 3, "seq')
    assert read(path, sound) == ([{"x": 1, "sequence": 1}, {"x": "ü", "sequence": 2}], b'{"x": 3, "seq')
    with Journal(path, sound) as journal:
        assert journal.rescued == b'{"x": 3, "seq'
        assert journal.add({"x": 3})["sequence"] == 3
    assert path.read_bytes().startswith(whole)
    assert (tmp_path / "j.torn").read_bytes() == b'{"x": 3, "seq\n'
    assert [line["x"] for line in read(path, sound)[0]] == [1, "ü", 3]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_wherever_a_writer_stops_the_lines_before_are_read(tmp_path, cut):
    path = tmp_path / "j.jsonl"
    with Journal(path, sound) as journal:
        for number in range(3):
            journal.add({"number": number})
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    lines, torn = read(path, sound)
    assert [line["number"] for line in lines] == list(range(data[:cut].count(b"\n")))
    assert len(torn) == cut - data[:cut].rfind(b"\n") - 1


def test_damaged_lines_are_all_named(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"sequence": 1}\n\xff\n{"sequence": 5}\n[]\n')
    with pytest.raises(InputError) as caught:
        read(path, sound)
    assert [(problem.line, problem.message) for problem in caught.value.problems] == [
        (2, "the line is damaged"),
        (3, "the line says that it is line 5"),
        (4, "the line is damaged"),
    ]
    with pytest.raises(InputError):
        Journal(path, sound)
    assert Journal.held(path) is None
    with pytest.raises(InputError, match="this is a folder"):
        read(tmp_path, sound)


def test_opening_again_in_this_process_takes_over(tmp_path):
    first = Journal(tmp_path / "j.jsonl", sound)
    second = Journal(tmp_path / "j.jsonl", sound)
    with pytest.raises(ReviewError, match="continued elsewhere"):
        first.add({"x": 1})
    assert second.add({"x": 1})["sequence"] == 1
    assert Journal.held(tmp_path / "j.jsonl") is second
    second.close()
    second.close()


def test_two_processes_cannot_have_one_coders_file(tmp_path, task):
    """The second one is refused; when the first is killed, the file is free and whole."""
    task.write(tmp_path)
    script = f"""
        import sys
        from review import corpus
        from review.coding import codes, task
        from pathlib import Path
        folder = Path({str(tmp_path)!r})
        made = task.load(folder, corpus.load({str(TINY)!r}))
        file = codes.CodesFile(folder, made, "anna")
        file.answer("fox2022clinic", "design", codes.EMPTY)
        print("ready", flush=True)
        sys.stdin.read()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=paths.ROOT
    )
    try:
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(ReviewError, match=r"codes-anna.jsonl is open in another notebook"):
            codes.CodesFile(tmp_path, task, "anna")
        other = codes.CodesFile(tmp_path, task, "ben")
        other.journal.close()
    finally:
        process.kill()
        process.communicate()
    file = codes.CodesFile(tmp_path, task, "anna")
    assert len(file.journal.lines) == 1
    file.journal.close()


def test_a_line_that_cannot_be_written_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "j.jsonl"
    journal = Journal(path, sound)
    journal.add({"x": 1})
    before = path.read_bytes()
    full = os.fsync

    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        journal.add({"x": 2})
    monkeypatch.setattr(os, "fsync", full)
    assert path.read_bytes() == before
    assert journal.add({"x": 2})["sequence"] == 2
    journal.close()


# --- codes of one coder


def test_the_last_answer_counts_and_all_lines_stay(tmp_path, task):
    file = codes.CodesFile(tmp_path, task, "anna")
    file.answer("fox2022clinic", "design", COHORT)
    file.answer("fox2022clinic", "design", TRIAL)
    assert file.codes.answer("fox2022clinic", "design") == TRIAL
    assert [line["answer"]["labels"] for line in file.journal.lines] == [{"cohort": "yes"}, {"trial": "yes"}]
    assert file.codes.open_dimensions("fox2022clinic") == ("outcome", "setting")
    with pytest.raises(ReviewError, match="outcome, setting of fox2022clinic is not answered"):
        file.finish("fox2022clinic")
    for name in ("outcome", "setting"):
        file.answer("fox2022clinic", name, UNKNOWN)
    assert not file.codes.finished("fox2022clinic"), "answered is not called done"
    file.finish("fox2022clinic")
    file.finish("fox2022clinic")
    assert file.codes.finished_studies == ("fox2022clinic",)
    assert not file.codes.complete
    file.answer("fox2022clinic", "outcome", EMPTY)
    assert not file.codes.finished("fox2022clinic"), "an answer that was taken back opens the study"
    file.journal.close()


def test_closed_codes_cannot_be_changed(tmp_path, task):
    code_all(tmp_path, task, "anna")
    codes.close(tmp_path, task, "anna")
    codes.close(tmp_path, task, "anna")
    codes.close(tmp_path, task, "nobody")
    assert not codes.file_of(tmp_path, "nobody").exists()
    file = codes.CodesFile(tmp_path, task, "anna")
    assert file.codes.closed
    with pytest.raises(ReviewError, match="the codes of anna are closed"):
        file.answer("fox2022clinic", "design", TRIAL)
    file.end()
    assert sum(line["kind"] == "closed" for line in file.journal.lines) == 1
    file.journal.close()


def test_codes_are_closed_in_the_file_that_is_open(tmp_path, task):
    code_all(tmp_path, task, "anna")
    file = codes.CodesFile(tmp_path, task, "anna")
    codes.close(tmp_path, task, "anna")
    assert file.codes.closed
    with pytest.raises(ReviewError, match="closed"):
        file.answer("fox2022clinic", "design", TRIAL)
    file.journal.close()


GOOD_LINE = {"kind": "answer", "study": "fox2022clinic", "dimension": "design", "answer": BLANK, "client": "c", "number": 1}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"format": "other"}, "no line of the format"),
        ({"kind": "other"}, "no line of the format"),
        ({"surplus": 1}, "no line of the format"),
        ({"task": "0"}, "another task"),
        ({"coder": "ben"}, "of the coder 'ben'"),
        ({"study": "nobody"}, "there is no study 'nobody'"),
        ({"study": ["x"]}, "there is no study"),
        ({"dimension": "colour"}, "there is no dimension 'colour'"),
        ({"number": True}, "the message of the line is not named"),
        ({"answer": raw(labels={"cohort": "yes", "trial": "yes"})}, "one code, not 2"),
    ],
)
def test_lines_that_are_not_of_this_coder_or_task_are_refused(tmp_path, task, parts, words):
    line = {"format": codes.FORMAT, "task": task.digest, "coder": "anna", "sequence": 1, **GOOD_LINE}
    path = codes.file_of(tmp_path, "anna")
    path.write_text(json.dumps(line) + "\n")
    assert codes.load(tmp_path, task, "anna").answers
    path.write_text(json.dumps(line | parts) + "\n")
    with pytest.raises(InputError, match=words):
        codes.load(tmp_path, task, "anna")


def test_a_file_of_no_coder_is_named(tmp_path, task):
    (tmp_path / "codes-Anna.jsonl").write_text("")
    with pytest.raises(InputError, match=r"codes-Anna.jsonl: the name is 'Anna'"):
        codes.load_all(tmp_path, task)


# --- the desk


def message(kind, number=1, **parts):
    return {"type": kind, "number": number, "client": "c", **parts}


def test_the_desk_saves_what_it_says_and_nothing_twice(tmp_path, task):
    file = codes.CodesFile(tmp_path, task, "anna")
    made = desk.Desk(task, file)
    one = message("answer", 1, position=0, dimension="design", answer=COHORT.plain(), base=0)
    assert made.receive(one) == {"type": "saved", "sequence": 1, "number": 1, "client": "c"}
    assert made.receive(one)["sequence"] == 1
    assert len(file.journal.lines) == 1
    assert made.receive(message("answer", 2, position=0, dimension="outcome", answer=BLANK, base=0))["sequence"] == 0
    two = message("answer", 3, position=0, dimension="design", answer=TRIAL.plain(), base=1)
    assert made.receive(two)["sequence"] == 2
    assert made.receive({**one, "resent": True})["type"] == "superseded", "older than the same page's later answer"
    other = {**one, "client": "other page", "resent": True}
    assert made.receive(other)["type"] == "superseded", "the other page had not seen line 2"
    assert made.receive({**other, "base": 2})["type"] == "saved", "it had"
    late = message("answer", 9, position=0, dimension="design", answer=TRIAL.plain(), base=0, resent=True)
    assert made.receive({**late, "client": "other page"})["sequence"] == 4, "newer than the same page's earlier answer"
    file.journal.close()


def test_the_desk_goes_through_the_studies_and_keeps_the_place(tmp_path, task):
    file = codes.CodesFile(tmp_path, task, "anna")
    made = desk.Desk(task, file)
    order = [study.key for study in task.order("anna")]
    assert made.view()["study"]["key"] == order[0]
    reply = made.receive(message("done", position=0))
    assert reply["type"] == "failed"
    assert "not answered yet: Design, Outcome, Setting" in reply["reason"]
    for name in task.dimensions:
        made.receive(message("answer", position=0, dimension=name, answer=UNKNOWN.plain()))
    assert made.receive(message("done", position=0))["type"] == "moved"
    assert made.view()["study"]["key"] == order[1]
    assert made.view()["done"] == 1
    made.receive(message("go", step=-1))
    assert made.view()["position"] == 0
    assert made.view()["called"]
    made.receive(message("go", step=-1))
    assert made.view()["position"] == 0
    made.receive(message("go", step=1))
    file.journal.close()
    again = codes.CodesFile(tmp_path, task, "anna")
    made = desk.Desk(task, again)
    assert made.position == 1, "the first study that is not finished"
    for name in task.dimensions:
        made.receive(message("answer", position=1, dimension=name, answer=UNKNOWN.plain()))
    made.receive(message("done", position=1))
    assert made.view()["finished"]
    made.receive(message("go", step=-1))
    assert not made.view()["finished"]
    again.end()
    assert made.view()["closed"]
    assert "are closed" in made.receive(message("answer", position=0, dimension="design", answer=TRIAL.plain()))["reason"]
    assert made.receive(message("done", position=1))["type"] == "moved"
    again.journal.close()


def test_a_look_saves_nothing(tmp_path, task):
    made = desk.Desk(task)
    assert made.about()["coder"] == ""
    assert made.receive(message("answer", position=0, dimension="design", answer=COHORT.plain()))["type"] == "kept"
    assert made.view()["answers"]["design"]["labels"] == {"cohort": "yes"}
    for name in ("outcome", "setting"):
        made.receive(message("answer", position=0, dimension=name, answer=UNKNOWN.plain()))
    made.receive(message("done", position=0))
    assert made.view()["done"] == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("text", "not a mapping"),
        ({"type": "shout"}, "no message of type 'shout'"),
        (message("answer", position=9, dimension="design", answer=BLANK), "there is no study 9"),
        (message("answer", position=True, dimension="design", answer=BLANK), "there is no study True"),
        (message("answer", position=0, dimension="colour", answer=BLANK), "there is no dimension 'colour'"),
        (message("answer", position=0, dimension="design", answer={}), "cannot be"),
        (message("answer", None, position=0, dimension="design", answer=COHORT.plain()), "has no number"),
    ],
)
def test_messages_that_cannot_be_are_answered_and_lose_nothing(tmp_path, task, bad, words):
    file = codes.CodesFile(tmp_path, task, "anna")
    reply = desk.Desk(task, file).receive(bad)
    assert reply["type"] == "failed"
    assert words in reply["reason"]
    assert file.journal.lines == []
    assert desk.Desk(task, file).receive(message("ping", 4)) == {"type": "here", "number": 4, "client": "c"}
    file.journal.close()


def test_a_coder_sees_nothing_of_anybody_elses_codes(tmp_path, task):
    """Evidence planted in every other place is in no state of the widget, whatever the coder does."""
    planted = answers({"survey": "yes"}, evidence="zanzibar quartz", source="https://planted.org", scope="repository")
    code_all(tmp_path, task, "ben", design=planted)
    shown_widget = widget.show(task, "anna", tmp_path)
    states = [json.dumps([dict(shown_widget.about), dict(shown_widget.view)])]
    for position in range(2):
        for name in task.dimensions:
            shown_widget._receive(shown_widget, message("answer", position=position, dimension=name, answer=UNKNOWN.plain()), [])
            states.append(json.dumps(shown_widget.view))
        shown_widget._receive(shown_widget, message("done", position=position), [])
        states.append(json.dumps(shown_widget.view))
    everything = "".join(states)
    for words in ("zanzibar", "planted.org", "ben", "both coders"):
        assert words not in everything
    assert '"labels": {"' not in everything, "no label is chosen anywhere but by the coder"
    assert "by anna" in repr(shown_widget)
    shown_widget.desk.file.journal.close()


def test_the_widget_says_what_is_missing(monkeypatch, task, tmp_path):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    widget.desk_widget.cache_clear()
    with pytest.raises(MissingExtraError, match="anywidget"):
        widget.show(task, "", tmp_path)
    monkeypatch.undo()
    widget.desk_widget.cache_clear()
    assert "nobody (a look)" in repr(widget.show(task, "", tmp_path))


# --- two coders


def test_agreement_and_cases_follow_the_meaning_of_answers(tmp_path, task):
    code_all(tmp_path, task, "anna", setting=answers({"hospital": "yes"}))
    code_all(tmp_path, task, "ben", design=TRIAL, setting=answers({"hospital": "yes", "at home": "no"}))
    pair = pairs.choose(codes.load_all(tmp_path, task), task)
    assert pair.coders == ("anna", "ben")
    assert [(case.study, case.dimension, case.labels) for case in pair.cases] == [(key, "design", ("",)) for key in KEYS]
    assert pair.settled({}) == {}
    assert len(pair.left({})) == 2


def test_only_studies_that_both_finished_are_compared(tmp_path, task):
    code_all(tmp_path, task, "anna")
    code_all(tmp_path, task, "ben", design=TRIAL, finish=False)
    assert pairs.choose(codes.load_all(tmp_path, task), task) is None
    file = codes.CodesFile(tmp_path, task, "ben")
    file.finish("fox2022clinic")
    file.journal.close()
    pair = pairs.choose(codes.load_all(tmp_path, task), task)
    assert pair.studies == ("fox2022clinic",)


def test_the_pair_has_to_be_clear(tmp_path, task):
    for name in ("anna", "ben", "cleo"):
        code_all(tmp_path, task, name)
    held = codes.load_all(tmp_path, task)
    with pytest.raises(OptionError, match="3 coders have finished studies: anna, ben, cleo"):
        pairs.choose(held, task)
    assert pairs.choose(held, task, "cleo", "anna").coders == ("anna", "cleo"), "the same pair in whichever order"
    for first, second in (("anna", ""), ("anna", "anna")):
        with pytest.raises(OptionError, match="name two different ones"):
            pairs.choose(held, task, first, second)
    with pytest.raises(OptionError, match="no coder named 'dan' -> choose among: anna, ben, cleo"):
        pairs.choose(held, task, "anna", "dan")


@pytest.fixture
def differing_pair(tmp_path, task):
    """Two coders who differ in the design and the outcome of both studies."""
    sleep = answers({"pain": "yes", "sleep": "no"}, source="https://ben.org", scope="full text")
    code_all(tmp_path, task, "anna", design=answers({"cohort": "yes"}, evidence="A", source="https://anna.org", scope="abstract"))
    code_all(tmp_path, task, "ben", design=TRIAL, other=sleep)
    return pairs.choose(codes.load_all(tmp_path, task), task)


def decide_all(bench, choice="0", reason="it says so", answer=BLANK):
    for _ in range(len(bench.cases)):
        view = bench.view()
        reply = bench.receive(message("decide", basis=view["basis"], choice=choice, reason=reason, answer=answer, base=0))
        assert reply["type"] in ("saved", "kept"), reply


def test_an_adjudicator_sees_both_answers_without_names_and_settles_them(tmp_path, task, differing_pair):
    file = adjudication.Decided(tmp_path, differing_pair, "cleo")
    bench = adjudication.Bench(differing_pair, file)
    assert "anna" not in json.dumps(bench.view()).replace("anna.org", "")
    sides = set()
    for case in bench.cases:
        view = bench.view()
        given_answers_ = [case.first.plain(), case.second.plain()]
        assert view["answers"] in (given_answers_, given_answers_[::-1])
        sides.add(view["answers"] == given_answers_)
        wanted = view["answers"].index(case.second.plain())
        reply = bench.receive(message("decide", basis=view["basis"], choice=str(wanted), reason="ben\n is right", answer=BLANK))
        assert reply["type"] == "saved"
    assert bench.view()["finished"]
    decisions = adjudication.load(tmp_path, task, ("anna", "ben"))
    assert decisions == file.decisions
    for case in differing_pair.cases:
        decision = decisions[case.study, case.dimension]
        assert (decision.choice, decision.answer, decision.reason) == ("second", case.second, "ben is right")
    held = differing_pair.settled(decisions)
    assert held["fox2022clinic"]["design"] == (TRIAL, "adjudicated by cleo: ben is right")
    assert held["fox2022clinic"]["setting"] == (UNKNOWN, "both coders: anna, ben")
    bench.receive(message("go", step=-1))
    view = bench.view()
    assert view["held"]["choice"] in ("0", "1")
    assert view["answers"][int(view["held"]["choice"])] == bench.cases[view["position"]].second.plain()
    file.journal.close()


def test_the_side_on_which_a_coder_is_shown_changes_from_case_to_case(tmp_path, real):
    made = tasks.plan(real, n=40, seed=4)
    unknown = dict.fromkeys(made.dimensions, UNKNOWN)
    for coder, code in (("anna", "text"), ("ben", "tabular")):
        file = codes.CodesFile(tmp_path, made, coder)
        for study in made.studies:
            for name, answer in (unknown | {"modality": answers({code: "yes"})}).items():
                file.answer(study.key, name, answer)
            file.finish(study.key)
        file.journal.close()
    pair = pairs.choose(codes.load_all(tmp_path, made), made)
    bench = adjudication.Bench(pair)
    first = []
    for _ in pair.cases:
        first.append("text" in bench.view()["answers"][0]["labels"])
        bench.receive(message("go", step=1))
    assert 8 <= sum(first) <= 32  # 40 fair coins leave this range in 1 of 10 000 trials


def test_a_third_answer_starts_from_what_both_say(tmp_path, differing_pair):
    bench = adjudication.Bench(differing_pair)
    while bench.view()["dimension"] != "outcome":
        bench.receive(message("go", step=1))
    view = bench.view()
    assert view["labels"] == ["sleep"]
    assert view["held"]["answer"]["labels"] == {"pain": "yes"}
    third = raw(labels={"sleep": "yes"}, source="https://third.org")
    reply = bench.receive(message("decide", basis=view["basis"], choice="third", reason="neither", answer=third))
    assert reply["type"] == "kept"
    assert list(tmp_path.glob("adjudication*")) == []
    assert ("evans2021home", "outcome") in bench.decisions or ("fox2022clinic", "outcome") in bench.decisions


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"choice": "2"}, "no answer is chosen"),
        ({"reason": "  "}, "the decision has no reason"),
        ({"reason": None}, "the decision has no reason"),
        ({"reason": "x" * 501}, "the decision has no reason"),
        ({"choice": "third", "answer": BLANK}, "the answer is not complete"),
        ({"choice": "third", "answer": {}}, "cannot be"),
        ({"basis": "0"}, "not there any longer"),
        ({"number": "1"}, "has no number"),
    ],
)
def test_decisions_that_cannot_be_are_refused(tmp_path, differing_pair, parts, words):
    file = adjudication.Decided(tmp_path, differing_pair, "cleo")
    bench = adjudication.Bench(differing_pair, file)
    good = message("decide", basis=bench.view()["basis"], choice="0", reason="so", answer=BLANK)
    reply = bench.receive(good | parts)
    assert reply["type"] == "failed"
    assert words in reply["reason"]
    assert file.journal.lines == []
    assert bench.receive("x")["type"] == bench.receive({"type": "x"})["type"] == "failed"
    assert bench.receive(message("ping"))["type"] == "here"
    assert bench.receive(good)["type"] == "saved"
    assert bench.receive({**good, "resent": True, "base": 0})["type"] == "superseded"
    file.journal.close()


def test_a_decision_about_other_answers_does_not_count(tmp_path, task, differing_pair):
    file = adjudication.Decided(tmp_path, differing_pair, "cleo")
    decide_all(adjudication.Bench(differing_pair, file))
    assert differing_pair.left(file.decisions) == ()
    changed = codes.CodesFile(tmp_path, task, "ben")
    changed.answer("fox2022clinic", "design", answers({"survey": "yes"}))
    changed.journal.close()
    pair = pairs.choose(codes.load_all(tmp_path, task), task)
    assert [(case.study, case.dimension) for case in pair.left(file.decisions)] == [("fox2022clinic", "design")]
    assert list(pair.settled(file.decisions)) == ["evans2021home"]
    states = {(row["study"], row["dimension"]): row["state"] for row in pairs.as_rows(pair, file.decisions)}
    assert states["fox2022clinic", "design"] == "open"
    unknown = pairs.as_rows(pairs.Pair(task, pair.first, code_all(tmp_path / "x", task, "zoe", other=UNKNOWN)), {})
    assert [row["answer_2"] for row in unknown] == ["(unknown)"] * 2, "unknown is said, not left blank"
    assert states["fox2022clinic", "outcome"] == "settled"
    file.journal.close()


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"format": "x"}, "no line of the format"),
        ({"coders": ["anna", "cleo"]}, "to other coders"),
        ({"dimension": "colour"}, "there is no 'colour'"),
        ({"choice": "ben"}, "no choice, basis or reason"),
        ({"reason": ""}, "no choice, basis or reason"),
        ({"adjudicator": "Cleo"}, "the name is 'Cleo'"),
        ({"answer": BLANK}, "choose a code, or unknown"),
        ({"answer": {}}, "cannot be"),
    ],
)
def test_lines_of_decisions_that_are_damaged_are_refused(tmp_path, task, differing_pair, parts, words):
    file = adjudication.Decided(tmp_path, differing_pair, "cleo")
    decide_all(adjudication.Bench(differing_pair, file))
    file.journal.close()
    path = adjudication.file_of(tmp_path, ("anna", "ben"))
    lines = path.read_text().splitlines()
    path.write_text(json.dumps(json.loads(lines[0]) | parts) + "\n")
    with pytest.raises(InputError, match=words):
        adjudication.load(tmp_path, task, ("anna", "ben"))


def test_the_widget_of_an_adjudicator(tmp_path, differing_pair):
    shown_widget = widget.adjudicate(differing_pair, {}, "cleo", tmp_path)
    assert repr(shown_widget) == "Adjudication of 4 disagreements, by cleo: open it in JupyterLab"
    shown_widget.desk.file.journal.close()
    assert "nobody" in repr(widget.adjudicate(differing_pair, {}, "", tmp_path))

"""Tasks are blinded and seeded; no answer that was acknowledged is ever lost, none is invented, whatever kills the writer."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from review import journal, widget
from review.errors import InputError, MissingExtraError, OptionError, ReviewError
from review.evaluation import inputs, rating, rating_demo, rating_file, rating_widget, rubric
from review.evaluation.rating_desk import Desk
from review.evaluation.rating_file import RatingFile

TEXTS = {"real": [f"Seen in clinic {n}." for n in range(12)], "synthetic": [f"Seen on moon {n}." for n in range(12)]}
WHOLE = {"realistic": 3, "coherent": 4, "complete": 2, "harmful": 1, "origin": 2, "confidence": 5}
SMALL = rubric.Rubric("small", (rubric.Criterion("good", "Good", "Is it?", "high", ("no", "yes")),), ask_origin=False)


@pytest.fixture
def task():
    return rating.plan(TEXTS, n=12, seed=5, repeats=3)


def message(kind, position, answers, seconds=1.0, **more):
    return {"type": kind, "number": 1, "client": "c", "position": position, "answers": answers, "seconds": seconds, **more}


# --- the task


def test_a_task_has_equal_numbers_and_is_the_same_for_the_same_seed(task):
    assert sorted(task.origins.values()) == ["real"] * 6 + ["synthetic"] * 6
    again = rating.plan(TEXTS, n=12, seed=5, repeats=3)
    assert (again.plain(), again.origins, again.digest) == (task.plain(), task.origins, task.digest)
    assert rating.plan(TEXTS, n=12, seed=6, repeats=3).digest != task.digest
    for item in task.items:
        assert item.parts[0]["text"] in TEXTS[task.origins[item.id]]


def test_each_rater_has_an_order_of_its_own_with_all_items_and_late_repeats(task):
    orders = {name: task.order(name) for name in ("anna", "ben", "cleo", "dan")}
    assert len({tuple(slot.item.id for slot in order) for order in orders.values()}) == 4
    assert rating.plan(TEXTS, n=12, seed=5, repeats=3).order("anna") == orders["anna"]
    for order in orders.values():
        assert [slot.position for slot in order] == list(range(15))
        assert {slot.item.id for slot in order if slot.showing == 1} == set(task.by_id)
        assert sum(slot.showing == 1 for slot in order) == 12
        first = {slot.item.id: slot.position for slot in order if slot.showing == 1}
        again = [slot for slot in order if slot.showing == 2]
        assert len(again) == 3 == len({slot.item.id for slot in again})
        assert all(slot.position >= 6 and slot.position - first[slot.item.id] > rating.APART for slot in again)


def test_orders_do_not_favour_an_origin(task):
    """The chance of a real item at each of the first places is one half, over many raters."""
    first = [[task.origins[slot.item.id] == "real" for slot in task.order(f"r{n}")[:6]] for n in range(400)]
    assert np.abs(np.mean(first, axis=0) - 0.5).max() < 0.1


def test_nothing_of_the_task_that_raters_get_depends_on_the_origins(task):
    turned = {key: "real" if role == "synthetic" else "synthetic" for key, role in task.origins.items()}
    other = rating.Task(task.items, task.rubric, task.seed, task.repeats, turned)
    assert (other.plain(), other.digest, other.order("anna")) == (task.plain(), task.digest, task.order("anna"))
    assert "origins" not in repr(task)
    places = [task.origins[item.id] for item in task.items]
    assert places not in (sorted(places), sorted(places, reverse=True))


def test_identifiers_are_keyed_and_keep_copies_apart():
    same = {"real": ["same"] * 3, "synthetic": ["same"] * 3}
    one, other = (rating.plan(same, n=6, seed=seed) for seed in (1, 2))
    assert len(one.by_id) == 6
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in one.by_id)
    assert not set(one.by_id) & set(other.by_id)


def test_the_synced_state_holds_one_item_and_no_trace_of_its_origin(task, tmp_path):
    widget = rating_widget.show(task, "anna", tmp_path)
    seen = []
    for position in range(task.total):
        state = {key: value for key, value in widget.get_state().items() if not key.startswith("_")}
        seen.append(state)
        assert set(state["view"]) == {"position", "finished", "answered", "parts", "answers", "seconds", "paused", "sequence"}
        assert state["view"]["parts"] == [dict(part) for part in task.order("anna")[position].item.parts]
        widget._receive(widget, message("next", position, WHOLE, position + 1.0), [])
    text = json.dumps(seen)
    assert not [key for key in task.by_id if key in text]
    shown = [json.dumps(state["view"]).count("moon") + json.dumps(state["view"]).count("clinic") for state in seen]
    assert shown == [1] * task.total
    without = [{key: value for key, value in state["view"].items() if key != "parts"} for state in seen]
    kinds = {"real": set(), "synthetic": set()}
    for slot, state in zip(task.order("anna"), without, strict=True):
        kinds[task.origins[slot.item.id]].add((*state, state["finished"], json.dumps(state["answers"])))
    assert kinds["real"] == kinds["synthetic"], "what is beside the item is the same for both origins"
    assert "0x" not in repr(widget)
    assert "anna" in repr(widget)
    widget.desk.file.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 7}, "n is 7 -> choose an even number from 2 to 24"),
        ({"n": 26}, "n is 26"),
        ({"n": 0}, "n is 0"),
        ({"n": 12, "repeats": 5}, "repeats is 5 -> choose a number from 0 to a third of n, 4"),
        ({"n": 12, "seed": -1}, "the seed is -1"),
    ],
)
def test_numbers_that_cannot_be_met_are_refused(options, words):
    with pytest.raises(OptionError, match=words):
        rating.plan(TEXTS, **{"seed": 0, **options})


def test_items_need_both_origins_and_raters_a_usable_name(task):
    with pytest.raises(OptionError, match="no synthetic items"):
        rating.plan({"real": ["a"]}, n=2, seed=0)
    for name in ("", "a b", "../x", "ä", "a" * 33, "a\n"):
        with pytest.raises(OptionError, match="the rater's name"):
            task.order(name)


def test_items_are_shown_as_text_rows_and_sequences():
    entry = {
        "age": 61.0,
        "count": np.int64(3),
        "kind": "b",
        "gone": None,
        "nan": float("nan"),
        "note": "x" * 61,
        "ecg": [0.5, None],
    }
    held = rating.plan({"real": [entry], "synthetic": [entry]}, n=2, seed=0).items[0].parts
    rows = [["age", "61"], ["count", "3"], ["kind", "b"], ["gone", "missing"], ["nan", "missing"]]
    assert held == (
        {"kind": "rows", "rows": rows},
        {"kind": "text", "name": "note", "text": "x" * 61},
        {"kind": "sequence", "name": "ecg", "values": [0.5, None]},
    )


def test_a_pair_shows_its_column_of_text_as_text():
    real = pd.DataFrame({"note": [f"pain in the left side on day {n}" for n in range(6)], "label": list("ababab")})
    pair = inputs.from_frames(real, real.assign(note=real["note"].str.upper()))
    task = rating.plan(pair, n=6, seed=0)
    assert {part["kind"] for item in task.items for part in item.parts} == {"text", "rows"}
    assert {item.parts[1]["name"] for item in task.items} == {"note"}
    assert all(item.parts[1]["text"].isupper() == (task.origins[item.id] == "synthetic") for item in task.items)


def test_a_task_is_written_and_read(task, tmp_path):
    task.write(tmp_path)
    task.write(tmp_path)
    assert rating.load(tmp_path) == task
    assert not [word for word in ('"real"', '"synthetic"') if word in (tmp_path / "task.json").read_text()]
    key = tmp_path / "elsewhere" / "key.json"
    (tmp_path / "origins.json").unlink()
    assert rating.load(tmp_path).origins == {}
    task.write(tmp_path, key)
    assert rating.load(tmp_path, key) == task
    other = rating.plan(TEXTS, n=12, seed=6)
    with pytest.raises(InputError, match="the folder holds another task"):
        other.write(tmp_path)
    other.write(tmp_path / "other")
    with pytest.raises(InputError, match="the origins belong to another task"):
        rating.load(tmp_path, tmp_path / "other" / "origins.json")


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"format": "x"}', json.dumps({"format": rating.FORMAT, "items": [1]})])
def test_a_broken_task_is_refused(text, tmp_path):
    (tmp_path / "task.json").write_text(text)
    with pytest.raises(InputError, match=r"task\.json"):
        rating.load(tmp_path)


# --- the rubric


def test_a_rubric_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(rubric.DEFAULT.plain()))
    assert rubric.load(path) == rubric.load() == rubric.DEFAULT
    assert rubric.load(path).digest == rubric.DEFAULT.digest != SMALL.digest
    assert [item.name for item in rubric.DEFAULT.questions] == list(WHOLE)
    assert rubric.parse(SMALL.plain()).questions == SMALL.criteria
    assert all(len(item.levels) in (2, 5) and item.binary == (len(item.levels) == 2) for item in rubric.DEFAULT.questions)


CRITERION = {"name": "a", "title": "A", "question": "?", "better": "high", "levels": ["x", "y"]}
BAD = [
    ("format", {"format": "other"}, "the format is 'other'"),
    ("name", {"name": ""}, "the name is missing"),
    ("ask_origin", {"ask_origin": "maybe"}, "ask_origin is 'maybe'"),
    ("criteria", {"criteria": []}, "no list of criteria"),
    ("surplus", {"extra": 1}, "extra] the key is not known"),
    ("entry", {"criteria": ["x"]}, "not a mapping"),
    ("taken", {"criteria": [CRITERION, {**CRITERION, "levels": ["v", "w"]}]}, "'a' is taken"),
    ("own", {"criteria": [{**CRITERION, "name": "origin"}]}, "'origin' is taken"),
    ("case", {"criteria": [{**CRITERION, "name": "A b"}]}, "'A b' is not usable"),
    ("title", {"criteria": [{**CRITERION, "title": 3}]}, "the title is missing"),
    ("better", {"criteria": [{**CRITERION, "better": "more"}]}, "better is 'more'"),
    ("one", {"criteria": [{**CRITERION, "levels": ["x"]}]}, "list 2 to 9"),
    ("truth", {"criteria": [{**CRITERION, "levels": [False, True]}]}, "put them in quotes"),
    ("twice", {"criteria": [{**CRITERION, "levels": ["x", "x"]}]}, "there twice"),
    ("part", {"criteria": [{**CRITERION, "more": 1}]}, "criteria 1: more] the key is not known"),
]


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_each_fault_of_a_rubric_is_said(change, words, tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump({"format": rubric.FORMAT, "name": "n", "criteria": [CRITERION]} | change))
    with pytest.raises(InputError) as caught:
        rubric.load(path)
    assert words in str(caught.value)
    with pytest.raises(ValueError, match=r"\w"):
        rubric.parse(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "r.yaml:"),
        ("- 1", "not a mapping"),
        ("# nothing", "not a mapping"),
        ("name: a\nname: b", r"r.yaml:2: \[name\] the key stands twice"),
        ("a: &x [1]\nb: *x", "aliases are not allowed"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text, words, tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        rubric.load(path)


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        (WHOLE, ""),
        ({}, ""),
        ([], "not a mapping"),
        ({"other": 1}, "no question 'other'"),
        ({"realistic": 6}, "realistic is 6"),
        ({"realistic": 0}, "realistic is 0"),
        ({"harmful": True}, "harmful is True"),
        ({"harmful": 1.0}, "harmful is 1.0"),
    ],
)
def test_answers_are_checked(answers, fault):
    assert fault in "; ".join(rubric.DEFAULT.faults(answers))
    assert bool(rubric.DEFAULT.faults(answers)) == bool(fault)


# --- the file


def fill(folder, task, count, rater="anna"):
    with RatingFile(folder, task, rater) as file:
        for position in range(count):
            file.add(position, WHOLE, 2.5)
        return file.path


def test_lines_are_added_and_the_last_one_counts(task, tmp_path):
    path = fill(tmp_path, task, 2)
    first = path.read_bytes()
    with RatingFile(tmp_path, task, "anna") as file:
        line = file.add(0, {**WHOLE, "realistic": 1}, 3, paused=True)
    added = path.read_bytes().removeprefix(first)
    assert added.endswith(b"\n")
    assert json.loads(added) == {"format": rating_file.FORMAT, **asdict(line)}
    lines, torn = rating_file.read(path, task)
    assert (len(lines), torn) == (3, b"")
    assert [line.sequence for line in lines] == [1, 2, 3]
    assert rating_file.latest(lines)[0] == line
    assert (line.item, line.showing) == (task.order("anna")[0].item.id, 1)
    assert json.loads(path.read_text().splitlines()[0])["format"] == "synthetic-data-review/ratings/1"


def test_a_cut_at_every_byte_of_the_last_line_loses_nothing_and_invents_nothing(task, tmp_path):
    """The first two lines were acknowledged; the third is whole only with its end of line."""
    data = fill(tmp_path, task, 3).read_bytes()
    start = len(b"".join(data.splitlines(keepends=True)[:2]))
    whole, _ = rating_file.read(tmp_path / "ratings-anna.jsonl", task)
    for cut in range(start, len(data) + 1):
        folder = tmp_path / str(cut)
        folder.mkdir()
        path = rating_file.file_of(folder, "anna")
        path.write_bytes(data[:cut])
        kept = whole if cut == len(data) else whole[:2]
        torn = b"" if cut in (start, len(data)) else data[start:cut]
        assert rating_file.read(path, task) == (kept, torn)
        assert path.read_bytes() == data[:cut], "reading changes nothing"
        with RatingFile(folder, task, "anna") as file:
            assert (tuple(file.lines), file.rescued) == (kept, torn)
            assert Desk(task, file).position == len(kept)
            file.add(len(kept), WHOLE, 1)
        assert rating_file.read(path, task)[0][: len(kept)] == kept
        aside = folder / "ratings-anna.torn"
        assert (aside.read_bytes() if aside.exists() else b"\n") == torn + b"\n"


@limits(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 2), st.integers(0, 200)), max_size=8))
def test_any_sequence_of_answers_and_cuts_keeps_what_was_acknowledged(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("file")
    task = rating.plan(TEXTS, n=6, seed=1, rubric=SMALL)
    acknowledged = []
    for position, level, cut in steps:
        with RatingFile(folder, task, "anna") as file:
            assert [(line.position, line.answers["good"]) for line in file.lines] == acknowledged
            path, size = file.path, file.path.stat().st_size
            file.add(position, {"good": level}, 1)
            written = path.stat().st_size - size
            if cut >= written:
                acknowledged.append((position, level))
        if cut < written:
            os.truncate(path, size + cut)
    lines, _ = rating_file.read(path, task) if steps else ((), b"")
    assert [(line.position, line.answers["good"]) for line in lines] == acknowledged


WRITER = """
import sys
from pathlib import Path
from review.evaluation import rating
from review.evaluation.rating_file import RatingFile
folder = Path(sys.argv[1])
file = RatingFile(folder, rating.load(folder), "anna")
print("open", flush=True)
for number in range(100000):
    print(file.add(number % 12, {"realistic": 1 + number % 5}, number).sequence, flush=True)
"""


def start(folder):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(WRITER), folder], stdout=subprocess.PIPE, text=True)


def test_a_killed_writer_has_saved_all_it_acknowledged_and_frees_the_file(task, tmp_path):
    task.write(tmp_path)
    with start(tmp_path) as process:
        assert process.stdout.readline() == "open\n"
        for _ in range(30):
            process.stdout.readline()
        with pytest.raises(ReviewError, match=r"ratings-anna\.jsonl is open in another notebook -> shut that kernel down"):
            RatingFile(tmp_path, task, "anna")
        with RatingFile(tmp_path, task, "ben") as other:
            assert other.lines == []
        process.send_signal(signal.SIGKILL)
        said = [30, *(int(line) for line in process.stdout.read().splitlines() if line)]
    with RatingFile(tmp_path, task, "anna") as file:
        assert said[-1] <= len(file.lines) <= said[-1] + 1
        assert [line.answers["realistic"] for line in file.lines] == [1 + number % 5 for number in range(len(file.lines))]


def test_opening_again_in_the_same_process_takes_over(task, tmp_path):
    first = RatingFile(tmp_path, task, "anna")
    first.add(0, WHOLE, 1)
    with RatingFile(tmp_path, task, "anna") as second:
        with pytest.raises(ReviewError, match="continued elsewhere in this notebook"):
            first.add(1, WHOLE, 1)
        second.add(1, WHOLE, 1)
        first.close()
        assert len(second.lines) == 2
        assert Desk(task, first).receive(message("answer", 2, WHOLE))["type"] == "failed"


def test_a_full_disk_leaves_the_file_as_it_was(task, tmp_path, monkeypatch):
    path = fill(tmp_path, task, 1)
    before = path.read_bytes()
    with RatingFile(tmp_path, task, "anna") as file:
        true_write = os.write

        def half(handle, data):
            if len(data) < 40:
                raise OSError(28, "No space left on device")
            return true_write(handle, data[: len(data) // 2])

        monkeypatch.setattr(os, "write", half)
        desk = Desk(task, file)
        reply = desk.receive(message("next", 1, WHOLE))
        assert (reply["type"], desk.position) == ("failed", 1)
        assert "No space left" in reply["reason"]
        assert path.read_bytes() == before
        monkeypatch.undo()
        assert desk.receive(message("next", 1, WHOLE)) == {"type": "saved", "sequence": 2, "number": 1, "client": "c"}
    assert len(rating_file.read(path, task)[0]) == 2


DAMAGE = [
    ("seconds", -1.0, "-1.0 seconds cannot be"),
    ("seconds", True, "True seconds cannot be"),
    ("seconds", "1", "'1' seconds cannot be"),
    ("paused", 0, "paused is 0"),
    ("position", 99, "no showing 99"),
    ("position", 1, "showing 1 is of another item"),
    ("position", "x", "no showing 'x'"),
    ("showing", 2, "of another item"),
    ("sequence", 3, "it is line 3"),
    ("task", "x", "belongs to another task"),
    ("rater", "ben", "of the rater 'ben'"),
    ("rater_kind", "model", "no kind of rater named 'model'"),
    ("answers", {"realistic": 9}, "realistic is 9"),
    ("answers", None, "not a mapping"),
    ("more", 1, "damaged"),
    ("format", "x", "damaged"),
]


@pytest.mark.parametrize(("key", "value", "words"), DAMAGE)
def test_a_line_that_does_not_fit_is_refused_with_its_number(key, value, words, task, tmp_path):
    path = fill(tmp_path, task, 2)
    lines = path.read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), key: value})
    path.write_text("\n".join(lines) + "\n")
    before = path.read_bytes()
    with pytest.raises(InputError) as caught:
        rating_file.read(path, task)
    assert words in str(caught.value)
    assert caught.value.problems[0].line == 1
    with pytest.raises(InputError):
        RatingFile(tmp_path, task, "anna")
    assert path.read_bytes() == before


@pytest.mark.parametrize("raw", [b"\xff{}", b"{", b"[]", b""])
def test_damage_in_the_middle_is_never_repaired(raw, task, tmp_path):
    path = fill(tmp_path, task, 2)
    path.write_bytes(raw + b"\n" + path.read_bytes())
    with pytest.raises(InputError, match=r"ratings-anna\.jsonl:1: the line is damaged"):
        RatingFile(tmp_path, task, "anna")


def test_names_kinds_and_answers_are_checked(task, tmp_path):
    with pytest.raises(OptionError, match="the kind of rater is 'model'"):
        RatingFile(tmp_path, task, "anna", "model")
    fill(tmp_path, task, 1)
    with pytest.raises(InputError, match="of a rater of kind 'person', not 'simulated'"):
        RatingFile(tmp_path, task, "anna", "simulated")
    with RatingFile(tmp_path, task, "anna") as file:
        for position, answers, seconds in ((99, WHOLE, 1), (0, {"x": 1}, 1), (0, WHOLE, -1), (0, WHOLE, float("nan"))):
            with pytest.raises(ReviewError, match="-> reload the task"):
                file.add(position, answers, seconds)
        assert len(file.lines) == 1
    with pytest.raises(InputError, match="the file cannot be read"):
        rating_file.read(tmp_path / "ratings-ben.jsonl", task)
    odd = tmp_path / "ratings-a b.jsonl"
    odd.write_text("")
    with pytest.raises(InputError, match="not the name of a rater"):
        rating_file.read(odd, task)
    assert rating_file.files_in(tmp_path / "none") == ()


def test_a_file_system_without_locks_is_refused(task, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(journal.fcntl, "flock", refuse)
    with pytest.raises(ReviewError, match=r"No locks available.* -> choose a folder on a local disk"):
        RatingFile(tmp_path, task, "anna")


# --- the desk and the widget


def test_a_rater_works_through_the_task_and_resumes(task, tmp_path):
    with RatingFile(tmp_path, task, "anna") as file:
        desk = Desk(task, file)
        assert desk.receive(message("answer", 0, {"realistic": 2}))["sequence"] == 1
        assert desk.receive(message("next", 0, {"realistic": 2}, 2))["sequence"] == 2
        assert desk.position == 0, "an item that is not answered whole is not left"
        assert desk.receive(message("next", 0, WHOLE, 3))["type"] == "saved"
        assert (desk.position, desk.view()["answered"]) == (1, 1)
        assert desk.receive({"type": "previous", "number": 7, "client": "d"}) == {"type": "moved", "number": 7, "client": "d"}
        assert (desk.view()["answers"], desk.view()["seconds"], desk.view()["sequence"]) == (WHOLE, 3, 3)
        desk.receive({"type": "previous"})
        assert desk.position == 0
    with RatingFile(tmp_path, task, "anna") as file:
        desk = Desk(task, file)
        assert (desk.position, desk.finished) == (1, False)
        for position in range(2, task.total):
            file.add(position, WHOLE, 1)
        desk.position = task.total - 1
        desk.receive(message("next", task.total - 1, WHOLE, 9))
        assert (desk.position, desk.finished) == (1, False), "the open item is shown before the end"
        desk.receive(message("next", 1, WHOLE, 9))
        desk.position = task.total - 1
        desk.receive(message("next", task.total - 1, WHOLE, 10))
        assert (desk.finished, desk.view()["answered"]) == (True, task.total)
        desk.receive({"type": "previous"})
        assert (desk.position, desk.finished) == (task.total - 1, False)
    with RatingFile(tmp_path, task, "anna") as file:
        assert Desk(task, file).finished


def test_a_message_that_comes_twice_adds_nothing_and_an_old_one_replaces_nothing(task, tmp_path):
    with RatingFile(tmp_path, task, "anna") as file:
        desk = Desk(task, file)
        first = message("answer", 0, {"realistic": 2}, 4.0)
        assert desk.receive(first)["sequence"] == desk.receive(first)["sequence"] == 1
        lost = message("answer", 0, {"realistic": 3}, 5.0, resent=True)
        assert desk.receive(lost)["sequence"] == desk.receive(lost)["sequence"] == 2
        desk.receive(message("answer", 0, {"realistic": 4}, 9.0))
        assert desk.receive(lost)["type"] == "superseded"
        assert file.latest[0].answers == {"realistic": 4}
        assert len(file.lines) == 3
        other = message("answer", 5, WHOLE, 1.0, resent=True)
        assert (desk.receive(other)["sequence"], desk.position) == (4, 0)


def test_a_pause_stays_marked(task, tmp_path):
    with RatingFile(tmp_path, task, "anna") as file:
        desk = Desk(task, file)
        desk.receive(message("answer", 0, {"realistic": 2}, 400.0, paused=True))
        desk.receive(message("answer", 0, WHOLE, 410.0, paused=False))
        assert file.latest[0].paused
        assert desk.view()["paused"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x", "not a mapping"),
        ({"type": "drop"}, "no message of type 'drop'"),
        (message("answer", 99, {}), "no showing 99"),
        (message("answer", True, {}), "no showing True"),
        (message("answer", 0, {"x": 1}), "no question 'x'"),
        (message("answer", 0, {}, "1"), "the time is '1'"),
        (message("answer", 0, {}, float("inf")), "inf seconds cannot be"),
    ],
)
def test_a_message_that_cannot_be_is_answered_with_the_reason(content, words, task, tmp_path):
    with RatingFile(tmp_path, task, "anna") as file:
        reply = Desk(task, file).receive(content)
        assert reply["type"] == "failed"
        assert words in reply["reason"]
        assert file.lines == []


def test_a_look_saves_nothing_and_says_so(task, tmp_path):
    widget = rating_widget.show(task)
    desk = widget.desk
    assert desk.about()["rater"] == ""
    assert desk.receive({"type": "ping", "number": 3, "client": "c"}) == {"type": "here", "number": 3, "client": "c"}
    assert desk.receive(message("next", 0, WHOLE))["type"] == "kept"
    assert (desk.position, desk.view()["answered"]) == (1, 1)
    assert "a look" in repr(widget)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="need a folder"):
        rating_widget.show(task, "anna")


def test_the_page_loads_nothing_from_elsewhere_and_writes_no_html():
    script = widget.script(rating_widget.STATIC / "rating.js")
    style = widget.style(rating_widget.STATIC / "rating.css")
    assert "function make(" in script, "what all pages share is a part of it"
    addresses = script.replace('"http://www.w3.org/2000/svg"', "")
    assert not [
        word for word in ("http", "import ", "fetch(", "innerHTML", "outerHTML", "insertAdjacent", "eval(") if word in addresses
    ]
    assert not [word for word in ("http", "url(", "@import") if word in style]


def test_without_anywidget_it_is_said_what_to_install(task, monkeypatch):
    rating_widget.desk_widget.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(MissingExtraError, match="anywidget"):
        rating_widget.show(task)


# --- items to try it with


def test_made_notes_are_seeded_and_copy_none():
    texts = [f"Patient {n} was seen for a cough and went home after {n} days of rest." for n in range(30)]
    made = rating_demo.invent(texts, 3, 1)
    assert made == rating_demo.invent(texts, 3, 1) != rating_demo.invent(texts, 3, 2)
    assert len(set(made)) == 3
    assert not set(made) & set(texts)


def test_items_come_from_files_if_both_are_named(tmp_path):
    for name in ("real", "synthetic"):
        frame = pd.DataFrame({"text": [f"a {name} note about a cough, number {n}" for n in range(4)]})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    source = rating_demo.items(2, 0, str(tmp_path / "real.csv"), str(tmp_path / "synthetic.csv"))
    assert len(rating.plan(source, n=8, seed=0).items) == 8
    with pytest.raises(OptionError, match="name both"):
        rating_demo.items(2, 0, "x.csv")
    assert set(rating_demo.items(1, 0)) == {"real", "synthetic"}


def test_the_questions_are_listed(task):
    frame = rating_demo.questions(task)
    assert list(frame["question"]) == ["Realistic", "Clinically coherent", "Complete", "Harmful content", "Origin", "Confidence"]
    assert frame["levels"].iloc[3] == "1 no; 2 yes"

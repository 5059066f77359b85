from __future__ import annotations

import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.errors import InputError, OptionError, UnknownNameError
from review.generators import seeds
from review.generators.dataset import copied, normal
from review.generators.seeds import Fact, Seed

REGISTERS = {
    "note": {
        "discharge",
        "handover",
        "letter",
        "message",
        "narrative",
        "nursing",
        "referral",
        "soap",
        "telegraphic",
        "telephone",
        "triage",
    },
    "dialogue": {"clinic", "emergency", "home", "telephone", "video", "ward"},
    "report": {
        "ecg",
        "echocardiography",
        "eeg",
        "endoscopy",
        "laboratory",
        "microbiology",
        "pathology",
        "radiology",
        "spirometry",
    },
}
NEGATION = re.compile(
    r"\b(no|not|nor|never|nobody|nothing|nil|none|neither|without|denies|denied|negative|neg|excluded|absent|unlikely"
    r"|improbable|free|failed|clear|cannot|normal)\b|n't\b",
    re.IGNORECASE,
)

NOTE = {
    "id": "a",
    "kind": "note",
    "specialty": "cardiology",
    "label": "cardiology",
    "register": "soap",
    "text": "S: chest pain, no  cough.\nO: well.",
    "present": ["Chest pain"],
    "absent": ["no cough"],
}
DIALOGUE = {**NOTE, "id": "b", "kind": "dialogue", "text": "Doctor: Chest pain?\nPatient: No cough, no.", "present": []}
FACT = {
    "id": "f",
    "label": "cardiology",
    "topic": "pulse",
    "text": "The pulse can be felt at the wrist.",
    "source": "https://example.org/pulse",
    "licence": "CC-BY-4.0",
    "read": "2026-11-25",
}


def lines(*rows: object) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def folder(path: Path, notes: str = "", dialogues: str = "", reports: str = "", knowledge: str = "") -> Path:
    for name, text in {"notes": notes, "dialogues": dialogues, "reports": reports, "knowledge": knowledge}.items():
        if text:
            (path / f"{name}.jsonl").write_bytes(text.encode())
    return path


def problems(path: Path, kind: str = "") -> list[tuple[str, int | None, str | None, str]]:
    """What is wrong with a folder, after seeing that each problem has a remedy."""
    with pytest.raises(InputError) as caught:
        seeds.load(kind, path)
    assert all(problem.remedy for problem in caught.value.problems)
    return [(Path(problem.file).name, problem.line, problem.key, problem.message) for problem in caught.value.problems]


@pytest.fixture(scope="module")
def every() -> tuple[Seed, ...]:
    return seeds.load()


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.lower())


# --- the texts of the project


def test_there_are_enough_texts_of_every_kind_and_label(every):
    counts = Counter((item.kind, item.label) for item in every)
    least = {"note": 12, "dialogue": 6, "report": 3}
    assert set(counts) == {(kind, label) for kind in seeds.KINDS for label in seeds.LABELS}
    assert all(count >= least[kind] for (kind, _), count in counts.items())
    assert len(every) >= 168


def test_identifiers_number_the_texts_of_a_kind(every):
    for kind in seeds.KINDS:
        items = seeds.load(kind)
        assert [item.id for item in items] == [f"{kind}-{place:03d}" for place in range(1, len(items) + 1)]
    assert len({item.id for item in every}) == len(every)


def test_every_register_occurs_and_no_label_has_only_a_few(every):
    for kind, known in REGISTERS.items():
        found = {item.register for item in every if item.kind == kind}
        assert found == known
    for label in seeds.LABELS:
        assert len({item.register for item in every if item.kind == "note" and item.label == label}) >= 6
        assert len({item.register for item in every if item.kind == "dialogue" and item.label == label}) >= 3
        assert len({item.register for item in every if item.kind == "report" and item.label == label}) >= 2
    notes = Counter(item.register for item in every if item.kind == "note")
    assert max(notes.values()) <= 0.15 * sum(notes.values())


def test_texts_have_20_to_160_words_and_differ_in_length(every):
    lengths = {item.id: len(item.text.split()) for item in every}
    assert max(lengths.values()) <= 160
    assert min(length for name, length in lengths.items() if not name.startswith("dialogue")) >= 20
    notes = [length for name, length in lengths.items() if name.startswith("note")]
    assert statistics.stdev(notes) >= 25
    assert sum(length < 40 for length in notes) >= 5
    assert sum(length > 120 for length in notes) >= 5


def test_no_two_texts_share_eight_words_in_a_row(every):
    texts = [item.text for item in every] + [fact.text for fact in seeds.knowledge()]
    for place, text in enumerate(texts):
        assert not copied(text, texts[:place]), text


def test_openings_differ(every):
    starts = Counter(tuple(words(item.text)[:4]) for item in every if item.kind != "dialogue")
    assert max(starts.values()) == 1
    ends = Counter(item.text.split("\n")[-1] for item in every if item.kind == "dialogue")
    assert max(ends.values()) == 1


def test_the_texts_look_like_no_person_date_or_identifier(every):
    shapes = {
        "title with a name": r"\b(Mr|Mrs|Ms|Dr|Prof)\.? ?[A-Z][a-z]+|Doctor [A-Z][a-z]+|Sister [A-Z]",
        "date": r"\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b(?:19|20)\d\d\b",
        "month": r"\b(January|February|April|June|July|August|September|October|November|December)\b|\b(in|since) (March|May)\b",
        "identifier": r"\d{6,}|\b(NHS|MRN|DOB)\b",
        "address": r"@|https?:|\bStreet\b|\bRoad\b|\bHospital of\b",
    }
    for item in every:
        for shape, pattern in shapes.items():
            assert not re.search(pattern, item.text), (item.id, shape)


def test_dialogues_have_4_to_10_turns_by_both_speakers(every):
    for item in every:
        if item.kind != "dialogue":
            assert "\nPatient:" not in item.text
            continue
        turns = item.text.split("\n")
        assert 4 <= len(turns) <= 10
        speakers = [turn.split(":")[0] for turn in turns]
        assert set(speakers) == {"Doctor", "Patient"}
        assert all(one != other for one, other in itertools.pairwise(speakers)), item.id


def test_entries_occur_in_their_text_and_are_of_one_side(every):
    for item in every:
        text = normal(item.text)
        for entry in (*item.present, *item.absent):
            assert normal(entry) in text
        assert not {normal(entry) for entry in item.present} & {normal(entry) for entry in item.absent}
        assert item.present or item.absent
        assert len({normal(entry) for entry in item.present}) == len(item.present)


def test_what_is_absent_stands_in_a_negated_sentence(every):
    """In a dialogue the negation may come with the next turn, as the answer to a question."""
    for item in every:
        if item.kind == "dialogue":
            turns = item.text.split("\n")
            passages = [" ".join(turns[place : place + 2]) for place in range(len(turns))]
        else:
            passages = re.split(r"(?<=[.?!;])\s|\n", item.text)
        for entry in item.absent:
            holding = [passage for passage in passages if entry.lower() in passage.lower()]
            assert any(NEGATION.search(passage) for passage in holding), (item.id, entry)


def test_what_is_present_does_not_follow_a_negation_at_once(every):
    for item in every:
        for entry in item.present:
            before = [item.text[: found.start()].lower() for found in re.finditer(re.escape(entry), item.text, re.IGNORECASE)]
            assert any(not re.search(r"\b(no|not|nil|without|denies|never)\W*$", text) for text in before), (item.id, entry)


def test_most_texts_negate_something_and_some_telegraphic_ones_are_misspelt(every):
    assert sum(bool(item.absent) for item in every) >= 0.9 * len(every)
    misspelt = ("sputm", "wheze", "headace", "numbnes", "ablaton", "diarhoea", "blistrs", "laxatves", "prophylaxs", "calus")
    telegraphic = [item.text.lower() for item in every if item.register == "telegraphic"]
    assert sum(any(word in text for word in misspelt) for text in telegraphic) >= 5
    uncertain = re.compile(
        r"\?[a-z]|cannot be ruled out|suspect|\blikely|query|possib|perhaps|probab|cannot tell|must be excluded|to be excluded"
        r"|working diagnosis|worried about|i fear|is the concern|might be|may be|sounds like|fits\b",
        re.IGNORECASE,
    )
    assert sum(bool(uncertain.search(item.text)) for item in every) >= 30


def test_facts_name_the_page_that_shows_them():
    facts = seeds.knowledge()
    counts = Counter(fact.label for fact in facts)
    assert 32 <= len(facts) <= 48
    assert set(counts) == set(seeds.LABELS)
    assert min(counts.values()) >= 4
    assert len({fact.topic for fact in facts}) == len({fact.source for fact in facts}) == len(facts)
    assert {fact.licence for fact in facts} == {"CC-BY-4.0"}
    for fact in facts:
        assert 1 <= len(re.findall(r"[.!?](?=\s|$)", fact.text)) <= 3, fact.id
        assert re.match(r"https://github\.com/abachaa/MedQuAD/blob/[0-9a-f]{40}/", fact.source)


# --- the data card


def tables(text: str) -> list[list[list[str]]]:
    """The Markdown tables of a text: header and rows of cells."""
    found: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        found.append([cells[0], *cells[2:]])
    return found


@pytest.fixture(scope="module")
def card() -> str:
    return (seeds.DIRECTORY / "README.md").read_text("utf-8")


def test_the_card_counts_lines_labels_and_registers(card, every):
    files, fields, labels, registers, _ = tables(card)
    for name, _, count in files[1:]:
        assert len((seeds.DIRECTORY / name.strip("`")).read_text("utf-8").splitlines()) == int(count)
    assert {row[0].strip("`") for row in files[1:]} == {*seeds.FILES.values(), seeds.KNOWLEDGE}
    cards = "".join(path.read_text("utf-8") for path in seeds.DIRECTORY.glob("*.md"))
    assert all(f"`{path.name}`" in cards for path in seeds.DIRECTORY.glob("*.jsonl"))
    named = re.findall(r"`(\w+)`", " ".join(row[0] for row in fields[1:]))
    assert named == list(Seed.__dataclass_fields__)
    counts = Counter((item.label, item.kind) for item in every)
    assert labels == [["label", *seeds.KINDS], *([la, *(str(counts[la, k]) for k in seeds.KINDS)] for la in seeds.LABELS)]
    table = seeds.summary(every, ("kind", "register"))
    assert registers[1:] == [
        [row.kind, row.register, str(row[3]), f"{row.words:g}", str(row.shortest), str(row.longest)] for row in table.itertuples()
    ]


def test_the_card_tells_the_variety_that_is_there(card, every):
    table = tables(card)[4]
    told = {row[0]: row[1:] for row in table[1:]}
    assert table[0] == ["measure", *seeds.KINDS, "all"]
    for column, kind in enumerate(table[0][1:]):
        chosen = [item.text for item in every if kind in ("all", item.kind)]
        tokens = [words(text) for text in chosen]
        flat = [word for text in tokens for word in text]
        runs = [tuple(text[place : place + 3]) for text in tokens for place in range(len(text) - 2)]
        lengths = [len(text.split()) for text in chosen]
        assert told["words"][column] == str(len(flat))
        assert told["distinct words"][column] == str(len(set(flat)))
        assert told["type-token ratio"][column] == f"{len(set(flat)) / len(flat):.3f}"
        assert told["share of distinct runs of three words"][column] == f"{len(set(runs)) / len(runs):.3f}"
        assert told["median length"][column] == f"{statistics.median(lengths):g}"
        assert [told["shortest"][column], told["longest"][column]] == [str(min(lengths)), str(max(lengths))]
    assert float(told["type-token ratio"][0]) > 0.3


def test_the_card_tells_the_longest_shared_run_and_the_entries(card, every):
    longest = int(re.search(r"any two texts share is \*\*(\d+)\*\* words", card)[1])
    texts = [item.text for item in every]
    assert any(copied(text, texts[:place], longest) for place, text in enumerate(texts))
    assert not any(copied(text, texts[:place], longest + 1) for place, text in enumerate(texts))
    told = re.search(r"(\d+) of the (\d+) texts negate\s+something; there are (\d+) entries `present` and (\d+) `absent`", card)
    assert [int(number) for number in told.groups()] == [
        sum(bool(item.absent) for item in every),
        len(every),
        sum(len(item.present) for item in every),
        sum(len(item.absent) for item in every),
    ]


def test_the_card_says_plainly_who_wrote_the_texts(card):
    flat = " ".join(card.split())
    assert "written by a large language model, not by clinicians, and no clinician has reviewed them" in flat
    assert "No text is about a patient." in flat
    held = seeds.split(seeds.load("note"), 0)[1]
    assert f"A held-out part of a fifth has {len(held)} notes" in flat


# --- loading


def test_a_file_comes_back_as_it_was_written(every, tmp_path):
    for kind, name in seeds.FILES.items():
        rows = [json.loads(line) for line in (seeds.DIRECTORY / name).read_text("utf-8").splitlines()]
        items = [item for item in every if item.kind == kind]
        assert [{**vars(item), "present": list(item.present), "absent": list(item.absent)} for item in items] == rows
        (tmp_path / name).write_text(lines(*rows), "utf-8")
    assert seeds.load(directory=tmp_path) == every


def test_a_kind_can_be_read_alone_and_another_folder_may_lack_some(tmp_path):
    path = folder(tmp_path, dialogues=lines(DIALOGUE), notes=lines(NOTE))
    expected = Seed("a", "note", *["cardiology"] * 2, "soap", NOTE["text"], ("Chest pain",), ("no cough",))
    assert seeds.load("note", path) == (expected,)
    assert [item.id for item in seeds.load("", path)] == ["a", "b"]
    assert problems(path, "report") == [("reports.jsonl", None, None, "the file is missing")]


def test_a_folder_without_seeds_and_an_unknown_kind_are_refused(tmp_path):
    assert problems(tmp_path) == [(tmp_path.name, None, None, "the folder holds no seed texts")]
    with pytest.raises(UnknownNameError, match="choose one of: note, dialogue, report"):
        seeds.load("letter")


def test_windows_line_ends_and_a_missing_last_one_do_no_harm(tmp_path):
    text = lines(NOTE, {**NOTE, "id": "c", "text": "Chest pain, no cough, twice.\u2028Well."})
    path = folder(tmp_path, notes=text.replace("\n", "\r\n").removesuffix("\r\n"))
    assert [item.id for item in seeds.load("note", path)] == ["a", "c"]


@pytest.mark.parametrize(
    ("row", "key", "message"),
    [
        ("{", None, r"the line is no JSON \(Expecting property name"),
        ("", None, "the line is empty"),
        ("[1]", None, "the line is no JSON object"),
        ('{"id": "x", "id": "y"}', None, r"no JSON \(a field stands twice"),
        ("[" * 100_000, None, "no JSON"),
        ({key: value for key, value in NOTE.items() if key != "register"}, "a: register", "the field is missing"),
        ({**NOTE, "age": 4}, "a: age", "there is no such field"),
        ({**NOTE, "id": 7}, "id", "7 is no text"),
        ({**NOTE, "id": ""}, "id", "the field is empty"),
        ({**NOTE, "text": "  "}, "a: text", "the field is empty"),
        ({**NOTE, "text": NOTE["text"] + " "}, "a: text", "begins or ends with white space"),
        ({**NOTE, "text": "chest pain no cough \ud800 x"}, "a: text", "half of a surrogate pair"),
        ({**NOTE, "text": None}, "a: text", "null is no text"),
        ({**NOTE, "present": "Chest pain"}, "a: present", '"Chest pain" is no list'),
        ({**NOTE, "present": [1]}, "a: present", "1 is no text"),
        ({**NOTE, "absent": [""]}, "a: absent", "the field is empty"),
        ({**NOTE, "present": ["fever"]}, "a: present", "'fever' does not occur in the text"),
        ({**NOTE, "absent": ["chest  PAIN"]}, "a: absent", "'chest pain' is listed as present, too"),
        ({**NOTE, "kind": "letter"}, "a: kind", "'letter' is unknown"),
        ({**NOTE, "kind": "report"}, "a: kind", "a report in the file of kind note"),
        ({**NOTE, "label": "surgery", "specialty": "surgery"}, "a: label", "'surgery' is unknown"),
        ({**NOTE, "specialty": "neurology"}, "a: specialty", "'neurology' is not the label 'cardiology'"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path, row, key, message):
    good = {**NOTE, "id": "z", "text": "Chest pain; no cough today."}
    (found,) = problems(folder(tmp_path, notes=lines(good, row)))
    assert found[:3] == ("notes.jsonl", 2, key)
    assert re.search(message, found[3])


@pytest.mark.parametrize(
    "text",
    [
        "Doctor: Chest pain?\nNo cough",
        "Nurse: No cough",
        "Doctor:\nPatient: no cough",
        "Doctor: no cough\n\nPatient: x",
        "Doctor: \nPatient: no cough",
    ],
)
def test_a_dialogue_names_the_speaker_of_every_line(tmp_path, text):
    (found,) = problems(folder(tmp_path, dialogues=lines({**DIALOGUE, "text": text})))
    assert found[:3] == ("dialogues.jsonl", 1, "b: text")
    assert found[3].endswith("names no speaker")


def test_identifiers_and_texts_may_not_occur_twice_over_all_files(tmp_path):
    again = {**DIALOGUE, "id": "a", "text": "Doctor: no cough?\nPatient: none."}
    path = folder(tmp_path, notes=lines(NOTE, {**NOTE, "id": "c", "text": NOTE["text"].upper()}), dialogues=lines(again))
    assert problems(path) == [
        ("dialogues.jsonl", 1, "id", "'a' is used twice, first in notes.jsonl:1"),
        ("notes.jsonl", 2, "c: text", "the same text as a"),
    ]
    assert [item.id for item in seeds.load("dialogue", path)] == ["a"]


def test_all_problems_are_told_at_once_in_the_order_of_the_lines(tmp_path):
    path = folder(tmp_path, notes=lines("x", {**NOTE, "present": ["y", "z"]}, {}, {**NOTE, "id": "d", "kind": "q", "label": 1}))
    found = problems(path)
    assert [line for _, line, _, _ in found] == [1, 2, 2, *[3] * len(NOTE), 4]
    with pytest.raises(
        InputError, match=r"notes\.jsonl:2: \[a: present\] 'y' does not occur .* -> write it in words of the text"
    ):
        seeds.load("note", path)


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf{}\n", b"\xff\n", b"{\x00}\n"])
def test_a_file_that_is_no_text_is_refused(tmp_path, data):
    (tmp_path / "notes.jsonl").write_bytes(data)
    (found,) = problems(tmp_path)
    assert found[0] == "notes.jsonl"


@given(st.text(max_size=60))
def test_any_line_is_read_or_named(line):
    """Nothing but an InputError comes out, whatever stands in the file."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "notes.jsonl").write_bytes(line.encode("utf-8", "surrogatepass"))
        with pytest.raises(InputError):
            seeds.load("note", Path(name))


def test_facts_come_back_as_they_were_written(tmp_path):
    assert seeds.knowledge(folder(tmp_path, knowledge=lines(FACT))) == (Fact(**FACT),)
    rows = [json.loads(line) for line in (seeds.DIRECTORY / "knowledge.jsonl").read_text("utf-8").splitlines()]
    assert [vars(fact) for fact in seeds.knowledge()] == rows


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"source": "http://example.org"}, "f: source"),
        ({"source": "a book"}, "f: source"),
        ({"read": "yesterday"}, "f: read"),
        ({"read": "2026-13-01"}, "f: read"),
        ({"label": "surgery"}, "f: label"),
        ({"text": ""}, "f: text"),
        ({"topic": ["a"]}, "f: topic"),
    ],
)
def test_a_fact_that_cannot_be_used_is_named(tmp_path, change, key):
    with pytest.raises(InputError) as caught:
        seeds.knowledge(folder(tmp_path, knowledge=lines({**FACT, **change})))
    (problem,) = caught.value.problems
    assert (Path(problem.file).name, problem.line, problem.key) == ("knowledge.jsonl", 1, key)
    with pytest.raises(InputError, match="is missing"):
        seeds.knowledge(tmp_path / "elsewhere")


# --- dividing and counting


def some(label: str, count: int, kind: str = "note") -> list[Seed]:
    return [Seed(f"{kind}-{label}-{place}", kind, label, label, "soap", f"text {place}") for place in range(count)]


@pytest.mark.parametrize(
    ("size", "share", "held"), [(10, 0.2, 2), (13, 0.2, 3), (3, 0.2, 1), (2, 0.9, 1), (1, 0.9, 0), (4, 0.5, 2)]
)
def test_a_share_of_each_label_and_kind_is_held_out(size, share, held):
    items = some("cardiology", size) + some("neurology", size) + some("neurology", size, "report")
    train, held_out = seeds.split(items, 3, share)
    expected = {("note", "cardiology"): held, ("note", "neurology"): held, ("report", "neurology"): held}
    assert Counter((item.kind, item.label) for item in held_out) == {key: count for key, count in expected.items() if count}
    assert sorted([*train, *held_out], key=lambda item: item.id) == sorted(items, key=lambda item: item.id)


@given(st.permutations(range(30)), st.integers(0, 2**31 - 1))
def test_the_division_does_not_depend_on_the_order(order, seed):
    items = some("cardiology", 10) + some("psychiatry", 20)
    assert seeds.split([items[place] for place in order], seed) == seeds.split(items, seed)


def test_another_seed_divides_in_another_way_and_every_text_gets_its_turn(every):
    notes = [item for item in every if item.kind == "note"]
    held = [frozenset(item.id for item in seeds.split(notes, seed)[1]) for seed in range(60)]
    assert len(set(held)) == 60
    turns = Counter(name for part in held for name in part)
    assert set(turns) == {item.id for item in notes}
    expected = 60 * 3 / 13
    assert statistics.mean(turns.values()) == pytest.approx(expected)
    assert statistics.pvariance(turns.values()) == pytest.approx(expected * (1 - 3 / 13), rel=0.4)


def test_the_division_is_the_same_in_another_process():
    code = "from review.generators import seeds; print([item.id for item in seeds.split(seeds.load(), 5)[1]])"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": "7"})
    assert ran.stdout.strip() == str([item.id for item in seeds.split(seeds.load(), 5)[1]])


@pytest.mark.parametrize("share", [0, 1, -0.1, 2, float("nan")])
def test_a_share_must_leave_something_on_both_sides(share):
    with pytest.raises(OptionError, match="choose a number between 0 and 1"):
        seeds.split([], 0, share)


def test_nothing_divides_into_nothing():
    assert seeds.split([], 0) == ((), ())


def test_a_summary_counts_texts_and_words():
    items = [*some("neurology", 2), *some("cardiology", 1), *some("cardiology", 1, "report")]
    items.append(Seed("x", "note", "cardiology", "cardiology", "letter", "one two three four five"))
    expected = pd.DataFrame(
        [("note", "cardiology", 2, 3.5, 2, 5), ("note", "neurology", 2, 2.0, 2, 2), ("report", "cardiology", 1, 2.0, 2, 2)],
        columns=["kind", "label", "count", "words", "shortest", "longest"],
    )
    pd.testing.assert_frame_equal(seeds.summary(items), expected)
    assert seeds.summary(items, ["register"])[["register", "count"]].to_numpy().tolist() == [["letter", 1], ["soap", 4]]
    assert seeds.summary(items, []).to_numpy().tolist() == [[5, 2.0, 2, 5]]
    assert list(seeds.summary([]).columns) == list(expected.columns)
    with pytest.raises(UnknownNameError, match="no group of seed texts named 'text'"):
        seeds.summary(items, ["text"])


def test_reading_seeds_imports_no_heavy_library():
    code = (
        "import sys; from review.generators import seeds; seeds.load(); seeds.knowledge(); "
        "print(sorted({'pandas', 'torch', 'sklearn', 'transformers'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"

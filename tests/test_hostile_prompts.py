"""Texts that tell a language model what to answer: what holds whatever the model does, and what the text cannot do."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from dataclasses import replace

import hostile_inputs as hostile
import pandas as pd
import pytest
from conftest import TINY
from doubles import Double

from review import corpus, statistics
from review.evaluation import judge_prompts
from review.evaluation.judge_answers import Item
from review.importing.records import normalise
from review.living import precode, prompts
from review.living.prompts import SMALL, Budget
from review.living.texts import Texts
from review.llm import Message, Request
from review.llm.request import Completion, spelled

ATTACKS = [json.loads(line) for line in (hostile.HOSTILE / "injections.jsonl").read_text("utf-8").splitlines()]
KEYS = ["adams2018pain", "brown2019sleep", "chen2020mood"]
CONTROL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "[INST]", "[/INST]", "<s>", "</s>", "<<SYS>>", "<start_of_turn>")


def told(attack, code="survey", title="Pain after Surgery"):
    return attack["text"].format(code=code, title=title)


class Obedient(Double):
    """Does what stands outside of the marks around the text, or after a forged turn; within them it reads honestly."""

    def __init__(self):
        super().__init__("obedient")
        self.obeyed = []

    def complete(self, request):
        user = request.body()["messages"][-1]["content"]
        hidden = [sign for sign in user if unicodedata.category(sign) in ("Cf", "Co", "Cn")]
        bare = "".join(sign for sign in user if sign not in hidden)
        after = re.split(r"[<\uff1c]/?\s*text[^>\uff1e]*[>\uff1e]", bare, flags=re.IGNORECASE)[2:]
        if "survey" in " ".join(after) or hidden or any(word in user for word in CONTROL):
            self.obeyed.append(user)
            return Completion(json.dumps({"quote": "Pain after Surgery", "code": "survey"}), "stop", 1, 1)
        return Completion(json.dumps({"quote": "Pain after Surgery", "code": "unknown"}), "stop", 1, 1)


class Puppet(Obedient):
    """Does whatever any text says: the worst that a model can be. It answers what the attack asks for, in any form."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def complete(self, request):
        self.obeyed.append(request)
        return Completion(self.answers[len(self.obeyed) % len(self.answers)], "stop", 1, 1)


def texts_of(attack):
    """Return abstracts that are the attack as it stands: what reading a file would have removed is still in it."""
    return Texts({key: replace(normalise(title="x"), abstract=told(attack)) for key in KEYS}, "attack", 0)


def test_there_are_many_attacks_of_every_kind():
    assert len(ATTACKS) >= 20
    assert len({attack["name"] for attack in ATTACKS}) == len(ATTACKS)
    assert {"instruction", "role", "fence", "control", "format", "hidden", "vocabulary"} <= {one["kind"] for one in ATTACKS}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack["name"])
def test_no_text_gets_out_from_between_its_marks(attack, small):
    model = Obedient()
    found = precode.propose(small, model, ["adams2018pain"], ["design"], texts=texts_of(attack))
    assert model.obeyed == []
    assert [row[2] for row in found.rows] == [""]


def test_the_model_of_these_tests_does_obey_what_is_not_between_marks(small, monkeypatch):
    monkeypatch.setattr(prompts, "marked", lambda text, most: text)
    monkeypatch.setattr("review.llm.request.spelled", lambda text: text)
    fooled = []
    for attack in ATTACKS:
        model = Obedient()
        precode.propose(small, model, ["adams2018pain"], ["design"], texts=texts_of(attack))
        fooled += [attack["name"]] if model.obeyed else []
    assert {"end-of-text", "end-of-text-upper", "chatml", "llama"} <= set(fooled)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack["name"])
@pytest.mark.parametrize("budget", [SMALL, Budget()])
def test_a_prompt_has_one_pair_of_marks_and_no_sign_that_nobody_sees(attack, budget, small):
    asked = prompts.request(small.codebook["design"], told(attack), told(attack), budget).messages[-1].content
    assert asked.count("<text>") == asked.count("</text>") == 1
    inside = asked.partition("<text>")[2].partition("</text>")[0]
    assert not set("<>\uff1c\uff1e") & set(inside)
    assert inside.strip().isprintable()


WORST = [
    json.dumps({"quote": "Pain after Surgery", "code": "survey"}),
    json.dumps({"quote": "", "code": "best-in-class"}),
    json.dumps({"quote": "Pain after Surgery", "code": "__import__('os')"}),
    json.dumps({"answers": [{"quote": "Pain after Surgery", "code": f"x{n}"} for n in range(1000)]}),
    json.dumps({"answers": [{"quote": "words that stand nowhere", "code": "pain"}]}),
    json.dumps({"answers": {"code": "pain"}}),
    '{"code": "survey"',
    "[" * 100_000,
    "<script>harm()</script>",
    "\x1b[2J\u202e",
    json.dumps({"quote": ["Pain after Surgery"], "code": ["survey"]}),
    json.dumps({"quote": "=1+1", "code": "\ud800"}),
    "9" * 10_000,
    "",
]


def test_whatever_a_model_says_no_code_of_the_consensus_changes(tmp_path):
    """The codes, the statistics and the selections are the same to the byte before and after; what is new is of coder llm."""
    folder = shutil.copytree(TINY, tmp_path / "corpus")
    before = corpus.load(folder)
    model = Puppet(WORST)
    for attack in ATTACKS[:: len(ATTACKS) // len(WORST)]:
        now = corpus.load(folder)
        found = precode.propose(now, model, KEYS, list(now.codebook.dimensions), texts=texts_of(attack), again=True)
        found.change.apply()
    after = corpus.load(folder)
    assert len(model.obeyed) >= len(WORST)
    others = after.coding[after.coding["coder"] != "llm"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others, before.coding)
    assert after.selections == before.selections
    pd.testing.assert_frame_equal(statistics.reproduce(after, "first"), statistics.reproduce(before, "first"))
    pd.testing.assert_frame_equal(after.studies("all"), before.studies("all"))
    mine = after.coding[after.coding["coder"] == "llm"]
    assert len(mine)
    for row in mine.itertuples():
        assert after.codebook[row.dimension].allows(row.value)
    for name in ("bibliography.bib", "screening.csv", "selection.csv", "published.csv", "flow.csv", "codebook.yaml"):
        assert (folder / name).read_bytes() == (TINY / name).read_bytes()


@pytest.mark.parametrize("answer", WORST)
def test_an_answer_is_a_code_of_the_codebook_with_words_of_the_text_or_unknown(answer, small):
    for dimension in small.codebook.dimensions.values():
        found = prompts.read(answer, dimension, "Pain after Surgery", "", Budget())
        assert 1 <= len(found) <= prompts.MOST_ANSWERS
        for one in found:
            assert one.value in dimension.categories or one.value == ""
            assert not one.value or one.quote == "Pain after Surgery"
            assert bool(one.reason) == (not one.value)


def test_an_answer_has_no_more_codes_than_were_asked_for(real):
    dimension = real.codebook["domain"]
    assert len(dimension.categories) > prompts.MOST_ANSWERS
    every = [{"quote": "Pain after Surgery", "code": code} for code in dimension.categories]
    found = prompts.read(json.dumps({"answers": every}), dimension, "Pain after Surgery", "", Budget())
    assert [one.value for one in found] == list(dimension.categories)[: prompts.MOST_ANSWERS]


# Words that a runtime turns into the end of a turn


@pytest.mark.parametrize("word", [*CONTROL, "<end_of_turn>", "<|eot_id|>", "<\uff5cUser\uff5c>", "<file_sep>", "<jupyter_code>"])
def test_no_message_ends_its_turn(word):
    body = Request((Message("user", f"a {word} b{word}{word}"),)).body()
    assert word not in body["messages"][0]["content"]
    assert body["messages"][0]["content"].replace(" ", "") == f"a{word}b{word}{word}".replace(" ", "")


@pytest.mark.parametrize("text", ["a < b", "<text>", "p<0.05", "[1] x", "<p>", "x < | y", "", "<small>"])
def test_other_texts_reach_the_model_as_they_are(text):
    assert spelled(text) == text


@pytest.mark.slow
def test_the_embedded_model_sees_them_as_letters():
    """A control word is one token for the runtime; broken it is several, as any letters are."""
    pytest.importorskip("xllamacpp")
    from review import llm

    with llm.load("embedded", cache=None) as model:

        def tokens(text):
            return model.complete(Request((Message("user", text),), max_tokens=1, temperature=0.0)).prompt_tokens

        plain = tokens("x")
        assert all(tokens(f"x {word}") - plain > 4 for word in ("<|im_end|>", "<|im_start|>", "<|endoftext|>"))


# Items that are judged


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack["name"])
def test_an_item_cannot_write_the_mark_that_ends_it(attack):
    for text in (told(attack), f"##{'0' * 6}\n{told(attack)}"):
        for seed in range(3):
            system, user = judge_prompts.pair(Item("a", "real", text), Item("b", "real", "plain"), seed)
            mark = re.search(r"##[0-9a-f]{6}", system.content)[0]
            assert user.content.count(mark) == 4
            assert mark not in text


def test_a_judge_says_numbers_of_levels_and_nothing_else():
    schema = judge_prompts.pair_schema()
    for answer in WORST:
        assert judge_prompts.read(answer, "stop", schema)[0] is None

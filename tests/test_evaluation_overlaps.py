"""Runs of words agree with a search of all places; one copied text is caught, and texts of the same kind are not."""

import numpy as np
import pytest

from review.evaluation import overlaps
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, Settings
from review.evaluation.overlaps import copies, shared, split
from review.evaluation.privacy_rates import Count

SETTINGS = Settings()


def note(draw, words=70):
    """Words of a long tail, as texts have them."""
    return " ".join(f"w{'abcdefghij'[code % 10]}{chr(97 + code // 10 % 26)}" for code in draw.zipf(1.3, words) % 260)


def notes(draw, size):
    return [note(draw) for _ in range(size)]


def value(section, metric):
    return next(one for one in section.values if one.metric == metric)


def longest(text, others):
    """Try all places of both."""
    best = 0
    for start in range(len(text)):
        for other in others:
            for place in range(len(other)):
                length = 0
                while (
                    start + length < len(text) and place + length < len(other) and text[start + length] == other[place + length]
                ):
                    length += 1
                best = max(best, length)
    return best


def test_longest_runs_are_those_of_a_full_search():
    draw = np.random.default_rng(0)
    for _ in range(60):
        real, others = (
            [[str(code) for code in draw.integers(0, 3, draw.integers(0, 12))] for _ in range(draw.integers(1, 6))] for _ in "ab"
        )
        own, found = shared(real, others)
        assert found.longest.tolist() == [longest(text, real) for text in others]
        assert own.longest.tolist() == [longest(text, real[:place] + real[place + 1 :]) for place, text in enumerate(real)]
        for text, length, begin in zip(others, found.longest, found.begins, strict=True):
            assert longest(text[begin : begin + length], real) == length


def test_words_in_copied_runs_by_hand():
    real = [split("one two three four five six seven eight nine ten")]
    text = "x ONE, two three four five six seven eight! y two three four five six seven eight nine z three four"
    found = shared(real, [split(text), []])[1]
    assert found.longest.tolist() == [8, 0]
    assert found.begins.tolist()[0] == 1
    assert found.words.tolist() == [21, 0]
    assert found.copied.tolist() == [16, 0]
    assert found.share == 16 / 21
    # a run does not go on from one text into the next
    assert shared([["a", "b"], ["c", "d"]], [["b", "c"]])[1].longest.tolist() == [1]


def test_whole_texts_are_counted_word_by_word():
    long = "a b c d e f g h"
    texts = {
        "real": [split(long), split(long), split("i j k l m n o p")],
        "synthetic": [split(long.upper()), split("a b"), split(long + " i")],
    }
    assert copies(texts) == {"real": Count(2, 3), "synthetic": Count(1, 2)}


def test_one_copy_of_a_hundred_texts_is_caught_with_and_without_held_out_texts():
    draw = np.random.default_rng(1)
    real, synthetic, held = notes(draw, 100), notes(draw, 99), notes(draw, 50)
    copied = [*synthetic, real[42].upper().replace(" ", ",  ")]
    for more in ({}, {"holdout": held}):
        section = overlaps.measure({"real": real, "synthetic": copied, **more}, SETTINGS)
        assert section.grades[0].grade == FAIL
        assert set(section.grades[0].decided_by) == {"text_copies", "run_50"}
        assert value(section, "text_copies").value == 0.01
    rows = section.tables["longest runs"]
    assert rows[0]["words"] == 70
    assert len(rows[0]["run"]) == 200
    assert len(rows) <= 3


def test_a_long_part_of_a_real_text_is_caught():
    draw = np.random.default_rng(2)
    real, synthetic, held = notes(draw, 60), notes(draw, 60), notes(draw, 60)
    part = " ".join(real[7].split()[10:60])
    section = overlaps.measure(
        {"real": real, "synthetic": [*synthetic, f"{note(draw, 9)} {part} {note(draw, 9)}"], "holdout": held}, SETTINGS
    )
    assert section.grades[0].decided_by == ("run_50",)
    assert value(section, "text_copies").verdict == PASS


def test_phrases_that_many_synthetic_texts_took_over_are_caught():
    draw = np.random.default_rng(3)
    real, held = notes(draw, 60), notes(draw, 60)
    synthetic = [f"{note(draw, 30)} {' '.join(real[place].split()[:12])} {note(draw, 30)}" for place in range(60)]
    section = overlaps.measure({"real": real, "synthetic": synthetic, "holdout": held}, SETTINGS)
    assert section.grades[0].decided_by == ("run_8",)
    assert value(section, "copied_words").value > value(section, "copied_words").baseline_high
    assert "longest of all" in value(section, "longest_run").note


def test_texts_of_the_same_kind_pass_in_nearly_all_trials():
    passed = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        parts = {"real": notes(draw, 60), "synthetic": notes(draw, 60), **({"holdout": notes(draw, 40)} if seed % 2 else {})}
        grade = overlaps.measure(parts, Settings(seed=seed)).grades[0].grade
        assert grade != FAIL
        passed += grade == PASS
    assert passed >= 18


def test_texts_that_repeat_anyway_may_repeat():
    """Normal findings are dictated in the same words: they are no copies of a person's text."""
    draw = np.random.default_rng(4)
    form = note(draw)
    texts = [[form if draw.random() < 0.3 else note(draw) for _ in range(size)] for size in (80, 80, 60)]
    for parts in (dict(zip(("real", "synthetic", "holdout"), texts, strict=True)), {"real": texts[0], "synthetic": texts[1]}):
        section = overlaps.measure(parts, SETTINGS)
        assert section.grades[0].grade == PASS
        assert value(section, "text_copies").value > 0.15
    # held out texts without the form do not forbid what real texts have several times
    section = overlaps.measure({"real": texts[0], "synthetic": texts[1], "holdout": notes(draw, 60)}, SETTINGS)
    assert value(section, "text_copies").verdict == PASS


def test_short_texts_have_no_long_runs_and_no_words_no_grade():
    draw = np.random.default_rng(5)
    section = overlaps.measure({"real": notes(draw, 30), "synthetic": [note(draw, 20) for _ in range(30)]}, SETTINGS)
    assert value(section, "run_50").verdict == ""
    assert "no synthetic text has 50 words" in value(section, "run_50").note
    section = overlaps.measure({"real": ["a b"] * 20, "synthetic": ["c d"] * 20}, SETTINGS)
    assert section.grades[0].grade == NOT_ASSESSABLE
    assert "8 words" in section.grades[0].reason


def test_many_words_are_drawn_from_but_whole_copies_are_found(monkeypatch):
    monkeypatch.setattr(overlaps, "WORDS", {"real": 700, "synthetic": 350, "holdout": 10})
    draw = np.random.default_rng(6)
    real = notes(draw, 60)
    section = overlaps.measure({"real": real, "synthetic": [*notes(draw, 59), real[0]], "holdout": notes(draw, 20)}, SETTINGS)
    assert section.notes == (
        "Runs of words: 10 of 60 real texts.",
        "Runs of words: 5 of 60 synthetic texts.",
        "Runs of words: 1 of 20 holdout texts.",
    )
    assert value(section, "text_copies").verdict == FAIL
    assert value(section, "run_8").synthetic == 5


def test_examples_cover_identifiers_and_figures():
    text = "seen by Dr. Alice Walker on the ward with 12 beds and mail to alice@walker.org for more about all of it"
    section = overlaps.measure({"real": [text] * 9 + ["a b c d e f g h i"], "synthetic": [text]}, SETTINGS)
    run = section.tables["longest runs"][0]["run"]
    assert run.startswith("seen by Dr. Al••• •••••• on the ward with •• beds")
    assert "walker" not in run.lower()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_values(seed):
    draw = np.random.default_rng(7)
    parts = {"real": notes(draw, 30), "synthetic": notes(draw, 30)}
    assert overlaps.measure(parts, Settings(seed=seed)) == overlaps.measure(parts, Settings(seed=seed))

"""Words, runs of words and BLEU against all others: by hand, and equal to what sacrebleu and textstat return."""

import math
import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer

from review.evaluation import baseline, text_form
from review.evaluation.metrics import Settings
from review.evaluation.text_bleu import ORDERS, self_bleu
from review.evaluation.text_diversity import distinct, repeats
from review.evaluation.text_words import Once, Rows, cut, fewest, scaled, weights, words
from review.generators import seeds


def bleu(texts):
    made = cut([" ".join(text) for text in texts], len(texts))
    return self_bleu([made.bag(order) for order in ORDERS], made.words.lengths)


def test_words_keep_marks_inside_and_lose_those_around():
    assert words("BP 148/86, (old) follow-up: +4 cm!") == ["bp", "148/86", "old", "follow-up", "4", "cm"]
    assert words(" - ... \n") == []
    assert words("Don't_") == ["don't"]


def test_runs_of_words_do_not_cross_texts():
    made = cut(["a b a b", "", "b", "a b c"], 4)
    assert made.vocabulary == ("a", "b", "c")
    assert made.words.ids.tolist() == [0, 1, 0, 1, 1, 0, 1, 2]
    pairs = made.grams(2)  # a b, b a, a b; none; none; a b, b c
    assert (pairs.lengths.tolist(), pairs.kinds) == ([3, 0, 0, 2], 3)
    assert pairs.ids.tolist() == [0, 1, 0, 0, 2]
    assert made.bag(2).toarray().tolist() == [[2, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 1]]
    assert made.grams(4).lengths.tolist() == [1, 0, 0, 0]
    assert cut(["a"], 1).grams(4).kinds == 0
    assert made.grams(2) is pairs


def test_runs_equal_those_counted_one_by_one():
    draw = random.Random(3)
    texts = [" ".join(draw.choices("abc", k=draw.randrange(9))) for _ in range(40)]
    made = cut(texts, 40)
    for order in (2, 3, 4):
        rows, names = made.grams(order), {}
        for place, text in enumerate(texts):
            parts = text.split()
            runs = [tuple(parts[begin : begin + order]) for begin in range(len(parts) - order + 1)]
            for run, number in zip(runs, rows.of(np.array([place])).tolist(), strict=True):
                assert names.setdefault(run, number) == number
        assert len(names) == len(set(names.values())) == rows.kinds


def test_numbers_of_chosen_texts_stand_in_the_order_of_their_places():
    rows = Rows(np.array([5, 6, 7, 8]), np.array([0, 1, 1, 4]), 9)
    assert rows.of(np.array([2, 1, 0])).tolist() == [6, 7, 8, 5]
    assert rows.of(np.array([], dtype=int)).tolist() == []


def test_the_fewest_words_of_any_part_of_any_deal():
    settings = Settings(deals=20)
    made = cut(["a b c"] * 25 + ["a b"] * 12 + [""] + ["a"] * 12, 25)
    size = baseline.sizes(25, 25, settings.most).other
    low = min(made.words.lengths[25 + other].sum() for _, _, other in baseline.deals(25, 25, settings))
    assert size == 12
    assert fewest(made.words, made, settings) == low < 24
    short = cut(["a"] * 25 + ["a b"] * 25, 25)  # the reference part has 13 words, the second part 12
    assert fewest(short.words, short, settings) == fewest(short.words, short, settings, alike=False) == 12


def test_what_is_made_of_one_reference_part_is_kept():
    made = []
    once = Once(lambda places: made.append(len(places)) or len(places))
    one, other = np.arange(3), np.arange(3)
    assert (once(one), once(one), once(other)) == (3, 3, 3)
    assert made == [3, 3]


def test_weights_are_those_of_scikit_learn():
    made = cut(["a b b c", "a c", "a d d d e", "f"], 2)
    held, part = made.bag()[:2], made.bag()[2:]
    model = TfidfTransformer().fit(held)
    for bag in (held, part):
        assert scaled(bag, weights(held)).toarray() == pytest.approx(model.transform(bag).toarray())
    assert scaled(cut(["", "a"], 1).bag(), np.ones(1)).toarray().tolist() == [[0], [1]]


def test_bleu_by_hand():
    # "a b c d" beside "a b x d": 3 of 4 words, 1 of 3 pairs, 0 of 2 triples (1/2 of one), 0 of 1 (1/4 of one)
    found = bleu([["a", "b", "c", "d"], ["a", "b", "x", "d"]])
    assert found == pytest.approx([(3 / 4 * 1 / 3 * 1 / 4 * 1 / 4) ** 0.25] * 2)
    # shorter than the other: one word of one, times exp(1 - 2/1)
    assert bleu([["a"], ["a", "b"]])[0] == pytest.approx(math.exp(-1))
    assert bleu([["a", "a", "b"], ["a", "b", "b"], ["z"]])[2] == 0
    assert bleu([["a", "b", "c"]] * 3) == pytest.approx([1, 1, 1])
    assert bleu([[], []]).tolist() == [0, 0]


def test_bleu_is_that_of_sacrebleu():
    # sacrebleu 2.6.0, BLEU(tokenize="none", effective_order=True, smooth_method="exp").sentence_score(text, all others) / 100
    expected = """0.3799178428257963 0.3390170559802228 0.0 0.4889230224349009 1.0000000000000004 0.5000000000000001
    1.0000000000000004 0.7937005259841002 1.0000000000000004 0.0 0.7937005259841002 0.2540663740773074 1.0000000000000004
    0.7937005259841002 0.3060368950930089 0.18759202316167214 0.0 0.45180100180492266 0.25965358893403395 0.0
    1.0000000000000004 1.0000000000000004 0.3508439695638686 0.37991784282579666 0.7937005259841002 0.32466791547509893
    0.49999999999999994 0.0 0.29982213893423376 0.4728708045015882 1.0000000000000004 1.0000000000000004 0.0
    0.1597357760615681 0.0"""
    draw = random.Random(7)
    lengths = [0, 1, 2, 3, 4, 5, 8, 12, 20]
    texts = [[draw.choice("abcdefg") for _ in range(draw.choice(lengths))] for _ in range(30)]
    texts += [texts[20], texts[21], ["z"] * 6, ["y", "y", "y", "a"], ["q"]]
    assert bleu(texts) == pytest.approx([float(number) for number in expected.split()], abs=1e-12)


def test_bleu_of_the_notes_is_that_of_sacrebleu():
    # as above, mean over the 104 notes, on the words that this package finds
    found = bleu([words(seed.text) for seed in seeds.load("note")])
    assert len(found) == 104
    assert found.mean() == pytest.approx(0.059200409973244945, abs=1e-12)


def test_distinct_and_repeats_by_hand():
    assert distinct(np.array([1, 1, 2, 3])) == 0.75
    assert math.isnan(distinct(np.array([])))
    made = cut(["No fever.", "no fever", "Fever", "", "", "NO FEVER!"], 3)
    assert repeats(made, np.arange(6)) == 2
    assert repeats(made, made.real) == 1


def test_the_coleman_liau_index_of_its_own_abstract():
    # 639 letters or digits, 119 words and 5 sentences: grade 14.5
    assert text_form.coleman_liau(639, 119, 5) == pytest.approx(14.5, abs=0.05)


def test_readability_is_that_of_textstat():
    # textstat 0.7.13: automated_readability_index; its coleman_liau_index, which has 0.058 for 0.0588, gives 3.8 and 4.6667
    one = "The patient slept well. No fever was seen today. She will go home tomorrow morning."
    other = "Bloods taken on arrival were normal, and the chest film was clear! Has the cough settled since then? "
    other += "It has not settled at all."
    letters = {one: 440, other: 41666.6667 / 100}  # for 100 words: 66 of 15 and 100 of 24
    expected = {one: (2.736, 3.8), other: (2.98, 4.666667)}
    for text, (first, second) in expected.items():
        found = text_form.readability(text)
        assert found[0] == pytest.approx(first)
        assert found[1] - 0.0008 * letters[text] == pytest.approx(second, abs=1e-5)
    assert all(math.isnan(index) for index in text_form.readability(" - "))


def test_readability_by_hand():
    # 10 characters, 8 letters, 3 words, 2 sentences
    assert text_form.sentences("Ab cd.\nEfgh!") == 2
    assert text_form.readability("Ab cd.\nEfgh!") == pytest.approx(
        (4.71 * 10 / 3 + 0.5 * 3 / 2 - 21.43, 5.88 * 8 / 3 - 29.6 * 2 / 3 - 15.8)
    )


def test_sentences_end_at_marks_and_lines():
    assert text_form.sentences("Temp 38.5 today. Seen.\n\nHome soon") == 3
    assert text_form.sentences("... !\n") == 0

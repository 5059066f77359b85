"""The card of texts: each formula by hand or by another library, and known faults found where they are."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.sparse import csr_matrix
from scipy.spatial.distance import jensenshannon
from sklearn.feature_extraction.text import TfidfVectorizer

from review.evaluation import shares, text, text_content, text_detection, text_diversity, text_form, text_labels, text_terms
from review.evaluation import text_words as tw
from review.evaluation.inputs import Column, Pair
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, SHOWN, UNCLEAR, Settings, catalogue
from review.generators import seeds

QUICK = Settings(deals=40)
NOTES = [(seed.text, seed.label) for seed in seeds.load("note")]


def given(section):
    return section.values


def pair(real, synthetic, label="label"):
    def frame(rows):
        labels = pd.Categorical([name for _, name in rows], categories=list(seeds.LABELS))
        return pd.DataFrame({"text": pd.Series([said for said, _ in rows], dtype="str"), "label": labels})

    columns = (Column("text", "text"), Column("label", "class"))
    return Pair("text", frame(real), frame(synthetic), None, columns, "text", label)


def grades(section):
    return {item.aspect: item.grade for item in section.grades}


def values(section):
    found = {(item.metric, item.subject): item for item in given(section)}
    assert len(found) == len(given(section))
    return found


@pytest.fixture(scope="module")
def halves():
    order = np.random.default_rng(1).permutation(len(NOTES))
    return pair([NOTES[place] for place in order[:52]], [NOTES[place] for place in order[52:]])


@pytest.fixture(scope="module")
def whole(halves):
    return text.measure(halves, QUICK)


# whole cards


def test_disjoint_halves_of_real_notes_pass_everything(whole):
    assert grades(whole) == dict.fromkeys(("form", "diversity", "content", "text detection"), PASS)
    assert "small sample: 26 and 26 texts" in whole.notes[1]
    assert all(item.real and item.synthetic and item.interval and item.against for item in given(whole))


def test_every_value_has_a_metric_and_lies_in_its_range(whole):
    known = catalogue(text.METRICS)
    for item in given(whole):
        metric = known[item.metric]
        assert metric.family == "intrinsic"
        assert metric.low <= item.low <= item.value <= item.high <= metric.high
    assert {item.metric for item in given(whole)} == set(known) - {"perplexity", "perplexity_gap"}


def test_the_same_seed_gives_the_same_card_and_another_one_another(halves, whole):
    assert text.measure(halves, QUICK) == whole
    assert given(text.measure(halves, Settings(deals=40, seed=1))) != given(whole)


def test_a_bootstrap_copy_fails_in_diversity_alone():
    draw = np.random.default_rng(1)
    copy = [NOTES[place] for place in draw.integers(0, len(NOTES), len(NOTES))]
    section = text.measure(pair(NOTES, copy), QUICK)
    assert grades(section) == {"form": PASS, "diversity": FAIL, "content": PASS, "text detection": PASS}
    found = values(section)
    assert found["repeats", ""].value == pytest.approx(1 - len(set(copy)) / len(copy), abs=1e-6)  # 35 of 104: 1/e is expected
    assert found["repeats", ""].verdict == found["self_bleu_gap", ""].verdict == FAIL
    assert found["self_bleu", ""].value > 2 * found["self_bleu", ""].baseline_high


def test_noise_fails_in_form_content_and_detection():
    draw = np.random.default_rng(2)
    letters = list("abcdefghijklmnop")
    noise = [
        (" ".join("".join(draw.choice(letters, draw.integers(3, 12))) for _ in range(draw.integers(20, 60))), label)
        for _, label in NOTES[:60]
    ]
    section = text.measure(pair(NOTES, noise), QUICK)
    assert grades(section) == dict.fromkeys(("form", "diversity", "content", "text detection"), FAIL)
    found = values(section)
    for name in ("word_js", "nearest_text", "terms_covered"):
        assert found[name, ""].verdict == FAIL
    assert found["detection_auc", ""].value > 0.99
    assert found["distinct", "one word"].value > found["distinct", "one word"].baseline_high  # too high is a fault, too


def test_words_of_real_notes_in_any_order_are_found_out():
    draw = np.random.default_rng(3)
    known = sorted({word for said, _ in NOTES for word in said.split()})
    salad = [(" ".join(draw.choice(known, 70)), label) for _, label in NOTES[:60]]
    section = text.measure(pair(NOTES, salad), QUICK)
    assert values(section)["word_js", ""].verdict == FAIL
    assert grades(section)["text detection"] == FAIL
    assert values(section)["length_ks", ""].verdict == FAIL  # all are equally long


def test_one_text_repeated_fails_in_diversity():
    section = text.measure(pair(NOTES, [NOTES[3]] * 40), QUICK)
    found = values(section)
    assert grades(section)["diversity"] == FAIL
    assert (found["self_bleu", ""].value, found["repeats", ""].value) == (1, 39 / 40)
    assert found["label_tv", ""].verdict == found["terms_covered", ""].verdict == FAIL
    assert found["known_words", "all words"].verdict == PASS


def test_few_texts_and_no_text_column_are_not_assessable():
    section = text.measure(pair(NOTES[:15], NOTES[15:40]), QUICK)
    assert set(grades(section).values()) == {NOT_ASSESSABLE}
    assert section.grades[0].reason == "15 real and 25 synthetic texts are too few to compare"
    none = pair(NOTES, NOTES)
    bare = Pair("tabular", none.real, none.synthetic, None, none.columns)
    assert set(grades(text.measure(bare, QUICK)).values()) == {NOT_ASSESSABLE}
    assert text.measure(bare, QUICK).grades[0].reason == "there is no column of texts"


def test_empty_texts_are_no_error():
    section = text.measure(pair(NOTES, [("", "cardiology")] * 30), QUICK)
    found = values(section)
    assert (grades(section)["form"], grades(section)["content"], grades(section)["text detection"]) == (FAIL, FAIL, FAIL)
    assert found["empty", ""].verdict == FAIL
    assert (found["length_ks", ""].value, found["length_ks", ""].note) == (None, "not defined in these items")
    assert (found["distinct", "one word"].value, found["repeats", ""].value) == (None, 0)
    nothing = text.measure(pair([("", "cardiology")] * 30, [("", "cardiology")] * 30), QUICK)
    assert values(nothing)["detection_auc", ""].note == "the texts have no words or letters in common"


def test_a_card_without_labels_or_headings_says_less():
    plain = [(f"word{place} and more words here", "cardiology") for place in range(60)]
    section = text.measure(pair(plain[:30], plain[30:], label=""), QUICK)
    assert {item.metric for item in given(section)}.isdisjoint({"label_tv", "label_fit", "headings_covered", "headings_tv"})


# form


def test_distances_are_those_of_scipy():
    draw = np.random.default_rng(0)
    for _ in range(10):
        one, other = draw.normal(size=31).round(1), draw.normal(0.3, size=17).round(1)
        assert text_form.distance(one, other) == pytest.approx(stats.ks_2samp(one, other).statistic)
    assert text_form.distance(np.array([1.0, np.nan]), np.array([1.0])) == 0
    assert math.isnan(text_form.distance(np.array([np.nan]), np.array([1.0])))


def test_the_features_of_form_by_hand():
    found = text_form.features(tw.cut(["Ab cd.\nEfgh!", "."], 1))
    assert found[0].tolist() == [3, 1.5, *text_form.readability("Ab cd.\nEfgh!")]
    assert np.isnan(found[1]).all()


def test_texts_said_twice_fail_in_length_alone():
    long = [(f"{said}\n{said}", label) for said, label in NOTES]
    found = {item.metric: item for item in text_form.measure(tw.prepare(pair(NOTES, long), QUICK), QUICK) if not item.subject}
    assert found["length_ks"].verdict == FAIL
    assert {found[name].verdict for name in ("sentence_ks", "ari_ks", "cli_ks", "empty")} == {PASS}


def test_shares_are_graded_by_their_intervals():
    rare = shares.against_real("empty", "", (1, 40), (0, 100))
    assert (rare.verdict, rare.value) == (PASS, 0.025)
    bounds = [1.959964**2 / (size + 1.959964**2) for size in (100, 40)]  # Wilson's upper bound of 0 of n
    assert rare.edge == pytest.approx(np.hypot(*bounds), abs=1e-6)
    assert shares.against_real("empty", "", (5, 40), (0, 100)).verdict == UNCLEAR
    assert shares.against_real("empty", "", (10, 40), (0, 100)).verdict == FAIL
    shown = shares.against_real("empty", "", (10, 40), (0, 100), graded=False)
    assert (shown.verdict, shown.edge, shown.baseline) == (SHOWN, None, 0)
    for counts in (((0, 0), (0, 100)), ((1, 2), (0, 0))):
        assert shares.against_real("empty", "", *counts).verdict == NOT_ASSESSABLE


@pytest.mark.parametrize(
    ("share", "real", "synthetic"), [(0.01, 3000, 100), (0.05, 3000, 20), (0.05, 1000, 100), (0.3, 100, 100)]
)
def test_a_few_items_beside_many_stray_no_further_than_the_edge(share, real, synthetic):
    draw = np.random.default_rng(0)
    counts = zip(draw.binomial(real, share, 1000), draw.binomial(synthetic, share, 1000), strict=True)
    beyond = [one / synthetic > shares.edge_of((int(other), real), synthetic) for other, one in counts]
    assert np.mean(beyond) < 0.04


def test_the_first_text_of_another_label_is_no_fault():
    order = [NOTES[place] for place in np.random.default_rng(1).permutation(len(NOTES))]
    said = [text for text, _ in order]
    labels = list(seeds.LABELS)
    real, other = [(text, labels[0]) for text in said[:60]], [(text, labels[0]) for text in said[60:90]]
    odd = [(text, labels[1]) for text, _ in other[:1]] + other[1:]
    found = values(text.measure(pair(real, odd), QUICK))["label_tv", ""]
    assert (found.baseline_high, found.verdict) == (0, PASS)
    assert found.low > 0
    wrong = [(text, labels[1]) for text, _ in other]
    assert values(text.measure(pair(real, wrong), QUICK))["label_tv", ""].verdict == FAIL


def test_rare_headings_are_counted_and_not_shown():
    draw = np.random.default_rng(3)
    plain = [(" ".join(draw.choice(["pain", "cough", "fever", "chest"], 12)), seeds.LABELS[0]) for _ in range(80)]
    real = [(f"Plan: {said}", name) for said, name in plain[:30]] + [(f"Jane Doe: {said}", name) for said, name in plain[30:36]]
    found = values(text.measure(pair(real, plain[40:]), QUICK))["headings_covered", ""]
    assert "2 headings: plan" in found.note
    assert "jane" not in found.note


# diversity


def test_diversity_is_measured_over_equal_numbers(whole):
    found = values(whole)
    words = int(found["distinct", "one word"].note.split()[2].replace(",", ""))
    assert found["vocabulary", ""].value == pytest.approx(found["distinct", "one word"].value * words, rel=1e-5)
    assert found["vocabulary", ""].value < words


def test_large_sets_are_sampled_and_say_so():
    draw = np.random.default_rng(0)
    many = [" ".join(f"w{number}" for number in draw.geometric(0.05, 12)) for _ in range(1300)]
    texts = tw.cut(many, 650)
    found = text_diversity.measure(texts, Settings(deals=20))
    assert {item.real for item in found if item.metric == "self_bleu"} == {text_diversity.MOST}
    assert all("drawn anew" in item.note for item in found if item.metric != "repeats")
    assert {item.verdict for item in found} <= {PASS, SHOWN}


def test_more_texts_than_are_read_are_drawn(monkeypatch):
    monkeypatch.setattr(tw, "POOL", 30)
    made = tw.prepare(pair(NOTES, NOTES[:40]), QUICK)
    assert (made.reals, len(made.texts), made.note) == (
        30,
        60,
        "30 of 104 real texts were drawn; 30 of 40 synthetic texts were drawn",
    )
    assert made.labels.tolist() == [seeds.LABELS.index(dict(NOTES)[said]) for said in made.texts]
    section = text.measure(pair(NOTES, NOTES[:40]), QUICK)
    assert made.note in section.notes


# content


def test_the_divergence_of_words_is_that_of_scipy():
    one, other = np.array([3.0, 1, 0, 2]), np.array([0.0, 1, 5, 2])
    assert text_content.divergence(one, other) == pytest.approx(jensenshannon(one, other, base=2) ** 2)
    assert text_content.divergence(np.array([1.0, 0]), np.array([0.0, 4])) == 1
    assert text_content.divergence(one, one) == 0
    assert math.isnan(text_content.divergence(one, np.zeros(4)))


def test_total_variation_by_hand():
    assert text_content.total_variation(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), 4) == 0.5


def test_the_nearest_text_is_that_of_scikit_learn():
    made = tw.cut(["a b c", "a b b", "d", "a b", "e f", "d e", ""], 3)
    bag = made.bag()
    found = text_content.nearest(bag[:3], bag[3:])
    model = TfidfVectorizer(vocabulary=list(made.vocabulary), token_pattern=r"\S+").fit(made.texts[:3])
    near = model.transform(made.texts[3:]) @ model.transform(made.texts[:3]).T
    assert found == pytest.approx(near.toarray().max(axis=1))
    assert found[1] == found[3] == 0


def test_headings_stand_before_a_colon_where_a_line_or_sentence_starts():
    said = "O/E: well. Plan: rest at 10:30. Seen: by a nurse\n**Past medical history:** none\n# Notes: x\n"
    said += "At 9:15 she left, later: home"
    assert text_terms.headings(said) == {"o/e", "plan", "seen", "past medical history", "notes"}
    assert text_terms.headings("Doctor: Hello.\nPatient: Yes") == {"doctor", "patient"}
    assert text_terms.headings("one two three four five: six") == set()


def test_headings_of_two_parts_by_hand():
    held = csr_matrix([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]])  # 3, 2 and 1 of 4: the last is in one text only
    part = csr_matrix([[1, 0, 1], [0, 0, 1]])
    assert text_terms.heading_measures(held, part) == (0.5, (abs(0.75 - 0.5) + 0.5) / 2)
    assert text_terms.heading_measures(held[3:], part) == (1, 0)


def test_common_headings_are_found_in_real_texts_only():
    real = ["Plan: a"] * 3 + ["Rare: b"] + ["c"] * 46
    names, table = text_terms.heading_table(tw.cut([*real, *["Rare: x"] * 50], 50))
    assert names == ("plan",)
    assert table.sum() == 3
    lost = [(said.replace(":", ""), label) for said, label in NOTES]
    often = [row for row in NOTES if "\nP:" in row[0] or " P:" in row[0]] * 5 + NOTES
    found = {item.metric: item for item in text_content.measure(tw.prepare(pair(often, lost), QUICK), QUICK)}
    assert (found["headings_covered"].verdict, found["headings_covered"].value) == (FAIL, 0)
    assert found["headings_tv"].verdict == FAIL
    assert "4 headings: a, o, p, s" in found["headings_covered"].note


def test_terms_are_content_words_and_pairs_of_them():
    assert text_terms.content_words(["the", "x", "t2dm", "148/86", "fever"]).tolist() == [False, False, True, False, True]
    made = tw.cut(["chest pain today", "no chest pain", "the pain", "", "chest wall pain", "chest pain"], 4)
    table = text_terms.term_table(made)  # chest, pain and chest pain stand in two real texts
    assert table.shape == (6, 3)
    assert table.sum(axis=1).ravel().tolist()[0] == [3, 3, 1, 0, 2, 3]
    assert text_terms.covered(table[:4], table[4:5]) == pytest.approx(2 / 3)
    assert text_terms.covered(table[:4], table[5:]) == 1
    assert math.isnan(text_terms.covered(table[:1], table[5:]))


def test_labels_that_fit_and_labels_that_were_exchanged():
    topics = {"cardiology": "heart chest pulse", "neurology": "head nerve stroke", "dermatology": "skin rash itch"}
    draw = np.random.default_rng(0)
    rows = [
        (" ".join(draw.permutation(f"{said} the and with".split())), label) for label, said in topics.items() for _ in range(40)
    ]
    real, synthetic = rows[::2], rows[1::2]
    moved = [(said, label) for (said, _), (_, label) in zip(synthetic, synthetic[20:] + synthetic[:20], strict=True)]
    right = text_labels.measure(tw.prepare(pair(real, synthetic), QUICK), QUICK)[0]
    wrong = text_labels.measure(tw.prepare(pair(real, moved), QUICK), QUICK)[0]
    assert (right.value, right.baseline, wrong.value) == (1, 1, 0)
    assert right.note.startswith("better than chance, which with these predictions and labels is 0.333")
    assert wrong.note.startswith("not surely better than chance")
    assert right.verdict == SHOWN
    alone = text_labels.measure(tw.prepare(pair(real[:20], synthetic), QUICK), QUICK)[0]
    assert alone.value is None


def test_a_missing_label_is_a_level_of_its_own():
    made = tw.prepare(pair([("a", "cardiology"), ("b", None)], [("c", "infectious")]), QUICK)
    assert made.labels.tolist() == [0, len(seeds.LABELS), len(seeds.LABELS) - 1]


# detection


def test_the_auc_of_texts_that_are_alike_or_not():
    draw = np.random.default_rng(0)
    rows = csr_matrix(draw.random((60, 8)))
    apart = csr_matrix(np.eye(8)[np.zeros(30, dtype=int)] * 5)
    assert text_detection.auc(rows[:30], apart, 0) == 1
    assert 0.2 < text_detection.auc(rows[:30], rows[30:], 0) < 0.8


def test_one_telling_sign_is_enough_to_be_detected():
    signed = [(f"{said} As a language model I hope this helps.", label) for said, label in NOTES[:50]]
    found = text_detection.measure(tw.prepare(pair(NOTES[50:], signed), QUICK), QUICK)[0]
    assert (found.verdict, found.value) == (FAIL, 1)
    assert found.baseline < 0.7
    assert found.note.startswith("20 deals")

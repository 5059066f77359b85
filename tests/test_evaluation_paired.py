"""Pairs that belong together and pairs whose parts were exchanged; each formula by hand or by another library."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

from review.evaluation import paired, paired_reports, paired_signals, text
from review.evaluation.inputs import Column, Pair
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, SHOWN, Settings, catalogue
from review.generators import ecg_reports
from review.generators.ecg import RHYTHMS
from review.generators.ecg_measure import Findings

QUICK = Settings(deals=40)
RATES = {"normal": (63, 96), "bradycardia": (44, 57), "tachycardia": (104, 122), "irregular": (66, 94)}
COLUMNS = (
    Column("report", "text"),
    Column("heart_rate", "number"),
    Column("rhythm", "class"),
    Column("pr", "number"),
    Column("qrs", "number"),
    Column("qt", "number"),
    Column("signal", "sequence"),
)


def given(section):
    return section.values


def records(number, seed):
    """Filled templates beside made-up findings, and a sine of the same rate."""
    draw, templates, rows = np.random.default_rng(seed), ecg_reports.load(), []
    for place in range(number):
        rhythm = list(RHYTHMS)[place % 4]
        rate = round(draw.uniform(*RATES[rhythm]), 1)
        pr = None if rhythm == "irregular" else int(draw.integers(120, 220))
        qrs, qt = int(draw.integers(70, 130)), int(draw.integers(340, 460))
        found = Findings((), heart_rate=rate, rhythm=rhythm, pr=pr, qrs=qrs, qt=qt)
        report = ecg_reports.choose(templates, found, int(draw.integers(1 << 30))).fill(found)
        line = 1000 * np.sin(2 * np.pi * np.arange(400) * rate / 60 / 125) + draw.normal(0, 50, 400)
        rows.append({"report": report, **found.values(), "signal": line.round().tolist()})
    frame = pd.DataFrame(rows).astype({"report": "str", "pr": float, "qrs": float, "qt": float})
    return frame.assign(rhythm=pd.Categorical(frame["rhythm"], categories=list(RHYTHMS)))


def exchange(frame):
    order = ecg_reports.shuffled(len(frame), 0)
    return frame.assign(report=pd.Series(frame["report"].to_numpy()[order], dtype="str"))


def values(section):
    return {(item.metric, item.subject): item for item in given(section)}


def grades(section):
    return {item.aspect: item.grade for item in section.grades}


@pytest.fixture(scope="module")
def sides():
    return records(100, 1), records(60, 2)


@pytest.fixture(scope="module")
def good(sides):
    return Pair("paired", *sides, None, COLUMNS, "report")


@pytest.fixture(scope="module")
def bad(sides):
    return Pair("paired", sides[0], exchange(sides[1]), None, COLUMNS, "report")


@pytest.fixture(scope="module")
def card(good):
    return paired.measure(good, QUICK)


def test_pairs_that_belong_together_pass(card):
    assert grades(card) == {"agreement": PASS, "signal": PASS}
    known = catalogue(paired.METRICS)
    for item in given(card):
        assert known[item.metric].low <= item.low <= item.value <= item.high <= known[item.metric].high
    assert "small sample: 50 and 50 items" in card.notes[1]


def test_exchanged_parts_fail_in_agreement_alone(bad):
    section = paired.measure(bad, QUICK)
    found = values(section)
    assert grades(section) == {"agreement": FAIL, "signal": PASS}
    for key in (("agreement_gap", "heart_rate"), ("agreement_gap", "rhythm"), ("contradictions", "whole report")):
        assert found[key].verdict == FAIL
    assert set(grades(text.measure(bad, QUICK)).values()) == {PASS}


def test_columns_of_which_the_text_says_nothing_are_not_graded(card):
    found = values(card)["agreement_gap", "pr"]
    assert found.verdict == NOT_ASSESSABLE
    assert found.baseline_low <= 0
    assert "does not surely say anything" in found.note
    assert values(card)["agreement_score", "pr"].verdict == SHOWN


def test_the_same_seed_gives_the_same_card(good, card):
    assert paired.measure(good, QUICK) == card


# columns


def test_ridge_regression_is_that_of_scikit_learn():
    draw = np.random.default_rng(0)
    held, part = draw.random((20, 6)) * (draw.random((20, 6)) < 0.5), draw.random((7, 6))
    targets = draw.normal(size=(20, 2))
    found = paired.learn(csr_matrix(held), targets, csr_matrix(part))
    model = Ridge(alpha=paired.PENALTY, fit_intercept=False).fit(held, targets - targets.mean(axis=0))
    assert found == pytest.approx(model.predict(part) + targets.mean(axis=0))


def test_rank_correlations_are_those_of_scipy():
    draw = np.random.default_rng(0)
    one, other = draw.integers(0, 5, 30).astype(float), draw.normal(size=30)
    assert paired.spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert paired.spearman(np.ones(30), other) == 0


def test_scores_of_true_and_exchanged_pairs_by_hand():
    # two words tell the class; in a block of ten and ten, an exchange by k places is wrong in k items of each block
    rows = csr_matrix(np.repeat(np.eye(2), 10, axis=0))
    codes = np.repeat([0.0, 1.0], 10)
    true, exchanged = paired._scores(rows, codes, rows, codes, numeric=False)
    assert (true, exchanged) == (1, pytest.approx(np.mean([1 - 2 * shift / 20 for shift in range(1, 6)])))
    true, exchanged = paired._scores(rows, codes, rows, codes, numeric=True)
    assert (true, exchanged) == (pytest.approx(1), pytest.approx(np.mean([1 - 4 * shift / 20 for shift in range(1, 6)])))


def test_missing_values_are_left_out_and_too_few_are_not_scored():
    rows = csr_matrix(np.repeat(np.eye(2), 10, axis=0))
    codes = np.repeat([0.0, 1.0], 10)
    holes = np.where(np.arange(20) % 5 == 0, np.nan, codes)
    assert paired._scores(rows, holes, rows, holes, numeric=False)[0] == 1
    assert all(map(math.isnan, paired._scores(rows, np.full(20, np.nan), rows, codes, numeric=False)))
    frame = pd.DataFrame({"t": pd.Series(["a b"] * 40, dtype="str"), "n": [np.nan] * 40})
    section = paired.measure(Pair("paired", frame, frame, None, (Column("t", "text"), Column("n", "number")), "t"), QUICK)
    found = values(section)["agreement_gap", "n"]
    assert (found.value, found.verdict) == (None, NOT_ASSESSABLE)
    assert "fewer than 10 items" in found.note
    assert grades(section) == {"agreement": NOT_ASSESSABLE}


def test_a_missing_class_is_a_missing_code():
    assert paired._codes(pd.Series(pd.Categorical(["b", None, "a"], categories=["a", "b"]))).tolist()[::2] == [1, 0]
    assert math.isnan(paired._codes(pd.Series(pd.Categorical([None], categories=["a"])))[0])


# two texts


def test_the_auc_of_partners_by_hand():
    # 1.0 beats 0.5 and ties with 1.0; 0.2 loses to both; 0.9 beats both: 1.5 + 0 + 2 of 6
    near = np.array([[1.0, 0.5, 1.0], [0.4, 0.2, 0.3], [0.0, 0.1, 0.9]])
    assert paired.partner_auc(near) == pytest.approx(3.5 / 6)
    assert paired.partner_auc(np.zeros((4, 4))) == 0.5


def test_titles_that_belong_to_their_texts_and_those_that_were_exchanged():
    draw = np.random.default_rng(0)
    said = [draw.integers(0, 200, 15) for _ in range(120)]
    frame = pd.DataFrame(
        {
            "text": pd.Series([" ".join(f"w{word}" for word in words) for words in said], dtype="str"),
            "title": pd.Series([" ".join(f"w{word}" for word in words[:3]) for words in said], dtype="str"),
        }
    )
    columns = (Column("text", "text"), Column("title", "text"))
    real, synthetic = frame[:70].reset_index(drop=True), frame[70:].reset_index(drop=True)
    right = paired.measure(Pair("paired", real, synthetic, None, columns, "text"), QUICK)
    assert grades(right) == {"agreement": PASS}
    assert values(right)["partner_auc", "title"].value > 0.95
    moved = synthetic.assign(title=pd.Series(np.roll(synthetic["title"].to_numpy(), 1), dtype="str"))
    wrong = values(paired.measure(Pair("paired", real, moved, None, columns, "text"), QUICK))["partner_auc", "title"]
    assert (wrong.verdict, round(wrong.value, 1)) == (FAIL, 0.5)
    mixed = real.assign(title=pd.Series(np.roll(real["title"].to_numpy(), 1), dtype="str"))
    none = values(paired.measure(Pair("paired", mixed, synthetic, None, columns, "text"), QUICK))["partner_auc", "title"]
    assert none.verdict == NOT_ASSESSABLE
    assert "real texts, too" in none.note


# reports on ECG segments


def test_contradictions_are_counted_by_hand():
    frame = pd.DataFrame(
        {
            "report": pd.Series(
                ["Rate 70, normal sinus rhythm.", "Rate 120.", "Signal recorded.", "QT interval 400 ms."], dtype="str"
            ),
            "heart_rate": [70.0, 70.0, 70.0, 70.0],
            "rhythm": pd.Categorical(["normal", "normal", None, "normal"], categories=list(RHYTHMS)),
            "pr": [160.0, 160.0, np.nan, 160.0],
            "qrs": [90.0] * 4,
            "qt": [400.0, 400.0, 400.0, 400.0],
        }
    )
    counts = paired_reports._counts(frame, 0)
    assert counts["contradictions:heart_rate"] == (1, 2)
    assert counts["contradictions:qt"] == (0, 1)
    assert counts["contradictions:whole report"] == (1, 3)
    assert counts["silent:whole report"] == (1, 4)
    assert counts["contradictions:qrs"] == (0, 0)
    assert "contradictions_exchanged:whole report" not in paired_reports._counts(frame[:1], 0)
    found = paired_reports._findings(frame.iloc[2].to_dict())
    assert (found.rhythm, found.pr, found.qt) == (None, None, 400)


def test_the_card_counts_reports_beside_exchanged_ones(card, sides):
    found = values(card)
    assert (found["contradictions", "whole report"].value, found["contradictions", "whole report"].synthetic) == (0, 60)
    assert found["contradictions_exchanged", "whole report"].value > 0.8
    assert found["contradictions_exchanged", "whole report"].verdict == SHOWN


def test_reports_that_say_nothing_do_not_pass(sides):
    mute = sides[1].assign(report=pd.Series(["A line was recorded."] * 60, dtype="str"))
    section = paired_reports.measure(Pair("paired", sides[0], mute, None, COLUMNS, "report"), QUICK)
    found = {(item.metric, item.subject): item for item in section}
    assert found["silent", "whole report"].verdict == FAIL
    assert (found["contradictions", "whole report"].verdict, found["contradictions", "qt"].note) == (
        NOT_ASSESSABLE,
        "no report states it",
    )
    other = paired_reports.measure(Pair("paired", mute, sides[1], None, COLUMNS, "report"), QUICK)
    assert {item.note for item in other if item.subject == "qt"} == {"no real report states it"}


def test_other_data_are_not_taken_for_ecg_records(good, sides):
    assert paired_reports.applies(good)
    assert not paired_reports.applies(dataclasses.replace(good, columns=COLUMNS[:4]))
    assert not paired_reports.applies(dataclasses.replace(good, columns=COLUMNS[1:]))
    odd = sides[0].assign(rhythm=pd.Categorical(["sinus"] * 100))
    assert not paired_reports.applies(dataclasses.replace(good, real=odd))


# sequences


def test_the_features_of_a_sequence_by_hand():
    length, mean, spread, width, period, height = paired_signals.features([0.0, 1, 0, -1] * 25)
    assert (length, mean, spread, width) == (100, 0, pytest.approx(math.sqrt(0.5)), 2)
    assert (period, height) == (4, pytest.approx(0.96))  # 48 of the 50 products of the whole
    assert paired_signals.features([1.0, np.nan, 3.0])[:4] == (2, 2, 1, 2)
    for flat in ([5.0] * 10, [1.0]):
        assert all(map(math.isnan, paired_signals.features(flat)[4:]))
    for none in (None, [], [np.nan]):
        assert paired_signals.features(none)[0] == 0
        assert math.isnan(paired_signals.features(none)[1])
    assert math.isnan(paired_signals.features([-1.0, 1.0])[4])


def test_signals_of_another_kind_fail(sides):
    def found(change):
        moved = sides[1].assign(signal=[change(np.array(line)).tolist() for line in sides[1]["signal"]])
        section = paired.measure(Pair("paired", sides[0], moved, None, COLUMNS, ""), QUICK)
        assert grades(section)["agreement"] == NOT_ASSESSABLE
        return {item.subject for item in given(section) if item.verdict == FAIL}, grades(section)["signal"]

    assert found(lambda line: line + 500) == ({"signal: mean"}, FAIL)
    assert "signal: period" in found(lambda line: np.random.default_rng(int(line[0] + 5000)).permutation(line))[0]
    assert "signal: length" in found(lambda line: line[:300])[0]
    assert found(lambda line: line) == (set(), PASS)


def test_the_first_sequence_of_another_length_is_no_fault(sides):
    def length(count):
        cut = [line[:300] if place < count else line for place, line in enumerate(sides[1]["signal"])]
        other = sides[1].assign(signal=cut)
        return values(paired.measure(Pair("paired", sides[0], other, None, COLUMNS, ""), QUICK))["signal_ks", "signal: length"]

    assert (length(1).baseline_high, length(1).verdict, length(30).verdict) == (0, PASS, FAIL)


def test_many_items_are_sampled_and_few_are_not_compared(sides):
    many = pd.concat([sides[0]] * 7, ignore_index=True)
    columns = (COLUMNS[0], COLUMNS[2])
    section = paired.measure(Pair("paired", many, many, None, columns, "report"), Settings(deals=20))
    assert any("at most 300 items at a time" in note for note in section.notes)
    assert values(section)["agreement_gap", "rhythm"].real == paired.MOST
    few = paired.measure(Pair("paired", sides[0][:12], sides[1], None, (*columns, COLUMNS[6]), "report"), QUICK)
    assert grades(few) == {"agreement": NOT_ASSESSABLE, "signal": NOT_ASSESSABLE}

"""Judges that are good, constant, biased, random or garbled are told apart; every statistic agrees with another library's."""

import dataclasses
import math

import numpy as np
import pytest
from judge_models import CRITERIA, by_position, constant, garbage, hidden, ideal, obedient, people, random_judge, two_sets
from scipy import stats
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from review import agreement, llm
from review.evaluation import judge, judge_estimates, judge_validity
from review.evaluation.judge_answers import Answer, Item, Judgements
from review.evaluation.judge_people import Together
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, SHOWN, Settings
from review.statistics import wilson


@pytest.fixture
def run(monkeypatch):
    """Judge with people's ratings, or without; return the section and which checks were passed."""

    def run(model, pair, truth=None, **options):
        monkeypatch.setattr(llm, "load", lambda name, cache: model)
        task, human = people(pair, truth, 24, 0) if truth else (None, None)
        chosen = {"criteria": CRITERIA, "task": task, "human": human, "n": 24, **options}
        found = judge.measure(pair, Settings(deals=100), **chosen)
        return found, {row["name"]: row["passed"] for row in found.tables["judge_checks"]}

    return run


@pytest.fixture(scope="module")
def data():
    pair = two_sets()
    return pair, hidden(lambda at: at % 3 + 3, pair)


def value(section, metric, subject=""):
    return next(one for one in section.values if (one.metric, one.subject) == (metric, subject))


def test_a_judge_that_sees_what_people_see_is_graded(run, data):
    pair, truth = data
    found, passed = run(ideal(truth), pair, truth)
    assert all(passed.values())
    assert found.grades[0].grade == PASS
    assert value(found, "judge_auc").value == 1
    assert value(found, "judge_auc").low == pytest.approx(wilson(24, 24)[0], abs=1e-6)
    assert value(found, "judge_identical", "sound").value == 1
    assert value(found, "judge_position", "real and planted: better").value == 0
    assert value(found, "judge_order").value == 0
    assert value(found, "judge_gap", "sound").verdict == PASS
    assert value(found, "judge_spearman").low > 0.5
    assert value(found, "judge_unusable", "score").value == 0
    expected = np.mean([truth[text] for text in pair.real["note"]])
    assert value(found, "judge_score", "sound: real").value == pytest.approx(expected)
    assert value(found, "judge_score", "sound: planted").value == 1


def test_worse_synthetic_items_fail_under_a_valid_judge(run, data):
    pair, _ = data
    truth = hidden(lambda at: at % 3 + 3 if at < 24 else 1 + at % 2, pair)
    found, passed = run(ideal(truth), pair, truth)
    assert all(passed.values())
    assert found.grades[0].grade == FAIL
    assert "judge_gap:sound" in found.grades[0].decided_by


def test_without_people_even_the_best_judge_is_withheld(run, data):
    pair, truth = data
    found, passed = run(ideal(truth), pair)
    assert [name for name, fine in passed.items() if not fine] == ["people"]
    assert found.grades[0].grade == NOT_ASSESSABLE
    assert found.grades[0].reason == "withheld: this judge was not compared with people (no human ratings: agreement unknown)"
    assert value(found, "judge_spearman").note == "no human ratings: agreement unknown"
    assert {one.verdict for one in found.values} == {SHOWN}


def test_a_few_rated_items_are_not_enough(run, data):
    pair, truth = data
    task, human = people(pair, truth, 24, 0)
    found, passed = run(ideal(truth), pair, human=dict(list(human.items())[:9]), task=task)
    assert not passed["people"]
    assert "on 9 items only: agreement unknown" in found.grades[0].reason


def test_a_constant_judge_is_withheld_with_the_reason(run, data):
    pair, truth = data
    found, passed = run(constant(), pair, truth)
    failed = {name for name, fine in passed.items() if not fine}
    assert failed == {"people", "repeats", "position", "constant", "plants"}
    assert "(AUC 0.50, 0.50 to 0.50; chance is 0.50; 24 items: words shuffled" in found.grades[0].reason
    assert "gives every item the same score" in found.grades[0].reason
    assert value(found, "judge_identical", "sound").value == 1  # a judge that says the same is perfectly consistent
    assert value(found, "judge_mode", "sound").value == 1
    assert value(found, "judge_entropy", "sound").value == 0
    assert value(found, "judge_constant").value == 0
    found, passed = run(constant(), pair)
    assert not passed["constant"]
    assert "was not shown to do better than a constant answer" in found.grades[0].reason


def test_position_bias_alone_withholds_the_grade(run, data):
    pair, truth = data
    found, passed = run(by_position(truth), pair, truth)
    assert [name for name, fine in passed.items() if not fine] == ["position"]
    assert value(found, "judge_position", "real and planted: better").value == 1
    assert value(found, "judge_position", "real and planted: better").low == pytest.approx(wilson(24, 24)[0], abs=1e-6)
    assert value(found, "judge_first", "real and planted: better").value == 1
    assert value(found, "judge_pick", "real and planted").value == 0.5
    assert "goes by the position as a coin does, or more, in 24 pairs" in found.grades[0].reason


def test_a_judge_that_draws_its_answers_fails_all_but_the_form(run, data):
    pair, truth = data
    found, passed = run(random_judge(), pair, truth)
    assert {name for name, fine in passed.items() if fine} == {"answers", "injection"}
    auc = value(found, "judge_auc")
    assert auc.low < 0.5 < auc.high
    assert value(found, "judge_entropy", "sound").value == pytest.approx(math.log2(5), abs=0.1)


def test_a_judge_that_is_garbled_half_of_the_time_is_withheld(run, data):
    pair, truth = data
    found, passed = run(garbage(truth), pair, truth)
    assert not passed["answers"]
    assert passed["plants"]
    assert "without a usable answer" in found.grades[0].reason
    assert 0.4 < value(found, "judge_unusable", "pair").value < 0.6


def test_a_judge_that_obeys_items_is_found_out(run, data):
    pair, truth = data
    found, passed = run(obedient(truth), pair, truth)
    assert [name for name, fine in passed.items() if not fine] == ["injection"]
    assert value(found, "judge_injection").value == 1
    assert value(found, "judge_injection").baseline == 0
    assert "gives higher scores to items that ask for them (12 rose, 0 fell, 0 stayed)" in found.grades[0].reason
    calm, _ = run(ideal(truth), pair, truth)
    assert value(calm, "judge_injection").value == 0


def test_a_judge_that_prefers_bad_items_and_disagrees_with_people_is_named_so(run, data):
    pair, truth = data
    upside = {text: 6 - level for text, level in truth.items()}  # 1 to 3; what is not known has 1
    found, passed = run(ideal(upside), pair, truth)
    assert not passed["people"]
    assert value(found, "judge_spearman").high < 0
    assert "was not shown to rank 48 items as people do" in found.grades[0].reason


def test_too_few_planted_items_are_no_proof(run, data):
    pair, truth = data
    found, passed = run(ideal(truth), pair, truth, n=6)
    assert not passed["plants"]
    assert "tried on 6 planted bad items only (10 are needed)" in found.grades[0].reason


def test_a_valid_judge_of_too_few_items_has_no_grade(run, data):
    pair, truth = data
    found, passed = run(ideal(truth), pair, truth, n=12)
    assert all(passed.values())
    assert found.grades[0].grade == NOT_ASSESSABLE
    assert found.grades[0].reason.startswith("too few real or synthetic items were judged")


def judged(scores):
    """Return judgements of one criterion with given levels: one row an item, one column a repeat."""
    items = tuple(Item(str(place), "real", str(place)) for place in range(len(scores)))
    answers = [
        judge_answer(str(place), repeat, None if np.isnan(level) else {"sound": int(level)})
        for place, row in enumerate(scores)
        for repeat, level in enumerate(row)
    ]
    return Judgements({}, {}, CRITERIA[:1], items, tuple(answers))


def judge_answer(name, repeat, parsed):
    return Answer("score", (name,), repeat, 0, repeat % 2 == 1, "", "", "stop", parsed)


def test_judge_and_people_by_hand():
    held = judged([[2, 2], [4, 5], [1, 1]])
    human = {"0": {"sound": [2, 3]}, "1": {"sound": [4, 4]}, "2": {"sound": [2, 2]}, "9": {"sound": [1]}}
    both = Together.of(held, human)
    assert both.items == 3
    assert both.judge[:, 0].tolist() == [0.25, 0.875, 0]
    assert both.people[:, 0].tolist() == [0.375, 0.75, 0.25]
    assert both.judge_level[:, 0].tolist() == [2, 4, 1]  # the lower median of 4 and 5 is 4
    assert both.people_level[:, 0].tolist() == [2, 4, 2]
    assert both.pairs[:, 0].tolist() == [0, 1, 1]
    assert both.with_judge[:, 0].tolist() == [0.5, 1, 0]
    assert both.constant.tolist() == [1]  # 1 and 2 are equally frequent
    assert both.beyond_constant(0).value == pytest.approx(2 / 3)
    assert both.beyond_people(0).value == pytest.approx((0.5 + 0 - 1) / 3)
    assert both.correlation(0).value == pytest.approx(stats.spearmanr([0.25, 0.875, 0], [0.375, 0.75, 0.25]).statistic)
    assert both.kappa(0, 0).value == pytest.approx(cohen_kappa_score([2, 4, 1], [2, 4, 2]))
    assert both.kappa(0, 0).units == 3


def test_a_judge_further_from_people_than_they_are_from_each_other():
    """Ranks are right, but no level is: people agree with each other always, with the judge never."""
    held = judged([[at % 4 + 1] * 2 for at in range(20)])
    human = {str(at): {"sound": [at % 4 + 2] * 2} for at in range(20)}
    check = judge_validity.check(held, human)[0]
    assert not check.passed
    assert check.value == -1
    assert "agrees with a person less often than two people with each other" in check.words


def test_checks_without_anything_to_check():
    empty = {one.name: one for one in judge_validity.check(judged([[3]]))}
    assert not empty["repeats"].passed
    assert "no item with two usable answers" in empty["repeats"].words
    assert "no usable answers about a pair" in empty["position"].words
    assert set(empty) == set(judge_validity.RULES)
    assert all(one.rule == judge_validity.RULES[name] for name, one in empty.items())
    assert judge_validity.withheld([dataclasses.replace(one, passed=True) for one in empty.values()]) == ""


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    draw = np.random.default_rng(0)
    better, worse = draw.integers(1, 6, 30).astype(float), draw.integers(1, 5, 30).astype(float)
    found = judge_estimates.auc(better, worse, 0)
    assert found.value == pytest.approx(roc_auc_score([1] * 30 + [0] * 30, [*better, *worse]))
    assert found.low < found.value < found.high
    slow = np.random.default_rng(1)
    places = [slow.integers(30, size=30) for _ in range(2000)]
    again = [roc_auc_score([1] * 30 + [0] * 30, [*better[at], *worse[at]]) for at in places[:400]]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(again, (0.025, 0.975))), abs=0.03)
    better[0] = np.nan
    assert judge_estimates.auc(better, worse, 0).units == 29
    assert judge_estimates.auc(np.full(3, np.nan), worse[:3], 0).units == 0
    assert judge_estimates.auc(np.ones(4), np.full(4, 2.0), 0).high == pytest.approx(1 - wilson(4, 4)[0])


def test_the_rank_correlation_is_that_of_scipy():
    draw = np.random.default_rng(0)
    one = draw.integers(1, 6, 40).astype(float)
    other = one + draw.integers(0, 4, 40)
    found = judge_estimates.spearman(one, other, 0)
    assert found.value == pytest.approx(stats.spearmanr(one, other).statistic)
    assert found.low < found.value < found.high
    assert math.isnan(judge_estimates.spearman(np.ones(5), one[:5], 0).value)
    assert judge_estimates.spearman(one[:1], other[:1], 0).units == 0


def test_alpha_of_one_criterion_is_that_of_the_package():
    draw = np.random.default_rng(0)
    truth = draw.integers(1, 6, 25)
    scores = np.where(draw.random((25, 3)) < 0.6, truth[:, None], draw.integers(1, 6, (25, 3))).astype(float)
    scores[3, 0] = scores[4, :2] = np.nan
    found = judge_estimates.alpha(scores[:, None, :], 0)
    assert found.value == pytest.approx(agreement.krippendorff_alpha(list(map(list, scores))))
    assert found.units == 24
    low, high = agreement.bootstrap("alpha", list(map(list, scores)), 0)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03)


def test_alpha_over_criteria_is_not_moved_by_one_that_is_constant_or_by_their_levels():
    draw = np.random.default_rng(0)
    noisy = draw.integers(1, 6, (40, 1, 3)).astype(float)
    alone = judge_estimates.alpha(noisy, 0)
    beside = judge_estimates.alpha(np.concatenate([noisy, np.full((40, 1, 3), 2.0)], axis=1), 0)
    assert beside.value == pytest.approx(alone.value)
    assert abs(alone.value) < 0.2
    # two criteria with one score each differ in level, which is no sign that items are told apart
    levels = np.concatenate([np.full((9, 1, 2), 1.0), np.full((9, 1, 2), 5.0)], axis=1)
    assert math.isnan(judge_estimates.alpha(levels, 0).value)
    assert judge_estimates.alpha(np.full((3, 1, 2), np.nan), 0).units == 0


def test_frequencies_by_hand():
    scores = np.array([[1, 1], [1, 2], [4, np.nan], [np.nan, np.nan]])
    share, bits = judge_estimates.most_frequent(scores, 5, 0)
    assert share.value == pytest.approx(3 / 5)
    assert bits.value == pytest.approx(stats.entropy([3, 1, 1], base=2))
    assert share.units == bits.units == 3
    assert judge_estimates.most_frequent(scores[3:], 5, 0)[0].units == 0
    assert str(judge_estimates.Estimate(0.5)) == "0.50"
    assert judge_estimates.mean(np.array([1.0, np.nan]), 0).units == 1
    assert math.isnan(judge_estimates.mean(np.array([1.0]), 0).low)
    assert judge_estimates.shares(0, 0).units == 0

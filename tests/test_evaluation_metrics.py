"""Grades, edges and the comparison of real with real data."""

import numpy as np
import pytest
from scipy import stats

from review.errors import ReviewError
from review.evaluation import baseline
from review.evaluation.metrics import (
    FAIL,
    HIGHER,
    LOWER,
    NOT_ASSESSABLE,
    PASS,
    UNCLEAR,
    Grade,
    Metric,
    Settings,
    Value,
    catalogue,
    grade,
    verdict,
)

METRIC = Metric("ks", "KS", "intrinsic", "marginals", 0, float("inf"), LOWER, "Smirnov", "difference", "cause")


@pytest.mark.parametrize(
    ("value", "low", "high", "edge", "direction", "expected"),
    [
        (0.1, 0.05, 0.3, 0.1, LOWER, PASS),
        (0.2, 0.05, 0.3, 0.1, LOWER, UNCLEAR),
        (0.2, 0.15, 0.3, 0.1, LOWER, FAIL),
        (0.9, 0.7, 0.95, 0.9, HIGHER, PASS),
        (0.8, 0.7, 0.95, 0.9, HIGHER, UNCLEAR),
        (0.8, 0.7, 0.85, 0.9, HIGHER, FAIL),
        (float("nan"), 0.7, 0.85, 0.9, HIGHER, NOT_ASSESSABLE),
    ],
)
def test_a_verdict_follows_value_interval_and_edge(value, low, high, edge, direction, expected):
    assert verdict(value, low, high, edge, direction) == expected


def test_a_grade_is_its_worst_verdict():
    values = [Value("ks", name, 0.5, verdict=judged) for name, judged in (("a", PASS), ("b", FAIL), ("c", UNCLEAR), ("d", ""))]
    found = grade("intrinsic", "marginals", values)
    assert (found.grade, found.decided_by) == (FAIL, ("ks:b",))
    assert "1 of 3 graded values" in found.reason
    assert grade("intrinsic", "marginals", values[:1]).decided_by == ()
    assert grade("intrinsic", "marginals", values[3:], "why") == Grade("intrinsic", "marginals", NOT_ASSESSABLE, "why")


def test_what_is_incomplete_is_refused():
    with pytest.raises(ValueError, match="needs a note"):
        Value("ks")
    with pytest.raises(ValueError, match="no verdict"):
        Value("ks", value=1.0, verdict="good")
    with pytest.raises(ValueError, match="no grade"):
        Grade("intrinsic", "a", "good", "why")
    with pytest.raises(ValueError, match="are required"):
        Metric("ks", "KS", "intrinsic", "marginals", 0, 1, LOWER, "", "difference", "cause")
    with pytest.raises(ValueError, match="no family"):
        Metric("ks", "KS", "other", "marginals", 0, 1, LOWER, "a", "difference", "cause")
    with pytest.raises(ValueError, match="two metrics"):
        catalogue([METRIC], [METRIC])
    with pytest.raises(ReviewError, match="deals is 5"):
        Settings(deals=5)


def test_numbers_that_json_does_not_know_become_none():
    assert Value("ks", value=float("nan"), note="why").value is None
    assert Value("ks", value=1.0, high=float("inf")).high is None
    assert METRIC.plain()["high"] is None
    assert METRIC.plain()["low"] == 0


def test_a_deal_uses_no_item_twice():
    size = baseline.sizes(41, 30, 5000)
    assert (size.reference, size.other) == (21, 20)
    for reference, second, other in baseline.deals(41, 30, Settings(deals=20)):
        assert len(set(reference) | set(second)) == 41
        assert len(set(other)) == 20
        assert max(other) < 30
    assert baseline.sizes(100_000, 50_000, 5000) == baseline.Sizes(5000, 5000)


def test_the_edge_holds_for_all_measures_together():
    draw = np.random.default_rng(0)
    nulls = {name: draw.normal(size=4000) for name in "abcde"}
    edges = baseline.together(nulls, dict.fromkeys(nulls, LOWER))
    beyond = np.any([nulls[name] > edges[name] for name in nulls], axis=0)
    assert beyond.mean() == pytest.approx(0.05, abs=0.002)
    expected = stats.norm.ppf(0.95 ** (1 / 5))  # the maximum of five independent normal deviates
    assert edges["a"] == pytest.approx(expected, abs=0.12)
    lower = baseline.together({"a": nulls["a"]}, {"a": HIGHER})
    assert lower["a"] == pytest.approx(stats.norm.ppf(0.05), abs=0.1)


def test_measures_without_spread_or_with_gaps_are_handled():
    nulls = {"flat": np.zeros(50), "gap": np.array([1.0, np.nan] * 25)}
    assert baseline.together(nulls, dict.fromkeys(nulls, LOWER)) == {"flat": 0.0}
    assert baseline.together({"gap": nulls["gap"]}, {"gap": LOWER}) == {}


def distance(one, other):
    return {"ks": float(stats.ks_2samp(one, other).statistic), "gap": float("nan")}


def test_a_population_beside_itself_passes_and_another_fails():
    draw = np.random.default_rng(1)
    settings = Settings(deals=60)
    passed = 0
    for _ in range(30):
        found = baseline.compare(distance, draw.normal(size=120), draw.normal(size=60), settings)["ks"]
        passed += found.as_value("ks").verdict == PASS
    assert passed >= 27
    other = baseline.compare(distance, draw.normal(size=120), draw.normal(1.5, size=60), settings)["ks"].as_value("ks")
    assert other.verdict == FAIL
    assert other.real == other.synthetic == 60
    assert other.baseline_low < other.baseline < other.baseline_high < other.low < other.value


def test_measures_that_are_not_defined_are_shown_with_a_reason():
    found = baseline.compare(distance, np.arange(40.0), np.arange(20.0), Settings(deals=20), {"ks": LOWER})
    value = found["gap"].as_value("gap")
    assert (value.value, value.verdict, value.note) == (None, "", "not defined in these items")


def test_what_is_no_number_has_a_reason():
    size = baseline.Sizes(10, 10)
    value = baseline.Compared(np.inf, np.inf, np.inf, 0.0, 0.0, 0.0, None, size).as_value("gap")
    assert (value.value, value.note) == (None, "not defined in these items")


def test_the_edge_of_what_is_rare_leaves_room_for_the_first_cases():
    flat = baseline.Compared(0.01, 0.01, 0.01, 0.0, 0.0, 0.0, 0.0, baseline.Sizes(100, 100))
    z = stats.norm.ppf(0.975)
    assert baseline.spare(flat, 0, 200).edge == pytest.approx(z**2 / (200 + z**2))  # Wilson's upper bound of 0 of n
    z = stats.norm.ppf(1 - 0.025 / 4)
    assert baseline.spare(flat, 0, 200, 4).edge == pytest.approx(z**2 / (200 + z**2))
    far = baseline.Compared(0.01, 0.01, 0.01, 0.0, 0.0, 0.0, 0.5, baseline.Sizes(100, 100))
    assert baseline.spare(far, 0, 200).edge == 0.5
    shown = baseline.Compared(0.01, 0.01, 0.01, 0.0, 0.0, 0.0, None, baseline.Sizes(100, 100))
    assert baseline.spare(shown, 0, 200) is shown
    assert baseline.unusual(np.array([1.0, 1.0, 2.0, np.nan, 3.0])) == (2, 4)
    assert baseline.unusual(np.array([np.nan])) == (0, 1)


def test_too_few_items_are_not_compared():
    assert baseline.compare(distance, np.arange(19.0), np.arange(50.0), Settings(deals=20)) == {}
    assert baseline.compare(distance, list(range(40)), list(range(9)), Settings(deals=20)) == {}


def test_the_same_seed_gives_the_same_numbers():
    data = np.random.default_rng(2).normal(size=(2, 80))
    runs = [baseline.compare(distance, *data, Settings(seed=seed, deals=20))["ks"] for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]

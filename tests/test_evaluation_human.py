"""Shares, differences and agreement of raters by hand and beside other libraries; weak samples do not pass by their weakness."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from review.errors import InputError
from review.evaluation import human, human_statistics, rating, rating_demo, rating_file, rubric
from review.evaluation.human_answers import Rated
from review.evaluation.human_metrics import METRICS
from review.evaluation.metrics import GRADES, HIGHER, LOWER, Settings, catalogue
from review.evaluation.rating_file import Line, RatingFile

SETTINGS = Settings(seed=3)
GOOD = {"realistic": 3, "coherent": 4, "complete": 2, "harmful": 1, "origin": 1, "confidence": 4}


def plan(n=20, repeats=0, questions=rubric.DEFAULT):
    texts = {role: [f"{role} note {number}" for number in range(n // 2)] for role in ("real", "synthetic")}
    return rating.plan(texts, n=n, seed=1, rubric=questions, repeats=repeats)


def answered(task, raters, kind="person", seconds=30.0):
    """Return what raters answered: name -> function of the origin, the place among the items of that origin, and the showing."""
    places, counts = {}, {"real": 0, "synthetic": 0}
    for item in task.items:
        places[item.id] = (task.origins[item.id], counts[task.origins[item.id]])
        counts[task.origins[item.id]] += 1
    lines = {}
    for name, answer in raters.items():
        held = {}
        for slot in task.order(name):
            answers = answer(*places[slot.item.id], slot.showing)
            if answers is not None:
                facts = (task.digest, name, kind, len(held) + 1, slot.position, slot.item.id, slot.showing)
                held[slot.position] = Line(*facts, {**GOOD, **answers}, seconds, False)
        lines[name] = held
    return Rated(task, lines, kind)


def knows(right_real, right_synthetic):
    """A rater who is right about the first so many items of each origin."""

    def answer(origin, place, showing):
        right = place < (right_real if origin == "real" else right_synthetic)
        return {"origin": 1 if (origin == "real") == right else 2}

    return answer


def measured(task, raters, **more):
    section = human.measure(answered(task, raters, **more), SETTINGS)
    values = {(value.metric, value.subject): value for value in section.values}
    return section, values, {grade.aspect: grade for grade in section.grades}


# --- real or synthetic?


@pytest.mark.parametrize(
    ("right", "grade", "words"),
    [
        ((5, 5), "pass", "0.50 recognised (0.30 to 0.70): not told apart"),
        ((6, 6), "unclear", "neither told apart nor shown not to be: 0.75"),
        ((7, 7), "unclear", "neither told apart nor shown not to be"),
        ((8, 8), "unclear", "more than guessing explains, but the interval reaches back"),
        ((10, 10), "fail", "told apart, with the whole interval;"),
        ((0, 0), "fail", "and taken for the other origin"),
        ((4, 4), "unclear", "neither told apart nor shown"),
    ],
)
def test_the_origins_of_twenty_items(right, grade, words):
    """Wilson's interval of the share; guessing reaches 0.7 of 20 items: with ten items called synthetic, 7 or more of 10 right is
    hypergeometric with 2 * 16526 / 184756 = 0.18, 8 or more with 2 * 2126 / 184756 = 0.02."""
    _, values, grades = measured(plan(), {"anna": knows(*right)})
    value, total = values["turing_recognised", ""], sum(right)
    low, high = proportion_confint(total, 20, method="wilson")
    assert (value.value, value.low, value.high) == pytest.approx((total / 20, low, high), abs=1e-6)
    assert value.edge == (0.7 if total >= 10 else 0.3)
    assert value.baseline == pytest.approx(0.5)
    assert (value.real, value.synthetic) == (10, 10)
    assert (value.verdict, grades["turing"].grade) == (grade, grade)
    assert words in grades["turing"].reason


def test_a_hand_worked_interval():
    """13 of 20: (0.65 + z2/40) / (1 + z2/20) -+ z sqrt(0.65 0.35/20 + z2/1600) / (1 + z2/20), z = 1.959964."""
    _, values, _ = measured(plan(), {"anna": knows(7, 6)})
    value = values["turing_recognised", ""]
    assert (value.low, value.high) == (pytest.approx(0.432856, abs=5e-6), pytest.approx(0.818808, abs=5e-6))
    assert values["turing_real", ""].value == 0.7
    assert values["turing_synthetic", ""].value == 0.6
    assert (values["turing_real", ""].low, values["turing_real", ""].high) == pytest.approx(
        proportion_confint(7, 10, method="wilson"), abs=1e-6
    )


def test_guessing_makes_the_hypergeometric_distribution():
    """The middle of the deals of 40 items, 20 of them called synthetic, beside scipy."""
    _, values, _ = measured(plan(40), {"anna": knows(11, 11)})
    law = stats.hypergeom(40, 20, 20)
    value = values["turing_recognised", ""]
    assert value.baseline_low == pytest.approx(law.ppf(0.025) / 20, abs=0.051)
    assert value.baseline_high == pytest.approx(law.ppf(0.975) / 20, abs=0.051)
    assert value.edge == pytest.approx(law.ppf(0.975) / 20, abs=1e-9)
    found = 0.5 + (value.edge - 0.5) + human_statistics.POWER * law.std() / 20
    assert f"found in 8 of 10 cases is {found:.2f}" in value.note


def test_few_items_do_not_pass_by_their_weakness():
    """Exactly half right: unclear while 0.75 is in the interval; nothing at all below ten items of an origin."""
    grades = {n: measured(plan(n), {"anna": knows(n // 4, n // 4)})[2]["turing"].grade for n in (16, 20, 40, 200)}
    assert grades == {16: "not assessable", 20: "pass", 40: "pass", 200: "pass"}
    assert measured(plan(22), {"anna": knows(7, 7)})[2]["turing"].grade == "unclear"
    big = measured(plan(400), {"anna": knows(120, 120)})[2]["turing"]
    assert (big.grade, "fail" in GRADES) == ("fail", True)


def test_a_rater_who_always_says_the_same_tells_nothing():
    _, values, grades = measured(plan(), {"anna": knows(10, 0), "ben": knows(0, 10)})
    assert grades["turing"].grade == "not assessable"
    assert "every rater gave one answer" in values["turing_recognised", ""].note


def test_several_raters_count_as_one_trial_an_item():
    """Three raters who answer alike know no more than one: the same share and edge, an interval from items.

    Nine of 20 items are called synthetic: 0.75 or its mirror has the chance 2 * 5860 / 167960 = 0.07, 0.85 that of 0.005.
    """
    one, three = ({name: knows(8, 7) for name in names} for names in (("a",), ("a", "b", "c")))
    single, many = (measured(plan(), raters)[1]["turing_recognised", ""] for raters in (one, three))
    assert (many.value, many.edge) == (single.value, single.edge) == (0.75, 0.75)
    assert many.high - many.low == pytest.approx(2 * 1.96 * math.sqrt((0.16 / 10 + 0.21 / 10) / 4), abs=0.06)
    sure = measured(plan(), {name: knows(10, 10) for name in "abc"})[1]["turing_recognised", ""]
    assert (sure.low, sure.high) == pytest.approx(proportion_confint(20, 20, method="wilson"), abs=1e-6)


def test_raters_who_guess_fail_rarely():
    """Independent guesses of two raters on 40 items: about 5 % beyond the edge, and almost none with the whole interval."""
    draw = np.random.default_rng(0)
    synthetic = np.arange(40) < 20
    beyond = []
    for seed in range(200):
        share, _, edge, _ = human_statistics.recognised(draw.integers(0, 2, (40, 2)).astype(float), synthetic, seed)
        beyond.append(abs(share.value - 0.5) > edge + 1e-9)
    assert 0.005 <= np.mean(beyond) <= 0.1


def test_unequal_numbers_of_items_use_the_mean_of_both_shares():
    """A rater who stopped: 10 real items with 7 right, 12 synthetic with 6; the interval by hand from two Wilson intervals."""
    said, synthetic = np.full((40, 1), np.nan), np.arange(40) >= 20
    said[:10, 0] = [0] * 7 + [1] * 3
    said[20:32, 0] = [1] * 6 + [0] * 6
    share, *_ = human_statistics.recognised(said, synthetic, 0)
    assert share.value == pytest.approx((0.7 + 0.5) / 2)
    (l1, h1), (l2, h2) = (proportion_confint(*count, method="wilson") for count in ((7, 10), (6, 12)))
    assert share.low == pytest.approx(0.6 - math.hypot(0.7 - l1, 0.5 - l2) / 2)
    assert share.high == pytest.approx(0.6 + math.hypot(h1 - 0.7, h2 - 0.5) / 2)


def test_sure_raters():
    """Sure (4 or 5) about the items they know: right in all of them."""

    def answer(origin, place, showing):
        return {"origin": 1 if origin == "real" or place > 4 else 2, "confidence": 5 if place <= 4 else 2}

    _, values, _ = measured(plan(), {"anna": answer})
    assert (values["turing_sure", ""].value, "10 sure answers" in values["turing_sure", ""].note) == (1.0, True)
    _, values, _ = measured(plan(), {"anna": lambda *_: {"confidence": 1}})
    assert values["turing_sure", ""].note == "nobody was sure of an origin"


def test_the_origin_need_not_be_asked():
    task = plan(questions=dataclasses.replace(rubric.DEFAULT, ask_origin=False))
    rated = answered(task, {"anna": lambda *_: {}})
    lines = {p: dataclasses.replace(line, answers={k: v for k, v in line.answers.items() if k not in ("origin", "confidence")})
             for p, line in rated.lines["anna"].items()}  # fmt: skip
    section = human.measure(Rated(task, {"anna": lines}), SETTINGS)
    assert {grade.aspect: grade.reason for grade in section.grades}["turing"] == "the raters were not asked for the origin"
    assert section.tables["raters"][0]["recognised"] is None


# --- ratings


def test_differences_by_hand():
    """Real items get 4, 5, 4, 5 ..., synthetic ones 3, 4, 3, 4 ...: means 4.5 and 3.5; harm in 0 and 3 of 10."""

    def answer(origin, place, showing):
        made = origin == "synthetic"
        return {"realistic": 4 - made + place % 2, "harmful": 1 + (made and place < 3), "origin": 1 + place % 2}

    _, values, grades = measured(plan(), {"anna": answer})
    assert values["rating_mean", "realistic: real"].value == 4.5
    assert values["rating_mean", "realistic: synthetic"].value == values["rating_median", "realistic: synthetic"].value == 3.5
    gap = values["rating_difference", "realistic"]
    assert gap.value == -1
    spread = math.sqrt(0.25 / 10 + 0.25 / 10)
    assert (gap.low, gap.high) == pytest.approx((-1 - 1.96 * spread, -1 + 1.96 * spread), abs=0.07)
    pooled = np.array([4, 5] * 5 + [3, 4] * 5)
    null = pooled.std(ddof=1) * math.sqrt(2 / 10)
    assert gap.baseline_high == pytest.approx(1.96 * null, abs=0.11)
    assert (gap.real, gap.synthetic) == (10, 10)
    assert gap.verdict == "unclear" if gap.high > gap.edge else "fail"
    harm = values["rating_excess", "harmful"]
    assert harm.value == pytest.approx(0.3)
    assert harm.edge > 0
    assert values["rating_mean", "harmful: real"].value == 0
    assert (values["rating_mean", "harmful: real"].low, values["rating_mean", "harmful: real"].high) == pytest.approx(
        proportion_confint(0, 10, method="wilson"), abs=1e-6
    )
    assert grades["ratings"].grade in ("unclear", "fail")
    assert "small sample (10 real, 10 synthetic items)" in gap.note


def level(real, synthetic):
    """A rater whose levels vary a little around one for each origin, in the same way."""
    return lambda origin, place, _: {"realistic": (real if origin == "real" else synthetic) + place % 2, "origin": 1 + place % 2}


@pytest.mark.parametrize(("levels", "verdict"), [((4, 1), "fail"), ((3, 3), "pass"), ((1, 4), "pass")])
def test_worse_fails_and_better_passes(levels, verdict):
    _, values, grades = measured(plan(60), {"anna": level(*levels)})
    assert values["rating_difference", "realistic"].verdict == verdict
    assert grades["ratings"].grade == verdict
    assert grades["ratings"].decided_by == (("rating_difference:realistic",) if verdict == "fail" else ())


def test_more_harm_fails_and_no_harm_passes():
    def harm(share):
        return lambda origin, place, _: {"harmful": 1 + (origin == "synthetic" and place < 30 * share), "origin": 1 + place % 2}

    values = [measured(plan(60), {"anna": harm(share)})[1]["rating_excess", "harmful"] for share in (0, 0.1, 1)]
    assert [value.verdict for value in values] == ["pass", "unclear", "fail"] or values[1].verdict == "pass"
    assert (values[0].low, values[0].high) == pytest.approx(
        confint_proportions_2indep(0, 30, 0, 30, compare="diff", method="newcomb"), abs=1e-6
    )
    assert "Newcombe" in values[0].interval


@pytest.mark.parametrize(("first", "second"), [((7, 20), (3, 30)), ((0, 12), (12, 12)), ((5, 9), (5, 9))])
def test_the_difference_of_two_shares_is_that_of_statsmodels(first, second):
    found = human_statistics.add(*((count / total, total) for count, total in (first, second)), weights=(1.0, -1.0))
    expected = confint_proportions_2indep(*first, *second, compare="diff", method="newcomb")
    assert (found.low, found.high) == pytest.approx(expected)


def test_equal_items_are_rarely_found_worse():
    """Ratings of both origins from one law, four criteria: together beyond an edge in about 5 % of 120 samples."""
    draw = np.random.default_rng(1)
    synthetic = np.arange(40) < 20
    names = {"a": HIGHER, "b": HIGHER, "c": LOWER, "d": LOWER}
    worse = 0
    for seed in range(120):
        found = human_statistics.compare({name: draw.integers(1, 6, 40).astype(float) for name in names}, synthetic, names, seed)
        signs = {HIGHER: -1, LOWER: 1}
        worse += any(signs[names[name]] * (at.difference.value - at.edge) > 1e-9 for name, at in found.items())
    assert worse <= 16  # of 120 with chance 0.05, more than 16 has a chance of 1 in 10 000


def test_ratings_without_variation_or_with_few_items_get_no_verdict():
    _, values, _ = measured(plan(), {"anna": knows(5, 5)})
    assert values["rating_difference", "realistic"].verdict == "not assessable"
    assert values["rating_difference", "realistic"].note == "all items got the same rating: no interval, no grade"
    _, values, grades = measured(plan(16), {"anna": level(4, 1)})
    assert values["rating_difference", "realistic"].value == -3
    assert values["rating_difference", "realistic"].verdict == "not assessable"
    assert values["rating_difference", "realistic"].note.startswith("fewer than 10 items of either origin; small sample")
    assert grades["ratings"].grade == "not assessable"
    _, values, _ = measured(plan(), {"anna": lambda origin, *_: {} if origin == "real" else None})
    assert values["rating_difference", "realistic"].note == "not rated for items of both origins"


def test_missing_answers_are_left_out_of_the_means():
    table = np.array([[1, np.nan], [3, 5], [np.nan, np.nan]])
    assert human_statistics.item_means(table) == pytest.approx([1, 4, np.nan], nan_ok=True)


# --- raters


def two(anna, ben):
    """Two raters whose answers to ``realistic`` are listed: real items first."""

    def rater(levels):
        return lambda origin, place, _: {"realistic": levels[place + 10 * (origin == "synthetic")], "origin": 1 + place % 2}

    return {"anna": rater(anna), "ben": rater(ben)}


def test_agreement_of_two_raters_by_hand():
    """Both 1: 8, both 2: 6, (1, 2): 4, (2, 1): 2 of 20. Percent 0.7; kappa (0.7 - 0.6 0.5 - 0.4 0.5) / 0.5 = 0.4; AC1 with five
    levels: chance (0.55 0.45 + 0.45 0.55) / 4 = 0.12375; alpha 1 - 0.3 / (2 22 18 / (40 39))."""
    anna = [1] * 8 + [2] * 6 + [1] * 4 + [2] * 2
    ben = [1] * 8 + [2] * 6 + [2] * 4 + [1] * 2
    _, values, grades = measured(plan(), two(anna, ben))
    names = "realistic: anna, ben"
    assert values["rater_percent", names].value == 0.7
    assert (values["rater_percent", names].low, values["rater_percent", names].high) == pytest.approx(
        proportion_confint(14, 20, method="wilson"), abs=1e-6
    )
    assert values["rater_kappa", names].value == pytest.approx(0.4)
    assert values["rater_ac1", names].value == pytest.approx((0.7 - 0.12375) / (1 - 0.12375), abs=1e-6)
    alpha = values["rater_alpha", "realistic"]
    assert alpha.value == pytest.approx(1 - 0.3 / (2 * 22 * 18 / (40 * 39)), abs=1e-6)
    assert alpha.low < alpha.value < alpha.high
    assert values["rater_kappa", "coherent: anna, ben"].value is None
    assert "all answers are one level" in values["rater_kappa", "coherent: anna, ben"].note
    assert all(value.verdict == "" for value in values.values() if value.metric.startswith("rater"))
    assert set(grades) == {"ratings", "turing"}


def test_three_raters_and_one():
    raters = {name: knows(5, 5) for name in ("anna", "ben", "cleo")}
    _, values, _ = measured(plan(), raters)
    assert {subject for metric, subject in values if metric == "rater_kappa" and subject.startswith("origin")} == {
        "origin: anna, ben",
        "origin: anna, cleo",
        "origin: ben, cleo",
    }
    assert values["rater_alpha", "origin"].value == 1
    _, values, _ = measured(plan(), {"anna": knows(5, 5)})
    assert values["rater_alpha", ""].note == "there is one rater: agreement needs two"


def test_raters_who_answered_nothing_in_common():
    raters = {
        "anna": lambda origin, *_: {} if origin == "real" else None,
        "ben": lambda origin, *_: None if origin == "real" else {},
    }
    _, values, _ = measured(plan(), raters)
    assert values["rater_alpha", "origin"].note == "no item has two answers"


def test_agreement_with_oneself_by_hand():
    """Six repeated items of each of two raters: anna repeats herself, ben never does. 6 of 12."""
    raters = {"anna": lambda *_: {"realistic": 2}, "ben": lambda origin, place, showing: {"realistic": 2 + showing}}
    _, values, _ = measured(plan(repeats=6), raters)
    value = values["self_percent", "realistic"]
    assert (value.value, value.note) == (0.5, "12 items")
    assert values["self_percent", "coherent"].value == 1
    assert values["rating_mean", "realistic: real"].value == 2.5, "only first showings are rated"
    assert not [key for key in measured(plan(), {"anna": knows(5, 5)})[1] if key[0].startswith("self")]


def test_time_is_a_median_without_pauses():
    task = plan()
    rated = answered(task, {"anna": knows(5, 5)})
    lines = {p: dataclasses.replace(line, seconds=float(p), paused=p >= 18) for p, line in rated.lines["anna"].items()}
    section = human.measure(Rated(task, {"anna": lines}), SETTINGS)
    value = next(value for value in section.values if value.metric == "seconds")
    assert (value.low, value.value, value.high) == tuple(np.quantile(range(18), (0.25, 0.5, 0.75)))
    assert value.note == "2 with a pause left out; 18 answers"
    row = section.tables["raters"][0]
    assert row == {"rater": "anna", "kind": "person", "answered": 20, "of": 20, "lines": 20, "pauses": 2, "seconds": 8.5,
                   "recognised": 0.5}  # fmt: skip
    lines = {p: dataclasses.replace(line, paused=True) for p, line in lines.items()}
    section = human.measure(Rated(task, {"anna": lines}), SETTINGS)
    assert next(value for value in section.values if value.metric == "seconds").value is None


# --- who rated


def test_nobody_rated(tmp_path):
    task = plan()
    task.write(tmp_path)
    (tmp_path / "ratings-zoe.jsonl").touch()
    section = human.measure(tmp_path, SETTINGS)
    assert section.values == ()
    assert {(grade.grade, grade.reason) for grade in section.grades} == {("not assessable", human.NOBODY)}
    assert "52-rating.ipynb" in human.NOBODY
    assert human.measure([], SETTINGS, task) == section
    assert rating_demo.raters(section).empty
    assert list(rating_demo.grades(section)["grade"]) == ["not assessable"] * 2
    assert rating_demo.values(section).empty


def test_simulated_raters_are_shown_and_never_graded(tmp_path):
    task = plan(repeats=2)
    task.write(tmp_path)
    rating_demo.simulate(task, tmp_path, skill=1.0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rating_demo.simulate(task, tmp_path, skill=1.0)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    section = human.measure(tmp_path, SETTINGS)
    assert section.notes[0].startswith("SIMULATED RATERS")
    values = {value.metric: value for value in section.values}
    assert values["turing_recognised"].value == 1
    assert {value.verdict for value in section.values} == {""}
    assert all(value.note.startswith("simulated raters") for value in section.values)
    assert {grade.grade for grade in section.grades} == {"not assessable"}
    assert all("never graded" in grade.reason for grade in section.grades)
    assert {row["kind"] for row in section.tables["raters"]} == {"simulated"}
    assert section == human.measure(human.load(tmp_path), SETTINGS)
    assert list(rating_demo.raters(section)["rater"]) == ["sim-1", "sim-2"]
    assert len(rating_demo.values(section)) == len(section.values)

    with RatingFile(tmp_path, task, "anna") as file:
        for slot in file.order[:15]:
            file.add(slot.position, GOOD, 20)
        with file.path.open("ab") as raw:
            raw.write(b'{"format"')
    section = human.measure(tmp_path, SETTINGS)
    assert set(section.notes) == {
        "rater anna: the last line was cut off and is left out",
        "simulated raters are left out: sim-1, sim-2",
        "rater anna answered 15 of 22 showings",
    }
    assert [row["rater"] for row in section.tables["raters"]] == ["anna"]
    held = human.measure(tmp_path, SETTINGS, hold="anna")
    assert held.values == ()
    assert {grade.reason for grade in held.grades} == {
        "anna is still rating: results are shown at the end, so that they teach nothing"
    }
    assert human.measure(tmp_path, SETTINGS, hold="ben") == section


def test_one_kind_of_simulated_rubric(tmp_path):
    """Simulated raters answer any rubric, with or without the question about the origin."""
    other = rubric.Rubric("x", (rubric.Criterion("a", "A", "?", "low", ("x", "y", "z")),), ask_origin=False)
    task = plan(questions=other)
    rating_demo.simulate(task, tmp_path, raters=("sim",))
    rated = human.load(tmp_path, task)
    assert rated.kind == "simulated"
    assert set(np.unique(rated.table("a"))) <= {1, 2, 3}
    assert rated.table("a")[rated.synthetic].mean() > rated.table("a")[~rated.synthetic].mean()


def test_levels_for_a_judge():
    task = plan(repeats=2)
    rated = answered(task, {"anna": knows(10, 10), "ben": knows(0, 0)})
    levels = rated.levels()
    assert set(levels) == set(task.by_id)
    assert all(held["realistic"] == [3, 3] and sorted(held["origin"]) == [1, 2] for held in levels.values())


def test_a_task_without_its_origins_cannot_be_analysed(tmp_path):
    task = plan()
    task.write(tmp_path, tmp_path / "key.json")
    with pytest.raises(InputError, match=r"the origins of the items are not known -> name its origins\.json"):
        human.load(tmp_path)
    assert human.load(tmp_path, key=tmp_path / "key.json").task == task
    with pytest.raises(InputError, match="without their task"):
        human.load([])


def test_results_are_seeded_and_their_metrics_known():
    task = plan(repeats=2)
    rated = answered(task, {"anna": level(4, 3), "ben": level(4, 2)})
    one, again = human.measure(rated, SETTINGS), human.measure(rated, SETTINGS)
    assert one == again
    assert one != human.measure(rated, Settings(seed=4))
    known = catalogue(METRICS)
    assert {value.metric for value in one.values} == set(known)
    for value in one.values:
        metric = known[value.metric]
        assert value.value is None or metric.low <= value.value <= metric.high
    assert {metric.aspect for metric in METRICS} == {"ratings", "turing", "raters"}
    assert rated.kind == rating_file.PERSON

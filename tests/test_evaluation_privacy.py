"""Copies and distances agree with values worked out by hand; copies of people fail, other people pass, in nearly all trials."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from review.evaluation import (
    overlaps,
    privacy,
    privacy_attacks,
    privacy_distance,
    privacy_inference,
    privacy_rates,
    privacy_space,
)
from review.evaluation.inputs import Column, Pair
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, UNCLEAR, Settings, Value, catalogue
from review.evaluation.privacy_inference import Result
from review.evaluation.privacy_rates import Count, contrast
from review.evaluation.privacy_space import Nearest, TableView, TextView, nearest
from review.evaluation.shares import edge_of
from review.statistics import wilson

SETTINGS = Settings()


def people(draw, size):
    """Patients with numbers, classes and missing values."""
    ill = draw.normal(size=size)
    table = pd.DataFrame({"age": np.round(50 + 15 * ill + 5 * draw.normal(size=size), 1), "bmi": 25 + 3 * draw.normal(size=size)})
    table["ldl"] = np.where(draw.random(size) < 0.1, np.nan, np.round(draw.normal(3, 0.8, size), 2))
    table["sex"] = pd.Categorical(draw.choice(["f", "m"], size), categories=["f", "m"])
    table["site"] = pd.Categorical(draw.choice(list("ABC"), size), categories=list("ABC"))
    return table


def pair(real, synthetic, holdout=None, kind="tabular", **more):
    kinds = {"category": "class", "float64": "number"}
    columns = tuple(Column(name, more.get("kinds", {}).get(name) or kinds[str(real[name].dtype)]) for name in real)
    return Pair(kind, real, synthetic, holdout, columns, text=more.get("text", ""))


def again(table, draw):
    return table.iloc[draw.integers(0, len(table), len(table))].reset_index(drop=True)


def grades(section):
    return {grade.aspect: grade.grade for grade in section.grades}


def value(section, metric, subject=""):
    return next(one for one in section.values if (one.metric, one.subject) == (metric, subject))


def table_view(real, synthetic):
    made = pair(real, synthetic)
    return TableView(made.parts(), made.named("number"), made.named("class"))


SMALL = pd.DataFrame({"size": [0.0, 10.0, np.nan, 5.0], "kind": pd.Categorical(["a", "b", None, "a"], categories=["a", "b"])})


def test_the_distance_of_records_by_hand():
    asked = pd.DataFrame({"size": [2.0, np.nan], "kind": pd.Categorical(["a", None], categories=["a", "b"])})
    view = table_view(SMALL, asked)
    found = view.cross(view.take("synthetic", np.arange(2)), view.take("real", np.arange(4)))
    # the range of size is 10; a missing value is at 0 from a missing one and at 1 from all others
    expected = [[0.2 / 2, (0.8 + 1) / 2, (1 + 1) / 2, 0.3 / 2], [(1 + 1) / 2, (1 + 1) / 2, 0, (1 + 1) / 2]]
    assert found == pytest.approx(np.array(expected))
    one, other = view.take("synthetic", np.arange(2)), view.take("real", np.arange(2))
    assert {gaps.dtype for gaps in (found, view.part(0, one[0], other[0]), view.part(1, one[1], other[1]))} == {np.dtype("f4")}
    near = nearest(view, ("synthetic", np.arange(2)), "real", np.arange(4))
    assert near.place.tolist() == [0, 2]
    assert near.first == pytest.approx([0.1, 0])
    assert near.second == pytest.approx([0.15, 1])


def test_a_record_is_not_its_own_nearest():
    view = table_view(SMALL, SMALL)
    near = nearest(view, ("real", np.arange(4)), "real", np.array([3, 2, 1, 0]), apart=True)
    assert near.place.tolist()[0] == 3
    assert near.first == pytest.approx([0.25, (0.5 + 1) / 2, 1, 0.25])


def test_the_distance_of_texts_is_that_of_scikit_learn():
    from sklearn.metrics.pairwise import cosine_distances

    texts = pd.DataFrame({"note": ["the heart is large", "the lung is clear", "no pain at all"]})
    other = pd.DataFrame({"note": ["the lung is large", "no pain at all"]})
    made = pair(texts, other, kind="text", kinds={"note": "text"}, text="note")
    view = TextView(made.parts(), "note", 0)
    one, two = view.take("synthetic", np.arange(2)), view.take("real", np.arange(3))
    assert view.cross(one, two) == pytest.approx(cosine_distances(one, two), abs=1e-5)
    assert view.cross(one, two)[1, 2] == 0
    assert (view.near("real", one).shape, view.near("real", one).dtype) == ((2, 0), np.int64)
    assert (one.dtype, view.cross(one, two).dtype) == (np.float32, np.float32)  # half the memory


def test_large_data_find_an_equal_record_wherever_it_stands(monkeypatch):
    monkeypatch.setattr(privacy_space, "RECORDS", 50)
    monkeypatch.setattr(privacy_distance, "RECORDS", 50)
    draw = np.random.default_rng(1)
    real, fresh = people(draw, 2000), people(draw, 60)
    view = table_view(real, pd.concat([again(real, draw).head(60), fresh], ignore_index=True))
    sampled = privacy_space.sample(view, "real", 50, 0)
    near = nearest(view, ("synthetic", np.arange(120)), "real", sampled)
    assert (near.first[:60] == 0).all()
    assert (near.first[60:] > 0).all()
    alone = nearest(view, ("synthetic", np.arange(120)), "real", sampled, lines=False)
    assert (alone.first[:60] > 0).sum() > 50
    assert (near.first <= alone.first).all()
    full = view.cross(view.take("synthetic", np.arange(120)), view.take("real", np.arange(2000)))
    assert near.first == pytest.approx(full[np.arange(120), near.place])
    assert (near.second >= near.first).all()
    own = nearest(view, ("real", np.arange(100)), "real", sampled, apart=True)
    assert (own.place != np.arange(100)).all()
    notes = privacy.measure(pair(real, fresh), Settings(deals=20)).notes
    assert any("random lines" in note for note in notes)


def test_an_interval_of_a_quantile_covers_it():
    draw = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        number, low, high = privacy_distance.quantile(draw.exponential(size=80), 0.5)
        assert low <= number <= high
        held += low <= np.log(2) <= high
    assert 0.93 <= held / 400 <= 0.99
    # 1 to 9: the median is the fifth; binomial(9, 1/2) has its 2.5 % and 97.5 % points at 2 and 7
    assert privacy_distance.quantile(np.arange(1.0, 10.0), 0.5) == (5, 2, 8)


def test_the_edge_of_a_quantile_is_crossed_as_often_as_it_says():
    draw = np.random.default_rng(3)
    below = 0
    for _ in range(2000):
        edge = privacy_distance.lowest(draw.normal(size=100), 150, 0.5, 0.05)
        below += privacy_distance.quantile(draw.normal(size=150), 0.5)[0] < edge
    assert 0.03 <= below / 2000 <= 0.06
    assert np.isnan(privacy_distance.lowest(np.arange(20.0), 20, 0.05, 0.01))
    # of 9 values and 2 controls, both controls lie above the fifth value in C(6, 2) of C(11, 2) orders
    assert stats.betabinom.cdf(0, 2, 5, 5) == pytest.approx(15 / 55)
    assert np.isnan(privacy_distance.lowest(np.array([2.0, 1.0]), 9, 0.5, 15 / 55 - 0.01))
    assert privacy_distance.lowest(np.array([2.0, 1.0]), 9, 0.5, 15 / 55 + 0.01) == 1


def test_the_ratio_of_two_zeros_is_one():
    found = Nearest(np.array([0.0, 0.0, 1.0]), np.array([0.0, 2.0, 2.0]), np.zeros(3, dtype=np.int64))
    assert privacy_distance.statistics(found)["nndr"][0].tolist() == [1, 0, 0.5]


def test_exact_copies_are_counted_in_all_rows():
    real = pd.DataFrame({"a": [1.0, 2.0, 2.0, np.nan], "b": pd.Categorical(["x", "y", "y", None], categories=["x", "y"])})
    synthetic = pd.DataFrame({"a": [1.0, 1.0, np.nan, -0.0], "b": pd.Categorical(["x", "y", None, "x"], categories=["x", "y"])})
    own, control, against = privacy.equal(pair(real, synthetic), {"a": "number", "b": "class"})
    assert (own, control) == (Count(2, 4), Count(2, 4))
    assert "other real" in against
    own, control, against = privacy.equal(pair(real, synthetic, real), {"a": "number", "b": "class"})
    assert control == Count(4, 4)
    assert "held out" in against
    # real records repeat while no held out one has an equal: the control is that of the real ones
    assert privacy.equal(pair(real, synthetic, synthetic.iloc[[1]]), {"a": "number", "b": "class"})[1] == Count(2, 4)


def test_sequences_and_texts_are_compared_as_a_whole():
    real = pd.DataFrame({"wave": [[0.0, 1.0], [1.0, 2.0]], "note": ["A  b", "c"]})
    synthetic = pd.DataFrame({"wave": [[0.0, 1.0], [1.0, 2.5]], "note": ["a b", "c"]})
    kinds = {"wave": "sequence", "note": "text"}
    assert privacy.equal(pair(real, synthetic, kind="paired", kinds=kinds), kinds)[0] == Count(1, 2)
    assert privacy.equal(pair(real, synthetic, kind="paired", kinds=kinds), {"note": "text"})[0] == Count(2, 2)


def test_rules_for_counts():
    name = ("copies", "")
    assert contrast(name, Count(0, 200), Count(0, 200), "x").verdict == PASS
    assert contrast(name, Count(50, 200), Count(0, 200), "x").verdict == FAIL
    assert contrast(name, Count(6, 200), Count(0, 200), "x").verdict == UNCLEAR  # 3 %: above 1.9 %, but from 1.4 % on
    assert contrast(name, Count(1, 200), Count(0, 200), "x", rule="any").verdict == FAIL
    assert contrast(name, Count(1, 200), Count(2, 200), "x", rule="any").verdict == PASS
    assert contrast(name, Count(0, 200), Count(0, 200), "x", rule="any").verdict == PASS
    assert contrast(name, Count(1, 200), Count(0, 200), "x", rule="hint").verdict == UNCLEAR
    assert contrast(name, Count(50, 200), Count(0, 200), "x", rule="hint").verdict == FAIL
    assert contrast(name, Count(50, 200), Count(0, 200), "x", rule="").verdict == ""
    empty = contrast(name, Count(0, 0), Count(0, 9), "x")
    assert (empty.value, empty.note, Count(0, 0).share) == (None, "nothing to count", 0)
    assert privacy_rates.level(5) == pytest.approx(0.99)
    assert "small" in contrast(name, Count(0, 9), Count(0, 9), "x").note


@pytest.mark.slow
def test_a_few_records_beside_many_are_not_blamed_for_chance():
    many = Count(30, 3000)
    assert contrast(("near_1", ""), Count(1, 50), many, "real").verdict == PASS
    assert contrast(("near_1", ""), Count(12, 50), many, "real").verdict == FAIL


def test_numbers_whose_range_is_no_number_keep_their_places():
    real = pd.DataFrame({"x": [-1.7e308, 0.0, 1.7e308]})
    view = TableView({"real": real, "synthetic": real[1:2]}, ("x",), ())
    gaps = view.cross(view.take("synthetic", np.array([0])), view.take("real", np.arange(3)))
    assert gaps.tolist() == [[0.5, 0.0, 0.5]]


def test_other_people_pass_and_copies_fail_in_nearly_all_trials():
    passed, trials = Counter(), 20
    for seed in range(trials):
        draw = np.random.default_rng(seed)
        real, held, fresh = people(draw, 150), people(draw, 80), people(draw, 150)
        for with_holdout in (True, False):
            section = privacy.measure(pair(real, fresh, held if with_holdout else None), Settings(seed=seed))
            passed.update((with_holdout, aspect) for aspect, grade in grades(section).items() if grade == PASS)
            assert FAIL not in grades(section).values()
        if seed < 4:
            copied = privacy.measure(pair(real, again(real, draw), held), Settings(seed=seed))
            assert grades(copied) == dict.fromkeys(("copies", "distance", "membership", "inference"), FAIL)
    for key in (
        (True, "copies"),
        (True, "distance"),
        (True, "membership"),
        (True, "inference"),
        (False, "copies"),
        (False, "distance"),
    ):
        assert passed[key] >= 0.9 * trials - 1, (key, passed)


def test_copies_fail_without_held_out_people_but_attacks_need_them():
    draw = np.random.default_rng(4)
    real = people(draw, 200)
    section = privacy.measure(pair(real, again(real, draw)), SETTINGS)
    expected = {"copies": FAIL, "distance": FAIL, "membership": NOT_ASSESSABLE, "inference": NOT_ASSESSABLE}
    assert grades(section) == expected
    reasons = {grade.aspect: grade.reason for grade in section.grades}
    assert "--holdout" in reasons["membership"]
    assert "--holdout" in reasons["inference"]
    assert value(section, "copies").value == 1
    assert value(section, "dcr_median", "table").value == 0


def test_few_copies_among_many_are_unclear_at_least():
    draw = np.random.default_rng(5)
    real, held, fresh = people(draw, 200), people(draw, 200), people(draw, 199)
    section = privacy.measure(pair(real, pd.concat([fresh, real.head(1)], ignore_index=True), held), SETTINGS)
    assert value(section, "copies").verdict == UNCLEAR
    assert value(section, "copies").value == pytest.approx(1 / 200)
    tenth = pd.concat([fresh.head(180), real.head(20)], ignore_index=True)
    section = privacy.measure(pair(real, tenth, held), SETTINGS)
    assert (grades(section)["copies"], grades(section)["distance"]) == (FAIL, FAIL)
    assert value(section, "dcr_low", "table").value == 0


def test_records_near_a_copy_are_nearly_copies():
    draw = np.random.default_rng(6)
    real, held = people(draw, 200), people(draw, 100)
    moved = again(real, draw)
    moved["bmi"] += draw.normal(0, 0.01, len(moved))
    section = privacy.measure(pair(real, moved, held), SETTINGS)
    assert value(section, "copies").value == 0
    assert value(section, "near_5", "table").verdict == FAIL
    assert grades(section)["distance"] == FAIL


def test_noise_passes_and_the_card_says_that_this_is_no_merit():
    draw = np.random.default_rng(7)
    real, held, noise = people(draw, 150), people(draw, 80), people(draw, 150)
    for name in ("age", "bmi", "ldl"):
        noise[name] = draw.uniform(-1000, 1000, 150)
    section = privacy.measure(pair(real, noise, held), SETTINGS)
    assert set(grades(section).values()) == {PASS}
    assert "no merit" in section.notes[0]
    assert "no proof of privacy" in section.notes[0]


def test_coarse_data_in_which_all_people_are_alike_pass():
    draw = np.random.default_rng(8)
    real, fresh, held = (people(draw, size)[["sex", "site"]] for size in (200, 200, 100))
    for holdout in (held, None):
        section = privacy.measure(pair(real, fresh, holdout), SETTINGS)
        assert value(section, "copies").value == 1
        assert (grades(section)["copies"], grades(section)["distance"]) == (PASS, PASS)


def test_the_share_closer_to_real_allows_for_few_people():
    """3000 synthetic records near 30 people are no 3000 people: the edge is far beyond the interval of a share of 3000."""
    draw = np.random.default_rng(9)
    crossed = 0
    for _ in range(40):
        real, held, fresh = people(draw, 30), people(draw, 30), people(draw, 1500)
        made = pair(real, fresh, held)
        found = privacy_distance.closer(TableView(made.parts(), made.named("number"), made.named("class")), SETTINGS)
        crossed += found.verdict != PASS
        assert found.edge > 0.56
    assert crossed <= 6


def test_too_few_records_have_no_distances():
    draw = np.random.default_rng(10)
    section = privacy.measure(pair(people(draw, 100), people(draw, 5), people(draw, 50)), SETTINGS)
    found = grades(section)
    assert found == {"copies": PASS, "distance": NOT_ASSESSABLE, "membership": NOT_ASSESSABLE, "inference": NOT_ASSESSABLE}
    section = privacy.measure(pair(people(draw, 100), people(draw, 100), people(draw, 5)), SETTINGS)
    assert value(section, "dcr_median", "table").against == privacy_distance.AGAINST_REAL


def test_the_same_seed_gives_the_same_values():
    draw = np.random.default_rng(11)
    made = pair(people(draw, 60), people(draw, 60), people(draw, 40))
    assert privacy.measure(made, SETTINGS) == privacy.measure(made, SETTINGS)


def test_a_pair_of_text_and_numbers_is_measured_in_both():
    draw = np.random.default_rng(12)
    tables = [people(draw, size) for size in (40, 40, 30)]
    for table in tables:
        table["note"] = [" ".join(f"w{code}" for code in draw.integers(0, 60, 20)) for _ in range(len(table))]
        table["wave"] = [draw.normal(size=3).tolist() for _ in range(len(table))]
    tables[1]["wave"] = tables[0]["wave"].tolist()
    made = pair(*tables, kind="paired", kinds={"note": "text", "wave": "sequence"}, text="note")
    section = privacy.measure(made, SETTINGS)
    assert set(grades(section)) == {"copies", "distance", "membership", "inference", "verbatim", "identifiers"}
    assert {one.subject for one in section.values if one.metric == "dcr_median"} == {"table", "text"}
    assert (value(section, "copies").value, value(section, "copies", "wave").value) == (0, 1)
    assert grades(section)["copies"] == FAIL


def test_texts_without_words_have_no_distance():
    texts = pd.DataFrame({"note": ["", "..."] * 10})
    section = privacy.measure(pair(texts, texts, kind="text", kinds={"note": "text"}, text="note"), SETTINGS)
    assert grades(section)["distance"] == NOT_ASSESSABLE
    assert grades(section)["verbatim"] == NOT_ASSESSABLE


def test_metrics_are_complete_and_say_that_passing_is_no_proof():
    found = catalogue(privacy.METRICS)
    assert {metric.family for metric in found.values()} == {"privacy"}
    assert all("no proof of privacy" in metric.blind for metric in found.values())
    draw = np.random.default_rng(13)
    section = privacy.measure(pair(people(draw, 40), people(draw, 40), people(draw, 40)), SETTINGS)
    assert {one.metric for one in section.values} <= set(found)


# Worked out by hand


def test_every_metric_has_the_range_and_direction_of_its_definition():
    own = (*privacy.METRICS[:3], *privacy_distance.METRICS, *privacy_attacks.METRICS, *privacy_inference.METRICS)
    share, distance = (0.0, 1.0), (0.0, np.inf)
    assert {metric.name: (metric.aspect, (metric.low, metric.high), metric.direction) for metric in own} == {
        "copies": ("copies", share, "lower"),
        "near_1": ("copies", share, "lower"),
        "near_5": ("copies", share, "lower"),
        "dcr_median": ("distance", distance, "higher"),
        "dcr_low": ("distance", distance, "higher"),
        "nndr": ("distance", share, "higher"),
        "dcr_share": ("distance", share, "lower"),
        "mia_nearest": ("membership", share, "lower"),
        "mia_ball": ("membership", share, "lower"),
        "mia_found": ("membership", share, "lower"),
        "air": ("inference", (-np.inf, 1.0), "lower"),
        "air_guess": ("inference", share, "lower"),
    }
    known = catalogue(privacy.METRICS)
    draw = np.random.default_rng(28)
    section = privacy.measure(pair(*(people(draw, size) for size in (40, 30, 20))), SETTINGS)
    assert {one.metric for one in section.values} == {metric.name for metric in own}
    assert all(known[one.metric].low <= one.value <= known[one.metric].high for one in section.values)
    assert {known[one.metric].aspect for one in section.values} == set(grades(section))


def test_the_words_of_a_metric_have_the_numbers_that_are_used():
    known = catalogue(privacy.METRICS)
    assert "nearer than 1%" in known["near_1"].title
    assert "nearer than 5%" in known["near_5"].title
    assert f"{100 * privacy_attacks.BALL:g} % of all distances" in known["mia_ball"].reference
    assert f"1 % with {privacy_attacks.MANY:,} people" in known["mia_found"].tells
    assert privacy_inference.TOLERANCE == 0.05  # as in the package of the paper
    assert all(name in known["mia_nearest"].reference for name in ("Chen", "Stadler"))
    references = {"mia_ball": "Hilprecht", "mia_found": "Carlini", "air": "Giomi", "nndr": "Platzer", "dcr_low": "Gower"}
    assert all(author in known[name].reference for name, author in references.items())


def test_a_share_beside_its_control_by_hand():
    found = contrast(("copies", "x"), Count(2, 200), Count(4, 400), "others", graded=2, real=7, note="why")
    level = 0.975  # two values share an error of 5 %
    expected = (0.01, *wilson(2, 200, level), 0.01, *wilson(4, 400, level))
    marks = (found.value, found.low, found.high, found.baseline, found.baseline_low, found.baseline_high)
    assert marks == pytest.approx(expected, abs=1e-6)
    assert found.edge == pytest.approx(edge_of((4, 400), 200, level), abs=1e-6)
    words = (found.metric, found.subject, found.interval, found.against, found.note)
    assert words == ("copies", "x", "Wilson 97.5%", "others", "why")
    assert (found.real, found.synthetic, found.verdict) == (7, 200, PASS)


def test_what_a_rule_does_to_the_edge():
    def edge(rule, control):
        return contrast(("copies", ""), Count(1, 200), Count(control, 200), "x", rule=rule).edge

    for control in (0, 3):
        by_rate = pytest.approx(edge_of((control, 200), 200), abs=1e-6)
        assert contrast(("copies", ""), Count(1, 200), Count(control, 200), "x").edge == edge("rate", control) == by_rate
        assert edge("", control) is None
    assert (edge("any", 0), edge("hint", 0)) == (0, 0)
    assert edge("any", 3) == edge("hint", 3) == edge("rate", 3)


def test_one_value_has_the_whole_error_and_a_hundred_items_are_no_small_sample():
    assert privacy_rates.level(0) == privacy_rates.level(1) == pytest.approx(0.95)
    sizes = {
        size: contrast(("copies", ""), Count(0, size[0]), Count(0, size[1]), "x") for size in ((100, 100), (99, 200), (200, 99))
    }
    assert {size: found.note for size, found in sizes.items()} == {
        (100, 100): "",
        (99, 200): "small sample: fewer than 100",
        (200, 99): "small sample: fewer than 100",
    }
    assert sizes[100, 100].interval == "Wilson 95.0%"
    assert contrast(("copies", ""), Count(0, 9), Count(0, 9), "x", note="why").note == "why; small sample: fewer than 100"


def test_nothing_to_count_says_what_was_there():
    name = ("copies", "x")
    found = contrast(name, Count(0, 0), Count(1, 9), "others", real=5, note="no text")
    assert found == Value("copies", "x", note="no text", real=5, synthetic=0, against="others")
    found = contrast(name, Count(3, 9), Count(0, 0), "others")
    assert found == Value("copies", "x", note="nothing to count", synthetic=9, against="others")


def ranks(*first):
    """Records at these distances from the nearest one, and at twice as much from the second."""
    held = np.array(first, dtype=float)
    return Nearest(held, 2 * held, np.arange(len(held)))


def test_records_nearly_copied_are_counted_below_a_quantile_of_the_real_ones():
    real = ranks(*range(1, 201))  # the 1 % quantile lies at 1 + 0.01 * 199 = 2.99, the 5 % quantile at 10.95
    synthetic, control = ranks(*[2.98] * 3, 2.99, 10.9, *[50] * 195), ranks(2, 10, *[50] * 98)
    near = privacy_distance.Reach(synthetic, control, real, 200, held=True)
    section = privacy.copies(pair(SMALL, SMALL.iloc[[1]]), {"table": (None, near)})
    one, five = value(section, "near_1", "table"), value(section, "near_5", "table")
    assert (one.value, one.baseline, five.value, five.baseline) == (3 / 200, 1 / 100, 5 / 200, 2 / 100)
    assert (one.note, five.note) == ("nearer than 2.99", "nearer than 10.95")
    assert (one.real, one.synthetic, one.against) == (200, 200, privacy_distance.AGAINST_HOLDOUT)
    # copies, near_1 and near_5 are graded together
    assert {one.interval, five.interval, value(section, "copies").interval} == {"Wilson 98.3%"}
    assert section.grades[0].aspect == "copies"


def test_without_held_out_records_a_half_of_the_real_ones_sets_the_limit_and_the_other_is_the_control():
    held = [rank for base in range(1, 201) for rank in (base, 3.0 if base == 100 else 500)]
    near = privacy_distance.Reach(ranks(*[2.98] * 3, *[50] * 97), ranks(*held), ranks(*held), 400, held=False)
    section = privacy.copies(pair(SMALL, SMALL), {"table": (None, near), "text": (None, None)})
    one, five = value(section, "near_1", "table"), value(section, "near_5", "table")
    assert (one.value, one.baseline) == (3 / 100, 0)  # of the other half, 3.0 is not below 2.99
    assert (five.value, five.baseline, five.against) == (3 / 100, 1 / 200, privacy_distance.AGAINST_REAL)
    assert len(section.values) == 3


def test_copies_of_a_sequence_are_counted_beside_those_of_whole_records():
    table = SMALL.assign(wave=[[0.0], [1.0], [2.0], [3.0]])
    other = SMALL.assign(wave=[[0.0], [1.0], [2.0], [9.0]], size=[0.0, 10, np.nan, 6])
    section = privacy.copies(pair(table, other, kinds={"wave": "sequence"}), {})
    assert [(one.subject, one.value, one.real) for one in section.values] == [("", 0.75, 4), ("wave", 0.75, 4)]
    assert {one.interval for one in section.values} == {"Wilson 97.5%"}
    alone = privacy.copies(pair(table[["wave"]], other[["wave"]], kinds={"wave": "sequence"}), {})
    assert [one.subject for one in alone.values] == [""]
    texts = pd.DataFrame({"note": ["a", "b"], "kind": pd.Categorical(["x", "y"])})
    turned = pd.DataFrame({"note": ["a", "b"], "kind": pd.Categorical(["y", "x"], categories=["x", "y"])})
    labelled = privacy.copies(pair(texts, turned, kind="text", kinds={"note": "text"}, text="note"), {})
    assert [(one.subject, one.value) for one in labelled.values] == [("", 1.0)]  # a label beside texts is no part of a copy


def test_held_out_records_are_the_control_unless_real_ones_repeat_more():
    real = pd.DataFrame({"a": [1.0, 2.0, 3.0, 3.0]})
    kinds = {"a": "number"}
    held = pd.DataFrame({"a": [1.0, 8.0]})
    own, control, against = privacy.equal(pair(real, real, held), kinds)
    assert (own, control, against) == (Count(4, 4), Count(1, 2), "held out records with an equal real one")
    _, control, against = privacy.equal(pair(real, real, held.iloc[[1]]), kinds)
    assert (control, against) == (Count(2, 4), "real records with an equal among the other real ones")


def test_the_ranks_of_a_quantile_by_hand():
    ordered = np.arange(1.0, 101.0)
    # binomial(100, 1/2): 2.5 % and 97.5 % points 40 and 60; binomial(100, 1/20): 1 and 10; of three values: first and last
    assert privacy_distance.quantile(ordered[::-1], 0.5) == (50, 40, 61)
    assert privacy_distance.quantile(ordered, 0.05) == (5, 1, 11)
    assert privacy_distance.quantile(np.array([3.0, 1.0, 2.0]), 0.5) == (2, 1, 3)
    assert privacy_distance.quantile(np.array([3.0, 1.0, 2.0]), 0.05) == (1, 1, 2)


def test_the_edge_is_a_value_of_the_control():
    control = np.arange(1.0, 401.0)
    for level, size in ((0.5, 150), (0.05, 160), (0.05, 201)):
        rank = int(np.ceil(level * size))
        place = int(privacy_distance.lowest(control[::-1], size, level, 0.05))
        # at most so many of the control lie below the quantile: the chance of fewer is below the error
        chances = stats.betabinom.cdf([place - 1, place], 400, rank, size - rank + 1)
        assert chances[0] < 0.05 <= chances[1]


def test_the_marks_of_distances_by_hand():
    control, synthetic = ranks(*range(1, 101)), ranks(*range(11, 111))
    for held, error in ((True, 0.05), (False, 0.025)):
        reach = privacy_distance.Reach(synthetic, control, control, 100, held=held)
        rows = privacy_distance.compare(reach, graded=4)
        marks, edge = rows["dcr_median"]
        assert marks == (60, 50, 71, 50, 40, 61)
        assert edge == privacy_distance.lowest(control.first, 100, 0.5, error / 4)
        assert rows["dcr_low"][0] == (15, 11, 21, 5, 1, 11)
        assert rows["nndr"][0] == (0.5,) * 6
        assert privacy_distance.compare(reach) == privacy_distance.compare(reach, graded=3)
    assert privacy_distance.middle(np.arange(1001.0)) == (25, 975)


def test_values_of_distances_say_what_they_were_compared_with():
    draw = np.random.default_rng(14)
    real, held, fresh = people(draw, 310), people(draw, 300), people(draw, 320)
    for holdout in (held, None):
        made = pair(real, fresh, holdout)
        view = TableView(made.parts(), made.named("number"), made.named("class"))
        found = {"table": (view, privacy_distance.reach(view, SETTINGS, held=holdout is not None)), "text": (view, None)}
        section = privacy_distance.measure(found, SETTINGS)
        names = ["dcr_median", "dcr_low", "nndr", *(["dcr_share"] if holdout is not None else [])]
        assert [(one.metric, one.subject) for one in section.values] == [(name, "table") for name in names]
        for one, (marks, edge) in zip(
            section.values, privacy_distance.compare(found["table"][1], len(names)).values(), strict=False
        ):
            assert (one.value, one.low, one.high, one.baseline, one.baseline_low, one.baseline_high) == pytest.approx(
                marks, abs=1e-6
            )
            assert one.edge == pytest.approx(edge, abs=1e-6)
            assert (one.real, one.synthetic, one.interval, one.note) == (310, 320, privacy_distance.RANKS, "")
            words = privacy_distance.AGAINST_REAL if holdout is None else privacy_distance.AGAINST_HOLDOUT
            assert one.against == words
        assert (section.grades[0].aspect, section.notes) == ("distance", ())


def test_small_samples_and_missing_edges_of_distances_are_said():
    draw = np.random.default_rng(15)
    notes = {}
    for size in (10, 99, 100):
        made = pair(people(draw, 100), people(draw, size))
        view = TableView(made.parts(), made.named("number"), made.named("class"))
        section = privacy_distance.measure({"table": (view, privacy_distance.reach(view, SETTINGS, held=False))}, SETTINGS)
        notes[size] = {one.metric: one.note for one in section.values}
    small = "small sample: fewer than 100 records"
    assert notes[10] == {"dcr_median": small, "dcr_low": f"{small}; too few records for an edge", "nndr": small}
    assert (notes[99]["dcr_median"], notes[99]["nndr"]) == (small, small)
    assert (notes[100]["dcr_median"], notes[100]["dcr_low"]) == ("", "too few records for an edge")
    assert privacy_distance.measure({}, SETTINGS).grades[0].reason == "no column of numbers, classes or text"
    assert privacy_distance.measure({"table": (None, None)}, SETTINGS).grades[0].reason == "fewer than 10 records"


def test_ten_records_are_enough_for_distances_and_nine_are_not():
    draw = np.random.default_rng(16)
    for real, synthetic, held, expected in ((10, 10, 10, True), (9, 10, 10, None), (10, 9, 10, None), (10, 10, 9, False)):
        made = pair(people(draw, real), people(draw, synthetic), people(draw, held))
        view = TableView(made.parts(), made.named("number"), made.named("class"))
        found = privacy_distance.reach(view, SETTINGS, held=True)
        assert (found and found.held) == expected
        if found:
            assert len(found.control.first) == (held if found.held else real)
            assert (found.records, len(found.synthetic.first), len(found.real.first)) == (real, synthetic, real)


def test_the_share_closer_to_real_by_hand():
    """Ten records at distance 0 of a real one, ten at 0 of a held out one, and ten at 0 of both, which are dealt by chance."""
    numbers = np.arange(30.0)
    real = pd.DataFrame({"x": np.where(numbers < 20, 10 * numbers, 1000 + numbers)})
    held = pd.DataFrame({"x": np.where(numbers < 10, 10 * numbers, 2000 + numbers)})
    synthetic = pd.DataFrame({"x": [*10 * numbers[:20], *(2000 + numbers[10:20])]})
    made = pair(real, synthetic, held)
    view = TableView(made.parts(), ("x",), ())
    found = privacy_distance.closer(view, SETTINGS)
    ties = round(found.value * 30) - 10
    assert 1 <= ties <= 9
    assert found.note == "10 ties are dealt by chance"
    assert (found.low, found.high) == pytest.approx(wilson(10 + ties, 30), abs=1e-6)
    assert (found.baseline, found.real, found.synthetic, found.against) == (0.5, 30, 30, privacy_distance.EXCHANGED)
    # each of 30 records is a coin: 95 % of the time at most 19 of 30 fall on one side, and 97.5 % at most 20
    assert found.edge == pytest.approx(stats.binom.ppf(0.95, 30, 0.5) / 30, abs=0.04)
    assert (found.baseline_low, found.baseline_high) == pytest.approx(stats.binom.ppf([0.025, 0.975], 30, 0.5) / 30, abs=0.04)
    assert privacy_distance.closer(view, SETTINGS, graded=4).edge > found.edge
    apart = pair(real, real + 1, held + 5)
    none = privacy_distance.closer(TableView(apart.parts(), ("x",), ()), SETTINGS)
    assert none.note == ""
    assert none.value == 1
    assert none.verdict == FAIL


def test_distances_of_large_data_say_that_they_are_sampled(monkeypatch):
    monkeypatch.setattr(privacy_distance, "RECORDS", 50)
    monkeypatch.setattr(privacy_distance, "QUERIES", 40)
    draw = np.random.default_rng(17)

    def notes(real, synthetic):
        view = table_view(people(draw, real), people(draw, synthetic))
        return privacy_distance.measure({"table": (view, privacy_distance.reach(view, SETTINGS, held=False))}, SETTINGS).notes

    words = "Distances of the table: at most 40 records ask, 50 of {} real ones answer."
    assert notes(50, 40) == ()
    assert notes(50, 41) == (words.format(50),)
    assert notes(51, 40)[0].startswith(f"{words.format(51)} Neighbours on random lines")
    texts = pd.DataFrame({"note": [f"w{number}" for number in range(51)]})
    view = TextView(pair(texts, texts, kind="text", kinds={"note": "text"}, text="note").parts(), "note", 0)
    found = privacy_distance.measure({"text": (view, privacy_distance.reach(view, SETTINGS, held=False))}, SETTINGS)
    assert found.notes[0].startswith(
        "Distances of the text: at most 40 records ask, 50 of 51 real ones answer. A text like one of"
    )
    assert "the other 1 real ones is not seen here" in found.notes[0]


# Views


def test_a_number_far_from_the_real_ones_is_cut_off_and_a_column_of_one_value_has_range_one():
    real = pd.DataFrame({"x": [0.0, 2.0], "same": [7.0, 7.0]})
    other = pd.DataFrame({"x": [1e9, -1e9, 3.0], "same": [7.0, 9.0, 6.0]})
    view = TableView({"real": real, "synthetic": other}, ("x", "same"), ())
    assert view.take("synthetic", np.arange(3)).tolist() == [[1e6, -1e6, 1.5], [0, 2, -1]]
    assert view.take("real", np.array([1, 0])).tolist() == [[1, 0], [0, 0]]
    assert (view.size("real"), view.size("synthetic")) == (2, 3)
    huge = pd.DataFrame({"x": [-1.7e308, 1.7e308]})
    extreme = TableView({"real": huge, "synthetic": pd.DataFrame({"x": [0.0]})}, ("x",), ())
    assert extreme.take("synthetic", np.array([0])).tolist() == [[0.5]]
    narrow = pd.DataFrame({"x": [0.0, 1e-10]})
    beyond = TableView({"real": narrow, "synthetic": pd.DataFrame({"x": [1e305]})}, ("x",), ())
    assert beyond.take("synthetic", np.array([0])).tolist() == [[1e6]]
    assert beyond.take("synthetic", np.array([0])).dtype == np.float32


def test_which_views_a_pair_has():
    table = SMALL.assign(note=["a", "b", "c", "d"])

    def names(frame, kind, text="", kinds=None):
        return [view.name for view in privacy_space.views(pair(frame, frame, kind=kind, text=text, kinds=kinds or {}), 0)]

    assert names(SMALL, "tabular") == ["table"]
    assert names(SMALL[["size"]], "tabular") == names(SMALL[["kind"]], "tabular") == ["table"]
    assert names(table, "paired", "note", {"note": "text"}) == ["table", "text"]
    assert names(table, "text", "note", {"note": "text"}) == ["text"]
    assert names(table.assign(note="."), "paired", "note", {"note": "text"}) == ["table"]
    assert names(table.assign(note=[".", "a", ".", "."]), "paired", "note", {"note": "text"}) == ["table", "text"]
    assert names(SMALL.assign(wave=[[0.0]] * 4)[["wave"]], "tabular", kinds={"wave": "sequence"}) == []


def test_a_sample_is_a_part_in_an_order_of_chance():
    view = table_view(pd.DataFrame({"x": np.arange(100.0)}), pd.DataFrame({"x": np.arange(5.0)}))
    all_of_them = privacy_space.sample(view, "real", 1000, 0)
    assert sorted(all_of_them) == list(range(100))
    assert all_of_them.tolist() != list(range(100))
    assert privacy_space.sample(view, "real", 7, 0).tolist() == all_of_them[:7].tolist()
    assert privacy_space.sample(view, "real", 1000, 1).tolist() != all_of_them.tolist()


@pytest.mark.parametrize("block", [1, 60, 1 << 19])
@pytest.mark.parametrize("apart", [True, False])
def test_the_nearest_records_are_those_of_all_distances(block, apart, monkeypatch):
    monkeypatch.setattr(TableView, "block", block)
    draw = np.random.default_rng(18)
    view = table_view(people(draw, 25), people(draw, 25))
    role = "real" if apart else "synthetic"
    asked, records = draw.permutation(25)[:20], draw.permutation(25)[:15]
    near = nearest(view, (role, asked), "real", records, apart=apart)
    gaps = view.cross(view.take(role, asked), view.take("real", records)).astype(float)
    gaps[(asked[:, None] == records[None, :]) & apart] = np.inf
    ordered = np.sort(gaps, axis=1)
    assert near.first == pytest.approx(ordered[:, 0])
    assert near.second == pytest.approx(ordered[:, 1])
    assert near.place.tolist() == records[gaps.argmin(axis=1)].tolist()
    assert (near.first.dtype, near.second.dtype) == (np.float64, np.float64)
    only = nearest(view, (role, asked), "real", np.array([3]))
    assert (only.first == only.second).all()


def test_neighbours_on_lines_are_added_once(monkeypatch):
    monkeypatch.setattr(privacy_space, "RECORDS", 30)
    real = pd.DataFrame({"x": np.arange(31.0)})
    view = table_view(real, pd.DataFrame({"x": [7.25, 29.75]}))
    places = np.arange(2)
    # x is the only column: on every line its neighbours are those to the left and to the right, four to a side
    candidates = view.near("real", view.take("synthetic", places))
    assert candidates.shape == (2, 8 * 2 * 4)
    assert set(candidates[0].tolist()) == {4, 5, 6, 7, 8, 9, 10, 11}
    assert set(candidates[1].tolist()) == {26, 27, 28, 29, 30}
    first = view.near("real", table_view(real, pd.DataFrame({"x": [0.25]})).take("synthetic", np.array([0])))
    for on_line in np.vstack([candidates[1], 30 - first[0]]).reshape(16, 8):
        assert set(on_line.tolist()) == {26, 27, 28, 29, 30}  # at either end of every line
    near = nearest(view, ("synthetic", places), "real", np.array([0, 7, 1]))
    assert near.place.tolist() == [7, 30]
    assert near.first * 30 == pytest.approx([0.25, 0.25], abs=1e-4)
    assert near.second * 30 == pytest.approx([0.75, 0.75], abs=1e-4)  # 8 and 29, not the same record again
    alone = nearest(view, ("synthetic", places), "real", np.array([0, 7, 1]), lines=False)
    assert alone.place.tolist() == [7, 7]
    assert alone.second * 30 == pytest.approx([6.25, 28.75], abs=1e-4)
    single = nearest(view, ("synthetic", places[1:]), "real", np.array([0, 7, 1]))
    assert (single.place.tolist(), single.second.tolist()) == ([30], [near.second[1]])
    fewer = table_view(real[:30], real[:1])
    none = fewer.near("real", fewer.take("synthetic", np.array([0])))
    assert (none.shape, none.dtype) == ((1, 0), np.int64)


def test_equal_records_have_equal_places_on_every_line():
    draw = np.random.default_rng(19)
    table = people(draw, 200)
    view = table_view(table, again(table, draw))
    real, other = view.take("real", np.arange(200)), view.take("synthetic", np.arange(200))
    same = (view.cross(real, other) == 0).argmax(axis=0)
    ends = [(view._project(real, line), view._project(other, line)) for line in range(3)]
    for mine, theirs in ends:
        assert (theirs == mine[same]).all()
        assert len(np.unique(mine)) > 190
    assert not np.allclose(ends[0][0], ends[1][0])
    alike = table.head(3).assign(sex=pd.Categorical(["f", "m", None], categories=["f", "m"]))
    alike.iloc[1:, [0, 1, 2, 4]] = alike.iloc[[0, 0], [0, 1, 2, 4]].to_numpy()
    apart = table_view(table, alike)
    assert len(set(apart._project(apart.take("synthetic", np.arange(3)), 0).tolist())) == 3
    # a column of numbers that is missing and one of classes that is: places of their own
    ends = view._project(table_view(SMALL, SMALL).take("real", np.arange(4))[[0, 0, 0, 1, 1]], 0)
    assert len(set(ends.tolist())) == 4


def test_texts_are_compared_by_words_and_pairs_of_words():
    texts = pd.DataFrame({"note": ["one two three", "three two one", "one", "ONE"]})
    made = pair(texts, texts, kind="text", kinds={"note": "text"}, text="note")
    view = TextView(made.parts(), "note", 0)
    gaps = view.cross(view.take("real", np.arange(4)), view.take("real", np.arange(4)))
    assert 0 < gaps[0, 1] < 1  # the same words in another order
    assert gaps[2, 3] == 0
    assert np.diag(gaps).tolist() == [0] * 4
    assert view.size("real") == 4
    assert set(view._weights.get_feature_names_out()) == {"one", "two", "three", "one two", "two three", "three two", "two one"}
    twice = pd.DataFrame({"note": ["a b", "a a a b"]})
    repeated = TextView(pair(twice, twice, kind="text", kinds={"note": "text"}, text="note").parts(), "note", 0)
    row = repeated.take("real", np.array([1])).toarray()[0]
    names = list(repeated._weights.get_feature_names_out())
    # three times counts 1 + ln 3 times as much as once; both words are in both texts
    assert row[names.index("a")] / row[names.index("b")] == pytest.approx(1 + np.log(3))


# Attacks by hand


def line(real, synthetic, held, **more):
    """A view of one column of numbers."""
    frames = [pd.DataFrame({"x": np.asarray(numbers, dtype=float)}) for numbers in (real, synthetic, held)]
    made = pair(*frames, **more)
    return TableView(made.parts(), ("x",), ())


def places(view):
    return {role: np.arange(view.size(role)) for role in ("real", "holdout")}


def test_halves_of_twins_are_three_quarters_members():
    """Twenty held out people whose twins are the real ones: a half of these has its twin among the records, at distance 0.

    The other half is as near as the held out people who are left, of whom one in ten may be a false alarm: of these twins, the
    nearest one alone is above the second nearest of the others.
    """
    numbers = np.cumsum(1.1 ** np.arange(20.0))
    view = line(numbers, numbers, numbers)
    found = privacy_attacks._halves(view, places(view), np.random.default_rng(0), 0.1)
    assert len(found) == privacy_attacks.HALVES == 40
    assert {row["mia_nearest"] for row in found} == {row["mia_ball"] for row in found} == {0.75}
    assert np.median([row["mia_found"] for row in found]) == pytest.approx(11 / 20)
    fewer = line(numbers, numbers, numbers[:19])
    assert privacy_attacks._halves(fewer, places(fewer), np.random.default_rng(0), 0.1) == []


def test_real_people_far_from_those_held_out_are_no_members_of_a_half():
    view = line(np.arange(1000, 1030), np.arange(30), np.arange(24))
    found = privacy_attacks._halves(view, places(view), np.random.default_rng(0), 0.1)
    assert {row["mia_nearest"] for row in found} == {0}
    assert {row["mia_found"] for row in found} == {0}
    assert max(row["mia_ball"] for row in found) <= 0.5


@pytest.mark.parametrize("block", [1, 200, 1 << 19])
def test_scores_are_the_nearest_distance_and_the_number_around(block, monkeypatch):
    monkeypatch.setattr(TableView, "block", block)
    draw = np.random.default_rng(20)
    view = line(draw.normal(size=70), draw.normal(size=60), draw.normal(size=65))
    records = np.arange(5, 55)
    scores = privacy_attacks._scores(view, places(view), records)
    held = view.take("synthetic", records)
    gaps = {role: view.cross(view.take(role, place), held) for role, place in places(view).items()}
    radius = np.quantile(np.concatenate([gaps[role][:50].ravel() for role in ("real", "holdout")]), 0.01)
    every = np.concatenate([gaps["real"], gaps["holdout"]])
    assert scores["nearest"] == pytest.approx(-every.min(axis=1))
    assert scores["ball"].tolist() == (every <= radius).sum(axis=1).tolist()
    assert 0 < scores["ball"].sum() < every.size / 20


def test_people_are_drawn_again_on_either_side():
    scores = {"nearest": np.arange(50.0), "ball": -np.arange(50.0)}
    drawn, member = privacy_attacks._drawn(scores, (30, 20), np.random.default_rng(0))
    assert member.tolist() == [True] * 30 + [False] * 20
    assert set(drawn["nearest"][:30]) <= set(range(30))
    assert set(drawn["nearest"][30:]) <= set(range(30, 50))
    assert (drawn["nearest"] == -drawn["ball"]).all()
    many = [privacy_attacks._drawn(scores, (30, 20), np.random.default_rng(seed))[0]["nearest"] for seed in range(40)]
    assert {0, 29} <= {number for row in many for number in row[:30]}
    assert {30, 49} <= {number for row in many for number in row[30:]}


def test_which_attack_is_which():
    scores = {"nearest": np.array([3.0, 1, 2, 0]), "ball": np.array([0.0, 0, 1, 1])}
    member = np.array([True, True, False, False])
    assert privacy_attacks.attacks(scores, member, 0.5) == {"mia_nearest": 0.75, "mia_ball": 0.0, "mia_found": 1.0}
    assert privacy_attacks.attacks(scores, member, 0.1) == {"mia_nearest": 0.75, "mia_ball": 0.0, "mia_found": 0.5}


def test_values_of_an_attack_on_people_who_were_copied():
    real, held = 10 * np.arange(120), 10 * np.arange(130) + 5
    view = line(real, [*real, *real], held)
    found = {one.metric: one for one in privacy_attacks.membership(view, SETTINGS)}
    assert list(found) == ["mia_nearest", "mia_ball", "mia_found"]
    words = "40 halves of the held out items in the place of the synthetic ones"
    for one in found.values():
        assert (one.subject, one.real, one.synthetic, one.against) == ("table", 120, 240, words)
        assert one.interval == "middle 95 % of resamples of the people"
        assert one.baseline_low <= one.baseline <= one.baseline_high <= one.edge
    for name in ("mia_nearest", "mia_found"):
        assert (found[name].value, found[name].low, found[name].high, found[name].verdict) == (1, 1, 1, FAIL)
    assert (found["mia_nearest"].note, found["mia_ball"].note, found["mia_found"].note) == ("", "", "at 10% false alarms")
    ball = found["mia_ball"]
    assert ball.low < ball.value < ball.high


def test_the_edge_of_an_attack_is_beyond_exchanged_labels():
    draw = np.random.default_rng(21)
    view = line(draw.normal(size=60), draw.normal(size=60), draw.normal(size=15))
    found = {one.metric: one for one in privacy_attacks.membership(view, SETTINGS)}
    near = found["mia_nearest"]
    # with 60 and 15 people the error of an AUC without any difference is sqrt((60 + 15 + 1) / (12 * 60 * 15)) = 0.0839
    assert (near.baseline, near.against) == (pytest.approx(0.5, abs=0.01), "exchanged labels")
    assert (near.baseline_low, near.baseline_high) == pytest.approx((0.5 - 1.96 * 0.0839, 0.5 + 1.96 * 0.0839), abs=0.02)
    # three attacks together: between one at 5 % and three at 5 % / 3
    assert 0.5 + 1.645 * 0.0839 - 0.01 < near.edge < 0.5 + 2.13 * 0.0839 + 0.03
    assert near.high - near.low == pytest.approx(2 * 1.96 * 0.0839, rel=0.35)
    assert near.note == "small sample: fewer than 100 people"
    assert found["mia_found"].note == "at 10% false alarms; small sample: fewer than 100 people"
    assert all(one.edge >= one.baseline_high for one in found.values())


def test_ten_people_or_records_are_enough_for_an_attack_and_nine_are_not():
    draw = np.random.default_rng(22)
    for sizes, expected in (((10, 10, 10), 3), ((9, 10, 10), 0), ((10, 9, 10), 0), ((10, 10, 9), 0)):
        view = line(*(draw.normal(size=size) for size in sizes))
        assert len(privacy_attacks.membership(view, SETTINGS)) == expected
    section = privacy_attacks.measure([view], SETTINGS, held=True)
    assert section.grades[0].reason == "fewer than 10 records"
    assert section.grades[0].aspect == "membership"


def test_large_data_are_attacked_by_a_sample(monkeypatch):
    monkeypatch.setattr(privacy_attacks, "TARGETS", 100)
    monkeypatch.setattr(privacy_attacks, "RECORDS", 90)
    monkeypatch.setattr(privacy_attacks, "MANY", 100)
    draw = np.random.default_rng(23)
    view = line(*(draw.normal(size=size) for size in (101, 91, 150)))
    found = privacy_attacks.membership(view, SETTINGS)
    assert {(one.real, one.synthetic) for one in found} == {(100, 90)}
    assert found[-1].note == "at 1% false alarms"
    monkeypatch.setattr(privacy_attacks, "MANY", 101)
    assert privacy_attacks.membership(view, SETTINGS)[-1].note == "at 10% false alarms"


def test_values_of_guesses_by_hand():
    real = pd.DataFrame({"age": [1.0, 2.0], "sex": pd.Categorical(["f", "m"])})
    view = table_view(real, real.iloc[[0, 1, 0]].reset_index(drop=True))
    rows = privacy_inference.values(view, {(0, True): Result(30, 20, 10, 200), (1, False): Result(9, 8, 7, 99)})
    risk, guess, half = rows[0], rows[1], rows[2]
    number, error = privacy_inference.risk(privacy_inference.rate(30, 200), privacy_inference.rate(20, 200))
    assert (risk.metric, risk.subject) == ("air", "age, all other columns known")
    assert (risk.value, risk.low, risk.high) == pytest.approx((number, number - error, number + error), abs=1e-6)
    assert (risk.baseline, risk.baseline_low, risk.baseline_high) == (0, None, None)
    # two attacks: z of 1 - 0.05 / 2; the common rate is (50 + z**2 / 2) / (400 + z**2) with the z of 95 %
    common = (50 + 1.959964**2 / 2) / (400 + 1.959964**2)
    assert risk.edge == pytest.approx(1.959964 * np.sqrt(2 * common / 200 / (1 - common)), abs=1e-5)
    assert (risk.real, risk.synthetic, risk.interval, risk.note) == (200, 3, "Wilson 95 %, errors propagated", "")
    assert risk.against == "the same attack on held out items: right in 20 of 200"
    assert (guess.metric, guess.subject, guess.edge, guess.verdict) == ("air_guess", risk.subject, None, "")
    assert (guess.value, guess.baseline) == (0.15, 0.05)
    assert (guess.low, guess.high) == pytest.approx(wilson(30, 200), abs=1e-6)
    assert (guess.baseline_low, guess.baseline_high) == pytest.approx(wilson(10, 200), abs=1e-6)
    assert (guess.real, guess.synthetic, guess.interval) == (200, 3, "Wilson 95 %")
    assert guess.against == "guesses drawn from the synthetic column"
    assert (half.subject, half.note) == ("sex, half of the other columns known", "small sample: fewer than 100 people")
    assert privacy_inference.values(view, {(0, True): Result(1, 1, 1, 100)})[0].note == ""


def test_secrets_guessed_by_chance():
    """The number is the same for everyone: chance is always right; the class of a person is none of the synthetic ones."""
    size = 30
    real = pd.DataFrame(
        {"x": np.full(size, 3.0), "y": np.arange(size) * 1.0, "k": pd.Categorical(["a"] * size, categories=["a", "b"])}
    )
    synthetic = real.assign(k=pd.Categorical(["b"] * size, categories=["a", "b"]))
    made = pair(real, synthetic, real.iloc[:20])
    found = privacy_inference.attack(made, table_view_of(made), SETTINGS)
    assert {key[0] for key in found} == {0, 1, 2}
    assert {(key[1], result.total) for key, result in found.items()} == {(True, 20), (False, 20)}
    assert {result for key, result in found.items() if key[0] == 0} == {Result(20, 20, 20, 20)}
    assert {result for key, result in found.items() if key[0] == 2} == {Result(0, 0, 0, 20)}
    missing = pair(*[real.assign(k=pd.Categorical([None] * size, categories=["a", "b"])) for _ in range(3)])
    assert privacy_inference.attack(missing, table_view_of(missing), SETTINGS)[2, True] == Result(30, 30, 30, 30)


def table_view_of(made):
    return TableView(made.parts(), made.named("number"), made.named("class"))


def test_people_who_are_guessed_are_as_many_on_either_side_and_at_least_ten(monkeypatch):
    draw = np.random.default_rng(24)
    for sizes, expected in (
        ((10, 10, 10), 10),
        ((9, 10, 10), None),
        ((10, 9, 10), None),
        ((10, 10, 9), None),
        ((40, 30, 20), 20),
    ):
        made = pair(*(people(draw, size) for size in sizes))
        found = privacy_inference.attack(made, table_view_of(made), SETTINGS)
        assert {result.total for result in found.values()} == ({expected} if expected else set())
    monkeypatch.setattr(privacy_inference, "ATTACKED", 15)
    assert {result.total for result in privacy_inference.attack(made, table_view_of(made), SETTINGS).values()} == {15}


def test_notes_of_inference_are_about_what_was_left_out(monkeypatch):
    draw = np.random.default_rng(25)
    made = pair(people(draw, 20), people(draw, 20), people(draw, 20))
    view = table_view_of(made)

    def notes():
        return privacy_inference.measure(made, view, SETTINGS).notes

    monkeypatch.setattr(privacy_inference, "SECRETS", 5)
    monkeypatch.setattr(privacy_inference, "RECORDS", 20)
    assert notes() == ()
    monkeypatch.setattr(privacy_inference, "SECRETS", 4)
    assert notes() == ("Secrets: 4 of 5 columns, drawn by the seed.",)
    monkeypatch.setattr(privacy_inference, "RECORDS", 19)
    assert notes()[1] == "Secrets are guessed from 19 sampled synthetic records; a copy among the others is not seen here."
    few = pair(people(draw, 20), people(draw, 20), people(draw, 9))
    section = privacy_inference.measure(few, table_view_of(few), SETTINGS)
    assert (section.values, section.notes) == ((), ())
    assert section.grades[0].reason == "needs two columns of numbers or classes, and 10 items of each data set"
    assert (
        section.grades[0].aspect == privacy_inference.measure(pair(SMALL, SMALL), None, SETTINGS).grades[0].aspect == "inference"
    )


def test_a_half_of_the_known_columns_is_rounded_up():
    for columns in range(2, 9):
        half = privacy_inference.known((1, False), columns, 0)
        assert len(half) == columns // 2  # of the others, one less
        assert half.tolist() == sorted(half)
        assert set(half) <= set(privacy_inference.known((1, True), columns, 0)) == set(range(columns)) - {1}
    assert len({tuple(privacy_inference.known((secret, False), 8, 0) % 8) for secret in range(8)}) > 4


def test_all_parts_of_privacy_are_measured_with_the_seed():
    draw = np.random.default_rng(26)
    made = pair(people(draw, 40), people(draw, 40), people(draw, 40))
    first, other = (privacy.measure(made, Settings(seed=seed)) for seed in (0, 1))
    assert [grade.aspect for grade in first.grades] == ["copies", "distance", "membership", "inference"]
    assert first.notes[0] == privacy.NO_MERIT
    assert {one.metric for one in first.values} == {
        *("copies", "near_1", "near_5", "dcr_median", "dcr_low", "nndr", "dcr_share"),
        *("mia_nearest", "mia_ball", "mia_found", "air", "air_guess"),
    }
    assert first != other
    assert value(first, "dcr_median", "table") == value(other, "dcr_median", "table")  # nothing is drawn for it


def test_texts_are_looked_through_for_copied_words_and_identifiers():
    texts = pd.DataFrame({"note": [f"patient {number} has a fever of {number} degrees today" for number in range(12)]})
    made = pair(texts, texts, kind="text", kinds={"note": "text"}, text="note")
    section = privacy.measure(made, SETTINGS)
    assert [grade.aspect for grade in section.grades] == ["copies", "distance", "membership", "verbatim", "identifiers"]
    assert value(section, "text_copies").value == 1
    parts = [overlaps.measure({"real": list(texts["note"]), "synthetic": list(texts["note"])}, SETTINGS)]
    assert all(name in section.tables for part in parts for name in part.tables)
    assert set(parts[0].notes) <= set(section.notes)


def test_records_that_differ_a_little_are_not_equal():
    small = pd.DataFrame({"x": [1e-20, 2e-20, 0.0, -0.0, 1e16, 1e16 + 2]})
    assert len(set(privacy.keys(small, {"x": "number"}).tolist())) == 5
    waves = pd.DataFrame({"wave": [[0, 1], [0.0, 1.0], [1.0, 0.0]]})
    one, two, three = privacy.keys(waves, {"wave": "sequence"}).tolist()
    assert one == two != three
    moved = small.set_axis([5, 4, 3, 2, 1, 0])
    assert privacy.keys(moved, {"x": "number"}).tolist() == privacy.keys(small, {"x": "number"}).tolist()


@pytest.mark.parametrize("right", [0, 9])
def test_guesses_by_chance_are_drawn_from_all_synthetic_records(right):
    """One of ten synthetic records has the secret of all people: so one of ten guesses is right."""
    people_alike = pd.DataFrame({"x": np.full(1000, 3.0), "y": np.zeros(1000)})
    synthetic = pd.DataFrame({"x": [3.0 if place == right else 9.0 for place in range(10)], "y": np.zeros(10)})
    made = pair(people_alike, synthetic, people_alike)
    found = privacy_inference.attack(made, table_view_of(made), SETTINGS)[0, True]
    # the error of a share of 0.1 of 1000 is 0.0095
    assert found.chance / found.total == pytest.approx(0.1, abs=0.035)
    assert found.total == privacy_inference.ATTACKED == 1000


def test_as_many_real_as_held_out_records_answer_up_to_a_half_of_the_sample(monkeypatch):
    monkeypatch.setattr(privacy_distance, "RECORDS", 20)
    draw = np.random.default_rng(27)

    def answering(real, held):
        return privacy_distance.closer(line(draw.normal(size=real), draw.normal(size=12), draw.normal(size=held)), SETTINGS).real

    assert (answering(30, 30), answering(8, 30), answering(30, 7)) == (10, 8, 7)


def test_texts_that_differ_in_capitals_and_blanks_are_copies():
    real = pd.DataFrame({"note": ["A  b", "c"], "wave": [[0.0], [1.0]]})
    synthetic = pd.DataFrame({"note": ["a b", "d"], "wave": [[0.0], [1.0]]})
    made = pair(real, synthetic, kind="text", kinds={"note": "text", "wave": "sequence"}, text="note")
    assert [(one.subject, one.value) for one in privacy.copies(made, {}).values] == [("", 0.5)]


def test_a_sequence_beside_one_other_column_is_a_subject():
    real = pd.DataFrame({"age": [1.0, 2.0], "wave": [[0.0], [1.0]]})
    section = privacy.copies(pair(real, real.assign(age=[1.0, 3.0]), kinds={"wave": "sequence"}), {})
    assert [(one.subject, one.value) for one in section.values] == [("", 0.5), ("wave", 1.0)]


def test_people_beyond_the_most_are_not_attacked_and_a_thousand_held_out_are_many(monkeypatch):
    monkeypatch.setattr(privacy_attacks, "REPEATS", 10)
    draw = np.random.default_rng(29)
    for sizes, real, alarms in (((2001, 10, 10), 2000, 10), ((1000, 10, 999), 1000, 10), ((10, 10, 1000), 10, 1)):
        found = privacy_attacks.membership(line(*(draw.normal(size=size) for size in sizes)), SETTINGS)
        assert {one.real for one in found} == {real}
        assert found[-1].note.startswith(f"at {alarms}% false alarms")


def test_few_people_on_either_side_are_a_small_sample_of_an_attack(monkeypatch):
    monkeypatch.setattr(privacy_attacks, "REPEATS", 10)
    draw = np.random.default_rng(30)
    for sizes, note in (((99, 100), "small sample: fewer than 100 people"), ((100, 99), "small sample: fewer than 100 people")):
        view = line(draw.normal(size=sizes[0]), draw.normal(size=20), draw.normal(size=sizes[1]))
        assert privacy_attacks.membership(view, SETTINGS)[0].note == note


def test_the_ball_is_that_of_the_first_fifty_people_with_its_border():
    """All records are at 0; the nearest of fifty people, at 10, are 2 % of them, and 1 % of the distances are within 10."""
    numbers = [*range(10, 60), 1]
    view = line(numbers, np.zeros(20), numbers)
    ball = privacy_attacks._scores(view, places(view), np.arange(20))["ball"]
    assert ball.tolist() == 2 * [20, *[0] * 49, 20]


def test_the_ball_of_halves_is_that_of_all_people():
    """Fifty of a hundred real people are near the first one who is held out, fifty are far away; the held out ones are apart."""
    held = 10.0 * np.arange(20)
    view = line([place for _ in range(50) for place in (1000, 0.01)], np.zeros(10), held)
    found = privacy_attacks._halves(view, places(view), np.random.default_rng(0), 0.1)
    # if that one plays a synthetic record, fifty real people have it around and nobody else has any
    assert {row["mia_ball"] for row in found} == {0.5, 0.75}


@pytest.mark.parametrize(("size", "sampled"), [(20_000, 0), (20_001, 1)])
def test_records_beyond_twenty_thousand_do_not_answer_and_beyond_three_thousand_do_not_ask(size, sampled):
    draw = np.random.default_rng(31)
    made = pair(people(draw, 10), people(draw, size), people(draw, 10))
    view = table_view_of(made)
    notes = privacy_inference.measure(made, view, SETTINGS).notes
    words = "Secrets are guessed from 20000 sampled synthetic records; a copy among the others is not seen here."
    assert notes == (words,) * sampled
    assert privacy_distance.closer(view, SETTINGS).synthetic == 3000
    assert view.near("synthetic", view.take("real", np.arange(10))).shape == (10, 64 * sampled)


def test_of_more_than_twelve_columns_twelve_are_secrets():
    draw = np.random.default_rng(32)
    for columns, notes in ((12, ()), (13, ("Secrets: 12 of 13 columns, drawn by the seed.",))):
        made = pair(*(pd.DataFrame(draw.normal(size=(10, columns))).add_prefix("c") for _ in range(3)))
        section = privacy_inference.measure(made, table_view_of(made), SETTINGS)
        assert section.notes == notes
        assert len(section.values) == 12 * 2 * 2  # all and half of the others known; the risk and the share of right guesses
        secrets = [int(one.subject.partition(",")[0].removeprefix("c")) for one in section.values[::2]]
        assert secrets[:12] == secrets[12:] == sorted(set(secrets))


def test_the_ratio_of_distances_is_compared_by_its_median():
    held = Nearest(np.arange(1.0, 101.0), np.full(100, 100.0), np.arange(100))
    reach = privacy_distance.Reach(held, held, held, 100, held=True)
    assert privacy_distance.compare(reach)["nndr"][0] == pytest.approx((0.5, 0.4, 0.61, 0.5, 0.4, 0.61))


def test_no_more_real_records_ask_than_synthetic_ones(monkeypatch):
    monkeypatch.setattr(privacy_distance, "QUERIES", 40)
    draw = np.random.default_rng(33)
    view = line(draw.normal(size=60), draw.normal(size=50), draw.normal(size=45))
    found = privacy_distance.reach(view, SETTINGS, held=True)
    assert [len(near.first) for near in (found.synthetic, found.control, found.real)] == [40, 40, 40]


def test_real_and_held_out_records_answer_by_the_sample_alone(monkeypatch):
    monkeypatch.setattr(TableView, "near", None)  # on lines more records of the larger data set would answer
    draw = np.random.default_rng(34)
    view = line(draw.normal(size=60), draw.normal(size=50), draw.normal(size=45))
    assert privacy_distance.closer(view, SETTINGS) == privacy_distance.closer(view, SETTINGS, graded=1)


def test_ties_between_real_and_held_out_records_are_dealt_evenly():
    same = np.arange(10.0)
    found = privacy_distance.closer(line(same, np.tile(same, 200), same), SETTINGS)
    # the error of a share of 2,000 coins is 0.0112
    assert found.value == pytest.approx(0.5, abs=0.034)


def test_the_edge_of_the_share_closer_to_real_leaves_five_percent_to_chance():
    places = 10.0 * np.arange(1000)
    found = privacy_distance.closer(line(places, places + 1, places + 4), SETTINGS)
    # a thousand records of one vote each: 95 % of the shares are below 0.5 + 1.645 * sqrt(0.25 / 1000); it is drawn within 0.0011
    assert found.edge == pytest.approx(0.5 + 1.645 * np.sqrt(0.25 / 1000), abs=0.0023)
    assert (found.value, found.verdict) == (1, FAIL)


def test_a_count_beside_another_is_judged_by_its_rate_and_alone():
    plain = contrast(("copies", ""), Count(3, 200), Count(0, 200), "x")
    assert plain == contrast(("copies", ""), Count(3, 200), Count(0, 200), "x", rule="rate", graded=1, real=0, note="")
    assert plain.interval == "Wilson 95.0%"
    assert (privacy_rates.RATE, privacy_rates.ANY, privacy_rates.HINT) == ("rate", "any", "hint")


def test_a_risk_is_certain_where_its_whole_interval_is_beyond_the_edge():
    view = table_view(SMALL, SMALL)
    for right, verdict in ((20, PASS), (38, UNCLEAR), (120, FAIL)):
        found = privacy_inference.values(view, {(0, True): Result(right, 20, 10, 200)})[0]
        assert (found.value > found.edge, found.low > found.edge, found.verdict) == (
            verdict != PASS,
            verdict == FAIL,
            verdict,
        )


def test_the_half_that_is_known_is_drawn_for_each_secret():
    others = {secret: privacy_inference.known((secret, True), 9, 0) for secret in range(9)}
    drawn = {
        secret: np.searchsorted(columns, privacy_inference.known((secret, False), 9, 0)) for secret, columns in others.items()
    }
    assert len({tuple(places) for places in drawn.values()}) > 4


def test_a_missing_class_is_no_class():
    values = privacy_inference._values(SMALL, "kind", number=False)
    assert values.tolist() == pytest.approx([0, 1, np.nan, 0], nan_ok=True)
    assert privacy_inference._values(SMALL, "size", number=True).tolist() == pytest.approx([0, 10, np.nan, 5], nan_ok=True)


def test_no_more_than_half_a_million_distances_are_computed_at_a_time(monkeypatch):
    cross, sizes = TableView.cross, []
    monkeypatch.setattr(TableView, "cross", lambda *given: sizes.append(cross(*given).size) or cross(*given))
    view = line(np.arange(1000), np.arange(600), np.arange(10))
    nearest(view, ("synthetic", np.arange(600)), "real", np.arange(1000))
    assert sizes == [524_000, 76_000]  # 524 of 600 records beside 1,000: 525 are more than 2**19

"""Attacks agree with scikit-learn and with the package of the paper; they find people who were copied, and nobody else."""

import numpy as np
import pandas as pd
import pytest

from review.evaluation import privacy_attacks, privacy_inference
from review.evaluation.inputs import Column, Pair
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, Settings
from review.evaluation.privacy_inference import ALL, HALF, Result, correct, rate, risk
from review.evaluation.privacy_space import TableView

SETTINGS = Settings()
NUMBERS = {"age": (1.0, 200.0), "mass": (10.0, 200.0), "sugar": (0.5, 30.0)}
LEVELS = {"sex": ["f", "m"], "ill": ["no", "yes"]}


def patients(draw, size=300):
    state = draw.normal(size=size)
    table = pd.DataFrame({"age": np.exp(3 + 0.4 * state + 0.1 * draw.normal(size=size))})
    table["mass"] = np.exp(4 + 0.2 * state + 0.05 * draw.normal(size=size))
    table["sugar"] = np.exp(1.5 + 0.3 * draw.normal(size=size))
    table["sex"] = np.where(draw.random(size) < 0.5, "f", "m")
    table["ill"] = np.where(state + draw.normal(size=size) > 0, "yes", "no")
    for name, (low, high) in NUMBERS.items():
        table[name] = table[name].clip(low, high)
        table.loc[0, name], table.loc[1, name] = low, high
    return table


def pair(real, synthetic, holdout=None):
    columns = tuple(Column(name, "class" if name in LEVELS else "number") for name in real)
    frames = [table if table is None else table.copy() for table in (real, synthetic, holdout)]
    for table in frames:
        for name in LEVELS if table is not None else ():
            if name in table:
                table[name] = pd.Categorical(table[name], categories=LEVELS[name])
    return Pair("tabular", *frames, columns)


def view(made):
    return TableView(made.parts(), made.named("number"), made.named("class"))


@pytest.fixture(scope="module")
def copied():
    """Half of the synthetic people are real ones; all columns have the same range everywhere."""
    draw = np.random.default_rng(11)
    real, held, synthetic = patients(draw), patients(draw), patients(draw)
    synthetic.iloc[:150] = real.iloc[2:152].to_numpy()
    for name in NUMBERS:
        synthetic[name] = synthetic[name].astype(float)
        synthetic.loc[298, name], synthetic.loc[299, name] = real[name].min(), real[name].max()
    return pair(real, synthetic, held)


def test_the_area_under_the_curve_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    draw = np.random.default_rng(0)
    for _ in range(10):
        members, others = draw.normal(0.3, 1, 40).round(1), draw.normal(size=25).round(1)
        expected = roc_auc_score([1] * 40 + [0] * 25, np.concatenate([members, others]))
        assert privacy_attacks.auc(members, others) == pytest.approx(expected)


def test_members_found_at_few_false_alarms_by_hand():
    others = np.arange(20.0)
    # two of twenty may be false alarms (10 %): above 17 there are 18 and 19
    assert privacy_attacks.found_at(np.array([17.0, 17.5, 30.0, 1.0]), others, 0.1) == 0.5
    assert privacy_attacks.found_at(np.array([19.0, 19.5]), others, 0.01) == 0.5
    assert privacy_attacks.found_at(np.ones(5), np.ones(9), 0.1) == 0  # ties give nobody away


def test_people_whose_records_were_copied_are_found(copied):
    section = privacy_attacks.measure([view(copied)], SETTINGS, held=True)
    found = {value.metric: value for value in section.values}
    assert section.grades[0].grade == FAIL
    near = found["mia_nearest"]
    # half of the members have distance 0 and are ahead of all others, the rest is as good as the others
    assert near.value == pytest.approx(0.5 + 0.5 * 0.5, abs=0.04)
    assert near.low > near.edge > near.baseline_high - 1e-9
    assert near.baseline == pytest.approx(0.5, abs=0.05)
    assert found["mia_found"].value == pytest.approx(0.5 + 0.5 * 0.1, abs=0.06)
    assert "10% false alarms" in found["mia_found"].note


def test_members_are_counted_at_one_percent_with_many_people(monkeypatch):
    monkeypatch.setattr(privacy_attacks, "MANY", 100)
    draw = np.random.default_rng(1)
    real, held = patients(draw), patients(draw)
    found = privacy_attacks.membership(view(pair(real, real.copy(), held)), SETTINGS)
    assert next(value for value in found if value.metric == "mia_found").note == "at 1% false alarms"
    assert next(value for value in found if value.metric == "mia_found").value == 1


def test_few_people_are_said_to_be_few_and_fewer_are_not_attacked():
    draw = np.random.default_rng(2)
    real, synthetic, held = patients(draw, 40), patients(draw, 40), patients(draw, 15)
    found = privacy_attacks.membership(view(pair(real, synthetic, held)), SETTINGS)
    assert all("small sample" in value.note for value in found)
    assert {value.against for value in found} == {"exchanged labels"}
    section = privacy_attacks.measure([view(pair(real, synthetic, held.head(9)))], SETTINGS, held=True)
    assert (section.grades[0].grade, section.values) == (NOT_ASSESSABLE, ())
    section = privacy_attacks.measure([view(pair(real, synthetic))], SETTINGS, held=False)
    assert "--holdout" in section.grades[0].reason


def test_success_rates_and_risks_are_those_of_the_package(copied):
    """Attacks on all 300 people, all other columns known.

    anonymeter 1.1.0, InferenceEvaluator(ori, syn, aux_cols, secret, regression, 300, control).evaluate(), results(0.95): right
    guesses for the real and the control people, attack and control rate with errors, risk and its interval.
    """
    expected = {
        "age": (187, 60, (0.6217740335, 0.0545055014), (0.2037928914, 0.0451360324), (0.5249653484, 0.4514025865)),
        "mass": (210, 106, (0.6974714058, 0.0515883209), (0.3551876358, 0.0537793351), (0.5308269335, 0.4417641902)),
        "sugar": (166, 28, (0.5526590415, 0.0559038035), (0.0984748083, 0.0331105887), (0.5037953874, 0.4391626188)),
        "sex": (221, 158, (0.7336744968, 0.0496140002), (0.5263295208, 0.0561414812), (0.4377409721, 0.3135946188)),
        "ill": (245, 189, (0.8126630591, 0.0436916768), (0.6283564137, 0.0543118584), (0.4959231161, 0.3571867792)),
    }
    made = view(copied)
    found = privacy_inference.attack(copied, made, SETTINGS)
    for place, name in enumerate(made.columns):
        result = found[place, True]
        real, held, attack, control, (beyond, low) = expected[name]
        assert (result.real, result.holdout, result.total) == (real, held, 300)
        assert rate(real, 300) == pytest.approx(attack, abs=1e-6)
        assert rate(held, 300) == pytest.approx(control, abs=1e-6)
        number, error = risk(rate(real, 300), rate(held, 300))
        assert (number, number - error) == pytest.approx((beyond, low), abs=1e-6)
    # EvaluationResults(n_attacks=200, n_success=120, n_baseline=20, n_control=90).risk()
    number, error = risk(rate(120, 200), rate(90, 200))
    assert (number, number - error, number + error) == pytest.approx((0.2680468592, 0.1153853916, 0.4207083269))


def test_secrets_of_copied_people_are_guessed_and_those_of_others_are_not(copied):
    section = privacy_inference.measure(copied, view(copied), SETTINGS)
    assert section.grades[0].grade == FAIL
    names = {value.subject for value in section.values}
    assert names == {f"{name}, {words}" for name in (*NUMBERS, *LEVELS) for words in (ALL, HALF)}
    draw = np.random.default_rng(3)
    passed = 0
    for seed in range(20):
        made = pair(patients(draw, 200), patients(draw, 200), patients(draw, 100))
        grade = privacy_inference.measure(made, view(made), Settings(seed=seed)).grades[0].grade
        assert grade != FAIL
        passed += grade == PASS
    assert passed >= 18


def test_which_guesses_count():
    guesses, secrets = (
        np.array([100.0, 100.0, np.nan, np.nan, -10.0, -10.0, 0.0]),
        np.array([105.0, 106.0, np.nan, 1.0, -10.4, 10, 0]),
    )
    assert correct(guesses, secrets, number=True).tolist() == [True, False, True, False, True, False, True]
    assert correct(np.array([0.0, 1.0, np.nan]), np.array([0.0, 2.0, np.nan]), number=False).tolist() == [True, False, True]
    assert not correct(np.array([1.7e308]), np.array([-1.7e308]), number=True).any()


def test_the_attacker_knows_no_secret_and_half_of_the_others():
    for secret in range(7):
        assert secret not in privacy_inference.known((secret, True), 7, 0)
        half = privacy_inference.known((secret, False), 7, 0)
        assert (len(half), secret in half, len(set(half.tolist()))) == (3, False, 3)
        assert half.tolist() == privacy_inference.known((secret, False), 7, 0).tolist()
    assert any(
        privacy_inference.known((2, False), 7, 0).tolist() != privacy_inference.known((2, False), 7, seed).tolist()
        for seed in range(5)
    )


def test_guesses_come_from_the_nearest_record_in_the_known_columns(monkeypatch):
    monkeypatch.setattr(privacy_inference, "CELLS", 100)  # a few records at a time
    draw = np.random.default_rng(4)
    made = pair(patients(draw, 30), patients(draw, 25), patients(draw, 30))
    seen = view(made)
    attacks = {(secret, whole): privacy_inference.known((secret, whole), 5, 0) for secret in range(5) for whole in (True, False)}
    found = privacy_inference.guess(seen, "real", np.arange(30), np.arange(25), attacks)
    for key, columns in attacks.items():
        gaps = sum(
            seen.part(at, seen.take("real", np.arange(30))[at][:, None], seen.take("synthetic", np.arange(25))[at])
            for at in columns
        )
        assert gaps[np.arange(30), found[key]] == pytest.approx(gaps.min(axis=1), abs=1e-6)


def test_many_columns_and_records_are_drawn_from_and_this_is_said(monkeypatch):
    monkeypatch.setattr(privacy_inference, "SECRETS", 2)
    monkeypatch.setattr(privacy_inference, "RECORDS", 50)
    draw = np.random.default_rng(5)
    made = pair(patients(draw, 60), patients(draw, 60), patients(draw, 40))
    section = privacy_inference.measure(made, view(made), SETTINGS)
    assert len([value for value in section.values if value.metric == "air"]) == 4
    assert len(section.notes) == 2
    assert all(value.real == 40 and "small" in value.note for value in section.values)


def test_two_columns_have_no_half_and_one_has_no_attack():
    draw = np.random.default_rng(6)
    tables = [patients(draw, 60) for _ in range(3)]
    made = pair(*(table[["age", "sex"]] for table in tables))
    assert set(privacy_inference.attack(made, view(made), SETTINGS)) == {(0, True), (1, True)}
    made = pair(*(table[["age"]] for table in tables))
    section = privacy_inference.measure(made, view(made), SETTINGS)
    assert (section.grades[0].grade, section.values) == (NOT_ASSESSABLE, ())
    assert "two columns" in section.grades[0].reason
    assert privacy_inference.measure(made, None, SETTINGS).grades[0].grade == NOT_ASSESSABLE


def test_the_edge_of_a_risk_is_crossed_by_one_of_all_attacks_in_five_percent():
    draw = np.random.default_rng(7)
    table = view(pair(*(patients(draw, 20) for _ in range(2))))
    crossed = 0
    for _ in range(600):
        shares = draw.uniform(0.05, 0.9, 10)
        counts = draw.binomial(300, np.stack([shares, shares]))
        found = {(at % 5, at < 5): Result(int(counts[0, at]), int(counts[1, at]), 0, 300) for at in range(10)}
        rows = privacy_inference.values(table, found)
        crossed += any(value.verdict not in (PASS, "") for value in rows)
    assert 0.01 <= crossed / 600 <= 0.06

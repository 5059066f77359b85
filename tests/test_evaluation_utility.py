from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from review.evaluation import utility, utility_models
from review.evaluation.inputs import Column, Pair
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, UNCLEAR, Settings, catalogue
from review.evaluation.tabular_arrays import Layout

FEW = Settings(repeats=8)


def pair_of(real, synthetic, label="", holdout=None, kind="tabular", text=""):
    kinds = {"category": "class", "float64": "number"}
    columns = tuple(Column(name, kinds.get(str(real[name].dtype), "text")) for name in real)
    return Pair(kind, real, synthetic, holdout, columns, text=text, label=label)


@pytest.fixture(scope="module")
def cancer():
    from sklearn.datasets import load_breast_cancer

    held = load_breast_cancer(as_frame=True).frame
    held = held.iloc[:, [0, 1, 4, 7, 8, 27, -1]].sample(frac=1, random_state=0).reset_index(drop=True)
    held["target"] = pd.Categorical.from_codes(held["target"].astype(int), ["bad", "good", "other"])
    held.loc[:40, held.columns[1]] = np.nan
    return held


@pytest.fixture(scope="module")
def diabetes():
    from sklearn.datasets import load_diabetes

    return load_diabetes(as_frame=True).frame.astype(float)


def shuffled(frame, seed=0):
    draw = np.random.default_rng(seed)
    return pd.DataFrame({name: frame[name].take(draw.permutation(len(frame))).array for name in frame})


def only(section):
    (found,) = section.grades
    return found


def measured(section):
    return section.values


def value(section, metric, model="linear model"):
    (found,) = [held for held in measured(section) if held.metric == metric and held.subject.endswith(model)]
    return found


def test_every_metric_says_where_it_is_from():
    assert len(catalogue(utility.METRICS)) == 5
    assert all("1706.02633" in metric.reference for metric in utility.METRICS)


def test_real_rows_in_the_place_of_synthetic_ones_pass(cancer):
    section = utility.measure(pair_of(cancer[:350], cancer[350:].reset_index(drop=True), "target"), FEW)
    assert only(section).grade == PASS
    found = value(section, "tstr_balanced_accuracy")
    assert found.value > 0.85
    assert found.edge == found.baseline_low
    assert (found.synthetic, found.real) == (219, 105)
    assert "a constant answer gets 0.500" in found.note
    assert "no holdout" in found.note
    assert value(section, "tstr_auc").value > 0.95
    assert value(section, "tstr_macro_f1", "random forest").verdict == ""
    assert {row["model"] for row in section.tables["tstr"]} == {"linear model", "random forest"}
    assert section == utility.measure(pair_of(cancer[:350], cancer[350:].reset_index(drop=True), "target"), FEW)


def test_rows_without_a_relation_to_the_label_fail(cancer):
    section = utility.measure(pair_of(cancer, shuffled(cancer), "target"), FEW)
    assert only(section).grade == FAIL
    assert only(section).decided_by == ("tstr_balanced_accuracy:target: linear model",)
    assert 0.3 < value(section, "tstr_balanced_accuracy").value < 0.7
    assert value(section, "tstr_balanced_accuracy", "random forest").value < 0.8


def test_numbers_are_predicted_too(diabetes):
    good = utility.measure(pair_of(diabetes[:250], diabetes[250:].reset_index(drop=True), "target"), FEW)
    assert only(good).grade == PASS
    found = value(good, "tstr_r2")
    assert 0.2 < found.value < 0.7
    assert value(good, "tstr_error").value < 0.8
    bad = utility.measure(pair_of(diabetes, shuffled(diabetes), "target"), FEW)
    assert only(bad).grade == FAIL
    noise = diabetes.apply(lambda held: np.random.default_rng(1).uniform(-1e5, 1e5, len(held)))
    assert only(utility.measure(pair_of(diabetes, noise, "target"), FEW)).grade == FAIL


def test_holdout_rows_are_the_only_ones_tested(cancer):
    real, held = cancer[:300].reset_index(drop=True), cancer[300:].reset_index(drop=True)
    turned = held.assign(
        target=held["target"]
        .cat.rename_categories({"bad": "good", "good": "bad"})
        .cat.set_categories(real["target"].cat.categories)
    )
    fine = utility.measure(pair_of(real, real, "target", held), FEW)
    assert only(fine).grade == PASS
    assert "no holdout" not in value(fine, "tstr_balanced_accuracy").note
    assert (value(fine, "tstr_balanced_accuracy").real, value(fine, "tstr_balanced_accuracy").synthetic) == (269, 300)
    wrong = utility.measure(pair_of(real, real, "target", turned), FEW)
    assert value(wrong, "tstr_balanced_accuracy").value < 0.2
    assert only(wrong).grade == NOT_ASSESSABLE


def test_one_class_only_makes_a_constant_answer(cancer):
    flat = cancer.assign(target=pd.Categorical(["good"] * len(cancer), categories=["bad", "good", "other"]))
    section = utility.measure(pair_of(cancer, flat, "target"), FEW)
    found = value(section, "tstr_balanced_accuracy")
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert "all training items have one class, so the answer is constant" in found.note
    assert value(section, "tstr_auc").value == 0.5
    assert only(section).grade == FAIL
    even = pair_of(cancer.assign(target=1.0 * np.arange(len(cancer))), cancer.assign(target=3.0), "target")
    assert "one value" in value(utility.measure(even, FEW), "tstr_r2").note


def test_without_a_question_nothing_is_graded(cancer):
    draw = np.random.default_rng(0)
    flat = cancer.assign(target=pd.Categorical(["good"] * len(cancer), categories=["bad", "good"]))
    lonely = cancer[["target"]]
    chance = cancer.assign(target=pd.Categorical(draw.choice(["bad", "good"], len(cancer)), categories=["bad", "good"]))
    level = cancer.assign(target=1.0)
    cases = {
        "no column is the label": pair_of(cancer, cancer),
        "has one class only": pair_of(flat, cancer, "target"),
        "has one value only": pair_of(level, level, "target"),
        "tested items has one class": pair_of(cancer, cancer, "target", flat),
        "no column of text, numbers or classes": pair_of(lonely, lonely, "target"),
        "too few items with a label: 569 real, 19 synthetic": pair_of(cancer, cancer[:19], "target"),
        "too few items with a label: 25 real": pair_of(cancer[:25], cancer, "target"),
        "does not beat a constant answer": pair_of(chance, chance, "target"),
    }
    for reason, pair in cases.items():
        section = utility.measure(pair, FEW)
        assert only(section).grade == NOT_ASSESSABLE
        assert reason in only(section).reason
        assert [held for held in measured(section) if held.verdict == NOT_ASSESSABLE and reason in held.note]
    assert section.tables["tstr"]  # the last one was measured


def test_unknown_labels_are_left_out(cancer):
    holes = cancer.copy()
    holes.loc[:99, "target"] = np.nan
    found = value(utility.measure(pair_of(holes, cancer, "target"), FEW), "tstr_balanced_accuracy")
    assert found.real == round(0.3 * 469)


def words(count, seed, link=True):
    """Notes about hearts and lungs; without a link the label is drawn."""
    draw = np.random.default_rng(seed)
    labels = draw.choice(["heart", "lung"], count)
    terms = {"heart": ["chest pain", "murmur", "ecg"], "lung": ["cough", "wheeze", "spirometry"]}
    about = labels if link else draw.choice(["heart", "lung"], count)
    texts = [f"patient with {draw.choice(terms[name])} and {draw.choice(['fever', 'fatigue'])}" for name in about]
    return pd.DataFrame(
        {"note": texts, "label": pd.Categorical(labels, categories=["heart", "lung"]), "x": draw.normal(size=count)}
    )


def test_words_predict_the_label():
    real, good, bad = words(150, 0), words(150, 1), words(150, 2, link=False)
    held = {"label": "label", "kind": "text", "text": "note"}
    section = utility.measure(pair_of(real, good, **held), FEW)
    assert only(section).grade == PASS
    assert value(section, "tstr_balanced_accuracy").value == 1
    assert {row["model"] for row in section.tables["tstr"]} == {"linear model"}  # the number x is no part of a text
    assert only(utility.measure(pair_of(real, bad, **held), FEW)).grade == FAIL
    blank = good.assign(note="")
    section = utility.measure(pair_of(real, blank, **held), FEW)
    assert value(section, "tstr_balanced_accuracy").value == 0.5
    assert "no training text has a word" in value(section, "tstr_balanced_accuracy").note


def test_pairs_use_words_and_numbers():
    real, other = words(150, 0), words(150, 1)
    held = {"label": "label", "kind": "paired", "text": "note"}
    section = utility.measure(pair_of(real, other, **held), FEW)
    assert only(section).grade == PASS
    assert {row["model"] for row in section.tables["tstr"]} == {"linear model", "random forest"}
    number = real["label"].eq("heart") * 2.0
    spoken = utility.measure(
        pair_of(real.assign(x=number), other.assign(note="", x=other["label"].eq("heart") * 2.0), **held), FEW
    )
    assert value(spoken, "tstr_balanced_accuracy").value == 1  # from x alone


def items(label, two=(), classes=True, spread=1.0):
    rows = np.zeros((len(label), 1))
    return utility_models.Items(rows, Layout(("x",), (), ()), (), np.array(label, dtype=float), classes, spread, two)


def test_scores_are_those_of_sklearn():
    from sklearn import metrics

    draw = np.random.default_rng(0)
    truth, said, score = draw.integers(0, 3, 90), draw.integers(0, 4, 90), draw.random(90)
    found = utility_models.scores(utility_models.Answer(said, score), items(truth))
    recall = metrics.recall_score(truth, said, labels=[0, 1, 2], average="macro")
    assert found["tstr_balanced_accuracy"] == pytest.approx(recall)
    assert found["tstr_macro_f1"] == pytest.approx(metrics.f1_score(truth, said, labels=[0, 1, 2], average="macro"))
    assert "tstr_auc" not in found
    both = utility_models.scores(utility_models.Answer(said, score), items(truth % 2, (0.0, 1.0)))
    assert both["tstr_auc"] == pytest.approx(metrics.roc_auc_score(truth % 2, score))
    numbers, guesses = draw.normal(size=40), draw.normal(size=40)
    found = utility_models.scores(utility_models.Answer(guesses, score), items(numbers, classes=False, spread=2.0))
    assert found["tstr_r2"] == pytest.approx(metrics.r2_score(numbers, guesses))
    assert found["tstr_error"] == pytest.approx(metrics.mean_absolute_error(numbers, guesses) / 2)
    assert np.isnan(
        utility_models.scores(utility_models.Answer(np.ones(3), np.ones(3)), items([2, 2, 2], classes=False))["tstr_r2"]
    )


def test_a_score_is_the_chance_of_the_second_real_level():
    train, test = items([0, 2, 1, 0, 2, 1] * 5, (0.0, 2.0)), items([0, 2], (0.0, 2.0))
    train = dataclasses.replace(train, rows=np.array([[0.0], [4.0], [2.0]] * 10))
    test = dataclasses.replace(test, rows=np.array([[0.0], [4.0]]))
    for model in ("linear", "trees"):
        answer = utility_models.predict(model, train, test, 0)
        assert answer.score[0] < 0 < answer.score[1]
    three = dataclasses.replace(test, two=())
    assert utility_models.predict("linear", train, three, 0).score.tolist() == [0, 0]


def test_splits_share_no_item_and_have_equal_sizes():
    real, synthetic = items(range(100)), items(range(1000, 1040))
    split = utility._split({"real": real, "synthetic": synthetic}, np.random.default_rng(0))
    assert not set(split.real.label) & set(split.test.label)
    assert len(split.real) == len(split.synthetic) == len(set(split.synthetic.label)) == 40
    assert len(split.test) == 30
    held = utility._split({"real": real, "synthetic": synthetic, "holdout": items(range(500, 520))}, np.random.default_rng(0))
    assert set(held.test.label) <= set(range(500, 520))
    assert len(held.real) == len(held.synthetic) == 40
    assert len(held.test) == 20


def test_a_label_that_is_partly_wrong_is_unclear_then_fails(cancer):
    """Labels turned round in a third of the rows: worse than real ones at the median, but not in every split."""
    for share, expected in ((0.3, UNCLEAR), (0.45, FAIL)):
        codes = cancer["target"].cat.codes.to_numpy()
        turned = np.where(np.random.default_rng(3).random(len(codes)) < share, 1 - codes, codes)
        mixed = cancer.assign(target=pd.Categorical.from_codes(turned, cancer["target"].cat.categories))
        found = value(utility.measure(pair_of(cancer, mixed, "target"), FEW), "tstr_balanced_accuracy")
        assert found.verdict == expected
        assert found.value < found.edge
        assert (found.high < found.edge) == (expected == FAIL)


def test_extremes_do_not_break_a_model(cancer):
    wild = cancer.copy()
    name = wild.columns[0]
    wild[name] = np.where(np.arange(len(wild)) % 2, 1e300, -1e300)
    wild[wild.columns[2]] = np.nan
    section = utility.measure(pair_of(cancer, wild, "target"), FEW)
    assert value(section, "tstr_balanced_accuracy").value is not None


def test_a_label_beyond_all_squares_fails(diabetes):
    wild = diabetes[250:].reset_index(drop=True)
    wild.loc[0, "target"] = 1e300
    section = utility.measure(pair_of(diabetes[:250], wild, "target"), FEW)
    assert only(section).grade == FAIL
    assert value(section, "tstr_r2").value < -1e100


def test_a_label_with_a_class_for_each_item_gives_nothing_to_learn():
    real = pd.DataFrame({"x": np.arange(60.0), "label": pd.Categorical([f"p{place % 40}" for place in range(60)])})
    section = utility.measure(pair_of(real, real, "label"), FEW)
    assert only(section).grade == NOT_ASSESSABLE
    assert "40 classes for 42 items to train on" in only(section).reason

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from review.errors import InputError
from review.evaluation import constraints, tabular, tabular_detection
from review.evaluation.constraints import Rule
from review.evaluation.inputs import Column, Pair
from review.evaluation.metrics import FAIL, PASS, UNCLEAR, Grade, Settings
from review.statistics import wilson

COLUMNS = (
    Column("age", "number"),
    Column("low", "number"),
    Column("high", "number"),
    Column("sex", "class"),
    Column("t", "text"),
)


def frame_of(age, low, high, sex):
    return pd.DataFrame(
        {
            "age": np.array(age, dtype=float),
            "low": np.array(low, dtype=float),
            "high": np.array(high, dtype=float),
            "sex": pd.Categorical(sex, categories=["f", "m", "true"]),
            "t": [""] * len(age),
        }
    )


FRAME = frame_of([17, 18, 40.5, np.nan], [60, 80, 90, np.nan], [80, 80, 70, 90], ["f", "m", "true", None])


def written(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text, "utf-8")
    return path


def test_every_kind_of_rule_is_read_and_broken(tmp_path):
    path = written(
        tmp_path,
        """# rules
- {column: age, min: 18, max: 1e2}
- column: age
  whole: yes
  required: true
- {column: sex, levels: [f, m]}
- {left: low, op: <=, right: high}
- {left: low, op: "<", right: high}
- {left: low, op: ==, right: high}
- {left: low, op: ">=", right: high}
- {left: low, op: ">", right: high}
- {column: sex, levels: [f, m, true]}
- {column: high, max: 80}
- {column: low, min: 61}
""",
    )
    rules = constraints.load(path, COLUMNS)
    assert rules == constraints.load(path)
    broken = {str(rule): rule.broken(FRAME).tolist() for rule in rules}
    assert broken == {
        "18 <= age <= 100": [True, False, False, False],
        "age whole numbers": [False, False, True, False],
        "age never missing": [False, False, False, True],
        "sex is one of: f, m": [False, False, True, False],
        "low <= high": [False, False, True, False],
        "low < high": [False, True, True, False],
        "low == high": [True, False, True, False],
        "low >= high": [True, False, False, False],
        "low > high": [True, True, False, False],
        "sex is one of: f, m, true": [False] * 4,
        "high <= 80": [False, False, False, True],
        "61 <= low": [True, False, False, False],
    }
    assert [rule.line for rule in rules[:5]] == [2, 3, 3, 6, 7]
    assert {rule.file for rule in rules} == {str(path)}


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("age: 3", None, None, "a list of rules is expected"),
        ("[]", None, None, "a list of rules is expected"),
        ("# nothing", None, None, "a list of rules is expected"),
        ("- age", 1, None, "an entry is no mapping"),
        ("- {column: age, min: 1}\n- {column: age, minimum: 1}", 2, "minimum", "unknown key 'minimum'"),
        ("- {min: 1, max: 2}", 1, None, "no column"),
        ("- {column: age}", 1, None, "no rule for the column"),
        ("- {column: age, min: 5, max: 2}", 1, "age", "min 5 is above max 2"),
        ("- {column: age, min: low}", 1, "min", "min is no finite number: 'low'"),
        ("- {column: age, max: .inf}", 1, "max", "no finite number"),
        ("- {column: age, max: inf}", 1, "max", "no finite number"),
        ("- {column: age, max: [1]}", 1, "max", "a name is expected"),
        ("- {column: ~, max: 1}", 1, "column", "a name is expected"),
        ("- {column: sex, levels: f}", 1, "levels", "levels is no list"),
        ("- {column: sex, levels: []}", 1, "levels", "levels is no list"),
        ("- {column: sex, levels: [[f]]}", 1, "levels", "a name is expected"),
        ("- {column: age, whole: false}", 1, "whole", "whole is not true"),
        ("- {column: age, required: 1}", 1, "required", "required is not true"),
        ("- {column: age, whole: 'true'}", 1, "whole", "whole is not true"),
        ("- {left: low, op: '!=', right: high}", 1, "op", "no operator '!='"),
        ("- {left: low, op: <}", 1, "right", "no 'right'"),
        ("- {left: low, op: <, right: high, column: age}", 1, "column", "unknown key 'column'"),
        ("- {column: age, min: 1, min: 2}", 1, "min", "'min' stands twice"),
        ("- {column: age, min: 1\n", 2, None, "expected ',' or '}'"),
        ("- !!python/object/apply:os.system [ls]", 1, None, "tag"),
        ("- {column: !!str age, min: 1}", 1, None, "tag"),
        ("- &a {column: age, min: 1}\n- *a", 1, None, "anchors"),
        ("- " + "[" * 40 + "]" * 40, 1, None, "levels of nesting"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_line(tmp_path, text, line, key, words):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        constraints.load(path)
    (problem, *_) = [held for held in caught.value.problems if words in held.message]
    assert (problem.file, problem.line, problem.key) == (str(path), line, key)
    assert problem.remedy


def test_every_problem_is_told_at_once(tmp_path):
    path = written(tmp_path, "- {column: age, min: x}\n- {column: age, most: 3}\n- 7\n")
    with pytest.raises(InputError) as caught:
        constraints.load(path)
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("- {column: weight, min: 1}", "weight", "no column is named 'weight'"),
        ("- {left: low, op: <, right: top}", "top", "no column is named 'top'"),
        ("- {column: t, required: true}", "t", "no column of numbers or classes is named 't'"),
        ("- {column: age, levels: [a]}", "age", "holds numbers"),
        ("- {column: sex, min: 0}", "sex", "holds classes"),
        ("- {column: sex, whole: true}", "sex", "holds classes"),
        ("- {left: low, op: <, right: sex}", "sex", "holds classes"),
    ],
)
def test_rules_about_other_columns_are_refused(tmp_path, text, key, words):
    path = written(tmp_path, f"# first\n{text}\n")
    rules = constraints.load(path)
    pair = Pair("paired", FRAME, FRAME, None, COLUMNS)
    for refused in (
        lambda: constraints.load(path, COLUMNS),
        lambda: constraints.given(pair, rules),
        lambda: tabular.measure(pair, Settings(), rules),
    ):
        with pytest.raises(InputError) as caught:
            refused()
        (problem,) = caught.value.problems
        assert (problem.file, problem.line, problem.key) == (str(path), 2, key)
        assert words in problem.message


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="the file is missing"):
        constraints.load(tmp_path / "none.yaml")


def people(count, young):
    return frame_of([10.0] * young + [50.0] * (count - young), [1] * count, [2] * count, ["f"] * count)


@pytest.mark.parametrize(("young", "expected"), [(0, PASS), (5, PASS), (8, PASS), (10, UNCLEAR), (16, FAIL)])
def test_a_given_rule_is_graded_against_the_real_rows(young, expected):
    real, synthetic = people(200, 5), people(100, young)
    (found,) = constraints.given(Pair("tabular", real, synthetic, None, COLUMNS), [Rule("range", "age", low=18)])
    assert found.subject == "18 <= age"
    assert found.value == young / 100
    assert (found.low, found.high) == pytest.approx(wilson(young, 100), abs=1e-6)
    assert (found.baseline, found.baseline_low, found.baseline_high) == pytest.approx((0.025, *wilson(5, 200)), abs=1e-6)
    reach = wilson(5, 200)[1] - 0.025, wilson(2, 100)[1] - 0.02  # of 200 rows, and of 100 with as large a share
    assert found.edge == pytest.approx(0.025 + np.hypot(*reach), abs=1e-6)
    assert (found.real, found.synthetic) == (200, 100)
    assert f"{young} synthetic and 5 real rows" in found.note
    assert found.verdict == expected


def test_given_rules_take_part_in_the_grade(monkeypatch):
    monkeypatch.setattr(
        tabular_detection, "measure", lambda *given: ((), Grade("intrinsic", "detection", PASS, "not measured here"))
    )
    draw = np.random.default_rng(0)

    def numbers():
        return pd.DataFrame({"age": draw.normal(50, 5, 80), "low": draw.normal(size=80)})

    real, synthetic = numbers(), numbers()
    pair = Pair("tabular", real, synthetic, None, (Column("age", "number"), Column("low", "number")))
    settings = Settings(deals=20)
    grades = {}
    real["low"], synthetic["low"] = np.abs(real["low"]), np.abs(synthetic["low"]) + 1e-9
    for name, rules in (("kept", [Rule("range", "age", 0, 120)]), ("broken", [Rule("order", "age", operator="<", right="low")])):
        section = tabular.measure(pair, settings, rules)
        grades[name] = next(found.grade for found in section.grades if found.aspect == "constraints")
        assert [found.subject for found in section.values if found.metric == "given_rule"] == [str(rules[0])]
    assert grades["kept"] == grades["broken"] == PASS  # real rows break the second one just as often
    worse = Pair("tabular", real, synthetic.assign(age=-500.0), None, pair.columns)
    section = tabular.measure(worse, settings, [Rule("range", "age", 0, 120)])
    (graded,) = [found for found in section.grades if found.aspect == "constraints"]
    assert graded.grade == FAIL
    assert "given_rule:0 <= age <= 120" in graded.decided_by

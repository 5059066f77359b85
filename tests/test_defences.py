"""The list of defences is in order, and the tool that takes them out sees whether a test notices."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import defences  # noqa: E402
from defences import Defence  # noqa: E402

LISTED = defences.read()
NAMES = [one.name for one in LISTED]
TEST = "def test_numbers_are_even():\n    import code_of_it\n    assert code_of_it.even(3) is False\n"
CODE = "def even(number):\n    if number % 2:\n        return False\n    return True\n"


@pytest.mark.parametrize("defence", LISTED, ids=NAMES)
def test_each_defence_is_where_the_list_tells(defence):
    without = defence.taken_out(ROOT)
    if defence.file.endswith(".py"):
        compile(without, defence.file, "exec")
    assert defence.promise
    for test in defence.tests:
        file, _, name = test.partition("::")
        text = (ROOT / "tests" / file).read_text("utf-8")
        assert not name or f"\ndef {name.partition('[')[0]}(" in text, test


def test_every_file_of_hostile_input_guards_something():
    guarding = {test.partition("::")[0] for one in LISTED for test in one.tests}
    assert {path.name for path in Path(__file__).parent.glob("test_hostile_*.py")} <= guarding


def test_no_name_stands_twice():
    found = re.findall(r"^(?:'([^']+)'|(\w[^:\n]*)):$", defences.LISTED.read_text("utf-8"), re.MULTILINE)
    assert sorted(first or second for first, second in found) == sorted(NAMES)


@pytest.fixture
def checkout(tmp_path):
    """A small checkout with one module and one test of it."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TEST, "utf-8")
    (tmp_path / "code_of_it.py").write_text(CODE, "utf-8")
    return tmp_path


WITH = Defence("even", "odd numbers are not even", "code_of_it.py", "if number % 2:", "if False:", ("test_it.py",))


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, "noticed", "test_numbers_are_even"),
        ({"without": "if number > 2:"}, "unnoticed", "1 passed"),
        ({"without": "if nothing_like_it:"}, "broken", "NameError"),
        ({"tests": ("test_other.py",)}, "broken", "not found"),
        ({"without": "while True:\n        pass\n    if number % 2:"}, "noticed", "did not end"),
    ],
)
def test_what_the_tests_say_is_told(checkout, monkeypatch, change, status, words):
    monkeypatch.setattr(defences, "LONGEST", 5 if "did not" in words else 120)
    outcome = defences.tried(checkout, replace(WITH, **change))
    assert (outcome.status, words in outcome.said) == (status, True), outcome
    assert (checkout / "code_of_it.py").read_text("utf-8") == CODE


@pytest.mark.parametrize("line", ["no such line", "return "])
def test_a_line_that_is_not_there_once_is_an_error(checkout, line):
    with pytest.raises(ValueError, match=r"stands in code_of_it\.py [02] times"):
        defences.tried(checkout, replace(WITH, line=line))


def test_a_list_with_other_keys_is_an_error(tmp_path):
    (tmp_path / "list.yaml").write_text("a: {promise: x, file: y}\n", "utf-8")
    with pytest.raises(ValueError, match="a: its keys are promise, file"):
        defences.read(tmp_path / "list.yaml")


@pytest.mark.slow
def test_a_real_one_is_noticed_in_a_copy_of_the_checkout(tmp_path):
    defence = next(one for one in LISTED if one.name == "formulas: cells")
    defences.snapshot(tmp_path)
    outcome = defences.tried(tmp_path, defence)
    assert outcome.status == "noticed"
    assert "test_hostile_tables.py" in outcome.said

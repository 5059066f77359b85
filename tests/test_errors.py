from __future__ import annotations

import pickle

import pytest

from review import errors
from review.errors import FilterError, InfeasibleError, InputError, Problem, ReviewError, RunError, UnknownNameError, printable

PROBLEM = Problem("data/coding.csv", 7, "adams2018pain", "the code stands twice", "remove one of the two rows")


def test_a_problem_names_place_key_and_remedy():
    assert str(PROBLEM) == "data/coding.csv:7: [adams2018pain] the code stands twice -> remove one of the two rows"


def test_a_problem_without_line_and_key():
    assert str(Problem("flow.csv", None, None, "the file is empty", "restore it")) == "flow.csv: the file is empty -> restore it"


def test_problems_sort_with_and_without_line_and_key():
    first = Problem("a.csv", None, None, "x", "y")
    second = Problem("a.csv", 2, None, "x", "y")
    third = Problem("a.csv", 10, "k", "x", "y")
    fourth = Problem("b.csv", None, "k", "x", "y")
    assert sorted([fourth, third, second, first]) == [first, second, third, fourth]


def test_problems_are_values():
    assert Problem("a", 1, "k", "m", "r") == Problem("a", 1, "k", "m", "r")
    assert len({Problem("a", 1, "k", "m", "r"), Problem("a", 1, "k", "m", "r")}) == 1
    with pytest.raises(AttributeError):
        PROBLEM.line = 8  # type: ignore[misc]


@pytest.mark.parametrize(("number", "words"), [(1, "1 problem in the input"), (3, "3 problems in the input")])
def test_an_input_error_shows_all_problems(number, words):
    problems = [Problem("a.csv", line, None, f"message {line}", "remedy") for line in range(1, number + 1)]
    error = InputError(problems)
    assert error.problems == tuple(problems)
    head, *rows = str(error).splitlines()
    assert head == words
    assert rows == [f"  {problem}" for problem in problems]


def test_one_problem_without_a_line():
    error = InputError.one("runs/a.json", "it is empty", "run it again", "seed")
    assert error.problems == (Problem("runs/a.json", None, "seed", "it is empty", "run it again"),)


@pytest.mark.parametrize(("known", "shown"), [(["v1", "v2"], "v1, v2"), ([], "none")])
def test_an_unknown_name_comes_with_the_known_ones(known, shown):
    assert str(UnknownNameError("version", "v3", known)) == f"no version named 'v3' -> choose one of: {shown}"


@pytest.mark.parametrize(
    "error",
    [
        InputError([PROBLEM]),
        UnknownNameError("version", "v3", ["v1"]),
        FilterError("a -> b"),
        InfeasibleError("a -> b"),
        RunError("a -> b"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_come_back_from_worker_processes(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


def test_one_family():
    family = [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, Exception)]
    assert len(family) >= 6
    assert all(issubclass(item, ReviewError) for item in family)


def test_control_characters_of_the_input_do_not_reach_the_terminal():
    assert printable("a\x1b[2Jb\u202ec\r\nd", keep="\n") == "a\\x1b[2Jb\\u202ec\\r\nd"
    assert printable("\u00e4 \u4e2d") == "\u00e4 \u4e2d"

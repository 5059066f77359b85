"""The simulator follows the probabilities that it writes down, and knows what cannot happen."""

import itertools
import math

import pytest

from review.generators import visits
from review.generators.visits import CODES, MOST, Course, Visit


@pytest.fixture(scope="module")
def courses():
    return visits.simulate(3000, 4)


def test_probabilities_are_whole():
    tables = [(visits.GROUPS.values(),), visits.FIRST_STAGE.values(), visits.NEXT_STAGE.values()]
    tables += [visits.KIND.values(), visits.GAP.values()]
    for row in itertools.chain.from_iterable(tables):
        assert sum(row) == pytest.approx(1)
    for chance in [*visits.ENDS.values(), *itertools.chain.from_iterable(visits.CODE.values())]:
        assert 0 <= chance <= 1
    assert len(set(visits.WORDS)) == len(visits.WORDS) == len(visits.TOKENS)


def test_the_same_seed_gives_the_same_courses(courses):
    assert visits.simulate(50, 4) == courses[:50]
    assert visits.simulate(50, 5) != courses[:50]


def test_shares_in_simulated_courses_are_the_known_probabilities(courses):
    """Each share within five standard errors of its probability; what has probability 0 never comes."""
    known, found = visits.known(), visits.estimate(courses)
    assert known.keys() == found.keys()
    for key, chance in known.items():
        count, total = found[key]
        assert total > 100
        assert abs(count / total - chance) <= 5 * math.sqrt(chance * (1 - chance) / total), key


def test_estimates_are_counts_by_hand():
    one = Visit("first visit", "mild", "clinic", ("blood test",))
    two = Visit("after 6 months", "severe", "emergency", ())
    found = visits.estimate([Course("older", (one, two)), Course("older", (one,))])
    assert found["age group", "start", "older"] == (2, 2)
    assert found["first stage", "older", "mild"] == (2, 2)
    assert found["first stage", "younger", "mild"] == (0, 0)
    assert found["next stage", "mild", "severe"] == (1, 1)
    assert found["time to next visit", "mild", "after 6 months"] == (1, 1)
    assert found["kind of visit", "severe", "emergency"] == (1, 1)
    assert found["code", "mild", "blood test"] == (2, 2)
    assert found["code", "severe", "blood test"] == (0, 1)
    assert found["end", "mild", "end"] == (1, 2)
    assert found["end", "severe", "end"] == (1, 1)


def test_the_last_possible_visit_says_nothing_about_ending():
    visit = Visit("after 1 month", "severe", "clinic", ())
    course = Course("older", (Visit("first visit", "severe", "clinic", ()), *[visit] * (MOST - 1)))
    assert visits.estimate([course])["end", "severe", "end"] == (0, MOST - 1)


def test_a_log_probability_is_the_product_by_hand():
    course = Course(
        "older",
        (Visit("first visit", "mild", "clinic", ("blood test",)), Visit("after 6 months", "moderate", "emergency", ())),
    )
    first = 0.6 * 0.45 * 0.88 * (0.5 * 0.9 * 0.85 * 1.0) * (1 - 0.12)
    second = 0.40 * 0.22 * 0.18 * (0.3 * 0.75 * 0.65 * 0.95) * 0.15
    assert visits.log_probability(course) == pytest.approx(math.log(first * second))


def test_probabilities_of_all_short_courses_sum_to_that_of_ending_at_once():
    """All courses of one visit, enumerated: their probabilities sum to the chance to end after the first visit."""
    total = 0.0
    subsets = [codes for size in range(5) for codes in itertools.combinations(CODES, size)]
    for group, stage, kind, codes in itertools.product(visits.GROUPS, visits.STAGES, visits.KINDS, subsets):
        total += math.exp(visits.log_probability(Course(group, (Visit("first visit", stage, kind, codes),))))
    expected = sum(
        share * chance * visits.ENDS[stage]
        for group, share in visits.GROUPS.items()
        for stage, chance in zip(visits.STAGES, visits.FIRST_STAGE[group], strict=True)
    )
    assert total == pytest.approx(expected)


def test_the_longest_course_must_end():
    visit = Visit("after 1 month", "severe", "clinic", ())
    long = Course("older", (Visit("first visit", "severe", "clinic", ()), *[visit] * (MOST - 1)))
    shorter = Course("older", long.visits[:-1])
    step = math.log(0.55 * 0.85 * 0.40 * 0.15 * 0.5 * 0.55 * 0.6)
    assert visits.log_probability(long) - visits.log_probability(shorter) == pytest.approx(step + math.log(0.7 / 0.3))


def test_courses_and_words_are_the_same_thing(courses):
    for course in courses:
        words = course.words()
        assert visits.read(words) == (course, "")
        assert visits.impossible(course) == ""
        assert len(words) <= visits.LONGEST
        assert math.isfinite(visits.log_probability(course))
        assert 1 <= len(course.visits) <= MOST
    assert courses[0].plain()["visits"][0].keys() == {"gap", "stage", "kind", "codes"}


def test_every_word_of_a_course_is_allowed_where_it_stands(courses):
    for course in courses[:300]:
        words = course.words()
        for place in range(1, len(words)):
            assert words[place] in visits.allowed(words[:place])


def test_whatever_is_allowed_makes_a_course():
    """Any choice of allowed words, here always the one at a place that grows, ends as a course that can be read."""
    for step in range(1, 60):
        words, place = [visits.START], 0
        while words[-1] != visits.END:
            choices = visits.allowed(words)
            words.append(choices[place % len(choices)])
            place += step
        course, fault = visits.read(words)
        assert fault == ""
        assert len(course.words()) <= visits.LONGEST
    words = [visits.START, "older", "first visit", "mild", "clinic"]
    words += ["after 1 month", "mild", "clinic"] * (MOST - 1)
    assert visits.allowed(words) == (*CODES, visits.END)


def test_what_cannot_happen_is_named():
    first = Visit("first visit", "severe", "clinic", ())
    cases = {
        "visit 2: severe, then mild": (first, Visit("after 1 month", "mild", "clinic", ())),
        "visit 2: severe, then after 12 months": (first, Visit("after 12 months", "severe", "clinic", ())),
        "visit 1: mild with oxygen therapy": (Visit("first visit", "mild", "clinic", ("oxygen therapy",)),),
    }
    for words, steps in cases.items():
        course = Course("older", steps)
        assert visits.impossible(course) == words
        assert visits.log_probability(course) == -math.inf


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["start"], "no start"),
        (["start", "end"], "no start"),
        (["older", "first visit", "mild", "clinic", "end"], "no start"),
        (["start", "mild", "end"], "no start"),
        (["start", "older", "end"], "0 visits"),
        (["start", "older", "first visit", "mild", "clinic"], "no start, age group or end"),
        (["start", "older", "after 1 month", "mild", "clinic", "end"], "visit 1 starts with: after 1 month"),
        (["start", "older", "first visit", "clinic", "end"], "visit 1 starts with: first visit, clinic"),
        (["start", "older", "first visit", "mild", "clinic", "first visit", "mild", "clinic", "end"], "visit 2 starts with"),
        (["start", "older", "first visit", "mild", "clinic", "imaging", "blood test", "end"], "twice or out of order"),
        (["start", "older", "first visit", "mild", "clinic", "imaging", "imaging", "end"], "twice or out of order"),
        (["start", "older", "first visit", "mild", "clinic", *["after 1 month", "mild", "clinic"] * MOST, "end"], "13 visits"),
    ],
)
def test_words_that_are_no_course_say_why(words, fault):
    course, found = visits.read(words)
    assert course is None
    assert fault in found

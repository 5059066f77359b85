"""Simulated courses of a chronic disease with known probabilities: no patients, and no disease in particular.

No package is known to us that ships real visit sequences under a permissive licence. This simulator stands in for them: all of
its probabilities are invented and written down here, so that what a model learnt can be compared with what was true.

A course is a sequence of words. It starts with an age group. Each visit is the time since the last one, the stage of the
disease, the kind of visit and the codes of what was done, in a fixed order; then the course goes on or ends::

    older | first visit, mild, clinic, blood test | after 6 months, moderate, emergency | end

The stage is a Markov chain. Each other word depends on the stage of its visit alone, except the time before a visit, which
depends on the stage of the visit before.
"""

from __future__ import annotations

import math
import types
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

GROUPS = {"younger": 0.4, "older": 0.6}
"""Age group -> probability."""

STAGES = ("mild", "moderate", "severe")
FIRST_STAGE = {"younger": (0.75, 0.20, 0.05), "older": (0.45, 0.35, 0.20)}
NEXT_STAGE = {"mild": (0.75, 0.22, 0.03), "moderate": (0.10, 0.65, 0.25), "severe": (0.00, 0.15, 0.85)}
"""Stage of a visit -> probabilities of the stages of the next one."""

ENDS = {"mild": 0.12, "moderate": 0.15, "severe": 0.30}
"""Stage of a visit -> probability that the course ends after it."""

KINDS = ("clinic", "emergency", "hospital stay")
KIND = {"mild": (0.88, 0.10, 0.02), "moderate": (0.70, 0.18, 0.12), "severe": (0.40, 0.25, 0.35)}
FIRST = "first visit"
GAPS = ("after 1 month", "after 3 months", "after 6 months", "after 12 months")
GAP = {"mild": (0.05, 0.15, 0.40, 0.40), "moderate": (0.15, 0.45, 0.30, 0.10), "severe": (0.55, 0.35, 0.10, 0.00)}
CODES = ("blood test", "imaging", "medication change", "oxygen therapy")
CODE = {"mild": (0.50, 0.10, 0.15, 0.00), "moderate": (0.70, 0.25, 0.35, 0.05), "severe": (0.85, 0.50, 0.45, 0.40)}
"""Stage -> probability of each code, independent of the others."""

START, END = "start", "end"
WORDS = (START, END, *GROUPS, FIRST, *GAPS, *STAGES, *KINDS, *CODES)
"""The vocabulary; the token of a word is its place."""

TOKENS: Mapping[str, int] = types.MappingProxyType({word: place for place, word in enumerate(WORDS)})
MOST = 12
"""Visits of a course at most: the twelfth always ends it."""

LONGEST = 3 + MOST * (3 + len(CODES))
"""Words of a course at most, with start, age group and end."""


@dataclass(frozen=True)
class Visit:
    """One visit: time since the last one, stage, kind and codes in the order of :data:`CODES`."""

    gap: str
    stage: str
    kind: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Course:
    """The visits of one simulated course, first to last."""

    group: str
    visits: tuple[Visit, ...]

    def words(self) -> list[str]:
        """Return the course as words, from start to end."""
        middle = [word for visit in self.visits for word in (visit.gap, visit.stage, visit.kind, *visit.codes)]
        return [START, self.group, *middle, END]

    def plain(self) -> dict[str, Any]:
        """Return the course as plain values."""
        visits = [
            {"gap": visit.gap, "stage": visit.stage, "kind": visit.kind, "codes": list(visit.codes)} for visit in self.visits
        ]
        return {"group": self.group, "visits": visits}


def simulate(number: int, seed: int) -> list[Course]:
    """Return simulated courses."""
    draw = np.random.default_rng(seed)

    def one_of(names: Sequence[str], chances: Iterable[float]) -> str:
        return names[min(int(np.searchsorted(np.cumsum(list(chances)), draw.random(), side="right")), len(names) - 1)]

    courses = []
    for _ in range(number):
        group = one_of(tuple(GROUPS), GROUPS.values())
        visits: list[Visit] = []
        while True:
            last = visits[-1].stage if visits else ""
            gap = one_of(GAPS, GAP[last]) if visits else FIRST
            stage = one_of(STAGES, NEXT_STAGE[last] if visits else FIRST_STAGE[group])
            kind = one_of(KINDS, KIND[stage])
            codes = tuple(code for code, chance in zip(CODES, CODE[stage], strict=True) if draw.random() < chance)
            visits.append(Visit(gap, stage, kind, codes))
            if draw.random() < ENDS[stage] or len(visits) == MOST:
                break
        courses.append(Course(group, tuple(visits)))
    return courses


def log_probability(course: Course) -> float:
    """Return the natural logarithm of the probability of a course given its start; -inf for one that cannot occur."""
    chances = [GROUPS[course.group]]
    for number, visit in enumerate(course.visits, 1):
        last = course.visits[number - 2].stage if number > 1 else ""
        chances.append(GAP[last][GAPS.index(visit.gap)] if last else 1.0)
        chances.append((NEXT_STAGE[last] if last else FIRST_STAGE[course.group])[STAGES.index(visit.stage)])
        chances.append(KIND[visit.stage][KINDS.index(visit.kind)])
        chances += [p if code in visit.codes else 1 - p for code, p in zip(CODES, CODE[visit.stage], strict=True)]
        ended = 1.0 if number == MOST else ENDS[visit.stage]
        chances.append(ended if number == len(course.visits) else 1 - ended)
    return sum(math.log(chance) if chance > 0 else -math.inf for chance in chances)


def read(words: Sequence[str]) -> tuple[Course | None, str]:
    """Return a course and what is wrong with it ("" if nothing); None if the words are no course at all."""
    if list(words[:1]) != [START] or words[-1] != END or len(words) < 3 or words[1] not in GROUPS:
        return None, "no start, age group or end"
    rest = list(words[2:-1])
    visits: list[Visit] = []
    while rest:
        gap, stage, kind = [*rest[:3], *[""] * 3][:3]
        if gap not in ((*GAPS,) if visits else (FIRST,)) or stage not in STAGES or kind not in KINDS:
            return None, f"visit {len(visits) + 1} starts with: {', '.join(rest[:3])}"
        codes = []
        rest = rest[3:]
        while rest and rest[0] in CODES:
            codes.append(rest.pop(0))
        if codes != sorted(set(codes), key=CODES.index):
            return None, f"visit {len(visits) + 1} has codes twice or out of order: {', '.join(codes)}"
        visits.append(Visit(gap, stage, kind, tuple(codes)))
    if not 1 <= len(visits) <= MOST:
        return None, f"{len(visits)} visits"
    return Course(words[1], tuple(visits)), ""


def allowed(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that may come next in a course, whatever their probability: what the structure alone demands."""
    last = words[-1]
    if last == START:
        return tuple(GROUPS)
    if last in GROUPS:
        return (FIRST,)
    if last in (FIRST, *GAPS):
        return STAGES
    if last in STAGES:
        return KINDS
    later = CODES[CODES.index(last) + 1 :] if last in CODES else CODES
    return (*later, *(GAPS if sum(word in KINDS for word in words) < MOST else ()), END)


def impossible(course: Course) -> str:
    """Return the first step of a course that has probability 0 in the simulator, in words; "" if there is none."""
    for number, visit in enumerate(course.visits, 1):
        if number > 1:
            last = course.visits[number - 2].stage
            if NEXT_STAGE[last][STAGES.index(visit.stage)] == 0:
                return f"visit {number}: {last}, then {visit.stage}"
            if GAP[last][GAPS.index(visit.gap)] == 0:
                return f"visit {number}: {last}, then {visit.gap}"
        for code in visit.codes:
            if CODE[visit.stage][CODES.index(code)] == 0:
                return f"visit {number}: {visit.stage} with {code}"
    return ""


def known() -> dict[tuple[str, str, str], float]:
    """Return every probability of the simulator: (table, given, word) -> probability."""
    found = {("age group", START, group): chance for group, chance in GROUPS.items()}
    tables: tuple[tuple[str, Mapping[str, Sequence[float]], Sequence[str]], ...] = (
        ("first stage", FIRST_STAGE, STAGES),
        ("next stage", NEXT_STAGE, STAGES),
        ("kind of visit", KIND, KINDS),
        ("time to next visit", GAP, GAPS),
        ("code", CODE, CODES),
    )
    for table, chances, names in tables:
        found |= {(table, given, name): row[place] for given, row in chances.items() for place, name in enumerate(names)}
    return found | {("end", stage, END): chance for stage, chance in ENDS.items()}


def estimate(courses: Sequence[Course]) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return for every probability of :func:`known` how often the word came, and how often it could have come.

    Whether a course ends is not counted at the last visit that there can be.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    totals: Counter[tuple[str, str]] = Counter()

    def count(table: str, given: str, names: Iterable[str]) -> None:
        totals[table, given] += 1
        counts.update((table, given, name) for name in names)

    for course in courses:
        count("age group", START, [course.group])
        count("first stage", course.group, [visit.stage for visit in course.visits[:1]])
        for number, visit in enumerate(course.visits):
            count("kind of visit", visit.stage, [visit.kind])
            count("code", visit.stage, visit.codes)
            final = number + 1 == len(course.visits)
            if number + 1 < MOST:
                count("end", visit.stage, [END] if final else [])
            if not final:
                after = course.visits[number + 1]
                count("next stage", visit.stage, [after.stage])
                count("time to next visit", visit.stage, [after.gap])
    return {key: (counts[key], totals[key[0], key[1]]) for key in known()}

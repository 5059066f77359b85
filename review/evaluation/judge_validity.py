"""Is this judge worth listening to? Checks that a judge has to pass before its scores are graded.

Every rule compares with chance, with a constant answer or with people, by an interval; none has a chosen threshold. Where a
judge fails, or nobody knows how far it agrees with people, its scores are shown and the grade is withheld.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from review.evaluation.baseline import FEWEST
from review.evaluation.judge_answers import BETTER, INJECTED, PAIR, PLANTED, Judgements
from review.evaluation.judge_estimates import Estimate, Floats, alpha, auc, nanmean, shares
from review.evaluation.judge_people import Human, Together

PEOPLE, REPEATS, POSITION, CONSTANT, PLANTS = "people", "repeats", "position", "constant", "plants"
ANSWERS, INJECTION = "answers", "injection"
RULES: Mapping[str, str] = {
    PEOPLE: (
        "Spearman's correlation with people is above 0 with its whole interval; where two or more people rated an item, judge "
        "and person choose the same level no less often than two people do, by the interval of the difference"
    ),
    REPEATS: "alpha of repeated scores, over all criteria, is above 0 (chance) with its whole interval",
    POSITION: (
        "of pairs of an item and a bad copy of it, fewer than half (a coin's share) are answered by their position, with the "
        "whole Wilson interval"
    ),
    CONSTANT: (
        "people choose its level more often than its own most frequent level, with the whole interval; without people, it "
        "tells originals from bad copies better than a constant answer does (AUC 0.5)"
    ),
    PLANTS: "AUC of originals against bad copies of them is above 0.5 (chance) with its whole interval",
    ANSWERS: "every item and every pair has a usable answer: those without one are not left out by chance",
    INJECTION: (
        "of items to which a sentence was added that asks for the best levels, and whose score moved, not more than half rose, "
        "as far as the Wilson interval tells"
    ),
}
"""Check -> when it is passed."""


@dataclass(frozen=True)
class Check:
    """One check of a judge.

    Attributes
    ----------
    name : str
        One of :data:`RULES`.
    passed : bool
    value : float
        NaN where it could not be measured.
    interval : tuple of float
    rule : str
    words : str
        What was found; reads on after "this judge".
    """

    name: str
    passed: bool
    value: float
    interval: tuple[float, float]
    rule: str
    words: str


def check(judgements: Judgements, human: Human | None = None, seed: int = 0) -> tuple[Check, ...]:
    """Check a judge by all of :data:`RULES`.

    Parameters
    ----------
    judgements : Judgements
    human : mapping, optional
        Levels that people chose; without them the first check is not passed.
    seed : int
        Of the bootstrap.
    """
    people, plants = Together.of(judgements, human or {}), auc(*paired(judgements), seed)
    return (
        _people(people, seed),
        _repeats(judgements, seed),
        _position(judgements),
        _constant(plants, people, seed),
        _plants(plants, judgements),
        _answers(judgements),
        _injection(judgements),
    )


def withheld(checks: Iterable[Check]) -> str:
    """Return why a grade is withheld, "" if every check is passed."""
    failed = [one.words for one in checks if not one.passed]
    return f"withheld: this judge {'; it '.join(failed)}" if failed else ""


def paired(judgements: Judgements, role: str = PLANTED, kind: str = "") -> tuple[Floats, Floats]:
    """Return the mean quality of the originals, and that of the items of a role that were made from them."""
    means = dict(zip((item.id for item in judgements.items), nanmean(judgements.quality()), strict=True))
    made = [item for item in judgements.of(role) if kind in ("", item.kind)]
    found = np.array([[means[item.origin], means[item.id]] for item in made]).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def by_order(judgements: Judgements) -> Floats:
    """Return for each item how much better it is rated where the levels are written from the last to the first."""
    return nanmean(judgements.quality(True)) - nanmean(judgements.quality(False))


def orders(judgements: Judgements, role: str, question: str = BETTER) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Return pairs of a real item and one of a role with a usable answer in both orders: what was first, what was chosen."""
    found: dict[frozenset[str], list[tuple[str, str]]] = {}
    wanted = {item.id for item in judgements.of(role)}
    for answer in judgements.asked(PAIR):
        if wanted & set(answer.items) and answer.parsed is not None:
            found.setdefault(frozenset(answer.items), []).append((answer.items[0], answer.parsed[question]))
    return [(both[0], both[1]) for both in found.values() if len(both) == 2]


def follows_position(judgements: Judgements, role: str, question: str = BETTER) -> Estimate:
    """Return the share of pairs of which the same place was chosen in both orders; of the others it was the same item."""
    both = orders(judgements, role, question)
    return shares(sum(one[1] != other[1] for one, other in both), len(both))


def injected(judgements: Judgements) -> tuple[int, int, int]:
    """Return how many items rose, fell and stayed when a sentence was added that asks for the best levels."""
    before, after = paired(judgements, INJECTED)
    change = (after - before)[~np.isnan(after - before)]
    return int((change > 1e-9).sum()), int((change < -1e-9).sum()), int((np.abs(change) <= 1e-9).sum())


def _made(name: str, passed: bool, found: Estimate, words: str) -> Check:
    return Check(name, bool(passed), found.value, (found.low, found.high), RULES[name], words)


def _people(people: Together, seed: int) -> Check:
    if not people.items:
        return _made(PEOPLE, False, Estimate(), "was not compared with people (no human ratings: agreement unknown)")
    found, beyond = people.correlation(seed), people.beyond_people(seed)
    if people.items < FEWEST:
        return _made(PEOPLE, False, found, f"was compared with people on {people.items} items only: agreement unknown")
    text = f"{found.units} items as people do (Spearman {found}; chance is 0)"
    if not found.low > 0:
        return _made(PEOPLE, False, found, f"was not shown to rank {text}")
    if beyond.high < 0:
        words = f"agrees with a person less often than two people with each other (difference of the shares {beyond})"
        return _made(PEOPLE, False, beyond, words)
    return _made(PEOPLE, True, found, f"ranks {text}")


def _repeats(judgements: Judgements, seed: int) -> Check:
    found = alpha(judgements.scores(), seed)
    if not found.units:
        return _made(REPEATS, False, found, "has no item with two usable answers")
    if math.isnan(found.value):
        return _made(REPEATS, False, found, "gives every item the same score")
    text = f"its own scores when asked again (alpha {found}; chance is 0)"
    if found.low > 0:
        return _made(REPEATS, True, found, f"repeats {text}")
    return _made(REPEATS, False, found, f"was not shown to repeat {text}")


def _position(judgements: Judgements) -> Check:
    found = follows_position(judgements, PLANTED)
    if not found.units:
        return _made(POSITION, False, found, "gave no usable answers about a pair in both orders")
    text = f"{found.units} pairs of an item and a bad copy (share of pairs {found}; a coin's is 0.50)"
    if found.high < 0.5:
        return _made(POSITION, True, found, f"seldom goes by the position in {text}")
    return _made(POSITION, False, found, f"goes by the position as a coin does, or more, in {text}")


def _constant(plants: Estimate, people: Together, seed: int) -> Check:
    if people.items >= FEWEST:
        found = people.beyond_constant(seed)
        text = f"with people more often than its most frequent level does (difference of the shares {found})"
        return _made(CONSTANT, found.low > 0, found, f"agrees {text}" if found.low > 0 else f"was not shown to agree {text}")
    text = f"better than a constant answer (AUC of planted items {plants}; a constant answer has 0.50)"
    return _made(CONSTANT, plants.low > 0.5, plants, f"does {text}" if plants.low > 0.5 else f"was not shown to do {text}")


def _plants(found: Estimate, judgements: Judgements) -> Check:
    if found.units < FEWEST:
        return _made(PLANTS, False, found, f"was tried on {found.units} planted bad items only ({FEWEST} are needed)")
    names = ", ".join(dict.fromkeys(item.kind for item in judgements.of(PLANTED)))
    text = f"(AUC {found}; chance is 0.50; {found.units} items: {names})"
    if found.low > 0.5:
        return _made(PLANTS, True, found, f"gives planted bad items lower scores than their originals {text}")
    how = "higher scores than their originals" if found.high < 0.5 else "the same scores as their originals"
    return _made(PLANTS, False, found, f"gives planted bad items {how}, as far as can be told {text}")


def _answers(judgements: Judgements) -> Check:
    bad, total = sum(answer.parsed is None for answer in judgements.answers), len(judgements.answers)
    items = int(np.isnan(nanmean(judgements.quality())).sum())
    pairs = len({frozenset(answer.items) for answer in judgements.asked(PAIR) if answer.parsed is None})
    found, text = shares(bad, total), f"({bad} of {total} answers cannot be used)"
    if items or pairs:
        return _made(ANSWERS, False, found, f"left {items} items and {pairs} pairs without a usable answer {text}")
    return _made(ANSWERS, True, found, f"gave usable answers about every item and pair {text}")


def _injection(judgements: Judgements) -> Check:
    rose, fell, stayed = injected(judgements)
    found = shares(rose, rose + fell)
    text = f"higher scores to items that ask for them ({rose} rose, {fell} fell, {stayed} stayed)"
    if found.low > 0.5:
        return _made(INJECTION, False, found, f"gives {text}")
    return _made(INJECTION, True, found, f"was not seen to give {text}")

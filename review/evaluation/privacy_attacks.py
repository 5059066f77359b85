"""Membership inference: can an attacker who has the synthetic records tell the real people from others like them.

Under the wish that nothing has leaked, a real person and one held out can change places. The edge comes from such exchanges,
and is no lower than what the attack gets where a half of the held out people plays the synthetic ones: nobody is a member then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from review.evaluation import baseline
from review.evaluation.metrics import LOWER, Metric, Section, Settings, Value, grade, verdict
from review.evaluation.privacy_distance import FAMILY, REPEATS, Marks, middle
from review.evaluation.privacy_space import RECORDS, Floats, Indices, View, nearest, sample

TARGETS = 2_000
"""Real people and held out ones that are tested for membership."""

HALVES = 40
"""How often a half of the held out items takes the place of the synthetic ones."""

MANY = 1_000
"""Held out people from which on members are counted at 1 % false alarms, below at 10 %."""

BALL = 0.01
"""Part of all distances that lie within the ball of the second attack."""

NO_HOLDOUT = "not assessable: give --holdout FILE with real items that the generator has not seen"
NO_PROOF = "Surviving this attack is no proof of privacy: an attacker with shadow models or a target of choice does better."
STADLER = "Stadler, Oprisanu and Troncoso 2022, arXiv:2011.07018"
HILPRECHT = "Hilprecht, Haerterich and Bernau 2019, arXiv:1906.03006"
CHEN = "Chen, Yu, Zhang and Fritz 2020, doi:10.1145/3372297.3417238"
CARLINI = "Carlini et al. 2022, arXiv:2112.03570"


def _membership(name: str, title: str, reference: str, tells: str) -> Metric:
    blind = f"It cannot see a leak about a few people only. Held out items from elsewhere raise it without any leak. {NO_PROOF}"
    return Metric(name, title, FAMILY, "membership", 0.0, 1.0, LOWER, reference, tells, blind)


METRICS = (
    _membership(
        "mia_nearest",
        "Membership by the nearest record, AUC",
        f"{CHEN} (nearest generated record); threat as in {STADLER}",
        "Chance that a real person is nearer to the synthetic records than one held out; 0.5 is guessing.",
    ),
    _membership(
        "mia_ball",
        "Membership by the records around, AUC",
        f"{HILPRECHT} (Monte Carlo attack); the radius is ours: 1 % of all distances",
        "Chance that a real person has more synthetic records around than one held out; 0.5 is guessing.",
    ),
    _membership(
        "mia_found",
        "Members found at few false alarms",
        f"{CARLINI} (true positives at a low rate of false ones)",
        "Share of the real people whom the nearest record gives away, at 10 % false alarms, or 1 % with 1,000 people held out.",
    ),
)

Scores = Mapping[str, NDArray[np.float64]]


def auc(members: Floats, others: Floats) -> float:
    """Return the chance that a member scores higher than another, ties counting one half."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([members, others]))[: len(members)]
    return float((ranks.mean() - (len(members) + 1) / 2) / len(others))


def found_at(members: Floats, others: Floats, alarms: float) -> float:
    """Return the share of members who score above all but so many of the others."""
    allowed = int(np.floor(alarms * len(others)))
    return float((members > np.sort(others)[len(others) - 1 - allowed]).mean())


def attacks(scores: Scores, member: NDArray[np.bool_], alarms: float) -> dict[str, float]:
    """Return how well each attack tells members from others; at this rate of false alarms, where members are counted."""
    parts = {name: (held[member], held[~member]) for name, held in scores.items()}
    near = parts["nearest"]
    return {
        "mia_nearest": auc(*near),
        "mia_ball": auc(*parts["ball"]),
        "mia_found": found_at(*near, alarms),
    }


def membership(view: View, settings: Settings) -> tuple[Value, ...]:
    """Try to tell the real people from those held out."""
    draw = np.random.default_rng([settings.seed, 3])
    places = {role: sample(view, role, TARGETS, settings.seed) for role in ("real", "holdout")}
    counts = len(places["real"]), len(places["holdout"])
    records = sample(view, "synthetic", RECORDS, settings.seed)
    if min(*counts, len(records)) < baseline.FEWEST:
        return ()
    scores = _scores(view, places, records)
    member = np.repeat([True, False], counts)
    alarms = 0.01 if counts[1] >= MANY else 0.1
    value = attacks(scores, member, alarms)
    drawn = [attacks(*_drawn(scores, counts, draw), alarms) for _ in range(REPEATS // 5)]
    null = [attacks(scores, draw.permutation(member), alarms) for _ in range(REPEATS)]
    halves = _halves(view, places, draw, alarms)
    nulls = {name: np.array([row[name] for row in null]) for name in value}
    edges = baseline.together(nulls, dict.fromkeys(nulls, LOWER))
    values = []
    for name, number in value.items():
        low, high = middle(np.array([row[name] for row in drawn]))
        control = np.array([row[name] for row in halves]) if halves else nulls[name]
        marks: Marks = (number, low, high, float(np.median(control)), *middle(control))
        edge = max(edges[name], marks[5])
        judged = verdict(number, low, high, edge, LOWER)
        note = f"at {alarms:.0%} false alarms" if name == "mia_found" else ""
        if min(counts) < baseline.SMALL:
            note = "; ".join(filter(None, (note, f"small sample: fewer than {baseline.SMALL} people")))
        words = "middle 95 % of resamples of the people"
        against = f"{HALVES} halves of the held out items in the place of the synthetic ones" if halves else "exchanged labels"
        values.append(Value(name, view.name, *marks, edge, judged, counts[0], len(records), words, against, note))
    return tuple(values)


def _scores(view: View, places: Mapping[str, Indices], records: Indices) -> Scores:
    """Return for real and then held out people: how near the nearest synthetic record is, and how many are within the ball."""
    held = view.take("synthetic", records)
    few = [view.cross(view.take(role, places[role][:50]), held) for role in ("real", "holdout")]
    radius = np.quantile(np.concatenate(few), BALL)
    first, around = [], []
    for role in ("real", "holdout"):
        first.append(nearest(view, (role, places[role]), "synthetic", records).first)
        step = max(view.block // len(records), 1)
        for start in range(0, len(places[role]), step):
            gaps = view.cross(view.take(role, places[role][start : start + step]), held)
            around.append((gaps <= radius).sum(axis=1))
    return {"nearest": -np.concatenate(first), "ball": np.concatenate(around).astype(float)}


def _drawn(scores: Scores, counts: tuple[int, int], draw: np.random.Generator) -> tuple[Scores, NDArray[np.bool_]]:
    chosen = np.concatenate([draw.integers(0, counts[0], counts[0]), counts[0] + draw.integers(0, counts[1], counts[1])])
    return {name: held[chosen] for name, held in scores.items()}, np.repeat([True, False], counts)


def _halves(view: View, places: Mapping[str, Indices], draw: np.random.Generator, alarms: float) -> list[dict[str, float]]:
    """Return how well the attacks do where a half of the held out people plays the synthetic records, and the other is attacked.

    The real people are then not members either.
    """
    size = len(places["holdout"])
    if size < 2 * baseline.FEWEST:
        return []
    people = np.vstack([view.cross(view.take(role, places[role]), view.take("holdout", places["holdout"])) for role in places])
    radius = np.quantile(people[:: max(len(people) // 100, 1)], BALL)
    real = len(people) - size
    found = []
    for _ in range(HALVES):
        order = draw.permutation(size)
        playing, others = order[: size // 2], order[size // 2 :]
        asked = np.concatenate([np.arange(real), real + others])
        gaps = people[np.ix_(asked, playing)]
        scores = {"nearest": -gaps.min(axis=1).astype(float), "ball": (gaps <= radius).sum(axis=1).astype(float)}
        found.append(attacks(scores, np.arange(len(asked)) < real, alarms))
    return found


def measure(found: Iterable[View], settings: Settings, *, held: bool) -> Section:
    """Grade membership inference by every notion of distance."""
    values = [value for view in found if held for value in membership(view, settings)]
    empty = f"fewer than {baseline.FEWEST} records" if held else NO_HOLDOUT
    return Section(tuple(values), (grade(FAMILY, "membership", values, empty),))

"""Compare generated courses with the simulator whose probabilities are known: no patients anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from review.generators import visits
from review.generators.visits import Course
from review.statistics import wilson

LEARNT, SIMULATED = "generated", "simulated again"


def likelihoods(nats: float, held: Sequence[Course]) -> tuple[dict[str, Any], ...]:
    """Return the mean negative log-likelihood of courses held out, in nats a word, of model and simulator.

    No model can be better than the simulator in expectation: its value is the entropy of what there is to learn.

    Parameters
    ----------
    nats : float
        Of the model.
    held : sequence of Course
    """
    words = sum(len(course.words()) - 1 for course in held)
    true = -sum(visits.log_probability(course) for course in held) / words
    rows = (("model", nats), ("simulator", true), ("difference", nats - true))
    return tuple({"name": name, "nats": round(value, 4), "words": words} for name, value in rows)


def transitions(made: Sequence[Course], again: Sequence[Course], condition: str = "") -> tuple[dict[str, Any], ...]:
    """Compare the shares in generated courses with the probabilities that the simulator has.

    Parameters
    ----------
    made : sequence of Course
        Generated ones, also those with a step that the simulator never takes.
    again : sequence of Course
        As many simulated ones, which nothing was learnt from: what chance alone does.
    condition : str
        The age group that all generated courses have: then what depends on the group is left out where it says nothing.

    Returns
    -------
    tuple of dict
        ``table, given, word, known, generated, count, total, low, high, inside, simulated, simulated_inside``: ``low`` to
        ``high`` holds the middle 95 % of the shares that ``total`` draws with the known probability give, and ``inside`` says
        whether the generated share is there; ``simulated_inside`` says the same of the courses simulated again, for their own
        number of draws. Rows that no generated course has a say about are left out.
    """
    found, control = visits.estimate(made), visits.estimate(again)
    rows = []
    for key, chance in visits.known().items():
        (count, total), (hits, tries) = found[key], control[key]
        if not total or (condition and key[0] == "age group"):
            continue
        low, high = _span(chance, total)
        facts = {"known": chance, "generated": round(count / total, 4), "count": count, "total": total}
        bounds = {"low": round(low / total, 4), "high": round(high / total, 4), "inside": low <= count <= high}
        again_low, again_high = _span(chance, tries)
        beside = {"simulated": round(hits / tries, 4) if tries else None, "simulated_inside": again_low <= hits <= again_high}
        rows.append({"table": key[0], "given": key[1], "word": key[2], **facts, **bounds, **beside})
    return tuple(rows)


def _span(chance: float, total: int) -> tuple[int, int]:
    """Return the middle 95 % of how often something of that probability comes in ``total`` draws."""
    from scipy.stats import binom

    return int(binom.ppf(0.025, total, chance)), int(binom.ppf(0.975, total, chance))


def within(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Count the shares that chance alone explains: of the generated courses, and of those simulated again.

    Returns
    -------
    tuple of dict
        ``name, series, count, total, share, low, high`` for each table of the simulator; about 95 % are expected where nothing
        but chance is at work. The shares of one table are not independent, so the intervals are a rough guide.
    """
    result = []
    for table in dict.fromkeys(row["table"] for row in rows):
        for series, column in ((LEARNT, "inside"), (SIMULATED, "simulated_inside")):
            own = [row[column] for row in rows if row["table"] == table and row["simulated"] is not None]
            count = sum(own)
            if own:
                low, high = wilson(count, len(own))
                facts = {"share": count / len(own), "low": low, "high": high}
                result.append({"name": table, "series": series, "count": count, "total": len(own), **facts})
    return tuple(result)


def copies(train: Sequence[Course], held: Sequence[Course], made: Sequence[Course]) -> tuple[dict[str, Any], ...]:
    """Return how many courses equal one that was learnt from; short courses coincide by chance, as those held out show."""
    learnt = set(train)
    rows = []
    for name, courses in (("synthetic", made), ("held out", held)):
        equal = sum(course in learnt for course in courses)
        if courses:
            low, high = wilson(equal, len(courses))
            facts = {"share": equal / len(courses), "low": low, "high": high}
            rows.append({"name": f"{name} courses equal to one learnt from", "count": equal, "total": len(courses), **facts})
    return tuple(rows)

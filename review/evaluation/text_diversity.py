"""The diversity of a set of texts: a collapsed generator repeats itself, noise never does; real texts lie between."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from review.evaluation import baseline, shares
from review.evaluation.baseline import Indices
from review.evaluation.metrics import BASELINE, LOWER, Metric, Settings, Value
from review.evaluation.text_bleu import ORDERS, self_bleu
from review.evaluation.text_words import Once, Texts, fewest, to_values

ASPECT = "diversity"
MOST = 300
"""Texts of a part at a time: BLEU against all others depends on how many they are."""

_LI = "Li et al. 2016, arXiv 1510.03055"
_ZHU = "Zhu et al. 2018 (Texygen), arXiv 1802.01886; BLEU: Papineni et al. 2002, doi 10.3115/1073083.1073135"
_GAP = "absolute difference from the same measure of the real reference part, over as many texts"
_BLIND = "It cannot tell whether what differs makes sense, nor whether what is said twice in other words is the same."

METRICS: tuple[Metric, ...] = (
    Metric("distinct_gap", "Different runs of words: difference", "intrinsic", ASPECT, 0, 1, LOWER, f"{_LI}; graded: {_GAP}",
           "Whether runs of one, two and three words are repeated as much as in real texts.", _BLIND),
    Metric("self_bleu_gap", "Likeness of the texts to each other: difference", "intrinsic", ASPECT, 0, 1, LOWER,
           f"{_ZHU}; graded: {_GAP}", "Whether texts are as like to each other as real ones are.", _BLIND),
    Metric("distinct", "Different runs of words", "intrinsic", ASPECT, 0, 1, BASELINE,
           f"{_LI}; over a fixed number of runs, as the share falls with their number",
           "Which share of the runs of one, two and three words is different.", _BLIND),
    Metric("self_bleu", "Likeness of the texts to each other", "intrinsic", ASPECT, 0, 1, BASELINE, _ZHU,
           "How much of each text stands in others of its set: mean BLEU-4 of each against all others.", _BLIND),
    Metric("vocabulary", "Vocabulary", "intrinsic", ASPECT, 1, float("inf"), BASELINE,
           "defined here: different words among a fixed number of words", "How many different words are used.",
           "It is the share of different words times a constant, and no second piece of evidence.", "words"),
    Metric("repeats", "Exact repeats", "intrinsic", ASPECT, 0, 1, LOWER,
           "defined here: share of texts whose words equal those of an earlier text of the set, over as many texts",
           "Whether whole texts are repeated more often than in real data.",
           "It takes texts as independent, and sees no repeat with one word changed."),
)  # fmt: skip


def distinct(runs: Any) -> float:
    """Return the share of different ones among numbers of runs of words; NaN without any."""
    return len(np.unique(runs)) / len(runs) if len(runs) else float("nan")


def repeats(texts: Texts, places: Indices) -> int:
    """Return how many texts with words equal an earlier one, marks and capitals aside."""
    ids, starts = texts.words.ids, texts.words.starts
    keys = [ids[starts[place] : starts[place + 1]].tobytes() for place in places.tolist()]
    said = [key for key in keys if key]
    return len(said) - len(set(said))


def measure(texts: Texts, settings: Settings) -> tuple[Value, ...]:
    """Compare the diversity of synthetic and real texts."""
    limited = dataclasses.replace(settings, most=min(settings.most, MOST))
    size = baseline.sizes(texts.reals, len(texts.synthetic), limited.most)
    values: tuple[Value, ...] = ()
    if size.enough:
        values = _compared(texts, limited, size.other)
    count = min(texts.reals, len(texts.synthetic))
    draw = np.random.default_rng(settings.seed)
    parts = [part[draw.permutation(len(part))[:count]] for part in (texts.synthetic, texts.real)]
    counts = [(repeats(texts, part), count) for part in parts]
    note = f"over {count:,} texts of each side" if texts.reals != len(texts.synthetic) else ""
    return (*values, shares.against_real("repeats", "", counts[0], counts[1], note))


def _compared(texts: Texts, settings: Settings, size: int) -> tuple[Value, ...]:
    runs = {order: texts.grams(order) for order in (1, 2, 3)}
    bags = [texts.bag(order) for order in ORDERS]
    budgets = {order: fewest(rows, texts, settings) for order, rows in runs.items()}
    titles = {1: "one word", 2: "two words", 3: "three words"}

    def alone(places: Indices) -> dict[str, float]:
        chosen = places[:size]
        found = {f"distinct:{titles[order]}": distinct(rows.of(chosen)[: budgets[order]]) for order, rows in runs.items()}
        found["self_bleu"] = float(self_bleu([bag[chosen] for bag in bags], texts.words.lengths[chosen]).mean())
        return found

    reference = Once(alone)

    def compared(held: Indices, part: Indices) -> dict[str, float]:
        here, there = alone(part), reference(held)
        gaps = {name.replace("distinct", "distinct_gap").replace("self_bleu", "self_bleu_gap"): abs(here[name] - there[name])
                for name in here}  # fmt: skip
        return gaps | here | {"vocabulary": here["distinct:one word"] * budgets[1]}

    graded = (*(f"distinct_gap:{title}" for title in titles.values()), "self_bleu_gap")
    directions = dict.fromkeys(graded, LOWER)
    found = baseline.compare(compared, texts.real, texts.synthetic, settings, directions)
    larger = max(texts.reals, len(texts.synthetic)) > 2 * MOST
    sampled = (
        f"at most {MOST} texts at a time, drawn anew in each deal: the interval holds the error of drawing" if larger else ""
    )
    budget = f"the first {budgets[1]:,} words, {budgets[2]:,} pairs and {budgets[3]:,} triples of each part"
    return tuple(
        dataclasses.replace(value, note="; ".join(
            part for part in (budget if value.metric in ("distinct", "vocabulary") else "", sampled, value.note) if part))
        for value in to_values(found, directions)
    )  # fmt: skip

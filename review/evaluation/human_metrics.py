"""The metrics of the family "human in the loop": what they tell, and what they cannot tell."""

from __future__ import annotations

from review.evaluation.metrics import BASELINE, HIGHER, LOWER, Metric

FAMILY = "human"
RATINGS, TURING, RATERS = "ratings", "turing", "raters"
HALFWAY = 0.75
"""Share of recognised items halfway between guessing and always right: a convention for thresholds in tests with two answers."""

_QUEST = "Tam et al. 2024 (QUEST), doi 10.1038/s41746-024-01258-7; interval: Efron and Tibshirani 1993, doi 10.1201/9780429246593"
_TURING = "Park et al. 2021, doi 10.2196/23328, for images; defined here: mean of the shares of real and of synthetic items"
_BIAS = "whether raters are right: raters of one school can share an error, and an untrained rater cannot judge a clinical item"
_AGREE = "whether the answers are right: raters can agree on an error"
_INF = float("inf")


def _of(
    name: str, title: str, aspect: str, low: float, high: float, direction: str,
    reference: str, tells: str, blind: str, unit: str = "",
) -> Metric:  # fmt: skip
    return Metric(name, title, FAMILY, aspect, low, high, direction, reference, tells, blind, unit)


METRICS: tuple[Metric, ...] = (
    _of("rating_mean", "Mean rating", RATINGS, 0, 9, BASELINE, _QUEST,
        "how items of one origin are rated by a criterion; for yes or no the share of yes", _BIAS),
    _of("rating_median", "Median rating", RATINGS, 0, 9, BASELINE, _QUEST,
        "the level that half of the items reach; it does not assume equal steps", "small shifts: it moves in whole levels"),
    _of("rating_difference", "Synthetic minus real rating", RATINGS, -8, 8, HIGHER, _QUEST,
        "whether synthetic items are rated as well as real ones by criteria of which more is better", _BIAS),
    _of("rating_excess", "Synthetic minus real rating (less is better)", RATINGS, -8, 8, LOWER, _QUEST,
        "whether synthetic items are rated worse than real ones by criteria of which less is better, such as harm", _BIAS),
    _of("turing_recognised", "Origin recognised", TURING, 0, 1, BASELINE, _TURING,
        "whether raters tell real from synthetic items; 0.5 is a guess; far below it they tell them apart but mix them up",
        "whether synthetic items are right or useful: nonsense can look real, and good items can be given away by their form"),
    _of("turing_real", "Real items called real", TURING, 0, 1, HIGHER, _TURING,
        "how often real items pass for real", "whether that is recognition or a habit of calling everything real"),
    _of("turing_synthetic", "Synthetic items called synthetic", TURING, 0, 1, LOWER, _TURING,
        "how often synthetic items are found out", "whether that is recognition or a habit of suspecting everything"),
    _of("turing_sure", "Origin recognised by sure raters", TURING, 0, 1, BASELINE, "defined here: answers with confidence 4 or 5",
        "whether raters who are sure are right", "how often raters are sure: the answers are chosen by them, and few"),
    _of("rater_alpha", "Agreement of all raters (alpha)", RATERS, -1, 1, HIGHER,
        "Krippendorff 2011, https://repository.upenn.edu/asc_papers/43",
        "agreement beyond chance of any number of raters, levels taken as names",
        f"{_AGREE}; near misses count as misses"),
    _of("rater_percent", "Agreement of two raters (share)", RATERS, 0, 1, HIGHER,
        "defined here: share of items with the same level", "how often two raters gave the same level",
        "agreement by chance, which is high where one level is frequent"),
    _of("rater_kappa", "Agreement of two raters (kappa)", RATERS, -1, 1, HIGHER, "Cohen 1960, doi 10.1177/001316446002000104",
        "agreement beyond what their shares of each level make by chance", f"{_AGREE}; it falls where one level is frequent"),
    _of("rater_ac1", "Agreement of two raters (AC1)", RATERS, -1, 1, HIGHER, "Gwet 2008, doi 10.1348/000711006X126600",
        "agreement beyond chance that stays high where one level is frequent", f"{_AGREE}; near misses count as misses"),
    _of("self_percent", "Agreement of raters with themselves (share)", RATERS, 0, 1, HIGHER,
        "defined here: share of repeated items with the same level",
        "whether raters answer the same when they see an item again", "memory: an item that is recognised gets the same answer"),
    _of("self_kappa", "Agreement of raters with themselves (kappa)", RATERS, -1, 1, HIGHER,
        "Cohen 1960, doi 10.1177/001316446002000104", "whether raters answer the same again, beyond chance",
        "memory: an item that is recognised gets the same answer, and few items are repeated"),
    _of("seconds", "Time for an item", RATERS, 0, _INF, BASELINE, "defined here: median over first showings without a pause",
        "how long raters looked at an item",
        "care: a slow answer can be careless, and a page can be open unread", unit="seconds"),
)  # fmt: skip

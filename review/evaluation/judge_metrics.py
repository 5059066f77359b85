"""The values of a judge: what it scored, and beside it whether its scores mean anything."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from review.evaluation import baseline
from review.evaluation.baseline import SMALL
from review.evaluation.judge_answers import BETTER, GENUINE, PAIR, PLANTED, SCORE, Judgements
from review.evaluation.judge_estimates import Estimate, alpha, auc, mean, most_frequent, nanmean, shares
from review.evaluation.judge_people import Human, Together
from review.evaluation.judge_validity import by_order, follows_position, injected, orders, paired
from review.evaluation.metrics import BASELINE, HIGHER, LOWER, SHOWN, Metric, Settings, Value
from review.evaluation.rubric import REAL, SYNTHETIC

JUDGEMENT, VALIDITY = "judgement", "validity of the judge"
COIN = "a coin"
CONSTANT = "a constant answer"
OVER_ITEMS = "95 % bootstrap over items"
WILSON = "95 % Wilson"
_INF = math.inf
_ZHENG = "Zheng et al. 2023, arXiv 2306.05685"
_SHI = "Shi et al., Judging the Judges, arXiv 2406.07791"
_NAME = "A score follows the wording of rubric and prompt; what a model means by it is not known."
METRICS: tuple[Metric, ...] = (
    Metric("judge_gap", "Judge: quality above real items", "llm", JUDGEMENT, -1, 1, HIGHER,
           f"single-item grading as in {_ZHENG}; the difference and its comparison are defined here",
           "Whether the judge rates synthetic items lower than real ones, from 0 (worst level) to 1 (best).",
           "What the judge does not see; graded only if the judge passes every check of its validity."),
    Metric("judge_score", "Judge: mean level", "llm", JUDGEMENT, 1, 9, BASELINE, f"single-item grading as in {_ZHENG}",
           "The mean level on one criterion, of real, synthetic and planted bad items.", _NAME),
    Metric("judge_pick", "Judge: real item picked", "llm", JUDGEMENT, 0, 1, BASELINE,
           f"pairwise comparison as in {_ZHENG}; both orders of each pair",
           "How often the real one of two items is called the real one; 0.5 if the judge cannot tell.",
           "Why it is picked: length or layout are enough.", "share of answers"),
    Metric("judge_auc", "Judge: planted bad items told apart", "llm", VALIDITY, 0, 1, HIGHER,
           "Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747; the planted items are defined here",
           "How often an original is rated better than a planted bad item; a constant answer has 0.5.",
           "Faults that are finer than the planted ones; sentences in another order can still be a good note."),
    Metric("judge_lower", "Judge: planted items below their originals", "llm", VALIDITY, 0, 1, HIGHER,
           "defined here: share of pairs",
           "How often a planted bad item is rated lower than the very item it was made from.",
           "By how much; equal scores count as not lower.", "share of planted items"),
    Metric("judge_identical", "Judge: same score when asked again", "llm", VALIDITY, 0, 1, HIGHER,
           f"after the repetition stability of {_SHI}; here: items with one score in all repeats",
           "Whether the score of an item depends on the draw.", "A judge that always says the same is perfect in it.",
           "share of items"),
    Metric("judge_alpha", "Judge: alpha over repeats", "llm", VALIDITY, -1, 1, HIGHER,
           "Krippendorff 2011, https://repository.upenn.edu/asc_papers/43 (nominal); over criteria: disagreements added up",
           "Whether scores repeat beyond what their frequencies make by chance.",
           "Whether they are right: a judge can repeat an error."),
    Metric("judge_position", "Judge: answered by position", "llm", VALIDITY, 0, 1, LOWER,
           f"1 minus the position consistency of {_SHI}; position bias as in {_ZHENG}",
           "In how many pairs the same place is chosen in both orders; in the others it is the same item.",
           "In pairs of equally good items even a fair judge has to guess.", "share of pairs"),
    Metric("judge_first", "Judge: first place chosen", "llm", VALIDITY, 0, 1, BASELINE, f"position bias as in {_ZHENG}",
           "Which place the answers lean to; 0.5 for a fair judge, as each pair is asked in both orders.",
           "Whether items matter at all: a coin has 0.5, too.", "share of answers"),
    Metric("judge_order", "Judge: effect of the order of levels", "llm", VALIDITY, -1, 1, BASELINE,
           "defined here: mean quality with the levels from the last to the first, minus that from the first to the last",
           "Whether scores follow the place of a level in the prompt; half of the questions have each order.",
           "Other effects of the wording."),
    Metric("judge_mode", "Judge: most frequent score", "llm", VALIDITY, 0, 1, LOWER,
           "defined here: share of one level among all scores", "How close the judge is to a constant answer.",
           "Items that are really alike get one score rightly.", "share of scores"),
    Metric("judge_entropy", "Judge: entropy of scores", "llm", VALIDITY, 0, math.log2(9), HIGHER,
           "Shannon 1948, doi 10.1002/j.1538-7305.1948.tb01338.x",
           "How much of the scale is used: 0 for one level, 2.3 for five that are equally frequent.",
           "Random scores have the most of it.", "bits"),
    Metric("judge_spearman", "Judge and people: rank correlation", "llm", VALIDITY, -1, 1, HIGHER,
           "Spearman 1904, doi 10.2307/1412159", "Whether the judge ranks items as people do.",
           "Whether its levels mean what people mean: all may be too high."),
    Metric("judge_kappa", "Judge and people: kappa", "llm", VALIDITY, -1, 1, HIGHER,
           "Cohen 1960, doi 10.1177/001316446002000104; lower medians of repeats and of people",
           "How often judge and people choose the same level, beyond chance.", "How far apart two different levels are."),
    Metric("judge_constant", "Judge and people: gain over a constant", "llm", VALIDITY, -1, 1, HIGHER,
           "defined here: share of items with the level of people, minus that of the judge's most frequent level",
           "Whether the scores are worth more than one fixed score.", "Near misses count as misses.", "difference of shares"),
    Metric("judge_people", "Judge and people: beside two people", "llm", VALIDITY, -1, 1, HIGHER,
           f"defined here, after the comparison with agreement between people in {_ZHENG}",
           "Whether judge and person agree as often as two people do.", "Two people can agree by chance.",
           "difference of shares"),
    Metric("judge_unusable", "Judge: unusable answers", "llm", VALIDITY, 0, 1, LOWER,
           "defined here: answers outside the JSON schema",
           "How often there is no answer to count; nothing is repaired.", "What the judge would have said.", "share of answers"),
    Metric("judge_injection", "Judge: raised by an instruction in the item", "llm", VALIDITY, 0, 1, LOWER,
           "defined here; attacks of this kind: Is LLM-as-a-Judge Robust?, arXiv 2402.14016",
           "How many items rise when they say themselves that they deserve the best levels, beside how many fall.",
           "Cleverer sentences.", "share of items"),
)  # fmt: skip


def values(judgements: Judgements, human: Human, settings: Settings) -> tuple[Value, ...]:
    """Return everything that is shown; the gap to real items is :func:`gaps`."""
    seed = settings.seed
    return (
        *_scores(judgements, seed),
        *_pairs(judgements, seed),
        *_planted(judgements, seed),
        *_repeats(judgements, seed),
        *_people(Together.of(judgements, human), judgements, seed),
    )


def gaps(judgements: Judgements, settings: Settings, *, graded: bool) -> tuple[Value, ...]:
    """Return how much better synthetic items are rated than real ones, beside real ones in their place, by criterion.

    Empty for fewer items than are compared; without verdicts unless ``graded``.
    """
    quality = np.array([nanmean(row) for row in judgements.quality()]).reshape(len(judgements.items), -1)
    roles = np.array([item.role for item in judgements.items])
    sides = [quality[(roles == role) & ~np.isnan(quality).any(axis=1)] for role in (REAL, SYNTHETIC)]
    names = [one.name for one in judgements.criteria]

    def above(held: Any, part: Any) -> dict[str, float]:
        return dict(zip(names, (part.mean(axis=0) - held.mean(axis=0)).tolist(), strict=True))

    found = baseline.compare(above, sides[0], sides[1], settings, HIGHER)
    made = [one.as_value("judge_gap", name, HIGHER, _small(len(sides[0]), len(sides[1]))) for name, one in found.items()]
    return tuple(made if graded else (replace(one, verdict=SHOWN, edge=None) for one in made))


def _small(*sizes: int) -> str:
    return f"small sample (fewer than {SMALL} items)" if min(sizes) < SMALL else ""


def _value(metric: str, found: Estimate, subject: str = "", **more: Any) -> Value:
    """Return an estimate as a value; ``of`` names its units, ``bar`` and ``against`` what chance or a constant gets."""
    unit, bar = more.get("of", "items"), more.get("bar")
    note = "not defined in these answers" if math.isnan(found.value) else f"{found.units} {unit}"
    interval = more.get("interval", OVER_ITEMS)
    against = more.get("against", "")
    return Value(metric, subject, found.value, found.low, found.high, bar, interval=interval, against=against, note=note)


def _scores(judgements: Judgements, seed: int) -> list[Value]:
    scores, roles = judgements.scores(), np.array([item.role for item in judgements.items])
    made = []
    for place, one in enumerate(judgements.criteria):
        for role in (REAL, SYNTHETIC, PLANTED):
            found = mean(nanmean(scores[roles == role, place]), seed)
            value = _value("judge_score", found, f"{one.name}: {role}", of=f"{role} items")
            made.append(replace(value, real=found.units * (role == REAL), synthetic=found.units * (role == SYNTHETIC)))
        share, bits = most_frequent(scores[:, place], len(one.levels), seed)
        made += [_value("judge_mode", share, one.name), _value("judge_entropy", bits, one.name)]
    return [*made, _value("judge_order", mean(by_order(judgements), seed), bar=0.0, against="no effect")]


def _pairs(judgements: Judgements, seed: int) -> list[Value]:
    made = []
    for role in (SYNTHETIC, PLANTED):
        name, real = f"real and {role}", {item.id for item in judgements.of(REAL)}
        picked = [np.mean([one[1] in real, other[1] in real]) for one, other in orders(judgements, role, GENUINE)]
        coin = {"bar": 0.5, "against": COIN, "of": "pairs"}
        made.append(_value("judge_pick", mean(np.array(picked), seed), name, **coin, interval="95 % bootstrap over pairs"))
        for question in (BETTER, GENUINE):
            both = orders(judgements, role, question)
            first = shares(sum(place == chosen for pair in both for place, chosen in pair), 2 * len(both))
            follows, subject = follows_position(judgements, role, question), f"{name}: {question}"
            made.append(_value("judge_position", follows, subject, **coin, interval=WILSON))
            made.append(_value("judge_first", first, subject, **{**coin, "of": "answers"}, interval=WILSON))
    return made


def _planted(judgements: Judgements, seed: int) -> list[Value]:
    made = []
    for kind in ("", *dict.fromkeys(item.kind for item in judgements.of(PLANTED))):
        better, worse = paired(judgements, PLANTED, kind)
        known = ~np.isnan(better - worse)
        lower = shares(int((worse < better - 1e-9)[known].sum()), int(known.sum()))
        made.append(_value("judge_auc", auc(better, worse, seed), kind, bar=0.5, against=CONSTANT, of="planted items"))
        made.append(_value("judge_lower", lower, kind, of="planted items", interval=WILSON))
    rose, fell, stayed = injected(judgements)
    tried = rose + fell + stayed
    found = _value("judge_injection", shares(rose, tried), interval=WILSON, against="items that fell")
    return [*made, replace(found, baseline=fell / tried) if tried else found]


def _repeats(judgements: Judgements, seed: int) -> list[Value]:
    scores = judgements.scores()
    made = [_value("judge_alpha", alpha(scores, seed), bar=0.0, against="chance")]
    for place, one in enumerate(judgements.criteria):
        rows = [row[~np.isnan(row)] for row in scores[:, place]]
        again = [bool((row == row[0]).all()) for row in rows if len(row) > 1]
        made.append(_value("judge_identical", shares(sum(again), len(again)), one.name, interval=WILSON))
        made.append(_value("judge_alpha", alpha(scores[:, [place]], seed), one.name, bar=0.0, against="chance"))
    for ask in (SCORE, PAIR):
        asked = judgements.asked(ask)
        bad = shares(sum(answer.parsed is None for answer in asked), len(asked))
        made.append(_value("judge_unusable", bad, ask, of="answers", interval=WILSON))
    return made


def _people(people: Together, judgements: Judgements, seed: int) -> list[Value]:
    if not people.items:
        return [Value("judge_spearman", note="no human ratings: agreement unknown")]
    made = [_value("judge_spearman", people.correlation(seed), bar=0.0, against="chance")]
    for place, one in enumerate(judgements.criteria):
        made.append(_value("judge_spearman", people.correlation(seed, place), one.name, bar=0.0, against="chance"))
        made.append(_value("judge_kappa", people.kappa(seed, place), one.name, bar=0.0, against="chance"))
    made.append(_value("judge_constant", people.beyond_constant(seed), bar=0.0, against=CONSTANT))
    return [*made, _value("judge_people", people.beyond_people(seed), bar=0.0, against="two people")]

"""A language model as judge, on the rubric that people have; its grade is withheld unless it proves to be one.

Real, synthetic and planted bad items are rated one by one, several times, and compared in pairs in both orders. What the judge
answers is kept as it is. How much it may be believed (:mod:`review.evaluation.judge_validity`) always stands beside its scores.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from review import llm
from review.errors import MissingExtraError, OptionError
from review.evaluation import judge_plants, judge_prompts, judge_validity, rating
from review.evaluation import rubric as rubrics
from review.evaluation.judge_answers import INJECTED, PAIR, PLANTED, SCORE, Answer, Item, Judgements, criteria_of
from review.evaluation.judge_metrics import JUDGEMENT, METRICS, gaps, values
from review.evaluation.judge_people import Human
from review.evaluation.judge_plants import Parts
from review.evaluation.metrics import NOT_ASSESSABLE, Grade, Section, Settings, grade
from review.evaluation.rating_file import PERSON
from review.evaluation.rubric import REAL, SYNTHETIC, Criterion
from review.files import digest
from review.llm import Model, Request

if TYPE_CHECKING:
    from review.evaluation.inputs import Pair

__all__ = ["METRICS", "Judgements", "ask", "draw", "measure", "section"]

ITEMS, FEW = 24, 10
"""Real and synthetic items that are judged if nobody says how many; the second for the embedded model, which is slow."""

REPEATS, TEMPERATURE, TOP_P = 3, 0.7, 0.95
LONGEST, COLUMNS = 1500, 40
"""Characters of a text and columns of a row that a judge is shown."""

Progress = Callable[[str, int, int], None]


def measure(
    pair: Pair,
    settings: Settings,
    *,
    model_name: str = llm.EMBEDDED,
    criteria: Iterable[Any] | None = None,
    human: Any = None,
    task: rating.Task | None = None,
    n: int | None = None,
    repeats: int = REPEATS,
    cache: Path | None = None,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> Section:
    """Have a language model judge a pair of data sets.

    Parameters
    ----------
    pair : Pair
    settings : Settings
    model_name : str
        As in :func:`review.llm.load`.
    criteria : iterable, optional
        Of a rubric, or triples of name, question and a mapping of 1, 2, ... to words; those of the task, or the built-in ones.
    human : human_answers.Rated, rating.Task or mapping, optional
        What people rated (as :data:`review.evaluation.judge_people.Human` if it is a mapping); the items of their task are
        judged. Without a task, :func:`review.evaluation.rating.plan` draws items.
    task : rating.Task, optional
        The task of a mapping.
    n : int, optional
        Real items, and as many synthetic and planted ones.
    repeats : int
        How often each item is scored.
    cache : Path, optional
        Folder of answers, as in :func:`review.llm.load`.
    keep : Path, optional
        File to which everything that was asked and answered is written, as JSON lines.
    progress : callable, optional

    Raises
    ------
    OptionError
        If an option cannot be met.
    ModelError, MissingExtraError
        As :func:`review.llm.load`.
    """
    task, rated, said = _people(pair, human, task)
    chosen = criteria_of(criteria if criteria is not None else (task.rubric if task else rubrics.DEFAULT).criteria)
    size = n if n is not None else FEW if model_name == llm.EMBEDDED else ITEMS
    items, notes = draw(pair, size, settings.seed, task, rated)
    with llm.load(model_name, cache=cache) as model:
        judgements = ask(model, items, chosen, settings.seed, repeats=repeats, progress=progress)
    if keep is not None:
        judgements.write(keep)
    found = section(judgements, settings, rated)
    return replace(found, notes=(*found.notes, *said, *notes))


def draw(
    pair: Pair, n: int, seed: int, task: rating.Task | None = None, human: Human | None = None
) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Draw real and synthetic items, and make planted ones from the real ones; those that people rated come first.

    Returns
    -------
    tuple of Item, tuple of str
        The items, and what was left out.

    Raises
    ------
    OptionError
        If there are fewer than two items of a side, or the task was read without its origins.
    """
    if task is not None and not task.origins:
        raise OptionError("the rating task has no origins -> give the file with the origins, too")
    most = min(n, len(pair.real), len(pair.synthetic))
    if task is not None:
        most = min(n, *(list(task.origins.values()).count(role) for role in (REAL, SYNTHETIC)))
    if most < 2:
        raise OptionError(f"{most} items of each side are to be judged -> give two or more")
    planned = task or rating.plan(pair, n=2 * most, seed=seed)
    rated, sides, notes = human or {}, {}, []
    for role in (REAL, SYNTHETIC):
        fitting = [item for item in planned.items if planned.origins[item.id] == role]
        fitting.sort(key=lambda item: item.id not in rated)
        sides[role] = [(item.id, _parts(item)) for item in fitting[:most]]
    if any(part["kind"] == "sequence" for item in planned.items for part in item.parts):
        notes.append("the judge is not shown sequences of numbers")
    shown = {role: [(name, _cut(parts)) for name, parts in side] for role, side in sides.items()}
    cut = sum(one != other for role in sides for one, other in zip(sides[role], shown[role], strict=True))
    if cut:
        notes.append(f"{cut} items were cut: the judge is shown {LONGEST} characters of a text and {COLUMNS} columns of a row")
    items = [Item(name, role, parts.shown()) for role, side in shown.items() for name, parts in side]
    real = shown[REAL]
    plants = judge_plants.make([parts for _, parts in real], len(real), seed)
    bad = [Item(f"{real[one.origin][0]}/{one.kind}", PLANTED, one.parts.shown(), real[one.origin][0], one.kind) for one in plants]
    hostile = []
    for place, (item, one) in enumerate(zip(bad[: (len(bad) + 1) // 2], plants, strict=False)):
        text, number = judge_plants.inject(one.parts, place).shown(), place % len(judge_plants.INJECTIONS) + 1
        hostile.append(Item(f"{item.id}/instruction", INJECTED, text, item.id, f"instruction {number}"))
    return (*items, *bad, *hostile), tuple(notes)


def ask(
    model: Model,
    items: Sequence[Item],
    criteria: Sequence[Criterion],
    seed: int,
    *,
    repeats: int = REPEATS,
    temperature: float = TEMPERATURE,
    progress: Progress | None = None,
) -> Judgements:
    """Ask a model for every score and every pair.

    The levels are written from the last to the first in half of the questions about scores, in turn over items and repeats.
    Each real item is compared with the bad copy of it, and with one synthetic item, in both orders.

    Raises
    ------
    OptionError
        If ``repeats`` is less than 2, or the temperature is 0: all repeats would be one answer.
    MissingExtraError
        If ``jsonschema`` is not installed.
    """
    if repeats < 2 or temperature <= 0:
        raise OptionError(f"repeats is {repeats}, temperature {temperature:g} -> choose 2 or more, and more than 0")
    if importlib.util.find_spec("jsonschema") is None:
        raise MissingExtraError("jsonschema", "evaluate")
    known = {item.id: item for item in items}
    of = {role: [item for item in items if item.role == role] for role in (REAL, SYNTHETIC, PLANTED)}
    couples = [(known[item.origin], item) for item in of[PLANTED]] + list(zip(of[REAL], of[SYNTHETIC], strict=False))
    work: list[tuple[str, tuple[Item, ...], int]] = [(SCORE, (item,), repeat) for item in items for repeat in range(repeats)]
    work += [(PAIR, couple if turn == 0 else couple[::-1], 0) for couple in couples for turn in (0, 1)]
    places, answers = {item.id: place for place, item in enumerate(items)}, []
    schemas = {SCORE: judge_prompts.score_schema(criteria), PAIR: judge_prompts.pair_schema()}
    for done, (kind, shown, repeat) in enumerate(work, 1):
        ids, schema = tuple(item.id for item in shown), schemas[kind]
        own = int(digest(f"{seed}/{kind}/{'/'.join(ids)}/{repeat}".encode())[:8], 16) & 0x7FFFFFFF
        descending = kind == SCORE and (places[ids[0]] + repeat) % 2 == 1
        if kind == SCORE:
            told = judge_prompts.score(criteria, shown[0], own, descending)
        else:
            told = judge_prompts.pair(shown[0], shown[1], own)
        request = Request(told, judge_prompts.room(schema), temperature, TOP_P, own, schema)
        answer = model.complete(request)
        parsed, reason = judge_prompts.read(answer.text, answer.finish, schema)
        if parsed is not None:
            chosen = dict(zip(judge_prompts.PLACES, ids, strict=False))
            parsed = {name: int(value) if kind == SCORE else chosen[value] for name, value in parsed.items()}
        prompt = "\n\n".join(f"[{message.role}]\n{message.content}" for message in told)
        answers.append(Answer(kind, ids, repeat, own, descending, prompt, answer.text, answer.finish, parsed, reason))
        if progress:
            progress("judge", done, len(work))
    facts: dict[str, Any] = {"seed": seed, "repeats": repeats, "temperature": temperature, "top_p": TOP_P}
    facts |= {"constrained": model.supports("schema"), "prompts_sha256": judge_prompts.templates()}
    return Judgements(dict(model.identity), facts, tuple(criteria), tuple(items), tuple(answers))


def section(judgements: Judgements, settings: Settings, human: Human | None = None) -> Section:
    """Return scores and validity of a judge; the grade is withheld unless it passes every check."""
    checks = judge_validity.check(judgements, human, settings.seed)
    reason = judge_validity.withheld(checks)
    compared = gaps(judgements, settings, graded=not reason)
    few = "too few real or synthetic items were judged: 20 real and 10 synthetic are needed"
    given = Grade("llm", JUDGEMENT, NOT_ASSESSABLE, reason) if reason else grade("llm", JUDGEMENT, compared, few)
    model = judgements.model
    name = model.get("model", "a model without a name") + (f" (SHA-256 {model['sha256'][:12]}...)" if "sha256" in model else "")
    passed = sum(one.passed for one in checks)
    notes = [f"judge: {name}; it passed {passed} of {len(checks)} checks, all are needed for a grade"]
    notes += [f"{'passed' if one.passed else 'not passed'}: it {one.words}. Rule: {one.rule}" for one in checks]
    rows = [_row(asdict(one)) for one in checks]
    facts = [{"name": key, "value": str(value)} for key, value in {**model, **judgements.settings}.items()]
    tables: Mapping[str, tuple[Mapping[str, Any], ...]] = {"judge_checks": tuple(rows), "judge_model": tuple(facts)}
    return Section((*compared, *values(judgements, human or {}, settings)), (given,), tuple(notes), tables)


def _people(pair: Pair, human: Any, task: rating.Task | None) -> tuple[rating.Task | None, Human, list[str]]:
    """Return the task that was rated and the levels that people chose, and what a reader has to know about them."""
    if human is None or isinstance(human, Mapping):
        return task, human or {}, []
    task, notes, levels = (human, [], {}) if isinstance(human, rating.Task) else (human.task, [], human.levels())
    if levels and human.kind != PERSON:
        levels = {}
        notes.append("the ratings are of simulated raters: how far the judge agrees with people stays unknown")
    n = len(task.items)
    same = n // 2 <= min(len(pair.real), len(pair.synthetic)) and (
        rating.plan(pair, n=n, seed=task.seed, rubric=task.rubric, repeats=task.repeats).digest == task.digest
    )
    if not same:
        notes.append("the rated items were not drawn from these data sets as they are now; they were judged all the same")
    return task, levels, notes


def _row(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a check as plain values; what is not known is None."""
    low, high = facts.pop("interval")
    numbers = {"value": facts["value"], "low": low, "high": high}
    return {**facts, **{name: None if np.isnan(number) else round(float(number), 6) for name, number in numbers.items()}}


def _parts(item: rating.Item) -> Parts:
    """Return an item of a rating task: its first text, its rows and further texts by name; sequences are left out."""
    rows, texts = [], []
    for part in item.parts:
        if part["kind"] == "rows":
            rows += [(str(name), str(value)) for name, value in part["rows"]]
        elif part["kind"] == "text":
            texts.append((str(part["name"]), str(part["text"])))
    return Parts((*rows, *texts[1:]), texts[0][1] if texts else "")


def _cut(parts: Parts) -> Parts:
    return Parts(tuple((name, value[:LONGEST]) for name, value in parts.rows[:COLUMNS]), parts.text[:LONGEST])

"""What raters, coders and a judge answered, and report cards."""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from typing import Any

from fuzzing.common import JSON, emptied, scratch, words
from fuzzing.harness import Outcome, Target, WrongError, kept, refused, same
from fuzzing.targets_import import tiny
from review import journal
from review.coding import adjudication, codes
from review.coding import task as tasks
from review.coding.answers import Answer as Coded
from review.errors import ReviewError
from review.evaluation import card, judge_answers, rating, rating_file
from review.evaluation.human_answers import load as load_rated
from review.evaluation.judge_answers import Judgements
from review.evaluation.rubric import DEFAULT
from review.files import to_json

# --- tasks of raters and coders, and their journals

RATED = rating.plan({"real": ["one text", "two"], "synthetic": ["three", "four"]}, n=4, seed=1, repeats=1)


@cache
def rated_files() -> dict[str, bytes]:
    with scratch() as place:
        RATED.write(place)
        with rating_file.RatingFile(place, RATED, "anna") as held:
            for position in range(3):
                held.add(position, {DEFAULT.criteria[0].name: 1 + position, "origin": 1}, 1.5, paused=position == 1)
        return {path.name: path.read_bytes() for path in place.iterdir()}


def attack_rating(name: str, data: bytes, folder: Path) -> Outcome:
    place = emptied(folder / "rating")
    for one, content in rated_files().items():
        (place / one).write_bytes(data if one == name else content)
    try:
        found = load_rated(place)
        same(
            len(found.lines.get("anna", {})), len({line["position"] for line in _whole(place / "ratings-anna.jsonl")}), "answers"
        )
        to_json([found.progress(), found.levels(), found.seconds()])
        found.table(DEFAULT.criteria[0].name)
        found.task.write(place)
        same(rating.load(place), found.task, "the task written and read again")
        _continued(place / "ratings-anna.jsonl", found)
    except ReviewError as error:
        return refused(error, *rated_files())
    return kept(f"{len(found.task.items)} {sorted(found.lines)}")


def _whole(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().rpartition(b"\n")[0].split(b"\n") if line]


def _continued(path: Path, found: Any) -> None:
    """Go on with a file of answers; what it held stays."""
    before, torn = path.read_bytes(), path.read_bytes().rpartition(b"\n")[2]
    kind = next((line.rater_kind for held in found.lines.values() for line in held.values()), "person")
    with rating_file.RatingFile(path.parent, found.task, "anna", kind) as held:
        held.add(0, {}, 1.0)
    after = path.read_bytes()
    if not after.startswith(before.removesuffix(torn)) or (torn and torn not in path.with_suffix(journal.TORN).read_bytes()):
        raise WrongError("something that stood in the journal is gone")


@cache
def coded_task() -> tasks.Task:
    return tasks.plan(tiny(), n=2, seed=1, keys=[one.key for one in tiny().references[:2]])


@cache
def coded_files() -> dict[str, bytes]:
    task = coded_task()
    dimensions = list(task.dimensions.values())
    with scratch() as place:
        task.write(place)
        for coder, unknown in (("anna", False), ("bert", True)):
            held = codes.CodesFile(place, task, coder)
            with held.journal:
                for study in task.studies:
                    for one in dimensions:
                        labels = {} if unknown else {next(iter(one.categories)): "yes"}
                        held.answer(study.key, one.name, Coded(labels, unknown), "c", 1)
                    held.finish(study.key)
        return {path.name: path.read_bytes() for path in place.iterdir()}


def attack_coding(name: str, data: bytes, folder: Path) -> Outcome:
    place = emptied(folder / "coding")
    for one, content in coded_files().items():
        (place / one).write_bytes(data if one == name else content)
    try:
        task = tasks.load(place, tiny())
        task.write(place)
        held = codes.load_all(place, task)
        if name != tasks.FILE:
            lines = [line for line in _whole(place / name) if line.get("kind") == "answer"]
            same(len(held["anna"].answers), len({(line["study"], line["dimension"]) for line in lines}), "answers")
        adjudication.load(place, task, ("anna", "bert"))
        to_json([[answer.plain() for answer in one.answers.values()] for one in held.values()]).encode()
    except ReviewError as error:
        return refused(error, *coded_files())
    return kept(f"{len(task.studies)} {[len(one.answers) for one in held.values()]}")


# --- what a judge said, report cards


@cache
def judged_seeds() -> list[bytes]:
    items = (judge_answers.Item("i1", "real", "a"), judge_answers.Item("i2", "synthetic", "b"))
    scores = {one.name: 1 for one in DEFAULT.criteria}
    said = judge_answers.Answer("score", ("i1",), 0, 1, False, "p", "r", "stop", scores)
    other = judge_answers.Answer("pair", ("i1", "i2"), 0, 2, True, "p", "", "length", None, "cut")
    with scratch() as place:
        Judgements({"model": "m"}, {"seed": 1}, DEFAULT.criteria, items, (said, other)).write(place / "j.jsonl")
        return [(place / "j.jsonl").read_bytes()]


def attack_judged(data: bytes, folder: Path) -> Outcome:
    path = folder / "j.jsonl"
    path.write_bytes(data)
    try:
        found = Judgements.read(path)
    except ReviewError as error:
        return refused(error, path.name)
    same(len(found.items) + len(found.answers), data.decode().rstrip("\n").count("\n"), "items and answers")
    found.scores()
    found.quality()
    found.write(path)
    again = Judgements.read(path)
    same((again.items, again.answers), (found.items, found.answers), "written and read again")
    return kept(f"{len(found.items)} {len(found.answers)}")


def card_seeds() -> list[bytes]:
    from test_evaluation_card import made

    return [to_json(made(names=("a",)).plain()).encode()]


def attack_card(data: bytes, folder: Path) -> Outcome:
    path = folder / "card.json"
    path.write_bytes(data)
    try:
        found = card.read(path)
    except ReviewError as error:
        return refused(error, path.name)
    same(found, json.loads(data), "the card")
    return kept("card")


TARGETS = (
    *(
        Target(
            f"rating-{name.partition('.')[0].partition('-')[0]}",
            partial(lambda name: [rated_files()[name]], name),
            partial(attack_rating, name),
            words(JSON + '"position":|"answers":|"seconds":|"sequence":|"items":|"parts":|"rubric":|"origins":|"kind":|\n'),
        )
        for name in ("task.json", "origins.json", "ratings-anna.jsonl")
    ),
    *(
        Target(
            f"coding-{name.partition('.')[0].partition('-')[0]}",
            partial(lambda name: [coded_files()[name]], name),
            partial(attack_coding, name),
            words(JSON + '"study":|"dimension":|"answer":|"labels":|"unknown":|"kind":|"sequence":|"studies":|"links":|\n'),
        )
        for name in ("task.json", "codes-anna.jsonl")
    ),
    Target("judged", judged_seeds, attack_judged, words(JSON + '"criteria":|"levels":|"items":|"parsed":|"ask":|"repeat":|\n')),
    Target("card", card_seeds, attack_card, words(JSON + '"grades":|"title":')),
)

"""Judges whose answers are known: data with a hidden quality, and stubs of language models that see it, or do not."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from text_models import Scripted

from review.evaluation import inputs, rating
from review.evaluation.rubric import HIGH, LOW, Criterion
from review.llm import Request

CRITERIA = (
    Criterion("sound", "Sound", "Is it sound?", HIGH, ("not at all", "hardly", "partly", "mostly", "wholly")),
    Criterion("harmful", "Harmful", "Can it harm?", LOW, ("no", "hardly", "yes")),
)
SIGNS = ("a cough", "a rash", "back pain", "a fever", "dizzy spells", "a sore throat")


def texts(n: int, start: int = 0) -> list[str]:
    """Return notes that all differ."""
    return [
        f"The patient of {30 + at} years has {SIGNS[at % len(SIGNS)]}. Bed {at} was given. The plan is rest for {at + 2} days."
        for at in range(start, start + n)
    ]


def two_sets(real: int = 24, synthetic: int = 24):
    """Return a pair of data sets."""
    return inputs.from_frames(pd.DataFrame({"note": texts(real)}), pd.DataFrame({"note": texts(synthetic, 100)}))


def sets(columns: Mapping[str, list], text: str = ""):
    """Return a pair of two equal data sets."""
    return inputs.from_frames(pd.DataFrame(columns), pd.DataFrame(columns), choices=inputs.Choices(text=text))


def hidden(levels: Callable[[int], int], pair) -> dict[str, int]:
    """Return a level from 1 to 5 for each text of a pair."""
    every = [*pair.real["note"], *pair.synthetic["note"]]
    return {text: levels(place) for place, text in enumerate(every)}


def people(pair, truth: Mapping[str, int], n: int, seed: int, raters: int = 2) -> tuple[rating.Task, dict]:
    """Return a task, and what people with small differences answered."""
    task = rating.plan(pair, n=2 * n, seed=seed)
    draw, found = np.random.default_rng(5), {}
    for item in task.items:
        level = truth[item.parts[0]["text"]]
        sound = [int(np.clip(level + draw.choice([-1, 0, 0, 0, 1]), 1, 5)) for _ in range(raters)]
        found[item.id] = {"sound": sound, "harmful": [3 if level < 3 else 1] * raters}
    return task, found


def blocks(request: Request) -> list[str]:
    """Return the items that stand between the marks of a prompt."""
    mark = re.search(r"Lines (##\w{6}) mark", request.messages[0].content)[1]
    return [part.strip("\n") for part in request.messages[1].content.split(f"{mark}\n")[1::2]]


def noise(request: Request) -> np.random.Generator:
    """Return draws that depend on the request only."""
    return np.random.default_rng(list(hashlib.sha256(f"{request.seed}{request.messages[1].content}".encode()).digest()))


def answered(request: Request, level: Callable[[str], int], prefer: Callable[[str, str], str] | None = None) -> str:
    """Answer by a level of each text; of two, the better one is A or B."""
    shown = blocks(request)
    if "sound" in request.schema["properties"]:
        found = level(shown[0])
        return json.dumps({"sound": found, "harmful": 3 if found < 3 else 1})
    place = prefer(*shown) if prefer else ("A" if level(shown[0]) > level(shown[1]) else "B")
    return json.dumps({"better": place, "real": place})


def ideal(truth: Mapping[str, int]) -> Scripted:
    """A judge that knows the hidden levels; what is not in the data is bad."""
    return Scripted([lambda request: answered(request, lambda text: truth.get(text, 1))])


def constant(level: int = 4) -> Scripted:
    """A judge that always says the same."""
    return Scripted([lambda request: answered(request, lambda _: level, lambda *_: "A")])


def by_position(truth: Mapping[str, int]) -> Scripted:
    """A judge with good scores that takes the first of two."""
    return Scripted([lambda request: answered(request, lambda text: truth.get(text, 1), lambda *_: "A")])


def random_judge() -> Scripted:
    """A judge that draws every answer."""

    def answer(request: Request) -> str:
        draw = noise(request)
        return answered(request, lambda _: int(draw.integers(1, 6)), lambda *_: "AB"[int(draw.integers(2))])

    return Scripted([answer])


def garbage(truth: Mapping[str, int]) -> Scripted:
    """A judge that knows the hidden levels and half of the time answers something else."""

    def answer(request: Request) -> str:
        if noise(request).random() < 0.5:
            return 'Sure! {"sound": 9}'
        return answered(request, lambda text: truth.get(text, 1))

    return Scripted([answer])


def obedient(truth: Mapping[str, int]) -> Scripted:
    """A judge that knows the hidden levels and does what an item says."""
    asks = ("answer 5", "best level", "correct answer")

    def level(text: str) -> int:
        return 5 if any(words in text for words in asks) else truth.get(text, 1)

    return Scripted([lambda request: answered(request, level)])

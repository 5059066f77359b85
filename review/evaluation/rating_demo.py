"""Items and simulated raters with which the rating task can be tried without any other file.

The "real" items are the project's seed notes, which a language model wrote; the synthetic ones are drawn from counts of bytes.
Simulated raters are no model of people: they show how the analysis works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from review.errors import OptionError
from review.evaluation.metrics import Section
from review.evaluation.rating import Task
from review.evaluation.rating_file import SIMULATED, RatingFile
from review.evaluation.rubric import CONFIDENCE, HIGH, ORIGIN, REAL, SYNTHETIC

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair

ORDER = 7
"""Bytes that the counts look at, the last of them being the one that is drawn."""

LONGEST = 900


def items(n: int, seed: int, real: str = "", synthetic: str = "") -> Pair | Mapping[str, Sequence[str]]:
    """Return items to rate, as :func:`review.evaluation.rating.plan` takes them.

    Parameters
    ----------
    n : int
        How many synthetic notes are made, if no file is named.
    seed : int
    real, synthetic : str
        Files to take the items from, both or none, as :func:`review.evaluation.inputs.load` reads them.

    Raises
    ------
    OptionError
        If one file is named without the other.
    """
    if bool(synthetic) != bool(real):
        raise OptionError("one file of items is named -> name both, the real and the synthetic ones, or none")
    if synthetic:
        from review.evaluation import inputs

        return inputs.load(Path(real), Path(synthetic))
    from review.generators import seeds

    notes = [seed_text.text for seed_text in seeds.load("note")]
    return {REAL: notes, SYNTHETIC: invent(notes, n, seed)}


def invent(texts: Sequence[str], n: int, seed: int) -> list[str]:
    """Draw texts from the n-grams of some, as long as they hold together: no text of theirs, none twice, no half character."""
    from review.generators.text_ngrams import END, Ngrams

    model, draw = Ngrams(texts, ORDER), np.random.default_rng(seed)
    alphabet = sorted({END, *(byte for text in texts for byte in text.encode())})
    found: list[str] = []
    while len(found) < n:
        data = texts[int(draw.integers(len(texts)))].encode()[: ORDER - 1]
        while len(data) < LONGEST:
            weights = np.array([model.probability(data[-(ORDER - 1) :], byte) for byte in alphabet])
            weights[weights < weights.max() / 50] = 0  # the smoothing of the counts allows every byte
            byte = alphabet[int(draw.choice(len(alphabet), p=weights / weights.sum()))]
            if byte == END:
                break
            data += bytes([byte])
        text = data.decode(errors="ignore").strip()
        if len(text) >= 40 and text not in found and text not in texts:
            found.append(text)
    return found


def simulate(task: Task, folder: Path, raters: Sequence[str] = ("sim-1", "sim-2"), skill: float = 0.6) -> None:
    """Write the answers of simulated raters to a folder; those that are there already are kept.

    Parameters
    ----------
    task : Task
        With its origins.
    folder : Path
    raters : sequence of str
    skill : float
        Chance that a rater knows an origin; otherwise the rater guesses.
    """
    for rater in raters:
        with RatingFile(folder, task, rater, SIMULATED) as file:
            draw = np.random.default_rng([task.seed, *rater.encode()])
            for slot in file.order:
                numbers = draw.random(len(task.rubric.questions) + 2)
                made = task.origins[slot.item.id] == SYNTHETIC
                knows, seconds = numbers[-1] < skill, float(20 + 60 * numbers[-2])
                answers = {}
                for question, number in zip(task.rubric.questions, numbers, strict=False):
                    most = len(question.levels)
                    good = 1 - 0.45 * made - 0.5 * number  # from 0.05 to 1
                    share = good if question.better == HIGH else 1 - good
                    answers[question.name] = min(int(share * most) + 1, most) if most > 2 else 1 + (share > 0.8)
                if task.rubric.ask_origin:
                    answers[ORIGIN] = 1 + (made if knows else bool(numbers[0] < 0.5))
                    answers[CONFIDENCE] = (4 if knows else 1) + (numbers[1] < 0.5)
                plain = {name: int(level) for name, level in answers.items()}
                if slot.position not in file.latest:
                    file.add(slot.position, plain, seconds)


def questions(task: Task) -> pd.DataFrame:
    """List what raters are asked: ``question, asked, better, levels``."""
    import pandas as pd

    rows = [
        (item.title, item.question, item.better, "; ".join(f"{place} {words}" for place, words in enumerate(item.levels, 1)))
        for item in task.rubric.questions
    ]
    return pd.DataFrame(rows, columns=["question", "asked", "better", "levels"])


def grades(section: Section) -> pd.DataFrame:
    """List the grades of a section: ``aspect, grade, reason``."""
    import pandas as pd

    rows = [(grade.aspect, grade.grade, grade.reason) for grade in section.grades]
    return pd.DataFrame(rows, columns=["aspect", "grade", "reason"])


def values(section: Section) -> pd.DataFrame:
    """List the values of a section: ``metric, subject, value, low, high, edge, verdict, note``."""
    import pandas as pd

    columns = ["metric", "subject", "value", "low", "high", "edge", "verdict", "note"]
    rows = [[getattr(value, column) for column in columns] for value in section.values]
    frame = pd.DataFrame(rows, columns=columns)
    numbers = ["value", "low", "high", "edge"]
    return frame.astype(dict.fromkeys(numbers, float)).round(dict.fromkeys(numbers, 3))


def raters(section: Section) -> pd.DataFrame:
    """List the raters of a section: ``rater, kind, answered, of, lines, pauses, seconds, recognised``."""
    import pandas as pd

    columns = ["rater", "kind", "answered", "of", "lines", "pauses", "seconds", "recognised"]
    return pd.DataFrame(list(section.tables.get("raters", ())), columns=columns)

"""What notebook 53 shows of a judge: items to try it on, and its checks, grades and values as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.errors import UnknownNameError
from review.evaluation import rubric
from review.evaluation.metrics import Section, Settings
from review.evaluation.rubric import REAL, SYNTHETIC

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair

SPARE = 2
"""Synthetic items that are made for each one that is judged."""

VALUES = ("metric", "title", "subject", "value", "low", "high", "baseline", "baseline_low", "baseline_high", "edge", "note")
SIDES = ("this judge", "chance, or an order to obey that is ignored")
"""Names of the values and baselines of :func:`shares` in a picture."""

SHARES = ("judge_auc", "judge_lower", "judge_identical", "judge_position", "judge_injection", "judge_mode")


def pair_of(real: str, synthetic: str, n: int, seed: int) -> Pair:
    """Return the items of two files; or, without files, the seed notes and as many invented ones as are needed.

    Raises
    ------
    OptionError
        If only one of the files is named.
    """
    import pandas as pd

    from review.evaluation import inputs, rating_demo

    found = rating_demo.items(max(SPARE * n, 10), seed, real, synthetic)
    if isinstance(found, inputs.Pair):
        return found
    notes, invented = (pd.DataFrame({"text": list(found[role])}) for role in (REAL, SYNTHETIC))
    return inputs.from_frames(notes, invented, choices=inputs.Choices("text", text="text"))


def people_of(folder: str) -> Any:
    """Return what people rated in a folder; None where none is named."""
    if not folder:
        return None
    from review.evaluation import human

    return human.load(Path(folder))


def judge(
    pair: Pair, settings: Settings, model: str, questions: str, people: Any, n: int, repeats: int, cache: str = ""
) -> Section:
    """Have a model judge a pair by some criteria of the built-in rubric.

    Parameters
    ----------
    questions : str
        Names of criteria with commas between; "" takes all, or those of the task that people answered.
    people : as :func:`people_of` returns it

    Raises
    ------
    UnknownNameError
        If there is no such criterion.
    """
    from review.evaluation import judge as judging

    known = {one.name: one for one in rubric.DEFAULT.criteria}
    wanted = [name.strip() for name in questions.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise UnknownNameError("criterion", name, tuple(known))
    criteria = [known[name] for name in wanted] if wanted and people is None else None
    where = Path(cache) if cache else None
    return judging.measure(pair, settings, model_name=model, criteria=criteria, human=people, n=n, repeats=repeats, cache=where)


def checks(section: Section) -> pd.DataFrame:
    """List what a judge has to pass: ``check, passed, value, low, high, rule, words``."""
    import pandas as pd

    columns = ["name", "passed", "value", "low", "high", "rule", "words"]
    rows = [[row.get(column) for column in columns] for row in section.tables["judge_checks"]]
    frame = pd.DataFrame(rows, columns=["check", *columns[1:]])
    return frame.astype(dict.fromkeys(("value", "low", "high"), "Float64"))


def grades(section: Section) -> pd.DataFrame:
    """List the grades: ``aspect, grade, reason``."""
    from review.evaluation import rating_demo

    return rating_demo.grades(section)


def values(section: Section, aspect: str) -> pd.DataFrame:
    """List the values of one aspect, with the titles of their metrics, as :mod:`review.card_figures` takes them."""
    import pandas as pd

    from review.evaluation.judge import METRICS

    known = {metric.name: metric for metric in METRICS}
    rows = [
        [known[one.metric].title if name == "title" else getattr(one, name) for name in VALUES]
        for one in section.values
        if known[one.metric].aspect == aspect
    ]
    numbers = VALUES[3:10]
    return pd.DataFrame(rows, columns=list(VALUES)).astype(dict.fromkeys(numbers, "Float64"))


def shares(table: pd.DataFrame) -> pd.DataFrame:
    """Return the values that are shares from 0 to 1 and stand for the whole, not for one kind of planted fault."""
    whole = table["metric"].isin(SHARES) & ~(table["metric"].isin(["judge_auc", "judge_lower"]) & (table["subject"] != ""))
    return table[whole].reset_index(drop=True)

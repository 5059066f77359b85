"""One report card for any synthetic data set: five families of evaluation, each graded beside what real data get.

``evaluate`` is the one way in; each family is a module that is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.errors import MissingExtraError
from review.evaluation.metrics import FAMILIES, GRADES, Grade, Metric, Section, Settings, Value

if TYPE_CHECKING:
    from review.corpus import Corpus
    from review.evaluation.card import Card
    from review.evaluation.inputs import Pair

LIBRARIES = ("anywidget", "jsonschema", "presidio_analyzer", "pyarrow", "sklearn", "spacy")
"""Modules of the extra ``evaluate``."""

NOBODY_RATED = "nobody rated items -> rate some in notebooks/52-rating.ipynb, then give the folder: --ratings DIR"
NO_JUDGE = "no language model was asked -> name one: --judge embedded, endpoint or a .gguf file"

Progress = Callable[[str, int, int], None]
"""Called with the name of a step, what is done and how much there is."""

__all__ = [
    "FAMILIES",
    "GRADES",
    "Extras",
    "Grade",
    "Metric",
    "Section",
    "Settings",
    "Value",
    "evaluate",
    "metrics_of",
    "reported_by",
]


@dataclass(frozen=True)
class Extras:
    """What a card can hold besides the two data sets.

    Attributes
    ----------
    rules : sequence
        Constraints that the user gives, as :func:`review.evaluation.constraints.load` returns them.
    human : Section or None
        What people rated, as :mod:`review.evaluation.human` returns it.
    judge : Section or None
        What a language model judged, as :mod:`review.evaluation.judge` returns it.
    """

    rules: tuple[Any, ...] = ()
    human: Section | None = None
    judge: Section | None = None


def evaluate(
    pair: Pair,
    settings: Settings | None = None,
    extras: Extras | None = None,
    *,
    title: str = "",
    progress: Progress | None = None,
) -> Card:
    """Measure everything that the data allow, and put it into a card.

    Parameters
    ----------
    pair : Pair
        As :func:`review.evaluation.inputs.load` or :func:`review.evaluation.inputs.from_frames` returns it.
    settings : Settings, optional
    extras : Extras, optional
        Rules, ratings and judgements.
    title : str
    progress : callable, optional
        Called with step, done and total.

    Raises
    ------
    MissingExtraError
        If the libraries of the extra ``evaluate`` are not installed.
    """
    from review.evaluation import card

    chosen, more = settings or Settings(), extras or Extras()
    steps = _steps(pair, chosen, more)
    sections: dict[str, list[Section]] = {}
    try:
        for done, (name, family, step) in enumerate(steps):
            if progress:
                progress(name, done, len(steps))
            sections.setdefault(family, []).append(step())
        metrics = metrics_of()
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in LIBRARIES:
            raise MissingExtraError(str(error.name), "evaluate") from None
        raise
    for family, section in (("human", more.human), ("llm", more.judge)):
        if section is not None:
            sections[family] = [section]
    if progress:
        progress("card", len(steps), len(steps))
    return card.build(pair, chosen, sections, metrics, {"human": NOBODY_RATED, "llm": NO_JUDGE}, title)


def _steps(pair: Pair, settings: Settings, extras: Extras) -> list[tuple[str, str, Callable[[], Section]]]:
    """Return what has to be measured: a name, the family, and the work itself."""
    from review.evaluation import paired, privacy, tabular, text, utility

    steps: list[tuple[str, str, Callable[[], Section]]] = []
    if pair.kind != "text" and pair.named("number", "class"):
        steps.append(("columns", "intrinsic", lambda: tabular.measure(pair, settings, extras.rules)))
    if pair.text:
        steps.append(("texts", "intrinsic", lambda: text.measure(pair, settings)))
    if pair.kind == "paired":
        steps.append(("pairs", "intrinsic", lambda: paired.measure(pair, settings)))
    steps.append(("utility", "downstream", lambda: utility.measure(pair, settings)))
    steps.append(("privacy", "privacy", lambda: privacy.measure(pair, settings)))
    return steps


def metrics_of() -> Mapping[str, Metric]:
    """Return every metric that a card can hold, by name."""
    from review.evaluation import human, judge, paired, privacy, tabular, text, utility
    from review.evaluation.metrics import catalogue

    modules = (tabular, text, paired, human, judge, utility, privacy)
    return catalogue(*(module.METRICS for module in modules))


def reported_by(card: Card, corpus: Corpus, selection: str = "default", where: str = "") -> Card:
    """Return a card that also says which families the coded studies used, and what they would have shown of it."""
    import dataclasses

    from review import report
    from review.evaluation import reported
    from review.files import records

    rows = tuple(records(reported.compute_reported(corpus, selection, where)))
    views = reported.compute_views(corpus, card.grades, selection, where)
    cautions = (report.caution(corpus, selection), report.coders(corpus), reported.describe_views(views)) if rows else ()
    return dataclasses.replace(card, reported=rows, cautions=cautions)

"""The report card of texts: form, diversity, content, detection and, if a model is named, perplexity.

Notes
-----
A bootstrap copy of real texts, drawn with replacement, is not told from real texts by form, content and detection, but fails
in diversity: it repeats whole texts, which real texts do not. Copying itself is a matter of privacy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from review.evaluation import baseline, perplexity, text_content, text_detection, text_diversity, text_form, text_labels
from review.evaluation.metrics import Grade, Metric, Section, Settings, Value, grade
from review.evaluation.text_words import Texts, prepare

if TYPE_CHECKING:
    from review.evaluation.inputs import Pair

METRICS: tuple[Metric, ...] = (
    *text_form.METRICS,
    *text_diversity.METRICS,
    *text_content.METRICS,
    *text_labels.METRICS,
    *text_detection.METRICS,
    *perplexity.METRICS,
)
ASPECTS: dict[str, tuple[Callable[[Texts, Settings], tuple[Value, ...]], ...]] = {
    text_form.ASPECT: (text_form.measure,),
    text_diversity.ASPECT: (text_diversity.measure,),
    text_content.ASPECT: (text_content.measure, text_labels.measure),
    text_detection.ASPECT: (text_detection.measure,),
}
"""Aspect -> what measures it."""


def measure(pair: Pair, settings: Settings) -> Section:
    """Compare the texts of a pair.

    Parameters
    ----------
    pair : Pair
        With a column of texts; without one every aspect is "not assessable".
    settings : Settings
        A model for perplexity, if that is wanted.
    """
    if not pair.text:
        empty = "there is no column of texts"
        return Section(grades=tuple(grade("intrinsic", aspect, (), empty) for aspect in ASPECTS))
    texts = prepare(pair, settings)
    size = baseline.sizes(texts.reals, len(texts.synthetic), settings.most)
    values: list[Value] = []
    grades: list[Grade] = []
    for aspect, parts in ASPECTS.items():
        found = [value for part in parts for value in part(texts, settings)]
        few = f"{texts.reals} real and {len(texts.synthetic)} synthetic texts are too few to compare"
        grades.append(grade("intrinsic", aspect, found if size.enough else (), few))
        values += found
    notes = ["words are what stands between white space, without marks around it; stop words are English"]
    if texts.note:
        notes.append(texts.note)
    if size.enough and size.other < baseline.SMALL:
        notes.append(
            f"small sample: {size.reference} and {size.other} texts are compared at a time, so only large faults are seen"
        )
    if not settings.model:
        return Section(tuple(values), tuple(grades), tuple(notes))
    spoken = perplexity.measure(pair, settings)
    return Section((*values, *spoken.values), (*grades, *spoken.grades), (*notes, *spoken.notes))

"""Privacy: copies, distances, attacks, and words and identifiers of real people in synthetic texts.

Everything is graded beside what real data get that the generator has not seen. Passing all of it is no proof of privacy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from review.evaluation import identifiers, overlaps, privacy_attacks, privacy_distance, privacy_inference
from review.evaluation.metrics import Metric, Section, Settings, Value, grade
from review.evaluation.privacy_distance import FAMILY, NO_PROOF, Reach
from review.evaluation.privacy_rates import HINT, Count, contrast
from review.evaluation.privacy_space import TableView, View, views

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair

NEAR = {"near_1": 0.01, "near_5": 0.05}
"""Metric -> quantile of the distances between real records, below which a record counts as nearly a copy."""

METRICS: tuple[Metric, ...] = (
    Metric(
        "copies",
        "Exact copies of real records",
        FAMILY,
        "copies",
        0.0,
        1.0,
        "lower",
        "identical records as in Platzer and Reutterer 2021, doi:10.3389/fdata.2021.679939",
        "Share of the synthetic records that are equal to a real one in every column; all records are compared.",
        f"A copy with one changed digit is none. {NO_PROOF}",
    ),
    *(
        Metric(
            name,
            f"Records nearer than {quantile:.0%} of real ones",
            FAMILY,
            "copies",
            0.0,
            1.0,
            "lower",
            f"defined here; distance as in {privacy_distance.GOWER}",
            f"Share of the synthetic records that are nearer to a real one than {quantile:.0%} of the real ones are to another.",
            f"Where people are alike, near is not the same as copied; a few copies among many records pass. {NO_PROOF}",
        )
        for name, quantile in NEAR.items()
    ),
    *privacy_distance.METRICS,
    *privacy_attacks.METRICS,
    *privacy_inference.METRICS,
    *overlaps.METRICS,
    *identifiers.METRICS,
)

NO_MERIT = (
    "Passing these attacks is no proof of privacy, and no merit by itself: records that are like nobody, such as noise, pass."
)
Keys = NDArray[np.uint64]


def keys(frame: pd.DataFrame, kinds: Mapping[str, str]) -> Keys:
    """Return a number for each record, the same for records that are equal in some columns.

    Capitals and blanks of texts do not count. 64 bits: two different records of a million have one number with a chance of 1e-7.

    Parameters
    ----------
    frame : DataFrame
    kinds : mapping of str to str
        Column -> its kind.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        if kind == "sequence":
            columns[name] = [hashlib.sha256(np.asarray(held, dtype=float).tobytes()).hexdigest() for held in frame[name]]
        elif kind == "text":
            columns[name] = [" ".join(held.casefold().split()) for held in frame[name]]
        else:
            columns[name] = frame[name] + 0.0 if kind == "number" else frame[name]
    table = pd.DataFrame(columns)
    return np.asarray(pd.util.hash_pandas_object(table, index=False))


def equal(pair: Pair, kinds: Mapping[str, str]) -> tuple[Count, Count, str]:
    """Count the synthetic records that are equal to a real one, and those of the control, with its name.

    The control is the held out records, or those real ones that have an equal among the others if these are more.
    """
    held = {role: keys(frame, kinds) for role, frame in pair.parts().items()}
    real, back, numbers = np.unique(held.pop("real"), return_inverse=True, return_counts=True)
    own = Count(int((numbers[back] > 1).sum()), len(back))
    counts = {role: Count(int(np.isin(found, real).sum()), len(found)) for role, found in held.items()}
    if "holdout" in counts and counts["holdout"].share >= own.share:
        return counts["synthetic"], counts["holdout"], "held out records with an equal real one"
    return counts["synthetic"], own, "real records with an equal among the other real ones"


def copies(pair: Pair, found: Mapping[str, tuple[View, Reach | None]]) -> Section:
    """Grade exact copies, and records that are nearly one.

    A copy that nothing in the real data explains is unclear at least, however few there are.
    """
    columns = {column.name: column.kind for column in pair.columns}
    subjects = {"": {pair.text: "text"} if pair.kind == "text" else columns}
    if pair.kind != "text" and len(columns) > 1:
        subjects |= {name: {name: kind} for name, kind in columns.items() if kind == "sequence"}
    reached = {name: near for name, (_, near) in found.items() if near is not None}
    graded = len(subjects) + len(NEAR) * len(reached)
    values: list[Value] = []
    for subject, kinds in subjects.items():
        own, control, against = equal(pair, kinds)
        real = len(pair.real)
        values.append(contrast(("copies", subject), own, control, against, rule=HINT, graded=graded, real=real))
    for name, near in reached.items():
        values += [_near(metric, name, near, graded) for metric in NEAR]
    return Section(tuple(values), (grade(FAMILY, "copies", values),))


def _near(metric: str, view: str, near: Reach, graded: int) -> Value:
    """Count records below a distance that real ones set; without held out ones, a half sets it and the other is the control."""
    first = near.real.first
    border, control = (first, near.control.first) if near.held else (first[::2], first[1::2])
    limit = float(np.quantile(border, NEAR[metric]))
    own, other = (Count(int((gaps < limit).sum()), len(gaps)) for gaps in (near.synthetic.first, control))
    note = f"nearer than {limit:.4g}"
    return contrast((metric, view), own, other, near.against, graded=graded, real=near.records, note=note)


def measure(pair: Pair, settings: Settings) -> Section:
    """Measure and grade the privacy of a pair.

    Returns
    -------
    Section
        Aspects ``copies``, ``distance``, ``membership``, ``inference`` (tables), ``verbatim`` and ``identifiers`` (texts).
    """
    held = pair.holdout is not None
    known = views(pair, settings.seed)
    found: dict[str, tuple[View, Reach | None]] = {
        view.name: (view, privacy_distance.reach(view, settings, held=held)) for view in known
    }
    table = next((view for view in known if isinstance(view, TableView)), None)
    sections = [
        copies(pair, found),
        privacy_distance.measure(found, settings),
        privacy_attacks.measure(known, settings, held=held),
    ]
    if pair.kind != "text":
        sections.append(privacy_inference.measure(pair, table, settings))
    if pair.text:
        texts = {role: frame[pair.text].tolist() for role, frame in pair.parts().items()}
        sections += [overlaps.measure(texts, settings), identifiers.measure(texts, settings)]
    tables = {name: rows for section in sections for name, rows in section.tables.items()}
    return Section(
        tuple(value for section in sections for value in section.values),
        tuple(grade for section in sections for grade in section.grades),
        (NO_MERIT, *(note for section in sections for note in section.notes)),
        tables,
    )

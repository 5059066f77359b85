"""Whether synthetic items serve to train a model for real ones: train on synthetic, test on real (TSTR).

The same model is trained on as many real items and tested on the same real ones (TRTR), over several seeded splits; and a
constant answer is tested as well. If real training items do not beat the constant answer, there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from review.evaluation import baseline
from review.evaluation.metrics import (
    HIGHER,
    LOWER,
    NOT_ASSESSABLE,
    SHOWN,
    Grade,
    Metric,
    Section,
    Settings,
    Value,
    grade,
    verdict,
)
from review.evaluation.tabular_arrays import one_thread
from review.evaluation.utility_models import LINEAR, TREES, Items, items, predict, scores

if TYPE_CHECKING:
    from review.evaluation.inputs import Pair

FAMILY, ASPECT = "downstream", "prediction"
MOST = 2000
"""Items on which a model is trained, and on which it is tested."""

TEST = 0.3
"""Share of the real items that is tested where there is no holdout."""

FEWEST = 20
"""Training items below which nothing is trained."""

PAPER = "Esteban, Hyland and Rätsch 2017, arXiv:1706.02633 (train on synthetic, test on real)"
BLIND = "Other questions than the label, other models, and whether the synthetic items are anything but useful for this."
TITLES: Mapping[str, str] = {LINEAR: "linear model", TREES: "random forest"}
ACCURACY, MACRO, CURVE, EXPLAINED, ERROR = "tstr_balanced_accuracy", "tstr_macro_f1", "tstr_auc", "tstr_r2", "tstr_error"


def _metric(name: str, title: str, low: float, direction: str, definition: str, tells: str, unit: str = "") -> Metric:
    reference = f"{PAPER}; {definition}" if definition else PAPER
    high = float("inf") if direction == LOWER else 1.0
    return Metric(name, title, FAMILY, ASPECT, low, high, direction, reference, tells, BLIND, unit)


METRICS = (
    _metric(
        ACCURACY,
        "Balanced accuracy on real items, trained on synthetic ones",
        0.0,
        HIGHER,
        "balanced accuracy: Brodersen et al. 2010, doi:10.1109/ICPR.2010.764",
        "Share of the real items of a class that a model of synthetic items names rightly; mean over the classes.",
    ),
    _metric(
        MACRO,
        "Macro F1 on real items, trained on synthetic ones",
        0.0,
        HIGHER,
        "averaged F1: Opitz and Burst 2019, arXiv:1911.03347",
        "The same, false alarms counted as well; mean over the classes of the tested items.",
    ),
    _metric(
        CURVE,
        "AUC on real items, trained on synthetic ones",
        0.0,
        HIGHER,
        "area under the ROC curve: Hanley and McNeil 1982, Radiology 143, 29-36",
        "How often an item of the second class gets a higher score than one of the first; two classes only.",
    ),
    _metric(
        EXPLAINED,
        "R2 on real items, trained on synthetic ones",
        -float("inf"),
        HIGHER,
        "R2: 1 minus squared error by squared error of the mean of the tested items",
        "How much of the variance of a real number a model explains that has seen synthetic items only.",
    ),
    _metric(
        ERROR,
        "Mean absolute error on real items, trained on synthetic ones",
        0.0,
        LOWER,
        "scaled by the standard deviation of the real label",
        "How far off the predictions of a real number are.",
        "standard deviations of the real label",
    ),
)
DIRECTIONS: Mapping[str, str] = {metric.name: metric.direction for metric in METRICS}
Table = dict[tuple[str, str], NDArray[np.float64]]


@dataclass(frozen=True)
class Split:
    """Items to train on, real and synthetic ones, and to test on."""

    real: Items
    synthetic: Items
    test: Items


def measure(pair: Pair, settings: Settings) -> Section:
    """Train models on synthetic and on real items, and test both on real ones.

    Parameters
    ----------
    pair : Pair
        With a label. Tables: numbers and classes predict it. Text: words do. Paired: both.
    settings : Settings
        ``repeats`` splits.

    Returns
    -------
    Section
        One aspect, graded by the linear model: pass if the median of TSTR is not below the 2.5 % quantile of TRTR, fail if its
        97.5 % quantile is, else unclear. Table ``tstr``: medians of TSTR, TRTR and the constant answer.
    """
    if not pair.label:
        return _nothing(pair, "no column is the label that others predict: name it with --label")
    parts = {role: items(frame, pair) for role, frame in pair.parts().items()}
    reason = _too_little(parts, pair)
    if reason:
        return _nothing(pair, reason)
    found: dict[str, list[dict[tuple[str, str], float]]] = {"tstr": [], "trtr": [], "constant": []}
    constant: set[str] = set()
    with one_thread():
        for repeat in range(settings.repeats):
            split = _split(parts, np.random.default_rng([settings.seed, repeat]))
            for role, train in (("tstr", split.synthetic), ("trtr", split.real)):
                row: dict[tuple[str, str], float] = {}
                for model in (LINEAR, TREES) if train.columns.names else (LINEAR,):
                    answer = predict(model, train, split.test, settings.seed)
                    if answer.constant and role == "tstr":
                        constant.add(answer.constant)
                    row |= {(model, name): value for name, value in scores(answer, split.test).items()}
                found[role].append(row)
            common = predict("", split.real, split.test, settings.seed)
            found["constant"].append({("", name): value for name, value in scores(common, split.test).items()})
    tables = {role: {key: np.array([row[key] for row in rows]) for key in rows[0]} for role, rows in found.items()}
    return _section(pair, tables, split, sorted(constant), settings)


def _too_little(parts: Mapping[str, Items], pair: Pair) -> str:
    """Return why nothing can be trained or tested, or ""."""
    real, label = parts["real"], pair.label
    tested = parts.get("holdout", real)
    if not real.columns.names and not real.texts:
        return f"no column of text, numbers or classes is left to predict {label}"
    for role, part in (("real", real), ("tested", tested)):
        if len(np.unique(part.label)) < 2:
            what = "one class" if real.classes else "one value"
            return f"the label {label} of the {role} items has {what} only"
    if len(real) * (1 - TEST) < FEWEST or len(parts["synthetic"]) < FEWEST or len(tested) * TEST < baseline.FEWEST:
        sizes = ", ".join(f"{len(part)} {role}" for role, part in parts.items())
        return f"too few items with a label: {sizes}"
    trained = int(min(len(real) * (1 if "holdout" in parts else 1 - TEST), len(parts["synthetic"]), MOST))
    different = max(len(np.unique(part.label)) for part in parts.values())
    if real.classes and 2 * different > trained:
        return f"the label {label} has {different} classes for {trained} items to train on, fewer than two of each"
    return ""


def _split(parts: Mapping[str, Items], draw: np.random.Generator) -> Split:
    """Draw items: without a holdout, real ones are split; with one, every part is drawn with replacement."""
    real, synthetic = parts["real"], parts["synthetic"]
    if "holdout" in parts:
        count = min(MOST, len(real), len(synthetic))
        tested = parts["holdout"]
        test = tested.take(draw.integers(len(tested), size=min(MOST, len(tested))))
        train, other = (part.take(draw.integers(len(part), size=count)) for part in (real, synthetic))
        return Split(train, other, test)
    order = draw.permutation(len(real))
    size = round(TEST * len(real))
    kept = order[size:]
    count = min(MOST, len(kept), len(synthetic))
    chosen = draw.permutation(len(synthetic))[:count]
    return Split(real.take(kept[:count]), synthetic.take(chosen), real.take(order[: min(size, MOST)]))


def _section(pair: Pair, tables: Mapping[str, Table], split: Split, constant: list[str], settings: Settings) -> Section:
    graded = ACCURACY if split.test.classes else EXPLAINED
    plain = tables["constant"]
    least, chance = _middle(tables["trtr"][LINEAR, graded])[0], _middle(plain["", graded])[1]
    reason = (
        f"trained on real items, the linear model does not beat a constant answer (2.5 % quantile {least:.3f} against "
        f"{chance:.3f}): the real data give nothing to compare with"
    )
    notes = _notes(pair, split, constant)
    values, rows = [], []
    for (model, name), here in tables["tstr"].items():
        there = tables["trtr"][model, name]
        (low, middle, high), (real_low, real_middle, real_high) = _middle(here), _middle(there)
        answer = _middle(plain["", name])[1]
        judged, edge = SHOWN, None
        if (model, name) == (LINEAR, graded):
            edge = real_low
            judged = NOT_ASSESSABLE if not least > chance else verdict(middle, low, high, edge, HIGHER)
        parts = [f"a constant answer gets {answer:.3f}", *notes, reason if judged == NOT_ASSESSABLE else ""]
        value = Value(
            name,
            f"{pair.label}: {TITLES[model]}",
            middle,
            low,
            high,
            real_middle,
            real_low,
            real_high,
            edge,
            judged,
            real=len(split.test),
            synthetic=len(split.synthetic),
            interval=f"middle 95 % over {settings.repeats} seeded splits",
            against=f"trained on {len(split.real)} real items, tested on the same ones",
            note="; ".join(filter(None, parts)),
        )
        values.append(value)
        medians = (("tstr", middle), ("trtr", real_middle), ("constant", answer))
        rows.append(
            {
                "model": TITLES[model],
                "metric": name,
                **{key: None if np.isnan(number) else round(number, 6) for key, number in medians},
            }
        )
    return Section(tuple(values), (grade(FAMILY, ASPECT, values, reason),), tuple(notes), {"tstr": tuple(rows)})


def _middle(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the 2.5 % quantile, the median and the 97.5 % quantile of the known values."""
    known = values[~np.isnan(values)]
    low, middle, high = np.quantile(known, (0.025, 0.5, 0.975)) if len(known) else (np.nan,) * 3
    return float(low), float(middle), float(high)


def _notes(pair: Pair, split: Split, constant: list[str]) -> list[str]:
    notes = [f"trained on {len(split.synthetic)} items, tested on {len(split.test)} real ones at a time"]
    if pair.holdout is None:
        notes.append("no holdout: the generator may have seen the tested items, which makes the value too good")
    if len(split.test) < baseline.SMALL:
        notes.append(f"small sample: {len(split.test)} tested items")
    return [*notes, *(f"in some splits {text}, so the answer is constant" for text in constant)]


def _nothing(pair: Pair, reason: str) -> Section:
    kinds = {column.name: column.kind for column in pair.columns}
    name = EXPLAINED if kinds.get(pair.label) == "number" else ACCURACY
    value = Value(name, pair.label, verdict=NOT_ASSESSABLE, note=reason)
    return Section((value,), (Grade(FAMILY, ASPECT, NOT_ASSESSABLE, reason),))

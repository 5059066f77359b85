"""Do reports on ECG segments contradict what was measured in the segment beside them? For records with this project's columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from review.evaluation import shares
from review.evaluation.metrics import LOWER, Metric, Settings, Value

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair

REPORT = "report"
MEASURED = ("heart_rate", "rhythm", "pr", "qrs", "qt")
MOST = 2000
"""Reports of each side that are read."""

_APART = 1_000_003  # an exchange by a generator's own seed must not be undone here

_HERE = (
    "defined here: review.generators.ecg_reports.agreement; Wilson intervals (Wilson 1927, doi 10.1080/01621459.1927.10502953)"
)
_BLIND = "It reads rate, rhythm and intervals only, with this project's tolerances, and takes what the columns hold for measured."
METRICS: tuple[Metric, ...] = (
    Metric("contradictions", "Reports against the measurement", "intrinsic", "agreement", 0, 1, LOWER, _HERE,
           "Which share of the reports that state anything states what the signal does not show.", _BLIND),
    Metric("contradictions_exchanged", "Reports against another measurement", "intrinsic", "agreement", 0, 1, LOWER, _HERE,
           "What reports get beside the signal of another record: the level of chance.", _BLIND),
    Metric("silent", "Reports that state nothing", "intrinsic", "agreement", 0, 1, LOWER, _HERE,
           "Whether reports avoid contradictions by stating nothing that could be read.", _BLIND),
)  # fmt: skip


def applies(pair: Pair) -> bool:
    """Tell whether a pair has the columns of ECG records, with rhythms of this project."""
    from review.generators.ecg import RHYTHMS

    if REPORT not in pair.named("text") or not {column.name for column in pair.columns}.issuperset(MEASURED):
        return False
    return set(pair.real["rhythm"].dropna().astype(str)) <= set(RHYTHMS)


def measure(pair: Pair, settings: Settings) -> tuple[Value, ...]:
    """Count reports that contradict their own measurement and, for comparison, another one."""
    draw = np.random.default_rng(settings.seed)
    counted = []
    for frame in (pair.synthetic, pair.real):
        places = np.sort(draw.permutation(len(frame))[:MOST])
        counted.append(_counts(frame.iloc[places], settings.seed))
    values = []
    for key, synthetic in counted[0].items():
        metric, _, subject = key.partition(":")
        graded = key in ("contradictions:whole report", "silent:whole report")
        empty = "" if synthetic[1] else "no report states it"
        real = counted[1].get(key, (0, 0))
        if not graded and not (synthetic[1] and real[1]):
            values.append(Value(metric, subject, real=real[1], synthetic=synthetic[1], note=empty or "no real report states it"))
            continue
        values.append(shares.against_real(metric, subject, synthetic, real, empty, graded=graded))
    return tuple(values)


def _counts(frame: pd.DataFrame, seed: int) -> dict[str, shares.Count]:
    """Return how many reports contradict, of those that state something, and how many state nothing."""
    from review.generators import ecg_reports

    found = [_findings(row) for row in frame[list(MEASURED)].to_dict("records")]
    reports = [str(text) for text in frame[REPORT]]
    checked = [ecg_reports.agreement(text, item) for text, item in zip(reports, found, strict=True)]
    counts: dict[str, shares.Count] = {}
    for row in ecg_reports.rates("own", checked):
        counts[f"contradictions:{row['name']}"] = (row["total"] - row["count"], row["total"])
        if row["name"] == ecg_reports.WHOLE:
            counts[f"silent:{row['name']}"] = (row["reports"] - row["total"], row["reports"])
    if len(reports) > 1:
        order = ecg_reports.shuffled(len(reports), seed + _APART)
        other = [ecg_reports.agreement(text, found[place]) for text, place in zip(reports, order, strict=True)]
        whole = ecg_reports.rates("exchanged", other)[-1]
        counts[f"contradictions_exchanged:{whole['name']}"] = (whole["total"] - whole["count"], whole["total"])
    return counts


def _findings(row: Mapping[Any, Any]) -> Any:
    """Return the measurements of a record; what is missing was not measurable."""
    import pandas as pd

    from review.generators.ecg_measure import Findings

    known = {name: None if pd.isna(row[name]) else row[name] for name in MEASURED}
    numbers = {name: None if (value := known[name]) is None else round(float(value)) for name in ("pr", "qrs", "qt")}
    rate = None if known["heart_rate"] is None else float(known["heart_rate"])
    rhythm = None if known["rhythm"] is None else str(known["rhythm"])
    return Findings((), heart_rate=rate, rhythm=rhythm, **numbers)

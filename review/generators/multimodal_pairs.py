"""What the three multimodal cells share: simulated segments with their findings, and the judgement of a report on one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.generators import ecg, ecg_measure, ecg_reports
from review.generators.dataset import item_seed, normal
from review.generators.ecg import RHYTHMS, Segment
from review.generators.ecg_measure import CLAIMS, Findings, Tolerances
from review.generators.ecg_reports import CONTRADICTS, NOT_PARSEABLE, NOT_STATED, Template, Verdict
from review.statistics import wilson

if TYPE_CHECKING:
    from review.generators import Progress

EMPTY, UNFINISHED, WRONG, UNSUPPORTED, SILENT = "empty", "unfinished", CONTRADICTS, "unsupported", "silent"
REASONS: Mapping[str, str] = {
    EMPTY: "there is no text in the report",
    UNFINISHED: "the report was cut off before it ended",
    WRONG: "a claim of the report contradicts what was measured in the signal",
    UNSUPPORTED: "the report speaks of what one simulated lead cannot show: other leads, ST segment, diagnoses, persons",
    SILENT: "the report states neither rate nor rhythm nor any interval that could be read",
}
NAMES: Mapping[str, str] = {"heart_rate": "Heart rate", "rhythm": "Rhythm", "pr": "PR", "qrs": "QRS", "qt": "QT"}
REAL, CHANCE = "template, own segment", "template, other segment"
"""Series of the two levels that a generator's agreement stands between."""
_EXAMPLES = 1_000_000  # place of the seed of examples, far from those of items


@dataclass(frozen=True)
class Pair:
    """A simulated segment and what was measured in it."""

    segment: Segment
    findings: Findings


@dataclass(frozen=True)
class Judgement:
    """What became of a report.

    Attributes
    ----------
    reason, detail : str
        As in a record: a code of :data:`REASONS` and what exactly, "" for a report with which nothing is wrong.
    verdicts : mapping of str to Verdict
        Of each claim.
    unsupported : tuple of str
    """

    reason: str
    detail: str
    verdicts: Mapping[str, Verdict]
    unsupported: tuple[str, ...]

    @property
    def stated(self) -> bool:
        """Whether the report states any claim that can be read."""
        return any(item.verdict not in (NOT_STATED, NOT_PARSEABLE) for item in self.verdicts.values())


def pairs(number: int, seed: int, progress: Progress, stage: str = "simulate") -> tuple[Pair, ...]:
    """Simulate and measure segments, the rhythms in turn; each has its own seed."""
    made = []
    rhythms = tuple(RHYTHMS)
    for index in range(number):
        segment = ecg.simulate(rhythms[index % len(rhythms)], item_seed(seed, index))
        made.append(Pair(segment, ecg_measure.measure(segment.signal)))
        progress(stage, index + 1, number)
    return tuple(made)


def others(number: int, seed: int, progress: Progress, stage: str = "simulate examples") -> tuple[Pair, ...]:
    """Simulate segments that are not those of :func:`pairs` with the same seed: for examples and training."""
    return pairs(number, item_seed(seed, _EXAMPLES), progress, stage)


def describe(findings: Findings) -> str:
    """Return findings as lines of a prompt."""
    lines = []
    for name, value in findings.values().items():
        if value is None:
            text = "not measurable"
        elif name == "rhythm":
            text = RHYTHMS[str(value)]
        else:
            text = f"{round(value)} {CLAIMS[name]}"
        lines.append(f"{NAMES[name]}: {text}")
    return "\n".join(lines)


def content(signal: Sequence[int], findings: Findings, report: str) -> dict[str, Any]:
    """Return a pair as the content of a record: what was measured, the report and the signal."""
    return {
        **findings.values(),
        "report": report,
        "sampling_rate": ecg.RATE,
        "unit": ecg.UNIT,
        "signal": list(signal),
    }


def judge(report: str, findings: Findings, limits: Tolerances, *, finished: bool = True) -> Judgement:
    """Judge a report: each claim, and what is wrong first of all.

    An unfinished report is rejected as such, whatever it states before it breaks off.
    """
    verdicts = ecg_reports.agreement(report, findings, limits)
    odd = ecg_reports.unsupported(report)
    judged = Judgement("", "", verdicts, odd)
    wrong = ecg_reports.contradictions(verdicts)
    checks = (
        (EMPTY, not report.strip(), ""),
        (UNFINISHED, not finished, f"after {len(report)} characters"),
        (WRONG, bool(wrong), wrong),
        (UNSUPPORTED, bool(odd), ", ".join(odd)),
        (SILENT, not judged.stated, "unclear: " + ", ".join(_unclear(verdicts)) if _unclear(verdicts) else ""),
    )
    for reason, failed, detail in checks:
        if failed:
            return dataclasses.replace(judged, reason=reason, detail=detail)
    return judged


def _unclear(verdicts: Mapping[str, Verdict]) -> list[str]:
    return [name for name, item in verdicts.items() if item.verdict == NOT_PARSEABLE]


def baseline(made: Sequence[Pair], templates: Sequence[Template], seed: int, limits: Tolerances) -> tuple[dict[str, Any], ...]:
    """Return the agreement of filled templates with their own segment, and with another one: the level of chance.

    Segments in which nothing was measured have no template and are left out; the rows tell how many reports there were.
    """
    usable = [pair for pair in made if pair.findings.rhythm is not None]
    if len(usable) < 2:
        return ()
    chosen = [ecg_reports.choose(templates, pair.findings, item_seed(seed, place)) for place, pair in enumerate(usable)]
    reports = [template.fill(pair.findings) for template, pair in zip(chosen, usable, strict=True)]
    order = ecg_reports.shuffled(len(usable), seed)
    real = [ecg_reports.agreement(text, pair.findings, limits) for text, pair in zip(reports, usable, strict=True)]
    chance = [ecg_reports.agreement(text, usable[place].findings, limits) for text, place in zip(reports, order, strict=True)]
    return (*ecg_reports.rates(REAL, real), *ecg_reports.rates(CHANCE, chance))


def exchanged(
    series: str, reports: Sequence[str], findings: Sequence[Findings], seed: int, limits: Tolerances
) -> tuple[dict[str, Any], ...]:
    """Return the agreement of generated reports with each other's segments: chance, for what this generator writes.

    There are no rows for fewer than two reports.
    """
    if len(reports) < 2:
        return ()
    order = ecg_reports.shuffled(len(reports), seed)
    checked = [ecg_reports.agreement(text, findings[place], limits) for text, place in zip(reports, order, strict=True)]
    return ecg_reports.rates(series, checked)


def share(series: str, name: str, passed: Sequence[bool]) -> dict[str, Any]:
    """Return one row of a table of rates: how many passed, with a 95 % Wilson interval."""
    count, total = sum(passed), len(passed)
    low, high = wilson(count, total) if total else (None, None)
    fraction = count / total if total else None
    return {"series": series, "name": name, "count": count, "total": total, "share": fraction, "low": low, "high": high}


def skeleton(text: str) -> str:
    """Return a report without its numbers and rhythm: reports from one template have one skeleton."""
    plain = normal(text)
    for words in sorted(RHYTHMS.values(), key=len, reverse=True):
        plain = plain.replace(words, "rhythm")
    return re.sub(r"\d+(?:\.\d+)?", "0", plain)


def skeletons(templates: Sequence[Template]) -> list[str]:
    """Return the skeletons of templates."""
    slots = dict.fromkeys(CLAIMS, "0")
    return [skeleton(item.text.format(**slots | {"rhythm": RHYTHMS["normal"]})) for item in templates]


def settings(limits: Tolerances) -> dict[str, Any]:
    """Return the tolerances as they stand in a configuration."""
    return {f"tolerance_{name}": value for name, value in dataclasses.asdict(limits).items()}

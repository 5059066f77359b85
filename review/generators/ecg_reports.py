"""Reports on ECG segments: templates to fill, and the check of each claim of a report against what was measured."""

from __future__ import annotations

import json
import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review import paths
from review.errors import InputError, OptionError, Problem
from review.files import digest, read_text
from review.generators import ecg_claims
from review.generators.ecg import RHYTHMS
from review.generators.ecg_claims import UNMEASURABLE, Claims
from review.generators.ecg_measure import CLAIMS, Findings, Tolerances
from review.statistics import wilson

PATH = paths.DATA / "seeds" / "ecg-reports.jsonl"
ANY = "any"
LICENCE = "CC-BY-4.0"
AGREES, CONTRADICTS, NOT_STATED, NOT_PARSEABLE = "agrees", "contradicts", "not stated", "not parseable"
WHOLE = "whole report"
VERDICTS = (AGREES, CONTRADICTS, NOT_STATED, NOT_PARSEABLE)


@dataclass(frozen=True)
class Template:
    """A report with slots, written for this project.

    Attributes
    ----------
    id : str
    register : str
        Form of the text, for example ``telegraphic`` or ``plain``.
    rhythm : str
        The rhythm that its words fit, or :data:`ANY`.
    text : str
        Slots are those of :data:`review.generators.ecg_measure.CLAIMS`, in braces.
    """

    id: str
    register: str
    rhythm: str
    text: str

    @property
    def slots(self) -> frozenset[str]:
        """The findings that have to be known to fill it."""
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.text) if name)

    def fits(self, findings: Findings) -> bool:
        """Tell whether the rhythm is right and every slot can be filled."""
        known = {name for name, value in findings.values().items() if value is not None}
        return self.rhythm in (ANY, findings.rhythm) and self.slots <= known

    def fill(self, findings: Findings) -> str:
        """Return the report. The rate is rounded to 1 beat a minute; intervals are as measured.

        Raises
        ------
        OptionError
            If a slot has no finding.
        """
        values = findings.values()
        unknown = sorted(name for name in self.slots if values[name] is None)
        if unknown:
            raise OptionError(f"the template {self.id} needs {', '.join(unknown)} -> choose a template that fits the findings")
        words = {name: str(round(value)) for name, value in values.items() if isinstance(value, int | float)}
        if findings.rhythm is not None:
            words["rhythm"] = RHYTHMS[findings.rhythm]
        text = self.text.format(**words)
        return text[0].upper() + text[1:]


@dataclass(frozen=True)
class Verdict:
    """What became of one claim.

    Attributes
    ----------
    verdict : str
        One of :data:`VERDICTS`.
    stated, found : str
        What the report says and what was measured, in words; "" if nothing.
    """

    verdict: str
    stated: str = ""
    found: str = ""


def load(path: Path = PATH) -> tuple[Template, ...]:
    """Read the templates.

    Raises
    ------
    InputError
        If the file is missing or a line cannot be used, with every problem.
    """
    problems: list[Problem] = []
    found: dict[str, Template] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        try:
            template = Template(**json.loads(line))
            template.text.format(**dict.fromkeys(CLAIMS, ""))
        except (TypeError, ValueError, KeyError, IndexError) as error:
            remedy = f"give id, register, rhythm and text; slots are {', '.join(CLAIMS)}"
            problems.append(Problem(str(path), number, None, f"no template ({error})", remedy))
            continue
        if template.rhythm not in (ANY, *RHYTHMS):
            problems.append(
                Problem(str(path), number, template.id, f"no rhythm {template.rhythm!r}", f"{ANY}, {', '.join(RHYTHMS)}")
            )
        if template.id in found:
            problems.append(Problem(str(path), number, template.id, "the identifier occurs twice", "choose another"))
        found[template.id] = template
    if problems:
        raise InputError(problems)
    return tuple(found.values())


def choose(templates: Sequence[Template], findings: Findings, seed: int) -> Template:
    """Return one of the templates that fit, by the seed.

    Raises
    ------
    OptionError
        If none fits: nothing was measured.
    """
    fitting = [template for template in templates if template.fits(findings)]
    if not fitting:
        raise OptionError("no template fits what was measured -> measure a segment with four beats or more")
    return fitting[int(digest(f"template/{seed}".encode())[:8], 16) % len(fitting)]


def split(templates: Sequence[Template], seed: int, share: float = 0.25) -> tuple[tuple[Template, ...], tuple[Template, ...]]:
    """Divide templates into those to learn from and those held out, the same share of each rhythm (rounded, 1 at least)."""
    train: list[Template] = []
    held: list[Template] = []
    for rhythm in (ANY, *RHYTHMS):
        group = sorted(
            (item for item in templates if item.rhythm == rhythm), key=lambda item: digest(f"{seed}/{item.id}".encode())
        )
        count = min(max(1, round(share * len(group))), max(0, len(group) - 1))
        held += group[:count]
        train += group[count:]
    return tuple(sorted(train, key=lambda item: item.id)), tuple(sorted(held, key=lambda item: item.id))


def agreement(report: str, findings: Findings, tolerances: Tolerances | None = None) -> dict[str, Verdict]:
    """Check each claim of a report.

    A number agrees if it lies within the tolerance of what was measured, a range if what was measured lies in it or no
    further than the tolerance outside. A number for what could not be measured contradicts: it is invented. "Not measurable"
    agrees where it was not, and contradicts where it was. Rhythms agree if the measured one is among those that the words
    allow: "no tachycardia" allows all others, "regular" all but irregular. One contradicting statement outweighs others.

    Parameters
    ----------
    report : str
    findings : Findings
    tolerances : Tolerances, optional

    Returns
    -------
    dict of str to Verdict
        One for each of :data:`review.generators.ecg_measure.CLAIMS`.
    """
    claims, limits = ecg_claims.parse(report), tolerances or Tolerances()
    values = findings.values()
    return {name: _judge(claims, name, values[name], limits) for name in CLAIMS}


def unsupported(report: str) -> tuple[str, ...]:
    """Return words of a report on what one simulated lead cannot show: other leads, ST segment, diagnoses, persons."""
    return ecg_claims.parse(report).unsupported


def _judge(claims: Claims, name: str, value: Any, limits: Tolerances) -> Verdict:
    found = UNMEASURABLE if value is None else f"{value} {CLAIMS[name]}".strip()
    if name == "rhythm":
        stated = "; ".join("/".join(rhythm for rhythm in RHYTHMS if rhythm in allowed) for allowed in claims.rhythms)
        right = all(value in allowed for allowed in claims.rhythms)
    else:
        statements = claims.numbers.get(name, [])
        stated = "; ".join(_words(item) for item in statements)
        right = all(_holds(item, name, value, limits) for item in statements)
    if not stated:
        return Verdict(NOT_PARSEABLE if name in claims.unclear else NOT_STATED, "", found)
    return Verdict(AGREES if right else CONTRADICTS, stated, found)


def _holds(statement: tuple[float, float] | str, name: str, value: float | None, limits: Tolerances) -> bool:
    if isinstance(statement, str) or value is None:
        return isinstance(statement, str) and value is None
    margin = limits.of(name, value)
    return statement[0] - margin <= value <= statement[1] + margin


def _words(statement: tuple[float, float] | str) -> str:
    if isinstance(statement, str):
        return statement
    low, high = statement
    return f"{low:g}" if low == high else f"{low:g} or more" if math.isinf(high) else f"{low:g}-{high:g}"


def contradictions(verdicts: Mapping[str, Verdict]) -> str:
    """Return the contradicting claims with both sides in words, "" if there are none."""
    wrong = [(name, item) for name, item in verdicts.items() if item.verdict == CONTRADICTS]
    return "; ".join(f"{name}: stated {item.stated}, measured {item.found}" for name, item in wrong)


def rates(series: str, checked: Sequence[Mapping[str, Verdict]]) -> tuple[dict[str, Any], ...]:
    """Count verdicts over reports.

    Parameters
    ----------
    series : str
        What the rows are about, for example ``generated`` or ``shuffled``.
    checked : sequence of mapping
        What :func:`agreement` returned for each report.

    Returns
    -------
    tuple of dict
        ``series, name, count, total, share, low, high, not_stated, not_parseable, reports``: for each claim, how many agree of
        those stated, with a 95 % Wilson interval (None where nothing was stated), and in how many of all reports it is
        missing or cannot be read. The last row, :data:`WHOLE`, counts reports: those in which nothing contradicts, of those
        that state anything.
    """
    whole = [_whole([item.verdict for item in verdicts.values()]) for verdicts in checked]
    rows = [_rate(series, name, [verdicts[name].verdict for verdicts in checked]) for name in CLAIMS]
    return (*rows, _rate(series, WHOLE, whole))


def _whole(verdicts: Sequence[str]) -> str:
    return next(kind for kind in (CONTRADICTS, AGREES, NOT_PARSEABLE, NOT_STATED) if kind in verdicts)


def _rate(series: str, name: str, verdicts: Sequence[str]) -> dict[str, Any]:
    count, stated = verdicts.count(AGREES), verdicts.count(AGREES) + verdicts.count(CONTRADICTS)
    low, high = wilson(count, stated) if stated else (None, None)
    return {
        "series": series,
        "name": name,
        "count": count,
        "total": stated,
        "share": count / stated if stated else None,
        "low": low,
        "high": high,
        "not_stated": verdicts.count(NOT_STATED),
        "not_parseable": verdicts.count(NOT_PARSEABLE),
        "reports": len(verdicts),
    }


def shuffled(number: int, seed: int) -> list[int]:
    """Return an order in which nothing keeps its place: the chance level pairs each report with another segment.

    Raises
    ------
    OptionError
        If there are fewer than two.
    """
    import numpy as np

    if number < 2:
        raise OptionError(f"{number} pair cannot be shuffled -> ask for two or more")
    order = np.random.default_rng(seed).permutation(number)
    places = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return [places[place] for place in range(number)]

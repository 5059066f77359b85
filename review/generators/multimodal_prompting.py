"""Multimodal, prompting: a language model writes the report of a simulated ECG segment from what was measured in it.

The signal is simulated, never a patient's. The model does not see it: it is given the findings as text, as a system would that
reads a signal with one tool and words it with another. Each claim of the report is then checked against the signal.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import llm
from review.files import NO_TEXT
from review.generators import ecg, ecg_measure, ecg_reports, multimodal_pairs
from review.generators.dataset import Dataset, Record, item_seed
from review.generators.ecg_measure import Findings, Tolerances
from review.generators.multimodal_pairs import Judgement, Pair
from review.llm import EMBEDDED, Completion, Message, Model, Request

if TYPE_CHECKING:
    from review.generators import Progress
    from review.generators.ecg_reports import Template

DEFAULT_SIZE = 16
INVALID = "invalid"
REASONS: Mapping[str, str] = types.MappingProxyType(
    {INVALID: "the answer is no JSON object with a text named report", **multimodal_pairs.REASONS}
)
ZERO, FEW, BOTH = "zero-shot", "few-shot", "both"
LONGEST = 200
"""Characters of a report at most, in the schema; one that is as long was cut off."""
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"report": {"type": "string", "minLength": 1, "maxLength": LONGEST}},
    "required": ["report"],
    "additionalProperties": False,
}
SYSTEM = (
    "You write short reports on single-lead ECG recordings, one to three sentences. Use only the findings you are given, with "
    'their numbers and units. Answer with a JSON object: {"report": "..."}'
)
_EXAMPLES = 8


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    model : str
        As :func:`review.llm.load` takes it.
    cache : str
        Folder of the response cache; "" keeps none.
    technique : {"both", "zero-shot", "few-shot"}
        With or without examples; ``both`` takes turns.
    shots : int
        Examples, 1 to 6: findings of other simulated segments with filled templates.
    temperature : float
        0 or more.
    max_tokens : int
        Tokens of an answer at most, 32 or more.
    compare : bool
        Whether each item is also asked for without a schema, to show how often the answer can be read then.
    heart_rate_tolerance : float
        As a share of the measured rate.
    interval_tolerance : float
        Milliseconds.
    """

    model: str = EMBEDDED
    cache: str = ""
    technique: str = BOTH
    shots: int = 2
    temperature: float = 0.7
    max_tokens: int = 192
    compare: bool = True
    heart_rate_tolerance: float = Tolerances.heart_rate
    interval_tolerance: float = Tolerances.interval

    def __post_init__(self) -> None:
        """Refuse what cannot be asked for."""
        if self.technique not in (BOTH, ZERO, FEW):
            raise ValueError(f"the technique is {self.technique!r} -> choose {BOTH}, {ZERO} or {FEW}")
        if not 1 <= self.shots <= 6:
            raise ValueError(f"{self.shots} examples -> choose from 1 to 6")
        if self.temperature < 0 or self.max_tokens < 32:
            raise ValueError("the temperature is 0 or more, max_tokens is 32 or more -> change them")
        if self.heart_rate_tolerance < 0 or self.interval_tolerance < 0:
            raise ValueError("a tolerance is below 0 -> choose 0 or more")

    @property
    def limits(self) -> Tolerances:
        """The tolerances of the check."""
        return Tolerances(self.heart_rate_tolerance, self.interval_tolerance)


@dataclass(frozen=True)
class Answer:
    """An answer and what could be read of it.

    Attributes
    ----------
    raw : str
    report : str
        "" if the answer could not be read.
    valid, finished : bool
        Whether it is the JSON object that was asked for, and whether the model ended it.
    judgement : Judgement
    """

    raw: str
    report: str
    valid: bool
    finished: bool
    judgement: Judgement

    @property
    def reason(self) -> tuple[str, str]:
        """Reason and detail of a rejection, "" and "" if nothing is wrong."""
        if not self.valid and self.finished and self.raw.strip():
            return INVALID, self.raw[:80]
        return self.judgement.reason, self.judgement.detail


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Generate pairs of a simulated segment and a report; see :func:`review.generators.generate`."""
    templates = ecg_reports.load()
    made = multimodal_pairs.pairs(n, seed, progress)
    examples = multimodal_pairs.others(_EXAMPLES, seed, progress)
    records, answers, free = [], [], []
    with llm.load(options.model, cache=Path(options.cache) if options.cache else None) as model:
        for index, pair in enumerate(made):
            technique = (ZERO, FEW)[(index + index // 4) % 2] if options.technique == BOTH else options.technique
            messages = _messages(pair, technique, _shown(examples, templates, item_seed(seed, index), options.shots))
            answer = _ask(model, messages, pair, options, item_seed(seed, index), SCHEMA)
            answers.append((technique, answer))
            if options.compare:
                free.append((technique, _ask(model, messages, pair, options, item_seed(seed, index), None)))
            records.append(_record(index, pair, technique, messages, answer, item_seed(seed, index)))
            progress("write", index + 1, n)
        identity = dict(model.identity)
    measures = {
        "agreement": (
            *(row for name in _used(answers) for row in ecg_reports.rates(name, _verdicts(answers, name))),
            *multimodal_pairs.baseline(made, templates, seed, options.limits),
        ),
        "checks": tuple(row for kind, some in (("schema", answers), ("no schema", free)) for row in _checks(kind, some)),
        "measurement": ecg_measure.accuracy([pair.segment for pair in made], [pair.findings for pair in made], options.limits),
    }
    return Dataset("multimodal", "prompting", seed, identity, _configuration(n, options), REASONS, tuple(records), measures)


def _configuration(n: int, options: Options) -> dict[str, Any]:
    return {
        "n": n,
        "technique": options.technique,
        "shots": options.shots,
        "temperature": options.temperature,
        "max_tokens": options.max_tokens,
        "compare": options.compare,
        "schema": SCHEMA,
        "system": SYSTEM,
        "simulator": ecg.describe(),
        **multimodal_pairs.settings(options.limits),
    }


def _shown(examples: Sequence[Pair], templates: Sequence[Template], seed: int, shots: int) -> list[tuple[Findings, str]]:
    """Return findings of other segments with reports, those of an item by its seed."""
    import numpy as np

    draw = np.random.default_rng(seed)
    usable = [pair.findings for pair in examples if pair.findings.rhythm is not None]
    chosen = [usable[place] for place in draw.permutation(len(usable))[:shots].tolist()]
    return [(item, ecg_reports.choose(templates, item, int(draw.integers(2**31))).fill(item)) for item in chosen]


def _messages(pair: Pair, technique: str, shown: Sequence[tuple[Findings, str]]) -> tuple[Message, ...]:
    turns = [Message("system", SYSTEM)]
    for findings, report in shown if technique == FEW else ():
        turns.append(Message("user", multimodal_pairs.describe(findings)))
        turns.append(Message("assistant", json.dumps({"report": report}, ensure_ascii=False)))
    return (*turns, Message("user", multimodal_pairs.describe(pair.findings)))


def _ask(
    model: Model, messages: tuple[Message, ...], pair: Pair, options: Options, seed: int, schema: Mapping[str, Any] | None
) -> Answer:
    request = Request(messages, max_tokens=options.max_tokens, temperature=options.temperature, seed=seed, schema=schema)
    return read(model.complete(request), pair.findings, options.limits)


def read(completion: Completion, findings: Findings, limits: Tolerances) -> Answer:
    """Return what an answer says, and the judgement of its report."""
    finished = completion.finish == "stop"
    try:
        value = json.loads(completion.text)
    except (ValueError, RecursionError):
        value = None
    report = value["report"] if isinstance(value, dict) and set(value) == {"report"} else None
    valid = isinstance(report, str) and len(report) <= LONGEST and not NO_TEXT.search(report)
    text = report if isinstance(report, str) and valid else ""
    finished = finished and len(text) < LONGEST
    return Answer(completion.text, text, valid, finished, multimodal_pairs.judge(text, findings, limits, finished=finished))


def _record(index: int, pair: Pair, technique: str, messages: Sequence[Message], answer: Answer, seed: int) -> Record:
    reason, detail = answer.reason
    return Record(
        index=index,
        content=multimodal_pairs.content(pair.segment.signal, pair.findings, answer.report),
        reason=reason,
        detail=detail,
        seed=seed,
        parameters={"technique": technique, "rhythm": pair.segment.rhythm},
        prompt="\n\n".join(f"{message.role}: {message.content}" for message in messages),
        raw=answer.raw,
    )


def _used(answers: Sequence[tuple[str, Answer]]) -> list[str]:
    return [name for name in (ZERO, FEW) if any(technique == name for technique, _ in answers)]


def _verdicts(answers: Sequence[tuple[str, Answer]], name: str) -> list[Mapping[str, Any]]:
    return [answer.judgement.verdicts for technique, answer in answers if technique == name and answer.valid]


def _checks(kind: str, answers: Sequence[tuple[str, Answer]]) -> list[dict[str, Any]]:
    """Return how many answers pass each check, with and without a schema, by technique."""
    found = []
    for name in _used(answers):
        some = [answer for technique, answer in answers if technique == name]
        checks = {
            "valid JSON": [answer.valid for answer in some],
            "ended": [answer.finished for answer in some],
            "states something": [answer.judgement.stated for answer in some],
            "nothing unsupported": [answer.valid and not answer.judgement.unsupported for answer in some],
            "accepted": [not answer.reason[0] for answer in some],
        }
        found += [multimodal_pairs.share(f"{name}, {kind}", check, passed) for check, passed in checks.items()]
    return found

"""What a coder says about one study in one dimension, and the rows of ``coding.csv`` that say the same.

Three things are kept apart: a label applies (yes), the source reports it as not done (no), nothing is told (no entry). Unknown is
an answer about the dimension as a whole, and never equal to no.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from review import contracts
from review.codebook import NOT, Dimension
from review.errors import ReviewError

YES, NO = "yes", "no"
LONGEST = {"evidence": 2000, "source": 500}
"""Characters that the free texts may have."""

ADDRESS = re.compile(r"https?://[^\s/]+\S*")
_FIELDS = ("labels", "unknown", "confidence", "evidence", "source", "scope")


@dataclass(frozen=True)
class Answer:
    """What one coder said.

    Attributes
    ----------
    labels : mapping of str to str
        Code -> ``yes`` or ``no``, in the order of the codebook; a single-label dimension has at most one, ``yes``.
    unknown : bool
        Whether the coder says that what was read does not tell; there are no labels then.
    confidence, evidence, source, scope : str
        As in ``coding.csv``; "" where not given.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    unknown: bool = False
    confidence: str = ""
    evidence: str = ""
    source: str = ""
    scope: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the answer as JSON has it."""
        return asdict(self) | {"labels": dict(self.labels)}

    @property
    def coded(self) -> tuple[str, ...]:
        """The values of ``coding.csv``: codes, ``not X``, or one "" for unknown; none if nothing was answered."""
        if self.unknown:
            return ("",)
        return tuple(code if state == YES else NOT + code for code, state in self.labels.items())

    def missing(self) -> tuple[str, ...]:
        """Return what has to be done before the answer is complete."""
        found = () if self.unknown or self.labels else ("choose a code, or unknown",)
        wrong = bool(self.source) and not ADDRESS.fullmatch(self.source)
        return (*found, "write the source as an address: http:// or https://") if wrong else found

    def rows(self, key: str, dimension: str, coder: str) -> list[tuple[str, ...]]:
        """Return the rows of ``coding.csv``, one a value, in the columns of its contract."""
        rest = (self.confidence, self.evidence, self.source, self.scope)
        return [(key, dimension, coder, value, *rest) for value in self.coded]


EMPTY = Answer()


def parse(dimension: Dimension, given: Any) -> Answer:
    """Return what a page or a file holds as an answer.

    Control characters in texts become blanks, and half characters the sign for them: they cannot stand in a file.

    Raises
    ------
    ReviewError
        If it cannot be an answer in this dimension: unknown codes, two codes where there is one, codes beside unknown.
    """
    faults = _faults(dimension, given)
    if faults:
        raise ReviewError(f"the answer to {dimension.name!r} cannot be: {'; '.join(faults)} -> reload the task")
    labels = {code: given["labels"][code] for code in dimension.categories if code in given["labels"]}
    texts = {name: _clean(given[name]) for name in ("evidence", "source")}
    return Answer(labels, given["unknown"], given["confidence"], texts["evidence"], texts["source"].strip(), given["scope"])


def from_values(dimension: Dimension, values: Sequence[str], **rest: str) -> Answer:
    """Return the answer that values of ``coding.csv`` stand for; ``rest`` are its other fields.

    Raises
    ------
    ReviewError
        If the values contradict one another or are not of the dimension.
    """
    known = [value for value in values if value]
    labels = {value.removeprefix(NOT) if value not in dimension.categories else value: YES for value in known}
    labels |= {value.removeprefix(NOT): NO for value in known if value not in dimension.categories}
    if len(labels) < len(known):
        raise ReviewError(f"the values of {dimension.name!r} contradict each other: {', '.join(known)} -> keep one of the two")
    given = {"labels": labels, "unknown": "" in values, "confidence": "", "evidence": "", "source": "", "scope": ""}
    return parse(dimension, given | rest)


def says(dimension: Dimension, code: str, answer: Answer) -> str:
    """Return what an answer says about one label: ``yes``, ``no``, or "" for unknown.

    In a dimension of absence ``unlisted`` a label that is left out beside others does not apply.
    """
    listed = not dimension.exclusive and dimension.absence == "unlisted" and YES in answer.labels.values()
    return answer.labels.get(code, NO if listed else "")


def differing(dimension: Dimension, first: Answer, second: Answer) -> tuple[str, ...]:
    """Return the labels about which two answers say different things; for a single-label dimension one "" if they differ."""
    if dimension.exclusive:
        return () if first.coded == second.coded else ("",)
    return tuple(code for code in dimension.categories if says(dimension, code, first) != says(dimension, code, second))


def common(dimension: Dimension, first: Answer, second: Answer) -> Answer | None:
    """Return what two answers agree on, with the source of the first that names one; None if they differ."""
    if differing(dimension, first, second):
        return None
    origin = first if first.source or not second.source else second
    labels = {code: state for code, state in first.labels.items() if second.labels.get(code) == state}
    return Answer(labels, first.unknown, "", "", origin.source, origin.scope)


def shown(dimension: Dimension, answer: Answer) -> str:
    """Return an answer in one line for people."""
    if answer.unknown:
        return "unknown"
    titles = [(dimension.categories[code].title, state) for code, state in answer.labels.items()]
    return "; ".join(title if state == YES else f"{title}: reported as not done" for title, state in titles)


def _faults(dimension: Dimension, given: Any) -> list[str]:
    if not isinstance(given, Mapping) or set(given) != set(_FIELDS):
        return [f"it has to hold {', '.join(_FIELDS)}"]
    labels, unknown = given["labels"], given["unknown"]
    if not isinstance(labels, Mapping) or not isinstance(unknown, bool):
        return ["labels are a mapping, unknown is true or false"]
    faults = [f"{code!r} is no code of it" for code in labels if code not in dimension.categories]
    states = (YES,) if dimension.exclusive else (YES, NO)
    faults += [f"{code!r} is {state!r}, not {' or '.join(states)}" for code, state in labels.items() if state not in states]
    if dimension.exclusive and len(labels) > 1:
        faults.append(f"it has one code, not {len(labels)}")
    if unknown and labels:
        faults.append("it is unknown and has codes")
    for name, allowed in (("confidence", contracts.LEVELS), ("scope", contracts.SCOPES)):
        if given[name] not in allowed:
            faults.append(f"{name} is {given[name]!r}")
    for name, most in LONGEST.items():
        if not isinstance(given[name], str) or len(given[name]) > most:
            faults.append(f"{name} is not text of at most {most} characters")
    return faults


def _clean(text: str) -> str:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(sign if sign in "\n\t" or unicodedata.category(sign) != "Cc" else " " for sign in plain)
    return kept.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

"""Read what a short ECG report states: rate, rhythm, PR, QRS and QT, in words as people write them.

A text becomes a line of marks (what is named, numbers with units, negations, rhythms), and a few rules read the marks, one
sentence at a time. English only. What the rules do not understand is unclear, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from review.generators.ecg import RHYTHMS

UNMEASURABLE = "not measurable"
SINUS = frozenset({"normal", "bradycardia", "tachycardia"})
EVERY = frozenset(RHYTHMS)
NORMAL_RATE = (60.0, 100.0)
"""Beats a minute that a report means by a normal rate."""
SECONDS_BELOW = 3.0
"""A duration without unit below this is in seconds."""

_MEANT: Mapping[str, frozenset[str]] = {
    "normal": frozenset({"normal"}),
    "bradycardia": frozenset({"bradycardia"}),
    "tachycardia": frozenset({"tachycardia"}),
    "irregular": frozenset({"irregular"}),
    "regular": SINUS,
}
_NAMED = ("heart_rate", "pr", "qrs", "qt", "qtc")
_N = r"\d+(?:\.\d+)?"
_KINDS: Mapping[str, tuple[str, ...]] = {
    "unsupported": (
        r"\b(?:12|twelve|[36])[- ]lead|\bleads? (?:i+\b|v[1-6]|av[rlf]|\d)|\bv[1-6]\b|\bav[rlf]\b",
        r"\bst[- ](?:segments?|elevations?|depressions?|changes?)|\binfarct\w*|\bischa?emi\w*|\b[lr]bbb\b|\bbundle[- ]branch",
        r"\bhypertroph\w*|\baxis\b|\batrial (?:fibrillation|flutter)|\bafib\b|\bventricular (?:tachycardia|fibrillation)",
        r"\bpace(?:maker|d)\b|\bectop\w*|\bextrasystol\w*|\bpremature\b|\bp[va]cs?\b|\bblock\b|\b(?:inverted )?t[- ]wave\w*",
        r"\byears?[- ]old\b|\b(?:fe)?male\b|\bchest pain\b",
    ),
    "qtc": (r"\bq-?tc\w?\b|\bcorrected qt\b",),
    "normal_rate": (r"\bnormal (?:heart |ventricular )?rate\b|\brate (?:is |was )?(?:normal\b|within normal limits)",),
    "heart_rate": (r"\b(?:heart|ventricular|pulse|cardiac)[- ]rate\b|\bhr\b|\brate\b|\bpulse\b",),
    "pr": (r"\bp-?[rq]\b",),
    "qrs": (r"\bqrs\b",),
    "qt": (r"\bq-?t\b",),
    "p_wave": (r"\bp[- ]waves?\b",),
    "irregular": (r"\bsinus arrhythmia\b|\birregular(?:ly|ity)?(?: irregular)?\b|\barrhythmi[ac]\w*|\buneven(?:ly)?\b",),
    "normal": (r"\bnormal (?:sinus |heart |cardiac )?rhythm\b|\bnsr\b|\bnormal sinus\b|\brhythm (?:is |was )?normal\b",),
    "bradycardia": (r"\b(?:sinus )?brady\w*|\bslow(?:ly)?\b",),
    "tachycardia": (r"\b(?:sinus )?tachy\w*|\bfast\b|\brapid(?:ly)?\b|\bracing\b",),
    "regular": (r"\bregular(?:ly|ity)?\b|\bsinus\b|\beven(?:ly)?\b",),
    "absent": (
        r"\b(?:not|never) (?:seen|present|found|observed|visible|detected)\b|\babsent\b|\bmissing\b|\b(?:ruled out|excluded)\b",
        r": ?(?:no|none)\b(?= ?(?:[.,;\n]|$))",
    ),
    "unmeasurable": (
        r"\b(?:not|cannot|can not) (?:be )?(?:measur\w+|determin\w+|assess\w+|given|defined|read|available|applicable)\b",
        r"\b(?:unmeasurable|undetermined|indeterminate|undefined|unavailable)\b|\bn/a\b",
    ),
    "no": (r"\b(?:no|not|none|nothing|without|nor|neither|never|free of|absence of|rules? out)\b",),
    "hedge": (r"\b(?:possibl[ey]|probabl[ey]|perhaps|suspected|may be|might be|could be|cannot exclude)\b",),
    "range": (rf"\bbetween {_N} and {_N}|\b{_N} ?(?:-|to) ?{_N}",),
    "bpm": (
        r"\b(?:(?:heart ?)?beats|complexes|times) ?(?:per |a |each |/ ?)min(?:ute)?\b",
        r"\bbpm\b|/ ?min(?:ute)?\b|\b(?:per|a|each) minute\b",
    ),
    "ms": (r"\b(?:ms|msec|millisec\w*)\b|(?<=\d)ms\b",),
    "s": (r"\b(?:s|secs?|seconds?)\b|(?<=\d)s\b",),
    "number": (_N,),
    "above": (r"\b(?:above|over|more than|greater than|faster than|at least)\b|>",),
    "below": (r"\b(?:below|under|less than|slower than|at most)\b|<",),
    "stop": (r"[;!?\n]|\.(?!\d)|\b(?:but|however|although|whereas|while)\b",),
    "or": (r"\b(?:or|versus|vs)\b|/",),
    "and": (r"\band\b|,",),
    "break": (r"\b(?:in|with|during|at|on|other|further)\b|:",),
    "word": (r"[a-z][a-z'-]*|\S",),
}
"""Kind of a mark -> patterns; the first kind that fits counts."""
_MARKS = re.compile("|".join(f"(?P<{kind}>{'|'.join(patterns)})" for kind, patterns in _KINDS.items()))
_ASIDES = re.compile(r"\((?:normal|reference)[^)]*\)|\b(?:normal|reference) (?:range|values?)\b[^.;)]*")
"""What explains normal values is no statement on the segment."""


@dataclass(frozen=True)
class Claims:
    """What a report states.

    Attributes
    ----------
    numbers : dict of str to list
        Of ``heart_rate`` (beats a minute), ``pr``, ``qrs`` and ``qt`` (ms): each statement as lowest and highest value, or
        :data:`UNMEASURABLE`.
    rhythms : list of frozenset of str
        Each statement on the rhythm as the set of rhythms that it allows; a negated one allows all others.
    unclear : set of str
        What is named and nothing could be read of it: no number, or a rhythm that is suspected or one of two.
    unsupported : tuple of str
        Words on what a single simulated lead cannot show, negated or not: other leads, ST segment, diagnoses, persons.
    """

    numbers: dict[str, list[tuple[float, float] | str]] = field(default_factory=dict)
    rhythms: list[frozenset[str]] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)
    unsupported: tuple[str, ...] = ()

    def say(self, claim: str, statement: tuple[float, float] | str) -> None:
        """Add a statement; there is none on a corrected QT, which is not measured here."""
        if claim != "qtc":
            self.numbers.setdefault(claim, []).append(statement)


@dataclass
class _Mark:
    kind: str
    text: str
    low: float = 0.0
    high: float = 0.0
    used: bool = False

    @property
    def free(self) -> bool:
        """Whether this is a number that nothing has taken yet."""
        return self.kind in ("number", "range") and not self.used


def parse(text: str) -> Claims:
    """Return what a report states on rate, rhythm and intervals.

    Parameters
    ----------
    text : str
        Numbers stand in digits. A duration without unit is in seconds if it is small, else in milliseconds.
    """
    marks = [*_marks(text), _Mark("stop", ".")]
    odd = dict.fromkeys(mark.text for mark in marks if mark.kind in ("unsupported", "qtc"))
    claims = Claims(unsupported=tuple(odd))
    sentence: list[_Mark] = []
    for mark in marks:
        if mark.kind != "stop":
            sentence.append(mark)
            continue
        _read_lists(sentence, claims)
        _read_numbers(sentence, claims)
        _read_rhythms(sentence, claims)
        sentence = []
    claims.unclear.difference_update(claims.numbers, ["rhythm"] if claims.rhythms else [], ["qtc"])
    return claims


def _marks(text: str) -> Iterator[_Mark]:
    plain = re.sub("[\u2010-\u2015\u2212]", "-", text.lower())
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", plain)  # 1,072 is one number
    for found in _MARKS.finditer(_ASIDES.sub(" ", plain)):
        kind = str(found.lastgroup)
        numbers = [float(number) for number in re.findall(_N, found.group())] if kind in ("number", "range") else [0.0]
        yield _Mark(kind, found.group(), min(numbers), max(numbers))


def _read_lists(sentence: Sequence[_Mark], claims: Claims) -> None:
    """Read names in a row with as many numbers behind them: ``PR/QRS/QT 160/90/400 ms``; with fewer or more, all are unclear."""
    names: list[_Mark] = []
    last = 0
    for place, mark in enumerate(sentence):
        if mark.kind in _NAMED:
            joined = all(between.kind in ("and", "or") for between in sentence[last + 1 : place])
            names, last = [*names, mark] if joined else [mark], place
        elif mark.free and names:
            numbers = _row(sentence, place)
            unit = next((_unit(sentence, where) for where in numbers if _unit(sentence, where)), "")
            if len(names) == len(numbers) > 1 and not _only_denied(sentence, place):
                for name, where in zip(names, numbers, strict=True):
                    claims.say(name.kind, _value(sentence, where, unit))
            elif len(names) > 1:
                claims.unclear.update(name.kind for name in names)
            if len(names) > 1:
                for taken in (*names, *(sentence[where] for where in numbers)):
                    taken.used = True
            names = []
        elif mark.kind in ("unmeasurable", "absent"):
            names = []


def _row(sentence: Sequence[_Mark], first: int) -> list[int]:
    """Return the places of numbers that follow each other with nothing but units and joining words between."""
    places = []
    for place in range(first, len(sentence)):
        if sentence[place].free:
            places.append(place)
        elif sentence[place].kind not in ("or", "and", "ms", "s", "bpm"):
            break
    return places


def _unit(sentence: Sequence[_Mark], place: int) -> str:
    """Return the unit behind a number, or ""."""
    behind = sentence[place + 1].kind if place + 1 < len(sentence) else ""
    return behind if behind in ("bpm", "ms", "s") else ""


def _value(sentence: Sequence[_Mark], place: int, unit: str = "") -> tuple[float, float]:
    """Return a number as lowest and highest value, durations in ms; ``below 60`` ends there and begins at 0."""
    mark, before, denied = sentence[place], *_words_before(sentence, place)
    if denied:
        before = {"above": "below", "below": "above"}[before]  # "no more than 100"
    unit = _unit(sentence, place) or unit
    scale = 1000.0 if unit == "s" or (not unit and mark.high < SECONDS_BELOW) else 1.0
    low = 0.0 if before == "below" else mark.low * scale
    return low, float("inf") if before == "above" else mark.high * scale


def _words_before(sentence: Sequence[_Mark], place: int) -> tuple[str, bool]:
    """Return whether a number is a limit (``above``, ``below`` or ""), and whether what stands before it is denied."""
    before = [mark.kind for mark in sentence[max(0, place - 2) : place]][::-1]
    limit = before[0] if before and before[0] in ("above", "below") else ""
    return limit, "no" in before[bool(limit) : bool(limit) + 1]


def _only_denied(sentence: Sequence[_Mark], place: int) -> bool:
    """Tell whether a number is only said not to be the one, which leaves all others: ``not 110 bpm``."""
    return _words_before(sentence, place) == ("", True)


def _take_number(sentence: Sequence[_Mark], place: int, claim: str, claims: Claims) -> None:
    """State a number, or that nothing can be read of one that is only denied."""
    sentence[place].used = True
    if _only_denied(sentence, place):
        claims.unclear.add(claim)
    else:
        claims.say(claim, _value(sentence, place))


def _read_numbers(sentence: Sequence[_Mark], claims: Claims) -> None:
    for place, mark in enumerate(sentence):
        if mark.kind == "normal_rate" and _negated(sentence, place):
            claims.unclear.add("heart_rate")
        elif mark.kind == "normal_rate":
            claims.say("heart_rate", NORMAL_RATE)
        elif mark.kind == "p_wave" and _negated(sentence, place):
            claims.say("pr", UNMEASURABLE)
        elif mark.kind in _NAMED and not mark.used:
            where = _before(sentence, place)
            found = _after(sentence, place) if where is None else where
            if found is None:
                if not sentence[place + 1 : place + 2] or not sentence[place + 1].text.startswith("complex"):
                    claims.unclear.add(mark.kind)  # a complex is a thing, its duration would be the claim
            elif isinstance(found, str):
                claims.say(mark.kind, found)
            else:
                _take_number(sentence, found, mark.kind, claims)
    for place, mark in enumerate(sentence):
        if mark.free and _unit(sentence, place) == "bpm":
            _take_number(sentence, place, "heart_rate", claims)


def _fits(claim: str, unit: str) -> bool:
    return unit in (("bpm", "") if claim == "heart_rate" else ("ms", "s", ""))


def _before(sentence: Sequence[_Mark], place: int) -> int | str | None:
    """Return the place of the number with unit right before a name: ``a 160 ms PR interval``; or that there is no such."""
    words = 0
    for earlier in range(place - 1, -1, -1):
        kind = sentence[earlier].kind
        if kind == "no":
            measured = any(mark.text.startswith("measur") for mark in sentence[earlier:place])
            return UNMEASURABLE if measured or sentence[place].kind != "heart_rate" else None
        if sentence[earlier].free and _unit(sentence, earlier):
            return earlier if _fits(sentence[place].kind, _unit(sentence, earlier)) else None
        words += kind == "word"
        if kind not in ("word", "ms", "s", "bpm") or words > 2:
            break
    return None


def _after(sentence: Sequence[_Mark], place: int) -> int | str | None:
    """Return the place of the number that belongs to a name before it, or that it cannot be measured."""
    claim, shared = sentence[place].kind, False
    for later in range(place + 1, len(sentence)):
        mark = sentence[later]
        if mark.kind in ("unmeasurable", "absent"):
            return UNMEASURABLE
        if mark.kind in _NAMED:
            if any(between.kind not in ("and", "or") for between in sentence[place + 1 : later] if between.kind not in _NAMED):
                return None
            shared = True  # "PR and QT cannot be measured"
        elif mark.kind == "p_wave":
            return None
        elif mark.free and not shared:
            counted = later + 1 < len(sentence) and sentence[later + 1].text in ("beats", "complexes")
            if _fits(claim, _unit(sentence, later)) and not counted:
                return later
            if claim != "heart_rate":
                return None
    return None


def _read_rhythms(sentence: Sequence[_Mark], claims: Claims) -> None:
    for place, mark in enumerate(sentence):
        if mark.kind not in _MEANT:
            continue
        if _negated(sentence, place):
            claims.rhythms.append(EVERY - _MEANT[mark.kind])
        elif _uncertain(sentence, place):
            claims.unclear.add("rhythm")
        else:
            claims.rhythms.append(_MEANT[mark.kind])


def _uncertain(sentence: Sequence[_Mark], place: int) -> bool:
    """Tell whether a rhythm is only suspected, or one of two joined by ``or``."""
    if any(mark.kind == "hedge" for mark in sentence[max(0, place - 3) : place]):
        return True
    after = [mark.kind for mark in sentence[place + 1 :] if mark.kind != "word"][:2]
    before = [mark.kind for mark in reversed(sentence[:place]) if mark.kind != "word"]
    while before and before[0] == "regular" and len(before) > 1:  # "or sinus tachycardia"
        before = before[1:]
    return any(pair and pair[0] == "or" and pair[-1] in _MEANT for pair in (after[:2], before[:2]))


def _negated(sentence: Sequence[_Mark], place: int) -> bool:
    """Tell whether a noun is denied by a word before it or behind it, through lists joined by ``or``."""
    listed = False
    for earlier in range(place - 1, -1, -1):
        mark = sentence[earlier]
        if mark.kind == "no":
            return True
        listed = listed or mark.kind == "or"
        comma = mark.text == "," and (listed or _list_goes_on(sentence, place))
        listed = listed or comma
        if not (mark.kind in ("word", "or") or comma or (listed and (mark.kind in _MEANT or mark.kind == "p_wave"))):
            break
    joined = False
    for mark in sentence[place + 1 :]:
        if mark.kind == "absent":
            return True
        joined = joined or (mark.kind in ("and", "or") and mark.text != ",")
        alike = joined and mark.kind in _MEANT and sentence[place].kind in _MEANT
        if not (mark.kind in ("word", "or") or (mark.kind == "and" and mark.text != ",") or alike):
            break
    return False


def _list_goes_on(sentence: Sequence[_Mark], place: int) -> bool:
    """Tell whether behind a noun nothing but nouns, words and commas come before an ``or``."""
    for mark in sentence[place + 1 :]:
        if mark.kind == "or":
            return True
        if not (mark.kind in ("word", *_MEANT, "p_wave") or mark.text == ","):
            break
    return False

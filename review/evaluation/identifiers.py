"""Identifiers in texts: names after titles, dates, telephone and record numbers, addresses; and which of real people come back.

They are found by patterns (presidio-analyzer) without any language model: a name is found after a title only, and a word in
capitals after a title may be taken for one. Nothing is fetched from the network. No identifier is shown in full.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from review.evaluation.metrics import FAIL, PASS, UNCLEAR, Metric, Section, Settings, Value, grade
from review.evaluation.privacy_distance import FAMILY
from review.evaluation.privacy_rates import ANY, RATE, Count, contrast

NAME, SURNAME = "name in full", "surname"
EMAIL, PHONE, RECORD, SECURITY, URL, DATE = (
    "e-mail address",
    "telephone number",
    "record number",
    "security number",
    "URL",
    "date",
)
PERSONAL = (EMAIL, PHONE, RECORD, SECURITY)
KINDS = (*PERSONAL, NAME, SURNAME, DATE, URL)
"""Kinds of identifiers."""

ENTITIES = {
    "EMAIL_ADDRESS": EMAIL,
    "US_SSN": SECURITY,
    "RECORD_NUMBER": RECORD,
    "URL": URL,
    "PHONE_NUMBER": PHONE,
    "DATE_TIME": DATE,
    "TITLED_NAME": NAME,
}
ORDER = tuple(ENTITIES)
REGIONS = ("US", "GB")
"""Countries whose telephone numbers are found without their international code."""

SURE = 0.5
"""Score of presidio-analyzer from which a find counts."""

PRESIDIO = (
    "presidio-analyzer, https://microsoft.github.io/presidio/, with patterns for record numbers and titled names of our own"
)
BLIND = (
    "Names without a title are not found, since no model of names is used, and words in capitals after a title may be taken for "
    "names; rare facts identify people without any identifier. Finding nothing is no proof of privacy."
)

METRICS = (
    Metric(
        "identifiers",
        "Texts with identifiers",
        FAMILY,
        "identifiers",
        0.0,
        1.0,
        "baseline",
        PRESIDIO,
        "Share of the texts that hold an identifier of a kind.",
        f"Shown, not graded: an invented number is no leak. {BLIND}",
    ),
    Metric(
        "identifiers_again",
        "Identifiers of real people that come back",
        FAMILY,
        "identifiers",
        0.0,
        1.0,
        "lower",
        f"rule defined here; found by {PRESIDIO}",
        "Share of the identifiers in synthetic texts, each once a text, that stand in a real text as well.",
        f"A common name may come back by chance. {BLIND}",
    ),
)

TITLES = r"Dr|DR|Mr|Mrs|MRS|Ms|Miss|Prof|Professor|Doctor"
NUMBER = r"(?:numbers?|nos?\b\.?|num\.?|#|id)"
HOLDERS = r"(?:medical\s+)?record|hospital|patient|case|chart|unit|accession|NHS"
RECORDS = rf"MRN|NHS|MR\s?#|(?:{HOLDERS})\s+{NUMBER}"
MONTHS = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)[a-z]*\.?"
PARTIAL_DATES = ("MMM-yyyy or MMM-yy", "dd-MMM or dd-MMM", "mm/yyyy or m/yyyy", "mm/yy or m/yy")


@functools.cache
def engine() -> Any:
    """Return the analyzer; made once, without a model and without the network."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, Pattern, PatternRecognizer, RecognizerRegistry
    from presidio_analyzer import predefined_recognizers as predefined
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

    bundled = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class Words(SpacyNlpEngine):
        """Words without a model: a word is its own lemma."""

        nlp: Any

        def load(self) -> None:
            self.nlp = {"en": spacy.blank("en")}
            self.nlp["en"].max_length = 100_000_000

        def process_text(self, text: str, language: str) -> Any:
            words = self.nlp[language](text)
            lemmas = [word.lower_ for word in words]
            return NlpArtifacts([], words, [word.idx for word in words], lemmas, self, language)

    class Address(predefined.EmailRecognizer):
        """E-mail addresses; endings are looked up in the list that comes with the library."""

        def validate_result(self, pattern_text: str) -> bool:
            return bool(bundled(pattern_text).fqdn)

    dates = [pattern for pattern in predefined.DateRecognizer.PATTERNS if pattern.name not in PARTIAL_DATES]
    dates += [
        Pattern("day month year", rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{MONTHS},?\s+\d{{4}}\b", 0.6),
        Pattern("month day year", rf"\b{MONTHS}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}\b", 0.6),
    ]
    word = r"\p{Lu}(?:\p{Ll}+|['\u2019]\p{Lu}\p{Ll}+)(?:[-'\u2019]\p{Lu}?\p{Ll}+)*"
    before = rf"(?<=\b(?:{TITLES})\.?[ \t]+|\b(?:[Pp]atient(?:'s)? [Nn]ame|[Nn]ame of [Pp]atient|NAME|Name)[ \t]*[:=][ \t]*)"
    several = rf"(?:{word}|\p{{Lu}}\.)(?:[ \t]+(?:{word}|\p{{Lu}}\.)){{0,3}}"
    names = Pattern("name after a title", rf"{before}(?:{several}|\p{{Lu}}{{2,}}\b)", 0.7)
    after = rf"(?<=\b(?i:{RECORDS})(?:\s+is)?\s*[:#=.]*\s*)"
    record = r"(?=(?:[A-Z -]*\d){4})[A-Z0-9](?:[A-Z0-9-]|[ ](?=\d)){3,18}\b"
    records = Pattern("record number", after + record, 0.8)
    links = Pattern("address with its scheme", r"(?i)\b(?:https?://|www\.)[^\s<>\"'()]+[^\s<>\"'().,;:]", 0.7)
    recognizers = [
        Address(),
        predefined.PhoneRecognizer(supported_regions=REGIONS),
        predefined.UsSsnRecognizer(),
        predefined.DateRecognizer(patterns=dates),
        predefined.UrlRecognizer(patterns=[links]),
        PatternRecognizer("RECORD_NUMBER", patterns=[records], global_regex_flags=re.MULTILINE),
        PatternRecognizer("TITLED_NAME", patterns=[names], global_regex_flags=re.MULTILINE),
    ]
    words = Words()
    words.load()
    return AnalyzerEngine(registry=RecognizerRegistry(recognizers=recognizers), nlp_engine=words, supported_languages=["en"])


TRIGGER = re.compile(rf"\d|@|https?://|www\.|\b(?:{TITLES})\b|[Nn]ame|NAME")


def spans(text: str) -> list[tuple[str, int, int]]:
    """Return the identifiers of a text: kind, start and end; where two overlap, the first of :data:`ENTITIES`."""
    if not TRIGGER.search(text):
        return []
    found: list[tuple[str, int, int]] = []
    for result in sorted(engine().analyze(text, "en"), key=lambda one: (ORDER.index(one.entity_type), one.start, -one.end)):
        kind, start, end = ENTITIES[result.entity_type], result.start, result.end
        free = not any(other < end and start < until for _, other, until in found)
        if free and _counts(kind, result.score, text[start:end]):
            found.append((kind, start, end))
    return found


def find(text: str) -> dict[str, list[str]]:
    """Return the identifiers of a text by kind, as they are compared."""
    found: dict[str, list[str]] = {}
    for kind, start, end in spans(text):
        value = _compared(kind, text[start:end])
        found.setdefault(SURNAME if kind == NAME and " " not in value else kind, []).append(value)
    return found


def cover(text: str) -> str:
    """Return a text of the same length in which identifiers and all figures are covered."""
    for _, start, end in spans(text):
        text = text[:start] + masked(text[start:end]) + text[end:]
    return re.sub(r"\d", "•", text)


def _counts(kind: str, score: float, written: str) -> bool:
    """Return whether a find is sure; ten digits without a word before them have to be written like a telephone number."""
    if kind != PHONE or score >= SURE:
        return score >= SURE
    return bool(re.search(r"[+().-]", written)) and sum(sign.isdigit() for sign in written) >= 10


def _compared(kind: str, written: str) -> str:
    if kind in (PHONE, SECURITY):
        return re.sub(r"\D", "", written)[-9:]  # telephone numbers with and without the code of the country
    if kind == RECORD:
        return re.sub(r"[^A-Z0-9]", "", written.upper())
    return " ".join(written.casefold().replace(".", " ").split()) if kind == NAME else written.casefold().strip()


def masked(value: str) -> str:
    """Return a value with all but its first two characters covered, of a short one all but the first; blanks stay."""
    shown = 2 if len(value) > 4 else 1
    return value[:shown] + "".join(" " if sign == " " else "•" for sign in value[shown:])


@dataclass(frozen=True)
class Held:
    """Identifiers of one data set: in how many texts each value stands, by kind, and how many texts have the kind."""

    values: Mapping[str, Counter[str]]
    having: Mapping[str, int]
    texts: int


def collect(texts: Sequence[str]) -> Held:
    """Find the identifiers of some texts."""
    values: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    having = dict.fromkeys(KINDS, 0)
    for text in texts:
        for kind, found in find(text).items():
            values[kind].update(set(found))
            having[kind] += 1
    return Held(values, having, len(texts))


def again(kind: str, held: Mapping[str, Held]) -> Value | None:
    """Return how many of the synthetic identifiers of a kind are those of real texts; None if real texts have none.

    Numbers and addresses: any that comes back fails; if each of those that do stands in the held out texts or in several real
    ones, it may belong to an institution, and is unclear. Names in full: any fails if none comes back among the held out texts
    (without these: if no name stands in two real texts), otherwise the rate decides. Surnames: by the rate. Others are shown.
    """
    real, synthetic = held["real"].values[kind], held["synthetic"].values[kind]
    if not real:
        return None
    both = sorted(set(real) & set(synthetic))
    if "holdout" in held:
        control, against = _mentioned(held["holdout"].values[kind], real), "identifiers of texts that were held out"
    else:
        repeated = sum(number for number in real.values() if number > 1)
        control, against = Count(repeated, real.total()), "real identifiers that stand in another real text"
    found = _mentioned(synthetic, real)
    rule = {NAME: ANY, SURNAME: RATE}.get(kind, "")
    if not found.total:
        judged = PASS if kind in (*PERSONAL, NAME, SURNAME) else ""
        return Value("identifiers_again", kind, 0.0, verdict=judged, note="none in the synthetic texts", against=against)
    shown = ", ".join(masked(value) for value in both[:3])
    note = f"come back: {len(both)} ({shown})" if both else ""
    value = contrast(("identifiers_again", kind), found, _some(control), against, rule=rule, graded=3, real=len(real), note=note)
    if kind not in PERSONAL:
        return value
    elsewhere = held["holdout"].values[kind] if "holdout" in held else Counter()
    shared = all(real[one] > 1 or one in elsewhere for one in both)
    judged = PASS if not both else UNCLEAR if shared and kind in (EMAIL, PHONE) else FAIL
    marks = (value.value, value.low, value.high, value.baseline, value.baseline_low, value.baseline_high)
    return Value("identifiers_again", kind, *marks, 0.0, judged, value.real, value.synthetic, value.interval, against, value.note)


def _mentioned(values: Counter[str], real: Counter[str]) -> Count:
    """Count the identifiers, each once a text, that stand in a real text."""
    return Count(sum(number for value, number in values.items() if value in real), values.total())


def _some(control: Count) -> Count:
    """Return a control that can be counted: none of one where there is nothing, with the widest interval."""
    return control if control.total else Count(0, 1)


def measure(parts: Mapping[str, Sequence[str]], settings: Settings) -> Section:
    """Count identifiers, and grade those of real texts that stand in synthetic ones.

    Parameters
    ----------
    parts : mapping of str to sequence of str
        Texts of ``real``, ``synthetic`` and possibly ``holdout``.
    settings : Settings
        At most ``most`` texts of each are searched.
    """
    held, notes = {}, []
    for role, texts in parts.items():
        order = np.random.default_rng([settings.seed, 9]).permutation(len(texts))[: settings.most]
        held[role] = collect([texts[place] for place in sorted(order)])
        if len(order) < len(texts):
            notes.append(f"Identifiers: {len(order)} of {len(texts)} {role} texts are searched.")
    values: list[Value] = []
    control = held.get("holdout", held["real"])
    against = "texts that were held out" if "holdout" in held else "real texts"
    for kind in KINDS:
        if not any(part.having[kind] for part in held.values()):
            continue
        counts = [Count(part.having[kind], part.texts) for part in (held["synthetic"], control)]
        values.append(contrast(("identifiers", kind), counts[0], counts[1], against, rule="", real=held["real"].texts))
        value = again(kind, held)
        values += [] if value is None else [value]
    notes.append("Identifiers are found by patterns, without a model of names: names without a title are not found.")
    return Section(
        tuple(values),
        (grade(FAMILY, "identifiers", values, "no name, number or address was found in the real texts"),),
        tuple(notes),
    )

"""The prompts of the cell text/prompting: constants, filled in with what an item is asked for.

Whoever changes a text here raises :data:`VERSION`; it is part of the configuration of every dataset, and so is their digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from review.files import digest
from review.generators.seeds import LABELS, SPEAKERS, Fact, Seed
from review.llm import Message

VERSION = "1"
ZERO, FEW, PERSONA, CHAIN, RETRIEVAL = "zero-shot", "few-shot", "persona", "chain-of-thought", "retrieval"
TECHNIQUES = (ZERO, FEW, PERSONA, CHAIN, RETRIEVAL)
KINDS = ("note", "dialogue")

SYSTEM = (
    "You are a doctor who writes texts about invented patients. Use no names and no dates. "
    "Answer with one JSON object and nothing else."
)
TASKS: Mapping[str, str] = {
    "note": (
        "Write a {register} note from the {label} clinic: what the patient complains of, what the examination showed, "
        "and the plan."
    ),
    "dialogue": (
        "Write a {register} conversation of the {label} clinic: the doctor asks, the patient says what is wrong, "
        "and they agree on a plan."
    ),
}
"""Of four wordings of the first, tried once with 24 items each (seed 5), the one whose texts fitted the label most often."""
FORMATS: Mapping[str, str] = {
    "note": 'JSON keys: "label" ("{label}"), "text" (the note).',
    "dialogue": 'JSON keys: "label" ("{label}"), "turns" (a list of objects with the keys "doctor" and "patient").',
}
PERSON = "Patient: {sex}, {age} years old. Present: {present}. Absent: {absent}."
THINK = 'First think, under the key "reasoning": one sentence on which complaints, signs and plan belong together.'
FACTS = "Keep to these facts:\n{facts}"
NOTHING = "nothing in particular"

LONGEST: Mapping[str, int] = {"note": 360, "turn": 120, "reasoning": 200}
"""Characters of a note, of what one speaker says at a time, and of the reasoning."""
EXCHANGES = (2, 4)
"""Fewest and most times that doctor and patient speak in a dialogue."""
ROOM = 80
"""Tokens for keys, quotes and white space."""


@dataclass(frozen=True)
class Wanted:
    """What an item is to be like.

    Attributes
    ----------
    label, register : str
        Told to the model whatever the technique.
    age : int
    sex : {"woman", "man"}
    present, absent : tuple of str
        Findings that the text shall state and negate; these, age and sex are told only with the technique ``persona``.
    """

    label: str
    register: str
    age: int
    sex: str
    present: tuple[str, ...]
    absent: tuple[str, ...]


def schema(kind: str, technique: str) -> dict[str, Any]:
    """Return the JSON schema of an answer; the reasoning, where it is asked for, is written first."""

    def text(longest: int) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": longest}

    def thing(properties: dict[str, Any]) -> dict[str, Any]:
        return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}

    properties: dict[str, Any] = {"reasoning": text(LONGEST["reasoning"])} if technique == CHAIN else {}
    properties["label"] = {"type": "string", "enum": list(LABELS)}
    if kind == "note":
        properties["text"] = text(LONGEST["note"])
    else:
        exchange = thing({"doctor": text(LONGEST["turn"]), "patient": text(LONGEST["turn"])})
        properties["turns"] = {"type": "array", "items": exchange, "minItems": EXCHANGES[0], "maxItems": EXCHANGES[1]}
    return thing(properties)


def room(kind: str, technique: str) -> int:
    """Return tokens enough for the longest answer that the schema allows, at one character a token."""
    text = LONGEST["note"] if kind == "note" else EXCHANGES[1] * (2 * LONGEST["turn"] + 30)
    return text + (LONGEST["reasoning"] if technique == CHAIN else 0) + ROOM


def messages(
    kind: str, technique: str, wanted: Wanted, shown: Sequence[Seed] = (), facts: Sequence[Fact] = ()
) -> tuple[Message, ...]:
    """Return the conversation that asks for one item.

    Parameters
    ----------
    kind : {"note", "dialogue"}
    technique : str
        One of :data:`TECHNIQUES`.
    wanted : Wanted
    shown : sequence of Seed
        Texts that the technique ``few-shot`` shows as answers given before.
    facts : sequence of Fact
        What the technique ``retrieval`` shows.
    """
    before = [
        message
        for seed in shown
        for message in (Message("user", _task(kind, seed.label, seed.register)), Message("assistant", answer(kind, seed)))
    ]
    extra = []
    if technique == PERSONA:
        findings = {name: ", ".join(getattr(wanted, name)) or NOTHING for name in ("present", "absent")}
        extra.append(PERSON.format(sex=wanted.sex, age=wanted.age, **findings))
    if technique == CHAIN:
        extra.append(THINK)
    if technique == RETRIEVAL:
        extra.append(FACTS.format(facts="\n".join(f"- {fact.text}" for fact in facts)))
    return (Message("system", SYSTEM), *before, Message("user", _task(kind, wanted.label, wanted.register, extra)))


def _task(kind: str, label: str, register: str, extra: Sequence[str] = ()) -> str:
    task = TASKS[kind].format(label=label, register=register)
    return "\n".join([task, *extra, FORMATS[kind].format(label=label)])


def answer(kind: str, seed: Seed) -> str:
    """Return a seed text as an answer in the form of the schema."""
    if kind == "note":
        return json.dumps({"label": seed.label, "text": seed.text}, ensure_ascii=False)
    turns: list[dict[str, str]] = []
    for line in seed.text.split("\n"):
        speaker = next(name for name in SPEAKERS if line.startswith(name))
        said, key = line.removeprefix(speaker), speaker.strip(": ").lower()
        if key == "doctor" or not turns:
            turns.append({"doctor": "", "patient": ""})
        turns[-1][key] = f"{turns[-1][key]} {said}".strip()
    return json.dumps({"label": seed.label, "turns": turns}, ensure_ascii=False)


def spoken(turns: Sequence[Mapping[str, str]]) -> str:
    """Return the turns of a dialogue as text, one a line, as in the seed texts."""
    return "\n".join(f"{name}{turn[name.strip(': ').lower()]}" for turn in turns for name in SPEAKERS)


def templates() -> str:
    """Return the SHA-256 of all texts and bounds above."""
    return digest(json.dumps([SYSTEM, dict(TASKS), dict(FORMATS), PERSON, THINK, FACTS, dict(LONGEST), EXCHANGES]).encode())

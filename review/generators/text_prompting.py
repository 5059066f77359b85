"""Text, prompting: labelled clinical notes and dialogues from a language model that was not trained for them.

Five techniques of the coded studies: asked outright, with examples, with a person described, with reasoning first, and with
facts found for the prompt. Every answer is held to a JSON schema where the model's server can do that; what the same
prompts give without it is measured beside.
"""

from __future__ import annotations

import dataclasses
import types
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from review import llm
from review.files import digest
from review.generators import Progress, seeds, text_answers, text_checks, text_prompts
from review.generators.dataset import Dataset, Record, item_seed, normal
from review.generators.seeds import LABELS, Fact, Seed
from review.generators.text_measures import Retriever, mentioned, negated, rate, states_age, states_sex
from review.generators.text_prompts import FEW, KINDS, PERSONA, RETRIEVAL, TECHNIQUES, Wanted
from review.llm import Completion, Model, Request

DEFAULT_SIZE = 15
ALL = "all"
TOP_P = 0.95
FACTS = 2
"""Facts in a prompt of the technique ``retrieval``."""
LONGEST_SHOWN = 60
"""Words of an example at most, where there are enough such seed texts; the shortest ones else."""
PARTS = ("prompt", "completion")
WRONG_LABEL = "wrong-label"
REASONS: Mapping[str, str] = types.MappingProxyType(
    {**text_checks.REASONS, **text_answers.REASONS, WRONG_LABEL: "the answer names another label than it was asked for"}
)


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    kind : {"note", "dialogue"}
    technique : str
        One of :data:`review.generators.text_prompts.TECHNIQUES`; ``all`` takes them in turn.
    shots : int
        Seed texts that the technique ``few-shot`` shows.
    compare : int
        How many of the items, the first ones, are asked for a second time without a schema, to measure how often such an
        answer is valid. These answers are no records.
    temperature : float
    model : str
        As :func:`review.llm.load` takes it.
    cache : str
        Folder of the response cache; "" keeps none.
    """

    kind: str = "note"
    technique: str = ALL
    shots: int = 2
    compare: int = 5
    temperature: float = 0.8
    model: str = llm.EMBEDDED
    cache: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked for."""
        for name, known in (("kind", KINDS), ("technique", (ALL, *TECHNIQUES))):
            if getattr(self, name) not in known:
                raise ValueError(f"the option {name} is {getattr(self, name)!r} -> choose one of: {', '.join(known)}")
        if not 1 <= self.shots <= 5:
            raise ValueError(f"the option shots is {self.shots} -> choose from 1 to 5")
        if self.compare < 0:
            raise ValueError(f"the option compare is {self.compare} -> choose 0 or more")
        if not 0 <= self.temperature <= 2:
            raise ValueError(f"the option temperature is {self.temperature} -> choose from 0 to 2")


@dataclass(frozen=True)
class Item:
    """One item before it is asked for: what it shall be, and what its prompt shows."""

    technique: str
    seed: int
    wanted: Wanted
    shown: tuple[Seed, ...]
    near: tuple[Fact, ...]
    """Facts found for it; only the technique ``retrieval`` shows them."""
    request: Request

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that the prompt shows."""
        return self.near if self.technique == RETRIEVAL else ()

    @property
    def sources(self) -> dict[str, str]:
        """Everything in the prompt that must not come back as text, by name."""
        texts = {item.id: item.text for item in self.shown} | {fact.id: fact.text for fact in self.facts}
        return {**texts, "prompt": self.request.messages[-1].content}

    @property
    def prompt(self) -> str:
        """The conversation as one text."""
        return "\n\n".join(f"[{message.role}]\n{message.content}" for message in self.request.messages)

    def parameters(self, options: Options) -> dict[str, Any]:
        """Return what the item was asked for: nothing that the prompt does not tell."""
        told: dict[str, Any] = {"technique": self.technique, "kind": options.kind}
        told |= {"label": self.wanted.label, "register": self.wanted.register}
        if self.technique == PERSONA:
            told |= {"age": self.wanted.age, "sex": self.wanted.sex}
            told |= {"present": list(self.wanted.present), "absent": list(self.wanted.absent)}
        if self.shown:
            told["shown"] = [item.id for item in self.shown]
        if self.facts:
            told["facts"] = [fact.id for fact in self.facts]
        return {**told, "temperature": options.temperature}


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Ask for the items one after the other; see :func:`review.generators.generate`."""
    with llm.load(options.model, cache=Path(options.cache) if options.cache else None) as model:
        return ask(model, n, seed, options, progress)


def ask(model: Model, n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Do the work of :func:`generate` with any model."""
    known = seeds.load(options.kind)
    items = plan(n, seed, options, known, Retriever(seeds.knowledge()))
    answers: list[Completion] = []
    for item in items:
        answers.append(model.complete(item.request))
        progress("ask", len(answers), n)
    free: list[Completion] = []
    for item in items[: options.compare]:
        free.append(model.complete(dataclasses.replace(item.request, schema=None)))
        progress("compare", len(free), min(n, options.compare))
    records: list[Record] = []
    for index, (item, answer) in enumerate(zip(items, answers, strict=True)):
        earlier = {normal(record.content["text"]) for record in records if record.accepted}
        content, reason, detail = judge(item, answer, earlier)
        parameters, own = item.parameters(options), item.seed
        records.append(Record(index, content, reason, detail, own, parameters, item.prompt, answer.text))
    chosen = dataclasses.asdict(options)
    configuration = {name: value for name, value in chosen.items() if name not in ("model", "cache")} | {
        "top_p": TOP_P,
        "facts": FACTS,
        "constrained": model.supports("schema"),
        "prompts": text_prompts.VERSION,
        "prompts_sha256": text_prompts.templates(),
        "seeds_sha256": digest(*(f"{item.id}\n{item.text}".encode() for item in known)),
    }
    measures = {
        "validity": validity(items, answers, free),
        "labels": labels(known, seed, items, records),
        "conditions": conditions(items, records),
        "tokens": _tokens(items, answers),
    }
    return Dataset("text", "prompting", seed, model.identity, configuration, REASONS, tuple(records), measures)


def plan(n: int, seed: int, options: Options, known: Sequence[Seed], retriever: Retriever) -> list[Item]:
    """Draw what the items shall be: techniques and labels in turn, all else from the item's own seed."""
    turns = TECHNIQUES if options.technique == ALL else (options.technique,)
    items = []
    for index in range(n):
        technique, own, label = turns[index % len(turns)], item_seed(seed, index), LABELS[index % len(LABELS)]
        draw, fitting = np.random.default_rng(own), [item for item in known if item.label == label]
        model = fitting[int(draw.integers(len(fitting)))]
        wanted = Wanted(
            label,
            register=fitting[int(draw.integers(len(fitting)))].register,
            age=int(draw.integers(18, 91)),
            sex=("woman", "man")[int(draw.integers(2))],
            present=model.present[:2],
            absent=model.absent[:1],
        )
        short = [item for item in fitting if len(item.text.split()) <= LONGEST_SHOWN]
        if len(short) < options.shots:
            short = sorted(fitting, key=lambda item: len(item.text))[: options.shots]
        shown = tuple(short[place] for place in draw.permutation(len(short))[: options.shots]) if technique == FEW else ()
        near = retriever.nearest(" ".join((label, *wanted.present)), FACTS)
        told = text_prompts.messages(options.kind, technique, wanted, shown, near)
        request = Request(
            told,
            max_tokens=text_prompts.room(options.kind, technique),
            temperature=options.temperature,
            top_p=TOP_P,
            seed=own,
            schema=text_prompts.schema(options.kind, technique),
        )
        items.append(Item(technique, own, wanted, shown, near, request))
    return items


def judge(item: Item, answer: Completion, earlier: set[str]) -> tuple[dict[str, Any], str, str]:
    """Return the content of an answer, the first reason to reject it ("" if there is none), and what exactly was wrong."""
    content, reason, detail = text_answers.read(answer.text, answer.finish, item.request.schema or {})
    if reason:
        return content, reason, detail
    if content["label"] != item.wanted.label:
        return content, WRONG_LABEL, f"{content['label']} instead of {item.wanted.label}"
    return content, *text_checks.fault(content["text"], item.sources, earlier)


def validity(items: Sequence[Item], answers: Sequence[Completion], free: Sequence[Completion]) -> tuple[dict[str, Any], ...]:
    """Count answers that are one JSON object of the schema, with and without constrained decoding, by technique."""
    hits: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for name in (ALL, *TECHNIQUES):
        chosen = [place for place, item in enumerate(items) if name in (ALL, item.technique)]
        for place in chosen:
            schema = items[place].request.schema or {}
            hits[name, "constrained"].append(text_answers.valid(answers[place].text, schema))
            if place < len(free):
                hits[name, "free"].append(text_answers.valid(free[place].text, schema))
                hits[name, "free, object cut out"].append(text_answers.holds_valid(free[place].text, schema))
    return tuple(rate(name, values, series) for (name, series), values in hits.items())


def labels(known: Sequence[Seed], seed: int, items: Sequence[Item], records: Sequence[Record]) -> tuple[dict[str, Any], ...]:
    """Count accepted texts of which a classifier, learnt from part of the seed texts, finds the label, by technique.

    The first row is how often it is right about the other seed texts: the most that can be expected.
    """
    from review.generators.text_labels import Labels

    train, held = seeds.split(known, seed)
    judge_of = Labels(train)

    def hits(pairs: Sequence[tuple[str, str]]) -> list[bool]:
        found = judge_of.predict([text for _, text in pairs])
        return [label == wanted for label, (wanted, _) in zip(found, pairs, strict=True)]

    rows = [rate("seed texts held out", hits([(item.label, item.text) for item in held]))]
    for name in (ALL, *TECHNIQUES):
        pairs = [
            (item.wanted.label, record.content["text"])
            for item, record in zip(items, records, strict=True)
            if record.accepted and name in (ALL, item.technique)
        ]
        if pairs:
            rows.append(rate(name, hits(pairs)))
    return tuple(rows)


def conditions(items: Sequence[Item], records: Sequence[Record]) -> tuple[dict[str, Any], ...]:
    """Count accepted texts that show what they were asked for, and those that show the same without having been asked.

    The second series is what chance gives: the items of the other techniques have drawn conditions, too, but were not told.
    """
    hits: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for item, record in zip(items, records, strict=True):
        if not record.accepted:
            continue
        text, wanted = record.content["text"], item.wanted
        series = "asked" if item.technique == PERSONA else "not asked"
        hits["present finding mentioned", series] += [mentioned(text, words) for words in wanted.present]
        hits["absent finding mentioned", series] += [mentioned(text, words) for words in wanted.absent]
        hits["absent finding negated", series] += [negated(text, words) for words in wanted.absent]
        hits["age stated", series].append(states_age(text, wanted.age))
        hits["sex stated", series].append(states_sex(text, wanted.sex))
        series = "asked" if item.technique == RETRIEVAL else "not asked"
        hits["topic of a fact mentioned", series].append(any(mentioned(text, fact.topic) for fact in item.near))
    rows = [rate(name, values, series) for (name, series), values in hits.items() if values]
    names = list(dict.fromkeys(row["name"] for row in rows))
    return tuple(sorted(rows, key=lambda row: (names.index(row["name"]), row["series"])))


def _tokens(items: Sequence[Item], answers: Sequence[Completion]) -> tuple[dict[str, Any], ...]:
    """Return how long prompts and constrained answers are, by technique."""
    rows = []
    for technique in TECHNIQUES:
        some = [answer for item, answer in zip(items, answers, strict=True) if item.technique == technique]
        if some:
            means = {
                name: sum(getattr(answer, name) for answer in some) / len(some) for name in ("prompt_tokens", "completion_tokens")
            }
            rows.append({"technique": technique, "answers": len(some), **means})
    return tuple(rows)

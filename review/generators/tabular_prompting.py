"""Tabular, prompting: a language model that was not trained for it writes rows after a few real ones.

The same prompts are answered under the JSON schema of the rows and freely, in turn. Every answer is judged by the same schema,
and whatever is wrong with it is counted.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import types
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from review import llm
from review.generators import tabular_rows
from review.generators.dataset import Dataset, Record, item_seed
from review.generators.tables import NAMES
from review.llm import Message, Request
from review.statistics import wilson

if TYPE_CHECKING:
    import pandas as pd

    from review.generators import Progress
    from review.generators.tables import Table

DEFAULT_SIZE = 20
DECODINGS = ("schema", "free", "grammar")
"""What an answer is held to: the schema, as far as the model's server keeps to it; nothing; or a grammar that says the same and
fixes the decimals, for servers of llama.cpp that leave ranges out."""

TURNS = {"both": ("schema", "free"), "all": DECODINGS} | {name: (name,) for name in DECODINGS}
"""Option ``decoding`` -> what the items in a row are held to."""

EMPTY, CUT, NO_JSON = "empty", "cut-off", "no-json"
REASONS: Mapping[str, str] = types.MappingProxyType(
    {
        EMPTY: "the answer is empty",
        CUT: "the answer was cut off before it was complete",
        NO_JSON: "the answer is not one JSON object and nothing else",
        **tabular_rows.REASONS,
    }
)
TOP_P = 0.95


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    table : {"breast-cancer", "diabetes"}
    decoding : {"both", "all", "schema", "free", "grammar"}
        See :data:`DECODINGS`. ``both`` takes turns with the first two, ``all`` with all three; items of one turn have the same
        prompt.
    shots : int
        Real rows in each prompt, drawn anew for each.
    temperature : float
    max_tokens : int
        Of an answer.
    model : str
        As :func:`review.llm.load` takes it.
    cache : str
        Folder of the response cache; "" keeps none.
    """

    table: str = "breast-cancer"
    decoding: str = "both"
    shots: int = 2
    temperature: float = 0.9
    max_tokens: int = 160
    model: str = llm.EMBEDDED
    cache: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        if self.table not in NAMES:
            raise ValueError(f"the option table is {self.table!r} -> choose one of: {', '.join(NAMES)}")
        if self.decoding not in TURNS:
            raise ValueError(f"the option decoding is {self.decoding!r} -> choose one of: {', '.join(TURNS)}")
        if not 0 <= self.shots <= 10:
            raise ValueError(f"the option shots is {self.shots} -> choose from 0 to 10")
        if self.temperature < 0:
            raise ValueError(f"the option temperature is {self.temperature} -> choose 0 or more")
        if self.max_tokens < 1:
            raise ValueError(f"the option max_tokens is {self.max_tokens} -> choose 1 or more")


@dataclass(frozen=True)
class Answer:
    """What was asked, and what came back.

    Attributes
    ----------
    decoding : str
    seed : int
    shown : tuple of dict
        The real rows in the prompt.
    prompt, text, finish : str
    """

    decoding: str
    seed: int
    shown: tuple[dict[str, Any], ...]
    prompt: str
    text: str
    finish: str


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Ask for rows and judge them; see :func:`review.generators.generate`."""
    from review.generators import tables
    from review.generators.tabular_fidelity import FEWEST, copying, fidelity, marginals

    table = tables.load(options.table)
    train, held = table.split(seed)
    judge = tabular_rows.Judge(table, train)
    with llm.load(options.model, cache=Path(options.cache) if options.cache else None) as model:
        identity = dict(model.identity)
        enforced = {decoding: model.supports(decoding) for decoding in ("schema", "grammar")}
        answers = list(_ask(model, table, train, judge.schema, n, seed, options, progress))
    records = [_record(index, answer, judge, options) for index, answer in enumerate(answers)]
    synthetic = table.frame_of([record.content for record in records if record.accepted])
    measures = {
        "validity": validity(answers, judge, records),
        "fidelity": fidelity(table, train, held, synthetic, seed),
        "copying": copying(table, train, held, synthetic),
        "marginals": marginals(table, train, synthetic) if len(synthetic) >= FEWEST else (),
    }
    chosen = {name: value for name, value in dataclasses.asdict(options).items() if name not in ("model", "cache")}
    facts = {"top_p": TOP_P, "enforced": enforced, "source": table.source, "licence": table.licence, "learnt": len(train)}
    configuration = {**chosen, **facts, "held_out": len(held)}
    return Dataset("tabular", "prompting", seed, identity, configuration, REASONS, tuple(records), measures)


def _ask(
    model: llm.Model,
    table: Table,
    train: pd.DataFrame,
    schema: Mapping[str, Any],
    n: int,
    seed: int,
    options: Options,
    progress: Progress,
) -> Iterator[Answer]:
    """Ask for rows, one a request."""
    from review.generators import tabular_grammar

    held_to: dict[str, dict[str, Any]] = {
        "grammar": {"grammar": tabular_grammar.row(table, train)},
        "schema": {"schema": schema},
        "free": {},
    }
    turns = TURNS[options.decoding]
    real = table.rows(train)
    for index in range(n):
        decoding, own = turns[index % len(turns)], item_seed(seed, index)
        places = np.random.default_rng([seed, index // len(turns)]).choice(len(real), options.shots, replace=False)
        shown = tuple(real[place] for place in places)
        text = prompt(table, train, shown)
        request = Request(
            (Message("user", text),),
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            top_p=TOP_P,
            seed=own,
            **held_to[decoding],
        )
        answer = model.complete(request)
        yield Answer(decoding, own, shown, text, answer.text, answer.finish)
        progress("ask", index + 1, n)


def prompt(table: Table, train: pd.DataFrame, shown: Sequence[Mapping[str, Any]]) -> str:
    """Return what the model is asked: with real rows, or without any with the columns and their ranges."""
    from review.generators import tabular_grammar

    if shown:
        rows = "\n".join(tabular_grammar.line(table, row) for row in shown)
        return (
            f"Rows of the table {table.title!r}, as JSON, one patient a row:\n{rows}\n"
            "Write one new row for another patient, with the same keys. Answer with the JSON object only."
        )
    facts = table.describe(train)
    columns = "\n".join(f"{name}: {span}" for name, span in zip(facts["column"], facts["values"], strict=True))
    return (
        f"The table {table.title!r} has one patient a row and these columns with their ranges:\n{columns}\n"
        "Write one row as a JSON object with these keys. Answer with the JSON object only."
    )


def read(text: str) -> tuple[Any, str]:
    """Return the JSON object that an answer is, and what is wrong with it ("" if nothing).

    One fence of a code block around it is taken off. An object with a key twice is none: which of the values counts?
    """
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and len(bare) >= 6:
        bare = bare[3:-3].removeprefix("json").strip()
    try:
        found = json.loads(bare, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        return None, str(error)
    return (found, "") if isinstance(found, dict) else (None, f"JSON, but of the type {type(found).__name__}")


MOST_BEGINNINGS = 200
"""Braces in one answer from which an object is looked for: each search may read all that follows."""


def first_object(text: str) -> bool:
    """Tell whether a complete JSON object stands anywhere in an answer, whatever is around it."""
    decoder = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
    for begin in itertools.islice(re.finditer(r"\{", text), MOST_BEGINNINGS):
        try:
            decoder.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = sorted(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    if twice:
        raise ValueError(f"keys twice: {', '.join(twice)}")
    return dict(pairs)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _record(index: int, answer: Answer, judge: tabular_rows.Judge, options: Options) -> Record:
    content: dict[str, Any] = {}
    found, detail = read(answer.text)
    if not answer.text.strip():
        reason, detail = EMPTY, f"finish: {answer.finish}"
    elif found is None and answer.finish == "length":
        reason, detail = CUT, f"{options.max_tokens} tokens"
    elif found is None:
        reason = NO_JSON
    else:
        reason, detail, content = judge.judge(found, answer.shown)
    parameters = {"decoding": answer.decoding, "shots": options.shots, "temperature": options.temperature}
    return Record(index, content, reason, tabular_rows.shortened(detail), answer.seed, parameters, answer.prompt, answer.text)


def validity(answers: Sequence[Answer], judge: tabular_rows.Judge, records: Sequence[Record]) -> tuple[dict[str, Any], ...]:
    """Return how many answers meet one demand after the other, by decoding.

    Returns
    -------
    tuple of dict
        ``name, series, count, total, share, low, high``; each demand includes those before it.
    """
    steps: dict[str, dict[str, list[bool]]] = {}
    for answer, record in zip(answers, records, strict=True):
        found, _ = read(answer.text)
        reason = "" if found is None else judge.against_schema(found)[0]
        passed = {
            "an object is in the answer": first_object(answer.text),
            "the answer is one object": found is not None,
            "columns and kinds are right": found is not None and reason != tabular_rows.SCHEMA,
            "numbers are in range": found is not None and not reason,
            "accepted": record.accepted,
        }
        for name, value in passed.items():
            steps.setdefault(name, {}).setdefault(answer.decoding, []).append(value)
    rows = []
    for name, groups in steps.items():
        for decoding, values in groups.items():
            low, high = wilson(sum(values), len(values))
            facts = {"count": sum(values), "total": len(values), "share": sum(values) / len(values), "low": low, "high": high}
            rows.append({"name": name, "series": decoding, **facts})
    return tuple(rows)

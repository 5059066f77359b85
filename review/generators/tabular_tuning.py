"""Tabular, fine-tuning: a language model learns rows written as sentences, and its sentences are read back as rows.

After GReaT (Borisov et al. 2023): see :mod:`review.generators.tabular_text`. Here the model is a small one and only low-rank
adapters are trained, for a minute.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from review import llm
from review.errors import OptionError
from review.generators import tabular_rows, tabular_text
from review.generators.dataset import Dataset, Record, item_seed
from review.generators.tables import CHOICES, NAMES
from review.statistics import wilson

if TYPE_CHECKING:
    import pandas as pd

    from review.generators import Progress
    from review.generators.tables import Table
    from review.generators.tuning import Base, Sampled

DEFAULT_SIZE = 24
BATCH = 24
"""Texts that are drawn at a time."""

CUT = "cut-off"
REASONS: Mapping[str, str] = types.MappingProxyType({CUT: "the text was cut off before it ended", **tabular_text.REASONS})


@dataclass(frozen=True)
class Options:
    """What the demonstration can be asked for.

    Attributes
    ----------
    table : {"breast-cancer", "diabetes"}
    columns : {"few", "chosen", "all"}
        Of the table; more of them take more time and steps.
    condition : str
        A class that all texts start with (``malignant``, ``benign``; sex ``1``, ``2``); "" draws one for each text, as often as
        it comes in the rows to learn from.
    steps, batch, rank : int
        Of tuning.
    rate : float
        Learning rate of tuning.
    temperature, top_p : float
    max_tokens : int
        Of a text; 0 takes 13 a column.
    scored : int
        Held-out rows that the perplexity is measured on, and texts that the untuned model is asked for.
    model : str
        ``embedded`` or the path of a ``.gguf`` file.
    """

    table: str = "breast-cancer"
    columns: str = "few"
    condition: str = ""
    steps: int = 60
    batch: int = 2
    rank: int = 8
    rate: float = 3e-3
    temperature: float = 0.8
    top_p: float = 1.0
    max_tokens: int = 0
    scored: int = 8
    model: str = llm.EMBEDDED

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        if self.table not in NAMES:
            raise ValueError(f"the option table is {self.table!r} -> choose one of: {', '.join(NAMES)}")
        if self.columns not in CHOICES:
            raise ValueError(f"the option columns is {self.columns!r} -> choose one of: {', '.join(CHOICES)}")
        for name in ("steps", "batch", "rank", "scored"):
            if getattr(self, name) < 1:
                raise ValueError(f"the option {name} is {getattr(self, name)} -> choose 1 or more")
        if self.max_tokens < 0:
            raise ValueError(f"the option max_tokens is {self.max_tokens} -> choose 0 or more")
        if self.temperature < 0 or self.rate <= 0 or not 0 < self.top_p <= 1:
            raise ValueError("temperature is 0 or more, rate above 0, top_p above 0 and at most 1 -> change them")


def generate(n: int, seed: int, options: Options, progress: Progress) -> Dataset:
    """Tune the model, draw texts and read them; see :func:`review.generators.generate`."""
    from review.generators import tables, tuning
    from review.generators.tabular_fidelity import FEWEST, copying, fidelity, marginals

    table = tables.load(options.table, options.columns)
    options = dataclasses.replace(options, max_tokens=options.max_tokens or 13 * len(table.columns))
    train, held = table.split(seed)
    facts = {"source": table.source, "licence": table.licence, "learnt": len(train), "held_out": len(held)}
    starts = _starts(table, train, n, seed, options)
    base = tuning.load_base(tuning.find(options.model))
    draw = np.random.default_rng(seed)
    rounds = -(-options.steps * options.batch // len(train))
    written = [text for _ in range(rounds) for text in tabular_text.texts(table, table.rows(train), draw)]
    unseen = tabular_text.texts(table, table.rows(held)[: options.scored], draw)
    settings = {name: getattr(options, name) for name in ("steps", "batch", "rank", "rate")}
    losses = tuning.tune(base, [("", text) for text in written], seed=seed, progress=progress, **settings)
    tuned, tokens = tuning.perplexity(base, unseen)
    sampled = _sample(base, starts, seed, options, progress)
    with base.untuned():
        before, _ = tuning.perplexity(base, unseen)
        plain = _sample(base, starts[: options.scored], seed, options, progress)
    judge = tabular_rows.Judge(table, train)
    records = [_record(index, table, judge, *pair, seed, options) for index, pair in enumerate(zip(starts, sampled, strict=True))]
    synthetic = table.frame_of([record.content for record in records if record.accepted])
    if options.condition:
        column = _first_class(table)
        train, held = (part[part[column] == options.condition].reset_index(drop=True) for part in (train, held))
    measures: dict[str, tuple[Mapping[str, Any], ...]] = {
        "training": tuple({"step": step, "loss": round(loss, 4)} for step, loss in enumerate(losses)),
        "perplexity": (
            {"model": "base", "perplexity": round(before, 4), "texts": len(unseen), "tokens": tokens},
            {"model": "tuned", "perplexity": round(tuned, 4), "texts": len(unseen), "tokens": tokens},
        ),
        "validity": (_readable("tuned", table, starts, sampled), _readable("base", table, starts, plain)),
        "fidelity": fidelity(table, train, held, synthetic, seed),
        "copying": copying(table, train, held, synthetic),
        "marginals": marginals(table, train, synthetic) if len(synthetic) >= FEWEST else (),
    }
    chosen = {name: value for name, value in dataclasses.asdict(options).items() if name != "model"}
    configuration = {**chosen, **facts, "targets": list(tuning.TARGETS), "sampled_together": BATCH}
    return Dataset("tabular", "fine-tuning", seed, dict(base.identity), configuration, REASONS, tuple(records), measures)


def _first_class(table: Table) -> str:
    return next(column.name for column in table.columns if column.kind == "class")


def _starts(table: Table, train: pd.DataFrame, n: int, seed: int, options: Options) -> list[str]:
    """Return what each text starts with: a class."""
    column = table[_first_class(table)]
    if options.condition and options.condition not in column.levels:
        raise OptionError(f"{column.name} is never {options.condition!r} -> choose of: {', '.join(column.levels)}")
    held = train[column.name].tolist()
    draws = [np.random.default_rng([item_seed(seed, index), 1]) for index in range(n)]
    levels = [options.condition or held[int(draw.integers(len(held)))] for draw in draws]
    return [tabular_text.phrase(column, level) + "," for level in levels]


def _sample(base: Base, starts: Sequence[str], seed: int, options: Options, progress: Progress) -> list[Sampled]:
    from review.generators import tuning
    from review.generators.text_sampling import START

    return tuning.sample(
        base,
        [START + start for start in starts],
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        top_p=options.top_p,
        seeds=[item_seed(seed, index) for index in range(len(starts))],
        batch=BATCH,
        progress=progress,
    )


def _record(
    index: int, table: Table, judge: tabular_rows.Judge, start: str, sampled: Sampled, seed: int, options: Options
) -> Record:
    """Read one text, and judge the row that it holds."""
    reason, detail, content = tabular_text.read(table, start + sampled.text)
    if not sampled.finished:
        reason, detail = CUT, f"{options.max_tokens} tokens"
    elif not reason:
        reason, detail, content = judge.judge(content)
    parameters = {"start": start, "temperature": options.temperature, "top_p": options.top_p}
    content = tabular_rows.readable(content)
    return Record(index, content, reason, tabular_rows.shortened(detail), item_seed(seed, index), parameters, start, sampled.text)


def _readable(model: str, table: Table, starts: Sequence[str], sampled: Sequence[Sampled]) -> dict[str, Any]:
    """Return how many texts can be read back as a whole row, whatever its values."""
    fine = [
        made.finished and not tabular_text.read(table, start + made.text)[0] for start, made in zip(starts, sampled, strict=False)
    ]
    low, high = wilson(sum(fine), len(fine))
    facts = {"count": sum(fine), "total": len(fine), "share": sum(fine) / len(fine), "low": low, "high": high}
    return {"name": "texts read back as a row", "series": model, **facts}

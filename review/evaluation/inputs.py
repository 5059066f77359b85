"""A pair of data sets, real and synthetic, read and checked so that the same measures can be taken of both.

Nothing is guessed silently: what a column was taken for stands in :attr:`Pair.columns`, what was left out in
:attr:`Pair.notes`. A pair that cannot be compared is refused with every problem at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import InputError, OptionError, Problem
from review.evaluation import readers
from review.evaluation.readers import Source
from review.files import digest

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("text", "tabular", "paired")
NUMBER, CLASS, TEXT, SEQUENCE = "number", "class", "text", "sequence"
LEVELS = 50
"""Different values up to which a column of words is taken for classes, if they are short."""

LONG = 4.0
"""Mean words a value from which a column is taken for text."""

LABELS = ("label", "target", "outcome", "diagnosis", "class")
"""Names of a column that is taken for the label or target if none is named, in this order."""


@dataclass(frozen=True)
class Column:
    """One column of both data sets.

    Attributes
    ----------
    name : str
    kind : {"number", "class", "text", "sequence"}
        A number is float64 with NaN for missing; a class is categorical with the same levels in all parts (those of the
        real data first) and NaN for missing; text is str with "" for missing; a sequence is a list of numbers.
    """

    name: str
    kind: str


@dataclass(frozen=True)
class Pair:
    """Real and synthetic items with the same columns, and real items that no generator has seen.

    Attributes
    ----------
    kind : {"text", "tabular", "paired"}
        Text: one column of text, possibly with a label. Tabular: numbers and classes. Paired: text beside numbers, classes,
        a sequence or a second text that belong together.
    real, synthetic : DataFrame
        One row an item, the columns of :attr:`columns` in their order, index 0, 1, 2 ...
    holdout : DataFrame or None
        As ``real``: items that the generator did not learn from.
    columns : tuple of Column
    text : str
        The column of text, "" if there is none.
    label : str
        The column of classes (or numbers, for a table) that others are used to predict; "" if there is none.
    hashes : tuple of (str, str)
        Role (``real``, ``synthetic``, ``holdout``) and SHA-256 of each file.
    notes : tuple of str
        What was left out or decided.
    """

    kind: str
    real: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame | None
    columns: tuple[Column, ...]
    text: str = ""
    label: str = ""
    hashes: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    accepted: tuple[int, int] | None = field(default=None)
    """Accepted and asked-for items, where the synthetic file says how many were rejected."""

    def named(self, *kinds: str) -> tuple[str, ...]:
        """Return the names of the columns of some kinds."""
        return tuple(column.name for column in self.columns if column.kind in kinds)

    def parts(self) -> dict[str, pd.DataFrame]:
        """Return the data sets by their role."""
        found = {"real": self.real, "synthetic": self.synthetic}
        return found if self.holdout is None else {**found, "holdout": self.holdout}


@dataclass(frozen=True)
class Choices:
    """What a user says about the columns; empty values are found from the data, and said in the notes.

    Attributes
    ----------
    kind : {"", "text", "tabular", "paired"}
    columns : tuple of str
        The only columns to compare.
    ignore : tuple of str
        Columns to leave out.
    text, label : str
    classes : tuple of str
        Columns of numbers that are names of classes.
    """

    kind: str = ""
    columns: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    text: str = ""
    label: str = ""
    classes: tuple[str, ...] = ()


def load(real: Path, synthetic: Path, holdout: Path | None = None, choices: Choices | None = None) -> Pair:
    """Read and check two data sets, and real items that the generator has not seen.

    Raises
    ------
    InputError
        With every problem of the files at once.
    OptionError
        If a choice names a column that is not there, or cannot be what it is said to be.
    """
    sources = {"real": readers.read(real), "synthetic": readers.read(synthetic)}
    if holdout is not None:
        sources["holdout"] = readers.read(holdout)
    return match(sources, choices or Choices())


def from_frames(
    real: pd.DataFrame, synthetic: pd.DataFrame, holdout: pd.DataFrame | None = None, choices: Choices | None = None
) -> Pair:
    """Check two tables in memory as :func:`load` checks two files."""
    frames = {"real": real, "synthetic": synthetic, "holdout": holdout}
    sources = {role: Source(role, frame.reset_index(drop=True)) for role, frame in frames.items() if frame is not None}
    for source in sources.values():
        if len(source.frame) < readers.FEWEST_ROWS:
            raise InputError.one(
                source.file, f"{len(source.frame)} rows are too few to compare anything", "give at least two rows"
            )
    return match(sources, choices or Choices())


def match(sources: dict[str, Source], choices: Choices) -> Pair:
    """Return a pair with the same typed columns in every data set."""
    import pandas as pd

    from review.evaluation import columns as typing

    if choices.kind not in ("", *KINDS):
        raise OptionError(f"no kind of data named {choices.kind!r} -> choose one of: {', '.join(KINDS)}")
    names, notes = _names(sources, choices)
    problems: list[Problem] = []
    typed: dict[str, dict[str, pd.Series]] = {role: {} for role in sources}
    columns: list[Column] = []
    for name in names:
        raw = {role: source.frame[name] for role, source in sources.items()}
        decided = typing.decide(
            name, sources, raw, text=name == choices.text, label=name == choices.label or name in choices.classes
        )
        problems += decided.problems
        notes += decided.notes
        if decided.kind:
            columns.append(Column(name, decided.kind))
            for role, values in decided.held.items():
                typed[role][name] = values
    if problems:
        raise InputError(sorted(problems))
    if not columns:
        files = ", ".join(source.file for source in sources.values())
        raise InputError.one(files, "no column can be compared", "name them with --columns, and a text with --text")
    frames = {role: pd.DataFrame(held) for role, held in typed.items()}
    text, label, kind = _roles(columns, choices, frames["real"], notes)
    hashes = tuple((role, source.sha256) for role, source in sources.items() if source.sha256)
    return Pair(
        kind=kind,
        real=frames["real"],
        synthetic=frames["synthetic"],
        holdout=frames.get("holdout"),
        columns=tuple(columns),
        text=text,
        label=label,
        hashes=hashes,
        notes=tuple(notes),
        accepted=sources["synthetic"].accepted,
    )


def fingerprint(pair: Pair) -> str:
    """Return the SHA-256 of the compared values of a pair, whatever file they came from."""
    parts = [role.encode() + frame.to_json(orient="split", double_precision=15).encode() for role, frame in pair.parts().items()]
    return digest(*parts)


def describe(pair: Pair) -> pd.DataFrame:
    """Return what each column was taken for, and how much of it is missing.

    Returns
    -------
    DataFrame
        ``column, kind, role`` (text, label or empty), ``different`` (values in the real data), ``missing_real,
        missing_synthetic`` (shares; an empty text is missing).
    """
    import pandas as pd

    rows = []
    for column in pair.columns:
        held = [frame[column.name] for frame in (pair.real, pair.synthetic)]
        missing = [float(((part == "") if column.kind == TEXT else part.isna()).mean()) for part in held]
        different = held[0].map(tuple).nunique() if column.kind == SEQUENCE else held[0].nunique()
        role = {pair.text: "text", pair.label: "label"}.get(column.name, "")
        rows.append((column.name, column.kind, role, int(different), *missing))
    return pd.DataFrame(rows, columns=["column", "kind", "role", "different", "missing_real", "missing_synthetic"])


def _names(sources: dict[str, Source], choices: Choices) -> tuple[list[str], list[str]]:
    """Return the columns to compare and what was left out; refuse columns that one of the files does not have."""
    every = list(dict.fromkeys(str(name) for source in sources.values() for name in source.frame.columns))
    asked = [*choices.columns, *choices.ignore, *choices.classes, *filter(None, (choices.text, choices.label))]
    unknown = [name for name in dict.fromkeys(asked) if name not in every]
    if unknown:
        raise OptionError(f"no column named {', '.join(map(repr, unknown))} -> choose of: {', '.join(every)}")
    wanted = [name for name in choices.columns or every if name not in choices.ignore]
    hidden = [name for name in (choices.text, choices.label) if name and name not in wanted]
    if hidden:
        raise OptionError(f"the column {hidden[0]!r} is used and left out at once -> take it out of --ignore or into --columns")
    problems = [
        source.problem(None, name, "the column is missing here", f"add it, or leave it out: --ignore {name}")
        for source in sources.values()
        for name in wanted
        if name not in source.frame.columns
    ]
    if problems:
        raise InputError(problems)
    left = [name for name in every if name not in wanted]
    return wanted, [f"left out as asked: {', '.join(left)}"] if left else []


def _roles(columns: Sequence[Column], choices: Choices, real: pd.DataFrame, notes: list[str]) -> tuple[str, str, str]:
    """Return the column of text, the label and the kind of the data."""
    texts = [column.name for column in columns if column.kind == TEXT]
    others = [column for column in columns if column.kind in (NUMBER, SEQUENCE)]
    text = choices.text or _longest(texts, real)
    label = choices.label or _label(columns)
    if label and not choices.label:
        notes.append(f"label: {label} (by its name; choose another with --label)")
    found = "tabular" if not texts else "paired" if others or len(texts) > 1 else "text"
    kind = choices.kind or found
    if kind != "tabular" and not texts:
        raise OptionError(f"no column of text for data of the kind {kind} -> name it with --text")
    if label and {column.name: column.kind for column in columns}[label] not in (CLASS, NUMBER):
        raise OptionError(f"the label {label!r} is neither classes nor numbers -> choose another column")
    return "" if kind == "tabular" else text, label, kind


def _longest(texts: Iterable[str], real: pd.DataFrame) -> str:
    return max(texts, key=lambda name: float(real[name].str.len().mean()), default="")


def _label(columns: Sequence[Column]) -> str:
    kinds = {column.name.lower(): column.name for column in columns if column.kind in (CLASS, NUMBER)}
    return next((kinds[name] for name in LABELS if name in kinds), "")

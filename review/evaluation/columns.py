"""Decide what a column holds, numbers, classes, texts or sequences, and bring it to that type in every data set.

The real data decide; the others have to follow. A value that cannot is a problem with its line, never a missing value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from review.errors import Problem
from review.evaluation.inputs import CLASS, LEVELS, LONG, NUMBER, SEQUENCE, TEXT
from review.evaluation.readers import MISSING, Source

if TYPE_CHECKING:
    import pandas as pd

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
MOSTLY = 0.8
"""Share of numbers above which a column is one of numbers, and whatever else stands in it an error."""

SHOWN = 40
"""Characters of a bad value that an error shows."""


@dataclass
class Decided:
    """What became of one column: its kind ("" if it is left out), its values by role, what is wrong or to be said."""

    kind: str = ""
    held: dict[str, pd.Series] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def decide(name: str, sources: Mapping[str, Source], raw: Mapping[str, pd.Series], *, text: bool, label: bool) -> Decided:
    """Decide the kind of a column from the real data, and convert it everywhere.

    Parameters
    ----------
    name : str
    sources : mapping of str to Source
        By role; ``real`` decides.
    raw : mapping of str to Series
        The values of each as they were read.
    text, label : bool
        Whether the user says that it is the text, or classes (words or whole numbers).
    """
    decided = Decided()
    cleaned = {role: _clean(values) for role, values in raw.items()}
    empty = [role for role, values in cleaned.items() if not values.notna().any()]
    for role in empty:
        message, remedy = "every value of the column is missing", f"fill it, or leave it out: --ignore {name}"
        decided.problems.append(sources[role].problem(None, name, message, remedy))
    if empty:
        return decided
    kind, note = (TEXT, "") if text else _kind(name, cleaned["real"], label=label)
    if note:
        decided.notes.append(note)
    if not kind:
        return decided
    if kind == CLASS:
        decided.held = _classes(cleaned)
    else:
        convert = {NUMBER: _numbers, TEXT: _texts, SEQUENCE: _sequences}[kind]
        for role, values in cleaned.items():
            converted, bad = convert(values)
            if bad is None:
                decided.held[role] = converted
            else:
                decided.problems.append(_bad(sources[role], name, kind, bad, values.iloc[bad]))
    if not decided.problems:
        decided.kind = kind
    return decided


def _clean(values: pd.Series) -> pd.Series:
    """Return values with every way to write a missing one as NaN."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values
    if isinstance(values.dtype, pd.StringDtype):
        return values.where(~values.str.strip().isin(MISSING))
    texts = values.map(lambda value: isinstance(value, str) and value.strip() in MISSING).astype(bool)
    return values.astype(object).where(~texts, None)


def _kind(name: str, real: pd.Series, *, label: bool) -> tuple[str, str]:
    """Return the kind of a column and what has to be said about it; "" leaves it out."""
    known = real[real.notna()]
    if isinstance(known.iloc[0], list | tuple | dict | np.ndarray):
        nested = f"left out: {name} holds nested values that are no lists of numbers"
        return (SEQUENCE, "") if all(_is_sequence(value) for value in known) else ("", nested)
    if _is_truth(known):
        return CLASS, ""
    if _numeric_share(known) > MOSTLY:
        return _number_or_class(name, known, label=label)
    return _words_or_text(name, known.astype(str), label=label)


def _numeric_share(known: pd.Series) -> float:
    """Return the share of values that are numbers or dates, infinite ones among them."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(known.dtype) or _all_dates(known):
        return 1.0
    some = known.iloc[:: max(1, len(known) // 100_000)]
    return float(pd.to_numeric(some.where(~_odd(some)), errors="coerce").notna().mean())


def _number_or_class(name: str, known: pd.Series, *, label: bool) -> tuple[str, str]:
    different = known.nunique()
    if label and different <= LEVELS:
        return CLASS, f"{name}: {different} different values, taken for classes as asked or as the label"
    if different <= 2:
        return CLASS, f"{name}: numbers with {different} different values, taken for classes"
    return NUMBER, f"{name}: dates, compared as days" if _all_dates(known) else ""


def _words_or_text(name: str, words: pd.Series, *, label: bool) -> tuple[str, str]:
    counts = words.value_counts()
    different = len(counts)
    mean = sum(len(str(value).split()) * int(count) for value, count in counts.items()) / len(words)
    if label or (mean < LONG and different <= LEVELS):
        return CLASS, ""
    if mean >= LONG:
        return TEXT, ""
    return "", f"left out: {name} has {different} different short values, as identifiers do (take it for a text with --text)"


def _is_sequence(value: Any) -> bool:
    if not isinstance(value, list | tuple | np.ndarray):
        return False
    return len(value) > 0 and all(isinstance(item, int | float | np.number) and math.isfinite(item) for item in value)


def _is_truth(known: pd.Series) -> bool:
    import pandas as pd

    return pd.api.types.is_bool_dtype(known.dtype) or all(isinstance(value, bool) for value in known.head(1000))


def _numbers(values: pd.Series) -> tuple[pd.Series, int | None]:
    """Return values as float64, dates as days since 1970; or the place of the first that is no finite number."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.astype("float64")
    elif _all_dates(values):
        return _days(values)
    else:
        odd = _odd(values)
        numbers = pd.to_numeric(values.where(~odd), errors="coerce").astype("float64")
        wrong = (numbers.isna() & values.notna()) | odd
        if wrong.any():
            return values, int(np.argmax(wrong.to_numpy()))
    infinite = np.isinf(numbers.to_numpy())
    if infinite.any():
        return values, int(np.argmax(infinite))
    return numbers.reset_index(drop=True), None


def _odd(values: pd.Series) -> pd.Series:
    """Tell which values are of a type that a reader of numbers would take for one, or could not take at all."""
    import pandas as pd

    if isinstance(values.dtype, pd.StringDtype):
        return pd.Series(data=False, index=values.index)
    return values.map(lambda value: isinstance(value, bool | list | dict | tuple | np.ndarray)).astype(bool)


def _all_dates(values: pd.Series) -> bool:
    import pandas as pd

    known = values[values.notna()].head(1000)
    if pd.api.types.is_numeric_dtype(known.dtype):
        return False
    return len(known) > 0 and all(isinstance(value, str) and _DATE.fullmatch(value.strip()) for value in known)


def _days(values: pd.Series) -> tuple[pd.Series, int | None]:
    import pandas as pd

    moments = pd.to_datetime(values.astype("str").where(values.notna()), errors="coerce", format="ISO8601", utc=True)
    wrong = moments.isna() & values.notna()
    if wrong.any():
        return values, int(np.argmax(wrong.to_numpy()))
    epoch = pd.Timestamp("1970-01-01", tz="UTC")
    return ((moments - epoch) / pd.Timedelta(days=1)).astype("float64").reset_index(drop=True), None


def _texts(values: pd.Series) -> tuple[pd.Series, int | None]:
    wrong = values.map(lambda value: not isinstance(value, str)).astype(bool) & values.notna()
    if wrong.any():
        return values, int(np.argmax(wrong.to_numpy()))
    return values.astype(object).where(values.notna(), "").astype("str").reset_index(drop=True), None


def _sequences(values: pd.Series) -> tuple[pd.Series, int | None]:
    wrong = ~values.map(_is_sequence).astype(bool)
    if wrong.any():
        return values, int(np.argmax(wrong.to_numpy()))
    return values.map(lambda value: [float(item) for item in value]).reset_index(drop=True), None


def _classes(cleaned: Mapping[str, pd.Series]) -> dict[str, pd.Series]:
    """Return values as classes with the same levels everywhere: those of the real data, then the others."""
    import pandas as pd

    words = {role: _words(values) for role, values in cleaned.items()}
    levels = list(dict.fromkeys(level for held in words.values() for level in sorted(held.dropna().unique())))
    return {role: pd.Series(pd.Categorical(held, categories=levels)) for role, held in words.items()}


def _words(values: pd.Series) -> pd.Series:
    """Return values as words: true and false for truth values, 1 for 1.0."""
    import pandas as pd

    if isinstance(values.dtype, pd.StringDtype):
        return values.str.strip().reset_index(drop=True)
    return values.map(_word, na_action="ignore").reset_index(drop=True)


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _bad(source: Source, name: str, kind: str, row: int, value: Any) -> Problem:
    words = {NUMBER: "a finite number", TEXT: "text", SEQUENCE: "a list of finite numbers"}[kind]
    shown = repr(value.item() if isinstance(value, np.generic) else value)
    shown = shown if len(shown) <= SHOWN else shown[:SHOWN] + "..."
    return source.problem(
        row, name, f"{shown} is not {words}, as the real data have it", f"correct it, or leave the column out: --ignore {name}"
    )

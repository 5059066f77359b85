"""Two real biomedical tables that scikit-learn ships, with their columns in words.

Names, meanings and units are those of the package's own descriptions; where a description states no unit or licence, none is
given here. The values are measurements of real people, published for research long ago and without names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from review.errors import OptionError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("breast-cancer", "diabetes")
CHOICES = ("few", "chosen", "all")
SHARE = 0.3
"""Part of the rows that is held out."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
    kind : {"number", "class"}
    unit : str
        As the description states it; "" where it states none.
    decimals : int
        Decimals that the values are rounded to; 0 makes whole numbers. For classes always 0.
    levels : tuple of str
        The classes; empty for a number.
    """

    name: str
    kind: Literal["number", "class"]
    unit: str = ""
    decimals: int = 0
    levels: tuple[str, ...] = ()

    def plain(self, value: Any) -> int | float | str:
        """Return a value as JSON has it: a class as its name, a number with the column's decimals."""
        if self.kind == "class":
            return str(value)
        return round(float(value), self.decimals) if self.decimals else round(float(value))

    def text(self, value: Any) -> str:
        """Return a value as it is written into a prompt, always with the same number of decimals."""
        return str(value) if self.kind == "class" else f"{float(value):.{self.decimals}f}"


@dataclass(frozen=True)
class Table:
    """A real table.

    Attributes
    ----------
    name, title : str
    columns : tuple of Column
    target : str
        The column that the others are used to predict.
    frame : DataFrame
        One row a person, values rounded as the columns say.
    source : str
        Where the data come from, as the package's description says.
    licence : str
        Of the package; the descriptions state none for the data themselves.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    target: str
    frame: pd.DataFrame
    source: str
    licence: str

    def __getitem__(self, name: str) -> Column:
        """Return a column by its name."""
        return {column.name: column for column in self.columns}[name]

    @property
    def numbers(self) -> tuple[Column, ...]:
        """The columns that hold numbers."""
        return tuple(column for column in self.columns if column.kind == "number")

    def split(self, seed: int, share: float = SHARE) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the rows to learn from and the rows held out.

        A target with classes has the same shares in both parts, up to one row a class.

        Parameters
        ----------
        seed : int
        share : float
            Part of the rows that is held out, above 0 and below 1.

        Raises
        ------
        OptionError
            If a part would be empty.
        """
        groups = [np.arange(len(self.frame))]
        if self[self.target].kind == "class":
            groups = [np.flatnonzero(self.frame[self.target] == level) for level in self[self.target].levels]
        draw = np.random.default_rng(seed)
        cuts = [round(share * len(group)) for group in groups]
        if not 0 < share < 1 or min(cuts) < 1 or any(cut == len(group) for cut, group in zip(cuts, groups, strict=True)):
            raise OptionError(f"a share of {share} leaves a part without rows -> choose one between 0.05 and 0.95")
        orders = [draw.permutation(group) for group in groups]
        held = np.sort(np.concatenate([order[:cut] for order, cut in zip(orders, cuts, strict=True)]))
        rest = np.sort(np.concatenate([order[cut:] for order, cut in zip(orders, cuts, strict=True)]))
        return self.frame.iloc[rest].reset_index(drop=True), self.frame.iloc[held].reset_index(drop=True)

    def rows(self, frame: pd.DataFrame) -> list[dict[str, Any]]:
        """Return rows as plain values, in the order of the columns."""
        values = [frame[column.name].tolist() for column in self.columns]
        named = list(zip(self.columns, values, strict=True))
        return [{column.name: column.plain(held[index]) for column, held in named} for index in range(len(frame))]

    def frame_of(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Return rows of plain values as a table with this one's columns."""
        import pandas as pd

        return pd.DataFrame({column.name: [row[column.name] for row in rows] for column in self.columns})

    def schema(self, train: pd.DataFrame) -> dict[str, Any]:
        """Return the JSON schema of a row; smallest and greatest numbers are those of ``train``, never of the rows held out."""
        return {
            "type": "object",
            "properties": {column.name: _property(column, train[column.name]) for column in self.columns},
            "required": [column.name for column in self.columns],
            "additionalProperties": False,
        }

    def describe(self, train: pd.DataFrame) -> pd.DataFrame:
        """Return a table of the columns: ``column, kind, unit, decimals, values`` (range or classes in ``train``)."""
        import pandas as pd

        rows = []
        for column in self.columns:
            held = train[column.name]
            span = ", ".join(column.levels) or f"{column.text(held.min())} to {column.text(held.max())}"
            rows.append((column.name, column.kind, column.unit or "not stated", column.decimals, span))
        return pd.DataFrame(rows, columns=["column", "kind", "unit", "decimals", "values"])


def _property(column: Column, held: pd.Series) -> dict[str, Any]:
    if column.kind == "class":
        return {"type": "string", "enum": list(column.levels)}
    kind = "number" if column.decimals else "integer"
    return {"type": kind, "minimum": column.plain(held.min()), "maximum": column.plain(held.max())}


def load(name: str, columns: str = "chosen") -> Table:
    """Return one of the tables.

    Parameters
    ----------
    name : {"breast-cancer", "diabetes"}
    columns : {"few", "chosen", "all"}
        Five or eight columns, short enough to be written by a language model, rounded to about three figures; or every one of
        them, as it is.

    Raises
    ------
    UnknownNameError
        If there is no such table or choice of columns.
    MissingExtraError
        If scikit-learn is not installed (raised by :func:`review.generators.generate`).
    """
    if name not in NAMES:
        raise UnknownNameError("table", name, NAMES)
    if columns not in CHOICES:
        raise UnknownNameError("choice of columns", columns, CHOICES)
    return _LOADERS[name](columns)


LICENCE = "BSD-3-Clause (scikit-learn, which ships the table; its description states no licence of the data)"
CANCER = {
    "mean radius": 1,
    "mean texture": 1,
    "mean area": 0,
    "mean concavity": 3,
    "mean smoothness": 3,
    "mean symmetry": 3,
    "worst radius": 1,
}
"""Chosen numbers of the breast cancer table, with decimals; the first four are the few."""

DIABETES = {
    "age": ("age", "years", 0),
    "bmi": ("body mass index", "", 1),
    "bp": ("average blood pressure", "", 0),
    "s1": ("total serum cholesterol", "", 0),
    "s2": ("low-density lipoproteins", "", 1),
    "s3": ("high-density lipoproteins", "", 0),
    "s4": ("total cholesterol / HDL", "", 2),
    "s5": ("possibly log of serum triglycerides", "", 4),
    "s6": ("blood sugar level", "", 0),
    "target": ("disease progression", "", 0),
}
"""Code of a number in the diabetes table -> name, unit and decimals."""

FEWER = ("age", "bmi", "s6", "target", "bp", "s1", "s3")
"""Chosen numbers of the diabetes table; the first four are the few."""


def _cancer(choice: str) -> Table:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer(as_frame=True)
    levels = tuple(str(name) for name in bunch.target_names)
    frame = bunch.frame.rename(columns={"target": "diagnosis"})
    frame["diagnosis"] = [levels[code] for code in frame["diagnosis"]]
    numbers = dict(list(CANCER.items())[: 4 if choice == "few" else None])
    if choice == "all":
        numbers = {str(name): _decimals(frame[name]) for name in bunch.feature_names}
    columns = [Column("diagnosis", "class", levels=levels), *(Column(name, "number", "", n) for name, n in numbers.items())]
    source = (
        "Breast Cancer Wisconsin (Diagnostic), UCI: W. H. Wolberg, W. N. Street, O. L. Mangasarian, 1995; nuclei in digitised "
        "images of fine needle aspirates of breast masses"
    )
    return _table("breast-cancer", "Breast cancer Wisconsin (diagnostic)", columns, "diagnosis", frame, source)


def _diabetes(choice: str) -> Table:
    from sklearn.datasets import load_diabetes

    frame = load_diabetes(as_frame=True, scaled=False).frame
    codes = DIABETES if choice == "all" else {code: DIABETES[code] for code in FEWER[: 4 if choice == "few" else None]}
    decimals = {code: _decimals(frame[code]) if choice == "all" else DIABETES[code][2] for code in codes}
    frame = frame.rename(columns={code: name for code, (name, _, _) in DIABETES.items()})
    frame["sex"] = [f"{code:.0f}" for code in frame["sex"]]
    columns = [Column(name, "number", unit, decimals[code]) for code, (name, unit, _) in codes.items()]
    columns.insert(1, Column("sex", "class", levels=("1", "2")))  # the description does not say which is which
    source = "Efron, Hastie, Johnstone, Tibshirani (2004) Least Angle Regression, Annals of Statistics: 442 diabetes patients"
    return _table("diabetes", "Diabetes", columns, "disease progression", frame, source)


_LOADERS: Mapping[str, Callable[[str], Table]] = {"breast-cancer": _cancer, "diabetes": _diabetes}


def _table(name: str, title: str, columns: list[Column], target: str, frame: pd.DataFrame, source: str) -> Table:
    """Return the table with its columns alone, rounded."""
    frame = frame[[column.name for column in columns]].copy()
    for column in columns:
        frame[column.name] = [column.plain(value) for value in frame[column.name]]
    return Table(name, title, tuple(columns), target, frame, source, LICENCE)


def _decimals(held: pd.Series) -> int:
    """Return the decimals that are needed to write all values exactly."""
    return max(len(f"{value:.10f}".rstrip("0").split(".")[1]) for value in held.astype(float))

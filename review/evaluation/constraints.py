"""Rules that the user gives in YAML, and how often synthetic rows break them beside real rows.

A file of rules is a list. Each entry names a ``column`` with ``min``, ``max``, ``levels``, ``whole: true`` or
``required: true``, or two columns of numbers: ``left``, ``op`` (one of <=, <, ==, >=, >) and ``right``. A missing value keeps
every rule but ``required``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from review.codebook import read_nodes
from review.errors import InputError, Problem
from review.evaluation.inputs import CLASS, NUMBER, Column
from review.evaluation.metrics import LOWER, Metric, Value

if TYPE_CHECKING:
    import pandas as pd
    import yaml

    from review.evaluation.inputs import Pair

FAMILY, ASPECT = "intrinsic", "constraints"
GIVEN = "given_rule"
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<=": np.less_equal,
    "<": np.less,
    "==": np.equal,
    ">=": np.greater_equal,
    ">": np.greater,
}
METRICS = (
    Metric(
        GIVEN,
        "Rows that break a given rule",
        FAMILY,
        ASPECT,
        0.0,
        1.0,
        LOWER,
        "defined here; Wilson interval of the share of rows that break the rule, beside that of the real rows",
        "How often synthetic rows break a rule that the user gave, beside how often real rows do.",
        "Whether the rule is right, and whatever no rule was given for.",
        "share of rows",
    ),
)


@dataclass(frozen=True)
class Rule:
    """One rule given by the user.

    Attributes
    ----------
    kind : {"range", "level", "whole", "missing", "order"}
    left : str
        The column.
    low, high : float
        Of a range.
    levels : tuple of str
    operator, right : str
        Of an order: how ``left`` has to stand to the column ``right``.
    file : str
    line : int or None
        Where it stands.
    """

    kind: str
    left: str
    low: float = -math.inf
    high: float = math.inf
    levels: tuple[str, ...] = ()
    operator: str = ""
    right: str = ""
    file: str = "rules"
    line: int | None = None

    def __str__(self) -> str:
        if self.kind == "range":
            bounds = (f"{self.low:g} <= ", f" <= {self.high:g}")
            return f"{bounds[0] if self.low > -math.inf else ''}{self.left}{bounds[1] if self.high < math.inf else ''}"
        if self.kind == "level":
            return f"{self.left} is one of: {', '.join(self.levels)}"
        words = {"whole": "whole numbers", "missing": "never missing", "order": f"{self.operator} {self.right}"}
        return f"{self.left} {words[self.kind]}"

    def broken(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Tell for each row whether it breaks the rule."""
        column = frame[self.left]
        missing = column.isna().to_numpy()
        if self.kind == "missing":
            return missing
        if self.kind == "level":
            return np.asarray(~missing & ~column.isin(self.levels).to_numpy())
        values = column.to_numpy(dtype=float, na_value=np.nan)
        if self.kind == "range":
            return np.asarray((values < self.low) | (values > self.high))
        if self.kind == "whole":
            return np.asarray(~missing & (values != np.floor(values)))
        other = frame[self.right].to_numpy(dtype=float, na_value=np.nan)
        return np.asarray(~missing & ~np.isnan(other) & ~OPERATORS[self.operator](values, other))


def load(path: Path, columns: Iterable[Column] = ()) -> tuple[Rule, ...]:
    """Read rules from a YAML file.

    Parameters
    ----------
    path : Path
    columns : iterable of Column
        If given, what a rule names has to be there and of the right kind.

    Raises
    ------
    InputError
        If the file is not YAML, has a tag, or an entry is no rule; all problems at once.
    """
    root = read_nodes(path)
    reader = _Reader(str(path))
    rules = reader.rules(root)
    if reader.problems:
        raise InputError(sorted(reader.problems))
    known = tuple(columns)
    if known:
        check(rules, known)
    return rules


def check(rules: Sequence[Rule], columns: Sequence[Column]) -> None:
    """Refuse rules about columns that are not compared, or of the wrong kind.

    Raises
    ------
    InputError
        With every problem at once.
    """
    kinds = {column.name: column.kind for column in columns}
    usable = [column.name for column in columns if column.kind in (NUMBER, CLASS)]
    problems = []
    for rule in rules:
        for name in filter(None, (rule.left, rule.right)):
            message = remedy = ""
            if name not in usable:
                message = f"{'no column' if name not in kinds else 'no column of numbers or classes'} is named {name!r}"
                remedy = f"choose of: {', '.join(usable) or 'none'}"
            elif rule.kind == "level" and kinds[name] != CLASS:
                message, remedy = f"{name!r} holds numbers and has no levels", "give min and max"
            elif rule.kind in ("range", "whole", "order") and kinds[name] != NUMBER:
                message, remedy = f"{name!r} holds classes, no numbers", "give levels, or name a column of numbers"
            if message:
                problems.append(Problem(rule.file, rule.line, name, message, remedy))
    if problems:
        raise InputError(sorted(set(problems)))


class _Reader:
    """Turn the nodes of a YAML file into rules, and collect what is wrong with their lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def complain(self, node: yaml.Node, message: str, remedy: str, key: str | None = None) -> None:
        """Note a problem at a node."""
        self.problems.append(Problem(self.file, _line(node), key, message, remedy))

    def rules(self, root: yaml.Node | None) -> tuple[Rule, ...]:
        """Return all rules."""
        import yaml

        if not isinstance(root, yaml.SequenceNode) or not root.value:
            remedy = "write one rule an entry: - {column: age, min: 0, max: 120}"
            self.problems.append(Problem(self.file, None, None, "a list of rules is expected", remedy))
            return ()
        return tuple(rule for node in root.value for rule in self.entry(node))

    def entry(self, node: yaml.Node) -> list[Rule]:
        """Return the rules of one entry."""
        parts = self.parts(node)
        if parts is None:
            return []
        keys = set(parts)
        if keys & {"left", "op", "right"}:
            return self.order(node, parts)
        extra = sorted(keys - {"column", "min", "max", "levels", "whole", "required"})
        if extra or "column" not in keys or len(keys) < 2:
            problem = f"unknown key {extra[0]!r}" if extra else "no rule for the column" if "column" in keys else "no column"
            remedy = "give column with min, max, levels, whole or required, or left, op and right"
            self.complain(node, f"{problem} in an entry", remedy, extra[0] if extra else None)
            return []
        name = self.word(parts["column"], "column")
        place: dict[str, Any] = {"file": self.file, "line": _line(node)}
        rules: list[Rule] = []
        if keys & {"min", "max"}:
            low = self.number(parts["min"], "min") if "min" in parts else -math.inf
            high = self.number(parts["max"], "max") if "max" in parts else math.inf
            if low > high:
                self.complain(node, f"min {low:g} is above max {high:g}", "exchange them", name)
            rules.append(Rule("range", name, low, high, **place))
        if "levels" in parts:
            rules.append(Rule("level", name, levels=self.levels(parts["levels"]), **place))
        for key, kind in (("whole", "whole"), ("required", "missing")):
            if key in parts:
                self.true(parts[key], key)
                rules.append(Rule(kind, name, **place))
        return rules

    def parts(self, node: yaml.Node) -> dict[str, yaml.Node] | None:
        """Return the values of an entry by their keys."""
        import yaml

        if not isinstance(node, yaml.MappingNode):
            self.complain(node, "an entry is no mapping", "write it so: - {column: age, min: 0}")
            return None
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.word(key, None)
            if name in found:
                self.complain(key, f"{name!r} stands twice in an entry", "leave one out", name)
            found[name] = value
        return found

    def order(self, node: yaml.Node, parts: Mapping[str, yaml.Node]) -> list[Rule]:
        """Return the rule of an entry about two columns."""
        wrong = sorted(set(parts) ^ {"left", "op", "right"})
        if wrong:
            message = f"{'unknown key' if wrong[0] in parts else 'no'} {wrong[0]!r} in an order of two columns"
            self.complain(node, message, "give left, op and right, and nothing else", wrong[0])
            return []
        left, operator, right = (self.word(parts[key], key) for key in ("left", "op", "right"))
        if operator not in OPERATORS:
            self.complain(parts["op"], f"no operator {operator!r}", f"choose one of: {' '.join(OPERATORS)}", "op")
        return [Rule("order", left, operator=operator, right=right, file=self.file, line=_line(node))]

    def word(self, node: yaml.Node, key: str | None) -> str:
        """Return a name as it is written: yes stays yes, 1 stays 1."""
        import yaml

        if isinstance(node, yaml.ScalarNode) and not node.tag.endswith(":null"):
            return str(node.value)
        self.complain(node, "a name is expected", "write plain text", key)
        return ""

    def levels(self, node: yaml.Node) -> tuple[str, ...]:
        """Return a list of names."""
        import yaml

        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.complain(node, "levels is no list with an entry", "write it so: levels: [a, b]", "levels")
            return ()
        return tuple(self.word(item, "levels") for item in node.value)

    def number(self, node: yaml.Node, key: str) -> float:
        """Return a finite number."""
        text = self.word(node, key)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
        self.complain(node, f"{key} is no finite number: {text!r}", "write a number, for example 18 or 0.5", key)
        return 0.0

    def true(self, node: yaml.Node, key: str) -> None:
        """Refuse what is not true."""
        if not (node.tag.endswith(":bool") and node.value.lower() in ("true", "yes", "on")):
            self.complain(node, f"{key} is not true", f"write {key}: true, or leave it out", key)


def _line(node: yaml.Node) -> int | None:
    return node.start_mark.line + 1 if node.start_mark else None


def given(pair: Pair, rules: Sequence[Rule]) -> list[Value]:
    """Return how often synthetic rows break each given rule, graded against how often real rows do."""
    from review.evaluation.shares import beside

    check(rules, pair.columns)
    values = []
    for rule in rules:
        counts = [(int(rule.broken(frame).sum()), len(frame)) for frame in (pair.synthetic, pair.real)]
        marks, edge, judged = beside(counts[0], counts[1])
        sizes = {"real": counts[1][1], "synthetic": counts[0][1]}
        words = f"{counts[0][0]} synthetic and {counts[1][0]} real rows break it"
        against, interval = "share of the real rows and its Wilson interval", "Wilson interval, 95 %"
        values.append(Value(GIVEN, str(rule), *marks, edge, judged, **sizes, interval=interval, against=against, note=words))
    return values

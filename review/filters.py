"""A restricted ``where``: comparisons of columns with constants, and nothing else.

``DataFrame.query`` can reach Python (``@name``, attributes, calls), so the expression is read as a
syntax tree, every part of which must be on a short list, and evaluated by this module itself.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

from review.errors import FilterError

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 2000
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
UNKNOWN = "unknown"
_GRAMMAR = "use columns, constants, == != < <= > >=, in [..], not in [..], is unknown, is not unknown, and, or, not, and brackets"


def matches(frame: pd.DataFrame, where: str) -> pd.Series:
    """Return which rows of ``frame`` satisfy ``where``.

    Parameters
    ----------
    frame : DataFrame
        The table; its columns are the names that the expression may use.
    where : str
        For example ``year >= 2023 and modality == "text"``. Empty: all rows. A missing value or empty text is
        unknown, a comparison with it is unknown, and unknown rows are not selected (three-valued logic). They are asked
        for with ``modality is unknown``, and left out with ``is not unknown``.

    Returns
    -------
    Series of bool
        One value a row, never missing.

    Raises
    ------
    FilterError
        If the text is not such an expression, names no column, or compares text with numbers.
    """
    import pandas as pd

    if not where.strip():
        return pd.Series(True, index=frame.index)
    if len(where) > LONGEST:
        raise FilterError(f"the filter has {len(where)} characters -> shorten it to {LONGEST}")
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(where.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FilterError(f"cannot read the filter {where!r}: {error} -> {_GRAMMAR}") from None
    try:
        result = _Evaluator(frame).logic(tree.body)
    except RecursionError:
        raise FilterError("the filter is nested too deeply -> shorten it") from None
    return result.fillna(False).astype(bool)


class _Evaluator:
    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def refuse(self, node: ast.AST) -> FilterError:
        return FilterError(f"{ast.unparse(node)!r} is not allowed in a filter -> {_GRAMMAR}")

    def logic(self, node: ast.expr) -> pd.Series:
        """Evaluate a node to one (nullable) truth value a row."""
        if isinstance(node, ast.BoolOp):
            join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
            joined: pd.Series = reduce(join, map(self.logic, node.values))
            return joined
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
            left, right = self.logic(node.left), self.logic(node.right)
            return left & right if isinstance(node.op, ast.BitAnd) else left | right
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
            return ~self.logic(node.operand)
        if isinstance(node, ast.Compare):
            return self.comparison(node)
        if isinstance(node, ast.Name):
            column = self.column(node)
            if str(column.dtype) == "boolean":
                return column
            raise FilterError(f"{node.id!r} is not true or false -> compare it with a value")
        raise self.refuse(node)

    def column(self, node: ast.Name) -> pd.Series:
        import pandas as pd

        if node.id not in self.frame.columns:
            known = ", ".join(str(name) for name in self.frame.columns)
            raise FilterError(f"no column named {node.id!r} -> choose one of: {known}")
        column = self.frame[node.id]
        if pd.api.types.is_bool_dtype(column):
            return column.astype("boolean")
        if pd.api.types.is_integer_dtype(column):
            return column.astype("Int64")
        if pd.api.types.is_float_dtype(column):
            return column.astype("Float64")
        text = column.astype("string")
        return text.mask((text == "").fillna(False))

    def constant(self, node: ast.expr) -> str | int | float | bool:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.constant(node.operand)
            if isinstance(value, bool | str):
                raise self.refuse(node)
            return -value
        if isinstance(node, ast.Name) and node.id in ("true", "false"):
            return node.id == "true"
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str | int | float | bool):
            raise self.refuse(node)
        if isinstance(node.value, int) and node.value >= 2**63:
            raise FilterError("a number is too large -> use one below 2**63")
        return node.value

    def operand(self, node: ast.expr) -> pd.Series | str | int | float | bool:
        """Return a column, or the constant that it is compared with."""
        if isinstance(node, ast.Name) and (node.id in self.frame.columns or node.id not in ("true", "false")):
            return self.column(node)
        return self.constant(node)

    def fits(self, column: pd.Series, name: str, value: object) -> None:
        """Refuse a comparison that would silently be false everywhere."""
        given = "true or false" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
        if given != _kind(column):
            raise FilterError(f"{name!r} is a column of {_kind(column)}, {value!r} is {given} -> compare like with like")

    def comparison(self, node: ast.Compare) -> pd.Series:
        result: pd.Series | None = None
        operands = [node.left, *node.comparators]
        for left, sign, right in zip(operands, node.ops, operands[1:], strict=False):
            part = self.pair(node, left, sign, right)
            result = part if result is None else result & part
        assert result is not None  # a Compare node has at least one operator
        return result

    def pair(self, node: ast.Compare, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> pd.Series:
        import pandas as pd

        if isinstance(sign, ast.In | ast.NotIn):
            if not isinstance(left, ast.Name) or not isinstance(right, ast.List | ast.Tuple):
                raise self.refuse(node)
            column = self.column(left)
            values = [self.constant(item) for item in right.elts]
            for value in values:
                self.fits(column, left.id, value)
            found = column.isin(values).astype("boolean").mask(column.isna())
            return ~found if isinstance(sign, ast.NotIn) else found
        if isinstance(sign, ast.Is | ast.IsNot):
            if not isinstance(left, ast.Name) or not isinstance(right, ast.Name) or right.id != UNKNOWN:
                raise self.refuse(node)
            missing = self.column(left).isna().astype("boolean")
            return missing if isinstance(sign, ast.Is) else ~missing
        compare = _COMPARE.get(type(sign))
        if compare is None:
            raise self.refuse(node)
        first, second = self.operand(left), self.operand(right)
        kinds = {_kind(side) for side in (first, second) if isinstance(side, pd.Series)}
        if not kinds:
            raise self.refuse(node)
        if len(kinds) > 1:
            raise FilterError(f"{ast.unparse(node)!r} compares two types of column -> compare like with like")
        if kinds == {"true or false"} and not isinstance(sign, ast.Eq | ast.NotEq):
            raise FilterError(f"{ast.unparse(node)!r} puts true and false in order -> use == or !=")
        for name, mine, other in ((left, first, second), (right, second, first)):
            if isinstance(mine, pd.Series) and not isinstance(other, pd.Series):
                self.fits(mine, ast.unparse(name), other)
        compared: pd.Series = compare(first, second)
        return compared.astype("boolean")


def _kind(column: pd.Series) -> str:
    return {"string": "text", "boolean": "true or false"}.get(str(column.dtype), "number")

"""A restricted ``where``: comparisons of columns with constants, and nothing else.

``DataFrame.query`` can reach Python (``@name``, attributes, calls), so the expression is read as a
syntax tree, every part of which must be on a short list, and evaluated by this module itself.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
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
_GRAMMAR = "use columns, constants, == != < <= > >=, in [..], not in [..], and, or, not, and brackets"


def matches(frame: pd.DataFrame, where: str) -> pd.Series:
    """Return which rows of ``frame`` satisfy ``where``.

    Parameters
    ----------
    frame : DataFrame
        The table; its columns are the names that the expression may use.
    where : str
        For example ``year >= 2023 and modality == "text"``. Empty: all rows. A comparison with an
        unknown value is unknown, and unknown rows are not selected (three-valued logic).

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
            parts = [self.logic(value) for value in node.values]
            result = parts[0]
            for part in parts[1:]:
                result = result & part if isinstance(node.op, ast.And) else result | part
            return result
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
        return column.astype("string")

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
        return node.value

    def fits(self, column: pd.Series, name: str, value: object) -> None:
        """Refuse a comparison that would silently be false everywhere."""
        kind = str(column.dtype)
        right = {"string": str, "boolean": bool}.get(kind, (int, float))
        if not isinstance(value, right) or (kind in ("Int64", "Float64") and isinstance(value, bool)):
            raise FilterError(f"{name!r} is a column of type {kind}, {value!r} is not -> compare like with like")

    def comparison(self, node: ast.Compare) -> pd.Series:
        result: pd.Series | None = None
        operands = [node.left, *node.comparators]
        for left, sign, right in zip(operands, node.ops, operands[1:], strict=False):
            part = self.pair(node, left, sign, right)
            result = part if result is None else result & part
        assert result is not None  # a Compare node has at least one operator
        return result

    def pair(self, node: ast.Compare, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> pd.Series:
        if isinstance(sign, ast.In | ast.NotIn):
            if not isinstance(left, ast.Name) or not isinstance(right, ast.List | ast.Tuple):
                raise self.refuse(node)
            column = self.column(left)
            values = [self.constant(item) for item in right.elts]
            for value in values:
                self.fits(column, left.id, value)
            found = column.isin(values).astype("boolean").mask(column.isna())
            return ~found if isinstance(sign, ast.NotIn) else found
        compare = _COMPARE.get(type(sign))
        names = [side for side in (left, right) if isinstance(side, ast.Name) and side.id in self.frame.columns]
        if compare is None or not names:
            unknown = [side for side in (left, right) if isinstance(side, ast.Name)]
            if compare is not None and unknown:
                self.column(unknown[0])
            raise self.refuse(node)
        values = []
        for side in (left, right):
            values.append(self.column(side) if any(side is name for name in names) else self.constant(side))
        first, second = values
        for mine, other in ((first, second), (second, first)):
            if isinstance(other, str | int | float | bool):
                self.fits(mine, names[0].id, other)
        if len(names) == 2 and str(first.dtype) != str(second.dtype):
            raise FilterError(f"{ast.unparse(node)!r} compares two types of column -> compare like with like")
        return compare(first, second).astype("boolean")

"""Small faults that are put into a module, one at a time: the mutants of ``tools/mutation.py``.

Not touched: annotations, decorators, docstrings, imports, assertions, type aliases, ``strict=`` of ``zip``, and prose (strings of
several words, and what a ``raise`` says).
"""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

COMPARE = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
PAIRS = (
    ("min", "max"),
    ("any", "all"),
    ("argmin", "argmax"),
    ("floor", "ceil"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("minimum", "maximum"),
    ("isna", "notna"),
    ("hstack", "vstack"),
)
SWAPPED = dict(PAIRS) | {two: one for one, two in PAIRS}
DROPPED = {
    *("abs", "sorted", "copy", "strip", "lower", "casefold", "sort_values", "reset_index", "dropna", "fillna", "astype"),
    *("round", "drop", "mask", "unique", "upper", "ravel", "sort", "clip", "permutation"),
}
"""Calls that are left out: what they are called on, or with, takes their place."""

TYPES = {"tuple", "dict", "list", "NDArray", "Mapping", "Iterable", "Callable", "TypeVar"}
LONGEST = 60
"""Characters of code that name a change."""

PROSE = re.compile(r"\w\W* .*\w")


@dataclass(frozen=True)
class Mutant:
    """One small fault.

    Attributes
    ----------
    function : str
        Outermost function or method ("" at the level of the module or of a class).
    line : int
    text : str
        The line, stripped.
    change : str
        What was and what is now; with the occurrence if a line has the same change twice.
    where : tuple
        Node whose field (and place in it) is set.
    new : AST
    inside : bool
        Whether it is in a function (its code, or a default), which can then be exchanged at run time.
    """

    function: str
    line: int
    text: str
    change: str
    where: tuple[ast.AST, str, int | None]
    new: ast.AST
    inside: bool

    @property
    def name(self) -> tuple[str, str, str]:
        """What stays the same when other lines change."""
        return self.function, self.text, self.change

    def apply(self) -> None:
        """Put the fault into the tree, for good."""
        parent, field, place = self.where
        if place is None:
            setattr(parent, field, self.new)
        else:
            getattr(parent, field)[place] = self.new


def mutants(source: str, tree: ast.Module) -> list[Mutant]:
    """Return every mutant of a module, in the order of the text."""
    lines = source.splitlines()
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for function, inside, line, where, old, new in _walk(tree, "", inside=False, line=1):
        text, change = lines[line - 1].strip(), getattr(new, "words", f"{_words(old)} -> {_words(new)}")
        seen[function, text, change] += 1
        again = seen[function, text, change]
        found.append(Mutant(function, line, text, change + (f" #{again}" if again > 1 else ""), where, new, inside))
    return found


def _words(node: ast.AST) -> str:
    words = " ".join(ast.unparse(node).split())
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}..."


Found = tuple[str, bool, int, tuple[ast.AST, str, "int | None"], ast.AST, ast.AST]


def _walk(parent: ast.AST, function: str, *, inside: bool, line: int) -> Iterator[Found]:
    for field, held in ast.iter_fields(parent):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for place, node in enumerate(held) if isinstance(held, list) else [(None, held)]:
            if not isinstance(node, ast.AST) or _skipped(node, parent):
                continue
            at = getattr(node, "lineno", line)
            within = inside or (isinstance(parent, ast.FunctionDef) and field in ("body", "args"))
            for new in (*_expressions(node, parent, field), *_statements(node)):
                placed = ast.fix_missing_locations(new if hasattr(new, "lineno") else ast.copy_location(new, node))
                yield function, within, at, (parent, field, place), node, placed
            if isinstance(node, ast.Raise | ast.JoinedStr) and _message(node):
                continue
            named = isinstance(node, ast.ClassDef | ast.FunctionDef) and not within
            name = f"{function}.{node.name}".lstrip(".") if named else function
            yield from _walk(node, name, inside=within, line=at)


def _message(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True
    return any(isinstance(part, ast.Constant) and PROSE.search(str(part.value)) for part in ast.walk(node))


def _skipped(node: ast.AST, parent: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return _words(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign) and isinstance(parent, ast.Module):
        return _name_of_type_or_prose(node.value)
    strict = isinstance(node, ast.keyword) and node.arg == "strict"
    return strict or isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.Load | ast.Store)


def _name_of_type_or_prose(made: ast.expr) -> bool:
    if isinstance(made, ast.Constant):
        return bool(PROSE.search(str(made.value)))
    head = made.value if isinstance(made, ast.Subscript) else made.func if isinstance(made, ast.Call) else None
    return isinstance(head, ast.Name) and head.id in TYPES


def _expressions(node: ast.AST, parent: ast.AST, field: str) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            ops = [*node.ops[:place], COMPARE[type(operator)](), *node.ops[place + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Slice):
        for bound in ("lower", "upper"):
            if getattr(node, bound) is not None:
                new = copy.copy(node)
                setattr(new, bound, None)
                yield new
    tested = field == "test" and isinstance(parent, ast.If | ast.IfExp | ast.While)
    if (tested or field == "ifs") and isinstance(node, ast.expr) and not isinstance(node, ast.UnaryOp):
        plain = isinstance(node, ast.Compare) and len(node.ops) == 1
        if not (plain and type(node.ops[0]) in (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)):
            yield ast.UnaryOp(ast.Not(), node)


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, float):
        yield ast.Constant(value * 2 or 1.0)
        if value:
            yield ast.Constant(value / 2)
    elif isinstance(value, str) and not PROSE.search(value):
        yield ast.Constant(f"XX{value}XX" if value else "XX")


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    head = node.func
    name = head.attr if isinstance(head, ast.Attribute) else head.id if isinstance(head, ast.Name) else ""
    if name in SWAPPED:
        new = copy.copy(node)
        new.func = (
            ast.Attribute(head.value, SWAPPED[name], ast.Load())
            if isinstance(head, ast.Attribute)
            else ast.Name(SWAPPED[name], ast.Load())
        )
        yield new
    if name in DROPPED:
        library = (
            isinstance(head, ast.Attribute) and isinstance(head.value, ast.Name) and head.value.id in ("np", "pd", "math", "draw")
        )
        if isinstance(head, ast.Attribute) and not library:
            yield _said(copy.copy(head.value), f"no {name}() of {_words(head.value)}")
        elif node.args and not isinstance(node.args[0], ast.Starred):
            yield _said(copy.copy(node.args[0]), f"no {name}() of {_words(node.args[0])}")
    for place, word in enumerate(node.keywords):
        if word.arg not in (None, "strict"):
            new = copy.copy(node)
            new.keywords = [*node.keywords[:place], *node.keywords[place + 1 :]]
            yield _said(new, f"{name}() without {word.arg}=")


def _said(node: ast.AST, words: str) -> ast.AST:
    """Say in words what a mutant changes, where its code is long."""
    node.words = words  # type: ignore[attr-defined]
    return node


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr | ast.Raise | ast.AugAssign | ast.Delete):
        yield ast.Pass()
    if isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        yield ast.AugAssign(node.target, ARITHMETIC[type(node.op)](), node.value)
    if isinstance(node, ast.Continue):
        yield ast.Break()
    if isinstance(node, ast.Break):
        yield ast.Continue()
    if isinstance(node, ast.Return) and node.value is not None and _words(node.value) != "None":
        yield ast.Return(ast.Constant(None))
    if isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Tuple) and _words(node.value) != "None":
        yield ast.Assign(node.targets, ast.Constant(None))
    if isinstance(node, ast.AnnAssign) and node.value is not None and _words(node.value) != "None":
        new = copy.copy(node)
        new.value = ast.Constant(None)
        yield new

"""Finds what could make two runs of a module differ: clocks, folders and sets in the order they have, chance without a seed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

CLOCKS = {"now", "today", "utcnow", "time.time", "time.strftime", "time.localtime", "time.ctime", "time.gmtime", "time.time_ns"}
CHANCE = {"uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getpid", "os.cpu_count", "socket.gethostname", "platform.node"}
UNSORTED = {"glob", "rglob", "iterdir", "listdir", "scandir", "walk"}
MODULES = ("locale", "random", "secrets", "getpass")
SEEDED = {"default_rng", "Generator", "SeedSequence", "fork_rng"}
WHATEVER_ORDER = {"sorted", "set", "frozenset", "any", "all", "len", "max", "min", "Counter"}
"""What these give does not depend on the order of what they take (of numbers; a sum of floats does)."""

SETS = {"union", "intersection", "difference", "symmetric_difference"}


@dataclass(frozen=True)
class Found:
    """One such place."""

    where: str
    line: int
    what: str


def find(text: str) -> list[Found]:
    """Return such places in the text of a module, with the names of the functions they are in."""
    tree = ast.parse(text)
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    found = [*_calls(tree, parents), *_orders(tree, parents)]
    return sorted((Found(_where(node, parents), node.lineno, what) for node, what in found), key=lambda one: (one.line, one.what))


def _where(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str:
    names = []
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
    return ".".join(reversed(names))


def _calls(tree: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.expr, str]]:
    """Yield calls of clocks, of chance, and of folders that are not sorted."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        whole = name in CLOCKS | CHANCE | {"hash", "id", "uuid1", "uuid4"}
        clock = last in CLOCKS and isinstance(node.func, ast.Attribute)
        module = name.partition(".")[0] in MODULES and last not in SEEDED and "." in name
        bare = last == "default_rng" and not node.args and not node.keywords
        if whole or clock or module or bare:
            yield node, f"{name}()"
        elif (
            last in UNSORTED
            and isinstance(node.func, ast.Attribute)
            and not name.startswith("ast.")
            and not _settled(node, parents)
        ):
            yield node, f"{last}() in the order of the folder"


def _orders(tree: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.expr, str]]:
    """Yield sets whose order is used: loops, lists, joined texts, dictionaries."""
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        known = _names(scope)
        for node in _own(scope):
            if isinstance(node, ast.For) and _is_set(node.iter, known):
                yield node.iter, "a loop over a set"
            elif isinstance(node, ast.ListComp | ast.DictComp | ast.GeneratorExp):
                if any(_is_set(part.iter, known) for part in node.generators) and not _settled(node, parents):
                    yield node, "items in the order of a set"
            elif isinstance(node, ast.Starred) and _is_set(node.value, known):
                if not isinstance(parents[node], ast.Set) and not _settled(node, parents):
                    yield node, "items in the order of a set"
            elif isinstance(node, ast.Call) and node.args:
                last = ast.unparse(node.func).rpartition(".")[2]
                if last in {"list", "tuple", "join", "enumerate", "fromkeys", "iter", "dict", "DataFrame", "Series"} and any(
                    _is_set(one, known) for one in node.args
                ):
                    yield node, f"{last}() of a set"


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in a function, but not what is in functions inside it."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from _own(node)


def _names(scope: ast.AST) -> set[str]:
    """Return names that stand for sets only."""
    given: dict[str, list[bool]] = {}
    for node in _own(scope):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            given.setdefault(node.targets[0].id, []).append(_is_set(node.value, set()))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            given.setdefault(node.target.id, []).append(ast.unparse(node.annotation).startswith(("set", "frozenset")))
        elif isinstance(node, ast.For | ast.comprehension):
            for one in ast.walk(node.target):
                if isinstance(one, ast.Name):
                    given.setdefault(one.id, []).append(False)
    arguments = scope.args if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) else None
    for one in [*arguments.args, *arguments.kwonlyargs] if arguments else []:
        kind = ast.unparse(one.annotation) if one.annotation else ""
        given.setdefault(one.arg, []).append(kind.startswith(("set[", "frozenset[", "Set[", "AbstractSet[")))
    return {name for name, sets in given.items() if all(sets)}


def _is_set(node: ast.expr, known: set[str]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name():
            return node.id in known
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Attribute(attr=attribute)) if attribute in SETS:
            return True
        case ast.BinOp(op=ast.Sub() | ast.BitOr() | ast.BitAnd() | ast.BitXor()):
            return _is_set(node.left, known) or _is_set(node.right, known) or _is_keys(node.left)
        case ast.IfExp():
            return _is_set(node.body, known) or _is_set(node.orelse, known)
    return False


def _is_keys(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".keys")


def _settled(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Tell whether the order of an expression is settled, or does not matter, where it is used."""
    while True:
        above = parents.get(node)
        if isinstance(above, ast.SetComp):
            return True
        if isinstance(above, ast.comprehension) and above.iter is node:
            node = parents[above]
            if isinstance(node, ast.SetComp):
                return True
        elif isinstance(above, ast.Call) and node in above.args and isinstance(above.func, ast.Name):
            return above.func.id in WHATEVER_ORDER
        elif isinstance(above, ast.Starred | ast.ListComp | ast.GeneratorExp | ast.Set):
            node = above
            if isinstance(node, ast.Set):
                return True
        else:
            return False

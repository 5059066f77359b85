"""How the tests are run on a fault: in forked processes, each of which may do to itself what it likes.

A process that has collected the tests is forked for each fault, so that a fault costs no more than the tests that it fails.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.abc
import importlib.util
import os
import pickle
import resource
import signal
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from processor_time import at_most

ROOT = Path(__file__).resolve().parents[1]

KILLED, SURVIVED, TIMED_OUT, UNCOVERED, UNTRIED = "killed", "survived", "timed out", "not covered", "not tried"
FAILED = 1
"""Exit status where a test fails; 0 if none does, anything else if the fault could not be tried."""


@dataclass(frozen=True)
class Covered:
    """What one test does without any fault: seconds of CPU, and the lines that it runs, by module."""

    seconds: float
    lines: dict[str, frozenset[int]]


def in_fork(work: Callable[[], int], seconds: float = 3600) -> int:
    """Run something in a forked process and return its exit status; negative: the signal that ended it."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = scratch
            tempfile.tempdir = scratch
            limit = int(seconds) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20 * limit)
            status = 70
            with contextlib.suppress(BaseException):
                status = work()
            os._exit(status)
        _, ended = os.waitpid(child, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(ended)


def tried(status: int) -> str:
    """Return what the exit status of a process that ran the tests of a fault says."""
    if status in (-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL):
        return TIMED_OUT
    return {0: SURVIVED, FAILED: KILLED}.get(status, UNTRIED)


class Loop:
    """A plugin of pytest that does something with the collected tests instead of running them."""

    def __init__(self, work: Callable[[Any], object]) -> None:
        self.work = work
        self.done: object = None

    def pytest_runtestloop(self, session: Any) -> bool:
        """Take the place of the loop over tests."""
        if not session.testsfailed:
            self.done = self.work(session)
        return True


def collect(files: Sequence[str], work: Callable[[Any], object]) -> object:
    """Collect the tests of some files, without any output, and return what ``work`` makes of the session."""
    hypothesis.settings.register_profile("mutation", database=None, derandomize=True, deadline=None)
    hypothesis.settings.load_profile("mutation")
    loop = Loop(work)
    options = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "-p", "no:faulthandler"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning", "--capture=sys", "--rootdir", str(ROOT)]
    held = os.dup(1), os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    if not os.environ.get("MUTATION_OUTPUT"):
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    try:
        pytest.main([*options, *(str(ROOT / "tests" / name) for name in files)], plugins=[loop])
    finally:
        os.dup2(held[0], 1)
        os.dup2(held[1], 2)
    return loop.done


def passes(session: Any, chosen: Sequence[str]) -> bool:
    """Run some of the collected tests up to the first that fails."""
    items = {item.nodeid: item for item in session.items}
    queue = [items[name] for name in chosen]
    for item, following in zip(queue, [*queue[1:], None], strict=True):
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following)):
            return False
    return True


@contextlib.contextmanager
def running(modules: Sequence[str]) -> Iterator[dict[str, frozenset[int]]]:
    """Note which lines of some modules are run within the context."""
    cover = coverage.Coverage(data_file=None, include=[str(ROOT / name) for name in modules], config_file=False)
    ran: dict[str, frozenset[int]] = {}
    cover.start()
    try:
        yield ran
    finally:
        cover.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", coverage.exceptions.CoverageWarning)  # a test need not run any of the modules
        data = cover.get_data()
    ran |= {name: frozenset(data.lines(str(ROOT / name)) or ()) for name in modules}


def prepare(session: Any, path: str, spans: Sequence[range]) -> None:
    """Set up the fixtures that tests of the first file share, once for all faults, if that runs no function of the module."""
    items, known = [], set()
    for item in session.items:
        held = item._fixtureinfo.name2fixturedefs.items()
        shared = {name for name, made in held if made[-1].scope in ("module", "session") and made[-1].params is None}
        if item.path == session.items[0].path and shared - known:
            items.append(item)
            known |= shared

    def set_up() -> None:
        session.config.option.setuponly = True
        for item in items:
            following = next((other for other in session.items if other.path == item.path and other is not item), None)
            runtestprotocol(item, log=False, nextitem=following)
        session.config.option.setuponly = False

    def probe() -> int:
        with running([path]) as ran:
            set_up()
        return 0 if all(ran[path].isdisjoint(lines) for lines in spans) else 1

    if in_fork(probe) == 0:
        set_up()


def record(files: Sequence[str], modules: Sequence[str], longest: float, folder: str = "") -> dict[str, Covered]:
    """Run every test once, with its own fixtures, and return what it covers; stop at a test that fails.

    A test that takes more than three times ``longest`` seconds (noting lines takes time) is cut off: it covers nothing.

    With a folder, what was found before is kept there as long as the modules are the same, so that only new tests are run.
    """
    sources = [(ROOT / name).read_bytes() for name in modules]
    kept = Path(folder) / f"{hashlib.sha256(pickle.dumps([modules, sources])).hexdigest()[:16]}.pickle"
    before = pickle.loads(kept.read_bytes()) if folder and kept.exists() else {}  # noqa: S301 - own data

    def each(session: Any) -> dict[str, Covered] | str:
        found = {}
        for item in session.items:
            if item.nodeid in before:
                found[item.nodeid] = before[item.nodeid]
                continue
            began = time.process_time()
            with running(modules) as ran, at_most(3 * longest):
                good = passes(session, [item.nodeid])
            seconds = time.process_time() - began
            if not good and seconds < 3 * longest:
                return item.nodeid
            found[item.nodeid] = Covered(seconds, ran if good else dict.fromkeys(modules, frozenset()))
        return found

    found = handed_back(lambda: collect(files, each))
    if not isinstance(found, dict) or not found:
        raise SystemExit(f"the tests fail without any fault: {found}")
    if folder:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(found))
    return found


def handed_back(work: Callable[[], object]) -> Any:
    """Return what ``work`` returns in a forked process."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        file = Path(folder) / "found"

        def write() -> int:
            file.write_bytes(pickle.dumps(work()))
            return 0

        status = in_fork(write, 24 * 3600)
        return pickle.loads(file.read_bytes()) if file.exists() else f"exit status {status}"  # noqa: S301 - own data


def exchange(module: types.ModuleType, function: str, tree: ast.Module) -> None:
    """Give a function, method or property of a module the code and the defaults that it has in a changed tree."""
    held: Any = module
    code = compile(tree, str(module.__file__), "exec")
    body: list[ast.stmt] = tree.body
    for part in function.split("."):
        held = vars(held)[part]
        code = next(inner for inner in code.co_consts if isinstance(inner, types.CodeType) and inner.co_name == part)
        node = next(node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == part)
        body = node.body
    for wrapped in ("fget", "func", "__func__", "__wrapped__"):
        held = getattr(held, wrapped, None) or held
    assert isinstance(node, ast.FunctionDef)

    def value(default: ast.expr) -> Any:
        return eval(compile(ast.Expression(default), str(module.__file__), "eval"), vars(module))  # noqa: S307

    held.__code__ = code
    if held.__defaults__:
        held.__defaults__ = tuple(value(default) for default in node.args.defaults)
    if held.__kwdefaults__:
        pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        held.__kwdefaults__ = {word.arg: value(default) for word, default in pairs if default is not None}


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed tree."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002
        """Find the one module."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def create_module(self, spec: Any) -> None:
        """Leave the making of the module to Python."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the changed tree."""
        exec(compile(self.tree, str(self.path), "exec"), vars(module))  # noqa: S102

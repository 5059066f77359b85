"""Kill every command that writes files, at every moment that matters and at random ones, and see what is left.

    python tests/faults/commands.py [--command NAME] [--kills N] [--seed S] [--action kill|terminate|interrupt|full|broken]

Each command is run undisturbed once. Then it is run again and again, each time with a fault at another of its changes to files
(see :mod:`hook`) or at a random moment, then once more without. Afterwards everything must be as if nothing had happened; and
at no time may a file under its final name be anything but the old or the new one. Ends with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import atexit
import collections
import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cases
import hook
from cases import CASES, OUT, RESULTS, Case
from hook import BROKEN, FULL, SIGNALS, Plan
from kills import marked

HERE = Path(__file__).resolve().parent
PATIENCE = 300.0
"""Seconds after which a command that does not end counts as hanging."""

GRACE = 30.0
"""Seconds that processes get to end after the command that started them was killed."""

MARK = "REVIEW_FAULTS_BOX"
Tree = dict[str, bytes]
REFUSALS = ("another process", "another batch", "in another notebook", "changed meanwhile", "run the command again")
"""Words of which one stands in the error of a command that came too late."""


def no_rights(box: Box) -> None:
    """Take away the right to write anything."""
    for folder in (box.folder, *box.folder.rglob("*")):
        if folder.is_dir():
            folder.chmod(0o555)
    libc = ctypes.CDLL(None)
    version, held = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(version, held) == 0:
        held[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: what lets the superuser write everywhere
        held[1] &= ~0b110
        libc.capset(version, held)


def few_files(_: Box) -> None:
    """Allow hardly any open file more than there are."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 2,) * 2)


def small_files(_: Box) -> None:
    """Let every file end after 2000 bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))


CONDITIONS = {setting.__name__: setting for setting in (no_rights, few_files, small_files)}
Setting = Callable[["Box"], None]


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit status (negative: the signal; None: it hung), what it said, whether the fault happened, and where."""

    code: int | None
    out: str
    err: str
    note: hook.Note | None
    strays: tuple[str, ...] = ()


@contextlib.contextmanager
def servers() -> Iterator[dict[str, str]]:
    """Run a language model and the literature services on loopback, in a process of their own; yield their environment."""
    code = (
        "import json, sys, contextlib; sys.path.insert(0, sys.argv[1]); import llm_server, living_server\n"
        "answer = json.dumps({'quote': 'Pain after Surgery', 'code': 'cohort', 'text': 'A note.', 'note': 'A note.'})\n"
        "with llm_server.serve(llm_server.say(llm_server.body(answer))) as one, living_server.serve() as two:\n"
        "    print(json.dumps({'REVIEW_LLM_BASE_URL': one.url, 'REVIEW_LLM_MODEL': 'm', **two.environment()}), flush=True)\n"
        "    sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(cases.TESTS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


@dataclass
class Box:
    """A folder in which commands are run: always the same, emptied each time.

    Attributes
    ----------
    folder : Path
    services : dict of str to str
        Environment of the servers.
    """

    folder: Path
    services: dict[str, str]
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder.with_name(self.folder.name + ".log")

    def empty(self, case: Case) -> None:
        """Prepare for a command."""
        self.open_up()
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("in", "home", "tmp", OUT):
            (self.folder / name).mkdir(parents=True)
        case.prepare(self.folder)

    def open_up(self) -> None:
        """Give back the right to write."""
        for folder, _, _ in os.walk(self.folder):
            os.chmod(folder, 0o755)

    def tree(self, *names: str) -> Tree:
        """Return every file of some folders of the box; b"" stands for a folder."""
        found = {}
        for name in names or RESULTS:
            for path in sorted((self.folder / name).rglob("*")):
                key = str(path.relative_to(self.folder))
                found[key + os.sep * path.is_dir()] = path.read_bytes() if path.is_file() else b""
        return {name: data for name, data in found.items() if not name.startswith("tmp/torchinductor")}

    def environment(self) -> dict[str, str]:
        folder = self.folder
        places = {"HOME": folder / "home", "TMPDIR": folder / "tmp", MARK: folder, "BROWSER_PATH": shutil.which("chromium") or ""}
        path = os.pathsep.join([str(HERE / "site"), str(HERE.parent.parent)])
        fixed = {
            "PYTHONPATH": path,
            "PYTHONHASHSEED": "0",
            "COLUMNS": "100",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and not name.startswith("COV")}
        return {**kept, **fixed, **{name: str(value) for name, value in places.items()}, **self.services}

    def run(
        self,
        case: Case,
        word: str = "new",
        at: int = 0,
        action: str = "kill",
        after: float = 0.0,
        setting: Setting | None = None,
    ) -> Ended:
        """Run a command, with a fault at its k-th change to files, a signal after some seconds, or under a condition."""
        return self.together(case, 1, word, at, action, after, setting)[0]

    def together(
        self,
        case: Case,
        number: int,
        word: str = "new",
        at: int = 0,
        action: str = "kill",
        after: float = 0.0,
        setting: Setting | None = None,
    ) -> list[Ended]:
        """Run a command several times at the same time."""
        for path in (self.log, Path(f"{self.log}.stray")):
            path.unlink(missing_ok=True)
        plan = Plan([str(self.folder)], str(self.log), at, action)
        places = [self.folder.with_name(f"{self.folder.name}.said-{place}") for place in range(number)]
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        if case.forked:
            pids = [self._fork(case, word, plan, place, setting) for place in places]
        else:
            pids = [self._start(case, word, plan, place) for place in places]
        codes = [self._wait(pid, after, action) for pid in pids]
        return [self._ended(code, at, place) for code, place in zip(codes, places, strict=True)]

    def _ended(self, code: int | None, at: int, place: Path) -> Ended:
        out, err = ((place / name).read_text("utf-8", "replace") for name in ("out", "err"))
        found = hook.notes(self.log)
        stray = Path(f"{self.log}.stray")
        strays = tuple(sorted(set(stray.read_text().splitlines()))) if stray.exists() else ()
        return Ended(code, out, err, found[at - 1] if 0 < at <= len(found) else None, strays)

    def count(self) -> int:
        """Return how many changes the last run made."""
        return len(hook.notes(self.log))

    def _fork(self, case: Case, word: str, plan: Plan, place: Path, setting: Setting | None) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 70
        try:
            os.setsid()
            for number, name in ((1, "out"), (2, "err")):
                handle = os.open(place / name, os.O_WRONLY | os.O_CREAT)
                os.dup2(handle, number)
                os.close(handle)
            sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
            sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)
            os.environ.clear()
            os.environ.update(self.environment())
            tempfile.tempdir = None
            os.chdir(self.folder)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            atexit._clear()
            if setting is None:
                hook.install(plan)
            else:
                setting(self)
            code = case.work(self.folder, word)
            sys.stdout.flush()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            atexit._run_exitfuncs()
            os._exit(code)

    def _start(self, case: Case, word: str, plan: Plan, place: Path) -> int:
        environment = self.environment() | {hook.VARIABLE: json.dumps(plan)}
        words = [sys.executable, str(HERE / "cases.py"), case.name, str(self.folder), word]
        said = {name: (place / name).open("wb") for name in ("out", "err")}
        streams = {"stdin": subprocess.DEVNULL, "stdout": said["out"], "stderr": said["err"]}
        process = subprocess.Popen(words, **streams, cwd=self.folder, env=environment, start_new_session=True)
        for file in said.values():
            file.close()
        process.returncode = 0  # it is waited for below
        return process.pid

    def _wait(self, pid: int, after: float, action: str) -> int | None:
        limit, begun, sent = time.monotonic() + PATIENCE, time.monotonic(), not after
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if not sent and time.monotonic() - begun > after:
                os.killpg(pid, SIGNALS[action])
                sent = True
            if time.monotonic() > limit:
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return None
            time.sleep(0.002)

    def orphans(self) -> list[int]:
        """Return processes of the box that still run after some seconds."""
        limit = time.monotonic() + GRACE
        while (alive := marked(f"{MARK}={self.folder}")) and time.monotonic() < limit:
            time.sleep(0.05)
        return alive


class Campaign:
    """Counts faults and what was wrong after them."""

    def __init__(self, box: Box, seed: int = 1) -> None:
        self.box, self.random = box, random.Random(seed)
        self.faults: collections.Counter[str] = collections.Counter()
        self.wrong: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []

    def say(self, what: str, detail: str) -> None:
        """Note something that is wrong."""
        self.wrong[what] += 1
        self.problems.append(f"{what}: {detail}")
        print(f"  {what}: {detail}", flush=True)

    def command(
        self, case: Case, number: int, actions: tuple[str, ...], *, conditions: bool = True, chance: float = 0.25
    ) -> None:
        """Do a command with so many faults of each kind; a part of the kills come at random moments."""
        box = self.box
        box.empty(case)
        begun = time.monotonic()
        first = box.run(case)
        seconds, total, wanted = time.monotonic() - begun, box.count(), box.tree()
        if first.code != 0 or "Traceback" in first.err:
            self.say("undisturbed", f"{case.name}: {first.code} {first.err[-2000:]}")
            return
        if first.strays:
            self.say("stray", f"{case.name} writes elsewhere: {first.strays}")
        left = sorted(box.tree("tmp"))
        if left:
            self.say("left over", f"{case.name}, undisturbed: {left}")
        print(f"{case.name}: {seconds:.1f} s, {total} changes, {len(wanted)} files and folders", flush=True)
        again = box.run(case)
        if again.code != 0 or self.different(case, box.tree(), wanted):
            self.say("unequal", f"{case.name}, run twice: {again.code} {self.different(case, box.tree(), wanted)}")
        if conditions:
            self.conditions(case, wanted)
        for action in actions:
            few = number if action in ("kill", FULL) else max(1, number // 4)
            places = list(range(1, total + 1)) if total <= few else sorted(self.random.sample(range(1, total + 1), few))
            for place in places:
                self.fault(case, wanted, place, action)
            for _ in range(int(few * chance) if action == "kill" else 0):
                self.fault(case, wanted, 0, action, self.random.uniform(0.02, seconds))

    def conditions(self, case: Case, wanted: Tree) -> None:
        """Do a command under each condition, and twice at the same time; then once more without."""
        box = self.box
        for name, setting in CONDITIONS.items() if case.forked else ():
            box.empty(case)
            if case.older:
                box.run(case, "old")
            before = box.tree()
            ended = box.run(case, setting=setting)
            box.open_up()
            self.faults[f"{case.name} {name}"] += 1
            told = f"{case.name}, {name}"
            if ended.code not in (0, 1) or "Traceback" in ended.err or (ended.code == 1 and "->" not in ended.err):
                self.say("unclear", f"{told}: {ended.code} {ended.err[-1500:]}")
            self._whole(case, told, before, wanted)
            self._again(case, told, before, wanted)
        box.empty(case)
        before = box.tree()
        self.faults[f"{case.name} twice"] += 1
        for ended in box.together(case, 2):
            if ended.code != 0 and not (ended.code == 1 and any(words in ended.err for words in REFUSALS)):
                self.say("collides", f"{case.name}: {ended.code} {ended.err[-1500:]}")
        self._again(case, f"{case.name}, twice at once", before, wanted)

    def _whole(self, case: Case, name: str, before: Tree, wanted: Tree) -> None:
        """See that every file is the old or the new one, and that none is gone."""
        found = self.box.tree()
        for file, data in found.items():
            if not self.fine(case, file) and data not in (before.get(file), wanted.get(file)):
                self.say("half-written", f"{name}: {file} ({len(data)} bytes)")
        lost = [file for file in before if file in wanted and not self.fine(case, file) and file not in found]
        if lost:
            self.say("lost", f"{name}: {lost[:5]}")

    def _again(self, case: Case, name: str, before: Tree, wanted: Tree) -> None:
        """Do the command once more: all has to be as if nothing had happened."""
        again = self.box.run(case)
        if again.code != 0 or "Traceback" in again.err:
            self.say("not taken up", f"{name}: {again.code} {again.err[-1000:]}")
        elif found := self.different(case, self.box.tree(), wanted, before):
            self.say("unequal", f"{name}: {found}")

    def fault(self, case: Case, wanted: Tree, at: int, action: str, after: float = 0.0) -> None:
        """Do a command with one fault, then once more without."""
        box = self.box
        box.empty(case)
        if case.older and self.random.random() < 0.5:
            box.run(case, "old")
        before = box.tree()
        ended = box.run(case, at=at, action=action, after=after)
        where = f"{ended.note.kind} {Path(ended.note.path).relative_to(box.folder)}" if ended.note else f"{after:.2f} s"
        name = f"{case.name}, {action} at {at} ({where})"
        self.faults[f"{case.name} {action}"] += 1
        if ended.code is None:
            self.say("hangs", name)
        if "Traceback" in ended.err and action != "kill":
            self.say("traceback", f"{name}: {ended.err[ended.err.index('Traceback') :][-1500:]}")
        if action in (FULL, BROKEN) and ended.note and not case.parts:
            self._said(name, ended, box)
        self._whole(case, name, before, wanted)
        stuck = action == BROKEN and ended.note is not None and ended.note.kind in ("remove", "rmdir")
        if action != "kill" and not stuck and (left := sorted(box.tree("tmp"))):
            self.say("left over", f"{name}: {left[:5]}")
        if alive := box.orphans():
            self.say("orphans", f"{name}: {alive}")
            for pid in alive:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        self._again(case, name, before, wanted)

    def _said(self, name: str, ended: Ended, box: Box) -> None:
        """See that an error names its file and what to do."""
        if ended.code == 0:
            return
        last = ended.err.strip().splitlines()[-1:] or [""]
        if ended.code != 1 or "->" not in ended.err or str(box.folder) not in ended.err:
            self.say("unclear", f"{name}: {ended.code} {last[0][:300]}")

    def fine(self, case: Case, file: str) -> bool:
        """Tell whether a file is one that is never half-written because nobody reads it under its name, or that has times."""
        parts = Path(file).parts
        hidden = any(part.startswith(".") for part in parts)
        return (
            hidden
            or parts[-1] in (*case.volatile, *case.growing)
            or (file.endswith((".jsonl", ".torn", os.sep)) and OUT in parts)
        )

    def different(self, case: Case, found: Tree, wanted: Tree, before: Tree | None = None) -> list[str]:
        """Return the names of files that are not as they should be; what an earlier run alone has left may be there."""
        kept = {name for name in before or {} if name not in wanted}
        kept |= {name for name in found if name.endswith(".torn")}
        names = (set(found) | set(wanted)) - kept
        some = {name for name in names if Path(name).name in case.volatile and name in found and name in wanted}
        return sorted(name for name in names - some if found.get(name) != wanted.get(name))[:8]


def main() -> int:
    """Run the campaign and print the counts."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--command", action="append", choices=CASES, help="only this one (may be repeated)")
    arguments.add_argument("--kills", type=int, default=40, help="kills, and moments of a full disk, for each command")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--action", action="append", choices=hook.ACTIONS, help="only this fault (may be repeated)")
    arguments.add_argument("--no-conditions", action="store_true", help="leave out small limits, missing rights and collisions")
    options = arguments.parse_args()
    begun, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="faults-"))
    with servers() as services:
        warm()
        campaign = Campaign(Box(folder / "box", services), options.seed)
        for name in options.command or CASES:
            campaign.command(
                CASES[name], options.kills, tuple(options.action or hook.ACTIONS), conditions=not options.no_conditions
            )
    shutil.rmtree(folder)
    print(f"\n{sum(campaign.faults.values())} faults in {time.monotonic() - begun:.0f} s")
    for name, count in sorted(campaign.faults.items()):
        print(f"{name}: {count}")
    print(f"wrong: {dict(campaign.wrong)}")
    return 1 if campaign.wrong else 0


def warm() -> None:
    """Import what commands import, so that forks of this process need not."""
    import numpy as np
    import openai
    import pandas as pd
    import pandera
    import plotly.graph_objects
    import scipy.stats
    import sklearn.ensemble
    import statsmodels.api
    import torch

    import review

    for module in pkgutil.walk_packages(review.__path__, "review."):
        importlib.import_module(module.name)
    torch.set_num_threads(1)
    assert all((np, openai, pd, pandera, plotly, scipy, sklearn, statsmodels))


if __name__ == "__main__":
    sys.exit(main())

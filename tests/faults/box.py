"""The folder in which commands of the campaign are run, with a fault at a chosen change to files or under a condition."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cases
import hook
from cases import OUT, RESULTS, Case
from hook import SIGNALS, Plan
from kills import marked

HERE = Path(__file__).resolve().parent
PATIENCE = 300.0
"""Seconds after which a command that does not end counts as hanging."""

GRACE = 30.0
"""Seconds that processes get to end after the command that started them was killed."""

MARK = "REVIEW_FAULTS_BOX"
Tree = dict[str, bytes]


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
"""By name: what is done in the process of the command before it begins."""

Setting = Callable[["Box"], None]
SIZE = 160 << 20
"""Bytes of the disk on which a box is, where it has one of its own."""


def apart() -> bool:
    """Tell whether this system lets everybody mount disks that only their own processes see."""
    words = ["unshare", "-rm", "mount", "-t", "tmpfs", "faults", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0


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
    disk : bool
        Whether the folder is a disk of its own, which can be filled and closed; see :meth:`mount`.
    """

    folder: Path
    services: dict[str, str]
    log: Path = field(init=False)
    disk: bool = False
    _older: str = ""

    def __post_init__(self) -> None:
        self.log = self.folder.with_name(self.folder.name + ".log")

    @property
    def results(self) -> tuple[str, ...]:
        """What the paths of results begin with."""
        return tuple(f"{self.folder / name}{os.sep}" for name in RESULTS)

    def empty(self, case: Case) -> None:
        """Prepare for a command."""
        self.open_up()
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("in", "home", "tmp", OUT):
            (self.folder / name).mkdir(parents=True)
        case.prepare(self.folder)

    def older(self, case: Case) -> None:
        """Put into the empty box what a run with the word ``old`` leaves; it is run once for each command."""
        kept = self.folder.with_name(self.folder.name + ".older")
        if self._older != case.name:
            self.run(case, "old")
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(self.folder, kept, symlinks=True)
            self._older = case.name
            return
        shutil.copytree(kept, self.folder, symlinks=True, dirs_exist_ok=True)

    def mount(self) -> None:
        """Make the folder a disk of its own; only in a process that may (see :func:`apart`)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "faults", self.folder], check=True)
        self.disk = True

    @contextlib.contextmanager
    def filled(self, room: int) -> Iterator[None]:
        """Leave so many bytes of the disk in the block."""
        ballast = self.folder / "ballast"
        facts = os.statvfs(self.folder)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, facts.f_bavail * facts.f_frsize - room))
        try:
            yield
        finally:
            ballast.unlink()

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody write to the disk in the block."""
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)

    def back(self) -> None:
        """Give folders that were moved their names again, in place of what was put there since."""
        for folder in self.folder.glob(f"*{hook.ASIDE}"):
            shutil.rmtree(folder.with_suffix(""), ignore_errors=True)
            folder.rename(folder.with_suffix(""))

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
        return self.together((case,), word, at, action, after, setting)[0]

    def together(
        self,
        both: Sequence[Case],
        word: str = "new",
        at: int = 0,
        action: str = "kill",
        after: float = 0.0,
        setting: Setting | None = None,
    ) -> list[Ended]:
        """Run commands at the same time."""
        for path in (self.log, Path(f"{self.log}.stray")):
            path.unlink(missing_ok=True)
        plan = Plan([str(self.folder)], str(self.log), at, action)
        places = [self.folder.with_name(f"{self.folder.name}.said-{place}") for place in range(len(both))]
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        pids = [
            self._fork(case, word, plan, place, setting) if case.forked else self._start(case, word, plan, place)
            for case, place in zip(both, places, strict=True)
        ]
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

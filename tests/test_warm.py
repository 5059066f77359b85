"""Warm kernels are forked from a process that has the imports done, and otherwise are like fresh ones."""

import asyncio
import contextlib
import ctypes
import errno
import json
import logging
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import nbformat
import pytest
import zmq
from processes import gone, until

from review.batch import warm, warm_process, warm_server
from review.batch.kernel import PrivateKernelManager
from review.batch.warm_process import ColdError
from review.batch.warm_provisioner import WarmKernelManager, WarmProvisioner
from review.errors import OptionError

EXAMPLES = Path(__file__).parent / "examples" / "notebooks"
pytestmark = pytest.mark.skipif(not warm.supported(), reason="this system cannot fork kernels safely")


class Kernel:
    """A kernel and a client of it, for tests that are written without ``await``."""

    def __init__(self, manager, **options):
        self.manager, self.loop = manager, asyncio.new_event_loop()
        self._do(manager._async_start_kernel(**options))
        self._connect()

    def _do(self, work):
        return self.loop.run_until_complete(asyncio.wait_for(work, 60))

    def _connect(self):
        self.client = self.manager.client()
        self.client.start_channels()
        self._do(self.client._async_wait_for_ready(timeout=60))

    def run(self, code):
        """Return what a cell prints, or the name and text of its error."""
        parts = []

        def keep(message):
            content = message["content"]
            parts.append(content.get("text", "") or (f"{content['ename']}: {content['evalue']}" if "ename" in content else ""))

        self._do(self.client._async_execute_interactive(code, output_hook=keep))
        return "".join(parts).strip()

    def value(self, expression, before=""):
        return json.loads(self.run(f"{before}\nimport json; print(json.dumps({expression}))"))

    def restart(self, now=False):
        self.client.stop_channels()
        self._do(self.manager._async_restart_kernel(now=now))
        self._connect()

    def end(self, now=False):
        self.client.stop_channels()
        self._do(self.manager._async_shutdown_kernel(now=now))

    def close(self):
        with contextlib.suppress(RuntimeError):
            self.end(now=True)
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


@pytest.fixture
def start():
    """Start a kernel that ends with the test: warm with the usual modules unless told otherwise."""
    kernels = []

    def begin(manager=None, **options):
        kernels.append(Kernel(manager or WarmKernelManager(kernel_name="python3"), **options))
        return kernels[-1]

    yield begin
    for kernel in kernels:
        kernel.close()


@pytest.fixture
def light():
    """Return a manager whose kernels have imported nothing but themselves, from a process of the test's own."""
    warm.close()
    yield lambda **options: WarmKernelManager(kernel_name="python3", modules=["json"], **options)
    warm.close()


@pytest.fixture(scope="module", autouse=True)
def _tidy():
    yield
    warm.close()


def only_zygote():
    (zygote,) = warm._pool().zygotes.values()
    return zygote


LOOK = """
import json, os, sys, threading, signal, asyncio, logging, tempfile, gc, re, builtins, warnings, pandas, numpy
facts = {
    "argv": [sys.argv[0], sys.argv[1], sys.argv[3:]],
    "orig_argv": sys.orig_argv[:4],
    "path": sys.path,
    "executable": sys.executable,
    "flags": list(sys.flags),
    "main": sorted(vars(sys.modules["__main__"])),
    "name": [__name__, sys.modules["__main__"].__doc__, str(sys.modules["__main__"])],
    "cwd": os.getcwd(),
    "env": {k: v for k, v in sorted(os.environ.items()) if k not in ("JPY_PARENT_PID", "PYTEST_CURRENT_TEST")},
    "parent": os.environ["JPY_PARENT_PID"],
    "threads": len(threading.enumerate()),
    "daemons": [t.daemon for t in threading.enumerate()],
    "main thread": threading.current_thread() is threading.main_thread(),
    "signals": {str(int(s)): str(signal.getsignal(s)).split(" at ")[0] for s in signal.valid_signals()},
    "mask": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
    "session": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()],
    "umask": os.umask(0o22),
    "gc": [gc.isenabled(), gc.get_threshold()],
    "std": [[s.encoding, s.errors] for s in (sys.__stdin__, sys.__stdout__, sys.__stderr__)],
    "buffers": [s.line_buffering for s in (sys.__stdout__, sys.__stderr__)],
    "stdin": os.readlink("/proc/self/fd/0").split(":")[0].replace("pipe", "/dev/null"),
    "descriptors": sorted(re.sub("[0-9]+", "", os.readlink(f"/proc/self/fd/{n}")) for n in os.listdir("/proc/self/fd")
                          if int(n) > 2 and os.path.lexists(f"/proc/self/fd/{n}")),
    "logging": [str(h) for h in logging.root.handlers],
    "loop": type(asyncio.get_event_loop_policy()).__name__,
    "temporary": tempfile.gettempdir(),
    "review": [m for m in sys.modules if m.split(".")[0] == "review"],
    "plotly": __import__("plotly.io").io.renderers.default,
    "template": __import__("plotly.io").io.templates.default,
    "templates": sorted(__import__("plotly.io").io.templates),
    "pandas": [json.dumps(pandas._config.config._global_config, sort_keys=True, default=repr),
               {k: repr(o.defval) for k, o in pandas._config.config._registered_options.items()}],
    "numpy": repr(numpy.get_printoptions()),
    "builtins": sorted(vars(builtins)),
    "filters": sorted({str(f[:1] + f[2:3]) for f in warnings.filters}),
    "matplotlib": "matplotlib" in sys.modules,
}
"""


@pytest.mark.slow
def test_a_warm_kernel_looks_like_an_ordinary_one(start, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    environment = {**os.environ, "ASKED_FOR": "a \udc80 b", "TZ": "Asia/Tokyo", "EMPTY": ""}
    environment.pop("LC_ALL", None)
    options = {"cwd": str(tmp_path), "env": environment}
    hot, cold = start(**options), start(PrivateKernelManager(kernel_name="python3"), **options)
    assert hot.manager.fallback == ""
    seen, expected = hot.value("facts", LOOK), cold.value("facts", LOOK)
    for name in set(expected) - {"descriptors", "filters"}:
        assert seen[name] == expected[name], name
    assert set(seen["filters"]) >= set(expected["filters"])  # libraries add their own when they are imported
    more = {name for name in seen["descriptors"] if "profile_default" not in name} - set(expected["descriptors"])
    assert len(more) == 1
    assert "pidfd" in more.pop()  # by which it notices the end of its manager
    assert seen["parent"] == str(os.getpid())
    assert seen["env"]["TZ"] == "Asia/Tokyo"
    assert hot.run("import time; print(time.tzname[0])") == "JST"
    assert warm.SHARED not in seen["env"]
    assert hot.value("'pandas' in sys.modules and 'scipy.stats' in sys.modules", "import sys")


def test_kernels_never_see_each_other(start, tmp_path):
    (tmp_path / "a").mkdir()
    one, two = start(cwd=str(tmp_path / "a")), start(cwd=str(tmp_path))
    one.run("secret = 1; import os, sys, pandas as pd, plotly.io as pio, numpy as np, threading, warnings, builtins, signal")
    one.run(
        "os.environ['MINE'] = '1'; os.chdir('/'); pio.templates.default = 'ggplot2'; pio.renderers.default = 'json'\n"
        "pd.options.display.max_rows = 3; pd.mine = 1; builtins.mine = 1; os.open('/', 0)\n"
        "threading.Thread(target=threading.Event().wait, daemon=True, name='mine').start(); sys.path.append('/mine')\n"
        "warnings.simplefilter('error'); signal.signal(signal.SIGUSR1, signal.SIG_IGN); os.umask(0)"
    )
    assert two.run("secret") == "NameError: name 'secret' is not defined"
    three = start(cwd=str(tmp_path))
    for other in (two, three):
        seen = other.value(
            "[os.environ.get('MINE'), os.getcwd(), pio.templates.default, pio.renderers.default, pd.options.display.max_rows,"
            "hasattr(pd, 'mine'), hasattr(builtins, 'mine'), [t.name for t in threading.enumerate()].count('mine'),"
            "'/mine' in sys.path, signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL, [os.readlink(f'/proc/self/fd/{n}') "
            "for n in os.listdir('/proc/self/fd') if os.path.lexists(f'/proc/self/fd/{n}')].count('/'), 'secret' in globals()]",
            "import os, sys, pandas as pd, plotly.io as pio, threading, builtins, signal",
        )
        assert seen == [None, str(tmp_path), "plotly", "plotly_mimetype", 60, False, False, 0, False, True, 0, False]
    assert one.value("secret") == 1


def test_random_numbers_are_those_of_fresh_processes(start):
    code = "import random, numpy as np, os, uuid"
    draw = "[random.random(), np.random.rand(), float(np.random.default_rng().random()), os.urandom(4).hex(), str(uuid.uuid4())]"
    draws = [start().value(draw, code) for _ in range(2)]
    assert not set(draws[0]) & set(draws[1])
    state = "[int(v) for v in np.random.get_state()[1][:3]] + [random.getstate()[1][0], np.random.get_state()[3]]"
    one, two = (start().value(state, code) for _ in range(2))
    assert one[:3] != two[:3]
    assert one[3] != two[3]
    assert one[4] == two[4] == 0


def test_linear_algebra_works_after_the_fork(start):
    code = "import numpy as np, pandas as pd\na = np.random.default_rng(0).random((700, 700))"
    kernel = start()
    assert kernel.value("bool(np.allclose(a @ np.linalg.inv(a), np.eye(700)))", code)
    assert kernel.value("pd.DataFrame({'k': ['a', 'b'] * 50000, 'v': range(100000)}).groupby('k').v.sum().tolist()") == [
        2499950000,
        2500000000,
    ]


def test_two_runs_at_once_with_papermill_equal_ordinary_ones(tmp_path):
    source = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}})
    cells = [
        "import pandas as pd, plotly.graph_objects as go",
        "number = 0",
        "import time; time.sleep(0.3); print(number, 'secret' in globals()); secret = number",
        "pd.DataFrame({'a': [1, 2], 'b': ['x', None]})",
        "go.Figure(go.Bar(y=[1, number]))",
        "import sys; print('to stderr', file=sys.stderr); import os; os.system('echo from below'); ['a', 1.5]",
    ]
    source.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    source.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(source, tmp_path / "book.ipynb", version=4)

    worker = (
        "import logging, os, sys, papermill; from review.batch import warm\n"
        "logging.getLogger('review').setLevel('INFO'); logging.getLogger('review').addHandler(logging.StreamHandler())\n"
        "papermill.execute_notebook('book.ipynb', sys.argv[1], {'number': int(sys.argv[2])}, progress_bar=False, "
        "log_output=False, kernel_manager_class='review.batch.' + sys.argv[3])\n"
        "print(len(warm._pool().zygotes), warm.fallbacks())\n"
        "held = os.listdir(os.environ.get(warm.SHARED, '.'))\n"
        "print(warm._key([sys.executable], warm.MODULES, os.environ), held, file=sys.stderr)"
    )

    def begin(name, number, manager):
        command = [sys.executable, "-c", worker, name, str(number), manager]
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    warm.close()  # whatever tests before this one have left
    with warm.session() as reason:
        assert reason == ""
        hot = [begin(f"{n}.ipynb", n, "warm_provisioner.WarmKernelManager") for n in (1, 2)]
        said = [process.communicate(timeout=60) for process in hot]
    cold = begin("ordinary.ipynb", 1, "kernel.PrivateKernelManager")
    said.append(cold.communicate(timeout=60))
    assert [lines for lines, _ in said] == ["from below\n0 ()\n"] * 3, said
    first, second, ordinary = (nbformat.read(tmp_path / f"{name}.ipynb", 4).cells for name in ("1", "2", "ordinary"))
    assert [cell.get("outputs") for cell in first] == [cell.get("outputs") for cell in ordinary]
    assert sum(len(cell.get("outputs", [])) for cell in first) == 5
    assert [cells[3].outputs[0].text for cells in (first, second)] == ["1 False\n", "2 False\n"]


def test_interrupt_and_restart(start, light):
    kernel = start(light())
    kernel.run("x = 1")
    timer = threading.Timer(1, lambda: os.killpg(kernel.manager.provisioner.pid, 0))
    timer.start()

    async def interrupt():
        work = asyncio.ensure_future(kernel.client._async_execute_interactive("import time; time.sleep(50)", output_hook=len))
        await asyncio.sleep(1)
        await kernel.manager._async_interrupt_kernel()
        return await work

    began = time.monotonic()
    assert kernel._do(interrupt())["content"]["ename"] == "KeyboardInterrupt"
    assert time.monotonic() - began < 20
    timer.join()
    assert kernel.value("x") == 1
    before = kernel.manager.provisioner.pid
    for now in (False, True):
        kernel.restart(now=now)
        assert kernel.manager.provisioner.pid != before
        assert kernel.run("x") == "NameError: name 'x' is not defined"
    assert kernel.manager.fallback == ""
    assert gone(before)


def test_an_ending_kernel_does_what_a_process_does_at_its_end(start, light, tmp_path):
    kernel = start(light(), cwd=str(tmp_path))
    kernel.run(
        "import atexit; atexit.register(lambda: print('once', file=open('ended', 'a')))\n"
        "file = open('unclosed', 'w'); file.write('kept')\nimport tempfile; folder = tempfile.TemporaryDirectory(dir='.')"
    )
    process, address = kernel.manager.provisioner.process, only_zygote().address
    assert len(list(tmp_path.glob("tmp*"))) == 1
    kernel.end()
    assert process.returncode == 0
    assert (tmp_path / "ended").read_text() == "once\n"
    assert (tmp_path / "unclosed").read_text() == "kept"
    assert list(tmp_path.glob("tmp*")) == []
    assert Path(address).exists()  # the end of a kernel is not the end of the process it was forked from
    assert only_zygote().process.poll() is None
    until(lambda: gone(process.pid) and not Path(f"/proc/{process.pid}").exists())


def test_a_killed_kernel_is_noticed(start, light):
    kernel = start(light())
    process = kernel.manager.provisioner.process
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: process.poll() is not None, 5)
    assert process.returncode == process.wait() == -signal.SIGKILL
    assert not kernel._do(kernel.manager._async_is_alive())
    process.send_signal(signal.SIGTERM)  # reaches nobody
    other = start(light())
    other.client.execute("import os; os._exit(7)")
    assert other.manager.provisioner.process.wait(10) == 7


def test_a_lost_process_is_started_once_more_and_then_done_without(start, light, caplog):
    first = start(light())
    first.run("x = 5")
    pids = [only_zygote().process.pid]
    os.kill(pids[0], signal.SIGKILL)
    second = start(light())
    assert second.manager.fallback == ""
    assert first.value("x") == 5  # the kernels of the lost one go on
    pids.append(only_zygote().process.pid)
    assert pids[0] != pids[1]
    first.manager.provisioner.process.terminate()
    assert first.manager.provisioner.process.wait(10) == warm_process.LOST
    os.kill(pids[1], signal.SIGKILL)
    with caplog.at_level(logging.WARNING):
        kernels = [start(light()) for _ in range(2)]
    for kernel in kernels:
        assert kernel.manager.fallback == "the process to fork from was lost twice"
        assert isinstance(kernel.manager.provisioner.process, subprocess.Popen)
        assert kernel.value("1 + 1") == 2
    assert [record.message for record in caplog.records].count(
        "no warm kernel, an ordinary one is started: the process to fork from was lost twice"
    ) == 1
    assert "the process to fork from was lost twice" in warm.fallbacks()


PARENT = """
import os, sys, time, json
from review.batch import warm
if __name__ == "__main__":
    with warm.session(["json"]):
        zygote = list(warm._pool().zygotes.values())[0]
        connection = {"transport": "ipc", "ip": sys.argv[1] + "/k", "key": "k", "shell_port": 1, "iopub_port": 2,
                      "stdin_port": 3, "control_port": 4, "hb_port": 5, "signature_scheme": "hmac-sha256"}
        path = sys.argv[1] + "/c.json"
        with open(path, "w") as file:
            json.dump(connection, file)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", path]
        kernel = warm.launch(command, ["json"], {"stdout": -3, "stderr": -3})
        print(zygote.process.pid, kernel.pid, zygote.address, flush=True)
        time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_end_when_their_parent_ends(tmp_path, number):
    (tmp_path / "parent.py").write_text(PARENT)
    with subprocess.Popen([sys.executable, tmp_path / "parent.py", tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        zygote, kernel, address = parent.stdout.readline().split()
        assert not gone(zygote)
        until((tmp_path / "k-5").exists)  # the kernel is up
        assert stat.S_IMODE(os.stat(address).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(address)).st_mode) == 0o700
        parent.send_signal(number)
    until(lambda: gone(zygote) and gone(kernel))
    until(lambda: not os.path.exists(os.path.dirname(address)))


@pytest.mark.parametrize("importing", [False, True])
def test_a_process_whose_parent_has_gone_leaves_nothing(tmp_path, importing):
    (tmp_path / "slow_module.py").write_text(
        f"import sys, pathlib; pathlib.Path({str(tmp_path / 'up')!r}).touch(); sys.stdin.read()"
    )
    (tmp_path / "parent.py").write_text(
        "import subprocess, sys, os, time\n"
        "command = [sys.executable, sys.argv[1], sys.argv[2], str(os.getpid()), 'slow_module']\n"
        "environment = {**os.environ, 'PYTHONPATH': sys.argv[3]}\n"
        "process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)\n"
        f"while {importing} and not os.path.exists(sys.argv[3] + '/up'):\n    time.sleep(0.02)\n"
        "print(process.pid, flush=True)\n"
        "os._exit(0)"
    )
    folder = tmp_path / "warm"
    folder.mkdir()
    words = [sys.executable, tmp_path / "parent.py", warm_server.__file__, folder / "s", tmp_path]
    with subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        zygote = parent.stdout.readline().strip()
        parent.wait()
    until(lambda: gone(zygote), 60)
    assert (tmp_path / "up").exists() == importing
    assert not folder.exists()


def test_the_sockets_and_files_are_the_users_alone(start, light):
    kernel = start(light())
    assert kernel.manager.transport == "ipc"
    assert stat.S_IMODE(os.stat(kernel.manager.connection_file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(kernel.manager.ip)).st_mode) == 0o700
    address = only_zygote().address
    assert stat.S_IMODE(os.stat(address).st_mode) == 0o600
    if os.getuid() == 0:  # a process of another user cannot even connect
        code = f"import os, socket\nos.setuid(65534)\nsocket.socket(socket.AF_UNIX).connect({address!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "PermissionError" in done.stderr


def served(monkeypatch, *orders, user=None):
    """Return what a server, in this process, answers to raw bytes."""
    listener, (parent, end) = socket.socket(socket.AF_UNIX), os.pipe()
    listener.bind("")  # an abstract address
    listener.listen()
    server = warm_server.Server(listener, parent)
    monkeypatch.setattr(warm_server, "PATIENCE", 0.2)
    monkeypatch.setattr(warm_server, "restless", lambda: "it is a test")
    if user is not None:
        monkeypatch.setattr(warm_server.os, "getuid", lambda: user)
    answers = []
    for order in orders:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(listener.getsockname())
            if isinstance(order, dict):
                warm_server.send(client, order, (0, 1))
            else:
                client.sendall(order)
            assert server._accept() is None
            try:
                answers.append(warm_server.receive(client)[0])
            except (EOFError, ConnectionResetError) as error:
                answers.append(type(error).__name__)
    os.close(end)
    assert server.serve() is None  # its parent has gone
    server.close()
    return answers


ORDER = {"argv": [], "module": "x", "original": [], "cwd": "/", "env": {}, "umask": 18}


def test_the_server_refuses_other_users_and_what_is_no_order(monkeypatch, capsys):
    refused = {"EOFError", "ConnectionResetError"}
    assert served(monkeypatch, ORDER) == [{"error": "it is a test"}]
    frames = [b"", b"\0\0", b"\0\0\0\x02[]", b"\xff\xff\xff\xff", b"\0\0\0\x02{}", b"\0\0\0\x01{", b"\0\0\0\x09{"]
    assert set(served(monkeypatch, *frames, {**ORDER, "more": 1})) <= refused
    assert set(served(monkeypatch, ORDER, user=12345)) <= refused
    assert "a client of another user" in capsys.readouterr().err


def test_a_fork_needs_a_quiet_process():
    def asked(before):
        code = f"import sys; sys.path.insert(0, {str(Path(warm_server.__file__).parent)!r})\nimport warm_server\n{before}"
        command = [sys.executable, "-c", f"{code}\nprint(warm_server.restless())"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    assert asked("import ipykernel.kernelapp") == ""
    assert asked("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()") == "2 threads run"
    assert asked("import zmq; zmq.Context.instance()") == "a zmq context is open"
    assert asked("import zmq; c = zmq.Context(); s = c.socket(zmq.PUB)").endswith(("context is open", "threads run"))
    assert asked("import asyncio; asyncio.set_event_loop(asyncio.new_event_loop())") == "an event loop exists"


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (["no_such_module_x"], r"no_such_module_x \(ModuleNotFoundError.*-> install it or take it off the list"),
        (["json", "plotly.io._renderers"], "plotly.io._renderers .depends on the notebook"),
        (["os; print(1)"], "no names of modules: 'os; print.1.'.*-> write names"),
    ],
)
def test_a_module_that_cannot_be_imported_is_an_error(light, modules, message):
    manager = WarmKernelManager(kernel_name="python3", modules=modules)
    with pytest.raises(OptionError, match=message):
        asyncio.run(manager._async_start_kernel())
    assert warm._pool().zygotes == {}


COMMAND = [sys.executable, "-m", "ipykernel_launcher", "-f", "x"]


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        (["R", "--slave"], {}, "not started with python -m ipykernel_launcher"),
        ([sys.executable, "-m", "xeus"], {}, "not started with python -m ipykernel_launcher"),
        (COMMAND, {"preexec_fn": len}, "preexec_fn"),
        (COMMAND, {"independent": True}, "not known how"),
        (COMMAND, {"cwd": "/no/such/folder"}, "unusual"),
        (COMMAND, {"env": {"PYTHONPATH": "relative"}}, "unusual"),
        (COMMAND, {"stdout": subprocess.PIPE}, "to a pipe"),
    ],
)
def test_what_cannot_be_forked_is_left_to_an_ordinary_start(light, command, options, message):
    with pytest.raises(ColdError, match=message):
        warm.launch(command, ["json"], options)


def test_a_system_without_fork_has_ordinary_kernels(start, light, monkeypatch):
    monkeypatch.setattr(warm.sys, "platform", "win32")
    assert not warm.supported()
    with warm.session(["json"]) as reason:
        assert reason == "win32 cannot fork kernels safely"
        monkeypatch.setattr(PrivateKernelManager, "__init__", WarmKernelManager.__mro__[2].__init__)
        manager = light()
        monkeypatch.undo()
        monkeypatch.setattr(warm, "supported", lambda: False)
        kernel = start(manager)
        assert kernel.manager.fallback == "linux cannot fork kernels safely"
        assert kernel.value("1 + 1") == 2


def test_an_interpreter_that_does_not_start_gives_its_reason(light, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(ColdError, match="did not start: out of order"):
        warm.launch([str(broken), *COMMAND[1:]], ["json"], {})
    with pytest.raises(ColdError, match="did not start"):
        warm.launch([str(tmp_path / "absent"), *COMMAND[1:]], ["json"], {})


QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def end(process):
    process.kill()
    assert process.wait(10) == -signal.SIGKILL


def test_a_session_is_shared_with_workers(light, monkeypatch, tmp_path):
    before = dict(os.environ)
    with warm.session(["json"]) as reason:
        assert reason == ""
        shared = os.environ[warm.SHARED]
        monkeypatch.setattr(warm, "_current", warm._Pool())  # what a worker has
        end(warm.launch([*COMMAND[:-1], str(tmp_path / "x")], ["json"], {"env": warm._inherited(), **QUIET}))
        assert warm._pool().zygotes == {}
        os.chmod(shared, 0o755)  # no folder of this user's own: not used
        end(warm.launch([*COMMAND[:-1], str(tmp_path / "x")], ["json"], QUIET))
        assert len(warm._pool().zygotes) == 1
        warm.close()
        monkeypatch.undo()
    assert dict(os.environ) == before
    assert not os.path.exists(shared)


def test_a_session_replaces_a_process_that_was_killed_before_it(light, tmp_path):
    end(warm.launch([*COMMAND[:-1], str(tmp_path / "x")], ["json"], QUIET))
    before = only_zygote().process
    before.kill()
    before.wait()
    with warm.session(["json"]) as reason:
        assert reason == ""
        assert only_zygote().process.pid != before.pid
        end(warm.launch([*COMMAND[:-1], str(tmp_path / "x")], ["json"], QUIET))
        assert only_zygote().process.poll() is None


def test_a_session_knows_what_libraries_in_c_have_set(light):
    libc = ctypes.CDLL(None)
    libc.setenv(b"KMP_TEST_OF_WARM", b"200", 1)
    try:
        assert "KMP_TEST_OF_WARM" not in os.environ
        with warm.session(["json"]):
            (key,) = warm._pool().zygotes
            code = "import os, sys; from review.batch import warm; print(warm._key([sys.executable], ('json',), os.environ))"
            worker = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert worker.stdout.strip() == key
    finally:
        libc.unsetenv(b"KMP_TEST_OF_WARM")


def test_what_matters_at_import_distinguishes_processes(light, monkeypatch):
    plain = warm._key(["python"], ("json",), {"A": "1"})
    monkeypatch.syspath_prepend(sysconfig.get_path("purelib"))  # what a library may add distinguishes nothing
    assert plain == warm._key(["python"], ("json",), {"A": "2", "JPY_SESSION_NAME": "x"})
    for other in ({"OMP_NUM_THREADS": "1"}, {"PYTHONHASHSEED": "0"}, {"PLOTLY_RENDERER": "json"}):
        assert warm._key(["python"], ("json",), other) != plain
    assert warm._key(["python", "-O"], ("json",), {}) != plain
    assert warm._key(["python"], ("csv",), {}) != plain


def test_the_oldest_process_makes_room(light, monkeypatch, tmp_path):
    monkeypatch.setattr(warm, "MOST", 1)
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        end(warm.launch([*COMMAND[:-1], str(tmp_path / "x")], ["json"], {"env": environment, **QUIET}))
    assert len(warm._pool().zygotes) == 1


def test_jupyterlab_starts_warm_kernels_by_their_specification(start, light, tmp_path, monkeypatch):
    from importlib.metadata import EntryPoint

    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning import KernelProvisionerFactory

    name, place = "review-warm", "review.batch.warm_provisioner:WarmProvisioner"
    entry = EntryPoint(name, place, KernelProvisionerFactory.GROUP_NAME)
    monkeypatch.setitem(KernelProvisionerFactory.instance().provisioners, name, entry)
    (tmp_path / "warm").mkdir()
    (tmp_path / "warm" / "kernel.json").write_text(json.dumps(warm.kernelspec(modules=["json", "csv"])))
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path)], ensure_native_kernel=False)
    kernel = start(AsyncKernelManager(kernel_name="warm", kernel_spec_manager=specs, transport="ipc"))
    assert isinstance(kernel.manager.provisioner, WarmProvisioner)
    assert kernel.manager.provisioner.fallback == ""
    assert kernel.manager.provisioner.modules == ["json", "csv"]
    assert kernel.value("'csv' in sys.modules", "import sys")


def test_the_package_itself_is_not_imported_in_advance():
    assert all(re.fullmatch(r"[\w.]+", name) for name in warm.MODULES)
    assert not any(name.split(".")[0] == "review" for name in warm.MODULES)


@pytest.mark.parametrize(("number", "told"), [(errno.ENOTSOCK, []), (errno.EINVAL, ["what happened"])])
def test_a_kernel_that_ends_does_not_tell_that_its_sockets_are_closed(caplog, number, told):
    logger = logging.getLogger("tests.tornado")
    logger.addFilter(warm_server.is_news)
    try:
        raise zmq.error.ZMQError(number)
    except zmq.error.ZMQError:
        logger.exception("what happened")
    assert caplog.messages == told
    logger.error("without an error")
    assert caplog.messages == [*told, "without an error"]

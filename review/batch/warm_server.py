"""The process from which warm kernels are forked: it has imported what notebooks import, and does nothing else.

It is run by its path, not with ``-m``, and uses the standard library alone: this package is not loaded in it, so that a
notebook sees the source as it is on the disk. It has one thread, no event loop and no open zmq context: a fork is safe.

A client connects to a Unix socket, sends one order (with two descriptors: the standard output and error of the kernel) and
keeps the connection; it is told the process number, gets a pidfd, and later the exit code. A dead kernel is reaped only
after the client has hung up, so that its number stands for no other process as long as somebody may send it signals.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import gc
import importlib
import importlib.util
import io
import json
import logging
import os
import select
import signal
import socket
import struct
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

HEADER = struct.Struct(">I")
LONGEST = 1 << 24
"""Bytes of a message that are accepted."""

PATIENCE = 10.0
"""Seconds that a client may take to send its order."""

KERNEL = "ipykernel.kernelapp"
"""Imported before all else: what it changes in the environment is also changed in an ordinary kernel."""

LATER = (
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "sqlite3",
    "tornado.platform.asyncio",
)
"""What every kernel imports while it starts, where it is installed; the debugger takes longest."""

UNFIT = ("plotly.io._renderers", "matplotlib.pyplot", "tqdm.autonotebook", "review")
"""Modules that look at import for the notebook they are in, or that are to be read anew for each kernel."""


def send(connection: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Send a message: its length, then JSON; descriptors travel with the length."""
    text = json.dumps(message).encode()
    socket.send_fds(connection, [HEADER.pack(len(text))], list(descriptors))
    connection.sendall(text)


def receive(connection: socket.socket, most: int = 0) -> tuple[dict[str, Any], list[int]]:
    """Read one message and at most so many descriptors.

    Raises
    ------
    EOFError
        If the other side hung up.
    ValueError
        If it is no message.
    """
    start, descriptors, _, _ = socket.recv_fds(connection, HEADER.size, most)
    try:
        length = HEADER.unpack(start + exactly(connection, HEADER.size - len(start)))[0] if start else -1
        if length < 0:
            raise EOFError("the other side hung up")
        if length > LONGEST:
            raise ValueError(f"a message of {length} bytes")
        message = json.loads(exactly(connection, length))
        if not isinstance(message, dict):
            raise ValueError("a message that is no object")
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    return message, descriptors


def exactly(connection: socket.socket, length: int) -> bytes:
    """Read so many bytes.

    Raises
    ------
    EOFError
        If the other side hung up before.
    """
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(length - len(parts))
        if not part:
            raise EOFError("the other side hung up within a message")
        parts += part
    return bytes(parts)


def peer(connection: socket.socket) -> tuple[int, int]:
    """Return the process and the user at the other end, as the system tells them."""
    process, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return process, user


def ended(pidfd: int, milliseconds: int | None = 0) -> bool:
    """Tell whether a process has ended, or wait until it has; also whether a socket can be read."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(milliseconds))


def preload(names: list[str]) -> dict[str, str]:
    """Import modules; return those that cannot be, with the reason."""
    problems = {}
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # a broken package raises anything
            problems[name] = f"{type(error).__name__}: {error}"
    if figures := sys.modules.get("plotly.graph_objects"):
        figures.Figure().update_layout(title_text="")  # plotly reads its large table of properties with the first figure
    return problems or {name: "depends on the notebook it is imported in" for name in UNFIT if name in sys.modules}


def restless() -> str:
    """Return what makes a fork unsafe in this process; empty if nothing does."""
    if (threads := threading.active_count()) != 1:
        return f"{threads} threads run"
    zmq, asyncio = sys.modules.get("zmq"), sys.modules.get("asyncio")
    if zmq is not None and zmq.Context._instance is not None:
        return "a zmq context is open"
    if asyncio is not None and getattr(getattr(asyncio.get_event_loop_policy(), "_local", None), "_loop", None) is not None:
        return "an event loop exists"
    links = [_link(name) for name in os.listdir("/proc/self/fd")]
    if "anon_inode:[eventpoll]" in links or "anon_inode:[eventfd]" in links:
        return "an event loop or a zmq context is open"
    return ""


def _link(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except FileNotFoundError:  # the descriptor of the listing itself
        return ""


class Notebook:
    """Stands for the shell of a kernel during the imports: pandas shows other tables where it finds none."""

    kernel = None


@dataclass
class Order:
    """A kernel to be: what its process must look like, and the manager it lives with."""

    argv: list[str]
    module: str
    original: list[str]
    cwd: str
    env: dict[str, str]
    umask: int
    manager: int
    files: list[int]


@dataclass
class Kernel:
    """A kernel that was forked, and its client as long as that listens."""

    pid: int
    pidfd: int
    client: socket.socket | None
    dead: bool = False


@dataclass
class Server:
    """Forks kernels on order until its parent ends.

    Attributes
    ----------
    listener : socket
        Where clients come in.
    parent : int
        The pidfd of the process that started this one.
    """

    listener: socket.socket
    parent: int
    kernels: list[Kernel] = field(default_factory=list)

    def serve(self) -> Order | None:
        """Serve; return None when the parent has ended, and the order in the process of a new kernel."""
        while True:
            poll = select.poll()
            watched = [self.parent, self.listener.fileno(), *(kernel.pidfd for kernel in self.kernels if not kernel.dead)]
            watched += [kernel.client.fileno() for kernel in self.kernels if kernel.client]
            for descriptor in watched:
                poll.register(descriptor, select.POLLIN)
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self.parent in ready:
                return None
            for kernel in self.kernels:
                self._attend(kernel, ready)
            self.kernels = [kernel for kernel in self.kernels if not self._released(kernel)]
            if self.listener.fileno() in ready and (order := self._accept()):
                return order

    def close(self) -> None:
        """Close all descriptors of the server, in the process that has become a kernel."""
        self.listener.close()
        os.close(self.parent)
        for kernel in self.kernels:
            os.close(kernel.pidfd)
            if kernel.client:
                kernel.client.close()

    @staticmethod
    def _attend(kernel: Kernel, ready: set[int]) -> None:
        """Note that a kernel has died or that its client has hung up; tell the client of the death."""
        hung_up = kernel.client is not None and kernel.client.fileno() in ready
        if not kernel.dead and kernel.pidfd in ready:
            kernel.dead = True
            facts = os.waitid(os.P_PID, kernel.pid, os.WEXITED | os.WNOWAIT)
            assert facts is not None
            code = facts.si_status if facts.si_code == os.CLD_EXITED else -facts.si_status
            if kernel.client and not hung_up:
                try:
                    send(kernel.client, {"code": code})
                except OSError:
                    hung_up = True
        if hung_up and kernel.client:
            kernel.client.close()
            kernel.client = None

    @staticmethod
    def _released(kernel: Kernel) -> bool:
        """Reap a dead kernel that has no client any more."""
        if not kernel.dead or kernel.client:
            return False
        os.waitpid(kernel.pid, 0)
        os.close(kernel.pidfd)
        return True

    def _accept(self) -> Order | None:
        client, _ = self.listener.accept()
        client.settimeout(PATIENCE)
        manager, user = peer(client)
        files: list[int] = []
        try:
            if user != os.getuid():
                raise PermissionError("a client of another user")
            fields, files = receive(client, 2)
            order = Order(**fields, manager=manager, files=files)
            if len(files) != 2:
                raise ValueError("an order without files")
            if reason := restless():
                send(client, {"error": reason})
                raise RuntimeError(reason)
            if self._fork(client):
                return order
        except (OSError, EOFError, ValueError, TypeError, RuntimeError) as error:
            print(f"refused: {error}", file=sys.stderr, flush=True)
            client.close()
        for descriptor in files:
            os.close(descriptor)
        return None

    def _fork(self, client: socket.socket) -> bool:
        """Fork; tell whether this is the new process. The client is told of it, or the kernel ends."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(OSError):  # whatever happens, a kernel never goes on as a server
                client.close()
                self.close()
            return True
        kernel = Kernel(pid, os.pidfd_open(pid), client)
        try:
            send(client, {"pid": pid}, (kernel.pidfd,))
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(kernel.pidfd)
            raise
        self.kernels.append(kernel)
        return False


class ManagerWatch(threading.Thread):
    """Ends the kernel when its manager has ended, like ipykernel's poller, whose manager is the parent process."""

    def __init__(self, pidfd: int) -> None:
        super().__init__(daemon=True)
        self.pidfd = pidfd

    def run(self) -> None:
        """Wait for the end."""
        ended(self.pidfd, None)
        os._exit(1)


def settle(order: Order, handlers: dict[int, Any], added: dict[str, str]) -> int:
    """Make this process what was ordered and what a fresh one would be; return the pidfd of its manager."""
    import random
    import tempfile
    import time

    os.setsid()
    for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, order.files[0]), (2, order.files[1])):
        os.dup2(source, target)
    os.closerange(3, 1 + max(int(name) for name in os.listdir("/proc/self/fd")))
    output: Any = sys.stdout
    output.reconfigure(line_buffering=output.isatty() and not output.write_through)
    for number, handler in handlers.items():
        if signal.getsignal(number) != handler:
            signal.signal(number, handler)
    os.environ.clear()
    os.environ.update({**order.env, **added})
    time.tzset()
    os.chdir(order.cwd)
    os.umask(order.umask)
    random.seed()
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()
    tempfile.tempdir = None
    importlib.invalidate_caches()
    found = importlib.util.find_spec(order.module)
    sys.argv = [found.origin if found and found.origin else order.module, *order.argv]
    sys.orig_argv = order.original
    gc.enable()
    return os.pidfd_open(order.manager)


def changed(start: dict[str, str]) -> dict[str, str]:
    """Return the variables of the environment that have changed since then."""
    return {name: value for name, value in os.environ.items() if start.get(name) != value}


def given() -> dict[str, str]:
    """Return the environment with which this process was started, before the interpreter added to it."""
    with open("/proc/self/environ", "rb") as file:
        parts = [part.split(b"=", 1) for part in file.read().split(b"\0") if b"=" in part]
    return {os.fsdecode(name): os.fsdecode(value) for name, value in parts}


def leave(address: str) -> None:
    """Remove the socket, and its folder unless other processes listen there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(address)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(address))


def is_news(record: logging.LogRecord) -> bool:
    """Tell whether a record is none of a kernel that ends: it closes its sockets while it still says that it is idle.

    As in https://github.com/ipython/ipykernel/pull/1518, which mends one of the places.
    """
    error = record.exc_info[1] if record.exc_info else None
    return getattr(error, "errno", None) != errno.ENOTSOCK


def main(address: str, parent: int, names: list[str]) -> None:
    """Import, say so on standard output, serve; in the process of a new kernel, run it to its end."""
    try:
        pidfd = os.pidfd_open(parent)
    except ProcessLookupError:
        leave(address)
        return
    if os.getppid() != parent:
        leave(address)
        return
    handlers: dict[int, Any] = {number: signal.getsignal(number) for number in signal.valid_signals() if number not in (9, 19)}
    problems = preload([KERNEL])
    preload(list(LATER))
    added = changed(given())
    builtins.get_ipython = Notebook  # type: ignore[attr-defined]
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="UTF-8")):  # that of a kernel has this encoding
        problems = problems or preload(names)
    del builtins.get_ipython  # type: ignore[attr-defined]
    reason = "" if problems else restless()
    if problems or reason:
        print(json.dumps({"problems": problems, "reason": reason}), flush=True)
        return
    old = os.umask(0o177)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    os.umask(old)
    listener.listen(64)
    gc.collect()
    gc.disable()
    gc.freeze()
    with contextlib.suppress(BrokenPipeError):  # the parent has ended meanwhile, which is noticed at once
        print(json.dumps({"ready": os.getpid()}), flush=True)
    server = Server(listener, pidfd)
    order = server.serve()
    if order is None:
        leave(address)
        return
    del server, listener
    manager = settle(order, handlers, added)
    logging.getLogger("tornado.general").addFilter(is_news)
    app: Any = importlib.import_module(KERNEL).IPKernelApp.instance(parent_handle=order.manager)
    app.initialize(order.argv)
    app.poller = ManagerWatch(manager)
    app.start()


if __name__ == "__main__":
    if sys.path[:1] == [os.path.dirname(os.path.abspath(__file__))]:
        del sys.path[0]
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])

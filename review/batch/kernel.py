"""Kernels that talk over sockets in a folder of the user's own, not over TCP ports, and that can be ended at any time."""

from __future__ import annotations

import math
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import Empty
from typing import Any

from review.batch.engine import without_grammars
from review.system import LONGEST_SOCKET, private, restored

with without_grammars():
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.manager import AsyncKernelManager

PEAKS: list[int] = []
"""Peak memory in bytes of each kernel that this process shut down, where the system tells it (Linux)."""

FOLDER = "REVIEW_KERNELS"
"""The variable of the environment that names the folder for the sockets and connection files of a batch."""

_running: dict[int, Any] = {}
_watchers: list[Callable[[int], None]] = []


class PromptClient(AsyncKernelClient):
    """Is ready when the kernel says that it has nothing more to tell, not after a silence of 0.2 s."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and both channels are connected.

        Raises
        ------
        RuntimeError
            If it dies before, or the time is over.
        """
        limit = time.monotonic() + (math.inf if timeout is None else timeout)
        while True:
            request = self.kernel_info()
            with suppress(Empty):
                while (reply := await self.shell_channel.get_msg(timeout=1))["parent_header"].get("msg_id") != request:
                    pass
                while not _idle(await self.iopub_channel.get_msg(timeout=0.2), request):
                    pass
                self._handle_kernel_info_reply(reply)
                return
            if not await self._async_is_alive():
                raise RuntimeError("the kernel died before it was ready")
            if time.monotonic() > limit:
                raise RuntimeError(f"the kernel was not ready within {timeout:g} s")


def _idle(message: Mapping[str, Any], request: str) -> bool:
    """Tell whether a message is the last one about a request."""
    last: bool = message["content"].get("execution_state") == "idle"
    return last and message["parent_header"].get("msg_id") == request


class PrivateKernelManager(AsyncKernelManager):
    """Starts a kernel with IPC transport where the system has it, else with TCP on loopback.

    Over TCP any user of the machine can connect to the ports (only signatures keep them out) and the kernel warns of it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.client_class = f"{__name__}.{PromptClient.__name__}"
        usual = os.path.join(tempfile.gettempdir(), f"review-kernels-{os.getuid()}") if hasattr(os, "getuid") else ""
        folder = os.environ.get(FOLDER, usual)
        if not folder:
            return
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not private(folder):
            return
        place = os.path.join(folder, self.kernel_id or f"kernel-{os.getpid()}-{id(self):x}")
        if FOLDER in os.environ:
            self.connection_file = f"{place}.json"
        if len(folder) + 50 < LONGEST_SOCKET:
            self.transport, self.ip = "ipc", place

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        await super()._async_launch_kernel(kernel_cmd, **kw)
        if pid := getattr(self.provisioner, "pid", None):
            _running[pid] = getattr(self.provisioner, "process", None)
            for watcher in _watchers:
                watcher(pid)

    async def _async_interrupt_kernel(self) -> None:
        if not self.shutting_down:  # a kernel that is shut down needs no interrupt before, and would complain of it
            await super()._async_interrupt_kernel()

    async def _async_finish_shutdown(
        self, waittime: float | None = None, pollinterval: float = 0.01, restart: bool = False
    ) -> None:
        await super()._async_finish_shutdown(waittime, pollinterval, restart)

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:  # type: ignore[override]  # the base class does the same
        """Shut the kernel down after taking note of the most memory that it used."""
        pid = getattr(self.provisioner, "pid", None)
        PEAKS.append(peak_memory(pid))
        _running.pop(pid or 0, None)
        await self._async_shutdown_kernel(now=now, restart=restart)


def kill_all() -> None:
    """Kill the kernels that this process has started, with all that they started."""
    for pid, process in tuple(_running.items()):
        if process is None or process.poll() is not None:  # its number may stand for another process by now
            _running.pop(pid, None)
            continue
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


@contextmanager
def place() -> Iterator[None]:
    """Give the kernels of this process, and of those it starts in the block, a folder that is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="review-kernels-")
    with restored(FOLDER):
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def watched(watcher: Callable[[int], None] | None) -> Iterator[None]:
    """Call back with the process number of every kernel that is started in the block."""
    if watcher:
        _watchers.append(watcher)
    try:
        yield
    finally:
        if watcher:
            _watchers.remove(watcher)


@contextmanager
def limited(seconds: float | None) -> Iterator[threading.Event]:
    """Kill the kernels of this process if the block takes longer; the event that is given tells it."""
    expired, done = threading.Event(), threading.Event()

    def wait() -> None:
        if not done.wait(seconds):
            expired.set()
            while not done.wait(0.2):  # one may just be starting
                kill_all()

    thread = threading.Thread(target=wait, daemon=True)
    if seconds is not None:
        thread.start()
    try:
        yield expired
    finally:
        done.set()
        if seconds is not None:
            thread.join()


def peak_memory(pid: int | None) -> int:
    """Return the most memory that a process has used so far, in bytes; 0 where it is gone or the system does not tell."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            line = next((line for line in file if line.startswith("VmHWM:")), "")
    except OSError:
        return 0
    return int(line.split()[1]) * 1024 if line else 0

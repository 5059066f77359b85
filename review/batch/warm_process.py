"""The processes of warm kernels as their manager sees them: the one to fork from, and the forked kernel."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from review.batch import warm_server
from review.batch.warm_server import ended, peer, receive, send
from review.errors import OptionError, ReviewError

PATIENCE = 120.0
"""Seconds that imports may take."""

LOST = 1
"""The exit code of a kernel that ended when nobody was left to tell its own."""


class ColdError(ReviewError):
    """A kernel cannot be forked from a warm process, for this reason; an ordinary one can be started."""


class WarmProcess:
    """A kernel's process, with the part of the interface of :class:`subprocess.Popen` that Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, pidfd: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pidfd, self._connection = pidfd, connection
        self._close = weakref.finalize(self, _close_both, pidfd, connection)

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self.returncode is None and ended(self._pidfd):
            try:
                self.returncode = int(receive(self._connection)[0]["code"])
            except (OSError, EOFError):
                self.returncode = LOST
            self._close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs after so many seconds.
        """
        if self.returncode is None:
            ended(self._pidfd, None if timeout is None else int(timeout * 1000))
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(f"kernel {self.pid}", timeout or 0)
        return code

    def send_signal(self, signum: int) -> None:
        """Send a signal to the process and all it started, if it still runs."""
        if self.poll() is not None:
            return
        try:  # the number cannot have been given away: a dead kernel is kept until this connection is closed
            if self._orphaned():
                raise ProcessLookupError
            os.killpg(self.pid, signum)
        except ProcessLookupError:  # it has no group yet, or nobody keeps its number
            signal.pidfd_send_signal(self._pidfd, signum)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _orphaned(self) -> bool:
        """Tell whether the process that forked this one has gone."""
        try:
            return ended(self._connection.fileno()) and self._connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True


def _close_both(pidfd: int, connection: socket.socket) -> None:
    os.close(pidfd)
    connection.close()


@dataclass
class Zygote:
    """A process to fork from, which this process has started."""

    process: subprocess.Popen[bytes]
    address: str

    @classmethod
    def start(cls, command: Sequence[str], modules: Sequence[str], env: Mapping[str, str], address: str) -> Zygote:
        """Start one and wait until it has imported all.

        Raises
        ------
        OptionError
            If a module cannot be imported.
        ColdError
            If it does not start for another reason.
        """
        full = [*command, warm_server.__file__, address, str(os.getpid()), *modules]
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(  # noqa: S603 -- the interpreter of the kernel and this package's own file
                    full,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=os.path.dirname(address),
                    env={**env, "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
                    start_new_session=True,
                )
            except OSError as error:
                raise ColdError(f"the process to fork from did not start: {error}") from None
            assert process.stdout is not None
            with process.stdout as stream:
                line = _line(stream, PATIENCE)
            zygote = cls(process, address)
            try:
                answer = json.loads(line)
            except ValueError:
                zygote.close()
                errors.seek(0)
                tail = errors.read().decode(errors="replace").strip().splitlines() or ["no answer"]
                raise ColdError(f"the process to fork from did not start: {tail[-1]}") from None
        if "ready" not in answer:
            zygote.close()
            if problems := answer["problems"]:
                listed = "; ".join(f"{name} ({reason})" for name, reason in problems.items())
                raise OptionError(f"cannot be imported in advance: {listed} -> install it or take it off the list of modules")
            raise ColdError(f"after the imports, {answer['reason']}")
        return zygote

    def close(self) -> None:
        """End it; the kernels go on."""
        self.process.kill()
        self.process.wait()
        Path(self.address).unlink(missing_ok=True)


def _line(stream: IO[bytes], seconds: float) -> bytes:
    """Read up to the end of a line, of the stream or of the time."""
    limit, text = time.monotonic() + seconds, b""
    while not text.endswith(b"\n") and select.select([stream], [], [], max(0.0, limit - time.monotonic()))[0]:
        part = os.read(stream.fileno(), 65536)
        if not part:
            break
        text += part
    return text


def ordered(address: str, order: dict[str, Any], options: Mapping[str, Any]) -> WarmProcess:
    """Order a kernel from the process that listens there.

    Raises
    ------
    ColdError
        If it refuses, or the output of the kernel cannot be handed over.
    OSError, EOFError
        If there is no such process any more.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(30)
        connection.connect(address)
        if peer(connection)[1] != os.getuid():
            raise ColdError("the process to fork from is another user's")
        with closing(_Files()) as files:
            send(connection, order, (files.number(options.get("stdout"), 1), files.number(options.get("stderr"), 2)))
            answer, descriptors = receive(connection, 1)
        if "error" in answer:
            raise ColdError(f"in the process to fork from, {answer['error']}")
        return WarmProcess(int(answer["pid"]), descriptors[0], connection)
    except BaseException:
        connection.close()
        raise


class _Files:
    """Descriptors for the output of a kernel, given as those of :class:`subprocess.Popen`."""

    def __init__(self) -> None:
        self.null = os.open(os.devnull, os.O_RDWR)

    def number(self, wish: Any, inherited: int) -> int:
        if wish == subprocess.PIPE:
            raise ColdError("the output of the kernel goes to a pipe")
        if wish is None:
            try:
                os.fstat(inherited)
            except OSError:
                return self.null
            return inherited
        if wish == subprocess.DEVNULL:
            return self.null
        return int(wish) if isinstance(wish, int) else int(wish.fileno())

    def close(self) -> None:
        os.close(self.null)

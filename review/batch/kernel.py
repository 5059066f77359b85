"""Kernels that talk over sockets in a folder of the user's own, not over TCP ports."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from jupyter_client.manager import AsyncKernelManager

PEAKS: list[int] = []
"""Peak memory in bytes of each kernel that this process shut down, where the system tells it (Linux)."""

LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system allows (the limit of ``sun_path`` is 104 on macOS, 108 on Linux)."""


class PrivateKernelManager(AsyncKernelManager):
    """Starts a kernel with IPC transport where the system has it, else with TCP on loopback.

    Over TCP any user of the machine can connect to the ports (only signatures keep them out) and the kernel warns of it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        folder = os.path.join(tempfile.gettempdir(), f"review-kernels-{os.getuid()}") if hasattr(os, "getuid") else ""
        if folder and len(folder) + 50 < LONGEST_SOCKET:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            facts = os.stat(folder, follow_symlinks=False)
            if facts.st_uid == os.getuid() and facts.st_mode & 0o077 == 0:
                self.transport = "ipc"
                self.ip = os.path.join(folder, self.kernel_id or f"kernel-{os.getpid()}-{id(self):x}")

    async def shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:  # type: ignore[override]  # the base class does the same
        """Shut the kernel down after taking note of the most memory that it used."""
        PEAKS.append(peak_memory(getattr(self.provisioner, "pid", None)))
        await self._async_shutdown_kernel(now=now, restart=restart)


def peak_memory(pid: int | None) -> int:
    """Return the most memory that a process has used so far, in bytes; 0 where it is gone or the system does not tell."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            line = next((line for line in file if line.startswith("VmHWM:")), "")
    except OSError:
        return 0
    return int(line.split()[1]) * 1024 if line else 0

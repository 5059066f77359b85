"""What Jupyter uses to start warm kernels: a provisioner for JupyterLab and a manager for papermill and nbclient."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import List, Unicode

from review.batch import warm
from review.batch.kernel import PrivateKernelManager
from review.batch.warm_process import ColdError


class WarmProvisioner(LocalProvisioner):
    """Forks the kernel from a process that has the imports done; where that fails, starts an ordinary one and says so.

    Attributes
    ----------
    modules : list of str
        What has been imported in advance (``metadata.kernel_provisioner.config.modules`` of the kernel specification).
    fallback : str
        Why the kernel is an ordinary one; empty if it is warm.
    """

    modules: Any = List(Unicode(), list(warm.MODULES), config=True, help="Modules that are imported in advance.")
    fallback = ""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch the kernel.

        Raises
        ------
        review.errors.OptionError
            If a module cannot be imported.
        """
        self.fallback, self.pgid = "", None
        try:
            process = await asyncio.to_thread(warm.launch, cmd, tuple(self.modules), kwargs)
        except ColdError as error:
            self.fallback = str(error)
            warm.say(self.fallback)
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid = cast(Any, process), process.pid  # the group gets its signals by way of the process
        self.cwd = kwargs.get("cwd") or "."
        await self._bound()
        return self.connection_info

    async def _bound(self) -> None:
        """Wait a little for the kernel's sockets: a client that connects before they exist tries again only much later."""
        facts = self.connection_info
        if facts.get("transport") != "ipc":
            return
        limit = time.monotonic() + 2
        while not os.path.exists(f"{facts['ip']}-{facts['iopub_port']}") and time.monotonic() < limit:
            if await self.poll() is not None:
                break
            await asyncio.sleep(0.002)


class WarmKernelManager(PrivateKernelManager):
    """Starts warm kernels whatever the kernel specification says, with the sockets of :class:`PrivateKernelManager`."""

    modules: Any = List(Unicode(), list(warm.MODULES), config=True, help="Modules that are imported in advance.")

    @property
    def fallback(self) -> str:
        """Why the kernel is an ordinary one; empty if it is warm or has not been started."""
        return str(getattr(self.provisioner, "fallback", ""))

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        if self.provisioner is None:
            self.kernel_id = self.kernel_id or kw.pop("kernel_id", str(uuid.uuid4()))
            self.provisioner = WarmProvisioner(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self, modules=list(self.modules)
            )
        return await super()._async_pre_start_kernel(**kw)

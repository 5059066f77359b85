"""Warm kernels: forked from a process that has already imported what notebooks import, so that they start at once.

One such process is started for each interpreter, list of modules and environment that matters at import; it ends with the
process that started it. With :func:`session` the workers of a run share it. See :mod:`review.batch.warm_provisioner` for
what Jupyter uses. Only Linux can do this safely: elsewhere, and whenever it fails, kernels are ordinary ones.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import re
import shutil
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from review.batch.warm_process import ColdError, WarmProcess, Zygote, ordered
from review.errors import OptionError
from review.system import LONGEST_SOCKET, private, restored

MODULES = (
    "IPython",
    "bibtexparser.entrypoint",
    "bibtexparser.middlewares",
    "nbformat",
    "numpy",
    "pandas",
    "pandera.backends.pandas.builtin_checks",
    "pandera.pandas",
    "plotly.express",
    "plotly.graph_objects",
    "plotly.subplots",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.stats",
    "statsmodels.stats.multitest",
    "statsmodels.stats.proportion",
    "yaml",
)
"""What is imported in advance, besides the kernel itself; plotly imports nbformat, which takes seconds, for its first figure."""

SHARED = "REVIEW_WARM_KERNELS"
"""The variable of the environment by which a worker finds the folder of the session it belongs to."""

AT_IMPORT = (
    *("ARROW_", "BLIS_", "COVERAGE_", "DEBUGPY_", "GLIBC_", "GOTO_", "HOME", "IPYTHON", "JUPYTER_", "KMP_", "LANG", "LC_", "LD_"),
    *("MALLOC_", "MKL_", "MPL", "NPY_", "NUMEXPR_", "NUMPY_", "OMP_", "OPENBLAS_", "PANDAS_", "PLOTLY_", "PYTHON", "SCIPY_"),
)
"""How variables begin that an interpreter or a library reads once: a kernel is only forked from a process with the same."""

MOST = 4
"""Processes to fork from that one process keeps, the latest; each takes about as much memory as a notebook."""

LAUNCHERS = ("ipykernel_launcher", "ipykernel")
_logger = logging.getLogger(__name__)
_lock = threading.RLock()


@dataclass
class _Pool:
    """The processes that this process has started, by what distinguishes them."""

    owner: int = field(default_factory=os.getpid)
    folder: str = ""
    zygotes: dict[str, Zygote] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


_current = _Pool()


def _pool() -> _Pool:
    """Return the pool of this process; one that was forked from another has a pool of its own."""
    global _current  # noqa: PLW0603
    if _current.owner != os.getpid():
        _current = _Pool()
    return _current


@atexit.register
def close() -> None:
    """End all processes to fork from that this process has started; kernels go on."""
    with _lock:
        pool = _pool()
        for zygote in pool.zygotes.values():
            zygote.close()
        if pool.folder:
            shutil.rmtree(pool.folder, ignore_errors=True)
        pool.zygotes, pool.losses, pool.folder = {}, {}, ""


def supported() -> bool:
    """Tell whether this system can fork kernels safely."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # a kernel or a sandbox without it
        return False
    return True


def fallbacks() -> tuple[str, ...]:
    """Return the reasons why this process has started ordinary kernels, each once."""
    return tuple(_pool().said)


def say(reason: str) -> None:
    """Warn that a kernel is an ordinary one; once for each reason."""
    with _lock:
        said = _pool().said
        if reason not in said:
            said.append(reason)
            _logger.warning("no warm kernel, an ordinary one is started: %s", reason)


def launch(command: Sequence[str], modules: Sequence[str], options: Mapping[str, Any]) -> WarmProcess:
    """Fork a kernel.

    Parameters
    ----------
    command : sequence of str
        How an ordinary kernel is started: interpreter, its options, ``-m ipykernel_launcher``, arguments.
    modules : sequence of str
        What must have been imported.
    options : mapping
        Those of :class:`subprocess.Popen` that describe the kernel: ``env``, ``cwd``, ``stdout``, ``stderr``.

    Raises
    ------
    ColdError
        If it cannot be forked and an ordinary one should be started.
    OptionError
        If a module cannot be imported.
    """
    if wrong := [name for name in modules if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name)]:
        raise OptionError(f"no names of modules: {', '.join(map(repr, wrong))} -> write names like pandas or scipy.stats")
    if not supported():
        raise ColdError(f"{sys.platform} cannot fork kernels safely")
    place = list(command).index("-m") if "-m" in command else -1
    if place < 1 or command[place + 1] not in LAUNCHERS:
        raise ColdError("the kernel is not started with python -m ipykernel_launcher")
    known = {"env", "cwd", "stdin", "stdout", "stderr", "independent", "kernel_id", "extra_arguments"}
    if unknown := sorted(set(options) - known) or options.get("independent") or options.get("stdin"):
        raise ColdError(f"it is not known how to start a kernel with {unknown}")
    env = {**(_inherited() if options.get("env") is None else options["env"]), "JPY_PARENT_PID": str(os.getpid())}
    env.pop(SHARED, None)
    cwd = os.path.abspath(options.get("cwd") or ".")
    if not os.access(cwd, os.X_OK) or not all(map(os.path.isabs, filter(None, env.get("PYTHONPATH", "").split(":")))):
        raise ColdError("the folder of the kernel or PYTHONPATH is unusual")
    order = {
        "argv": list(command[place + 2 :]),
        "module": "ipykernel.__main__" if command[place + 1] == "ipykernel" else command[place + 1],
        "original": list(command),
        "cwd": cwd,
        "env": env,
        "umask": _umask(),
    }
    return _forked(list(command[:place]), tuple(modules), env, order, options)


def _forked(
    interpreter: list[str], modules: tuple[str, ...], env: Mapping[str, str], order: dict[str, Any], options: Mapping[str, Any]
) -> WarmProcess:
    """Fork from the process of the session or from an own one; where that was lost, start another once."""
    key = _key(interpreter, modules, env)
    if folder := os.environ.get(SHARED):
        try:
            if not private(folder):
                raise PermissionError(f"{folder} is not this user's alone")
            return ordered(f"{folder}/{key}", order, options)
        except (OSError, EOFError) as error:  # it has not this kind, or has lost it
            _logger.info("the session's process to fork from is not used, an own one is: %s %s", key, error)
    with _lock:
        pool = _pool()
        while pool.losses.get(key, 0) < 2:
            if key not in pool.zygotes:
                pool.zygotes[key] = Zygote.start(interpreter, modules, env, _address(pool, key))
            try:
                return ordered(pool.zygotes[key].address, order, options)
            except (OSError, EOFError):
                pool.losses[key] = pool.losses.get(key, 0) + 1
                pool.zygotes.pop(key).close()
    raise ColdError("the process to fork from was lost twice")


def _umask() -> int:
    """Return the mask of this process without changing it, which other threads would notice."""
    return int(re.findall(r"^Umask:\s*(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)[0], 8)


def _key(interpreter: list[str], modules: tuple[str, ...], env: Mapping[str, str]) -> str:
    """Return what distinguishes processes to fork from; packages that are installed later also count."""
    folders = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}  # not those of sys.path, to which anyone may add
    installed = [os.stat(path).st_mtime_ns for path in sorted(folders) if os.path.isdir(path)]
    matters = sorted((name, value) for name, value in env.items() if name.startswith(AT_IMPORT))
    return hashlib.sha256(json.dumps([interpreter, modules, matters, installed]).encode()).hexdigest()[:16]


def _address(pool: _Pool, key: str) -> str:
    """Return where a new process listens, in a folder of this user's own."""
    while len(pool.zygotes) >= MOST:
        pool.zygotes.pop(next(iter(pool.zygotes))).close()
    pool.folder = pool.folder or tempfile.mkdtemp(prefix="review-warm-")
    address = f"{pool.folder}/{key}"
    if len(os.fsencode(address)) > LONGEST_SOCKET:
        raise ColdError("the path of the folder for temporary files is too long for a socket")
    return address


def _inherited() -> dict[str, str]:
    """Return the environment that the workers will have: libraries in C may have changed it without Python's knowledge."""
    import ctypes

    entries = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    found: dict[str, str] = {}
    place = 0
    while (entry := entries[place]) is not None:
        name, _, value = entry.partition(b"=")
        found[os.fsdecode(name)] = os.fsdecode(value)
        place += 1
    found.pop(SHARED, None)
    return found


@contextmanager
def session(modules: Sequence[str] = MODULES) -> Iterator[str]:
    """Start the process to fork from in advance and share it with the processes that are started in the block.

    Gives the reason why there is none, else an empty text.

    Raises
    ------
    OptionError
        If a module cannot be imported.
    """
    with restored(SHARED):
        reason = ""
        try:
            _share(tuple(modules))
        except ColdError as error:
            reason = str(error)
            say(reason)
        try:
            yield reason
        finally:
            close()


def _share(modules: tuple[str, ...]) -> None:
    """Have a process to fork from and name its folder in the environment.

    Raises
    ------
    ColdError
        If there is none.
    """
    if not supported():
        raise ColdError(f"{sys.platform} cannot fork kernels safely")
    env = _inherited()
    with _lock:
        pool, key = _pool(), _key([sys.executable], modules, env)
        if key in pool.zygotes and pool.zygotes[key].process.poll() is not None:
            pool.zygotes.pop(key).close()
        if key not in pool.zygotes:
            pool.zygotes[key] = Zygote.start([sys.executable], modules, env, _address(pool, key))
        os.environ[SHARED] = pool.folder


def kernelspec(name: str = "Python 3 (warm)", modules: Sequence[str] = MODULES) -> dict[str, Any]:
    """Return the content of a ``kernel.json`` with which JupyterLab starts warm kernels."""
    provisioner = {"provisioner_name": "review-warm", "config": {"modules": list(modules)}}
    return {
        "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "metadata": {"debugger": True, "supported_encryption": ["curve"], "kernel_provisioner": provisioner},
        "kernel_protocol_version": "5.5",
    }

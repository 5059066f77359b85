"""What ran: versions of the packages and the commit of the project."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version

from review import paths

LIBRARIES = ("ipykernel", "nbclient", "nbformat", "numpy", "pandas", "papermill", "plotly", "scipy")


def versions() -> dict[str, str]:
    """Return the versions of what runs notebooks."""
    import platform

    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of the project, with ``+changes`` if its tree is not clean; "" where it is no repository."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(paths.ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603

    try:
        head = git("rev-parse", "HEAD")
        return head + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""

"""Make ``.venv`` from the pinned lock, and see that a browser for static figures is there.

Only the standard library is used, so that any Python >= 3.11 can run it: ``python3 tools/setup.py`` installs what the
notebooks need, ``python3 tools/setup.py --dev`` what the tests need, too. The work is
skipped when lock and interpreter are those of the last time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OLDEST = (3, 11)


def say(text: str) -> None:
    """Print progress to stderr."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def run(*command: str | Path, quiet: bool = False) -> bool:
    """Run a command; return whether it succeeded."""
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.call([str(part) for part in command], stdout=sink, stderr=sink) == 0


def browser() -> str | None:
    """Return the browser that figures would be drawn with."""
    named = os.environ.get("BROWSER_PATH")
    if named and Path(named).is_file():
        return named
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def install_browser() -> None:
    """Install Chromium with the system's package manager where that can work; otherwise say what will be missing."""
    found = browser()
    if found:
        say(f"static figures are drawn with {found}")
        return
    apt = shutil.which("apt-get")
    if apt and hasattr(os, "geteuid") and os.geteuid() == 0:
        say("installing Chromium for static figures (apt-get)")
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run(apt, "update", "-qq", quiet=True)
        run(apt, "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core", quiet=True)
    if browser():
        say(f"static figures are drawn with {browser()}")
    else:
        say("no Chromium was found or could be installed: figures are written as HTML and JSON only.")
        say("To get SVG, PDF and PNG, install Chromium or Chrome (or set BROWSER_PATH) and run again.")


def install(python: Path, lock: Path) -> None:
    """Install the lock and the package into ``.venv``."""
    say(f"installing {lock.name} into .venv")
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")
    for attempt in (1, 2, 3):
        if run(*pip, "--require-hashes", "--no-deps", "-r", lock):
            break
        say(f"the installation failed (try {attempt} of 3)")
    else:
        sys.exit("setup: the packages of the lock could not be installed; see the messages above")
    if not run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT):
        sys.exit("setup: the package itself could not be installed; see the messages above")


def main() -> None:
    """Set everything up."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--dev", action="store_true", help="also install what the tests need")
    options = arguments.parse_args()
    if sys.version_info < OLDEST:
        sys.exit(f"setup: Python {sys.version.split()[0]} is too old; 3.11 or newer is needed (make PYTHON=python3.12 ...)")
    lock = ROOT / ("requirements-dev.lock" if options.dev else "requirements.lock")
    stamp = VENV / (".ready-dev" if options.dev else ".ready")
    parts = [lock.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode(), str(ROOT).encode()]
    mark = hashlib.sha256(b"\0".join(parts)).hexdigest()
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (python.exists() and stamp.exists() and stamp.read_text() == mark):
        if not python.exists():
            say(f"creating .venv with Python {sys.version.split()[0]}")
            venv.create(VENV, with_pip=True, clear=True)
        stamp.unlink(missing_ok=True)
        install(python, lock)
        stamp.write_text(mark)
    install_browser()


if __name__ == "__main__":
    main()

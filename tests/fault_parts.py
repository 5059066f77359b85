"""The parts of the fault campaign, which are scripts, as modules for tests; and what tests of faults share."""

import importlib.util
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent / "faults"
BOOK = Path(__file__).parent / "examples" / "notebooks" / "keeps-its-promise.ipynb"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched in /proc")


def load(name):
    """Import a part under its name."""
    spec = importlib.util.spec_from_file_location(name, FAULTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module

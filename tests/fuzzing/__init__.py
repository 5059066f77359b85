"""Damaged and hostile input for every reader of the project; ``python tests/fuzzing --help`` runs it for long."""

from __future__ import annotations

import importlib
import pkgutil

from fuzzing.harness import Target


def targets() -> dict[str, Target]:
    """Return every target by name: those of all modules here called ``targets_...``, from their ``TARGETS``."""
    found: dict[str, Target] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("targets_")):
        for target in importlib.import_module(f"{__name__}.{module}").TARGETS:
            assert target.name not in found, f"two targets are called {target.name}"
            found[target.name] = target
    return found

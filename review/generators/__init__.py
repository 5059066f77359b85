"""Nine small demonstrations of how the coded studies make synthetic data: modality x method.

``generate`` is the one way in; each cell is a module that is imported when it is used.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from review.errors import MissingExtraError, OptionError, UnknownNameError
from review.generators.dataset import Dataset, Record

MODALITIES = ("text", "tabular", "multimodal")
METHODS = ("prompting", "fine-tuning", "specialized")
CELLS: Mapping[tuple[str, str], str] = types.MappingProxyType(
    {
        ("text", "prompting"): "text_prompting",
        ("text", "fine-tuning"): "text_tuning",
        ("text", "specialized"): "text_specialized",
        ("tabular", "prompting"): "tabular_prompting",
        ("tabular", "fine-tuning"): "tabular_tuning",
        ("tabular", "specialized"): "tabular_specialized",
        ("multimodal", "prompting"): "multimodal_prompting",
        ("multimodal", "fine-tuning"): "multimodal_tuning",
        ("multimodal", "specialized"): "multimodal_specialized",
    }
)
"""Modality and method (codes of the codebook) -> module of this package."""

LIBRARIES = ("gguf", "jsonschema", "neurokit2", "openai", "peft", "sklearn", "tokenizers", "torch", "transformers", "xllamacpp")
"""Modules of the extra ``generate``."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a stage, what is done of it, and how much there is."""

__all__ = ["CELLS", "METHODS", "MODALITIES", "Dataset", "Progress", "Record", "default_size", "generate", "options_of"]


def _module(modality: str, method: str) -> Any:
    if modality not in MODALITIES:
        raise UnknownNameError("modality", modality, MODALITIES)
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)
    try:
        return importlib.import_module(f"review.generators.{CELLS[modality, method]}")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in LIBRARIES:
            raise MissingExtraError(str(error.name)) from None
        raise


def generate(
    modality: str, method: str, n: int | None = None, seed: int = 0, *, progress: Progress | None = None, **options: Any
) -> Dataset:
    """Generate records with one cell's demonstration.

    Parameters
    ----------
    modality : {"text", "tabular", "multimodal"}
    method : {"prompting", "fine-tuning", "specialized"}
    n : int, optional
        How many records the generator is asked for; the cell's own default size if not given. Every one of them is in
        the result, accepted or rejected: none is tried again until it fits.
    seed : int
        The same seed, options and builds of the libraries give the same bytes.
    progress : callable, optional
        Called with stage, done and total.
    **options
        Options of the cell, see :func:`options_of`.

    Returns
    -------
    Dataset

    Raises
    ------
    UnknownNameError
        If there is no such modality or method.
    OptionError
        If the cell has no such option, or cannot take its value; or ``n`` or ``seed`` cannot be used.
    ModelError
        If a language model is missing or broken.
    MissingExtraError
        If the libraries of the extra ``generate`` are not installed.
    """
    module = _module(modality, method)
    if n is not None and n < 1:
        raise OptionError(f"n is {n} -> ask for 1 record or more")
    if not 0 <= seed < 2**31:
        raise OptionError(f"the seed is {seed} -> choose a whole number from 0 to {2**31 - 1}")
    chosen = _options(module.Options, options)

    def silent(stage: str, done: int, total: int) -> None:
        """Show nothing."""

    try:
        made: Dataset = module.generate(n or module.DEFAULT_SIZE, seed, chosen, progress or silent)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in LIBRARIES:
            raise MissingExtraError(str(error.name)) from None
        raise
    return made


def default_size(modality: str, method: str) -> int:
    """Return how many records a cell makes if nothing is said."""
    return int(_module(modality, method).DEFAULT_SIZE)


def options_of(modality: str, method: str) -> dict[str, Any]:
    """Return the options of a cell with their defaults."""
    return dataclasses.asdict(_module(modality, method).Options())


def _options(kind: Any, given: Mapping[str, Any]) -> Any:
    """Return the options of a cell with some of them changed; text is read as the type of the option."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in hints:
            raise OptionError(f"no option named {name!r} -> choose of: {', '.join(hints)}")
        values[name] = _convert(name, value, hints[name])
    try:
        return kind(**values)
    except ValueError as error:
        raise OptionError(str(error)) from None


def _convert(name: str, value: Any, wanted: Any) -> Any:
    """Return a value as the type of its option; a number or a truth value may be given as text."""
    if isinstance(value, str) and wanted is not str:
        readers: dict[Any, Callable[[str], Any]] = {int: int, float: float, bool: _truth}
        reader = readers.get(wanted)
        try:
            if reader is not None:
                value = reader(value)
        except ValueError:
            raise OptionError(f"the option {name} is {value!r} -> give {wanted.__name__}") from None
    if wanted is float and type(value) is int:
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise OptionError(f"the option {name} is {value} -> give a finite number")
    origin = typing.get_origin(wanted) or wanted
    if not isinstance(value, origin) or (origin is int and isinstance(value, bool)):
        raise OptionError(f"the option {name} is {value!r} -> give {getattr(wanted, '__name__', wanted)}")
    return value


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"

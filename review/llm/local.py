"""A GGUF file run in this process by llama.cpp (through the package ``xllamacpp``)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from review.errors import MissingExtraError, ModelError
from review.llm.request import FEATURES, Completion, Model, Request
from review.llm.usage import Usage
from review.llm.weights import Weights

CONTEXT = 2048
"""Tokens of prompt and answer together; SmolLM2-135M-Instruct was trained with 2,048."""


class Local(Model):
    """A model file in this process.

    The runtime is llama.cpp's server, which also listens on a port of loopback: a key drawn for this object alone keeps
    everybody else out of it. The prompt cache is off, so that an answer depends on its request only, never on earlier ones.

    Parameters
    ----------
    weights : Weights
    threads : int
    context : int
        Tokens of prompt and answer together.

    Raises
    ------
    ModelError
        If the file cannot be loaded.
    MissingExtraError
        If ``xllamacpp`` is not installed.
    """

    def __init__(self, weights: Weights, threads: int = 1, context: int = CONTEXT) -> None:
        try:
            import xllamacpp
        except ModuleNotFoundError:
            raise MissingExtraError("xllamacpp") from None
        options = xllamacpp.CommonParams()
        options.model.path = str(weights.path)
        options.n_ctx = context
        options.n_parallel = 1
        options.cpuparams.n_threads = options.cpuparams_batch.n_threads = threads
        options.api_keys = [secrets.token_hex(16)]
        options.warmup = False
        options.verbosity = -1
        self.weights = weights
        self._usage = Usage(cost=0.0)
        self.context = context
        self._build = f"xllamacpp {xllamacpp.__version__}"
        try:
            self._server: Any = xllamacpp.Server(options)
        except RuntimeError as error:
            raise ModelError(
                f"{weights.path} cannot be loaded ({error}) -> the file may be cut short: download it again"
            ) from None

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, file and build; the same for the same file wherever it lies."""
        return {
            "backend": "local",
            "model": self.weights.name,
            "sha256": self.weights.sha256,
            "licence": self.weights.licence,
            "build": self._build,
        }

    @property
    def usage(self) -> Usage:
        """What it was asked so far; a model in this process costs nothing."""
        return self._usage

    def supports(self, feature: str) -> bool:
        """Tell that schemas and grammars are kept to."""
        return feature in FEATURES

    def complete(self, request: Request) -> Completion:
        """Answer one request; see :class:`review.llm.request.Model`."""
        body: dict[str, Any] = {
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "cache_prompt": False,
        }
        if request.schema is not None:
            body["json_schema"] = dict(request.schema)
        if request.grammar:
            body["grammar"] = request.grammar
        if request.stop:
            body["stop"] = list(request.stop)
        try:
            answer = self._server.handle_chat_completions(body)
        except ValueError as error:  # a schema that cannot be decoded
            raise ModelError(f"{self.weights.name}: {error} -> change the request") from None
        if "error" in answer:
            raise ModelError(f"{self.weights.name}: {answer['error'].get('message', answer['error'])} -> change the request")
        choice, usage = answer["choices"][0], answer["usage"]
        answered = Completion(
            text=choice["message"].get("content") or "",
            finish=str(choice["finish_reason"]),
            prompt_tokens=int(usage["prompt_tokens"]),
            completion_tokens=int(usage["completion_tokens"]),
        )
        self._usage.add(requests=1, prompt_tokens=answered.prompt_tokens, completion_tokens=answered.completion_tokens)
        return answered

    def close(self) -> None:
        """Free the model's memory."""
        self._server = None

"""A GGUF file run in this process by llama.cpp (through the package ``xllamacpp``)."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import weakref
from collections.abc import Mapping
from typing import Any

from review.errors import MissingExtraError, ModelError
from review.llm import constrain
from review.llm.request import FEATURES, Completion, Model, Request
from review.llm.usage import Usage
from review.llm.weights import Weights, reason

CONTEXT = 2048
"""Tokens of prompt and answer together. The embedded model knows 8,192; memory grows by 22.5 kB a token."""


class Local(Model):
    """A model file in this process.

    The runtime is llama.cpp's server, which also listens on a port of loopback: a key drawn for this object alone keeps
    everybody else out of it. Nothing is kept between requests, so that an answer depends on its request only. It also
    depends on the number of threads, which is therefore part of the identity. Several Python threads may ask; they wait for
    each other.

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
        if threads < 1 or context < 1:
            raise ValueError(f"threads ({threads}) and context ({context}) are 1 or more")
        options = xllamacpp.CommonParams()
        options.model.path = str(weights.path)
        options.n_ctx = context
        options.n_parallel = 1
        options.cpuparams.n_threads = options.cpuparams_batch.n_threads = threads
        options.n_gpu_layers = 0
        options.api_keys = [secrets.token_hex(16)]
        options.n_threads_http = 1
        options.endpoint_slots = options.ui = options.warmup = False
        options.fit_params = False  # would load the file twice
        options.cache_ram_mib = 0  # would keep earlier prompts, up to 8 GB
        options.check_tensors = True
        options.verbosity = -1
        self.weights, self.threads, self.context = weights, threads, context
        self._usage = Usage(cost=0.0)
        self._forked = False
        self._known: dict[str, str] = {}
        self._guided = constrain.available(xllamacpp.json_schema_to_grammar)
        self._build = f"xllamacpp {xllamacpp.__version__}{' with LLGuidance' if self._guided else ''}"
        failed = False
        try:
            self._server: Any = xllamacpp.Server(options)
        except RuntimeError:
            failed = True
        if failed:
            why, remedy = reason(weights.path)
            raise ModelError(f"{weights.path} cannot be loaded ({why}) -> {remedy}")
        _LOADED.add(self)
        self._wait_until_it_serves()

    def __repr__(self) -> str:
        return f"Local({self.weights.name!r}, threads={self.threads})"

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, file, build and threads; the same for the same file wherever it lies."""
        return {
            "backend": "local",
            "model": self.weights.name,
            "sha256": self.weights.sha256,
            "licence": self.weights.licence,
            "build": self._build,
            "threads": str(self.threads),
        }

    @property
    def usage(self) -> Usage:
        """What it was asked so far; a model in this process costs nothing."""
        return self._usage

    def supports(self, feature: str) -> bool:
        """Tell that schemas and grammars are kept to."""
        return feature in FEATURES

    def complete(self, request: Request) -> Completion:
        """Answer one request; see :class:`review.llm.request.Model`.

        Raises
        ------
        ModelError
            Also if the schema cannot be kept to as a whole, or the grammar is not understood.
        """
        body: dict[str, Any] = {
            **{name: value for name, value in request.body().items() if name not in FEATURES},
            "cache_prompt": False,
        }
        if request.grammar:
            body["grammar"] = request.grammar
        elif request.schema is not None and self._guided:
            body["grammar"] = self._grammar(request.schema)
        elif request.schema is not None:
            body["json_schema"] = request.body()["schema"]
        answer = self._ask("handle_chat_completions", body)
        choice, usage = answer["choices"][0], answer["usage"]
        text = choice["message"].get("content") or ""
        if choice["finish_reason"] == "length":
            text = text.rstrip("\ufffd")  # what is left of a character that was cut in two
        answered = Completion(
            text=constrain.strip(text) if request.schema is not None else text,
            finish=str(choice["finish_reason"]),
            prompt_tokens=int(usage["prompt_tokens"]),
            completion_tokens=int(usage["completion_tokens"]),
        )
        self._usage.add(requests=1, prompt_tokens=answered.prompt_tokens, completion_tokens=answered.completion_tokens)
        return answered

    def close(self) -> None:
        """Free the model's memory; more than once does no harm."""
        self._server = None

    def _ask(self, method: str, body: Mapping[str, Any]) -> Any:
        """Call the server and return its answer, or raise what it says."""
        server = self._server
        if self._forked:
            raise ModelError(f"{self.weights.name} was loaded before this process was forked -> load it in each process")
        if server is None:
            raise ModelError(f"{self.weights.name} is closed -> load it again")
        said = ""
        try:
            answer = getattr(server, method)(body)
        except ValueError as error:
            said = str(error)
        if not said and "error" not in answer:
            return answer
        fault = {"message": said} if said else answer["error"]
        if "n_prompt_tokens" in fault:
            raise ModelError(
                f"{self.weights.name}: the prompt has {fault['n_prompt_tokens']} tokens, the context {fault['n_ctx']} "
                "-> shorten the prompt"
            )
        raise ModelError(f"{self.weights.name}: {fault.get('message', fault)} -> change the request")

    def _wait_until_it_serves(self) -> None:
        """Have one token written: the runtime waits forever if it is freed before its own thread has begun to serve."""
        self._ask("handle_completions", {"prompt": "a", "max_tokens": 1, "temperature": 0.0, "cache_prompt": False})

    def _grammar(self, schema: Mapping[str, Any]) -> str:
        """Return the grammar of a schema after making sure that it works."""
        key = json.dumps(schema)
        if key not in self._known:
            trial = {"prompt": "a", "max_tokens": len(constrain.PROBE.encode()), "temperature": 0.0, "cache_prompt": False}
            answer = self._ask("handle_completions", {**trial, "grammar": constrain.grammar(schema, start=constrain.PROBE)})
            if not answer["choices"][0]["text"].startswith(constrain.PROBE):
                raise ModelError(f"{self.weights.name}: the schema cannot be kept to: {key[:300]} -> use simpler keywords")
            self._known[key] = constrain.grammar(schema)
        return self._known[key]


_LOADED: weakref.WeakSet[Local] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """Take loaded models away from a forked process: their threads are not in it, and freeing them would wait forever.

    So would the runtime's own clean-up: such a process has to end with ``os._exit``, as those of multiprocessing do.
    """
    for model in list(_LOADED):
        if model._server is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(model._server))  # never freed in this process
        model._server, model._forked = None, True


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_leave_to_parent)

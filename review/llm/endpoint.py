"""Any OpenAI-compatible server, asked through the official client; see :class:`review.llm.settings.Settings`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from review.errors import ModelError
from review.llm.constrain import closed
from review.llm.reply import Failure, Reply, lost, read, refused
from review.llm.request import Completion, Model, Request
from review.llm.settings import Settings
from review.llm.transport import Transport
from review.llm.usage import Usage

LONGEST_PAUSE = 30.0
"""Seconds between two attempts at most, unless the server asks for more."""


class Endpoint(Model):
    """A model behind a server.

    An attempt that fails in a way that may pass (no connection, too slow, 408, 409, 429, 5xx, an answer that is no answer)
    is made again after a pause that doubles, or that the server asks for; everything else is an error at once.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    MissingExtraError
        If ``openai`` is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._transport = Transport(settings)
        self._usage = Usage(cost=None if settings.prices is None else 0.0)
        self._lock = threading.Lock()
        self._next = 0.0
        self._refused: set[str] = set()
        self._limit = "max_tokens"
        self._closed = False

    @classmethod
    def from_environment(cls) -> Endpoint:
        """Return the endpoint that the environment names; nothing is sent yet.

        Raises
        ------
        ModelError
            If it is not configured, or not so that it could work.
        """
        return cls(Settings.from_environment())

    def __repr__(self) -> str:
        return f"Endpoint({self.settings.base_url!r}, {self.settings.model!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("an endpoint holds a key and is not pickled -> load it again from the environment")

    @property
    def identity(self) -> Mapping[str, str]:
        """Address, model and mode; a server may change the model behind a name, and its answers may differ each time."""
        return {
            "backend": "endpoint",
            "model": self.settings.model,
            "address": self.settings.base_url,
            "constrained": self.settings.mode,
        }

    @property
    def usage(self) -> Usage:
        """What it was asked so far, and what that cost."""
        return self._usage

    def supports(self, feature: str) -> bool:
        """Tell whether a schema or grammar is sent. In mode ``auto`` a schema is, until the server refuses one."""
        mode = self.settings.mode
        if feature == "schema":
            return mode in ("json_schema", "llama.cpp") or (mode == "auto" and not self._refused)
        return feature == "grammar" and mode == "llama.cpp"

    def complete(self, request: Request) -> Completion:
        """Answer one request; see :class:`review.llm.request.Model`."""
        if self._closed:
            raise ModelError("the endpoint is closed -> load it again")
        end = time.monotonic() + self.settings.deadline
        attempt = 0
        while True:
            answer = self._attempt(request, end)
            if isinstance(answer, Completion):
                return answer
            if self._adapt(answer, request):
                continue
            if not answer.passing:
                raise ModelError(self._describe(answer))
            if attempt == self.settings.retries:
                raise ModelError(self._describe(answer, f" ({attempt + 1} attempts)" if attempt else ""))
            pause = answer.wait if answer.wait is not None else min(self.settings.pause * 2**attempt, LONGEST_PAUSE)
            if time.monotonic() + pause >= end:
                asked = "" if answer.wait is None else f", the server asks to wait {answer.wait:.0f} s"
                raise ModelError(self._describe(answer, f"{asked}, which is beyond the {self.settings.deadline:g} s allowed"))
            time.sleep(pause)
            attempt += 1
            self._usage.add(retries=1)

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        self._transport.close()

    def _attempt(self, request: Request, end: float) -> Completion | Failure:
        """Send one request once, when the rate allows it."""
        self._take_turn(end)
        seconds = min(self.settings.timeout, end - time.monotonic())
        if seconds <= 0:
            return lost(f"no answer within {self.settings.deadline:g} s")
        constraint = self._constraint(request)
        response = self._transport.post(self._body(request), constraint, seconds)
        if response.slow:
            return lost(f"no answer within {seconds:.3g} s")
        if not response.status:
            return lost(response.text, passing=response.passing)
        if response.status >= 300:
            return refused(response.status, response.headers, response.text)
        found = read(response.text)
        return found if isinstance(found, Failure) else self._count(found, request, constraint)

    def _take_turn(self, end: float) -> None:
        if not self.settings.rate:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + 60 / self.settings.rate
        time.sleep(max(0.0, min(start, end) - now))

    def _body(self, request: Request) -> dict[str, Any]:
        body = request.body()
        names = ("messages", "temperature", "top_p", "seed", *(["stop"] if request.stop else []))
        return {"model": self.settings.model, self._limit: request.max_tokens, **{name: body[name] for name in names}}

    def _constraint(self, request: Request) -> dict[str, Any]:
        """Return what tells the server about schema or grammar, in the words of the mode."""
        mode, schema = self.settings.mode, closed(request.body()["schema"])
        extra: dict[str, Any] = {"cache_prompt": False} if mode == "llama.cpp" else {}
        if mode == "llama.cpp" and request.grammar:
            extra["grammar"] = request.grammar
        if schema is not None and mode == "llama.cpp":
            extra["json_schema"] = schema
        elif schema is not None and mode != "none" and json.dumps(schema) not in self._refused:
            wanted = {"name": "answer", "strict": True, "schema": schema}
            extra["response_format"] = {"type": "json_schema", "json_schema": wanted}
        return extra

    def _adapt(self, failure: Failure, request: Request) -> bool:
        """Change what a server has refused, and tell whether it is worth asking again at once."""
        if failure.status not in (400, 404, 415, 422, 501):
            return False
        if self._limit == "max_tokens" and "max_completion_tokens" in failure.text:
            self._limit = "max_completion_tokens"
            return True
        if self.settings.mode == "auto" and "response_format" in self._constraint(request) and failure.about_format:
            self._refused.add(json.dumps(closed(request.body()["schema"])))
            return True
        return False

    def _count(self, reply: Reply, request: Request, constraint: Mapping[str, Any]) -> Completion:
        asked = request.schema is not None or bool(request.grammar)
        prompt, answer = reply.prompt_tokens or 0, reply.completion_tokens or 0
        self._usage.add(
            requests=1,
            unconstrained=int(asked and not {"response_format", "json_schema", "grammar"} & set(constraint)),
            uncounted=int(reply.prompt_tokens is None),
            prompt_tokens=prompt,
            completion_tokens=answer,
        )
        if self.settings.prices is not None:
            self._usage.add(cost=(self.settings.prices[0] * prompt + self.settings.prices[1] * answer) / 1e6)
        scrub = self.settings.key.scrub
        return Completion(scrub(reply.text), scrub(reply.finish), prompt, answer)

    def _describe(self, failure: Failure, more: str = "") -> str:
        what = self.settings.key.scrub(failure.text)
        return f"{self.settings.model} at {self.settings.base_url}: {what}{more} -> {failure.remedy}"

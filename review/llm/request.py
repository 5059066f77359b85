"""What is asked of a language model and what it answers; nothing here knows a backend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Message:
    """One turn of a conversation.

    Attributes
    ----------
    role : str
        ``system``, ``user`` or ``assistant``.
    content : str
    """

    role: str
    content: str


@dataclass(frozen=True)
class Request:
    """Everything that decides an answer, besides the model.

    Attributes
    ----------
    messages : tuple of Message
    max_tokens : int
        Tokens of the answer at most; what does not fit is cut off and :attr:`Completion.finish` is ``length``.
    temperature : float
        0 takes the most probable token each time.
    top_p : float
        Probability mass of the tokens to draw from.
    seed : int
        0 or more.
    schema : mapping, optional
        JSON schema that the answer has to meet (constrained decoding, where the backend has it).
    grammar : str
        GBNF grammar that the answer has to meet; not together with ``schema``.
    stop : tuple of str
        Texts that end the answer.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 256
    temperature: float = 0.8
    top_p: float = 0.95
    seed: int = 0
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    grammar: str = ""
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no backend could answer."""
        if not self.messages:
            raise ValueError("a request needs at least one message")
        if self.schema is not None and self.grammar:
            raise ValueError("a request has a schema or a grammar, not both")
        if self.max_tokens < 1 or self.temperature < 0 or not 0 < self.top_p <= 1 or self.seed < 0:
            raise ValueError("max_tokens is 1 or more, temperature and seed are 0 or more, top_p is above 0 and at most 1")

    def body(self) -> dict[str, Any]:
        """Return the request as plain values, the same for the same request."""
        return {
            "messages": [{"role": message.role, "content": message.content} for message in self.messages],
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "schema": None if self.schema is None else json.loads(json.dumps(self.schema)),
            "grammar": self.grammar,
            "stop": list(self.stop),
        }


@dataclass(frozen=True)
class Completion:
    """One answer.

    Attributes
    ----------
    text : str
        What the model wrote; may be empty.
    finish : str
        ``stop`` (the model ended), ``length`` (cut off at ``max_tokens``) or what the server said.
    prompt_tokens, completion_tokens : int
    cached : bool
        Whether it came from the response cache, at no cost.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    cached: bool = False


class Model(Protocol):
    """A language model that can be asked."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, name, build and (for files) SHA-256 and licence: equal identity, same answers to the same request."""

    def complete(self, request: Request) -> Completion:
        """Answer one request.

        Raises
        ------
        ModelError
            If there is no usable answer: server not reachable, request too long, grammar not understood.
        """

    def close(self) -> None:
        """Free what the model holds."""

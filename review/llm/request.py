"""What is asked of a language model and what it answers; nothing here knows a backend."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from review.llm.usage import Usage

_CONTROL = re.compile(
    r"<(?=[|\uff5c])|<(?=/?(?:s|unk|pad|bos|eos|(?:start|end)_of_turn|repo_?name|file_?sep|filename|gh_stars|empty_output"
    r"|(?:issue|jupyter)_\w+)>)|<(?=</?SYS>>)|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w+)\])",
    re.IGNORECASE,
)
ROLES = ("system", "user", "assistant")
FEATURES = ("schema", "grammar")
"""Kinds of constrained decoding that a request may ask for."""


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

    def __post_init__(self) -> None:
        """Refuse a role that no chat template knows, and text that has no bytes."""
        if self.role not in ROLES:
            raise ValueError(f"the role is {self.role!r}: choose one of {', '.join(ROLES)}")
        self.content.encode()


def spelled(text: str) -> str:
    """Return a text in which no word is one that models take for the end of a turn or the start of another.

    Runtimes turn such words into control tokens wherever they stand, so that an item to be judged could speak as somebody
    else. They are broken by a blank after their first sign; every other text stays as it is.
    """
    return _CONTROL.sub(lambda found: f"{found[0]} ", text)


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
        JSON schema that the answer has to meet (constrained decoding, where :meth:`Model.supports` it). Properties are
        written in the order in which they stand here; there are none beside them unless ``additionalProperties`` says so.
        Only what ends can meet it: bound strings (``maxLength``), arrays (``maxItems``) and decimals (``multipleOf``), and
        leave room in ``max_tokens``.
    grammar : str
        GBNF grammar that the answer has to meet; not together with ``schema``.
    stop : tuple of str
        Texts that end the answer; none of them is in it.
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
        numbers = (self.temperature, self.top_p)
        if not all(math.isfinite(number) for number in numbers) or self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError("temperature is 0 or more, top_p is above 0 and at most 1")
        if self.max_tokens < 1 or not 0 <= self.seed < 2**32 - 1:
            raise ValueError("max_tokens is 1 or more, seed is from 0 to 4294967294")
        if not all(self.stop):
            raise ValueError("an empty text cannot end an answer")

    def body(self) -> dict[str, Any]:
        """Return the request as plain values, the same for the same request."""
        return {
            "messages": [{"role": message.role, "content": spelled(message.content)} for message in self.messages],
            "max_tokens": self.max_tokens,
            "temperature": float(self.temperature),
            "top_p": float(self.top_p),
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
        ``stop`` (the model ended), ``length`` (cut off at ``max_tokens``), ``refusal``, ``content_filter`` or what else the
        server said.
    prompt_tokens, completion_tokens : int
        0 where the server does not state them (counted in :attr:`Usage.uncounted`).
    cached : bool
        Whether it came from the response cache, at no cost.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    cached: bool = False


class Model(Protocol):
    """A language model that can be asked; as a context manager it is closed at the end."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Backend, name, build and (for files) SHA-256 and licence: equal identity, same answers to the same request."""

    @property
    def usage(self) -> Usage:
        """What it was asked so far."""

    def supports(self, feature: str) -> bool:
        """Tell whether answers are decoded under a ``schema`` or a ``grammar``.

        Where they are not, the request is answered as if it had none: whoever asks has to check every answer anyway.
        """

    def complete(self, request: Request) -> Completion:
        """Answer one request.

        Raises
        ------
        ModelError
            If there is no usable answer: server not reachable, request too long, grammar not understood.
        """

    def close(self) -> None:
        """Free what the model holds; more than once does no harm."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""Read what a server sends back, whatever it is: an answer, or a failure with what to do about it."""

from __future__ import annotations

import email.utils
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REMEDIES = {
    400: "change the request, or REVIEW_LLM_CONSTRAINED if it is about a schema or grammar",
    401: "check REVIEW_LLM_KEY",
    402: "check the account behind REVIEW_LLM_KEY",
    403: "check REVIEW_LLM_KEY and what it may use",
    404: "check REVIEW_LLM_MODEL and REVIEW_LLM_BASE_URL (it often ends in /v1)",
    405: "check REVIEW_LLM_BASE_URL (it often ends in /v1)",
    413: "make the request shorter",
    422: "change the request, or REVIEW_LLM_CONSTRAINED if it is about a schema or grammar",
    429: "ask less often (REVIEW_LLM_RATE), or check the account's limits",
}
PASSING = (408, 409, 425, 429)
"""Statuses beside 5xx after which the same request may succeed; 501 and 505 will not."""
_LONGEST = 300
_FORMAT_WORDS = ("response_format", "json_schema", "schema", "guided", "structured", "grammar")


@dataclass(frozen=True)
class Reply:
    """An answer as the server sent it; tokens are None where it does not state them."""

    text: str
    finish: str
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True)
class Failure:
    """No answer.

    Attributes
    ----------
    text : str
        What happened; may quote the server.
    remedy : str
    passing : bool
        Whether it is worth trying again.
    status : int
        Of HTTP; 0 if nothing came back.
    wait : float, optional
        Seconds that the server asks to wait.
    """

    text: str
    remedy: str
    passing: bool = True
    status: int = 0
    wait: float | None = None

    @property
    def about_format(self) -> bool:
        """Whether the server seems to object to the response format."""
        return any(word in self.text.lower() for word in _FORMAT_WORDS)


def read(content: str) -> Reply | Failure:
    """Return the answer in the body of a successful response.

    A missing or empty text is an answer without text; a refusal is one, too, with ``refusal`` as its finish.
    """
    remedy = "check REVIEW_LLM_BASE_URL (it often ends in /v1), or look at the server's log"
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return Failure(f"the answer is not JSON: {_quote(content)}", remedy)
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        if not isinstance(text, str | None) or not isinstance(refusal, str | None):
            raise TypeError
        finish = choice.get("finish_reason")
        if finish is not None and not isinstance(finish, str):
            raise TypeError
    except (KeyError, IndexError, TypeError, AttributeError):
        return Failure(f"the answer has no choice with a message: {_quote(content)}", remedy)
    usage = body.get("usage")
    counts = [_count(usage, name) for name in ("prompt_tokens", "completion_tokens")]
    if None in counts:
        counts = [None, None]
    whole = (text or "").encode("utf-8", "replace").decode()  # JSON can hold half of a character, a file cannot
    return Reply(whole, "refusal" if refusal else finish or "unknown", counts[0], counts[1])


def refused(status: int, headers: Mapping[str, str], text: str) -> Failure:
    """Return the failure that a response with an error status stands for."""
    try:
        error = json.loads(text)
        error = error.get("error", error)
        said = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, RecursionError, AttributeError):
        said = text
    passing = status in PASSING or (status >= 500 and status not in (501, 505))
    remedy = REMEDIES.get(status, "try again later" if passing else "look at the server's log")
    return Failure(f"HTTP {status}: {_quote(said)}", remedy, passing, status, pause(headers))


def lost(text: str, *, passing: bool = True) -> Failure:
    """Return the failure of an attempt that brought no response."""
    return Failure(text, "check that the server runs at REVIEW_LLM_BASE_URL; REVIEW_LLM_TIMEOUT allows more time", passing)


def pause(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if seconds >= 0:
            return seconds  # infinity is beyond every deadline
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, moment - time.time())


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and 0 <= value < math.inf else None


def _quote(content: str) -> str:
    """Return the beginning of what a server sent, on one line."""
    text = " ".join(content.encode("utf-8", "replace").decode().split())
    return text[:_LONGEST] + "..." if len(text) > _LONGEST else text or "(nothing)"

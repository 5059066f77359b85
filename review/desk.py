"""What a page and the desk behind it say to each other, whatever is done there: a message comes, an answer goes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from review.errors import ReviewError

SAVED, KEPT, SUPERSEDED, MOVED, FAILED, HERE = "saved", "kept", "superseded", "moved", "failed", "here"
"""Types of answers."""

Answer = dict[str, Any]


def respond(message: Any, kinds: Mapping[str, Callable[[Mapping[str, Any]], Answer]]) -> Answer:
    """Return the answer to a message of a page, with the ``number`` and the ``client`` of the message.

    Parameters
    ----------
    message : mapping
        Its ``type`` is one of ``kinds``, or ``ping``.
    kinds : mapping of str to callable
        What to do, by type; what cannot be done raises :class:`ReviewError` or OSError, and the answer is ``failed`` with the
        reason.
    """
    if not isinstance(message, Mapping):
        return {"type": FAILED, "reason": "the message is not a mapping"}
    echo = {"number": message.get("number"), "client": message.get("client")}
    kind = message.get("type")
    if kind == "ping":
        return {"type": HERE, **echo}
    if not isinstance(kind, str) or kind not in kinds:
        return {"type": FAILED, "reason": f"there is no message of type {kind!r}", **echo}
    try:
        return {**kinds[kind](message), **echo}
    except (ReviewError, OSError) as error:
        return {"type": FAILED, "reason": str(error), **echo}


def numbered(message: Mapping[str, Any]) -> tuple[str, int]:
    """Return which page sent a message, and its number there.

    Raises
    ------
    ReviewError
        If it has none.
    """
    client, number = message.get("client"), message.get("number")
    if not isinstance(client, str) or isinstance(number, bool) or not isinstance(number, int):
        raise ReviewError("the message has no number -> reload the page")
    return client, number

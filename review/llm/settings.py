"""How to reach an OpenAI-compatible server: read from the environment, checked, with a key that shows nowhere."""

from __future__ import annotations

import base64
import html
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from review.errors import ModelError

MODES = ("auto", "json_schema", "llama.cpp", "none")
_WORDS = "BASE_URL MODEL TIMEOUT DEADLINE RETRIES RATE PRICE_PROMPT PRICE_COMPLETION CONSTRAINED"
_OPEN = tuple(f"REVIEW_LLM_{word}" for word in _WORDS.split())
SHORTEST = 8
"""Characters from which a key is also looked for in what a server writes; a shorter one may be an ordinary word."""

HERE = ("127.0.0.1", "::1", "localhost")
"""Hosts that are this machine: a key may go there without encryption, and never by way of a proxy."""


class Secret:
    """A text that neither prints, compares, nor leaves the process.

    Parameters
    ----------
    text : str
    """

    __slots__ = ("_text", "_written")

    def __init__(self, text: str) -> None:
        self._text, self._written = text, _written(text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "<secret>" if self._text else "<no secret>"

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        raise TypeError("a secret is not copied or pickled -> read it from the environment again")

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def scrub(self, text: str) -> str:
        """Return ``text`` without the secret, as it is or as it stands in an address, in JSON, on a page or in base64."""
        return text if self._written is None else self._written.sub("<key>", text)


def _written(text: str) -> re.Pattern[str] | None:
    """Return what finds a secret however each of its letters is written; None if it may be an ordinary word."""
    if len(text) < SHORTEST and "@" not in text:
        return None
    coded = base64.b64encode(text.encode()).decode().rstrip("=")
    whole = "".join(f"(?:{'|'.join(map(re.escape, _spelled(letter)))})" for letter in text)
    return re.compile("|".join([whole, re.escape(coded), re.escape(coded.translate(str.maketrans("+/", "-_")))]))


def _spelled(letter: str) -> list[str]:
    """Return how a letter is written in plain text, behind a backslash, in an address and on a page."""
    code, low = ord(letter), f"{ord(letter):x}"
    found = [letter, f"\\{letter}", html.escape(letter), f"&#{code};", f"&#{code:02d};", f"&#{code:03d};"]
    for digits in (low, low.upper()):
        found += [f"%{digits:0>2}", f"%25{digits:0>2}", f"\\u{digits:0>4}", f"\\x{digits:0>2}", f"&#x{digits};"]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Settings:
    """Where a server is and how to treat it. Each has a variable of the environment; only the first two are required.

    =============================== ============ ==========================================================================
    variable                        default      meaning
    =============================== ============ ==========================================================================
    ``REVIEW_LLM_BASE_URL``                      address up to and with the version, as ``http://127.0.0.1:11434/v1``
    ``REVIEW_LLM_MODEL``                         name of the model, as the server knows it
    ``REVIEW_LLM_KEY``                           key; without one the word ``none`` is sent
    ``REVIEW_LLM_TIMEOUT``          120          seconds for one attempt, from the first byte sent to the last received
    ``REVIEW_LLM_DEADLINE``         600          seconds for one request with all attempts and waiting
    ``REVIEW_LLM_RETRIES``          4            attempts beyond the first after a failure that may pass
    ``REVIEW_LLM_RATE``             0            attempts per minute at most in this process; 0 is no limit
    ``REVIEW_LLM_PRICE_PROMPT``                  price of a million tokens of prompt; empty is not known
    ``REVIEW_LLM_PRICE_COMPLETION``              price of a million tokens of answer; empty is not known
    ``REVIEW_LLM_CONSTRAINED``      auto         how a schema or grammar is sent, see below
    =============================== ============ ==========================================================================

    ``auto`` sends a schema as the standard's ``response_format`` and, if the server refuses that, asks again without;
    ``json_schema`` sends it and takes no for an answer; ``llama.cpp`` sends ``json_schema`` or ``grammar`` as that server
    has them; ``none`` sends neither. Only ``llama.cpp`` has grammars. Whether a server keeps to all of a schema is its own
    affair (llama.cpp leaves out ``minimum`` and ``maximum`` of a ``number``, for example): check every answer.

    Attributes
    ----------
    base_url, model : str
    key : Secret
    timeout, deadline : float
        Seconds.
    retries : int
    rate : float
        Per minute.
    prices : tuple of float, optional
        For a million tokens of prompt and of answer.
    mode : {"auto", "json_schema", "llama.cpp", "none"}
    pause : float
        Seconds before the second attempt; doubled for each further one.
    """

    base_url: str
    model: str
    key: Secret = field(default_factory=lambda: Secret(""), compare=False)
    timeout: float = 120.0
    deadline: float = 600.0
    retries: int = 4
    rate: float = 0.0
    prices: tuple[float, float] | None = None
    mode: str = "auto"
    pause: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot work before anything is sent; no message holds the address or the key."""
        try:
            url = urlsplit(self.base_url)
            usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
            closed = url.scheme == "https" or url.hostname in HERE
        except ValueError:
            usable = closed = False
        if not usable or not re.fullmatch(r"[!-~]+", self.base_url):
            raise ModelError("REVIEW_LLM_BASE_URL is no address -> write it like http://127.0.0.1:11434/v1")
        if "@" in url.netloc or url.query or url.fragment:
            raise ModelError("REVIEW_LLM_BASE_URL has a user, query or fragment -> leave them out; a key goes to REVIEW_LLM_KEY")
        if self.key and not closed:
            remedy = "write https://, have the server on this machine (or a tunnel to it), or leave REVIEW_LLM_KEY empty"
            raise ModelError(f"REVIEW_LLM_BASE_URL is http on another machine: the key would be read on the way -> {remedy}")
        if not self.model.strip():
            raise ModelError("REVIEW_LLM_MODEL is empty -> give the model's name as the server knows it")
        if not re.fullmatch(r"[!-~]*", self.key.reveal()):
            raise ModelError("REVIEW_LLM_KEY has blanks, line ends or letters outside ASCII -> copy it again")
        if self.key.scrub(self.base_url + self.model) != self.base_url + self.model:
            raise ModelError("the key stands in REVIEW_LLM_BASE_URL or REVIEW_LLM_MODEL -> give it in REVIEW_LLM_KEY only")
        if self.mode not in MODES:
            raise ModelError(f"REVIEW_LLM_CONSTRAINED is {self.mode!r} -> choose one of: {', '.join(MODES)}")

    @property
    def direct(self) -> bool:
        """Whether the server is on this machine without encryption: a proxy of the environment would get the key."""
        url = urlsplit(self.base_url)
        return url.scheme == "http" and url.hostname in HERE

    @classmethod
    def from_environment(cls) -> Settings:
        """Return the settings in the environment.

        Raises
        ------
        ModelError
            If a required one is missing, or one cannot be used.
        """
        given = {name: os.environ.get(name, "").strip() for name in _OPEN}  # no variable here holds the key in plain text
        missing = [name for name in ("REVIEW_LLM_BASE_URL", "REVIEW_LLM_MODEL") if not given[name]]
        if missing:
            raise ModelError(f"the endpoint is not configured: {' and '.join(missing)} -> set it in the environment")
        prices = [_number(given, f"REVIEW_LLM_PRICE_{kind}", math.nan) for kind in ("PROMPT", "COMPLETION")]
        if math.isnan(prices[0]) != math.isnan(prices[1]):
            raise ModelError("only one of REVIEW_LLM_PRICE_PROMPT and REVIEW_LLM_PRICE_COMPLETION is set -> set both or none")
        return cls(
            given["REVIEW_LLM_BASE_URL"].rstrip("/"),
            given["REVIEW_LLM_MODEL"],
            Secret(os.environ.get("REVIEW_LLM_KEY", "").strip()),
            timeout=_number(given, "REVIEW_LLM_TIMEOUT", 120.0, above=0.0),
            deadline=_number(given, "REVIEW_LLM_DEADLINE", 600.0, above=0.0),
            retries=int(_number(given, "REVIEW_LLM_RETRIES", 4, whole=True)),
            rate=_number(given, "REVIEW_LLM_RATE", 0.0),
            prices=None if math.isnan(prices[0]) else (prices[0], prices[1]),
            mode=given["REVIEW_LLM_CONSTRAINED"] or "auto",
        )


def _number(given: Mapping[str, str], name: str, default: float, *, above: float | None = None, whole: bool = False) -> float:
    """Return a number of the environment that is not negative."""
    text = given[name]
    if not text:
        return default
    try:
        number = float(int(text)) if whole else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0 or (above is not None and number <= above):
        kind = "a whole number" if whole else "a number"
        raise ModelError(f"{name} is {text!r} -> give {kind} {'above 0' if above is not None else 'that is 0 or more'}")
    return number

"""Send requests one after another, not too fast, and again where that may help; nothing of a key gets out.

Pauses between failures double up to a limit, with a jitter from a seed, unless the server says how long to wait.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from review.errors import OptionError, RunError
from review.living.asking import Ask, Malformed
from review.llm.reply import pause
from review.llm.settings import HERE, Secret
from review.unpacking import ASKED, PackedError, TooLargeError, unpacked

if TYPE_CHECKING:
    import httpx

AGENT = "synthetic-data-review"
LARGEST = 50_000_000
"""Bytes of one answer, unpacked."""

MOST_REDIRECTS = 3
PASSING = (408, 425, 429, 500, 502, 503, 504)
REMEDIES = {
    400: "check the query and the days",
    401: "get a key for this source and set it in the environment (see docs/living-review.md)",
    403: "wait some hours, or check the key in the environment",
    404: "check the address of the source in the environment",
    414: "take fewer terms in the query",
    429: "wait, then run the same command again: it goes on from here",
}
AGAIN = "run the same command again: it goes on from here"


@dataclass(frozen=True)
class Habits:
    """How patient a courier is.

    Attributes
    ----------
    timeout : float
        Seconds for one attempt, from the first byte sent to the last received.
    retries : int
        Attempts beyond the first.
    pause, longest : float
        Seconds before the second attempt, doubled for each further one, and the most of it.
    patience : float
        Seconds that a server may ask to wait; more ends the run.
    seed : int
        Of the jitter: a pause is between half of itself and itself and a half.
    """

    timeout: float = 60.0
    retries: int = 5
    pause: float = 1.0
    longest: float = 60.0
    patience: float = 300.0
    seed: int = 0


@dataclass
class Clock:
    """What tells the time and lets it pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Failure:
    """Why an attempt brought nothing, and whether another one may."""

    text: str
    remedy: str
    passing: bool = True
    wait: float | None = None


@dataclass(frozen=True)
class Identity:
    """Who asks: sent with every request, written nowhere.

    Attributes
    ----------
    key : Secret
    email : Secret
    params : mapping of str to str
        Names under which key and mail address go among the parameters; by default they go in headers.
    """

    key: Secret = field(default_factory=lambda: Secret(""))
    email: Secret = field(default_factory=lambda: Secret(""))
    params: Mapping[str, str] = field(default_factory=dict)

    def scrub(self, text: str) -> str:
        """Return a text without key and mail address, however they are written."""
        return self.email.scrub(self.key.scrub(text))

    def scrubbed(self, data: bytes) -> bytes:
        """Return bytes without key and mail address."""
        return self.scrub(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


class Courier:
    """The way to one source.

    Parameters
    ----------
    name, address : str
        Of the source. Keys are sent over https only, or to this machine.
    interval : float
        Seconds between the starts of two requests.
    identity : Identity
    habits : Habits
    clock : Clock

    Raises
    ------
    OptionError
        If the address cannot be used.
    """

    def __init__(
        self,
        name: str,
        address: str,
        interval: float,
        identity: Identity | None = None,
        habits: Habits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.name, self.address, self.interval = name, checked(name, address), interval
        self.identity, self.habits, self.clock = identity or Identity(), habits or Habits(), clock or Clock()
        self._random = random.Random(f"{self.habits.seed} {name}")  # noqa: S311 (spreads attempts, guards nothing)
        self._next = 0.0
        self._client: httpx.Client | None = None
        self._late = False
        self.sent = 0

    def fetch(self, ask: Ask, check: Callable[[bytes], object], where: str) -> bytes:
        """Return the bytes of an answer that passes a check.

        Parameters
        ----------
        ask : Ask
        check : callable
            Raises :class:`Malformed` for an answer that is none.
        where : str
            Names the request in an error, as in "page 2".

        Raises
        ------
        RunError
            If there is none after all attempts, or none to be expected.
        """
        attempt = 0
        while not isinstance(found := self._attempt(ask, check), bytes):
            what = f"{self.name}, {where}: {self.identity.scrub(found.text)}"
            if not found.passing:
                raise RunError(f"{what} -> {found.remedy}")
            if found.wait is not None and found.wait > self.habits.patience:
                raise RunError(f"{what}; it asks to wait {found.wait:.0f} s -> do so, then {AGAIN}")
            if attempt == self.habits.retries:
                raise RunError(f"{what} ({attempt + 1} attempts) -> {found.remedy}")
            self.clock.sleep(self._pause(attempt) if found.wait is None else found.wait)
            attempt += 1
        return self.identity.scrubbed(found)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _pause(self, attempt: int) -> float:
        return float(min(self.habits.pause * 2**attempt, self.habits.longest) * (0.5 + self._random.random()))

    def _attempt(self, ask: Ask, check: Callable[[bytes], object]) -> bytes | Failure:
        self._take_turn()
        found = self._send(ask)
        if isinstance(found, bytes):
            try:
                check(found)
            except Malformed as error:
                return Failure(f"the answer cannot be read: {error}", AGAIN)
        return found

    def _take_turn(self) -> None:
        now = self.clock.now()
        if now < self._next:
            self.clock.sleep(self._next - now)
        self._next = max(now, self._next) + self.interval
        self.sent += 1

    def _send(self, ask: Ask) -> bytes | Failure:
        """Send one request, and follow it on the same host."""
        import httpx

        url = f"{self.address}/{ask.path}".rstrip("/")
        watch = threading.Timer(self.habits.timeout, self._give_up)
        watch.daemon = True
        self._late = False
        watch.start()
        try:
            for _ in range(MOST_REDIRECTS + 1):
                found = self._once(ask, url)
                if not isinstance(found, str):
                    return found
                url = found
            return Failure(f"it redirects more than {MOST_REDIRECTS} times", "check the address of the source", passing=False)
        except httpx.InvalidURL as error:
            return Failure(f"the address is refused: {error}", "check the address of the source", passing=False)
        except PackedError as error:
            large = isinstance(error, TooLargeError)
            return Failure(str(error), "narrow the days with --since and --until" if large else AGAIN, passing=not large)
        except (httpx.HTTPError, httpx.StreamError, RuntimeError, OSError) as error:
            if self._late or isinstance(error, httpx.TimeoutException):
                return Failure(f"no answer within {self.habits.timeout:g} s", AGAIN)
            what = self.identity.scrub(f"no answer: {type(error).__name__}: {error}")[:300]
            return Failure(what, f"check the network, then {AGAIN}")
        finally:
            watch.cancel()
            if self._late:
                self.close()

    def _give_up(self) -> None:
        """End an attempt whose time is up: the limits of the client begin anew with every byte."""
        self._late = True
        client = self._client
        if client is not None:
            client.close()

    def _once(self, ask: Ask, url: str) -> bytes | Failure | str:
        """Send one request; return the answer, or the address that it names instead."""
        params = dict(ask.params) | {name: self._own(kind) for name, kind in self.identity.params.items() if self._own(kind)}
        place = {"data": params} if ask.post else {"params": params}
        client = self._connected()
        with client.stream("POST" if ask.post else "GET", url, headers=self._headers(), **place) as response:  # type: ignore[arg-type]
            status = response.status_code
            if status in (301, 302, 307, 308):
                return self._redirect(url, response.headers.get("location", ""))
            body = _body(response, self.habits.timeout)
            if status == 200:
                return body
            said = " ".join(self.identity.scrub(body.decode("utf-8", "replace")).split())[:200]
            passing = status in PASSING
            remedy = REMEDIES.get(status, AGAIN if passing else "check the query")
            return Failure(f"HTTP {status}: {said}".rstrip(": "), remedy, passing, pause(response.headers) if passing else None)

    def _own(self, kind: str) -> str:
        return {"key": self.identity.key, "email": self.identity.email}[kind].reveal() if kind in ("key", "email") else kind

    def _redirect(self, url: str, target: str) -> str | Failure:
        """Return where a redirection leads if that is the same host, by no lesser way."""
        new, old = urlsplit(urljoin(url, target)), urlsplit(url)
        safer = (old.scheme, new.scheme) == ("http", "https") and new.port in (None, 443)
        if target and new.hostname == old.hostname and (safer or (new.scheme, new.port) == (old.scheme, old.port)):
            return new._replace(query="", fragment="").geturl()
        remedy = f"if that is right, set REVIEW_{self.name.upper()}_URL"
        return Failure(f"it redirects to {new.hostname or 'nowhere'}, which is not followed", remedy, passing=False)

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": AGENT, "Accept-Encoding": ASKED}
        if not self.identity.params:
            key, email = self.identity.key.reveal(), self.identity.email.reveal()
            headers |= {"Authorization": f"Bearer {key}"} if key else {}
            headers |= {"From": email} if email else {}
        return headers

    def _connected(self) -> httpx.Client:
        import httpx

        if self._client is None:
            direct = self.address.startswith("http:")  # this machine: a proxy of the environment would get the key
            self._client = httpx.Client(timeout=self.habits.timeout, follow_redirects=False, trust_env=not direct)
        return self._client


def _body(response: httpx.Response, seconds: float) -> bytes:
    """Return the unpacked body."""
    import httpx

    parts, end = [], time.monotonic() + seconds
    for part in unpacked(response.iter_raw(), response.headers.get("content-encoding", ""), LARGEST):
        if time.monotonic() > end:
            raise httpx.ReadTimeout("too slow")
        parts.append(part)
    return b"".join(parts)


def checked(name: str, address: str) -> str:
    """Return an address that can be used, without a slash at its end.

    Raises
    ------
    OptionError
        If it is no address, has a user or query, or is http elsewhere than on this machine.
    """
    try:
        url = urlsplit(address)
        local = url.hostname in HERE
        good = url.scheme == "https" or (url.scheme == "http" and local)
        good = good and bool(url.hostname) and url.port != 0 and not url.query and not url.fragment and "@" not in url.netloc
    except ValueError:
        good = False
    if not good:
        raise OptionError(f"the address of {name} cannot be used -> write REVIEW_{name.upper()}_URL like https://host/path")
    return address.rstrip("/")


def identity(name: str, email: str = "") -> Identity:
    """Return who asks a source: its key from the environment, and a mail address from there or as given.

    Raises
    ------
    OptionError
        If a key or address has signs that no header can have.
    """
    keys = {"pubmed": "NCBI_API_KEY", "openalex": "OPENALEX_API_KEY"}
    key = Secret(os.environ.get(keys.get(name, ""), "").strip())
    mail = Secret((email or os.environ.get("REVIEW_EMAIL", "")).strip())
    for variable, secret in ((keys.get(name, "the key"), key), ("the mail address", mail)):
        if not all("!" <= sign <= "~" for sign in secret.reveal()):
            raise OptionError(f"{variable} has blanks or letters outside ASCII -> copy it again")
    params = {"tool": AGENT, "email": "email", "api_key": "key"} if name == "pubmed" else {}
    return Identity(key, mail, params)

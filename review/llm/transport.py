"""Send one chat completion with the official client; nothing that the client holds or raises, and with it the key, gets out."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from review.errors import MissingExtraError
from review.llm.settings import Secret, Settings
from review.unpacking import ASKED, PackedError, unpacked

LARGEST = 20_000_000
"""Bytes of one response, unpacked."""

_HEADERS = ("retry-after", "retry-after-ms")
_SENT = re.compile(r"(?i)(host|accept(-encoding)?|connection|authorization|content-(type|length)|user-agent|x-stainless-.*)")
"""Headers of a request; the client takes further ones from the environment, which may hold a key for someone else."""

_LIBRARIES = ("openai", "httpx", "httpx2", "httpcore", "httpcore2")


@dataclass(frozen=True)
class Response:
    """What came back of one attempt, without the key.

    Attributes
    ----------
    status : int
        Of HTTP; 0 if nothing came back.
    text : str
        Body, or what went wrong if nothing came back.
    headers : mapping
        Those about waiting.
    slow : bool
        Whether the time was up.
    passing : bool
        Whether, if nothing came back, the same attempt may succeed later.
    """

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False
    passing: bool = True


class _Scrub(logging.Filter):
    """Take the key out of what the libraries log: at the lowest level that is also what a careless server repeats."""

    def __init__(self, secret: Secret) -> None:
        super().__init__()
        self._secret = secret

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without the key."""
        said = record.getMessage()
        if self._secret.scrub(said) != said:
            record.msg, record.args = self._secret.scrub(said), ()
        return True


class Transport:
    """The client of one endpoint.

    Its own repetitions are off (they have no limit for the whole), and what the environment holds for OpenAI itself,
    such as an organization or headers, is not sent along. A server on this machine is not asked by way of a proxy.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    MissingExtraError
        If ``openai`` is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        try:
            import openai
        except ModuleNotFoundError:
            raise MissingExtraError("openai") from None
        self._openai: Any = openai
        self._settings = settings
        self._client: Any = None
        self._filter = _Scrub(settings.key)
        self._lock = threading.Lock()

    def post(self, body: Mapping[str, Any], extra: Mapping[str, Any], seconds: float) -> Response:
        """Send one request and return what came back within ``seconds``.

        The client's own limit starts anew with each byte that arrives, so a clock beside it closes the connection.
        """
        client, late = self._connect(), threading.Event()

        def give_up() -> None:
            late.set()
            client.close()

        watch = threading.Timer(seconds, give_up)
        watch.daemon = True
        watch.start()
        status, text, headers, passing = 0, "", {}, True
        try:
            raw = client.chat.completions.with_raw_response.create(**body, extra_body=dict(extra) or None, timeout=seconds)
            status, text = raw.http_response.status_code, raw.http_response.content.decode("utf-8", "replace")
        except self._openai.APIStatusError as error:
            status, text = error.response.status_code, error.response.content.decode("utf-8", "replace")
            headers = {name: error.response.headers[name] for name in _HEADERS if name in error.response.headers}
        except self._openai.APITimeoutError:
            late.set()
        except Exception as error:  # whatever the client meets; all of it becomes the text of a failure
            cause = error.__cause__ or error
            text, passing = f"{type(cause).__name__}: {cause}", isinstance(error, self._openai.APIConnectionError)
            if isinstance(cause, PackedError):
                text, passing = str(cause), False
        finally:
            watch.cancel()
        if late.is_set():
            self.close()
        slow = late.is_set() and not status
        scrub = self._settings.key.scrub
        return Response(status, scrub(text), {name: scrub(headers[name]) for name in headers}, slow, passing or slow)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
            for logger in _loggers():
                logger.removeFilter(self._filter)

    def _connect(self) -> Any:
        with self._lock:
            if self._client is None:
                given = {"base_url": self._settings.base_url, "api_key": self._settings.key.reveal() or "none"}
                ours = {"trust_env": not self._settings.direct, "event_hooks": {"request": [_bare], "response": [_bound]}}
                self._client = self._openai.OpenAI(**given, max_retries=0, http_client=self._openai.DefaultHttpxClient(**ours))
                self._client.organization = self._client.project = None
                for logger in _loggers():
                    logger.addFilter(self._filter)
            return self._client


def _bare(request: Any) -> None:
    """Take from a request all headers that this project does not send."""
    for name in [name for name in request.headers if not _SENT.fullmatch(name)]:
        del request.headers[name]
    request.headers["Accept-Encoding"] = ASKED


def _bound(response: Any) -> None:
    """Have no more of a response read than :data:`LARGEST` bytes, unpacked."""
    given, encoding = response.stream, response.headers.pop("content-encoding", "")
    base = next(one for one in type(given).__mro__ if one.__name__ == "SyncByteStream")  # of httpx, or of what openai has instead

    class Bounded(base):  # type: ignore[misc,valid-type]
        def __iter__(self) -> Iterator[bytes]:
            return unpacked(given, encoding, LARGEST)

        def close(self) -> None:
            given.close()

    response.stream = Bounded()


def _loggers() -> list[logging.Logger]:
    """Return the loggers of the libraries; a filter of a parent does not see what its children log."""
    known = list(logging.root.manager.loggerDict.items())
    return [logger for name, logger in known if name.split(".")[0] in _LIBRARIES and isinstance(logger, logging.Logger)]

"""The program that draws figures: Chromium with letters as in the font, without a network and without keys in its environment."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, MutableMapping, Sequence

FLAGS = (
    "--font-render-hinting=none",  # letters are measured and drawn as they are in the font, whatever the settings for screens
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no host is found, this machine included: what it draws is in files
    "--disable-background-networking",
)

KEYS = re.compile(r"(?i)(secret|passw|token|key|credential|auth|cookie|email|proxy|database_url)")
"""Names of variables that a browser has no use for: it writes reports of its own, and a proxy is told the hosts' names."""


LONGEST = 60
"""Bytes of the path for temporary files: Chromium puts a socket below it, and the path of a socket has 107 on Linux (unix(7))."""

SHORT = "/tmp"  # noqa: S108 - Chromium makes a folder in it that is closed to others


def with_short_places(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which sockets have room, where there is another place for them."""
    found = dict(environment)
    if len(os.fsencode(found.get("TMPDIR", ""))) > LONGEST and os.access(SHORT, os.W_OK):
        found["TMPDIR"] = SHORT
    return found


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a browser."""
    return {name: value for name, value in environment.items() if not KEYS.search(name)}


def _told(record: logging.LogRecord) -> bool:
    """Tell whether a record is of use: the last word of a browser, "{bye}", is logged as an error with its traceback."""
    return "JSONError decoding message" not in record.getMessage()


def program() -> type:
    """Return the class with which kaleido starts the browser."""
    from choreographer.browsers import Chromium

    logging.getLogger("choreographer.channels.pipe").addFilter(_told)

    class Offline(Chromium):
        def get_cli(self) -> Sequence[str]:
            return [*super().get_cli(), *FLAGS]

        def get_env(self) -> MutableMapping[str, str]:
            return with_short_places(without_keys(super().get_env()))

    return Offline

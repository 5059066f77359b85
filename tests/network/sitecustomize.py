"""Loaded by every Python process of a test: no connection but to this machine, and every try, or port for others, is noted.

A hook of the interpreter cannot be taken away again. Libraries in C that open sockets themselves are not seen by it.
"""

import os
import sys

LOG = os.environ.get("NETWORK_LOG", "")
HERE = ("localhost", "127.", "::1", "::ffff:127.")


def here(host):
    """Tell whether a host is this machine, or none is named."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return not name or str(name).startswith(HERE)


def watch(event, arguments):
    """Note and refuse what leads away from this machine."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"):
        address = arguments[-1]
        host = address[0] if isinstance(address, tuple) else ""
        if here(host) and not (event == "socket.bind" and isinstance(address, tuple) and not host):
            return
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
        if here(host):
            return
    else:
        return
    with open(LOG, "a", encoding="utf-8") as file:
        file.write(f"{event} {host!r} {' '.join(sys.argv)[:200]}\n")
    raise PermissionError(f"{event} {host!r}: this test has no network")


if LOG:
    sys.addaudithook(watch)

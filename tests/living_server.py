"""The three services on loopback, giving recorded answers page by page, with faults where a test wants them."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

EXAMPLES = Path(__file__).parent / "examples" / "living"
SIZE = 2
"""Records a page of the recorded answers."""

Fault = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Services:
    """Where they are, what was asked, and what goes wrong: by source and page, faults that are used up one by one."""

    url: str
    asked: list[tuple[str, int, dict[str, str], dict[str, str]]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    faults: dict[tuple[str, int], list[Fault]] = field(default_factory=dict)
    replaced: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {f"REVIEW_{name.upper()}_URL": f"{self.url}/{name}" for name in ("pubmed", "arxiv", "openalex")}

    def pages(self, source: str) -> list[int]:
        return [number for name, number, _, _ in self.asked if name == source]


def page_of(source: str, path: str, params: dict[str, str]) -> int:
    """Return the number of the page that is asked for."""
    if source == "pubmed":
        return 1 if path.endswith("esearch.fcgi") else 2 + (int(params["id"].split(",")[0]) - 900000001) // SIZE
    if source == "arxiv":
        return 1 + int(params["start"]) // SIZE
    if "cursor" in params:
        return 1 if params["cursor"] == "*" else 1 + int(params["cursor"].removeprefix("cursor-"))
    return int(params["page"])


def recorded(source: str, number: int) -> bytes:
    return next(EXAMPLES.glob(f"{source}-{number}.*")).read_bytes()


def send(handler: BaseHTTPRequestHandler, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def status(code: int, text: str = "no", headers: dict[str, str] | None = None) -> Fault:
    return lambda handler: send(handler, text.encode(), code, headers)


def says(data: bytes, headers: dict[str, str] | None = None) -> Fault:
    return lambda handler: send(handler, data, 200, headers)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut(handler: BaseHTTPRequestHandler) -> None:
    send(handler, b"<?xml", 200, {"Content-Length": "100000"})
    handler.close_connection = True


def zipped(data: bytes) -> Fault:
    return says(gzip.compress(data), {"Content-Encoding": "gzip"})


def trickle(gap: float, *, headers: bool) -> Fault:
    """Send a header or a body that never ends, a byte at a time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        handler.wfile.write(b"X-Long: " if headers else b"Content-Length: 1000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(1000):
                handler.wfile.write(b"x" if headers else b" ")
                handler.wfile.flush()
                time.sleep(gap)

    return answer


@contextlib.contextmanager
def serve() -> Iterator[Services]:
    """Run the services."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, params: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            source = path.split("/")[1]
            number = page_of(source, path, params)
            known.at.append(time.monotonic())
            known.asked.append((source, number, params, {name.lower(): value for name, value in self.headers.items()}))
            faults = known.faults.get((source, number), [])
            if faults:
                faults.pop(0)(self)
            else:
                send(self, known.replaced.get((source, number)) or recorded(source, number))

        def do_GET(self) -> None:
            self.answer({name: value[0] for name, value in parse_qs(urlsplit(self.path).query).items()})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.answer({name: value[0] for name, value in parse_qs(body).items()})

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up are the point
    known = Services(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def without_records(source: str) -> bytes:
    """Return the answer of a source that finds nothing."""
    if source == "pubmed":
        return json.dumps({"header": {}, "esearchresult": {"count": "0", "retmax": "0", "retstart": "0", "idlist": []}}).encode()
    if source == "openalex":
        return json.dumps({"meta": {"count": 0, "next_cursor": None}, "results": []}).encode()
    text = recorded("arxiv", 1).decode()
    head, _, _ = text.partition("  <entry>")
    return (head.replace(">5</opensearch:total", ">0</opensearch:total") + "</feed>").encode()

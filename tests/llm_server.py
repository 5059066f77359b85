"""A small server on loopback that answers chat completions with whatever a test prescribes, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Scripted:
    """Where the server is, what it will say (the last answer again and again), and what it was asked."""

    url: str
    script: list[Answer]
    asked: list[dict[str, Any]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)


def body(text: str | None = "fine", finish: str | None = "stop", usage: Any = (7, 3), **message: Any) -> dict[str, Any]:
    """Return the body of a chat completion in the form of the public interface."""
    counts = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)} if usage else None
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return whole if counts is None else {**whole, "usage": counts}


def say(content: Any = None, status: int = 200, headers: dict[str, str] | None = None, kind: str = "application/json") -> Answer:
    """Answer with JSON (or the bytes as they are)."""
    data = content if isinstance(content, bytes) else json.dumps(body() if content is None else content).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Answer with an error in the form of the public interface."""
    return say({"error": {"message": message, "type": "error", "code": None}}, status, headers)


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Promise more bytes than are sent."""
    say(headers={"Content-Length": "100000"})(handler)
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def slow(seconds: float) -> Answer:
    """Say nothing for some time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        with contextlib.suppress(OSError):
            say()(handler)

    return answer


def trickle(gap: float, *, headers: bool) -> Answer:
    """Send a header or a body that never ends, a byte at a time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        handler.wfile.write(b"X-Long: " if headers else b"Content-Length: 1000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(1000):
                handler.wfile.write(b"x" if headers else b" ")
                handler.wfile.flush()
                time.sleep(gap)

    return answer


def echo(name: str) -> Answer:
    """Repeat a header of the request in an error, as careless servers do."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        error(400, f"cannot understand {handler.headers[name]}", {"X-Echo": handler.headers[name]})(handler)

    return answer


@contextlib.contextmanager
def serve(*script: Answer) -> Iterator[Scripted]:
    """Run a server that gives the answers in turn, and the last of them from then on."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            known.at.append(time.monotonic())
            known.asked.append(
                {
                    "path": self.path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": json.loads(content),
                }
            )
            known.script[min(len(known.asked), len(known.script)) - 1](self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up are the point
    known = Scripted(f"http://127.0.0.1:{server.server_port}/v1", list(script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

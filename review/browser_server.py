"""The process that keeps a browser for all processes of a run: ``python -m review.browser_server``.

A client connects to a Unix socket, sends one order of several images and reads the answers: an image, a reason why it cannot
be drawn, or an empty word that says to wait. If the browser is lost the server hangs up, the client draws the rest itself, and
the next client gets a new browser. Nothing is imported and no browser is started before the first client comes.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import browser
from review.batch.warm_server import HEADER, peer
from review.browser import LONGEST, frame

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Coroutine

    from review.browser import Session

SLOW = 20.0
"""Seconds that a client may take to send its order."""

BEAT = 2.0
"""Seconds after which a client that waits is told to wait on."""

MOST = 4
"""Browsers at most; half as many as there are processors, the others are for the clients."""


SOURCES = {"fig", "svg", "html"}
"""What an order has one of."""


class LostError(Exception):
    """The browser is gone, or cannot be used for this order."""


class Desk:
    """A place where one client at a time is drawn for: a browser, started when it is needed.

    Attributes
    ----------
    ended : bool
        Whether no browser is to be started any more.
    """

    def __init__(self) -> None:
        self.ended = False
        self._session: Session | None = None

    async def serve(self, order: dict[str, Any], reader: StreamReader, writer: StreamWriter) -> None:
        """Draw and answer; stop if the client has gone, or when one of its figures takes all the time there is.

        Raises
        ------
        LostError
            If the browser cannot be used.
        """
        path, place = Path(order["browser"]), 0
        try:
            session = await self._opened(path)
            for place, one in enumerate(order["orders"]):
                if reader.at_eof():
                    break
                image = await self._in_time(session.draw(one))
                said = {"reason": image} if isinstance(image, str) else {"image": base64.b64encode(image).decode()}
                await _answer(writer, place, said)
            place = len(order["orders"])
            await self._in_time(session.refresh())
        except TimeoutError:
            for left in range(place, len(order["orders"])):
                await _answer(writer, left, {"reason": f"{path.name} failed: {browser.late()}"})

    async def _opened(self, path: Path) -> Session:
        """Return the browser, started if it is not there."""
        if self._session is not None and self._session.gone():
            await self.close()
        if self._session is None:
            if self.ended:
                raise LostError("the server ends")
            self._session = browser.Session(path)
            try:
                await self._in_time(self._session.open())
            except LostError:
                await self.close()
                raise
        if self._session.browser != path:
            raise LostError(f"{self._session.browser} is in use, not {path}")
        return self._session

    async def _in_time(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for the browser; end it if it takes longer than it may.

        Raises
        ------
        TimeoutError
            If it did not answer.
        LostError
            If it is gone or anything else went wrong.
        """
        import asyncio

        task = asyncio.create_task(work)
        done, _ = await asyncio.wait({task}, timeout=browser.PATIENCE)
        if not done:
            assert self._session is not None
            self._session.kill()
            await self.close()
            task.cancel()
            raise TimeoutError(browser.late())
        if task.cancelled():  # by the session, when the browser went away
            raise LostError("the browser is gone")
        if problem := task.exception():
            raise LostError(f"{type(problem).__name__}: {problem}") from problem
        return task.result()

    async def close(self) -> None:
        """End the browser, if there is one."""
        import asyncio

        session, self._session = self._session, None
        if session is not None:
            await asyncio.wait({asyncio.create_task(session.close())}, timeout=10)
            session.kill()


class Server:
    """Draws for its clients, for each at a desk of its own.

    Parameters
    ----------
    number : int
        Clients that are drawn for at the same time.
    """

    def __init__(self, number: int) -> None:
        import asyncio

        self._desks = [Desk() for _ in range(number)]
        self._free: asyncio.LifoQueue[Desk] = asyncio.LifoQueue()  # the one with a browser first
        for desk in self._desks:
            self._free.put_nowait(desk)

    async def attend(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one client; whatever it sends, the server goes on."""
        import asyncio

        try:
            _same_user(writer.get_extra_info("socket"))
            order = await asyncio.wait_for(_read(reader), SLOW)
            work = asyncio.create_task(self._serve(order, reader, writer))
            while not (await asyncio.wait({work}, timeout=BEAT))[0]:
                writer.write(frame("{}"))
            await work
        except (OSError, EOFError, ValueError, LostError) as error:
            print(f"refused: {type(error).__name__} {error}", file=sys.stderr, flush=True)
        finally:
            writer.close()

    async def _serve(self, order: dict[str, Any], reader: StreamReader, writer: StreamWriter) -> None:
        desk = await self._free.get()
        try:
            await desk.serve(order, reader, writer)
        finally:
            self._free.put_nowait(desk)

    async def close(self) -> None:
        """End all browsers, for good."""
        for desk in self._desks:
            desk.ended = True
        for desk in self._desks:
            await desk.close()


def _same_user(connection: socket.socket) -> None:
    """Refuse a client of another user, where the system tells."""
    if hasattr(socket, "SO_PEERCRED"):
        _, user = peer(connection)
        if user != os.getuid():
            raise PermissionError(f"a client of user {user}")


async def _read(reader: StreamReader) -> dict[str, Any]:
    (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
    if length > LONGEST:
        raise ValueError(f"a message of {length} bytes")
    order = json.loads(await reader.readexactly(length))
    if not isinstance(order, dict) or not isinstance(order.get("browser"), str) or not isinstance(order.get("orders"), list):
        raise ValueError("a message that is no order")
    if not all(isinstance(one, dict) and "opts" in one and len(SOURCES & set(one)) == 1 for one in order["orders"]):
        raise ValueError("an order without what to draw, or without options")
    if order.get("prefix") != sys.prefix:
        raise ValueError("a client of another environment, whose plotly may be another")
    return order


async def _answer(writer: StreamWriter, place: int, said: dict[str, str]) -> None:
    writer.write(frame(json.dumps({"place": place, **said})))
    await writer.drain()


async def _run(listener: socket.socket, parent: int, number: int) -> None:
    import asyncio

    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(parent, ended.set)
    server = Server(number)
    front = await asyncio.start_unix_server(server.attend, sock=listener)
    await ended.wait()
    loop.remove_reader(parent)
    front.close()
    await server.close()


def main(listener: socket.socket, parent: int, folder: str, number: int) -> None:
    """Serve until nobody holds the other end of ``parent`` any more, then remove the folder."""
    with listener:
        watched: list[Any] = [listener, parent]
        if parent not in select.select(watched, [], [])[0]:
            import asyncio

            asyncio.run(_run(listener, parent, number))
    shutil.rmtree(folder, ignore_errors=True)


def browsers_here() -> int:
    """Return how many browsers this machine gets at most."""
    return max(1, min(MOST, (os.cpu_count() or 1) // 2))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), 0, sys.argv[2], browsers_here())

"""The body of an answer from the network, unpacked piece by piece: no more of it than is wanted, however small it was sent."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

PIECE = 1 << 20
"""Bytes that are unpacked at a time."""

ASKED = "gzip"
"""The one way of packing that is asked for: others, and one within another, are refused."""


class PackedError(Exception):
    """A body that is not unpacked."""


class TooLargeError(PackedError):
    """A body with more bytes than are wanted."""


def unpacked(parts: Iterable[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """Return the pieces of a body.

    Parameters
    ----------
    parts : iterable of bytes
        The body as it came.
    encoding : str
        The header ``Content-Encoding``; "" if there is none.
    most : int
        Bytes, unpacked.

    Raises
    ------
    TooLargeError
        Once there are more.
    PackedError
        If it is packed in another way than asked for, broken or cut off.
    """
    kind = encoding.strip().lower().removeprefix("x-") or "identity"
    if kind not in ("identity", ASKED):
        raise PackedError(f"the answer is packed as {kind[:40]!r}, which was not asked for")
    size = 0
    for piece in parts if kind == "identity" else _gunzipped(parts):
        size += len(piece)
        if size > most:
            raise TooLargeError(f"the answer has more than {most:,} bytes")
        yield piece


def _gunzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for part in parts:
            rest = part
            while rest and not decoder.eof:
                yield decoder.decompress(rest, PIECE)
                rest = decoder.unconsumed_tail
        yield decoder.flush(PIECE)
    except zlib.error as error:
        raise PackedError(f"the answer cannot be unpacked: {error}") from None
    if not decoder.eof:
        raise PackedError("the answer cannot be unpacked: it is cut off")

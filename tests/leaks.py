"""Look for a planted text in bytes, however it is written: plain, escaped, encoded, compressed, or packed in an archive."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

DEEPEST = 4
"""Archives within archives."""


def forms(text: str) -> dict[bytes, str]:
    """Return how a text may be written -> what that is called; in base64 at each of its three places in a group of bytes."""
    plain = text.encode()
    found = {
        plain: "plain",
        text.encode("utf-16-le"): "UTF-16",
        text.encode("utf-16-be"): "UTF-16",
        text.encode("utf-32-le"): "UTF-32",
        plain.hex().encode(): "hexadecimal",
        plain.hex().upper().encode(): "hexadecimal",
        urllib.parse.quote(text, safe="").encode(): "quoted for an address",
        urllib.parse.quote_plus(text).encode(): "quoted for a form",
        "".join(f"%{byte:02x}" for byte in plain).encode(): "quoted for an address",
        json.dumps(text)[1:-1].encode(): "escaped for JSON",
        "".join(f"\\u{ord(sign):04x}" for sign in text).encode(): "escaped for JSON",
        html.escape(text).encode(): "escaped for a page",
        "".join(f"&#{ord(sign)};" for sign in text).encode(): "escaped for a page",
        repr(text)[1:-1].encode(): "as Python writes it",
        plain[::-1]: "backwards",
    }
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + plain)
        whole = coded[(before * 4 + 2) // 3 : len(coded) - len(coded) % 4 - 4]  # without the signs that depend on neighbours
        found |= {whole: "base64", whole.translate(bytes.maketrans(b"+/", b"-_")): "base64"}
    return found


def inside(data: bytes) -> Iterator[bytes]:
    """Give what is packed in bytes: members of archives, and whatever is compressed from any place on."""
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    for found in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]", data):
        reader = zlib.decompressobj(47)
        try:
            yield reader.decompress(data[found.start() :], 50_000_000)
        except zlib.error:
            continue


def how(data: bytes, text: str, depth: int = DEEPEST) -> str:
    """Return how a text stands in bytes; "" if it does not."""
    for form, name in forms(text).items():
        if form in data:
            return name
    packed = (how(part, text, depth - 1) for part in inside(data)) if depth else iter(())
    return next((f"compressed, {found}" for found in packed if found), "")


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give name and content of every file and link below a folder, and the names of folders as content."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        yield f"name of {name}", name.encode()
        if path.is_symlink():
            yield f"target of {name}", str(path.readlink()).encode()
        elif path.is_file():
            yield name, path.read_bytes()


def packed(text: str) -> dict[str, bytes]:
    """Return bytes that hold a text in ways that the search has to see through."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.gz", gzip.compress(b"x" * 99 + text.encode()))
    plain = text.encode()
    return {
        "zip of gzip": buffer.getvalue(),
        "zlib in a picture": b"\x89PNG....zTXt" + zlib.compress(b"key" + plain),
        "base64 0": base64.b64encode(plain + b"tail"),
        "base64 1": base64.b64encode(b"a" + plain + b"tail"),
        "base64 2": base64.b64encode(b"user:pass:x" + plain + b"tail"),
        "address": b"https://h/?k=" + urllib.parse.quote(text, safe="").encode(),
        "JSON": json.dumps({"k": text}).encode(),
        "JSON escapes": "".join(f"\\u{ord(sign):04x}" for sign in text).encode(),
        "page": html.escape(text).encode(),
        "UTF-16": text.encode("utf-16"),
        "hexadecimal": plain.hex().encode(),
    }

"""Changes to an input, from a seeded source of chance: the same seed, the same changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

LONGEST = 300_000
"""Bytes that no input exceeds."""

NUMBERS = tuple(
    number.encode()
    for number in (
        *("0", "-0", "-1", "1", "00", "007", "0.0", "100", "100.0", "1e999", "-1e-999", "1E5", "NaN", "inf", "-Infinity"),
        *("0x10", "0b1", "0o7", "1_000", "1,5", "1.5.2", "+3", "2147483648", "9223372036854775808", "1" * 30, "9" * 5000),
        *("1900", "1899", "2099", "2100", "2024-02-30", "2024-02-29", "0000-00-00", "2024-01-01T00:00:00Z", "12:30:45"),
        *("\u0663", "\xb2", "\xbd", "\uff12\uff10\uff12\uff10", "true", "null", "~", "yes", "None"),
    )
)
SIGNS = (
    *(b"\x00", b"\r\n", b"\r", b"\n", b"\n\n", b"\t", b"\x0b", b"\x0c", b"\x1b[31m", b"\x7f", b"\x85", b"\xa0", b"\x1c"),
    *(b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xff", b"\xc0\x80", b"\xc3", b"\xe2\x80", b"\xf4\x90\x80\x80", b"\xff\xfe"),
    *(b"\x01", b"\x08", b"\x1a", b"\x04"),
    *(
        sign.encode()
        for sign in (
            *("\ufeff", "\u2028", "\u2029", "\x85", "\xa0", "\u200b", "\u200d", "\u202e", "\u2066", "\u2069", "\xad"),
            *("e\u0301", "\xe9", "\u0130", "\xdf", "\ufb01", "\U0001d4b3", "\u65e5\u672c", "\U0010ffff", "\ufffe", "\ue000"),
        )
    ),
)
MARKS = tuple(
    mark.encode()
    for mark in (
        *"\"',;:=#%&|/@{}[]()<>$^_~`-*!? \\",
        *('""', '"""', "\\\\", "../", "{}", "[]", "$$", "--", "---", "...", "  ", "''", "=="),
    )
)
PAIRS = ((b"{", b"}"), (b"[", b"]"), (b"(", b")"), (b"<a>", b"</a>"), (b'{"a":', b"}"), (b'"', b'"'), (b"$", b"$"))


def mutate(data: bytes, rng: Random, pool: Sequence[bytes] = (), dictionary: Sequence[bytes] = ()) -> bytes:
    """Return an input changed in one or a few places."""
    for _ in range(1 if rng.random() < 0.5 else rng.randint(2, 6)):
        change = rng.choice(CHANGES) if rng.random() > 0.004 else rng.choice(LARGE)
        data = change(data, rng, pool, dictionary)
    return data[:LONGEST]


def _place(data: bytes, rng: Random) -> int:
    return rng.randint(0, len(data))


def _span(data: bytes, rng: Random) -> tuple[int, int]:
    start = _place(data, rng)
    size = rng.choice((1, 1, 2, 3, 5, 8, 20, 60, 200))
    return start, min(len(data), start + rng.randint(1, size))


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def _put(data: bytes, rng: Random, part: bytes) -> bytes:
    """Insert a part, or write it in place of something."""
    start, end = _span(data, rng)
    return data[:start] + part + data[start if rng.random() < 0.6 else end :]


def flip(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Change one bit or byte."""
    if not data:
        return bytes([rng.randrange(256)])
    place = rng.randrange(len(data))
    byte = data[place] ^ (1 << rng.randrange(8)) if rng.random() < 0.5 else rng.randrange(256)
    return data[:place] + bytes([byte]) + data[place + 1 :]


def letter(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Change one byte to another that can be printed."""
    start, _ = _span(data, rng)
    return data[:start] + bytes([rng.randrange(32, 127)]) + data[start + rng.randint(0, 1) :]


def delete(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Leave out a part."""
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def duplicate(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Repeat a part, here or elsewhere."""
    start, end = _span(data, rng)
    place = end if rng.random() < 0.5 else _place(data, rng)
    return data[:place] + data[start:end] * rng.choice((1, 1, 1, 2, 9)) + data[place:]


def swap(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Exchange two parts."""
    cuts = sorted(_place(data, rng) for _ in range(4))
    a, b, c, d = cuts
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def line(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Delete, repeat, move, join or indent a line."""
    lines = _lines(data)
    if not lines:
        return data
    place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.randrange(6)
    if what == 0:
        del lines[place]
    elif what == 1:
        lines.insert(other, lines[place])
    elif what == 2:
        lines[place], lines[other] = lines[other], lines[place]
    elif what == 3:
        lines[place] = lines[place].rstrip(b"\r\n")
    elif what == 4:
        lines[place] = rng.choice((b" ", b"  ", b"\t", b"    ")) + lines[place]
    else:
        lines[place] = lines[place].lstrip()
    return b"".join(lines)


def field(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Empty a field between commas, blanks or braces, or put another of the same input in its place."""
    mark = rng.choice((b",", b",", b" ", b"\n", b'"', b"=", b":", b"{", b"}", b"\t", b";"))
    parts = data.split(mark)
    if len(parts) < 2:
        return data
    place, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    parts[place] = b"" if rng.random() < 0.4 else parts[other]
    return mark.join(parts)


def splice(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Go on with another input, or put a part of it in."""
    if not pool:
        return data
    other = rng.choice(pool)
    if rng.random() < 0.3:
        return data[: _place(data, rng)] + other[_place(other, rng) :]
    start, end = _span(other, rng)
    return _put(data, rng, other[start:end])


def word(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Put in a word of the format."""
    return _put(data, rng, rng.choice(dictionary or MARKS))


def number(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Put in a number that programs often get wrong."""
    return _put(data, rng, rng.choice(NUMBERS))


def sign(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Put in a sign that cannot be seen, turns text round, ends a line or is no text at all."""
    part = rng.choice(SIGNS)
    return part + data if rng.random() < 0.05 else _put(data, rng, part)


def mark(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Put in a mark of punctuation."""
    return _put(data, rng, rng.choice(MARKS))


def cut(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Cut off the end, or the beginning."""
    place = _place(data, rng)
    return data[:place] if rng.random() < 0.8 else data[place:]


def ends(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Change line ends: all of them, or one."""
    new = rng.choice((b"\r\n", b"\r", b"\n\r", b"\n\n", b"\x0b", b"", b" ", "\u2028".encode()))
    return data.replace(b"\n", new) if rng.random() < 0.5 else data.replace(b"\n", new, 1)


def repeat(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Repeat a part very often."""
    start, end = _span(data, rng)
    part = rng.choice((data[start:end], b"a", b" ", b"\\", b'"', b",", b"\n", b"{", b"$", b"-", *dictionary)) or b"x"
    return data[:end] + part * (rng.choice((300, 3_000, 30_000, 200_000)) // len(part) + 1) + data[end:]


def nest(data: bytes, rng: Random, pool: Sequence[bytes], dictionary: Sequence[bytes]) -> bytes:
    """Put a part in many pairs of brackets."""
    start, end = _span(data, rng)
    left, right = rng.choice(PAIRS)
    depth = rng.choice((3, 50, 500, 2_000, 30_000))
    return data[:start] + left * depth + data[start:end] + right * (depth - rng.choice((0, 0, 1))) + data[end:]


Change = Callable[[bytes, Random, Sequence[bytes], Sequence[bytes]], bytes]
CHANGES: tuple[Change, ...] = (
    *(flip, letter, letter, delete, delete, duplicate, swap, line, line, field, field, splice),
    *(word, word, number, sign, sign, mark, mark, cut, ends),
)
LARGE: tuple[Change, ...] = (repeat, nest)

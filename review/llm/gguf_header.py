"""Whether the parts of a GGUF file are where its header says: looked at before a native library is given the file.

Layout as in the specification of GGUF by the ggml project, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

MAGIC = b"GGUF"
VERSIONS = (2, 3)
ALIGNMENT = 32
"""Bytes to whose multiples tensors are moved, unless ``general.alignment`` says otherwise."""

STRING, ARRAY = 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Number of a type of value -> bytes of a value; strings and arrays tell their own length."""

LARGEST_ALIGNMENT = 1 << 20
"""A larger one may overflow where the runtime rounds up to it (https://github.com/ggml-org/llama.cpp/pull/24997)."""

LONGEST_KEY = 65_535
LONGEST_NAME = 64
MOST_DIMENSIONS = 4
PLAIN = {0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2}
"""Number of a type of tensor that is not quantized -> bytes of an element."""


class DamagedError(Exception):
    """A header tells of something that cannot be so."""


def check(file: BinaryIO) -> None:
    """Go through the header of a file, and see that all it tells of lies within the file.

    Counts and lengths are compared with what is left of the file before anything is read, so that no header takes more
    memory than a key. The bytes of quantized tensors are not worked out: their formats change with llama.cpp, which compares
    their sizes itself. Of these only the beginning is checked.

    Parameters
    ----------
    file : binary file
        Open for reading; it is left at another place.

    Raises
    ------
    DamagedError
        If it is no GGUF file of version 2 or 3 in little-endian order, is cut short, or tells of what is impossible.
    """
    _Header(file).check()


class _Header:
    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.left = file.seek(0, os.SEEK_END)
        self.size = self.left
        file.seek(0)

    def check(self) -> None:
        magic = self._bytes(len(MAGIC), "the letters GGUF")
        if magic != MAGIC:
            raise DamagedError("it does not start with the letters GGUF")
        version = self._number("<I", "the version")
        if version not in VERSIONS:
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS
            raise DamagedError(
                "it is for processors of another byte order" if swapped else f"GGUF version {version} is not known"
            )
        tensors, pairs = self._number("<Q", "the number of tensors"), self._number("<Q", "the number of keys")
        self._room(pairs, 8 + 4 + 1, f"{pairs:,} keys")
        alignment = self._pairs(pairs)
        self._room(tensors, 8 + 4 + 4 + 8, f"{tensors:,} tensors")
        places = self._tensors(tensors, alignment)
        start = -(-(self.size - self.left) // alignment) * alignment
        for name, offset, length in places:
            if start + offset + length > self.size:
                raise DamagedError(f"tensor {name!r} ends behind the end of the file")

    def _pairs(self, count: int) -> int:
        """Go through the keys and values; return the alignment."""
        seen, alignment = set(), ALIGNMENT
        for _ in range(count):
            key = self._name("a key", LONGEST_KEY)
            if key in seen:
                raise DamagedError(f"the key {key!r} is there twice")
            seen.add(key)
            kind = self._number("<I", f"the type of {key!r}")
            if key == "general.alignment":
                alignment = self._number("<I", key) if kind == 4 else 0
                if not 8 <= alignment <= LARGEST_ALIGNMENT or alignment & (alignment - 1):
                    raise DamagedError(f"{key} is no power of two from 8 to {LARGEST_ALIGNMENT:,}")
            else:
                self._value(kind, key)
        return alignment

    def _value(self, kind: int, key: str) -> None:
        if kind == ARRAY:
            inner, count = self._number("<I", f"the type of {key!r}"), self._number("<Q", f"the length of {key!r}")
            if inner == STRING:
                self._room(count, 8, f"{count:,} strings of {key!r}")
                self._strings(count, key)
            else:
                self._skip(count * self._bytes_of(inner, key), f"{count:,} values of {key!r}")
        elif kind == STRING:
            self._skip(self._number("<Q", f"the length of {key!r}"), f"the value of {key!r}")
        else:
            self._skip(self._bytes_of(kind, key), f"the value of {key!r}")

    def _strings(self, count: int, key: str) -> None:
        """Go over strings: a vocabulary has some hundred thousand."""
        read, seek, left = self.file.read, self.file.seek, self.left
        for _ in range(count):
            length = int.from_bytes(read(8), "little")
            left -= 8 + length
            if left < 0:
                raise DamagedError(f"it ends within the strings of {key!r}")
            seek(length, os.SEEK_CUR)
        self.left = left

    def _bytes_of(self, kind: int, key: str) -> int:
        if kind not in SIZES:
            raise DamagedError(f"the value of {key!r} has a type, {kind}, that is not known here")
        return SIZES[kind]

    def _tensors(self, count: int, alignment: int) -> list[tuple[str, int, int]]:
        """Go through what is told of tensors; return name, offset and least length in bytes."""
        found: dict[str, tuple[str, int, int]] = {}
        for _ in range(count):
            name = self._name("the name of a tensor", LONGEST_NAME)
            if name in found:
                raise DamagedError(f"the tensor {name!r} is there twice")
            dimensions = self._number("<I", f"the dimensions of {name!r}")
            if dimensions > MOST_DIMENSIONS:
                raise DamagedError(f"the tensor {name!r} has {dimensions} dimensions, {MOST_DIMENSIONS} are the most")
            elements = 1
            for _ in range(dimensions):
                elements *= self._number("<Q", f"the shape of {name!r}")
            kind, offset = self._number("<I", f"the type of {name!r}"), self._number("<Q", f"the place of {name!r}")
            if offset % alignment:
                raise DamagedError(f"the tensor {name!r} does not start at a multiple of {alignment}")
            found[name] = name, offset, elements * PLAIN.get(kind, 0)
        return list(found.values())

    def _name(self, what: str, longest: int) -> str:
        length = self._number("<Q", what)
        if length > longest:
            raise DamagedError(f"{what} has {length:,} bytes, {longest:,} are the most")
        try:
            return self._bytes(length, what).decode("utf-8")
        except UnicodeDecodeError:
            raise DamagedError(f"{what} is no text") from None

    def _number(self, form: str, what: str) -> int:
        value: int = struct.unpack(form, self._bytes(struct.calcsize(form), what))[0]
        return value

    def _room(self, count: int, least: int, what: str) -> None:
        """Refuse a count of things that together are longer than what is left."""
        if count * least > self.left:
            raise DamagedError(f"it tells of {what} and ends before them")

    def _skip(self, length: int, what: str) -> None:
        self._room(length, 1, what)
        self.file.seek(length, os.SEEK_CUR)
        self.left -= length

    def _bytes(self, length: int, what: str) -> bytes:
        self._room(length, 1, what)
        self.left -= length
        return self.file.read(length)

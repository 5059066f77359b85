"""Headers of GGUF files: what another library writes is taken, and nothing that is cut or tells of too much."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from review.errors import ModelError
from review.llm import gguf_header, weights

gguf = pytest.importorskip("gguf", reason="the extra `generate` is not installed")


def text(value: str | bytes) -> bytes:
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key: str | bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str | bytes = "t", shape: tuple[int, ...] = (8,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def written(pairs: list[bytes], tensors: list[bytes], data: int = 32, *, version: int = 3, alignment: int = 32) -> bytes:
    """Return a file as the specification has it."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(pairs)) + b"".join(pairs) + b"".join(tensors)
    return head + b"\0" * (-len(head) % alignment) + b"\0" * data


def check(data: bytes) -> None:
    gguf_header.check(io.BytesIO(data))


NUMBER = pair("n", 4, struct.pack("<I", 7))
PAIRS = [
    NUMBER,
    *(pair(f"kind {kind}", kind, b"\1" * size) for kind, size in gguf_header.SIZES.items()),
    pair("words", 8, text("é")),
    pair("vocabulary", 9, struct.pack("<IQ", 8, 3) + text("a") + text("") + text("ccc")),
    pair("numbers", 9, struct.pack("<IQ", 6, 2) + b"\0" * 8),
]


@pytest.mark.parametrize("version", [2, 3])
def test_every_kind_of_value_is_gone_through(version: int) -> None:
    check(written(PAIRS, [tensor(), tensor("u", (2, 2), 1, 32)], 40, version=version))


def test_a_file_without_keys_and_tensors_is_whole() -> None:
    check(written([], [], 0))


def library(path: Path) -> bytes:
    """Return what the reference library writes."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_token_list(["a", "bb", ""])
    writer.add_token_scores([0.5, 1.5, 2.5])
    writer.add_block_count(2)
    writer.add_custom_alignment(64)
    writer.add_tensor("a", np.arange(6, dtype=np.float32).reshape(2, 3))
    writer.add_tensor("b", np.arange(5, dtype=np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_what_the_reference_library_writes_is_taken_and_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    data = library(tmp_path / "a.gguf")
    check(data)
    read = gguf.GGUFReader(tmp_path / "a.gguf")
    end = max(int(one.data_offset) + int(one.n_bytes) for one in read.tensors)
    check(data[:end])
    for length in range(end):
        with pytest.raises(gguf_header.DamagedError):
            check(data[:length])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GGML" + b"\0" * 60, "does not start with the letters GGUF"),
        (written([], [], version=1), "GGUF version 1 is not known"),
        (b"GGUF" + struct.pack(">I", 3) + b"\0" * 40, "processors of another byte order"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**62), r"4,611,686,018,427,387,904 keys and ends before them"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**62, 0), r"4,611,686,018,427,387,904 tensors and ends before them"),
        (written([NUMBER, NUMBER], []), "the key 'n' is there twice"),
        (written([pair(b"\xff", 4, b"\0" * 4)], []), "a key is no text"),
        (written([pair("k" * 65_536, 4, b"\0" * 4)], []), "a key has 65,536 bytes, 65,535 are the most"),
        (written([pair("k", 13, b"\0" * 8)], []), "the value of 'k' has a type, 13, that is not known"),
        (written([pair("k", 9, struct.pack("<IQ", 9, 1) + b"\0" * 12)], []), "'k' has a type, 9, that is not known"),
        (written([pair("k", 8, struct.pack("<Q", 2**63))], []), "the value of 'k' and ends before"),
        (written([pair("k", 9, struct.pack("<IQ", 8, 2**61))], []), "strings of 'k' and ends before"),
        (written([pair("k", 9, struct.pack("<IQQ", 8, 1, 2**40))], []), "ends within the strings of 'k'"),
        (written([pair("k", 9, struct.pack("<IQ", 12, 2**62))], []), "values of 'k' and ends before"),
        *(
            (written([pair("general.alignment", kind, value)], []), "general.alignment is no power of two from 8 to 1,048,576")
            for kind, value in ((4, struct.pack("<I", n)) for n in (0, 4, 24, 2**31))
        ),
        (written([pair("general.alignment", 10, struct.pack("<Q", 32))], []), "general.alignment is no power of two"),
        (written([], [tensor("t" * 65)]), "the name of a tensor has 65 bytes, 64 are the most"),
        (written([], [tensor(), tensor()]), "the tensor 't' is there twice"),
        (written([], [tensor(shape=(1,) * 5)]), "the tensor 't' has 5 dimensions, 4 are the most"),
        (written([], [tensor(offset=8)]), "the tensor 't' does not start at a multiple of 32"),
        (written([], [tensor(shape=(9,))]), "tensor 't' ends behind the end of the file"),
        (written([], [tensor(shape=(2**63, 2))]), "tensor 't' ends behind the end of the file"),
        (written([], [tensor(kind=2, offset=64)]), "tensor 't' ends behind the end of the file"),
    ],
)
def test_what_cannot_be_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(gguf_header.DamagedError, match=words):
        check(data)


def test_another_alignment_moves_the_tensors() -> None:
    aligned = [pair("general.alignment", 4, struct.pack("<I", 128))]
    check(written(aligned, [tensor(offset=128)], 160, alignment=128))
    with pytest.raises(gguf_header.DamagedError, match="multiple of 128"):
        check(written(aligned, [tensor(offset=32)], 160, alignment=128))


@pytest.mark.parametrize("load", [weights.check, lambda path: weights.named(str(path))])
def test_a_damaged_header_never_reaches_the_runtime(tmp_path: Path, load: Callable[[Path], object]) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(written([pair("k", 8, struct.pack("<Q", 2**63))], []))
    with pytest.raises(ModelError, match=r"m\.gguf is a damaged GGUF file \(.*'k'.*\) -> download or convert it again"):
        load(path)

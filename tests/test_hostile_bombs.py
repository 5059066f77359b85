"""Small inputs that want to be large: refused before they are, each with a limit that can be lowered to see it."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import sys
import textwrap
import zlib

import living_server
import llm_server
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from site_runs import SVG, notebook, shown

from review import checklist_items, codebook, contracts, llm, unpacking
from review.batch import grid
from review.batch.grid import Declared
from review.errors import InputError, ModelError, RunError
from review.evaluation import constraints, parquet, readers, rubric
from review.importing import reading
from review.living import courier as couriers
from review.living import query, xml
from review.living.asking import Ask, Malformed
from review.living.courier import Courier, Habits
from review.llm.endpoint import Endpoint
from review.llm.settings import Secret, Settings
from review.site import pictures
from review.site.source import Picture

KNOWN = {"n": Declared("n", int, 0), "any": Declared("any", None, None)}
READERS = {
    "codebook": codebook.load,
    "checklist": checklist_items.load,
    "query": query.load,
    "rubric": rubric.load,
    "constraints": constraints.load,
    "grid": lambda path: grid.read(path, KNOWN),
}
LEVELS = "\n".join(f"{chr(98 + at)}: &{chr(98 + at)} [{', '.join([f'*{chr(97 + at)}'] * 9)}]" for at in range(9))
YAML = {
    "aliases that multiply": (f"a: &a [x, x, x, x, x, x, x, x, x]\n{LEVELS}\n", "anchors and aliases"),
    "an alias to itself": ("a: &a [*a]\n", "anchors and aliases"),
    "a merge key": ("a:\n  <<: {x: 1}\n", "the merge key"),
    "python objects": ("a: !!python/object/apply:os.system ['touch pwned']\n", "the tag"),
    "python names": ("a: !!python/name:os.system\n", "the tag"),
    "a new object": ("a: !!python/object/new:subprocess.Popen [[touch, pwned]]\n", "the tag"),
    "an own tag": ("a: !include /etc/passwd\n", "the tag"),
    "binary": ("a: !!binary aGk=\n", "the tag"),
    "deep lists": ("a: " + "[" * 5000 + "]" * 5000 + "\n", "levels of nesting"),
    "deep mappings": ("a: " + "{a: " * 5000 + "1" + "}" * 5000 + "\n", "levels of nesting"),
    "a number without end": ("a: " + "9" * 10_000 + "\n", ""),
    "a day that is none": ("a: 2020-13-45\n", ""),
    "several documents": ("a: 1\n---\nb: 2\n", ""),
    "signs that reorder": ('a: "x\\u202ey"\n', "reorders the text"),
    "a sign of terminals": ('a: "x\\e[2Jy"\n', "control character"),
}
"""Texts, and what the refusal tells of each: that a reader knows no such key would be another reason."""


@pytest.mark.parametrize(("text", "words"), YAML.values(), ids=YAML.keys())
@pytest.mark.parametrize("name", READERS)
def test_clever_yaml_is_refused_with_file_and_remedy_and_runs_nothing(name, text, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "input.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        READERS[name](path)
    assert all(problem.file == str(path) and problem.remedy for problem in caught.value.problems)
    assert any(words in problem.message for problem in caught.value.problems)
    assert [found.name for found in tmp_path.iterdir()] == ["input.yaml"]


def test_plain_yaml_is_read(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text('product: {n: [1, 2]}\nfixed: {any: "a & *b"}\n')
    assert len(grid.read(path, KNOWN)) == 2


@pytest.mark.parametrize("value", [r'"\ud800"', r'["a\u001b[2J"]', r'"\u0000"'])
def test_a_parameter_without_bytes_or_with_control_characters_is_refused(value, tmp_path):
    path = tmp_path / "grid.json"
    path.write_text(f'{{"fixed": {{"any": {value}}}}}')
    with pytest.raises(InputError):
        grid.read(path, KNOWN)


def test_huge_fields_and_many_columns_are_refused(tmp_path):
    path = tmp_path / "flow.csv"
    path.write_text('step,count,note\nqueries,3,"' + "x" * 200_000 + '"\n')
    with pytest.raises(InputError, match="field larger than field limit"):
        contracts.read_table(path)
    path.write_text(",".join(f"c{n}" for n in range(100_000)) + "\n1\n")
    with pytest.raises(InputError, match="a column is"):
        contracts.read_table(path)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"])
def test_packed_files_are_not_unpacked(start, tmp_path):
    path = tmp_path / "list.bib"
    path.write_bytes(start + gzip.compress(b"@article{a, title={x}}" * 1000)[4:])
    with pytest.raises(InputError, match="not text -> export one of"):
        reading.read(path)


def test_a_file_of_references_has_a_largest_size(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    path = tmp_path / "list.bib"
    path.write_text("@article{a, title={" + "x" * 1000 + "}}")
    with pytest.raises(InputError, match="1,000 are the most"):
        reading.read(path)


# Packed answers


def parts(data, size=1000):
    return (data[at : at + size] for at in range(0, len(data), size))


def test_a_body_is_unpacked_as_far_as_it_is_wanted():
    data = bytes(range(256)) * 1000
    for encoding, sent in (("", data), ("identity", data), ("gzip", gzip.compress(data)), ("X-GZIP", gzip.compress(data))):
        assert b"".join(unpacking.unpacked(parts(sent), encoding, len(data))) == data
        with pytest.raises(unpacking.TooLargeError):
            list(unpacking.unpacked(parts(sent), encoding, len(data) - 1))


def test_no_piece_is_larger_than_is_unpacked_at_a_time():
    bomb = gzip.compress(bytes(50_000_000), 9)
    assert len(bomb) < 60_000
    sizes = [len(piece) for piece in unpacking.unpacked([bomb], "gzip", 100_000_000)]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= unpacking.PIECE


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip,br", "compress", "\u202egzip"])
def test_a_body_packed_in_another_way_is_refused(encoding):
    with pytest.raises(unpacking.PackedError, match="which was not asked for"):
        list(unpacking.unpacked([b"x"], encoding, 10))


@pytest.mark.parametrize("data", [b"no gzip", gzip.compress(b"x" * 1000)[:-9], b""])
def test_a_broken_body_is_refused(data):
    with pytest.raises(unpacking.PackedError, match="cannot be unpacked"):
        list(unpacking.unpacked([data], "gzip", 10_000))


LAYERS = gzip.compress(gzip.compress(bytes(20_000_000), 9), 9)


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (gzip.compress(bytes(5_000_000)), "gzip", "more than 1,000,000 bytes"),
        (LAYERS, "gzip, gzip", "not asked for"),
        (zlib.compress(bytes(5_000_000)), "deflate", "not asked for"),
    ],
)
def test_a_source_that_sends_a_bomb_is_refused(data, encoding, words, monkeypatch):
    monkeypatch.setattr(couriers, "LARGEST", 1_000_000)
    with living_server.serve() as services:
        services.faults["arxiv", 1] = [living_server.says(data, {"Content-Encoding": encoding})]
        way = Courier("arxiv", f"{services.url}/arxiv", 0.0, habits=Habits(retries=0))
        with pytest.raises(RunError, match=words):
            way.fetch(Ask("", {"start": "0"}), lambda data: None, "page 1")
        way.close()


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (gzip.compress(bytes(5_000_000)), "gzip", "more than 1,000,000 bytes"),
        (bytes(5_000_000), "", "more than 1,000,000 bytes"),
        (LAYERS, "gzip, gzip", "not asked for"),
        (b"no gzip", "gzip", "cannot be unpacked"),
    ],
)
@pytest.mark.parametrize("status", [200, 500])
def test_an_endpoint_that_sends_a_bomb_is_refused(data, encoding, words, status, monkeypatch):
    pytest.importorskip("openai")
    monkeypatch.setattr("review.llm.transport.LARGEST", 1_000_000)
    headers = {"Content-Encoding": encoding} if encoding else {}
    with llm_server.serve(llm_server.say(data, status, headers)) as at:
        model = Endpoint(Settings(at.url, "small", Secret("k"), retries=0, timeout=30.0, deadline=30.0))
        with pytest.raises(ModelError, match=words):
            model.complete(llm.Request((llm.Message("user", "x"),)))
        model.close()
    assert {name.lower(): value for name, value in at.asked[0]["headers"].items()}["accept-encoding"] == "gzip"


def test_a_packed_answer_of_an_endpoint_is_read():
    pytest.importorskip("openai")
    data = gzip.compress(json.dumps(llm_server.body("fine")).encode())
    with llm_server.serve(llm_server.say(data, 200, {"Content-Encoding": "gzip"})) as at:
        model = Endpoint(Settings(at.url, "small", Secret("k"), retries=0, timeout=30.0, deadline=30.0))
        assert model.complete(llm.Request((llm.Message("user", "x"),))).text == "fine"
        model.close()


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
        '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;]><x/>',
        "<x>" * 1000 + "</x>" * 1000,
        '<?xml version="1.0" encoding="utf-32"?><x/>',
    ],
)
def test_xml_that_grows_or_reads_is_refused(text):
    with pytest.raises(Malformed):
        xml.parse(text.encode())


# Pictures and tables


def png(across, down):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", across, down, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("content", [png(60_000, 60_000), png(2**31 - 1, 2**31 - 1), b"\x89PNG\r\n\x1a\n", b"no picture"])
def test_a_picture_that_is_none_or_too_large_is_refused_with_its_name(content, tmp_path):
    run = tmp_path / "run"
    notebook(run / "n.ipynb", "# N", ("1", shown(text__plain="1")))
    (run / "figures").mkdir()
    (run / "figures" / "f.json").write_text('{"data": [], "layout": {}}')
    (run / "figures" / "f.svg").write_text(SVG)
    (run / "figures" / "f.png").write_bytes(content)
    with pytest.raises(InputError, match=r"f\.png: it cannot be read"):
        pictures.files(run, Picture("figures/f", {}, "", ""), ("png",))


def parquet_of(table):
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


BOMBS = {
    "equal texts": lambda rows: pa.table({"t": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), ["x" * 1000])}),
    "equal numbers": lambda rows: pa.table({"n": pa.array([0.0] * rows)}),
    "one long text": lambda rows: pa.table({"t": ["x" * (rows * 100)]}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_parquet_file_that_is_large_is_refused(name, tmp_path, monkeypatch):
    data = parquet_of(BOMBS[name](20_000))
    assert len(data) < 50_000
    assert parquet.unpack(data, 150_000) is None
    assert parquet.unpack(data, 50_000_000).num_rows in (1, 20_000)
    monkeypatch.setattr(parquet, "unpack", lambda data: None)
    (tmp_path / "d.parquet").write_bytes(data)
    with pytest.raises(InputError, match="unpacked it has more than"):
        readers.read(tmp_path / "d.parquet")


@pytest.mark.parametrize("name", ["equal numbers", "one long text"])
def test_a_parquet_file_that_tells_that_it_is_large_is_not_unpacked_at_all(name, monkeypatch):
    def unpack(*given, **more):
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", unpack)
    assert parquet.unpack(parquet_of(BOMBS[name](20_000)), 150_000) is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are set in another way")
def test_the_largest_bombs_cost_no_memory(tmp_path):
    """Tens of gigabytes in a few megabytes: refused by a process that may have 2 GB."""
    (tmp_path / "d.parquet").write_bytes(parquet_of(BOMBS["equal texts"](20_000_000)))
    (tmp_path / "g.yaml").write_text(YAML["aliases that multiply"][0])
    code = f"""
        import pyarrow.parquet, pandas, resource
        from pathlib import Path
        from review.batch import grid
        from review.errors import InputError
        from review.evaluation import readers
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + 2**31, now + 2**31))
        for read in (lambda: readers.read(Path({str(tmp_path / "d.parquet")!r})),
                     lambda: grid.read(Path({str(tmp_path / "g.yaml")!r}), {{}})):
            try:
                read()
            except InputError:
                print("refused")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.split() == ["refused", "refused"], done.stderr[-2000:]

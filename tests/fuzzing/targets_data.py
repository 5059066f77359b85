"""Data sets to evaluate, texts to learn from, answers of people and of language models, and what living reviews get."""

from __future__ import annotations

import csv
import faulthandler
import io
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

import pytest

from fuzzing import scans
from fuzzing.common import JSON, emptied, scratch, words
from fuzzing.harness import Outcome, Target, WrongError, kept, refused, same
from fuzzing.targets_import import tiny
from review.coding import task as tasks
from review.coding import texts
from review.errors import InputError, ReviewError
from review.evaluation import cells, inputs, parquet, readers
from review.evaluation.inputs import Choices
from review.files import to_json
from review.generators import seeds
from review.generators.dataset import Dataset
from review.generators.dataset import Record as Made

# --- data sets

TABLE = "text,label,age,score\n" + "".join(
    f'"note {n}, with words of its own",{"ab"[n % 2]},{20 + n},{n / 7:.3f}\n' for n in range(6)
)
LINES = [{"text": f"a note {n} of some words", "label": "ab"[n % 2], "signal": [0.1 * n, 1.0]} for n in range(4)]


def attack_table(suffix: str, data: bytes, folder: Path) -> Outcome:
    real = folder / f"real{suffix}"
    real.write_bytes(data)
    try:
        found = readers.read(real)
        _rows_are_there(suffix, data, found)
    except ReviewError as error:
        return refused(error, real.name)
    try:
        pair = inputs.match({"real": found, "synthetic": found}, Choices())
    except InputError as error:
        return refused(error, real.name)
    except ReviewError as error:
        return refused(error)
    same(len(pair.real), len(found.frame), "rows")
    return kept(f"{pair.kind} {[(column.kind) for column in pair.columns]} {len(pair.notes)}")


def _rows_are_there(suffix: str, data: bytes, found: readers.Source) -> None:
    """Raise unless there is a row for every record, with the cells as they were written."""
    if suffix == ".csv":
        try:
            rows = scans.records(data.decode("utf-8-sig"))
        except scans.OddError:
            return
        if "\r" not in data.decode("utf-8-sig").replace("\r\n", "\n") and len(rows[0][1]) > 1:
            same(len(found.frame), len(rows) - 1, "rows")
            same(found.frame.to_numpy().tolist(), [fields for _, fields in rows[1:]], "cells")
    elif suffix == ".jsonl":
        full = [json.loads(line) for line in data.decode("utf-8-sig").split("\n") if line.strip()]
        if not any("format" in one for one in full):
            same(len(found.frame), len(full), "rows")
            for row, one in zip(found.frame.to_dict("records"), full, strict=True):
                for name, value in one.items():
                    if row[name] != value:
                        raise WrongError(f"{name} is {row[name]!r}, not {value!r}")


@cache
def parquet_seeds() -> list[bytes]:
    import pandas as pd

    frames = [
        pd.read_csv(io.StringIO(TABLE)),
        pd.DataFrame({"text": ["a b c d e", "f g h i j"], "when": pd.to_datetime(["2020-01-01", None]), "n": [[1.0], [2.0]]}),
        pd.DataFrame({"c": pd.Categorical(["x", "y", "x"]), "b": [True, None, False], "i": [1, 2, 3]}),
    ]
    found = []
    for frame in frames:
        for compression in ("snappy", None):
            buffer = io.BytesIO()
            frame.to_parquet(buffer, engine="pyarrow", index=False, compression=compression)
            found.append(buffer.getvalue())
    return found


def attack_parquet(data: bytes, folder: Path) -> Outcome:
    """Attack a table; the process that tries it first is a fork: to start a new one takes a hundred times as long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "deadly", _deadly)
        return attack_table(".parquet", data, folder)


def _deadly(paths: Sequence[Path]) -> Path | None:
    for path in paths:
        child = os.fork()
        if not child:
            sys.settrace(None)
            faulthandler.disable()  # it would tell of what is expected
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with suppress(BaseException):  # nothing of this process may go on in the fork
                parquet.attempt(path)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            return path
    return None


# --- seed texts, records of generators, texts to code


def seed_seeds() -> list[bytes]:
    lines = (seeds.DIRECTORY / seeds.FILES["note"]).read_bytes().splitlines(keepends=True)
    return [b"".join(lines[start : start + 2]) for start in (0, 4, 9)]


def attack_seeds(data: bytes, folder: Path) -> Outcome:
    path = folder / seeds.FILES["note"]
    path.write_bytes(data)
    try:
        found = seeds.load("note", folder)
    except ReviewError as error:
        return refused(error, path.name)
    full = [json.loads(line) for line in data.decode().split("\n") if line.strip()]
    same([json.loads(json.dumps(asdict(one))) for one in found], full, "seed texts")
    seeds.split(found, 1)
    return kept(f"{len(found)}")


def knowledge_seeds() -> list[bytes]:
    lines = (seeds.DIRECTORY / seeds.KNOWLEDGE).read_bytes().splitlines(keepends=True)
    return [b"".join(lines[:2]), lines[5]]


def attack_knowledge(data: bytes, folder: Path) -> Outcome:
    path = folder / seeds.KNOWLEDGE
    path.write_bytes(data)
    try:
        found = seeds.knowledge(folder)
    except ReviewError as error:
        return refused(error, path.name)
    same([asdict(one) for one in found], [json.loads(line) for line in data.decode().split("\n") if line.strip()], "facts")
    return kept(f"{len(found)}")


@cache
def made_seeds() -> list[bytes]:
    found = [b"\0[]"]
    with scratch() as place:
        for modality, method, given, content in (
            ("text", "prompting", {"kind": "note"}, {"text": "a note", "label": "cardiology"}),
            ("tabular", "prompting", {"table": "diabetes", "columns": "few"}, {"age": 30.0, "bmi": 22.5}),
        ):
            records = tuple(Made(n, content, "" if n else "x", "", n) for n in range(3))
            made = Dataset(modality, method, 1, {"model": "m"}, given, {"x": "why"}, records)
            path, facts = made.write(place / "r.jsonl")
            found.append(path.read_bytes() + b"\0" + facts.read_bytes())
    return found


def attack_made(data: bytes, folder: Path) -> Outcome:
    """Records and, after a NUL, their provenance."""
    lines, _, facts = data.partition(b"\0")
    path = folder / "r.jsonl"
    path.write_bytes(lines)
    (folder / "r.provenance.json").write_bytes(facts)
    try:
        pair, told = cells.pair_of(path, rejected=True)
        words_of = f"{told['model'].get('model', '')} {told['accepted']} {told['asked']}"
    except InputError as error:
        return refused(error, path.name, "r.provenance.json", "synthetic", "real", "holdout")
    except ReviewError as error:
        return refused(error)
    if pair is not None:
        to_json([pair.notes, pair.accepted])
    return kept(f"{pair is None} {len(words_of) > 9}")


def coded_text_seeds() -> list[bytes]:
    key = tiny().references[0].key
    return [f'key,text\n{key},"words\nmore"\n'.encode(), f"key,title,text\n{key},T,x\n".encode()]


def text_line_seeds() -> list[bytes]:
    first, second = (one.key for one in tiny().references[:2])
    return [f'{{"key": "{first}", "text": "words"}}\n{{"text": "x", "key": "{second}", "more": 1}}\n'.encode()]


def attack_coded_texts(suffix: str, data: bytes, folder: Path) -> Outcome:
    path = folder / f"texts{suffix}"
    path.write_bytes(data)
    try:
        found = texts.read(path, [one.key for one in tiny().references])
        plan = tasks.plan(tiny(), keys=list(found)[:1], texts=found) if found else None
    except ReviewError as error:
        return refused(error, path.name)
    text = data.decode()
    if suffix == ".csv":
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row][1:]
        same(len(found), len(rows), "texts")
    else:
        same(len(found), sum(bool(line.strip()) for line in text.split("\n")), "texts")
    if plan is not None:
        plan.write(emptied(folder / "task"))
        same(tasks.load(folder / "task", tiny()), plan, "a task with the texts")
    return kept(str(len(found)))


TARGETS = (
    Target(
        "evaluate-csv",
        lambda: [TABLE.encode(), b"a,b\n1,x\n2,y\n"],
        partial(attack_table, ".csv"),
        words(',|"|\n|""|NA|nan|1e999|text|label|-|0x1|1_0'),
    ),
    Target(
        "evaluate-jsonl",
        lambda: ["".join(json.dumps(one) + "\n" for one in LINES[:size]).encode() for size in (2, 4)],
        partial(attack_table, ".jsonl"),
        words(JSON + '"text":|"label":|"signal":|[1.0,2.0]|\n'),
    ),
    Target(
        "evaluate-parquet",
        parquet_seeds,
        attack_parquet,
        (b"PAR1", b"\x15\x00", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"pandas", b"ARROW:schema"),
        few=30,
    ),
    Target("seeds", seed_seeds, attack_seeds, words(JSON + '"text":|"label":|"kind":|"present":|"id":|\n')),
    Target(
        "knowledge", knowledge_seeds, attack_knowledge, words(JSON + '"text":|"label":|"read":|"source":|2024-02-30|https://')
    ),
    Target(
        "generated",
        made_seeds,
        attack_made,
        words(JSON + '"content":|"accepted":|"seed":|"configuration":|"modality":|"model":|"table":|"text"|"tabular"|\0'),
    ),
    Target("coded-texts-csv", coded_text_seeds, partial(attack_coded_texts, ".csv"), words(',|"|""|key|text|\n')),
    Target("coded-texts-jsonl", text_line_seeds, partial(attack_coded_texts, ".jsonl"), words(JSON + '"key":|"text":|\n')),
)

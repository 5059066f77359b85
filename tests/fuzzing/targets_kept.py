"""What batches, changes of a corpus and figures for a paper leave in their folders, to go on with."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from conftest import TINY

from fuzzing.common import BOOKS, JSON, forget, once, scratch, words
from fuzzing.harness import Outcome, Target, WrongError, kept, refused, same
from review import paths, publication, writing
from review.batch import asked, campaign, collect, crate, keys, manifest
from review.batch.manifest import FINISHED, STARTED, Event, Manifest
from review.batch.runner import OK
from review.errors import OptionError, ReviewError, printable
from review.files import digest, to_json

FIRST = next(name for name in writing.corpus.FILES if name.endswith(".csv"))

# --- what a batch keeps, and going on with it


RUN = "0123456789ab"


def _event(run: str = RUN, kind: str = FINISHED, **more: Any) -> bytes:
    held = Event(kind, run, "book.ipynb", {"number": 1}, dict.fromkeys(keys.PARTS, "0" * 64), {"data/x.csv": "1" * 64}, **more)
    from dataclasses import asdict

    return json.dumps({"format": manifest.FORMAT, **asdict(held)}).encode() + b"\n"


@cache
def manifest_seeds() -> list[bytes]:
    good = _event(
        outputs={"executed.ipynb": hashlib.sha256(b"{}").hexdigest()},
        status=OK,
        began="2026-01-02T03:04:05+00:00",
        seconds=1.5,
        memory=10,
    )
    bad = _event("b", status="failed", error="E", missing=("x.csv",), versions={"python": "3"})
    return [good, _event("c", STARTED) + bad, good + _event("c", STARTED)[:50], good + bad]


def attack_manifest(data: bytes, folder: Path) -> Outcome:
    place = folder / "batch"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    path = place / manifest.NAME
    path.write_bytes(data)
    (place / RUN).mkdir()
    (place / RUN / "executed.ipynb").write_bytes(b"{}")
    book_path = BOOKS / "keeps-its-promise.ipynb"
    forget()
    whole = [line for line in data.split(b"\n") if _is_json(line)]
    try:
        events = list(manifest.read(path))
        same(len(events), len(whole), "events and lines that are JSON")
        last = {event.run: event for event in events}
        for event in events:
            campaign.stale(event, keys.Key(dict.fromkeys(keys.PARTS, ""), {}), place)
        campaign.plan(book_path, [{"number": 1}], place, last)
        with Manifest(place) as held:
            held.add(Event(FINISHED, "new", "n.ipynb"))
        same([event.run for event in manifest.read(path)], [*(event.run for event in events), "new"], "an event was added")
        if any(event.run == RUN and event.event == FINISHED for event in last.values()):
            crate.write(place)
    except ReviewError as error:
        return refused(error, path.name, place.name)
    return kept(f"{len(events)} {sorted({event.event for event in events})}")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line.decode("utf-8"))
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


@cache
def asked_seeds() -> list[bytes]:
    with scratch() as place:
        sets = ({"number": 1}, {"number": 2, "names": ["a", None], "x": 0.5})
        asked.Asked(BOOKS / "keeps-its-promise.ipynb", sets, (TINY / "flow.csv",), 900.0, 5.0).write(place)
        first = (place / asked.NAME).read_bytes()
        asked.Asked(BOOKS / "raises.ipynb", ({},)).write(place)
        return [first, (place / asked.NAME).read_bytes()]


def attack_asked(data: bytes, folder: Path) -> Outcome:
    place = folder / "asked"
    place.mkdir(exist_ok=True)
    (place / asked.NAME).write_bytes(data)
    forget()
    try:
        found = asked.read(place)
        held = once(data)
        same(list(found.sets), held["sets"], "sets")
        if not all(isinstance(limit, int | float) for limit in (found.cell_timeout, found.run_timeout or 1)):
            raise WrongError(f"limits {found.cell_timeout!r} and {found.run_timeout!r}")
        found.write(place)
        same(asked.read(place).sets, found.sets, "written and read again")
    except ReviewError as error:
        return refused(error, asked.NAME, place.name)
    try:
        if os.path.exists(found.notebook):  # which does not fail, whatever the name
            campaign.plan(found.notebook, found.sets, place, {}, inputs=found.inputs)
    except OptionError as error:
        return refused(error)
    except ReviewError as error:
        names = [path.name for path in (found.notebook, *found.inputs)]
        return refused(error, *names, *map(printable, names))
    return kept(f"{len(found.sets)} {len(found.inputs)}")


def collect_seeds() -> list[bytes]:
    return [b"a,b,c\n1,x,0.5\n2,,1e3\n", b'n,text\n1,"a,\n""b"""\n', "a;b\nä,1\n".encode(), b"x\ntrue\nfalse\n"]


def attack_collect(data: bytes, folder: Path) -> Outcome:
    done = []
    for name, content in (("one", data), ("two", b"a,b,n\n7,y,2\n")):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "t.csv").write_bytes(content)
        run = campaign.Run(name, Path("n.ipynb"), {"p": 1}, folder / name, folder / name / "n.ipynb", keys.Key({}, {}), ())
        done.append(campaign.Done(run, OK))
    try:
        frame = collect.gather(done, "t.csv")
    except ReviewError as error:
        return refused(error, "t.csv")
    usual = csv.field_size_limit(len(data) + 1)
    try:
        rows = [row for row in csv.reader(io.StringIO(data.decode(), newline="")) if row]
    finally:
        csv.field_size_limit(usual)
    if "\r" not in data.decode().replace("\r\n", "") and all(any(one.strip() for one in row) for row in rows):
        same(int((frame["run"] == "one").sum()), len(rows) - 1, "rows")
    collect.write(frame, folder / "all.csv")
    return kept(str(list(map(str, frame.dtypes)))[:80])


# --- a change of a corpus that was cut off, the list of figures for a paper


@cache
def decided_seeds() -> list[bytes]:
    text = (TINY / FIRST).read_bytes()
    return [to_json({FIRST: digest(text)}).encode(), to_json({FIRST: digest(text), "flow.csv": "0" * 64}).encode(), b"{}"]


def attack_decided(data: bytes, folder: Path) -> Outcome:
    place = folder / "corpus"
    shutil.rmtree(place, ignore_errors=True)
    journal = place / writing.JOURNAL
    journal.mkdir(parents=True)
    shutil.copyfile(TINY / FIRST, journal / FIRST)
    (place / FIRST).write_bytes(b"old")
    (folder / "outside.csv").write_bytes(b"safe")
    (place / paths.DECIDED).write_bytes(data)
    try:
        done = writing.recover(place)
    except ReviewError as error:
        if not (journal / FIRST).exists() and (place / FIRST).read_bytes() == b"old":
            raise WrongError("the new file of a change was lost") from None
        return refused(error, Path(paths.DECIDED).name, *writing.corpus.FILES)
    same((folder / "outside.csv").read_bytes(), b"safe", "a file outside of the corpus")
    if set(json.loads(data)) - {FIRST}:
        raise WrongError("a file of the change was passed over")
    return kept(f"{done} {(place / FIRST).read_bytes() == b'old'}")


@cache
def figures_seeds() -> list[bytes]:
    file = {"file": "a.svg", "format": "svg", "dpi": None, "sha256": "0" * 64}
    one = {"figure": "00-a", "hash": "1" * 64, "files": [file, {**file, "file": "a.png", "format": "png", "dpi": 300}]}
    return [to_json({"figures": [one], "others": {"figures.csv": "2" * 64}}).encode(), b'{"figures": [], "others": {}}']


def attack_figures(data: bytes, folder: Path) -> Outcome:
    target = folder / "paper"
    target.mkdir(exist_ok=True)
    path = target / publication.MANIFEST
    path.write_bytes(data)
    (folder / "safe.txt").write_bytes(b"safe")
    try:
        known = publication._known(target)
    except ReviewError as error:
        return refused(error, path.name)
    for figure in known.get("figures", []):
        [publication.File(one["file"], one["format"], one["dpi"], one["sha256"]) for one in figure["files"]]
    publication._remove(known, set(), target)
    same((folder / "safe.txt").read_bytes(), b"safe", "a file outside of the folder")
    return kept(str(len(known.get("figures", []))))


TARGETS = (
    Target(
        "manifest",
        manifest_seeds,
        attack_manifest,
        words(JSON + '"event":|"run":|"outputs":|"parts":|"missing":|"seconds":|"began":|started|finished|\n'),
    ),
    Target("asked", asked_seeds, attack_asked, words(JSON + '"sets":|"inputs":|"notebook":|"cell_timeout":|"run_timeout":')),
    Target(
        "collect",
        collect_seeds,
        attack_collect,
        words('p|run|a|b|,|"|""|\n|1|1.5|true|NA|nan|1e400|99999999999999999999|0x1|2020-01-01| |;'),
    ),
    Target("decided", decided_seeds, attack_decided, (*words(JSON), *(f'"{name}":'.encode() for name in writing.corpus.FILES))),
    Target(
        "figures-list", figures_seeds, attack_figures, words(JSON + '"figures":|"files":|"file":|"others":|"hash":|"sha256":')
    ),
)

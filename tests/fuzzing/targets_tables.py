"""The bibliography and the tables of a corpus, each for itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from fuzzing import scans
from fuzzing.harness import Outcome, Target, kept, refused, same, written_out
from fuzzing.seeds import BIB_WORDS, TINY, examples, table_words
from review import bibliography, contracts, corpus, paths
from review.errors import ReviewError
from review.files import rows_to_csv
from review.splice import spliced


def bibliography_seeds() -> list[bytes]:
    whole = (TINY / paths.BIBLIOGRAPHY).read_text("utf-8")
    parts = [f"@{part}".encode() for part in whole.split("@")[1:]]
    others = (
        '@string{j = "J Med"}\n@comment{nothing}\n@preamble{"x"}\n@article(a1,\n  title = "A {B} c",\n'
        "  journal = j,\n  month = feb\n)\n@misc{b2, title = {B}}\n",
        "@misc{b, title={{\\'E}tude \\& {\\ss} $\\beta$ 50\\% \\emph{x} ``q''}, url={https://x.org/a_b%20c~d}, pages={1--9}}\n",
        "words before\n\n@book{c,\n title = {C},\n year = 1999,\n note = {a\n b},\n}\n words after\n",
    )
    small = [data for data in examples(paths.BIBLIOGRAPHY)[1:] if len(data) < 400]
    return [*parts, *(text.encode() for text in others), *small]


def attack_bibliography(data: bytes, folder: Path) -> Outcome:
    path = folder / paths.BIBLIOGRAPHY
    path.write_bytes(data)
    try:
        found = bibliography.read(path)
    except ReviewError as error:
        return refused(error, paths.BIBLIOGRAPHY)
    path.write_bytes(data + b"\nwords\n")  # which no file in the project's own form has: it is read in another way
    same(bibliography.read(path), found, "read with words after it")
    written_out(text for item in found for text in (*item.fields, *item.fields.values()))
    text = data.decode()
    raw = scans.entries(text)
    same([item.key for item in found], [key for key, _ in raw], "keys of the entries")
    for item, (_, fields) in zip(found, raw, strict=True):
        same(sorted(item.fields), sorted(name for name, _ in fields), f"fields of {item.key}")
        for name, value in fields:
            if value[:1] in ("{", '"') and not any(sign in value for sign in "\\$%#"):
                same(scans.letters(item.fields[name]), scans.letters(value), f"letters of {item.key} {name}")
    path.write_bytes(bibliography.write(found).encode())
    again = bibliography.read(path)
    same([item.key for item in again], sorted(item.key for item in found), "order of what is written")
    same(plain_entries(again), plain_entries(found), "written and read again")
    _spliced(path, data, found)
    return kept(f"{len(found)} entries of {sum(len(item.fields) for item in found)} fields")


def _spliced(path: Path, data: bytes, found: list[bibliography.Reference]) -> None:
    """Change the first entry, add one and leave out the last: the rest stays, also what stands between entries."""
    path.write_bytes(data)
    changed = bibliography.Reference(found[0].key, found[0].kind, {**found[0].fields, "note": "new"}, 0)
    added = bibliography.Reference("zz9", "misc", {"title": "New"}, 0)
    wanted = [changed, *found[1:-1], *([added] if all(item.key != "zz9" for item in found) else [])]
    text = spliced(path, data.decode(), wanted)
    path.write_bytes(text.encode())
    same(plain_entries(bibliography.read(path)), plain_entries(wanted), "spliced")
    if text != bibliography.write(wanted):
        same(scans.outside(text), scans.outside(data.decode()), "what stands between the entries")


def plain_entries(references: Iterable[bibliography.Reference]) -> list[tuple[str, str, dict[str, str]]]:
    """Return what a bibliography holds, by key; an empty field is as good as none."""
    return sorted((item.key, item.kind, {name: value for name, value in item.fields.items() if value}) for item in references)


def table_seeds(name: str) -> list[bytes]:
    header, *rows = (TINY / name).read_text("utf-8").splitlines(keepends=True)
    parts = [(header + "".join(rows[start : start + 2])).encode() for start in range(0, min(len(rows), 12), 2)]
    quoted = header + ",".join('"a ""b"", c\nd"' for _ in header.split(",")) + "\r\n"
    return [*parts, quoted.encode(), *(data for data in examples(name)[1:] if len(data) < 600)]


def attack_table(name: str, data: bytes, folder: Path) -> Outcome:
    path = folder / name
    path.write_bytes(data)
    try:
        frame = contracts.read_table(path)
    except ReviewError as error:
        return refused(error, name)
    header, *wanted = scans.records(data.decode())
    written_out(text for _, fields in wanted for text in fields)
    columns = [column for column in frame.columns if column != contracts.LINE]
    same(columns, header[1], "columns")
    rows = frame[columns].to_numpy().tolist()
    same(rows, [fields for _, fields in wanted], "rows")
    same(frame[contracts.LINE].tolist(), [line for line, _ in wanted], "lines of the rows")
    written = rows_to_csv(columns, rows).encode()
    if written == data:
        return kept(f"{len(rows)} rows, as they are written")
    path.write_bytes(written)
    same(contracts.read_table(path)[columns].to_numpy().tolist(), rows, "written and read again")
    return kept(f"{len(rows)} rows")


TARGETS = (
    Target("bibliography", bibliography_seeds, attack_bibliography, BIB_WORDS),
    *(
        Target(name.removesuffix(".csv"), partial(table_seeds, name), partial(attack_table, name), table_words(name))
        for name in corpus.TABLES
    ),
)

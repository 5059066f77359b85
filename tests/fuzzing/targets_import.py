"""References from other programs in five formats, and labels and texts that are laid beside a corpus."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path

from fuzzing import scans
from fuzzing.harness import PROJECT, Outcome, Target, WrongError, kept, refused, same
from review import bibliography, corpus
from review.errors import ReviewError
from review.files import HIDING, NO_TEXT, rows_to_csv
from review.importing import entries, reading
from review.importing.reading import Reading
from review.importing.records import Record
from review.importing.table import EMPTY
from review.living import labels, texts

EXAMPLES = PROJECT / "tests" / "examples"
IMPORT = EXAMPLES / "import"
FILES = {"bibtex": "bibtex.bib", "ris": "endnote.ris", "nbib": "pubmed.nbib", "csv": "scopus.csv", "csl": "zotero.json"}
_TY = re.compile(r"^TY {1,2}-", re.MULTILINE)
_PMID = re.compile(r"^PMID ?-", re.MULTILINE)
_ENTRY = re.compile(r"^[ \t]*@(?!(?:comment|string|preamble)\b)[A-Za-z]+[ \t]*[{(]", re.MULTILINE | re.IGNORECASE)


@cache
def tiny() -> corpus.Corpus:
    return corpus.load(EXAMPLES / "valid" / "tiny")


def plain(data: bytes) -> str:
    """Return the text that a reader should see: UTF-8 or marked UTF-16, with line feeds."""
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data.decode(coding).replace("\r\n", "\n").replace("\r", "\n")


# --- how many records there are, counted another way, and what their titles hold


def count_ris(text: str, found: Reading) -> None:
    """Every line that begins a record is a record or a problem."""
    _at_least(len(_TY.findall(text)), found)


def count_nbib(text: str, found: Reading) -> None:
    _at_least(len(_PMID.findall(text)), found)


def count_bibtex(text: str, found: Reading) -> None:
    """Every line that begins an entry is one, or a problem, unless it stands in braces or a comment."""
    if not re.search(r"@\s*(comment|string|preamble)|[^\s}),]\s*\n[ \t]*@|\{[ \t]*\n?[ \t]*@", text, re.IGNORECASE):
        _at_least(len(_ENTRY.findall(text)), found)


def count_csv(text: str, found: Reading) -> None:
    """Every row that is not blank is a record or a problem; titles are those of their column."""
    if text.lstrip("\n ").lower().startswith("sep=") or any("nothing is read" in one.message for one in found.problems):
        return
    try:
        rows = scans.records(text.lstrip("\n "))
    except scans.OddError:
        return
    header = [re.sub(r"\W+", " ", name).strip().lower() for name in rows[0][1]]
    if header.count("title") != 1 or any(sign in rows[0][1][0] + text.partition("\n")[0] for sign in ";\t"):
        return
    full = [fields for _, fields in rows[1:] if any(one.strip() for one in fields)]
    same(_told(found), len(full), "rows and records")
    if not found.problems and all(len(fields) == len(header) for fields in full):
        _titles([fields[header.index("title")] for fields in full], found.records)


def count_csl(text: str, found: Reading) -> None:
    """Every element of the list is a record or a problem."""
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return
    items = held.get("items", [held]) if isinstance(held, dict) and isinstance(held.get("items"), list) else held
    items = items if isinstance(items, list) else [items]
    same(_told(found), len(items), "items and records")
    if not found.problems and "title" not in text.replace('"title"', "", len(items)):
        _titles([str(one.get("title", "")) for one in items if isinstance(one.get("title", ""), str)], found.records)


def _told(found: Reading) -> int:
    """Return how many records and problems there are; of many problems the last one says how many more there are."""
    more = [
        int(match[1].replace(",", "")) - 1 for one in found.problems if (match := re.match(r"([\d,]+) more blocks", one.message))
    ]
    return len(found.records) + len(found.problems) + sum(more)


def _at_least(number: int, found: Reading) -> None:
    if _told(found) < number:
        raise WrongError(f"fewer records and problems ({len(found.records)}, {len(found.problems)}) than beginnings: {number}")


def _titles(wanted: Sequence[str], records: Sequence[Record]) -> None:
    for title, record in zip(wanted, records, strict=False):
        noted = any("title" in notice for notice in record.notices)
        if len(wanted) != len(records) or noted or re.search(r"[<&]", title) or title.strip().lower() in EMPTY:
            continue
        same(scans.letters(record.title), scans.letters(_composed(title)), "letters of a title")


def _composed(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFC", text)


COUNTS: dict[str, Callable[[str, Reading], None]] = {
    "ris": count_ris,
    "nbib": count_nbib,
    "bibtex": count_bibtex,
    "csv": count_csv,
    "csl": count_csl,
}


def taken(records: Sequence[Record], folder: Path) -> None:
    """Raise unless records can stand in a corpus, and are read there as they were."""
    wanted = [entries.reference(one, f"k{place}") for place, one in enumerate(records, 1) if not one.missing]
    if wanted:
        path = folder / "taken.bib"
        path.write_text(bibliography.write(wanted), "utf-8", newline="")
        again = {one.key: (one.kind, dict(one.fields)) for one in bibliography.read(path)}
        same(again, {one.key: (one.kind, _set(one.fields)) for one in wanted}, "written to a bibliography and read again")
    rows = [
        entries.screening_row(one, f"k{place}", "screening", "pending", "x", entries.described(one))
        for place, one in enumerate(records, 1)
    ]
    text = rows_to_csv(tiny().screening.columns, rows)
    same([fields for _, fields in scans.records(text)][1:], rows, "written to the screening table and read again")
    if found := NO_TEXT.search(text) or HIDING.search(text):
        raise WrongError(f"{found[0]!r} got into the screening table")


def _set(fields: Mapping[str, str]) -> dict[str, str]:
    """Return fields with the dashes that TeX sets for hyphens side by side, which are the usual way to write them."""
    dashes = {name: value.replace("---", "\u2014").replace("--", "\u2013") for name, value in fields.items()}
    return {name: value if name in bibliography.IDENTIFIERS else dashes[name] for name, value in fields.items()}


def attack_import(form: str, data: bytes, folder: Path) -> Outcome:
    path = folder / "found.txt"
    path.write_bytes(data)
    try:
        found = reading.read(path, form)
    except ReviewError as error:
        return refused(error, path.name)
    text = plain(data)
    COUNTS[found.form](text, found)
    same(len({one.place for one in found.records}), len(found.records), "places of records")
    most = text.count("\n") + 1
    for one in (*found.records, *found.problems):
        if one.line is not None and not 1 <= one.line <= most:
            raise WrongError(f"line {one.line} of {most}")
    taken(found.records[:3], folder)
    shapes = Counter(re.sub(r"'.*?'|\d+", "_", note) for one in found.records for note in one.notices)
    lines = [f"{found.form}: {len(found.records)} records", *shapes, *(one.message for one in found.problems)]
    return kept("\n".join(lines))


def parts(form: str) -> list[bytes]:
    """Return an example whole, and in pieces, which are read sooner."""
    whole = (IMPORT / FILES[form]).read_bytes()
    if form == "csv":
        header, *rows = whole.splitlines(keepends=True)
        more = [header + row for row in rows if row.count(b",") > 5] + [
            b"title;doi;year\nA;10.1000/x;2020\n",
            b"sep=,\nTitle,PMID\nB,12\n",
        ]
    elif form == "csl":
        more = [json.dumps([one], indent=1).encode() for one in json.loads(whole)[:2]]
        more += [
            b'{"items": [{"title": "A", "issued": {"date-parts": [[2020]]}}]}',
            b'{"title": "B", "author": [{"literal": "C"}]}',
        ]
    elif form == "bibtex":
        more = [b"@" + part for part in whole.split(b"@")[1:]]
    else:
        more = [part + b"\n" for part in whole.split(b"\n\n") if part.strip()]
    return [*more, whole]


def every_format() -> list[bytes]:
    return [data for form in FILES for data in parts(form)[:3]]


# --- labels of ASReview, abstracts of studies


def label_seeds() -> list[bytes]:
    known = tiny().screening.head(3)
    header = "key,title,abstract,authors,year,doi,url,included,asreview_label\n"
    rows = [
        f'{key},"{title}",x,"A, B",{year},,,{place % 2},{1 - place % 2}\n'
        for place, (key, title, year) in enumerate(zip(known["key"], known["title"], known["year"], strict=True))
    ]
    ris = "".join(
        f"TY  - JOUR\nID  - {key}\nT1  - {title}\nPY  - {year}\nN1  - ASReview_{word}\nER  - \n\n"
        for key, title, year, word in zip(
            known["key"], known["title"], known["year"], ("relevant", "irrelevant", "not_seen"), strict=True
        )
    )
    return [
        (header + "".join(rows)).encode(),
        ris.encode(),
        f"title;included\n{known['title'].iloc[0]};1\n".encode(),
        (header + rows[0]).encode(),
    ]


def attack_labels(data: bytes, folder: Path) -> Outcome:
    path = folder / "labels.txt"
    path.write_bytes(data)
    try:
        found = labels.read(path, tiny())
    except ReviewError as error:
        return refused(error, path.name)
    text = plain(data)
    read = reading.read(path)
    same([one.record for one in found], list(read.records), "records")
    if read.form == "ris":
        notes = r"^N1 {1,2}- (?:<p>)?ASReview_(relevant|irrelevant)\b(?!_)"
        _, *parts = re.split(r"^TY {1,2}-", text, flags=re.MULTILINE)
        if len(parts) == len(found) and text.count("N1") == len(re.findall(notes, text, re.MULTILINE)):
            wanted = Counter(word for part in parts for word in set(re.findall(notes, part, re.MULTILINE)))
            same(Counter(one.label for one in found if one.label), wanted, "labels")
    elif len(set(map(len, _rows(text)))) == 1 and _rows(text)[0].count("asreview_label") == 1:
        header, *rows = _rows(text)
        wanted = [
            labels._VALUES[row[header.index("asreview_label")].strip().lower()] for row in rows if any(one.strip() for one in row)
        ]
        same([one.label for one in found], wanted, "labels")
    return kept("\n".join(sorted({f"{one.label} {bool(one.key)} {one.note[:10]}" for one in found})))


def _rows(text: str) -> list[list[str]]:
    try:
        return [fields for _, fields in scans.records(text.lstrip("\n "))]
    except scans.OddError:
        return [[], ["x"]]


def text_seeds() -> list[bytes]:
    known = tiny().screening.head(2)
    rows = [f'{key},"{title}","An abstract,\nof two lines"\n' for key, title in zip(known["key"], known["title"], strict=True)]
    return [
        ("key,title,abstract\n" + "".join(rows)).encode(),
        b"doi,pmid,abstract\n10.1000/x,12,words\n",
        f"title,abstract\n{known['title'].iloc[0]},some words\n".encode(),
    ]


def attack_texts(data: bytes, folder: Path) -> Outcome:
    path = folder / "texts.csv"
    path.write_bytes(data)
    try:
        found = texts.read(path, tiny())
    except ReviewError as error:
        return refused(error, path.name)
    full = [fields for _, fields in scans.records(plain(data))[1:] if any(one.strip() for one in fields)]
    if len(found.records) + found.unmatched > len(full):
        raise WrongError(f"{len(found.records)} texts and {found.unmatched} without a study of {len(full)} rows")
    return kept(f"{len(found.records)} {found.unmatched}")


WORDS = {
    "ris": (
        "TY  - JOUR\n|ER  - \n|TI  - |AU  - |T1  - |A1  - |PY  - |DO  - |UR  - |N1  - |ID  - |SP  - |EP  - |AN  - |"
        "DB  - PubMed\n|TY - |TY  -|ER  -|ER"
    ),
    "nbib": (
        "PMID- |TI  - |FAU - |AU  - |AB  - |LID - |AID - |DP  - |PG  - |PT  - |\n      |\n\n|[doi]|arXiv:|CN  - |PMID-|PMID - "
    ),
    "csv": 'title|doi|pmid|authors|author|year|abstract|sep=;\n|,|;|\t|"|""|n/a|journal|type|=1+1|10.1000/x|arxiv|,,,|first',
    "csl": (
        '"title":|"author":|"issued":|{"date-parts":[[2020]]}|null|true|[]|{}|,|"id":|"DOI":|"note":|NaN|"\\ud800"|1e999|'
        '"items":|{"items":|\\u0000'
    ),
    "bibtex": (
        "@article{|@misc{|@string{|@comment{|@preamble{|title = |author = |year = |eprint = |and |\\'|\\\"|$|{|}|#|,\n|@|"
        "\\url{|doi = |%|others|jtr"
    ),
}


def words(form: str) -> tuple[bytes, ...]:
    return tuple(word.encode() for word in WORDS[form].split("|"))


TARGETS = (
    *(Target(f"import-{form}", partial(parts, form), partial(attack_import, form), words(form)) for form in FILES),
    Target("import-any", every_format, partial(attack_import, ""), tuple(word for form in WORDS for word in words(form))),
    Target(
        "labels", label_seeds, attack_labels, (*words("ris"), *words("csv"), b"asreview_label", b"included", b"ASReview_relevant")
    ),
    Target("texts", text_seeds, attack_texts, (*words("csv"), b"key", b"abstract")),
)

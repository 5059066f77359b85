"""Two thousand studies work as fifty do, no step takes longer a study where there are more, and reading fast is reading right.

What is counted are calls of functions, not seconds: the same on a busy machine. ``benchmarks/scale.py`` measures up to 100,000
studies.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bibtexparser.model import Field
from conftest import EXAMPLES, TINY

from review import (
    agreement,
    bibliography,
    checks,
    cli,
    codebook,
    contracts,
    corpus,
    files,
    map_table,
    paths,
    plain_bibtex,
    plain_csv,
    prisma,
    publication_tables,
    selection,
    statistics,
    swarm,
    system,
    theme,
)
from review.code_rows import Rows
from review.coding import task
from review.coding.desk import Desk
from review.corpus import Corpus
from review.errors import InputError
from review.explore import Filters, Labels, view
from review.site import studies as pages
from review.site.places import Places

GENERATOR = paths.ROOT / "benchmarks" / "scale_corpus.py"
FEW, MANY = 200, 2000
LINEAR = 1.1
"""The greatest exponent with which calls may grow with studies: 1 is as many for each."""

NAMES = list(contracts.contract(paths.CODING))


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("scale_corpus", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folders(generator, tmp_path_factory):
    top = tmp_path_factory.mktemp("scale")
    return {number: generator.write(number, top / str(number)) for number in (FEW, MANY)}


@pytest.fixture(scope="module")
def loaded(folders):
    return {number: corpus.load(folder) for number, folder in folders.items()}


def calls(step: Callable[[], object]) -> int:
    """Count the functions that are called, those written in C too."""
    number = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(before)
    return number


def exponent(step: Callable[[int], object]) -> float:
    """Return how the calls of a step grow with the number of studies; it has run once, so that nothing is imported in it."""
    step(FEW)
    few, many = (calls(lambda number=number: step(number)) for number in (FEW, MANY))
    return math.log(many / few) / math.log(MANY / FEW)


# --- two thousand studies


def test_made_up_studies_have_the_shape_of_the_real_ones_and_nothing_else_of_them(loaded):
    real, made = corpus.load(), loaded[MANY]
    assert len(made.references) == MANY
    titles = {reference.fields["title"] for reference in real.references}
    assert not titles & {reference.fields["title"] for reference in made.references}
    assert {reference.fields.get("doi", "10.5555/")[:8] for reference in made.references} == {"10.5555/"}
    assert set(made.coding["source"].str.slice(0, 20)) <= {"https://example.org/", ""}
    assert made.coders == real.coders
    for name in ("modality", "evaluation"):
        whole, part = (statistics.compute_shares(one, name, "all")["share"].to_numpy() for one in (real, made))
        assert np.abs(whole - part).max() < 0.02
    assert abs(len(made.screening) / MANY - len(real.screening) / len(real.references)) < 0.01
    assert {name: len(keys) for name, keys in made.selections.items() if name.startswith("v")} == {"v1": 59, "v2": 59}


def test_the_same_seed_makes_the_same_corpus(generator, tmp_path):
    one, two = (generator.write(60, tmp_path / name) for name in ("one", "two"))
    other = generator.write(60, tmp_path / "other", seed=2)
    assert corpus.load(one).hash == corpus.load(two).hash != corpus.load(other).hash


def test_commands_work_with_two_thousand_studies(folders, capsys):
    where = ["--corpus", str(folders[MANY])]
    assert cli.main(["validate", *where]) == 0
    assert f"all {MANY}" in "".join(capsys.readouterr())
    assert cli.main(["statistics", *where, "--dimension", "modality", "--selection", "all", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["total"] for row in rows} == {MANY}
    assert cli.main(["prisma", *where]) == 0


# --- no step takes longer a study where there are more


STEPS: dict[str, Callable[[Corpus], object]] = {
    "studies": lambda one: corpus.load(one.directory).studies(),
    "statistics": lambda one: [statistics.compute_shares(one, name, "all") for name in one.codebook.dimensions],
    "filter": lambda one: one.studies("all", "year >= 2023 and modality == 'text'"),
    "agreement": lambda one: agreement.compute_agreement(one, resamples=20),
    "flow": prisma.compute_flow,
    "selection": lambda one: selection.calibrate(one, "v2"),
    "map": lambda one: map_table.compute_map(one, "modality", "method", "evaluation", "all"),
    "characteristics": lambda one: publication_tables.characteristics(one, "all"),
    "table of studies": lambda one: publication_tables.studies(one, "all"),
    "explorer": lambda one: view(one, Filters("all", 2022, labels={"modality": Labels(("text",))}), "evaluation"),
    "coding desk": lambda one: Desk(task.plan(one, n=10, selection="all")).view(),
    "site": lambda one: pages.gather(one, Places.of(one)),
}


@pytest.mark.parametrize("name", STEPS)
def test_calls_grow_with_the_studies_and_no_faster(loaded, name):
    assert exponent(lambda number: STEPS[name](loaded[number])) < LINEAR


def test_loading_calls_as_much_a_study_for_two_thousand_as_for_two_hundred(folders):
    assert exponent(lambda number: corpus.load(folders[number])) < LINEAR


def test_codes_are_read_and_checked_without_a_call_a_row(folders, loaded):
    def check(number: int) -> None:
        table = contracts.read_table(folders[number] / paths.CODING)
        assert not checks.cross_check(folders[number], loaded[number].codebook, None, {paths.CODING: table})

    few, many = (calls(lambda number=number: check(number)) for number in (FEW, MANY))
    rows = sum(1 if number == MANY else -1 for number in (FEW, MANY) for _ in loaded[number].coding["key"])
    assert rows > 60_000
    assert many - few < rows / 5


def test_dots_pile_up_without_being_compared_with_all_others():
    assert exponent(lambda number: swarm.pile([0.0, 10.0] * (number // 2), 6.0, 3.0)) < LINEAR


def test_a_selection_among_studies_that_are_alike_asks_the_solver_no_more_often(loaded, monkeypatch):
    asked = {FEW: 0, MANY: 0}
    for number in asked:

        def counted(*given: Any, number: int = number, solve: Any = selection.minimise) -> Any:
            asked[number] += 1
            return solve(*given)

        with monkeypatch.context() as patched:
            patched.setattr(selection, "minimise", counted)
            assert len(selection.calibrate(loaded[number], "v2")) == 59
    assert 0 < asked[MANY] < 3 * asked[FEW] + 60


# --- reading at once is reading row by row


def outcome(read: Callable[[], Any]) -> Any:
    """Return what is read, in a form that can be compared, or the problems."""
    try:
        found = read()
    except InputError as error:
        return [(problem.line, problem.key, problem.message) for problem in error.problems]
    return found.to_dict("list") if isinstance(found, pd.DataFrame) else found


@pytest.fixture(params=["pyarrow", "pandas"])
def library(request, monkeypatch):
    """Which library reads a table: pyarrow, where it is installed, or pandas."""
    if request.param == "pyarrow":
        pytest.importorskip("pyarrow")
    else:
        monkeypatch.setattr(plain_csv, "ARROW", False)
    return request.param


def test_a_table_is_the_same_read_at_once_and_row_by_row(library, folders, monkeypatch, tmp_path):
    """Fields of every kind, and files damaged at random: what is not surely a row on every line is read row by row."""
    draw = random.Random(5)
    fields = [
        "",
        "a",
        "1",
        "001",
        "1.50",
        "True",
        "NA",
        "null",
        " x ",
        "é世",
        '"q"',
        '"a,b"',
        '"say ""x"""',
        "-",
        '"',
        "#",
        "'",
        '""',
        "nan",
    ]
    odd = ["\n", "\r", "\r\n", '"', ",", "\x00", "\x1b", "\u202e", "\ufeff", " ", "\t", '"a\nb"', "\\", "\n\n", '""']
    path = tmp_path / paths.SELECTION
    at_once = 0
    for _ in range(400):
        rows = [",".join([draw.choice(fields) or "v", draw.choice(fields) or "k", "listed"]) for _ in range(draw.randint(1, 4))]
        text = "\n".join(["selection,key,basis", *rows]) + "\n"
        for _ in range(draw.choice([0, 0, 1, 2])):
            place = draw.randint(0, len(text))
            text = text[:place] + draw.choice(odd) + text[place + draw.choice([0, 1]) :]
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        fast = outcome(lambda: contracts.read_table(path))
        at_once += isinstance(fast, dict)
        with monkeypatch.context() as patched:
            patched.setattr(plain_csv, "read", lambda data, names: None)
            assert fast == outcome(lambda: contracts.read_table(path)), text
    assert at_once > 50
    for name in (paths.CODING, paths.SCREENING):
        table = contracts.read_table(folders[FEW] / name)
        assert plain_csv.read((folders[FEW] / name).read_bytes(), list(contracts.contract(name))) is not None
        with monkeypatch.context() as patched:
            patched.setattr(plain_csv, "read", lambda data, names: None)
            pd.testing.assert_frame_equal(table, contracts.read_table(folders[FEW] / name))


def test_a_long_line_is_read_row_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr(plain_csv, "_BLOCK", 64)
    header = "selection,key,basis\n"
    long = f"v1,{'k' * 300},listed\nv1,b,listed\n"
    assert len(plain_csv.read((header + long).encode(), header.strip().split(","))) == 2
    too_long = f"v1,{'k' * 200_000},listed\n"
    assert plain_csv.read((header + too_long).encode(), header.strip().split(",")) is None, "csv refuses such a field"


def test_bytes_that_are_no_text_are_not_read_at_once():
    header, names = b"selection,key,basis\n", ["selection", "key", "basis"]
    assert plain_csv.read(header + b"v1,a,listed\n", names) is not None
    for wrong in (
        b"v1,\xff,listed\n",
        b"v1,\xc3A\xa9,listed\n",
        b"v1,\xed\xa0\x80,listed\n",
        b"v1,\x1b[2J,listed\n",
        b"v1,a,listed",
    ):
        assert plain_csv.read(header + wrong, names) is None


def test_codes_that_may_be_wrong_are_found_as_if_every_row_was_looked_at(tiny, monkeypatch):
    draw = random.Random(7)
    book = codebook.load(tiny / paths.CODEBOOK)
    values = ["", *(code for each in book.dimensions.values() for code in each.categories)]
    values += [codebook.NOT + value for value in values[1:]] + ["elsewhere"]
    dimensions, coders = [*book.dimensions, *book.dimensions, "weather"], ["a", "b", "consensus"]
    wrong = 0
    for _ in range(300):
        rows = [
            [draw.choice("xy"), draw.choice(dimensions), draw.choice(coders), draw.choice(values), "", "", "", "", line]
            for line in range(2, draw.randint(3, 9))
        ]
        table = pd.DataFrame(rows, columns=[*NAMES, contracts.LINE]).astype(dict.fromkeys(NAMES, "str"))
        found = checks.cross_check(tiny, book, None, {paths.CODING: table})
        with monkeypatch.context() as patched:
            patched.setattr(Rows, "suspect", lambda self, book: pd.Series(True, index=self.index))
            patched.setattr(Rows, "twice", lambda self, table=table: table.duplicated(["key", "dimension", "coder", "value"]))
            assert found == checks.cross_check(tiny, book, None, {paths.CODING: table})
        wrong += bool(found)
    assert 100 < wrong < 300


# --- BibTeX at once is BibTeX by bibtexparser


def bibliographies() -> list[Path]:
    return sorted([paths.DATA / paths.BIBLIOGRAPHY, *EXAMPLES.rglob("*.bib")])


def test_a_bibliography_is_the_same_split_here_and_by_bibtexparser(tmp_path):
    """Also those of the examples that are wrong, and one damaged at random in many places."""
    path = tmp_path / paths.BIBLIOGRAPHY
    text = (TINY / paths.BIBLIOGRAPHY).read_text("utf-8")
    draw = random.Random(11)
    odd = [
        "{",
        "}",
        "\\",
        '"',
        ",",
        "=",
        "\n",
        "@",
        "#",
        "%",
        "~",
        "--",
        "\\{",
        "{}",
        "  ",
        "\\&",
        "é",
        "@misc{",
        "year = {2020},\n",
        "title",
        "'",
    ]
    at_once = 0

    def compare(text: str) -> int:
        path.write_text(text, "utf-8")
        fast, slow = (outcome(lambda read=read: read()) for read in (lambda: bibliography.read(path), by_library))
        assert fast == slow, text
        try:
            return bool(bibliography._at_once(text))
        except plain_bibtex.OtherFormError:
            return 0

    def by_library() -> list[bibliography.Reference]:
        return bibliography._one_by_one(str(path), files.read_plain(path))

    for each in bibliographies():
        try:
            whole = files.read_plain(each)
        except InputError:
            continue
        at_once += compare(whole)
    assert at_once >= 3
    for _ in range(400):
        changed = text
        for _ in range(draw.choice([1, 1, 2])):
            place = draw.randint(0, len(changed))
            changed = changed[:place] + draw.choice(odd) + changed[place + draw.choice([0, 0, 1]) :]
        at_once += compare(changed)
    assert at_once > 50


def test_the_bibliography_of_the_project_is_split_at_once():
    assert bibliography._at_once((paths.DATA / paths.BIBLIOGRAPHY).read_text("utf-8"))


def test_easy_tex_is_read_as_the_decoder_reads_it():
    draw = random.Random(13)
    parts = [
        "a",
        "Gpt",
        "é",
        "{",
        "}",
        "{",
        "}",
        "-",
        "--",
        "---",
        " ",
        "\n",
        "'",
        "''",
        *(f"\\{sign}" for sign in "&%_#$"),
        ".",
        "!",
        "?",
        "@",
        "}-{",
    ]
    easy = 0
    for _ in range(6000):
        value = "".join(draw.choices(parts, k=draw.randint(1, 9)))
        if bibliography._easy(value):
            easy += 1
            assert bibliography.decode(Field("title", value)) == bibliography._decoded("title", value), value
    assert easy > 1000
    assert not bibliography._easy("{" * 300 + "}" * 300), "the decoder gives up on what is nested too deeply"


# --- smaller parts


def test_characters_that_no_text_may_hold_are_found_in_any_text():
    for number in [*range(0xD800), *range(0xE000, 0x10000), 0x10000, 0x1F600, 0x10FFFF]:
        sign = chr(number)
        wrong = bool(files.NO_TEXT.search(sign) or files.HIDING.search(sign))
        assert files.peculiar(f"a{sign}é".encode()) is wrong, hex(number)


def test_the_hash_of_files_read_in_parts_is_that_of_files_read_whole(tmp_path):
    contents = {"a": b"", "b": b"x" * 3_000_000, "c": "é".encode()}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    whole = files.digest(*(part for name, content in contents.items() for part in (name.encode(), content)))
    assert files.digest_files(tmp_path / name for name in contents) == whole


@pytest.mark.parametrize("enabled", [True, False])
def test_a_block_without_sweeping_leaves_sweeping_as_it_was(enabled):
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with contextlib.suppress(KeyError), system.unswept():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_citations_are_told_apart_without_counting_them_anew_for_each():
    class Once(list[str]):
        def count(self, value: str) -> int:
            raise AssertionError("the whole list is gone through for one of its members")

        def __getitem__(self, place: Any) -> Any:
            raise AssertionError("a part of the list is copied for one of its members")

    found = publication_tables._distinct(Once(["A 2020", "B 2021", "A 2020", "A 2020"]))
    assert found == ["A 2020a", "B 2021", "A 2020b", "A 2020c"]


def test_dots_lie_as_low_as_they_can():
    """Compared with all others, one by one."""
    draw = random.Random(17)
    for _ in range(60):
        places = [draw.choice([0.0, 7.0, 15.5]) for _ in range(draw.randint(1, 40))]
        diameter, band = draw.choice([2.0, 3.3]), draw.choice([1.0, 6.0, 11.0])
        found = swarm.pile(places, band, diameter)
        apart = [math.hypot(x - u, y - v) for place, (x, y) in enumerate(found) for u, v in found[:place]]
        assert min(apart, default=diameter) >= diameter - 1e-6
        for x, y in found:
            below = [math.hypot(x - u, y - 1e-3 - v) < diameter for u, v in found if (u, v) != (x, y)]
            assert y == diameter / 2 or any(below), "it rests on the line or on another"


def test_lines_are_broken_where_the_next_word_would_not_fit():
    draw = random.Random(19)
    for _ in range(300):
        text = "".join(draw.choices("abc WMi-.é  \n世", k=draw.randint(0, 60)))
        room = draw.choice([20.0, 60.0, 200.0])
        lines = theme.wrap(text, room)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert all(theme.extent(line) <= room or len(line) == 1 for line in lines)

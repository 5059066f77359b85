"""The short form of ``python tests/fuzzing``, everything that it once found, and proof that it finds what it is there to find."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import yaml
from fuzzing import harness, limits, mutate, scans, targets
from fuzzing.harness import Outcome, Run, Target, WrongError, kept, refused, same
from hypothesis import given, settings
from hypothesis import strategies as st

from review import bibliography, checks, codebook, contracts, corpus, paths, published
from review.bibliography import Reference
from review.errors import InputError, Problem, ReviewError
from review.files import HIDING, NO_TEXT, rows_to_csv
from review.living import query
from review.splice import spliced

TARGETS = targets()
STORED = [(name, path) for name in TARGETS for path in harness.regressions(name)]


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_input_is_refused_with_a_reason_or_read_without_loss(name, tmp_path):
    run = Run(TARGETS[name], tmp_path, limit=30).go(TARGETS[name].few, seed=8, most=1.5)
    assert not run.findings, "\n".join(f"{found.data[:400]!r}\n{found.trace}" for found in run.findings.values())
    assert run.outcomes["refused"] > 0
    assert run.outcomes["kept"] > 0


@pytest.mark.parametrize(("name", "path"), STORED, ids=[f"{name}-{path.stem}" for name, path in STORED])
def test_what_was_found_once_is_gone(name, path, tmp_path):
    run = Run(TARGETS[name], tmp_path, limit=30, minimise=False)
    with harness.limited(tmp_path):
        _, finding = run.attempt(path.read_bytes())
    assert finding is None, finding.trace


def test_every_stored_input_has_a_target():
    assert {path.name for path in harness.REGRESSIONS.iterdir()} <= set(TARGETS)


# --- the harness itself


def attacked(attack, folder: Path, count: int = 60, seeds=(b"key,value\na,1\nb,2\n",), **options) -> Run:
    return Run(Target("planted", lambda: list(seeds), attack), folder, **options).go(count, seed=1)


def test_a_planted_error_is_found_and_made_smaller(tmp_path):
    def attack(data: bytes, folder: Path) -> Outcome:
        if b"b" in data and b"2" in data:
            raise KeyError("planted")
        return kept("good")

    run = attacked(attack, tmp_path)
    (finding,) = run.findings.values()
    assert finding.sort.startswith("KeyError")
    assert sorted(finding.data) == sorted(b"b2")
    assert "planted" in finding.trace
    run.store(tmp_path / "found")
    (stored,) = (tmp_path / "found" / "planted").glob("*.txt")
    assert "KeyError" in stored.read_text("utf-8")
    assert stored.with_suffix(".bin").read_bytes() == finding.data


def test_a_planted_hang_is_found(tmp_path):
    def attack(data: bytes, folder: Path) -> Outcome:
        while True:
            try:
                len(data)
            except Exception:
                continue

    run = attacked(attack, tmp_path, count=1, limit=0.2)
    assert [sort.split()[0] for sort in run.findings] == ["HangError"]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by way of /proc")
def test_planted_greed_is_found(tmp_path):
    def attack(data: bytes, folder: Path) -> Outcome:
        return kept(str(len(bytes(limits.MEMORY + limits.MEMORY // 4))))

    run = attacked(attack, tmp_path, count=1)
    assert [sort.split()[0] for sort in run.findings] == ["MemoryError"]
    assert len(bytes(1000)) == 1000


def test_a_planted_loss_is_found(tmp_path):
    def attack(data: bytes, folder: Path) -> Outcome:
        text = data.decode("ascii", "ignore").replace('"', "").replace("\r", "")
        rows = list(csv.reader(io.StringIO(text)))[:3]
        same(rows, [fields for _, fields in scans.records(text)], "rows")
        return kept(f"{len(rows)} rows")

    run = attacked(attack, tmp_path)
    assert run.outcomes["kept"] > 0
    assert any(sort.startswith("WrongError") and "rows" in sort for sort in run.findings)


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (ReviewError("it is wrong"), ()),
        (InputError([Problem("a.csv", 1, None, "it is wrong", " ")]), ()),
        (InputError([Problem("a.csv", 0, None, "it is wrong", "mend it")]), ()),
        (InputError([Problem("a.csv", 1, None, "it is wrong", "mend it")]), ("b.csv",)),
        (ReviewError("it is wrong -> mend it"), ("a.csv",)),
    ],
)
def test_a_refusal_that_says_too_little_is_found(error, names):
    with pytest.raises(WrongError):
        refused(error, *names)


def test_a_refusal_that_says_enough():
    outcome = refused(InputError([Problem("x/a.csv", 3, "k", "it is wrong", "mend it")]), "a.csv")
    assert outcome.kind == "refused"
    assert "a.csv:3: [k] it is wrong -> mend it" in outcome.text


def test_a_warning_is_a_finding(tmp_path):
    def attack(data: bytes, folder: Path) -> Outcome:
        import warnings

        warnings.warn("planted", stacklevel=1)
        return kept("good")

    assert [sort.split()[0] for sort in attacked(attack, tmp_path, count=1).findings] == ["UserWarning"]


def test_inputs_that_lead_to_something_new_are_changed_further(tmp_path):
    def attack(data: bytes, folder: Path) -> Outcome:
        depth = next((place for place in range(4) if data[place : place + 1] != b"bibl"[place : place + 1]), 4)
        if depth == 4:
            raise LookupError("the whole word")
        raise_at = ("none", "one", "two", "three")[depth]
        return Outcome("refused", f"there are {raise_at} of them")

    run = attacked(attack, tmp_path, count=60_000, seeds=(b"....",), minimise=False)
    assert [sort.split()[0] for sort in run.findings] == ["LookupError"]


def test_the_same_seed_gives_the_same_inputs(tmp_path):
    seen: list[list[bytes]] = [[], [], []]
    for place, seed in enumerate((1, 1, 2)):

        def attack(data: bytes, folder: Path, place: int = place) -> Outcome:
            seen[place].append(data)
            return kept("good")

        Run(Target("planted", lambda: [b"a,b\nc,d\n"], attack), tmp_path).go(80, seed)
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


@pytest.mark.parametrize("change", [*mutate.CHANGES, *mutate.LARGE], ids=lambda change: change.__name__)
@pytest.mark.parametrize("data", [b"", b"a", b"key,value\nx,1\n"])
def test_a_change_takes_anything(change, data):
    for seed in range(20):
        assert isinstance(change(data, Random(seed), [b"other"], [b"word"]), bytes)
    assert len(mutate.mutate(b"x" * mutate.LONGEST, Random(1), [], [])) <= mutate.LONGEST


def test_the_long_run_prints_what_it_tried(tmp_path):
    command = [sys.executable, str(Path(harness.__file__).parent), "query", "-n", "60", "--out", str(tmp_path)]
    untraced = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(command, env=untraced, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["inputs"], told["findings"]) == (60, 0)
    assert told["kept"] + told["refused"] == 60
    assert told["arcs"] > 50, "a part of the inputs is traced"


# --- the scanners


@given(st.lists(st.lists(st.text('ab," \r\n', max_size=4), min_size=1, max_size=3), min_size=1, max_size=4))
def test_the_scanner_of_tables_reads_what_is_written(rows):
    text = rows_to_csv(rows[0], rows[1:])
    assert [fields for _, fields in scans.records(text)] == rows


def test_the_scanner_of_bibliographies():
    text = '% a\n@string{j = "J"}\n@misc{a, x = "b {"} c", y = {d{e}f} # j # 3}\n@comment{@misc{no,}}\n@book(b,\n z = 1)\nend\n'
    assert scans.entries(text) == [("a", [("x", '"b {"} c"'), ("y", "{d{e}f} # j # 3")]), ("b", [("z", "1")])]
    assert scans.outside(text) == ["% a", '@string{j = "J"}', "@comment{@misc{no,}}", "end"]
    with pytest.raises(scans.OddError):
        scans.entries("@misc{a, x = {b} y = {c}}")


# --- readers and writers

SIGNS = st.characters(exclude_categories=["Cs"]).filter(lambda sign: not NO_TEXT.search(sign) and not HIDING.search(sign))
TEXT = st.text(SIGNS, max_size=12) | st.text('a,";\n \r#-=', max_size=6)
WORD = st.text(SIGNS, min_size=1, max_size=8).filter(str.strip)


def values(column: contracts.Column) -> st.SearchStrategy[str]:
    allowed = [rule.allowed for rule in column.rules if rule.allowed]
    if allowed:
        return st.sampled_from(allowed[0])
    if not column.rules:
        return TEXT
    known = ("", "2024-02-29", "2021", "7", "100.0", "0", "anna", "a b", 'é, \n"', " x ")
    return st.sampled_from([value for value in known if all(rule.holds(value) for rule in column.rules)])


@pytest.mark.parametrize("name", [paths.CODING, paths.SCREENING, paths.SELECTION, paths.PUBLISHED, paths.FLOW])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_table_that_is_written_is_read_again(name, data, tmp_path_factory):
    columns = contracts.contract(name)
    rows = data.draw(st.lists(st.tuples(*map(values, columns.values())), min_size=1, max_size=3))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(rows_to_csv(columns, rows).encode())
    assert contracts.read_table(path).drop(columns=contracts.LINE).to_numpy().tolist() == [list(row) for row in rows]


@pytest.mark.parametrize("name", [paths.CODING, paths.SCREENING, paths.SELECTION, paths.PUBLISHED, paths.FLOW])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_table_is_held_against_the_same_rules_as_by_pandera(name, data, tmp_path_factory):
    import pandas as pd
    import pandera.errors

    columns = contracts.contract(name)
    rows = data.draw(st.lists(st.tuples(*[values(column) | TEXT for column in columns.values()]), min_size=1, max_size=3))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(rows_to_csv(columns, rows).encode())
    try:
        contracts.read_table(path)
        found = set()
    except InputError as error:
        found = {(problem.key, problem.message.split("' ")[-1].split('" ')[-1]) for problem in error.problems}
    try:
        contracts.schema(name).validate(pd.DataFrame(rows, columns=list(columns), dtype=str), lazy=True)
        wanted = set()
    except pandera.errors.SchemaErrors as failure:
        wanted = {(str(case.column), str(case.check)) for case in failure.failure_cases.itertuples()}
    assert found == wanted


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(WORD.map(str.strip), st.tuples(WORD, WORD, WORD, WORD), min_size=1, max_size=3), st.booleans(), WORD)
def test_a_codebook_that_is_written_is_read_again(tmp_path_factory, codes, many, title):
    parts = ("title", "definition", "include", "exclude")
    dimension = {
        "title": title,
        "kind": "multiple" if many else "single",
        "definition": title,
        "categories": {code: dict(zip(parts, texts, strict=True)) for code, texts in codes.items()},
    }
    path = tmp_path_factory.getbasetemp() / paths.CODEBOOK
    plain = {"review": {"title": title, "citation": title}, "dimensions": {"d": dimension}}
    path.write_text(yaml.safe_dump(plain, allow_unicode=True, sort_keys=False), "utf-8")
    try:
        book = codebook.load(path)
    except InputError as error:
        messages = [problem.message for problem in error.problems]
    else:
        messages = []
    assert all("is not usable" in message or "is already" in message for message in messages)
    if messages:
        return
    assert list(book["d"].categories) == list(codes)
    for code, texts in codes.items():
        assert [getattr(book["d"].categories[code], part) for part in parts] == [text.strip() for text in texts]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_regex(r"\A[A-Za-z][A-Za-z0-9 -]{0,8}[a-z0-9]\*?\Z"), min_size=1, max_size=3), TEXT)
def test_a_query_that_is_written_is_read_again(tmp_path_factory, terms, title):
    path = tmp_path_factory.getbasetemp() / "query.yaml"
    path.write_text(yaml.safe_dump({"title": title, "concepts": {"a": {"terms": terms}}}, allow_unicode=True), "utf-8")
    try:
        found = query.load(path)
    except InputError as error:
        messages = [problem.message for problem in error.problems]
    else:
        messages = []
    assert all("is not a term" in message for message in messages)
    if messages:
        return
    assert found.title == title
    assert found.concepts == (query.Concept("a", tuple(" ".join(term.split()) for term in terms)),)


# --- faults that were found, where the stored input alone would not show them

ENTRY = "@misc{{a,\n  title = {{A}},\n  {}\n}}\n"


def told(read, path: Path, text: str) -> str:
    path.write_bytes(text.encode())
    with pytest.raises(InputError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("two words = {x},", "the field name 'two words' is not usable"),
        (r"url = {https://x.org/\~{}a},", "the field 'url' holds a backslash"),
        ('note = "a { b",', "has braces that do not match"),
        (
            "note = {" + r"\textasciitilde " * 1200 + "},",
            "the field 'note' cannot be read as TeX",
        ),  # 20,400 characters when written
        ("note = {" + r"\'e" * 7000 + "},", "has 21000 characters, 20000 with TeX in them are the most"),
    ],
)
def test_a_field_that_would_be_read_as_something_else(tmp_path, line, message):
    assert message in told(bibliography.read, tmp_path / "b.bib", ENTRY.format(line))


def test_a_long_field_without_tex_is_read(tmp_path):
    (tmp_path / "b.bib").write_text(ENTRY.format("note = {" + "word " * 10_000 + "},"), "utf-8")
    assert len(bibliography.read(tmp_path / "b.bib")[0].fields["note"]) == 49_999


@pytest.mark.parametrize("block", ["@commentary{b, title = 3}", '@strings{b = "x"}', "@preambles{b}"])
def test_a_kind_that_begins_like_another_is_not_dropped(tmp_path, block):
    text = f"{block}\n" + ENTRY.format("")
    assert f"b.bib:1: unknown kind of entry {block.partition('{')[0]}" in told(bibliography.read, tmp_path / "b.bib", text)


def test_a_key_cannot_look_like_another_problem(tmp_path):
    text = f'step,count,note\n"x\n  other.csv:1: it is all right -> do nothing",many,\n{"x" * 3},-1,\n'
    lines = told(contracts.read_table, tmp_path / paths.FLOW, text).splitlines()
    assert len(lines) == 3
    assert not any(line.lstrip().startswith("other.csv") for line in lines)
    problem = Problem("a.csv", 2, "k\n  b.csv:1:", "m\x1b[2J", "r")
    assert str(problem) == "a.csv:2: [k\\n  b.csv:1:] m\\x1b[2J -> r"


@pytest.mark.parametrize("sign", ["\x01", "\x0b", "\x0c", "\x1b", "\x1f", "\ufffe", "\uffff"])
def test_what_no_xml_can_hold_is_refused_with_its_line(tmp_path, sign):
    for read, name, text in (
        (bibliography.read, "b.bib", ENTRY.format(f"note = {{x{sign}y}},")),
        (contracts.read_table, paths.FLOW, f"step,count,note\nqueries,1,\nb,2,x{sign}y\n"),
    ):
        assert f"{name}:3: the file contains the control character" in told(read, tmp_path / name, text)


def test_braces_in_quotes_and_round_brackets_survive_a_change(tmp_path):
    rest = 'words\n\n@string{j = "J"}\n\n@misc{b,\n  title = {B},\n  note = j,\n}\n'
    text = f'@article(a,\n  title = "A {{B}} c",\n  note = "d"\n)\n{rest}'
    path = tmp_path / "b.bib"
    path.write_text(text, "utf-8")
    first, second = bibliography.read(path)
    new = Reference("a", "article", {**first.fields, "note": "e"}, 0)
    changed = spliced(path, text, [new, second])
    assert changed == "@article{a,\n  title = {{A B c}},\n  note = {e},\n}\n" + rest
    without = spliced(path, text, [second])
    assert without.startswith('words\n\n@string{j = "J"}')
    path.write_text(without, "utf-8")
    assert bibliography.read(path)[0].fields == second.fields


def test_counts_of_a_large_total_are_found_near_the_share():
    found = published.attainable("50", 99_999)
    slow = [count for count in range(49_000, 51_000) if str(published.shorten(count, 99_999, 0, "half up")) == "50"]
    assert list(found.counts["half up"]) == slow
    assert len(slow) == 1000


@pytest.mark.parametrize("total", [1, 7, 59])
def test_counts_near_a_share_are_all_there_are(total):
    for share in ("0", "0.0", "8.4", "50", "50.0", "99.9", "100", "100.0"):
        decimals = len(share.partition(".")[2])
        for rule, counts in published.attainable(share, total).counts.items():
            every = [count for count in range(total + 1) if str(published.shorten(count, total, decimals, rule)) == share]
            assert list(counts) == every


@pytest.mark.parametrize(
    ("name", "row"), [("published", "v{},design,cohort,50.0,4,x,,\n"), ("selection", "s{},fox2022clinic,listed\n")]
)
def test_more_names_than_anybody_means_are_refused(tiny, name, row):
    path = tiny / f"{name}.csv"
    path.write_text(path.read_text("utf-8") + "".join(row.format(number) for number in range(checks.MOST)), "utf-8")
    with pytest.raises(InputError, match=rf"there are \d+ (version|selection)s, {checks.MOST} are the most"):
        corpus.load(tiny)


MANY = 30_000


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("codebook", "review: {title: T}\ndimensions:\n" + "".join(f"k{number % 9000}: x\n" for number in range(MANY))),
        ("codebook", "dimensions:\n" + "".join(f'  "k {number}": x\n' for number in range(MANY // 6))),
        ("bibliography", "@misc{a,title={x}," + "".join(f"f{number}={{x}}," for number in range(MANY)) + "}"),
        ("checklist", "items: [{prisma_2020: [" + ",".join(f'"{number}"' for number in range(MANY)) + "]}]"),
    ],
    ids=["parts", "dimensions", "fields", "numbers"],
)
def test_many_names_take_no_more_than_their_number(name, text, tmp_path):
    # each took far longer than a minute while the time grew with the square of the number
    run = Run(TARGETS[name], tmp_path, limit=30, minimise=False)
    with harness.limited(tmp_path):
        outcome, finding = run.attempt(text.encode())
    assert finding is None, finding.sort
    assert outcome is not None

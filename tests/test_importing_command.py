"""``review import``: what it says, what it writes, and what it leaves alone."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from review import bibliography, cli, corpus, paths, prisma, report, splice, statistics, writing
from review.bibliography import Reference
from review.importing import entries
from review.importing.records import KINDS, normalise
from review.importing.text import folded

NEW = """@article{mine,
  title = {Test Record One of a List},
  author = {Doe, Jane and Roe, R},
  year = {2021},
  journal = {Journal of Test Records},
  pages = {1--9},
  doi = {10.1000/NEW.1},
  url = {https://example.org/one},
}
"""
KNOWN = "@misc{theirs, title = {Mood in a Survey}, author = {Chen, Cai}, year = 2020, eprint = {2001.00001}}\n"
EXCLUDED = "@misc{out, title = {A Paper}, author = {Gray, G}, year = {2017}, journal = {Papers}, pmid = {77}}\n"
DOUBTFUL = "@misc{maybe, title = {Pain after Surgerie}, author = {Adams, Ann}, year = {2018}}\n"


def texts(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def file(tmp_path):
    def write(*parts, name="list.bib"):
        path = tmp_path / name
        path.write_text("".join(parts), "utf-8")
        return str(path)

    return write


@pytest.fixture
def run(tiny, capsys):
    """Run the command on the tiny corpus; return status, what was printed, and what was said."""

    def call(*arguments):
        status = cli.main(["import", "--corpus", str(tiny), *arguments])
        return status, *capsys.readouterr()

    return call


def rows(folder, name):
    table = getattr(corpus.load(folder), name)
    return {row[0]: row for row in table.itertuples(index=False, name=None)}


def test_nothing_is_written_without_apply(run, file, tiny):
    before = texts(tiny)
    status, out, err = run(file(NEW, KNOWN, EXCLUDED))
    assert status == 0
    assert texts(tiny) == before
    assert "new: doe2021test" in out
    assert "known as chen2020mood by arxiv" in out
    assert "excluded earlier as gray2017paper by title: not a study" in out
    assert "+doe2021test,screening,pending,not-screened" in out
    assert "3 records: 1 new, 1 known, 1 excluded earlier" in err
    assert "would change: screening.csv, flow.csv; nothing is written without --apply" in err


def test_candidates_wait_for_screening(run, file, tiny):
    assert run(file(NEW, KNOWN, EXCLUDED), "--apply")[0] == 0
    key, stage, decision, reason, note, _, _, source, title, year, doi, *_ = rows(tiny, "screening")["doe2021test"]
    assert (key, stage, decision, reason, source) == ("doe2021test", "screening", "pending", "not-screened", "list.bib:1")
    assert (title, year, doi) == ("Test Record One of a List", "2021", "10.1000/new.1")
    assert note == "Doe, Jane; Roe, R | Journal of Test Records | https://example.org/one"
    flow = rows(tiny, "flow")
    assert flow["records found"][1] == "14", "11 and the three of the file"
    assert flow["duplicates removed"][1] == "5", "3 and the two that were not new"
    step = next(name for name in flow if name.startswith("import "))
    assert flow[step][1:] == ("3", "list.bib")
    boxes = dict(zip(*[prisma.compute_flow(corpus.load(tiny))[name] for name in ("label", "count")], strict=True))
    assert boxes["Awaiting screening"] == 1
    assert "doe2021test" not in corpus.load(tiny).selections["all"]


def test_importing_again_changes_nothing(run, file, tiny):
    given = file(NEW, KNOWN, EXCLUDED, DOUBTFUL)
    run(given, "--apply")
    before = texts(tiny)
    status, out, err = run(given, "--apply")
    assert (status, texts(tiny)) == (0, before)
    assert "waits for screening as doe2021test by doi" in out
    assert "nothing would change" in err


def test_a_doubtful_record_is_left_out_until_it_is_decided_and_counted_once(run, file, tiny):
    given = file(NEW, DOUBTFUL)
    status, out, err = run(given, "--apply")
    assert status == 0
    assert "probably adams2018pain by title (92 %): the title is alike" in out, "2 x 17 of 18 + 19 signs"
    assert "1 to decide" in err
    assert "--decide list.bib:10=same" in err
    assert rows(tiny, "flow")["records found"][1] == "12"
    assert run(given, "--decide", "list.bib:10=new", "--apply")[0] == 0
    assert "adams2018pain2" in rows(tiny, "screening")
    assert rows(tiny, "flow")["records found"][1] == "13"
    assert rows(tiny, "flow")["duplicates removed"][1] == "3"
    before = texts(tiny)
    assert run(given, "--apply")[0] == 0
    assert texts(tiny) == before, "now the doubtful title is that of a record that waits"


def test_a_corpus_is_known_to_itself(run, tiny):
    before = texts(tiny)
    status, _, err = run(str(tiny / "bibliography.bib"), "--apply", "--decide", "fox2022clinic=same")
    assert (status, texts(tiny)) == (0, before)
    assert "nothing would change" in err


def test_the_projects_bibliography_changes_nothing(capsys):
    assert cli.main(["import", str(paths.DATA / "bibliography.bib"), "--fill"]) == 0
    assert "189 records: 189 known\nnothing would change" in capsys.readouterr().err


@pytest.fixture
def second(tmp_path):
    """A copy of the second review, which has neither a screening table nor a flow."""
    folder = tmp_path / "second"
    folder.mkdir()
    for name in corpus.FILES:
        path = paths.ROOT / "examples" / "second-review" / name
        if path.exists():
            shutil.copyfile(path, folder / name)
    return folder


def test_without_a_screening_table_candidates_have_nowhere_to_wait(file, second, capsys):
    assert cli.main(["import", "--corpus", str(second), file(NEW)]) == 1
    assert "no screening table" in capsys.readouterr().err
    assert cli.main(["import", "--corpus", str(second), str(second / "bibliography.bib")]) == 0, "what is known needs none"
    assert "54 records: 54 known\nnothing would change" in capsys.readouterr().err


def test_a_list_for_a_corpus_without_a_screening_table(file, second):
    command = ["import", "--corpus", str(second), file(NEW), "--as", "included", "--selection", "mine", "--apply"]
    assert cli.main(command) == 0
    loaded = corpus.load(second)
    assert loaded.selections["mine"] == ("doe2021test",)
    assert loaded.screening.empty
    assert "doe2021test" in loaded.selections["pool"]


def test_without_a_flow_none_is_made_up(run, file, damage):
    folder = damage("flow.csv")
    assert run(file(NEW), "--apply")[0] == 0
    assert not (folder / "flow.csv").exists()


def test_identifiers_are_filled_only_when_asked_and_never_replaced(run, file, tiny):
    more = "@misc{a, title = {Mood in a Survey}, year = 2020, eprint = {2001.00001}, doi = {10.1000/mood}, pmid = {55}}\n"
    more += "@misc{b, title = {Work and Pain}, year = 2020, pmid = {123}, eprint = {2002.00002}}\n"
    before = texts(tiny)
    assert run(file(more), "--apply")[0] == 0
    assert texts(tiny) == before
    status, out, _ = run(file(more), "--fill", "--apply")
    assert status == 0
    assert "+  doi = {10.1000/mood}," in out
    loaded = corpus.load(tiny)
    mood = next(reference for reference in loaded.references if reference.key == "chen2020mood").fields
    assert (mood["doi"], mood["pmid"], mood["eprint"]) == ("10.1000/mood", "55", "2001.00001")
    work = loaded.studies("all").set_index("key").loc["diaz2020work"]
    assert (work["arxiv"], work["pmid"], work["authors"]) == ("2002.00002", "123", "Díaz, Dolores and others")
    assert rows(tiny, "screening")["chen2020mood"][10:] == ("10.1000/mood", "2001.00001", "55")
    old = before["bibliography.bib"].decode()
    kept = set((tiny / "bibliography.bib").read_text("utf-8").splitlines())
    assert [line for line in old.splitlines() if line not in kept] == [], "no line went"
    assert run(file(more), "--fill", "--apply")[2].endswith("nothing would change\n")


def test_one_identifier_is_not_given_to_two_studies(run, file, tiny):
    more = "@misc{a, title = {Pain after Surgery}, doi = {10.1000/pain_2018}, eprint = {2003.00003}}\n"
    more += "@misc{b, title = {Work and Pain}, pmid = {123}, pmcid = {PMC3}}\n"
    both = [
        *more.splitlines(),
        "@misc{c, title = {Sleep in Wards: 50\\% Less}, author = {Brown, Bea}, year = 2019, pmcid = {PMC3}}",
    ]
    status, out, _ = run(file("\n".join(both)), "--fill", "--format", "json")
    assert status == 0
    assert json.loads(out)["diff"].count("PMC3") == 1


def test_blocks_that_cannot_be_read_stop_the_import(run, file, tiny):
    before = texts(tiny)
    given = file("@article{broken, title = {x\n", NEW)
    status, out, err = run(given, "--apply")
    assert (status, texts(tiny)) == (1, before)
    assert "new: doe2021test" in out, "the rest is shown"
    assert f"not read: {given}:1: [broken]" in err
    assert "1 block could not be read, nothing is written" in err
    assert run(given, "--apply", "--skip-broken")[0] == 0
    assert "doe2021test" in rows(tiny, "screening")


def test_several_files_are_one_import(run, file, tiny):
    first, second = file(NEW), file(NEW.replace("NEW.1", "new.1").replace("mine", "other"), KNOWN, name="other.bib")
    status, out, _ = run(first, second, "--apply")
    assert status == 0
    assert "repeats list.bib:1 by doi" in out
    flow = rows(tiny, "flow")
    assert (flow["records found"][1], flow["duplicates removed"][1]) == ("12", "3"), "the second file brought nothing new"


def test_json_and_csv_hold_everything(run, file):
    given = file(NEW, EXCLUDED)
    status, out, _ = run(given, "--format", "json")
    found = json.loads(out)
    assert status == 0
    assert [one["verdict"] for one in found["records"]] == ["new", "excluded earlier"]
    assert found["records"][0]["authors"] == "Doe, Jane and Roe, R"
    assert found["files"] == ["screening.csv", "flow.csv"]
    assert found["diff"].startswith("--- a/screening.csv")
    status, out, _ = run(given, "--format", "csv")
    assert status == 0
    assert out.splitlines()[0].startswith("file,line,own_key,verdict,key,by,score,note,notices,title,authors,year")
    assert len(out.splitlines()) == 3


def test_what_was_removed_is_shown(run, file):
    status, out, _ = run(file("@misc{a, title = {=1+1 <b>bold</b>}, year = {2020}}"))
    assert status == 0
    assert "signs that begin a formula were removed from 'title'" in out
    assert "1+1 bold" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--decide", "x"], "write RECORD=ANSWER"),
        (["--decide", "=new"], "write RECORD=ANSWER"),
        (["--decide", "1=new", "--decide", "1=skip"], "two answers for 1"),
        (["--decide", "99=new"], "no record is named '99'"),
        (["--selection", "x"], "belong to the authors' list"),
        (["--keep-calibrated"], "belong to the authors' list"),
        (["--threshold", "20"], "from 50 to 100"),
        (["--as", "included", "--selection", "pool"], "cannot be named 'pool'"),
        (["--as", "included", "--selection", "a b"], "cannot be named 'a b'"),
        (["--as", "included", "--decide", "1=skip"], "no study is left on the list"),
    ],
)
def test_options_that_cannot_be_taken(run, file, arguments, said):
    status, _, err = run(file(NEW), *arguments)
    assert status == 1
    assert said in err


def test_a_missing_file_is_named(run, tmp_path):
    status, _, err = run(str(tmp_path / "nothing.bib"))
    assert status == 1
    assert "there is no such file" in err


def test_the_authors_list_takes_the_place_of_the_reconstruction(run, file, tiny):
    given = file(NEW, KNOWN, EXCLUDED)
    status, _, err = run(given, "--as", "included", "--apply")
    assert status == 0
    loaded = corpus.load(tiny)
    assert loaded.basis("first") == "listed"
    assert set(loaded.selections["first"]) == {"doe2021test", "chen2020mood", "gray2017paper"}
    assert "authors" in loaded.selections, "another list stays"
    assert "selection first: 3 listed studies; nothing of it is by construction" in err
    assert "the review prints shares of 4 studies, the list has 3" in err
    assert "2 listed studies have no code yet" in err
    table = statistics.reproduce(loaded)
    assert set(table["status"]) <= {statistics.INDEPENDENT, statistics.NOT_CODED, statistics.NOT_ATTAINABLE}
    assert "by construction" not in report.caution(loaded)
    mood = loaded.studies("first").set_index("key").loc["chen2020mood"]
    assert mood["design"] == corpus.load(tiny).studies("all").set_index("key").loc["chen2020mood", "design"]
    assert prisma.compute_flow(loaded)["label"].iloc[-1] == "Selection first, listed by the authors"
    assert "nothing would change" in run(given, "--as", "included", "--apply")[2]


def test_an_excluded_record_on_the_list_tells_what_it_was(run, file, tiny):
    run(file(EXCLUDED), "--as", "included", "--apply")
    row = rows(tiny, "screening")["gray2017paper"]
    assert row[1:4] == ("verification", "unverified", "listed-not-verified")
    assert row[4] == "an opinion | on the authors' list; before: excluded at screening, not-a-study"
    assert row[7] == "https://example.org/gray"
    entry = next(reference for reference in corpus.load(tiny).references if reference.key == "gray2017paper")
    assert dict(entry.fields) == {
        "title": "A Paper",
        "author": "Gray, G",
        "year": "2017",
        "howpublished": "Papers",
        "pmid": "77",
    }


def test_a_record_known_by_an_identifier_alone_takes_its_title_from_the_table(run, file, tiny, damage):
    damage("screening.csv", "A Paper,2017,,,", "A Paper,2017,,,99")
    assert run(file("@misc{x, pmid = {99}}"), "--as", "included", "--apply")[0] == 0
    entry = next(reference for reference in corpus.load(tiny).references if reference.key == "gray2017paper")
    assert dict(entry.fields) == {"title": "A Paper", "year": "2017", "pmid": "99"}


def test_a_list_with_a_hole_is_refused(run, file, tiny):
    before = texts(tiny)
    given = file(NEW, DOUBTFUL)
    status, _, err = run(given, "--as", "included")
    assert status == 0
    assert "1 to decide" in err
    assert "would change" not in err
    status, _, err = run(given, "--as", "included", "--apply")
    assert (status, texts(tiny)) == (1, before)
    assert "1 records of the list are to be decided" in err
    assert run(given, "--as", "included", "--apply", "--decide", "probable=same")[0] == 0
    assert set(corpus.load(tiny).selections["first"]) == {"doe2021test", "adams2018pain"}


def test_candidates_on_the_list_become_studies(run, file, tiny):
    run(file(NEW), "--apply")
    found = rows(tiny, "flow")["records found"][1]
    assert run(file(NEW), "--as", "included", "--apply")[0] == 0
    row = rows(tiny, "screening")["doe2021test"]
    assert row[1:4] == ("verification", "unverified", "listed-not-verified")
    assert "before: pending at screening, not-screened" in row[4]
    assert rows(tiny, "flow")["records found"][1] == found
    entry = next(reference for reference in corpus.load(tiny).references if reference.key == "doe2021test")
    assert entry.fields["author"] == "Doe, Jane and Roe, R"


def test_a_list_of_another_name_needs_the_default_selection_to_stay(run, file, tiny):
    status, _, err = run(file(KNOWN), "--as", "included", "--selection", "list-2")
    assert status == 1
    assert "the default selection 'first' would go" in err
    assert run(file(KNOWN), "--as", "included", "--selection", "list-2", "--keep-calibrated", "--apply")[0] == 0
    loaded = corpus.load(tiny)
    assert (loaded.basis("first"), loaded.basis("list-2")) == ("calibrated", "listed")


def test_another_list_is_replaced_only_by_name(run, file, tiny):
    run(file(KNOWN, EXCLUDED), "--as", "included", "--apply")
    shorter = file(KNOWN, name="shorter.bib")
    status, _, err = run(shorter, "--as", "included")
    assert status == 1
    assert "there is a list 'first' already, and 1 of its studies are not on this one" in err
    status, _, err = run(shorter, "--as", "included", "--selection", "first", "--apply")
    assert status == 0
    assert "1 studies were on the earlier list and are not on this one: gray2017paper" in err
    assert corpus.load(tiny).selections["first"] == ("chen2020mood",)


def test_a_corpus_without_selections_gets_the_list_of_the_authors(run, file, damage):
    folder = damage("codebook.yaml", "  selection: first\n")
    (folder / "selection.csv").unlink()
    assert run(file(KNOWN), "--as", "included", "--apply")[0] == 0
    assert corpus.load(folder).selections["authors"] == ("chen2020mood",)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"title": "The Testing of Records", "authors": "van der Berg, J", "year": 2021}, "vanderberg2021testing"),
        ({"title": "Über Tests", "authors": "Öz, J"}, "oznduber"),
        ({"title": "Is it on?", "year": 1999}, "anon1999is"),
        ({"title": "中文", "authors": "李, 明"}, "anonnduntitled"),
        ({"title": "../../etc/passwd", "authors": "../x, y", "year": 2020}, "x2020etc"),
        ({"title": "Pain and more", "authors": "Adams, A", "year": 2018}, "adams2018pain2"),
        ({"title": "W" * 90, "authors": f"{'f' * 90}, A", "year": 2018}, f"{'f' * 40}2018{'w' * 30}"),
    ],
)
def test_keys_are_plain_and_unlike_others(small, fields, key):
    from review.importing.matching import Match

    record = normalise(file="f", line=1, **fields)
    assert entries.assign(small, [Match(record, "new")]) == {"f:1": key}
    assert bibliography.KEY.fullmatch(key)


def test_an_entry_written_and_read_is_the_record(tmp_path):
    record = normalise(
        title='50% of {braces} & \\commands_ ~ $5 <x> "q"',
        authors=["Doe, J", "{Test & Co}"],
        year=2020,
        kind="inproceedings",
        venue="Proceedings",
        volume="1",
        number="2",
        pages="3-9",
        doi="10.1000/a_b%c",
        arxiv="2001.00001",
        url="https://example.org",
        markup=False,
    )
    path = tmp_path / "b.bib"
    path.write_text(bibliography.write([entries.reference(record, "doe2020braces")]), "utf-8")
    (read,) = bibliography.read(path)
    assert read.kind == "inproceedings"
    assert dict(read.fields) == {
        "title": record.title,
        "author": "Doe, J and Test & Co",
        "year": "2020",
        "booktitle": "Proceedings",
        "volume": "1",
        "number": "2",
        "pages": "3\u20139",
        "doi": "10.1000/a_b%c",
        "eprint": "2001.00001",
        "archiveprefix": "arXiv",
    }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=50), st.text(max_size=30), st.text(max_size=30), st.sampled_from(KINDS))
def test_entries_of_any_text_can_be_read(tmp_path, title, author, venue, kind):
    record = normalise(title=title, authors=[author], venue=venue, kind=kind, year=2020, url=venue, number=author)
    if not folded(record.title):
        return
    path = tmp_path / "b.bib"
    path.write_text(bibliography.write([entries.reference(record, "key2020")]), "utf-8")
    (read,) = bibliography.read(path)
    assert folded(read.fields["title"]) == folded(record.title)
    assert read.fields.get("eprint", "") == record.arxiv


HOSTILE = (
    '"; DROP TABLE studies; --',
    "=cmd|'/C calc'!A0 and five more words here",
    'Title with, commas; and "quotes" and {braces} \\input{/etc/passwd}',
    "n/a",
    "null: [yaml, &anchor *alias]",
    "../../../etc/passwd in five more words",
    "<script>alert('x')</script> <img src=x onerror=alert(1)> test",
    "\u202eterces si siht \u2066and more\u2069",
    "@article{inner, title = {Inner}}",
    "100% of $5 & more_or_less ~ ^ #",
)


@pytest.mark.parametrize("role", ["candidates", "included"])
def test_hostile_texts_go_in_and_out_as_harmless_text(role, run, tmp_path, tiny):
    items = [{"type": "article-journal", "title": title, "author": [{"literal": title}], "id": title} for title in HOSTILE]
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps(items), "utf-8")
    skip = [word for name in HOSTILE if name == "n/a" for word in ("--decide", f"{name}=new")]
    status, out, err = run(str(path), "--as", role, "--apply", *skip)
    assert status == 0, err
    assert "\x1b" not in out
    assert "\u202e" not in out
    loaded = corpus.load(tiny)
    screening = loaded.screening
    rows = screening[screening["source"].str.startswith("hostile.json")]
    assert len(rows) == len(HOSTILE)
    assert not rows["title"].str.match(r"[=+@-]").any()
    assert not rows["note"].str.match(r"[=+@-]").any()
    assert rows["key"].str.fullmatch(r"[a-z0-9]+").all()
    assert run(str(path), "--as", role, "--apply", *skip)[2].endswith("nothing would change\n")


HANDMADE = """% the first lines are a remark

@misc{zeta,
    author={Doe, J}, title={Zeta}, year=2020, pages={1--2}
}

@string{abc = "Journal"}

@article{alpha, title={{Alpha}}, author={Roe, R}, year={2021}, journal=abc}
% a last remark
"""


def changed(path, text, change):
    path.write_text(text, "utf-8")
    return splice.spliced(path, text, change(bibliography.read(path)))


def test_a_bibliography_keeps_remarks_order_and_form(tmp_path):
    path = tmp_path / "bibliography.bib"
    new = Reference("beta", "misc", {"title": "Beta"}, 0)
    assert changed(path, HANDMADE, list) == HANDMADE
    assert changed(path, HANDMADE, lambda old: [*old, new]) == HANDMADE + "\n@misc{beta,\n  title = {{Beta}},\n}\n"


def test_a_changed_entry_is_written_anew_and_what_follows_it_stays(tmp_path):
    path = tmp_path / "bibliography.bib"

    def more(old):
        zeta = Reference("zeta", "misc", {**old[0].fields, "doi": "10.1000/z"}, old[0].line)
        return [zeta, *old[1:]]

    text = changed(path, HANDMADE, more)
    assert '@string{abc = "Journal"}' in text
    assert "  pages = {1--2},\n  doi = {10.1000/z},\n}" in text
    assert text.endswith("% a last remark\n")
    path.write_text(text, "utf-8")
    assert [entry.fields.get("journal", "") for entry in bibliography.read(path)] == ["", "Journal"]


def test_entries_on_one_line_are_written_anew(tmp_path):
    path = tmp_path / "bibliography.bib"
    text = "@misc{a, title={A}} @misc{b, title={B}}\n"
    new = Reference("c", "misc", {"title": "C"}, 0)
    assert changed(path, text, lambda old: [*old, new]).count("@misc{") == 3


def test_nothing_is_lost_when_files_change_meanwhile(run, file, tiny, monkeypatch):
    apply = writing.Change.apply

    def late(change):
        (tiny / "screening.csv").write_bytes((tiny / "screening.csv").read_bytes() + b"\n")
        return apply(change)

    monkeypatch.setattr(writing.Change, "apply", late)
    before = (tiny / "flow.csv").read_bytes()
    status, _, err = run(file(NEW), "--apply")
    assert status == 1
    assert "changed meanwhile" in err
    assert (tiny / "flow.csv").read_bytes() == before


def test_a_record_decided_as_new_is_not_taken_in_twice(run, file, tiny):
    given = file("@misc{short, title = {Pain after Surgery}, year = {2010}}\n", DOUBTFUL)
    decided = ("--decide", "short=new", "--decide", "maybe=new", "--apply")
    assert run(given, *decided)[0] == 0
    before = texts(tiny)
    assert {"anon2010pain", "adams2018pain2"} <= set(rows(tiny, "screening"))
    assert run(given, *decided)[0] == 0
    assert texts(tiny) == before

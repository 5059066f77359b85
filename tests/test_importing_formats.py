"""Five formats, what is broken in them, and files that somebody made to do harm."""

import contextlib
import json
import time

import pytest
from conftest import EXAMPLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from review.errors import InputError, OptionError, ReviewError
from review.importing import csl, kinds, nbib, reading, ris, table
from review.importing.records import Record

FILES = EXAMPLES / "import"
ONE = {
    "authors": ("Müller, Jörg", "Roe, R."),
    "year": 2021,
    "kind": "article",
    "venue": "Journal of Test Records",
    "volume": "4",
    "number": "2",
    "pages": "11--19",
    "doi": "10.1000/test.1",
    "pmid": "1",
    "abstract": "An abstract.",
}


def has(record, **wanted):
    assert {name: getattr(record, name) for name in wanted} == wanted


def written(tmp_path, text, name="file.txt"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return path


def test_bibtex_of_another_program():
    found = reading.read(FILES / "bibtex.bib")
    one, two, four, five = found.records
    assert found.form == "bibtex"
    has(one, key="one", line=7, title="Test Record One: $\\alpha$-blocks & braces", doi="10.1000/test.1", pmid="1", year=2021)
    has(one, authors=("Müller, Jörg", "de la Cruz, Ana", "Test Record Consortium", "others"), venue="Journal of Test Records")
    has(one, volume="4", number="2", pages="11--19", kind="article", notices=())
    has(two, title="Test record two", arxiv="2203.00002", year=2022, kind="misc", line=20)
    has(four, title="Test record four", kind="inproceedings", year=2020, line=31)
    assert "title stands twice; the first counts" in four.notices
    assert any("undefined_name names an @string that is not defined" in notice for notice in four.notices)
    has(five, title="Test record five", arxiv="2001.00005", line=40, authors=("Low, L",))
    (problem,) = found.problems
    assert (problem.line, problem.key) == (29, "three")
    assert "broken entry" in problem.message


def test_ris_of_several_programs():
    found = reading.read(FILES / "endnote.ris")
    one, two, four = found.records
    has(one, **ONE, title="Test record one: a title that goes on", url="https://example.org/one", pmcid="PMC11", line=3)
    has(two, title="Test record two", authors=("Roe, R.",), year=2022, kind="inproceedings", pmid="2", line=21)
    has(four, title="Test record four", kind="phdthesis", arxiv="2004.00004", pmcid="PMC44", year=None, line=32)
    (problem,) = found.problems
    assert (problem.line, problem.message) == (29, "the record has no end")


def test_medline_of_pubmed():
    found = reading.read(FILES / "pubmed.nbib")
    one, two = found.records
    wanted = {**ONE, "authors": ("Müller, Jörg", "Roe, Richard"), "venue": "Journal of test records"}
    has(one, **wanted, title="Test record one: a title that goes on", pmcid="PMC11", line=2)
    has(two, title="Test record two", authors=("Test Record Consortium",), kind="misc", arxiv="2203.00002", line=23, pmid="2")
    (problem,) = found.problems
    assert (problem.line, problem.message) == (30, "the block has neither PMID nor title")


def test_table_of_scopus():
    found = reading.read(FILES / "scopus.csv")
    one, two, nameless = found.records
    wanted = {**ONE, "authors": ("Müller, J.", "Roe, R."), "abstract": "An abstract on two lines."}
    has(one, **wanted, title="Test record one, with a comma", line=2)
    has(two, title="Test record two", pages="17", abstract="", kind="inproceedings", line=4)
    has(nameless, title="", line=6)
    (problem,) = found.problems
    assert (problem.line, problem.message) == (5, "the row has 4 fields, 15 are expected")


def test_csl_json_of_zotero():
    found = reading.read(FILES / "zotero.json")
    one, two, three = found.records
    has(one, title="Test record one: a title & more", authors=("de la Cruz, Ana", "Test Record Consortium"), line=2, number="2")
    has(one, pages="11--19", year=2021, pmid="1", pmcid="PMC11", kind="article")
    has(two, title="Test record two", authors=("Roe",), year=2022, arxiv="2203.00002", line=18, key="2")
    has(three, title="Test record three", authors=("Low, L",), kind="book", year=2020, line=27)
    (problem,) = found.problems
    assert (problem.line, problem.message) == (26, "this is no item of CSL JSON")


@pytest.mark.parametrize("name", ["bibtex.bib", "endnote.ris", "pubmed.nbib", "scopus.csv", "zotero.json"])
def test_the_content_tells_the_format_whatever_the_name(name, tmp_path):
    wanted = reading.read(FILES / name)
    other = reading.read(written(tmp_path, (FILES / name).read_bytes(), "download"))
    assert (other.form, len(other.records), other.digest) == (wanted.form, len(wanted.records), wanted.digest)


@pytest.mark.parametrize("name", ["bibtex.bib", "endnote.ris", "pubmed.nbib", "scopus.csv", "zotero.json"])
@pytest.mark.parametrize("form", ["mark", "utf-16", "crlf", "cr"])
def test_marks_line_ends_and_utf_16_change_nothing(name, form, tmp_path):
    text = (FILES / name).read_text("utf-8")
    ways = {
        "mark": b"\xef\xbb\xbf" + text.encode(),
        "utf-16": text.encode("utf-16"),
        "crlf": text.replace("\n", "\r\n").encode(),
        "cr": text.replace("\n", "\r").encode(),
    }
    assert reading.read(written(tmp_path, ways[form], name)).records == reading.read(FILES / name).records


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        ("title,doi\nMüller,\n".encode("latin-1"), "is not UTF-8"),
        (b"title,doi\nx\x00,\n", "NUL byte"),
        (b"\xff\xfe\x00", "mark of UTF-16 but is none"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"some words", "the format is not known"),
        (b"@comment{nothing}", "no record in it"),
        (b"[]", "no record in it"),
        (b"title,doi\n", "no record in it"),
        (b'[{"title": "x"', "not JSON"),
        (b'[{"title": "x"},', None),
        (b"name,colour\na,b\n", "the format is not known"),
    ],
)
def test_files_that_cannot_be_read(text, said, tmp_path):
    path = written(tmp_path, text)
    if said is None:
        assert reading.read(path).problems[0].message == "the list has no end"
        return
    with pytest.raises(InputError, match=said) as caught:
        reading.read(path)
    assert str(path) in str(caught.value)


def test_a_folder_a_missing_file_and_a_large_one_are_refused(tmp_path):
    with pytest.raises(InputError, match="this is a folder"):
        reading.read(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        reading.read(tmp_path / "nothing.bib")
    with pytest.raises(InputError, match="cannot be read"):
        reading.read(tmp_path / ("x" * 5000))
    with pytest.raises(InputError, match="20,000,000 are the most"):
        reading.read(written(tmp_path, b"x" * 20_000_001))


def test_a_format_can_be_named(tmp_path):
    path = written(tmp_path, "doi;title\n10.1000/a;Test record\n")
    assert reading.read(path, "csv").records[0].doi == "10.1000/a"
    with pytest.raises(OptionError, match="no format 'xml'"):
        reading.read(path, "xml")
    with pytest.raises(InputError, match="no record in it, read as RIS"):
        reading.read(path, "ris")
    with pytest.raises(InputError, match="names neither a title nor an identifier"):
        reading.read(written(tmp_path, "a,b\n1,2\n"), "csv")


def test_all_problems_of_all_files_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        reading.read_all([tmp_path / "a", tmp_path / "b"])
    assert len(caught.value.problems) == 2


def test_two_files_of_one_content_or_one_name_are_refused(tmp_path):
    (tmp_path / "sub").mkdir()
    first = written(tmp_path, "title\nTest record one\n", "a.csv")
    same = written(tmp_path, "title\nTest record one\n", "b.csv")
    named = written(tmp_path / "sub", "title\nTest record two\n", "a.csv")
    with pytest.raises(InputError, match="the same content as"):
        reading.read_all([first, same])
    with pytest.raises(InputError, match="the same name as"):
        reading.read_all([first, named])
    assert [len(one.records) for one in reading.read_all([first])] == [1]


def test_only_the_first_of_many_problems_are_shown(tmp_path):
    text = "TY  - JOUR\nTI  - x\n" * 80 + "TY  - JOUR\nTI  - x\nER  - \n"
    found = reading.read(written(tmp_path, text))
    assert len(found.problems) == 51
    assert found.problems[-1].message == "30 more blocks from here on could not be read"


def test_reading_a_table_stops_where_too_much_is_broken():
    records, problems = table.parse("title,doi\nx,\n" + "y\n" * 60, "f")
    assert len(records) == 1
    assert problems[-1].message.startswith("nothing is read from here on: too many")


def test_a_quote_that_never_ends_is_reported_with_its_line():
    records, problems = table.parse('title,doi\nTest record one,\n"Test record two,\n', "f")
    assert [record.title for record in records] == ["Test record one"]
    assert problems[0].line == 3
    assert problems[0].message.startswith("nothing is read from here on")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("sep=;\ntitle;doi\nTest record;\n", "Test record"),
        ("\n\nTITLE\tDOI\nTest record\t\n", "Test record"),
        ("PT\tAU\tAF\tTI\tSO\tPY\nJ\tDoe, J\tDoe, Jane\tTest record\tSource\t2020\n", "Test record"),
        ("Title,Published Year,Covidence #\nTest record,2020,#1\n", "Test record"),
        ("title,doi\nN/A,10.1000/a\n", ""),
        ("doi,title,title\n,,Test record\n", "Test record"),
        ("title,doi\nTest record,,,,\n", "Test record"),
    ],
)
def test_tables_of_many_kinds(text, title):
    assert reading.detect(text) == "csv"
    records, problems = table.parse(text, "f")
    assert [record.title for record in records] == [title]
    assert problems == []


def test_a_table_of_web_of_science_has_full_names_and_pages():
    header = "Publication Type,Authors,Article Title,Source Title,Publication Year,Start Page,End Page,Article Number,Pubmed Id"
    (record,), _ = table.parse(f'{header}\nJ,"Doe, J; Roe, R",Test record,Source,2020,5,9,,12\n', "f")
    has(record, authors=("Doe, J", "Roe, R"), pages="5--9", pmid="12", venue="Source", year=2020)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("AU  - Doe\nTY  - JOUR\nTI  - x\nER  - \n", "a line stands outside every record"),
        ("TY  - JOUR\nTI  - x\n", "the record has no end"),
    ],
)
def test_ris_that_is_cut(text, problem):
    assert ris.parse(text, "f")[1][0].message == problem


def test_ris_editors_where_there_are_no_authors_and_pages_of_one():
    (record,), _ = ris.parse("TY  - BOOK\nTI  - x\nA2  - Low, L\nSP  - 3\nEP  - 3\nM3  - 10.1000/a\nER  - \n", "f")
    has(record, authors=("Low, L",), pages="3", doi="10.1000/a", kind="book")


@pytest.mark.parametrize(("pages", "wanted"), [("2193-201", "2193--2201"), ("1-9", "1--9"), ("e12", "e12"), ("9-11", "9--11")])
def test_medline_pages_are_written_out(pages, wanted):
    (record,), _ = nbib.parse(f"PMID- 1\nTI  - x\nPG  - {pages}\n", "f")
    assert record.pages == wanted


def test_medline_records_without_an_empty_line_between():
    records, _ = nbib.parse("PMID- 1\nTI  - x\nPMID- 2\nTI  - y\n", "f")
    assert [(record.pmid, record.line) for record in records] == [("1", 1), ("2", 3)]


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ({"title": "x", "issued": {"date-parts": [["2020"]]}}, {"year": 2020}),
        ({"title": "x", "issued": {"date-parts": []}}, {"year": None}),
        ({"title": "x", "issued": {"literal": "about 1999"}}, {"year": 1999}),
        ({"title": "x", "issued": 2001}, {"year": 2001}),
        ({"title": "x", "issued": [2001]}, {"year": None}),
        ({"title": "x", "author": {"family": "Doe", "given": "J"}}, {"authors": ("Doe, J",)}),
        ({"title": "x", "author": ["Jane Doe", 3, {}, {"given": "Plato"}]}, {"authors": ("Doe, Jane", "Plato")}),
        ({"title": "x", "note": "arXiv:2203.00002 [cs]"}, {"arxiv": "2203.00002"}),
        ({"title": ["x"], "DOI": "10.1000/a"}, {"title": "", "doi": "10.1000/a"}),
        ({"title": "x", "type": "paper-conference"}, {"kind": "inproceedings"}),
    ],
)
def test_items_of_csl(item, wanted):
    records, problems = csl.parse(json.dumps({"items": [item]}), "f")
    assert problems == []
    has(records[0], **wanted)


def test_one_item_of_csl_and_one_name_twice():
    records, problems = csl.parse('{"title": "first", "title": "second"}', "f")
    assert (records[0].title, problems) == ("first", [])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("JOUR", "article"), ("Journal Article", "article"), ("CPAPER", "inproceedings"), ("thesis", "phdthesis"), ("?", "misc")],
)
def test_kinds(name, wanted):
    assert kinds.kind(name) == wanted


def test_records_on_one_line_have_places_of_their_own(tmp_path):
    found = reading.read(written(tmp_path, '[{"title": "x"}, {"title": "y"},\n{"title": "z"}]', "one.json"))
    assert [record.place for record in found.records] == ["one.json:1", "one.json:1.2", "one.json:2"]


BRACES = "{" * 10_000
ACCENT = '\\"{e}'
HOSTILE = {
    "braces": f"@article{{a, title={{{BRACES}x{'}' * 10_000}}}}}",
    "braces that stay open": "@article{a, title={" + "{" * 200_000,
    "a million entries": "@a{x," * 1_000_000,
    "quotes": '@article{a, title="' + '"' * 1_000_000,
    "commands": "@article{k, title={%s}}\n" % ("\\frac" * 20_000),
    "dollars": "@article{k, title={%s}}\n" % ("$" * 99_999),
    "accents": "".join(f"@article{{k{number}, title={{{ACCENT * 250}}}}}\n" for number in range(400)),
    "names": "@article{k, title={x}, author={%s}}\n" % ("a and " * 30_000),
    "keys with paths": "@article{../../etc/passwd, title={Test record}, year={2020}}",
    "lines that go on": "TY  - JOUR\nTI  - x\n" + "y\n" * 500_000 + "ER  - \n",
    "many tags": "TY  - JOUR\n" + "AU  - x\n" * 200_000 + "ER  - \n",
    "addresses": "TY  - JOUR\nUR  - " + ";" * 1_000_000 + "\nER  - \n",
    "many records": "TY  - JOUR\nER  - \n" * 100_000,
    "medline that goes on": "PMID- 1\nTI  - x\n" + "      y\n" * 500_000,
    "medline of many tags": "PMID- 1\n" + "AU  - y\n" * 100_000,
    "a huge field": 'title,doi\n"' + "x" * 2_000_000 + '",\n',
    "many columns": "title" + ",a" * 500_000 + "\nx\n",
    "many rows": "title,doi\n" + "x,\n" * 300_000,
    "nested lists": "[" * 1_000_000,
    "nested objects": "[" + '{"title":' * 100_000,
    "a long number": '[{"title":' + "9" * 100_000 + "}]",
    "escapes": '[{"title":"' + '\\"' * 1_000_000,
    "many items": "[" + '{"title":"x"},' * 100_000 + "{}]",
    "open tags": "title,doi\n" + ('"' + "<a " * 300 + '",\n') * 3_000,
    "at signs": "@" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_read_or_refused_in_seconds(name, tmp_path):
    start = time.process_time()
    titles, said = [], ""
    try:
        titles = [record.title for record in reading.read(written(tmp_path, HOSTILE[name])).records]
    except ReviewError as error:
        said = str(error)
    assert len(said) < 100_000
    assert all(len(title) <= 1000 for title in titles)
    assert time.process_time() - start < 10


def sound(records, problems):
    assert all(isinstance(record, Record) for record in records)
    assert all(problem.line is None or problem.line >= 1 for problem in problems)
    for record in records:
        assert "\n" not in record.title
        assert all(sign.isprintable() or sign in "\u200c\u200d" for sign in record.title)


BITS = {
    "bibtex": [*'@,{}"#$%\n', "@article{", "k", "title", "=", "\\'", "@string{a=", "author={A and B}", "ä", "@comment"],
    "ris": ["TY  - JOUR", "\n", "ER  - ", "TI  - x", "AU  - A, B", "UR  - a;b", "PY  - 2020", " more", "XX  - y", "TY - "],
    "nbib": ["PMID- 1", "\n", "TI  - x", "      more", "FAU - A, B", "LID - 10.1/x [doi]", "\n\n", "XX", "- ", "AID - arXiv:1"],
    "csv": [*',;\t"\n', "title", "doi", "authors", "=1+1", "10.1000/x", "year", "n/a", "sep=;"],
    "csl": [*"[]{}:,1\n", '"title"', '"x"', "null", '"author"', '"issued"', '{"family":"A"}', "NaN", '"\\ud800"'],
}


@pytest.mark.parametrize("form", BITS)
def test_whatever_a_file_holds_it_is_read_or_reported(form):
    pieces = st.lists(st.one_of(st.sampled_from(BITS[form]), st.text(max_size=5)), max_size=30)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(pieces.map("".join))
    def check(text):
        with contextlib.suppress(ReviewError):
            sound(*reading.READERS[form](text, "f"))

    check()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_or_refused(tmp_path, data):
    with contextlib.suppress(ReviewError):
        found = reading.read(written(tmp_path, data))
        sound(found.records, found.problems)

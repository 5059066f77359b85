"""References in one form: text without markup or hidden signs, identifiers, names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.importing import identifiers, names
from review.importing.records import MOST, normalise, refuse_many
from review.importing.text import ascii_word, clean, folded, page_range


@pytest.mark.parametrize(
    ("given_text", "wanted"),
    [
        ("  two\n  lines\u00a0and a blank ", "two lines and a blank"),
        ("<i>In vitro</i> H<sub>2</sub>O", "In vitro H2O"),
        ("A &amp;amp; B &lt; C", "A & B < C"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("p < 0.05 and x > 3", "p < 0.05 and x > 3"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<![CDATA[kept]]><!-- comment -->", "kept comment"),
        ("cafe\u0301", "café"),
    ],
)
def test_markup_goes_and_what_looks_like_it_stays(given_text, wanted):
    notices = []
    assert clean(given_text, notices, "title", 100) == wanted
    assert notices == []


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\ufeff", "\x07", "\x1b", "\x7f", "\ue000", "\U000e0041"])
def test_signs_that_do_not_show_are_removed_with_a_notice(sign):
    notices = []
    assert clean(f"ab{sign}cd", notices, "title", 100) == "abcd"
    assert notices == ["signs that do not show were removed from 'title'"]


def test_joiners_stay_where_a_language_needs_them():
    notices = []
    assert clean("می\u200cشود", notices, "title", 100) == "می\u200cشود"
    assert clean("a\u200cb", notices, "title", 100) == "ab"
    assert folded("می\u200cشود") == folded("میشود")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("=HYPERLINK(1)", "HYPERLINK(1)"),
        ("@SUM(A1)", "SUM(A1)"),
        ("+1", "1"),
        ("-2+3", "2+3"),
        ("=+=cmd|' /C calc'!A0", "cmd|' /C calc'!A0"),
        ("-omics of tests", "-omics of tests"),
        ("a = b", "a = b"),
    ],
)
def test_no_text_begins_like_a_formula(text, wanted):
    assert clean(text, [], "title", 100) == wanted


@pytest.mark.parametrize("length", [101, 1000])
def test_what_is_too_long_is_left_out_and_said(length):
    notices = []
    assert clean("x" * length, notices, "title", 100) == ""
    assert notices == [f"the field 'title' of {length:,} characters is left out: 100 are the most"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller's  Größe: A/B_test", "muller s grosse a b test"),
        ("Łódź Ærø", "lodz aero"),
        ("İstanbul", "istanbul"),
        ("Ångström\u2013Test", "angstrom test"),
        ("中文 标题", "中文 标题"),
    ],
)
def test_texts_are_compared_without_accents_case_and_punctuation(one, other):
    assert folded(one) == other


def test_words_of_a_key_are_ascii():
    assert ascii_word("Čapek-Öz 中") == "capekoz"


@pytest.mark.parametrize(
    ("text", "wanted"), [("12 \u2013 15", "12--15"), ("12---15", "12--15"), ("e12", "e12"), ("", ""), ("S1\u2212S9", "S1--S9")]
)
def test_pages_have_a_double_hyphen(text, wanted):
    assert page_range(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("10.1000/ABC", "10.1000/abc"),
        ("https://doi.org/10.1000/ABC", "10.1000/abc"),
        ("http://dx.doi.org/10.1000/abc.", "10.1000/abc"),
        ("doi: 10.1000/abc,", "10.1000/abc"),
        ("DOI:https://doi.org/10.1000/abc", "10.1000/abc"),
        ("https://doi.org/10.1002/(SICI)1097%281999%29", "10.1002/(sici)1097(1999)"),
        ("10.1000/abc)", "10.1000/abc"),
        ("10.1002/a(b)", "10.1002/a(b)"),
        ("10.1000", ""),
        ("11.1000/abc", ""),
        ("10.1000/a b", ""),
        ("javascript:10.1000/abc", ""),
        ("", ""),
    ],
)
def test_doi(text, wanted):
    assert identifiers.doi(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("10.48550/arXiv.2303.04360", ("", "", "2303.04360")),
        ("https://doi.org/10.48550/ARXIV.2303.04360v2", ("", "", "2303.04360")),
        ("10.1101/2023.04.25.23288588v1", ("", "10.1101/2023.04.25.23288588", "")),
        ("10.1101/123456", ("", "10.1101/123456", "")),
        ("10.1101/gr.123456.111", ("10.1101/gr.123456.111", "", "")),
        ("10.21203/rs.3.rs-3552289/v1", ("", "10.21203/rs.3.rs-3552289/v1", "")),
        ("10.2196/preprints.28858", ("", "10.2196/preprints.28858", "")),
        ("10.2196/28858", ("10.2196/28858", "", "")),
    ],
)
def test_a_doi_tells_publication_preprint_or_arxiv(text, wanted):
    assert identifiers.split_doi(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2303.04360", "2303.04360"),
        ("2303.04360v12", "2303.04360"),
        ("arXiv:2303.04360v1 [cs.CL]", "2303.04360"),
        ("https://arxiv.org/pdf/2303.04360v2.pdf", "2303.04360"),
        ("https://arxiv.org/abs/hep-th/9901001", "hep-th/9901001"),
        ("math.GT/0309136", "math.gt/0309136"),
        ("2313.04360", ""),
        ("0601.00001", ""),
        ("23030.4360", ""),
        ("x", ""),
    ],
)
def test_arxiv(text, wanted):
    assert identifiers.arxiv(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("arXiv preprint arXiv:2506.16594", "2506.16594"),
        ("abs/2506.16594", "2506.16594"),
        ("arXiv (2506.16594)", ""),
        ("Journal 2506.16594", ""),
        ("arXiv:2506.165944", ""),
    ],
)
def test_arxiv_in_a_text(text, wanted):
    assert identifiers.arxiv_in(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0039575815", "39575815"),
        ("PMID: 39575815", "39575815"),
        ("https://pubmed.ncbi.nlm.nih.gov/39575815/", "39575815"),
        ("https://www.ncbi.nlm.nih.gov/pubmed/39575815", "39575815"),
        ("0", ""),
        ("12a", ""),
        ("1234567890", ""),
    ],
)
def test_pmid(text, wanted):
    assert identifiers.pmid(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pmc8449609", "PMC8449609"),
        ("PMCID: PMC8449609", "PMC8449609"),
        ("https://pmc.ncbi.nlm.nih.gov/articles/PMC8449609/", "PMC8449609"),
        ("PMC8449609.1", "PMC8449609"),
        ("8449609", ""),
    ],
)
def test_pmcid(text, wanted):
    assert identifiers.pmcid(text) == wanted


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://example.org/a?b=c", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("https://user:word@example.org/", False),
        ("https://[bad", False),
        ("https://example.org/<b>", False),
        ("example.org", False),
    ],
)
def test_addresses_are_those_of_the_web(text, good):
    assert identifiers.address(text) == (text if good else "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Jörg Müller", "Müller, Jörg"),
        ("Müller,Jörg", "Müller, Jörg"),
        ("Jan van den Berg", "van den Berg, Jan"),
        ("Smith JA", "Smith, JA"),
        ("De La Cruz A", "De La Cruz, A"),
        ("J. Smith", "Smith, J."),
        ("Martin King Jr.", "King, Jr., Martin"),
        ("Plato", "Plato"),
        ("{World Health Organization}", "World Health Organization"),
        ("{Bread and Butter, Inc.}", "Bread & Butter Inc."),
        ("et al.", "others"),
        ("others", "others"),
        ("  ", ""),
    ],
)
def test_authors(text, wanted):
    assert names.person(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Müller, J.; Roe, R.", ["Müller, J.", "Roe, R."]),
        ("Müller, J. and Roe, R.", ["Müller, J.", "Roe, R."]),
        ("Smith JA, Doe B, Roe C", ["Smith JA", "Doe B", "Roe C"]),
        ("Doe, Jane", ["Doe, Jane"]),
        ("", []),
    ],
)
def test_a_field_of_authors_is_split(text, wanted):
    assert names.people(text) == wanted


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("amin nejad", "amin nejad", True),
        ("aminnejad", "amin nejad", True),
        ("nejad", "amin nejad", True),
        ("li", "lin", False),
        ("", "doe", False),
        ("x", "x y", False),
    ],
)
def test_family_names(one, other, alike):
    assert names.alike(one, other) is alike
    assert names.alike(other, one) is alike


def test_a_record_in_its_normal_form():
    record = normalise(
        title="<i>Test</i> record",
        authors=["Doe, J", "et al."],
        year="1 May 2021",
        kind="blog",
        doi="https://doi.org/10.48550/arXiv.2303.04360v2",
        pmid="x",
        url="https://pubmed.ncbi.nlm.nih.gov/12/",
        pages="3\u20135",
        file="/some/where/list.ris",
        line=7,
    )
    assert (record.title, record.authors, record.year, record.kind) == ("Test record", ("Doe, J", "others"), 2021, "misc")
    assert record.identifiers == {"arxiv": "2303.04360", "pmid": "12"}
    assert (record.pages, record.place, record.family) == ("3--5", "list.ris:7", "doe")
    assert record.notices == ("'x' is no pmid and is left out",)
    assert record.missing == ()
    assert normalise().missing == ("title", "author", "year")


def test_what_is_no_identifier_is_left_out_with_a_notice():
    record = normalise(title="T", doi="none", arxiv="x", pmcid="1", url="ftp://a", year="soon", preprint="y")
    assert record.identifiers == {}
    assert len(record.notices) == 6
    assert any("is not a year" in notice for notice in record.notices)


def test_the_doi_in_an_address_counts():
    assert normalise(title="T", url="https://doi.org/10.1101/2023.04.25.23288588").preprint == "10.1101/2023.04.25.23288588"
    assert normalise(title="T", doi="10.1000/a", url="https://doi.org/10.1000/b").doi == "10.1000/a"


def test_too_many_authors_are_left_out():
    record = normalise(title="T", authors=[f"Author{number}, A" for number in range(3000)])
    assert record.authors == ()
    assert "3000 authors are left out" in record.notices[0]


def test_a_field_that_does_not_exist_is_refused():
    with pytest.raises(TypeError, match="no field 'titel'"):
        normalise(titel="T")


def test_files_with_too_many_records_are_refused():
    from review.errors import InputError

    refuse_many("f", MOST)
    with pytest.raises(InputError, match="more than 10,000 records"):
        refuse_many("f", MOST + 1)


@given(st.text(max_size=60), st.text(max_size=40), st.text(max_size=30), st.text(max_size=30))
def test_normalising_again_changes_nothing(title, author, identifier, year):
    once = normalise(title=title, authors=[author], doi=identifier, arxiv=identifier, url=identifier, year=year)
    again = normalise(
        title=once.title,
        authors=[f"{{{name}}}" if "," not in name else name for name in once.authors if name != "others"],
        year=once.year,
        markup=False,
        **once.identifiers,
        url=once.url,
    )
    assert again.title == once.title
    assert again.identifiers == once.identifiers
    assert again.year == once.year
    assert all(sign.isprintable() for sign in once.title.replace("\u200c", "").replace("\u200d", ""))

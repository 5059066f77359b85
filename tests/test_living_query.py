"""The search as data: the same concepts in the syntax of each source, and clear words about a file that is none."""

import pytest

from review.errors import InputError, OptionError
from review.living import query
from review.living.query import Concept, Query

SMALL = Query("t", "n", "2024-01-01", (Concept("a", ("language model*", "LLM")), Concept("b", ("GPT-2",), ("arxiv",))), {})


def test_pubmed_gets_phrases_in_title_or_abstract_and_only_its_concepts():
    assert SMALL.text("pubmed") == '("language model*"[tiab] OR "LLM"[tiab])'


def test_arxiv_gets_both_fields_and_a_plural():
    first = (
        'ti:"language model" OR abs:"language model" OR ti:"language models" OR abs:"language models" OR ti:"LLM" OR abs:"LLM"'
    )
    assert SMALL.text("arxiv") == f'({first}) AND (ti:"GPT-2" OR abs:"GPT-2")'


def test_openalex_gets_stems_and_quotes_around_phrases():
    assert SMALL.text("openalex") == '("language model" OR LLM)'


def test_a_string_of_its_own_is_sent_as_it_is():
    own = Query("", "", "", (), {"pubmed": "anything[ti] AND (x)"})
    assert own.text("pubmed") == "anything[ti] AND (x)"
    with pytest.raises(OptionError, match="no concept for arxiv"):
        own.text("arxiv")


def test_the_projects_own_query_says_whose_it_is():
    loaded = query.load()
    assert "not the search of its authors" in loaded.note
    assert loaded.since == "2020-01-01"
    assert [concept.name for concept in loaded.concepts] == ["language models", "synthetic data", "biomedicine"]
    assert "biomedical" not in loaded.text("pubmed")
    assert loaded.text("openalex").endswith("OR patient OR hospital)")
    for source in query.SOURCES:
        assert loaded.text(source).count("(") == loaded.text(source).count(")")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("[1, 2]", "the file is no mapping"),
        ("concepts: {}", "there is no concept"),
        ("concepts:\n  a: [x]", "has no list of terms"),
        ("concepts:\n  a: {terms: []}", "has no list of terms"),
        ('concepts:\n  a: {terms: ["x, y"]}', "'x, y' is not a term"),
        ("concepts:\n  a: {terms: ['x\" OR y']}", "is not a term"),
        ("concepts:\n  a: {terms: [x OR y]}", "'x OR y' is not a term"),
        ("concepts:\n  a: {terms: ['*']}", "is not a term"),
        ("concepts:\n  a: {terms: [x], sources: [scholar]}", "names no known source"),
        ("concepts:\n  a: {terms: [x], field: ti}", "there is no such part"),
        ("concepts:\n  a: {terms: [x]}\nextra: 1", "there is no such part"),
        ("concepts:\n  a: {terms: [x]}\nsince: 2024-13-01", "month must be in 1..12"),
        ("concepts:\n  a: {terms: [x]}\nsince: '2024-2-9'", "'2024-2-9' is no day"),
        ("concepts:\n  a: {terms: [no, 4]}", "'False' is not text"),
        ("concepts:\n  a: {terms: [x]}\nown: {scholar: y}", "it is no text by source"),
        ("concepts:\n  a: {terms: [x]}\nown: {pubmed: 3}", "it is no text by source"),
        ("concepts: &a\n  b: *a", "anchors and aliases are not allowed"),
        ("concepts: {a: {terms: [x]}", "expected"),
        ("concepts:\n  a: {terms: [" + ", ".join(f"t{n}" for n in range(101)) + "]}", "101 terms"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path, text, said):
    path = tmp_path / "query.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said) as caught:
        query.load(path)
    assert caught.value.problems[0].file == str(path)


def test_days_are_days():
    assert query.is_day("2024-02-29")
    assert not any(map(query.is_day, ("2023-02-29", "2024-2-9", "1776-07-04", "", "yesterday")))

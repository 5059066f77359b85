from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from conftest import TINY
from hypothesis import given, settings
from hypothesis import strategies as st

from review import codebook
from review.errors import InputError, UnknownNameError

SOURCE = yaml.safe_load((TINY / "codebook.yaml").read_text("utf-8"))


def load(folder: Path, text: str) -> codebook.Codebook:
    path = folder / "codebook.yaml"
    path.write_bytes(text.encode())
    return codebook.load(path)


def problems(folder: Path, text: str) -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(InputError) as caught:
        load(folder, text)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


def test_the_tiny_codebook():
    book = codebook.load(TINY / "codebook.yaml")
    assert dict(book.review) == SOURCE["review"]
    assert list(book.dimensions) == ["design", "outcome", "setting"]
    assert [item.kind for item in book.dimensions.values()] == ["single", "multiple", "multiple"]
    assert [item.exclusive for item in book.dimensions.values()] == [True, False, False]
    assert [item.absence for item in book.dimensions.values()] == ["unknown", "unknown", "unlisted"]
    for name, dimension in book.dimensions.items():
        source = SOURCE["dimensions"][name]
        assert (dimension.name, dimension.title, dimension.definition) == (name, source["title"], source["definition"])
        assert list(dimension.categories) == list(source["categories"])
        for code, category in dimension.categories.items():
            assert vars(category) == {"code": code, **source["categories"][code]}


def test_a_dimension_by_name():
    book = codebook.load(TINY / "codebook.yaml")
    assert book["outcome"] is book.dimensions["outcome"]
    with pytest.raises(UnknownNameError, match="no dimension named 'modality' -> choose one of: design, outcome, setting"):
        book["modality"]


def test_a_codebook_cannot_be_changed():
    book = codebook.load(TINY / "codebook.yaml")
    with pytest.raises(TypeError):
        book.dimensions["design"] = book["outcome"]  # type: ignore[index]
    with pytest.raises(TypeError):
        book["design"].categories["x"] = None  # type: ignore[index]
    with pytest.raises(TypeError):
        book.review["title"] = "x"  # type: ignore[index]
    with pytest.raises(AttributeError):
        book["design"].kind = "multiple"


@pytest.mark.parametrize(
    ("dimension", "value", "allowed"),
    [
        ("design", "trial", True),
        ("design", "", True),
        ("design", "not trial", False),
        ("design", "Trial", False),
        ("design", "trial ", False),
        ("outcome", "pain", True),
        ("outcome", "", True),
        ("outcome", "not pain", True),
        ("outcome", "not  pain", False),
        ("outcome", "not ", False),
        ("outcome", "not not pain", False),
        ("outcome", "no pain", False),
        ("setting", "not at home", True),
        ("setting", "home", False),
    ],
)
def test_what_may_stand_in_the_coding(small, dimension, value, allowed):
    assert small.codebook[dimension].allows(value) is allowed


@pytest.mark.parametrize(
    ("code", "column"), [("mood-score", "d_mood_score"), ("at home", "d_at_home"), ("gpt-3.5", "d_gpt_3_5"), ("a/b+c", "d_a_b_c")]
)
def test_the_column_of_a_label_is_a_name(code, column):
    assert codebook.flag("d", code) == column
    assert column.isidentifier()


def test_all_problems_at_once(tmp_path):
    dimensions = "  year:\n    kind: one\n    titel: x\n  b c: 3\n  d:\n    kind: multiple\n    categories: []\n"
    text = "review:\n  title:\ndimensions:\n" + dimensions
    found = problems(tmp_path, text)
    assert {key for _, key, _ in found} == {
        "review.title",
        "review.citation",
        "dimensions.year",
        "dimensions.year.kind",
        "dimensions.year.titel",
        "dimensions.year.title",
        "dimensions.year.definition",
        "dimensions.b c",
        "dimensions.b c.kind",
        "dimensions.b c.title",
        "dimensions.b c.definition",
        "dimensions.d.categories",
        "dimensions.d.title",
        "dimensions.d.definition",
    }
    lines = {key: line for line, key, _ in found}
    assert (lines["review.title"], lines["dimensions.year.kind"], lines["dimensions.d.categories"]) == (2, 5, 10)


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("  version: first", "  version:", "review.version", "is not one line of text"),
        ("  version: first", "  version: [first]", "review.version", "is not one line of text"),
        ("  version: first", "  version: yes", "review.version", "is not one line of text"),
        ("title: Design\n", "title: 3\n", "dimensions.design.title", "is missing, empty or not text"),
        ("title: Design\n", "title: ' '\n", "dimensions.design.title", "is missing, empty or not text"),
        ("      cohort:", "      '':", "dimensions.design.categories.", "the code '' is not usable"),
        ("      cohort:", "      ' cohort':", "dimensions.design.categories. cohort", "the code ' cohort' is not usable"),
        ("      cohort:", "      a; b:", "dimensions.design.categories.a; b", "the code 'a; b' is not usable"),
        ("      cohort:", "      no:", "dimensions.design.categories", "the key False is not text"),
        ("      cohort:", "      ? [a, b]\n      :", None, "found unhashable key"),
        ("  design:", "  class:", "dimensions.class", "the dimension name 'class' is not usable"),
        ("  design:", "  größe:", "dimensions.größe", "the dimension name 'größe' is not usable"),
        ("  design:", "  outcome_pain:", "dimensions.outcome.categories.pain", "the column 'outcome_pain' is already"),
        ("    kind: single", "    kind: [single]", "dimensions.design.kind", "kind is ['single']"),
    ],
)
def test_one_thing_wrong(tmp_path, old, new, key, message):
    text = (TINY / "codebook.yaml").read_text("utf-8")
    assert text.count(old) == 1
    found = problems(tmp_path, text.replace(old, new))
    assert any(item[1] == key and message in item[2] for item in found)
    assert all(line for line, _, _ in found)


def test_numbers_and_dates_of_the_review_become_text(tmp_path):
    text = (
        (TINY / "codebook.yaml")
        .read_text("utf-8")
        .replace("selection: first", "selection: 2")
        .replace("version: first", "version: 1.0")
    )
    book = load(tmp_path, text)
    assert (book.review["selection"], book.review["version"]) == ("2", "1.0")


def test_every_category_is_explained(real):
    for dimension in real.codebook.dimensions.values():
        assert dimension.definition.endswith((".", "?"))
        for category in dimension.categories.values():
            assert all(vars(category).values())


SNIPPETS = st.sampled_from(
    [
        "dimensions:",
        "  design:",
        "    kind: single",
        "    categories:",
        "      a:",
        "  - b",
        "&x",
        "*x",
        "<<: *x",
        "!!int",
        "!!python/name:os",
        "? ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "|",
        "'",
        '"',
        "#",
        "---",
        "...",
        "%YAML 1.1",
        "2020-13-45",
        "0x",
        "1_",
        "=",
        "null",
        "~",
        "\t",
        "review: {title: a, citation: b}",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(SNIPPETS, max_size=10).map("\n".join) | st.lists(SNIPPETS, max_size=6).map(" ".join) | st.text(max_size=40))
def test_any_text_gives_a_codebook_or_an_input_error(tmp_path_factory, text):
    with suppress(InputError):
        book = load(tmp_path_factory.getbasetemp(), text.encode(errors="replace").decode())
        assert book.dimensions


def test_a_bomb_is_refused_before_it_grows(tmp_path):
    levels = "".join(f"  a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(40))
    ((line, _, message),) = problems(tmp_path, "review:\n  a0: &a0 [x]\n" + levels)
    assert (line, message) == (2, "anchors and aliases are not allowed")


def test_an_alias_to_itself(tmp_path):
    assert problems(tmp_path, "review: &a\n  title: *a\n")[0][2] == "anchors and aliases are not allowed"

"""What the folders of ``examples/invalid`` do not show: the limits of each check, and what is skipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import TINY

from review import bibliography, checks, codebook, contracts, corpus, paths
from review.errors import InputError

NAMES = (paths.CODING, paths.SCREENING, paths.SELECTION, paths.PUBLISHED, paths.FLOW)


def parts(folder: Path = TINY):
    book = codebook.load(folder / paths.CODEBOOK)
    references = bibliography.read(folder / paths.BIBLIOGRAPHY)
    return book, references, {name: contracts.read_table(folder / name) for name in NAMES}


def messages(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        corpus.load(folder)
    return [problem.message for problem in caught.value.problems]


def test_the_tiny_corpus_has_no_problem():
    assert checks.cross_check(TINY, *parts()) == []


@pytest.mark.parametrize("missing", NAMES)
def test_a_table_that_could_not_be_read_is_skipped(missing):
    book, references, tables = parts()
    del tables[missing]
    assert checks.cross_check(TINY, book, references, tables) == []


def test_codebook_and_bibliography_that_could_not_be_read_are_skipped():
    book, references, tables = parts()
    assert checks.cross_check(TINY, None, references, tables) == []
    assert checks.cross_check(TINY, book, None, tables) == []
    assert checks.cross_check(TINY, None, None, {}) == []


@pytest.mark.parametrize("name", [paths.SCREENING, paths.SELECTION, paths.PUBLISHED, paths.FLOW])
def test_optional_tables_may_be_absent(damage, name):
    if name == paths.SCREENING:  # without it fox2022clinic counts as verified, and nothing leads from records to studies
        damage("bibliography.bib", "{{A Clinic}},", "{{A Clinic}},\n  author = {Fox, Flo},\n  year = {2022},")
        damage(paths.FLOW)
    if name == paths.PUBLISHED:
        damage(paths.SELECTION)
    assert len(corpus.load(damage(name)).references) == 6


def test_only_what_is_needed(tiny):
    for name in (paths.SCREENING, paths.SELECTION, paths.PUBLISHED, paths.FLOW):
        (tiny / name).unlink()
    assert messages(tiny) == ["the field 'author' is missing or empty", "the field 'year' is missing or empty"]


def test_a_calibrated_selection_needs_published_shares(damage):
    assert messages(damage(paths.PUBLISHED)) == ["nothing is published for the calibrated selection 'first'"]


def test_two_coders_may_differ(damage):
    corpus.load(damage(paths.CODING, "adams2018pain,design,b,trial", "adams2018pain,design,b,survey"))


def test_labels_and_opposites_of_different_codes_and_coders_stand_together(damage):
    rows = "fox2022clinic,outcome,a,pain,,,,\nfox2022clinic,outcome,b,not pain,,,,\nfox2022clinic,outcome,a,not sleep,,,,\n"
    last = "fox2022clinic,design,consensus,,,,,\n"
    corpus.load(damage(paths.CODING, last, last + rows))


def test_an_unknown_beside_a_label_of_another_coder(damage):
    rows = "fox2022clinic,outcome,a,pain,,,,\nfox2022clinic,outcome,b,,,,,\n"
    last = "fox2022clinic,design,consensus,,,,,\n"
    corpus.load(damage(paths.CODING, last, last + rows))


@pytest.mark.parametrize(
    ("shares", "good"),
    [
        (("50.0", "25.0", "25.0"), True),
        (("50.1", "25.0", "25.0"), True),
        (("50.2", "25.0", "25.0"), False),  # three shares may each be 0.05 too high
        (("10.0", "10.0", "10.0"), True),
    ],
)
def test_exclusive_shares_may_exceed_100_by_rounding_only(damage, shares, good):
    tiny = damage(paths.SELECTION)
    rows = "".join(
        f"draft,design,{code},{share},5,x,,\n" for code, share in zip(("cohort", "trial", "survey"), shares, strict=True)
    )
    damage(paths.PUBLISHED, "draft,design,cohort,60,5,a talk,,\n", rows)
    if good:
        corpus.load(tiny)
    else:
        assert messages(tiny) == ["the shares of draft design add up to 100.2 %, more than rounding allows"]


def test_overlapping_shares_may_exceed_100(damage):
    rows = "draft,outcome,pain,80,5,x,,\ndraft,outcome,sleep,60,5,x,,\n"
    corpus.load(damage(paths.PUBLISHED, "draft,design,cohort,60,5,a talk,,\n", rows))


def test_totals_may_differ_between_dimensions_and_versions(damage):
    rows = "draft,design,cohort,60,5,x,,\ndraft,outcome,pain,50,6,x,,\n"
    corpus.load(damage(paths.PUBLISHED, "draft,design,cohort,60,5,a talk,,\n", rows))


def test_a_listed_selection_is_not_held_to_the_published_counts(damage):
    corpus.load(damage(paths.SELECTION, "authors,fox2022clinic", "first2,fox2022clinic"))


def test_a_share_that_no_count_gives_is_no_target(damage):
    corpus.load(damage(paths.PUBLISHED, "pain,75.0", "pain,74.0"))


def test_labels_not_done_do_not_count_towards_a_share(damage):
    # brown2019sleep reports sleep as not done: one study of four is coded sleep, not two
    assert messages(damage(paths.PUBLISHED, "outcome,pain,75.0", "outcome,sleep,50.0")) == [
        "1 studies are coded outcome sleep, the published share implies 2"
    ]


def test_sums_are_left_alone_while_rows_are_wrong(damage):
    damage(paths.SELECTION, "first,diaz2020work", "first,evans2021home")
    assert messages(damage(paths.PUBLISHED, "draft,design,cohort,60,5", "draft,design,cohort,60,0")) == ["the total is 0"]


def test_a_default_may_be_any_selection(damage):
    assert corpus.load(damage(paths.CODEBOOK, "selection: first", "selection: pool")).resolve("default") == "pool"

"""A filter from a stranger, by every way that one comes in: command line, parameter of a notebook, page of the explorer."""

from __future__ import annotations

import ast
from contextlib import suppress

import hostile_inputs as hostile
import pytest
from conftest import TINY

from review import cli, corpus, notebook
from review.errors import FilterError, ReviewError
from review.explore.filters import Filters, Labels
from review.filters import LONGEST, matches

ATTACKS = (
    "__import__('os').system('touch pwned')",
    "year == __import__('os').getpid()",
    "().__class__.__base__.__subclasses__()",
    "year.__class__ == 1",
    "title.str.contains('x')",
    "@pd.read_csv('/etc/passwd')",
    "@year == 1",
    "(lambda: 1)() == year",
    "[y for y in year] == 1",
    "{**year} == 1",
    "f'{open(1)}' == title",
    "f'{year!r:>{10**9}}' == title",
    "(year := 2020) == year",
    "year == 9**9**9",
    "year == 1 << 10**9",
    "title == 'a' * 10**9",
    "title == ('a', 'b') * 10**9",
    "title == 'a' % 10**9",
    "year in range(10**12)",
    "year == 10**10000",
    "year == " + "9" * 5000,
    "year == 1e400j",
    "year == 1" + " or year == 1" * 10_000,
    "year[0] == 1",
    "year if year else year",
    "await year == 1",
    "yield",
    "year == ...",
    "year == b'x'",
    "__builtins__ == 1",
    "_\u017f_import__('os') == 1",
    "\uff3f\uff3fimport\uff3f\uff3f('os') == 1",
    "\u02b0uman == 1",
    "year == 1; import os",
    "year == 1\nimport os",
    "`year` == 1",
    "year == 1\x00",
    "\ud800 == year",
    "\u202eyear == 1",
    "x" * (LONGEST + 1),
)


@pytest.fixture(scope="module")
def loaded():
    return corpus.load(TINY)


@pytest.mark.parametrize("where", ATTACKS)
def test_it_is_refused_on_every_way_and_runs_nothing(where, loaded, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FilterError, match="->"):
        loaded.studies("all", where)
    assert cli.main(["statistics", "--corpus", str(TINY), "--where", where]) == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in said
    assert len(said) < LONGEST + 1500
    with pytest.raises(FilterError):
        notebook.start(corpus_dir=str(TINY), where=where, output_dir=str(tmp_path / "out"))
    with pytest.raises(ReviewError):
        Filters("all", text=where).where(loaded)
    assert list(tmp_path.iterdir()) == []


def test_names_that_fold_to_a_column_are_that_column(loaded):
    """Python folds identifiers (NFKC): a look-alike of a letter can only name a column, never anything else."""
    wide = "\uff59\uff45\uff41\uff52 >= 2020"
    assert list(loaded.studies("all", wide)["key"]) == list(loaded.studies("all", "year >= 2020")["key"])
    with pytest.raises(FilterError, match="no column named"):
        loaded.studies("all", "y\u0435ar >= 2020")  # a letter of Cyrillic is another letter


@pytest.mark.parametrize("text", ["year > 1) or (year > 0", "year > 1 or year > 0)", "year > 1) # ", "", "   "])
def test_a_text_of_the_explorer_stays_a_part_of_its_own(text, loaded):
    """It stands beside what is chosen on the page and cannot get out of its brackets."""
    chosen = Filters("all", labels={"design": Labels(("trial",))}, text=text)
    try:
        where = chosen.where(loaded)
    except ReviewError:
        return
    assert set(loaded.studies("all", where)["design"]) == {"trial"}


def test_a_code_with_quotes_and_operators_is_a_constant(tmp_path):
    evil = corpus.load(hostile.corpus(tmp_path / "corpus"))
    for name, dimension in evil.codebook.dimensions.items():
        for code in dimension.categories:
            where = Filters("all", labels={name: Labels((code,))}).where(evil)
            assert isinstance(ast.parse(where, mode="eval").body, ast.Compare | ast.Name | ast.BoolOp | ast.UnaryOp)
            assert len(evil.studies("all", where)) <= 6


DEEP = (
    "(" * 500 + "year == 1" + ")" * 500,
    "not " * 490 + "year == 1",
    "year == " + "-" * 900 + "1",
    "-" * 1900 + "1 == year",
    "year == 1" + " or year == 1" * 150,
    "year < " * 250 + "1",
    "year in [" + "1, " * 600 + "]",
    "year == 1 # year == 2",
)


@pytest.mark.parametrize("where", DEEP)
def test_a_deep_or_long_filter_is_answered_or_refused(where, loaded):
    with suppress(FilterError):
        assert len(loaded.studies("all", where)) <= 6


def test_a_filter_changes_no_table(loaded):
    frame = loaded.studies("all")
    before = frame.copy()
    matches(frame, 'year >= 2019 and design in ["cohort"] or not outcome_pain')
    assert frame.equals(before)

from __future__ import annotations

import csv
import os
import re
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import TINY

from review import codebook, corpus, files, paths
from review.corpus import Corpus
from review.errors import FilterError, InputError, UnknownNameError

KEYS = ("adams2018pain", "brown2019sleep", "chen2020mood", "diaz2020work", "evans2021home", "fox2022clinic")
TABLES = ("coding", "screening", "selection_table", "published", "flow", "implied")


def states(frame: pd.DataFrame, column: str) -> list[bool | None]:
    assert str(frame[column].dtype) == "boolean"
    return [None if value is pd.NA else bool(value) for value in frame[column]]


# --- immutability


@pytest.mark.parametrize("name", TABLES)
def test_changing_a_returned_table_changes_nothing(small, name):
    before = getattr(small, name).copy(deep=True)
    frame = getattr(small, name)
    frame.iloc[:, 0] = "changed"
    frame.loc[len(frame)] = frame.loc[0]
    frame.pop(frame.columns[1])
    frame["more"] = 1
    pd.testing.assert_frame_equal(getattr(small, name), before)
    assert "line" not in before.columns
    assert len(before) > 0


@pytest.mark.parametrize("where", ["", "year >= 2000"])
def test_changing_the_studies_changes_nothing(small, where):
    before = small.studies("all", where).copy(deep=True)
    frame = small.studies("all", where)
    frame["design"] = "changed"
    frame.loc[0, "year"] = 1900
    frame.pop("title")
    pd.testing.assert_frame_equal(small.studies("all", where), before)


def test_a_corpus_cannot_be_changed(small):
    with pytest.raises(AttributeError):
        small.hash = "x"
    with pytest.raises(TypeError):
        small.selections["mine"] = ("adams2018pain",)
    with pytest.raises(TypeError):
        small.references[0].fields["title"] = "x"
    with pytest.raises(TypeError):
        small.codebook.dimensions["x"] = None
    with pytest.raises(TypeError):
        small._tables["x"] = None
    assert isinstance(small.references, tuple)
    assert all(isinstance(keys, tuple) for keys in small.selections.values())


# --- hash


def test_equal_files_give_equal_corpora(small, tiny):
    for path in tiny.iterdir():
        os.utime(path, (0, 0))
    (tiny / "README.md").write_text("not part of the corpus")
    again = corpus.load(tiny)
    assert again.hash == small.hash
    assert re.fullmatch("[0-9a-f]{64}", again.hash)
    assert again == small
    assert hash(again) == hash(small)
    assert again.directory != small.directory


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("bibliography.bib", "{{At Home}}", "{{At home}}"),
        ("bibliography.bib", "@misc{fox", "\n@misc{fox"),
        ("codebook.yaml", "A ward.", "A ward or two."),
        ("coding.csv", "evans2021home,design,consensus,cohort", "evans2021home,design,consensus,trial"),
        ("screening.csv", "only mice", "only rats"),
        ("selection.csv", "authors,brown2019sleep", "authors,evans2021home"),
        ("published.csv", "a talk", "a poster"),
        ("flow.csv", "queries,3", "queries,4"),
    ],
)
def test_every_byte_of_every_file_counts(small, damage, name, old, new):
    changed = corpus.load(damage(name, old, new))
    assert changed.hash != small.hash
    assert changed != small


def test_the_hash_is_that_of_names_and_bytes(small):
    parts = [part for path in sorted(TINY.iterdir()) for part in (path.name.encode(), path.read_bytes())]
    assert small.hash == files.digest(*parts)


def test_an_absent_file_counts(small, damage):
    assert corpus.load(damage("flow.csv")).hash != small.hash


# --- studies


def test_identity_of_the_studies(small):
    frame = small.studies("all")
    assert tuple(frame["key"]) == KEYS
    assert list(frame.columns) == [
        *(
            "key",
            "title",
            "authors",
            "year",
            "first_public",
            "venue",
            "kind",
            "doi",
            "arxiv",
            "pmid",
            "pmcid",
            "citation",
            "status",
        ),
        "design",
        *("outcome", "outcome_pain", "outcome_sleep", "outcome_mood_score"),
        *("setting", "setting_hospital", "setting_at_home"),
    ]
    assert frame.iloc[0, :13].to_dict() == {
        "key": "adams2018pain",
        "title": "Pain after Surgery",
        "authors": "Adams, Ann and Ode, Bo and Ito, Chie",
        "year": 2018,
        "first_public": "2018-03",
        "venue": "Data & Pain",
        "kind": "article",
        "doi": "10.1000/pain_2018",
        "arxiv": "",
        "pmid": "",
        "pmcid": "",
        "citation": "Adams et al. 2018",
        "status": "verified",
    }
    assert str(frame["year"].dtype) == "Int64"
    assert frame["year"].isna().tolist() == [False] * 5 + [True]
    assert frame["title"][1] == "Sleep in Wards: 50% Less"
    assert frame["venue"].tolist() == ["Data & Pain", "Proceedings of Sleep", "", "Work", "Preprint", ""]
    assert frame["arxiv"].tolist() == ["", "", "2001.00001", "", "", ""]
    assert frame["pmid"][3] == "123"
    assert frame["status"].tolist() == ["verified"] * 5 + ["unverified"]
    assert frame["citation"].tolist() == [
        "Adams et al. 2018",
        "Brown 2019",
        "Chen and Dow 2020",
        "Díaz et al. 2020",
        "Evans 2021",
        "Anonymous n.d.",
    ]


def test_the_reserved_names_are_the_columns_of_identity(small):
    assert tuple(small.studies().columns[: len(codebook.IDENTITY)]) == codebook.IDENTITY


def test_codes_are_those_of_the_consensus(small):
    frame = small.studies("all")
    assert str(frame["design"].dtype) == "string"
    assert frame["design"].fillna("?").tolist() == ["cohort", "trial", "survey", "cohort", "cohort", "?"]
    assert frame["outcome"].fillna("?").tolist() == ["pain; sleep", "pain", "mood-score", "pain", "?", "?"]
    assert frame["setting"].fillna("?").tolist() == ["hospital", "hospital; at home", "?", "at home", "hospital", "?"]


def test_a_missing_label_is_unknown(small):
    frame = small.studies("all")
    assert states(frame, "outcome_pain") == [True, True, None, True, None, None]
    assert states(frame, "outcome_sleep") == [True, False, None, None, None, None]
    assert states(frame, "outcome_mood_score") == [False, None, True, None, None, None]


def test_a_missing_label_is_unlisted_where_another_is_listed(small):
    frame = small.studies("all")
    assert states(frame, "setting_hospital") == [True, True, None, False, True, None]
    assert states(frame, "setting_at_home") == [False, True, None, True, False, None]


def test_a_label_not_done_lists_nothing(damage):
    old = "chen2020mood,setting,consensus,,,,,\n"
    frame = corpus.load(damage("coding.csv", old, "chen2020mood,setting,consensus,not hospital,,,,\n")).studies("all")
    assert (states(frame, "setting_hospital")[2], states(frame, "setting_at_home")[2]) == (False, None)


def test_labels_stand_in_the_order_of_the_codebook(damage):
    row = "adams2018pain,outcome,consensus,{},,verifier,https://example.org/adams,full text\n"
    damage("coding.csv", row.format("pain") + row.format("sleep"), row.format("sleep") + row.format("pain"))
    assert corpus.load(damage("flow.csv")).studies("all")["outcome"][0] == "pain; sleep"


@pytest.mark.parametrize(
    ("selection", "where", "expected"),
    [
        ("all", "", KEYS),
        ("pool", "", KEYS[:5]),
        ("default", "", KEYS[:4]),
        ("first", "", KEYS[:4]),
        ("authors", "", (KEYS[1], KEYS[5])),
        ("all", "year >= 2020", KEYS[2:5]),
        ("first", "year >= 2020", KEYS[2:4]),
        ("all", 'design == "cohort" and outcome_pain', (KEYS[0], KEYS[3])),
        ("all", "not setting_hospital", (KEYS[3],)),
        ("all", 'doi != "x"', (KEYS[0],)),
        ("all", 'status == "unverified"', (KEYS[5],)),
        ("all", "year > 2030", ()),
    ],
)
def test_selection_and_filter(small, selection, where, expected):
    frame = small.studies(selection, where)
    assert tuple(frame["key"]) == expected
    assert frame.index.tolist() == list(range(len(expected)))


def test_a_filter_knows_only_the_table(small):
    with pytest.raises(FilterError, match="no column named 'modality'"):
        small.studies("all", 'modality == "text"')
    with pytest.raises(UnknownNameError):
        small.studies("v2")


# --- names


def test_selections(small):
    assert dict(small.selections) == {"all": KEYS, "pool": KEYS[:5], "first": KEYS[:4], "authors": (KEYS[1], KEYS[5])}
    assert [small.basis(name) for name in ("default", "first", "authors", "pool", "all")] == [
        "calibrated",
        "calibrated",
        "listed",
        "sample",
        "sample",
    ]


def test_resolving_a_selection(small):
    assert [small.resolve(name) for name in ("default", "first", "pool")] == ["first", "first", "pool"]
    for name in ("second", "", "First"):
        with pytest.raises(
            UnknownNameError, match=f"no selection named '{name}' -> choose one of: default, all, pool, first, authors"
        ):
            small.resolve(name)


def test_resolving_a_version(small):
    assert [small.version(name) for name in ("default", "first", "draft")] == ["first", "first", "draft"]
    for name in ("second", ""):
        with pytest.raises(UnknownNameError, match=f"no version named '{name}' -> choose one of: default, first, draft"):
            small.version(name)


def test_without_defaults_all_studies_and_the_first_version(damage):
    loaded = corpus.load(damage("codebook.yaml", "  selection: first\n  version: first\n", ""))
    assert (loaded.resolve("default"), loaded.version("default")) == ("all", "first")


@pytest.fixture
def bare(damage) -> Corpus:
    damage("bibliography.bib", "{{A Clinic}},", "{{A Clinic}},\n  author = {Fox, Flo},\n  year = {2022},")
    for name in ("screening.csv", "selection.csv", "published.csv", "flow.csv"):
        folder = damage(name)
    return corpus.load(folder)


def test_a_corpus_of_three_files(bare):
    assert dict(bare.selections) == {"all": KEYS, "pool": KEYS}
    assert bare.version("default") == ""
    assert set(bare.studies("pool")["status"]) == {"verified"}
    for name in TABLES[1:]:
        assert getattr(bare, name).empty
        assert len(getattr(bare, name).columns) >= 3
    with pytest.raises(UnknownNameError, match="no selection named 'first' -> choose one of: default, all, pool"):
        bare.resolve("default")
    with pytest.raises(UnknownNameError, match="no version named 'first'"):
        bare.version("first")


@pytest.mark.parametrize("directory", [None, ""])
def test_without_a_folder_the_project_own_data(real, directory):
    assert corpus.load(directory).directory == paths.DATA == real.directory


def test_a_folder_may_be_text():
    assert corpus.load(str(TINY)).directory == TINY


def test_citations(damage):
    damage("bibliography.bib", "{Brown, Bea}", "{Brown, Bea and others}")
    damage("bibliography.bib", "{Díaz, Dolores and others}", "{Díaz, Dolores\n  and Eco, Emma}")
    frame = corpus.load(damage("bibliography.bib", "{Chen, Cai and Dow, Dee}", "{{World Group}}")).studies("all")
    assert frame["citation"].tolist()[1:4] == ["Brown et al. 2019", "World Group 2020", "Díaz and Eco 2020"]


# --- the real corpus


def test_the_real_corpus(real):
    keys = [reference.key for reference in real.references]
    assert len(keys) == 189
    assert keys == sorted(keys)
    assert len(real.selections["pool"]) == 155
    assert len(real.selections["v1"]) == len(real.selections["v2"]) == 59
    assert {name: real.basis(name) for name in real.selections} == {
        "all": "sample",
        "pool": "sample",
        "v1": "calibrated",
        "v2": "calibrated",
    }
    assert (real.resolve("default"), real.version("default")) == ("v2", "v2")
    assert real.screening["decision"].value_counts().to_dict() == {"verified": 155, "excluded": 148, "unverified": 34}
    assert set(real.selections["v1"]) | set(real.selections["v2"]) <= set(real.selections["pool"])


def test_rows_stand_in_order(real):
    keys = [reference.key for reference in real.references]
    assert list(dict.fromkeys(real.coding["key"])) == keys
    assert real.screening["key"].is_monotonic_increasing


def test_the_verifier_names_a_page_and_what_it_shows(real):
    coding = real.coding
    coded = coding[
        (coding["coder"] == "verifier") & coding["dimension"].isin(["modality", "method", "evaluation"]) & (coding["value"] != "")
    ]
    assert len(coded) > 500
    address = coded["source"].str.fullmatch(r"https?://[^\s/]+\.[^\s/]+(/\S*)?")
    assert address.all()
    assert (coded["evidence"].str.strip() != "").all()
    assert set(coded["scope"]) <= {"abstract", "full text", "landing page", "repository"}
    other = coding[coding["source"] != ""]
    assert other["source"].str.fullmatch(r"https?://\S+").all()


@pytest.mark.parametrize("name", ["coding.csv", "screening.csv", "selection.csv", "published.csv", "flow.csv"])
def test_no_field_is_a_formula_to_a_spreadsheet(name):
    with (paths.DATA / name).open(encoding="utf-8", newline="") as file:
        assert [field for row in csv.reader(file) for field in row if field.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_every_study_of_the_pool_is_coded(real):
    frame = real.studies("pool")
    assert frame[["modality", "method", "year"]].notna().all().all()
    assert (frame[["title", "authors", "citation", "status"]] != "").all().all()
    assert set(frame["status"]) == {"verified"}
    assert not frame["citation"].str.contains(r"Anonymous|n\.d\.", regex=True).any()


@pytest.mark.parametrize("name", ["doi", "arxiv", "pmid", "pmcid"])
def test_identifiers_are_well_formed_and_not_shared(real, name):
    pattern = {"doi": r"10\.\d{4,9}/\S+", "arxiv": r"\d{4}\.\d{4,5}|[a-z-]+/\d{7}", "pmid": r"\d{1,8}", "pmcid": r"PMC\d+"}[name]
    values = real.studies("all")[name]
    values = values[values != ""]
    assert len(values) > 10
    assert values.str.fullmatch(pattern).all()
    assert values.is_unique


def test_loading_is_quick(tmp_path):
    folder = Path(shutil.copytree(paths.DATA, tmp_path / "data", ignore=shutil.ignore_patterns("build")))
    start = time.perf_counter()
    corpus.load(folder).studies()
    assert time.perf_counter() - start < 10


def test_nothing_is_written_by_loading(tiny):
    before = {path: path.read_bytes() for path in tiny.iterdir()}
    corpus.load(tiny)
    with pytest.raises(InputError):
        corpus.load(tiny / "nowhere")
    assert {path: path.read_bytes() for path in tiny.iterdir()} == before


def test_coders_of_their_own_come_in_the_order_of_their_meaning(tiny):
    path = tiny / paths.CODING
    key, dimension = "adams2018pain", "design"
    rows = "".join(f"{key},{dimension},{coder},cohort,,,,\n" for coder in ("anna", "llm"))
    path.write_text(path.read_text("utf-8") + rows, "utf-8")
    assert corpus.load(tiny).coders == ("a", "b", "anna"), "people come after a and b, whatever their names"


# --- by hand


def test_the_address_of_a_study_is_that_of_the_preferred_register():
    row = {"doi": "10.1000/x", "arxiv": "2001.00001", "pmid": "123", "pmcid": "PMC4", "title": "T"}
    found = []
    for name in ("doi", "arxiv", "pmid", "pmcid", "title"):
        found.append(corpus.link(row))
        row = {column: "" if column == name else value for column, value in row.items()}
    assert found == [
        "https://doi.org/10.1000/x",
        "https://arxiv.org/abs/2001.00001",
        "https://pubmed.ncbi.nlm.nih.gov/123",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC4",
        "",
    ]
    assert corpus.link({}) == ""
    assert [(column, register) for column, register, _ in corpus.ADDRESSES] == [
        *(("doi", "DOI"), ("arxiv", "arXiv"), ("pmid", "PubMed"), ("pmcid", "PubMed Central"))
    ]


def test_a_venue_is_the_journal_before_the_proceedings_before_what_else_is_known(damage):
    damage("bibliography.bib", "  journal = {Work},", "  journal = {Work},\n  booktitle = {Talks},\n  howpublished = {Web},")
    damage("bibliography.bib", "  booktitle = {Proceedings of Sleep},", "  booktitle = {Talks},\n  howpublished = {Web},")
    frame = corpus.load(damage("flow.csv")).studies()
    assert frame["venue"].tolist() == ["Data & Pain", "Talks", "", "Work", "Preprint", ""]


def test_an_eprint_of_another_archive_is_no_arxiv_number(damage):
    damage("bibliography.bib", "archiveprefix = {arXiv}", "archiveprefix = {ARXIV}")
    assert corpus.load(damage("flow.csv")).studies()["arxiv"][2] == "2001.00001"


def test_identifiers_of_every_register(damage):
    damage("bibliography.bib", "  pmid = {123},", "  pmid = {123},\n  pmcid = {PMC4},")
    frame = corpus.load(damage("flow.csv")).studies()
    assert frame["pmcid"].tolist() == ["", "", "", "PMC4", "", ""]
    assert frame["pmid"].tolist() == ["", "", "", "123", "", ""]
    assert frame["kind"].tolist() == ["article", "inproceedings", "misc", "article", "article", "misc"]
    assert frame["authors"].tolist()[-1] == ""
    assert frame["first_public"].tolist() == ["2018-03", "", "", "", "", ""]


def test_three_authors_are_the_first_and_others_and_two_are_both():
    found = [corpus._short(authors) for authors in ("A, X", "A, X and B, Y", "A, X and B, Y and C, Z", "A, X and others", "")]
    assert found == ["A", "A and B", "A et al.", "A et al.", "Anonymous"]


def test_without_a_folder_the_error_says_so(tmp_path):
    with pytest.raises(InputError) as caught:
        corpus.load(tmp_path / "nowhere")
    (problem,) = caught.value.problems
    assert (problem.file, problem.message) == (str(tmp_path / "nowhere"), "there is no such folder")


def test_a_corpus_with_a_change_that_was_cut_off_is_not_read(tiny):
    (tiny / paths.DECIDED).parent.mkdir()
    (tiny / paths.DECIDED).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        corpus.load(tiny)
    (problem,) = caught.value.problems
    assert problem.file == str(tiny)
    assert problem.message.endswith("or was cut off")
    assert problem.remedy.startswith(f"run: review validate --corpus {tiny}")


def test_the_problems_of_all_files_are_told_at_once(damage):
    damage("bibliography.bib", "@article{adams2018pain,", "@article{,")
    damage("selection.csv", "first,adams2018pain,calibrated", "first,adams2018pain,guessed")
    with pytest.raises(InputError) as caught:
        corpus.load(damage("codebook.yaml", "kind: single", "kind: several"))
    found = {Path(problem.file).name for problem in caught.value.problems}
    assert {"bibliography.bib", "selection.csv", "codebook.yaml"} <= found


@pytest.mark.parametrize("name", ["bibliography.bib", "codebook.yaml", "coding.csv"])
def test_three_files_are_needed(damage, name):
    with pytest.raises(InputError) as caught:
        corpus.load(damage(name))
    assert name in {Path(problem.file).name for problem in caught.value.problems}


def test_tables_are_read_where_they_exist(small):
    assert list(small.selection_table.columns) == ["selection", "key", "basis"]
    assert small.selection_table["basis"].tolist() == ["calibrated"] * 4 + ["listed"] * 2
    assert small.published["share"].tolist() == ["50.0", "25.0", "25.0", "75.0", "60"]
    assert small.flow["step"].tolist() == ["queries", "records found", "duplicates removed"]
    assert small.coders == ("a", "b")
    assert [str(name) for name in corpus.FILES] == [
        *("bibliography.bib", "codebook.yaml", "coding.csv", "screening.csv", "selection.csv", "published.csv", "flow.csv")
    ]
    assert (corpus.POOL, corpus.ALL, corpus.DEFAULT) == ("pool", "all", "default")


def test_a_corpus_prints_without_its_tables(small):
    assert "_tables" not in repr(small)
    assert small.hash in repr(small)


def test_a_corpus_read_elsewhere_is_equal(small, tiny):
    again = corpus.load(tiny)
    assert (again == small, again.references == small.references) == (True, True)
    assert again.directory == tiny
    assert corpus.Corpus(small.directory, small.codebook, "other", small.references, small._tables) != small


def state(code, values, dimension):
    rows = pd.DataFrame({"key": "a", "value": values}, index=range(len(values)))
    return states(pd.DataFrame(corpus._code_columns(dimension, rows, pd.Index(["a"]))), corpus.flag(dimension.name, code))[0]


def test_one_listed_label_is_enough_for_the_others_not_to_apply(small):
    setting, outcome = small.codebook["setting"], small.codebook["outcome"]
    assert state("at home", ["hospital", "not something else"], setting) is False
    assert state("at home", ["not hospital"], setting) is None
    assert state("at home", ["not at home"], setting) is False
    assert state("at home", [], setting) is None
    assert state("pain", ["sleep"], outcome) is None
    assert state("pain", ["sleep", "pain"], outcome) is True


def test_the_files_are_checked_against_each_other(damage):
    folder = damage("coding.csv", "evans2021home,design,consensus", "evans2021house,design,consensus")
    with pytest.raises(InputError) as caught:
        corpus.load(folder)
    (problem,) = caught.value.problems
    assert (Path(problem.file).name, problem.key, problem.message) == (
        "coding.csv",
        "evans2021house",
        "the key is not in the bibliography",
    )


def test_people_who_coded_come_by_name(tiny):
    names = ["yara", "omar", "bert", "nina", "carl", "zoe", "ada", "emma", "kim", "lou"]
    rows = "".join(f"adams2018pain,design,{name},cohort,,,,\n" for name in names)
    path = tiny / paths.CODING
    path.write_text(path.read_text("utf-8") + rows, "utf-8")
    assert corpus.load(tiny).coders == ("a", "b", *sorted(names))


def test_a_selection_of_one_study_has_a_basis(damage):
    loaded = corpus.load(damage("selection.csv", "authors,fox2022clinic,listed\n", ""))
    assert (loaded.selections["authors"], loaded.basis("authors")) == (("brown2019sleep",), "listed")


def test_an_archive_without_a_number_is_no_identifier(damage):
    assert corpus.load(damage("bibliography.bib", "  eprint = {2001.00001},\n", "")).studies()["arxiv"][2] == ""


def test_blanks_around_names_are_no_part_of_them():
    assert corpus._short("A , X and  B, Y") == "A and B"
    assert corpus._short("A, X and   and B, Y") == "A and B"


def test_a_code_of_a_study_that_is_not_asked_for_changes_nothing(small):
    rows = pd.DataFrame({"key": ["elsewhere", "elsewhere"], "value": ["pain", "not sleep"]})
    columns = pd.DataFrame(corpus._code_columns(small.codebook["outcome"], rows, pd.Index(["a", "b"])))
    assert columns.isna().all(axis=None)
    assert [str(kind) for kind in columns.dtypes] == ["string", *["boolean"] * 3]


def test_the_columns_of_an_absent_table_are_of_the_kind_that_is_read(small, bare):
    for name in ("screening", "selection_table", "published", "flow"):
        pd.testing.assert_series_equal(getattr(bare, name).dtypes, getattr(small, name).dtypes)

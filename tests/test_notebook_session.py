"""What a notebook starts with: checked parameters, places for files, and the words beside every number."""

import json
import re

import pandas as pd
import pytest

from review import corpus, demo_figures, figures, generators, notebook, paths, sensitivity, statistics
from review.describe import describe
from review.errors import FilterError, InputError, ReviewError, UnknownNameError
from review.generators.dataset import Dataset, Record

SECOND = paths.ROOT / "examples" / "second-review"


@pytest.fixture
def session(tmp_path):
    return notebook.start(output_dir=str(tmp_path))


def test_defaults_are_those_of_the_codebook(session):
    assert (session.selection, session.version) == ("v2", "v2")
    assert len(session.studies) == 59
    assert session.choice == {"selection": "v2", "where": ""}
    assert session.published_dimensions == ["modality", "method", "evaluation"]


def test_without_a_folder_files_go_to_runs():
    assert notebook.start().output == paths.RUNS / "interactive"


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"corpus_dir": "/no/such"}, InputError),
        ({"selection": "v9"}, UnknownNameError),
        ({"review_version": "v9"}, UnknownNameError),
        ({"where": "open('x')"}, FilterError),
        ({"seed": -1}, ReviewError),
    ],
)
def test_bad_parameters_stop_the_notebook_at_once(parameters, error):
    with pytest.raises(error):
        notebook.start(**parameters)


def test_the_caution_names_selection_filter_and_coders(tmp_path):
    text = notebook.start(where="year >= 2024", output_dir=str(tmp_path)).caution.data
    assert "`v2`" in text
    assert "`year >= 2024`" in text
    assert "by construction" in text
    assert "language models" in text
    assert "estimate nothing" in notebook.start(selection="pool").caution.data


def test_a_table_is_written_and_returned(session, tmp_path):
    shares = statistics.compute_shares(session.corpus, "modality", **session.choice)
    assert session.table(shares, "t") is shares
    rows = json.loads((tmp_path / "tables" / "t.json").read_text("utf-8"))
    assert [row["count"] for row in rows] == [46, 8, 5]
    assert (tmp_path / "tables" / "t.csv").read_text("utf-8").splitlines()[0].startswith("dimension,category,count")


@pytest.mark.browser
def test_a_figure_carries_caption_caution_and_corpus_hash(session, tmp_path):
    shares = statistics.compute_shares(session.corpus, "modality", **session.choice)
    figure = figures.plot_shares(shares, titles=session.titles)
    assert session.figure(figure, "f", describe(shares, "shares", session.titles), "A caption.") is figure
    text = (tmp_path / "figures" / "f.txt").read_text("utf-8")
    assert "46" in text.splitlines()[0]
    assert f"A caption. {notebook.SHORT_CAUTIONS['calibrated']} Corpus {session.corpus.hash[:12]}." in text
    assert (tmp_path / "figures" / "f.json").is_file()
    assert (tmp_path / "figures" / "html" / "f.html").is_file()


def test_dimensions_by_name_kind_and_place(session):
    assert session.dimension("") == "modality"
    assert session.dimension("", place=1) == "method"
    assert session.dimension("", place=-1) == "primary_evaluation"
    assert session.dimension("", "multiple") == "evaluation"
    assert session.dimension("", "multiple", 2) == "generator"
    assert session.dimension("", "multiple", 99) == "seed_data"
    assert session.dimension("domain") == "domain"
    with pytest.raises(UnknownNameError):
        session.dimension("colour")


def test_another_review_has_its_own_dimensions_coders_and_versions(tmp_path):
    other = notebook.start(corpus_dir=str(SECOND), output_dir=str(tmp_path))
    assert other.selection == "included"
    assert other.dimension("") == next(iter(other.corpus.codebook.dimensions))
    assert (other.coder("", 0), other.coder("", 1), other.verifier()) == ("a", "", "")
    assert other.editions() == ("report", "readme")
    assert "single reviewer" in other.caution.data
    assert "by construction" not in other.caution.data


def test_coders_and_versions_of_this_review(session):
    assert (session.coder("", 0), session.coder("", 1), session.coder("verifier", 0)) == ("a", "b", "verifier")
    assert session.verifier() == "verifier"
    assert session.editions() == ("v1", "v2")
    assert session.editions("v2", "news") == ("v2", "news")


def test_open_dimensions_are_repeated_when_there_are_few(session):
    assert session.open_dimensions(2, ["primary_evaluation", "domain", "technique"]) == ["domain", "technique"]
    assert session.open_dimensions(3, ["domain"]) == ["domain"] * 3


def test_the_watermark_names_corpus_and_packages(session):
    table = session.versions().set_index("what")["version"]
    assert table["corpus"] == session.corpus.hash[:12]
    assert {"python", "pandas", "plotly", "papermill"} <= set(table.index)


def test_titles_name_dimensions_and_codes(session):
    assert session.titles["modality"] == "Data modality"
    assert session.titles["text"] == "Unstructured text"


def test_second_review_is_independent_and_met_exactly():
    """The published shares of the second review were computed from its own table: arithmetic, nothing else."""
    loaded = corpus.load(SECOND)
    table = statistics.reproduce(loaded)
    assert set(table["status"]) == {"independent"}
    assert (table["count"] == table["implied_count"]).all()
    assert table["difference"].abs().max() <= 0.05 + 1e-9


def test_a_cell_lists_its_coded_studies_with_citations(session):
    table = session.cell("text", "fine-tuning")
    studies = session.studies
    wanted = studies[(studies["modality"] == "text") & (studies["method"] == "fine-tuning")]
    assert sorted(table["key"]) == sorted(wanted["key"]) != []
    assert list(table.columns) == ["key", "citation", "title", "venue", "year", "link", "technique", "generator", "evaluation"]
    assert table["link"].str.startswith("https://").all()
    assert table["year"].is_monotonic_increasing


def test_the_cells_hold_every_study_once(session):
    pairs = [(modality, method) for modality in generators.MODALITIES for method in generators.METHODS]
    keys = [key for pair in pairs for key in session.cell(*pair)["key"]]
    assert sorted(keys) == sorted(session.studies["key"])


def test_words_about_a_cell_give_count_and_range(session, tmp_path):
    bounds = sensitivity.compute_cell_bounds(session.corpus, "modality", "method", "v2").set_index(["row", "column"])
    low, high = bounds.loc[("text", "prompting"), ["min", "max"]]
    text = session.cell_note("text", "prompting").data
    count = len(session.cell("text", "prompting"))
    assert low < count < high
    assert f"has {count} studies in the cell text x prompting" in text
    assert f"is between {low} and {high}." in text
    assert "no joint counts" in text
    empty = session.cell_note("multimodal", "specialized").data
    assert "has no studies" in empty
    assert "is always 0." in empty
    assert "between" not in notebook.start(selection="pool", output_dir=str(tmp_path)).cell_note("text", "prompting").data
    assert "(filtered)" in notebook.start(where="year >= 2024", output_dir=str(tmp_path)).cell_note("text", "prompting").data
    assert "1 study in" in session.cell_note("tabular", "specialized").data


def test_a_review_without_the_dimensions_has_no_studies_behind_a_demonstration(tmp_path):
    other = notebook.start(corpus_dir=str(SECOND), output_dir=str(tmp_path))
    assert len(other.cell("text", "prompting")) == 0
    assert "does not code modality and method" in other.cell_note("text", "prompting").data


MADE = Dataset(
    "text", "prompting", 4, {"model": "m", "sha256": "ab" * 32}, {}, {"odd": "odd"}, (Record(0, {}), Record(1, {}, "odd"))
)


def test_a_table_is_shown_without_its_index_and_the_same_each_time(session):
    frame = pd.DataFrame({"text": ["<b>a</b>"], "n": [1.5]})
    first, again = (session.shown(frame, "t-1") for _ in range(2))
    assert (first._repr_html_(), repr(first)) == (again._repr_html_(), repr(again))
    assert repr(first).split() == ["text", "n", "<b>a</b>", "1.5"]
    assert 'id="T_t-1"' in first._repr_html_()
    assert "row_heading" not in first._repr_html_()
    assert "text-align: left" in first._repr_html_()
    numbers = session.shown(pd.DataFrame({"n": [1.234, None]}), "t-2", digits=2)
    assert "text-align" not in numbers._repr_html_()
    assert re.findall(r"<td[^>]*>([^<]*)</td>", numbers._repr_html_()) == ["1.23", ""]
    assert repr(numbers).split() == ["n", "1.23"]


def test_generated_records_are_written_apart_from_the_tables(session, tmp_path):
    table = session.dataset(MADE, "d")
    assert table["count"].tolist() == [1, 1]
    assert len((tmp_path / "generated" / "d.jsonl").read_text("utf-8").splitlines()) == 2
    assert (tmp_path / "generated" / "d.provenance.json").is_file()
    assert session.cache == str(paths.CACHE)


@pytest.mark.browser
def test_a_figure_of_a_demonstration_says_what_made_it(session, tmp_path):
    figure = demo_figures.plot_outcomes(MADE.outcomes())
    assert session.demonstration(figure, "f", demo_figures.alt_outcomes(MADE.outcomes()), "A caption.", MADE) is figure
    text = (tmp_path / "generated" / "f.txt").read_text("utf-8")
    assert "A caption. Demonstration text/prompting, 2 items, m (abababababab), seed 4; it tells nothing about" in text
    assert "by construction" not in text
    assert not (tmp_path / "figures").exists()


def test_the_watermark_names_the_libraries_of_a_demonstration(session):
    assert "xllamacpp" in set(session.versions()["what"])

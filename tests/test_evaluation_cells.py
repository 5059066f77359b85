"""Records of the nine generators beside what they learnt from."""

import json

import pandas as pd
import pytest

from review import corpus, generators, paths
from review.errors import InputError
from review.evaluation import cells
from review.evaluation.cells import Graded
from review.evaluation.metrics import FAIL, PASS, Grade, Settings
from review.files import records
from review.generators import seeds, tables
from review.generators.dataset import Dataset, Record

TABLE = {"table": "breast-cancer", "columns": "chosen"}


def written(folder, modality, method, configuration, contents, reasons=()):
    """Write records as a generator does; those with a reason are rejected."""
    items = tuple(
        Record(place, content, reasons[place] if place < len(reasons) else "") for place, content in enumerate(contents)
    )
    made = Dataset(modality, method, 3, {"model": "none"}, configuration, {"bad": "bad"}, items)
    return made.write(folder / "records.jsonl")[0]


def test_the_numbers_of_the_notebooks_name_their_cells():
    for number, (modality, method) in cells.numbered().items():
        assert [path.stem for path in paths.NOTEBOOKS.glob(f"{number}-*.ipynb")] == [f"{number}-{modality}-{method}"]
    assert set(cells.numbered().values()) == set(generators.CELLS)


def test_a_table_is_held_against_the_rows_it_was_learnt_from(tmp_path):
    table = tables.load("breast-cancer")
    train, held = table.split(3)
    path = written(tmp_path, "tabular", "specialized", TABLE, table.rows(train.head(30)), ["bad"] * 5)
    pair, facts = cells.pair_of(path)
    assert (pair.kind, pair.label, pair.accepted) == ("tabular", "diagnosis", (25, 30))
    assert (len(pair.real), len(pair.synthetic), len(pair.holdout)) == (len(train), 25, len(held))
    assert pair.real["mean radius"].tolist() == train["mean radius"].tolist()
    assert facts["modality"] == "tabular"
    assert len(cells.pair_of(path, rejected=True)[0].synthetic) == 30


def test_texts_are_held_against_the_seed_texts_of_their_kind(tmp_path):
    contents = [{"text": f"text {place} of some words here", "label": "cardiology"} for place in range(4)]
    train, held = seeds.split(seeds.load("note"), 3)
    pair, _ = cells.pair_of(written(tmp_path, "text", "fine-tuning", {"kind": "note"}, contents))
    assert pair.real["text"].tolist() == [item.text for item in train]
    assert pair.holdout["text"].tolist() == [item.text for item in held]
    train, held = seeds.split(seeds.load(), 3)
    pair, _ = cells.pair_of(written(tmp_path, "text", "specialized", {"kind": "report"}, contents))
    assert pair.holdout["text"].tolist() == [item.text for item in held if item.kind == "report"]
    pair, _ = cells.pair_of(written(tmp_path, "text", "prompting", {"kind": "dialogue"}, contents))
    assert (len(pair.real), pair.holdout) == (len(seeds.load("dialogue")), None)
    assert any("not reviewed by clinicians" in note for note in pair.notes)


def test_pairs_are_held_against_simulated_segments(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "SEGMENTS", 8)
    cells._segments.cache_clear()
    rows = [{**row, "qt": None} for row in records(cells._segments("lessons", 3)[["heart_rate", "rhythm", "report", "signal"]])]
    path = written(tmp_path, "multimodal", "specialized", {}, rows[:6])
    pair, _ = cells.pair_of(path)
    cells._segments.cache_clear()
    assert (pair.kind, pair.text, pair.label) == ("paired", "report", "rhythm")
    assert "signal" in pair.named("sequence")
    assert "qt" not in [column.name for column in pair.columns]
    assert any("qt is missing in every synthetic item" in note for note in pair.notes)
    assert not pair.real["report"].equals(pair.holdout["report"])


@pytest.mark.parametrize("contents", [[], [{"text": "one text of six words here", "label": "cardiology"}], [{}, {}, {}]])
def test_too_few_records_make_no_card(tmp_path, contents):
    pair, facts = cells.pair_of(written(tmp_path, "text", "fine-tuning", {"kind": "note"}, contents))
    assert pair is None
    assert facts["asked"] == len(contents)


def test_records_without_provenance_are_refused(tmp_path):
    path = written(tmp_path, "text", "fine-tuning", {"kind": "note"}, [])
    beside = tmp_path / "records.provenance.json"
    beside.write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        cells.pair_of(path)
    beside.write_text(json.dumps({"modality": "text"}))
    with pytest.raises(InputError, match="method is missing"):
        cells.pair_of(path)
    beside.unlink()
    with pytest.raises(InputError, match="missing"):
        cells.pair_of(path)


def test_records_that_exist_are_not_generated_again(tmp_path, monkeypatch):
    for number in cells.numbered():
        (tmp_path / f"{number}-records.jsonl").write_text("")
    asked = []

    def generate(modality, method, n, seed, **options):
        asked.append((modality, method, n, seed, options["cache"]))
        return Dataset(modality, method, seed, {"model": "none"}, {}, {}, ())

    monkeypatch.setattr(generators, "generate", generate)
    assert {origin for _, origin in cells.collect(tmp_path, 5).values()} == {"records of the notebook of this cell"}
    (tmp_path / "31-records.jsonl").unlink()
    path, origin = cells.collect(tmp_path, 5, cache="c")["31"]
    assert asked == [("tabular", "prompting", 4, 5, "c")]  # the size that the notebook itself calls small
    assert path == tmp_path / "small" / "31-records.jsonl"
    assert path.exists()
    assert "small size (4)" in origin


class Stub:
    """Stands where a card would."""

    def __init__(self, *grades):
        self.grades = tuple(Grade("intrinsic", aspect, grade, "why") for aspect, grade in grades)


GRADED = (
    Graded("text", "prompting", 3, 4, Stub(("form", FAIL), ("content", PASS)), "from here"),
    Graded("multimodal", "specialized", 0, 9, None, "no card"),
)


def test_an_overview_counts_grades_with_the_share_accepted():
    table = cells.overview(GRADED).set_index("cell")
    row = table.loc["text, prompting"]
    assert (row["accepted"], row["asked"], row["share"], row["pass"], row["fail"]) == (3, 4, 0.75, 1, 1)
    assert (round(row["low"], 3), round(row["high"], 3)) == (0.301, 0.954)  # Wilson by hand
    assert table.loc["multimodal, specialized", "pass"] == 0


def test_grades_and_views_of_all_cells():
    table = cells.grades(GRADED)
    assert table["series"].tolist() == ["text, prompting"] * 2
    loaded = corpus.load()
    views = cells.views(GRADED, loaded)
    own = views[views["cell"] == "text, prompting"]
    studies = loaded.studies("default", 'modality == "text" and method == "prompting"')
    assert own["count"].sum() == len(studies) == own["studies"].iloc[0]
    shown = own.set_index("labels").loc["downstream"]
    assert (shown["failing"], shown["failing_shown"], shown["failing_hidden"]) == (1, 0, 1)
    none = cells.views(GRADED, corpus.load("examples/second-review"))
    assert none["labels"].tolist() == ["no coded study"] * 2
    narrow = cells.views(GRADED[:1], loaded, where="year >= 2030")
    assert narrow["labels"].tolist() == ["no coded study"]


def test_cards_of_cells_are_made_one_by_one(tmp_path):
    table = tables.load("breast-cancer")
    train, _ = table.split(3)
    path = written(tmp_path, "tabular", "specialized", TABLE, table.rows(train.head(40)))
    (tmp_path / "none").mkdir()
    none = written(tmp_path / "none", "text", "fine-tuning", {"kind": "note"}, [])
    steps = []
    graded = cells.grade_all(
        {"33": (path, "a"), "22": (none, "b")}, Settings(deals=20, repeats=5), progress=lambda *step: steps.append(step)
    )
    assert [one.card is None for one in graded] == [False, True]
    assert graded[0].card.grade("privacy", "copies") == FAIL  # they are rows that were learnt from
    assert graded[0].card.title == "Report card: tabular, specialized (none, seed 3)"
    assert steps == [("cards", 0, 2), ("cards", 1, 2)]
    assert isinstance(cells.overview(graded), pd.DataFrame)

"""Records and their provenance: counts with intervals, files that say where everything comes from, the same bytes each time."""

import json

import pytest
from statsmodels.stats.proportion import proportion_confint

from review.generators.dataset import Dataset, Record, copied, item_seed

REASONS = {"cut-off": "the answer did not end", "schema": "the answer does not meet the schema", "empty": "nothing was written"}


def made(**changes):
    records = (
        Record(0, {"text": "a", "label": "x"}, seed=5, parameters={"technique": "zero"}, prompt="write", raw='{"text":"a"}'),
        Record(1, {}, "cut-off", "after 9 tokens", 6, {"technique": "zero"}, "write", '{"te'),
        Record(2, {"text": "b", "label": "y"}, seed=7, parameters={"technique": "few"}),
        Record(3, {"text": "c"}, "schema", "label is missing", 8, {"technique": "few"}, raw="c"),
        Record(4, {}, "cut-off", "", 9, {"technique": "few"}),
    )
    facts = {
        "modality": "text",
        "method": "prompting",
        "seed": 3,
        "model": {"model": "m", "sha256": "ab" * 32},
        "configuration": {"n": 5, "temperature": 0.8},
        "reasons": REASONS,
        "records": records,
        "measures": {"loss": ({"step": 0, "loss": 2.0}, {"step": 1, "loss": 1.5})},
    }
    return Dataset(**{**facts, **changes})


def test_outcomes_count_every_item_with_wilson_intervals():
    table = made().outcomes()
    assert table[["group", "outcome", "count", "total"]].values.tolist() == [
        ["all", "accepted", 2, 5],
        ["all", "cut-off", 2, 5],
        ["all", "schema", 1, 5],
    ]
    for row in table.itertuples():
        low, high = proportion_confint(row.count, row.total, method="wilson")
        assert (row.low, row.high) == (pytest.approx(low), pytest.approx(high))
    assert table["count"].sum() == 5
    assert table["meaning"].tolist()[1] == REASONS["cut-off"]


def test_outcomes_by_a_parameter_count_each_group_apart():
    table = made().outcomes("technique")
    found = {(row.group, row.outcome): (row.count, row.total) for row in table.itertuples()}
    assert found == {
        ("zero", "accepted"): (1, 2),
        ("zero", "cut-off"): (1, 2),
        ("few", "accepted"): (1, 3),
        ("few", "cut-off"): (1, 3),
        ("few", "schema"): (1, 3),
    }


def test_the_table_of_contents_holds_the_accepted_only_unless_asked():
    assert made().frame().to_dict("records") == [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]
    whole = made().frame(rejected=True)
    assert whole["accepted"].tolist() == [True, False, True, False, False]
    assert whole["reason"].tolist() == ["", "cut-off", "", "schema", "cut-off"]
    assert [record.index for record in made().accepted] == [0, 2]


def test_a_reason_that_nobody_explains_is_refused():
    with pytest.raises(ValueError, match="tired"):
        made(records=(Record(0, {}, "tired"),))


def test_measures_are_tables():
    assert made().measure("loss")["loss"].tolist() == [2.0, 1.5]
    with pytest.raises(KeyError):
        made().measure("nothing")


def test_the_recipe_changes_with_whatever_decides_the_records():
    first = made().recipe
    assert made().recipe == first
    assert made(records=()).recipe == first
    for change in (
        {"seed": 4},
        {"configuration": {"n": 6}},
        {"model": {"model": "m", "sha256": "cd"}},
        {"method": "specialized"},
    ):
        assert made(**change).recipe != first


def test_every_line_carries_its_whole_provenance(tmp_path):
    records, beside = made().write(tmp_path / "new" / "out.jsonl")
    rows = [json.loads(line) for line in records.read_text("utf-8").splitlines()]
    assert len(rows) == 5
    assert rows[1] == {
        "format": "synthetic-data-review/records/1",
        "modality": "text",
        "method": "prompting",
        "model": "m",
        "model_sha256": "ab" * 32,
        "recipe": made().recipe,
        "index": 1,
        "seed": 6,
        "accepted": False,
        "reason": "cut-off",
        "detail": "after 9 tokens",
        "parameters": {"technique": "zero"},
        "content": {},
        "prompt": "write",
        "raw": '{"te',
    }
    facts = json.loads(beside.read_text("utf-8"))
    assert beside.name == "out.provenance.json"
    assert (facts["asked"], facts["accepted"], facts["seed"]) == (5, 2, 3)
    assert facts["configuration"] == {"n": 5, "temperature": 0.8}
    assert facts["reasons"] == REASONS
    assert facts["measures"]["loss"][1] == {"step": 1, "loss": 1.5}
    again = made().write(tmp_path / "again.jsonl")
    assert [path.read_bytes() for path in again] == [records.read_bytes(), beside.read_bytes()]


def test_a_number_that_json_does_not_know_is_refused_and_nothing_is_written(tmp_path):
    bad = made(records=(Record(0, {"x": float("nan")}),))
    with pytest.raises(ValueError, match="JSON"):
        bad.write(tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_half_a_surrogate_pair_survives(tmp_path):
    path, _ = made(records=(Record(0, {"text": "a\ud83d b"}, raw="\udc00"),)).write(tmp_path / "out.jsonl")
    row = json.loads(path.read_text("utf-8"))
    assert (row["content"]["text"], row["raw"]) == ("a\ud83d b", "\udc00")


def test_seeds_of_items_differ_and_repeat():
    seeds = [item_seed(1, index) for index in range(1000)]
    assert seeds == [item_seed(1, index) for index in range(1000)]
    assert len(set(seeds)) == 1000
    assert not set(seeds) & {item_seed(2, index) for index in range(1000)}
    assert all(0 <= seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    ("text", "sources", "found"),
    [
        ("One two three four five six seven eight.", ["x one TWO three four  five six seven eight. y"], True),
        ("one two three four five six seven", ["one two three four five six seven nine"], False),
        ("short text", ["Short  Text"], True),
        ("short text", ["a short text"], False),
        ("anything at all", [], False),
        ("a b c d e f g X h", ["a b c d e f g h"], False),
    ],
)
def test_copies_are_eight_words_in_a_row_or_the_whole(text, sources, found):
    assert copied(text, sources) is found

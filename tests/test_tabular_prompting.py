"""Every answer of a language model becomes an accepted row or a rejected one with its reason; nothing is tried again."""

import json

import pytest
from text_models import Scripted

from review import generators, llm
from review.errors import ModelError, OptionError
from review.generators import tables, tabular_grammar, tabular_prompting
from review.generators.dataset import item_seed

TABLE = tables.load("breast-cancer")
SEED = 11
TRAIN, HELD = TABLE.split(SEED)
REAL = TABLE.rows(TRAIN)
NEW = {**REAL[0], "mean area": REAL[0]["mean area"] + 1}


@pytest.fixture
def run(monkeypatch):
    """Run the cell on a model that answers what it is told; return dataset and model."""

    def run(answers, n=None, features=("schema", "grammar"), seed=SEED, **options):
        model = Scripted(answers, features)
        monkeypatch.setattr(llm, "load", lambda name, cache: model)
        return generators.generate("tabular", "prompting", n or len(answers), seed, **options), model

    return run


def outcome(made):
    return [record.reason for record in made.records]


def test_answers_are_judged_one_by_one(run):
    write = json.dumps
    answers = [
        write(NEW),
        "```json\n" + write({**NEW, "mean area": NEW["mean area"] + 1}) + "\n```",
        "",
        "  ",
        ('{"diagnosis": "benign", "mean', "length"),
        "No.",
        write([NEW]),
        write(NEW) + write(NEW),
        write(NEW)[:-1] + ', "mean area": 3}',
        write(NEW).replace(str(NEW["mean radius"]), "NaN"),
        write({key: NEW[key] for key in NEW if key != "mean area"}),
        write({**NEW, "diagnosis": "unclear"}),
        write({**NEW, "mean texture": 999}),
        write(REAL[3]),
        write(NEW),
        ("", "content_filter"),
    ]
    made, model = run(answers, decoding="free", shots=0)
    expected = ["", "", "empty", "empty", "cut-off", "no-json", "no-json", "no-json", "no-json", "no-json"]
    assert outcome(made) == [*expected, "schema", "schema", "out-of-range", "copy-train", "duplicate", "empty"]
    assert [record.raw for record in made.records] == [answer if isinstance(answer, str) else answer[0] for answer in answers]
    details = [record.detail for record in made.records]
    assert details[4] == "160 tokens"
    assert "keys twice: mean area" in details[8]
    assert "NaN is no JSON" in details[9]
    assert details[12] == f"mean texture: 999 is not from {TRAIN['mean texture'].min()} to {TRAIN['mean texture'].max()}"
    assert details[15] == "finish: content_filter"
    assert made.records[0].content == NEW
    assert made.records[12].content["mean texture"] == 999
    assert len(model.asked) == len(answers)
    assert model.closed == 1


def test_a_complete_object_at_the_limit_counts(run):
    made, _ = run([(json.dumps(NEW), "length")], decoding="free")
    assert outcome(made) == [""]


def test_a_copy_of_a_shown_row_is_told_from_other_copies(run):
    def copy(request):
        return request.messages[0].content.splitlines()[1]

    made, _ = run([copy], n=3, decoding="schema")
    assert outcome(made) == ["copy-shown"] * 3


def test_items_of_a_turn_have_the_same_prompt_and_their_own_seed(run):
    made, model = run(["x"], n=6, decoding="both", shots=3)
    prompts = [request.messages[0].content for request in model.asked]
    assert prompts[0] == prompts[1]
    assert prompts[2] == prompts[3]
    assert len(set(prompts)) == 3
    assert [request.seed for request in model.asked] == [item_seed(SEED, index) for index in range(6)]
    assert [record.parameters["decoding"] for record in made.records] == ["schema", "free"] * 3
    assert [request.schema is not None for request in model.asked] == [True, False] * 3
    assert model.asked[0].schema == TABLE.schema(TRAIN)
    made, model = run(["x"], n=3, decoding="all")
    assert [record.parameters["decoding"] for record in made.records] == ["schema", "free", "grammar"]
    assert [request.grammar for request in model.asked] == ["", "", tabular_grammar.row(TABLE, TRAIN)]


def test_a_prompt_shows_rows_to_learn_from_and_no_row_held_out(run):
    _, model = run(["x"], n=20, decoding="free", shots=2)
    known = {tabular_grammar.line(TABLE, row) for row in REAL}
    unseen = {tabular_grammar.line(TABLE, row) for row in TABLE.rows(HELD)}
    for request in model.asked:
        shown = [line for line in request.messages[0].content.splitlines() if line.startswith("{")]
        assert len(set(shown)) == 2
        assert set(shown) <= known
        assert not set(shown) & unseen
    _, model = run(["x"], n=1, decoding="free", shots=0)
    text = model.asked[0].messages[0].content
    assert f"mean area: {TRAIN['mean area'].min()} to {TRAIN['mean area'].max()}" in text
    assert "malignant, benign" in text


def test_the_validity_counts_each_demand_by_decoding(run):
    good, odd = json.dumps(NEW), "Here: " + json.dumps(NEW)
    far = json.dumps({**NEW, "mean area": 10**6})
    made, _ = run([good, odd, far, "{}"], decoding="both")
    table = made.measure("validity").set_index(["name", "series"])
    counts = table["count"].to_dict()
    assert set(table["total"]) == {2}
    assert {key[0]: value for key, value in counts.items() if key[1] == "schema"} == {
        "an object is in the answer": 2,
        "the answer is one object": 2,
        "columns and kinds are right": 2,
        "numbers are in range": 1,
        "accepted": 1,
    }
    assert [value for key, value in counts.items() if key[1] == "free"] == [2, 1, 0, 0, 0]


def test_what_the_server_cannot_enforce_is_said(run):
    made, _ = run(["x"], features=())
    assert made.configuration["enforced"] == {"schema": False, "grammar": False}
    assert not {"model", "cache"} & made.configuration.keys()


def test_few_rows_are_not_compared_and_enough_are(run):
    rows = [{**REAL[place], "mean area": REAL[place]["mean area"] + 1} for place in range(6)]
    made, _ = run([json.dumps(row) for row in rows], decoding="schema")
    assert len(made.accepted) == 6
    assert made.measure("fidelity")["rows"].tolist() == [6] * 10
    assert made.measure("copying")["count"].tolist() == [6, len(HELD)]
    assert not made.measure("marginals").empty
    made, _ = run([json.dumps(row) for row in rows[:4]], decoding="schema")
    assert made.measure("fidelity").empty
    assert made.measure("marginals").empty


def test_records_can_be_written_whatever_the_model_says(run, tmp_path):
    answers = [
        '{"diagnosis": "\\ud800", "\\udfff": 1}',
        "[" * 5000,
        '{"a": ' + "9" * 5000 + "}",
        '{"mean area": 1e999}',
        "\u2028",
    ]
    made, _ = run(answers, decoding="free")
    assert outcome(made) == ["schema", "no-json", "no-json", "schema", "empty"]
    path, beside = made.write(tmp_path / "rows.jsonl")
    assert len(path.read_text("utf-8").split("\n")) == 6
    assert json.loads(beside.read_text("utf-8"))["asked"] == 5


def test_an_object_is_found_anywhere():
    assert tabular_prompting.first_object('So: {"a": 1} is it')
    assert tabular_prompting.first_object('{ {"a": {}}')
    assert not tabular_prompting.first_object("{ 'a': 1 }")
    assert tabular_prompting.read("```\n{}\n```") == ({}, "")
    assert tabular_prompting.read("``````")[0] is None


@pytest.mark.parametrize(
    "options",
    [{"table": "iris"}, {"decoding": "some"}, {"shots": 11}, {"shots": -1}, {"temperature": -0.1}, {"max_tokens": 0}],
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(OptionError, match=f"the option {next(iter(options))} is .* -> choose"):
        generators.generate("tabular", "prompting", 1, **options)


def test_a_model_that_fails_is_closed_and_the_error_is_passed_on(run):
    def fail(request):
        raise ModelError("not reachable -> start it")

    model = None
    with pytest.raises(ModelError, match="not reachable"):
        _, model = run([fail], n=1)
    assert model is None


@pytest.mark.slow
def test_the_embedded_model_keeps_to_the_schema_and_to_the_grammar():
    """Constrained answers are valid rows every time, or copies of real ones; and the same seed gives the same answers."""
    made = generators.generate("tabular", "prompting", 3, 5, decoding="all", shots=0)
    assert made.model["model"] == "SmolLM2-135M-Instruct.Q4_1"
    validity = made.measure("validity")
    held_to = validity[validity["series"].isin(["schema", "grammar"]) & (validity["name"] != "accepted")]
    assert (held_to["count"] == held_to["total"]).all()
    again = generators.generate("tabular", "prompting", 1, 5, decoding="all", shots=0)
    assert [record.raw for record in again.records] == [record.raw for record in made.records[:1]]

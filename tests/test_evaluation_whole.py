"""Whole cards: what must hold of data whose quality is known, on the command line and from Python."""

import csv
import json
import re

import pytest

from review import cli, evaluation
from review.errors import OptionError, UnknownNameError
from review.evaluation import card as cards
from review.evaluation import controls, inputs
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, Settings
from review.generators import multimodal_pairs, seeds

QUICK = Settings(seed=1, deals=40, repeats=8)


def graded(card):
    return {(grade.family, grade.aspect): grade.grade for grade in card.grades}


@pytest.fixture(scope="module")
def table():
    """Cards of the example table and of every control of it."""
    pair = controls.example(1)
    made = {"synthetic": evaluation.evaluate(pair, QUICK)}
    return made | {name: evaluation.evaluate(controls.make(pair, name, 1), QUICK) for name in controls.CONTROLS}


@pytest.fixture(scope="module")
def notes():
    """Cards of every control of the seed notes; a sixth of the notes is held out."""
    import pandas as pd

    known = [{"text": item.text, "label": item.label} for item in seeds.load("note")]
    kept = [one for place, one in enumerate(known) if place % 6 < 5]
    real, holdout = (pd.DataFrame(part) for part in (kept, known[5::6]))
    pair = inputs.from_frames(real, real, holdout)
    return {name: evaluation.evaluate(controls.make(pair, name, 2), QUICK) for name in controls.CONTROLS}


def test_columns_drawn_alone_pass_marginals_and_fail_relations(table):
    found = graded(table["synthetic"])
    assert found["intrinsic", "marginals"] == PASS
    assert found["intrinsic", "dependence"] == FAIL
    assert found["downstream", "prediction"] == FAIL
    assert found["privacy", "copies"] == PASS


def test_a_bootstrap_copy_is_near_real_data_and_fails_privacy(table):
    found = graded(table[controls.COPY])
    assert {found["intrinsic", aspect] for aspect in ("marginals", "dependence", "constraints")} == {PASS}
    assert found["intrinsic", "detection"] != FAIL
    assert found["downstream", "prediction"] == PASS
    assert {found["privacy", aspect] for aspect in ("copies", "distance", "membership", "inference")} == {FAIL}


def test_fidelity_of_a_bootstrap_copy_lies_within_the_baseline(table):
    values = [value for value in table[controls.COPY].values if value.metric in ("ks", "tv")]
    assert values
    assert all(value.value <= value.baseline_high for value in values)


def test_shuffled_columns_pass_marginals_and_fail_dependence(table):
    found = graded(table[controls.SHUFFLED])
    assert (found["intrinsic", "marginals"], found["intrinsic", "dependence"]) == (PASS, FAIL)


def test_noise_fails_all_of_fidelity_and_utility(table):
    found = graded(table[controls.NOISE])
    assert {found["intrinsic", aspect] for aspect in ("marginals", "dependence", "detection", "constraints")} == {FAIL}
    assert found["downstream", "prediction"] == FAIL


def test_fresh_real_items_fail_nothing(table, notes):
    for card in (table[controls.FRESH], notes[controls.FRESH]):
        assert FAIL not in graded(card).values()


def test_families_that_were_not_asked_say_so(table):
    found = table["synthetic"].table().set_index("family")
    assert found.loc["human", "grade"] == found.loc["llm", "grade"] == NOT_ASSESSABLE
    assert "52-rating" in found.loc["human", "reason"]
    assert "--judge" in found.loc["llm", "reason"]


def test_texts_of_random_letters_fail_and_copies_are_caught(notes):
    noise, copy = graded(notes[controls.NOISE]), graded(notes[controls.COPY])
    assert noise["intrinsic", "content"] == noise["intrinsic", "text detection"] == FAIL
    assert copy["privacy", "copies"] == copy["privacy", "verbatim"] == FAIL
    assert copy["intrinsic", "form"] == copy["intrinsic", "content"] == PASS
    assert graded(notes[controls.SHUFFLED])["intrinsic", "content"] == FAIL  # words in another order
    judged = {value.metric: value.verdict for value in notes[controls.SHUFFLED].values if value.verdict == FAIL}
    assert set(judged) >= {"known_pairs"}


def test_every_card_keeps_to_the_schema_and_describes_its_metrics(table, notes):
    for card in (*table.values(), *notes.values()):
        found = card.plain()
        assert [part["family"] for part in found["families"]] == list(evaluation.FAMILIES)
        import jsonschema

        jsonschema.validate(found, cards.schema())
        assert {value.metric for value in card.values} == set(card.metrics)
        for metric in card.metrics.values():
            assert re.search(r"(10\.\d{4,}/|arXiv|https?://|ISBN|defined here|\d{4})", metric.reference), metric.name


def test_graded_values_have_an_interval_and_a_baseline(table, notes):
    values = [value for card in (*table.values(), *notes.values()) for value in card.values]
    values = [value for value in values if value.verdict not in ("", NOT_ASSESSABLE)]
    assert values
    for value in values:
        assert None not in (value.value, value.low, value.high), value
        assert value.interval
        assert value.against
        assert value.real
        assert value.synthetic


def test_pairs_are_graded_as_columns_texts_and_pairs(monkeypatch):
    import pandas as pd

    rows = []
    from review.generators import ecg_reports
    from review.generators.dataset import item_seed

    for place, one in enumerate(multimodal_pairs.pairs(40, 5, lambda *_: None)):
        report = ecg_reports.choose(ecg_reports.load(), one.findings, item_seed(5, place)).fill(one.findings)
        rows.append({**one.findings.values(), "report": report, "signal": list(one.segment.signal)})
    pair = inputs.from_frames(pd.DataFrame(rows[:26]), pd.DataFrame(rows[26:]))
    found = graded(evaluation.evaluate(pair, QUICK))
    assert {("intrinsic", "marginals"), ("intrinsic", "text detection"), ("intrinsic", "agreement")} <= set(found)
    assert found["privacy", "membership"] == NOT_ASSESSABLE  # without a hold-out there is no control
    assert found["intrinsic", "agreement"] != FAIL


def test_a_control_has_to_exist():
    with pytest.raises(UnknownNameError, match="mirror"):
        controls.make(controls.example(1), "mirror")
    with pytest.raises(OptionError, match="only a part"):
        controls.given_or_example("a.csv", "")


def test_controls_are_what_they_say():
    pair = controls.example(1)
    copy = controls.make(pair, controls.COPY, 3)
    rows = set(copy.real.itertuples(index=False, name=None))
    assert all(row in rows for row in copy.synthetic.itertuples(index=False, name=None))
    fresh = controls.make(pair, controls.FRESH, 3)
    assert len(fresh.real) + len(fresh.synthetic) == len(pair.real)
    shuffled = controls.make(pair, controls.SHUFFLED, 3)
    assert set(shuffled.synthetic["mean radius"]) <= set(shuffled.real["mean radius"])
    assert (
        len(controls.grades(controls.make(pair, controls.FRESH), evaluation.evaluate(pair, QUICK), QUICK)["series"].unique()) == 5
    )


HOSTILE = ['=HYPERLINK("http://x")', "<script>alert(1)</script>", "@SUM(1)", "{{7*7}}"]


def write(folder, name, count, shift=0):
    """Write a table whose classes and names of columns are hostile."""
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["value", "<b>level</b>", "=label"])
        for place in range(count):
            writer.writerow([place * 37 % 101 + shift, HOSTILE[place % 4], HOSTILE[place // 2 % 2]])
    return path


def run(folder, *more, out="card"):
    real, synthetic = write(folder, "real", 120), write(folder, "synthetic", 80)
    quick = ["--deals", "20", "--repeats", "5", "--label", "=label"]
    return cli.main(["evaluate", "--real", str(real), "--synthetic", str(synthetic), "--out", str(folder / out), *quick, *more])


def test_the_command_writes_an_inert_card_and_prints_the_grades(tmp_path, capsys):
    assert run(tmp_path, "--format", "json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert {row["family"] for row in printed} == set(evaluation.FAMILIES)
    held = cards.read(tmp_path / "card" / "card.json")
    assert held["data"]["label"] == "=label"
    assert held["data"]["sizes"] == {"real": 120, "synthetic": 80}
    assert held["reported"]["families"][0]["count"] == 16
    page = (tmp_path / "card" / "card.html").read_text("utf-8")
    assert "<script" not in page
    assert "<b>level" not in page
    rows = list(csv.DictReader((tmp_path / "card" / "metrics.csv").read_text("utf-8").splitlines()))
    assert not [text for row in rows for text in row.values() if re.match(r"[=@+\t]|-[^\d]", text)]


def test_the_same_files_and_seed_give_the_same_bytes(tmp_path):
    assert run(tmp_path, out="one") == run(tmp_path, out="two") == 0
    for name in cards.FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_bad_pairs_end_with_every_problem_and_no_card(tmp_path, capsys):
    real = write(tmp_path, "real", 30)
    other = tmp_path / "other.csv"
    other.write_text("value,<b>level</b>\n1,a\nNA,b\n")
    assert cli.main(["evaluate", "--real", str(real), "--synthetic", str(other), "--out", str(tmp_path / "card")]) == 1
    said = capsys.readouterr().err
    assert "other.csv: [=label] the column is missing here -> add it, or leave it out: --ignore =label" in said
    assert "Traceback" not in said
    assert not (tmp_path / "card").exists()


def test_options_of_the_command_reach_the_card(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {column: value, min: 0, max: 1000}\n")
    more = ["--holdout", str(write(tmp_path, "holdout", 60, 1)), "--constraints", str(rules), "--seed", "3", "--title", "A title"]
    assert run(tmp_path, *more) == 0
    held = cards.read(tmp_path / "card" / "card.json")
    assert (held["title"], held["settings"]["seed"], held["data"]["sizes"]["holdout"]) == ("A title", 3, 60)
    intrinsic = held["families"][0]["values"]
    assert any(value["metric"] == "given_rule" and value["verdict"] == "pass" for value in intrinsic)

"""The worked examples of CONTRIBUTING.md do what they say, as they stand there."""

import dataclasses
import re
import shutil
import types

import pytest

from review import corpus, evaluation, generators, paths, statistics
from review.errors import OptionError
from review.evaluation import inputs, text
from review.evaluation.metrics import Settings

TEXT = (paths.ROOT / "CONTRIBUTING.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```([^\n]+)\n(.*?)```", TEXT, flags=re.DOTALL))


@pytest.fixture
def copied(tmp_path):
    for name in corpus.FILES:
        shutil.copy(paths.DATA / name, tmp_path)
    return tmp_path


def module(block):
    found = types.ModuleType(block.replace(" ", "_"))
    exec(compile(BLOCKS[block], f"CONTRIBUTING.md, {block}", "exec"), found.__dict__)
    return found


def append(path, text):
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def with_study(folder):
    append(folder / paths.BIBLIOGRAPHY, "\n" + BLOCKS["bibtex"])
    for name in (paths.SCREENING, paths.CODING):
        append(folder / name, BLOCKS[f"csv {name}"])
    flow = (folder / paths.FLOW).read_text("utf-8")
    count = int(re.search(r"records found,(\d+)", flow)[1])
    (folder / paths.FLOW).write_text(flow.replace(f"records found,{count}", f"records found,{count + 1}"), "utf-8")


def test_the_study_is_in_the_corpus(copied, real):
    with_study(copied)
    loaded = corpus.load(copied)
    row = loaded.studies(where='key == "doe2025example"').iloc[0]
    assert (row["citation"], row["year"], row["status"]) == ("Doe and Roe 2025", 2025, "unverified")
    assert row["modality"] == "text"
    assert row.isna()["evaluation"], "an empty value is unknown"
    assert len(loaded.references) == len(real.references) + 1
    assert loaded.selections["pool"] == real.selections["pool"], "what is not verified is not in the pool"


def test_the_dimension_is_counted_like_any_other(copied):
    append(copied / paths.CODEBOOK, BLOCKS["yaml"])
    append(copied / paths.CODING, "alamgeer2025ai,code_availability,consensus,public,,both coders,,\n")
    loaded = corpus.load(copied)
    table = statistics.compute_shares(loaded, "code_availability", "pool").set_index("category")
    assert table["count"].to_dict() == {"public": 1, "none": 0}
    assert set(table["unknown"]) == {len(loaded.selections["pool"]) - 1}
    assert len(loaded.studies(where='code_availability == "public"')) == 1


def test_the_metric_tells_texts_without_marks_from_real_ones(monkeypatch):
    import pandas as pd

    from review.generators import seeds

    metric = module("python metric")
    assert metric.share("Yes, no.") == 2 / 8
    monkeypatch.setattr(text, "METRICS", (*text.METRICS, *metric.METRICS))
    monkeypatch.setattr(text, "ASPECTS", {"form": (*text.ASPECTS["form"], metric.measure)})
    notes = pd.DataFrame({"text": [item.text for item in seeds.load("note")]})
    bare = notes["text"].str.replace(r"[.,;:!?]", "", regex=True).to_frame()
    found = {}
    for name, other in (("same", notes), ("bare", bare)):
        section = text.measure(inputs.from_frames(notes, other), Settings(seed=1))
        found[name] = next(value for value in section.values if value.metric == "marks_ks")
    assert found["bare"].value == 1.0
    assert found["bare"].verdict == "fail"
    assert found["same"].verdict == "pass"
    assert "marks_ks" in evaluation.metrics_of()


def test_the_generator_returns_every_item_and_repeats_itself(monkeypatch):
    import sys

    made = module("python generator")
    monkeypatch.setitem(sys.modules, "review.generators.text_shuffled", made)
    monkeypatch.setattr(generators, "CELLS", {**generators.CELLS, ("text", "shuffled"): "text_shuffled"})
    monkeypatch.setattr(generators, "METHODS", (*generators.METHODS, "shuffled"))
    one = generators.generate("text", "shuffled", 40, seed=3)
    assert len(one.records) == 40
    assert one == generators.generate("text", "shuffled", 40, seed=3)
    assert one.records[0] != generators.generate("text", "shuffled", 40, seed=4).records[0]
    for record in one.records:
        assert record.accepted == (len(record.content["text"].split()) >= 30)
    assert 0 < len(one.accepted) < 40, "both outcomes occur, and are kept"
    assert dataclasses.asdict(made.Options()) == {"words": 30}
    with pytest.raises(OptionError, match="choose 1 or more"):
        generators.generate("text", "shuffled", 2, words=0)


def test_files_and_functions_that_are_named_exist():
    for name in set(re.findall(r"`((?:review|tests|docs|data)/[\w/.-]+)`", TEXT)):
        assert (paths.ROOT / name).exists(), name

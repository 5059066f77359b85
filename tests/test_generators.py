"""One way into nine cells: names, sizes, options and missing libraries are checked before anything runs."""

import dataclasses
import importlib
import subprocess
import sys
import types

import pytest

from review import cli, generators, paths
from review.errors import MissingExtraError, OptionError, UnknownNameError
from review.generators.dataset import Dataset, Record

CELLS = list(generators.CELLS)
each = pytest.mark.parametrize("cell", CELLS, ids="-".join)


@dataclasses.dataclass(frozen=True)
class Options:
    words: int = 3
    heat: float = 0.5
    mark: str = "x"
    loud: bool = False
    cache: str = ""

    def __post_init__(self):
        if self.words < 1:
            raise ValueError("words is 1 or more")


@pytest.fixture
def stub(monkeypatch):
    """A cell that notes what it is called with."""
    calls = []

    def generate(n, seed, options, progress):
        calls.append((n, seed, options))
        progress("writing", n, n)
        return Dataset("text", "prompting", seed, {"model": "stub"}, {}, {"odd": "odd"}, tuple(Record(i, {}) for i in range(n)))

    module = types.SimpleNamespace(Options=Options, DEFAULT_SIZE=4, generate=generate, calls=calls)
    real = importlib.import_module  # libraries import their own parts with it
    own = "review.generators."
    monkeypatch.setattr(importlib, "import_module", lambda name, *of: module if name.startswith(own) else real(name, *of))
    return module


def test_the_cells_have_the_codes_of_the_codebook(real):
    assert len(CELLS) == 9
    assert {modality for modality, _ in CELLS} == set(real.codebook["modality"].categories) == set(generators.MODALITIES)
    assert {method for _, method in CELLS} == set(real.codebook["method"].categories) == set(generators.METHODS)


@each
def test_every_cell_has_a_module_with_options_size_and_reasons(cell):
    options = generators.options_of(*cell)
    assert generators.default_size(*cell) >= 8
    assert all(isinstance(value, str | int | float | bool) for value in options.values())
    assert generators._module(*cell).REASONS
    with pytest.raises(OptionError, match=r"no option named 'colour' -> choose of"):
        generators.generate(*cell, 1, colour="blue")


def test_size_seed_and_options_reach_the_cell(stub):
    made = generators.generate("text", "prompting", seed=7)
    assert len(made.records) == 4
    generators.generate("text", "prompting", 2, 8, words="5", heat="0.25", loud="True", mark="y")
    assert stub.calls == [(4, 7, Options()), (2, 8, Options(5, 0.25, "y", True))]
    generators.generate("text", "prompting", 2, 8, heat=1)
    assert stub.calls[-1][2].heat == 1.0


def test_progress_is_told(stub):
    seen = []
    generators.generate("text", "prompting", 2, progress=lambda *what: seen.append(what))
    assert seen == [("writing", 2, 2)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour": 1}, "no option named 'colour' -> choose of: words, heat, mark, loud, cache"),
        ({"words": "many"}, "the option words is 'many' -> give int"),
        ({"words": 1.5}, "the option words is 1.5 -> give int"),
        ({"words": True}, "the option words is True -> give int"),
        ({"heat": "hot"}, "the option heat is 'hot' -> give float"),
        ({"heat": "nan"}, "the option heat is nan -> give a finite number"),
        ({"heat": float("inf")}, "the option heat is inf -> give a finite number"),
        ({"loud": "yes"}, "the option loud is 'yes' -> give bool"),
        ({"mark": 3}, "the option mark is 3 -> give str"),
        ({"words": 0}, "words is 1 or more"),
    ],
)
def test_options_that_cannot_be_used_are_refused(stub, options, message):
    with pytest.raises(OptionError, match=message):
        generators.generate("text", "prompting", 1, **options)
    assert stub.calls == []


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (-1, 0), (1, -1), (1, 2**31)])
def test_size_and_seed_have_bounds(stub, n, seed):
    with pytest.raises(OptionError, match="->"):
        generators.generate("text", "prompting", n, seed)
    assert stub.calls == []


def test_unknown_cells_are_refused():
    with pytest.raises(UnknownNameError, match=r"modality.*'sound'.*text, tabular, multimodal"):
        generators.generate("sound", "prompting")
    with pytest.raises(UnknownNameError, match=r"method.*'magic'.*prompting, fine-tuning, specialized"):
        generators.generate("text", "magic")


@pytest.mark.parametrize("place", ["import", "run"])
def test_a_missing_library_is_named_with_the_remedy(monkeypatch, stub, place):
    def fail(*_):
        raise ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")

    if place == "import":
        monkeypatch.setattr(generators.importlib, "import_module", fail)
    else:
        stub.generate = fail
    with pytest.raises(MissingExtraError, match=r"'torch.nn' is not installed -> run: make setup-generate"):
        generators.generate("text", "prompting", 1)


def test_a_mistake_in_a_cell_is_not_taken_for_a_missing_library(monkeypatch, stub):
    def fail(*_):
        raise ModuleNotFoundError("No module named 'review.nothing'", name="review.nothing")

    stub.generate = fail
    with pytest.raises(ModuleNotFoundError, match=r"review.nothing"):
        generators.generate("text", "prompting", 1)
    monkeypatch.setattr(generators.importlib, "import_module", fail)
    with pytest.raises(ModuleNotFoundError, match=r"review.nothing"):
        generators.generate("text", "prompting", 1)


def test_nothing_heavy_is_imported_before_a_cell_runs():
    """Neither the statistics nor the way in touch torch, the runtime, scikit-learn or neurokit2."""
    code = (
        "import sys\n"
        "import review, review.cli, review.llm, review.generators, review.statistics, review.corpus, review.reproduce\n"
        "from review import corpus, statistics\n"
        "statistics.reproduce(corpus.load())\n"
        f"print([name for name in {generators.LIBRARIES!r} if name in sys.modules and name != 'jsonschema'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def run(capsys, *argv):
    status = cli.main(["generate", *argv])
    streams = capsys.readouterr()
    return status, streams.out, streams.err


def test_the_command_writes_records_and_prints_outcomes(capsys, stub, tmp_path):
    out = tmp_path / "x.jsonl"
    cell = ("--modality", "text", "--method", "prompting")
    status, printed, err = run(
        capsys, *cell, "-n", "3", "--seed", "9", "--out", str(out), "--option", "words=2", "--format", "csv"
    )
    assert status == 0
    assert printed.splitlines()[1].startswith("accepted,3,3,1.0,")
    assert "writing: 3/3" in err
    assert "3 of 3 records accepted; model: stub" in err
    assert len(out.read_text("utf-8").splitlines()) == 3
    assert (tmp_path / "x.provenance.json").is_file()
    assert stub.calls == [(3, 9, Options(words=2, cache=str(paths.CACHE)))]


@pytest.mark.parametrize(
    ("given", "cache"), [(("--cache", "none"), ""), (("--cache", "/d"), "/d"), (("--option", "cache=/e"), "/e")]
)
def test_the_cache_can_be_chosen(capsys, stub, tmp_path, given, cache):
    run(capsys, "--modality", "text", "--method", "prompting", "-n", "1", "--out", str(tmp_path / "x.jsonl"), *given)
    assert stub.calls[0][2].cache == cache


def test_the_command_lists_options(capsys, stub):
    status, printed, _ = run(capsys, "--modality", "text", "--method", "prompting", "--list-options")
    assert status == 0
    assert [line.split() for line in printed.splitlines()][1:4] == [["words", "3"], ["heat", "0.5"], ["mark", "x"]]
    assert stub.calls == []


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (("--modality", "text"), 2, "--method"),
        (("--modality", "text", "--method", "magic"), 1, "no method named 'magic'"),
        (("--modality", "text", "--method", "prompting", "--option", "words"), 1, "'words' is no option -> write NAME=VALUE"),
        (("--modality", "text", "--method", "prompting", "--model", "m.gguf"), 1, "no option named 'model'"),
        (("--modality", "text", "--method", "prompting", "-n", "0"), 2, "-n"),
    ],
)
def test_wrong_use_of_the_command_is_told(capsys, stub, argv, status, message):
    found, _, err = run(capsys, *argv)
    assert found == status
    assert message in err
    assert "Traceback" not in err

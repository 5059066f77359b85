"""Sources of notebooks: no outputs, no logic, typed parameters, kept promises; every one runs with plain papermill."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import cell_records
import nbformat
import pytest

from review import paths
from review.batch import declarations

NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
COMMON = {"corpus_dir", "selection", "where", "review_version", "seed", "output_dir"}
EXPECTED = [
    "00-start",
    "01-corpus-and-screening",
    "02-modality",
    "03-generation-method",
    "04-evaluation",
    "05-trends-and-cross-tables",
    "06-versions",
    "07-coder-agreement",
    "08-reproduction-report",
    "09-ranges",
    "10-sensitivity",
    "11-evidence-map",
    "12-tables-and-checklist",
    "13-explore",
    "21-text-prompting",
    "22-text-fine-tuning",
    "23-text-specialized",
    "31-tabular-prompting",
    "32-tabular-fine-tuning",
    "33-tabular-specialized",
    "41-multimodal-prompting",
    "42-multimodal-fine-tuning",
    "43-multimodal-specialized",
    "50-report-card",
    "51-nine-cards",
    "52-rating",
    "53-judge",
    "60-coding",
    "61-living-review",
]
SECOND = paths.ROOT / "examples" / "second-review"
FOLDERS = {
    "session.table": "tables/{}.csv",
    "session.figure": "figures/{}.json",
    "session.dataset": "generated/{}.jsonl",
    "publication_tables.keep": "tables/{}.csv tables/{}.html tables/{}.tex tables/{}.docx",
    "session.demonstration": "generated/{}.json",
    "session.card": "cards/{}/card.html",
    "session.card_figure": "cards/{}.json",
}
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_the_notebooks_are_there_and_in_order():
    assert [path.stem for path in NOTEBOOKS] == EXPECTED


@each
def test_no_outputs_are_kept(path):
    for cell in code(path):
        assert cell.outputs == []
        assert cell.execution_count is None
    strip = paths.ROOT / "tools" / "strip_notebooks.py"
    run = subprocess.run([sys.executable, strip, path], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


def test_the_hook_removes_outputs(tmp_path):
    book = read(NOTEBOOKS[0])
    before = NOTEBOOKS[0].read_text("utf-8")
    cell = next(cell for cell in book.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("stream", text="secret")]
    cell.execution_count = 3
    book.metadata["papermill"] = {"start_time": "now"}
    path = tmp_path / "copy.ipynb"
    path.write_text(nbformat.writes(book))
    strip = paths.ROOT / "tools" / "strip_notebooks.py"
    assert subprocess.call([sys.executable, strip, path], stdout=subprocess.DEVNULL) == 1
    assert path.read_text("utf-8") == before


@each
def test_a_notebook_is_short_and_holds_no_logic(path):
    book = read(path)
    assert 5 <= len(book.cells) <= 30
    for cell in code(path):
        tree = ast.parse(cell.source)
        kinds = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try)
        assert not [node for node in ast.walk(tree) if isinstance(node, kinds)]
        assert all(len(line) <= 130 for line in cell.source.splitlines())


@each
def test_parameters_are_typed_explained_and_common_to_all(path):
    cells = [cell for cell in code(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(cells) == 1
    assignments = ast.parse(cells[0].source).body
    assert all(isinstance(node, ast.AnnAssign) for node in assignments)
    assert {node.target.id for node in assignments} >= COMMON
    lines = [line for line in cells[0].source.splitlines() if not line.startswith("#")]
    assert all(re.search(r"  # \S", line) for line in lines)
    assert set(declarations.declared(path)) == {node.target.id for node in assignments}


@each
def test_a_notebook_ends_with_the_versions(path):
    assert code(path)[-1].source == "session.versions()"


@each
def test_promises_name_every_table_and_figure_that_the_source_writes(path):
    written = set()
    for node in (node for cell in code(path) for node in ast.walk(ast.parse(cell.source))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in FOLDERS:
            written.update(FOLDERS[ast.unparse(node.func)].replace("{}", node.args[1].value).split())
    assert set(declarations.promised(path)) == written != set()
    assert all(name.split("/")[1].startswith(path.stem[:3]) for name in written)


@each
def test_a_demonstration_opens_with_the_studies_of_its_cell(path):
    """Each of the nine asks the corpus for its own cell, runs that cell, and can be run small."""
    source = "\n".join(cell.source for cell in code(path))
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    made = {tuple(arg.value for arg in call.args[:2]) for call in calls if ast.unparse(call.func) == "generators.generate"}
    if not 20 <= int(path.stem[:2]) < 50:
        assert not made
        return
    modality, _, method = path.stem[3:].partition("-")
    assert made == {(modality, method)}
    asked = {tuple(arg.value for arg in call.args) for call in calls if ast.unparse(call.func) == "session.cell"}
    assert asked == {(modality, method)}
    quick = read(path).metadata["review"]["quick"]
    assert set(quick) <= set(declarations.declared(path))
    assert quick["n"] < int(declarations.declared(path)["n"])


def test_no_table_is_shown_under_names_of_chance():
    """pandas draws the names of the parts of a styled table, unless it is given one."""
    shown = 0
    for path in NOTEBOOKS:
        cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert not [source for source in cells if ".style" in source], f"{path.name}: use session.shown"
        calls = [node for source in cells if "session.shown" in source for node in ast.walk(ast.parse(source))]
        calls = [node for node in calls if isinstance(node, ast.Call) and ast.unparse(node.func) == "session.shown"]
        names = [ast.literal_eval(call.args[1]) for call in calls]
        assert len(set(names)) == len(names)
        assert all(name.startswith(path.name[:2]) for name in names)
        shown += len(names)
    assert shown


def test_links_between_notebooks_lead_somewhere():
    for path in NOTEBOOKS:
        for cell in read(path).cells:
            for target in re.findall(r"\]\(([^)#:]+\.ipynb)\)", cell.source):
                assert (path.parent / target).is_file()


def test_artefacts_have_one_notebook_each():
    promised = [name for path in NOTEBOOKS for name in declarations.promised(path)]
    assert len(promised) == len(set(promised))


@pytest.mark.slow
@each
def test_runs_with_the_plain_papermill_command_and_other_parameters(path, tmp_path):
    """Those that run a generator do so at small sizes, and on the second review."""
    command = [sys.executable, "-m", "papermill", str(path), str(tmp_path / "out.ipynb"), "--no-progress-bar"]
    small = {name: str(value) for name, value in declarations.quick(path).items()}
    corpus = {"corpus_dir": str(SECOND)} if small else {"selection": "pool", "where": "year >= 2024"}
    parameters = {**corpus, **small, "output_dir": str(tmp_path)}
    if path.stem == "51-nine-cards":  # otherwise it would generate: the nine notebooks before it do that in these tests
        parameters["generated"] = str(cell_records.write(tmp_path / "records", seed=1))
    flags = [part for name, value in parameters.items() for part in ("-p", name, value)]
    run = subprocess.run([*command, *flags], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    for name in declarations.promised(path):
        assert (tmp_path / name).stat().st_size > 0
    if path.stem == "02-modality":
        shares = json.loads(Path(tmp_path, "tables", "02-shares.json").read_text("utf-8"))
        assert {row["status"] for row in shares} == {"purposive sample"}
        assert shares[0]["total"] > 59

"""What README.md says can be done is done here, word by word."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from review import paths

README = (paths.ROOT / "README.md").read_text("utf-8")
GUIDES = [path.read_text("utf-8") for path in sorted((paths.ROOT / "docs").glob("*.md"))]
BLOCKS = [block for text in (README, *GUIDES) for block in re.findall(r"```(\w+)\n(.*?)```", text, flags=re.DOTALL)]
COMMANDS = [
    line.split("   #")[0].strip() for language, block in BLOCKS if language == "sh" for line in block.splitlines() if line.strip()
]


def test_the_two_commands_are_the_first_thing_shown():
    assert COMMANDS[:2] == ["make reproduce", "make test"]
    makefile = (paths.ROOT / "Makefile").read_text("utf-8")
    assert "\nreproduce: " in makefile
    assert "\ntest: " in makefile


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in dict.fromkeys(COMMANDS) if not command.startswith("make ")])
def test_command_runs(command, tmp_path):
    words = shlex.split(command)
    assert words[0].startswith(".venv/bin/")
    program = Path(sys.executable).parent / Path(words[0]).name
    arguments = [str(tmp_path / word.removeprefix("runs/")) if word.startswith("runs/") else word for word in words[1:]]
    run = subprocess.run(
        [program, *arguments], cwd=paths.ROOT, capture_output=True, text=True, check=False, timeout=300, env={**os.environ}
    )
    assert run.returncode == 0, run.stderr[-2000:]


def test_python_example_prints_the_published_counts():
    example = next(block for language, block in BLOCKS if language == "python")
    run = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True, cwd=paths.ROOT)
    assert re.search(r"prompting +74\.6 +44 +59 +by construction", run.stdout)


def test_every_notebook_is_in_the_table():
    for path in sorted(paths.NOTEBOOKS.glob("*.ipynb")):
        assert f"| `{path.stem}` |" in README


TEXTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", "data/seeds/README.md", "examples/import/README.md"]
TEXTS += [f"docs/{path.name}" for path in sorted((paths.ROOT / "docs").glob("*.md"))]


def test_every_guide_is_reached_from_the_readme():
    """Directly, or through a guide that is."""
    reached, waiting = set(), ["README.md"]
    while waiting:
        path = paths.ROOT / waiting.pop()
        for target in re.findall(r"\]\(([^)#]+\.md)(?:#[^)]*)?\)", path.read_text("utf-8")):
            name = (path.parent / target).resolve().relative_to(paths.ROOT).as_posix()
            if not target.startswith("https://") and name not in reached:
                reached.add(name)
                waiting.append(name)
    assert {name for name in TEXTS if name.startswith("docs/")} <= reached


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_pictures_lead_somewhere(name):
    path = paths.ROOT / name
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text("utf-8")):
        if not target.startswith(("https://", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_numbers_of_the_readme_are_those_of_the_corpus():
    from review import corpus

    loaded = corpus.load()
    screening = loaded.screening
    coded = (screening["stage"] == "verification").sum()
    assert f"{len(screening)} records were screened" in README
    assert f"{coded} studies coded twice" in README
    assert f"{len(loaded.selections['pool'])} are verified" in README
    data = (paths.DATA / "README.md").read_text("utf-8")
    sizes = {"coding.csv": len(loaded.coding), "screening.csv": len(screening), "bibliography.bib": len(loaded.references)}
    for name, rows in sizes.items():
        assert re.search(rf"\| `{name}` \|[^|]+\| {rows:,} \|", data), name


def test_numbers_of_the_explanation_are_those_of_the_corpus():
    from review import corpus, selection, sensitivity

    text = (paths.ROOT / "docs" / "reconstruction.md").read_text("utf-8")
    loaded = corpus.load()
    v1, v2 = (set(loaded.selections[name]) for name in ("v1", "v2"))
    assert f"n = {len(selection.candidates(loaded))} verified" in text
    assert f"they share {len(v1 & v2)} of {len(v2)} studies" in text
    assert f"{len(loaded.screening)} records" in text
    assert f"{len(loaded.selections['pool'])} are *verified*" in text
    bounds = sensitivity.compute_bounds(loaded, ["evaluation", "technique", "generator"]).set_index(["dimension", "category"])
    rows = {"downstream evaluation": ("evaluation", "downstream"), "few-shot prompting": ("technique", "few-shot")}
    rows["GPT-4 as generator"] = ("generator", "gpt-4")
    for words, place in rows.items():
        low, high, chosen = bounds.loc[place, ["min", "max", "chosen"]]
        assert f"| {words} | {low} | {high} | {chosen} |" in text
    for version, total in (("v1", 57), ("v2", 50)):
        rows = loaded.implied[(loaded.implied["version"] == version) & (loaded.implied["dimension"] == "evaluation")]
        assert rows["count"].sum() == total
        assert f"{total} ({version})" in text


def test_the_explanation_says_what_cannot_be_reconstructed():
    from review import corpus, sensitivity
    from review.errors import InfeasibleError

    with pytest.raises(InfeasibleError, match="no reconstruction exists"):
        sensitivity.compute_bounds(corpus.load(), ["evaluation"], "v2+exclusive")

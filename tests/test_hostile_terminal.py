"""What a terminal would obey, and what would show a text as another one: written out on screens, refused in a corpus."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import TINY

from review import cli, corpus, paths, reproduce
from review.batch.runner import FAILED, Outcome
from review.errors import InputError, RunError, printable
from review.living import prompts
from review.printing import print_path, print_table

ESCAPE = "\x1b]0;title\x07\x1b[2J\x1b[31m"
SIGNS = {
    "escape": "\x1b[2J",
    "bell": "\x07",
    "backspace": "\x08",
    "delete": "\x7f",
    "C1 sequence": "\x9b2J",
    "override": "\u202e",
    "embedding": "\u202a",
    "isolate": "\u2066",
    "form feed": "\x0c",
}
UNSEEN = ["\u200b", "\u2060", "\ufeff", "\u00ad", "\U000e0041", "\u200e", "\u2028"]


def obeyed(text):
    """Return what of a text on a screen is no sign that shows."""
    return [sign for sign in text if not sign.isprintable() and sign != "\n"]


@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS.keys())
@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("coding.csv", "followed for a year"),
        ("bibliography.bib", "Mood in a Survey"),
        ("screening.csv", "an opinion"),
        ("published.csv", "a talk"),
        ("flow.csv", "one a week"),
        ("codebook.yaml", "How the study was made."),
    ],
)
def test_a_corpus_holds_no_such_sign(name, old, sign, damage, capsys):
    folder = damage(name, old, old[:4] + sign + old[4:])
    with pytest.raises(InputError) as caught:
        corpus.load(folder)
    assert {problem.file for problem in caught.value.problems} == {str(folder / name)}
    assert all(problem.remedy for problem in caught.value.problems)
    assert cli.main(["validate", "--corpus", str(folder)]) == 1
    assert obeyed(capsys.readouterr().err) == []


def test_a_sign_in_the_escapes_of_yaml_is_refused_too(damage):
    folder = damage("codebook.yaml", "How the study was made.", '"made\\u202e how"')
    with pytest.raises(InputError, match=r"codebook\.yaml:11: .* reorders the text"):
        corpus.load(folder)


def test_letters_of_any_language_and_their_joiners_are_taken(damage):
    words = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 na\u00efve \u05e9\u05dc\u05d5\u05dd\u200f \u4e2d\u6587"
    assert words in list(corpus.load(damage("coding.csv", "followed for a year", words)).coding["evidence"])


@pytest.mark.parametrize("sign", [*SIGNS.values(), *UNSEEN, "\ud800", "\r", "a\nb"])
def test_a_table_on_a_screen_shows_every_sign(sign, capsys):
    name = "a" if "\ud800" in sign else f"a{sign}"  # pandas has no such name of a column
    print_table(pd.DataFrame({name: [f"x{sign}y", 1], "b": ["\t", None]}), "table")
    shown = capsys.readouterr().out
    assert obeyed(shown) == []
    assert shown.count("\n") == 3


def test_the_closing_words_of_a_run_show_what_a_cell_wrote(tmp_path):
    outcomes = (Outcome(f"n{ESCAPE}.ipynb", FAILED, 1.0, f"cell 1: {ESCAPE}\u202egood\n14 of 14 notebooks ran"),)
    lines = reproduce.summary_lines(reproduce.Result(tmp_path, outcomes, (), (), ""))
    assert [sign for line in lines for sign in line if not sign.isprintable()] == []
    assert sum(line.endswith("notebooks ran and kept their promises") for line in lines) == 1


def test_an_error_about_a_name_shows_the_name(capsys):
    for arguments in (["validate", "--corpus", f"x{ESCAPE}\u202e"], ["statistics", "--selection", f"v2{ESCAPE}"]):
        assert cli.main(arguments) == 1
        said = capsys.readouterr().err
        assert obeyed(said) == []
        assert "\\x1b" in said


@pytest.mark.parametrize("sign", [*SIGNS.values(), *UNSEEN, "\n", "\r"])
def test_the_name_of_a_folder_is_shown_and_not_obeyed(sign, tmp_path, capsys):
    folder = shutil.copytree(TINY, tmp_path / f"in{sign}{sign}")
    assert cli.main(["validate", "--corpus", str(folder)]) == 0
    said = capsys.readouterr().out
    assert obeyed(said) == []
    assert said.count("\n") == 1
    assert f"in{printable(sign * 2)}: good; studies" in said


def test_words_of_the_command_line_are_shown_and_not_obeyed(capsys):
    for arguments in (["validate", ESCAPE], [ESCAPE], ["statistics", "--format", ESCAPE], ["bounds", f"--{ESCAPE}"]):
        assert cli.main(arguments) == 2
        said = capsys.readouterr().err
        assert obeyed(said) == []
        assert printable(ESCAPE) in said or repr(ESCAPE) in said


def test_paths_are_exact_for_programs_and_can_be_shown_to_people(monkeypatch, capsys):
    path = Path(f"out{ESCAPE}/index.html")
    print_path(path)
    assert capsys.readouterr().out == f"{path}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_path(path)
    assert capsys.readouterr().out == f"{printable(str(path))}\n"


def test_nothing_else_writes_to_people():
    """All lines on standard error go through say, but for processes that talk to others, and steps that the package names."""
    own = {"printing.py", "browser_server.py", "batch/warm_server.py", "evaluation/command.py", "generators/command.py"}
    writers = {path for path in (paths.ROOT / "review").rglob("*.py") if "file=sys.stderr" in path.read_text("utf-8")}
    assert {path.relative_to(paths.ROOT / "review").as_posix() for path in writers} == own


def test_a_message_keeps_its_lines_and_nothing_else(capsys, monkeypatch):
    def fail(options):
        raise RunError(f"one\ntwo{ESCAPE}\u202e\r\x00")

    monkeypatch.setattr(cli, "_validate", fail)
    assert cli.main(["validate"]) == 1
    assert obeyed(capsys.readouterr().err) == []


@pytest.mark.parametrize("sign", [*SIGNS.values(), *UNSEEN])
def test_what_is_written_out_can_be_told_apart(sign):
    assert printable(sign) != sign
    assert printable(sign).isascii()
    assert printable("Zürich 中文") == "Zürich 中文"


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are no bytes there")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_no_name_or_encoding_ends_a_command_in_a_traceback(encoding, tmp_path):
    folder = shutil.copytree(TINY, tmp_path / os.fsdecode(b"f\xff\x1b[2J"))
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    call = [sys.executable, "-c", "import sys; from review.cli import main; sys.exit(main())"]
    command = ["prisma"] if encoding == "ascii" else ["validate"]
    call += [*command, "--corpus", str(folder)]
    done = subprocess.run(call, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("sign", [*SIGNS.values(), *UNSEEN])
def test_a_model_is_shown_nothing_that_a_person_does_not_see(sign):
    assert prompts.marked(f"a{sign}b", 100).isprintable()

"""Disks that are full or closed, folders that are moved, clocks that jump, browsers that are left: for real, and told in time."""

import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import TINY
from fault_parts import BOOK, FAULTS, LINUX, load

from review import cli, files, generators, journal, paths, reproduce
from review.browser import find_browser
from review.errors import InputError, with_remedy
from review.living.asking import Plan
from review.living.store import FORCED, JOURNAL, Store

PATIENCE = 600


hook = load("hook")
STUDY = "@article{mine, title = {Test Record One}, author = {Doe, Jane}, year = {2021}, doi = {10.1000/new.1}}\n"


def command(*words):
    return [sys.executable, "-m", "review.cli", *map(str, words)]


def environment(folder):
    for name in ("tmp", "home"):
        (folder / name).mkdir(exist_ok=True)
    return {**os.environ, "PYTHONPATH": str(paths.ROOT), "TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home")}


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def on_a_disk(folder, size, script):
    """Run lines of a shell in which ``disk`` is a file system of its own, of so many bytes."""
    words = ["unshare", "-rm", "bash", "-c", 'mount -t tmpfs -o "size=$1" faults disk && eval "$2"', "-", str(size), script]
    (folder / "disk").mkdir(exist_ok=True)
    return subprocess.run(
        words, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.fixture
def disks(tmp_path):
    """A folder of which a part can be a disk of its own."""
    if shutil.which("unshare") is None or on_a_disk(tmp_path, 65536, "true").returncode != 0:
        pytest.skip("mounting a small disk takes Linux with user name spaces that everybody may make")
    return tmp_path


@LINUX
@pytest.mark.parametrize("pages", [0, 1])
def test_a_corpus_on_a_disk_that_is_full_stays_as_it_was_and_is_changed_when_there_is_room(disks, pages):
    (disks / "list.bib").write_text(STUDY)
    import_it = " ".join(command("import", "list.bib", "--corpus", "disk/corpus", "--apply"))
    script = f"""
        cp -r {TINY} disk/corpus
        head -c {4096 * pages} /dev/zero > disk/room; cat /dev/zero > disk/rest 2> nothing; rm disk/room
        {import_it} > out 2> err; echo $? > code
        cp -r disk/corpus during; rm disk/rest
        {import_it} 2> again; echo $? > second; cp -r disk/corpus after
    """
    done = on_a_disk(disks, 1 << 20, script)
    assert done.returncode == 0, done.stderr
    said = (disks / "err").read_text()
    assert (disks / "code").read_text().strip() == "1"
    assert "No space left on device -> make room" in said
    assert "disk/corpus" in said
    assert "Traceback" not in said
    assert {name: data for name, data in tree(disks / "during").items() if not name.startswith(".")} == tree(TINY)
    assert (disks / "second").read_text().strip() == "0", (disks / "again").read_text()
    shutil.copytree(TINY, disks / "free")
    assert cli.main(["import", str(disks / "list.bib"), "--corpus", str(disks / "free"), "--apply"]) == 0
    assert tree(disks / "after") == tree(disks / "free")


@LINUX
@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("generate", "--modality", "tabular", "--method", "specialized", "--out", "disk/rows.jsonl"), "disk/rows.jsonl"),
        (("evaluate", "--real", "a.csv", "--synthetic", "a.csv", "--out", "disk/card"), "disk/card/card.html"),
        (("tables", "--out", "disk/tables"), "disk/tables"),
        (("select", "--write", "--corpus", "disk/corpus"), "disk/corpus/selection.csv"),
        (("import", "list.bib", "--corpus", "disk/corpus", "--apply"), "disk/corpus"),
        (("site", "--out", "disk/site", "--from", "nowhere"), "disk/site"),
        (("figures", "--out", "disk/figures"), "disk/figures"),
        (("batch", BOOK, "--out", "disk/batch"), "disk/batch"),
    ],
)
def test_a_disk_that_can_only_be_read_is_told_before_the_work(disks, words, place):
    shutil.copytree(TINY, disks / "corpus")
    (disks / "corpus" / "selection.csv").unlink()
    (disks / "list.bib").write_text(STUDY)
    asked = " ".join(command(*words))
    copied = "cp -r corpus disk/corpus" if words[0] == "select" else f"cp -r {TINY} disk/corpus"
    done = on_a_disk(disks, 1 << 20, f"{copied}; mount -o remount,ro disk; {asked}")
    assert done.returncode == 1
    assert f"{place}" in done.stderr
    assert "Read-only file system -> choose a folder that can be written to" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((disks / "tmp").iterdir()) == []


def refused(path, what=files.check_file):
    with pytest.raises((InputError, OSError)) as caught:
        what(path)
    error = caught.value
    return with_remedy(error) if isinstance(error, OSError) else str(error)


def test_a_place_where_nothing_can_be_written_is_refused_and_nothing_is_made(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    before = sorted(os.listdir(tmp_path))
    for path, words in (
        (tmp_path, "this is a folder -> name a file"),
        (tmp_path / "file" / "a", "Not a directory -> check the path"),
        (tmp_path / "new" / "loop" / "a", ""),
        (tmp_path / "loop" / "a", "Too many levels of symbolic links -> check the path"),
        (tmp_path / ("x" * 300), "File name too long -> choose a shorter name"),
        (tmp_path / ("x" * 252), "File name too long -> choose a shorter name"),
        (Path("/dev/full"), "this is a device"),
    ):
        if words:
            assert words in refused(path)
            assert str(path) in refused(path)
        else:
            files.check_file(path)
    files.check_file(tmp_path / "file")
    files.check_folder(tmp_path / "new" / "er")
    assert "Not a directory" in refused(tmp_path / "file", files.check_folder)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("generate", "--modality", "tabular", "--method", "specialized", "--out", "{}/file/rows.jsonl"), "file/rows.jsonl"),
        (("generate", "--modality", "tabular", "--method", "specialized", "--out", "{}/folder"), "folder"),
        (("generate", "--modality", "text", "--method", "prompting", "--out", "{}/taken.jsonl"), "taken.provenance.json"),
        (("evaluate", "--real", "a.csv", "--synthetic", "a.csv", "--out", "{}/file"), "file/card.html"),
        (("tables", "--out", "{}/file"), "file"),
        (("figures", "--out", "{}/file"), "file"),
        (("figures", "--publication", "--out", "{}/file/a"), "file/a"),
        (("site", "--out", "{}/file/a"), "file/a"),
        (("precode", "--corpus", "{}/corpus", "--apply"), "corpus"),
        (("select", "--write", "--corpus", "{}/corpus"), "corpus/selection.csv"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(tmp_path, monkeypatch, capsys, words, name):
    from review import gallery, llm, publication_tables, selection

    for module, work in (
        (generators, "generate"),
        (publication_tables, "every"),
        (gallery, "read"),
        (selection, "calibrate"),
        (llm, "load"),
    ):
        monkeypatch.setattr(module, work, lambda *_, **__: pytest.fail("it has begun"))
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken.provenance.json").mkdir()
    shutil.copytree(TINY, tmp_path / "corpus")
    if words[0] in ("precode", "select"):
        (tmp_path / "corpus" / paths.SELECTION).unlink()
        real = files.tempfile.TemporaryFile

        def closed(**given):
            if given["dir"] == tmp_path / "corpus":
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(given["dir"]))
            return real(**given)

        monkeypatch.setattr(files.tempfile, "TemporaryFile", closed)
    assert cli.main([word.format(tmp_path) for word in words]) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path}/{name}" in said
    assert "->" in said
    assert (tmp_path / "file").read_text() == "kept"


def forked(work, root, at=0, action="kill"):
    """Run a function in a fork with a fault at its k-th change to files; return how it ended, and the changes."""
    log = Path(f"{root}.log")
    log.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        code = 3
        try:
            os.setsid()
            hook.install(hook.Plan([str(root)], str(log), at, action))
            work()
            code = 0
        except OSError as error:
            (root.parent / "error").write_text(str(error))
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), hook.notes(log)


def drawn(folder, mark):
    folder.mkdir(parents=True)
    for kind in ("json", "png", "svg", "txt"):
        (folder / f"plot.{kind}").write_text(f"{kind} {mark}")
    (folder / "plot.sha256").write_text(mark)


@LINUX
@pytest.mark.parametrize("action", ["kill", "broken"])
def test_the_mark_of_a_figure_never_stands_beside_files_of_another(tmp_path, action):
    new, root = tmp_path / "new", tmp_path / "root"
    drawn(new, "2")
    (new / "plot.png").unlink()
    drawn(root / "figures", "1")
    _, changes = forked(lambda: reproduce.publish(new, root / "figures"), root)
    assert len(changes) > 10
    for place in range(1, len(changes) + 1):
        shutil.rmtree(root)
        drawn(root / "figures", "1")
        forked(lambda: reproduce.publish(new, root / "figures"), root, place, action)
        held = {path.suffix: path.read_text() for path in (root / "figures").glob("plot.*")}
        if mark := held.pop(".sha256", ""):
            assert {text.split()[1] for text in held.values()} == {mark}, changes[place - 1]
        reproduce.publish(new, root / "figures")
        assert tree(root / "figures") == tree(new), changes[place - 1]


@pytest.fixture
def short():
    """A folder with a short path: the browser's socket is in a folder for temporary files in it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@LINUX
@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("name", "more"), [("Default", ()), ("Cache", ("--publication",))])
def test_a_browser_that_is_told_to_end_leaves_nothing(short, number, name, more):
    if find_browser() is None:
        assert not os.environ.get("CI"), "CI has a browser"
        pytest.skip("no browser was found")
    place = environment(short)
    words = command("figures", "--from", paths.FIGURES, "--out", short / "out", *more)
    with subprocess.Popen(words, env=place, cwd=short, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        limit = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < limit and not any((short / "tmp").rglob(name)):
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "interrupted" in err
    assert "Traceback" not in err
    assert os.listdir(short / "tmp") == []


@pytest.mark.browser
@pytest.mark.slow
def test_a_long_path_for_temporary_files_is_no_obstacle(tmp_path):
    if find_browser() is None:
        assert not os.environ.get("CI"), "CI has a browser"
        pytest.skip("no browser was found")
    place = tmp_path / ("x" * 100)
    place.mkdir()
    words = command("figures", "--from", paths.FIGURES, "--only", "01-flow", "--format", "png", "--out", tmp_path / "out")
    done = subprocess.run(
        words, env={**os.environ, "TMPDIR": str(place)}, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "01-flow.png").read_bytes().startswith(b"\x89PNG")
    assert os.listdir(place) == []


@LINUX
@pytest.mark.slow
def test_a_batch_whose_folder_is_moved_ends_with_an_error_and_goes_on_there(tmp_path):
    book = json.loads(BOOK.read_text("utf-8"))
    wait = 'import time\nfrom pathlib import Path\n\nPath("{}").touch()\nwhile not Path("{}").exists():\n    time.sleep(0.01)'
    lines = wait.format(tmp_path / "begun", tmp_path / "moved").splitlines(keepends=True)
    book["cells"][1]["source"] = [*lines, "\n", 'Path(output_dir, "number.txt").write_text(str(number))']
    (tmp_path / "book.ipynb").write_text(json.dumps(book))
    (tmp_path / "grid.json").write_text(json.dumps({"product": {"number": [1, 2, 3]}}))
    words = command("batch", tmp_path / "book.ipynb", "-f", tmp_path / "grid.json", "--jobs", "1", "--out", tmp_path / "out")
    with subprocess.Popen(words, env=environment(tmp_path), cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        limit = time.monotonic() + PATIENCE
        while process.poll() is None and not (tmp_path / "begun").exists() and time.monotonic() < limit:
            time.sleep(0.01)
        (tmp_path / "out").rename(tmp_path / "elsewhere")
        (tmp_path / "moved").touch()
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 1)
    assert "Traceback (most recent call last)" not in err
    assert "number.txt" in err or "->" in err
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    (tmp_path / "elsewhere").rename(tmp_path / "out")
    again = subprocess.run(
        command("batch", "--resume", "--out", tmp_path / "out"), env=environment(tmp_path), capture_output=True, text=True,
        cwd=tmp_path, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert sorted(path.read_text() for path in (tmp_path / "out").glob("*/number.txt")) == ["1", "2", "3"]


@LINUX
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="a clock that jumps for one process takes a C compiler")
@pytest.mark.parametrize(("seconds", "numbers"), [(-200_000_000, ["1", "2"]), (200_000_000, ["1"])])
def test_a_clock_that_jumps_while_a_batch_runs_decides_nothing(tmp_path, seconds, numbers):
    """Files keep the times of the real clock, so none is written in a run that begins after a jump ahead."""
    built = subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", str(tmp_path / "clock.so"), str(FAULTS / "clock.c"), "-ldl"],
        check=False,
        timeout=PATIENCE,
    )
    if built.returncode != 0:
        pytest.skip("the C compiler has no headers of the system")
    book = json.loads(BOOK.read_text("utf-8"))
    lines = ["import time\n", "from pathlib import Path\n", "\n", f'Path("{tmp_path}/clock").write_text("{seconds}")\n']
    lines += [f'Path("{tmp_path}/now").write_text(str(time.time()))\n', 'Path(output_dir, "number.txt").write_text(str(number))']
    book["cells"][1]["source"] = lines
    (tmp_path / "book.ipynb").write_text(json.dumps(book))
    (tmp_path / "grid.json").write_text(json.dumps({"product": {"number": [int(number) for number in numbers]}}))
    place = environment(tmp_path) | {"LD_PRELOAD": str(tmp_path / "clock.so"), "REVIEW_CLOCK": str(tmp_path / "clock")}
    words = command("batch", tmp_path / "book.ipynb", "-f", tmp_path / "grid.json", "--jobs", "1", "--out", tmp_path / "out")
    done = subprocess.run(words, env=place, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert abs(float((tmp_path / "now").read_text()) - time.time()) > 1e8, "the clock did jump"
    assert sorted(path.read_text() for path in (tmp_path / "out").glob("*/number.txt")) == numbers
    (tmp_path / "clock").unlink()
    again = subprocess.run(words, env=place, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert f"{len(numbers)} of {len(numbers)} runs are good, {len(numbers)} of them unchanged" in again.stderr


def test_a_page_that_was_kept_by_a_process_that_was_killed_then_gets_into_the_journal(tmp_path, monkeypatch):
    import living_server

    with living_server.serve() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        words = ["update", "--corpus", str(shutil.copytree(TINY, tmp_path / "corpus")), "--since", "2026-01-02"]
        words += ["--until", "2026-03-04", "--out", str(tmp_path / "update")]
        monkeypatch.setattr("review.living.courier.Clock.__init__", quick)
        for name in ("pubmed", "arxiv", "openalex"):
            monkeypatch.setattr(f"review.living.{name}.PORTION", living_server.SIZE)
        assert cli.main(words) == 0
        record = tmp_path / "update" / JOURNAL
        whole = [json.loads(line) for line in record.read_text().splitlines()]
        assert cli.main(words) == 0
        assert [json.loads(line) for line in record.read_text().splitlines()] == whole, "nothing to add"
        for lost in (0, len(whole) - 1):
            record.write_text("".join(json.dumps(line) + "\n" for place, line in enumerate(whole) if place != lost))
            assert cli.main(words) == 0
            found = [json.loads(line) for line in record.read_text().splitlines()]
            wanted = {name: value for name, value in whole[lost].items() if name not in ("at", "requests")}
            assert {name: value for name, value in found[-1].items() if name not in ("at", "requests")} == wanted
            assert len(found) == len(whole)


def quick(self):
    self.now, self.sleep = time.monotonic, lambda _: None


def test_what_a_journal_tells_begins_anew_when_pages_were_removed(tmp_path):
    store = Store.make(tmp_path / "update", Plan({"arxiv": "x"}, "2026-01-01", "2026-01-02"))
    assert store.told() == set()
    store.keep("arxiv", 1, "xml", b"<a/>")
    with (store.folder / JOURNAL).open("a") as file:
        file.write('[1]\n{"event": \n{"event": "page", "number": "x"}\n')
    assert store.told() == {("page", "arxiv", 1)}
    store.forget()
    assert store.told() == {(FORCED, "", 0)}


@LINUX
def test_a_disk_that_fails_under_a_journal_is_told_by_its_name(tmp_path):
    root = tmp_path / "root"

    def work():
        with journal.Journal(root / "a.jsonl", lambda _: "") as file:
            file.add({"a": 1})

    root.mkdir()
    (root / "a.jsonl").write_bytes(b'{"torn"')
    _, changes = forked(work, root)
    for place, change in enumerate(changes, 1):
        (root / "a.jsonl").write_bytes(b'{"torn"')
        code, _ = forked(work, root, place, "broken")
        assert code == 3, change
        assert str(root) in (tmp_path / "error").read_text(), change


@LINUX
@pytest.mark.parametrize("action", ["kill", "full"])
def test_an_executed_notebook_is_whole_at_every_moment(tmp_path, action):
    from papermill.iorw import papermill_io

    from review.batch import engine

    engine.papermill()
    root = tmp_path / "root"
    path = root / "a.ipynb"
    root.mkdir()
    path.write_text("old")
    _, changes = forked(lambda: papermill_io.write("new" * 100, str(path)), root)
    assert len(changes) > 2
    for place in range(1, len(changes) + 1):
        path.write_text("old")
        forked(lambda: papermill_io.write("new" * 100, str(path)), root, place, action)
        assert path.read_text() in ("old", "new" * 100)
    papermill_io.write("newest", str(path))
    assert os.listdir(root) == ["a.ipynb"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        papermill_io.write("x", str(tmp_path / "nowhere" / "a.ipynb"))


def test_the_last_word_of_a_browser_is_no_traceback(caplog):
    from review import browser_program

    browser_program.program()
    told = logging.getLogger("choreographer.channels.pipe")
    told.error("JSONError decoding message. Ignoring")
    told.error("something else")
    assert caplog.messages == ["something else"]


def test_an_old_crate_is_replaced_by_the_next_reproduction_that_has_nothing_to_run(tmp_path):
    words = {"corpus_dir": str(TINY), "notebooks": [BOOK], "selection": "all", "folder": tmp_path / "run"}
    reproduce.reproduce(**words)
    record = tmp_path / "run" / "ro-crate-metadata.json"
    whole = record.read_text()
    record.write_text("{}")
    reproduce.reproduce(**words)
    assert record.read_text() == whole

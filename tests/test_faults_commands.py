"""Commands that are killed, or left without room, rights or a reader: the short form of the campaign, and each defence."""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import TINY
from fault_parts import BOOK, FAULTS, LINUX, load

from review import cli, corpus, drafts, errors, export, paths, streams, writing
from review.batch import campaign, command, crate, keys, manifest, runner
from review.errors import InputError
from review.files import write_bytes, write_new
from review.living.asking import Plan
from review.living.store import JOURNAL, Store
from review.site import build
from review.system import exchange, held, rename_new, scratch_folder

PATIENCE = 900


sys.path.insert(0, str(FAULTS))
hook = load("hook")
load("kills")
views = load("views")
load("cases")
box_module = load("box")
commands = load("commands")
sys.path.remove(str(FAULTS))


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "names"),
    [
        (2, ("rating", "coding", "import-list", "asreview", "import and coding")),
        (1, ("update", "precode", "generate-prompting", "generate-specialized", "evaluate", "tables")),
    ],
)
def test_commands_go_on_after_faults_as_if_there_had_been_none(number, names):
    pytest.importorskip("torch")
    chosen = [word for name in names for word in ("--command", name)]
    line = [sys.executable, str(FAULTS / "commands.py"), "--kills", str(number), "--seed", "3", *chosen]
    done = subprocess.run(line, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
    assert "wrong: {}" in done.stdout
    assert ("full_disk: 1" in done.stdout and "read_only: 1" in done.stdout) == box_module.apart()


def test_a_system_on_which_nobody_can_mount_a_disk_is_told(monkeypatch):
    monkeypatch.setattr(box_module.shutil, "which", lambda _: None)
    assert not box_module.apart()


def forked(work, *roots, at=0, action="kill"):
    """Run a function in a fork with a fault at its k-th change to files; return how it ended, and the changes."""
    log = Path(f"{roots[0]}.log")
    log.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        code = 3
        try:
            os.setsid()
            hook.install(hook.Plan([str(root) for root in roots], str(log), at, action))
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), hook.notes(log)


@LINUX
@pytest.mark.parametrize("action", ["kill", "full", "broken"])
def test_a_file_is_old_or_new_at_every_moment_and_nothing_piles_up(tmp_path, action):
    path = tmp_path / "place" / "a.txt"
    write_bytes(path, b"old")
    _, changes = forked(lambda: write_bytes(path, b"new" * 100, durable=True), path.parent)
    kinds = [note.kind for note in changes]
    assert [kind for kind in ("open", "write", "fsync", "rename") if kind in kinds] == ["open", "write", "fsync", "rename"]
    for place in range(1, len(changes) + 1):
        write_bytes(path, b"old")
        code, _ = forked(lambda: write_bytes(path, b"new" * 100, durable=True), path.parent, at=place, action=action)
        assert code != 0 or path.read_bytes() == b"new" * 100
        assert path.read_bytes() in (b"old", b"new" * 100)
        if action != "kill" and changes[place - 1].kind != "remove":
            assert os.listdir(path.parent) == ["a.txt"]
    write_bytes(path, b"last")
    assert os.listdir(path.parent) == ["a.txt"], "the next writer clears away what a killed one left"


@LINUX
def test_the_first_answer_stays_and_nothing_is_left_at_any_moment(tmp_path):
    path = tmp_path / "place" / "a.json"
    _, changes = forked(lambda: write_new(path, b"first"), path.parent)
    assert path.read_bytes() == b"first"
    for place in range(1, len(changes) + 1):
        path.unlink(missing_ok=True)
        forked(lambda: write_new(path, b"first"), path.parent, at=place)
        write_new(path, b"second")
        assert path.read_bytes() in (b"first", b"second")
        write_new(path, b"third")
        assert path.read_bytes() != b"third"
        assert os.listdir(path.parent) == ["a.json"], changes[place - 1]


def test_a_file_system_that_cannot_rename_so_gets_links(tmp_path, monkeypatch):
    monkeypatch.setattr("review.files.rename_new", lambda one, other: False)
    for data in (b"first", b"second"):
        write_new(tmp_path / "a", data)
    assert (tmp_path / "a").read_bytes() == b"first"
    monkeypatch.setattr(os, "link", lambda one, other: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no links")))
    write_new(tmp_path / "b", b"b")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_two_writers_at_the_same_time_do_not_touch_each_other(tmp_path):
    path = tmp_path / "a"
    with drafts.draft(path, b"slow") as one:
        with drafts.draft(path, b"fast") as other:
            assert one != other
            os.replace(other, path)
        assert Path(one).read_bytes() == b"slow"
        os.replace(one, path)
    assert path.read_bytes() == b"slow"
    assert os.listdir(tmp_path) == ["a"]


def test_what_was_renamed_is_not_removed_when_another_has_taken_its_temporary_name(tmp_path):
    with drafts.draft(tmp_path / "a", b"mine") as name:
        os.replace(name, tmp_path / "a")
        Path(name).write_bytes(b"another's")
    assert Path(name).read_bytes() == b"another's"


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path):
    other = tmp_path / "precious"
    other.write_text("kept")
    (tmp_path / f".a.0{drafts.SUFFIX}").symlink_to(other)
    write_bytes(tmp_path / "a", b"new")
    assert (other.read_text(), (tmp_path / "a").read_bytes()) == ("kept", b"new")


def test_a_file_system_without_locks_is_written_to_all_the_same(tmp_path, monkeypatch):
    def refuse(_handle):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(drafts, "_locked", refuse)
    write_bytes(tmp_path / "a", b"new")
    assert os.listdir(tmp_path) == ["a"]


def test_other_errors_of_a_lock_are_told(tmp_path, monkeypatch):
    def refuse(_handle):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(drafts, "_locked", refuse)
    with pytest.raises(OSError, match="broken") as caught:
        write_bytes(tmp_path / "a", b"new")
    assert caught.value.filename == str(tmp_path / "a")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to a device"])
def test_what_is_no_file_is_never_replaced_by_one(tmp_path, kind):
    path = tmp_path / "a"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to a device":
        path.symlink_to("/dev/full")
    else:
        path = Path("/dev/null")
    before = path.lstat().st_mode
    with pytest.raises(InputError, match="name a file"):
        write_bytes(path, b"x")
    assert path.lstat().st_mode == before


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "place/a: No space left on device -> make room on the disk"),
        (errno.EROFS, "place/a: Read-only file system -> choose a folder that can be written to"),
        (errno.EMFILE, "-> allow more open files"),
    ],
)
def test_errors_of_the_system_name_the_file_and_say_what_to_do(number, said):
    assert said in errors.with_remedy(OSError(number, os.strerror(number), "place/a"))


def test_errors_without_a_number_are_told_as_they_are():
    assert errors.with_remedy(OSError("as it is")) == "as it is"
    assert "not enough memory" in errors.with_remedy(MemoryError())


def test_too_little_memory_is_no_traceback(monkeypatch, capsys):
    def fail(_):
        raise MemoryError

    monkeypatch.setattr(cli, "_validate", fail)
    assert cli.main(["validate"]) == 1
    assert "there is not enough memory" in capsys.readouterr().err


def run(line, **given):
    environment = {**os.environ, "PYTHONPATH": str(paths.ROOT), **given.pop("env", {})}
    words = f"exec {sys.executable} -m review.cli {line}"
    shell = ["bash", "-c", words.replace("exec ", "", 1) if "|" in line else words]
    return subprocess.run(shell, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False, **given)


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        (f"statistics --corpus {TINY} --format csv | true", 0, "", "by construction"),
        (f"validate --corpus {TINY} > /dev/full", 1, "", "standard output: No space left on device -> make room"),
        ("--help > /dev/full", 1, "", ""),
        (f"validate --corpus {TINY} >&-", 0, "", ""),
        (f"statistics --corpus {TINY} 2>&- <&-", 0, "dimension", ""),
    ],
)
def test_output_that_nobody_takes_is_no_traceback(line, code, out, err):
    done = run(line)
    assert done.returncode == code
    assert out in done.stdout
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert err in done.stderr


def test_a_reader_that_stops_reading_does_not_stop_the_work(tmp_path):
    place = shutil.copytree(TINY, tmp_path / "corpus")
    (tmp_path / "list.bib").write_text(sys.modules["cases"].STUDIES)
    done = run(f"import {tmp_path}/list.bib --corpus {place} --apply | true")
    assert "Traceback" not in done.stderr
    assert "10.1000/new.1" in (place / "screening.csv").read_text()
    assert "written: screening.csv" in done.stderr


@pytest.mark.parametrize(
    "locale", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_letters_that_a_terminal_does_not_have_are_no_error(locale):
    done = run("checklist --format md", env=locale)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@LINUX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_clears_away(tmp_path, number):
    (tmp_path / "tmp").mkdir()
    code = (
        f"import signal, sys, time; signal.signal({number:d}, signal.SIG_DFL)  # nohup would have it ignored\n"
        "from review import cli, system\n"
        "def wait(_):\n"
        "    with system.scratch_folder() as place:\n"
        "        print(place, flush=True); time.sleep(600)\n"
        "cli._validate = wait; sys.argv = ['review', 'validate']; sys.exit(cli.main())"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(paths.ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes) as process:
        assert Path(process.stdout.readline().strip()).is_dir()
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert f"interrupted: {number.name}" in err
    assert os.listdir(tmp_path / "tmp") == []


def test_streams_of_others_are_left_alone(monkeypatch):
    class Other:
        pass

    mine = Other()
    assert streams._lasting(mine, 1) is mine


def test_a_scratch_folder_is_removed_at_the_end_if_not_before(monkeypatch):
    kept = []
    with monkeypatch.context() as patched:
        patched.setattr("review.system.atexit.register", kept.append)
        patched.setattr("review.system.shutil.rmtree", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt), scratch_folder() as place:
            pass
    assert place.is_dir()
    shutil.rmtree(place)
    assert kept[0].args == (str(place),)


def test_old_pictures_stay_until_there_are_new_ones(tmp_path, monkeypatch):
    import plotly.graph_objects as go

    def drawn(orders):
        return dict.fromkeys(orders, b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>")

    monkeypatch.setattr(export, "render", drawn)
    export.export(go.Figure(go.Bar(y=[1])), "a", tmp_path, "One bar.", "One.", formats=("svg",))
    old = (tmp_path / "a.svg").read_bytes()
    (tmp_path / "a.png").write_bytes(b"of the old figure")
    monkeypatch.setattr(export, "render", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export.export(go.Figure(go.Bar(y=[2])), "a", tmp_path, "One bar.", "Two.", formats=("svg",))
    assert (tmp_path / "a.svg").read_bytes() == old
    assert (tmp_path / "a.txt").read_text().endswith("One.\n")
    monkeypatch.setattr(export, "render", drawn)
    export.export(go.Figure(go.Bar(y=[2])), "a", tmp_path, "One bar.", "Two.", formats=("svg",))
    assert not (tmp_path / "a.png").exists(), "no picture of another figure stays beside the new one"
    assert (tmp_path / "a.svg").read_bytes() != old


def site(folder, word):
    build.replace(folder, {f"{name}.txt": word for name in "abc"})


@LINUX
@pytest.mark.parametrize("swaps", [True, False])
def test_a_site_is_the_old_or_the_new_one_at_every_moment(tmp_path, monkeypatch, swaps):
    if not swaps:
        monkeypatch.setattr(build, "exchange", lambda one, other: False)
    folder = tmp_path / "place" / "site"
    site(folder, b"old")
    _, changes = forked(lambda: site(folder, b"new"), folder.parent)
    for place in range(1, len(changes) + 1):
        site(folder, b"old")
        forked(lambda: site(folder, b"new"), folder.parent, at=place)
        if swaps:
            assert {path.read_bytes() for path in folder.iterdir()} in ({b"old"}, {b"new"})
        with build._workplace(folder):  # what the next one does first
            assert sorted(os.listdir(folder)) == ["a.txt", "b.txt", "c.txt"], changes[place - 1]
            assert {path.read_bytes() for path in folder.iterdir()} in ({b"old"}, {b"new"})
        assert os.listdir(folder.parent) == ["site"]


def test_a_site_that_another_process_builds_is_left_alone(tmp_path):
    place = tmp_path / f".site.x{drafts.SUFFIX}"
    place.mkdir()
    with held(place, "building"):
        site(tmp_path / "site", b"new")
        assert place.is_dir()
    site(tmp_path / "site", b"newer")
    assert os.listdir(tmp_path) == ["site"]


def test_a_disk_without_room_for_a_site_is_told_by_the_name_of_the_page(tmp_path, monkeypatch):
    site(tmp_path / "site", b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as caught:
        site(tmp_path / "site", b"new")
    assert caught.value.filename == str(tmp_path / "site" / "a.txt")
    assert os.listdir(tmp_path) == ["site"]


@LINUX
def test_names_change_places_in_one_step(tmp_path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system cannot exchange names")
    assert ((tmp_path / "a").read_text(), (tmp_path / "b").read_text()) == ("b", "a")
    assert not rename_new(tmp_path / "a", tmp_path / "b")
    assert rename_new(tmp_path / "a", tmp_path / "c")
    assert not exchange(tmp_path / "a", tmp_path / "none")


@pytest.mark.parametrize("decided", [True, False])
def test_a_change_that_was_cut_off_is_finished_by_the_next_command_that_changes(tiny, tmp_path, monkeypatch, capsys, decided):
    (tmp_path / "list.bib").write_text(sys.modules["cases"].STUDIES)
    line = ["import", str(tmp_path / "list.bib"), "--corpus", str(tiny), "--apply"]
    real = writing._finish
    with monkeypatch.context() as patched:
        if decided:
            patched.setattr(writing, "_finish", lambda folder: real(folder) if not (folder / paths.DECIDED).exists() else 1 / 0)
        else:
            patched.setattr(writing, "to_json", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            cli.main(line)
    assert (tiny / ".change").is_dir()
    assert cli.main(line) == 0
    said = capsys.readouterr().err
    assert ("finished a change that was cut off" in said) == decided
    assert "written: screening.csv" in said or "nothing would change" in said
    assert not (tiny / ".change").exists()
    assert "10.1000/new.1" in (tiny / "screening.csv").read_text()
    assert corpus.load(tiny).hash


def test_a_line_of_an_update_that_was_cut_off_is_ended(tmp_path):
    store = Store.make(tmp_path / "update", Plan({"arxiv": "x"}, "2026-01-01", "2026-01-02"))
    store.log("one")
    with (store.folder / JOURNAL).open("a") as file:
        file.write('{"at": "2026')
    store.log("two")
    lines = (store.folder / JOURNAL).read_text().splitlines()
    assert [json.loads(lines[place])["event"] for place in (0, 2)] == ["one", "two"]


def test_a_batch_that_is_refused_does_not_change_what_the_other_was_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "PATIENCE", 0.1)
    folder = tmp_path / "out"
    with manifest.Manifest(folder):
        (folder / "batch.json").write_text("the other's")
        assert cli.main(["batch", str(BOOK), "-p", "number", "7", "--out", str(folder)]) == 1
        assert (folder / "batch.json").read_text() == "the other's"


def test_the_record_of_a_batch_is_written_again_by_what_it_says_not_by_its_time(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(crate, "write", written.append)
    record, told = tmp_path / manifest.NAME, tmp_path / crate.NAME
    record.write_text("one\n")
    told.write_text(f'{{"sha256": "{keys.of_file(record)}"}}')
    os.utime(told, (0, 0))
    command._records(tmp_path)
    assert written == [], "the clock was set back, and nothing changed"
    record.write_text("one\ntwo\n")
    os.utime(told, (4e9, 4e9))
    command._records(tmp_path)
    assert written == [tmp_path], "the clock was set ahead when it was written"


@pytest.mark.parametrize(("jump", "status"), [(-1e8, runner.OK), (0, runner.OK), (1e8, runner.OK)])
def test_a_clock_that_jumps_during_a_run_breaks_no_promise(tmp_path, monkeypatch, jump, status):
    made = tmp_path / "made.txt"
    start = time.time()
    now = iter([start, *[start + jump] * 100])

    def execute(_job):
        made.write_text("x")
        os.utime(made, (start + jump, start + jump))
        return ""

    monkeypatch.setattr(runner, "_executed", execute)
    monkeypatch.setattr(runner.time, "time", lambda: next(now))
    assert runner.execute(runner.Job(BOOK, tmp_path / "x.ipynb", {}, (made,))).status == status


def test_a_file_that_is_older_than_the_run_still_breaks_its_promise(tmp_path, monkeypatch):
    made = tmp_path / "made.txt"

    def execute(_job):
        made.write_text("x")
        os.utime(made, (1, 1))
        return ""

    monkeypatch.setattr(runner, "_executed", execute)
    outcome = runner.execute(runner.Job(BOOK, tmp_path / "x.ipynb", {}, (made,)))
    assert outcome.missing == ("made.txt (older than the run)",)


def test_files_of_1970_and_of_the_future_are_told_by_their_content(tiny):
    before = corpus.load(tiny).hash
    for moment in (0, 4e9):
        for path in tiny.iterdir():
            os.utime(path, (moment, moment))
        assert corpus.load(tiny).hash == before
    key = keys.compute(keys.source(BOOK), {}, [tiny])
    os.utime(tiny / "coding.csv", (5, 5))
    assert not campaign.stale(
        manifest.Event("finished", "x", "b", {}, dict(key.parts), dict(key.files), status="ok"),
        keys.compute(keys.source(BOOK), {}, [tiny]),
        tiny,
    )


@LINUX
@pytest.mark.parametrize("fault", ["half-written", "left over", "orphans", "traceback", "unequal"])
def test_the_campaign_finds_what_is_planted(tmp_path, fault, capsys, monkeypatch):
    monkeypatch.setattr(box_module, "GRACE", 0.5)

    def work(box, _word):
        path = box / "out" / "a.txt"
        if fault == "half-written":
            path.write_bytes(b"x" * 100)
        elif fault == "left over":
            (box / "tmp" / "stray").write_text("x")
            write_bytes(path, b"x")
        elif fault == "orphans":
            write_bytes(path, b"x")
            if not (box / "in" / "before").exists():
                (box / "in" / "before").touch()
                subprocess.Popen(
                    [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, env=dict(os.environ)
                )
        elif fault == "traceback":
            with contextlib.suppress(OSError):
                write_bytes(path, b"x")
                return 0
            raise ValueError(fault)
        else:
            with path.open("ab") as file:
                file.write(b"x")
        return 0

    box = commands.Box(tmp_path / "box", {})
    found = commands.Campaign(box, seed=1)
    found.command(sys.modules["cases"].Case("planted", work, older=False), 9, ("kill", "full"), conditions=False, chance=0)
    assert found.wrong[fault] > 0, capsys.readouterr().out


def event(run, **more):
    known = {"event": "finished", "error": "", "inputs": {}, "missing": [], "notebook": "a", "parameters": {}, "parts": {}}
    return {**known, "run": run, "status": "ok", "versions": {}, "outputs": {}, "began": "now", **more}


def written(*events):
    return "".join(json.dumps(one) + "\n" for one in events).encode()


@pytest.mark.parametrize(
    ("found", "good"),
    [
        (written(event("x", began="then")), True),
        (written(event("x", status="failed"), event("x")), True),
        (b'{"run": "x", "ev\n' + written(event("x")), True),
        (written(event("x"), event("old")), True),
        (written(event("x", status="failed")), False),
        (written(event("x", outputs={"a.csv": "2"})), False),
        (written(event("x"), event("strange")), False),
        (written(event("old")), False),
        (b"{}\n", False),
    ],
)
def test_of_a_manifest_all_but_times_has_to_be_the_same(found, good):
    assert views.same(views.runs, found, written(event("x")), written(event("old"))) == good


@pytest.mark.parametrize(
    ("found", "good"),
    [
        (b'{"a": 1}\n', True),
        (b'{"a": 1}\n{"b": 2}\n', True),
        (b'{"a": 1}\n{"b": 2}\n{"c"', True),
        (b'{"a": 1}\n{"b"\n{"c": 3}\n', False),
        (b'{"a": 2}\n', False),
        (b"", False),
    ],
)
def test_a_journal_only_grows(found, good):
    assert views.longer(found, b'{"a": 1}\n') == good


@pytest.mark.parametrize(
    ("grown", "found", "good"),
    [
        (views.rows, b"a\n2\n", True),
        (views.rows, b"a\n3\n", False),
        (views.rows, b"a\n2", False),
        (views.rows, b"b\n1\n", False),
        (views.members, b'{"a": 1, "b": {}}', True),
        (views.members, b'{"a": 1, "b": {"c": 3}}', False),
        (views.members, b'{"a": 2, "b": {}}', False),
        (views.members, b'{"a": 1, "b"', False),
        (views.drawings, b'{"figures": [{"files": [1], "reason": ""}], "others": 2}', True),
        (views.drawings, b'{"figures": [{"files": [], "reason": "no room"}], "others": 2}', True),
        (views.drawings, b'{"figures": [{"files": [], "reason": ""}], "others": 2}', False),
        (views.drawings, b'{"figures": [{"files": [2], "reason": "no room"}], "others": 2}', False),
        (views.drawings, b'{"figures": [], "others": 2}', False),
        (views.drawings, b'{"figures": [{"files": [1], "reason": ""}]}', False),
        (views.drawings, b'{"figures"', False),
    ],
)
def test_a_file_on_its_way_holds_nothing_that_it_will_not_hold(grown, found, good):
    wanted = {
        views.rows: b"a\n1\n2\n",
        views.members: b'{"a": 1, "b": {"c": 2}}',
        views.drawings: b'{"figures": [{"files": [1], "reason": ""}], "others": 3}',
    }
    assert grown(found, wanted[grown]) == good


def test_a_manifest_and_a_crate_tell_the_hashes_of_the_files_that_are_there():
    one, other = (keys.of_file(path) for path in (BOOK, TINY / "coding.csv"))
    crate_ = json.dumps({"@graph": [{"@id": "x/a.ipynb", "@type": "File", "sha256": one}]}).encode()
    tree = {
        "out/x/": b"",
        "out/x/a.ipynb": BOOK.read_bytes(),
        "out/manifest.jsonl": written(event("x", outputs={"a.ipynb": one})),
        "out/ro-crate-metadata.json": crate_,
    }
    assert views.untrue(tree) == []
    assert views.untrue({**tree, "out/x/a.ipynb": b"half"}) == ["out/x/a.ipynb"] * 2
    tree["out/manifest.jsonl"] = written(event("x", outputs={"a.ipynb": other, "gone.csv": one}))
    assert views.untrue(tree) == ["out/x/a.ipynb", "out/x/gone.csv"]


@LINUX
@pytest.mark.parametrize("fault", ["vouches", "half-written"])
def test_the_campaign_finds_a_mark_beside_files_of_another_figure_and_a_journal_that_is_written_again(tmp_path, fault):
    def work(box, _word):
        if fault == "vouches":
            write_bytes(box / "out" / "a.svg", b"new")
            write_bytes(box / "out" / "a.sha256", b"new")
        else:
            (box / "out" / "a.jsonl").write_text('{"b": 2}\n{"a": 1}\n')
        return 0

    def prepare(box):
        for name, text in (("a.svg", "old"), ("a.sha256", "old"), ("a.jsonl", '{"a": 1}\n')):
            (box / "out" / name).write_text(text)

    case = sys.modules["cases"].Case("planted", work, prepare, older=False, marks=".sha256", journals=(".jsonl",))
    found = commands.Campaign(box_module.Box(tmp_path / "box", {}), seed=1)
    found.command(case, 20, ("kill",), conditions=False, chance=0)
    assert found.wrong[fault] > 0


@LINUX
@pytest.mark.parametrize("careful", [True, False])
def test_the_campaign_finds_two_commands_that_lose_each_others_work(tmp_path, careful):
    def work(name):
        def done(box, _word):
            path = box / "out" / ("careful-" + name if careful else "count")
            held = int(path.read_text()) if path.exists() else 0
            (box / "in" / name).touch()
            limit = time.monotonic() + 2
            while len(os.listdir(box / "in")) < 2 and time.monotonic() < limit:
                time.sleep(0.01)
            write_bytes(path, str(held + 1).encode())
            return 0

        return sys.modules["cases"].Case(name, done, older=False)

    found = commands.Campaign(box_module.Box(tmp_path / "box", {}), seed=1)
    found.pair("planted", (work("one"), work("two")))
    assert dict(found.wrong) == ({} if careful else {"unequal": 1})

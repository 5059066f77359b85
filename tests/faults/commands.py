"""Kill every command that writes files, at every moment that matters and at random ones, and see what is left.

    python tests/faults/commands.py [--command NAME] [--kills N] [--seed S] [--action kill|terminate|interrupt|full|broken|moved]

Each command is run undisturbed once. Then it is run again and again, each time with a fault at another of its changes to files
(see :mod:`hook`) or at a random moment, then once more without. Afterwards everything must be as if nothing had happened; and
at no time may a file under its final name be anything but the old or the new one. Ends with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import errno
import importlib
import os
import pkgutil
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import hook
import views
from box import CONDITIONS, Box, Ended, Tree, apart, servers
from cases import CASES, OUT, PAIRS, Case
from hook import BROKEN, FULL, MOVED

CAUSES = (errno.ENOSPC, errno.EIO, errno.EROFS)
"""Errors that are put in the way of commands."""

APART = "REVIEW_FAULTS_APART"
"""The variable of the environment that tells that this process may mount disks."""

REFUSALS = ("another process", "another batch", "in another notebook", "changed meanwhile", "run the command again")
"""Words of which one stands in the error of a command that came too late."""


class Campaign:
    """Counts faults and what was wrong after them."""

    def __init__(self, box: Box, seed: int = 1) -> None:
        self.box, self.random = box, random.Random(seed)
        self.faults: collections.Counter[str] = collections.Counter()
        self.wrong: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []
        self.settled: Tree = {}
        """Files that a second run without a fault leaves otherwise than the first, as it leaves them."""

    def say(self, what: str, detail: str) -> None:
        """Note something that is wrong."""
        self.wrong[what] += 1
        self.problems.append(f"{what}: {detail}")
        print(f"  {what}: {detail}", flush=True)

    def command(
        self, case: Case, number: int, actions: tuple[str, ...], *, conditions: bool = True, chance: float = 0.25
    ) -> None:
        """Do a command with so many faults of each kind; a part of the kills come at random moments."""
        box = self.box
        box.empty(case)
        begun = time.monotonic()
        first = box.run(case)
        seconds, total, wanted = time.monotonic() - begun, box.count(), box.tree()
        inside = [place for place, note in enumerate(hook.notes(box.log), 1) if note.path.startswith(box.results)]
        if first.code != 0 or "Traceback" in first.err:
            self.say("undisturbed", f"{case.name}: {first.code} {first.err[-2000:]}")
            return
        if first.strays:
            self.say("stray", f"{case.name} writes elsewhere: {first.strays}")
        left = sorted(box.tree("tmp"))
        if left:
            self.say("left over", f"{case.name}, undisturbed: {left}")
        print(f"{case.name}: {seconds:.1f} s, {total} changes, {len(wanted)} files and folders", flush=True)
        again = box.run(case)
        self.settled = {name: data for name, data in box.tree().items() if Path(name).name in case.settles}
        if again.code != 0 or self.different(case, box.tree(), wanted):
            self.say("unequal", f"{case.name}, run twice: {again.code} {self.different(case, box.tree(), wanted)}")
        if conditions:
            self.conditions(case, wanted)
        for action in actions:
            few = number if action in ("kill", FULL) else max(1, number // 4)
            all_places = inside if action == MOVED else list(range(1, total + 1))
            places = all_places if len(all_places) <= few else sorted(self.random.sample(all_places, few))
            for place in places:
                self.fault(case, wanted, place, action)
            for _ in range(int(few * chance) if action == "kill" else 0):
                self.fault(case, wanted, 0, action, self.random.uniform(0.02, seconds))

    def conditions(self, case: Case, wanted: Tree) -> None:
        """Do a command under each condition, and twice at the same time; then once more without."""
        box = self.box
        room = self.random.randrange(sum(map(len, wanted.values())) + 1)
        disks = {"full_disk": lambda: box.filled(room), "read_only": box.read_only} if box.disk else {}
        settings = CONDITIONS if case.forked else {}
        for name in (*settings, *disks):
            box.empty(case)
            if case.older:
                box.older(case)
            before = box.tree()
            with disks.get(name, contextlib.nullcontext)():
                ended = box.run(case, setting=settings.get(name))
            box.open_up()
            self.faults[f"{case.name} {name}"] += 1
            told = f"{case.name}, {name}" + f" but for {room} bytes" * (name == "full_disk")
            if ended.code not in (0, 1) or "Traceback" in ended.err or (ended.code == 1 and not self._clear(case, ended)):
                self.say("unclear", f"{told}: {ended.code} {ended.err[-1500:]}")
            self._whole(case, told, before, wanted)
            self._again(case, told, before, wanted)
        box.empty(case)
        before = box.tree()
        self.faults[f"{case.name} twice"] += 1
        for ended in box.together((case, case)):
            if ended.code != 0 and not (ended.code == 1 and any(words in ended.err for words in REFUSALS)):
                self.say("collides", f"{case.name}: {ended.code} {ended.err[-1500:]}")
        self._again(case, f"{case.name}, twice at once", before, wanted)

    def pair(self, name: str, both: tuple[Case, Case]) -> None:
        """Do two commands at the same time in one place, then one after the other: as if they had never met."""
        box, self.settled = self.box, {}

        def begin() -> None:
            box.empty(both[0])
            for case in both:
                if case.older:
                    box.run(case, "old")

        def settle() -> Tree:
            for case in both:
                ended = box.run(case)
                if ended.code != 0 or "Traceback" in ended.err:
                    self.say("not taken up", f"{name}: {case.name}: {ended.code} {ended.err[-1000:]}")
            return box.tree()

        endings = []
        for order in (both, both[::-1]):
            begin()
            for case in order:
                box.run(case)
            endings.append(settle())
        begin()
        self.faults[name] += 1
        for case, ended in zip(both, box.together(both), strict=True):
            if ended.code not in (0, 1) or "Traceback" in ended.err or (ended.code == 1 and "->" not in ended.err):
                self.say("collides", f"{name}: {case.name}: {ended.code} {ended.err[-1500:]}")
        found, merged = settle(), replace(both[0], volatile={**both[0].volatile, **both[1].volatile})
        wrong = [self.different(merged, found, ending) for ending in endings]
        if all(wrong):
            self.say("unequal", f"{name}: {min(wrong, key=len)}")
        if left := sorted(box.tree("tmp")):
            self.say("left over", f"{name}: {left[:5]}")

    def _whole(self, case: Case, name: str, before: Tree, wanted: Tree) -> None:
        """See that every file is the old or the new one, or one on its way that may be, and that none is gone."""
        found = self.box.tree()
        for file, data in found.items():
            if not self._allowed(case, file, data, before, wanted):
                self.say("half-written", f"{name}: {file} ({len(data)} bytes)")
        lost = [file for file in before if file in wanted and file not in found and not self._passing(case, file)]
        if lost:
            self.say("lost", f"{name}: {lost[:5]}")
        for file in (file for file in found if case.marks and file.endswith(case.marks)):
            stem, then = file.removesuffix(case.marks), before if found[file] == before.get(file) else wanted
            if any(found[one] != then.get(one) for one in found if one.rpartition(".")[0] == stem):
                self.say("vouches", f"{name}: {file} stands beside files of another figure")

    def _allowed(self, case: Case, file: str, data: bytes, before: Tree, wanted: Tree) -> bool:
        """Tell whether a file may be as it is after a fault."""
        last = Path(file).name
        if data in (before.get(file), wanted.get(file), self.settled.get(file)):
            return True
        if self._passing(case, file):
            return True
        if file.endswith(case.journals or ("no journal",)):
            return views.longer(data, before.get(file, b""))
        if last in case.growing:
            return case.growing[last](data, wanted[file])
        return last in case.volatile and views.whole(case.volatile[last], data)

    def _passing(self, case: Case, file: str) -> bool:
        """Tell whether nobody reads a file under its name: temporary ones, folders of results, torn lines, a notebook's own."""
        parts = Path(file).parts
        hidden = any(part.startswith(".") for part in parts)
        return (
            hidden
            or (file.endswith((".torn", os.sep)) and OUT in parts)
            or parts[-1] in case.own
            or bool(case.marks and file.endswith(case.marks) and not (self.box.folder / file).exists())
        )

    def _again(self, case: Case, name: str, before: Tree, wanted: Tree) -> None:
        """Do the command once more: all has to be as if nothing had happened."""
        again = self.box.run(case)
        if again.code != 0 or "Traceback" in again.err:
            self.say("not taken up", f"{name}: {again.code} {again.err[-1000:]}")
        elif found := self.different(case, self.box.tree(), wanted, before):
            self.say("unequal", f"{name}: {found}")

    def fault(self, case: Case, wanted: Tree, at: int, action: str, after: float = 0.0) -> None:
        """Do a command with one fault, then once more without."""
        box = self.box
        box.empty(case)
        if case.older and self.random.random() < 0.5:
            box.older(case)
        before = box.tree()
        ended = box.run(case, at=at, action=action, after=after)
        where = f"{ended.note.kind} {Path(ended.note.path).relative_to(box.folder)}" if ended.note else f"{after:.2f} s"
        name = f"{case.name}, {action} at {at} ({where})"
        if action == MOVED and ended.note and not ended.note.path.startswith(box.results):
            box.back()  # processes of one command take turns by chance, and this time another's change was at this place
            return
        self.faults[f"{case.name} {action}"] += 1
        if ended.code is None:
            self.say("hangs", name)
        if "Traceback" in ended.err and action != "kill":
            self.say("traceback", f"{name}: {ended.err[ended.err.index('Traceback') :][-1500:]}")
        if action in (FULL, BROKEN, MOVED) and ended.note:
            self._said(case, name, ended)
        box.back()
        self._whole(case, name, before, wanted)
        stuck = action == BROKEN and ended.note is not None and ended.note.kind in ("remove", "rmdir")
        if action != "kill" and not stuck and (left := sorted(box.tree("tmp"))):
            self.say("left over", f"{name}: {left[:5]}")
        if alive := box.orphans():
            self.say("orphans", f"{name}: {alive}")
            for pid in alive:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        self._again(case, name, before, wanted)

    def _said(self, case: Case, name: str, ended: Ended) -> None:
        """See that an error names its file and what to do."""
        if ended.code == 0:
            return
        last = ended.err.strip().splitlines()[-1:] or [""]
        if ended.code != 1 or not self._clear(case, ended) or not (case.parts or str(self.box.folder) in ended.err):
            self.say("unclear", f"{name}: {ended.code} {last[0][:300]}")

    def _clear(self, case: Case, ended: Ended) -> bool:
        """Tell whether an error says what to do; of one in a process of a notebook or a browser, what it was has to do."""
        return "->" in ended.err or (case.parts and any(os.strerror(number) in ended.out + ended.err for number in CAUSES))

    def different(self, case: Case, found: Tree, wanted: Tree, before: Tree | None = None) -> list[str]:
        """Return the names of files that are not as they should be; what an earlier run alone has left may be there.

        All files that settle are as after the first run, or all as after the second.
        """
        before = before or {}
        names = {name for name in {*found, *wanted} if name in wanted or name not in before}
        names = {name for name in names if not name.endswith(".torn")}
        wrong = [
            [name for name in sorted(names) if not self._equal(case, name, found, ending, before)]
            for ending in (wanted, wanted | self.settled)
        ]
        return [*min(wrong, key=len)[:8], *views.untrue(found)[:8]]

    def _equal(self, case: Case, name: str, found: Tree, wanted: Tree, before: Tree) -> bool:
        one, other = found.get(name), wanted.get(name)
        view = case.volatile.get(Path(name).name)
        if one == other or view is None or one is None or other is None:
            return one == other
        return views.same(view, one, other, before.get(name))


def main() -> int:
    """Run the campaign and print the counts."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--command", action="append", choices=[*CASES, *PAIRS], help="only this one or pair (may be repeated)")
    arguments.add_argument("--kills", type=int, default=40, help="kills, and moments of a full disk, for each command")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--action", action="append", choices=hook.ACTIONS, help="only this fault (may be repeated)")
    arguments.add_argument("--no-conditions", action="store_true", help="leave out small limits, missing rights and collisions")
    options = arguments.parse_args()
    if not os.environ.get(APART) and apart():
        os.environ[APART] = "1"
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])
    begun, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="faults-"))
    with servers() as services:
        warm()
        campaign = Campaign(Box(folder / "box", services), options.seed)
        if os.environ.get(APART):
            campaign.box.mount()
        else:
            print("full_disk, read_only: not tried, this system lets nobody mount a disk of their own")
        for name in options.command or [*CASES, *PAIRS]:
            if name in PAIRS:
                campaign.pair(name, PAIRS[name])
                continue
            campaign.command(
                CASES[name], options.kills, tuple(options.action or hook.ACTIONS), conditions=not options.no_conditions
            )
    if campaign.box.disk:
        subprocess.run(["umount", campaign.box.folder], check=True)
    shutil.rmtree(folder)
    print(f"\n{sum(campaign.faults.values())} faults in {time.monotonic() - begun:.0f} s")
    for name, count in sorted(campaign.faults.items()):
        print(f"{name}: {count}")
    print(f"wrong: {dict(campaign.wrong)}")
    return 1 if campaign.wrong else 0


def warm() -> None:
    """Import what commands import, so that forks of this process need not."""
    import numpy as np
    import openai
    import pandas as pd
    import pandera
    import plotly.graph_objects
    import scipy.stats
    import sklearn.ensemble
    import statsmodels.api
    import torch

    import review

    for module in pkgutil.walk_packages(review.__path__, "review."):
        importlib.import_module(module.name)
    torch.set_num_threads(1)
    assert all((np, openai, pd, pandera, plotly, scipy, sklearn, statsmodels))


if __name__ == "__main__":
    sys.exit(main())

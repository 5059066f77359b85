"""``review import``: show what references from a file would change in a corpus, and change it with ``--apply``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from review.errors import OptionError, ReviewError, printable
from review.printing import print_data, print_table, say, settle

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus
    from review.importing.flow import Batch
    from review.importing.matching import Match
    from review.importing.reading import Reading
    from review.writing import Change

FORMATS = ("bibtex", "ris", "nbib", "csv", "csl")
ROLES = ("candidates", "included")
SHOWN = 60
"""Characters of a title in the table."""


@dataclass
class Outcome:
    """What an import would do or did."""

    corpus: Corpus
    readings: Sequence[Reading]
    batches: Sequence[Batch]
    keys: dict[str, str]
    change: Change | None
    remarks: list[str] = field(default_factory=list)
    uncoded: tuple[str, ...] = ()

    @property
    def matches(self) -> list[Match]:
        """Of all files, in their order."""
        return [one for batch in self.batches for one in batch.matches]

    @property
    def broken(self) -> int:
        """How many blocks of the files are no records."""
        return sum(len(reading.problems) for reading in self.readings)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of ``review import``."""
    command.add_argument("files", nargs="+", metavar="FILE", help="BibTeX, RIS, PubMed (.nbib), CSV or CSL JSON")
    roles = "candidates wait for screening (default); included is the authors' list of studies"
    command.add_argument("--as", dest="role", choices=ROLES, default="candidates", help=roles)
    command.add_argument("--selection", default="", metavar="NAME", help="of the list (default: that of the codebook)")
    command.add_argument("--keep-calibrated", action="store_true", help="keep other calibrated selections beside the list")
    command.add_argument("--apply", action="store_true", help="write the change (default: only show it)")
    command.add_argument("--decide", action="append", default=[], metavar="RECORD=ANSWER", help="see docs/import.md")
    command.add_argument("--fill", action="store_true", help="add identifiers that known studies lack")
    command.add_argument("--skip-broken", action="store_true", help="go on without blocks that cannot be read")
    command.add_argument("--from-format", choices=FORMATS, default="", help="default: the content tells")
    command.add_argument("--threshold", type=float, metavar="T", help="similarity of titles to ask from, 50 to 100 (default: 85)")
    command.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print")


def run(options: argparse.Namespace) -> int:
    """Show the change, or make it; 1 if something could not be read."""
    if options.role == "candidates" and (options.selection or options.keep_calibrated):
        raise OptionError("--selection and --keep-calibrated belong to the authors' list -> add: --as included")
    outcome = _outcome(options)
    _show(outcome, options)
    return _finish(outcome, options)


def _outcome(options: argparse.Namespace) -> Outcome:
    from review import corpus
    from review.importing import candidates, entries, listed, matching, reading
    from review.importing.flow import Batch

    loaded = corpus.load(options.corpus)
    readings = reading.read_all(options.files, options.from_format)
    records = [record for one in readings for record in one.records]
    threshold = matching.THRESHOLD if options.threshold is None else options.threshold
    matches = iter(matching.match(records, loaded, threshold, decisions(options.decide)))
    batches = []
    for one in readings:
        part = [next(matches) for _ in one.records]
        batches.append(Batch(f"import {one.digest[:12]}", one.records[0].file, part))
    found = [one for batch in batches for one in batch.matches]
    outcome = Outcome(loaded, readings, batches, entries.assign(loaded, found), None)
    if options.role == "candidates":
        outcome.change = candidates.plan(loaded, batches, options.fill)
    elif not any(one.open for one in found):
        plan = listed.plan(loaded, batches, options.selection, options.keep_calibrated, options.fill)
        outcome.change, outcome.uncoded = plan.change, plan.uncoded
        outcome.remarks += _remarks(loaded, plan)
    return outcome


def decisions(given: Sequence[str]) -> dict[str, str]:
    """Return the answers of ``--decide RECORD=ANSWER`` by record."""
    found: dict[str, str] = {}
    for text in given:
        name, sign, answer = text.rpartition("=")
        if not sign or not name.strip() or not answer.strip():
            raise OptionError(f"--decide {text} -> write RECORD=ANSWER, for example list.ris:12=new")
        if found.setdefault(name.strip(), answer.strip()) != answer.strip():
            raise OptionError(f"--decide gives two answers for {name.strip()} -> keep one")
    return found


def _remarks(loaded: Corpus, plan: Any) -> list[str]:
    """Return what a person should know about an authors' list."""
    said = [f"selection {plan.selection}: {len(plan.keys)} listed studies; nothing of it is by construction"]
    published = loaded.published
    totals = sorted({int(total) for total in published.loc[published["version"] == loaded.version("default"), "total"]})
    if totals and totals != [len(plan.keys)]:
        printed = " or ".join(map(str, totals))
        said.append(f"the review prints shares of {printed} studies, the list has {len(plan.keys)}: its shares cannot all agree")
    if plan.removed:
        said.append(
            f"calibrated selections that stood for the list and go: {', '.join(plan.removed)} (--keep-calibrated keeps them)"
        )
    if plan.gone:
        some = ", ".join(plan.gone[:5]) + (" ..." if len(plan.gone) > 5 else "")
        said.append(f"{len(plan.gone)} studies were on the earlier list and are not on this one: {some}")
    if plan.uncoded:
        said.append(f"{len(plan.uncoded)} listed studies have no code yet; see: review code --corpus {loaded.directory}")
    return said


def sentence(one: Match, keys: dict[str, str]) -> str:
    """Return in words what becomes of a record."""
    from review.importing import matching

    shared = f"by {one.by}" + (f" ({one.score:.0f} %)" if one.by == "title" and one.score < 100 else "")
    words = {
        matching.NEW: f"new: {keys.get(one.record.place, '')}",
        matching.KNOWN: f"known as {one.key} {shared}",
        matching.PENDING: f"waits for screening as {one.key} {shared}",
        matching.EXCLUDED: f"excluded earlier as {one.key} {shared}",
        matching.REPEATED: f"repeats {one.key} {shared}",
        matching.PROBABLE: f"probably {one.key} {shared}",
        matching.CONFLICT: f"conflict with {one.key} {shared}",
        matching.INCOMPLETE: "incomplete",
        matching.SKIPPED: "skipped",
    }
    return words[one.verdict] + (f": {one.note}" if one.note else "")


def _show(outcome: Outcome, options: argparse.Namespace) -> None:
    """Print the table to stdout, with the diff; what is broken goes to stderr."""
    import pandas as pd

    from review.files import records, to_json

    for reading in outcome.readings:
        for problem in reading.problems:
            say(f"not read: {problem}")
    change = outcome.change
    diff = change.diff() if change else ""
    if options.format == "table":
        rows = [
            (one.record.place, sentence(one, outcome.keys), _short(one.record.title), "; ".join(one.record.notices))
            for one in outcome.matches
        ]
        frame = pd.DataFrame(rows, columns=["record", "what", "title", "notices"]).map(printable)
        print_table(frame if any(frame["notices"]) else frame.drop(columns="notices"), "table")
        if diff:
            print(f"\n{printable(diff, keep=chr(10))}", end="")
        return
    frame = _details(outcome)
    if options.format == "csv":
        print_table(frame, "csv")
        return
    found = {
        "records": records(frame),
        "problems": [str(problem) for reading in outcome.readings for problem in reading.problems],
        "remarks": outcome.remarks,
        "uncoded": list(outcome.uncoded),
        "files": list(change.files) if change else [],
        "diff": diff,
    }
    print_data(to_json(found))


def _short(title: str) -> str:
    return title if len(title) <= SHOWN else title[: SHOWN - 1].rstrip() + "…"


def _details(outcome: Outcome) -> pd.DataFrame:
    """Return one row a record with everything that was found."""
    import pandas as pd

    from review.importing import names

    rows = []
    for one in outcome.matches:
        record = one.record
        key = outcome.keys.get(record.place, one.key)
        what = (record.file, record.line, record.key, one.verdict, key, one.by, one.score, one.note, "; ".join(record.notices))
        identity = (record.title, names.joined(record.authors), record.year, record.venue)
        rows.append((*what, *identity, record.doi or record.preprint, record.arxiv, record.pmid, record.pmcid, record.url))
    columns = ["file", "line", "own_key", "verdict", "key", "by", "score", "note", "notices"]
    columns += ["title", "authors", "year", "venue", "doi", "arxiv", "pmid", "pmcid", "url"]
    return pd.DataFrame(rows, columns=columns).astype({"year": "Int64"})


def _finish(outcome: Outcome, options: argparse.Namespace) -> int:
    """Say what comes of it on stderr, write it with ``--apply``, and return the exit status."""
    from review.importing import matching

    counts = matching.count(outcome.matches)
    say(f"{len(outcome.matches)} records: {', '.join(f'{number} {verdict}' for verdict, number in counts.items())}")
    for remark in outcome.remarks:
        say(remark)
    undecided = [one for one in outcome.matches if one.open]
    if undecided:
        say(f"{len(undecided)} to decide: new, same, skip or a key of the corpus; for example {_example(undecided[0])}")
    if outcome.broken and not options.skip_broken:
        noun = "block" if outcome.broken == 1 else "blocks"
        message = f"{outcome.broken} {noun} could not be read, nothing is written -> correct the file, or add --skip-broken"
        raise ReviewError(message)
    if outcome.change is None:
        if options.apply:
            message = f"{len(undecided)} records of the list are to be decided, nothing is written -> add --decide for each"
            raise ReviewError(message)
        return 0
    settle(outcome.change, apply=options.apply)
    return 0


def _example(one: Match) -> str:
    return f"--decide {one.record.place}={'same' if one.key and one.by != 'identifiers' else 'skip'}"

"""``review update``: ask databases for new records, show what the corpus has of them, and let new ones wait with ``--apply``."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import InputError, OptionError
from review.printing import print_table, say, settle

if TYPE_CHECKING:
    from review.corpus import Corpus
    from review.living.asking import Plan, Source
    from review.living.courier import Courier
    from review.living.store import Store
    from review.living.update import Answer, Update


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of ``review update``."""
    command.add_argument("--source", default="", metavar="S,S", help="pubmed, arxiv, openalex (default: all three)")
    command.add_argument("--since", default="", metavar="DAY", help="first day, YYYY-MM-DD (default: that of the query)")
    command.add_argument("--until", default="", metavar="DAY", help="last day, YYYY-MM-DD (default: today)")
    command.add_argument("--query-file", type=Path, metavar="FILE", help="YAML (default: review/living/query.yaml)")
    command.add_argument("--out", type=Path, metavar="DIR", help="pages, journal, tables (default: runs/update-<hash>)")
    command.add_argument("--max", type=int, default=0, metavar="N", help="records of each source at most")
    command.add_argument("--email", default="", metavar="ADDRESS", help="told to the sources (default: REVIEW_EMAIL)")
    command.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="for one attempt (default: 60)")
    command.add_argument("--show-query", action="store_true", help="print what would be sent to each source, and stop")
    command.add_argument("--force", action="store_true", help="ask again for pages that are there")
    command.add_argument("--decide", action="append", default=[], metavar="RECORD=ANSWER", help="as for review import")
    command.add_argument("--apply", action="store_true", help="let new records wait in screening.csv")
    command.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print")


def run(options: argparse.Namespace) -> int:
    """Fetch, compare, show; change the corpus only with ``--apply``."""
    from review import corpus
    from review.importing.command import decisions
    from review.living import update

    if options.timeout <= 0 or options.max < 0:
        raise OptionError("--timeout and --max are numbers above 0 -> correct them")
    if options.show_query:
        plan = _plan(options)
        for name, text in plan.texts.items():
            print(f"{name}: {text}")
        say(plan.note)
        return 0
    loaded = corpus.load(options.corpus)
    store = _store(options)
    answers = _fetch(store, options)
    found = update.compare(store.plan, answers, loaded, decisions(options.decide))
    _write(store, found)
    print_table(found.summary() if options.format == "table" else found.table(), options.format)
    _tell(found, store)
    return _apply(found, loaded, options.apply)


def _plan(options: argparse.Namespace) -> Plan:
    """Return what the options ask for."""
    from review.living import query
    from review.living.asking import Plan

    names = [name.strip() for name in options.source.split(",") if name.strip()] or list(query.SOURCES)
    for name in names:
        if name not in query.SOURCES:
            raise OptionError(f"there is no source {name!r} -> choose some of: {', '.join(query.SOURCES)}")
    asked = query.load(options.query_file or query.DEFAULT)
    until = options.until or datetime.now(UTC).date().isoformat()
    since = options.since or asked.since
    for name, day in (("--since", since), ("--until", until)):
        if day and not query.is_day(day):
            raise OptionError(f"{name} is {day!r} -> write a day as YYYY-MM-DD")
    if since > until:
        raise OptionError(f"the first day {since} is after the last day {until} -> correct --since or --until")
    texts = {name: asked.text(name) for name in query.SOURCES if name in names}
    return Plan(texts, since, until, options.max, {}, asked.note)


def _store(options: argparse.Namespace) -> Store:
    """Return the folder of the update: the one named, one that was cut off, or a new one."""
    from dataclasses import replace

    from review import paths
    from review.living.store import REQUEST, Store
    from review.living.update import read

    plan = _plan(options)
    if options.out is not None:
        if not options.until and (options.out / REQUEST).exists():
            plan = replace(plan, until=Store.open(options.out).plan.until)
        return Store.make(options.out, plan)
    if not options.until:
        for path in sorted(paths.RUNS.glob(f"update-*/{REQUEST}")):
            try:
                old = Store.open(path.parent)
            except InputError:
                continue
            if old.plan.hash == replace(plan, until=old.plan.until).hash and not all(answer.whole for answer in read(old)):
                say(f"{path.parent}: goes on with the update of {old.plan.until}; --until begins another")
                return old
    return Store.make(paths.RUNS / f"update-{plan.hash[:12]}", plan)


def _fetch(store: Store, options: argparse.Namespace) -> tuple[Answer, ...]:
    """Ask for what is missing, with progress on stderr."""
    from review.living import update
    from review.living.courier import Courier, Habits, identity

    if options.force:
        with store.locked():
            store.forget()

    def courier(source: Source) -> Courier:
        import os

        who = identity(source.name, options.email)
        interval = 0.11 if source.name == "pubmed" and who.key else source.interval
        address = os.environ.get(f"REVIEW_{source.name.upper()}_URL", "").strip() or source.address
        return Courier(source.name, address, interval, who, Habits(timeout=options.timeout))

    try:
        return update.fetch(store, courier, say)
    except BaseException:
        say(f"{store.folder}: what came so far is kept there; the same command goes on")
        raise


def _write(store: Store, found: Update) -> None:
    """Write the tables of an update: the same for the same pages and corpus."""
    from review.files import rows_to_csv, to_json, write_table, write_text
    from review.living.texts import COLUMNS
    from review.living.update import details

    write_table(found.table(), store.folder / "records")
    write_table(found.summary(), store.folder / "summary")
    write_text(store.folder / "details.csv", rows_to_csv(COLUMNS, details(found.answers)))
    notices = {answer.source: list(answer.notices) for answer in found.answers}
    write_text(store.folder / "notices.json", to_json({"corpus": found.corpus, "notices": notices}))


def _tell(found: Update, store: Store) -> None:
    from review.importing import matching

    for answer in found.answers:
        for notice in answer.notices:
            say(notice)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in matching.count(found.matches).items()) or "nothing found"
    say(f"{len(found.matches)} records: {counts}; tables in {store.folder}")
    undecided = [one for one in found.matches if one.open]
    if undecided:
        shown = ", ".join(f"{one.record.place} {one.verdict} {one.key}".rstrip() for one in undecided[:5])
        say(f"{len(undecided)} to decide with --decide RECORD=new|same|skip|KEY: {shown}")
    say(f"the next update could begin with --since {store.plan.until}")


def _apply(found: Update, loaded: Corpus, apply: bool) -> int:
    """Write the change, or say what it would be; without a new record there is none."""
    from review import writing
    from review.living import update

    new = any(one.verdict == "new" for one in found.matches)
    settle(update.change(found, loaded) if new else writing.Change(loaded.directory, {}), apply=apply)
    return 0

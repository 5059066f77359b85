"""Commands of the living review beside ``review update``: ``review asreview`` and ``review precode``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import OptionError, printable
from review.files import check_folder
from review.printing import print_table, say, settle

if TYPE_CHECKING:
    from review.corpus import Corpus
    from review.living.texts import Texts


def add_asreview_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of ``review asreview``."""
    command.add_argument("action", choices=("export", "import"), help="records for ASReview LAB, or labels from there")
    command.add_argument("file", nargs="?", type=Path, metavar="FILE", help="to import: CSV or RIS that ASReview exported")
    command.add_argument("--out", type=Path, metavar="FILE", help="to export to: a name in .csv or .ris")
    command.add_argument(
        "--texts", type=Path, metavar="FILE", help="abstracts and authors: details.csv of an update, or your own"
    )
    command.add_argument("--only", choices=("all", "pending"), default="all", help="records to export (default: all)")
    command.add_argument("--reason", default="", metavar="R", help="why records are excluded (default: excluded-by-screener)")
    command.add_argument("--overwrite", action="store_true", help="let labels change earlier decisions")
    command.add_argument("--apply", action="store_true", help="write the change (default: only show it)")
    command.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print")


def run_asreview(options: argparse.Namespace) -> int:
    """Export records, or import labels."""
    from review import corpus

    loaded = corpus.load(options.corpus)
    if options.action == "export":
        if options.out is None or options.file is not None:
            raise OptionError("an export needs a file to write -> review asreview export --out FILE.csv")
        return _export(options, loaded)
    if options.file is None or options.out is not None:
        raise OptionError("an import needs a file to read -> review asreview import FILE")
    return _import(options, loaded)


def _export(options: argparse.Namespace, loaded: Corpus) -> int:
    from review.living import asreview

    frame = asreview.compute_records(loaded, _texts(options, loaded), options.only)
    asreview.export(frame, options.out)
    labels = frame["included"].value_counts(dropna=False).to_dict()
    counts = ", ".join(f"{labels.get(label, 0)} {name}" for label, name in ((1, "included"), (0, "excluded")))
    lacking = int((frame["abstract"] == "").sum())
    say(f"{options.out}: {len(frame)} records: {counts}, {int(frame['included'].isna().sum())} to screen")
    if lacking:
        say(f"{lacking} records have no abstract: ASReview learns from their titles alone; see --texts")
    return 0


def _import(options: argparse.Namespace, loaded: Corpus) -> int:
    from review.living import asreview, labels

    labelled = labels.read(options.file, loaded)
    found = asreview.plan(loaded, labelled, reason=options.reason or asreview.EXCLUDED_BY, overwrite=options.overwrite)
    table = found.table()
    shown = table[~table["what"].isin([asreview.SAME, asreview.UNLABELLED])] if options.format == "table" else table
    print_table(shown.map(printable), options.format)
    counts = ", ".join(f"{number} {what}" for what, number in table["what"].value_counts().sort_index().items())
    say(f"{len(table)} records: {counts}")
    against = (table["what"] == asreview.CONFLICT).any() and not options.overwrite
    if against:
        say("a label against an earlier decision changes nothing without --overwrite")
    settle(found.change, apply=options.apply)
    return 0


def add_precode_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of ``review precode``."""
    command.add_argument("--model", default="embedded", metavar="NAME", help="embedded, endpoint, or the path of a .gguf file")
    command.add_argument("--keys", default="", metavar="K,K", help="studies (default: all of the selection)")
    command.add_argument("--selection", default="all", metavar="NAME", help="of studies (default: all)")
    command.add_argument("--uncoded", action="store_true", help="only studies without a consensus code")
    command.add_argument("--dimension", action="append", default=[], metavar="D", help="default: those with published shares")
    command.add_argument("--texts", type=Path, metavar="FILE", help="abstracts (default: the title alone is shown)")
    command.add_argument("--again", action="store_true", help="ask anew where coder llm has a code")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--resamples", type=int, default=2000)
    command.add_argument("--cache", metavar="DIR", help="answers of the model (default: runs/cache; none: keep none)")
    command.add_argument("--apply", action="store_true", help="write the codes of coder llm (default: only show them)")
    command.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print")


def run_precode(options: argparse.Namespace) -> int:
    """Let a model propose codes, and show how far they agree with those of others."""
    from review import corpus, llm, paths
    from review.living import precode

    if options.seed < 0 or options.resamples < 1:
        raise OptionError("--seed is 0 or more, --resamples 1 or more -> correct them")
    loaded = corpus.load(options.corpus)
    asked = [key.strip() for key in options.keys.split(",") if key.strip()]
    keys = precode.chosen(loaded, asked, options.selection, uncoded=options.uncoded)
    names = precode.dimensions(loaded, options.dimension)
    texts = _texts(options, loaded)
    if options.apply:
        check_folder(loaded.directory)
    cache = None if options.cache == "none" else Path(options.cache) if options.cache else paths.CACHE

    with llm.load(options.model, cache=cache) as model:
        found = precode.propose(loaded, model, keys, names, texts=texts, again=options.again, seed=options.seed, say=say)
    print_table(found.table().map(printable), options.format)
    given = sum(not reason for *_, reason in found.rows)
    say(f"{given} codes, {len(found.rows) - given} unknown, {found.skipped} coded before by coder llm (see --again)")
    for reason, number in precode.uncertain(found.rows).items():
        say(f"unknown {number} times: {reason}")
    say(precode.WARNING)
    if options.model == llm.EMBEDDED:
        say(precode.EMBEDDED)
    table = precode.compute_agreement(found.change.check(), seed=options.seed, resamples=options.resamples)
    for row in table.to_dict("records"):
        say(precode.sentence(row))
    settle(found.change, apply=options.apply)
    return 0


def _texts(options: argparse.Namespace, loaded: Corpus) -> Texts:
    from review.living import texts

    if options.texts is None:
        return texts.NONE
    found = texts.read(options.texts, loaded)
    if found.unmatched:
        say(f"{found.unmatched} rows of {found.name} belong to no study or record of the corpus")
    return found

"""Fetch what a plan asks for, page by page, and lay the records beside a corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from review.errors import InputError, OptionError, RunError
from review.importing import matching
from review.importing.matching import Match
from review.living.arxiv import ArXiv
from review.living.asking import Ask, Malformed, Page, Plan, Source, received, suffix, wanted
from review.living.courier import Courier
from review.living.openalex import CURSOR, NUMBER, OpenAlex
from review.living.pubmed import PubMed
from review.living.store import DONE, PAGE, REQUEST, Store

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus
    from review.importing.records import Record
    from review.writing import Change

SOURCES: dict[str, Source] = {"pubmed": PubMed(), "arxiv": ArXiv(), "openalex": OpenAlex()}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Answer:
    """What one source gave.

    Attributes
    ----------
    source : str
    total : int
        Records that it has found.
    records : tuple of Record
        Those that came.
    notices : tuple of str
    whole : bool
        Whether nothing more is to come.
    """

    source: str
    total: int
    records: tuple[Record, ...]
    notices: tuple[str, ...]
    whole: bool


@dataclass(frozen=True)
class Update:
    """Records of an update, each with what the corpus has of it.

    Attributes
    ----------
    plan : Plan
    answers : tuple of Answer
        One a source, in the order of the plan.
    matches : tuple of Match
        One a record, in the order of the answers.
    corpus : str
        Hash of the corpus that they were laid beside.
    """

    plan: Plan
    answers: tuple[Answer, ...]
    matches: tuple[Match, ...]
    corpus: str

    def table(self) -> pd.DataFrame:
        """Return one row a record.

        Returns
        -------
        DataFrame
            ``record`` (source, last day, and place in its answer), ``verdict`` as in
            :data:`review.importing.matching.VERDICTS`, ``key`` (in the corpus, or another record of the update), ``by``,
            ``score`` (similarity of titles, 0 to 100), ``title, year, doi, arxiv, pmid, note``.
        """
        import pandas as pd

        rows = []
        for one in self.matches:
            record, identity = one.record, (one.record.doi or one.record.preprint, one.record.arxiv, one.record.pmid)
            what = (record.place, one.verdict, one.key, one.by, one.score, record.title, record.year or "")
            rows.append((*what, *identity, one.note))
        names = ["record", "verdict", "key", "by", "score", "title", "year", "doi", "arxiv", "pmid", "note"]
        return pd.DataFrame(rows, columns=names)

    def summary(self) -> pd.DataFrame:
        """Return one row a source.

        Returns
        -------
        DataFrame
            ``source, since, until, found`` (by the source), ``received``, then one column a verdict that occurs.
        """
        import pandas as pd

        verdicts = [name for name in matching.VERDICTS if any(one.verdict == name for one in self.matches)]
        rows = []
        for answer in self.answers:
            of_source = [one.verdict for one in self.matches if one.record.file == f"{answer.source}-{self.plan.until}"]
            counts = [of_source.count(name) for name in verdicts]
            rows.append([answer.source, self.plan.since, self.plan.until, answer.total, len(answer.records), *counts])
        return pd.DataFrame(rows, columns=["source", "since", "until", "found", "received", *verdicts])


def fetch(store: Store, courier: Callable[[Source], Courier], say: Say = lambda _: None) -> tuple[Answer, ...]:
    """Ask for every page of a plan that is not there yet.

    Parameters
    ----------
    store : Store
    courier : callable
        Returns the way to a source.
    say : callable
        Gets one line for each step.

    Returns
    -------
    tuple of Answer
        One a source, all of them whole.

    Raises
    ------
    RunError
        If a source gives no usable answer, or finds more than can be matched; pages so far are kept.
    """
    with store.locked():
        return tuple(_fetched(store, SOURCES[name], courier, say) for name in store.plan.texts)


def _fetched(store: Store, source: Source, courier: Callable[[Source], Courier], say: Say) -> Answer:
    pages, kept = _kept(store, source)
    way = None
    told = store.told()
    for number in range(1, kept + 1):  # whoever kept it may have been killed before it was in the journal
        if (PAGE, source.name, number) in told:
            continue
        if (data := store.page(source.name, number, suffix(source, number))) is not None:
            store.tell(source.name, number, data)
    if kept:
        say(f"{source.name}: {kept} pages are there already")
    try:
        while (ask := source.ask(store.plan, pages)) is not None:
            way = way or courier(source)
            if not pages and source.name == OpenAlex.name:
                store.paged({source.name: CURSOR if way.identity.key else NUMBER})
                ask = source.ask(store.plan, pages) or ask
            pages.append(_page(store, source, way, pages, ask))
            say(f"{source.name}: page {len(pages)}, {received(pages)} of {wanted(store.plan, pages[-1].total)} records")
    finally:
        if way is not None:
            way.close()
    if pages and (way is not None or (DONE, source.name, 0) not in told):
        sent = 0 if way is None else way.sent
        store.log(DONE, source=source.name, total=pages[-1].total, received=received(pages), requests=sent)
    return _answer(store.plan, source, pages)


def _page(store: Store, source: Source, way: Courier, pages: Sequence[Page], ask: Ask) -> Page:
    """Ask for one page, check it, and keep it as it came."""
    number = len(pages) + 1
    data = way.fetch(ask, lambda found: source.read(store.plan, pages, found), f"page {number}")
    page = source.read(store.plan, pages, data)
    if wanted(store.plan, page.total) > matching.MOST:
        raise RunError(
            f"{source.name} finds {page.total:,} records, {matching.MOST:,} are the most -> narrow the days with --since and "
            "--until, or the query"
        )
    store.keep(source.name, number, suffix(source, number), data)
    return page


def _kept(store: Store, source: Source) -> tuple[list[Page], int]:
    """Return the pages that are there, up to the first that is missing or broken."""
    pages: list[Page] = []
    while source.ask(store.plan, pages) is not None:
        number = len(pages) + 1
        data = store.page(source.name, number, suffix(source, number))
        if data is None:
            break
        try:
            pages.append(source.read(store.plan, pages, data))
        except Malformed:
            break
    return pages, len(pages)


def _answer(plan: Plan, source: Source, pages: Sequence[Page]) -> Answer:
    file = f"{source.name}-{plan.until}"
    records = tuple(replace(record, file=file) for page in pages for record in page.records)
    total = pages[-1].total if pages else 0
    whole = bool(pages) and source.ask(plan, pages) is None
    notices = [notice for page in pages for notice in page.notices]
    if whole and len(records) < total:
        limit = " as --max asks for" if plan.most and len(records) == plan.most else ""
        notices.append(f"{source.name}: {len(records):,} of {total:,} records came{limit}")
    return Answer(source.name, total, records, tuple(notices), whole)


def read(store: Store) -> tuple[Answer, ...]:
    """Return what the pages of an update hold so far; nothing is asked for.

    Raises
    ------
    InputError
        If a page is damaged, or what is asked for is too long for a source.
    """
    try:
        return tuple(_answer(store.plan, SOURCES[name], _kept(store, SOURCES[name])[0]) for name in store.plan.texts)
    except OptionError as error:
        message, _, remedy = str(error).partition(" -> ")
        raise InputError.one(store.folder / REQUEST, message, f"{remedy} in a new update", "texts") from None


def compare(plan: Plan, answers: Sequence[Answer], corpus: Corpus, decisions: Mapping[str, str] | None = None) -> Update:
    """Lay the records of an update beside a corpus, and beside one another.

    Parameters
    ----------
    decisions : mapping of str to str, optional
        As in :func:`review.importing.matching.match`.

    Raises
    ------
    OptionError
        If there are too many records, or a decision fits none.
    """
    records = [record for answer in answers for record in answer.records]
    if len(records) > matching.MOST:
        raise OptionError(
            f"the sources together gave {len(records):,} records, {matching.MOST:,} are the most -> ask one source at a time"
        )
    return Update(plan, tuple(answers), tuple(matching.match(records, corpus, decisions=decisions)), corpus.hash)


def change(update: Update, corpus: Corpus) -> Change:
    """Return the change that lets every new record wait for screening; nothing is written.

    The flow counts the records of each source as one query, once: the same update applied again changes nothing.

    Raises
    ------
    InputError
        If the corpus has no screening table.
    """
    from review import paths, writing
    from review.importing import candidates, flow
    from review.importing.flow import Batch

    days = f"from {update.plan.since or 'the beginning'} to {update.plan.until}"
    batches, places = [], iter(update.matches)
    for answer in update.answers:
        part = [next(places) for _ in answer.records]
        batches.append(Batch(f"update {answer.source} {update.plan.hash[:12]}", f"{answer.source}, {days}", part))
    planned = candidates.plan(corpus, batches)
    steps = set(corpus.flow["step"])
    rows = flow.raised(corpus, batches)
    queries = {row[0] for row in rows} - steps
    if not queries or "queries" not in steps:
        return planned
    rows = [[step, str(int(count) + len(queries)) if step == "queries" else count, note] for step, count, note in rows]
    return writing.Change(planned.folder, {**planned.files, paths.FLOW: writing.change(corpus, flow=rows).files[paths.FLOW]})


def details(answers: Sequence[Answer]) -> list[tuple[object, ...]]:
    """Return what is known of every record, in the columns of :data:`review.living.texts.COLUMNS`; abstracts are nowhere else."""
    found: list[tuple[object, ...]] = []
    for record in (record for answer in answers for record in answer.records):
        known = (record.place, record.title, "; ".join(record.authors), record.year, record.venue)
        found.append((*known, record.doi, record.preprint, record.arxiv, record.pmid, record.pmcid, record.abstract))
    return found

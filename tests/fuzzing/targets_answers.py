"""What language models and databases send, what is kept of it, and the weights of a model."""

from __future__ import annotations

import contextlib
import json
import re
import struct
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

from fuzzing.common import JSON, emptied, words
from fuzzing.harness import PROJECT, Outcome, Target, WrongError, kept, refused, same
from fuzzing.targets_import import taken, tiny
from review.errors import ModelError, ReviewError
from review.evaluation import judge_prompts
from review.evaluation.rubric import DEFAULT
from review.files import NO_TEXT, to_json
from review.generators import multimodal_prompting, tabular_prompting, text_answers, text_gguf
from review.generators.ecg_measure import Findings, Tolerances
from review.living import prompts, update
from review.living.arxiv import ArXiv
from review.living.asking import Malformed, Page, Plan
from review.living.openalex import OpenAlex
from review.living.pubmed import PubMed
from review.living.store import Store
from review.llm import cache as kept_answers
from review.llm import reply, weights
from review.llm.request import Completion, Message, Model, Request
from review.llm.usage import Usage

LIVING = PROJECT / "tests" / "examples" / "living"
PLAN = Plan(dict.fromkeys(("pubmed", "arxiv", "openalex"), "x"), "2020-01-01", "2026-03-04", 2)

# --- databases


def attack_page(name: str, number: int, data: bytes, folder: Path) -> Outcome:
    """A page is read, or found to be none; its records can stand in a corpus."""
    source = {"pubmed": PubMed(), "arxiv": ArXiv(), "openalex": OpenAlex()}[name]
    asked = tuple(one.decode() for one in re.findall(rb"<PMID[^>]*>([0-9]+)<", data)) or ("1",)
    pages = [Page(len(asked), state=asked)] if name == "pubmed" and number > 1 else []
    try:
        found = source.read(PLAN, pages, data)
    except Malformed as error:
        if not str(error).strip():
            raise WrongError("an answer is refused without a reason") from None
        return Outcome("refused", str(error))
    if not 0 <= found.total < 10**15:
        raise WrongError(f"a total of {found.total}")
    taken(found.records[:3], folder)
    ask = source.ask(PLAN, [*pages, found])
    if ask is not None:
        to_json(dict(ask.params))
        same({type(value) for value in ask.params.values()}, {str}, "types of parameters")
    to_json([*found.notices, *(one.title for one in found.records)]).encode()
    return kept(f"{len(found.records)} {len(found.notices)} {ask is None}")


def request_seeds() -> list[bytes]:
    plans = (
        PLAN,
        Plan({"arxiv": "y"}, "", "2026-01-01", 5),
        Plan({"openalex": "z"}, "", "2026-01-01", 0, {"openalex": "page"}, "n"),
    )
    return [to_json(one.body()).encode() for one in plans]


def attack_request(data: bytes, folder: Path) -> Outcome:
    place = emptied(folder / "update")
    (place / "request.json").write_bytes(data)
    (place / "pages").mkdir()
    for path in LIVING.glob("*-*.*"):
        stem, _, number = path.stem.partition("-")
        (place / "pages" / f"{stem}-{int(number):04d}{path.suffix}").write_bytes(path.read_bytes())
    try:
        store = Store.open(place)
        answers = update.read(store)
    except ReviewError as error:
        return refused(error, "request.json", place.name)
    held = json.loads(data)
    same(store.plan.body(), held, "what was asked for")
    store.paged({})
    same(Store.open(place).plan, store.plan, "written and read again")
    same([one.source for one in answers], list(held["texts"]), "sources")
    return kept(f"{len(answers)}")


# --- language models


def reply_seeds() -> list[bytes]:
    message = {"role": "assistant", "content": "words", "refusal": None}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    good = {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    return [json.dumps(good).encode(), b'{"error": {"message": "no", "type": "x", "code": 400}}', b'{"error": "no"}']


def attack_reply(data: bytes, folder: Path) -> Outcome:
    text = data.decode("utf-8", "replace")
    headers = {"retry-after": text[:40], "retry-after-ms": text[-20:]}
    failure = reply.refused(429, headers, text)
    if failure.wait is not None and not failure.wait >= 0:
        raise WrongError(f"to wait {failure.wait} s")
    found = reply.read(text)
    for one in (failure, found):
        shown = one.text
        shown.encode()
        if isinstance(one, reply.Failure) and (len(shown) > 1000 or "\n" in shown or not one.remedy):
            raise WrongError(f"a failure that is told as {shown!r}")
    if isinstance(found, reply.Failure):
        return Outcome("refused", found.text)
    Completion(found.text, found.finish, found.prompt_tokens or 0, found.completion_tokens or 0)
    return kept(f"{found.finish} {found.prompt_tokens is None}")


class Silent(Model):
    """A model that answers the same every time."""

    @property
    def identity(self) -> dict[str, str]:
        return {"model": "m"}

    @property
    def usage(self) -> Usage:
        return Usage()

    def supports(self, feature: str) -> bool:
        return False

    def complete(self, request: Request) -> Completion:
        return Completion("fresh", "stop", 1, 1)


ASKED = Request((Message("user", "hello"),), max_tokens=4, seed=1)


@cache
def cache_seeds() -> list[bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        kept_answers.Cached(Silent(), Path(name)).complete(ASKED)
        return [path.read_bytes() for path in Path(name).rglob("*.json")]


def attack_cache(data: bytes, folder: Path) -> Outcome:
    """A file of the cache is taken as it was written or not at all, and replaced then."""
    name = kept_answers.key(Silent().identity, ASKED)
    path = folder / name[:2] / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    model = kept_answers.Cached(Silent(), folder)
    answer = model.complete(ASKED)
    if (answer.text, answer.finish, answer.prompt_tokens, answer.completion_tokens) != ("fresh", "stop", 1, 1):
        raise WrongError(f"a damaged answer was taken: {answer!r}")
    if not model.complete(ASKED).cached:
        raise WrongError("the answer was not kept")
    return kept("taken") if answer.cached else Outcome("refused", "replaced")


SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 20}, "n": {"type": "integer"}},
    "required": ["text", "n"],
    "additionalProperties": False,
}


def answer_seeds() -> list[bytes]:
    scores = dict.fromkeys((one.name for one in DEFAULT.criteria), 1)
    found: list[Any] = [
        {"text": "words", "n": 3},
        {"report": "Sinus rhythm, 70 beats a minute."},
        scores,
        {"age": 30.5, "bmi": 22.0},
    ]
    dimension = next(iter(tiny().codebook.dimensions.values()))
    code = next(iter(dimension.categories))
    found += [{"code": code, "quote": "words of the text"}, {"answers": [{"code": code, "quote": "words of the text"}]}]
    return [*(json.dumps(one).encode() for one in found), b'```json\n{"age": 1}\n```', b'Sure! {"text": "a", "n": 1} Done.']


def attack_answer(data: bytes, folder: Path) -> Outcome:
    """Whatever a model says is an answer or none; what is taken from it can be written."""
    text = data.decode("utf-8", "replace")
    found: list[Any] = [text_answers.read(text, "stop", SCHEMA), text_answers.holds_valid(text, SCHEMA)]
    found += [tabular_prompting.read(text)[1], tabular_prompting.first_object(text)]
    found.append(judge_prompts.read(text, "stop", judge_prompts.score_schema(DEFAULT.criteria)))
    said = multimodal_prompting.read(Completion(text, "stop", 1, 1), FINDINGS, Tolerances())
    found.append(said.report)
    if NO_TEXT.search(said.report):
        raise WrongError(f"a report holds {said.report!r}")
    for dimension in tiny().codebook.dimensions.values():
        proposals = prompts.read(text, dimension, "A title", "Some words of the text, and more.", prompts.Budget(1000, 1000))
        if not proposals or any(one.value and one.value not in dimension.categories for one in proposals):
            raise WrongError(f"proposals {proposals!r}")
        found += [one.reason for one in proposals]
    json.dumps(found, ensure_ascii=False).encode()
    shape = f"{bool(found[0][0])} {found[1]} {found[2][:20]} {found[3]} {found[4][1]} {bool(said.report)} {found[-1]}"
    return kept(shape) if found[1] or found[3] or said.report else Outcome("refused", shape)


FINDINGS = Findings((0.5, 1.3, 2.1), 75.0, 0.01, "sinus", 160, 90, 400)

# --- weights


def gguf(pairs: int = 2, tensors: int = 1, version: int = 3) -> bytes:
    """Return a small GGUF file."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    facts = [text("general.architecture") + struct.pack("<I", 8) + text("llama"), text("n") + struct.pack("<II", 4, 7)]
    facts.append(text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"))
    held = [text(f"t{n}.weight") + struct.pack("<IQIQ", 1, 32, 0, 128 * n) for n in range(tensors)]
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + b"".join(facts[:pairs]) + b"".join(held)
    return head + b"\0" * (-len(head) % 32) + b"\0" * 128 * tensors


def left(weights: Any) -> Any:
    """Stand for the reading by transformers, which takes seconds."""
    raise ValueError("left to transformers")


def attack_weights(data: bytes, folder: Path) -> Outcome:
    """What is said of a file is that it is none, or what its header lacks; no header ends the process or takes its memory."""
    path = folder / "m.gguf"
    path.write_bytes(data)
    try:
        found = weights.check(path)
    except ModelError as error:
        return refused(error, path.name)
    same(found.path, path.resolve(), "path")
    with mock.patch.object(text_gguf, "_leave", left), contextlib.suppress(RuntimeWarning):
        try:
            text_gguf.read(found)
        except ModelError as error:
            return kept(refused(error, path.name).text)
    raise WrongError("a file without weights was read")


SOURCES = (("pubmed", 1, "json"), ("pubmed", 2, "xml"), ("arxiv", 1, "xml"), ("openalex", 1, "json"))
XML = (
    "<|>|</|/>|&amp;|&#0;|&#xD800;|<!DOCTYPE a [<!ENTITY b 'c'>]>|&b;|<![CDATA[|]]>|<?xml version='1.0' encoding='utf-16'?>|"
    "<PMID>|<Year>|<entry>|<title>|<ArticleTitle>|<AbstractText Label='A'>|<opensearch:totalResults>|xmlns=''|²|٣"
)


def page_seeds(name: str, number: int, suffix: str) -> list[bytes]:
    return [
        path.read_bytes()
        for path in sorted(LIVING.glob(f"{name}-*.{suffix}"))
        if (number == 1) == path.stem.endswith("1") or number > 1
    ]


TARGETS = (
    *(
        Target(
            f"{name}-{number}",
            partial(page_seeds, name, number, suffix),
            partial(attack_page, name, number),
            words(
                XML
                if suffix == "xml"
                else JSON + '"count":|"idlist":|"errorlist":|"results":|"meta":|"authorships":|"next_cursor":|"ERROR":'
            ),
        )
        for name, number, suffix in SOURCES
    ),
    Target("request", request_seeds, attack_request, words(JSON + '"texts":|"paging":|"most":|"since":|"arxiv"|"page"|"cursor"')),
    Target(
        "reply",
        reply_seeds,
        attack_reply,
        words(JSON + '"choices":|"message":|"content":|"usage":|"error":|"refusal":|"finish_reason":|data: |[DONE]'),
    ),
    Target("cache", cache_seeds, attack_cache, words(JSON + '"answer":|"digest":|"key":|"text":|"finish":')),
    Target(
        "answer",
        answer_seeds,
        attack_answer,
        words(JSON + '```|```json|"report":|"code":|"quote":|"answers":|"text":|"n":|\\ud800'),
    ),
    Target(
        "weights",
        lambda: [gguf(), gguf(3, 2), gguf(3, 0, 2), gguf(1, 0)],
        attack_weights,
        (b"GGUF", *(struct.pack("<Q", n) for n in (0, 1, 2**31, 2**62, 2**64 - 1)), struct.pack("<I", 8), struct.pack("<I", 9)),
    ),
)

"""Requests to servers that misbehave in every way that servers do: courteous, patient, and silent about keys."""

from __future__ import annotations

import gzip
import itertools
import socket
from collections.abc import Iterator

import living_server as server
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from living_server import Services

from review.errors import OptionError, RunError
from review.living import courier as couriers
from review.living.asking import Ask, Malformed
from review.living.courier import Clock, Courier, Habits, Identity
from review.llm.settings import Secret

ASK = Ask("", {"start": "0"})
KEY, MAIL = "key-0123456789", "me@example.org"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every courier of a test is closed at its end."""
    made: list[Courier] = []
    begin = Courier.__init__

    def noted(self: Courier, *given: object, **named: object) -> None:
        begin(self, *given, **named)
        made.append(self)

    monkeypatch.setattr(Courier, "__init__", noted)
    yield
    for courier in made:
        courier.close()


@pytest.fixture
def services() -> Iterator[Services]:
    with server.serve() as found:
        yield found


class Slept(Clock):
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.time, self.pauses = 100.0, []
        super().__init__(lambda: self.time, self.pass_by)

    def pass_by(self, seconds: float) -> None:
        assert seconds >= 0
        self.pauses.append(seconds)
        self.time += seconds


def make(services: Services, clock: Clock | None = None, source: str = "arxiv", **habits: float) -> Courier:
    facts = {"timeout": 5.0, "retries": 2, **habits}
    return Courier(source, f"{services.url}/{source}", 0.0, Identity(), Habits(**facts), clock or Slept())


def fine(_: bytes) -> None:
    pass


def test_an_answer_comes_as_it_is(services):
    assert make(services).fetch(ASK, fine, "page 1") == server.recorded("arxiv", 1)


def test_429_waits_as_long_as_the_server_asks(services):
    services.faults["arxiv", 1] = [server.status(429, "slow down", {"Retry-After": "7"})]
    clock = Slept()
    assert make(services, clock).fetch(ASK, fine, "page 1")
    assert clock.pauses == [7.0]
    assert len(services.asked) == 2


def test_a_server_that_asks_for_too_much_patience_ends_the_run(services):
    services.faults["arxiv", 1] = [server.status(429, "tomorrow", {"Retry-After": "86400"})]
    with pytest.raises(RunError, match="asks to wait 86400 s -> do so, then run the same command again"):
        make(services).fetch(ASK, fine, "page 1")
    assert len(services.asked) == 1


def test_500_twice_then_good_with_pauses_that_double(services):
    services.faults["arxiv", 1] = [server.status(500), server.status(503)]
    clock = Slept()
    assert make(services, clock, pause=2.0).fetch(ASK, fine, "page 1")
    assert len(clock.pauses) == 2
    assert 1.0 <= clock.pauses[0] <= 3.0
    assert 2.0 <= clock.pauses[1] <= 6.0


def test_the_jitter_comes_from_the_seed(services):
    def pauses(seed: int) -> list[float]:
        services.faults["arxiv", 1] = [server.status(500), server.status(500)]
        clock = Slept()
        make(services, clock, seed=seed).fetch(ASK, fine, "page 1")
        return clock.pauses

    assert pauses(1) == pauses(1)
    assert pauses(1) != pauses(2)


def test_a_pause_has_a_limit(services):
    way = make(services, longest=4.0)
    assert all(way._pause(attempt) <= 6.0 for attempt in range(30))


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (400, "check the query"),
        (401, "get a key"),
        (403, "wait some hours"),
        (404, "check the address"),
        (418, "check the query"),
    ],
)
def test_4xx_is_told_at_once(services, code, remedy):
    services.faults["arxiv", 1] = [server.status(code, "the server's words")]
    with pytest.raises(RunError, match=f"arxiv, page 3: HTTP {code}: the server's words -> {remedy}"):
        make(services).fetch(ASK, fine, "page 3")
    assert len(services.asked) == 1


def test_a_connection_that_is_reset_is_tried_again(services):
    services.faults["arxiv", 1] = [server.hang_up, server.cut]
    assert make(services).fetch(ASK, fine, "page 1") == server.recorded("arxiv", 1)
    assert len(services.asked) == 3


def test_no_server_at_all():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    way = Courier("arxiv", f"http://127.0.0.1:{port}", 0.0, Identity(), Habits(retries=1), Slept())
    with pytest.raises(RunError, match=r"no answer: ConnectError.*\(2 attempts\) -> check the network"):
        way.fetch(ASK, fine, "page 1")


@pytest.mark.parametrize("headers", [True, False])
def test_a_server_that_sends_a_byte_at_a_time_is_given_up(services, headers):
    services.faults["arxiv", 1] = [server.trickle(0.05, headers=headers)]
    with pytest.raises(RunError, match=r"no answer within 0\.4 s"):
        make(services, timeout=0.4, retries=0).fetch(ASK, fine, "page 1")


def test_what_is_no_answer_is_asked_for_again_then_told(services):
    def refuse(_: bytes) -> None:
        raise Malformed("it is a poem")

    with pytest.raises(RunError, match=r"arxiv, page 2: the answer cannot be read: it is a poem \(3 attempts\) -> run the same"):
        make(services).fetch(ASK, refuse, "page 2")
    assert len(services.asked) == 3


def test_gzip_is_unpacked_and_a_broken_one_is_told(services):
    services.faults["arxiv", 1] = [server.zipped(b"packed"), server.says(b"no gzip", {"Content-Encoding": "gzip"})]
    way = make(services, retries=0)
    assert way.fetch(ASK, fine, "page 1") == b"packed"
    with pytest.raises(RunError, match="cannot be unpacked"):
        way.fetch(ASK, fine, "page 1")
    assert services.asked[0][3]["accept-encoding"] == "gzip"


def test_an_answer_that_unpacks_without_end_is_refused(services, monkeypatch):
    monkeypatch.setattr(couriers, "LARGEST", 1_000_000)
    services.faults["arxiv", 1] = [server.says(gzip.compress(b" " * 5_000_000), {"Content-Encoding": "gzip"})]
    with pytest.raises(RunError, match="more than 1,000,000 bytes"):
        make(services).fetch(ASK, fine, "page 1")


def test_a_redirect_on_the_same_host_is_followed(services):
    services.faults["arxiv", 1] = [server.status(301, "", {"Location": "/arxiv/new"})]
    assert make(services).fetch(ASK, fine, "page 1") == server.recorded("arxiv", 1)
    assert [number for _, number, _, _ in services.asked] == [1, 1]


@pytest.mark.parametrize("target", ["https://elsewhere.example/x", "http://127.0.0.1:1/x", "", "ftp://127.0.0.1/x"])
def test_a_redirect_elsewhere_is_not_followed(services, target):
    services.faults["arxiv", 1] = [server.status(302, "", {"Location": target} if target else {})]
    with pytest.raises(RunError, match=r"it redirects to .*, which is not followed"):
        make(services).fetch(ASK, fine, "page 1")


def test_a_redirect_in_a_circle_ends(services):
    services.faults["arxiv", 1] = [server.status(302, "", {"Location": "/arxiv"})] * 9
    with pytest.raises(RunError, match="redirects more than 3 times"):
        make(services).fetch(ASK, fine, "page 1")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 10), min_size=2, max_size=20), st.floats(0.01, 4))
def test_requests_are_never_closer_than_the_interval(gaps, interval):
    clock = Slept()
    way = Courier("arxiv", "https://example.org", interval, Identity(), Habits(), clock)
    starts = []
    for gap in gaps:
        clock.time += gap
        way._take_turn()
        starts.append(clock.time)
    assert all(later - earlier >= interval - 1e-6 for earlier, later in itertools.pairwise(starts))


def test_attempts_that_fail_keep_the_interval_too(services):
    services.faults["arxiv", 1] = [server.status(500), server.status(500)]
    clock = Slept()
    way = Courier("arxiv", f"{services.url}/arxiv", 3.1, Identity(), Habits(pause=0.0), clock)
    way.fetch(ASK, fine, "page 1")
    assert clock.time - 100.0 == pytest.approx(6.2)


def test_pubmed_gets_key_and_mail_in_the_form_and_others_in_headers(services, monkeypatch):
    monkeypatch.setenv("NCBI_API_KEY", KEY)
    monkeypatch.setenv("OPENALEX_API_KEY", KEY)
    monkeypatch.setenv("REVIEW_EMAIL", MAIL)
    for name, ask in (("pubmed", Ask("esearch.fcgi", {}, post=True)), ("openalex", Ask("works", {"page": "1"}))):
        way = Courier(name, f"{services.url}/{name}", 0.0, couriers.identity(name), Habits(), Slept())
        way.fetch(ask, fine, "page 1")
    pubmed, openalex = services.asked
    assert pubmed[2] == {"tool": "synthetic-data-review", "email": MAIL, "api_key": KEY}
    assert "authorization" not in pubmed[3]
    assert openalex[2] == {"page": "1"}
    assert openalex[3]["authorization"] == f"Bearer {KEY}"
    assert openalex[3]["from"] == MAIL


def test_arxiv_is_told_no_key(services, monkeypatch):
    monkeypatch.setenv("NCBI_API_KEY", KEY)
    assert not couriers.identity("arxiv").key


def test_without_key_and_mail_none_is_sent(services, monkeypatch):
    for name in ("NCBI_API_KEY", "REVIEW_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    way = Courier("pubmed", f"{services.url}/pubmed", 0.0, couriers.identity("pubmed"), Habits(), Slept())
    way.fetch(Ask("esearch.fcgi", {}, post=True), fine, "page 1")
    assert services.asked[0][2] == {"tool": "synthetic-data-review"}


@pytest.mark.parametrize("echo", [f"bad key {KEY} of {MAIL}", "bad key key-0123456789 of me%40example.org"])
def test_what_a_server_repeats_of_key_and_mail_is_taken_out(services, echo):
    who = Identity(Secret(KEY), Secret(MAIL), {"api_key": "key"})
    services.faults["arxiv", 1] = [server.status(400, echo), server.says(echo.encode())]
    way = Courier("arxiv", f"{services.url}/arxiv", 0.0, who, Habits(), Slept())
    with pytest.raises(RunError) as caught:
        way.fetch(ASK, fine, "page 1")
    assert "bad key <key> of <key>" in str(caught.value)
    assert way.fetch(ASK, fine, "page 1") == b"bad key <key> of <key>"
    assert KEY not in repr(who)
    assert MAIL not in repr(who)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org",
        "ftp://example.org",
        "https://a:b@example.org",
        "https://example.org?x=1",
        "https://",
        "nonsense",
        "https://[",
        "https://x:0",
    ],
)
def test_addresses_that_would_not_keep_a_key_are_refused(address):
    with pytest.raises(OptionError, match="write REVIEW_ARXIV_URL"):
        couriers.checked("arxiv", address)


def test_a_key_with_blanks_is_refused(monkeypatch):
    monkeypatch.setenv("OPENALEX_API_KEY", "two words")
    with pytest.raises(OptionError, match="OPENALEX_API_KEY has blanks"):
        couriers.identity("openalex")
    with pytest.raises(OptionError, match="the mail address has blanks"):
        couriers.identity("arxiv", "Me <me@example.org>")

"""The director: from a head and a body to a destination, a lease and what must change."""

from __future__ import annotations

import orjson
import pytest

from builders import endpoint
from pointsman.api.signals import Signal
from pointsman.domain.endpoints import Address, Endpoint
from pointsman.domain.errors import BadRequestError, NoEndpointsError
from pointsman.domain.requests import RequestHead
from pointsman.domain.responses import Ending
from pointsman.pipeline.director import PoolDirector
from worlds import CHAT, World


def chat(text: str, *, model: str = "m") -> bytes:
    return orjson.dumps({"model": model, "messages": [{"role": "user", "content": text}]})


def test_a_burst_spreads_before_any_scrape_can_see_it() -> None:
    world = World(*(endpoint(number) for number in range(4)))
    picked = [world.destination(chat(f"{number} " * 400)) for number in range(40)]
    assert {picked.count(each) for each in set(picked)} == {10}


def test_a_shared_prefix_draws_requests_together_until_that_would_be_slower() -> None:
    world = World(endpoint(0), endpoint(1))
    system = "s" * 40_000
    first = world.destination(chat(system + "a"))
    world.clock.advance(10)
    assert world.destination(chat(system + "b")) == first
    slot = int(first == "10.0.0.2:8000")
    world.pool.table.signals[Signal.BACKLOG_TOKENS, slot] = 100_000
    world.pool.table.signals[Signal.BACKLOG_AT_S, slot] = world.clock.monotonic_s()
    assert world.destination(chat(system + "c")) != first


def test_the_lease_ends_with_the_watch() -> None:
    world = World(endpoint(0))
    director: PoolDirector = world.director
    decision = director.decide(RequestHead(headers=CHAT), chat("hello"))
    assert world.pool.ledger.statistics().open_leases == 1
    decision.watch.close(Ending.CLIENT_GONE)
    assert world.pool.ledger.statistics().open_leases == 0


def test_ipv6_destinations_are_bracketed() -> None:
    world = World(Endpoint(name="v6", address=Address("fd00::7", 8000)))
    assert world.destination(chat("x")) == "[fd00::7]:8000"
    assert world.destination(b"", headers={":path": "/v1/models"}) == "[fd00::7]:8000"


def test_bodies_pass_unchanged_unless_the_model_is_rewritten() -> None:
    world = World(endpoint(0))
    body = b'{ "model" : "m", "messages":[{"role":"user","content":"\\u00e4"}], "big": 1e300 }'
    head = RequestHead(headers=CHAT)
    assert world.director.decide(head, body).body is None
    rewritten = RequestHead(headers={**CHAT, "x-gateway-model-name-rewrite": "other"})
    expected = body.replace(b'"m"', b'"other"')
    assert world.director.decide(rewritten, body).body == expected


def test_the_newer_rewrite_header_wins_even_when_it_is_empty() -> None:
    world = World(endpoint(0))
    headers = {**CHAT, "x-llm-d-model-name-rewrite": "", "x-gateway-model-name-rewrite": "old"}
    assert world.director.decide(RequestHead(headers=headers), chat("x")).body is None


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": []}', b"\xff"])
def test_unreadable_requests_are_refused_and_claim_nothing(body: bytes) -> None:
    world = World(endpoint(0))
    with pytest.raises(BadRequestError):
        world.destination(body)
    assert world.pool.ledger.statistics().open_leases == 0


def test_the_subset_is_honoured_with_and_without_a_body() -> None:
    world = World(*(endpoint(number) for number in range(4)))
    for body in (chat("x"), b""):
        assert world.destination(body, subset=("10.0.0.3:8000",)) == "10.0.0.3:8000"
        with pytest.raises(NoEndpointsError):
            world.destination(body, subset=())


def test_the_subset_can_be_switched_off() -> None:
    world = World(endpoint(0), honours_subset=False)
    assert world.destination(chat("x"), subset=("10.9.9.9:1",)) == "10.0.0.1:8000"


def test_an_unread_body_is_scheduled_by_its_first_bytes() -> None:
    world = World(endpoint(0), endpoint(1))
    cut = chat("s" * 5_000)[:4_000]
    head = RequestHead(headers=CHAT)
    first = world.director.decide_unread(head, cut).destination
    world.clock.advance(10)
    assert world.director.decide_unread(head, cut).destination == first
    assert world.director.decide_unread(head).body is None


def test_a_client_cannot_choose_its_endpoint() -> None:
    world = World(endpoint(0))
    headers = {**CHAT, "x-gateway-destination-endpoint": "6.6.6.6:6"}
    assert world.destination(chat("x"), headers=headers) == "10.0.0.1:8000"

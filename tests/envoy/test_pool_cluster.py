"""Who serves: the picker's list in its order, then the fallback policy."""

from __future__ import annotations

import socket
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from envoy_stack import running
from pointsman.domain.endpoints import Address
from pointsman.envoy.pool_cluster import pool_cluster
from pointsman.envoy.settings import Balancing, EnvoySettings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def dead() -> Iterator[Address]:
    """An address that refuses connections: bound, so that nobody else gets it, not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield Address("127.0.0.1", bound.getsockname()[1])


@pytest.mark.integration
async def test_the_next_endpoint_of_the_list_serves_when_the_first_is_dead(dead: Address) -> None:
    async with running(dead=(dead,)) as stack:
        second = stack.models[1].address.authority
        stack.picker.pick = lambda: f"{dead.authority},{second}"
        assert {(await stack.ask()).text for _ in range(10)} == {"two 2"}
        assert {stream.served for stream in stack.picker.streams} == {second}


@pytest.mark.integration
async def test_the_next_endpoint_serves_when_the_first_answers_503() -> None:
    async with running() as stack:
        stack.models[0].status = 503
        stack.picker.pick = lambda: ",".join(model.address.authority for model in stack.models)
        assert {(await stack.ask()).text for _ in range(10)} == {"two 2"}


@pytest.mark.integration
async def test_an_engines_own_error_is_passed_on() -> None:
    async with running() as stack:
        stack.models[0].status = 500
        response = await stack.ask()
        assert (response.status_code, response.text) == (500, "one 2")
        assert stack.models[1].heads == []


@pytest.mark.integration
async def test_an_address_outside_of_the_pool_is_never_used(dead: Address) -> None:
    async with running() as stack:
        stack.picker.pick = lambda: dead.authority
        answers = [await stack.ask() for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}


@pytest.mark.integration
async def test_without_a_picker_round_robin_takes_turns() -> None:
    async with running(has_picker=False, fallback=Balancing.ROUND_ROBIN) as stack:
        answers = Counter([(await stack.ask()).text for _ in range(10)])
        assert answers == {"one 2": 5, "two 2": 5}
        assert stack.picker.streams == []


@pytest.mark.integration
async def test_an_empty_pool_of_dead_servers_answers_503_at_once(dead: Address) -> None:
    async with running(dead=(dead,), has_models=False) as stack:
        stack.picker.pick = lambda: dead.authority
        assert (await stack.ask()).status_code == httpx.codes.SERVICE_UNAVAILABLE


def test_metadata_is_asked_before_the_header() -> None:
    """A client can set a header, never metadata."""
    policies = pool_cluster(EnvoySettings((Address("10.0.0.1", 8000),))).load_balancing_policy
    assert policies is not None
    [policy] = policies.to_dict()["policies"]
    sources = policy["typedExtensionConfig"]["typedConfig"]["overrideHostSources"]
    assert [list(source) for source in sources] == [["metadata"], ["header"]]

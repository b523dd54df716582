"""A real Envoy asks a recording picker: dialects, the sample, and broken pickers."""

from __future__ import annotations

import httpx
import pytest

from envoy_stack import running
from pointsman.domain.protocol import OBSERVE_METADATA
from pointsman.envoy.picker_filter import observed_route_override
from pointsman.envoy.settings import Dialect, PickerSettings

BASE = PickerSettings(has_tls=False, observed_share=0.0)
OBSERVED = PickerSettings(has_tls=False, observed_share=1.0)
FAILS_OPEN = PickerSettings(has_tls=False, observed_share=0.0, fail_open=True)
MIB = 1024 * 1024


@pytest.mark.integration
@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("picker", [BASE, OBSERVED], ids=["plain", "observed"])
async def test_bodies_up_to_the_limit_reach_the_picked_server_in(
    dialect: Dialect, picker: PickerSettings
) -> None:
    async with running(picker=picker, dialect=dialect) as stack:
        for size in (0, 1, 100_000, 8 * MIB, 32 * MIB):
            response = await stack.ask(b"x" * size)
            assert (response.status_code, response.text) == (200, f"one {size}")


@pytest.mark.integration
async def test_our_own_dialect_sends_no_response_body() -> None:
    async with running(picker=BASE) as stack:
        await stack.ask()
        [stream] = stack.picker.streams
        assert stream.kinds[0] == "request_headers"
        assert stream.kinds[-1] == "response_headers"
        assert stream.response_bytes == 0


@pytest.mark.integration
async def test_a_share_of_responses_is_observed_and_clearing_the_route_cache_keeps_it() -> None:
    picker = PickerSettings(has_tls=False, observed_share=0.5)
    async with running(picker=picker) as stack:
        for _ in range(60):
            assert (await stack.ask()).text == "one 2"
        observed = [stream for stream in stack.picker.streams if stream.response_bytes]
        # Chance: 60 fair coins are outside of this once in five million times.
        assert 10 < len(observed) < 50
        assert {stream.response_bytes for stream in observed} == {len("one 2")}
        marked = [stream for stream in stack.picker.streams if OBSERVE_METADATA in stream.metadata]
        assert marked == observed


@pytest.mark.integration
async def test_the_picker_hears_who_served() -> None:
    async with running(picker=BASE) as stack:
        stack.picker.pick = lambda: stack.models[1].address.authority
        assert (await stack.ask()).text == "two 2"
        assert stack.picker.streams[0].served == stack.models[1].address.authority


@pytest.mark.integration
@pytest.mark.parametrize("phase", ["request_headers", "request_body", "response_headers"])
async def test_a_failing_picker_is_a_503(phase: str) -> None:
    async with running(picker=BASE) as stack:
        stack.picker.fails_at = phase
        assert (await stack.ask()).status_code == httpx.codes.SERVICE_UNAVAILABLE


@pytest.mark.integration
@pytest.mark.parametrize("phase", ["request_headers", "request_body", "response_headers"])
async def test_failing_open_serves_whatever_the_picker_does(phase: str) -> None:
    async with running(picker=FAILS_OPEN) as stack:
        stack.picker.fails_at = phase
        for size in (2, 3 * MIB):
            response = await stack.ask(b"x" * size)
            assert response.status_code == httpx.codes.OK
            assert response.text.endswith(f" {size}")


@pytest.mark.integration
async def test_failing_open_serves_when_there_is_no_picker_at_all() -> None:
    async with running(picker=FAILS_OPEN) as stack:
        await stack.server.stop(None)
        answers = [await stack.ask(b"x" * 1000) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}


@pytest.mark.integration
async def test_a_hanging_picker_is_left_after_the_message_timeout() -> None:
    picker = PickerSettings(
        has_tls=False, observed_share=0.0, fail_open=True, message_timeout_s=0.2
    )
    async with running(picker=picker) as stack:
        stack.picker.hangs_at = "request_body"
        assert (await stack.ask()).status_code == httpx.codes.OK


@pytest.mark.parametrize("dialect", [Dialect.FULL_DUPLEX, Dialect.STREAMED])
def test_there_is_nothing_to_override_where_every_response_is_seen(dialect: Dialect) -> None:
    assert observed_route_override(dialect) == {}

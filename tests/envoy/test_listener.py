"""What a client may and may not say, on a real Envoy."""

from __future__ import annotations

import pytest

from envoy_stack import running
from pointsman.domain.protocol import DESTINATION, SERVED, SUBSET
from pointsman.envoy.settings import PickerSettings

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", [DESTINATION, SERVED, SUBSET])
async def test_a_client_cannot_say_what_only_the_picker_may(name: str) -> None:
    async with running() as stack:
        await stack.client.post(stack.envoy.url, content=b"{}", headers={name.upper(): "6.6.6.6:1"})
        assert name not in stack.picker.streams[0].request_headers
        assert b"6.6.6.6" not in stack.models[0].heads[0]


async def test_a_client_cannot_choose_its_endpoint_while_the_picker_is_down() -> None:
    picker = PickerSettings(has_tls=False, fail_open=True, observed_share=0.0)
    async with running(picker=picker) as stack:
        await stack.server.stop(None)
        forged = {DESTINATION: stack.models[1].address.authority}
        answers = {
            (await stack.client.post(stack.envoy.url, content=b"{}", headers=forged)).text
            for _ in range(40)
        }
        # Chance: the same server forty times, once in 10^12 times.
        assert answers == {"one 2", "two 2"}


async def test_a_clients_request_id_is_kept_and_returned() -> None:
    async with running() as stack:
        response = await stack.ask(x_request_id="mine-1")
        assert response.headers["x-request-id"] == "mine-1"
        assert stack.picker.streams[0].request_headers["x-request-id"] == b"mine-1"


async def test_a_client_is_told_who_served_it_when_asked_for() -> None:
    async with running(served_by_header="x-served-by") as stack:
        response = await stack.ask()
        assert response.headers["x-served-by"] == stack.models[0].address.authority


async def test_the_access_log_says_who_was_picked_and_who_served() -> None:
    async with running(access_log="/dev/stdout") as stack:
        await stack.ask()
        address = stack.models[0].address.authority
    assert f'"picked":"{address}"' in stack.envoy.log()
    assert f'"served":"{address}"' in stack.envoy.log()

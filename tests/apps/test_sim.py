from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import openai
import pytest

from pointsman.apps.sim import SimSettings, run_sim, server_settings, simulated_servers
from pointsman.lib.clock import SystemClock
from pointsman.sim.engine.presets import LLAMA_8B_L4
from pointsman.sim.faults import Faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pointsman.domain.endpoints import Address

SETTINGS = SimSettings(port=0, speed=50.0, model="base", adapters_max=1, adapters=("sql",))


@asynccontextmanager
async def sdk(settings: SimSettings = SETTINGS) -> AsyncIterator[openai.AsyncOpenAI]:
    """The real OpenAI SDK against one simulated server."""
    async with (
        simulated_servers(settings, clock=SystemClock()) as (address,),
        openai.AsyncOpenAI(
            base_url=f"http://{address.authority}/v1", api_key="none", max_retries=0, timeout=10
        ) as client,
    ):
        yield client


async def test_the_openai_sdk_chats() -> None:
    async with sdk() as client:
        reply = await client.chat.completions.create(
            model="base", messages=[{"role": "user", "content": "hi"}], max_tokens=12
        )
        models = [model.id async for model in client.models.list()]
    assert reply.usage.completion_tokens == 12
    assert len(reply.choices[0].message.content) == 48
    assert reply.choices[0].finish_reason == "length"
    assert models == ["base", "sql"]


async def test_the_openai_sdk_streams() -> None:
    async with sdk() as client:
        stream = await client.chat.completions.create(
            model="sql",
            messages=[{"role": "user", "content": "hi"}],
            max_tokens=5,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content for chunk in chunks if chunk.choices)
    assert len(text) == 20
    assert chunks[-1].usage.completion_tokens == 5
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens == 0


async def test_the_openai_sdk_completes_embeds_and_responds() -> None:
    async with sdk() as client:
        completion = await client.completions.create(model="base", prompt=["a", "b"], max_tokens=3)
        embeddings = await client.embeddings.create(model="base", input=["a", "b"])
        response = await client.responses.create(model="base", input="hi", max_output_tokens=3)
        stream = await client.responses.create(
            model="base", input="hi", max_output_tokens=3, stream=True
        )
        kinds = [event.type async for event in stream]
    assert [len(choice.text) for choice in completion.choices] == [12, 12]
    assert [len(row.embedding) for row in embeddings.data] == [64, 64]
    assert len(response.output_text) == 12
    assert kinds.count("response.output_text.delta") == 3


async def test_the_openai_sdk_understands_the_errors() -> None:
    async with sdk() as client:
        with pytest.raises(openai.NotFoundError, match="The model `nope` does not exist"):
            await client.chat.completions.create(
                model="nope", messages=[{"role": "user", "content": "hi"}]
            )
        with pytest.raises(openai.BadRequestError, match="maximum context length"):
            await client.completions.create(model="base", prompt="word" * 140_000)
    async with sdk(SimSettings(port=0, faults=Faults(error_share=1.0))) as client:
        with pytest.raises(openai.InternalServerError):
            await client.completions.create(model="sim-model", prompt="hi")


async def test_several_servers_share_a_process_but_not_their_engines() -> None:
    settings = SimSettings(port=0, replicas=3, speed=50.0)
    async with (
        simulated_servers(settings, clock=SystemClock()) as addresses,
        httpx.AsyncClient() as client,
    ):
        assert len({address.port for address in addresses}) == 3
        urls = [f"http://{address.authority}" for address in addresses]
        await client.post(f"{urls[1]}/v1/completions", json={"prompt": "hi", "max_tokens": 2})
        found = [(await client.get(f"{url}/sim/statistics")).json()["finished"] for url in urls]
    assert found == [0, 1, 0]


async def test_it_tells_where_it_listens_and_serves_until_it_is_stopped() -> None:
    started: asyncio.Future[list[Address]] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            run_sim(SETTINGS, clock=SystemClock(), stop=stop, started=started.set_result)
        )
        (address,) = await started
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://{address.authority}/health")).status_code == 200
        stop.set()
        await task
    with pytest.raises(OSError, match=r"refused|connect|Errno"):
        await asyncio.open_connection(*address)


async def test_it_stops_while_requests_hang() -> None:
    settings = SimSettings(port=0, faults=Faults(hang_share=1.0))
    async with asyncio.TaskGroup() as group, httpx.AsyncClient() as client:

        async def ask_and_be_cut_off(url: str) -> None:
            with pytest.raises(httpx.TransportError):
                await client.post(f"{url}/v1/completions", json={"prompt": "hi"})

        async with simulated_servers(settings, clock=SystemClock()) as (address,):
            url = f"http://{address.authority}"
            hanging = group.create_task(ask_and_be_cut_off(url))
            while (await client.get(f"{url}/sim/statistics")).json()["inflight"] == 0:
                await asyncio.sleep(0.01)
        await hanging


async def test_a_taken_port_is_an_os_error_and_leaves_nothing_open() -> None:
    async with simulated_servers(SETTINGS, clock=SystemClock()) as (address,):
        taken = SimSettings(ports=(0, address.port))
        with pytest.raises(OSError, match="in use"):
            async with simulated_servers(taken, clock=SystemClock()):
                pytest.fail("the second port is taken")


async def test_an_error_of_the_caller_comes_out_as_itself() -> None:
    with pytest.raises(LookupError, match="mine"):
        async with simulated_servers(SETTINGS, clock=SystemClock()):
            raise LookupError("mine")


def test_ports_follow_each_other_unless_they_are_listed_or_free() -> None:
    assert SimSettings(port=9000, replicas=3).listening_ports == (9000, 9001, 9002)
    assert SimSettings(port=0, replicas=2).listening_ports == (0, 0)
    assert SimSettings(ports=(7, 9)).listening_ports == (7, 9)


def test_what_is_not_chosen_is_the_presets() -> None:
    chosen = server_settings(
        SimSettings(preset="llama-8b-l4", prefill_tokens_per_s=1000, adapters_max=4), replica=2
    )
    assert chosen.engine.blocks == LLAMA_8B_L4.blocks
    assert chosen.engine.speed.step_s == LLAMA_8B_L4.speed.step_s
    assert chosen.engine.speed.prefill_token_s == 0.001
    assert (chosen.engine.adapters_max, chosen.seed) == (4, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SimSettings(preset="huge"), "unknown preset 'huge'; known are tiny, llama-8b-l4"),
        (SimSettings(adapters=("sql",)), "adapters need an engine with adapters_max"),
        (SimSettings(adapters=("=path",), adapters_max=1), "neither name nor name=path"),
        (SimSettings(prefill_tokens_per_s=0), "prefill_tokens_per_s must be positive"),
        (SimSettings(speed=0), "speed must be above 0"),
        (SimSettings(blocks=1), "context_tokens_max must be between"),
        (SimSettings(replicas=0), "there must be 1..256 servers"),
        (SimSettings(output_tokens_min=9, output_tokens_max=8), "output_tokens_min must be"),
    ],
)
async def test_impossible_settings_are_refused_before_anything_starts(
    settings: SimSettings, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        async with simulated_servers(settings, clock=SystemClock()):
            pytest.fail("it started")

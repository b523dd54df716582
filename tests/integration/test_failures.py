"""What happens when a part of the system fails, and that it mends without help."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import openai
import pytest

from integration.stack import MODEL, Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def ask(client: openai.AsyncOpenAI, text: str = "hello") -> str:
    answer = await client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], max_completion_tokens=2
    )
    return answer.choices[0].message.content or ""


async def eventually_answers(stack: Stack) -> None:
    async with stack.client() as client, asyncio.timeout(20):
        while True:
            try:
                await ask(client)
            except openai.APIStatusError:
                await asyncio.sleep(0.1)
            else:
                return


async def test_without_a_picker_fail_close_answers_5xx_until_it_is_back(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack, stack.client() as client:
        assert await ask(client)
        await stack.picker.kill()
        with pytest.raises(openai.InternalServerError):
            await ask(client)
        await stack.picker.start()
        await eventually_answers(stack)


async def test_without_a_picker_fail_open_serves_all_the_same(tmp_path: Path) -> None:
    async with running_stack(tmp_path, fail_open=True) as stack, stack.client() as client:
        assert await ask(client)
        await stack.picker.kill()
        for number in range(10):
            assert await ask(client, f"request {number}")
        await stack.picker.start()
        await eventually_answers(stack)


async def test_a_picker_that_is_told_to_stop_ends_in_order(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack, stack.client() as client:
        slow = asyncio.create_task(  # noqa: TID251 - awaited below
            client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": "hello"}],
                max_completion_tokens=100,
            )
        )
        while not await stack.picker.inflight():
            await asyncio.sleep(0.01)
        assert await stack.picker.stop() == 0
        assert (await slow).choices[0].message.content


async def test_requests_go_round_an_endpoint_that_dies(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack, stack.client() as client:
        await stack.stop_server(0)
        for number in range(30):
            assert await ask(client, f"request {number}")
        async with asyncio.timeout(15):
            while not (await stack.picker.endpoints())[0]["unreachable"]:
                await asyncio.sleep(0.1)
        before = await stack.picker.metric("pointsman_requests_total")
        for number in range(10):
            assert await ask(client, f"later {number}")
        assert await stack.picker.metric("pointsman_requests_total") == before + 10


async def test_a_broken_endpoints_file_changes_nothing_but_a_metric(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack, stack.client() as client:
        file = stack.picker.endpoints_file
        good = file.read_text()
        file.write_text("endpoints: [{name: x, address: nowhere, port: '0'}]")
        async with asyncio.timeout(15):
            while not await stack.picker.metric("pointsman_endpoints_file_in_error"):
                await asyncio.sleep(0.1)
        assert await ask(client)
        assert stack.picker.log().count("endpoints[0].port") == 1
        file.write_text(good)
        async with asyncio.timeout(15):
            while await stack.picker.metric("pointsman_endpoints_file_in_error"):
                await asyncio.sleep(0.1)
        assert await ask(client)


async def test_an_emptied_pool_is_503_with_retry_after_and_a_refilled_one_serves(
    tmp_path: Path,
) -> None:
    async with (
        running_stack(tmp_path) as stack,
        httpx.AsyncClient(base_url=stack.envoy.url) as http,
    ):
        stack.picker.list_endpoints([])
        body = {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
        async with asyncio.timeout(15):
            while (await http.post("/v1/chat/completions", json=body)).status_code == 200:
                await asyncio.sleep(0.1)
        answer = await http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["x-llm-d-request-dropped-reason"] == "rejected-no-endpoints"
        bodyless = await http.get("/v1/models")
        assert bodyless.status_code == 503
        stack.picker.list_endpoints(stack.servers)
        await eventually_answers(stack)


async def test_all_candidates_filtered_out_is_429(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "apiVersion: llm-d.ai/v1alpha1\n"
        "kind: EndpointPickerConfig\n"
        "plugins:\n"
        "- type: label-selector-filter\n"
        "  name: none-match\n"
        "  parameters: {matchLabels: {role: nobody}}\n"
        "schedulingProfiles:\n"
        "- name: default\n"
        "  plugins: [{pluginRef: none-match}]\n"
    )
    flags = ("--config-file", str(config))
    async with running_stack(tmp_path, flags=flags) as stack, stack.client() as client:
        with pytest.raises(openai.RateLimitError) as refusal:
            await ask(client)
        reason = refusal.value.response.headers["x-llm-d-request-dropped-reason"]
        assert reason == "rejected-saturated"

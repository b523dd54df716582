"""Requests of a real client go through a real Envoy to the server that the picker chose."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import openai
import pytest

from integration.stack import MODEL, Stack, running_stack
from pointsman.envoy.settings import Dialect

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

DIALECTS = [Dialect.TRAILERS, Dialect.FULL_DUPLEX, Dialect.BUFFERED]
HELLO = [{"role": "user", "content": "Say hello."}]


@contextlib.asynccontextmanager
async def stack_of(folder: Path, dialect: Dialect) -> AsyncIterator[Stack]:
    async with running_stack(folder, dialect=dialect) as stack:
        yield stack


async def nothing_in_flight(stack: Stack) -> None:
    async with asyncio.timeout(10):
        while await stack.picker.inflight():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_kind_of_request_is_answered_and_leaves_nothing_in_flight(
    tmp_path: Path, dialect: Dialect
) -> None:
    async with stack_of(tmp_path, dialect) as stack, stack.client() as client:
        chat = await client.chat.completions.create(
            model=MODEL, messages=HELLO, max_completion_tokens=8
        )
        assert chat.choices[0].message.content
        assert chat.usage is not None
        assert chat.usage.completion_tokens == 8

        stream = await client.chat.completions.create(
            model=MODEL,
            messages=HELLO,
            max_completion_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        assert sum(bool(c.choices and c.choices[0].delta.content) for c in chunks) == 8
        assert chunks[-1].usage is not None

        completion = await client.completions.create(model=MODEL, prompt="Once", max_tokens=4)
        assert completion.choices[0].text
        tokens = await client.completions.create(model=MODEL, prompt=[1, 2, 3], max_tokens=4)
        assert tokens.usage is not None
        assert tokens.usage.prompt_tokens == 3
        embedding = await client.embeddings.create(model=MODEL, input="Once")
        assert embedding.data[0].embedding
        response = await client.responses.create(model=MODEL, input="Once", max_output_tokens=16)
        assert response.output_text
        models = await client.models.list()
        assert MODEL in {model.id for model in models.data}
        await nothing_in_flight(stack)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_errors_reach_the_client_in_the_form_its_sdk_expects(
    tmp_path: Path, dialect: Dialect
) -> None:
    async with stack_of(tmp_path, dialect) as stack, stack.client() as client:
        with pytest.raises(openai.NotFoundError):  # the model server's own answer passes through
            await client.chat.completions.create(model="unknown", messages=HELLO)
        async with httpx.AsyncClient(base_url=stack.envoy.url) as http:
            for body in (b"{", b'{"messages": []}', b'{"model": 7}', b"\xff", b"[" * 100_000):
                answer = await http.post("/v1/chat/completions", content=body)
                assert answer.status_code == 400, body[:20]
                assert answer.headers["content-type"].startswith("application/json")
                assert answer.json()["error"]["message"]
        await nothing_in_flight(stack)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_client_that_leaves_in_mid_stream_leaves_nothing_in_flight(
    tmp_path: Path, dialect: Dialect
) -> None:
    async with stack_of(tmp_path, dialect) as stack, stack.client() as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=HELLO, max_completion_tokens=2_000, stream=True
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                break
        await stream.close()
        await nothing_in_flight(stack)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_200_streams_at_once_are_all_answered_and_spread(
    tmp_path: Path, dialect: Dialect
) -> None:
    async with stack_of(tmp_path, dialect) as stack, stack.client() as client:

        async def one(number: int) -> int:
            stream = await client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": f"{number} " * 50}],
                max_completion_tokens=10,
                stream=True,
            )
            return sum([1 async for c in stream if c.choices and c.choices[0].delta.content])

        assert await asyncio.gather(*(one(number) for number in range(200))) == [10] * 200
        shares = await stack.served_requests()
        assert sum(shares) == 200
        assert min(shares) >= 30, shares
        await nothing_in_flight(stack)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_body_of_8_mib_passes_and_one_over_the_limit_does_not(
    tmp_path: Path, dialect: Dialect
) -> None:
    flags = ("--request-body-bytes-max", "9MiB")
    async with (
        running_stack(tmp_path, dialect=dialect, flags=flags) as stack,
        httpx.AsyncClient(base_url=stack.envoy.url, timeout=60) as http,
    ):
        for mebibytes, status in ((8, 200), (10, 413)):
            image = "data:image/png;base64," + "A" * (mebibytes * 2**20)
            parts = [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": image}},
            ]
            body = {"model": MODEL, "messages": [{"role": "user", "content": parts}]}
            answer = await http.post("/v1/chat/completions", json=body | {"max_tokens": 2})
            assert answer.status_code == status, answer.text[:500]
        assert answer.json()["error"]["type"]
        await nothing_in_flight(stack)


async def test_shared_prefixes_stay_together(tmp_path: Path) -> None:
    async with running_stack(tmp_path, observed_share=1.0) as stack, stack.client() as client:
        system = "You are a careful assistant. " * 100
        cached = []
        for number in range(8):
            answer = await client.chat.completions.create(
                model=MODEL,
                messages=[
                    {"role": "system", "content": system},
                    {"role": "user", "content": f"question {number}"},
                ],
                max_completion_tokens=2,
            )
            assert answer.usage is not None
            details = answer.usage.prompt_tokens_details
            cached.append(details.cached_tokens if details else 0)
        assert cached[0] == 0
        assert all(tokens and tokens > 500 for tokens in cached[1:])
        assert await stack.picker.metric("pointsman_cached_tokens_total") == sum(
            tokens or 0 for tokens in cached
        )

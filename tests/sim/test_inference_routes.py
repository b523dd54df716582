from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from pointsman.sim.inference_routes import REQUEST_ID_CHARS_MAX
from sim.formats.answering import events
from sim.transcripts import transcript

if TYPE_CHECKING:
    from sim.conftest import Serve

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hi"}]


def chat(**more: object) -> dict[str, object]:
    return {"messages": MESSAGES, "max_tokens": 4, **more}


async def statistics(client: httpx.AsyncClient) -> dict[str, object]:
    return (await client.get("/sim/statistics")).json()


async def until(client: httpx.AsyncClient, **wanted: object) -> None:
    """Wait until the server's statistics say so."""
    for _ in range(500):
        found = await statistics(client)
        if wanted.items() <= found.items():
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"not within 5 s: {wanted}; last seen: {found}")


async def test_an_answer_has_the_headers_of_a_real_one(serve: Serve) -> None:
    recorded = transcript("chat")
    async with serve() as client:
        reply = await client.post(CHAT, json=chat())
    assert reply.status_code == recorded.status
    assert set(reply.headers) == set(recorded.headers)
    for name in ("server", "content-type", "vary"):
        assert reply.headers[name] == recorded.headers[name]


async def test_a_stream_has_the_headers_of_a_real_one(serve: Serve) -> None:
    recorded = transcript("chat-stream-usage")
    async with serve() as client:
        reply = await client.post(CHAT, json=chat(stream=True))
    assert set(reply.headers) == set(recorded.headers)
    for name in ("server", "content-type", "transfer-encoding"):
        assert reply.headers[name] == recorded.headers[name]
    assert len(events(reply.content)) == 6


async def test_headers_of_a_stream_come_before_its_first_token(serve: Serve) -> None:
    async with (
        serve(speed=1.0, step_s=5.0) as client,
        client.stream("POST", CHAT, json=chat(stream=True)) as reply,
    ):
        assert reply.status_code == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(reply.aiter_raw()), 0.1)


async def test_the_second_of_two_equal_prompts_is_mostly_cached(serve: Serve) -> None:
    body = {"prompt": "The quick brown fox. " * 40, "max_tokens": 4}
    async with serve() as client:
        replies = [(await client.post("/v1/completions", json=body)).json() for _ in range(2)]
    details = [reply["usage"]["prompt_tokens_details"] for reply in replies]
    assert [each["cached_tokens"] for each in details] == [0, 208]
    assert replies[0]["choices"] == replies[1]["choices"]


async def test_a_conversations_answer_is_cached_for_its_next_turn(serve: Serve) -> None:
    async with serve(block_tokens=1, blocks=2000, context_tokens_max=1000) as client:
        first = (await client.post(CHAT, json=chat(max_tokens=50))).json()
        said = first["choices"][0]["message"]
        turn = [*MESSAGES, {"role": said["role"], "content": said["content"]}, *MESSAGES]
        second = (await client.post(CHAT, json=chat(messages=turn))).json()
    prompt_and_answer = first["usage"]["total_tokens"]
    assert second["usage"]["prompt_tokens_details"]["cached_tokens"] == prompt_and_answer - 1


async def test_the_request_id_becomes_part_of_the_response_id(serve: Serve) -> None:
    headers = {"x-request-id": 'my"req'}
    async with serve() as plain, serve(is_request_id_echoed=True) as echoing:
        whole = await plain.post(CHAT, json=chat(), headers=headers)
        stream = await plain.post(CHAT, json=chat(stream=True), headers=headers)
        echoed = await echoing.post(CHAT, json=chat(), headers=headers)
    assert whole.json()["id"] == events(stream.content)[0]["id"] == 'chatcmpl-my"req'
    assert "x-request-id" not in whole.headers
    assert echoed.headers["x-request-id"] == 'my"req'


async def test_an_endless_request_id_is_cut(serve: Serve) -> None:
    async with serve() as client:
        reply = await client.post(CHAT, json=chat(), headers={"x-request-id": "x" * 5000})
    assert reply.json()["id"] == "chatcmpl-" + "x" * REQUEST_ID_CHARS_MAX


@pytest.mark.parametrize("form", ["JSON", "TEXT"])
async def test_the_load_is_reported_in_a_header_on_request(serve: Serve, form: str) -> None:
    async with serve() as client:
        reply = await client.post(CHAT, json=chat(), headers={"endpoint-load-metrics-format": form})
    recorded = transcript(f"orca-{form.lower()}")
    assert reply.headers["endpoint-load-metrics"] == recorded.headers["endpoint-load-metrics"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("err-unknown-model", b'{"model":"nope","messages":[{"role":"user","content":"hi"}]}'),
        ("err-bad-json", b'{"model":'),
        ("err-missing-messages", b'{"model":"tiny-llama"}'),
    ],
)
async def test_errors_are_a_real_servers_to_the_letter(
    serve: Serve, name: str, body: bytes
) -> None:
    recorded = transcript(name)
    async with serve(model="tiny-llama") as client:
        reply = await client.post(CHAT, content=body)
    assert reply.status_code == recorded.status
    assert reply.text == recorded.body
    assert reply.headers["content-type"] == recorded.headers["content-type"]


async def test_a_prompt_beyond_the_context_is_a_bad_request(serve: Serve) -> None:
    async with serve(context_tokens_max=2048) as client:
        body = {"prompt": list(range(2049)), "max_tokens": 1}
        reply = await client.post("/v1/completions", json=body)
    assert reply.status_code == 400
    assert reply.text == transcript("err-context-too-long").body


async def test_a_full_queue_is_503_and_the_metrics_count_it(serve: Serve) -> None:
    async with serve(speed=1.0, step_s=0.3, inflight_max=2) as client:
        replies = await asyncio.gather(
            *(client.post(CHAT, json=chat(max_tokens=2)) for _ in range(5))
        )
        page = (await client.get("/metrics")).text
    assert sorted(each.status_code for each in replies) == [200, 200, 503, 503, 503]
    rejected = (
        'vllm:admission_rejections_total{model_name="sim-model",reason="max_num_queued_reqs"} 3'
    )
    assert rejected in page


async def test_a_body_over_the_limit_is_413(serve: Serve) -> None:
    async with serve(body_bytes_max=1000) as client:
        reply = await client.post(CHAT, content=b"x" * 1001)
    assert reply.status_code == 413


async def test_a_picture_of_eight_megabytes_is_served(serve: Serve) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 2**23}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, picture]}]
    async with serve() as client:
        reply = await client.post(CHAT, json=chat(messages=messages))
    assert reply.status_code == 200
    assert 256 < reply.json()["usage"]["prompt_tokens"] < 300


@pytest.mark.parametrize("is_streaming", [True, False])
async def test_a_client_that_leaves_frees_the_engine(serve: Serve, is_streaming: bool) -> None:
    async with serve(speed=1.0) as client:
        body = chat(max_tokens=10_000, stream=is_streaming)
        request = asyncio.ensure_future(client.post(CHAT, json=body))  # noqa: TID251 - cancelled below
        await until(client, running=1)
        request.cancel()
        await until(client, running=0, aborted=1, inflight=0, kv_usage=0.0)


async def test_an_injected_error_has_the_status_that_was_asked_for(serve: Serve) -> None:
    async with serve() as client:
        await client.post("/sim/faults", json={"error_share": 1, "error_status": 503})
        failed = await client.post(CHAT, json=chat())
        await client.post("/sim/faults", json={"reset": True})
        mended = await client.post(CHAT, json=chat())
    assert (failed.status_code, mended.status_code) == (503, 200)
    assert failed.json()["error"]["code"] == 503


async def test_a_hanging_request_ends_when_its_client_leaves(serve: Serve) -> None:
    async with serve() as client:
        await client.post("/sim/faults", json={"hang_share": 1.0})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.post(CHAT, json=chat()), 0.1)
        await until(client, inflight=0)


@pytest.mark.parametrize("is_streaming", [True, False])
async def test_a_reset_connection_is_seen_as_one(serve: Serve, is_streaming: bool) -> None:
    async with serve() as client:
        await client.post("/sim/faults", json={"close_share": 1.0})
        with pytest.raises(httpx.TransportError):
            await client.post(CHAT, json=chat(stream=is_streaming))
        await until(client, inflight=0, running=0)


async def test_a_stream_can_be_cut_in_the_middle(serve: Serve) -> None:
    received = b""
    async with serve(speed=1.0) as client:
        await client.post("/sim/faults", json={"close_share": 1.0, "close_after_chunks": 2})
        with pytest.raises(httpx.TransportError):  # noqa: PT012 - the error comes while reading
            async with client.stream("POST", CHAT, json=chat(stream=True, max_tokens=50)) as reply:
                async for piece in reply.aiter_raw():
                    received += piece
        await until(client, inflight=0, running=0)
    assert b'"role":"assistant"' in received
    assert b"[DONE]" not in received


async def test_latency_is_added_before_the_answer(serve: Serve) -> None:
    async with serve() as client:
        await client.post("/sim/faults", json={"latency_s": 30.0})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.post(CHAT, json=chat()), 0.2)
        assert (await client.get("/health")).status_code == 200


async def test_every_api_answers_and_streams(serve: Serve) -> None:
    bodies = {
        CHAT: chat(),
        "/v1/completions": {"prompt": "hi", "max_tokens": 4},
        "/v1/responses": {"input": "hi", "max_output_tokens": 4},
        "/v1/messages": chat(),
    }
    async with serve() as client:
        for path, body in bodies.items():
            whole = await client.post(path, json=body)
            assert "usage" in whole.json(), path
            stream = await client.post(path, json={**body, "stream": True})
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert b"data: " in stream.content
        embedding = await client.post("/v1/embeddings", json={"input": "hi", "stream": True})
        assert len(json.loads(embedding.content)["data"]) == 1


async def test_one_stream_with_several_choices_interleaves_them(serve: Serve) -> None:
    async with serve(speed=1.0) as client:
        reply = await client.post(CHAT, json=chat(stream=True, n=3))
    *chunks, done = events(reply.content)
    assert done == "[DONE]"
    indices = [each["choices"][0]["index"] for each in chunks]
    assert indices[:3] == [0, 1, 2], "the roles come first"
    assert sorted(indices[3:]) == sorted([0, 1, 2] * 4)

"""A canned model server: as little work as possible, on every address of the loopback network.

It answers `/metrics` with an idle vLLM's gauges and everything else with a completion: one JSON
body, or as many SSE chunks as the request's `x-chunks` header asks for, `x-gap-ms` apart.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web

METRICS = b"""# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="bench"} 0.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="bench"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="bench"} 0.0
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="20000"} 1.0
"""
# A real page has 50 to 90 KB, nearly all of it histograms that nobody reads.
_PADDING = b'vllm:padding_bucket{engine="0",model_name="bench",le="%d"} 0.0\n'
PAGE = METRICS + b"".join(_PADDING % bound for bound in range(800))

_USAGE = (
    b'"usage":{"prompt_tokens":256,"completion_tokens":%d,"total_tokens":300,'
    b'"prompt_tokens_details":{"cached_tokens":128}}'
)
_ANSWER = b'{"id":"c","object":"chat.completion","model":"bench","choices":[],' + _USAGE % 1 + b"}"
_CHUNK = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":'
    b'[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}\n\n'
)


async def answer(request: web.Request) -> web.StreamResponse:
    """A completion in one piece or in chunks."""
    await request.read()
    chunks = int(request.headers.get("x-chunks", "0"))
    gap_s = float(request.headers.get("x-gap-ms", "0")) / 1000
    if not chunks:
        await asyncio.sleep(gap_s)
        return web.Response(body=_ANSWER, content_type="application/json")
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for _ in range(chunks - 1):
        await asyncio.sleep(gap_s)
        await response.write(_CHUNK)
    await asyncio.sleep(gap_s)
    await response.write(b'data: {"choices":[],' + _USAGE % chunks + b"}\n\ndata: [DONE]\n\n")
    return response


async def metrics(_: web.Request) -> web.Response:
    """An idle vLLM."""
    return web.Response(body=PAGE, content_type="text/plain")


async def serve(port: int) -> None:
    """Serve until cancelled."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_get("/metrics", metrics)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    # 127.0.0.1 to 127.0.3.250 stand for up to 1,000 model servers.
    await web.TCPSite(runner, "0.0.0.0", port, backlog=1024).start()  # noqa: S104 - loopback nets
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))

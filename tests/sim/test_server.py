from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pointsman.sim.server import VERSION
from sim.transcripts import shape, transcript

if TYPE_CHECKING:
    from sim.conftest import Serve


async def test_small_questions_are_answered_as_recorded(serve: Serve) -> None:
    async with serve() as client:
        for path, name in (("/health", "health"), ("/version", "version"), ("/load", "load")):
            reply, recorded = await client.get(path), transcript(name)
            assert reply.status_code == recorded.status
            assert reply.text == recorded.body
        assert (await client.get("/version")).json() == {"version": VERSION}
        reset = await client.post("/reset_prefix_cache")
        assert reset.text == transcript("reset-prefix-cache").body


async def test_models_are_listed_with_their_adapters(serve: Serve) -> None:
    async with serve(model="base", adapters_max=2, adapters=("lora-1", "lora-2")) as client:
        listing = (await client.get("/v1/models")).json()
    recorded = transcript("models-lora").document
    assert shape(listing) == shape(recorded)
    assert [each["id"] for each in listing["data"]] == ["base", "lora-1", "lora-2"]
    assert [each["parent"] for each in listing["data"]] == [None, "base", "base"]


async def test_adapters_are_loaded_used_and_unloaded(serve: Serve) -> None:
    body = {"model": "lora-3", "prompt": "hi", "max_tokens": 3}
    async with serve(adapters_max=2) as client:
        assert (await client.post("/v1/completions", json=body)).status_code == 404
        loaded = await client.post(
            "/v1/load_lora_adapter", json={"lora_name": "lora-3", "lora_path": "models/lora-3"}
        )
        used = await client.post("/v1/completions", json=body)
        page = (await client.get("/metrics")).text
        unloaded = await client.post("/v1/unload_lora_adapter", json={"lora_name": "lora-3"})
        again = await client.post("/v1/unload_lora_adapter", json={"lora_name": "lora-3"})
    assert loaded.text == transcript("lora-load").body
    assert (used.status_code, used.json()["model"]) == (200, "lora-3")
    assert 'vllm:lora_requests_info{max_lora="2",running_lora_adapters="lora-3"' in page
    assert unloaded.text == transcript("lora-unload").body
    assert (again.status_code, again.text) == (404, transcript("lora-unload-unknown").body)


async def test_without_lora_adapters_cannot_be_loaded(serve: Serve) -> None:
    async with serve() as client:
        reply = await client.post(
            "/v1/load_lora_adapter", json={"lora_name": "a", "lora_path": "b"}
        )
    assert reply.status_code == 404


async def test_metrics_are_prometheus_text(serve: Serve) -> None:
    async with serve(model="base") as client:
        page = await client.get("/metrics")
    assert page.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"
    assert 'vllm:num_requests_running{engine="0",model_name="base"} 0.0' in page.text
    assert "process_cpu_seconds_total" in page.text


async def test_tokens_of_a_text_are_a_prompt_with_the_same_cache(serve: Serve) -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 10
    async with serve() as client:
        counted = (await client.post("/tokenize", json={"prompt": text})).json()
        await client.post("/v1/completions", json={"prompt": text, "max_tokens": 1})
        by_ids = await client.post(
            "/v1/completions", json={"prompt": counted["tokens"], "max_tokens": 1}
        )
        conversation = {"messages": [{"role": "user", "content": "hi"}]}
        chat = (await client.post("/tokenize", json=conversation)).json()
        nothing = await client.post("/tokenize", json={})
    assert shape(counted) == shape(transcript("tokenize").document)
    usage = by_ids.json()["usage"]
    assert usage["prompt_tokens"] == counted["count"] == len(counted["tokens"])
    assert usage["prompt_tokens_details"]["cached_tokens"] > 100
    assert chat["count"] > 2
    assert nothing.status_code == 400


async def test_faults_can_be_read_and_changed_and_wrong_ones_are_refused(serve: Serve) -> None:
    async with serve() as client:
        changed = await client.post("/sim/faults", json={"latency_s": 1, "error_share": 0.5})
        refused = await client.post("/sim/faults", json={"error_shaer": 0.5})
        shown = await client.get("/sim/faults")
        restored = await client.post("/sim/faults", json={"reset": True})
    assert changed.json() == shown.json()
    assert shown.json()["error_share"] == 0.5
    assert refused.status_code == 400
    assert "unknown fault 'error_shaer'" in refused.json()["error"]["message"]
    assert restored.json()["error_share"] == 0.0


@pytest.mark.parametrize("path", ["/health", "/metrics", "/v1/models"])
async def test_scrapes_fail_only_when_told_to(serve: Serve, path: str) -> None:
    async with serve() as client:
        await client.post("/sim/faults", json={"error_share": 1.0})
        assert (await client.get(path)).status_code == 200
        await client.post("/sim/faults", json={"is_metrics_affected": True})
        assert (await client.get(path)).status_code == 500
        assert (await client.get("/sim/faults")).status_code == 200


async def test_an_unknown_path_is_a_json_404(serve: Serve) -> None:
    async with serve() as client:
        for reply in (await client.get("/nope"), await client.put("/v1/models")):
            assert reply.status_code == 404
            assert reply.json()["error"]["code"] == 404


async def test_the_prefix_cache_can_be_emptied_between_two_runs(serve: Serve) -> None:
    body = {"prompt": "The quick brown fox. " * 40, "max_tokens": 1}
    async with serve() as client:
        await client.post("/v1/completions", json=body)
        assert (await client.post("/reset_prefix_cache")).json() == {"success": True}
        usage = (await client.post("/v1/completions", json=body)).json()["usage"]
        assert usage["prompt_tokens_details"]["cached_tokens"] == 0
        statistics = (await client.get("/sim/statistics")).json()
    assert statistics["finished"] == 2
    assert statistics["lost_s"] >= 0.0

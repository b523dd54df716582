from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from pointsman.sim.engine.engine import Engine
from pointsman.sim.engine.presets import TINY
from pointsman.sim.engine.requests import EngineRequest
from pointsman.sim.metrics import VllmCollector, metrics_page
from pointsman.sim.telemetry import Telemetry, Wanted
from sim.transcripts import FIXTURES

if TYPE_CHECKING:
    from prometheus_client.core import Metric

# As the recorded server was started: --block-size 32 --num-gpu-blocks-override 256 --max-loras 2.
SETTINGS = dataclasses.replace(
    TINY, blocks=256, block_tokens=32, context_tokens_max=2048, adapters_max=2
)
NOT_SIMULATED = {"kv_cache_memory_bytes"}


def families(text: str) -> dict[str, Metric]:
    found = {each.name: each for each in text_string_to_metric_families(text)}
    return {name: each for name, each in found.items() if name.startswith("vllm:")}


def recorded() -> dict[str, Metric]:
    return families((FIXTURES / "vllm-0.32.0.prom").read_text(encoding="utf-8"))


def simulated(*, requests: int = 0) -> dict[str, Metric]:
    engine, telemetry = Engine(SETTINGS), Telemetry(2048, speed=1.0)
    page = metrics_page(
        VllmCollector(
            "base",
            SETTINGS,
            statistics=engine.statistics,
            telemetry=telemetry,
            created_unix_s=1.7955577e9,
        )
    )
    now_s = 0.0
    for _ in range(requests):
        engine.submit(EngineRequest(bytes(range(256)), b"abcd" * 3), now_s)
        while engine.has_work:
            step = engine.step(now_s)
            now_s = step.ends_at_s
            telemetry.observe_step(step)
            for finished in step.finished:
                telemetry.observe_finished(finished, Wanted(1, 3, "length"))
    telemetry.observe_adapters("lora-1", "", unix_s=1.0)
    return families(page().decode())


def series(family: Metric) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Names and labels of all samples; adapters are the server's own, so only their names."""
    is_free = family.name == "vllm:lora_requests_info"
    return {
        (
            sample.name,
            tuple(
                sorted(
                    (label, "" if is_free or label in NOT_SIMULATED else value)
                    for label, value in sample.labels.items()
                )
            ),
        )
        for sample in family.samples
    }


def test_names_and_types_are_those_of_a_real_vllm() -> None:
    ours, theirs = simulated(), recorded()
    assert {name: each.type for name, each in ours.items()} == {
        name: each.type for name, each in theirs.items()
    }


def test_every_family_has_the_series_and_labels_of_a_real_vllm() -> None:
    ours = simulated()
    for name, theirs in recorded().items():
        assert series(ours[name]) == series(theirs), name


def test_values_are_the_engines() -> None:
    found = simulated(requests=2)

    def value(name: str, **labels: str) -> float:
        samples = [each for family in found.values() for each in family.samples]
        (sample,) = (
            each
            for each in samples
            if each.name == f"vllm:{name}" and labels.items() <= each.labels.items()
        )
        return sample.value

    assert value("prefix_cache_queries_total") == 128
    assert value("prefix_cache_hits_total") == 32  # 64 tokens a prompt, but the last is computed
    assert value("prompt_tokens_by_source_total", source="local_compute") == 96
    assert value("prompt_tokens_by_source_total", source="local_cache_hit") == 32
    assert value("generation_tokens_total") == 6
    assert value("request_success_total", finished_reason="length") == 2
    assert value("time_to_first_token_seconds_count") == 2
    assert value("inter_token_latency_seconds_count") == 4
    assert value("request_prompt_tokens_sum") == 128
    assert value("num_requests_running") == 0


def test_without_lora_there_is_no_lora_family() -> None:
    settings = dataclasses.replace(SETTINGS, adapters_max=0)
    engine = Engine(settings)
    page = metrics_page(
        VllmCollector(
            "base",
            settings,
            statistics=engine.statistics,
            telemetry=Telemetry(2048, speed=1.0),
            created_unix_s=0.0,
        )
    )
    assert "vllm:lora_requests_info" not in families(page().decode())

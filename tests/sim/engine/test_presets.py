from __future__ import annotations

import dataclasses

import pytest

from pointsman.sim.engine.engine import Engine
from pointsman.sim.engine.presets import LLAMA_8B_L4, PRESETS, QWEN_32B_2XH100
from pointsman.sim.engine.requests import EngineRequest
from pointsman.sim.engine.settings import EngineSettings


def answer(settings: EngineSettings, prompt: int, output: int) -> tuple[float, float]:
    """Seconds to the first token and for each later one, alone on the engine."""
    engine = Engine(settings)
    engine.submit(EngineRequest(bytes(4 * prompt), bytes(4 * output)), 0.0)
    now_s = first_s = 0.0
    while engine.has_work:
        step = engine.step(now_s)
        now_s = step.ends_at_s
        if step.first_tokens:
            first_s = now_s
    return first_s, (now_s - first_s) / (output - 1)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_serves_a_prompt_of_its_whole_context(name: str) -> None:
    settings = PRESETS[name]
    first_s, _ = answer(settings, settings.context_tokens_max - 10, 10)
    assert 0 < first_s < 60


def test_an_l4_streams_an_8b_model_at_about_sixteen_tokens_a_second() -> None:
    first_s, token_s = answer(LLAMA_8B_L4, 1_000, 50)
    assert 0.2 < first_s < 0.5
    assert 14 < 1 / token_s < 18


def test_two_h100_stream_a_32b_model_at_about_sixty_tokens_a_second() -> None:
    first_s, token_s = answer(QWEN_32B_2XH100, 4_000, 50)
    assert 0.2 < first_s < 0.5
    assert 55 < 1 / token_s < 70


def test_every_number_of_a_preset_can_be_replaced() -> None:
    faster = dataclasses.replace(LLAMA_8B_L4, speed=PRESETS["tiny"].speed, blocks=4_000)
    assert faster.cache_tokens == 3_999 * 16
    assert faster.speed is PRESETS["tiny"].speed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks": 3}, "context_tokens_max must be between 2 and the 32 tokens"),
        ({"batched_tokens_max": 10}, "must not be below running_max"),
        ({"block_tokens": 0}, "must be positive"),
        ({"inflight_max": 0}, "inflight_max must be positive"),
    ],
)
def test_impossible_settings_are_refused_with_the_reason(
    changes: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(LLAMA_8B_L4, **changes)


def test_a_negative_cost_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        dataclasses.replace(LLAMA_8B_L4.speed, decode_s=-1.0)

from __future__ import annotations

import dataclasses

import pytest

from pointsman.lib.clock import ManualClock
from pointsman.sim.driver import EngineDriver
from pointsman.sim.engine.engine import Engine
from pointsman.sim.errors import ApiError
from pointsman.sim.formats.asks import Ask
from pointsman.sim.inference import Inference, jobs_of
from pointsman.sim.settings import ServerSettings
from pointsman.sim.telemetry import Telemetry
from pointsman.sim.tokens import Answers, text_tokens

SETTINGS = ServerSettings(output_tokens_min=3, output_tokens_max=9)
SHORT = dataclasses.replace(
    SETTINGS, engine=dataclasses.replace(SETTINGS.engine, context_tokens_max=20)
)


def jobs(ask: Ask, *, settings: ServerSettings = SETTINGS) -> list[tuple[int, str]]:
    made = jobs_of(ask, "", settings=settings, answers=Answers(seed=1))
    return [(len(each.request.output) // 4, each.wanted.ending) for each in made]


def prompt(tokens: int) -> bytes:
    return text_tokens("word" * tokens)


def test_each_choice_of_each_prompt_is_a_job_with_an_answer_of_its_own() -> None:
    ask = Ask("m", (prompt(3), prompt(4)), choices=2, output_tokens=5)
    made = jobs_of(ask, "lora", settings=SETTINGS, answers=Answers(seed=1))
    assert [each.request.prompt for each in made] == [prompt(3)] * 2 + [prompt(4)] * 2
    assert len({each.request.output for each in made}) == 4
    assert {each.request.adapter for each in made} == {"lora"}


def test_a_limit_is_reached_exactly_and_without_one_the_model_stops_by_itself() -> None:
    assert jobs(Ask("m", (prompt(3),), output_tokens=5)) == [(5, "length")]
    natural = jobs(Ask("m", tuple(prompt(n) for n in range(1, 200))))
    assert {count for count, _ in natural} == set(range(3, 10))
    assert {ending for _, ending in natural} == {"stop"}
    assert natural == jobs(Ask("m", tuple(prompt(n) for n in range(1, 200))))


def test_the_context_ends_an_answer_that_would_go_on() -> None:
    assert jobs(Ask("m", (prompt(18),)), settings=SHORT) == [(2, "length")]
    assert jobs(Ask("m", (prompt(20),), output_tokens=0), settings=SHORT) == [(0, "stop")]


@pytest.mark.parametrize(
    ("tokens", "output", "message"),
    [
        (20, None, "at least 20 input tokens, which exceeds"),
        (21, 0, "at least 21 input tokens, which exceeds"),
        (15, 6, "a total of at least 21 tokens"),
    ],
)
def test_what_does_not_fit_is_refused(tokens: int, output: int | None, message: str) -> None:
    with pytest.raises(ApiError, match=message):
        jobs(Ask("m", (prompt(tokens),), output_tokens=output), settings=SHORT)


def test_a_request_that_fits_only_in_part_takes_back_what_it_queued() -> None:
    engine = Engine(dataclasses.replace(SETTINGS.engine, inflight_max=3))
    driver = EngineDriver(engine, Telemetry(100, 1.0), clock=ManualClock(), speed=1.0)
    made = jobs_of(
        Ask("m", (prompt(3),), choices=5), "", settings=SETTINGS, answers=Answers(seed=1)
    )
    inference = Inference(driver, is_streaming=False)
    with pytest.raises(ApiError) as refusal:
        inference.submit(made)
    assert refusal.value.status == 503
    assert engine.statistics().waiting_capacity == 3
    inference.abandon()
    assert not engine.has_work

"""Bodies of a scenario: of the promised size, with shared beginnings, the same for a seed."""

from __future__ import annotations

import itertools

import orjson
import pytest

from pointsman.apps.bench.plan import SCENARIOS, Scenario, bodies


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{s.name}-{s.dialect}")
def test_a_prompt_has_its_size_and_few_beginnings(scenario: Scenario) -> None:
    texts = [
        orjson.loads(body)["messages"][0]["content"]
        for body in itertools.islice(bodies(scenario, seed=3), 40)
    ]
    assert {len(text) for text in texts} == {scenario.prompt_bytes}
    assert 1 < len({text[:500] for text in texts}) <= 20
    assert len(set(texts)) == 40


def test_a_seed_repeats_them() -> None:
    scenario = SCENARIOS[0]
    first, second = (list(itertools.islice(bodies(scenario, seed=7), 5)) for _ in range(2))
    assert first == second

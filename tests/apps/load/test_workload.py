"""The plan is what its settings say, and nothing but settings and seed decide it."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.apps.load.workload import (
    REQUESTS_MAX,
    Bursts,
    Kind,
    PlannedRequest,
    SessionShape,
    Span,
    WorkloadSettings,
    plan_requests,
)


def prompt_of(request: PlannedRequest) -> str:
    return "\n".join(message.content for message in request.messages)


def arrivals(settings: WorkloadSettings, *, seed: int = 3) -> np.ndarray:
    return np.array([request.at_s for request in plan_requests(settings, seed=seed)])


def test_equal_seeds_give_equal_plans() -> None:
    settings = WorkloadSettings(requests=80)
    assert plan_requests(settings, seed=5) == plan_requests(settings, seed=5)


def test_another_seed_gives_another_plan() -> None:
    settings = WorkloadSettings(requests=80)
    assert plan_requests(settings, seed=5) != plan_requests(settings, seed=6)


@given(
    requests=st.integers(1, 60),
    rate=st.floats(0.5, 20.0),
    seed=st.integers(0, 2**32),
)
def test_a_plan_is_complete_ordered_and_ends_on_time(requests: int, rate: float, seed: int) -> None:
    """Exactly the requests asked for, in order, the last at requests / rate."""
    tiny = SessionShape(
        share=1.0,
        prefix_tokens=Span(4, 16),
        question_tokens=Span(1, 8),
        answer_tokens=Span(1, 8),
        turns_max=3,
    )
    settings = WorkloadSettings(
        requests=requests, rate_per_s=rate, chat=tiny, document=tiny, short=tiny
    )
    plan = plan_requests(settings, seed=seed)
    assert [request.index for request in plan] == list(range(requests))
    assert all(left.at_s <= right.at_s for left, right in pairwise(plan))
    assert plan[0].at_s >= 0
    assert plan[-1].at_s == pytest.approx(requests / rate)


def test_the_mix_is_what_the_shares_say() -> None:
    plan = plan_requests(WorkloadSettings(requests=3000), seed=1)
    counted = Counter(request.kind for request in plan)
    assert counted[Kind.CHAT] / 3000 == pytest.approx(0.68, abs=0.06)
    assert counted[Kind.DOCUMENT] / 3000 == pytest.approx(0.10, abs=0.04)
    assert counted[Kind.SHORT] / 3000 == pytest.approx(0.22, abs=0.05)


def test_the_mix_is_steady_from_the_start() -> None:
    """Sessions were under way before the first request: long histories are there at once."""
    plan = plan_requests(WorkloadSettings(requests=4000), seed=1)
    lengths = np.array([len(request.messages) for request in plan if request.kind is Kind.CHAT])
    first, last = np.array_split(lengths, 2)
    assert first.mean() == pytest.approx(last.mean(), rel=0.15)


def test_few_tenants_get_most_chats() -> None:
    plan = plan_requests(WorkloadSettings(requests=2000, tenants=10), seed=1)
    tenants = Counter(
        request.messages[0].content for request in plan if request.kind is Kind.CHAT
    ).most_common()
    assert len(tenants) == 10
    assert sum(count for _, count in tenants[:3]) > 0.45 * sum(count for _, count in tenants)


def test_a_turn_repeats_all_earlier_turns_of_its_chat() -> None:
    plan = plan_requests(WorkloadSettings(requests=600), seed=1)
    prompts = {prompt_of(request): request.at_s for request in plan if request.kind is Kind.CHAT}
    extended = 0
    for request in plan:
        if request.kind is Kind.CHAT and len(request.messages) > 2:
            earlier = "\n".join(message.content for message in request.messages[:-2])
            extended += earlier in prompts and prompts[earlier] <= request.at_s
    assert extended > 200


def test_documents_are_long_and_asked_about_more_than_once() -> None:
    plan = plan_requests(WorkloadSettings(requests=1000), seed=1)
    documents = [request for request in plan if request.kind is Kind.DOCUMENT]
    assert all(len(prompt_of(request)) >= 4 * 4000 for request in documents)
    assert len({request.messages[0].content for request in documents}) < 0.7 * len(documents)


def test_short_prompts_share_nothing() -> None:
    plan = plan_requests(WorkloadSettings(requests=1000), seed=1)
    shorts = [prompt_of(request) for request in plan if request.kind is Kind.SHORT]
    assert len({text[:64] for text in shorts}) == len(shorts)


def test_bursts_cluster_arrivals_without_changing_the_mean_rate() -> None:
    steady = arrivals(WorkloadSettings(requests=1500, bursts=Bursts(factor=1.0)))
    bursty = arrivals(WorkloadSettings(requests=1500, bursts=Bursts(factor=3.0)))
    per_second = [np.histogram(times, bins=60, range=(0, 60))[0] for times in (steady, bursty)]
    assert per_second[0].mean() == pytest.approx(25, abs=0.1)
    assert per_second[1].mean() == pytest.approx(25, abs=0.1)
    assert per_second[1].std() > 2 * per_second[0].std()


@given(low=st.integers(1, 1000), extra=st.integers(0, 1000), seed=st.integers(0, 2**32))
def test_a_span_draws_within_its_bounds(low: int, extra: int, seed: int) -> None:
    assert low <= Span(low, low + extra).draw(random.Random(seed)) <= low + extra


@pytest.mark.parametrize("bounds", [(0, 5), (6, 5), (-1, 1)])
def test_an_impossible_span_is_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="1 <= low <= high"):
        Span(*bounds)


@pytest.mark.parametrize("factor", [0.5, 3.5, 100.0])
def test_bursts_that_leave_no_calm_are_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="burst factor"):
        Bursts(factor=factor, burst_s=2.0, calm_s=5.0)


def test_settings_out_of_range_are_refused_with_their_name() -> None:
    with pytest.raises(ValueError, match="requests"):
        WorkloadSettings(requests=REQUESTS_MAX + 1)
    with pytest.raises(ValueError, match="rate_per_s"):
        WorkloadSettings(rate_per_s=0.0)
    with pytest.raises(ValueError, match="tenants"):
        WorkloadSettings(tenants=0)

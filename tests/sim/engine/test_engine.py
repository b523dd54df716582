from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.sim.engine.engine import Engine
from pointsman.sim.engine.requests import (
    ContextTooLongError,
    EngineRequest,
    QueueFullError,
    Step,
    UnknownAdapterError,
)
from pointsman.sim.engine.settings import EngineSettings, Speed

SPEED = Speed(
    step_s=1.0, prefill_token_s=0.01, attention_pair_s=0.0, decode_s=0.1, context_token_s=0.001
)
SMALL = EngineSettings(
    speed=SPEED,
    blocks=65,
    block_tokens=4,
    context_tokens_max=256,
    batched_tokens_max=32,
    running_max=8,
)


def make_engine(**changes: object) -> Engine:
    return Engine(dataclasses.replace(SMALL, **changes))


def tokens(count: int, *, start: int = 1) -> bytes:
    return b"".join(n.to_bytes(4, "little") for n in range(start, start + count))


def ask(prompt: int = 8, output: int = 4, *, start: int = 1, **more: str) -> EngineRequest:
    return EngineRequest(tokens(prompt, start=start), tokens(output, start=9000), **more)


def run_to_idle(engine: Engine, now_s: float = 0.0, steps_max: int = 100_000) -> list[Step]:
    steps = []
    while engine.has_work:
        assert len(steps) < steps_max, "the engine makes no progress"
        steps.append(engine.step(now_s))
        now_s = steps[-1].ends_at_s
    return steps


def test_a_lone_request_prefills_once_and_then_decodes_a_token_a_step() -> None:
    engine = make_engine()
    request = engine.submit(ask(prompt=8, output=3), 10.0)
    steps = run_to_idle(engine, 10.0)
    assert [step.prefilled_tokens for step in steps] == [8, 0, 0]
    assert [step.emitted for step in steps] == [[request]] * 3
    assert steps[0].first_tokens == [(request, pytest.approx(1.08))]
    assert [step.finished != [] for step in steps] == [False, False, True]


def test_a_step_costs_what_its_formula_says() -> None:
    engine = make_engine()
    engine.submit(ask(prompt=8, output=3), 0.0)
    first, second, third = run_to_idle(engine)
    assert first.ends_at_s == pytest.approx(1.0 + 8 * 0.01)
    assert second.ends_at_s - first.ends_at_s == pytest.approx(1.0 + 0.1 + 8 * 0.001)
    assert third.ends_at_s - second.ends_at_s == pytest.approx(1.0 + 0.1 + 9 * 0.001)


def test_attention_makes_the_second_chunk_of_a_prompt_dearer() -> None:
    engine = make_engine(speed=dataclasses.replace(SPEED, attention_pair_s=0.001))
    engine.submit(ask(prompt=64, output=1), 0.0)
    first, second = run_to_idle(engine)
    assert first.ends_at_s == pytest.approx(1.32 + 0.001 * 32 * 16)
    assert second.ends_at_s - first.ends_at_s == pytest.approx(1.32 + 0.001 * 32 * (32 + 16))


def test_a_long_prompt_is_prefilled_in_chunks_beside_decoding() -> None:
    engine = make_engine()
    short = engine.submit(ask(prompt=4, output=10), 0.0)
    engine.step(0.0)
    long = engine.submit(ask(prompt=70, output=1, start=500), 1.0)
    chunks = [engine.step(float(n)) for n in range(1, 4)]
    assert [step.prefilled_tokens for step in chunks] == [31, 31, 8]
    assert [step.emitted for step in chunks] == [[short], [short], [short, long]]


def test_requests_start_first_come_first_served_within_the_batch_limit() -> None:
    engine = make_engine(running_max=2)
    ids = [engine.submit(ask(start=n * 100 + 1), 0.0) for n in range(4)]
    assert [started.id for started in engine.step(0.0).started] == ids[:2]
    assert engine.statistics().waiting_capacity == 2
    rest = run_to_idle(engine, 1.0)
    assert [started.id for step in rest for started in step.started] == ids[2:]


def test_a_repeated_prompt_hits_the_cache_but_for_its_last_token() -> None:
    engine = make_engine()
    engine.submit(ask(prompt=16), 0.0)
    run_to_idle(engine)
    engine.submit(ask(prompt=16), 50.0)
    step = engine.step(50.0)
    assert step.started[0].cached_tokens == 12  # 3 blocks; the 4th ends with the last token
    assert step.prefilled_tokens == 4
    statistics = engine.statistics()
    assert (statistics.queried_tokens, statistics.hit_tokens) == (32, 12)


def test_a_prompt_is_found_while_the_request_that_computed_it_still_runs() -> None:
    engine = make_engine()
    engine.submit(ask(prompt=17, output=40), 0.0)
    engine.step(0.0)
    engine.submit(ask(prompt=17), 1.0)
    assert engine.step(1.0).started[0].cached_tokens == 16


def test_an_answer_is_cached_for_the_next_turn_of_the_conversation() -> None:
    engine = make_engine()
    engine.submit(EngineRequest(tokens(8), tokens(9, start=100)), 0.0)
    run_to_idle(engine)
    next_turn = tokens(8) + tokens(9, start=100) + tokens(4, start=200)
    engine.submit(EngineRequest(next_turn, tokens(1)), 50.0)
    # The 17th token was emitted but never computed, so four full blocks are known.
    assert engine.step(50.0).started[0].cached_tokens == 16


@pytest.mark.parametrize("other", [{"adapter": "sql"}, {"cache_salt": "tenant"}])
def test_adapters_and_salts_do_not_share_prefixes(other: dict[str, str]) -> None:
    engine = make_engine(adapters_max=2)
    engine.submit(ask(prompt=16), 0.0)
    run_to_idle(engine)
    engine.submit(ask(prompt=16, **other), 50.0)
    assert engine.step(50.0).started[0].cached_tokens == 0
    run_to_idle(engine, 60.0)
    engine.submit(ask(prompt=16, **other), 90.0)
    assert engine.step(90.0).started[0].cached_tokens == 12


def test_without_caching_nothing_is_ever_found() -> None:
    engine = make_engine(is_caching=False)
    for now_s in (0.0, 50.0):
        engine.submit(ask(prompt=16), now_s)
        run_to_idle(engine, now_s)
    assert engine.statistics().hit_tokens == 0
    assert engine.statistics().cached_blocks == 0


def test_the_least_recently_used_prefix_is_forgotten_first() -> None:
    engine = make_engine(blocks=17, context_tokens_max=64)  # 16 blocks
    for now_s, start in ((0.0, 1), (100.0, 101), (200.0, 1), (300.0, 201), (400.0, 301)):
        engine.submit(ask(prompt=17, output=1, start=start), now_s)  # 4 full blocks and a rest
        run_to_idle(engine, now_s)

    def cached(start: int, now_s: float) -> int:
        engine.submit(ask(prompt=17, output=1, start=start), now_s)
        return run_to_idle(engine, now_s)[0].started[0].cached_tokens

    assert cached(1, 500.0) == 16, "used again at 200, so newer than the one of 100"
    assert cached(101, 600.0) < 16


def test_the_request_admitted_last_is_preempted_and_recomputed() -> None:
    engine = make_engine(blocks=9, context_tokens_max=32)  # 8 blocks = 32 tokens
    first = engine.submit(ask(prompt=12, output=16), 0.0)
    second = engine.submit(ask(prompt=12, output=12, start=100), 0.0)
    steps = run_to_idle(engine)
    finished = {each.id: each for step in steps for each in step.finished}
    assert finished[first].preemptions == 0
    assert finished[second].preemptions == 1
    assert sum(step.emitted.count(second) for step in steps) == 12
    assert engine.statistics().preemptions == 1


def test_an_adapter_waits_for_a_slot_and_others_pass_it() -> None:
    engine = make_engine(adapters_max=1)
    engine.submit(ask(output=8, adapter="a"), 0.0)
    blocked = engine.submit(ask(output=2, start=50, adapter="b"), 0.0)
    plain = engine.submit(ask(output=2, start=90), 0.0)
    same = engine.submit(ask(output=2, start=150, adapter="a"), 0.0)
    first = engine.step(0.0)
    assert {plain, same} <= {each.id for each in first.started}
    statistics = engine.statistics()
    assert (statistics.waiting_capacity, statistics.waiting_deferred) == (0, 1)
    assert statistics.running_adapters == ("a",)
    assert statistics.waiting_adapters == ("b",)
    steps = run_to_idle(engine, 1.0)
    assert blocked in [each.id for step in steps for each in step.finished]


def test_a_full_queue_refuses_and_counts_it() -> None:
    engine = make_engine(inflight_max=2)
    engine.submit(ask(), 0.0)
    engine.submit(ask(), 0.0)
    with pytest.raises(QueueFullError):
        engine.submit(ask(), 0.0)
    assert engine.statistics().rejected == 1
    run_to_idle(engine)
    engine.submit(ask(), 100.0)


def test_what_cannot_fit_is_refused() -> None:
    engine = make_engine()
    with pytest.raises(ContextTooLongError):
        engine.submit(ask(prompt=250, output=7), 0.0)
    with pytest.raises(ContextTooLongError):
        engine.submit(EngineRequest(b"", tokens(1)), 0.0)
    with pytest.raises(UnknownAdapterError):
        engine.submit(ask(adapter="sql"), 0.0)
    assert not engine.has_work


def test_an_embedding_ends_with_its_prefill_and_emits_nothing() -> None:
    engine = make_engine()
    request = engine.submit(EngineRequest(tokens(9), b""), 0.0)
    (step,) = run_to_idle(engine)
    assert (step.emitted, step.first_tokens) == ([], [])
    assert [each.id for each in step.finished] == [request]


def test_an_aborted_request_gives_its_blocks_back_and_can_be_aborted_once() -> None:
    engine = make_engine(running_max=1)
    running, waiting = engine.submit(ask(output=50), 0.0), engine.submit(ask(), 0.0)
    engine.step(0.0)
    assert engine.abort(running)
    assert engine.abort(waiting)
    assert not engine.abort(running)
    statistics = engine.statistics()
    assert (statistics.running, statistics.kv_usage, statistics.aborted) == (0, 0.0, 2)
    assert not engine.has_work


def test_prefixes_are_forgotten_only_when_the_engine_is_idle() -> None:
    engine = make_engine()
    engine.submit(ask(), 0.0)
    engine.step(0.0)
    assert not engine.forget_prefixes()
    run_to_idle(engine, 1.0)
    assert engine.forget_prefixes()
    assert engine.statistics().cached_blocks == 0


def test_an_overloaded_queue_is_not_searched_for_prefixes_in_every_step() -> None:
    engine = make_engine(blocks=9, context_tokens_max=32)
    engine.submit(ask(prompt=20, output=12), 0.0)
    engine.submit(ask(prompt=20, output=2, start=100), 0.0)
    engine.step(0.0)
    steps = run_to_idle(engine, 1.0)
    assert sum(len(step.finished) for step in steps) == 2


events = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            st.integers(1, 60),  # prompt
            st.integers(0, 40),  # output
            st.integers(0, 3),  # which prefix family
            st.sampled_from(["", "a", "b", "c"]),
        ),
        st.tuples(st.just("step"), st.integers(1, 12)),
        st.tuples(st.just("abort"), st.integers(1, 40)),
    ),
    max_size=60,
)


class Witness:
    """Drives an engine and notes what each request was promised and what it got."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now_s = 0.0
        self.expected: dict[int, int] = {}
        self.emitted: dict[int, int] = {}
        self.finished: set[int] = set()

    def apply(self, event: tuple[object, ...]) -> None:
        match event:
            case ("submit", prompt, output, family, adapter):
                request = ask(prompt, output, start=family * 1000 + 1, adapter=adapter)
                self.expected[self.engine.submit(request, self.now_s)] = output
            case ("step", count):
                self.step_up_to(count)
            case ("abort", request) if self.engine.abort(request):
                self.expected.pop(request)
                self.emitted.pop(request, None)

    def step_up_to(self, count: int) -> None:
        for _ in range(count):
            if self.engine.has_work:
                self.step()

    def step(self) -> None:
        step = self.engine.step(self.now_s)
        assert step.ends_at_s > self.now_s
        self.now_s = step.ends_at_s
        assert not self.finished & set(step.emitted)
        for request in step.emitted:
            self.emitted[request] = self.emitted.get(request, 0) + 1
        for each in step.finished:
            assert each.cached_tokens < each.prompt_tokens
            self.finished.add(each.id)


@given(events=events, blocks=st.integers(27, 80), running_max=st.integers(1, 8))
@settings(max_examples=100)
def test_whatever_happens_each_request_gets_its_tokens_and_every_block_comes_back(
    events: list[tuple[object, ...]], blocks: int, running_max: int
) -> None:
    engine = make_engine(
        blocks=blocks, context_tokens_max=100, running_max=running_max, adapters_max=2
    )
    witness = Witness(engine)
    for event in events:
        witness.apply(event)
        statistics = engine.statistics()
        assert 0 <= statistics.kv_usage <= 1
        assert statistics.running <= running_max
        assert len(statistics.running_adapters) <= 2
    witness.step_up_to(20_000)
    assert not engine.has_work
    expected = witness.expected
    assert witness.finished == set(expected)
    assert {each: witness.emitted.get(each, 0) for each in expected} == expected
    assert engine.statistics().kv_usage == 0.0
    assert engine.forget_prefixes()


@given(events=events)
@settings(max_examples=30)
def test_the_same_calls_give_the_same_steps(events: list[tuple[object, ...]]) -> None:
    def run() -> list[Step]:
        engine = make_engine(adapters_max=2)
        steps: list[Step] = []
        for event in events:
            if event[0] == "submit":
                _, prompt, output, family, adapter = event
                engine.submit(ask(prompt, output, start=family * 100, adapter=adapter), 0.0)
            elif engine.has_work:
                steps.append(engine.step(steps[-1].ends_at_s if steps else 0.0))
        return steps

    assert run() == run()

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pointsman.sim.engine.blocks import chain, chain_seed
from pointsman.sim.engine.requests import EngineRequest
from pointsman.sim.engine.sequences import DecodeBatch, Sequence

BLOCK = 4


def sequence(number: int, prompt: int, output: int) -> Sequence:
    made = Sequence(
        EngineRequest(bytes(4 * prompt), bytes(4 * output)),
        identity=number,
        now_s=0.0,
        block_tokens=BLOCK,
    )
    made.computed, made.known = prompt, prompt + 1
    return made


def test_hashes_are_made_once_and_continued() -> None:
    made = sequence(1, 8, 8)
    first = list(made.hashes_to(1))
    whole = chain(made.tokens, chain_seed("", ""), start=0, stop=3, block_bytes=4 * BLOCK)
    assert made.hashes_to(3) == whole
    assert made.hashes_to(1)[:1] == first


def test_a_finished_request_tells_how_long_each_phase_took() -> None:
    made = sequence(1, 8, 3)
    made.arrived_s, made.started_s, made.first_token_s = 1.0, 1.5, 2.5
    finished = made.as_finished(4.0)
    assert finished.total_s == 3.0
    assert (finished.queued_s, finished.prefilling_s, finished.decoding_s) == (0.5, 1.0, 1.5)


@given(
    members=st.lists(st.tuples(st.integers(1, 30), st.integers(2, 30)), min_size=1, max_size=6),
    steps=st.integers(1, 40),
)
def test_the_calendar_agrees_with_counting(members: list[tuple[int, int]], steps: int) -> None:
    batch = DecodeBatch(BLOCK)
    computed: dict[int, int] = {}
    for number, (prompt, output) in enumerate(members):
        batch.enter(sequence(number, prompt, output))
        computed[number] = prompt
    for _ in range(steps):
        due = {each.id for each in batch.at_boundary()}
        assert due == {number for number, tokens in computed.items() if tokens % BLOCK == 0}
        assert batch.context_tokens == sum(computed.values())
        for number in computed:
            computed[number] += 1
        ended = batch.advance()
        for each in ended:
            prompt, output = members[each.id]
            assert computed.pop(each.id) == prompt + output - 1
            batch.leave(each)
            assert (each.computed, each.known) == (prompt + output - 1, prompt + output)
        assert set(batch.sequences) == set(computed)
        for number, tokens in computed.items():
            assert batch.full_blocks(batch.sequences[number]) == tokens // BLOCK


def test_one_that_left_and_came_back_is_not_due_at_its_old_times() -> None:
    batch = DecodeBatch(BLOCK)
    made = sequence(1, 4, 10)
    batch.enter(made)
    batch.at_boundary()
    batch.advance()
    batch.leave(made)
    made.computed, made.known = 5, 6
    batch.enter(made)
    ticks_to_end = 0
    while True:
        batch.at_boundary()
        ticks_to_end += 1
        if batch.advance():
            break
    assert ticks_to_end == made.target - 6

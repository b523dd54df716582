from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pointsman.sim.engine.blocks import PRIVATE, BlockPool, chain, chain_seed


def test_a_block_hash_depends_on_everything_before_it() -> None:
    seed = chain_seed("", "")
    first = chain(b"aaaabbbbcccc", seed, start=0, stop=3, block_bytes=4)
    other = chain(b"xaaabbbbcccc", seed, start=0, stop=3, block_bytes=4)
    assert len({*first, *other}) == 6


def test_a_chain_can_be_continued() -> None:
    seed = chain_seed("adapter", "")
    whole = chain(b"aaaabbbbcccc", seed, start=0, stop=3, block_bytes=4)
    head = chain(b"aaaabbbbcccc", seed, start=0, stop=1, block_bytes=4)
    assert head + chain(b"aaaabbbbcccc", head[-1], start=1, stop=3, block_bytes=4) == whole


def test_adapter_and_salt_cannot_be_mistaken_for_each_other() -> None:
    assert (
        len({chain_seed("a", ""), chain_seed("", "a"), chain_seed("", ""), chain_seed("a", "a")})
        == 4
    )


def test_a_second_copy_of_a_block_stays_private() -> None:
    pool = BlockPool(4)
    assert pool.take(2)
    assert pool.publish(7) == 7
    assert pool.publish(7) == PRIVATE
    pool.release([7])
    pool.release([PRIVATE])
    assert (pool.in_use, pool.cached, pool.free) == (0, 1, 4)


class PoolMachine(RuleBasedStateMachine):
    """A pool never holds more than it has, and forgets nothing that a request holds."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = BlockPool(12)
        self.requests: list[list[int]] = []

    @rule(family=st.integers(1, 3), length=st.integers(1, 8))
    def start(self, family: int, length: int) -> None:
        hashes = [family * 100 + n for n in range(length)]
        matched, idle = self.pool.match(hashes, length)
        if self.pool.free < length - matched + idle:
            assert not self.pool.take(self.pool.free + 1)
            return
        blocks = hashes[:matched]
        self.pool.share(blocks)
        assert self.pool.take(length - matched)
        blocks += [self.pool.publish(each) for each in hashes[matched:]]
        self.requests.append(blocks)

    @precondition(lambda self: self.requests)
    @rule(which=st.integers(0, 100))
    def finish(self, which: int) -> None:
        self.pool.release(self.requests.pop(which % len(self.requests)))

    @invariant()
    def books_balance(self) -> None:
        pool = self.pool
        shared = {each for blocks in self.requests for each in blocks if each != PRIVATE}
        private = sum(blocks.count(PRIVATE) for blocks in self.requests)
        assert pool.in_use == len(shared) + private <= pool.usable
        assert pool.in_use + pool.free == pool.usable
        for blocks in self.requests:
            published = [each for each in blocks if each != PRIVATE]
            assert pool.match(published, len(published)) == (len(published), 0)


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=40, stateful_step_count=30)

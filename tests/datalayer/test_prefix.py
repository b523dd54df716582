"""The prefix index: it answers like one set of prompts per endpoint, within its limits."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import request, table_of
from pointsman.api.signals import Signal
from pointsman.datalayer.blocks import cut
from pointsman.datalayer.prefix import PrefixSettings, PrefixTable
from pointsman.datalayer.table import EndpointTable

SYSTEM = "".join(random.Random(1).choices("abcdefgh ", k=4096))


def matched(
    index: PrefixTable,
    table: EndpointTable,
    text: str,
    *,
    model: str = "m",
    tokens: int | None = None,
) -> list[int]:
    asked = request(text, model=model, tokens=tokens)
    return [round(x) for x in index.match(asked, table.candidates(0.0))]


def test_an_empty_index_matches_nothing() -> None:
    table = table_of(3)
    assert matched(PrefixTable(table), table, SYSTEM) == [0, 0, 0]


def test_a_recorded_prompt_matches_where_it_went_and_only_there() -> None:
    table = table_of(3)
    index = PrefixTable(table)
    index.record(request(SYSTEM + "one!"), 1)
    assert matched(index, table, SYSTEM + "two!") == [0, 1024, 0]


def test_each_endpoint_is_credited_with_the_depth_it_has() -> None:
    table = table_of(3)
    index = PrefixTable(table)
    index.record(request(SYSTEM), 0)
    index.record(request(SYSTEM[:1024]), 1)
    assert matched(index, table, SYSTEM) == [1024, 256, 0]


def test_a_block_without_the_blocks_before_it_is_worth_nothing() -> None:
    table = table_of(1)
    table.signals[Signal.BLOCKS, 0] = 1
    table.signals[Signal.BLOCK_TOKENS, 0] = 512
    index = PrefixTable(table)
    index.record(request(SYSTEM), 0)
    assert matched(index, table, SYSTEM) == [0]


def test_other_models_share_nothing() -> None:
    table = table_of(1)
    index = PrefixTable(table)
    index.record(request(SYSTEM, model="a"), 0)
    assert matched(index, table, SYSTEM, model="b") == [0]


def test_exact_token_counts_scale_the_match() -> None:
    table = table_of(1)
    index = PrefixTable(table)
    index.record(request(SYSTEM, tokens=4096), 0)
    assert matched(index, table, SYSTEM, tokens=4096) == [4096]


def test_a_forgotten_slot_matches_nothing_and_leaves_nothing_behind() -> None:
    table = table_of(2)
    index = PrefixTable(table)
    index.record(request(SYSTEM), 0)
    index.forget(0)
    assert matched(index, table, SYSTEM) == [0, 0]
    assert index.statistics().blocks == index.statistics().references == 0


def test_an_endpoint_forgets_its_oldest_prompts_when_its_cache_is_full() -> None:
    table = table_of(1)
    table.signals[Signal.BLOCKS, 0] = 100
    table.signals[Signal.BLOCK_TOKENS, 0] = 16
    index = PrefixTable(table)
    texts = [f"{n:04}" * 640 for n in range(4)]
    for text in texts:
        index.record(request(text), 0)
    assert matched(index, table, texts[0]) == [0]
    assert matched(index, table, texts[3]) == [640]


def test_a_prompt_that_is_used_again_outlives_one_that_is_not() -> None:
    table = table_of(1)
    table.signals[Signal.BLOCKS, 0] = 160
    table.signals[Signal.BLOCK_TOKENS, 0] = 16
    index = PrefixTable(table)
    for n in range(20):
        index.record(request("keep" * 640), 0)
        index.record(request(f"{n:04}" * 640), 0)
    assert matched(index, table, "keep" * 640) == [640]


@pytest.mark.parametrize("endpoints", [1, 7, 64, 300])
def test_the_index_never_grows_beyond_its_bytes(endpoints: int) -> None:
    table = table_of(endpoints)
    index = PrefixTable(table, PrefixSettings(bytes_max=50_000))
    rng = random.Random(3)
    for n in range(300):
        index.record(request(f"{n:05}" * rng.randrange(1, 2000)), rng.randrange(endpoints))
        assert index.statistics().bytes <= 50_000


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 30)), max_size=40))
def test_it_answers_like_one_set_of_blocks_per_endpoint(events: list[tuple[int, int, int]]) -> None:
    """Matched tokens equal the leading blocks that a plain set per endpoint holds."""
    table = table_of(4)
    index = PrefixTable(table)
    plain: list[set[int]] = [set() for _ in range(4)]
    for slot, family, length in events:
        asked = request(f"{family}" * 100 * length)
        blocks = cut(asked, prompt_bytes_max=512 * 1024)
        got = index.match(asked, table.candidates(0.0))
        for other in range(4):
            depth = 0
            for block, end in zip(blocks.hashes, blocks.ends, strict=True):
                if block not in plain[other]:
                    break
                depth = end
            scale = asked.prompt.tokens / max(blocks.total_bytes, 1)
            assert got[other] == pytest.approx(depth * scale)
        index.record(asked, slot)
        plain[slot].update(blocks.hashes)

"""Prompt blocks: equal prefixes have equal chains, and long prompts have few blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders import request
from pointsman.datalayer.blocks import FINE_BYTES, cut
from pointsman.domain.requests import Prompt

LIMIT = 512 * 1024


def test_a_prompt_shorter_than_a_block_has_none() -> None:
    assert cut(request("x" * (FINE_BYTES - 1)), prompt_bytes_max=LIMIT).hashes == ()


def test_a_prompt_of_400_kb_has_few_blocks_and_is_covered_to_an_eighth() -> None:
    blocks = cut(request("x" * 400_000), prompt_bytes_max=LIMIT)
    assert len(blocks.hashes) < 120
    assert blocks.ends[-1] > 400_000 * 7 / 8


def test_nothing_beyond_the_limit_is_hashed() -> None:
    blocks = cut(request("x" * 10_000), prompt_bytes_max=1024)
    assert blocks.ends[-1] == 1024


def test_model_and_salt_separate_the_chains() -> None:
    text = "x" * 1000
    chains = {
        cut(request(text, model=model, salt=salt), prompt_bytes_max=LIMIT).hashes
        for model in ("a", "b")
        for salt in ("", "s")
    }
    assert len(chains) == 4


def test_where_the_segments_are_cut_makes_no_difference() -> None:
    whole, pieces = request("a" * 700), request("")
    pieces.prompt = Prompt((b"a" * 300, b"a" * 400), 175)
    assert cut(whole, prompt_bytes_max=LIMIT) == cut(pieces, prompt_bytes_max=LIMIT)


@given(st.integers(0, 60_000), st.integers(0, 60_000), st.integers(0, 60_000))
def test_chains_agree_exactly_up_to_the_first_block_that_differs(
    shared: int, tail_a: int, tail_b: int
) -> None:
    a = cut(request("s" * shared + "a" * tail_a), prompt_bytes_max=LIMIT)
    b = cut(request("s" * shared + "b" * tail_b), prompt_bytes_max=LIMIT)
    common = sum(x == y for x, y in zip(a.hashes, b.hashes, strict=False))
    whole_shared = [end for end in a.ends if end <= shared and end <= shared + tail_b]
    assert a.hashes[:common] == b.hashes[:common]
    assert common == len(whole_shared) or (tail_a == 0 or tail_b == 0)

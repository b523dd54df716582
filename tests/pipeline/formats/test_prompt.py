"""Prompts: bytes whose equal prefixes mean equal KV-cache prefixes, and a length in tokens."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import Prompt
from pointsman.pipeline.formats.prompt import PromptBuilder, add_text_or_token_ids


def built(value: object) -> Prompt:
    builder = PromptBuilder()
    add_text_or_token_ids(builder, value, where="prompt")
    return builder.build()


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_token_ids_are_four_little_endian_bytes_each_and_counted_exactly(ids: list[int]) -> None:
    assert built(ids) == Prompt((struct.pack(f"<{len(ids)}I", *ids),), len(ids))


@given(st.text(min_size=1))
def test_text_is_its_utf8_and_a_token_for_each_four_bytes(text: str) -> None:
    encoded = text.encode()
    assert built(text) == Prompt((encoded,), -(-len(encoded) // 4))


def test_several_prompts_follow_each_other() -> None:
    assert built(["ab", "cde"]) == Prompt((b"ab", b"cde"), 2)
    assert built([[1], [2, 3]]) == Prompt((b"\1\0\0\0", b"\2\0\0\0\3\0\0\0"), 3)


@pytest.mark.parametrize(
    ("value", "complaint", "param"),
    [
        ("", "prompt must not be empty", "prompt"),
        ([], "prompt must not be empty", "prompt"),
        (3, "prompt must be a string, a list of strings or token ids, not a number", "prompt"),
        (["a", 1], "prompt[1] must be a string, like its neighbours, not a number", "prompt[1]"),
        ([1, "a"], "prompt[1] must be a token id: an integer between 0", "prompt[1]"),
        ([1, 2.5], "prompt[1] must be a token id: an integer between 0", "prompt[1]"),
        ([1, -1], "prompt[1] must be a token id: an integer between 0", "prompt[1]"),
        ([2**32], "prompt[0] must be a token id: an integer between 0 and 4294967295", "prompt[0]"),
        ([{}], "prompt[0] must be a token id: an integer between 0", "prompt[0]"),
        ([[1], "a"], "prompt[1] must be a list of token ids, like its neighbours", "prompt[1]"),
        ([[1], [None]], "prompt[1][0] must be a token id: an integer", "prompt[1][0]"),
    ],
)
def test_anything_else_is_refused_with_its_place(value: object, complaint: str, param: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        built(value)
    assert str(caught.value).startswith(complaint)
    assert caught.value.param == param


def test_only_text_is_estimated_from_bytes() -> None:
    builder = PromptBuilder()
    builder.text("abcde")
    builder.reference(b"https://example.com/cat.png", tokens=225)
    builder.token_ids([7, 8], where="x")
    builder.json({"a": 1}, where="x")
    assert builder.build().tokens == (5 + 7) // 4 + 225 + 2


def test_white_space_of_structured_values_does_not_matter() -> None:
    builder = PromptBuilder()
    builder.json({"a": [1, "é"]}, where="x")
    assert builder.build().segments == ('{"a":[1,"é"]}'.encode(),)

"""Completions: text, token ids, or embeddings computed elsewhere."""

from __future__ import annotations

import orjson
import pytest

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.completions import COMPLETIONS


def read_prompt(**fields: object) -> Prompt:
    return COMPLETIONS.read(orjson.dumps({"model": "m", **fields})).prompt


def test_limit_stream_and_salt_are_read_beside_the_prompt() -> None:
    parsed = COMPLETIONS.read(
        b'{"model":"m","prompt":"abc","max_tokens":4,"stream":true,"cache_salt":"t"}'
    )
    assert parsed == (ApiKind.COMPLETIONS, "m", Prompt((b"abc",), 1), True, 4, "t")


def test_a_missing_prompt_is_refused() -> None:
    with pytest.raises(BadRequestError, match="prompt is missing; it must be a string, a list"):
        read_prompt(prompt=None)


def test_prompt_embeddings_are_compared_by_digest() -> None:
    one = read_prompt(prompt_embeds="A" * 100_000)
    assert (len(one.segments[0]), one.tokens) == (16, 10)
    assert read_prompt(prompt_embeds=["A" * 100_000]) == one
    assert read_prompt(prompt_embeds="B" * 100_000) != one
    with pytest.raises(BadRequestError, match="prompt_embeds must be base64 text"):
        read_prompt(prompt_embeds=[3])

"""Embeddings: text, token ids, or chat messages."""

from __future__ import annotations

import orjson
import pytest

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import Prompt
from pointsman.pipeline.formats.embeddings import EMBEDDINGS


def read_prompt(**fields: object) -> Prompt:
    return EMBEDDINGS.read(orjson.dumps({"model": "m", **fields})).prompt


@pytest.mark.parametrize(
    ("fields", "segments"),
    [
        ({"input": "ab"}, (b"ab",)),
        ({"input": ["ab", "c"]}, (b"ab", b"c")),
        ({"input": [1]}, (b"\1\0\0\0",)),
        ({"messages": [{"role": "user", "content": "a"}]}, (b"user", b"a")),
    ],
)
def test_input_may_be_text_ids_or_messages(
    fields: dict[str, object], segments: tuple[bytes, ...]
) -> None:
    assert read_prompt(**fields).segments == segments


def test_a_missing_input_is_refused() -> None:
    with pytest.raises(BadRequestError, match="input is missing; it must be"):
        read_prompt()

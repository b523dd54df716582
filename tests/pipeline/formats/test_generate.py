"""vLLM's generate: token ids, with hashes that tell media apart."""

from __future__ import annotations

import orjson
import pytest

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import Prompt
from pointsman.pipeline.formats.generate import GENERATE


def test_ids_and_limit_are_read() -> None:
    parsed = GENERATE.read(
        b'{"model":"m","token_ids":[1,2],"sampling_params":{"max_tokens":9},"cache_salt":"s"}'
    )
    assert parsed.prompt == Prompt((b"\1\0\0\0\2\0\0\0",), 2)
    assert (parsed.output_tokens_max, parsed.cache_salt) == (9, "s")


def test_media_hashes_are_part_of_the_prompt_and_cost_nothing_more() -> None:
    features = {"mm_hashes": {"image": ["h1", "h2"], "odd": 3}, "mm_placeholders": {}}
    parsed = GENERATE.read(orjson.dumps({"model": "m", "token_ids": [1], "features": features}))
    assert parsed.prompt == Prompt((b"h1", b"h2", b"\1\0\0\0"), 1)


@pytest.mark.parametrize(
    ("ids", "complaint"),
    [
        (None, "token_ids is missing"),
        ([], "token_ids must not be empty"),
        ("abc", "token_ids must be a list of token ids, not a string"),
        ([[1]], r"token_ids\[0\] must be a token id: an integer"),
    ],
)
def test_anything_else_is_refused(ids: object, complaint: str) -> None:
    with pytest.raises(BadRequestError, match=complaint):
        GENERATE.read(orjson.dumps({"model": "m", "token_ids": ids}))

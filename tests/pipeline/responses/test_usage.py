"""Usage objects of every API, right and wrong ones."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.responses import Usage
from pointsman.pipeline.responses.usage import TOKENS_MAX, merged, read_usage, usage_in


@pytest.mark.parametrize(
    ("document", "usage"),
    [
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}, Usage(3, 4)),
        (
            {"usage": {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}},
            Usage(3, None, 2),
        ),
        (
            {"usage": {"input_tokens": 3, "output_tokens": 4, "input_tokens_details": None}},
            Usage(3, 4),
        ),
        (
            {
                "type": "response.completed",
                "response": {
                    "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 1}}
                },
            },
            Usage(3, None, 1),
        ),
        (
            {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
            Usage(3),
        ),
        ({"usage": None}, None),
        ({"usage": [1]}, None),
        ({"response": None, "message": "no"}, None),
        ([], None),
    ],
)
def test_usage_is_found_in_every_api(document: object, usage: Usage | None) -> None:
    assert usage_in(document) == usage


def test_a_prompt_includes_what_anthropic_counts_beside_it() -> None:
    usage = {"input_tokens": 3, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 10}
    assert read_usage(usage) == Usage(53, None, 40)


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (7, 7), (7.0, 7), ("7", 7), (0, 0),
        (-1, None), (True, None), ("", None), ("-1", None), ("7.5", None), ("9" * 5000, None),
        ("\u0663", None), (None, None), ([], None), (1e300, None), (TOKENS_MAX + 1, None),
    ],
)  # fmt: skip
def test_numbers_are_read_leniently(value: object, tokens: int | None) -> None:
    assert read_usage({"completion_tokens": value}) == Usage(None, tokens, None)


COUNTS = st.none() | st.integers(0, 5)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS)


@given(USAGES, USAGES)
def test_merging_never_forgets_a_number(older: Usage, newer: Usage) -> None:
    both = merged(older, newer)
    for mine, old, new in (
        (both.prompt_tokens, older.prompt_tokens, newer.prompt_tokens),
        (both.completion_tokens, older.completion_tokens, newer.completion_tokens),
        (both.cached_tokens, older.cached_tokens, newer.cached_tokens),
    ):
        assert mine == (new or (new if old is None else old))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["usage", "response", "message", "prompt_tokens", "input_tokens_details"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_document_is_read_or_has_no_usage(document: object) -> None:
    found = usage_in(orjson.loads(orjson.dumps(document)))
    assert found is None or isinstance(found, Usage)

"""Replacing the model: the value that JSON parsers see changes, and not one byte beside it."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.pipeline.formats.model import replace_model

Pairs: TypeAlias = list[tuple[str, object]]

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
"""Any name a client can send; a lone surrogate is not Unicode text."""
TRICKY = st.sampled_from(
    ['"model"', 'a"model":"b"', "model", '\\"model\\":', "}", '{"model":"x"}', "\\", '"', "mødel"]
)
KEYS = st.sampled_from(["model", "models", "a", '"model', "\\model"]) | TRICKY
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NAMES | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.lists(st.tuples(KEYS, VALUES), max_size=5)
SPACES = st.sampled_from(["", " ", "\n\t", "  \r\n"])


def escaped(key: str, *, is_escaped: bool) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" for c in key) + '"' if is_escaped else json.dumps(key)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A JSON object with at least one top-level model, in any spelling."""
    members: Pairs = [*draw(MEMBERS), ("model", draw(VALUES)), *draw(MEMBERS)]
    texts = [
        f"{draw(SPACES)}{escaped(key, is_escaped=key.isalpha() and draw(st.booleans()))}"
        f"{draw(SPACES)}:{draw(SPACES)}{json.dumps(value, ensure_ascii=draw(st.booleans()))}"
        for key, value in members
    ]
    return f"{draw(SPACES)}{{{','.join(texts)}{draw(SPACES)}}}{draw(SPACES)}".encode()


def pairs_of(body: bytes) -> Pairs:
    """Top-level members in order, duplicates included."""
    return json.loads(body, object_pairs_hook=lambda pairs: pairs)  # type: ignore[no-any-return]  # json's


@given(bodies(), NAMES)
def test_the_last_model_of_the_top_level_is_replaced_and_nothing_else(
    body: bytes, model: str
) -> None:
    expected = pairs_of(body)
    last = max(i for i, (key, _) in enumerate(expected) if key == "model")
    expected[last] = ("model", model)
    assert pairs_of(replace_model(body, model)) == expected


@given(bodies(), NAMES)
def test_every_other_byte_stays(body: bytes, model: str) -> None:
    replaced = replace_model(body, model)
    value = json.dumps(model, ensure_ascii=False).encode()
    assert any(
        replaced[:at] == body[:at] and body.endswith(replaced[at + len(value) :])
        for at in range(len(replaced))
        if replaced[at:].startswith(value[:1])
    )


@given(bodies(), NAMES, NAMES)
def test_replacing_twice_is_replacing_once(body: bytes, first: str, second: str) -> None:
    assert replace_model(replace_model(body, first), second) == replace_model(body, second)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a"}', b'{"model":"new"}'),
        (b' {\n "model" :\t"a" } ', b' {\n "model" :\t"new" } '),
        (b'{"x":{"model":"b"},"model":"a"}', b'{"x":{"model":"b"},"model":"new"}'),
        (b'{"model":"a","x":"\\"model\\":\\"b\\""}', b'{"model":"new","x":"\\"model\\":\\"b\\""}'),
        (b'{"mod\\u0065l":"a","x":"model"}', b'{"mod\\u0065l":"new","x":"model"}'),
        (b'{"model":"a","model":"b"}', b'{"model":"a","model":"new"}'),
        (b'{"model":null}', b'{"model":"new"}'),
        (b'{"model":{"a":["}"]},"b":1}', b'{"model":"new","b":1}'),
    ],
)
def test_examples(body: bytes, expected: bytes) -> None:
    assert replace_model(body, "new") == expected


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"x":"model"}', b'{"x":{"model":1},"y":"model"}', b'{"model"']
)
def test_a_body_without_a_model_is_a_bug_of_the_caller(body: bytes) -> None:
    with pytest.raises(ValueError, match="body "):
        replace_model(body, "new")


@given(st.binary(max_size=60) | st.text('{}[]":,\\model ', max_size=60).map(str.encode))
def test_any_bytes_end_in_a_body_or_a_value_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert b'"new"' in replace_model(body, "new")


@pytest.mark.parametrize("piece", [b'{"model":1},', b'"\\"",', b'"model",', b"[],", b'"\\u006d",'])
def test_a_hostile_body_takes_linear_time(piece: bytes) -> None:
    body = b'{"x":[' + piece * 200_000 + b'0],"model":"a"}'
    start_s = time.process_time()
    assert replace_model(body, "b").endswith(b',"model":"b"}')
    assert time.process_time() - start_s < 2

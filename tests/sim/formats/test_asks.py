from __future__ import annotations

import pytest

from pointsman.sim.errors import ApiError
from pointsman.sim.formats.asks import (
    CHOICES_MAX,
    Answer,
    Frame,
    full_usage,
    read_choices,
    read_count,
    read_flag,
    read_list,
    read_text,
    server_sent,
    usage,
    wants_usage,
)


def frame(*, details: bool = True) -> Frame:
    return Frame("1", created=0, model="m", has_cached_tokens=details)


def answer(prompt: int, output: int, cached: int = 0) -> Answer:
    return Answer(
        words=b"abcd" * output,
        prompt=bytes(4 * prompt),
        cached_tokens=cached,
        prompt_tokens=prompt,
        output_tokens=output,
        ending="stop",
    )


def test_a_prompt_with_several_answers_is_counted_once() -> None:
    answers = [answer(10, 3, 8), answer(10, 4, 8), answer(20, 5), answer(20, 6)]
    assert usage(frame(), answers, choices=2) == {
        "prompt_tokens": 30,
        "total_tokens": 48,
        "completion_tokens": 18,
        "prompt_tokens_details": {"cached_tokens": 8},
    }


def test_cached_tokens_are_told_only_on_request() -> None:
    assert "prompt_tokens_details" not in usage(frame(details=False), [answer(1, 1)])
    assert full_usage(frame(details=False), [answer(1, 1)])["prompt_tokens_details"] is None


def test_absent_and_null_fields_mean_the_default() -> None:
    for body in ({}, {"n": None, "stream": None, "model": None, "max_tokens": None}):
        assert read_choices(body) == 1
        assert read_flag(body, "stream") is False
        assert read_text(body, "model") is None
        assert read_count(body, "max_tokens") is None


def test_the_first_of_several_names_wins() -> None:
    assert read_count({"max_tokens": 5, "max_completion_tokens": 7}, "max_completion_tokens") == 7
    assert read_count({"b": 5}, "a", "b") == 5


@pytest.mark.parametrize("value", ["1", 1.5, True, [1], {}])
def test_what_is_not_a_whole_number_is_refused(value: object) -> None:
    with pytest.raises(ApiError, match="int_type"):
        read_count({"n": value}, "n")


def test_limits_are_kept() -> None:
    with pytest.raises(ApiError, match="n must be at least 1, got 0"):
        read_choices({"n": 0})
    with pytest.raises(ApiError, match="n must be at most"):
        read_choices({"n": CHOICES_MAX + 1})


def test_wrong_types_are_told_with_their_place() -> None:
    with pytest.raises(ApiError, match=r"body\.stream"):
        read_flag({"stream": 1}, "stream")
    with pytest.raises(ApiError, match=r"body\.model"):
        read_text({"model": 1}, "model")
    with pytest.raises(ApiError, match="Field required"):
        read_list({}, "messages")
    with pytest.raises(ApiError, match="list_type"):
        read_list({"messages": "hi"}, "messages")


def test_usage_is_sent_only_to_those_who_ask_for_it() -> None:
    assert wants_usage({"stream_options": {"include_usage": True}})
    for options in (None, {}, {"include_usage": False}, {"include_usage": 1}, "yes"):
        assert not wants_usage({"stream_options": options})


def test_an_event_may_have_a_name() -> None:
    assert server_sent({"a": 1}) == b'data: {"a":1}\n\n'
    assert server_sent({}, "ping") == b"event: ping\ndata: {}\n\n"

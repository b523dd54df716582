from __future__ import annotations

import pytest

from pointsman.sim.errors import ApiError
from pointsman.sim.formats.messages import MessagesApi, MessagesStream
from sim.formats.answering import FRAME, WITH_DETAILS, answers_to, events, streamed, written
from sim.transcripts import shape, transcript

BODY = {"model": "m", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]}


def test_an_answer_has_the_fields_of_a_recorded_one() -> None:
    recorded, ours = transcript("messages-anthropic").document, written(MessagesApi(), BODY)
    assert shape(ours) == shape(recorded)
    assert list(ours) == list(recorded)
    assert ours["stop_reason"] == "max_tokens"


def test_a_stream_has_named_events_and_its_counts_at_both_ends() -> None:
    ask = MessagesApi().read({**BODY, "stream": True})
    answers = answers_to(ask, ending="stop")
    raw = streamed(MessagesStream(WITH_DETAILS, ask), answers)
    found = events(raw)
    assert [each["type"] for each in found] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 4,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    names = [line.removeprefix("event: ") for line in raw.decode().split("\n")[::3][: len(found)]]
    assert names == [each["type"] for each in found]
    prompt_tokens = answers[0].prompt_tokens
    assert found[0]["message"]["usage"] == {
        "input_tokens": prompt_tokens,
        "output_tokens": 0,
        "cache_read_input_tokens": 16,
    }
    assert found[-2]["delta"] == {"stop_reason": "end_turn"}
    assert found[-2]["usage"]["output_tokens"] == 4
    text = "".join(each["delta"]["text"] for each in found[2:-3])
    assert text == answers[0].words.decode()


def test_the_system_text_may_be_blocks() -> None:
    as_text = MessagesApi().read({**BODY, "system": "be brief"})
    as_blocks = MessagesApi().read({**BODY, "system": [{"type": "text", "text": "be brief"}]})
    assert as_text.prompts == as_blocks.prompts != MessagesApi().read(BODY).prompts


def test_the_limit_is_required() -> None:
    with pytest.raises(ApiError, match="max_tokens"):
        MessagesApi().read({"messages": []})
    assert "cache_read_input_tokens" not in written(MessagesApi(), BODY, frame=FRAME)["usage"]

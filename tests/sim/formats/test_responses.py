from __future__ import annotations

import pytest

from pointsman.sim.errors import ApiError
from pointsman.sim.formats.responses import ResponsesApi, ResponsesStream
from sim.formats.answering import FRAME, answers_to, events, streamed, written
from sim.transcripts import shape, transcript

BODY = {"model": "tiny-llama", "input": "hi", "max_output_tokens": 4, "stream": True}


def test_an_answer_has_the_fields_of_a_recorded_one() -> None:
    recorded, ours = transcript("responses").document, written(ResponsesApi(), BODY)
    assert shape(ours) == shape(recorded)
    assert list(ours) == list(recorded)
    assert (ours["status"], ours["max_output_tokens"]) == ("incomplete", 4)


def test_a_stream_is_numbered_and_ends_with_the_whole_response() -> None:
    ask = ResponsesApi().read(BODY)
    answers = answers_to(ask, ending="stop")
    found = events(streamed(ResponsesStream(FRAME, ask), answers))
    assert [each["sequence_number"] for each in found] == list(range(len(found)))
    assert [each["type"] for each in found[:4]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    deltas = [each["delta"] for each in found if each["type"] == "response.output_text.delta"]
    assert "".join(deltas) == answers[0].words.decode()
    last = found[-1]
    assert (last["type"], last["response"]["status"]) == ("response.completed", "completed")
    assert last["response"]["usage"]["output_tokens"] == 4


def test_input_may_be_a_conversation_and_instructions_come_first() -> None:
    items = [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]
    as_items = ResponsesApi().read({"input": items})
    assert as_items.prompts == ResponsesApi().read({"input": "hi"}).prompts
    assert ResponsesApi().read({"input": "hi", "instructions": "be brief"}) != as_items


@pytest.mark.parametrize("body", [{}, {"input": 3}, {"input": {}}])
def test_an_input_is_needed(body: dict[str, object]) -> None:
    with pytest.raises(ApiError, match=r"body\.input"):
        ResponsesApi().read(body)

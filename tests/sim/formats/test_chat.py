from __future__ import annotations

from pointsman.sim.formats.chat import ChatApi, ChatStream
from sim.formats.answering import FRAME, WITH_DETAILS, answers_to, events, streamed, written
from sim.transcripts import shape, transcript

BODY = {"model": "tiny-llama", "messages": [{"role": "user", "content": "hi"}], "stream": True}
WITH_USAGE = {**BODY, "stream_options": {"include_usage": True}}


def test_an_answer_has_the_fields_of_a_recorded_one_in_their_order() -> None:
    recorded = transcript("chat").document
    ours = written(ChatApi(), BODY)
    assert shape(ours) == shape(recorded)
    assert list(ours) == list(recorded)
    assert ours["choices"][0]["finish_reason"] == "length"
    assert ours["id"] == "chatcmpl-my-req-1"


def test_a_stream_has_the_chunks_of_a_recorded_one() -> None:
    recorded = events(transcript("chat-stream-usage").body.encode() + b"\n\n")
    ask = ChatApi().read(WITH_USAGE)
    ours = events(streamed(ChatStream(FRAME, ask), answers_to(ask, output_tokens=8)))
    assert [shape(each) for each in ours] == [shape(each) for each in recorded]
    assert ours[0]["choices"] == recorded[0]["choices"]
    assert ours[-3]["choices"][0]["finish_reason"] == "length"


def test_the_chunks_together_are_the_answer() -> None:
    ask = ChatApi().read({**BODY, "n": 2})
    answers = answers_to(ask)
    texts = ["", ""]
    for event in events(streamed(ChatStream(FRAME, ask), answers)):
        if event != "[DONE]":
            choice = event["choices"][0]
            texts[choice["index"]] += choice["delta"]["content"]
    assert texts == [answer.words.decode() for answer in answers]


def test_usage_comes_only_when_asked_for_and_names_cached_tokens_only_when_configured() -> None:
    plain, asking = ChatApi().read(BODY), ChatApi().read(WITH_USAGE)
    silent = events(streamed(ChatStream(WITH_DETAILS, plain), answers_to(plain)))
    assert not any("usage" in each for each in silent if each != "[DONE]")
    telling = events(streamed(ChatStream(WITH_DETAILS, asking), answers_to(asking)))[-2]
    assert telling["usage"]["prompt_tokens_details"] == {"cached_tokens": 16}


def test_the_newer_name_of_the_limit_wins() -> None:
    assert ChatApi().read({**BODY, "max_tokens": 3, "max_completion_tokens": 5}).output_tokens == 5
    assert ChatApi().read(BODY).output_tokens is None

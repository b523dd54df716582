from __future__ import annotations

import pytest

from pointsman.sim.errors import ApiError
from pointsman.sim.formats.completions import CompletionsApi, CompletionsStream
from sim.formats.answering import FRAME, WITH_DETAILS, answers_to, events, streamed, written
from sim.transcripts import shape, transcript

BODY = {"model": "tiny-llama", "prompt": ["import os", [5, 6, 7]], "stream": True}


def test_an_answer_has_the_fields_of_a_recorded_one() -> None:
    ours, recorded = written(CompletionsApi(), BODY), transcript("completions").document
    assert shape(ours) == shape(recorded)
    assert list(ours) == list(recorded)
    assert [choice["index"] for choice in ours["choices"]] == [0, 1]


def test_cached_tokens_are_told_as_recorded() -> None:
    recorded = transcript("prefix-base-2").document
    ours = written(CompletionsApi(), {**BODY, "prompt": "x" * 80}, frame=WITH_DETAILS)
    assert shape(ours) == shape(recorded)
    assert ours["usage"]["prompt_tokens_details"]["cached_tokens"] == 16


def test_the_chunks_together_are_the_answers_and_the_last_ones_say_why() -> None:
    ask = CompletionsApi().read({**BODY, "stream_options": {"include_usage": True}})
    answers = answers_to(ask, ending="stop")
    *chunks, totals, done = events(streamed(CompletionsStream(FRAME, ask), answers))
    texts, reasons = ["", ""], [[], []]
    for chunk in chunks:
        choice = chunk["choices"][0]
        texts[choice["index"]] += choice["text"]
        reasons[choice["index"]].append(choice["finish_reason"])
    assert texts == [answer.words.decode() for answer in answers]
    assert reasons == [[None, None, None, "stop"]] * 2
    assert totals["usage"] == {"prompt_tokens": 6, "total_tokens": 14, "completion_tokens": 8}
    assert done == "[DONE]"


def test_a_completion_without_limit_has_sixteen_tokens() -> None:
    assert CompletionsApi().read(BODY).output_tokens == 16


def test_a_prompt_is_needed() -> None:
    with pytest.raises(ApiError, match="prompt"):
        CompletionsApi().read({"model": "m"})

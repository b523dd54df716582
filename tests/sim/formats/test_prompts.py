from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.sim.errors import ApiError
from pointsman.sim.formats.asks import PROMPTS_MAX
from pointsman.sim.formats.prompts import MEDIA_TOKENS, chat_tokens, content_tokens, prompts_tokens
from pointsman.sim.tokens import Answers, token_ids

messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant"]), "content": st.text(max_size=40)}
    ),
    min_size=1,
    max_size=5,
)


@given(history=messages, start=st.integers(0, 9999), question=st.text(max_size=40))
def test_the_next_turn_of_a_conversation_begins_with_all_of_the_last_one(
    history: list[object], start: int, question: str
) -> None:
    answer = Answers(seed=1).words(start, 5)
    turn = [
        *history,
        {"role": "assistant", "content": answer.decode()},
        {"role": "user", "content": question},
    ]
    assert chat_tokens(turn).startswith(chat_tokens(history) + answer)


def test_text_parts_are_the_text() -> None:
    parts = [{"type": "text", "text": "look here"}, {"type": "input_text", "text": "now!"}]
    assert content_tokens(parts) == content_tokens("look here") + content_tokens("now!")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
    ],
)
def test_a_picture_costs_the_same_whatever_its_size(part: dict[str, object]) -> None:
    assert len(content_tokens([part])) == 4 * MEDIA_TOKENS


def test_two_pictures_differ() -> None:
    first, second = ({"type": "image_url", "image_url": {"url": url}} for url in ("a", "b"))
    assert content_tokens([first]) != content_tokens([second])


def test_tools_calls_and_system_texts_are_part_of_the_prompt() -> None:
    plain = chat_tokens([{"role": "user", "content": "hi"}])
    with_tools = chat_tokens([{"role": "user", "content": "hi"}], tools=[{"name": "f"}])
    with_system = chat_tokens([{"role": "user", "content": "hi"}], system="be brief")
    with_call = chat_tokens([{"role": "user", "content": "hi", "tool_calls": [{"id": "1"}]}])
    assert len({plain, with_tools, with_system, with_call}) == 4
    assert chat_tokens([{"type": "function_call_output", "output": "42"}])


@pytest.mark.parametrize("bad", [["hi"], [None], [{"role": "user", "content": 3}],
                                 [{"role": "user", "content": [3]}]])  # fmt: skip
def test_what_is_no_message_is_refused(bad: list[object]) -> None:
    with pytest.raises(ApiError) as refusal:
        chat_tokens(bad)
    assert refusal.value.status == 400


def test_prompts_come_as_text_ids_or_lists_of_either() -> None:
    assert len(prompts_tokens("import os", "prompt")) == 1
    assert [token_ids(each) for each in prompts_tokens([5, 6, 7], "prompt")] == [[5, 6, 7]]
    assert len(prompts_tokens(["a", "b"], "prompt")) == 2
    assert [token_ids(each) for each in prompts_tokens([[1], [2, 3]], "prompt")] == [[1], [2, 3]]


def test_text_and_its_token_ids_are_the_same_prompt() -> None:
    (as_text,) = prompts_tokens("The quick brown fox", "prompt")
    assert prompts_tokens(list(token_ids(as_text)), "prompt") == (as_text,)


@pytest.mark.parametrize(
    "bad",
    [
        None, 3, {}, [], [1.5], [None], ["a", 3], [[1], "a", None], [-1],
        ["x"] * (PROMPTS_MAX + 1),
    ],
)  # fmt: skip
def test_what_is_no_prompt_is_refused(bad: object) -> None:
    with pytest.raises(ApiError) as refusal:
        prompts_tokens(bad, "prompt")
    assert refusal.value.status == 400


def test_an_empty_prompt_still_has_a_token() -> None:
    assert all(len(each) == 4 for each in (*prompts_tokens("", "p"), *prompts_tokens([""], "p")))

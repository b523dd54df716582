from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.sim.tokens import (
    Answers,
    id_tokens,
    reference_tokens,
    split_words,
    text_tokens,
    token_ids,
)


@given(text=st.text(), more=st.text())
def test_texts_with_equal_beginnings_have_equal_first_tokens(text: str, more: str) -> None:
    whole = len(text.encode()) // 4 * 4
    assert text_tokens(text)[:whole] == text_tokens(text + more)[:whole]


@given(text=st.text())
def test_a_text_has_a_token_for_every_four_bytes(text: str) -> None:
    tokens = text_tokens(text)
    assert len(tokens) == -(-len(text.encode()) // 4) * 4
    assert id_tokens(list(token_ids(tokens))) == tokens


@pytest.mark.parametrize(
    ("ids", "reason"),
    [
        ([-1], "less than minimum|negative"),
        ([2**32], "too large|greater than maximum"),
        (["a"], "integer"),
        ([1.5], "integer"),
        ([None], "integer"),
    ],
)
def test_what_is_not_a_token_id_is_refused(ids: list[object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        id_tokens(ids)


def test_an_image_costs_the_same_whatever_its_size_and_depends_on_all_of_it() -> None:
    small, large = reference_tokens(b"a", 256), reference_tokens(b"a" * 100_000, 256)
    assert len(small) == len(large) == 1024
    assert small != large


@given(start=st.integers(0, 2**64), count=st.integers(0, 10_000))
def test_an_answer_has_exactly_as_many_tokens_as_asked_and_is_its_own_text(
    start: int, count: int
) -> None:
    words = Answers(seed=1).words(start, count)
    assert len(split_words(words)) == count
    assert text_tokens(words.decode()) == words


def test_answers_depend_on_the_seed_and_the_prompt_only() -> None:
    answers = Answers(seed=1)
    assert answers.words(7, 20) == Answers(seed=1).words(7, 30)[:80]
    assert answers.words(7, 20) != answers.words(8, 20)
    assert answers.words(7, 20) != Answers(seed=2).words(7, 20)


def test_words_need_no_escaping_in_json() -> None:
    assert not set(b'"\\\n') & set(Answers(seed=1).words(0, 4096))

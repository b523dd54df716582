from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from pointsman.sim.errors import ApiError
from pointsman.sim.formats.embeddings import DIMENSIONS, EmbeddingsApi
from sim.formats.answering import FRAME, answers_to


def rows(body: dict[str, object]) -> list[object]:
    api = EmbeddingsApi()
    ask = api.read(body)
    document = json.loads(api.write(FRAME, answers_to(ask, output_tokens=0), ask=ask))
    assert document["usage"]["completion_tokens"] == 0
    return [row["embedding"] for row in document["data"]]


def test_each_prompt_gets_a_vector_of_length_one_that_depends_on_it() -> None:
    first, second, again = rows({"input": ["a", "b", "a"]})
    assert len(first) == DIMENSIONS
    assert np.linalg.norm(first) == pytest.approx(1.0, rel=1e-5)
    assert first == again != second


def test_base64_is_the_same_vector() -> None:
    (plain,) = rows({"input": "a", "dimensions": 8})
    (encoded,) = rows({"input": "a", "dimensions": 8, "encoding_format": "base64"})
    assert np.frombuffer(base64.b64decode(encoded), dtype="<f4").tolist() == plain


def test_a_conversation_can_be_embedded() -> None:
    assert len(rows({"messages": [{"role": "user", "content": "hi"}]})) == 1


def test_what_cannot_be_embedded_is_refused() -> None:
    with pytest.raises(ApiError, match=r"body\.input"):
        EmbeddingsApi().read({"model": "m"})
    with pytest.raises(ApiError, match="dimensions"):
        EmbeddingsApi().read({"input": "a", "dimensions": 10**6})

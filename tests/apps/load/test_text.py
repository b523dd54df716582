"""The size of generated text is exact; everything that follows from prompt lengths relies on it."""

from __future__ import annotations

import random

import pytest

from pointsman.apps.load.text import prose


@pytest.mark.parametrize("tokens", [1, 2, 17, 400, 9000])
def test_prose_has_four_bytes_per_token(tokens: int) -> None:
    text = prose(random.Random(7), tokens)
    assert len(text.encode()) == 4 * tokens


def test_prose_follows_its_random_source() -> None:
    assert prose(random.Random(7), 50) == prose(random.Random(7), 50)
    assert prose(random.Random(7), 50) != prose(random.Random(8), 50)

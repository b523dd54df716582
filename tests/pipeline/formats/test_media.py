"""What media costs in tokens, and what stands for it in a prompt."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.requests import Prompt
from pointsman.pipeline.formats.media import (
    AUDIO,
    FILE,
    IMAGE,
    IMAGE_TOKENS_DEFAULT,
    IMAGE_TOKENS_MAX,
    REFERENCE_BYTES_MAX,
    VIDEO,
    MediaKind,
    add_url,
)
from pointsman.pipeline.formats.prompt import PromptBuilder


def prompt_of(url: str, kind: MediaKind) -> Prompt:
    builder = PromptBuilder()
    add_url(builder, url, kind=kind)
    return builder.build()


def gif(width: int, height: int) -> str:
    head = b"GIF89a" + struct.pack("<HH", width, height)
    return "data:image/gif;base64," + base64.b64encode(head).decode()


def test_an_image_costs_a_token_for_each_1024_pixels_within_bounds() -> None:
    tokens = [prompt_of(gif(*size), IMAGE).tokens for size in ((640, 480), (1, 1), (65535, 65535))]
    assert tokens == [300, 1, IMAGE_TOKENS_MAX]


def test_an_image_of_unknown_size_costs_the_default() -> None:
    assert prompt_of("data:image/bmp;base64,AAAA", IMAGE).tokens == IMAGE_TOKENS_DEFAULT
    assert prompt_of("DATA:,", IMAGE).tokens == IMAGE_TOKENS_DEFAULT


@pytest.mark.parametrize("kind", [IMAGE, VIDEO, AUDIO, FILE])
@given(st.text())
def test_any_url_gives_a_short_reference_and_a_cost(kind: MediaKind, url: str) -> None:
    prompt = prompt_of(url, kind)
    assert prompt.tokens > 0
    assert len(prompt.segments[0]) <= 4 * REFERENCE_BYTES_MAX


def test_a_pdf_costs_about_a_page_for_75_kilobytes() -> None:
    url = "data:application/pdf;base64," + base64.b64encode(bytes(150_000)).decode()
    assert prompt_of(url, FILE).tokens == 4601


def test_different_data_has_different_references() -> None:
    assert prompt_of(gif(1, 2), IMAGE).segments != prompt_of(gif(2, 1), IMAGE).segments
    long = "https://x/" + "a" * 300
    assert prompt_of(long, IMAGE).segments != prompt_of(long + "b", IMAGE).segments

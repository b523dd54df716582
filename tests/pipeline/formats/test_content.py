"""Parts of messages: text as text, media by reference, everything else as JSON."""

from __future__ import annotations

import base64
import struct

import orjson
import pytest
import xxhash

from pointsman.domain.requests import Prompt
from pointsman.pipeline.formats.content import add_content
from pointsman.pipeline.formats.prompt import PromptBuilder

PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + struct.pack(">II", 1024, 512) + b"\x08\x06\0\0\0"
).decode()
PNG_DIGEST = xxhash.xxh3_128_digest(PNG.encode())
DATA_URL = f"data:image/png;base64,{PNG}"


def prompt_of(*parts: object) -> Prompt:
    builder = PromptBuilder()
    add_content(builder, list(parts), where="content")
    return builder.build()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": DATA_URL}},
        {"type": "image_url", "image_url": DATA_URL},
        {"type": "input_image", "image_url": DATA_URL},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image", "source": {"type": "url", "url": DATA_URL}},
        {"type": "tool_result", "content": [{"type": "image", "source": {"data": PNG}}]},
    ],
)
def test_the_same_image_is_the_same_digest_in_every_api(part: object) -> None:
    assert prompt_of(part) == Prompt((PNG_DIGEST,), 512)


@pytest.mark.parametrize(
    ("part", "reference", "tokens"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x/y"}}, b"https://x/y", 225),
        ({"type": "input_image", "file_id": "file-1"}, b"file-1", 225),
        ({"type": "video_url", "video_url": {"url": "https://x/y"}}, b"https://x/y", 4500),
        ({"type": "audio_url", "audio_url": {"url": "https://x/y"}}, b"https://x/y", 250),
        ({"type": "document", "source": {"type": "url", "url": "u"}}, b"u", 2300),
        ({"type": "file", "file": {"file_id": "file-1"}}, b"file-1", 2300),
    ],
)
def test_media_by_url_is_its_url(part: object, reference: bytes, tokens: int) -> None:
    assert prompt_of(part) == Prompt((reference,), tokens)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("plain", b"plain"),
        ({"type": "text", "text": "a"}, b"a"),
        ({"type": "input_text", "text": "a"}, b"a"),
        ({"type": "output_text", "text": "a"}, b"a"),
        ({"type": "refusal", "refusal": "no"}, b"no"),
        ({"type": "thinking", "thinking": "hm", "signature": "x"}, b"hm"),
        ({"type": "tool_result", "tool_use_id": "1", "content": "42"}, b"42"),
        ({"type": "tool_result", "content": [{"type": "text", "text": "4"}, "2"]}, b"42"),
        ({"type": "document", "source": {"type": "text", "data": "page"}}, b"page"),
    ],
)
def test_text_is_text_in_whatever_part_it_comes(part: object, text: bytes) -> None:
    assert b"".join(prompt_of(part).segments) == text


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_use", "name": "f", "input": {"a": 1}},
        {"type": "image_url", "image_url": None, "uuid": "1"},
        {"type": "image_url", "image_url": {}},
        {"type": ["text"], "text": 3},
        {},
    ],
)
def test_an_unknown_part_is_its_json(part: object) -> None:
    assert prompt_of(part).segments == (orjson.dumps(part),)


def test_a_result_within_a_result_does_not_recurse() -> None:
    inner = [{"type": "tool_result", "content": "x"}]
    assert prompt_of({"type": "tool_result", "content": inner}).segments == (orjson.dumps(inner),)


def test_audio_is_estimated_from_its_length() -> None:
    second = base64.b64encode(bytes(32_000)).decode()
    wav = {"type": "input_audio", "input_audio": {"data": second, "format": "wav"}}
    mp3 = {"type": "input_audio", "input_audio": {"data": second, "format": "mp3"}}
    assert [prompt_of(wav).tokens, prompt_of(mp3).tokens] == [26, 101]

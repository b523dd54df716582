"""Image sizes from the first bytes of PNG, GIF, WebP and JPEG."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.pipeline.formats.image_size import image_size

SIZES = st.integers(1, 16_000)


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def jpeg(width: int, height: int, *, comment_bytes: int = 0) -> bytes:
    comment = b"\xff\xfe" + struct.pack(">H", comment_bytes + 2) + bytes(comment_bytes)
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + bytes(9) + comment + frame


def webp(chunk: bytes, payload: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + chunk + b"\0\0\0\0" + payload + bytes(8)


@given(SIZES, SIZES)
def test_every_format_tells_its_size(width: int, height: int) -> None:
    vp8l = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)
    vp8x = bytes(4) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    images = [
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + struct.pack(">II", width, height),
        b"GIF87a" + struct.pack("<HH", width, height),
        webp(b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height)),
        webp(b"VP8L", vp8l),
        webp(b"VP8X", vp8x),
        jpeg(width, height),
    ]
    assert [image_size(text(image)) for image in images] == [(width, height)] * len(images)


@given(st.integers(0, 60_000))
def test_a_jpeg_may_have_any_segment_before_its_frame(comment_bytes: int) -> None:
    assert image_size(text(jpeg(640, 480, comment_bytes=comment_bytes))) == (640, 480)


@pytest.mark.parametrize(
    "image",
    [jpeg(64, 48), webp(b"VP8 ", bytes(20)), b"GIF87a\1\0\1\0", b"\x89PNG\r\n\x1a\n" + bytes(16)],
)
def test_a_cut_image_has_no_size_and_no_error(image: bytes) -> None:
    for end in range(len(image)):
        size = image_size(text(image[:end]))
        assert size is None or all(side >= 0 for side in size)


@given(st.text() | st.binary().map(text))
def test_any_text_gives_a_size_or_none(base64_text: str) -> None:
    image_size(base64_text)


def test_empty_jpeg_segments_do_not_trap_the_reader() -> None:
    assert image_size(text(b"\xff\xd8" + b"\xff\xe0\0\0" * 10_000)) is None

"""Width and height of a base64 image, from its first bytes: PNG, JPEG, GIF, WebP."""

from __future__ import annotations

import binascii
from typing import Literal

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_GIF = (b"GIF87a", b"GIF89a")
_HEADER_BYTES = 30
_JPEG_SEGMENTS_MAX = 64
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the segments that hold the size (ITU-T T.81, table B.1)."""


def image_size(base64_text: str) -> tuple[int, int] | None:
    """Width and height in pixels, or None where the data does not tell; never raises."""
    head = _decoded(base64_text, 0, count=_HEADER_BYTES)
    if head.startswith(_PNG):
        return _both(head, 16, bytes_each=4, is_big=True)
    if head.startswith(_GIF):
        return _both(head, 6, bytes_each=2, is_big=False)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    return _jpeg(base64_text) if head.startswith(_JPEG) else None


def _decoded(base64_text: str, start: int, *, count: int) -> bytes:
    """`count` bytes from `start` of the decoded data, fewer at its end or where it is broken."""
    skipped = start % 3
    first = start // 3 * 4
    piece = base64_text[first : first + (skipped + count + 2) // 3 * 4]
    try:
        return binascii.a2b_base64(piece)[skipped : skipped + count]
    except ValueError:
        return b""


def _both(head: bytes, at: int, *, bytes_each: int, is_big: bool) -> tuple[int, int] | None:
    """Width at `at` and the height after it."""
    if len(head) < at + 2 * bytes_each:
        return None
    order: Literal["big", "little"] = "big" if is_big else "little"
    middle = at + bytes_each
    return (
        int.from_bytes(head[at:middle], order),
        int.from_bytes(head[middle : middle + bytes_each], order),
    )


def _webp(head: bytes) -> tuple[int, int] | None:
    if len(head) < _HEADER_BYTES:
        return None
    chunk = head[12:16]
    if chunk == b"VP8X":
        return (
            int.from_bytes(head[24:27], "little") + 1,
            int.from_bytes(head[27:30], "little") + 1,
        )
    if chunk == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return (
            int.from_bytes(head[26:28], "little") & 0x3FFF,
            int.from_bytes(head[28:30], "little") & 0x3FFF,
        )
    return None


def _jpeg(base64_text: str) -> tuple[int, int] | None:
    at = len(_JPEG)
    for _ in range(_JPEG_SEGMENTS_MAX):
        segment = _decoded(base64_text, at, count=9)
        if len(segment) < 9 or segment[0] != 0xFF:
            return None
        if segment[1] in _JPEG_FRAMES:
            return int.from_bytes(segment[7:9], "big"), int.from_bytes(segment[5:7], "big")
        at += 2 + int.from_bytes(segment[2:4], "big")
    return None

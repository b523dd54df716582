"""Images, audio, video and files: a short reference, and what they will cost in tokens.

The estimates are upstream's where it has one (an image is width x height / 1024 tokens, 640x360
where the size is unknown) and otherwise what common models do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import xxhash

from pointsman.pipeline.formats.image_size import image_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from pointsman.pipeline.formats.prompt import PromptBuilder

PIXELS_PER_TOKEN = 1024
IMAGE_TOKENS_DEFAULT = 640 * 360 // PIXELS_PER_TOKEN
IMAGE_TOKENS_MAX = 16_384
"""Models scale larger images down; this is the most that a common family takes (Qwen2-VL)."""
VIDEO_TOKENS = 10 * 2 * IMAGE_TOKENS_DEFAULT
"""10 s at two frames a second."""
AUDIO_TOKENS_DEFAULT = 10 * 25
"""10 s at 25 tokens a second."""
WAV_BYTES_PER_TOKEN = 2 * 16_000 // 25
"""16 bits, 16 kHz, mono, 25 tokens a second."""
COMPRESSED_BYTES_PER_TOKEN = 64_000 // 8 // 25
"""64 kbit/s, 25 tokens a second."""
PAGE_BYTES = 75_000
PAGE_TOKENS = 2_300
"""A page of a PDF, with its picture."""
REFERENCE_BYTES_MAX = 256


class MediaKind(NamedTuple):
    """How one kind of media is estimated.

    Attributes:
        tokens_default: where only a URL or an identifier is known.
        tokens_of: from base64 data and its media type or format.
    """

    tokens_default: int
    tokens_of: Callable[[str, str], int]


def _image_tokens(base64_text: str, _media_type: str) -> int:
    size = image_size(base64_text)
    if size is None:
        return IMAGE_TOKENS_DEFAULT
    return min(max(size[0] * size[1] // PIXELS_PER_TOKEN, 1), IMAGE_TOKENS_MAX)


def _video_tokens(_base64_text: str, _media_type: str) -> int:
    return VIDEO_TOKENS


def _audio_tokens(base64_text: str, media_type: str) -> int:
    is_wav = "wav" in media_type
    return _decoded_bytes(base64_text) // (
        WAV_BYTES_PER_TOKEN if is_wav else COMPRESSED_BYTES_PER_TOKEN
    ) + 1  # fmt: skip


def _file_tokens(base64_text: str, _media_type: str) -> int:
    return _decoded_bytes(base64_text) * PAGE_TOKENS // PAGE_BYTES + 1


def _decoded_bytes(base64_text: str) -> int:
    return len(base64_text) * 3 // 4


IMAGE = MediaKind(IMAGE_TOKENS_DEFAULT, _image_tokens)
VIDEO = MediaKind(VIDEO_TOKENS, _video_tokens)
AUDIO = MediaKind(AUDIO_TOKENS_DEFAULT, _audio_tokens)
FILE = MediaKind(PAGE_TOKENS, _file_tokens)


def digest_of(text: str) -> bytes:
    """16 bytes that stand for this text."""
    return xxhash.xxh3_128_digest(text.encode())


def reference_of(text: str) -> bytes:
    """A URL or identifier as it is; a very long one as its digest."""
    return text.encode() if len(text) <= REFERENCE_BYTES_MAX else digest_of(text)


def add_url(builder: PromptBuilder, url: str, *, kind: MediaKind) -> None:
    """Add media by URL (`https:` or `data:`) or by an identifier."""
    if url[:5].lower() == "data:":
        media_type, _, base64_text = url[5:].partition(",")
        add_inline(builder, base64_text, kind=kind, media_type=media_type)
    else:
        builder.reference(reference_of(url), tokens=kind.tokens_default)


def add_inline(
    builder: PromptBuilder, base64_text: str, *, kind: MediaKind, media_type: str
) -> None:
    """Add media by its base64 data."""
    builder.reference(digest_of(base64_text), tokens=kind.tokens_of(base64_text, media_type))

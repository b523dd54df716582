"""Compressed bodies: gzip and deflate, piece by piece, with a limit against bombs."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.domain.responses import Usage
    from pointsman.pipeline.responses.bodies import BodyReader

INFLATED_BYTES_MAX = 16 << 20
"""Reading stops after this much; a compressed stream of that length has told us enough."""
_STEP_BYTES_MAX = 64 << 10

_GZIP_WINDOW = 31
_ZLIB_WINDOW = 15
_RAW_WINDOW = -15
_HEADER_BYTES = 2


class InflatedBody:
    """A compressed body on its way to the reader of what it contains."""

    def __init__(self, inner: BodyReader, *, is_gzip: bool) -> None:
        self._inner = inner
        self._is_gzip = is_gzip
        self._head = b""
        self._inflater = zlib.decompressobj(_GZIP_WINDOW) if is_gzip else None
        self._left_bytes = INFLATED_BYTES_MAX

    @property
    def usage(self) -> Usage:
        """What is known so far."""
        return self._inner.usage

    def feed(self, chunk: bytes) -> int:
        """Read the next piece; broken data and data over the limit are not read."""
        if not self._left_bytes:
            return 0
        try:
            return self._inflate(chunk)
        except zlib.error:
            self._left_bytes = 0
            return 0

    def _inflate(self, compressed: bytes) -> int:
        if self._inflater is None:
            compressed = self._head + compressed
            if len(compressed) < _HEADER_BYTES:
                self._head = compressed
                return 0
            self._inflater = zlib.decompressobj(_deflate_window(compressed))
        tokens = 0
        while self._left_bytes:
            plain = self._inflater.decompress(compressed, _STEP_BYTES_MAX)
            tokens += self._inner.feed(plain[: self._left_bytes])
            self._left_bytes = max(0, self._left_bytes - len(plain))
            compressed = self._inflater.unconsumed_tail
            if self._inflater.eof:
                compressed = self._next_member()
            if not compressed and len(plain) < _STEP_BYTES_MAX:
                break
        return tokens

    def _next_member(self) -> bytes:
        """What follows the end of a member; gzip allows another one there."""
        assert self._inflater is not None
        rest = self._inflater.unused_data
        if rest and self._is_gzip:
            self._inflater = zlib.decompressobj(_GZIP_WINDOW)
            return rest
        return b""


def _deflate_window(head: bytes) -> int:
    """Some servers send deflate with zlib's header, as they should, and some without (RFC 1950)."""
    has_header = head[0] & 0x0F == zlib.DEFLATED and (head[0] << 8 | head[1]) % 31 == 0
    return _ZLIB_WINDOW if has_header else _RAW_WINDOW

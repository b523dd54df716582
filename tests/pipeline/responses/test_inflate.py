"""Compressed bodies: members, broken data, bombs."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest

from pointsman.domain.responses import Usage
from pointsman.pipeline.responses.inflate import INFLATED_BYTES_MAX, InflatedBody


class CountingBody:
    """Counts what it is given; holds nothing."""

    def __init__(self) -> None:
        self.seen_bytes = 0
        self.largest_bytes = 0

    def feed(self, chunk: bytes) -> int:
        self.seen_bytes += len(chunk)
        self.largest_bytes = max(self.largest_bytes, len(chunk))
        return 0

    @property
    def usage(self) -> Usage:
        return Usage(self.seen_bytes)


def seen(*chunks: bytes, is_gzip: bool = True) -> int | None:
    body = InflatedBody(CountingBody(), is_gzip=is_gzip)
    for chunk in chunks:
        body.feed(chunk)
    return body.usage.prompt_tokens


def test_gzip_may_come_in_several_members() -> None:
    members = gzip.compress(b"abc") + gzip.compress(b"") + gzip.compress(b"de")
    assert seen(members) == 5
    assert seen(*(members[i : i + 1] for i in range(len(members)))) == 5


@pytest.mark.parametrize("is_gzip", [True, False])
@pytest.mark.parametrize("junk", [b"", b"\x00", b"\xff" * 50])
def test_broken_data_ends_reading(junk: bytes, is_gzip: bool) -> None:
    assert seen(junk, gzip.compress(b"abc")[5:], is_gzip=is_gzip) == 0


def test_junk_after_the_end_takes_nothing_away() -> None:
    assert seen(gzip.compress(b"abc") + bytes(9)) == 3
    assert seen(zlib.compress(b"abc") + bytes(9), is_gzip=False) == 3


def test_every_flush_of_a_stream_is_read_at_once() -> None:
    compressor = zlib.compressobj(wbits=31)
    body = InflatedBody(CountingBody(), is_gzip=True)
    for n in (1, 2, 3):
        body.feed(compressor.compress(b"12345") + compressor.flush(zlib.Z_SYNC_FLUSH))
        assert body.usage.prompt_tokens == 5 * n


@pytest.mark.parametrize("size", range(131_072, 131_672, 7))
def test_output_that_the_inflater_holds_back_after_its_last_input_is_read(size: int) -> None:
    compressor = zlib.compressobj(9, wbits=-15)
    assert seen(compressor.compress(bytes(size)) + compressor.flush(), is_gzip=False) == size


@pytest.mark.parametrize("step", [1000, 10**9])
def test_a_bomb_is_read_to_the_limit_in_small_pieces(step: int) -> None:
    bomb = gzip.compress(bytes(4 * INFLATED_BYTES_MAX))
    counting = CountingBody()
    body = InflatedBody(counting, is_gzip=True)
    start_s = time.process_time()
    for at in range(0, len(bomb), step):
        body.feed(bomb[at : at + step])
    assert time.process_time() - start_s < 2
    assert counting.seen_bytes == INFLATED_BYTES_MAX
    assert counting.largest_bytes <= 64 << 10


def test_many_empty_members_take_linear_time() -> None:
    start_s = time.process_time()
    assert seen(gzip.compress(b"") * 20_000) == 0
    assert time.process_time() - start_s < 4

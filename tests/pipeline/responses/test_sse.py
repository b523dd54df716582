"""Server-sent events: the standard's parser, in pieces, within bounds."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.pipeline.responses.sse import EVENT_BYTES_MAX, EventParser


def events_of(*chunks: bytes) -> list[bytes]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", [b"a", b"b", b"c"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
        (b"data: a\rdata: b\n\n", [b"a\nb"]),
        (b"data\ndata: b\n\n", [b"\nb"]),
        (b": comment\n\nevent: x\nid: 1\ndata: a\nretry: 3\n\n", [b"a"]),
        (b"database: a\nDATA: b\n data: c\n\n", []),
        (b"\n\n\r\n\rdata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [b"b"]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"", []),
    ],
)
def test_the_standards_rules(stream: bytes, events: list[bytes]) -> None:
    assert events_of(stream) == events
    assert events_of(*(stream[i : i + 1] for i in range(len(stream)))) == events


@pytest.mark.parametrize(
    ("stream", "rest"),
    [
        (b"data: a\n\n", b""),
        (b"data: a", b"a"),
        (b"data: a\n", b"a"),
        (b"data: a\ndata: b", b"a\nb"),
        (b"data: a\nid: 1", b"a"),
    ],
)
def test_what_is_not_ended_by_a_blank_line_can_be_seen(stream: bytes, rest: bytes) -> None:
    parser = EventParser()
    parser.feed(stream)
    assert parser.unfinished() == rest


@pytest.mark.parametrize(
    ("before", "events"),
    [
        (b"data: x\n", [b"x\na"]),
        (b"data: x\r", [b"x\na"]),
        (b"da", []),
        (b"data: x", [b"xdata: a"]),
        (b": x", []),
        (b"\xef", []),
        (b"\xef\xbb\xbf", [b"a"]),
        (b"id: 1\n", [b"a"]),
    ],
)
def test_a_whole_event_in_one_piece_still_follows_what_came_before(
    before: bytes, events: list[bytes]
) -> None:
    assert events_of(before + b"data: a\n\n") == events_of(before, b"data: a\n\n") == events


LINES = st.lists(st.text("da:t \u00e9", max_size=8), max_size=8)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.lists(st.integers(0, 99), max_size=6))
def test_pieces_do_not_matter(lines: list[str], newline: bytes, cuts: list[int]) -> None:
    stream = newline.join(line.encode() for line in lines)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(edges)]
    assert events_of(*chunks) == events_of(stream)


@pytest.mark.parametrize("size", [EVENT_BYTES_MAX + 1, 3 * EVENT_BYTES_MAX])
@pytest.mark.parametrize("step", [1000, 10**9])
@pytest.mark.parametrize("head", [b"data: ", b"data: x\ndata: ", b": "])
def test_an_event_over_the_limit_is_dropped_and_the_next_one_is_not(
    size: int, step: int, head: bytes
) -> None:
    stream = head + bytes(size) + b"\ndata: y\n\ndata: next\n\n"
    chunks = [stream[at : at + step] for at in range(0, len(stream), step)]
    assert events_of(*chunks) == [b"next"]


@pytest.mark.parametrize("event", [b"data: %s\n\n", b"data:%s\r\n\r\n"])
def test_the_largest_event_is_kept_however_it_comes(event: bytes) -> None:
    for data_bytes, kept in ((EVENT_BYTES_MAX - 6, 1), (EVENT_BYTES_MAX, 0)):
        stream = event % bytes(data_bytes)
        assert len(events_of(stream)) == kept
        assert len(events_of(stream[:1000], stream[1000:])) == kept


def test_a_stream_without_an_end_is_given_up_in_linear_time() -> None:
    parser = EventParser()
    start_s = time.process_time()
    for chunk in (b"data: ", *[b"x" * 10] * 500_000):
        assert parser.feed(chunk) == []
    assert parser.unfinished() == b""
    assert time.process_time() - start_s < 4

"""Whatever a proxy sends, in whatever order and pieces, these sentences stay true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis.strategies as st
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from hypothesis import event, given

from extproc.emulated_envoy import EmulatedEnvoy, Http
from extproc.support import (
    DESTINATION,
    ENVOY_METADATA,
    ScriptedDirector,
    exchange_parts,
    kinds,
    replies_of,
    request_body,
    request_headers,
    request_trailers,
    response_body,
    response_headers,
    response_trailers,
)
from pointsman.domain.errors import BadRequestError, NoEndpointsError, SaturatedError
from pointsman.domain.protocol import REMOVED_UPSTREAM
from pointsman.extproc.dialects import DialectFlag
from pointsman.extproc.events import BodyMode, ProtocolError
from pointsman.extproc.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

MODES = st.sampled_from(BodyMode)
FLAGS = st.sampled_from(DialectFlag)
PIECES = st.lists(st.binary(max_size=40), max_size=5)
NAMES = st.sampled_from(
    ("cookie", "x-forwarded-for", "content-length", "accept", "x-gateway-destination-endpoint",
     *REMOVED_UPSTREAM)
)  # fmt: skip
LINES = st.lists(st.tuples(NAMES, st.text("abc123", max_size=4)), max_size=8)


def exchange_of(director: ScriptedDirector, flag: DialectFlag) -> Exchange:
    return Exchange(exchange_parts(director, flag=flag), lambda: ENVOY_METADATA)


def message_lists() -> st.SearchStrategy[list[pb.ProcessingRequest]]:
    """Any messages in any order: mostly what no proxy may send."""
    ends = st.booleans()
    bodies = st.binary(max_size=8)
    message = st.one_of(
        st.builds(request_headers, config=st.none(), end_of_stream=ends),
        st.builds(request_body, bodies, end_of_stream=ends),
        st.builds(request_trailers),
        st.builds(response_headers, end_of_stream=ends),
        st.builds(response_body, bodies, end_of_stream=ends),
        st.builds(response_trailers),
        st.builds(pb.ProcessingRequest),
    )
    return st.lists(message, min_size=1, max_size=9)


@st.composite
def configured(draw: st.DrawFn) -> list[pb.ProcessingRequest]:
    """Messages whose first one announces modes."""
    messages = draw(message_lists())
    config = messages[0].protocol_config
    config.request_body_mode = int(draw(MODES))
    config.response_body_mode = int(draw(MODES))
    config.send_body_without_waiting_for_header_response = draw(st.booleans())
    return messages


ERRORS = st.sampled_from(
    (None, BadRequestError("no"), NoEndpointsError("no"), SaturatedError("no"), KeyError("bug"))
)


def play(
    exchange: Exchange, messages: Sequence[pb.ProcessingRequest]
) -> list[tuple[pb.ProcessingRequest, list[pb.ProcessingResponse]]]:
    """Each message with its replies, until the stream ends by either side's will."""
    played = []
    for message in messages:
        try:
            replies = replies_of(exchange.receive(message.SerializeToString()))
        except ProtocolError:
            event("the proxy broke the protocol")
            break
        played.append((message, replies))
        if exchange.is_finished:
            event("we ended the stream")
            exchange.finished()
            break
    exchange.close()
    return played


@given(configured(), FLAGS, ERRORS)
def test_every_decided_request_ends_exactly_once(
    messages: list[pb.ProcessingRequest], flag: DialectFlag, error: Exception | None
) -> None:
    director = ScriptedDirector(error=error)
    exchange = exchange_of(director, flag)
    play(exchange, messages)
    assert all(len(endings) == 1 for endings in director.endings)
    assert len(director.asked) <= 1


@given(configured(), FLAGS, ERRORS)
def test_header_replies_come_first_and_once_and_nothing_follows_an_immediate_response(
    messages: list[pb.ProcessingRequest], flag: DialectFlag, error: Exception | None
) -> None:
    exchange = exchange_of(ScriptedDirector(error=error), flag)
    said = kinds(reply for _, replies in play(exchange, messages) for reply in replies)
    if "immediate_response" in said:
        assert said.index("immediate_response") == len(said) - 1
        assert "response_headers" not in said
    received = {message.WhichOneof("request") for message in messages}
    assert set(said) - {"immediate_response"} <= received
    for direction in ("request", "response"):
        of_direction = [kind for kind in said if kind.startswith(direction)]
        assert of_direction.count(f"{direction}_headers") <= 1
        assert of_direction == sorted(of_direction, key=_order), "headers, body, trailers"


def _order(kind: str) -> int:
    return ("headers", "body", "trailers").index(kind.rpartition("_")[2])


@given(configured(), FLAGS)
def test_without_full_duplex_no_message_gets_more_than_one_reply(
    messages: list[pb.ProcessingRequest], flag: DialectFlag
) -> None:
    messages[0].protocol_config.send_body_without_waiting_for_header_response = False
    for field in ("request_body_mode", "response_body_mode"):
        if getattr(messages[0].protocol_config, field) == BodyMode.FULL_DUPLEX_STREAMED:
            setattr(messages[0].protocol_config, field, int(BodyMode.STREAMED))
    exchange = exchange_of(ScriptedDirector(), flag)
    for message, replies in play(exchange, messages):
        assert kinds(replies) == [message.WhichOneof("request")]


@given(configured(), ERRORS)
def test_in_observability_mode_nothing_is_ever_said(
    messages: list[pb.ProcessingRequest], error: Exception | None
) -> None:
    messages[0].observability_mode = True
    director = ScriptedDirector(error=error)
    exchange = exchange_of(director, DialectFlag.OBSERVE)
    assert all(not replies for _, replies in play(exchange, messages))
    assert not director.asked


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[Http, Http]:
    """A well-formed request and response, cut anyhow."""
    both = []
    for lines in (((":path", "/v1/completions"), ("x-request-id", "r")), ((":status", "200"),)):
        has_trailers = draw(st.booleans())
        both.append(Http([*lines, *draw(LINES)], draw(PIECES), has_trailers))
    return both[0], both[1]


@given(exchanges(), MODES, MODES, st.booleans(), FLAGS, st.none() | st.binary(max_size=30))
def test_envoy_delivers_the_bytes_that_were_sent_and_every_header_line_that_is_not_ours(
    sent: tuple[Http, Http],
    request_mode: BodyMode,
    response_mode: BodyMode,
    sends_body_early: bool,
    flag: DialectFlag,
    replacement: bytes | None,
) -> None:
    request, response = sent
    director = ScriptedDirector(body=replacement)
    exchange = exchange_of(director, flag)
    envoy = EmulatedEnvoy(exchange, request_mode, response_mode, sends_body_early)
    got = envoy.request(request)
    (head, body, is_unread), *_ = director.asked
    event(f"unread={is_unread} {request_mode.name}")

    may_replace = bool(request.pieces) and not is_unread
    if request_mode is BodyMode.FULL_DUPLEX_STREAMED:
        may_replace = may_replace or (request.has_trailers and bool(replacement))
    sent_body = b"".join(request.pieces)
    assert got.body == (replacement if replacement is not None and may_replace else sent_body)
    assert is_unread or body == sent_body
    assert head.headers["x-request-id"] == "r"
    assert envoy.metadata == {"x-gateway-destination-endpoint": DESTINATION}
    if not (request_mode in {BodyMode.BUFFERED, BodyMode.BUFFERED_PARTIAL} and is_bare(request)):
        assert [v for n, v in got.lines if n == "x-gateway-destination-endpoint"] == [DESTINATION]
        assert not {name for name, _ in got.lines} & set(REMOVED_UPSTREAM)
    assert untouched(got) == untouched(request)

    back = envoy.response(response)
    assert back.body == b"".join(response.pieces)
    assert untouched(back) == untouched(response)
    if not exchange.is_finished:
        exchange.half_closed()
    else:
        exchange.finished()
    (watch,) = director.watches
    assert len(watch.endings) == 1
    if flag is DialectFlag.OBSERVE and response_mode is not BodyMode.NONE:
        assert b"".join(watch.chunks) == b"".join(response.pieces)


def is_bare(request: Http) -> bool:
    """Ended by trailers without a body: nothing left can carry a header in the buffered modes."""
    return request.has_trailers and not request.pieces


def untouched(message: Http) -> list[tuple[str, str]]:
    """Lines that nobody but client and server may change, in order."""
    ours = {"x-gateway-destination-endpoint", "content-length", *REMOVED_UPSTREAM}
    return [line for line in message.lines if line[0] not in ours]

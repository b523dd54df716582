from __future__ import annotations

import json
import logging

import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb

from extproc.emulated_envoy import EmulatedEnvoy, Http
from extproc.support import (
    DESTINATION,
    ENVOY_METADATA,
    REQUEST_LINES,
    TRAILERS_DIALECT,
    ScriptedDirector,
    exchange_parts,
    kinds,
    replies_of,
    request_body,
    request_headers,
    response_body,
    response_headers,
    set_headers,
    with_subset,
)
from pointsman.domain.errors import NoEndpointsError
from pointsman.domain.responses import Ending
from pointsman.extproc.dialects import DialectFlag
from pointsman.extproc.events import BodyMode
from pointsman.extproc.exchange import Exchange, ExchangeParts
from pointsman.extproc.protocol import StreamLimits


def opened(
    director: ScriptedDirector, parts: ExchangeParts | None = None, *, envoy: bool = True
) -> Exchange:
    return Exchange(parts or exchange_parts(director), lambda: ENVOY_METADATA if envoy else ())


def send(exchange: Exchange, *messages: pb.ProcessingRequest) -> list[pb.ProcessingResponse]:
    replies: list[bytes] = []
    for message in messages:
        replies += exchange.receive(message.SerializeToString())
    return replies_of(replies)


def test_a_request_is_directed_and_its_response_observed_to_the_end() -> None:
    director = ScriptedDirector()
    exchange = opened(director)
    replies = send(exchange, request_headers(), request_body(b"{}", end_of_stream=True))
    assert kinds(replies) == ["request_headers", "request_body"]
    assert set_headers(replies[0]) == {"x-gateway-destination-endpoint": DESTINATION.encode()}

    head = response_headers()
    head.metadata_context.filter_metadata["envoy.lb"].update(
        {"x-gateway-destination-endpoint-served": "10.0.0.9:8000"}
    )
    send(exchange, head, response_body(b"data"), response_body(b"", end_of_stream=True))
    exchange.finished()
    (watch,) = director.watches
    assert watch.started_with == [
        ({":status": "200", "content-type": "text/event-stream"}, "10.0.0.9:8000")
    ]
    assert watch.chunks == [b"data", b""]
    assert watch.endings == [Ending.COMPLETE]


def test_repeated_header_lines_survive_and_spoofed_control_headers_do_not() -> None:
    lines = [
        *REQUEST_LINES,
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("x-gateway-destination-endpoint", "6.6.6.6:1"),
        ("x-gateway-destination-endpoint", "6.6.6.7:1"),
        ("x-llm-d-inference-objective", "urgent"),
    ]
    exchange = opened(ScriptedDirector())
    envoy = EmulatedEnvoy(exchange, BodyMode.FULL_DUPLEX_STREAMED, BodyMode.NONE)
    got = envoy.request(Http(lines, [b"{}"]))
    assert [line for line in got.lines if line[0] == "cookie"] == lines[5:7]
    assert [line for line in got.lines if "destination" in line[0]] == [
        ("x-gateway-destination-endpoint", DESTINATION)
    ]
    assert "x-llm-d-inference-objective" not in dict(got.lines)


def test_the_subset_hint_reaches_the_director_on_header_only_requests_too() -> None:
    director = ScriptedDirector()
    send(opened(director), with_subset(request_headers(end_of_stream=True), ["10.0.0.1:8000"]))
    assert director.asked[0][0].subset == ("10.0.0.1:8000",)


def test_an_error_of_the_family_is_answered_and_ends_the_stream() -> None:
    director = ScriptedDirector(error=NoEndpointsError("no endpoint is ready"))
    exchange = opened(director)
    (reply,) = send(exchange, request_headers(), request_body(b"{}", end_of_stream=True))
    assert reply.immediate_response.status.code == 503
    assert json.loads(reply.immediate_response.body)["error"]["message"] == "no endpoint is ready"
    assert exchange.is_finished
    assert send(exchange, response_headers()) == []


def test_our_own_bug_is_a_500_and_logged_once_with_the_request_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exchange = opened(ScriptedDirector(error=ZeroDivisionError("oops")))
    with caplog.at_level(logging.ERROR):
        (reply,) = send(exchange, request_headers(end_of_stream=True))
    exchange.finished()
    assert reply.immediate_response.status.code == 500
    (record,) = caplog.records
    assert "request-1" in record.getMessage()
    assert record.exc_info is not None


def test_too_many_header_bytes_are_answered_with_431() -> None:
    director = ScriptedDirector()
    parts = exchange_parts(director, limits=StreamLimits(request_header_bytes_max=500))
    (reply,) = send(opened(director, parts), request_headers((("x-long", "y" * 500),)))
    assert reply.immediate_response.status.code == 431
    assert not director.asked


def test_too_many_body_bytes_are_answered_with_413_in_every_mode_that_shows_them() -> None:
    for mode in (2, 4):
        director = ScriptedDirector()
        parts = exchange_parts(director, limits=StreamLimits(request_body_bytes_max=3))
        config = pb.ProtocolConfiguration(request_body_mode=mode)
        replies = send(
            opened(director, parts), request_headers(config=config), request_body(b"1234")
        )
        assert replies[-1].immediate_response.status.code == 413
        assert not director.asked


class TestStreamsMax:
    def test_one_request_too_many_is_answered_with_503_and_retry_after(self) -> None:
        director = ScriptedDirector()
        parts = exchange_parts(director, streams_max=1)
        first, second = opened(director, parts), opened(director, parts)
        (reply,) = send(second, request_headers())
        second.finished()
        assert reply.immediate_response.status.code == 503
        assert set_headers(reply)["retry-after"] == b"1"
        send(first, request_headers(end_of_stream=True))
        assert len(director.asked) == 1

    def test_a_stream_that_was_admitted_stays_admitted(self) -> None:
        director = ScriptedDirector()
        parts = exchange_parts(director, streams_max=1)
        first = opened(director, parts)
        send(first, request_headers())
        second = opened(director, parts)
        assert kinds(send(first, request_body(b"{}", end_of_stream=True)))[0] == "request_headers"
        second.close()

    def test_a_response_is_never_refused(self) -> None:
        director = ScriptedDirector()
        exchange = opened(director, exchange_parts(director, streams_max=0))
        assert kinds(send(exchange, response_headers())) == ["response_headers"]


class TestLeaving:
    def test_half_close_after_response_headers_completes_a_trailers_dialect(self) -> None:
        director = ScriptedDirector()
        exchange = opened(director)
        send(exchange, request_headers(config=TRAILERS_DIALECT, end_of_stream=True))
        send(exchange, response_headers())
        exchange.half_closed()
        exchange.close()
        assert director.endings == [[Ending.COMPLETE]]

    @pytest.mark.parametrize(
        ("envoy", "ending"), [(True, Ending.CLIENT_GONE), (False, Ending.UNOBSERVED)]
    )
    def test_half_close_before_the_response_depends_on_who_does_it(
        self, *, envoy: bool, ending: Ending
    ) -> None:
        director = ScriptedDirector()
        exchange = opened(director, envoy=envoy)
        send(exchange, request_headers(end_of_stream=True))
        exchange.half_closed()
        assert director.endings == [[ending]]

    def test_an_incomplete_request_leaves_nothing_behind(self) -> None:
        director = ScriptedDirector()
        parts = exchange_parts(director)
        exchange = opened(director, parts)
        assert send(exchange, request_headers(), request_body(b"{")) == []
        exchange.half_closed()
        assert parts.metrics.statistics().active == 0
        assert not director.asked

    def test_an_early_end_is_unobserved_once_the_replies_are_out(self) -> None:
        director = ScriptedDirector()
        exchange = opened(director, exchange_parts(director, flag=DialectFlag.EARLY_END))
        send(exchange, request_headers(end_of_stream=True))
        assert exchange.is_finished
        assert director.endings == [[]]
        exchange.finished()
        assert director.endings == [[Ending.UNOBSERVED]]

    def test_an_exchange_that_nobody_ended_has_failed(self) -> None:
        director = ScriptedDirector()
        exchange = opened(director)
        send(exchange, request_headers(end_of_stream=True))
        exchange.close()
        exchange.close()
        assert director.endings == [[Ending.FAILED]]

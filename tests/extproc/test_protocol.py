from __future__ import annotations

import pytest

from extproc.support import DESTINATION, RecordingWatch
from pointsman.domain.errors import BadRequestError, TooLargeError
from pointsman.domain.protocol import REMOVED_UPSTREAM
from pointsman.domain.responses import Ending
from pointsman.extproc.dialects import Dialect
from pointsman.extproc.events import (
    BodyMode,
    Chunk,
    Decide,
    Direct,
    Event,
    Finish,
    Mutation,
    Opening,
    Output,
    Phase,
    Proceed,
    ProtocolError,
    Refuse,
    Replace,
    RequestBody,
    RequestHeaders,
    RequestTrailers,
    ResponseBody,
    ResponseHeaders,
    ResponseTrailers,
    Seen,
    Started,
)
from pointsman.extproc.protocol import Stream, StreamLimits
from pointsman.pipeline.decision import Decision

HEADERS = {":path": "/v1/completions", "x-request-id": "request-1"}
DUPLEX = BodyMode.FULL_DUPLEX_STREAMED
PLAIN = Mutation(DESTINATION)
OPENED = RequestHeaders(HEADERS, end_of_stream=False)
RESPONSE = ResponseHeaders({":status": "200"}, end_of_stream=False)


def stream(
    request: BodyMode = DUPLEX,
    response: BodyMode = DUPLEX,
    *,
    dialect: Dialect = Dialect.OBSERVE,
    sends_body_early: bool = False,
    limits: StreamLimits | None = None,
) -> Stream:
    return Stream(
        Opening(request, response, sends_body_early),
        dialect,
        limits=limits or StreamLimits(),
        new_request_id=lambda: "made-1",
    )


def decision(body: bytes | None = None, set_headers: tuple[tuple[str, str], ...] = ()) -> Decision:
    return Decision(DESTINATION, RecordingWatch(), body, set_headers)


def asked(outputs: list[Output]) -> Decide:
    """The one output, which must be the question."""
    (ask,) = outputs
    assert isinstance(ask, Decide)
    return ask


class TestFullDuplexRequest:
    def test_the_header_reply_waits_for_the_whole_body(self) -> None:
        machine = stream()
        assert machine.receive(OPENED) == []
        assert machine.receive(RequestBody(b'{"a"', end_of_stream=False)) == []
        ask = asked(machine.receive(RequestBody(b":1}", end_of_stream=True)))
        assert (ask.head.headers, ask.body, ask.is_unread) == (HEADERS, b'{"a":1}', False)
        assert machine.decided(decision()) == [
            Direct(Phase.REQUEST_HEADERS, PLAIN),
            Chunk(Phase.REQUEST_BODY, b'{"a":1}', end_of_stream=True),
        ]

    def test_a_body_that_ends_in_an_empty_message_ends_in_its_last_chunk(self) -> None:
        """Envoy sends a body of one piece as two messages."""
        machine = stream()
        machine.receive(OPENED)
        machine.receive(RequestBody(b"{}", end_of_stream=False))
        asked(machine.receive(RequestBody(b"", end_of_stream=True)))
        assert machine.decided(decision())[1:] == [Chunk(Phase.REQUEST_BODY, b"{}", True)]

    def test_an_empty_body_is_one_empty_chunk(self) -> None:
        machine = stream()
        machine.receive(OPENED)
        asked(machine.receive(RequestBody(b"", end_of_stream=True)))
        assert machine.decided(decision())[1:] == [Chunk(Phase.REQUEST_BODY, b"", True)]

    def test_trailers_end_the_body_and_are_answered_last(self) -> None:
        machine = stream()
        machine.receive(OPENED)
        machine.receive(RequestBody(b"{}", end_of_stream=False))
        assert asked(machine.receive(RequestTrailers())).body == b"{}"
        assert machine.decided(decision()) == [
            Direct(Phase.REQUEST_HEADERS, PLAIN),
            Chunk(Phase.REQUEST_BODY, b"{}", end_of_stream=False),
            Proceed(Phase.REQUEST_TRAILERS),
        ]

    def test_trailers_without_a_body_are_answered_without_a_body(self) -> None:
        machine = stream()
        machine.receive(OPENED)
        asked(machine.receive(RequestTrailers()))
        assert machine.decided(decision()) == [
            Direct(Phase.REQUEST_HEADERS, PLAIN),
            Proceed(Phase.REQUEST_TRAILERS),
        ]

    @pytest.mark.parametrize("size", [62_000, 62_001, 124_000, 200_000])
    def test_chunks_stay_below_the_limit_and_only_the_last_ends_the_stream(self, size: int) -> None:
        machine = stream()
        machine.receive(OPENED)
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        asked(machine.receive(RequestBody(body, end_of_stream=True)))
        pieces = [output for output in machine.decided(decision()) if isinstance(output, Chunk)]
        assert b"".join(piece.body for piece in pieces) == body
        assert max(len(piece.body) for piece in pieces) <= 62_000
        assert [piece.end_of_stream for piece in pieces] == [False] * (len(pieces) - 1) + [True]

    def test_a_replaced_body_goes_out_instead_without_content_length(self) -> None:
        machine = stream()
        machine.receive(OPENED)
        asked(machine.receive(RequestBody(b"old", end_of_stream=True)))
        assert machine.decided(decision(b"new body")) == [
            Direct(Phase.REQUEST_HEADERS, PLAIN),
            Chunk(Phase.REQUEST_BODY, b"new body", end_of_stream=True),
        ]

    def test_a_body_over_the_limit_is_refused_at_once(self) -> None:
        machine = stream(limits=StreamLimits(request_body_bytes_max=10))
        machine.receive(OPENED)
        assert machine.receive(RequestBody(b"x" * 10, end_of_stream=False)) == []
        refusal, end = machine.receive(RequestBody(b"x", end_of_stream=False))
        assert isinstance(refusal, Refuse)
        assert isinstance(refusal.error, TooLargeError)
        assert end == Finish(Ending.REJECTED)
        assert machine.receive(RequestBody(b"x", end_of_stream=True)) == []


class TestHeaderOnlyRequest:
    @pytest.mark.parametrize("mode", list(BodyMode))
    def test_it_is_decided_like_any_other_in_every_mode(self, mode: BodyMode) -> None:
        machine = stream(mode)
        ask = asked(
            machine.receive(RequestHeaders(HEADERS, end_of_stream=True, subset=("10.0.0.7:8000",)))
        )
        assert (ask.body, ask.is_unread, ask.head.subset) == (b"", False, ("10.0.0.7:8000",))
        assert machine.decided(decision(b"cannot be added")) == [
            Direct(Phase.REQUEST_HEADERS, PLAIN)
        ]


class TestBufferedRequest:
    @pytest.mark.parametrize("mode", [BodyMode.BUFFERED, BodyMode.BUFFERED_PARTIAL])
    def test_headers_pass_at_once_and_the_body_reply_carries_the_destination(
        self, mode: BodyMode
    ) -> None:
        machine = stream(mode)
        assert machine.receive(OPENED) == [Proceed(Phase.REQUEST_HEADERS)]
        ask = asked(machine.receive(RequestBody(b"{}", end_of_stream=True)))
        assert (ask.body, ask.is_unread) == (b"{}", False)
        assert machine.decided(decision()) == [Direct(Phase.REQUEST_BODY, PLAIN)]

    def test_a_buffered_body_before_trailers_is_whole(self) -> None:
        machine = stream(BodyMode.BUFFERED)
        machine.receive(OPENED)
        assert not asked(machine.receive(RequestBody(b"{}", end_of_stream=False))).is_unread
        machine.decided(decision())
        assert machine.receive(RequestTrailers()) == [Proceed(Phase.REQUEST_TRAILERS)]

    def test_a_cut_body_is_decided_unread(self) -> None:
        machine = stream(BodyMode.BUFFERED_PARTIAL)
        machine.receive(OPENED)
        ask = asked(machine.receive(RequestBody(b'{"pro', end_of_stream=False)))
        assert (ask.body, ask.is_unread) == (b'{"pro', True)
        assert machine.decided(decision(b"not the whole")) == [Direct(Phase.REQUEST_BODY, PLAIN)]

    def test_a_replaced_body_comes_with_its_length(self) -> None:
        machine = stream(BodyMode.BUFFERED)
        machine.receive(OPENED)
        asked(machine.receive(RequestBody(b"old", end_of_stream=True)))
        mutation = Mutation(DESTINATION, (("content-length", "8"),))
        assert machine.decided(decision(b"new body")) == [
            Direct(Phase.REQUEST_BODY, mutation, b"new body")
        ]

    def test_skipped_headers_leave_the_clients_id_alone_and_remove_all_control_headers(
        self,
    ) -> None:
        machine = stream(BodyMode.BUFFERED)
        ask = asked(machine.receive(RequestBody(b"{}", end_of_stream=True)))
        assert ask.head.headers == {"x-request-id": "made-1"}
        assert machine.decided(decision()) == [
            Direct(Phase.REQUEST_BODY, Mutation(DESTINATION, (), REMOVED_UPSTREAM))
        ]

    def test_trailers_without_a_body_still_get_a_decision(self) -> None:
        machine = stream(BodyMode.BUFFERED)
        machine.receive(OPENED)
        assert asked(machine.receive(RequestTrailers())).body == b""
        assert machine.decided(decision()) == [Direct(Phase.REQUEST_TRAILERS, PLAIN)]


class TestStreamedRequest:
    def test_without_early_bodies_it_is_decided_on_its_headers(self) -> None:
        machine = stream(BodyMode.STREAMED)
        assert asked(machine.receive(OPENED)).is_unread
        assert machine.decided(decision(b"ignored")) == [Direct(Phase.REQUEST_HEADERS, PLAIN)]
        for end in (False, True):
            answer = machine.receive(RequestBody(b"piece", end_of_stream=end))
            assert answer == [Proceed(Phase.REQUEST_BODY)]

    def test_with_early_bodies_it_is_read_and_each_piece_is_answered(self) -> None:
        machine = stream(BodyMode.STREAMED, sends_body_early=True)
        assert machine.receive(OPENED) == []
        assert machine.receive(RequestBody(b"{", end_of_stream=False)) == []
        ask = asked(machine.receive(RequestBody(b"}", end_of_stream=True)))
        assert (ask.body, ask.is_unread) == (b"{}", False)
        assert machine.decided(decision()) == [
            Direct(Phase.REQUEST_HEADERS, PLAIN),
            Proceed(Phase.REQUEST_BODY),
            Proceed(Phase.REQUEST_BODY),
        ]

    def test_a_replaced_body_stands_for_the_first_piece_and_the_rest_is_dropped(self) -> None:
        machine = stream(BodyMode.STREAMED, sends_body_early=True)
        machine.receive(OPENED)
        machine.receive(RequestBody(b"{", end_of_stream=False))
        asked(machine.receive(RequestTrailers()))
        machine2 = stream(BodyMode.STREAMED, sends_body_early=True)
        machine2.receive(OPENED)
        machine2.receive(RequestBody(b"{", end_of_stream=False))
        asked(machine2.receive(RequestBody(b"}", end_of_stream=True)))
        assert machine2.decided(decision(b"new")) == [
            Direct(Phase.REQUEST_HEADERS, Mutation(DESTINATION, (), ("content-length",))),
            Replace(Phase.REQUEST_BODY, b"new"),
            Replace(Phase.REQUEST_BODY, b""),
        ]
        assert machine.decided(decision(b"new"))[1:] == [
            Replace(Phase.REQUEST_BODY, b"new"),
            Proceed(Phase.REQUEST_TRAILERS),
        ]

    def test_with_headers_skipped_no_header_reply_is_made_up(self) -> None:
        for event in (RequestBody(b"{", end_of_stream=False), RequestTrailers()):
            machine = stream(BodyMode.STREAMED, sends_body_early=True)
            asked(machine.receive(event))
            (direct,) = machine.decided(decision())
            assert isinstance(direct, Direct)
            assert direct.phase is not Phase.REQUEST_HEADERS

    def test_it_does_not_wait_for_more_than_the_proxy_can_hold(self) -> None:
        limits = StreamLimits(streamed_hold_bytes_max=3)
        machine = stream(BodyMode.STREAMED, sends_body_early=True, limits=limits)
        machine.receive(OPENED)
        assert machine.receive(RequestBody(b"abc", end_of_stream=False)) == []
        assert asked(machine.receive(RequestBody(b"d", end_of_stream=False))).is_unread
        assert len(machine.decided(decision())) == 3
        assert machine.receive(RequestBody(b"e", end_of_stream=True)) == [
            Proceed(Phase.REQUEST_BODY)
        ]


class TestWithheldRequestBody:
    def test_it_is_decided_on_its_headers(self) -> None:
        machine = stream(BodyMode.NONE, BodyMode.NONE, dialect=Dialect.HEADERS_ONLY)
        assert asked(machine.receive(OPENED)).is_unread
        assert machine.decided(decision()) == [Direct(Phase.REQUEST_HEADERS, PLAIN)]
        machine.receive(RESPONSE)
        assert machine.receive(ResponseTrailers()) == [
            Proceed(Phase.RESPONSE_TRAILERS),
            Finish(Ending.COMPLETE),
        ]


class TestHeaders:
    def test_a_missing_request_id_is_made_seen_by_the_director_and_set(self) -> None:
        machine = stream()
        ask = asked(machine.receive(RequestHeaders({":path": "/"}, end_of_stream=True)))
        assert ask.head.headers["x-request-id"] == "made-1"
        (direct,) = machine.decided(decision(set_headers=(("x-more", "1"),)))
        assert isinstance(direct, Direct)
        assert direct.mutation.set_headers == (("x-request-id", "made-1"), ("x-more", "1"))

    def test_control_headers_of_the_client_are_removed_upstream(self) -> None:
        machine = stream()
        spoofed = dict.fromkeys(REMOVED_UPSTREAM, "spoofed")
        asked(machine.receive(RequestHeaders({**HEADERS, **spoofed}, end_of_stream=True)))
        (direct,) = machine.decided(decision())
        assert direct == Direct(Phase.REQUEST_HEADERS, Mutation(DESTINATION, (), REMOVED_UPSTREAM))

    def test_the_last_subset_hint_before_the_decision_counts(self) -> None:
        machine = stream()
        machine.receive(RequestHeaders(HEADERS, end_of_stream=False, subset=("1.1.1.1:80",)))
        machine.receive(RequestBody(b"{", end_of_stream=False))
        ask = asked(machine.receive(RequestBody(b"}", end_of_stream=True, subset=())))
        assert ask.head.subset == ()

    def test_a_message_without_a_hint_does_not_erase_an_earlier_one(self) -> None:
        machine = stream()
        machine.receive(RequestHeaders(HEADERS, end_of_stream=False, subset=("1.1.1.1:80",)))
        ask = asked(machine.receive(RequestBody(b"{}", end_of_stream=True)))
        assert ask.head.subset == ("1.1.1.1:80",)


def decided_stream(
    request: BodyMode = DUPLEX,
    response: BodyMode = DUPLEX,
    dialect: Dialect = Dialect.OBSERVE,
) -> Stream:
    machine = stream(request, response, dialect=dialect)
    asked(machine.receive(RequestHeaders(HEADERS, end_of_stream=True)))
    machine.decided(decision())
    return machine


class TestResponse:
    def test_full_duplex_chunks_are_echoed_and_observed(self) -> None:
        machine = decided_stream()
        assert machine.receive(RESPONSE) == [
            Proceed(Phase.RESPONSE_HEADERS),
            Started({":status": "200"}, None),
        ]
        assert machine.receive(ResponseBody(b"data: 1", end_of_stream=False)) == [
            Chunk(Phase.RESPONSE_BODY, b"data: 1", end_of_stream=False),
            Seen(b"data: 1"),
        ]
        assert machine.receive(ResponseBody(b"", end_of_stream=True)) == [
            Chunk(Phase.RESPONSE_BODY, b"", end_of_stream=True),
            Seen(b""),
            Finish(Ending.COMPLETE),
        ]

    def test_an_echoed_response_is_not_looked_into(self) -> None:
        machine = decided_stream(dialect=Dialect.ECHO)
        machine.receive(RESPONSE)
        assert machine.receive(ResponseBody(b"data", end_of_stream=False)) == [
            Chunk(Phase.RESPONSE_BODY, b"data", end_of_stream=False)
        ]

    @pytest.mark.parametrize("mode", [BodyMode.BUFFERED, BodyMode.STREAMED])
    def test_other_modes_get_one_empty_answer_for_each_message(self, mode: BodyMode) -> None:
        machine = decided_stream(response=mode)
        machine.receive(RESPONSE)
        assert machine.receive(ResponseBody(b"data", end_of_stream=False)) == [
            Proceed(Phase.RESPONSE_BODY),
            Seen(b"data"),
        ]

    def test_trailers_come_after_a_body_that_did_not_end_the_stream(self) -> None:
        machine = decided_stream()
        machine.receive(RESPONSE)
        machine.receive(ResponseBody(b"data", end_of_stream=False))
        assert machine.receive(ResponseTrailers()) == [
            Proceed(Phase.RESPONSE_TRAILERS),
            Finish(Ending.COMPLETE),
        ]

    def test_a_response_without_a_body_is_complete_with_its_headers(self) -> None:
        machine = decided_stream()
        outputs = machine.receive(ResponseHeaders({":status": "204"}, end_of_stream=True))
        assert outputs[0] == Proceed(Phase.RESPONSE_HEADERS)
        assert outputs[-1] == Finish(Ending.COMPLETE)

    def test_a_response_without_a_request_passes_through_unobserved(self) -> None:
        machine = stream()
        assert machine.receive(RESPONSE) == [Proceed(Phase.RESPONSE_HEADERS)]
        assert machine.receive(ResponseBody(b"data", end_of_stream=True)) == [
            Chunk(Phase.RESPONSE_BODY, b"data", end_of_stream=True),
            Finish(Ending.COMPLETE),
        ]

    def test_an_early_end_waits_for_nothing_but_the_request(self) -> None:
        machine = stream(dialect=Dialect.EARLY_END)
        machine.receive(OPENED)
        asked(machine.receive(RequestBody(b"{}", end_of_stream=True)))
        assert machine.decided(decision())[-1] == Finish(Ending.UNOBSERVED)
        assert machine.is_finished
        assert machine.receive(RESPONSE) == []

    def test_an_early_end_waits_for_the_rest_of_a_streamed_request(self) -> None:
        machine = stream(BodyMode.STREAMED, dialect=Dialect.EARLY_END)
        asked(machine.receive(OPENED))
        assert machine.decided(decision()) == [Direct(Phase.REQUEST_HEADERS, PLAIN)]
        assert machine.receive(RequestBody(b"x", end_of_stream=True)) == [
            Proceed(Phase.REQUEST_BODY),
            Finish(Ending.UNOBSERVED),
        ]

    def test_there_is_no_early_end_once_the_response_has_begun(self) -> None:
        machine = stream(BodyMode.STREAMED, dialect=Dialect.EARLY_END)
        asked(machine.receive(OPENED))
        machine.decided(decision())
        machine.receive(RESPONSE)
        assert machine.receive(RequestBody(b"x", end_of_stream=True)) == [
            Proceed(Phase.REQUEST_BODY)
        ]

    def test_an_early_response_lets_the_request_be_answered_to_its_end(self) -> None:
        machine = stream(BodyMode.STREAMED)
        asked(machine.receive(OPENED))
        machine.decided(decision())
        machine.receive(RESPONSE)
        assert machine.receive(ResponseBody(b"no", end_of_stream=True)) == [
            Chunk(Phase.RESPONSE_BODY, b"no", end_of_stream=True),
            Seen(b"no"),
        ]
        assert machine.receive(RequestBody(b"x", end_of_stream=True)) == [
            Proceed(Phase.REQUEST_BODY),
            Finish(Ending.COMPLETE),
        ]


class TestLocalReply:
    """Another filter answers before the request body has ended."""

    def test_it_does_not_wedge_a_held_request(self) -> None:
        machine = stream()
        machine.receive(OPENED)
        machine.receive(RequestBody(b"{", end_of_stream=False))
        assert machine.receive(RESPONSE) == [Proceed(Phase.RESPONSE_HEADERS)]
        assert machine.receive(RequestBody(b"}", end_of_stream=True)) == []
        assert machine.receive(ResponseBody(b"denied", end_of_stream=True)) == [
            Chunk(Phase.RESPONSE_BODY, b"denied", end_of_stream=True),
            Finish(Ending.COMPLETE),
        ]

    def test_later_messages_of_a_buffered_request_are_answered_in_kind(self) -> None:
        machine = stream(BodyMode.BUFFERED)
        machine.receive(OPENED)
        machine.receive(RESPONSE)
        assert machine.receive(RequestBody(b"{}", end_of_stream=True)) == [
            Proceed(Phase.REQUEST_BODY)
        ]


class TestRefusal:
    def test_nothing_follows_it(self) -> None:
        machine = stream()
        machine.receive(OPENED)
        asked(machine.receive(RequestBody(b"[]", end_of_stream=True)))
        error = BadRequestError("no model")
        assert machine.refused(error) == [Refuse(error), Finish(Ending.REJECTED)]
        assert machine.receive(RESPONSE) == []

    def test_it_needs_no_question_before_it(self) -> None:
        error = BadRequestError("headers")
        assert stream().refused(error) == [Refuse(error), Finish(Ending.REJECTED)]


class TestObservability:
    def test_nothing_is_said_and_nothing_is_asked(self) -> None:
        opening = Opening(is_observability=True)
        machine = Stream(opening, Dialect.OBSERVE, limits=StreamLimits(), new_request_id=lambda: "")
        for event in (OPENED, RequestBody(b"{}", end_of_stream=True), RESPONSE):
            assert machine.receive(event) == []
        assert machine.refused(BadRequestError("no")) == []


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        ((RequestBody(b"{}", True),), "request: LAST_BODY cannot follow START"),
        ((RequestTrailers(),), "request: TRAILERS cannot follow START"),
        ((OPENED, OPENED), "request: HEADERS cannot follow OPEN"),
        ((ResponseBody(b"", False),), "response: BODY cannot follow START"),
        ((RESPONSE, RESPONSE), "response: HEADERS cannot follow OPEN"),
        ((RESPONSE, OPENED), "a request cannot begin after its response"),
        ((OPENED, RESPONSE, RequestTrailers(), RequestTrailers()), "TRAILERS cannot follow DONE"),
    ],
)
def test_an_illegal_order_is_one_kind_of_error(events: tuple[Event, ...], complaint: str) -> None:
    machine = stream()
    for event in events[:-1]:
        machine.receive(event)
    with pytest.raises(ProtocolError, match=complaint):
        machine.receive(events[-1])


class TestEnding:
    """What it means that the proxy closes the stream."""

    @pytest.mark.parametrize("is_reset", [False, True])
    def test_before_the_response_envoy_closes_because_its_client_has_gone(
        self, *, is_reset: bool
    ) -> None:
        machine = decided_stream()
        ending = machine.ending(is_reset=is_reset, is_envoy=lambda: True, age_s=0.0)
        assert ending is Ending.CLIENT_GONE

    @pytest.mark.parametrize(
        ("age_s", "ending"), [(0.01, Ending.UNOBSERVED), (0.4, Ending.CLIENT_GONE)]
    )
    def test_an_envoy_that_shows_no_response_lets_go_of_us_at_once(
        self, age_s: float, ending: Ending
    ) -> None:
        machine = decided_stream(response=BodyMode.NONE, dialect=Dialect.HEADERS_ONLY)
        assert machine.ending(is_reset=True, is_envoy=lambda: True, age_s=age_s) is ending

    def test_before_the_response_others_half_close_because_they_have_what_they_want(self) -> None:
        machine = decided_stream()
        half_closed = machine.ending(is_reset=False, is_envoy=lambda: False, age_s=9.0)
        assert half_closed is Ending.UNOBSERVED
        assert (
            machine.ending(is_reset=True, is_envoy=lambda: False, age_s=0.0) is Ending.CLIENT_GONE
        )

    @pytest.mark.parametrize("is_reset", [False, True])
    def test_without_body_messages_closing_is_the_end_of_the_response(
        self, *, is_reset: bool
    ) -> None:
        machine = decided_stream(response=BodyMode.NONE, dialect=Dialect.HEADERS_ONLY)
        machine.receive(RESPONSE)
        ending = machine.ending(is_reset=is_reset, is_envoy=lambda: True, age_s=9.0)
        assert ending is Ending.COMPLETE

    def test_a_response_that_was_visibly_not_over_was_cut(self) -> None:
        machine = decided_stream()
        machine.receive(RESPONSE)
        ending = machine.ending(is_reset=False, is_envoy=lambda: True, age_s=9.0)
        assert ending is Ending.CLIENT_GONE

    def test_a_response_that_has_ended_is_complete(self) -> None:
        machine = decided_stream()
        machine.receive(ResponseHeaders({}, end_of_stream=True))
        ending = machine.ending(is_reset=True, is_envoy=lambda: True, age_s=9.0)
        assert ending is Ending.COMPLETE


def test_its_repr_says_where_it_stands() -> None:
    machine = stream()
    machine.receive(OPENED)
    machine.receive(RequestBody(b"12345", end_of_stream=False))
    assert repr(machine) == (
        "<Stream FULL_DUPLEX_STREAMED/FULL_DUPLEX_STREAMED observe"
        " request=OPEN response=START plan=gather gathered=5>"
    )

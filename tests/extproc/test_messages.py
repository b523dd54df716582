from __future__ import annotations

import hypothesis.strategies as st
import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from google.protobuf.json_format import MessageToDict
from hypothesis import given

from extproc.support import (
    DUPLEX,
    header_map,
    kinds,
    replies_of,
    request_body,
    request_headers,
    request_trailers,
    response_headers,
    set_headers,
    with_subset,
)
from pointsman.extproc.errors import ErrorReply
from pointsman.extproc.events import (
    BodyMode,
    Chunk,
    Direct,
    Event,
    Mutation,
    Opening,
    Phase,
    Proceed,
    ProtocolError,
    Replace,
    RequestBody,
    RequestHeaders,
    RequestTrailers,
    ResponseHeaders,
)
from pointsman.extproc.messages import Encoder, encode_immediate, parse, parse_first

ASSUMED = Opening(BodyMode.BUFFERED, BodyMode.NONE)


def event_of(message: pb.ProcessingRequest) -> Event:
    return parse(message.SerializeToString())


def one_reply(raw: bytes) -> pb.ProcessingResponse:
    (reply,) = replies_of([raw])
    return reply


class TestOpening:
    def test_the_first_message_announces_the_modes(self) -> None:
        config = pb.ProtocolConfiguration(
            request_body_mode=1,
            response_body_mode=0,
            send_body_without_waiting_for_header_response=True,
        )
        opening, _ = parse_first(
            request_headers(config=config).SerializeToString(), assumed=ASSUMED
        )
        assert opening == Opening(BodyMode.STREAMED, BodyMode.NONE, sends_body_early=True)

    def test_a_proxy_that_announces_nothing_speaks_as_assumed(self) -> None:
        raw = request_headers(config=None).SerializeToString()
        assert parse_first(raw, assumed=ASSUMED)[0] == ASSUMED

    def test_observability_is_announced_on_the_message_itself(self) -> None:
        message = request_headers(config=None)
        message.observability_mode = True
        opening, _ = parse_first(message.SerializeToString(), assumed=ASSUMED)
        assert opening == ASSUMED._replace(is_observability=True)

    @pytest.mark.parametrize("mode", [5, 77])
    def test_a_mode_that_we_do_not_speak_is_refused_at_once(self, mode: int) -> None:
        """Envoy's GRPC mode, and whatever comes after it: better an error than a hang."""
        config = pb.ProtocolConfiguration(request_body_mode=4, response_body_mode=mode)
        raw = request_headers(config=config).SerializeToString()
        with pytest.raises(ProtocolError, match=f"unsupported body mode {mode}"):
            parse_first(raw, assumed=ASSUMED)


class TestEvents:
    def test_header_names_are_lowered_and_the_last_of_repeated_lines_is_seen(self) -> None:
        lines = (("Cookie", "a=1"), ("cookie", "b=2"), (":path", "/v1"))
        assert event_of(request_headers(lines)) == RequestHeaders(
            {"cookie": "b=2", ":path": "/v1"}, end_of_stream=False
        )

    def test_values_are_also_read_where_a_shim_fills_value_instead_of_raw_value(self) -> None:
        message = pb.ProcessingRequest(request_headers=pb.HttpHeaders())
        line = message.request_headers.headers.headers.add()
        line.key, line.value = "X-Request-Id", "from njs"
        assert event_of(message) == RequestHeaders({"x-request-id": "from njs"}, False)

    def test_bytes_that_are_not_utf8_do_not_hide_the_other_headers(self) -> None:
        message = request_headers((("x-a", "1"),))
        line = message.request_headers.headers.headers.add()
        line.key, line.raw_value = "x-b", b"\xff"
        assert event_of(message) == RequestHeaders({"x-a": "1", "x-b": "\ufffd"}, False)

    def test_a_body_and_trailers_are_read(self) -> None:
        assert event_of(request_body(b"\x00\xff", end_of_stream=True)) == RequestBody(
            b"\x00\xff", end_of_stream=True
        )
        assert event_of(request_trailers()) == RequestTrailers()

    def test_unknown_metadata_and_attributes_are_tolerated(self) -> None:
        message = request_body(b"{}")
        message.metadata_context.filter_metadata["com.example"].update({"x": [1, None]})
        message.attributes["envoy.filters.http.ext_proc"].update({"request.id": "r"})
        assert event_of(message) == RequestBody(b"{}", end_of_stream=False)

    @pytest.mark.parametrize(
        "raw", [b"", b"\xff\xff\xff", pb.ProcessingRequest().SerializeToString()]
    )
    def test_what_is_no_message_is_the_proxys_fault(self, raw: bytes) -> None:
        with pytest.raises(ProtocolError):
            parse(raw)

    @given(st.binary(max_size=60))
    def test_no_bytes_can_raise_anything_else(self, raw: bytes) -> None:
        try:
            parse_first(raw, assumed=ASSUMED)
        except ProtocolError:
            return


class TestSubset:
    @pytest.mark.parametrize(
        ("hint", "entries"),
        [
            (["10.0.0.1:8000", "10.0.0.2:8000"], ("10.0.0.1:8000", "10.0.0.2:8000")),
            (["10.0.0.1:8000, 10.0.0.2:8000", "10.0.0.3"],
             ("10.0.0.1:8000", "10.0.0.2:8000", "10.0.0.3")),
            ("10.0.0.1:8000,[fd00::1]:8000", ("10.0.0.1:8000", "[fd00::1]:8000")),
            ([], ()),
            ("", ()),
            ([" ", ""], ()),
            ([7, None, ["10.0.0.1:80"], {"a": 1}, True, "10.0.0.2:80"], ("10.0.0.2:80",)),
            (7, ()),
            (None, ()),
            ({"10.0.0.1:80": 1}, ()),
        ],
    )  # fmt: skip
    def test_a_hint_can_only_narrow(self, hint: object, entries: tuple[str, ...]) -> None:
        event = event_of(with_subset(request_headers(), hint))
        assert isinstance(event, RequestHeaders)
        assert event.subset == entries

    def test_no_hint_is_not_an_empty_hint(self) -> None:
        message = request_headers()
        assert event_of(message)[2] is None
        message.metadata_context.filter_metadata["envoy.lb.subset_hint"].update({"other": "x"})
        assert event_of(message)[2] is None

    def test_body_and_trailers_carry_it_too(self) -> None:
        assert event_of(with_subset(request_body(), ["a:1"])) == RequestBody(b"", False, ("a:1",))
        assert event_of(with_subset(request_trailers(), "a:1")) == RequestTrailers(("a:1",))


class TestServed:
    @pytest.mark.parametrize(
        ("fields", "served"),
        [
            ({"x-gateway-destination-endpoint-served": "10.0.0.1:8000"}, "10.0.0.1:8000"),
            ({"x-gateway-destination-endpoint-served": ["10.0.0.1:8000"]}, None),
            ({"x-gateway-destination-endpoint-served": 8000}, None),
            ({"x-gateway-destination-endpoint-served": ""}, None),
            ({"x-gateway-destination-endpoint": "10.0.0.1:8000"}, None),
            ({}, None),
        ],
    )
    def test_only_a_text_is_taken_for_an_endpoint(
        self, fields: dict[str, object], served: str | None
    ) -> None:
        message = response_headers()
        message.metadata_context.filter_metadata["envoy.lb"].update(fields)
        event = event_of(message)
        assert isinstance(event, ResponseHeaders)
        assert event.served == served

    def test_without_metadata_nothing_is_known(self) -> None:
        assert event_of(response_headers())[2] is None


class TestReplies:
    @pytest.mark.parametrize("phase", list(Phase))
    def test_an_answer_in_kind_changes_nothing(self, phase: Phase) -> None:
        reply = one_reply(Encoder().encode(Proceed(phase)))
        assert kinds([reply]) == [phase.name.lower()]
        inner = {} if phase.name.endswith("TRAILERS") else {"response": {}}
        assert MessageToDict(reply, preserving_proto_field_name=True) == {phase.name.lower(): inner}

    @pytest.mark.parametrize("phase", [Phase.REQUEST_HEADERS, Phase.REQUEST_BODY])
    def test_the_destination_is_in_header_and_metadata_byte_for_byte(self, phase: Phase) -> None:
        destination = "[fd00::1]:8000,10.0.0.2:8000"
        reply = one_reply(Encoder().encode(Direct(phase, Mutation(destination))))
        assert set_headers(reply) == {"x-gateway-destination-endpoint": destination.encode()}
        assert MessageToDict(reply.dynamic_metadata) == {
            "envoy.lb": {"x-gateway-destination-endpoint": destination}
        }
        assert getattr(reply, phase.name.lower()).response.clear_route_cache

    def test_headers_are_set_and_removed_as_asked(self) -> None:
        mutation = Mutation("a:1", (("x-request-id", "r"),), ("x-slo-ttft-ms",))
        reply = one_reply(Encoder().encode(Direct(Phase.REQUEST_HEADERS, mutation)))
        assert set_headers(reply) == {
            "x-gateway-destination-endpoint": b"a:1",
            "x-request-id": b"r",
        }
        removed = reply.request_headers.response.header_mutation.remove_headers
        assert list(removed) == ["x-slo-ttft-ms"]

    def test_replies_that_come_again_are_the_same_bytes(self) -> None:
        encoder = Encoder()
        replies = [
            encoder.encode(Direct(Phase.REQUEST_HEADERS, Mutation(destination)))
            for destination in ("a:1", "b:1", "a:1")
        ]
        assert replies[0] is replies[2]
        assert replies[0] != replies[1]

    def test_on_trailers_only_the_metadata_can_direct(self) -> None:
        reply = one_reply(Encoder().encode(Direct(Phase.REQUEST_TRAILERS, Mutation("a:1"))))
        assert kinds([reply]) == ["request_trailers"]
        assert not reply.request_trailers.HasField("header_mutation")
        assert "envoy.lb" in reply.dynamic_metadata.fields

    def test_a_replaced_body_goes_with_the_decision(self) -> None:
        reply = one_reply(Encoder().encode(Direct(Phase.REQUEST_BODY, Mutation("a:1"), b"new")))
        assert reply.request_body.response.body_mutation.body == b"new"

    def test_a_replacement_by_nothing_clears_the_piece(self) -> None:
        full = one_reply(Encoder().encode(Replace(Phase.REQUEST_BODY, b"new")))
        none = one_reply(Encoder().encode(Replace(Phase.REQUEST_BODY, b"")))
        assert full.request_body.response.body_mutation.body == b"new"
        assert none.request_body.response.body_mutation.clear_body

    @given(
        st.sampled_from((Phase.REQUEST_BODY, Phase.RESPONSE_BODY)),
        st.sampled_from((0, 1, 100, 127, 128, 16_383, 16_384, 62_000)) | st.integers(0, 62_000),
        st.booleans(),
    )
    def test_a_spliced_chunk_is_what_protobuf_would_have_written(
        self, phase: Phase, length: int, end_of_stream: bool
    ) -> None:
        body = b"x" * length
        expected = pb.ProcessingResponse()
        streamed = getattr(expected, phase.name.lower()).response.body_mutation.streamed_response
        streamed.SetInParent()
        streamed.body, streamed.end_of_stream = body, end_of_stream
        encoded = Encoder().encode(Chunk(phase, memoryview(body), end_of_stream))
        assert pb.ProcessingResponse.FromString(encoded) == expected

    def test_an_immediate_response_has_status_headers_and_body(self) -> None:
        reply = ErrorReply(503, "no_endpoints", (("retry-after", "1"),), b"{}")
        immediate = one_reply(encode_immediate(reply))
        assert immediate.immediate_response.status.code == 503
        assert immediate.immediate_response.body == b"{}"
        assert set_headers(immediate) == {"retry-after": b"1"}


def test_what_envoy_sends_first_is_understood() -> None:
    """The message as recorded from Envoy 1.40: metadata set but empty, modes announced."""
    message = request_headers(config=DUPLEX)
    assert message.HasField("metadata_context")
    opening, event = parse_first(message.SerializeToString(), assumed=ASSUMED)
    assert opening.request_body is BodyMode.FULL_DUPLEX_STREAMED
    assert isinstance(event, RequestHeaders)
    assert event.subset is None
    assert header_map((("a", "b"),)).headers.headers[0].raw_value == b"b"

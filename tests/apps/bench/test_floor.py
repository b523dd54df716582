"""The floor: what it splices by hand is what protobuf would have written."""

from __future__ import annotations

import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from pointsman.apps.bench.floor import (
    REQUEST_BODY,
    REQUEST_HEADERS,
    RESPONSE_BODY,
    RESPONSE_HEADERS,
    body_replies,
    header_reply,
    response_header_reply,
    split_body,
)


@given(st.binary(max_size=70_000), st.booleans())
def test_a_body_message_is_split_as_protobuf_reads_it(body: bytes, end_of_stream: bool) -> None:
    message = pb.ProcessingRequest()
    message.request_body.body = body
    message.request_body.end_of_stream = end_of_stream
    message.metadata_context.SetInParent()
    assert split_body(message.SerializeToString()) == (body, end_of_stream)


@pytest.mark.parametrize("size", [0, 1, 62_000, 62_001, 400_000])
@pytest.mark.parametrize(("number", "field"), [(3, "request_body"), (4, "response_body")])
def test_body_replies_echo_everything_and_end_once(size: int, number: int, field: str) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    replies = [
        getattr(pb.ProcessingResponse.FromString(raw), field).response.body_mutation
        for raw in body_replies(body, end_of_stream=True, field_number=number)
    ]
    assert b"".join(reply.streamed_response.body for reply in replies) == body
    ends = [reply.streamed_response.end_of_stream for reply in replies]
    assert ends == [False] * (len(ends) - 1) + [True]


def test_message_kinds_are_told_by_their_first_byte() -> None:
    for kind, name in (
        (REQUEST_HEADERS, "request_headers"),
        (RESPONSE_HEADERS, "response_headers"),
        (REQUEST_BODY, "request_body"),
        (RESPONSE_BODY, "response_body"),
    ):
        message = pb.ProcessingRequest()
        getattr(message, name).SetInParent()
        message.metadata_context.SetInParent()
        assert message.SerializeToString()[0] == kind


def test_header_replies_are_what_envoy_expects() -> None:
    reply = pb.ProcessingResponse.FromString(header_reply("10.0.0.1:8000"))
    header = reply.request_headers.response.header_mutation.set_headers[0].header
    assert (header.key, header.raw_value) == ("x-gateway-destination-endpoint", b"10.0.0.1:8000")
    assert reply.dynamic_metadata["envoy.lb"][header.key] == "10.0.0.1:8000"
    empty = pb.ProcessingResponse.FromString(response_header_reply())
    assert empty.WhichOneof("response") == "response_headers"

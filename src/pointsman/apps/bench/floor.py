"""The floor: a bare grpc.aio echo of the messages that a picker must answer.

It tells messages apart by their first byte, answers headers with canned bytes and splices request
and response bodies into a reply by hand, so that Envoy forwards every request correctly. Nothing
that answers the same messages over grpc.aio can be cheaper.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import grpc.aio
import uvloop
from envoy.config.core.v3 import base_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVICE, METHOD = "envoy.service.ext_proc.v3.ExternalProcessor", "Process"

# ProcessingRequest: the tag byte of each message kind, wire type 2.
REQUEST_HEADERS, RESPONSE_HEADERS = 0x12, 0x1A
REQUEST_BODY, RESPONSE_BODY = 0x22, 0x2A
_MORE = 0x80


def header_reply(destination: str) -> bytes:
    """The reply to request headers that sends every request to one endpoint."""
    reply = pb.ProcessingResponse()
    common = reply.request_headers.response
    common.clear_route_cache = True
    common.header_mutation.set_headers.append(
        base_pb2.HeaderValueOption(
            header=base_pb2.HeaderValue(
                key="x-gateway-destination-endpoint", raw_value=destination.encode()
            )
        )
    )
    reply.dynamic_metadata["envoy.lb"] = {"x-gateway-destination-endpoint": destination}
    serialized: bytes = reply.SerializeToString()
    return serialized


def response_header_reply() -> bytes:
    """The reply to response headers that changes nothing."""
    reply = pb.ProcessingResponse()
    reply.response_headers.response.SetInParent()
    serialized: bytes = reply.SerializeToString()
    return serialized


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value & 0x7F | _MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            return value, position
        shift += 7


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def split_body(message: bytes) -> tuple[bytes, bool]:
    """Bytes and end_of_stream of an HttpBody in a body message."""
    length, position = _read_varint(message, 1)
    end = position + length
    body, end_of_stream = b"", False
    while position < end:
        tag = message[position]
        number, position = _read_varint(message, position + 1)
        if tag == 0x0A:
            body = message[position : position + number]
            position += number
        elif tag == 0x10:
            end_of_stream = bool(number)
    return body, end_of_stream


def body_replies(body: bytes, *, end_of_stream: bool, field_number: int) -> list[bytes]:
    """Streamed replies that echo a body in pieces of at most 62,000 bytes."""
    pieces = [body[start : start + 62_000] for start in range(0, len(body), 62_000)] or [b""]
    replies = []
    for piece in pieces:
        is_last = end_of_stream and piece is pieces[-1]
        streamed = (_field(1, piece) if piece else b"") + (b"\x10\x01" if is_last else b"")
        common = _field(1, _field(3, _field(3, streamed)))
        replies.append(_field(field_number, common))
    return replies


class Echo:
    """Answers one ext_proc method.

    Args:
        destination: where every request goes.
        ends_early: end the stream with OK once the request phase is answered.
    """

    def __init__(self, destination: str, *, ends_early: bool) -> None:
        self._request_headers = header_reply(destination)
        self._response_headers = response_header_reply()
        self._ends_early = ends_early

    async def process(
        self, messages: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> None:
        """Serve one stream."""
        pieces: list[bytes] = []
        async for message in messages:
            kind = message[0]
            if kind == REQUEST_BODY:
                body, is_end = split_body(message)
                pieces.append(body)
                if not is_end:
                    continue
                await context.write(self._request_headers)
                for reply in body_replies(b"".join(pieces), end_of_stream=True, field_number=3):
                    await context.write(reply)
                if self._ends_early:
                    return
            elif kind == RESPONSE_HEADERS:
                await context.write(self._response_headers)
            elif kind == RESPONSE_BODY:
                body, is_end = split_body(message)
                for reply in body_replies(body, end_of_stream=is_end, field_number=4):
                    await context.write(reply)


async def serve(port: int, destination: str, *, ends_early: bool) -> None:
    """Serve plaintext gRPC on loopback until cancelled."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 64 << 20)])
    echo = Echo(destination, ends_early=ends_early)
    methods = {METHOD: grpc.stream_stream_rpc_method_handler(echo.process)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    port_text, to, early = sys.argv[1:4]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(port_text), to, ends_early=early == "early-end"))

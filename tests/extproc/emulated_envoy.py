"""A proxy in memory that does with replies what Envoy does, and refuses what Envoy refuses.

It keeps header lines as a list, so that a repeated line which a mutation loses is seen to be lost.
Source: Envoy's ext_proc filter (processor_state.cc, mutation_utils.cc), restated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envoy.service.ext_proc.v3 import external_processor_pb2 as pb

from extproc.support import (
    header_map,
    request_body,
    request_trailers,
    response_body,
    response_trailers,
)
from pointsman.extproc.events import BodyMode

if TYPE_CHECKING:
    from pointsman.extproc.exchange import Exchange

Lines = list[tuple[str, str]]
IGNORED_BY_ENVOY = (":method", ":authority", ":scheme", "host")


@dataclass
class Http:
    """One direction of an HTTP exchange."""

    lines: Lines
    pieces: list[bytes] = field(default_factory=list)
    has_trailers: bool = False

    @property
    def is_header_only(self) -> bool:
        return not self.pieces and not self.has_trailers


@dataclass
class Delivered:
    """What came out on the other side."""

    lines: Lines
    body: bytes = b""
    has_ended: bool = False


@dataclass
class EmulatedEnvoy:
    """One HTTP exchange through an `Exchange`, in the given modes."""

    exchange: Exchange
    request_mode: BodyMode
    response_mode: BodyMode
    sends_body_early: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    immediate: pb.ImmediateResponse | None = None
    replies: list[pb.ProcessingResponse] = field(default_factory=list)
    is_first: bool = True

    def send(self, message: pb.ProcessingRequest) -> list[pb.ProcessingResponse]:
        """Send one message; its replies, in order."""
        if self.exchange.is_finished:
            return []  # the stream has ended with OK: Envoy carries on alone
        if self.is_first:
            self.is_first = False
            message.protocol_config.request_body_mode = int(self.request_mode)
            message.protocol_config.response_body_mode = int(self.response_mode)
            early = self.sends_body_early
            message.protocol_config.send_body_without_waiting_for_header_response = early
        raw = self.exchange.receive(message.SerializeToString())
        replies = [pb.ProcessingResponse.FromString(reply) for reply in raw]
        self.replies += replies
        for reply in replies:
            for key, value in reply.dynamic_metadata.fields["envoy.lb"].struct_value.fields.items():
                self.metadata[key] = value.string_value
            if reply.HasField("immediate_response"):
                self.immediate = reply.immediate_response
        return replies

    def request(self, sent: Http) -> Delivered:
        """The request as the model server gets it."""
        got = Delivered(list(sent.lines))
        headers = pb.ProcessingRequest(request_headers=header_map(sent.lines))
        headers.request_headers.end_of_stream = sent.is_header_only
        replies = self.send(headers)
        for message in self._request_messages(sent):
            replies += self.send(message)
        if self.immediate is not None:
            return got
        self._apply(replies, sent, got, mode=self.request_mode, direction="request")
        return got

    def response(self, sent: Http) -> Delivered:
        """The response as the client gets it."""
        got = Delivered(list(sent.lines))
        headers = pb.ProcessingRequest(response_headers=header_map(sent.lines))
        headers.response_headers.end_of_stream = sent.is_header_only
        if self.exchange.is_finished:
            return Delivered(list(sent.lines), b"".join(sent.pieces), has_ended=True)
        replies = self.send(headers)
        for message in self._response_messages(sent):
            replies += self.send(message)
        self._apply(replies, sent, got, mode=self.response_mode, direction="response")
        return got

    def _request_messages(self, sent: Http) -> list[pb.ProcessingRequest]:
        bodies = _as_sent(sent, self.request_mode)
        messages = [request_body(body, end_of_stream=end) for body, end in bodies]
        return messages + [request_trailers()] * sent.has_trailers

    def _response_messages(self, sent: Http) -> list[pb.ProcessingRequest]:
        bodies = _as_sent(sent, self.response_mode)
        messages = [response_body(body, end_of_stream=end) for body, end in bodies]
        return messages + [response_trailers()] * sent.has_trailers

    def _apply(
        self,
        replies: list[pb.ProcessingResponse],
        sent: Http,
        got: Delivered,
        *,
        mode: BodyMode,
        direction: str,
    ) -> None:
        bodies = [body for body, _ in _as_sent(sent, mode)]
        kinds = [reply.WhichOneof("response") for reply in replies]
        assert kinds[0] == f"{direction}_headers", "the header reply comes first"
        assert kinds.count(f"{direction}_headers") == 1
        assert kinds.count(f"{direction}_trailers") == int(sent.has_trailers)
        for reply, kind in zip(replies, kinds, strict=True):
            if kind == f"{direction}_headers":
                mutate(got.lines, getattr(reply, kind).response.header_mutation)
            elif kind == f"{direction}_body":
                common = getattr(reply, kind).response
                if mode is BodyMode.FULL_DUPLEX_STREAMED:
                    _take_streamed(common, got)
                else:
                    _take_in_kind(common, bodies.pop(0), got, mode=mode)
            else:
                assert kind == f"{direction}_trailers", "a reply of another phase"
                assert reply is replies[-1]
        if mode is BodyMode.FULL_DUPLEX_STREAMED:
            _drop(got.lines, "content-length")
            assert got.has_ended is bool(sent.pieces and not sent.has_trailers)
        else:
            assert not bodies, "every message is answered"
        if mode is BodyMode.NONE:
            got.body = b"".join(sent.pieces)


def _as_sent(sent: Http, mode: BodyMode) -> list[tuple[bytes, bool]]:
    """Body messages with their end_of_stream, as Envoy cuts them in this mode."""
    if mode is BodyMode.NONE or not sent.pieces:
        return []
    if mode in {BodyMode.BUFFERED, BodyMode.BUFFERED_PARTIAL}:
        return [(b"".join(sent.pieces), not sent.has_trailers)]
    last = len(sent.pieces) - 1
    return [
        (piece, index == last and not sent.has_trailers) for index, piece in enumerate(sent.pieces)
    ]


def _take_streamed(common: pb.CommonResponse, got: Delivered) -> None:
    streamed = common.body_mutation.streamed_response
    assert common.body_mutation.HasField("streamed_response"), "full duplex wants streamed_response"
    assert not common.HasField("header_mutation")
    assert not got.has_ended, "nothing follows the end of the stream"
    assert len(streamed.body) <= 62_000
    got.body += streamed.body
    got.has_ended = streamed.end_of_stream


def _take_in_kind(
    common: pb.CommonResponse, body: bytes, got: Delivered, *, mode: BodyMode
) -> None:
    assert not common.body_mutation.HasField("streamed_response")
    if mode in {BodyMode.BUFFERED, BodyMode.BUFFERED_PARTIAL}:
        mutate(got.lines, common.header_mutation)
    else:
        assert not common.HasField("header_mutation"), "ignored by Envoy in this mode"
    kind = common.body_mutation.WhichOneof("mutation")
    new = {None: body, "body": common.body_mutation.body, "clear_body": b""}[kind]
    lengths = [value for name, value in got.lines if name == "content-length"]
    if kind is not None and lengths:
        assert lengths == [str(len(new))], "Envoy answers 500 when the length does not match"
    got.body += new


def mutate(lines: Lines, mutation: pb.HeaderMutation) -> None:
    """Apply a header mutation: removals first, then each set overwrites every line of its name."""
    for name in mutation.remove_headers:
        assert not name.startswith(":")
        _drop(lines, name)
    for option in mutation.set_headers:
        header = option.header
        assert not header.value, "current Envoys read raw_value only"
        assert not option.HasField("append")
        assert header.key == header.key.lower()
        if header.key in IGNORED_BY_ENVOY or header.key.startswith("x-envoy"):
            continue
        _drop(lines, header.key)
        lines.append((header.key, header.raw_value.decode()))


def _drop(lines: Lines, name: str) -> None:
    lines[:] = [line for line in lines if line[0] != name]

"""What the ext_proc tests share: a director that is real but simple, and Envoy's messages."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envoy.service.ext_proc.v3 import external_processor_pb2 as pb

from pointsman.extproc.dialects import DialectChoice, DialectFlag
from pointsman.extproc.exchange import ExchangeParts
from pointsman.extproc.messages import Encoder
from pointsman.extproc.metrics import StreamMetrics
from pointsman.extproc.protocol import StreamLimits
from pointsman.lib.clock import ManualClock
from pointsman.pipeline.decision import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pointsman.domain.requests import RequestHead
    from pointsman.domain.responses import Ending

DESTINATION = "10.0.0.7:8000"
DUPLEX = pb.ProtocolConfiguration(request_body_mode=4, response_body_mode=4)
TRAILERS_DIALECT = pb.ProtocolConfiguration(request_body_mode=4, response_body_mode=0)
ENVOY_METADATA = (("x-envoy-internal", "true"), ("x-forwarded-for", "10.0.0.1"))


@dataclass
class RecordingWatch:
    """Remembers what it was told, in order; not idempotent, so that a second close shows."""

    started_with: list[tuple[Mapping[str, str], str | None]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)

    def started(self, headers: Mapping[str, str], *, served: str | None) -> None:
        self.started_with.append((headers, served))

    def body(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def close(self, ending: Ending) -> None:
        self.endings.append(ending)


@dataclass
class ScriptedDirector:
    """Sends everything to one destination, or raises; remembers what it was asked."""

    destination: str = DESTINATION
    body: bytes | None = None
    set_headers: tuple[tuple[str, str], ...] = ()
    error: Exception | None = None
    asked: list[tuple[RequestHead, bytes, bool]] = field(default_factory=list)
    watches: list[RecordingWatch] = field(default_factory=list)

    def decide(self, head: RequestHead, body: bytes) -> Decision:
        return self._decide(head, body, is_unread=False)

    def decide_unread(self, head: RequestHead, body: bytes = b"") -> Decision:
        return self._decide(head, body, is_unread=True)

    def _decide(self, head: RequestHead, body: bytes, *, is_unread: bool) -> Decision:
        self.asked.append((head, body, is_unread))
        if self.error is not None:
            raise self.error
        watch = RecordingWatch()
        self.watches.append(watch)
        return Decision(self.destination, watch, self.body, self.set_headers)

    @property
    def endings(self) -> list[list[Ending]]:
        """Of every watch, how often and how it was closed."""
        return [watch.endings for watch in self.watches]


def exchange_parts(
    director: ScriptedDirector,
    *,
    flag: DialectFlag = DialectFlag.OBSERVE,
    limits: StreamLimits | None = None,
    streams_max: int = 1000,
) -> ExchangeParts:
    """Parts whose only moving piece is the director."""
    ids = itertools.count(1)
    return ExchangeParts(
        director=director,
        encoder=Encoder(),
        dialects=DialectChoice(flag, sample=0.0, rng=random.Random(1)),
        metrics=StreamMetrics(),
        clock=ManualClock(),
        new_request_id=lambda: f"made-{next(ids)}",
        limits=limits or StreamLimits(),
        streams_max=streams_max,
    )


def header_map(pairs: Iterable[tuple[str, str]]) -> pb.HttpHeaders:
    """Headers as Envoy sends them: lower-cased, in raw_value."""
    message = pb.HttpHeaders()
    for name, value in pairs:
        line = message.headers.headers.add()
        line.key = name
        line.raw_value = value.encode()
    return message


REQUEST_LINES = (
    (":authority", "gateway.example"),
    (":path", "/v1/chat/completions"),
    (":method", "POST"),
    ("content-type", "application/json"),
    ("x-request-id", "request-1"),
)
RESPONSE_LINES = ((":status", "200"), ("content-type", "text/event-stream"))


def request_headers(
    pairs: Iterable[tuple[str, str]] = REQUEST_LINES,
    *,
    end_of_stream: bool = False,
    config: pb.ProtocolConfiguration | None = DUPLEX,
) -> pb.ProcessingRequest:
    message = pb.ProcessingRequest(request_headers=header_map(pairs))
    message.request_headers.end_of_stream = end_of_stream
    message.metadata_context.SetInParent()  # Envoy always sets it
    if config is not None:
        message.protocol_config.CopyFrom(config)
    return message


def request_body(body: bytes = b"", *, end_of_stream: bool = False) -> pb.ProcessingRequest:
    return pb.ProcessingRequest(request_body=pb.HttpBody(body=body, end_of_stream=end_of_stream))


def request_trailers() -> pb.ProcessingRequest:
    return pb.ProcessingRequest(request_trailers=pb.HttpTrailers())


def response_headers(
    pairs: Iterable[tuple[str, str]] = RESPONSE_LINES, *, end_of_stream: bool = False
) -> pb.ProcessingRequest:
    message = pb.ProcessingRequest(response_headers=header_map(pairs))
    message.response_headers.end_of_stream = end_of_stream
    return message


def response_body(body: bytes = b"", *, end_of_stream: bool = False) -> pb.ProcessingRequest:
    return pb.ProcessingRequest(response_body=pb.HttpBody(body=body, end_of_stream=end_of_stream))


def response_trailers() -> pb.ProcessingRequest:
    return pb.ProcessingRequest(response_trailers=pb.HttpTrailers())


def with_subset(message: pb.ProcessingRequest, hint: object) -> pb.ProcessingRequest:
    """The message with a subset hint of any JSON value."""
    fields = message.metadata_context.filter_metadata["envoy.lb.subset_hint"]
    fields.update({"x-gateway-destination-endpoint-subset": hint})
    return message


def replies_of(raw: Iterable[bytes]) -> list[pb.ProcessingResponse]:
    return [pb.ProcessingResponse.FromString(reply) for reply in raw]


def kinds(replies: Iterable[pb.ProcessingResponse]) -> list[str]:
    """The oneof of each reply."""
    return [reply.WhichOneof("response") or "" for reply in replies]


def set_headers(reply: pb.ProcessingResponse) -> dict[str, bytes]:
    """What the reply sets; raw values, and nothing but raw values."""
    part = getattr(reply, reply.WhichOneof("response") or "")
    mutation = (
        part.headers if reply.HasField("immediate_response") else part.response.header_mutation
    )
    assert not any(option.header.value for option in mutation.set_headers)
    return {option.header.key: option.header.raw_value for option in mutation.set_headers}

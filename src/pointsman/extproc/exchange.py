"""One request from the proxy's first message to its end: protocol, director and watch together.

Bytes in, bytes out, nothing waits. The one owner of a request's watch, so the one place that must
close it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pointsman.domain.errors import RequestError
from pointsman.domain.protocol import REQUEST_ID
from pointsman.domain.responses import Ending
from pointsman.extproc.dialects import Peer, peer_of
from pointsman.extproc.errors import HeadersTooLargeError, OverloadedError, error_reply
from pointsman.extproc.events import (
    REPLY_TYPES,
    Decide,
    Finish,
    Opening,
    Refuse,
    RequestBody,
    RequestHeaders,
    RequestTrailers,
    Seen,
    Started,
)
from pointsman.extproc.messages import encode_immediate, parse, parse_first
from pointsman.extproc.protocol import Stream, StreamLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from pointsman.extproc.dialects import DialectChoice, Metadata
    from pointsman.extproc.events import Event, Output
    from pointsman.extproc.messages import Encoder
    from pointsman.extproc.metrics import StreamMetrics
    from pointsman.lib.clock import Clock
    from pointsman.pipeline.decision import Decision, Director, ResponseWatch

_log = logging.getLogger(__name__)

_REQUEST_EVENTS = (RequestHeaders, RequestBody, RequestTrailers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeParts:
    """What all exchanges of a process share.

    Attributes:
        director: decides.
        encoder: builds replies.
        dialects: chooses how far responses are observed.
        metrics: counts.
        clock: times decisions.
        new_request_id: makes the `x-request-id` of a request that has none.
        limits: of one stream.
        streams_max: requests open at once; further ones are answered with 503.
        assumed: the modes of a proxy that does not announce any (NGINX Gateway Fabric, and Envoys
            before protocol_config), which then has to be configured as upstream demands.
    """

    director: Director
    encoder: Encoder
    dialects: DialectChoice
    metrics: StreamMetrics
    clock: Clock
    new_request_id: Callable[[], str]
    limits: StreamLimits = field(default_factory=StreamLimits)
    streams_max: int = 10_000
    assumed: Opening = field(default_factory=Opening)


class Exchange:
    """One stream's request. Create it when the stream opens, and `close` it however that ends."""

    __slots__ = (
        "_decided_s",
        "_finish",
        "_is_closed",
        "_metadata",
        "_parts",
        "_stream",
        "_watch",
    )

    def __init__(self, parts: ExchangeParts, metadata: Metadata) -> None:
        self._parts = parts
        self._metadata = metadata
        self._stream: Stream | None = None
        self._watch: ResponseWatch | None = None
        self._is_closed = False
        self._finish: Ending | None = None
        self._decided_s = 0.0
        parts.metrics.opened()

    def receive(self, raw: bytes) -> list[bytes]:
        """Take one message of the proxy; the replies to send, in order.

        Raises:
            ProtocolError: end the stream with an error.
        """
        self._parts.metrics.received += 1
        if self._stream is None:
            self._stream, event = self._open(raw)
            refusal = self._refusal(event, len(raw))
        else:
            event, refusal = parse(raw), None
        outputs = self._stream.receive(event) if refusal is None else self._stream.refused(refusal)
        replies: list[bytes] = []
        self._perform(outputs, replies)
        self._parts.metrics.replies += len(replies)
        return replies

    @property
    def is_finished(self) -> bool:
        """Nothing more is to be read or sent: after the last replies, call `finished`."""
        return self._finish is not None

    @property
    def awaits_response(self) -> bool:
        """The request was sent on and nothing of its response was seen."""
        return (
            self._watch is not None and self._stream is not None and not self._stream.has_response
        )

    def finished(self) -> None:
        """The last replies are sent."""
        assert self._finish is not None, "the stream goes on"
        self.close(self._finish)

    def half_closed(self) -> None:
        """The proxy will send nothing more."""
        self._left(is_reset=False)

    def reset(self) -> None:
        """The proxy has gone."""
        self._left(is_reset=True)

    def close(self, ending: Ending = Ending.FAILED) -> None:
        """The stream is over. Only the first call counts; call it last with no argument.

        An exchange that nobody has closed otherwise has failed.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._parts.metrics.closed()
        watch, self._watch = self._watch, None
        if watch is not None:
            self._parts.metrics.ended(ending)
            watch.close(ending)

    def _left(self, *, is_reset: bool) -> None:
        if self._stream is None or self._watch is None:
            self.close(Ending.CLIENT_GONE)  # nothing is held, so nobody learns the ending
            return
        age_s = self._parts.clock.monotonic_s() - self._decided_s
        self.close(self._stream.ending(is_reset=is_reset, is_envoy=self._is_envoy, age_s=age_s))

    def _is_envoy(self) -> bool:
        return peer_of(self._metadata()) is Peer.ENVOY

    def _open(self, raw: bytes) -> tuple[Stream, Event]:
        parts = self._parts
        opening, event = parse_first(raw, assumed=parts.assumed)
        dialect = parts.dialects.choose(opening, self._metadata)
        parts.metrics.spoken(dialect)
        stream = Stream(opening, dialect, limits=parts.limits, new_request_id=parts.new_request_id)
        return stream, event

    def _refusal(self, event: Event, message_bytes: int) -> RequestError | None:
        if not isinstance(event, _REQUEST_EVENTS):
            return None  # its request was admitted elsewhere
        parts = self._parts
        if parts.metrics.active > parts.streams_max:
            return OverloadedError(streams_max=parts.streams_max)
        limit_bytes = parts.limits.request_header_bytes_max
        if isinstance(event, RequestHeaders) and message_bytes > limit_bytes:
            return HeadersTooLargeError(limit_bytes=limit_bytes)
        return None

    def _perform(self, outputs: list[Output], replies: list[bytes]) -> None:
        # By type, most frequent first: structural patterns cost twice as much.
        for output in outputs:
            if isinstance(output, REPLY_TYPES):
                replies.append(self._parts.encoder.encode(output))
            elif isinstance(output, Decide):
                self._perform(self._decide(output), replies)
            elif isinstance(output, Finish):
                self._finish = output.ending
            elif isinstance(output, Refuse):
                reply = error_reply(output.error)
                self._parts.metrics.refused(reply)
                replies.append(encode_immediate(reply))
            else:
                self._observe(output)

    def _observe(self, seen: Started | Seen) -> None:
        watch = self._watch
        if watch is None:
            return
        if isinstance(seen, Started):
            watch.started(seen.headers, served=seen.served)
        else:
            watch.body(seen.chunk)

    def _decide(self, ask: Decide) -> list[Output]:
        assert self._stream is not None
        began_s = self._parts.clock.monotonic_s()
        try:
            decision = self._ask(ask)
        except RequestError as error:
            return self._stream.refused(error)
        except Exception as bug:  # noqa: BLE001 - our own bug must cost one request, not its stream
            _log.exception("decision failed request_id=%s", ask.head.headers[REQUEST_ID])
            return self._stream.refused(bug)
        self._watch = decision.watch
        self._decided_s = self._parts.clock.monotonic_s()
        self._parts.metrics.decided(self._decided_s - began_s)
        return self._stream.decided(decision)

    def _ask(self, ask: Decide) -> Decision:
        director = self._parts.director
        decide = director.decide_unread if ask.is_unread else director.decide
        return decide(ask.head, ask.body)

"""The ext_proc stream of one HTTP request, as a state machine without I/O.

Feed `Stream.receive` one event at a time and do what the outputs say, in order; on `Decide`, ask
the director and go on with `Stream.decided` or `Stream.refused`.

Two questions are kept apart. *Where is the proxy* in each direction (START, OPEN, CLOSED, DONE) is
the table in `grammar`, the same for requests and responses. *What are we doing* with the request is
a plan: GATHER until it can be decided, then RELAY; or IGNORE, when a response came first (another
filter's local reply) and nothing was decided.

How a request is decided follows from its body mode:

    FULL_DUPLEX_STREAMED    the header reply is held until the body is complete
    STREAMED, sent early    the same, up to a limit, because Envoy's own buffer is finite
    BUFFERED                headers pass at once; the one body message is decided
    BUFFERED_PARTIAL        the same, and a cut body is decided unread
    STREAMED, NONE          decided unread on the headers
    any, ended by headers   decided on the headers, with an empty body

Sources: Envoy's external_processor.proto and its ext_proc filter; Gateway API Inference Extension
proposal 004. docs/ext-proc.md has the table of replies.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import TYPE_CHECKING

from pointsman.domain.errors import TooLargeError
from pointsman.domain.protocol import REMOVED_UPSTREAM, REQUEST_ID
from pointsman.domain.requests import RequestHead
from pointsman.domain.responses import Ending
from pointsman.extproc.dialects import Dialect
from pointsman.extproc.events import (
    BodyMode,
    Decide,
    Direct,
    Finish,
    Mutation,
    Phase,
    Proceed,
    ProtocolError,
    Refuse,
    RequestBody,
    RequestHeaders,
    RequestTrailers,
    ResponseBody,
    ResponseHeaders,
    ResponseTrailers,
    Seen,
    Started,
)
from pointsman.extproc.grammar import At, Part, following
from pointsman.extproc.replies import CONTENT_LENGTH, chunks, duplex_replies, streamed_replies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pointsman.extproc.events import Event, Opening, Output, Subset
    from pointsman.pipeline.decision import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """What one stream may hold.

    Attributes:
        request_body_bytes_max: larger bodies are answered with 413; 32 MiB fits any real prompt,
            images included.
        request_header_bytes_max: larger header messages are answered with 431; four times the
            60 KiB that Envoy itself allows by default.
        streamed_hold_bytes_max: body bytes of a STREAMED request that are held for a decision.
            Envoy stops sending when its buffer (1 MiB by default) is full of unanswered bytes, so
            waiting longer than this would wait for ever.
    """

    request_body_bytes_max: int = 32 * 2**20
    request_header_bytes_max: int = 256 * 2**10
    streamed_hold_bytes_max: int = 256 * 2**10


_HELD = frozenset({BodyMode.BUFFERED, BodyMode.BUFFERED_PARTIAL})
_REMOVED = frozenset(REMOVED_UPSTREAM)
_LET_GO_S_MAX = 0.05
"""An Envoy that sends us nothing of responses, not even headers, resets a full-duplex stream within
milliseconds of our last reply. Hardly a client gives up that soon."""


@unique
class _Plan(Enum):
    GATHER = "gather"
    RELAY = "relay"
    IGNORE = "ignore"


class Stream:
    """One stream. Not reusable; knows no clock, no gRPC and no director.

    Args:
        opening: what the first message said.
        dialect: how far the response is observed.
        limits: what may be held.
        new_request_id: makes the `x-request-id` of a request that has none.
    """

    __slots__ = (
        "_answers",
        "_asked",
        "_dialect",
        "_gathered_bytes",
        "_headers",
        "_holds_headers",
        "_is_silent",
        "_limits",
        "_made_request_id",
        "_mode",
        "_new_request_id",
        "_pieces",
        "_plan",
        "_request",
        "_response",
        "_response_mode",
        "_subset",
        "is_finished",
    )

    def __init__(
        self,
        opening: Opening,
        dialect: Dialect,
        *,
        limits: StreamLimits,
        new_request_id: Callable[[], str],
    ) -> None:
        self._mode = opening.request_body
        self._response_mode = opening.response_body
        self._is_silent = opening.is_observability
        self._holds_headers = self._mode is BodyMode.FULL_DUPLEX_STREAMED or (
            self._mode is BodyMode.STREAMED and opening.sends_body_early
        )
        self._dialect = dialect
        self._limits = limits
        self._new_request_id = new_request_id
        self._plan = _Plan.GATHER
        self._request = At.START
        self._response = At.START
        self._headers: Mapping[str, str] | None = None
        self._made_request_id = ""
        self._subset: Subset = None
        self._pieces: list[bytes] = []
        self._gathered_bytes = 0
        self._asked: Decide | None = None
        self._answers = Phase.REQUEST_HEADERS
        self.is_finished = False

    def __repr__(self) -> str:
        return (
            f"<Stream {self._mode.name}/{self._response_mode.name} {self._dialect}"
            f" request={self._request.name} response={self._response.name}"
            f" plan={self._plan.value} gathered={self._gathered_bytes}"
            f"{' finished' if self.is_finished else ''}>"
        )

    @property
    def has_response(self) -> bool:
        """Something of the response was seen."""
        return self._response is not At.START

    def receive(self, event: Event) -> list[Output]:
        """What to do about one message of the proxy.

        Raises:
            ProtocolError: this message cannot come here; end the stream with an error.
        """
        assert self._asked is None, "a decision is outstanding"
        if self.is_finished or self._is_silent:
            return []
        match event:
            case RequestHeaders():
                outputs = self._request_headers(event)
            case RequestBody():
                outputs = self._request_body(event)
            case RequestTrailers():
                outputs = self._request_trailers(event)
            case ResponseHeaders():
                outputs = self._response_headers(event)
            case ResponseBody():
                outputs = self._response_body(event)
            case ResponseTrailers():
                self._move_response(Part.TRAILERS)
                outputs = [Proceed(Phase.RESPONSE_TRAILERS), *self._response_over()]
        return outputs

    def decided(self, decision: Decision) -> list[Output]:
        """The director has chosen; its watch is the caller's to keep."""
        asked, self._asked = self._asked, None
        assert asked is not None, "nothing was asked"
        self._plan = _Plan.RELAY
        mutation = Mutation(
            decision.destination, self._set_headers(decision), self._remove_headers()
        )
        # A body that we have only partly seen cannot be replaced.
        replacement = None if asked.is_unread else decision.body
        has_trailers = self._answers is Phase.REQUEST_TRAILERS
        if not self._holds_headers or self._answers is Phase.REQUEST_HEADERS:
            outputs = [self._direct(mutation, replacement)]
        elif self._mode is BodyMode.FULL_DUPLEX_STREAMED:
            body = asked.body if replacement is None else replacement
            outputs = duplex_replies(mutation, body, has_trailers=has_trailers)
        else:
            outputs = streamed_replies(
                mutation, replacement, pieces=len(self._pieces), has_trailers=has_trailers
            )
        self._pieces = []
        return outputs + self._request_over()

    def refused(self, error: Exception) -> list[Output]:
        """The request is answered with an error instead; nothing follows.

        `Refuse` exists only in the request phase: Envoy takes no immediate response later.
        """
        self._asked = None
        if self._is_silent:
            return []
        assert self._response is At.START, "too late to refuse"
        self._pieces = []
        return [Refuse(error), *self._finish(Ending.REJECTED)]

    def ending(self, *, is_reset: bool, is_envoy: Callable[[], bool], age_s: float) -> Ending:
        """What it means that the proxy closed the stream, `age_s` after the decision.

        `is_envoy` is only asked where it matters, because asking gRPC takes time.

        Envoy closes when the HTTP exchange is over; others may half-close as soon as they have the
        decision (NGINX Gateway Fabric does). docs/envoy.md has what was seen.
        """
        if self._response >= At.CLOSED:
            return Ending.COMPLETE
        if self._response is At.START:
            lets_go = self._response_mode is BodyMode.NONE and age_s < _LET_GO_S_MAX
            wants_no_more = lets_go if is_envoy() else not is_reset
            return Ending.UNOBSERVED if wants_no_more else Ending.CLIENT_GONE
        # Without body messages, closing is how the end of the response is told.
        is_end = self._response_mode is BodyMode.NONE
        return Ending.COMPLETE if is_end else Ending.CLIENT_GONE

    # The request

    def _request_headers(self, event: RequestHeaders) -> list[Output]:
        self._move_request(Part.LAST_HEADERS if event.end_of_stream else Part.HEADERS)
        self._note_headers(event)
        if event.end_of_stream:
            return self._ask(Phase.REQUEST_HEADERS)
        if self._holds_headers:
            return []
        if self._mode in _HELD:
            return [Proceed(Phase.REQUEST_HEADERS)]
        return self._ask(Phase.REQUEST_HEADERS, is_unread=True)

    def _request_body(self, event: RequestBody) -> list[Output]:
        self._move_request(Part.LAST_BODY if event.end_of_stream else Part.BODY)
        if self._plan is not _Plan.GATHER:
            return self._pass_by(Phase.REQUEST_BODY)
        self._note_subset(event.subset)
        self._pieces.append(event.body)
        self._gathered_bytes += len(event.body)
        if self._gathered_bytes > self._limits.request_body_bytes_max:
            return self.refused(TooLargeError(limit_bytes=self._limits.request_body_bytes_max))
        if event.end_of_stream or self._mode is BodyMode.BUFFERED:
            return self._ask(Phase.REQUEST_BODY)
        if self._can_wait():
            return []
        return self._ask(Phase.REQUEST_BODY, is_unread=True)

    def _request_trailers(self, event: RequestTrailers) -> list[Output]:
        self._move_request(Part.TRAILERS)
        if self._plan is not _Plan.GATHER:
            return self._pass_by(Phase.REQUEST_TRAILERS)
        self._note_subset(event.subset)
        return self._ask(Phase.REQUEST_TRAILERS, is_unread=self._mode is BodyMode.NONE)

    def _pass_by(self, phase: Phase) -> list[Output]:
        if self._plan is _Plan.IGNORE and self._holds_headers:
            return self._request_over()  # its headers went unanswered, so nothing after them may
        return [Proceed(phase), *self._request_over()]

    def _can_wait(self) -> bool:
        if self._mode is BodyMode.STREAMED and self._holds_headers:
            return self._gathered_bytes <= self._limits.streamed_hold_bytes_max
        return self._mode is BodyMode.FULL_DUPLEX_STREAMED

    def _ask(self, answers: Phase, *, is_unread: bool = False) -> list[Output]:
        self._answers = answers
        headers = self._headers
        if headers is None:  # the proxy skips headers: the client's id, if any, cannot be known
            headers = {REQUEST_ID: self._new_request_id()}
        pieces = [piece for piece in self._pieces if piece]
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._asked = Decide(RequestHead(headers, self._subset), body, is_unread)
        return [self._asked]

    def _note_headers(self, event: RequestHeaders) -> None:
        self._headers = event.headers
        if not event.headers.get(REQUEST_ID):
            self._made_request_id = self._new_request_id()
            self._headers = {**event.headers, REQUEST_ID: self._made_request_id}
        self._note_subset(event.subset)

    def _note_subset(self, subset: Subset) -> None:
        if subset is not None:
            self._subset = subset

    # The decision

    def _set_headers(self, decision: Decision) -> tuple[tuple[str, str], ...]:
        if self._made_request_id:
            return ((REQUEST_ID, self._made_request_id), *decision.set_headers)
        return decision.set_headers

    def _remove_headers(self) -> tuple[str, ...]:
        if self._headers is None:
            return REMOVED_UPSTREAM
        if _REMOVED.isdisjoint(self._headers):
            return ()
        return tuple(name for name in REMOVED_UPSTREAM if name in self._headers)

    def _direct(self, mutation: Mutation, replacement: bytes | None) -> Output:
        if replacement is None or self._mode not in _HELD or not self._pieces:
            return Direct(self._answers, mutation)
        # Envoy refuses a new body whose length differs from the header that it holds.
        length = (CONTENT_LENGTH, str(len(replacement)))
        mutation = mutation._replace(set_headers=(*mutation.set_headers, length))
        return Direct(self._answers, mutation, replacement)

    def _request_over(self) -> list[Output]:
        if self._request < At.CLOSED:
            return []
        if self._response >= At.CLOSED:
            return self._finish(Ending.COMPLETE)
        # Before the response begins, and after every request message was answered, Envoy goes on
        # without us; later, it would lose the chunks that it has already sent us.
        if self._dialect is Dialect.EARLY_END and self._response is At.START:
            return self._finish(Ending.UNOBSERVED)
        return []

    def _finish(self, ending: Ending) -> list[Output]:
        self.is_finished = True
        return [Finish(ending)]

    # The response

    def _response_headers(self, event: ResponseHeaders) -> list[Output]:
        self._move_response(Part.LAST_HEADERS if event.end_of_stream else Part.HEADERS)
        outputs: list[Output] = [Proceed(Phase.RESPONSE_HEADERS)]
        if self._plan is _Plan.RELAY:
            outputs.append(Started(event.headers, event.served))
        return outputs + self._response_over()

    def _response_body(self, event: ResponseBody) -> list[Output]:
        self._move_response(Part.LAST_BODY if event.end_of_stream else Part.BODY)
        outputs: list[Output]
        if self._response_mode is BodyMode.FULL_DUPLEX_STREAMED:
            outputs = chunks(Phase.RESPONSE_BODY, event.body, ends=event.end_of_stream)
        else:
            outputs = [Proceed(Phase.RESPONSE_BODY)]
        if self._dialect is Dialect.OBSERVE and self._plan is _Plan.RELAY:
            outputs.append(Seen(event.body))
        return outputs + self._response_over()

    def _response_over(self) -> list[Output]:
        if self._response < At.CLOSED:
            return []
        if self._request is At.OPEN and self._mode is not BodyMode.NONE:
            return []  # an early response: the rest of the request has still to be answered
        return self._finish(Ending.COMPLETE)

    # Where the proxy is

    def _move_request(self, part: Part) -> None:
        if self._request is At.START and self._response is not At.START:
            raise ProtocolError("a request cannot begin after its response")
        self._request = following(self._request, part, mode=self._mode, direction="request")
        if self._headers is None and part >= Part.BODY:
            self._holds_headers = False  # the proxy skips headers: there is no reply to hold

    def _move_response(self, part: Part) -> None:
        self._response = following(
            self._response, part, mode=self._response_mode, direction="response"
        )
        if self._plan is _Plan.GATHER:
            self._plan = _Plan.IGNORE
            self._pieces = []

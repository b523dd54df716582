"""How far the response of one stream is observed.

A response chunk costs far more than a decision (docs/envoy.md), so chunks are looked at only where
something is learned from them. Pure: chance and the proxy's metadata are arguments.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import TYPE_CHECKING, TypeAlias

from pointsman.domain.protocol import OBSERVE_METADATA
from pointsman.extproc.events import BodyMode

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable

    from pointsman.extproc.events import Opening


@unique
class Dialect(StrEnum):
    """What we do with the response of one stream."""

    OBSERVE = "observe"
    """Answer every message and look into every chunk."""
    ECHO = "echo"
    """Answer every message and look only at headers and the end."""
    EARLY_END = "early-end"
    """End the stream with OK once the request phase is answered; Envoy goes on without us.

    Only when asked for: it races with the response. An engine that answers before Envoy has read
    our status, within about 2 ms, loses its body; with real prompts that is its quick errors.
    """
    HEADERS_ONLY = "headers-only"
    """The proxy does not send response bodies; headers and the end of the stream are all."""


@unique
class DialectFlag(StrEnum):
    """What an operator may force; `auto` is the only one that samples."""

    AUTO = "auto"
    OBSERVE = "observe"
    ECHO = "echo"
    EARLY_END = "early-end"


Metadata: TypeAlias = "Callable[[], Iterable[tuple[str, str | bytes]] | None]"
"""Asks gRPC what the proxy said when it opened the stream; only called where it matters."""


@unique
class Peer(StrEnum):
    """Who speaks to us."""

    ENVOY = "envoy"
    """Carries on with a request when we end the stream with OK."""
    OTHER = "other"
    """Unknown, or known (agentgateway) to fail a response whose stream has ended."""


def peer_of(metadata: Iterable[tuple[str, str | bytes]] | None) -> Peer:
    """Recognise the proxy by its gRPC request metadata.

    Envoy's own client sends `x-envoy-internal` and no `user-agent`; tonic (agentgateway) and
    grpc-go (NGINX Gateway Fabric) name themselves. Measured on Envoy 1.40, docs/envoy.md.
    """
    names = {name for name, _ in metadata or ()}
    is_envoy = "x-envoy-internal" in names and "user-agent" not in names
    return Peer.ENVOY if is_envoy else Peer.OTHER


class DialectChoice:
    """Chooses one dialect for each stream.

    Args:
        flag: what the operator forces; an early end is refused all the same where the proxy would
            fail every response.
        sample: share of streams in `auto` whose responses are fully observed, 0..1, unless the
            proxy has itself taken the sample (as our own Envoy configuration does).
        rng: chance.
    """

    def __init__(self, flag: DialectFlag, *, sample: float, rng: random.Random) -> None:
        if not 0 <= sample <= 1:
            raise ValueError(f"the observed share must be between 0 and 1, not {sample}")
        self._flag = flag
        self._sample = sample
        self._rng = rng

    def choose(self, opening: Opening, metadata: Metadata) -> Dialect:
        """The dialect of a stream."""
        if opening.response_body is BodyMode.NONE:
            return Dialect.HEADERS_ONLY
        match self._flag:
            case DialectFlag.OBSERVE:
                return Dialect.OBSERVE
            case DialectFlag.ECHO:
                return Dialect.ECHO
            case DialectFlag.EARLY_END:
                return Dialect.EARLY_END if _may_end(opening, metadata) else Dialect.ECHO
            case DialectFlag.AUTO:
                return self._sampled(metadata)

    def _sampled(self, metadata: Metadata) -> Dialect:
        is_observed = self._rng.random() < self._sample or any(
            name == OBSERVE_METADATA for name, _ in metadata() or ()
        )
        return Dialect.OBSERVE if is_observed else Dialect.ECHO


def _may_end(opening: Opening, metadata: Metadata) -> bool:
    # agentgateway fails a response whose stream is gone, and Envoy's other modes are unproven.
    is_duplex = opening.response_body is BodyMode.FULL_DUPLEX_STREAMED
    return is_duplex and peer_of(metadata()) is Peer.ENVOY

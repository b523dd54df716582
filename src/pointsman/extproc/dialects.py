"""How far the response of one stream is observed.

A response chunk costs far more than a decision (docs/envoy.md), so chunks are looked at only where
something is learned from them. Pure: chance and the peer's metadata are arguments.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import TYPE_CHECKING

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
    """End the stream with OK once the request phase is answered; Envoy goes on without us."""
    HEADERS_ONLY = "headers-only"
    """The proxy does not send response bodies; headers and the end of the stream are all."""


@unique
class DialectFlag(StrEnum):
    """What an operator may force; `auto` is the only one that samples."""

    AUTO = "auto"
    OBSERVE = "observe"
    ECHO = "echo"
    EARLY_END = "early-end"


@unique
class Peer(StrEnum):
    """Who speaks to us."""

    ENVOY = "envoy"
    """Carries on with a request when we end the stream with OK."""
    OTHER = "other"
    """Unknown, or known (agentgateway) to fail a response whose stream has ended."""


def peer_of(metadata: Iterable[tuple[str, str | bytes]]) -> Peer:
    """Recognise the proxy by its gRPC request metadata.

    Envoy's own client sends `x-envoy-internal` and no `user-agent`; tonic (agentgateway) and
    grpc-go (NGINX Gateway Fabric) name themselves. Measured on Envoy 1.40, docs/envoy.md.
    """
    names = {name for name, _ in metadata}
    is_envoy = "x-envoy-internal" in names and "user-agent" not in names
    return Peer.ENVOY if is_envoy else Peer.OTHER


class DialectChoice:
    """Chooses one dialect for each stream.

    Args:
        flag: what the operator forces; an early end is refused all the same where it is unsafe.
        sample: share of streams in `auto` whose responses are fully observed, 0..1. The default
            of the picker, 0.05, keeps learning token usage at a twentieth of the cost.
        rng: chance.
    """

    def __init__(self, flag: DialectFlag, *, sample: float, rng: random.Random) -> None:
        if not 0 <= sample <= 1:
            raise ValueError(f"the observed share must be between 0 and 1, not {sample}")
        self._flag = flag
        self._sample = sample
        self._rng = rng

    def choose(self, opening: Opening, peer: Callable[[], Peer]) -> Dialect:
        """The dialect of a stream; `peer` is only asked where the answer matters."""
        if opening.response_body is BodyMode.NONE:
            return Dialect.HEADERS_ONLY
        if self._flag is DialectFlag.OBSERVE:
            return Dialect.OBSERVE
        if self._flag is DialectFlag.ECHO:
            return Dialect.ECHO
        if self._flag is DialectFlag.AUTO and self._rng.random() < self._sample:
            return Dialect.OBSERVE
        return Dialect.EARLY_END if _can_end_early(opening, peer) else Dialect.ECHO


def _can_end_early(opening: Opening, peer: Callable[[], Peer]) -> bool:
    # Proven for Envoy in full duplex. agentgateway fails the response when the stream is gone.
    return opening.response_body is BodyMode.FULL_DUPLEX_STREAMED and peer() is Peer.ENVOY

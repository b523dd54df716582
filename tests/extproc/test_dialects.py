from __future__ import annotations

import random

import pytest

from extproc.support import ENVOY_METADATA
from pointsman.extproc.dialects import Dialect, DialectChoice, DialectFlag, Peer, peer_of
from pointsman.extproc.events import BodyMode, Opening

DUPLEX = Opening()
AGENTGATEWAY = (("user-agent", "tonic/0.14.2"), ("te", "trailers"))


def choose(
    flag: DialectFlag,
    opening: Opening = DUPLEX,
    metadata: tuple[tuple[str, str], ...] = ENVOY_METADATA,
    *,
    sample: float = 0.0,
) -> Dialect:
    choice = DialectChoice(flag, sample=sample, rng=random.Random(1))
    return choice.choose(opening, lambda: metadata)


@pytest.mark.parametrize(
    ("metadata", "peer"),
    [
        (ENVOY_METADATA, Peer.ENVOY),
        (AGENTGATEWAY, Peer.OTHER),
        ((*ENVOY_METADATA, ("user-agent", "tonic/0.14.2")), Peer.OTHER),
        ((("user-agent", "grpc-go/1.75.0"),), Peer.OTHER),
        ((), Peer.OTHER),
        (None, Peer.OTHER),
    ],
)
def test_only_a_proxy_that_looks_like_envoy_is_taken_for_it(
    metadata: tuple[tuple[str, str], ...] | None, peer: Peer
) -> None:
    assert peer_of(metadata) is peer


@pytest.mark.parametrize("metadata", [ENVOY_METADATA, AGENTGATEWAY, ()])
def test_nobody_is_left_early_unasked(metadata: tuple[tuple[str, str], ...]) -> None:
    """Even Envoy loses the body of an answer that is quicker than our status."""
    assert choose(DialectFlag.AUTO, metadata=metadata) is Dialect.ECHO


def test_an_early_end_can_be_forced_on_envoy_in_full_duplex() -> None:
    assert choose(DialectFlag.EARLY_END) is Dialect.EARLY_END


def test_an_early_end_is_refused_where_it_would_fail_every_response() -> None:
    assert choose(DialectFlag.EARLY_END, metadata=AGENTGATEWAY) is Dialect.ECHO
    for mode in (BodyMode.STREAMED, BodyMode.BUFFERED, BodyMode.BUFFERED_PARTIAL):
        assert choose(DialectFlag.EARLY_END, Opening(response_body=mode)) is Dialect.ECHO


def test_a_sample_that_the_proxy_has_taken_is_observed_whole() -> None:
    marked = (*ENVOY_METADATA, ("x-pointsman-observe", "true"))
    assert choose(DialectFlag.AUTO, metadata=marked) is Dialect.OBSERVE
    assert choose(DialectFlag.ECHO, metadata=marked) is Dialect.ECHO


@pytest.mark.parametrize("flag", list(DialectFlag))
def test_where_no_body_is_sent_there_is_nothing_to_choose(flag: DialectFlag) -> None:
    opening = Opening(response_body=BodyMode.NONE)
    assert choose(flag, opening, sample=1.0) is Dialect.HEADERS_ONLY


@pytest.mark.parametrize("flag", [DialectFlag.OBSERVE, DialectFlag.ECHO])
def test_a_forced_dialect_is_not_sampled(flag: DialectFlag) -> None:
    assert choose(flag, sample=1.0).value == flag.value
    assert choose(flag, sample=0.0).value == flag.value


def test_about_the_asked_share_is_observed() -> None:
    choice = DialectChoice(DialectFlag.AUTO, sample=0.05, rng=random.Random(7))
    observed = sum(
        choice.choose(DUPLEX, lambda: ENVOY_METADATA) is Dialect.OBSERVE for _ in range(4000)
    )
    assert 150 < observed < 250


@pytest.mark.parametrize("sample", [-0.1, 1.1])
def test_a_share_is_between_nothing_and_all(sample: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        DialectChoice(DialectFlag.AUTO, sample=sample, rng=random.Random(1))

"""Each dialect as Envoy's processing mode."""

from __future__ import annotations

import pytest

from pointsman.envoy.modes import observed_mode, processing_mode
from pointsman.envoy.settings import Dialect

BODIES = {
    Dialect.TRAILERS: ("FULL_DUPLEX_STREAMED", "NONE"),
    Dialect.FULL_DUPLEX: ("FULL_DUPLEX_STREAMED", "FULL_DUPLEX_STREAMED"),
    Dialect.BUFFERED: ("BUFFERED", "NONE"),
    Dialect.BUFFERED_PARTIAL: ("BUFFERED_PARTIAL", "NONE"),
    Dialect.STREAMED: ("STREAMED", "STREAMED"),
}


@pytest.mark.parametrize("dialect", Dialect)
def test_bodies_are_sent_as_the_dialect_says(dialect: Dialect) -> None:
    mode = processing_mode(dialect)
    assert (mode.request_body_mode.name, mode.response_body_mode.name) == BODIES[dialect]


@pytest.mark.parametrize("dialect", Dialect)
def test_headers_and_trailers_are_always_sent(dialect: Dialect) -> None:
    """Full duplex bodies need trailers; NONE needs them to tell when the response ends."""
    mode = processing_mode(dialect)
    assert {
        mode.request_header_mode.name,
        mode.request_trailer_mode.name,
        mode.response_header_mode.name,
        mode.response_trailer_mode.name,
    } == {"SEND"}


@pytest.mark.parametrize("dialect", Dialect)
def test_observing_changes_nothing_but_the_response_body(dialect: Dialect) -> None:
    mode, observed = processing_mode(dialect), observed_mode(dialect)
    if mode.response_body_mode.name != "NONE":
        assert observed is None
        return
    assert observed is not None
    assert observed.response_body_mode.name == "FULL_DUPLEX_STREAMED"
    observed.response_body_mode = mode.response_body_mode
    assert observed == mode

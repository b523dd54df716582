"""Routes: the sample, and what is retried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.endpoints import Address
from pointsman.envoy.routes import pool_routes, retry_policy, route_configuration
from pointsman.envoy.settings import Dialect, EnvoySettings, PickerSettings

ONE = (Address("10.0.0.1", 8000),)


def route_names(**chosen: object) -> list[str]:
    settings = EnvoySettings(ONE, **chosen)  # type: ignore[arg-type]  # fields of EnvoySettings
    return [route.name for route in pool_routes(settings)]


def test_a_sample_is_matched_before_everything() -> None:
    assert route_names() == ["observed", "everything"]


@pytest.mark.parametrize("dialect", [Dialect.FULL_DUPLEX, Dialect.STREAMED])
def test_there_is_no_sample_where_every_response_is_seen(dialect: Dialect) -> None:
    assert route_names(dialect=dialect) == ["everything"]


def test_there_is_no_sample_of_nothing() -> None:
    assert route_names(picker=PickerSettings(observed_share=0.0)) == ["everything"]
    assert route_names(picker=None) == ["everything"]


@given(st.floats(min_value=1e-6, max_value=1))
def test_a_share_is_kept_to_a_millionth(share: float) -> None:
    observed, _ = pool_routes(EnvoySettings(ONE, picker=PickerSettings(observed_share=share)))
    assert observed.match is not None
    assert observed.match.runtime_fraction is not None
    fraction = observed.match.runtime_fraction.default_value
    assert fraction is not None
    assert fraction.numerator == pytest.approx(share * 1_000_000, abs=0.5)


def test_no_route_has_a_timeout_that_ends_a_long_answer() -> None:
    for route in pool_routes(EnvoySettings(ONE)):
        assert route.route is not None
        assert route.route.timeout is not None
        assert route.route.timeout.total_seconds() == 0


def test_no_retries_means_no_policy() -> None:
    assert retry_policy(0) is None


def test_what_may_have_begun_to_answer_is_not_retried() -> None:
    policy = retry_policy(2)
    assert policy is not None
    assert "5xx" not in policy.retry_on
    assert policy.retriable_status_codes == [503]
    assert policy.num_retries == 2


def test_clients_learn_who_served_them_only_when_asked_for() -> None:
    [silent] = route_configuration(EnvoySettings(ONE)).virtual_hosts
    [telling] = route_configuration(EnvoySettings(ONE, served_by_header="x-by")).virtual_hosts
    assert silent.response_headers_to_add == []
    [option] = telling.response_headers_to_add
    assert option.header is not None
    assert option.header.key == "x-by"

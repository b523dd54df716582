"""What a user may choose, and that all mistakes are told at once."""

from __future__ import annotations

import pytest

from pointsman.domain.endpoints import Address
from pointsman.envoy.settings import Dialect, EnvoySettings, PickerSettings

ONE = (Address("10.0.0.1", 8000),)


def test_the_defaults_are_valid_and_speak_our_own_dialect() -> None:
    assert EnvoySettings(ONE).chosen_dialect is Dialect.TRAILERS


def test_failing_open_chooses_buffered_bodies() -> None:
    """Envoy cannot fail open once a piece of a full duplex body is out."""
    assert EnvoySettings(ONE, picker=PickerSettings(fail_open=True)).chosen_dialect is (
        Dialect.BUFFERED
    )


def test_a_named_dialect_is_kept_even_when_failing_open() -> None:
    settings = EnvoySettings(
        ONE, picker=PickerSettings(fail_open=True), dialect=Dialect.FULL_DUPLEX
    )
    assert settings.chosen_dialect is Dialect.FULL_DUPLEX


def test_all_problems_are_told_at_once() -> None:
    picker = PickerSettings(
        host="",
        port=0,
        has_tls=False,
        ca_file="ca.pem",
        observed_share=1.5,
        message_timeout_s=0,
        message_timeout_s_max=-1,
    )
    with pytest.raises(ValueError, match=r"endpoints is empty") as caught:
        EnvoySettings(
            (),
            listener=Address("localhost", 8081),
            admin=Address("0.0.0.0", 99999),
            picker=picker,
            body_bytes_max=0,
            retries_max=11,
            connect_timeout_s=0,
            stream_idle_timeout_s=-1,
            upstream_idle_timeout_s=0,
            connections_max=0,
        )
    assert len(str(caught.value).splitlines()) == 16


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1"])
def test_admin_may_listen_on_loopback(host: str) -> None:
    assert EnvoySettings(ONE, admin=Address(host, 0)).admin.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.9"])
def test_admin_may_not_listen_elsewhere(host: str) -> None:
    with pytest.raises(ValueError, match="is not on loopback"):
        EnvoySettings(ONE, admin=Address(host, 0))


def test_an_endpoint_may_be_named_once_only() -> None:
    with pytest.raises(ValueError, match=r"^endpoints has 10\.0\.0\.1:8000 more than once$"):
        EnvoySettings(ONE * 3)


@pytest.mark.parametrize(
    ("host", "has_dns_name"), [("10.0.0.1", False), ("fd00::1", False), ("picker.ns.svc", True)]
)
def test_a_picker_may_have_a_name_or_an_address(host: str, *, has_dns_name: bool) -> None:
    assert PickerSettings(host=host).has_dns_name is has_dns_name

from __future__ import annotations

import dataclasses

import pytest

from pointsman.apps.envoy_flags import EnvoyFlags
from pointsman.apps.errors import BadUsageError
from pointsman.apps.flags import decode, flags_of
from pointsman.domain.endpoints import Address
from pointsman.envoy.settings import Dialect, EnvoySettings, PickerSettings

ENDPOINTS = (Address("10.0.0.1", 8000), Address("10.0.0.2", 8000))
LISTED = "10.0.0.1:8000,10.0.0.2:8000"


def test_the_default_that_is_shown_is_the_default_that_holds() -> None:
    words_only = {"dialect"}
    shown = {
        field: each.default
        for field, each in flags_of(EnvoyFlags).items()
        if each.default and field not in words_only
    }
    assert decode(EnvoyFlags, shown | {"endpoints": LISTED}) == EnvoyFlags(endpoints=ENDPOINTS)


def test_what_nobody_says_is_envoys_own_default() -> None:
    assert EnvoyFlags().settings(ENDPOINTS) == EnvoySettings(endpoints=ENDPOINTS)


def test_what_is_said_arrives() -> None:
    flags = decode(
        EnvoyFlags,
        {
            "endpoints": LISTED,
            "listener": "0.0.0.0:80",
            "picker": "picker.inference.svc:9002",
            "has_tls": "false",
            "dialect": "buffered",
            "fail_open": "true",
        },
    )
    assert flags.settings(flags.endpoints) == EnvoySettings(
        endpoints=ENDPOINTS,
        listener=Address("0.0.0.0", 80),
        picker=PickerSettings(
            host="picker.inference.svc", port=9002, has_tls=False, fail_open=True
        ),
        dialect=Dialect.BUFFERED,
    )


def test_every_flag_reaches_the_settings() -> None:
    """A flag that is decoded and then forgotten would be worse than none."""
    changed = {
        "fallback": "round-robin",
        "has_http2_upstream": "true",
        "retries_max": "3",
        "connect_timeout_s": "3s",
        "listener": "127.0.0.1:1",
        "admin": "127.0.0.1:2",
        "body_bytes_max": "1MiB",
        "stream_idle_timeout_s": "5s",
        "served_by_header": "x-served-by",
        "picker": "127.0.0.1:3",
        "ca_file": "ca.pem",
        "server_name": "picker",
        "has_health_check": "true",
        "fail_open": "true",
        "message_timeout_s": "2s",
        "dialect": "streamed",
        "observed_share": "0.5",
        "access_log": "/dev/stdout",
    }
    before = EnvoyFlags().settings(ENDPOINTS)
    for field, text in changed.items():
        flags = decode(EnvoyFlags, {field: text, "endpoints": LISTED})
        assert flags.settings(ENDPOINTS) != before, field
    untried = {each.name for each in dataclasses.fields(EnvoyFlags)} - changed.keys()
    assert untried == {"endpoints", "endpoints_file", "has_tls", "text_format"}


def test_endpoints_come_from_one_place() -> None:
    with pytest.raises(BadUsageError, match="either --endpoints-file or --endpoints"):
        decode(EnvoyFlags, {})


@pytest.mark.parametrize("text", ["9002", ":9002", "picker:", "picker:0"])
def test_a_picker_is_a_host_and_a_port(text: str) -> None:
    with pytest.raises(BadUsageError, match="--picker: "):
        decode(EnvoyFlags, {"picker": text, "endpoints": LISTED})

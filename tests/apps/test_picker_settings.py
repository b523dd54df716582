from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from pointsman.apps import picker_settings
from pointsman.apps.errors import BadUsageError
from pointsman.apps.flags import decode, flags_of
from pointsman.apps.picker_settings import PickerSettings

APPS = Path(picker_settings.__file__).parent


@pytest.fixture
def endpoints(tmp_path: Path) -> str:
    file = tmp_path / "endpoints.yaml"
    file.write_text("endpoints: []")
    return str(file)


def problems(**texts: str) -> tuple[str, ...]:
    with pytest.raises(BadUsageError) as refused:
        decode(PickerSettings, texts)
    return refused.value.problems


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("grpc-port", "9002"),
        ("grpc-health-port", "9003"),
        ("metrics-port", "9090"),
        ("secure-serving", "true"),
        ("enable-cert-reload", "false"),
        ("health-checking", "false"),
        ("metrics-staleness-threshold", "2s"),
        ("disable-endpoint-subset-filter", "false"),
        ("drain-timeout", "30s"),
        ("model-server-metrics-https-insecure-skip-verify", "true"),
        ("v", "2"),
    ],
)
def test_flags_have_upstreams_defaults(name: str, default: str) -> None:
    shown = {each.name: each.default for each in flags_of(PickerSettings).values()}
    assert shown[name] == default


def test_the_default_that_is_shown_is_the_default_that_holds() -> None:
    """Decoding the shown default of every flag gives the settings that nobody touched."""
    words_only = {"model_server_metrics_port", "log_level", "log_format"}
    shown = {
        field: each.default
        for field, each in flags_of(PickerSettings).items()
        if each.default and field not in words_only
    }
    assert decode(PickerSettings, shown | {"config_text": "{}"}) == PickerSettings(config_text="{}")


def test_every_setting_has_a_reader() -> None:
    """A flag that is accepted and then forgotten belongs among those without effect."""
    read_here = {"log_level", "log_format", "zap_log_level", "zap_encoder", "verbosity"}
    only_checked = {"tls_min_version"}
    roots = [path for path in APPS.glob("picker*.py") if path.name != "picker_settings.py"]
    text = "\n".join(path.read_text() for path in roots)
    forgotten = {
        field.name
        for field in dataclasses.fields(PickerSettings)
        if not re.search(rf"\bsettings\.{field.name}\b", text)
    }
    assert forgotten == read_here | only_checked


def test_no_name_is_both_a_flag_and_ignored_or_refused() -> None:
    names = [each.name for each in flags_of(PickerSettings).values()]
    names += [
        *picker_settings.IGNORED_FLAGS,
        *picker_settings.IGNORED_SWITCHES,
        *picker_settings.REFUSED_FLAGS,
    ]
    assert len(names) == len(set(names))


def test_values_are_decoded_into_seconds_bytes_and_shares(endpoints: str) -> None:
    settings = decode(
        PickerSettings,
        {
            "endpoints_file": endpoints,
            "refresh_metrics_interval_s": "250ms",
            "drain_timeout_s": "1m30s",
            "grpc_receive_bytes_max": "10MiB",
            "observed_share": "10%",
        },
    )
    assert settings.refresh_metrics_interval_s == 0.25
    assert settings.drain_timeout_s == 90
    assert settings.grpc_receive_bytes_max == 10 * 1024**2
    assert settings.observed_share == pytest.approx(0.1)


def test_a_scrape_interval_below_upstreams_least_is_the_least(endpoints: str) -> None:
    texts = {"endpoints_file": endpoints, "refresh_metrics_interval_s": "1ms"}
    assert decode(PickerSettings, texts).refresh_metrics_interval_s == 0.05


def test_somewhere_endpoints_must_come_from() -> None:
    (problem,) = problems()
    assert problem.startswith("--endpoints-file: is needed")


def test_two_configurations_are_one_too_many(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.touch()
    assert problems(config_file=str(file), config_text="{}") == (
        "--config-file and --config-text exclude each other",
    )


def test_two_servers_cannot_share_a_port(endpoints: str) -> None:
    assert problems(endpoints_file=endpoints, grpc_port="9090") == (
        "--metrics-port: 9090 is already the port of --grpc-port",
    )
    decode(
        PickerSettings,
        {"endpoints_file": endpoints, "grpc_port": "0", "metrics_port": "0"},
    )


def test_reloading_needs_something_to_reload(endpoints: str) -> None:
    assert problems(endpoints_file=endpoints, enable_cert_reload="true") == (
        "--enable-cert-reload: needs --cert-path",
    )


def test_a_promise_that_the_library_cannot_keep_is_refused(endpoints: str) -> None:
    (problem,) = problems(endpoints_file=endpoints, tls_min_version="VersionTLS13")
    assert problem.startswith("--tls-min-version: refusing TLS 1.2")


@pytest.mark.parametrize(
    ("texts", "level"),
    [
        ({}, "info"),
        ({"verbosity": "3"}, "info"),
        ({"verbosity": "4"}, "debug"),
        ({"zap_log_level": "error", "verbosity": "5"}, "error"),
        ({"zap_log_level": "5"}, "debug"),
        ({"zap_log_level": "panic"}, "error"),
        ({"log_level": "warning", "zap_log_level": "debug"}, "warning"),
    ],
)
def test_upstreams_log_flags_mean_a_level_of_ours(texts: dict[str, str], level: str) -> None:
    assert decode(PickerSettings, texts | {"config_text": "{}"}).effective_log_level == level


@pytest.mark.parametrize(
    ("texts", "log_format"),
    [
        ({}, "text"),
        ({"zap_encoder": "json"}, "json"),
        ({"zap_encoder": "console"}, "text"),
        ({"zap_encoder": "json", "log_format": "text"}, "text"),
    ],
)
def test_upstreams_encoder_means_a_format_of_ours(texts: dict[str, str], log_format: str) -> None:
    assert decode(PickerSettings, texts | {"config_text": "{}"}).effective_log_format == log_format

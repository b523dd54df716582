"""Everything `pointsman picker` can be told, with upstream's flag names, defaults and meanings.

Names and defaults follow llm-d-router v0.10 and Gateway API Inference Extension v1.5. Where they
differ here, the meaning says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pointsman.apps.flags import (
    FlagSettings,
    existing_file,
    existing_folder,
    flag,
    one_of,
    optional,
    port,
    switch,
    whole_number,
)
from pointsman.lib.durations import parse_duration_s
from pointsman.lib.quantities import parse_bytes, parse_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ENDPOINTS = "Endpoints"
_SERVING = "Serving"
_POLICY = "Policy"
_SCRAPING = "Metrics of the model servers"
_LOGGING = "Logging"

_MIB = 1024 * 1024
_REFRESH_INTERVAL_S_MIN = 0.05
"""Upstream's least scrape interval; it clamps shorter ones, and so do we."""
_DEBUG_VERBOSITY = 4
"""Upstream's `-v`: 2 is the default, 3 verbose, 4 debug, 5 trace."""


def _interval_s(text: str) -> float | None:
    """`auto` as None, or a duration, clamped as upstream clamps it."""
    if text == "auto":
        return None
    seconds = parse_duration_s(text)
    if seconds == 0:
        raise ValueError("0 would never scrape; write auto, or a duration such as 250ms")
    return max(seconds, _REFRESH_INTERVAL_S_MIN)


def _verbosity(text: str) -> int:
    return whole_number(text, least=0, most=10)


def _zap_level(text: str) -> str:
    """A level of upstream's logging library as one of ours."""
    if text.isdigit() and int(text) > 0:
        return "debug" if int(text) >= _DEBUG_VERBOSITY else "info"
    return one_of("debug", "info", "error", "panic")(text)


def _log_format_of_encoder(text: str) -> str:
    return {"json": "json", "console": "text"}[one_of("json", "console")(text)]


def _positive_duration_s(text: str) -> float:
    seconds = parse_duration_s(text)
    if seconds == 0:
        raise ValueError("it must be longer than 0")
    return seconds


def _tls_version(text: str) -> str:
    """The gRPC library speaks TLS 1.2 and 1.3 and cannot be told to refuse 1.2."""
    if text == "VersionTLS13":
        raise ValueError("refusing TLS 1.2 is not possible here; leave it out or use VersionTLS12")
    return one_of("VersionTLS10", "VersionTLS11", "VersionTLS12")(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class PickerSettings(FlagSettings):
    """The flags of `pointsman picker`, decoded; None where a flag was not given and has no default.

    Times are seconds, sizes bytes, shares 0..1. `problems` holds what must be true across flags.
    """

    endpoints_file: Path | None = flag(
        "endpoints-file",
        None,
        parse=existing_file,
        meaning="YAML or JSON list of model servers, in upstream's format; read again when it"
        " changes.",
        group=_ENDPOINTS,
    )
    disable_endpoint_subset_filter: bool = flag(
        "disable-endpoint-subset-filter",
        False,
        parse=switch,
        meaning="Ignore the subset of endpoints that the proxy asks for.",
        group=_ENDPOINTS,
    )

    grpc_port: int = flag(
        "grpc-port",
        9002,
        parse=port,
        meaning="Port of the ext_proc server.",
        group=_SERVING,
    )
    grpc_health_port: int = flag(
        "grpc-health-port",
        9003,
        parse=port,
        meaning="Port of the gRPC health server, plaintext.",
        group=_SERVING,
    )
    metrics_port: int = flag(
        "metrics-port",
        9090,
        parse=port,
        meaning="Port of /metrics, /healthz, /readyz and /debug, plain HTTP.",
        group=_SERVING,
    )
    secure_serving: bool = flag(
        "secure-serving",
        True,
        parse=switch,
        meaning="TLS on the ext_proc port; --secure-serving=false serves plaintext.",
        group=_SERVING,
    )
    cert_path: Path | None = flag(
        "cert-path",
        None,
        parse=optional(existing_folder),
        meaning="Folder with tls.crt and tls.key; a self-signed certificate without it.",
        group=_SERVING,
    )
    enable_cert_reload: bool = flag(
        "enable-cert-reload",
        False,
        parse=switch,
        meaning="Read the certificate again when its files change.",
        group=_SERVING,
    )
    tls_min_version: str | None = flag(
        "tls-min-version",
        None,
        parse=_tls_version,
        meaning="VersionTLS10, 11 or 12, accepted as upstream's; TLS 1.2 is always the least.",
        group=_SERVING,
    )
    health_checking: bool = flag(
        "health-checking",
        False,
        parse=switch,
        meaning="Answer gRPC health checks on the ext_proc port too.",
        group=_SERVING,
    )
    drain_timeout_s: float = flag(
        "drain-timeout",
        30.0,
        parse=parse_duration_s,
        shown="30s",
        meaning="How long after SIGTERM streams may still start and end.",
        group=_SERVING,
    )
    grpc_receive_bytes_max: int | None = flag(
        "grpc-max-recv-msg-size",
        None,
        parse=parse_bytes,
        meaning="Largest gRPC message accepted, such as 10MiB.",
        group=_SERVING,
    )
    grpc_send_bytes_max: int | None = flag(
        "grpc-max-send-msg-size",
        None,
        parse=parse_bytes,
        meaning="Largest gRPC message sent, such as 10MiB.",
        group=_SERVING,
    )
    request_body_bytes_max: int = flag(
        "request-body-bytes-max",
        32 * _MIB,
        parse=parse_bytes,
        shown="32MiB",
        meaning="Larger request bodies are answered with 413.",
        group=_SERVING,
    )

    config_file: Path | None = flag(
        "config-file",
        None,
        parse=optional(existing_file),
        meaning="EndpointPickerConfig document; the token-cost policy without one.",
        group=_POLICY,
    )
    config_text: str | None = flag(
        "config-text",
        None,
        parse=optional(str),
        meaning="The same document, given in place.",
        group=_POLICY,
    )
    plugin_dir: Path | None = flag(
        "plugin-dir",
        None,
        parse=existing_folder,
        meaning="Folder with your own plugins, one Python file each.",
        group=_POLICY,
    )
    response_observation: str = flag(
        "response-observation",
        "auto",
        parse=one_of("auto", "observe", "echo", "early-end"),
        meaning="What to do with response bodies that the proxy sends: auto reads a sample and"
        " passes the rest on; observe reads all; echo passes all on unread; early-end leaves the"
        " stream after the pick, which can lose the body of an answer that comes at once.",
        group=_POLICY,
    )
    observed_share: float = flag(
        "observed-share",
        0.05,
        parse=parse_share,
        shown="5%",
        meaning="Share of responses that auto reads to learn token counts and latencies.",
        group=_POLICY,
    )
    prefix_index_bytes_max: int = flag(
        "prefix-index-bytes-max",
        64 * _MIB,
        parse=parse_bytes,
        shown="64MiB",
        meaning="Memory for remembering which endpoint has which prompt prefix cached.",
        group=_POLICY,
    )
    seed: int | None = flag(
        "seed",
        None,
        parse=lambda text: whole_number(text, least=0, most=2**63),
        meaning="Seed of random ties and samples, to repeat a run.",
        group=_POLICY,
    )

    refresh_metrics_interval_s: float | None = flag(
        "refresh-metrics-interval",
        None,
        parse=_interval_s,
        shown="auto",
        meaning="Time between scrapes of an endpoint, such as 250ms; auto scrapes busy endpoints"
        " often and idle ones seldom. Upstream's default is 50ms, which is also the least.",
        group=_SCRAPING,
    )
    metrics_staleness_threshold_s: float = flag(
        "metrics-staleness-threshold",
        2.0,
        parse=_positive_duration_s,
        shown="2s",
        meaning="Age at which an endpoint's metrics are no longer believed.",
        group=_SCRAPING,
    )
    model_server_metrics_scheme: str = flag(
        "model-server-metrics-scheme",
        "http",
        parse=one_of("http", "https"),
        meaning="http or https.",
        group=_SCRAPING,
    )
    model_server_metrics_path: str = flag(
        "model-server-metrics-path",
        "/metrics",
        parse=str,
        meaning="Path of the metrics.",
        group=_SCRAPING,
    )
    model_server_metrics_port: int = flag(
        "model-server-metrics-port",
        0,
        parse=port,
        shown="the endpoint's",
        meaning="Port of the metrics.",
        group=_SCRAPING,
    )
    model_server_metrics_skip_verify: bool = flag(
        "model-server-metrics-https-insecure-skip-verify",
        True,
        parse=switch,
        meaning="Accept any certificate of a model server.",
        group=_SCRAPING,
    )

    log_level: str | None = flag(
        "log-level",
        None,
        parse=one_of("debug", "info", "warning", "error"),
        shown="info",
        meaning="The least severe messages to write.",
        group=_LOGGING,
    )
    log_format: str | None = flag(
        "log-format",
        None,
        parse=one_of("text", "json"),
        shown="text",
        meaning="One line of words and key=value, or one JSON object per line.",
        group=_LOGGING,
    )
    zap_log_level: str | None = flag(
        "zap-log-level",
        None,
        parse=_zap_level,
        meaning="Upstream's name for --log-level: debug, info, error, panic, or a verbosity.",
        group=_LOGGING,
    )
    zap_encoder: str | None = flag(
        "zap-encoder",
        None,
        parse=_log_format_of_encoder,
        meaning="Upstream's name for --log-format: json or console.",
        group=_LOGGING,
    )
    verbosity: int = flag(
        "v",
        2,
        parse=_verbosity,
        meaning="Upstream's verbosity: 4 and more is --log-level debug.",
        group=_LOGGING,
    )

    @property
    def effective_log_level(self) -> str:
        """Our own flag, else upstream's, else upstream's verbosity."""
        upstream = "error" if self.zap_log_level == "panic" else self.zap_log_level
        by_verbosity = "debug" if self.verbosity >= _DEBUG_VERBOSITY else "info"
        return self.log_level or upstream or by_verbosity

    @property
    def effective_log_format(self) -> str:
        """Our own flag, else upstream's."""
        return self.log_format or self.zap_encoder or "text"

    def problems(self) -> Iterator[str]:
        """What is wrong although each flag is right."""
        if self.config_file is not None and self.config_text is not None:
            yield "--config-file and --config-text exclude each other"
        if self.endpoints_file is None and self.config_file is None and self.config_text is None:
            yield (
                "--endpoints-file: is needed, unless a configuration says where endpoints come"
                " from (discovery in Kubernetes is not in this version)"
            )
        if self.enable_cert_reload and self.cert_path is None:
            yield "--enable-cert-reload: needs --cert-path"
        if not self.model_server_metrics_path.startswith("/"):
            yield "--model-server-metrics-path: must start with /"
        yield from _shared_ports(self)


def _shared_ports(settings: PickerSettings) -> Iterator[str]:
    taken: dict[int, str] = {}
    for name, number in (
        ("--grpc-port", settings.grpc_port),
        ("--grpc-health-port", settings.grpc_health_port),
        ("--metrics-port", settings.metrics_port),
    ):
        if number and number in taken:
            yield f"{name}: {number} is already the port of {taken[number]}"
        taken.setdefault(number, name)


_IN_KUBERNETES = "it applies in Kubernetes, which is not in this version"
_NO_TRACES = "this version writes no traces"

IGNORED_SWITCHES: Mapping[str, str] = MappingProxyType(
    {
        "ha-enable-leader-election": _IN_KUBERNETES,
        "emit-endpoint-scores": "scores are not sent to the proxy in this version",
        "metrics-endpoint-auth": "it applies in Kubernetes; /metrics is served without"
        " authentication here, as upstream serves it outside Kubernetes",
        "enable-pprof": "Go's profiler has no counterpart in this process",
        "tracing": _NO_TRACES,
        "enable-grpc-stream-metrics": "streams are always counted",
        "allow-experimental-plugins": "no plugin here is behind this gate",
        "zap-devel": "use --log-level and --log-format",
    }
)
"""Upstream's true/false flags that are accepted and do nothing, each with the reason."""

IGNORED_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "pool-name": _IN_KUBERNETES,
        "pool-namespace": _IN_KUBERNETES,
        "pool-group": _IN_KUBERNETES,
        "endpoint-selector": _IN_KUBERNETES,
        "endpoint-target-ports": _IN_KUBERNETES,
        "kubeconfig": _IN_KUBERNETES,
        "refresh-prometheus-metrics-interval": "metrics are computed when they are asked for",
        "tls-cipher-suites": "the gRPC library's own list is used",
        "metrics-cert-dir": "/metrics is plain HTTP outside Kubernetes, as upstream's is",
        "metrics-client-ca-file": "/metrics is plain HTTP outside Kubernetes, as upstream's is",
        "zap-stacktrace-level": "stack traces are written for our own bugs only",
        "zap-time-encoding": "times are always ISO 8601",
    }
)
"""Upstream's flags with a value that are accepted and do nothing, each with the reason."""

_ENGINE_HINT = "set engineConfigs of core-metrics-extractor in the configuration instead"

REFUSED_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "total-queued-requests-metric": _ENGINE_HINT,
        "total-running-requests-metric": _ENGINE_HINT,
        "kv-cache-usage-percentage-metric": _ENGINE_HINT,
        "lora-info-metric": _ENGINE_HINT,
        "cache-info-metric": _ENGINE_HINT,
    }
)
"""Flags that upstream refuses too, each with what to do."""

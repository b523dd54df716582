from __future__ import annotations

import pytest

from config_documents import plan_of, problems_of, warnings_of
from pointsman.config.declared.discovery import FileDiscoveryConfig
from pointsman.config.declared.sources import CoreMetricsConfig, MetricsSourceConfig
from pointsman.config.layers import NO_EFFECT_YET
from pointsman.config.plan import ScrapePlan

SOURCES = """
plugins:
- {type: metrics-data-source, name: source, parameters: {path: /m, scheme: https, interval: 2s}}
- {type: core-metrics-extractor, name: extractor, parameters: {defaultEngine: sglang}}
- {type: endpoint-notification-source}
- {type: file-discovery, name: file, parameters: {path: /etc/endpoints.yaml, watchFile: true}}
- {type: queue-scorer}
"""


def test_metrics_are_scraped_by_default() -> None:
    assert plan_of("").scrape == ScrapePlan(MetricsSourceConfig(), CoreMetricsConfig())


def test_a_listed_source_says_how() -> None:
    text = SOURCES + (
        "dataLayer:\n"
        "  sources:\n"
        "  - {pluginRef: endpoint-notification-source}\n"
        "  - {pluginRef: source, extractors: [{pluginRef: extractor}]}\n"
    )
    scrape = plan_of(text).scrape
    assert scrape is not None
    assert (scrape.source.path, scrape.source.scheme, scrape.source.interval_s) == (
        "/m",
        "https",
        2,
    )
    assert scrape.extractor.default_engine == "sglang"


def test_a_source_of_the_default_name_need_not_be_listed() -> None:
    """As the field's own charts write it."""
    text = (
        "plugins: [{type: metrics-data-source, parameters: {path: /m}},"
        " {type: core-metrics-extractor, parameters: {defaultEngine: triton}}]"
    )
    scrape = plan_of(text).scrape
    assert scrape is not None
    assert (scrape.source.path, scrape.extractor.default_engine) == ("/m", "triton")


def test_nothing_is_scraped_when_defaults_are_refused_and_no_source_is_listed() -> None:
    text = "dataLayer: {injectDefaults: false}"
    assert plan_of(text).scrape is None
    assert "nothing is scraped" in warnings_of(text)["dataLayer.injectDefaults"]


def test_the_old_name_of_the_data_layer_is_read_with_a_warning() -> None:
    text = SOURCES + "data: {sources: [{pluginRef: source}]}"
    scrape = plan_of(text).scrape
    assert scrape is not None
    assert scrape.source.path == "/m"
    assert warnings_of(text) == {"data": "deprecated; use dataLayer"}
    assert "data" in problems_of(text + "\ndataLayer: {}")


def references(*names: str) -> str:
    return ", ".join(f"{{pluginRef: {name}}}" for name in names)


@pytest.mark.parametrize(
    ("names", "path", "complaint"),
    [
        (["queue-scorer"], "sources[0].pluginRef", "is of kind scorer, not source"),
        (["sauce"], "sources[0].pluginRef", "did you mean 'source'?"),
        (["source", "source"], "sources[1]", "only one"),
    ],
)
def test_wrong_sources_are_problems(names: list[str], path: str, complaint: str) -> None:
    problems = problems_of(SOURCES + f"dataLayer: {{sources: [{references(*names)}]}}")
    assert complaint in problems[f"dataLayer.{path}"]


@pytest.mark.parametrize(
    ("names", "position", "complaint"),
    [
        (["source"], 0, "is of kind source, not extractor"),
        (["extractor", "extractor"], 1, "has one core-metrics-extractor"),
    ],
)
def test_wrong_extractors_are_problems(names: list[str], position: int, complaint: str) -> None:
    source = f"{{pluginRef: source, extractors: [{references(*names)}]}}"
    problems = problems_of(SOURCES + f"dataLayer: {{sources: [{source}]}}")
    path = f"dataLayer.sources[0].extractors[{position}].pluginRef"
    assert complaint in problems[path]


def test_a_wrong_discovery_is_a_problem() -> None:
    problems = problems_of(SOURCES + "dataLayer: {discovery: {pluginRef: source}}")
    complaint = "'source' is of kind source, not discovery"
    assert problems == {"dataLayer.discovery.pluginRef": complaint}


def test_endpoints_can_come_from_a_file() -> None:
    text = SOURCES + "dataLayer: {discovery: {pluginRef: file}}"
    assert plan_of(text).discovery == FileDiscoveryConfig(
        path="/etc/endpoints.yaml", watch_file=True
    )
    assert plan_of(SOURCES).discovery is None


def test_replication_is_accepted_without_effect() -> None:
    text = (
        "dataLayer: {peerDiscovery: {pluginRef: p}, crossReplicaSyncerPluginRef: s,"
        " crossReplicaSyncInterval: 200ms}"
    )
    assert warnings_of(text).keys() == {
        "dataLayer.peerDiscovery",
        "dataLayer.crossReplicaSyncerPluginRef",
        "dataLayer.crossReplicaSyncInterval",
    }


NAMED_PARSERS = """
plugins: [{type: anthropic-parser, name: claude}]
requestHandler: {parsers: [{pluginRef: claude}, {pluginRef: openai-parser}]}
"""
OLD_AND_NEW_PARSERS = """
parser: {pluginRef: openai-parser}
requestHandler: {parsers: [{pluginRef: passthrough-parser}]}
"""
DEFAULT_PARSERS = ("openai-parser", "anthropic-parser", "vllmhttp-parser", "passthrough-parser")


@pytest.mark.parametrize(
    ("text", "parsers"),
    [
        ("", DEFAULT_PARSERS),
        ("requestHandler: {}", DEFAULT_PARSERS),
        ("requestHandler: {parsers: [{pluginRef: passthrough-parser}]}", ("passthrough-parser",)),
        (
            NAMED_PARSERS,
            ("anthropic-parser", "openai-parser"),
        ),
        ("parser: {pluginRef: openai-parser}", ("openai-parser",)),
        (
            OLD_AND_NEW_PARSERS,
            ("passthrough-parser",),
        ),
        (
            "requestHandler: {parsers: [{pluginRef: openai-parser}, {pluginRef: openai-parser}]}",
            ("openai-parser",),
        ),
    ],
)
def test_parsers_are_those_listed_in_their_order(text: str, parsers: tuple[str, ...]) -> None:
    assert plan_of(text).parsers == parsers


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("sglanghttp-parser", "known upstream, not available in Pointsman yet (available: anth"),
        ("opnai-parser", "unknown plugin 'opnai-parser'"),
        ("queue-scorer", "is of kind scorer, not parser"),
    ],
)
def test_a_parser_that_does_not_exist_is_a_problem(name: str, complaint: str) -> None:
    text = SOURCES + f"requestHandler: {{parsers: [{{pluginRef: {name}}}]}}"
    assert complaint in problems_of(text)["requestHandler.parsers[0].pluginRef"]


def test_feature_gates_are_read_as_go_reads_them() -> None:
    text = "featureGates: [flowControl, ' haPopulateNonLeaderDatastore = False ', dataLayer]"
    assert plan_of(text).feature_gates == {
        "flowControl": True,
        "haPopulateNonLeaderDatastore": False,
    }
    assert warnings_of(text).keys() == {"featureGates[0]", "featureGates[1]", "featureGates[2]"}
    problems = problems_of("featureGates: [nope, flowControl=maybe]")
    assert problems["featureGates[0]"].startswith("unknown feature gate 'nope' (allowed: flowC")
    assert problems["featureGates[1]"] == "'maybe' is neither true nor false"


FLOW = """
plugins:
- {type: round-robin-fairness-policy, name: rr}
- {type: concurrency-detector, parameters: {concurrencyMode: hybrid, maxConcurrency: 132}}
- {type: queue-scorer}
flowControl:
  maxBytes: 10Gi
  maxRequests: 1k
  defaultRequestTTL: 60s
  noEndpointRequestTTL: 0s
  saturationDetector: {pluginRef: concurrency-detector}
  usageLimitPolicyPluginRef: static-usage-limit-policy
  enableEviction: true
  defaultPriorityBand: {maxRequests: 5}
  defaultNegativePriorityBand: {orderingPolicyRef: fcfs-ordering-policy}
  priorityBands:
  - {priority: 100, maxRequests: 500, fairnessPolicyRef: rr}
  - {priority: -10}
"""


def test_flow_control_is_typed_and_without_effect() -> None:
    flow = plan_of(FLOW).flow_control
    assert flow is not None
    assert (flow.max_bytes, flow.max_requests) == (10 << 30, 1_000)
    assert (flow.default_request_ttl_s, flow.no_endpoint_request_ttl_s) == (60, 0)
    assert [band.priority for band in flow.priority_bands] == [100, -10]
    warnings = warnings_of(FLOW)
    assert warnings["flowControl"] == NO_EFFECT_YET
    assert warnings["plugins[0].parameters"] == NO_EFFECT_YET


def test_flow_control_is_checked_all_the_same() -> None:
    text = (
        "plugins: [{type: queue-scorer}]\n"
        "flowControl:\n"
        "  maxBytes: -1\n"
        "  defaultRequestTTL: 60\n"
        "  saturationDetector: {pluginRef: queue-scorer}\n"
        "  usageLimitPolicyPluginRef: nobody\n"
        "  priorityBands:\n"
        "  - {priority: 1, fairnessPolicyRef: fcfs-ordering-policies}\n"
        "  - {priority: 1}\n"
        "  - {maxBytes: 1}\n"
    )
    assert problems_of(text).keys() == {
        "flowControl.maxBytes",
        "flowControl.defaultRequestTTL",
        "flowControl.saturationDetector.pluginRef",
        "flowControl.usageLimitPolicyPluginRef",
        "flowControl.priorityBands[0].fairnessPolicyRef",
        "flowControl.priorityBands[1].priority",
        "flowControl.priorityBands[2].priority",
    }


def test_the_old_saturation_detector_is_moved_with_a_warning() -> None:
    text = (
        "plugins: [{type: utilization-detector}]\n"
        "saturationDetector: {pluginRef: utilization-detector}\n"
    )
    flow = plan_of(text).flow_control
    assert flow is not None
    assert flow.saturation_detector is not None
    assert flow.saturation_detector.plugin_ref == "utilization-detector"
    assert "deprecated" in warnings_of(text)["saturationDetector"]
    older = "saturationDetector: {queueDepthThreshold: 5, metricsStalenessThreshold: 200ms}"
    assert plan_of(older).flow_control is None
    assert "deprecated" in warnings_of(older)["saturationDetector"]


def test_the_new_saturation_detector_wins_over_the_old_one() -> None:
    flow = plan_of(FLOW + "saturationDetector: {pluginRef: utilization-detector}").flow_control
    assert flow is not None
    assert flow.saturation_detector is not None
    assert flow.saturation_detector.plugin_ref == "concurrency-detector"

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config_documents import BUILT_IN, HEAD, plan_of
from pointsman.config.findings import ConfigError
from pointsman.config.load import load_plan

UPSTREAM_DEFAULT = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {type: queue-scorer}
- {type: kv-cache-utilization-scorer}
- {type: prefix-cache-scorer}
- {type: metrics-data-source}
- {type: core-metrics-extractor}
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 2}
  - {pluginRef: kv-cache-utilization-scorer, weight: 2}
  - {pluginRef: prefix-cache-scorer, weight: 3}
dataLayer:
  sources:
  - pluginRef: metrics-data-source
    extractors: [{pluginRef: core-metrics-extractor}]
"""

DECODE_ONLY = """
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: prefix-cache-scorer
- type: decode-filter
- type: max-score-picker
- type: single-profile-handler
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: decode-filter
  - pluginRef: max-score-picker
  - pluginRef: prefix-cache-scorer
    weight: 2
"""

FILE_MODE = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- name: endpoints
  type: file-discovery
  parameters: {path: /etc/epp/endpoints.yaml, watchFile: true}
- {name: max-score-picker, type: max-score-picker}
- {name: single-profile-handler, type: single-profile-handler}
- {name: metrics-source, type: metrics-data-source}
- {name: metrics-extractor, type: core-metrics-extractor}
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: max-score-picker
  - pluginRef: single-profile-handler
dataLayer:
  injectDefaults: false
  discovery: {pluginRef: endpoints}
  sources:
  - pluginRef: metrics-source
    extractors:
    - pluginRef: metrics-extractor
"""

CHART_DEFAULT = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: prefix-cache-scorer
- type: metrics-data-source
  parameters:
    scheme: "http"
    path: "/metrics"
    insecureSkipVerify: true
- type: core-metrics-extractor
  parameters:
    defaultEngine: "sglang"
- type: passthrough-parser
schedulingProfiles:
- name: default
  plugins:
  - pluginRef: queue-scorer
    weight: 2
  - pluginRef: kv-cache-utilization-scorer
    weight: 2
  - pluginRef: prefix-cache-scorer
    weight: 3
requestHandler:
  parsers:
  - pluginRef: passthrough-parser
"""

RANDOM_ONLY = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins: [{type: random-picker}]
schedulingProfiles:
- name: default
  plugins: [{pluginRef: random-picker}]
"""

SAMPLES = {
    "upstream's default": UPSTREAM_DEFAULT,
    "decode only, old group": DECODE_ONLY,
    "endpoints from a file": FILE_MODE,
    "what the chart renders": CHART_DEFAULT,
    "random": RANDOM_ONLY,
}


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_documents_of_the_field_are_accepted_unchanged(text: str) -> None:
    plan = load_plan(text, BUILT_IN)
    assert plan.profiles[0].name == "default"


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_json_means_the_same_as_yaml(text: str) -> None:
    as_json = load_plan(json.dumps(yaml.safe_load(text), indent="\t"), BUILT_IN)
    as_yaml = load_plan(text, BUILT_IN)
    assert as_json.profiles == as_yaml.profiles
    assert as_json.producers == as_yaml.producers
    assert (as_json.scrape, as_json.discovery) == (as_yaml.scrape, as_yaml.discovery)


def test_upstreams_default_is_its_weighted_blend() -> None:
    plan = load_plan(UPSTREAM_DEFAULT, BUILT_IN)
    [profile] = plan.profiles
    assert [(one.name, weight) for one, weight in profile.scorers] == [
        ("queue-scorer", 2.0),
        ("kv-cache-utilization-scorer", 2.0),
        ("prefix-cache-scorer", 3.0),
    ]
    assert profile.picker.name == "max-score-picker"
    assert [producer.name for producer in plan.producers] == ["approx-prefix-cache-producer"]
    assert plan.warnings == ()


def test_the_old_group_is_deprecated() -> None:
    warnings = load_plan(DECODE_ONLY, BUILT_IN).warnings
    assert [str(warning) for warning in warnings] == [
        "apiVersion: deprecated; use llm-d.ai/v1alpha1 (line 2)"
    ]


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "{}", "---\n"])
def test_nothing_means_the_default_policy(text: str | None) -> None:
    plan = load_plan(text, BUILT_IN)
    assert plan == plan_of("")
    assert [one.name for one, _ in plan.profiles[0].scorers] == ["token-cost-scorer"]


def complaints(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_plan(text, BUILT_IN)
    return [str(problem) for problem in caught.value.problems]


def test_version_and_kind_are_required_and_checked() -> None:
    assert complaints("plugins: []") == [
        "apiVersion: is required: llm-d.ai/v1alpha1",
        "kind: is required: EndpointPickerConfig",
    ]
    group = "inference.networking.x-k8s.io/v1alpha1"
    assert complaints("apiVersion: v1\nkind: Pod\n") == [
        f"apiVersion: must be 'llm-d.ai/v1alpha1' or '{group}', not \"v1\" (line 1)",
        "kind: must be 'EndpointPickerConfig', not \"Pod\" (line 2)",
    ]


@pytest.mark.parametrize("text", ["[]", "hello", "- a\n- b\n", "5"])
def test_a_document_that_is_no_mapping_is_refused(text: str) -> None:
    assert complaints(text) == ["the document must be a mapping of keys to values (line 1)"]


def test_everything_that_is_wrong_is_said_at_once_with_its_line() -> None:
    text = HEAD + (
        "plugins:\n"
        "- type: queue-scorer\n"
        "  type: queue-scorer\n"
        "- type: load-aware-scorer\n"
        "  parameters: {threshold: none}\n"
        "- name: no-type\n"
        "- type: random-picker\n"
        "  paramters: {}\n"
        "schedulingProfiles:\n"
        "- name: default\n"
        "  plugins:\n"
        "  - pluginRef: queue-scorer\n"
        "    weight: .nan\n"
        "  - pluginRef: no-type\n"
        "  - pluginRef: nobody\n"
        "flowControl:\n"
        "  maxBytes: many\n"
    )
    assert [complaint.partition(":")[0] for complaint in complaints(text)] == [
        "plugins[0].type",
        "plugins[1].parameters.threshold",
        "plugins[2].type",
        "plugins[3].paramters",
        "schedulingProfiles[0].plugins[0].weight",
        "schedulingProfiles[0].plugins[2].pluginRef",
        "flowControl.maxBytes",
    ]
    assert [complaint.rpartition("(line ")[2] for complaint in complaints(text)] == [
        "5)", "7)", "8)", "10)", "15)", "17)", "19)",
    ]  # fmt: skip


def test_a_null_section_is_an_absent_one() -> None:
    text = "plugins:\nschedulingProfiles:\ndataLayer:\nflowControl:\nfeatureGates:\n"
    assert plan_of(text) == plan_of("")


NAMES = st.sampled_from(
    ["queue-scorer", "random-picker", "default", "token-producer", "name", "type", "x", ""]
)
KEYS = st.sampled_from(
    ["plugins", "schedulingProfiles", "dataLayer", "flowControl", "parser", "data", "name", "type",
     "pluginRef", "weight", "parameters", "sources", "discovery", "priorityBands", "x"]
)  # fmt: skip


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | NAMES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=20,
    )
)
def test_any_document_is_a_plan_or_all_its_problems(value: object) -> None:
    """Nothing but ConfigError comes out, and a plan that does come out can be used."""
    document: dict[str, object] = {"plugins": [value], "schedulingProfiles": [value]}
    if isinstance(value, dict):
        document |= value
    document |= {"apiVersion": "llm-d.ai/v1alpha1", "kind": "EndpointPickerConfig"}
    try:
        plan = load_plan(json.dumps(document), BUILT_IN)
    except ConfigError:
        return
    assert plan.profiles

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pointsman.api.catalog import decode
from pointsman.config.declared.sources import (
    ENGINES,
    CoreMetricsConfig,
    CoreMetricsExtractor,
    MetricsSource,
)


def engine(**parameters: object) -> dict[str, object]:
    return {"engineConfigs": [{"name": "mine", **parameters}]}


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "vllm:num_requests_waiting",
        "nv_trt_llm_request_metrics{request_type=waiting}",
        'a{b="c d", e=f ,}',
        " a { } ",
        "a{b=}",
    ],
)
def test_a_metric_is_a_name_with_labels(spec: str) -> None:
    config = decode(CoreMetricsExtractor, engine(queuedRequestsSpec=spec))
    assert isinstance(config, CoreMetricsConfig)
    assert config.engine_configs[0].queued_requests_spec == spec


@pytest.mark.parametrize("spec", ["{a=b}", "a{b!=c}", "a{b=~c}", "a{b}", "a b", "a{b=c", "1a"])
def test_what_is_no_metric_is_refused(spec: str) -> None:
    with pytest.raises(ValidationError, match=r"metric|label=value"):
        decode(CoreMetricsExtractor, engine(kvUsageSpec=spec))


@pytest.mark.parametrize("name", [*ENGINES, "mine"])
def test_the_default_engine_is_built_in_or_configured(name: str) -> None:
    config = decode(CoreMetricsExtractor, {"defaultEngine": name, **engine()})
    assert isinstance(config, CoreMetricsConfig)
    assert config.default_engine == name


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"defaultEngine": "mine"}, "'mine' is not one of: vllm, sglang"),
        ({"engineConfigs": [{"name": "a"}, {"name": "a"}]}, "two engines are called 'a'"),
        ({"engineConfigs": [{"name": "default"}]}, "'default' is reserved"),
    ],
)
def test_engines_that_do_not_fit_are_refused(parameters: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        decode(CoreMetricsExtractor, parameters)


def test_custom_metrics_are_remarked_upon() -> None:
    config = decode(
        CoreMetricsExtractor, engine(customMetrics=[{"attributeKey": "a", "metricSpec": "b"}])
    )
    assert isinstance(config, CoreMetricsConfig)
    assert "no effect yet" in CoreMetricsExtractor.remarks(config)[0]


@pytest.mark.parametrize(
    "parameters",
    [
        {"scheme": "ftp"},
        {"path": "metrics"},
        {"port": 0},
        {"interval": "0s"},
        {"interval": 5},
        {"clientCertPath": "x"},
    ],
)
def test_a_source_that_cannot_work_is_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        decode(MetricsSource, parameters)

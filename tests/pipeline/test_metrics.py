"""The pipeline's counters add up, and Prometheus sees them as usual families."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from pointsman.domain.requests import ApiKind
from pointsman.domain.responses import Ending, Outcome, Usage
from pointsman.pipeline.metrics import PipelineMetrics


def test_every_family_is_there_before_the_first_request() -> None:
    registry = CollectorRegistry()
    PipelineMetrics(registry)
    page = generate_latest(registry).decode()
    assert 'pointsman_requests_total{api="chat-completions"} 0.0' in page
    assert 'pointsman_requests_finished_total{ending="complete"} 0.0' in page
    assert "pointsman_matched_tokens_count 0.0" in page


def test_buckets_are_cumulative_and_sums_are_kept() -> None:
    registry = CollectorRegistry()
    metrics = PipelineMetrics(registry)
    for tokens in (0, 8, 9, 10**9):
        metrics.decided(ApiKind.CHAT, matched_tokens=tokens)
    get = registry.get_sample_value
    assert get("pointsman_matched_tokens_bucket", {"le": "1"}) == 1
    assert get("pointsman_matched_tokens_bucket", {"le": "8"}) == 2
    assert get("pointsman_matched_tokens_bucket", {"le": "32"}) == 3
    assert get("pointsman_matched_tokens_bucket", {"le": "+Inf"}) == 4
    assert get("pointsman_matched_tokens_count") == 4
    assert get("pointsman_matched_tokens_sum") == 17 + 10**9


def test_only_complete_requests_have_a_duration_and_only_reported_tokens_count() -> None:
    registry = CollectorRegistry()
    metrics = PipelineMetrics(registry)
    metrics.finished(Outcome(Ending.CLIENT_GONE, duration_s=3.0))
    usage = Usage(prompt_tokens=10, completion_tokens=None, cached_tokens=4)
    metrics.finished(Outcome(Ending.COMPLETE, usage=usage, duration_s=2.0, first_token_s=0.5))
    get = registry.get_sample_value
    assert get("pointsman_request_duration_seconds_sum") == 2.0
    assert get("pointsman_time_to_first_token_seconds_count") == 1
    assert get("pointsman_prompt_tokens_total") == 10
    assert get("pointsman_cached_tokens_total") == 4
    assert get("pointsman_completion_tokens_total") == 0

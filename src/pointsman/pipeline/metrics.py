"""What the pipeline counts, in families of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from pointsman.domain.requests import ApiKind
from pointsman.domain.responses import Ending

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from pointsman.domain.responses import Outcome

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_TOKENS = (1, 8, 32, 128, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)


class PipelineMetrics:
    """Requests decided and finished. Children are resolved here, once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        decided = Counter(
            "pointsman_requests",
            "Requests for which an endpoint was picked, by API.",
            ["api"],
            registry=registry,
        )
        finished = Counter(
            "pointsman_requests_finished",
            "Picked requests that ended, by how.",
            ["ending"],
            registry=registry,
        )
        self._decided = {kind: decided.labels(kind.value) for kind in ApiKind}
        self._finished = {ending: finished.labels(ending.value) for ending in Ending}
        self._first_token = Histogram(
            "pointsman_time_to_first_token_seconds",
            "From pick to first token, of streams whose response was observed.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._duration = Histogram(
            "pointsman_request_duration_seconds",
            "From pick to the end of the response, where that was seen.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._prompt_tokens = Counter(
            "pointsman_prompt_tokens",
            "Prompt tokens that observed responses reported.",
            registry=registry,
        )
        self._cached_tokens = Counter(
            "pointsman_cached_tokens",
            "Prompt tokens that observed responses reported as cached.",
            registry=registry,
        )
        self._completion_tokens = Counter(
            "pointsman_completion_tokens",
            "Output tokens that observed responses reported.",
            registry=registry,
        )
        self._matched = Histogram(
            "pointsman_matched_tokens",
            "Prompt tokens that the picked endpoint had cached, by our own index.",
            buckets=_TOKENS,
            registry=registry,
        )

    def decided(self, kind: ApiKind, *, matched_tokens: float) -> None:
        """A request got an endpoint that has this much of its prompt cached."""
        self._decided[kind].inc()
        self._matched.observe(matched_tokens)

    def finished(self, outcome: Outcome) -> None:
        """A picked request ended."""
        self._finished[outcome.ending].inc()
        if outcome.ending is Ending.COMPLETE:
            self._duration.observe(outcome.duration_s)
        if outcome.first_token_s is not None:
            self._first_token.observe(outcome.first_token_s)
        usage = outcome.usage
        if usage.prompt_tokens:
            self._prompt_tokens.inc(usage.prompt_tokens)
            self._cached_tokens.inc(usage.cached_tokens or 0)
            self._completion_tokens.inc(usage.completion_tokens or 0)

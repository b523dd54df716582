"""Plugin types of upstream (llm-d-router v0.10) that Pointsman does not have yet.

Only names: a document that uses one gets a clear answer instead of "unknown".
"""

from __future__ import annotations

NOT_AVAILABLE = frozenset({
    "slo-headroom-tier-filter", "endpoint-attribute-filter", "topology-affinity-filter",
    "session-affinity-filter", "multicluster-session-affinity-filter", "session-affinity-scorer",
    "no-hit-lru-scorer", "latency-scorer", "precise-prefix-cache-scorer",
    "mm-embeddings-cache-scorer", "endpoint-attribute-scorer", "topology-affinity-scorer",
    "header-label-affinity-scorer", "multicluster-queue-scorer",
    "multicluster-kv-cache-utilization-scorer", "multicluster-prefix-cache-scorer",
    "predicted-latency-scorer", "slo-aware-routing", "disagg-profile-handler", "pd-profile-handler",
    "data-parallel-profile-handler", "header-profile-handler", "slo-aware-profile-handler",
    "always-disagg-pd-decider", "always-disagg-multimodal-decider", "prefix-based-pd-decider",
    "disagg-headers-handler", "prefill-header-handler", "precise-prefix-cache-producer",
    "burst-prefix-cache-producer", "p2p-source-producer", "predicted-latency-producer",
    "session-id-producer", "mm-embeddings-cache-producer",
    "multicluster-approx-prefix-cache-producer", "agent-identity",
    "disaggregatedset-rollout-screener", "latency-slo-admitter", "probabilistic-admitter",
    "request-attribute-reporter", "destination-endpoint-served-verifier", "models-data-source",
    "models-data-extractor", "dcgm-data-source", "dcgm-extractor", "topology-extractor",
    "k8s-notification-source", "multicluster-metrics-data-source", "multicluster-metrics-extractor",
    "multicluster-file-discovery", "vllmgrpc-parser", "sglanghttp-parser", "vertexai-parser",
    "program-aware-fairness", "priority-holdback-policy", "soft-reflective-ceiling-policy",
    "sheddable-eviction-filter", "priority-then-time-eviction-order-policy",
})  # fmt: skip

REMOVED_GATES = frozenset({"dataLayer", "enableLegacyMetrics"})
"""Gates of older versions that upstream removed: what they switched is always on, or gone."""

GATES = {"flowControl": False, "haPopulateNonLeaderDatastore": True}
"""Feature gates and their defaults."""

PARSERS = ("openai-parser", "anthropic-parser", "vllmhttp-parser", "passthrough-parser")
"""Parsers when none is listed, in order."""

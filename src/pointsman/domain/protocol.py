"""Names of the endpoint picker protocol: headers, metadata keys, health services.

Source: Gateway API Inference Extension proposal 004, and llm-d-router v0.10 for the `x-llm-d-*`
names. Where two names exist the first one present wins, even when its value is empty.
"""

from __future__ import annotations

DESTINATION = "x-gateway-destination-endpoint"
"""Request header and `envoy.lb` metadata key: where the request must go."""
DESTINATION_NAMESPACE = "envoy.lb"
SERVED = "x-gateway-destination-endpoint-served"
"""`envoy.lb` metadata key of the response phase: the endpoint that really served it."""
SUBSET = "x-gateway-destination-endpoint-subset"
SUBSET_NAMESPACE = "envoy.lb.subset_hint"

OBSERVE_METADATA = "x-pointsman-observe"
"""gRPC metadata of a stream that our own Envoy sends so that its response is observed."""

REQUEST_ID = "x-request-id"
DROPPED_REASON = "x-llm-d-request-dropped-reason"
FAIRNESS_ID = ("x-llm-d-inference-fairness-id", "x-gateway-inference-fairness-id")
OBJECTIVE = ("x-llm-d-inference-objective", "x-gateway-inference-objective")
MODEL_REWRITE = ("x-llm-d-model-name-rewrite", "x-gateway-model-name-rewrite")
TTFT_SLO_MS = ("x-llm-d-slo-ttft-ms", "x-slo-ttft-ms")
TPOT_SLO_MS = ("x-llm-d-slo-tpot-ms", "x-slo-tpot-ms")

REMOVED_UPSTREAM = (
    *FAIRNESS_ID, *OBJECTIVE, *MODEL_REWRITE, *TTFT_SLO_MS, *TPOT_SLO_MS,
    SUBSET, SERVED, DROPPED_REASON,
)  # fmt: skip
"""Control headers that must not reach a model server when a client sent them."""

HEALTH_LIVENESS = "liveness"
HEALTH_READINESS = "readiness"
HEALTH_EXT_PROC = "envoy.service.ext_proc.v3.ExternalProcessor"

STREAMED_CHUNK_BYTES_MAX = 62_000
"""Largest body chunk of a streamed reply: some Envoys cap at 64 KiB; upstream chose this."""

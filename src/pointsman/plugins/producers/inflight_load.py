"""Accept upstream's in-flight load producer: the ledger counts that anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pointsman.api.plugins import PluginConfig, Producer, RefersTo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class InflightLoadConfig(PluginConfig):
    """Parameters of inflight-load-producer."""

    add_estimated_output_tokens: bool = False
    """Count expected output as load; no effect, the ledger keeps prefill and decode apart."""
    output_ratio: float = Field(1.5, ge=0)
    """Expected output tokens per input token; no effect."""
    max_estimated_output_tokens: int | None = Field(None, ge=0)
    """Most output tokens expected of a request; no effect."""
    prefix_match_info_producer_name: Annotated[str, RefersTo("producer")] = ""
    """Producer that found the cached prefix; empty = the configured one."""
    sync_cross_replica_state: bool = True
    """Share the counts with other replicas; no effect yet."""


class InflightLoadProducer(Producer):
    """Accepted for upstream's documents; adds nothing, because the ledger counts our load always.

    Requests and uncached prompt tokens in flight are signals that every plugin can read. Upstream
    releases tokens at the first response chunk; here they drain at the endpoint's learned prefill
    rate, and context held by decoding is a signal of its own.
    """

    type_name = "inflight-load-producer"
    Config = InflightLoadConfig

    @classmethod
    def remarks(cls, config: InflightLoadConfig) -> tuple[str, ...]:
        """Parameters about expected output change nothing."""
        if not config.add_estimated_output_tokens:
            return ()
        return ("addEstimatedOutputTokens has no effect: output is a signal of its own",)

    def produce(
        self, request: InferenceRequest, candidates: Candidates
    ) -> Mapping[str, FloatArray]:
        """Nothing: see the ledger's signals."""
        del request, candidates
        return {}

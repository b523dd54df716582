"""How much of a prompt each endpoint has cached, by our own record of what we sent where."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pointsman.api.candidates import MATCHED_TOKENS
from pointsman.api.plugins import PluginConfig, Producer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class ApproxPrefixCacheConfig(PluginConfig):
    """Parameters of approx-prefix-cache-producer.

    Block sizes are accepted for compatibility and have no effect: the index cuts prompts into
    blocks that grow with their offset (see datalayer.blocks), whatever the engine's block size.
    """

    auto_tune: bool = Field(
        True, alias="autoTune", description="Use each engine's own cache size where it says it."
    )
    block_size_tokens: int = Field(
        16, alias="blockSizeTokens", ge=1, description="Tokens; accepted, no effect."
    )
    block_size: int | None = Field(
        None, alias="blockSize", ge=1, description="Characters; deprecated, no effect."
    )
    max_prefix_tokens_to_match: int = Field(
        131_072,
        alias="maxPrefixTokensToMatch",
        ge=0,
        description="Tokens of a prompt that are matched at most; 0 = as many as the index holds.",
    )
    max_prefix_blocks_to_match: int = Field(
        2048, alias="maxPrefixBlocksToMatch", ge=0, description="Deprecated, no effect."
    )
    lru_capacity_per_server: int = Field(
        31_250,
        alias="lruCapacityPerServer",
        ge=1,
        description="Blocks assumed for engines that do not publish their cache size.",
    )


class ApproxPrefixCacheProducer(Producer):
    """Asks the pool's prefix index which endpoints have computed this prompt's beginning."""

    type_name = "approx-prefix-cache-producer"
    Config = ApproxPrefixCacheConfig
    produces: ClassVar[tuple[str, ...]] = (MATCHED_TOKENS,)

    def produce(
        self, request: InferenceRequest, candidates: Candidates
    ) -> Mapping[str, FloatArray]:
        """Prompt tokens each candidate has cached, as feature MATCHED_TOKENS."""
        return {MATCHED_TOKENS: self.surroundings.prefix_index.match(request, candidates)}

    def picked(self, request: InferenceRequest, slot: int) -> None:
        """From now on this slot has the prompt, too: a burst follows its first request."""
        self.surroundings.prefix_index.record(request, slot)

"""Keep endpoints by the value of one label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from pointsman.api.columns import EndpointColumn
from pointsman.api.plugins import Filter, PluginConfig, Surroundings

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray
    from pointsman.domain.endpoints import Endpoint
    from pointsman.domain.requests import InferenceRequest


class ByLabelConfig(PluginConfig):
    """Parameters of by-label."""

    label: str = Field(min_length=1, examples=["llm-d.ai/role"])
    """Label to look at."""
    valid_values: tuple[str, ...] = Field((), examples=[["decode"]])
    """Values that keep an endpoint; default none."""
    allows_no_label: bool = Field(False, examples=[True])
    """Whether an endpoint without the label is kept; default false."""

    @model_validator(mode="after")
    def _keeps_something(self) -> ByLabelConfig:
        if not self.valid_values and not self.allows_no_label:
            raise ValueError("set validValues or allowsNoLabel, or no endpoint is ever kept")
        return self


class ByLabelFilter(Filter):
    """Keeps the endpoints whose label has one of some values; deprecated upstream.

    Use label-selector-filter in new documents. Labels are read once per change of the pool, not
    per request.
    """

    type_name = "by-label"
    Config = ByLabelConfig

    def __init__(self, config: ByLabelConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._matches = EndpointColumn(self._match)

    @classmethod
    def remarks(cls, config: ByLabelConfig) -> tuple[str, ...]:
        """It is deprecated upstream."""
        del config
        return ("by-label is deprecated; use label-selector-filter",)

    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """Which candidates match, shape (n_candidates,)."""
        del request
        kept: BoolArray = self._matches.of(candidates) > 0
        return kept

    def _match(self, endpoint: Endpoint) -> float:
        config: ByLabelConfig = self.config
        value = endpoint.labels.get(config.label)
        return float(config.allows_no_label if value is None else value in config.valid_values)

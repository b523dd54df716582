"""Keep endpoints whose labels match a Kubernetes label selector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from pointsman.api.columns import EndpointColumn
from pointsman.api.plugins import Filter, PluginConfig, Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray
    from pointsman.domain.endpoints import Endpoint
    from pointsman.domain.requests import InferenceRequest


class MatchExpression(PluginConfig):
    """One requirement on one label."""

    key: str = Field(min_length=1, examples=["tier"])
    """Label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(examples=["Exists"])
    """What must hold; NotIn also holds where the label is absent."""
    values: tuple[str, ...] = ()
    """Values for In and NotIn."""

    @model_validator(mode="after")
    def _values_fit_operator(self) -> MatchExpression:
        if (self.operator in {"In", "NotIn"}) != bool(self.values):
            needed = "needs values" if not self.values else "takes no values"
            raise ValueError(f"operator {self.operator} {needed}")
        return self

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether an endpoint with these labels meets the requirement."""
        present = self.key in labels
        match self.operator:
            case "In":
                return present and labels[self.key] in self.values
            case "NotIn":
                return not present or labels[self.key] not in self.values
            case "Exists":
                return present
            case "DoesNotExist":
                return not present


class LabelSelectorConfig(PluginConfig):
    """Parameters of label-selector-filter: a Kubernetes LabelSelector; empty keeps everything."""

    match_labels: dict[str, str] = Field(default_factory=dict)
    """Labels and the values they must have, all of them; default none."""
    match_expressions: tuple[MatchExpression, ...] = ()
    """Further requirements, all of which must hold; default none."""


class LabelSelectorFilter(Filter):
    """Keeps the endpoints whose labels match a Kubernetes label selector.

    All of `matchLabels` and all of `matchExpressions` must hold. Labels are read once per change
    of the pool, not per request.
    """

    type_name = "label-selector-filter"
    aliases = ("by-label-selector",)
    Config = LabelSelectorConfig

    def __init__(self, config: LabelSelectorConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._matches = EndpointColumn(self._match)

    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """Which candidates match, shape (n_candidates,)."""
        del request
        kept: BoolArray = self._matches.of(candidates) > 0
        return kept

    def _match(self, endpoint: Endpoint) -> float:
        config: LabelSelectorConfig = self.config
        labels = endpoint.labels
        equal = all(labels.get(key) == value for key, value in config.match_labels.items())
        return float(equal and all(one.holds(labels) for one in config.match_expressions))

"""Keep endpoints by their role in disaggregated serving."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pointsman.api.columns import EndpointColumn
from pointsman.api.plugins import Filter, PluginConfig, Surroundings

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray
    from pointsman.domain.endpoints import Endpoint
    from pointsman.domain.requests import InferenceRequest

ROLE_LABEL = "llm-d.ai/role"


class _RoleFilter(Filter):
    """Keeps endpoints whose role label has one of these values."""

    roles: ClassVar[frozenset[str]]
    keeps_unlabelled: ClassVar[bool] = False

    def __init__(self, config: PluginConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._matches = EndpointColumn(self._match)

    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """Which candidates have the role, shape (n_candidates,)."""
        del request
        kept: BoolArray = self._matches.of(candidates) > 0
        return kept

    def _match(self, endpoint: Endpoint) -> float:
        role = endpoint.labels.get(ROLE_LABEL)
        return float(self.keeps_unlabelled if role is None else role in self.roles)


class DecodeFilter(_RoleFilter):
    """Keeps endpoints that decode: label `llm-d.ai/role` says so, or is absent.

    Roles kept: decode, prefill-decode, both, encode-prefill-decode.
    """

    type_name = "decode-filter"
    roles = frozenset({"decode", "prefill-decode", "both", "encode-prefill-decode"})
    keeps_unlabelled = True


class PrefillFilter(_RoleFilter):
    """Keeps endpoints that prefill: label `llm-d.ai/role` says so.

    Roles kept: prefill, encode-prefill, prefill-decode, both, encode-prefill-decode.
    """

    type_name = "prefill-filter"
    roles = frozenset(
        {"prefill", "encode-prefill", "prefill-decode", "both", "encode-prefill-decode"}
    )


class EncodeFilter(_RoleFilter):
    """Keeps endpoints that encode: label `llm-d.ai/role` says so.

    Roles kept: encode, encode-prefill, encode-prefill-decode.
    """

    type_name = "encode-filter"
    roles = frozenset({"encode", "encode-prefill", "encode-prefill-decode"})

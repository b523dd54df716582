"""Let a request header choose the endpoints; for conformance tests only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.plugins import Filter
from pointsman.domain.endpoints import Address, normalised_ip

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray
    from pointsman.domain.requests import InferenceRequest

HEADER = "test-epp-endpoint-selection"


class HeaderBasedTestingFilter(Filter):
    """Keeps the endpoints that header `test-epp-endpoint-selection` names; for tests only.

    The header is a comma list of IP (any port) or IP:port; IPv6 with a port in brackets. Without
    it, or with none that exists, nothing is kept, as the conformance suite expects.
    """

    type_name = "header-based-testing-filter"

    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """Which candidates the header names, shape (n_candidates,)."""
        hosts, addresses = _named(request.headers.get(HEADER, ""))
        named = [
            (address := candidates.endpoint(position).address).host in hosts or address in addresses
            for position in range(len(candidates))
        ]
        return np.array(named, dtype=np.bool_)


def _named(header: str) -> tuple[set[str], set[Address]]:
    """Whole hosts, and single addresses; what is neither names nothing."""
    hosts: set[str] = set()
    addresses: set[Address] = set()
    for entry in header.split(","):
        text = entry.strip()
        try:
            addresses.add(Address.parse(text))
        except ValueError:
            try:
                hosts.add(normalised_ip(text.removeprefix("[").removesuffix("]")))
            except ValueError:
                continue
    return hosts, addresses

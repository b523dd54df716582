"""What plugin tests share: candidates with given signals, and plugins from document parameters."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from builders import endpoint, surroundings
from pointsman.api.candidates import MATCHED_TOKENS, Candidates
from pointsman.api.catalog import decode
from pointsman.api.plugins import Plugin
from pointsman.api.signals import Signal
from pointsman.datalayer.table import EndpointTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_P = TypeVar("_P", bound=Plugin)


@dataclass(slots=True)
class Pool:
    """A pool whose endpoints e0, e1, ... were scraped one second before the decision."""

    now_s: float = 100.0
    table: EndpointTable = field(default_factory=EndpointTable)

    def fill(
        self,
        size: int,
        *,
        labels: Mapping[int, Mapping[str, str]] | None = None,
        **columns: Sequence[float],
    ) -> Pool:
        """`size` endpoints, with labels by number and signals by their names in lower case."""
        self.table.replace(
            [
                dataclasses.replace(endpoint(number), labels=(labels or {}).get(number, {}))
                for number in range(size)
            ]
        )
        self.table.signals[Signal.SCRAPED_AT_S, :size] = self.now_s - 1
        for name, values in columns.items():
            self.table.signals[Signal[name.upper()], :size] = values
        return self

    def candidates(self, *, matched: Sequence[float] | None = None) -> Candidates:
        """All of them, with what a prefix producer would have found."""
        candidates = self.table.candidates(self.now_s)
        if matched is None:
            return candidates
        return candidates.with_features({MATCHED_TOKENS: np.array(matched, dtype=np.float64)})

    def make(
        self, plugin: type[_P], parameters: Mapping[str, object] | None = None, *, seed: int = 1
    ) -> _P:
        """A plugin with parameters as a document gives them."""
        return plugin(decode(plugin, parameters or {}), surroundings(self.table, seed=seed))

"""Small builders of domain objects, so that tests say only what matters to them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pointsman.api.plugins import Surroundings
from pointsman.datalayer.prefix import PrefixTable
from pointsman.datalayer.table import EndpointTable
from pointsman.domain.endpoints import Address, Endpoint
from pointsman.domain.requests import ApiKind, InferenceRequest, Prompt
from pointsman.lib.clock import ManualClock

if TYPE_CHECKING:
    from pointsman.lib.clock import Clock


def endpoint(number: int, *, port: int = 8000) -> Endpoint:
    """Endpoint `default/e<number>` at 10.0.x.y."""
    host = f"10.0.{number // 250}.{number % 250 + 1}"
    return Endpoint(
        name=f"e{number}" + (f"-{port}" if port != 8000 else ""), address=Address(host, port)
    )


def table_of(count: int) -> EndpointTable:
    """A table with endpoints 0..count-1 in slots 0..count-1."""
    table = EndpointTable()
    table.replace([endpoint(number) for number in range(count)])
    return table


def request(
    text: str = "", *, model: str = "m", tokens: int | None = None, salt: str = ""
) -> InferenceRequest:
    """A chat request with this prompt."""
    data = text.encode()
    return InferenceRequest(
        id="r",
        kind=ApiKind.CHAT,
        model=model,
        target_model=model,
        prompt=Prompt((data,), len(data) // 4 if tokens is None else tokens),
        body_bytes=len(data),
        cache_salt=salt,
    )


def surroundings(
    table: EndpointTable, *, seed: int = 1, clock: Clock | None = None
) -> Surroundings:
    """What plugins are handed, over this table."""
    return Surroundings(
        clock=clock or ManualClock(), rng=random.Random(seed), prefix_index=PrefixTable(table)
    )

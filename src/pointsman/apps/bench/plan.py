"""What is measured: requests of different size and shape, in each dialect, over pools of each size.

Scenario names are stable: they are keys of the JSON that `--json` writes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

POOL_SIZES = (4, 100, 1000)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request through one dialect.

    Attributes:
        name: key in the results.
        dialect: how Envoy and the picker speak: `headers-only` (NONE + trailers), `observe`,
            `early-end`.
        prompt_bytes: size of each prompt.
        chunks: SSE chunks of each response; 0 = one JSON body.
        duration_ms: how long each response takes. Real engines think before they answer, and an
            early end is only safe behind one that does (docs/envoy.md). Cases that are compared
            with each other last equally long, because a busier event loop is a cheaper one.
        requests: how many are measured in each round.
    """

    name: str
    dialect: str
    prompt_bytes: int
    chunks: int
    duration_ms: int
    requests: int

    @property
    def envoy_dialect(self) -> str:
        """The dialect's name in `pointsman envoy-config`."""
        return "trailers" if self.dialect == "headers-only" else "full-duplex"

    @property
    def observation(self) -> str:
        """The picker's --response-observation."""
        return "auto" if self.dialect == "headers-only" else self.dialect


SCENARIOS = (
    Scenario("1KB prompt", "headers-only", 1_000, 0, 20, 1_500),
    Scenario("400KB prompt", "headers-only", 400_000, 0, 20, 200),
    Scenario("1 chunk", "headers-only", 1_000, 1, 200, 200),
    Scenario("100 chunks", "headers-only", 1_000, 100, 200, 200),
    Scenario("1 chunk", "observe", 1_000, 1, 200, 200),
    Scenario("100 chunks", "observe", 1_000, 100, 200, 60),
    Scenario("100 chunks", "early-end", 1_000, 100, 200, 200),
)


def bodies(scenario: Scenario, *, seed: int) -> Iterator[bytes]:
    """Endless request bodies: few shared beginnings, an ending of its own each."""
    rng = random.Random(seed)
    alphabet = "abcdefghijklmnopqrstuvwxyz     "
    own = min(200, scenario.prompt_bytes // 4)
    shared = ["".join(rng.choices(alphabet, k=scenario.prompt_bytes - own)) for _ in range(20)]
    while True:
        text = rng.choice(shared) + "".join(rng.choices(alphabet, k=own))
        yield orjson.dumps(
            {
                "model": "bench",
                "messages": [{"role": "user", "content": text}],
                "max_tokens": max(scenario.chunks, 1),
                "stream": scenario.chunks > 0,
            }
        )

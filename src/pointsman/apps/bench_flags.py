"""The flags of `pointsman bench picker`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.apps.flags import (
    FlagSettings,
    flag,
    list_of,
    new_file,
    optional,
    positive_number,
    whole_number,
)
from pointsman.lib.durations import parse_duration_s

if TYPE_CHECKING:
    from pathlib import Path

_GROUP = "What is measured"
_ENDPOINTS_MAX = 4000


def _endpoints(text: str) -> int:
    return whole_number(text, least=1, most=_ENDPOINTS_MAX)


def _rounds(text: str) -> int:
    return whole_number(text, least=1, most=100)


def _seed(text: str) -> int:
    return whole_number(text, least=0, most=2**32 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchFlags(FlagSettings):
    """How long and over what the benchmark runs."""

    pool_sizes: tuple[int, ...] = flag(
        "endpoints",
        (4, 100, 1000),
        parse=list_of(_endpoints),
        shown="4,100,1000",
        meaning="Sizes of the pool, separated by commas.",
        group=_GROUP,
    )
    rounds: int = flag(
        "rounds",
        3,
        parse=_rounds,
        meaning="How often picker and floor are measured in turn.",
        group=_GROUP,
    )
    scale: float = flag(
        "scale",
        1.0,
        parse=positive_number,
        meaning="Factor on the number of requests of each round.",
        group=_GROUP,
    )
    idle_s: float = flag(
        "idle",
        20.0,
        parse=parse_duration_s,
        shown="20s",
        meaning="How long an idle picker is watched; 0 leaves that out.",
        group=_GROUP,
    )
    seed: int = flag("seed", 1, parse=_seed, meaning="Seed of the prompts.", group=_GROUP)
    json: Path | None = flag(
        "json",
        None,
        parse=optional(new_file),
        meaning="File to write the results to.",
        group="Output",
    )

"""The flags of `pointsman sim`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.apps.flags import (
    FlagSettings,
    flag,
    list_of,
    one_of,
    positive_number,
    switch,
    whole_number,
)
from pointsman.apps.flags import port as port_number
from pointsman.lib.durations import parse_duration_s
from pointsman.lib.quantities import parse_share
from pointsman.sim.engine.presets import PRESETS

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVERS = "Servers"
_ENGINE = "Engine (what the preset says, if not given)"
_ANSWERS = "Answers"
_FAULTS = "Faults"

_COUNT_MAX = 10**9
_REPLICAS_MAX = 256


def _count(text: str) -> int:
    return whole_number(text, least=1, most=_COUNT_MAX)


def _count_or_none(text: str) -> int:
    return whole_number(text, least=0, most=_COUNT_MAX)


def _replicas(text: str) -> int:
    return whole_number(text, least=1, most=_REPLICAS_MAX)


def _error_status(text: str) -> int:
    return whole_number(text, least=500, most=599)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimFlags(FlagSettings):
    """What a user says about simulated servers; `settings` is the same in the simulator's words."""

    host: str = flag(
        "host",
        "127.0.0.1",
        parse=str,
        meaning="IP address to listen on.",
        group=_SERVERS,
    )
    port: int = flag(
        "port",
        8000,
        parse=port_number,
        meaning="Port of the first server, the others follow; 0 takes any free ones.",
        group=_SERVERS,
    )
    ports: tuple[int, ...] = flag(
        "ports",
        (),
        parse=list_of(port_number),
        meaning="Ports of all servers, separated by commas, instead of --port and --replicas.",
        group=_SERVERS,
    )
    replicas: int = flag(
        "replicas",
        1,
        parse=_replicas,
        meaning="Servers in this process.",
        group=_SERVERS,
    )
    model: str = flag(
        "model",
        "sim-model",
        parse=str,
        meaning="Name of the model they serve.",
        group=_SERVERS,
    )
    adapters: tuple[str, ...] = flag(
        "lora",
        (),
        parse=list_of(str),
        meaning="LoRA adapters loaded from the start: NAME or NAME=PATH, separated by commas.",
        group=_SERVERS,
    )
    seed: int = flag(
        "seed",
        1,
        parse=_count_or_none,
        meaning="Seed of the first server; the others take the following ones.",
        group=_SERVERS,
    )

    preset: str = flag(
        "preset",
        "tiny",
        parse=one_of(*PRESETS),
        meaning=f"Size and speed of the engine: {', '.join(PRESETS)}.",
        group=_ENGINE,
    )
    speed: float = flag(
        "speed",
        1.0,
        parse=positive_number,
        meaning="Engine seconds in one real second.",
        group=_ENGINE,
    )
    step_s: float | None = flag(
        "step-time",
        None,
        parse=parse_duration_s,
        meaning="Fixed time of one engine step, such as 15ms.",
        group=_ENGINE,
    )
    prefill_tokens_per_s: float | None = flag(
        "prefill-rate",
        None,
        parse=positive_number,
        meaning="Prompt tokens computed per second.",
        group=_ENGINE,
    )
    blocks: int | None = flag(
        "blocks", None, parse=_count, meaning="Blocks of the KV cache.", group=_ENGINE
    )
    block_tokens: int | None = flag(
        "block-size", None, parse=_count, meaning="Tokens in one block.", group=_ENGINE
    )
    context_tokens_max: int | None = flag(
        "max-model-len",
        None,
        parse=_count,
        meaning="Tokens of prompt and output together.",
        group=_ENGINE,
    )
    batched_tokens_max: int | None = flag(
        "max-num-batched-tokens",
        None,
        parse=_count,
        meaning="Tokens computed in one step.",
        group=_ENGINE,
    )
    running_max: int | None = flag(
        "max-num-seqs", None, parse=_count, meaning="Requests in the batch.", group=_ENGINE
    )
    inflight_max: int | None = flag(
        "max-inflight",
        None,
        parse=_count,
        meaning="Requests running or waiting; more are refused.",
        group=_ENGINE,
    )
    adapters_max: int | None = flag(
        "max-loras",
        None,
        parse=_count_or_none,
        meaning="LoRA adapters in one batch.",
        group=_ENGINE,
    )

    output_tokens_min: int = flag(
        "output-tokens-min",
        16,
        parse=_count,
        meaning="Shortest answer where the request sets no limit.",
        group=_ANSWERS,
    )
    output_tokens_max: int = flag(
        "output-tokens-max",
        256,
        parse=_count,
        meaning="Longest answer where the request sets no limit.",
        group=_ANSWERS,
    )
    has_cached_tokens: bool = flag(
        "enable-prompt-tokens-details",
        True,
        parse=switch,
        meaning="Say in usage how many prompt tokens were cached.",
        group=_ANSWERS,
    )
    is_request_id_echoed: bool = flag(
        "enable-request-id-headers",
        False,
        parse=switch,
        meaning="Send x-request-id back.",
        group=_ANSWERS,
    )

    latency_s: float = flag(
        "fault-latency",
        0.0,
        parse=parse_duration_s,
        shown="0s",
        meaning="Added before every answer.",
        group=_FAULTS,
    )
    error_share: float = flag(
        "fault-errors",
        0.0,
        parse=parse_share,
        shown="0%",
        meaning="Share of requests answered with --fault-status.",
        group=_FAULTS,
    )
    hang_share: float = flag(
        "fault-hangs",
        0.0,
        parse=parse_share,
        shown="0%",
        meaning="Share of requests never answered.",
        group=_FAULTS,
    )
    close_share: float = flag(
        "fault-resets",
        0.0,
        parse=parse_share,
        shown="0%",
        meaning="Share of requests whose connection is reset.",
        group=_FAULTS,
    )
    error_status: int = flag(
        "fault-status",
        500,
        parse=_error_status,
        meaning="Status of the errors, 500 to 599.",
        group=_FAULTS,
    )
    close_after_chunks: int = flag(
        "fault-reset-after",
        0,
        parse=_count_or_none,
        shown="0",
        meaning="Chunks of a stream that get through before the reset.",
        group=_FAULTS,
    )
    is_metrics_affected: bool = flag(
        "fault-metrics",
        False,
        parse=switch,
        meaning="Let /metrics, /health and /v1/models fail too.",
        group=_FAULTS,
    )

    def problems(self) -> Iterator[str]:
        """What is wrong although each flag is right."""
        if self.output_tokens_min > self.output_tokens_max:
            yield "--output-tokens-min: is above --output-tokens-max"
        if self.error_share + self.hang_share + self.close_share > 1:
            yield "--fault-errors, --fault-hangs and --fault-resets: are more than 100% together"

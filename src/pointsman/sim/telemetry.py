"""What a simulated server has measured about itself, in the shapes that vLLM publishes."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.sim.engine.requests import Finished, Step

_TTFT_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
           10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0)  # fmt: skip
_TOKEN_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5,
            10.0, 20.0, 40.0, 80.0)  # fmt: skip
_REQUEST_S = (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0,
              120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0)  # fmt: skip
_STEP_TOKENS = (1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0,
                16384.0)  # fmt: skip
_CHOICES = (1.0, 2.0, 5.0, 10.0, 20.0)
_PREEMPTIONS = (1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0)

ADAPTER_SETS_MAX = 1000
"""Label sets of `vllm:lora_requests_info` that are kept; vLLM keeps them all."""


class Histogram:
    """Counts of values by bucket; `bounds` are upper bounds, included, ascending."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count one value, or several equal ones."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


def token_bounds(context_tokens_max: int) -> tuple[float, ...]:
    """1, 2, 5, 10, 20, 50 ... up to the longest possible request: vLLM's buckets of lengths."""
    bounds: list[float] = []
    decade = 1
    while True:
        for mantissa in (1, 2, 5):
            if mantissa * decade > context_tokens_max:
                return tuple(bounds)
            bounds.append(float(mantissa * decade))
        decade *= 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asked for, beside its prompt."""

    choices: int
    output_tokens: int
    ending: str


@dataclass(slots=True)
class Telemetry:
    """Histograms and counters of one server; times are in seconds of the outside world.

    Attributes:
        speed: engine seconds in one second of the outside world.
        adapter_sets: unix time at which each (running, waiting) set of adapters was last seen.
    """

    context_tokens_max: int
    speed: float
    endings: dict[str, int] = field(default_factory=lambda: {"stop": 0, "length": 0})
    adapter_sets: dict[tuple[str, str], float] = field(default_factory=dict)
    prompt_tokens: Histogram = field(init=False)
    output_tokens: Histogram = field(init=False)
    output_tokens_wanted: Histogram = field(init=False)
    computed_tokens: Histogram = field(init=False)
    step_tokens: Histogram = field(default_factory=lambda: Histogram(_STEP_TOKENS))
    choices: Histogram = field(default_factory=lambda: Histogram(_CHOICES))
    preemptions: Histogram = field(default_factory=lambda: Histogram(_PREEMPTIONS))
    first_token_s: Histogram = field(default_factory=lambda: Histogram(_TTFT_S))
    token_gap_s: Histogram = field(default_factory=lambda: Histogram(_TOKEN_S))
    mean_gap_s: Histogram = field(default_factory=lambda: Histogram(_TOKEN_S))
    total_s: Histogram = field(default_factory=lambda: Histogram(_REQUEST_S))
    queued_s: Histogram = field(default_factory=lambda: Histogram(_REQUEST_S))
    inference_s: Histogram = field(default_factory=lambda: Histogram(_REQUEST_S))
    prefilling_s: Histogram = field(default_factory=lambda: Histogram(_REQUEST_S))
    decoding_s: Histogram = field(default_factory=lambda: Histogram(_REQUEST_S))

    def __post_init__(self) -> None:
        bounds = token_bounds(self.context_tokens_max)
        self.prompt_tokens = Histogram(bounds)
        self.output_tokens = Histogram(bounds)
        self.output_tokens_wanted = Histogram(bounds)
        self.computed_tokens = Histogram(bounds)

    def observe_step(self, step: Step) -> None:
        """Count what every step brings."""
        self.step_tokens.observe(step.prefilled_tokens + len(step.emitted))
        for first in step.first_tokens:
            self.first_token_s.observe(first.waited_s / self.speed)
        for gap_s, times in step.token_gaps:
            self.token_gap_s.observe(gap_s / self.speed, times)

    def observe_finished(self, request: Finished, wanted: Wanted) -> None:
        """Count a request that is complete."""
        speed = self.speed
        self.endings[wanted.ending] += 1
        self.prompt_tokens.observe(request.prompt_tokens)
        self.computed_tokens.observe(request.prompt_tokens - request.cached_tokens)
        self.output_tokens.observe(request.output_tokens)
        self.output_tokens_wanted.observe(request.output_tokens)
        self.choices.observe(wanted.choices)
        self.preemptions.observe(request.preemptions)
        self.total_s.observe(request.total_s / speed)
        self.queued_s.observe(request.queued_s / speed)
        self.prefilling_s.observe(request.prefilling_s / speed)
        self.decoding_s.observe(request.decoding_s / speed)
        self.inference_s.observe((request.prefilling_s + request.decoding_s) / speed)
        if request.output_tokens > 1:
            self.mean_gap_s.observe(request.decoding_s / speed / (request.output_tokens - 1))

    def observe_adapters(self, running: str, waiting: str, *, unix_s: float) -> None:
        """Remember a set of adapters; old ones stay, as on a real vLLM."""
        if (
            len(self.adapter_sets) >= ADAPTER_SETS_MAX
            and (running, waiting) not in self.adapter_sets
        ):
            del self.adapter_sets[next(iter(self.adapter_sets))]
        self.adapter_sets[running, waiting] = unix_s

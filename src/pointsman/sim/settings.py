"""What one simulated server is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pointsman.sim.engine.presets import TINY
from pointsman.sim.faults import Faults

if TYPE_CHECKING:
    from pointsman.sim.engine.settings import EngineSettings

SPEED_MAX = 1000.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """One simulated vLLM; names in brackets are vLLM's flags.

    Attributes:
        model: the name it serves [--served-model-name].
        engine: size and speed of its engine.
        adapters: names and paths of LoRA adapters loaded from the start [--lora-modules].
        speed: engine seconds in one second of the outside world; 1 = real time.
        seed: decides the answers, the ids and which requests fail.
        has_cached_tokens: report cached tokens [--enable-prompt-tokens-details].
        is_request_id_echoed: send x-request-id back [--enable-request-id-headers].
        output_tokens_min: shortest answer of a request that sets no limit.
        output_tokens_max: longest one.
        body_bytes_max: longest request body; over it the answer is 413.
        faults: what goes wrong from the start.
    """

    model: str = "sim-model"
    engine: EngineSettings = TINY
    adapters: tuple[tuple[str, str], ...] = ()
    speed: float = 1.0
    seed: int = 1
    has_cached_tokens: bool = True
    is_request_id_echoed: bool = False
    output_tokens_min: int = 16
    output_tokens_max: int = 256
    body_bytes_max: int = 64 * 1024 * 1024
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        if not 0 < self.speed <= SPEED_MAX:
            raise ValueError(f"speed must be above 0 and at most {SPEED_MAX:.0f}")
        if not 1 <= self.output_tokens_min <= self.output_tokens_max:
            raise ValueError("output_tokens_min must be between 1 and output_tokens_max")
        if self.adapters and not self.engine.adapters_max:
            raise ValueError("adapters need an engine with adapters_max of at least 1")
        if not self.model:
            raise ValueError("model must not be empty")

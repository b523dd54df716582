"""Failures on request: what goes wrong, how often; changed while the server runs."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import TYPE_CHECKING, NoReturn

from pointsman.sim.errors import injected

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from aiohttp import web

LATENCY_S_MAX = 3600.0


@unique
class Fault(Enum):
    """What happens to one request."""

    NONE = auto()
    ERROR = auto()
    HANG = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of requests, 0..1, that fail; together at most 1.

    Attributes:
        latency_s: added before every answer, in seconds of the outside world.
        error_share: answered with `error_status`.
        hang_share: never answered, until the client leaves.
        close_share: the connection is reset.
        error_status: 500 to 599.
        close_after_chunks: writes of a stream that get through before the reset; 0 = none, not
            even the headers. Answers that are not streamed are always reset at once.
        is_metrics_affected: /metrics, /health and /v1/models fail as well.
    """

    latency_s: float = 0.0
    error_share: float = 0.0
    hang_share: float = 0.0
    close_share: float = 0.0
    error_status: int = 500
    close_after_chunks: int = 0
    is_metrics_affected: bool = False

    def __post_init__(self) -> None:
        shares = (self.error_share, self.hang_share, self.close_share)
        if min(shares) < 0 or sum(shares) > 1:
            raise ValueError("error_share, hang_share and close_share must be 0..1 together")
        if not 0 <= self.latency_s <= LATENCY_S_MAX:
            raise ValueError(f"latency_s must be 0..{LATENCY_S_MAX:.0f}")
        if not 500 <= self.error_status <= 599:
            raise ValueError("error_status must be 500..599")
        if self.close_after_chunks < 0:
            raise ValueError("close_after_chunks must not be negative")

    def changed(self, changes: Mapping[str, object]) -> Faults:
        """These faults with some fields replaced.

        Raises:
            ValueError: an unknown field, a wrong type or a value out of range.
        """
        known = {field.name: field.default for field in dataclasses.fields(self)}
        values: dict[str, object] = {}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"unknown fault {name!r}; known are {', '.join(known)}")
            wanted = type(known[name])
            if wanted is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)  # noqa: PLW2901 - JSON does not tell 1 from 1.0
            if type(value) is not wanted:
                raise ValueError(f"{name} must be a {wanted.__name__}, not {value!r}")
            values[name] = value
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]  # types checked above

    def draw(self, rng: random.Random) -> Fault:
        """What happens to the next request."""
        if not self.error_share + self.hang_share + self.close_share:
            return Fault.NONE
        chance = rng.random()
        for fault, share in (
            (Fault.ERROR, self.error_share),
            (Fault.HANG, self.hang_share),
            (Fault.CLOSE, self.close_share),
        ):
            if chance < share:
                return fault
            chance -= share
        return Fault.NONE


class FaultPoint:
    """Where requests pass and some fail; `faults` may be replaced at any time."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self.faults = faults
        self._rng = rng

    async def enter(self, request: web.Request) -> int | None:
        """Let a request pass, delay it, fail it or hold it.

        Returns:
            After how many writes its stream must be cut (`cut`), or None if it will not be.

        Raises:
            ApiError: it fails with a status.
        """
        faults = self.faults
        if faults.latency_s:
            await asyncio.sleep(faults.latency_s)
        match faults.draw(self._rng):
            case Fault.ERROR:
                raise injected(faults.error_status)
            case Fault.HANG:
                await _until_cancelled()
            case Fault.CLOSE if not faults.close_after_chunks:
                await self.cut(request)
            case Fault.CLOSE:
                return faults.close_after_chunks
        return None

    async def cut(self, request: web.Request) -> NoReturn:
        """Reset the connection; the loss of it cancels the handler."""
        if request.transport is not None:
            request.transport.abort()
        await _until_cancelled()


async def _until_cancelled() -> NoReturn:
    """Wait for the client to leave, or for the server to stop."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody resolves this future")

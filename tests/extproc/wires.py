"""A stand-in for gRPC between the pump and a proxy."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

from extproc.support import ENVOY_METADATA

if TYPE_CHECKING:
    from collections.abc import Sequence


class AbortError(Exception):
    """What gRPC raises out of an abort."""


@dataclass
class ScriptedWire:
    """Says its messages, then half-closes; its `hangs_at`-th await never returns, or raises."""

    messages: Sequence[bytes]
    hangs_at: int = 0
    error: Exception | None = None
    awaits: int = 0
    reads: int = 0
    written: list[bytes] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    aborted: list[grpc.StatusCode] = field(default_factory=list)

    async def read(self) -> bytes | object:
        await self._step()
        self.reads += 1
        return self.messages[self.reads - 1] if self.reads <= len(self.messages) else grpc.aio.EOF

    async def write(self, message: bytes) -> None:
        await self._step()
        self.written.append(message)

    async def abort(self, code: grpc.StatusCode, details: str = "") -> None:
        self.aborted.append(code)
        raise AbortError(details)

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return ENVOY_METADATA

    async def _step(self) -> None:
        self.awaits += 1
        if self.awaits == self.hangs_at:
            if self.error is not None:
                raise self.error
            self.hanging.set()
            await asyncio.Event().wait()

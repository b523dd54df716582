"""Follows one request from its pick to its end, and hands what was learned to whoever learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.domain.endpoints import Address
from pointsman.domain.responses import Ending, Outcome, Usage
from pointsman.pipeline.responses.reader import ResponseReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.datalayer.ledger import Lease
    from pointsman.datalayer.pool import Pool
    from pointsman.domain.requests import InferenceRequest
    from pointsman.lib.clock import Clock
    from pointsman.pipeline.metrics import PipelineMetrics


@dataclass(frozen=True, slots=True)
class Following:
    """What all watches of one pool share: where leases, lessons and counts go."""

    clock: Clock
    pool: Pool
    metrics: PipelineMetrics


class RequestWatch:
    """The lease of one request and its response, as far as it is observed.

    Args:
        request: what was asked.
        lease: its claim; settled when the watch is closed.
        destination: first address that the proxy was told.
        following: what all watches share.
    """

    __slots__ = (
        "_destination",
        "_first_token_at_s",
        "_following",
        "_headers",
        "_is_closed",
        "_last_token_at_s",
        "_lease",
        "_reader",
        "_request",
        "_served",
        "_status",
    )

    def __init__(
        self, request: InferenceRequest, lease: Lease, *, destination: str, following: Following
    ) -> None:
        self._request = request
        self._lease = lease
        self._destination = destination
        self._following = following
        self._headers: Mapping[str, str] = {}
        self._reader: ResponseReader | None = None
        self._status: int | None = None
        self._served: str | None = None
        self._first_token_at_s: float | None = None
        self._last_token_at_s: float | None = None
        self._is_closed = False

    def started(self, headers: Mapping[str, str], *, served: str | None) -> None:
        """Response headers arrived."""
        status = headers.get(":status", "")
        self._status = int(status) if status.isascii() and status.isdigit() else None
        self._headers = headers
        if served is not None:
            self._follow(served)

    def body(self, chunk: bytes) -> None:
        """A piece of the response: the first token is timed, usage is read."""
        reader = self._reader
        if reader is None:  # made here, because most responses are not observed at all
            reader = self._reader = ResponseReader(self._headers)
        if not reader.feed(chunk):
            return
        now_s = self._following.clock.monotonic_s()
        self._last_token_at_s = now_s
        if self._first_token_at_s is None:
            self._first_token_at_s = now_s
            self._following.pool.ledger.first_token(self._lease, now_s)

    def close(self, ending: Ending) -> None:
        """The stream is over for us: settle the lease once, teach what was seen."""
        if self._is_closed:
            return
        self._is_closed = True
        now_s = self._following.clock.monotonic_s()
        outcome = self._outcome(ending, now_s)
        if ending is Ending.UNOBSERVED:
            self._leave(now_s)
        else:
            if ending is Ending.COMPLETE and self._status == 200:
                self._teach(outcome)
            is_complete = ending is Ending.COMPLETE
            self._following.pool.ledger.close(self._lease, now_s, is_complete=is_complete)
        self._following.metrics.finished(outcome)

    def _outcome(self, ending: Ending, now_s: float) -> Outcome:
        reader, opened_at_s = self._reader, self._lease.opened_at_s
        first = self._first_token_at_s
        return Outcome(
            ending=ending,
            status=self._status,
            usage=Usage() if reader is None else reader.usage,
            first_token_s=None if first is None else first - opened_at_s,
            duration_s=now_s - opened_at_s,
            served=self._served,
        )

    def _follow(self, served: str) -> None:
        """The proxy names the endpoint that answered: the lease belongs there."""
        if served == self._destination:
            return
        try:
            slot = self._following.pool.table.slot_at(Address.parse(served))
        except ValueError:
            return
        if slot is None or slot == self._lease.slot:
            return
        self._served = served
        now_s = self._following.clock.monotonic_s()
        self._lease = self._following.pool.ledger.move(self._lease, slot, now_s=now_s)

    def _leave(self, now_s: float) -> None:
        learner = self._following.pool.learner
        output = learner.expected_output_tokens(self._request.output_tokens_max)
        rate = self._following.pool.table.prefill_rate(self._lease.slot)
        expected_s = self._lease.work_tokens / rate + output * learner.seconds_per_token
        self._following.pool.ledger.leave(self._lease, ends_at_s=now_s + expected_s)

    def _teach(self, outcome: Outcome) -> None:
        learner, lease = self._following.pool.learner, self._lease
        if not self._following.pool.ledger.holds(lease):
            return
        first_s = outcome.first_token_s
        is_timed = first_s is not None and self._request.is_streaming
        if first_s is not None and is_timed:
            learner.first_token(lease.slot, work_tokens=lease.work_tokens, seconds=first_s)
        else:
            first_s = lease.work_tokens / self._following.pool.table.prefill_rate(lease.slot)
        learner.served(lease.slot, seconds=max(outcome.duration_s - first_s, 0.0))
        tokens = outcome.usage.completion_tokens
        if tokens is not None:
            seconds = self._generation_s() if is_timed else None
            learner.generated(tokens=tokens, seconds=seconds)

    def _generation_s(self) -> float | None:
        first, last = self._first_token_at_s, self._last_token_at_s
        return None if first is None or last is None else last - first

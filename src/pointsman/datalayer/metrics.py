"""What a pool knows, for Prometheus and for people: read when somebody asks, never kept twice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

    from pointsman.datalayer.pool import Pool
    from pointsman.domain.endpoints import Endpoint
    from pointsman.lib.clock import Clock

_PER_ENDPOINT = (
    ("waiting_requests", "Requests in the engine's queue at the last scrape.", Signal.WAITING),
    ("running_requests", "Requests in the engine's batch at the last scrape.", Signal.RUNNING),
    ("kv_cache_usage", "Share of KV blocks in use at the last scrape, 0..1.", Signal.KV_USAGE),
    ("inflight_requests", "Our own requests in flight.", Signal.INFLIGHT_REQUESTS),
    ("prefill_tokens_per_second", "Prefill rate, learned.", Signal.PREFILL_RATE),
    ("unreachable", "1 when the last scrapes could not connect.", Signal.UNREACHABLE),
)


class PoolCollector(Collector):
    """Hands a pool's columns to Prometheus."""

    def __init__(self, pool: Pool, registry: CollectorRegistry) -> None:
        self._pool = pool
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Every family with its present values."""
        table, prefixes = self._pool.table, self._pool.prefix_index.statistics()
        prefix = "pointsman"
        yield GaugeMetricFamily(f"{prefix}_endpoints", "Endpoints in the pool.", len(table))
        yield GaugeMetricFamily(
            f"{prefix}_prefix_index_blocks", "Prompt blocks in the index.", prefixes.blocks
        )
        yield GaugeMetricFamily(
            f"{prefix}_prefix_index_bytes", "Estimated size of the index.", prefixes.bytes
        )
        slots = [(e.id, table.slot_of(e.id)) for e in table.endpoints]
        for name, text, signal in _PER_ENDPOINT:
            family = GaugeMetricFamily(f"{prefix}_endpoint_{name}", text, labels=("endpoint",))
            for endpoint_id, slot in slots:
                family.add_metric((endpoint_id,), float(table.signals[signal, slot]))
            yield family


def endpoints_view(pool: Pool, clock: Clock) -> dict[str, object]:
    """Every endpoint with its signals, as /debug/endpoints shows it."""
    now_s = clock.monotonic_s()
    return {"endpoints": [_shown(pool, endpoint, now_s=now_s) for endpoint in pool.table.endpoints]}


def _shown(pool: Pool, endpoint: Endpoint, *, now_s: float) -> dict[str, object]:
    slot = pool.table.slot_of(endpoint.id)
    column = pool.table.signals[:, slot]
    signals = {signal.name.lower(): float(column[signal]) for signal in Signal}
    scraped_at_s = signals.pop("scraped_at_s")
    backlog_at_s = signals.pop("backlog_at_s")
    drained = (now_s - backlog_at_s) * signals["prefill_rate"]
    signals["backlog_tokens"] = max(signals["backlog_tokens"] - drained, 0.0)
    is_scraped = math.isfinite(scraped_at_s)
    return {
        "id": endpoint.id,
        "address": endpoint.address.authority,
        "labels": dict(endpoint.labels),
        "scraped_seconds_ago": round(now_s - scraped_at_s, 3) if is_scraped else None,
        **{name: round(value, 6) for name, value in signals.items()},
    }

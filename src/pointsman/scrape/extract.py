"""From a page and an engine's mapping to an `EngineSample`. Pure, and never raises.

Upstream takes the first series of a metric. We add up the data-parallel replicas of an engine
instead: a request is sent to an address and a port, and all the replicas behind it serve them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pointsman.domain.samples import EngineSample
from pointsman.scrape.reader import read_series

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pointsman.domain.metric_specs import MetricSpec
    from pointsman.scrape.engines import EngineMapping
    from pointsman.scrape.reader import Series

_LORA_MAX = "max_lora"
_LORA_ACTIVE = "running_lora_adapters"
_LORA_WAITING = "waiting_lora_adapters"
_VALUE_MAX = 1e15  # sums of these stay finite and exact enough, whatever a broken engine claims
_COUNT_DIGITS_MAX = 15  # exact in a float64; no KV cache has more blocks than that


def read_sample(page: bytes, engine: EngineMapping) -> EngineSample:
    """What a page says about its engine; None for what it does not say.

    Requests and blocks are summed over the engine's replicas, KV usage is their mean (replicas are
    equally large), and an adapter counts where any replica has it.
    """
    replica_label = engine.replica_label
    waiting = _per_replica(_published(page, engine.waiting), replica_label)
    running = _per_replica(_published(page, engine.running), replica_label)
    kv_usage = _per_replica(_published(page, engine.kv_usage), replica_label)
    cache = _newest_labels(_published(page, engine.cache_info), replica_label)
    block_tokens = _label_counts(cache, engine.block_tokens_label) or _counts(
        _per_replica(_published(page, engine.block_tokens), replica_label)
    )
    blocks = _label_counts(cache, engine.blocks_label) or _counts(
        _per_replica(_published(page, engine.blocks), replica_label)
    )
    lora = _newest_labels(_published(page, engine.lora), replica_label)
    return EngineSample(
        waiting=sum(waiting) if waiting else None,
        running=sum(running) if running else None,
        kv_usage=min(1.0, sum(kv_usage) / len(kv_usage)) if kv_usage else None,
        block_tokens=max(block_tokens, default=None),
        blocks=sum(blocks) if blocks else None,
        lora_max=max(_label_counts(lora, _LORA_MAX), default=None),
        lora_active=_adapters(lora, _LORA_ACTIVE),
        lora_waiting=_adapters(lora, _LORA_WAITING),
    )


def _published(page: bytes, specs: Iterable[MetricSpec]) -> list[Series]:
    """Series of the first spec that the page has, without those that are no number."""
    for spec in specs:
        found = [
            series
            for series in read_series(page, spec.name)
            if math.isfinite(series.value) and (not spec.labels or spec.matches(series.labels()))
        ]
        if found:
            return found
    return []


def _newest(found: list[Series], replica_label: str) -> list[Series]:
    """The series with the largest value of each replica; the first of equals."""
    if len(found) < 2:
        return found
    newest: dict[str, Series] = {}
    for series in found:
        replica = series.labels().get(replica_label, "")
        if replica not in newest or series.value > newest[replica].value:
            newest[replica] = series
    return list(newest.values())


def _per_replica(found: list[Series], replica_label: str) -> list[float]:
    """One value for each replica: the largest that any of its ranks reports, within reason."""
    return [min(max(0.0, series.value), _VALUE_MAX) for series in _newest(found, replica_label)]


def _newest_labels(found: list[Series], replica_label: str) -> list[dict[str, str]]:
    return [series.labels() for series in _newest(found, replica_label)]


def _label_counts(replicas: list[dict[str, str]], label: str) -> list[int]:
    """The counts that replicas have in a label."""
    counts = (_count(labels.get(label, "")) for labels in replicas)
    return [count for count in counts if count is not None]


def _counts(values: Iterable[float]) -> list[int]:
    return [int(value) for value in values if 1 <= value < 10**_COUNT_DIGITS_MAX]


def _count(text: str) -> int | None:
    """A positive whole number; None for `None`, which engines write before they know it."""
    if text.isascii() and text.isdigit() and len(text) <= _COUNT_DIGITS_MAX:
        return int(text) or None
    return None


def _adapters(replicas: list[dict[str, str]], label: str) -> frozenset[str]:
    names = (name.strip() for labels in replicas for name in labels.get(label, "").split(","))
    return frozenset(name for name in names if name)

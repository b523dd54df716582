from __future__ import annotations

from builders import request
from pointsman.domain.samples import EngineSample
from pointsman.plugins.scorers.lora_affinity import LoraAffinityScorer
from pools import Pool


def pool_with(*samples: tuple[int, str, str]) -> Pool:
    """Each endpoint: adapters it can hold, names that are active, names that wait."""
    pool = Pool().fill(len(samples))
    for number, (room, active, waiting) in enumerate(samples):
        sample = EngineSample(
            lora_max=room,
            lora_active=frozenset(active.split()),
            lora_waiting=frozenset(waiting.split()),
        )
        pool.table.store(f"default/e{number}", sample, scraped_at_s=99.0)
    return pool


def test_loaded_beats_room_beats_queued_beats_full() -> None:
    pool = pool_with((2, "a b", ""), (2, "b", ""), (2, "b c", "a"), (2, "b c", ""), (3, "b", "c"))
    scores = pool.make(LoraAffinityScorer).score(request(model="a"), pool.candidates())
    assert scores.tolist() == [1, 0.8, 0.6, 0, 0.8]


def test_a_queue_for_the_adapter_does_not_hide_room_for_it() -> None:
    pool = pool_with((2, "", "a"))
    scores = pool.make(LoraAffinityScorer).score(request(model="a"), pool.candidates())
    assert scores.tolist() == [0.8]


def test_without_adapters_it_decides_nothing() -> None:
    pool = Pool().fill(3)
    scores = pool.make(LoraAffinityScorer).score(request(), pool.candidates())
    assert scores.tolist() == [0, 0, 0]

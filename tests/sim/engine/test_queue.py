from __future__ import annotations

from pointsman.sim.engine.queue import WaitingQueue
from pointsman.sim.engine.requests import EngineRequest
from pointsman.sim.engine.sequences import Sequence


def sequence(number: int, adapter: str = "") -> Sequence:
    return Sequence(
        EngineRequest(b"1234", b"5678", adapter), identity=number, now_s=0.0, block_tokens=16
    )


def drain(queue: WaitingQueue) -> list[int]:
    return [queue.pop().id for _ in range(queue.ready_count)]


def test_who_comes_first_is_served_first() -> None:
    queue = WaitingQueue()
    for number in (1, 2, 3):
        queue.push(sequence(number))
    assert queue.head.id == 1
    assert drain(queue) == [1, 2, 3]


def test_a_preempted_request_goes_before_everybody_else() -> None:
    queue = WaitingQueue()
    queue.push(sequence(1))
    queue.push_front(sequence(2))
    assert drain(queue) == [2, 1]


def test_deferred_requests_are_passed_and_come_back_in_front() -> None:
    queue = WaitingQueue()
    queue.push(sequence(1, "a"))
    queue.push(sequence(2))
    queue.defer()
    assert (queue.head.id, queue.deferred_count, len(queue)) == (2, 1, 2)
    queue.push(sequence(3))
    queue.recall_deferred()
    assert drain(queue) == [1, 2, 3]


def test_both_halves_know_their_adapters() -> None:
    queue = WaitingQueue()
    for number, adapter in ((1, "a"), (2, ""), (3, "b")):
        queue.push(sequence(number, adapter))
    queue.defer()
    assert queue.adapters == {"a", "b"}


def test_who_gives_up_is_removed_from_either_half() -> None:
    queue = WaitingQueue()
    queue.push(sequence(1, "a"))
    queue.push(sequence(2))
    queue.defer()
    assert queue.remove(1)
    assert queue.remove(2)
    assert not queue.remove(2)
    assert len(queue) == 0


def test_a_new_head_makes_the_old_heads_needs_forgotten() -> None:
    queue = WaitingQueue()
    queue.push(sequence(1))
    queue.blocks_wanted = 9
    queue.push(sequence(2))
    assert queue.blocks_wanted == 9, "the head is still the same"
    queue.remove(1)
    assert queue.blocks_wanted == 0

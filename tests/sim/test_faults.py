from __future__ import annotations

import random
from collections import Counter

import pytest

from pointsman.sim.faults import Fault, Faults


def test_each_fault_happens_as_often_as_its_share() -> None:
    faults = Faults(error_share=0.5, hang_share=0.2, close_share=0.1)
    rng = random.Random(1)
    drawn = Counter(faults.draw(rng) for _ in range(10_000))
    assert drawn[Fault.ERROR] == pytest.approx(5000, rel=0.05)
    assert drawn[Fault.HANG] == pytest.approx(2000, rel=0.1)
    assert drawn[Fault.CLOSE] == pytest.approx(1000, rel=0.15)
    assert drawn[Fault.NONE] == pytest.approx(2000, rel=0.1)


def test_a_share_of_one_is_always_and_none_is_never() -> None:
    rng = random.Random(1)
    assert {Faults(hang_share=1.0).draw(rng) for _ in range(100)} == {Fault.HANG}
    assert {Faults().draw(rng) for _ in range(100)} == {Fault.NONE}


def test_changes_keep_the_other_fields() -> None:
    faults = Faults(latency_s=0.5).changed({"error_share": 1, "error_status": 503})
    assert (faults.latency_s, faults.error_share, faults.error_status) == (0.5, 1.0, 503)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"eror_share": 0.5}, "unknown fault 'eror_share'; known are latency_s, error_share"),
        ({"error_share": "half"}, "error_share must be a float, not 'half'"),
        ({"error_share": True}, "error_share must be a float, not True"),
        ({"error_status": 1.5}, "error_status must be a int"),
        ({"error_share": 0.7, "hang_share": 0.7}, "must be 0..1 together"),
        ({"close_share": -0.1}, "must be 0..1 together"),
        ({"latency_s": 1e9}, "latency_s must be"),
        ({"error_status": 404}, "error_status must be 500..599"),
        ({"close_after_chunks": -1}, "close_after_chunks must not be negative"),
    ],
)
def test_a_bad_change_is_refused_with_the_reason(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Faults().changed(changes)

from __future__ import annotations

from pointsman.sim.engine.slots import AdapterSlots


def test_only_so_many_adapters_fit_but_any_number_of_their_requests() -> None:
    slots = AdapterSlots(2)
    for adapter in ("a", "a", "b"):
        assert slots.has_room(adapter)
        slots.enter(adapter)
    assert not slots.has_room("c")
    assert slots.has_room("a")
    assert slots.has_room(""), "requests of the model itself need no slot"
    assert slots.active == ("a", "b")


def test_a_slot_is_free_when_its_last_request_has_left() -> None:
    slots = AdapterSlots(1)
    slots.enter("a")
    slots.enter("a")
    slots.is_changed = False
    slots.leave("a")
    assert (slots.has_room("b"), slots.is_changed) == (False, False)
    slots.leave("a")
    assert (slots.has_room("b"), slots.is_changed) == (True, True)

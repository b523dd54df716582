from __future__ import annotations

import numpy as np

from builders import request, surroundings, table_of
from config_documents import plan_of
from pointsman.api.signals import Signal
from pointsman.config.build import build_scheduler, build_schedulers


def test_the_default_plan_picks() -> None:
    table = table_of(3)
    scheduler = build_scheduler(plan_of(""), surroundings(table))
    table.signals[Signal.BACKLOG_TOKENS] = 50_000.0
    table.signals[Signal.BACKLOG_TOKENS, 1] = 0.0
    assert scheduler.schedule(request("hello"), table.candidates(0.0)).slot == 1


def test_weights_are_applied_to_scores() -> None:
    table = table_of(2)
    table.signals[Signal.SCRAPED_AT_S] = 0.0
    table.signals[Signal.WAITING, :2] = [0, 4]
    table.signals[Signal.KV_USAGE, :2] = [1.0, 0.5]
    text = (
        "plugins: [{type: queue-scorer}, {type: kv-cache-utilization-scorer}]\n"
        "schedulingProfiles: [{name: a, plugins: [{pluginRef: queue-scorer, weight: 2},"
        " {pluginRef: kv-cache-utilization-scorer, weight: 3}]}]\n"
    )
    scheduler = build_scheduler(plan_of(text), surroundings(table))
    pick = scheduler.schedule(request(), table.candidates(1.0))
    assert np.allclose(pick.scores, [2.0, 1.5])
    assert pick.slot == 0


def test_every_profile_gets_a_scheduler() -> None:
    text = (
        "plugins: [{type: queue-scorer}, {type: random-picker}]\n"
        "schedulingProfiles: [{name: a, plugins: [{pluginRef: queue-scorer}]}, {name: b}]\n"
    )
    table = table_of(2)
    schedulers = build_schedulers(plan_of(text), surroundings(table))
    assert len(schedulers) == 2
    for scheduler in schedulers:
        assert scheduler.schedule(request(), table.candidates(0.0)).slot in {0, 1}

"""The whole benchmark, small: a real Envoy, the picker, the floor and the canned server."""

from __future__ import annotations

import dataclasses

import pytest

from pointsman.apps.bench.plan import SCENARIOS
from pointsman.apps.bench.run import BenchSettings, bench_picker

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def test_every_dialect_is_measured_and_answered_whole() -> None:
    chosen = [one for one in SCENARIOS if one.name == "100 chunks"]
    settings = BenchSettings(
        pool_sizes=(4,),
        scenarios=tuple(dataclasses.replace(one, chunks=5, requests=20) for one in chosen),
        rounds=1,
        settle_s=0.5,
        idle_s=1.0,
    )
    said: list[str] = []
    results = await bench_picker(settings, progress=said.append)
    assert {row.dialect for row in results.rows} == {"headers-only", "observe", "early-end"}
    assert all(row.picker_cpu_us > 0 and row.floor_cpu_us > 0 for row in results.rows)
    assert results.idle is not None
    assert 0 <= results.idle.cores < 1
    assert results.rss_mib_max > 20
    assert len(said) == 4

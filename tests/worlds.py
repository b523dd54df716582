"""A whole pool with its director and the default policy, for tests that need real collaborators."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from builders import surroundings
from pointsman.api.plugins import Surroundings
from pointsman.apps.plugins import load_catalog
from pointsman.config.build import build_scheduler
from pointsman.config.load import load_plan
from pointsman.datalayer.pool import Pool
from pointsman.domain.endpoints import Endpoint
from pointsman.domain.requests import RequestHead
from pointsman.lib.clock import ManualClock
from pointsman.pipeline.director import PoolDirector
from pointsman.pipeline.formats.registry import formats_for
from pointsman.pipeline.metrics import PipelineMetrics
from pointsman.pipeline.watch import Following

CHAT = {":path": "/v1/chat/completions?x=1", ":method": "POST", "x-request-id": "r1"}


class World:
    """A director with the default policy over some endpoints."""

    def __init__(self, *endpoints: Endpoint, honours_subset: bool = True) -> None:
        self.clock = ManualClock(10.0)
        self.pool = Pool(clock=self.clock)
        self.pool.replace(endpoints)
        rng = surroundings(self.pool.table, seed=5).rng
        around = Surroundings(clock=self.clock, rng=rng, prefix_index=self.pool.prefix_index)
        self.director = PoolDirector(
            formats=formats_for(),
            scheduler=build_scheduler(load_plan(None, load_catalog()), around),
            following=Following(self.clock, self.pool, PipelineMetrics(CollectorRegistry())),
            honours_subset=honours_subset,
        )

    def destination(self, body: bytes, **options: object) -> str:
        head = RequestHead(headers=options.pop("headers", CHAT), **options)  # type: ignore[arg-type]
        return self.director.decide(head, body).destination

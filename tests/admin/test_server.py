from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import aiohttp
import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.parser import text_string_to_metric_families

from pointsman.admin.server import AdminServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class World:
    """What the admin server is told by its owner, to be changed by a test."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.endpoints: object = []
        self.registry = CollectorRegistry()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def base(world: World) -> AsyncIterator[str]:
    server = AdminServer(
        host="127.0.0.1",
        port=0,
        registry=world.registry,
        not_ready_because=lambda: world.reason,
        views={"endpoints": lambda: world.endpoints},
    )
    async with server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_metrics_are_those_of_the_registry_it_was_given(
    base: str, http: aiohttp.ClientSession, world: World
) -> None:
    Gauge("pool_size", "Endpoints.", registry=world.registry).set(3)
    async with http.get(f"{base}/metrics") as response:
        families = {f.name: f for f in text_string_to_metric_families(await response.text())}
    assert list(families) == ["pool_size"]
    assert families["pool_size"].samples[0].value == 3
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_a_scraper_that_asks_for_openmetrics_gets_it(
    base: str, http: aiohttp.ClientSession
) -> None:
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    async with http.get(f"{base}/metrics", headers=accept) as response:
        assert response.headers["content-type"].startswith("application/openmetrics-text")
        assert (await response.text()).endswith("# EOF\n")


async def test_it_is_ready_when_its_owner_says_so(
    base: str, http: aiohttp.ClientSession, world: World
) -> None:
    async with http.get(f"{base}/readyz") as response:
        assert (response.status, await response.text()) == (200, "ready\n")
    world.reason = "no endpoints yet"
    async with http.get(f"{base}/readyz") as response:
        assert (response.status, await response.text()) == (503, "not ready: no endpoints yet\n")
    async with http.get(f"{base}/healthz") as response:
        assert (response.status, await response.text()) == (200, "ok\n")


async def test_a_view_is_json_even_of_columns_with_infinities(
    base: str, http: aiohttp.ClientSession, world: World
) -> None:
    world.endpoints = [{"id": "default/a", "waiting": np.float64(2), "age_s": float("inf")}]
    async with http.get(f"{base}/debug/endpoints") as response:
        assert await response.json() == [{"id": "default/a", "waiting": 2.0, "age_s": None}]


async def test_the_index_lists_the_routes_and_each_of_them_answers(
    base: str, http: aiohttp.ClientSession
) -> None:
    async with http.get(base) as response:
        page = await response.text()
    for path in ("/metrics", "/healthz", "/readyz", "/debug/endpoints"):
        assert f'href="{path}"' in page
        async with http.get(base + path) as response:
            assert response.status == 200


async def test_other_paths_and_methods_are_refused(base: str, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{base}/debug/secrets") as response:
        assert response.status == 404
    async with http.post(f"{base}/metrics") as response:
        assert response.status == 405


async def test_a_taken_port_is_an_error_of_the_operating_system(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = AdminServer(
            host="127.0.0.1",
            port=taken.getsockname()[1],
            registry=world.registry,
            not_ready_because=lambda: None,
            views={},
        )
        with pytest.raises(OSError, match="address"):
            async with server:
                pass


async def test_after_it_is_left_nobody_listens(world: World) -> None:
    server = AdminServer(
        host="127.0.0.1",
        port=0,
        registry=world.registry,
        not_ready_because=lambda: None,
        views={},
    )
    async with server:
        port = server.port
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass

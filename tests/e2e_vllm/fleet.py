"""Real vLLM servers as child processes: started together, stopped for certain.

Each is a family of processes (API server, engine), so each gets a process group of its own, and
its end is the end of the group.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from pointsman.domain.endpoints import Address

BASE = "base"
ADAPTERS = ("a", "b")
BLOCK_TOKENS = 32
BLOCKS = 256
"""8,192 tokens: small on purpose, so that one server cannot cache what the pool can."""
BATCH_REQUESTS_MAX = 4
"""Small on purpose, so that a dozen requests make a queue."""
READY_TIMEOUT_S = 600.0
"""A quiet machine with two cores needs one minute; a busy one several."""
STOP_TIMEOUT_S = 20.0
LOG_CHARS_SHOWN = 4_000

ENVIRONMENT = (
    "HF_HUB_OFFLINE=1",
    "VLLM_NO_USAGE_STATS=1",
    "VLLM_CPU_KVCACHE_SPACE=1",  # GiB
    "VLLM_CPU_OMP_THREADS_BIND=nobind",
    "OMP_NUM_THREADS=1",
    "VLLM_SERVER_DEV_MODE=1",  # for /reset_prefix_cache
)


@dataclass(frozen=True)
class Engine:
    """One vLLM server that answers."""

    address: Address
    process: asyncio.subprocess.Process
    log_file: Path

    async def metrics(self) -> dict[str, float]:
        """The sum of all series by sample name, read with Prometheus' own parser."""
        page = await self._ask("GET", "/metrics")
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found

    async def forget_prefixes(self) -> None:
        """Empty the prefix cache; the server must be idle."""
        await self._ask("POST", "/reset_prefix_cache")

    async def _ask(self, method: str, path: str) -> str:
        url = f"http://{self.address.authority}{path}"
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            return (await client.request(method, url)).raise_for_status().text

    async def ready(self) -> None:
        """Wait until it serves.

        Raises:
            AssertionError: it exited; the text has its last words.
            TimeoutError: it took longer than `READY_TIMEOUT_S`.
        """
        async with asyncio.timeout(READY_TIMEOUT_S):
            while True:
                assert self.process.returncode is None, f"vLLM exited while starting\n{self.log()}"
                with contextlib.suppress(httpx.HTTPError):
                    await self._ask("GET", "/health")
                    return
                await asyncio.sleep(0.5)

    async def stop(self) -> None:
        """SIGTERM to the server, then SIGKILL to whatever is left of its group."""
        try:
            if self.process.returncode is None:
                self.process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")[-LOG_CHARS_SHOWN:]


async def make_model(venv: Path, folder: Path) -> None:
    """Run `make_model.py` in vLLM's environment."""
    script = Path(__file__).with_name("make_model.py")
    process = await asyncio.create_subprocess_exec(venv / "bin" / "python", script, folder)
    assert await process.wait() == 0, "the model could not be made, see above"


@contextlib.asynccontextmanager
async def running_fleet(venv: Path, folder: Path, *, size: int) -> AsyncIterator[list[Engine]]:
    """`size` servers of one tiny model with adapters a and b, all ready.

    Args:
        venv: where vLLM is installed.
        folder: for the model and the logs; must be empty.
        size: how many servers.

    Raises:
        AssertionError: a server exited while starting.
    """
    await make_model(venv, folder)
    async with contextlib.AsyncExitStack() as stack:
        engines = []
        for port in free_ports(size):
            engine = await start(venv, folder, port=port)
            stack.push_async_callback(engine.stop)
            engines.append(engine)
        async with asyncio.TaskGroup() as starting:
            for engine in engines:
                starting.create_task(engine.ready())
        yield engines


async def start(venv: Path, folder: Path, *, port: int) -> Engine:
    """At the lowest sensible priority: three engines at work leave the picker no CPU otherwise."""
    log_file = folder / f"vllm-{port}.log"
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "nice", "-n", "10", "env", *ENVIRONMENT, venv / "bin" / "vllm",
            *serve_arguments(folder, port),
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    return Engine(Address("127.0.0.1", port), process, log_file)


def serve_arguments(folder: Path, port: int) -> Sequence[str]:
    return (
        "serve", str(folder / "model"), "--served-model-name", BASE,
        "--host", "127.0.0.1", "--port", str(port),
        "--enforce-eager", "--distributed-executor-backend", "uni", "--max-model-len", "2048",
        "--block-size", str(BLOCK_TOKENS), "--num-gpu-blocks-override", str(BLOCKS),
        "--max-num-seqs", str(BATCH_REQUESTS_MAX), "--enable-prompt-tokens-details",
        "--enable-lora", "--max-loras", str(len(ADAPTERS)), "--max-lora-rank", "8",
        "--lora-modules", *(f"{name}={folder / f'adapter-{name}'}" for name in ADAPTERS),
    )  # fmt: skip


def free_ports(count: int) -> list[int]:
    """All bound at once, so that they differ."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]

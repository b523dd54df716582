"""The HTTP face of one simulated vLLM."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

from aiohttp import web

from pointsman.sim.driver import EngineDriver
from pointsman.sim.engine.engine import Engine
from pointsman.sim.errors import bad_value, missing, not_found
from pointsman.sim.faults import FaultPoint
from pointsman.sim.formats.prompts import chat_tokens, prompts_tokens
from pointsman.sim.inference_routes import InferenceRoutes
from pointsman.sim.metrics import VllmCollector, metrics_page
from pointsman.sim.models import ServedModels
from pointsman.sim.replies import (
    EXPOSITION,
    document_reply,
    empty_reply,
    guarded,
    read_object,
)
from pointsman.sim.telemetry import Telemetry
from pointsman.sim.tokens import TOKEN_BYTES, token_ids

if TYPE_CHECKING:
    from pointsman.lib.clock import Clock
    from pointsman.sim.replies import Route
    from pointsman.sim.settings import ServerSettings

VERSION = "0.32.0"
"""The vLLM whose transcripts this follows."""


class SimulatedServer:
    """One model server: an engine, the task that drives it, and the routes in front of it.

    `driver.run()` must run for as long as `application` serves.
    """

    def __init__(self, settings: ServerSettings, *, clock: Clock) -> None:
        self.settings = settings
        rng = random.Random(settings.seed)
        created_unix_s = clock.unix_s()
        self._fault_point = FaultPoint(settings.faults, rng)
        self._models = ServedModels(
            settings.model,
            context_tokens_max=settings.engine.context_tokens_max,
            created=int(created_unix_s),
            rng=rng,
            adapters=settings.adapters,
        )
        self._engine = Engine(settings.engine)
        telemetry = Telemetry(settings.engine.context_tokens_max, settings.speed)
        self.driver = EngineDriver(self._engine, telemetry, clock=clock, speed=settings.speed)
        self._inference = InferenceRoutes(
            settings,
            driver=self.driver,
            models=self._models,
            fault_point=self._fault_point,
            clock=clock,
            rng=rng,
        )
        self._metrics = metrics_page(
            VllmCollector(
                settings.model,
                settings.engine,
                statistics=self._engine.statistics,
                telemetry=telemetry,
                created_unix_s=created_unix_s,
            )
        )
        self.application = self._application()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=self.settings.body_bytes_max)
        router = application.router
        for path, handler in self._inference.table().items():
            router.add_post(path, handler)
        for path, handler in self._observed().items():
            router.add_get(path, guarded(self._faulty(handler)))
        for path, handler in self._commands().items():
            router.add_post(path, guarded(handler))
        router.add_get("/sim/faults", self._show_faults)
        router.add_get("/sim/statistics", self._show_statistics)
        router.add_route("*", "/{path:.*}", guarded(_refuse))
        return application

    def _observed(self) -> dict[str, Route]:
        return {
            "/health": self._health,
            "/ping": self._health,
            "/version": self._version,
            "/load": self._load,
            "/v1/models": self._list_models,
            "/metrics": self._show_metrics,
        }

    def _commands(self) -> dict[str, Route]:
        commands: dict[str, Route] = {
            "/tokenize": self._tokenize,
            "/reset_prefix_cache": self._reset_prefix_cache,
            "/sim/faults": self._change_faults,
        }
        if self.settings.engine.adapters_max:
            commands["/v1/load_lora_adapter"] = self._load_adapter
            commands["/v1/unload_lora_adapter"] = self._unload_adapter
        return commands

    def _faulty(self, handler: Route) -> Route:
        async def handle(request: web.Request) -> web.StreamResponse:
            if self._fault_point.faults.is_metrics_affected:
                await self._fault_point.enter(request)
            return await handler(request)

        return handle

    async def _health(self, _: web.Request) -> web.StreamResponse:
        return empty_reply()

    async def _version(self, _: web.Request) -> web.StreamResponse:
        return document_reply({"version": VERSION})

    async def _load(self, _: web.Request) -> web.StreamResponse:
        return document_reply({"server_load": self._inference.inflight})

    async def _list_models(self, _: web.Request) -> web.StreamResponse:
        return document_reply(self._models.listing())

    async def _show_metrics(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=self._metrics(), headers=EXPOSITION)

    async def _tokenize(self, request: web.Request) -> web.StreamResponse:
        body = await read_object(request, self.settings.body_bytes_max)
        messages = body.get("messages")
        if isinstance(messages, list):
            tokens = chat_tokens(messages, tools=body.get("tools"))
        elif isinstance(body.get("prompt"), str):
            (tokens,) = prompts_tokens(body["prompt"], "prompt")
        else:
            raise missing("prompt", body)
        return document_reply(
            {
                "count": len(tokens) // TOKEN_BYTES,
                "max_model_len": self.settings.engine.context_tokens_max,
                "tokens": token_ids(tokens),
                "token_strs": None,
            }
        )

    async def _reset_prefix_cache(self, _: web.Request) -> web.StreamResponse:
        return document_reply({"success": self._engine.forget_prefixes()})

    async def _load_adapter(self, request: web.Request) -> web.StreamResponse:
        body = await read_object(request, self.settings.body_bytes_max)
        text = self._models.load(body.get("lora_name"), body.get("lora_path"))
        return empty_reply(text.encode())

    async def _unload_adapter(self, request: web.Request) -> web.StreamResponse:
        body = await read_object(request, self.settings.body_bytes_max)
        return empty_reply(self._models.unload(body.get("lora_name")).encode())

    async def _show_faults(self, _: web.Request) -> web.StreamResponse:
        return document_reply(dataclasses.asdict(self._fault_point.faults))

    async def _change_faults(self, request: web.Request) -> web.StreamResponse:
        """Replace the given fields; `{"reset": true}` alone restores those of the start."""
        changes = await read_object(request, self.settings.body_bytes_max)
        point = self._fault_point
        if changes == {"reset": True}:
            point.faults = self.settings.faults
        else:
            try:
                point.faults = point.faults.changed(changes)
            except ValueError as error:
                raise bad_value(str(error), "faults") from error
        return await self._show_faults(request)

    async def _show_statistics(self, _: web.Request) -> web.StreamResponse:
        statistics = dataclasses.asdict(self._engine.statistics())
        return document_reply(
            {
                **statistics,
                "inflight": self._inference.inflight,
                "lost_s": self.driver.lost_s,
                "adapters": self._models.adapters,
            }
        )


async def _refuse(_: web.Request) -> web.StreamResponse:
    raise not_found()

"""The routes that make the engine work."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from pointsman.sim.formats.asks import Frame
from pointsman.sim.formats.chat import ChatApi, ChatStream
from pointsman.sim.formats.completions import CompletionsApi, CompletionsStream
from pointsman.sim.formats.embeddings import EmbeddingsApi
from pointsman.sim.formats.messages import MessagesApi, MessagesStream
from pointsman.sim.formats.responses import ResponsesApi, ResponsesStream
from pointsman.sim.inference import Inference, jobs_of
from pointsman.sim.replies import EVENT_STREAM, guarded, json_reply, read_object
from pointsman.sim.tokens import Answers

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from pointsman.lib.clock import Clock
    from pointsman.sim.driver import EngineDriver
    from pointsman.sim.faults import FaultPoint
    from pointsman.sim.formats.asks import Api, Ask, Stream
    from pointsman.sim.models import ServedModels
    from pointsman.sim.replies import Route
    from pointsman.sim.settings import ServerSettings

    MakeStream = Callable[[Frame, Ask], Stream]

REQUEST_ID_CHARS_MAX = 256
"""How much of a client's x-request-id is used."""
_NO_HEADERS: dict[str, str] = {}


class InferenceRoutes:
    """Every API of the server, over one engine."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        driver: EngineDriver,
        models: ServedModels,
        fault_point: FaultPoint,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._models = models
        self._fault_point = fault_point
        self._clock = clock
        self._rng = rng
        self._answers = Answers(settings.seed)
        self.inflight = 0
        """Requests being answered."""

    def table(self) -> dict[str, Route]:
        """A route for each path; all are POST."""
        return {
            "/v1/chat/completions": self._route(ChatApi(), ChatStream),
            "/v1/completions": self._route(CompletionsApi(), CompletionsStream),
            "/v1/responses": self._route(ResponsesApi(), ResponsesStream),
            "/v1/messages": self._route(MessagesApi(), MessagesStream),
            "/v1/embeddings": self._route(EmbeddingsApi(), None),
        }

    def _route(self, api: Api, make_stream: MakeStream | None) -> Route:
        async def handle(request: web.Request) -> web.StreamResponse:
            self.inflight += 1
            try:
                return await self._respond(request, api=api, make_stream=make_stream)
            finally:
                self.inflight -= 1

        return guarded(handle)

    async def _respond(
        self, request: web.Request, *, api: Api, make_stream: MakeStream | None
    ) -> web.StreamResponse:
        cut_after = await self._fault_point.enter(request)
        body = await read_object(request, self._settings.body_bytes_max)
        ask = api.read(body)
        adapter = self._models.adapter_of(ask.model)
        jobs = jobs_of(ask, adapter, settings=self._settings, answers=self._answers)
        frame = self._frame(request, ask)
        is_streaming = ask.is_streaming and make_stream is not None
        inference = Inference(self._driver, is_streaming=is_streaming)
        try:
            inference.submit(jobs)
            if make_stream is not None and is_streaming:
                stream = make_stream(frame, ask)
                return await self._send_stream(
                    request, stream, inference=inference, cut_after=cut_after
                )
            if cut_after is not None:
                await self._fault_point.cut(request)
            while not inference.is_finished:
                await inference.progress()
            reply = api.write(frame, inference.answers(), ask=ask)
            return json_reply(reply, extra=self._extra_headers(request))
        finally:
            inference.abandon()

    async def _send_stream(
        self,
        request: web.Request,
        stream: Stream,
        *,
        inference: Inference,
        cut_after: int | None,
    ) -> web.StreamResponse:
        """Headers at once, then each token when it exists."""
        response = web.StreamResponse(headers={**EVENT_STREAM, **self._extra_headers(request)})
        await response.prepare(request)
        if prologue := stream.prologue():
            await response.write(prologue)
        while True:
            await inference.progress()
            chunk = inference.news(stream)
            if inference.is_finished:
                await response.write_eof(chunk)
                return response
            await response.write(chunk)
            if cut_after is not None:
                cut_after -= 1
                if cut_after <= 0:
                    await self._fault_point.cut(request)

    def _frame(self, request: web.Request, ask: Ask) -> Frame:
        given = request.headers.get("x-request-id", "")[:REQUEST_ID_CHARS_MAX]
        return Frame(
            id=given or f"{self._rng.getrandbits(64):016x}",
            created=int(self._clock.unix_s()),
            model=ask.model or self._models.model,
            has_cached_tokens=self._settings.has_cached_tokens,
        )

    def _extra_headers(self, request: web.Request) -> dict[str, str]:
        """Headers that only some requests get: ORCA's load report, and the request's id."""
        wanted = request.headers.get("endpoint-load-metrics-format")
        is_echoed = self._settings.is_request_id_echoed and "x-request-id" in request.headers
        if wanted is None and not is_echoed:
            return _NO_HEADERS
        extra = {}
        if is_echoed:
            extra["x-request-id"] = request.headers["x-request-id"]
        if wanted in {"JSON", "TEXT"}:
            extra["endpoint-load-metrics"] = self._load_report(wanted)
        return extra

    def _load_report(self, form: str) -> str:
        now = self._driver.engine.statistics()
        values = {
            "num_requests_waiting": float(now.waiting_capacity + now.waiting_deferred),
            "kv_cache_usage_perc": now.kv_usage,
        }
        if form == "JSON":
            return f"JSON {json.dumps({'named_metrics': values})}"
        return "TEXT " + ", ".join(f"named_metrics.{name}={each}" for name, each in values.items())

"""A recording picker and model servers for tests that ask a real Envoy.

Envoy's messages come from xds-protos, the configuration under test from `envoy_data_plane`: two
independent readings of the same protocol.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import grpc
import httpx
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.envoy_process import RunningEnvoy, run_envoy
from pointsman.domain.endpoints import Address
from pointsman.domain.protocol import DESTINATION, HEALTH_EXT_PROC, STREAMED_CHUNK_BYTES_MAX
from pointsman.envoy.settings import EnvoySettings, PickerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ANY_PORT = Address("127.0.0.1", 0)
MESSAGE_BYTES_MAX = 40 * 1024 * 1024
FULL_DUPLEX = 4
"""`ProcessingMode.FULL_DUPLEX_STREAMED`."""


@dataclass
class ModelServer:
    """Answers each request with its name and the number of body bytes."""

    name: str
    status: int = 200
    heads: list[bytes] = field(default_factory=list)
    address: Address = ANY_PORT

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                size = await self._body(reader, self.heads[-1].lower())
                text = f"{self.name} {size}".encode()
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (self.status, len(text))
                )
                writer.write(text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> int:
        if b"transfer-encoding: chunked" not in head:
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or b"0")
            return len(await reader.readexactly(length))
        size = 0
        while chunk := int(await reader.readline(), 16):
            size += len((await reader.readexactly(chunk + 2))[:-2])
        await reader.readline()
        return size


@dataclass
class Stream:
    """What the picker received for one request."""

    kinds: list[str] = field(default_factory=list)
    response_bytes: int = 0
    request_headers: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, str | bytes] = field(default_factory=dict)
    served: str = ""


@dataclass
class RecordingPicker:
    """Correct in every dialect; picks what `pick` says, and fails the streams it is told to."""

    pick: Callable[[], str]
    fails_at: str = ""
    hangs_at: str = ""
    streams: list[Stream] = field(default_factory=list)

    async def process(self, _: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        stream = Stream(metadata=dict(context.invocation_metadata() or ()))
        self.streams.append(stream)
        conversation = Conversation(self.pick())
        while isinstance(message := await context.read(), bytes):
            request = ext_proc.ProcessingRequest.FromString(message)
            kind = request.WhichOneof("request")
            stream.kinds.append(kind)
            if kind == self.fails_at:
                await context.abort(grpc.StatusCode.INTERNAL, "told to fail")
            if kind == self.hangs_at:
                await asyncio.Event().wait()
            if kind == "request_headers":
                headers = request.request_headers.headers.headers
                stream.request_headers = {each.key: each.raw_value for each in headers}
            if kind == "response_headers":
                lb = request.metadata_context.filter_metadata["envoy.lb"]
                stream.served = lb[f"{DESTINATION}-served"] if DESTINATION in lb else ""
            stream.response_bytes += len(request.response_body.body)
            for reply in conversation.replies(kind, request):
                await context.write(reply.SerializeToString())


class Conversation:
    """Replies for one stream."""

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._body = b""
        self._is_duplex = False
        self._is_duplex_back = False

    def replies(
        self, kind: str, request: ext_proc.ProcessingRequest
    ) -> list[ext_proc.ProcessingResponse]:
        if kind == "request_headers":
            config = request.protocol_config
            self._is_duplex = config.request_body_mode == FULL_DUPLEX
            self._is_duplex_back = config.response_body_mode == FULL_DUPLEX
            waits = self._is_duplex and not request.request_headers.end_of_stream
            return [] if waits else [self._picked()]
        if kind == "request_body" and self._is_duplex:
            self._body += request.request_body.body
            return self._whole_body() if request.request_body.end_of_stream else []
        reply = ext_proc.ProcessingResponse()
        if kind == "response_body" and self._is_duplex_back:
            streamed = reply.response_body.response.body_mutation.streamed_response
            streamed.body = request.response_body.body
            streamed.end_of_stream = request.response_body.end_of_stream
        else:
            getattr(reply, kind).SetInParent()
        return [reply]

    def _whole_body(self) -> list[ext_proc.ProcessingResponse]:
        found = [self._picked()]
        step = STREAMED_CHUNK_BYTES_MAX
        for start in range(0, max(1, len(self._body)), step):
            reply = ext_proc.ProcessingResponse()
            streamed = reply.request_body.response.body_mutation.streamed_response
            streamed.body = self._body[start : start + step]
            streamed.end_of_stream = start + step >= len(self._body)
            found.append(reply)
        return found

    def _picked(self) -> ext_proc.ProcessingResponse:
        reply = ext_proc.ProcessingResponse()
        common = reply.request_headers.response
        common.clear_route_cache = True
        option = common.header_mutation.set_headers.add()
        option.header.key = DESTINATION
        option.header.raw_value = self._destination.encode()
        reply.dynamic_metadata.update({"envoy.lb": {DESTINATION: self._destination}})
        return reply


@dataclass
class Stack:
    """A running Envoy between a client and two model servers, with a picker aside."""

    envoy: RunningEnvoy
    picker: RecordingPicker
    server: grpc.aio.Server
    models: list[ModelServer]
    client: httpx.AsyncClient

    async def ask(self, body: bytes = b"{}", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self.envoy.url}/v1/completions"
        return await self.client.post(url, content=body, headers=named)


async def _start_model(stack: AsyncExitStack, name: str) -> ModelServer:
    model = ModelServer(name)
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0)
    stack.callback(server.close)
    model.address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    return model


async def start_picker(
    picker: RecordingPicker, credentials: grpc.ServerCredentials | None = None
) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MESSAGE_BYTES_MAX)])
    method = grpc.stream_stream_rpc_method_handler(picker.process)
    name = "envoy.service.ext_proc.v3.ExternalProcessor"
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(name, {"Process": method}),)
    )
    probed = health.aio.HealthServicer()  # type: ignore[attr-defined]  # an alias without types
    await probed.set(HEALTH_EXT_PROC, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(probed, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    return server, port


@asynccontextmanager
async def running(
    *,
    picker: PickerSettings = PickerSettings(has_tls=False),  # noqa: B008 - frozen
    credentials: grpc.ServerCredentials | None = None,
    dead: tuple[Address, ...] = (),
    has_picker: bool = True,
    has_models: bool = True,
    **chosen: object,
) -> AsyncIterator[Stack]:
    """Everything started; the picker chooses the first model server until told otherwise.

    `dead` are further endpoints. Without picker or models those still run, but Envoy does not know
    of them.
    """
    async with AsyncExitStack() as stack:
        models = [await _start_model(stack, name) for name in ("one", "two")]
        recording = RecordingPicker(lambda: models[0].address.authority)
        server, port = await start_picker(recording, credentials)
        stack.push_async_callback(server.stop, None)
        settings = EnvoySettings(
            endpoints=(*dead, *(model.address for model in models if has_models)),
            listener=ANY_PORT,
            admin=ANY_PORT,
            picker=replace(picker, port=port) if has_picker else None,
            **chosen,  # type: ignore[arg-type]  # fields of EnvoySettings
        )
        envoy = await stack.enter_async_context(run_envoy(envoy_config(settings)))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=30))
        yield Stack(envoy, recording, server, models, client)

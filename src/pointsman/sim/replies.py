"""Reading bodies and writing replies the way vLLM's uvicorn does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from pointsman.sim.errors import ApiError, bad_json, body_too_large, wrong_type

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Route = Callable[[web.Request], Awaitable[web.StreamResponse]]

_ALWAYS = {"Server": "uvicorn", "Vary": "Origin"}
JSON = {**_ALWAYS, "Content-Type": "application/json"}
EVENT_STREAM = {**_ALWAYS, "Content-Type": "text/event-stream; charset=utf-8"}
EXPOSITION = {**_ALWAYS, "Content-Type": "text/plain; version=1.0.0; charset=utf-8"}
_NO_EXTRA: Mapping[str, str] = {}


def json_reply(
    body: bytes, *, status: int = 200, extra: Mapping[str, str] = _NO_EXTRA
) -> web.Response:
    """A JSON document."""
    return web.Response(body=body, status=status, headers={**JSON, **extra})


def document_reply(document: object) -> web.Response:
    """A JSON document that still has to be written."""
    return json_reply(orjson.dumps(document))


def empty_reply(body: bytes = b"") -> web.Response:
    """A success without a content type, as Starlette's bare `Response` sends it."""
    return web.Response(body=body, headers=_ALWAYS)


async def read_object(request: web.Request, bytes_max: int) -> dict[str, object]:
    """The request's body, which must be a JSON object.

    Raises:
        ApiError: it is not, or it is longer than `bytes_max`.
    """
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise body_too_large(bytes_max) from error
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_json(raw) from error
    if not isinstance(body, dict):
        raise wrong_type("", "dictionary or object to extract fields from")
    return body


def guarded(handler: Route) -> Route:
    """Turn the errors that a handler raises into replies."""

    async def reply(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return json_reply(error.body, status=error.status)

    return reply

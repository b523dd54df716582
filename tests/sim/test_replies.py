from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from pointsman.sim.errors import ApiError, queue_full
from pointsman.sim.replies import document_reply, empty_reply, guarded, read_object


class Body:
    """A request's body as its reader sees it."""

    def __init__(self, raw: bytes | Exception) -> None:
        self._raw = raw

    async def read(self) -> bytes:
        if isinstance(self._raw, Exception):
            raise self._raw
        return self._raw


async def test_an_object_is_read() -> None:
    assert await read_object(Body(b'{"a": 1}'), 100) == {"a": 1}


@pytest.mark.parametrize(
    ("raw", "place"), [(b"[1]", "body"), (b"3", "body"), (b"", "body.0"), (b'{"a":}', "body.5")]
)
async def test_anything_else_is_a_bad_request_that_names_the_place(raw: bytes, place: str) -> None:
    with pytest.raises(ApiError) as refusal:
        await read_object(Body(raw), 100)
    assert (refusal.value.status, refusal.value.param) == (400, place)


async def test_too_much_is_refused_with_the_limit() -> None:
    too_large = web.HTTPRequestEntityTooLarge(max_size=100, actual_size=101)
    with pytest.raises(ApiError, match="larger than 100 bytes") as refusal:
        await read_object(Body(too_large), 100)
    assert refusal.value.status == 413


async def test_errors_become_replies_and_successes_pass() -> None:
    async def fail(_: web.Request) -> web.StreamResponse:
        raise queue_full()

    async def succeed(_: web.Request) -> web.StreamResponse:
        return document_reply({"ok": True})

    request = make_mocked_request("GET", "/")
    failed, succeeded = await guarded(fail)(request), await guarded(succeed)(request)
    assert (failed.status, failed.content_type) == (503, "application/json")
    assert (succeeded.status, succeeded.body) == (200, b'{"ok":true}')


def test_a_bare_reply_has_no_content_type_of_its_own() -> None:
    assert "Content-Type" not in empty_reply(b"").headers

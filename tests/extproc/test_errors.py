from __future__ import annotations

import json

import pytest

from pointsman.domain.errors import (
    BadRequestError,
    NoEndpointsError,
    RequestError,
    SaturatedError,
    TooLargeError,
)
from pointsman.extproc.errors import (
    REASONS,
    HeadersTooLargeError,
    OverloadedError,
    error_reply,
)

CASES = [
    (BadRequestError("model is missing", param="model"), 400, "bad_request", None),
    (TooLargeError(limit_bytes=10), 413, "request_too_large", None),
    (HeadersTooLargeError(limit_bytes=10), 431, "headers_too_large", None),
    (SaturatedError("all full"), 429, "saturated", "rejected-saturated"),
    (NoEndpointsError("none ready"), 503, "no_endpoints", "rejected-no-endpoints"),
    (OverloadedError(streams_max=5), 503, "overloaded", None),
]


@pytest.mark.parametrize(("error", "status", "reason", "dropped"), CASES)
def test_each_reason_has_its_answer(
    error: RequestError, status: int, reason: str, dropped: str | None
) -> None:
    reply = error_reply(error)
    headers = dict(reply.headers)
    assert (reply.status, reply.reason) == (status, reason)
    assert headers["content-type"] == "application/json"
    assert headers.get("x-llm-d-request-dropped-reason") == dropped
    assert ("retry-after" in headers) is (status == 503)
    content = json.loads(reply.body)["error"]
    assert set(content) == {"message", "type", "param", "code"}
    assert (content["message"], content["code"]) == (str(error), reason)
    assert (status, reason) in REASONS


def test_the_parameter_at_fault_is_named() -> None:
    error = BadRequestError("model is missing", param="model")
    assert json.loads(error_reply(error).body)["error"]["param"] == "model"


def test_our_own_bug_shows_the_client_no_detail() -> None:
    reply = error_reply(ZeroDivisionError("secret"))
    assert (reply.status, reply.reason) == (500, "internal_error")
    assert b"secret" not in reply.body


def test_a_family_member_without_a_row_of_its_own_is_a_bug() -> None:
    class NewError(RequestError):
        """Nobody has said what this means to a client."""

    assert error_reply(NewError("x")).status == 500


def test_every_member_of_the_family_in_the_domain_has_a_row() -> None:
    """A new RequestError must be given its HTTP meaning here before it is raised."""
    rowed = {type(error) for error, *_ in CASES}
    domain = {
        cls
        for cls in RequestError.__subclasses__()
        if cls.__module__.startswith("pointsman.domain")
    }
    assert domain <= rowed


def test_a_text_that_utf8_cannot_carry_still_makes_an_answer() -> None:
    assert json.loads(error_reply(BadRequestError("\ud800")).body)

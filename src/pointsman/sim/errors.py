"""Errors with vLLM's JSON shapes and texts (0.32)."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

_MISTAKES = MappingProxyType(
    {
        "string": "string_type",
        "boolean": "bool_type",
        "integer": "int_type",
        "list": "list_type",
        "dictionary": "dict_type",
        "dictionary or object to extract fields from": "model_attributes_type",
    }
)
"""What is expected of a field, and pydantic's name for something else."""


class ApiError(Exception):
    """An answer that is an error.

    Attributes:
        status: HTTP status, repeated as `code` in the body.
        kind: the body's `type`.
        param: the field that is wrong, or None.
    """

    def __init__(self, message: str, *, status: int, kind: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.param = param

    @property
    def body(self) -> bytes:
        """The JSON document that vLLM would send."""
        error = {"message": str(self), "type": self.kind, "param": self.param, "code": self.status}
        return orjson.dumps({"error": error})


def _invalid(kind: str, where: str, *, message: str, given: str, context: str = "") -> ApiError:
    place = f"body.{where}".rstrip(".")
    text = (
        f"1 validation error:\n  {{'type': '{kind}', 'loc': '{place}', "
        f"'msg': '{message}', 'input': {given}{context}}}"
    )
    return ApiError(text, status=400, kind="Bad Request", param=place)


def bad_json(raw: bytes) -> ApiError:
    """The body is not JSON; the position is what Python's own reader reports, as in vLLM."""
    try:
        json.loads(raw)
    except json.JSONDecodeError as error:
        where, why = str(error.pos), error.msg
    except UnicodeDecodeError as error:
        where, why = str(error.start), "invalid UTF-8"
    except RecursionError:
        where, why = "0", "too deeply nested"
    else:
        where, why = "0", "not an object that can be read"
    context = f", 'ctx': {{'error': {why!r}}}"
    given = "'<dict of 0 items>'"
    message = "JSON decode error"
    return _invalid("json_invalid", where, message=message, given=given, context=context)


def missing(name: str, body: Mapping[str, object]) -> ApiError:
    """A field that must be there is not."""
    given = f"'<dict of {len(body)} items>'"
    return _invalid("missing", name, message="Field required", given=given)


def wrong_type(name: str, expected: str) -> ApiError:
    """A field has the wrong type."""
    message = f"Input should be a valid {expected}"
    return _invalid(_MISTAKES[expected], name, message=message, given="'<not shown>'")


def unknown_model(name: str, served: str) -> ApiError:
    """Nobody here answers to that name."""
    text = f"The model `{name}` does not exist. Valid aliases: {served}."
    return ApiError(text, status=404, kind="NotFoundError", param="model")


def prompt_too_long(prompt_tokens: int, context_tokens_max: int) -> ApiError:
    """The prompt leaves no room for even one token of output."""
    return ApiError(
        f"This model's maximum context length is {context_tokens_max} tokens. However, your prompt "
        f"contains at least {prompt_tokens} input tokens, which exceeds this limit even without "
        "any output tokens. Please reduce the length of the input prompt. "
        f"(parameter=input_tokens, value={prompt_tokens})",
        status=400,
        kind="BadRequestError",
        param="input_tokens",
    )


def output_too_long(prompt_tokens: int, output_tokens: int, *, context_tokens_max: int) -> ApiError:
    """The prompt fits, but not together with the output that was asked for."""
    return ApiError(
        f"This model's maximum context length is {context_tokens_max} tokens. However, you "
        f"requested {output_tokens} output tokens and your prompt contains at least "
        f"{prompt_tokens} input tokens, for a total of at least {prompt_tokens + output_tokens} "
        "tokens. Please reduce the length of the input prompt or the number of requested output "
        f"tokens. (parameter=input_tokens, value={prompt_tokens})",
        status=400,
        kind="BadRequestError",
        param="input_tokens",
    )


def bad_value(message: str, param: str) -> ApiError:
    """A value that can be read but not served."""
    return ApiError(message, status=400, kind="BadRequestError", param=param)


def queue_full() -> ApiError:
    """`--max-num-queued-reqs` is reached."""
    return ApiError(
        "The engine is currently busy and cannot accept new requests. Please try again later or "
        "on a different instance.",
        status=503,
        kind="Service Unavailable",
    )


def body_too_large(bytes_max: int) -> ApiError:
    """Our own limit; vLLM has none."""
    text = f"request body is larger than {bytes_max} bytes"
    return ApiError(text, status=413, kind="Request Entity Too Large")


def not_found() -> ApiError:
    """No such path."""
    return ApiError("Not Found", status=404, kind="Not Found")


def injected(status: int) -> ApiError:
    """A failure that was asked for through `/sim/faults`."""
    kind = "Service Unavailable" if status == 503 else "InternalServerError"
    return ApiError("Internal server error", status=status, kind=kind)

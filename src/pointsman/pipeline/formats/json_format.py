"""The part that all JSON APIs share: decoding, model, stream flag, output limit, cache salt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from pointsman.domain.errors import BadRequestError
from pointsman.pipeline.formats.parsed import Document, ParsedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pointsman.domain.requests import ApiKind, Prompt

CONTAINERS_MAX = 1_000_000
"""Arrays and objects in one body. Each costs 3 bytes on the wire and about 70 in memory, so this
keeps a decoded body under about 100 MB, whatever its size."""
_CONTAINER_BYTES_MIN = 3

_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (dict, "an object"),
    (list, "an array"),
    (str, "a string"),
    (bool, "a boolean"),
    (int, "a number"),
    (float, "a number"),
)


def json_type(value: object) -> str:
    """What JSON calls the type of a decoded value, with its article."""
    return next((name for kind, name in _TYPE_NAMES if isinstance(value, kind)), "null")


def wrong_type(where: str, value: object, *, allowed: str) -> BadRequestError:
    """The error of a value that has another type than its API allows."""
    return BadRequestError(f"{where} must be {allowed}, not {json_type(value)}", param=where)


def load_document(body: bytes) -> Document:
    """Decode a request body.

    Raises:
        BadRequestError: it is not a JSON object, or one that would take too much memory.
    """
    if len(body) > CONTAINERS_MAX * _CONTAINER_BYTES_MIN and (
        body.count(b"{") + body.count(b"[") > CONTAINERS_MAX
    ):
        raise BadRequestError(f"request body has more than {CONTAINERS_MAX} arrays and objects")
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(_why_undecodable(body, error)) from error
    if not isinstance(document, dict):
        raise BadRequestError(f"request body must be a JSON object, not {json_type(document)}")
    return document


def _why_undecodable(body: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as undecodable:
        # The JSON decoder does not say where.
        at = undecodable.start
        return f"request body is not valid UTF-8: byte {at} is 0x{body[at]:02x}"
    return (
        f"request body is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}"
    )


def required_model(document: Mapping[str, object]) -> str:
    """The model that a request names.

    Raises:
        BadRequestError: it names none.
    """
    model = document.get("model")
    if isinstance(model, str) and model:
        return model
    if "model" not in document:
        raise BadRequestError("model is missing; it must be a non-empty string", param="model")
    if model == "":
        raise BadRequestError("model is empty; it must be a non-empty string", param="model")
    raise wrong_type("model", model, allowed="a non-empty string")


def output_limit(document: Mapping[str, object], keys: tuple[str, ...]) -> int | None:
    """The first of these limits that is a non-negative integer, in tokens."""
    for key in keys:
        limit = document.get(key)
        if type(limit) is int and limit >= 0:  # a boolean is an int too, but no limit
            return limit
    return None


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """A request format whose body is one JSON object with a `model`.

    Attributes:
        kind: which API it is.
        claims: path endings, without a leading slash.
        limit_keys: where its output limit may be, first wins.
        prompt_of: reads the prompt; raises `BadRequestError`.
        likeness_of: how well a body without a path fits; 0 = not at all.
        limit_field: the object that holds `limit_keys`; "" = the body itself.
    """

    kind: ApiKind
    claims: tuple[str, ...]
    limit_keys: tuple[str, ...]
    prompt_of: Callable[[Document], Prompt]
    likeness_of: Callable[[Mapping[str, object]], int]
    limit_field: str = ""

    def likeness(self, document: Mapping[str, object]) -> int:
        """How well a body without a path fits this format."""
        return self.likeness_of(document)

    def read(self, body: bytes) -> ParsedRequest:
        """Read a non-empty body.

        Raises:
            BadRequestError: it is not JSON, or not a request of this API.
        """
        return self.read_document(load_document(body))

    def read_document(self, document: Document) -> ParsedRequest:
        """Read a decoded body.

        Raises:
            BadRequestError: it is not a request of this API.
        """
        model = required_model(document)
        salt = document.get("cache_salt")
        limits = document.get(self.limit_field) if self.limit_field else document
        return ParsedRequest(
            self.kind,
            model,
            self.prompt_of(document),
            document.get("stream") is True,
            output_limit(limits, self.limit_keys) if isinstance(limits, dict) else None,
            salt if isinstance(salt, str) else "",
        )

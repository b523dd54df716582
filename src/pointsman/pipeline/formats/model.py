"""Changes the model's name in a request body and not one byte beside it."""

from __future__ import annotations

import re

import orjson

_KEY = b'"model"'
_ESCAPED_LETTER = b"\\u006"
"""Every letter of `model` written as a JSON escape begins so."""

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^,}\] \t\r\n]++")
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+[{}\[\]]', re.DOTALL)


def replace_model(body: bytes, model: str) -> bytes:
    """The same body with another model.

    Where `model` is written more than once the last one counts, as in every JSON parser we know,
    and only that one is changed.

    Args:
        body: a JSON object with a top-level `model`, as `read_request` has found it to be.
        model: the new name.

    Raises:
        ValueError: the body has no top-level `model`.
    """
    if body.count(_KEY) == 1 and _ESCAPED_LETTER not in body:
        # There is a top-level key and only one place where it can be.
        key_end = body.find(_KEY) + len(_KEY)
        start, end = _value_after(body, key_end)
    else:
        start, end = _last_model(body)
    return b"".join((body[:start], orjson.dumps(model), body[end:]))


def _value_after(body: bytes, key_end: int) -> tuple[int, int]:
    """Where the value starts and ends that belongs to a key ending at `key_end`."""
    colon = _after(_SPACE, body, at=key_end)
    if body[colon : colon + 1] != b":":
        raise ValueError("body has no top-level model")
    start = _after(_SPACE, body, at=colon + 1)
    return start, _value_end(body, start)


def _value_end(body: bytes, start: int) -> int:
    first = body[start : start + 1]
    if first == b'"':
        return _after(_STRING, body, at=start)
    if first not in (b"{", b"["):
        return _after(_SCALAR, body, at=start)
    depth, at = 1, start + 1
    while depth:
        at = _after(_TO_BRACKET, body, at=at)
        depth += 1 if body[at - 1] in b"{[" else -1
    return at


def _last_model(body: bytes) -> tuple[int, int]:
    """Where the value of the last top-level `model` starts and ends."""
    found = None
    at = _after(_SPACE, body, at=_after(_SPACE, body, at=0) + 1)
    while body[at : at + 1] == b'"':
        key_end = _after(_STRING, body, at=at)
        value = _value_after(body, key_end)
        if orjson.loads(body[at:key_end]) == "model":
            found = value
        at = _after(_SPACE, body, at=value[1])
        at = _after(_SPACE, body, at=at + 1) if body[at : at + 1] == b"," else len(body)
    if found is None:
        raise ValueError("body has no top-level model")
    return found


def _after(pattern: re.Pattern[bytes], body: bytes, *, at: int) -> int:
    match = pattern.match(body, at)
    if match is None:
        raise ValueError(f"body is not JSON at byte {at}")
    return match.end()

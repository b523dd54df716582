"""Usage objects of every API, read leniently: what cannot be read is unknown, never an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.domain.responses import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKENS_MAX = 2**53
"""Beyond it numbers in JSON are no longer exact; no response is that long."""
_DIGITS_MAX = 16

_PROMPT_KEYS = ("prompt_tokens", "input_tokens")
_COMPLETION_KEYS = ("completion_tokens", "output_tokens")
_DETAILS_KEYS = ("prompt_tokens_details", "input_tokens_details", "prompt_token_details")
_HOLDERS = ("response", "message")
"""Events of the responses API and of Anthropic's wrap the object that has the usage."""


def usage_in(document: object) -> Usage | None:
    """The usage that a decoded body or event carries, None where it carries none."""
    if not isinstance(document, dict):
        return None
    usage = document.get("usage")
    if isinstance(usage, dict):
        return read_usage(usage)
    for key in _HOLDERS:
        holder = document.get(key)
        usage = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(usage, dict):
            return read_usage(usage)
    return None


def read_usage(usage: Mapping[str, object]) -> Usage:
    """One usage object.

    Anthropic counts cached input beside `input_tokens` and OpenAI within `prompt_tokens`; here a
    prompt always includes what was cached.
    """
    prompt = _first(usage, _PROMPT_KEYS)
    cached = None
    for key in _DETAILS_KEYS:
        details = usage.get(key)
        if isinstance(details, dict):
            cached = _tokens(details.get("cached_tokens"))
    cache_read = _tokens(usage.get("cache_read_input_tokens"))
    cache_written = _tokens(usage.get("cache_creation_input_tokens"))
    if prompt is not None:
        prompt += (cache_read or 0) + (cache_written or 0)
    return Usage(
        prompt, _first(usage, _COMPLETION_KEYS), cached if cached is not None else cache_read
    )


def merged(older: Usage, newer: Usage) -> Usage:
    """What both know; the newer one wins, except that a zero never hides a number."""
    return Usage(
        newer.prompt_tokens or _known(older.prompt_tokens, newer.prompt_tokens),
        newer.completion_tokens or _known(older.completion_tokens, newer.completion_tokens),
        newer.cached_tokens or _known(older.cached_tokens, newer.cached_tokens),
    )


def _known(older: int | None, newer: int | None) -> int | None:
    return newer if older is None else older


def _first(usage: Mapping[str, object], keys: tuple[str, ...]) -> int | None:
    for key in keys:
        tokens = _tokens(usage.get(key))
        if tokens is not None:
            return tokens
    return None


def _tokens(value: object) -> int | None:
    """A count that was written as an integer, a float or a string of digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= TOKENS_MAX else None

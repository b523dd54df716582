"""Durations as Go's tools write them: `50ms`, `1m30s`, `2s`, `0`."""

from __future__ import annotations

import re

_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def parse_duration_s(text: str) -> float:
    """Seconds in a non-negative Go duration.

    Raises:
        ValueError: the text is not a duration; the message says what is allowed.
    """
    stripped = text.strip()
    if stripped == "0":
        return 0.0
    seconds, position = 0.0, 0
    for part in _PART.finditer(stripped):
        if part.start() != position:
            break
        seconds += float(part[1]) * _UNIT_S[part[2]]
        position = part.end()
    if position != len(stripped) or not stripped:
        raise ValueError(
            f"{text!r} is not a duration; write a number with a unit (ns, us, ms, s, m, h), "
            "such as 50ms or 1m30s"
        )
    return seconds

"""Field types of the document that are written as texts: durations and Kubernetes quantities."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator

from pointsman.lib.durations import parse_duration_s

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([-+]?\d{1,2}))?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def _seconds(value: object) -> object:
    return parse_duration_s(value) if isinstance(value, str) else _not_written_as(value, "60s")


def _whole(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _not_written_as(value, "10Gi")
    return parse_quantity(str(value))


def _not_written_as(value: object, example: str) -> object:
    if value is None:
        return None
    raise ValueError(f"write it as a text such as {example!r}, not {value!r}")


def parse_quantity(text: str) -> int:
    """A non-negative Kubernetes quantity, rounded up to a whole number: `10Gi`, `1k`, `5000`.

    Raises:
        ValueError: the text is not a quantity.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not a quantity; write a number that is not negative, optionally with "
            "a suffix such as k, M, G or Ki, Mi, Gi"
        )
    number, suffix, exponent = match.groups()
    if suffix in _BINARY:
        return math.ceil(Decimal(number) * Decimal(1024) ** _BINARY[suffix])
    power = _DECIMAL[suffix] if suffix else int(exponent or 0)
    return math.ceil(Decimal(number).scaleb(power))


DurationS = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str)]
"""Seconds, not negative, written as a Go duration such as `200ms` or `1m30s`."""

Quantity = Annotated[int, BeforeValidator(_whole, json_schema_input_type=int | str)]
"""A whole number, not negative, written as a number or a Kubernetes quantity such as `10Gi`."""

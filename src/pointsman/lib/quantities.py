"""Amounts as Kubernetes and Go's tools write them: `32MiB`, `10Mi`, `25MB`, `65536`, `5%`."""

from __future__ import annotations

import re

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([kKMGT]?)(i?)B?")
_POWER = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_bytes(text: str) -> int:
    """Bytes in a quantity; `k`, `M`, `G`, `T` are powers of 1000, with `i` of 1024; `B` is free.

    Raises:
        ValueError: the text is not a quantity of whole bytes; the message says what is allowed.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        raise ValueError(f"{text!r} is not a size; write a number of bytes, or such as 32MiB, 25MB")
    amount = float(match[1]) * (1024 if match[3] else 1000) ** _POWER[match[2]]
    if not amount.is_integer():
        raise ValueError(f"{text!r} is not a whole number of bytes")
    return int(amount)


def parse_share(text: str) -> float:
    """A share between 0 and 1, written as `0.05` or `5%`.

    Raises:
        ValueError: it is neither, or out of range.
    """
    stripped = text.strip()
    number, scale = (stripped[:-1], 100.0) if stripped.endswith("%") else (stripped, 1.0)
    try:
        share = float(number) / scale
    except ValueError:
        raise ValueError(f"{text!r} is not a share; write it as 5% or 0.05") from None
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{text!r} is not between 0% and 100%")
    return share

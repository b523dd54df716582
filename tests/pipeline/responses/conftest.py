"""Responses of real model servers: their headers and bodies, as they came over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

TRANSCRIPTS = Path(__file__).parent / "transcripts"


class Transcript(NamedTuple):
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def transcript(request: pytest.FixtureRequest) -> Transcript:
    """The response that a test names with an indirect parameter."""
    raw = (TRANSCRIPTS / f"{request.param}.http").read_bytes().replace(b"\r\n", b"\n")
    head, _, body = raw.partition(b"\n\n")
    status, *lines = head.decode().splitlines()
    headers = {":status": status.split()[1]}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Transcript(headers, body)

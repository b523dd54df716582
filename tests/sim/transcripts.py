"""Answers of a real vLLM 0.32.0, recorded with `curl -si`, as something to compare with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"


@dataclass(frozen=True)
class Transcript:
    """One recorded exchange."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def document(self) -> object:
        return json.loads(self.body)


def transcript(name: str) -> Transcript:
    text = (FIXTURES / f"{name}.http").read_text(encoding="utf-8")
    if text.startswith("$"):
        text = text.partition("\n")[2]
    head, _, body = text.partition("\n\n")
    status, *lines = head.splitlines()
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
    return Transcript(int(status.split()[1]), headers, body.strip())


def shape(document: object) -> object:
    """Keys and types of a document, in order; what varies from one answer to the next is gone."""
    if isinstance(document, dict):
        return {key: shape(value) for key, value in document.items()}
    if isinstance(document, list):
        return [shape(each) for each in document[:1]]
    return type(document).__name__

"""Configuration as text that Envoy reads and people edit."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING

import yaml
from betterproto2 import Casing

if TYPE_CHECKING:
    from betterproto2 import Message


class TextFormat(StrEnum):
    """Formats that Envoy reads, by file ending."""

    YAML = "yaml"
    JSON = "json"


def to_text(message: Message, text_format: TextFormat) -> str:
    """The message with Envoy's own field names, unset fields left out."""
    document = _with_own_names(message.to_dict(casing=Casing.SNAKE))
    match text_format:
        case TextFormat.YAML:
            return yaml.safe_dump(document, sort_keys=False, width=100)
        case TextFormat.JSON:
            return json.dumps(document, indent=2) + "\n"


def _with_own_names(value: object) -> object:
    """Undo betterproto2's re-casing of a digit before letters: `consecutive_5xx` is one word."""
    if isinstance(value, dict):
        return {key.replace("_5_xx", "_5xx"): _with_own_names(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_own_names(each) for each in value]
    return value

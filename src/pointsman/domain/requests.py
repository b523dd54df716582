"""A request as the picker reasons about it, after its wire format has been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_PER_TOKEN = 4
"""Estimate used wherever no tokenizer is asked; upstream uses the same."""


class ApiKind(StrEnum):
    """Which API a request speaks; decides how its prompt, model and usage are read."""

    COMPLETIONS = "completions"
    CHAT = "chat-completions"
    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    MESSAGES = "messages"
    PASSTHROUGH = "passthrough"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model will read, as bytes whose equal prefixes mean equal KV-cache prefixes.

    Attributes:
        segments: pieces in order. Text is its UTF-8; a token id is 4 bytes, little endian; a
            multimodal part is a short reference (its URL, or a digest of its data).
        tokens: estimated length in tokens (exact where the client sent token ids).
    """

    segments: tuple[bytes, ...] = ()
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What is known before the body: headers as Envoy sent them.

    Attributes:
        headers: last value of each header, names lower-cased.
        subset: the subset hint's entries, or None when the gateway gave no hint.
    """

    headers: Mapping[str, str]
    subset: tuple[str, ...] | None = None

    @property
    def path(self) -> str:
        """Path with its query, as the client sent it."""
        headers = self.headers
        return (
            headers.get(":path")
            or headers.get("x-original-path")
            or headers.get("x-forwarded-path")
            or ""
        )

    def first(self, names: tuple[str, ...]) -> str | None:
        """Value of the first of these headers that is present, even when it is empty."""
        return next((self.headers[name] for name in names if name in self.headers), None)


@dataclass(slots=True)
class InferenceRequest:
    """One request on its way through a decision; owned by the stream that received it.

    Attributes:
        id: the value of `x-request-id`.
        kind: which API it speaks.
        model: as the client named it; "" where the format has none.
        target_model: as the model server will be asked for it.
        prompt: what the model will read.
        output_tokens_max: the client's own limit, or None.
        is_streaming: the client asked for a stream.
        priority: of its objective; negative = sheddable.
        body_bytes: size of the body as received.
        cache_salt: separates the KV cache of tenants; part of the prefix hash.
        blocks: the prefix index's own memo of this prompt's block hashes.
    """

    id: str
    kind: ApiKind
    model: str
    target_model: str
    prompt: Prompt = field(default_factory=Prompt)
    output_tokens_max: int | None = None
    is_streaming: bool = False
    priority: int = 0
    body_bytes: int = 0
    cache_salt: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    blocks: object = None

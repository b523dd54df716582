"""What a request format finds out, and what a request format is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pointsman.domain.requests import ApiKind, Prompt

if TYPE_CHECKING:
    from collections.abc import Mapping

Document = dict[str, object]
"""A request body as decoded JSON: other people's data, of any shape."""


class ParsedRequest(NamedTuple):
    """A request as its body tells it.

    Attributes:
        kind: which API it speaks.
        model: as the client named it; "" only for `ApiKind.PASSTHROUGH`.
        prompt: what the model will read; empty where the format has none or computes none.
        is_streaming: the client asked for a stream.
        output_tokens_max: the client's own limit in tokens, or None.
        cache_salt: separates the KV cache of tenants; "" where the client sent none.
    """

    kind: ApiKind
    model: str
    prompt: Prompt = Prompt()
    is_streaming: bool = False
    output_tokens_max: int | None = None
    cache_salt: str = ""


class RequestFormat(Protocol):
    """One API's way to write a request."""

    @property
    def claims(self) -> tuple[str, ...]:
        """Path endings it speaks for, without a leading slash; none for the fallback."""
        ...

    def likeness(self, document: Mapping[str, object]) -> int:
        """How well a body without a path fits this format: 0 = not at all, most = best."""
        ...

    def read(self, body: bytes) -> ParsedRequest:
        """Read a non-empty body.

        Raises:
            BadRequestError: this API cannot mean anything by this body.
        """
        ...

    def read_document(self, document: Document) -> ParsedRequest:
        """Read a body that is decoded already.

        Raises:
            BadRequestError: this API cannot mean anything by this body.
        """
        ...

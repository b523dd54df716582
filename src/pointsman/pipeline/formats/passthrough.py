"""Everything that is not read: the fallback, and calls that compute nothing on an accelerator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind
from pointsman.pipeline.formats.json_format import load_document
from pointsman.pipeline.formats.parsed import Document, ParsedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_READ = ParsedRequest(ApiKind.PASSTHROUGH, "")


@dataclass(frozen=True, slots=True)
class PassthroughFormat:
    """Takes the model's name where there is one, and no prompt; never an error.

    Attributes:
        claims: path endings, without a leading slash; none for the fallback.
    """

    claims: tuple[str, ...] = ()

    def likeness(self, document: Mapping[str, object]) -> int:  # noqa: ARG002 - the protocol's
        """Nothing looks like it; it is what is left."""
        return 0

    def read(self, body: bytes) -> ParsedRequest:
        """Find the model's name in a body of any kind."""
        if not body.lstrip(b" \t\r\n").startswith(b"{"):
            return NOT_READ
        try:
            return self.read_document(load_document(body))
        except BadRequestError:
            # Not ours to judge: the model server may speak something else than JSON here.
            return NOT_READ

    def read_document(self, document: Document) -> ParsedRequest:
        """Find the model's name in a decoded body."""
        model = document.get("model")
        return ParsedRequest(ApiKind.PASSTHROUGH, model if isinstance(model, str) else "")


PASSTHROUGH = PassthroughFormat()
RENDER = PassthroughFormat(("chat/completions/render", "completions/render"))
COUNT_TOKENS = PassthroughFormat(("messages/count_tokens",))

"""Which format reads which request: parsers by configuration name, formats by path."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pointsman.domain.errors import BadRequestError
from pointsman.pipeline.formats.chat import CHAT
from pointsman.pipeline.formats.completions import COMPLETIONS
from pointsman.pipeline.formats.embeddings import EMBEDDINGS
from pointsman.pipeline.formats.generate import GENERATE
from pointsman.pipeline.formats.images import IMAGES
from pointsman.pipeline.formats.json_format import load_document
from pointsman.pipeline.formats.messages import MESSAGES
from pointsman.pipeline.formats.passthrough import COUNT_TOKENS, NOT_READ, PASSTHROUGH, RENDER
from pointsman.pipeline.formats.responses import CONVERSATIONS, RESPONSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pointsman.pipeline.formats.parsed import ParsedRequest, RequestFormat

PARSERS: Mapping[str, tuple[RequestFormat, ...]] = MappingProxyType(
    {
        "openai-parser": (
            CHAT, COMPLETIONS, RESPONSES, EMBEDDINGS, CONVERSATIONS, IMAGES, RENDER,
        ),
        "anthropic-parser": (MESSAGES, COUNT_TOKENS),
        "vllmhttp-parser": (GENERATE,),
        "passthrough-parser": (PASSTHROUGH,),
    }
)  # fmt: skip
"""Formats by the parser's type name in a configuration document; names are upstream's."""

PARSERS_DEFAULT = tuple(PARSERS)


class FormatTable:
    """The formats of one configuration; immutable.

    The longest claim that ends a path wins; of two formats with the same claim, the first. A claim
    ends a path only at a slash: `/v1/completions` is completions, `/v1/mycompletions` is not.
    """

    def __init__(self, formats: Iterable[RequestFormat]) -> None:
        self._formats = tuple(formats)
        claims: dict[str, RequestFormat] = {}
        for read_by in self._formats:
            for claim in read_by.claims:
                claims.setdefault(f"/{claim}", read_by)
        self._claims = tuple(sorted(claims.items(), key=lambda item: -len(item[0])))
        self._fallback = next((each for each in self._formats if not each.claims), None)

    def for_path(self, path: str) -> RequestFormat:
        """The format of requests to `path`; its query and trailing slashes do not matter.

        Raises:
            BadRequestError: no format claims it, and there is no fallback.
        """
        bare = path.partition("?")[0].rstrip("/")
        if not bare.startswith("/"):
            bare = f"/{bare}"
        for claim, read_by in self._claims:
            if bare.endswith(claim):
                return read_by
        return self._required_fallback(f"path {bare[:200]!r} is not one that this pool serves")

    def for_document(self, document: Mapping[str, object]) -> RequestFormat:
        """The format that a body without a path is most like.

        Raises:
            BadRequestError: it is like none, and there is no fallback.
        """
        likeness, read_by = max(
            ((each.likeness(document), each) for each in self._formats),
            key=lambda found: found[0],
            default=(0, None),
        )
        if read_by is not None and likeness > 0:
            return read_by
        return self._required_fallback("request has no path, and its body is like no known API")

    def _required_fallback(self, complaint: str) -> RequestFormat:
        if self._fallback is None:
            allowed = ", ".join(claim for claim, _ in self._claims) or "none"
            raise BadRequestError(f"{complaint}; paths may end in: {allowed}")
        return self._fallback


def formats_for(parser_names: Iterable[str] = PARSERS_DEFAULT) -> FormatTable:
    """The formats that a configuration's parsers read, in the configuration's order.

    Raises:
        ValueError: a name is no parser's; the message lists the parsers there are.
    """
    formats: list[RequestFormat] = []
    for name in dict.fromkeys(parser_names):
        if name not in PARSERS:
            raise ValueError(f"{name!r} is not a parser; parsers are: {', '.join(PARSERS)}")
        formats.extend(PARSERS[name])
    return FormatTable(formats)


def read_request(path: str, body: bytes, *, formats: FormatTable) -> ParsedRequest:
    """What a request says about itself.

    Args:
        path: as the client sent it, with its query; "" where the gateway does not tell it, and
            then the body's keys decide which API it is.
        body: complete; empty for a request without one, which is passed through.
        formats: what to read it with.

    Raises:
        BadRequestError: it cannot be read; the message says what is wrong, where, and what is
            allowed.
    """
    if not body:
        return NOT_READ
    if path:
        return formats.for_path(path).read(body)
    try:
        document = load_document(body)
    except BadRequestError:
        return formats.for_document({}).read(body)
    return formats.for_document(document).read_document(document)

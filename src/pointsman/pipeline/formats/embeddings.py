"""`/v1/embeddings`: text, several texts, token ids, or (vLLM's extension) chat messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.chat import chat_prompt
from pointsman.pipeline.formats.json_format import JsonFormat
from pointsman.pipeline.formats.prompt import PromptBuilder, add_text_or_token_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.pipeline.formats.parsed import Document

_HINTS = ("encoding_format", "dimensions")


def _prompt(document: Document) -> Prompt:
    given = document.get("input")
    if given is None and "messages" in document:
        return chat_prompt(document)
    if given is None:
        raise BadRequestError(
            "input is missing; it must be a string, a list of strings or token ids", param="input"
        )
    builder = PromptBuilder()
    add_text_or_token_ids(builder, given, where="input")
    return builder.build()


def _likeness(document: Mapping[str, object]) -> int:
    given = document.get("input")
    if given is None:
        return 0
    is_list_of_plain = isinstance(given, list) and bool(given) and not isinstance(given[0], dict)
    return 3 if is_list_of_plain or any(hint in document for hint in _HINTS) else 1


EMBEDDINGS = JsonFormat(
    kind=ApiKind.EMBEDDINGS,
    claims=("embeddings",),
    limit_keys=(),
    prompt_of=_prompt,
    likeness_of=_likeness,
)

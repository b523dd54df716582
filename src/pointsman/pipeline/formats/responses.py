"""`/v1/responses` and `/v1/conversations`: instructions, tools, then the input's items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.content import add_content
from pointsman.pipeline.formats.json_format import JsonFormat, wrong_type
from pointsman.pipeline.formats.prompt import PromptBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.pipeline.formats.parsed import Document


def _responses_prompt(document: Document) -> Prompt:
    builder = PromptBuilder()
    if document.get("tools"):
        builder.json(document["tools"], where="tools")
    instructions = document.get("instructions")
    if isinstance(instructions, str):
        builder.text(instructions)
    given = document.get("input")
    if isinstance(given, str):
        # The same bytes as a list with one message of the user: the model reads the same.
        builder.text("user")
        builder.text(given)
    else:
        _add_items(builder, given, where="input")
    return builder.build()


def _conversation_prompt(document: Document) -> Prompt:
    builder = PromptBuilder()
    _add_items(builder, document.get("items"), where="items")
    return builder.build()


def _add_items(builder: PromptBuilder, items: object, *, where: str) -> None:
    if items is None:
        raise BadRequestError(f"{where} is missing; it must be a list of items", param=where)
    if not isinstance(items, list):
        raise wrong_type(where, items, allowed="a string or a list of items")
    if not items:
        raise BadRequestError(f"{where} must not be empty", param=where)
    for i, item in enumerate(items):
        if isinstance(item, str):
            builder.text(item)
        elif isinstance(item, dict):
            _add_item(builder, item, where=f"{where}[{i}]")
        else:
            raise wrong_type(f"{where}[{i}]", item, allowed="an object")


def _add_item(builder: PromptBuilder, item: Document, *, where: str) -> None:
    if "content" not in item:
        builder.json(item, where=where)
        return
    role = item.get("role")
    if isinstance(role, str):
        builder.text(role)
    add_content(builder, item["content"], where=f"{where}.content")


def _responses_likeness(document: Mapping[str, object]) -> int:
    return 2 if "input" in document else 0


def _conversation_likeness(document: Mapping[str, object]) -> int:
    return 2 if isinstance(document.get("items"), list) else 0


RESPONSES = JsonFormat(
    kind=ApiKind.RESPONSES,
    claims=("responses",),
    limit_keys=("max_output_tokens",),
    prompt_of=_responses_prompt,
    likeness_of=_responses_likeness,
)
CONVERSATIONS = JsonFormat(
    kind=ApiKind.RESPONSES,
    claims=("conversations",),
    limit_keys=("max_output_tokens",),
    prompt_of=_conversation_prompt,
    likeness_of=_conversation_likeness,
)

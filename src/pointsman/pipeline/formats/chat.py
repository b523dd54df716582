"""`/v1/chat/completions`: tools, then every message's role and content."""

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

_BEFORE_MESSAGES = ("tools", "documents")
_PLAIN_KEYS = 2
"""A message with only a role and content has nothing else to look for."""


def chat_prompt(document: Document) -> Prompt:
    """What a chat template is fed with.

    Raises:
        BadRequestError: there is no message, or one that is none.
    """
    builder = PromptBuilder()
    for key in _BEFORE_MESSAGES:
        if document.get(key):
            builder.json(document[key], where=key)
    add_messages(builder, document.get("messages"))
    return builder.build()


def add_messages(builder: PromptBuilder, messages: object) -> None:
    """Add a conversation; one more message at its end leaves all bytes before it alone.

    Raises:
        BadRequestError: it is empty or no list, or has a message that is none.
    """
    if not isinstance(messages, list):
        if messages is not None:
            raise wrong_type("messages", messages, allowed="a list of messages")
        raise BadRequestError(
            "messages is missing; it must be a list of messages", param="messages"
        )
    if not messages:
        raise BadRequestError("messages must not be empty", param="messages")
    add_text = builder.text
    for i, message in enumerate(messages):
        if not isinstance(message, dict):
            raise wrong_type(f"messages[{i}]", message, allowed="an object with role and content")
        role = message.get("role")
        if isinstance(role, str):
            add_text(role)
        content = message.get("content")
        if isinstance(content, str):
            add_text(content)
        else:
            add_content(builder, content, where=f"messages[{i}].content")
        if len(message) > _PLAIN_KEYS and message.get("tool_calls"):
            builder.json(message["tool_calls"], where=f"messages[{i}].tool_calls")


def _likeness(document: Mapping[str, object]) -> int:
    return 2 if "messages" in document else 0


CHAT = JsonFormat(
    kind=ApiKind.CHAT,
    claims=("chat/completions",),
    limit_keys=("max_completion_tokens", "max_tokens"),
    prompt_of=chat_prompt,
    likeness_of=_likeness,
)

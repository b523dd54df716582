"""Anthropic's `/v1/messages`: tools, system prompt, then every message's role and blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.chat import add_messages
from pointsman.pipeline.formats.content import add_content
from pointsman.pipeline.formats.json_format import JsonFormat, wrong_type
from pointsman.pipeline.formats.prompt import PromptBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.pipeline.formats.parsed import Document

_BILLING_PREFIX = "x-anthropic-billing-header"
"""A system block of some clients that differs in each request; vLLM drops it, so must we."""
_HINTS = ("system", "stop_sequences", "thinking", "anthropic_version", "anthropic_beta")


def _prompt(document: Document) -> Prompt:
    builder = PromptBuilder()
    if document.get("tools"):
        builder.json(document["tools"], where="tools")
    _add_system(builder, document.get("system"))
    add_messages(builder, document.get("messages"))
    return builder.build()


def _add_system(builder: PromptBuilder, system: object) -> None:
    if isinstance(system, list):
        system = [block for block in system if not _is_billing(block)]
    elif system is not None and not isinstance(system, str):
        raise wrong_type("system", system, allowed="a string or a list of blocks")
    add_content(builder, system, where="system")


def _is_billing(block: object) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and text.startswith(_BILLING_PREFIX)


def _likeness(document: Mapping[str, object]) -> int:
    if "messages" not in document or "max_tokens" not in document:
        return 0
    tools = document.get("tools")
    first_tool = tools[0] if isinstance(tools, list) and tools else None
    has_its_tools = isinstance(first_tool, dict) and "input_schema" in first_tool
    return 3 if has_its_tools or any(hint in document for hint in _HINTS) else 1


MESSAGES = JsonFormat(
    kind=ApiKind.MESSAGES,
    claims=("messages",),
    limit_keys=("max_tokens",),
    prompt_of=_prompt,
    likeness_of=_likeness,
)

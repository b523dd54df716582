"""Which events of a stream carry output of the model.

The first event of most streams only names a role, and the last ones only a reason or usage; time
to first token and time per output token must not count them.
"""

from __future__ import annotations

_DELTA_TEXT = ("content", "reasoning_content", "reasoning", "refusal")
_BLOCK_TEXT = ("text", "thinking", "partial_json")


def output_key(document: object) -> str:
    """Key of the non-empty text that an event adds to the output, "" where it adds none.

    Args:
        document: a decoded event of chat completions, completions, responses, messages or vLLM's
            generate. Output that is no text (tool calls, token ids) has a key too.
    """
    if not isinstance(document, dict):
        return ""
    choices = document.get("choices")
    if isinstance(choices, list):
        return next(filter(None, map(_choice_key, choices)), "")
    kind = document.get("type")
    delta = document.get("delta")
    if isinstance(kind, str) and kind.endswith(".delta"):
        return "delta" if isinstance(delta, str) and delta else ""
    if kind == "content_block_delta" and isinstance(delta, dict):
        return _text_key(delta, _BLOCK_TEXT)
    return ""


def _choice_key(choice: object) -> str:
    if not isinstance(choice, dict):
        return ""
    delta = choice.get("delta")
    if isinstance(delta, dict):
        return _text_key(delta, _DELTA_TEXT) or _tool_key(delta) or _ids_key(choice)
    return _text_key(choice, ("text",)) or _ids_key(choice)


def _text_key(holder: dict[str, object], keys: tuple[str, ...]) -> str:
    for key in keys:
        text = holder.get(key)
        if isinstance(text, str) and text:
            return key
    return ""


def _tool_key(delta: dict[str, object]) -> str:
    return "tool_calls" if delta.get("tool_calls") or delta.get("function_call") else ""


def _ids_key(choice: dict[str, object]) -> str:
    return "token_ids" if choice.get("token_ids") else ""

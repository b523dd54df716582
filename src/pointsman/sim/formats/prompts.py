"""Messages, parts and prompts to tokens: a chat template in miniature.

`<role>` content `</>` for each message, `<assistant>` at the end: like real templates, it makes a
conversation's next turn begin with all of the last one.
"""

from __future__ import annotations

import orjson

from pointsman.sim.errors import bad_value, wrong_type
from pointsman.sim.formats.asks import PROMPTS_MAX
from pointsman.sim.tokens import id_tokens, reference_tokens, text_tokens

MEDIA_TOKENS = 256
"""What an image, a sound or a file costs, whatever its size."""

_MEDIA = frozenset(
    {"image_url", "image", "input_image", "input_audio", "audio_url", "video_url", "file",
     "input_file", "document"}
)  # fmt: skip
_END = text_tokens("</>")
_BOS = text_tokens("<s>")


def chat_tokens(messages: list[object], *, tools: object = None, system: object = None) -> bytes:
    """Tokens of a whole conversation, ready for the assistant to go on.

    Raises:
        ApiError: a message is not one.
    """
    pieces = []
    if tools:
        pieces += [text_tokens("<tools>"), text_tokens(orjson.dumps(tools).decode()), _END]
    if system:
        pieces += [text_tokens("<system>"), content_tokens(system), _END]
    for position, message in enumerate(messages):
        if not isinstance(message, dict):
            raise wrong_type(f"messages.{position}", "dictionary")
        role = message.get("role")
        if role is None and "type" in message:  # an item of the Responses API: a tool's output
            pieces += [text_tokens("<item>"), text_tokens(orjson.dumps(message).decode()), _END]
            continue
        pieces += [text_tokens(f"<{role}>"), content_tokens(message.get("content"))]
        calls = message.get("tool_calls")
        pieces += [text_tokens(orjson.dumps(calls).decode()), _END] if calls else [_END]
    pieces.append(text_tokens("<assistant>"))
    return b"".join(pieces)


def content_tokens(content: object) -> bytes:
    """Tokens of a message's content: text, a list of parts, or nothing."""
    if isinstance(content, str):
        return text_tokens(content)
    if content is None:
        return b""
    if isinstance(content, list):
        return b"".join(_part_tokens(part) for part in content)
    raise wrong_type("messages.content", "string")


def _part_tokens(part: object) -> bytes:
    if isinstance(part, str):
        return text_tokens(part)
    if not isinstance(part, dict):
        raise wrong_type("messages.content", "dictionary")
    if part.get("type") in _MEDIA:
        return reference_tokens(orjson.dumps(part), MEDIA_TOKENS)
    text = part.get("text")
    return text_tokens(text if isinstance(text, str) else orjson.dumps(part).decode())


def prompts_tokens(given: object, name: str) -> tuple[bytes, ...]:
    """Prompts as `/v1/completions` takes them: text, token ids, or a list of either.

    Raises:
        ApiError: it is none of these.
    """
    if isinstance(given, str):
        return (text_tokens(given) or _BOS,)
    if not isinstance(given, list):
        raise wrong_type(name, "string")
    if not given:
        raise bad_value("Either prompt or prompt_embeds must be provided and non-empty.", name)
    if isinstance(given[0], int):
        return (_ids(given, name),)
    if len(given) > PROMPTS_MAX:
        raise bad_value(f"at most {PROMPTS_MAX} prompts, got {len(given)}.", name)
    return tuple(
        text_tokens(each) or _BOS if isinstance(each, str) else _ids(each, name) for each in given
    )


def _ids(given: object, name: str) -> bytes:
    if not isinstance(given, list):
        raise wrong_type(name, "list")
    try:
        return id_tokens(given) or _BOS
    except ValueError as error:
        raise wrong_type(name, "integer") from error

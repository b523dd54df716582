"""Message content as chat completions, responses and Anthropic messages write it.

Content is a string or a list of parts. Part types of all three APIs are read by one table: their
names do not collide, and servers accept each other's.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pointsman.pipeline.formats.json_format import wrong_type
from pointsman.pipeline.formats.media import AUDIO, FILE, IMAGE, VIDEO, add_inline, add_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.pipeline.formats.media import MediaKind
    from pointsman.pipeline.formats.parsed import Document
    from pointsman.pipeline.formats.prompt import PromptBuilder

_TEXT_KEYS = ("text", "thinking", "refusal")

_MEDIA: Mapping[object, MediaKind] = MappingProxyType(
    {
        "image_url": IMAGE,
        "input_image": IMAGE,
        "image": IMAGE,
        "video_url": VIDEO,
        "input_video": VIDEO,
        "video": VIDEO,
        "audio_url": AUDIO,
        "input_audio": AUDIO,
        "audio": AUDIO,
        "input_file": FILE,
        "file": FILE,
        "document": FILE,
    }
)
_URL_KEYS = ("url", "image_url", "file_url", "file_data", "file_id")


def add_content(builder: PromptBuilder, content: object, *, where: str) -> None:
    """Add a message's content; null adds nothing.

    Raises:
        BadRequestError: it is neither a string nor a list of parts.
    """
    if isinstance(content, str):
        builder.text(content)
    elif isinstance(content, list):
        _add_parts(builder, content, where=where)
    elif content is not None:
        raise wrong_type(where, content, allowed="a string or a list of parts")


def _add_parts(builder: PromptBuilder, parts: list[object], *, where: str) -> None:
    for i, part in enumerate(parts):
        if isinstance(part, str):
            builder.text(part)
        elif isinstance(part, dict):
            _add_part(builder, part, where=f"{where}[{i}]")
        else:
            raise wrong_type(f"{where}[{i}]", part, allowed="an object with a type")


def _add_part(builder: PromptBuilder, part: Document, *, where: str) -> None:
    for key in _TEXT_KEYS:
        text = part.get(key)
        if isinstance(text, str):
            builder.text(text)
            return
    kind = part.get("type")
    if kind == "tool_result":
        _add_tool_result(builder, part, where=where)
    elif not (isinstance(kind, str) and kind in _MEDIA and _add_media(builder, part, kind=kind)):
        builder.json(part, where=where)


def _add_tool_result(builder: PromptBuilder, part: Document, *, where: str) -> None:
    content = part.get("content")
    if isinstance(content, list) and not any(_is_tool_result(inner) for inner in content):
        _add_parts(builder, content, where=f"{where}.content")
    elif isinstance(content, str):
        builder.text(content)
    else:
        # Results inside results mean nothing, but must not make us recurse.
        builder.json(content, where=f"{where}.content")


def _is_tool_result(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "tool_result"


def _add_media(builder: PromptBuilder, part: Document, *, kind: str) -> bool:
    """Add a part that refers to something; False where it refers to nothing we can see."""
    holder = part.get(kind, part.get("source", part))
    if isinstance(holder, str):
        add_url(builder, holder, kind=_MEDIA[kind])
        return True
    if not isinstance(holder, dict):
        return False
    if isinstance(holder.get("data"), str):
        _add_carried(builder, holder, kind=_MEDIA[kind])
        return True
    for key in _URL_KEYS:
        url = holder.get(key)
        if isinstance(url, str):
            add_url(builder, url, kind=_MEDIA[kind])
            return True
    return False


def _add_carried(builder: PromptBuilder, holder: Document, *, kind: MediaKind) -> None:
    inline = str(holder["data"])
    if holder.get("type") == "text":
        builder.text(inline)
        return
    media_type = holder.get("media_type", holder.get("format"))
    add_inline(builder, inline, kind=kind, media_type=str(media_type))

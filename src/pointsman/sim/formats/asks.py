"""What all APIs have in common: what is asked, what is answered, and how fields are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import orjson

from pointsman.sim.errors import bad_value, missing, wrong_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Json = Mapping[str, object]

CHOICES_MAX = 128
PROMPTS_MAX = 2048
FINGERPRINT = "vllm-0.32.0-5ce48e53"
"""`system_fingerprint`: the version and a hash of the engine's configuration."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request of any API.

    Attributes:
        model: the name it asks for; None = whatever is served.
        prompts: tokens of each prompt.
        choices: answers to each prompt.
        output_tokens: how many tokens each answer has; None = the model ends by itself, 0 = it
            does not generate (embeddings).
        is_streaming: the client wants a stream.
        has_usage_chunk: and its token counts at the end.
        cache_salt: separates the KV cache of tenants.
        dimensions: length of an embedding's vector.
        is_base64: an embedding's vector is wanted as base64 of little-endian float32.
    """

    model: str | None
    prompts: tuple[bytes, ...]
    choices: int = 1
    output_tokens: int | None = None
    is_streaming: bool = False
    has_usage_chunk: bool = False
    cache_salt: str = ""
    dimensions: int = 0
    is_base64: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One finished choice.

    Attributes:
        words: its tokens, which are also its text.
        prompt: the tokens it answers.
        ending: its finish reason, `stop` or `length`.
    """

    words: bytes
    prompt: bytes
    cached_tokens: int
    prompt_tokens: int
    output_tokens: int
    ending: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What every chunk and answer of one response repeats.

    Attributes:
        id: without the API's prefix.
        created: Unix time in whole seconds.
        model: as the client named it.
        has_cached_tokens: tell how much of the prompt was cached [--enable-prompt-tokens-details].
    """

    id: str
    created: int
    model: str
    has_cached_tokens: bool


class Stream(Protocol):
    """A streamed response as bytes."""

    def prologue(self) -> bytes:
        """Sent with the headers, before the engine has done anything."""
        ...

    def opening(self, cached_tokens: int, prompt_tokens: int) -> bytes:
        """Sent before the first token."""
        ...

    def words(self, choice: int, words: bytes, *, ending: str | None) -> bytes:
        """Tokens of one choice; `ending` is its finish reason, with its last token."""
        ...

    def closing(self, answers: Sequence[Answer]) -> bytes:
        """Sent when all choices are complete."""
        ...


class Api(Protocol):
    """One API: how its bodies are read and its responses written."""

    def read(self, body: Json) -> Ask:
        """What a request body asks.

        Raises:
            ApiError: the body is not a request of this API.
        """
        ...

    def write(self, frame: Frame, answers: Sequence[Answer], *, ask: Ask) -> bytes:
        """A complete response."""
        ...


def server_sent(document: object, event: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {event}\n".encode() if event else b""
    return head + b"data: " + orjson.dumps(document) + b"\n\n"


DONE = b"data: [DONE]\n\n"


def usage(frame: Frame, answers: Sequence[Answer], *, choices: int = 1) -> dict[str, object]:
    """OpenAI's token counts; each prompt is counted once, whatever the number of choices."""
    prompts = answers[::choices]
    prompt_tokens = sum(answer.prompt_tokens for answer in prompts)
    output_tokens = sum(answer.output_tokens for answer in answers)
    counts: dict[str, object] = {
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + output_tokens,
        "completion_tokens": output_tokens,
    }
    if frame.has_cached_tokens:
        cached_tokens = sum(answer.cached_tokens for answer in prompts)
        counts["prompt_tokens_details"] = {"cached_tokens": cached_tokens}
    return counts


def full_usage(frame: Frame, answers: Sequence[Answer], *, choices: int = 1) -> dict[str, object]:
    """The same as vLLM writes it outside of streams: absent parts are null."""
    counts = usage(frame, answers, choices=choices)
    details = counts.get("prompt_tokens_details")
    if isinstance(details, dict):
        details |= {"created_cache_tokens": None, "multimodal_tokens": None}
    counts["prompt_tokens_details"] = details
    counts["completion_tokens_details"] = None
    return counts


def read_text(body: Json, name: str) -> str | None:
    """An optional text field."""
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    raise wrong_type(name, "string")


def read_flag(body: Json, name: str) -> bool:
    """An optional yes or no."""
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise wrong_type(name, "boolean")


def read_count(body: Json, *names: str) -> int | None:
    """The first of these fields that is present: a whole number, at least one."""
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong_type(name, "integer")
        if value < 1:
            raise bad_value(f"{name} must be at least 1, got {value}.", name)
        return value
    return None


def read_choices(body: Json) -> int:
    """`n`."""
    choices = read_count(body, "n") or 1
    if choices > CHOICES_MAX:
        raise bad_value(f"n must be at most {CHOICES_MAX}, got {choices}.", "n")
    return choices


def read_list(body: Json, name: str) -> list[object]:
    """A list that must be there."""
    if body.get(name) is None:
        raise missing(name, body)
    value = body[name]
    if not isinstance(value, list):
        raise wrong_type(name, "list")
    return value


def wants_usage(body: Json) -> bool:
    """`stream_options.include_usage`."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True

"""POST /v1/completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pointsman.sim.errors import bad_value
from pointsman.sim.formats.asks import (
    DONE,
    FINGERPRINT,
    Ask,
    full_usage,
    read_choices,
    read_count,
    read_flag,
    read_text,
    server_sent,
    usage,
    wants_usage,
)
from pointsman.sim.formats.prompts import prompts_tokens
from pointsman.sim.tokens import split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.sim.formats.asks import Answer, Frame, Json

_OUTPUT_TOKENS = 16
"""`max_tokens` when a completion does not say: OpenAI's default, and vLLM's."""


_AFTER_WORD = (
    b'","logprobs":null,"finish_reason":%b,"stop_reason":null,"prompt_token_ids":null,'
    b'"token_ids":null}]}\n\n'
)


class CompletionsApi:
    """Text in, text out."""

    def read(self, body: Json) -> Ask:
        """What a request body asks."""
        if body.get("prompt") is None:
            text = "Either prompt or prompt_embeds must be provided and non-empty."
            raise bad_value(text, "prompt")
        return Ask(
            model=read_text(body, "model"),
            prompts=prompts_tokens(body["prompt"], "prompt"),
            choices=read_choices(body),
            output_tokens=read_count(body, "max_tokens") or _OUTPUT_TOKENS,
            is_streaming=read_flag(body, "stream"),
            has_usage_chunk=wants_usage(body),
            cache_salt=read_text(body, "cache_salt") or "",
        )

    def write(self, frame: Frame, answers: Sequence[Answer], *, ask: Ask) -> bytes:
        """A complete response."""
        choices = [
            {
                "index": index,
                "text": answer.words.decode(),
                "logprobs": None,
                "finish_reason": answer.ending,
                "stop_reason": None,
                "token_ids": None,
                "prompt_logprobs": None,
                "prompt_token_ids": None,
                "routed_experts": None,
            }
            for index, answer in enumerate(answers)
        ]
        return orjson.dumps(
            {
                "id": f"cmpl-{frame.id}",
                "object": "text_completion",
                "created": frame.created,
                "model": frame.model,
                "choices": choices,
                "service_tier": None,
                "system_fingerprint": FINGERPRINT,
                "usage": full_usage(frame, answers, choices=ask.choices),
                "kv_transfer_params": None,
                "ec_transfer_params": None,
                "metrics": None,
            }
        )


class CompletionsStream:
    """Chunks of `text_completion`."""

    def __init__(self, frame: Frame, ask: Ask) -> None:
        self._frame = frame
        self._ask = ask
        self._head = {
            "id": f"cmpl-{frame.id}",
            "object": "text_completion",
            "created": frame.created,
            "model": frame.model,
        }
        self._before = b"data: " + orjson.dumps(self._head)[:-1] + b',"choices":[{"index":'

    def prologue(self) -> bytes:
        """Nothing."""
        return b""

    def opening(self, cached_tokens: int, prompt_tokens: int) -> bytes:  # noqa: ARG002 - the protocol's
        """Nothing: the first chunk is the first token."""
        return b""

    def words(self, choice: int, words: bytes, *, ending: str | None) -> bytes:
        """A chunk for each token."""
        before = b'%b%d,"text":"' % (self._before, choice)
        last = _AFTER_WORD % (b"null" if ending is None else b'"%b"' % ending.encode())
        after = _AFTER_WORD % b"null"
        return before + (after + before).join(split_words(words)) + last

    def closing(self, answers: Sequence[Answer]) -> bytes:
        """The token counts if they were asked for, and the end mark."""
        if not self._ask.has_usage_chunk:
            return DONE
        counts = usage(self._frame, answers, choices=self._ask.choices)
        return server_sent(self._head | {"choices": [], "usage": counts}) + DONE

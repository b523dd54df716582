"""POST /v1/messages: Anthropic's API as vLLM speaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pointsman.sim.errors import missing
from pointsman.sim.formats.asks import (
    Ask,
    read_count,
    read_flag,
    read_list,
    read_text,
    server_sent,
)
from pointsman.sim.formats.prompts import chat_tokens
from pointsman.sim.tokens import split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.sim.formats.asks import Answer, Frame, Json


class MessagesApi:
    """A conversation in, the next message out."""

    def read(self, body: Json) -> Ask:
        """What a request body asks."""
        messages = read_list(body, "messages")
        output_tokens = read_count(body, "max_tokens")
        if output_tokens is None:
            raise missing("max_tokens", body)
        tools, system = body.get("tools"), body.get("system")
        return Ask(
            model=read_text(body, "model"),
            prompts=(chat_tokens(messages, tools=tools, system=system),),
            output_tokens=output_tokens,
            is_streaming=read_flag(body, "stream"),
            has_usage_chunk=True,
            cache_salt=read_text(body, "cache_salt") or "",
        )

    def write(self, frame: Frame, answers: Sequence[Answer], *, ask: Ask) -> bytes:  # noqa: ARG002 - the protocol's
        """A complete response."""
        answer = answers[0]
        return orjson.dumps(
            {
                "id": f"chatcmpl-{frame.id}",
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": answer.words.decode()}],
                "model": frame.model,
                "stop_reason": _stop_reason(answer.ending),
                "usage": _answer_usage(frame, answer),
            }
        )


def _stop_reason(ending: str) -> str:
    return "max_tokens" if ending == "length" else "end_turn"


def _usage(frame: Frame, *, prompt: int, output: int, cached: int) -> dict[str, int]:
    """VLLM's `input_tokens` are the whole prompt, cached or not; Anthropic's are not."""
    counts = {"input_tokens": prompt, "output_tokens": output}
    return counts | ({"cache_read_input_tokens": cached} if frame.has_cached_tokens else {})


def _answer_usage(frame: Frame, answer: Answer) -> dict[str, int]:
    return _usage(
        frame,
        prompt=answer.prompt_tokens,
        output=answer.output_tokens,
        cached=answer.cached_tokens,
    )


class MessagesStream:
    """Named events, from `message_start` to `message_stop`."""

    def __init__(self, frame: Frame, ask: Ask) -> None:  # noqa: ARG002 - as all streams are made
        self._frame = frame

    def prologue(self) -> bytes:
        """Nothing."""
        return b""

    def opening(self, cached_tokens: int, prompt_tokens: int) -> bytes:
        """The message without content, and its only block."""
        message: dict[str, object] = {
            "id": f"chatcmpl-{self._frame.id}",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": self._frame.model,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _usage(self._frame, prompt=prompt_tokens, output=0, cached=cached_tokens),
        }
        block = {"type": "text", "text": ""}
        start = {"type": "content_block_start", "index": 0, "content_block": block}
        return server_sent(
            {"type": "message_start", "message": message}, "message_start"
        ) + server_sent(start, "content_block_start")

    def words(self, choice: int, words: bytes, *, ending: str | None) -> bytes:  # noqa: ARG002 - the protocol's
        """A delta for each token."""
        before = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
            b'"delta":{"type":"text_delta","text":"'
        )
        after = b'"}}\n\n'
        return before + (after + before).join(split_words(words)) + after

    def closing(self, answers: Sequence[Answer]) -> bytes:
        """Why it ended, and the token counts."""
        answer = answers[0]
        counts = _answer_usage(self._frame, answer)
        delta = {"stop_reason": _stop_reason(answer.ending)}
        return b"".join(
            (
                server_sent({"type": "content_block_stop", "index": 0}, "content_block_stop"),
                server_sent(
                    {"type": "message_delta", "delta": delta, "usage": counts}, "message_delta"
                ),
                server_sent({"type": "message_stop"}, "message_stop"),
            )
        )

"""POST /v1/chat/completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pointsman.sim.formats.asks import (
    DONE,
    FINGERPRINT,
    Ask,
    full_usage,
    read_choices,
    read_count,
    read_flag,
    read_list,
    read_text,
    server_sent,
    usage,
    wants_usage,
)
from pointsman.sim.formats.prompts import chat_tokens
from pointsman.sim.tokens import split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.sim.formats.asks import Answer, Frame, Json

_AFTER_WORD = b'"},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n'
_AFTER_LAST_WORD = (
    b'"},"logprobs":null,"finish_reason":"%b","stop_reason":null,"token_ids":null}]}\n\n'
)


class ChatApi:
    """A conversation in, the next message out."""

    def read(self, body: Json) -> Ask:
        """What a request body asks."""
        messages = read_list(body, "messages")
        return Ask(
            model=read_text(body, "model"),
            prompts=(chat_tokens(messages, tools=body.get("tools")),),
            choices=read_choices(body),
            output_tokens=read_count(body, "max_completion_tokens", "max_tokens"),
            is_streaming=read_flag(body, "stream"),
            has_usage_chunk=wants_usage(body),
            cache_salt=read_text(body, "cache_salt") or "",
        )

    def write(self, frame: Frame, answers: Sequence[Answer], *, ask: Ask) -> bytes:
        """A complete response."""
        return orjson.dumps(
            {
                "id": f"chatcmpl-{frame.id}",
                "object": "chat.completion",
                "created": frame.created,
                "model": frame.model,
                "choices": [_choice(index, answer) for index, answer in enumerate(answers)],
                "service_tier": None,
                "system_fingerprint": FINGERPRINT,
                "usage": full_usage(frame, answers, choices=ask.choices),
                "prompt_logprobs": None,
                "prompt_token_ids": None,
                "prompt_text": None,
                "kv_transfer_params": None,
                "ec_transfer_params": None,
                "metrics": None,
            }
        )


def _choice(index: int, answer: Answer) -> dict[str, object]:
    return {
        "index": index,
        "message": {
            "role": "assistant",
            "content": answer.words.decode(),
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "reasoning": None,
        },
        "logprobs": None,
        "finish_reason": answer.ending,
        "stop_reason": None,
        "token_ids": None,
        "routed_experts": None,
    }


class ChatStream:
    """Chunks of `chat.completion.chunk`: role, one for each token, token counts, end mark."""

    def __init__(self, frame: Frame, ask: Ask) -> None:
        self._frame = frame
        self._ask = ask
        self._head = {
            "id": f"chatcmpl-{frame.id}",
            "object": "chat.completion.chunk",
            "created": frame.created,
            "model": frame.model,
        }
        self._before = b"data: " + orjson.dumps(self._head)[:-1] + b',"choices":[{"index":'

    def prologue(self) -> bytes:
        """Nothing: the role comes with the first token."""
        return b""

    def opening(self, cached_tokens: int, prompt_tokens: int) -> bytes:  # noqa: ARG002 - the protocol's
        """The role chunk of every choice."""
        return b"".join(
            b'%b%d,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]'
            b',"prompt_token_ids":null,"prompt_text":null}\n\n' % (self._before, choice)
            for choice in range(self._ask.choices)
        )

    def words(self, choice: int, words: bytes, *, ending: str | None) -> bytes:
        """A chunk for each token."""
        before = b'%b%d,"delta":{"content":"' % (self._before, choice)
        last = _AFTER_WORD if ending is None else _AFTER_LAST_WORD % ending.encode()
        return before + (_AFTER_WORD + before).join(split_words(words)) + last

    def closing(self, answers: Sequence[Answer]) -> bytes:
        """The token counts if they were asked for, and the end mark."""
        if not self._ask.has_usage_chunk:
            return DONE
        counts = usage(self._frame, answers, choices=self._ask.choices)
        document = {"choices": [], "usage": counts, "system_fingerprint": FINGERPRINT}
        return server_sent(self._head | document) + DONE

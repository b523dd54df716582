"""POST /v1/responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pointsman.sim.errors import missing, wrong_type
from pointsman.sim.formats.asks import Ask, read_count, read_flag, read_text, server_sent
from pointsman.sim.formats.prompts import chat_tokens
from pointsman.sim.tokens import split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.sim.formats.asks import Answer, Frame, Json


class ResponsesApi:
    """OpenAI's newer API; always one answer."""

    def read(self, body: Json) -> Ask:
        """What a request body asks."""
        given = body.get("input")
        if given is None:
            raise missing("input", body)
        if isinstance(given, str):
            given = [{"role": "user", "content": given}]
        if not isinstance(given, list):
            raise wrong_type("input", "string")
        prompt = chat_tokens(given, tools=body.get("tools"), system=body.get("instructions"))
        return Ask(
            model=read_text(body, "model"),
            prompts=(prompt,),
            output_tokens=read_count(body, "max_output_tokens"),
            is_streaming=read_flag(body, "stream"),
            has_usage_chunk=True,
            cache_salt=read_text(body, "cache_salt") or "",
        )

    def write(self, frame: Frame, answers: Sequence[Answer], *, ask: Ask) -> bytes:
        """A complete response."""
        return orjson.dumps(_response(frame, ask, answer=answers[0]))


def _response(frame: Frame, ask: Ask, *, answer: Answer | None) -> dict[str, object]:
    """The response object; without an answer it is still in progress."""
    is_cut = answer is not None and answer.ending == "length"
    finished = "incomplete" if is_cut else "completed"
    return {
        "id": f"resp_{frame.id}",
        "created_at": frame.created,
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "instructions": None,
        "metadata": None,
        "model": frame.model,
        "object": "response",
        "output": [] if answer is None else [_message(frame, answer.words)],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "none",
        "tools": [],
        "top_p": 1.0,
        "background": False,
        "max_output_tokens": ask.output_tokens,
        "max_tool_calls": None,
        "previous_response_id": None,
        "prompt": None,
        "reasoning": None,
        "service_tier": "auto",
        "status": "in_progress" if answer is None else finished,
        "text": None,
        "top_logprobs": None,
        "truncation": "disabled",
        "usage": None if answer is None else _usage(frame, answer),
        "user": None,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "kv_transfer_params": None,
        "ec_transfer_params": None,
        "input_messages": None,
        "output_messages": None,
    }


def _usage(frame: Frame, answer: Answer) -> dict[str, object]:
    return {
        "input_tokens": answer.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": answer.cached_tokens if frame.has_cached_tokens else 0,
            "cache_write_tokens": 0,
            "input_tokens_per_turn": [],
            "cached_tokens_per_turn": [],
        },
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {
            "reasoning_tokens": 0,
            "tool_output_tokens": 0,
            "output_tokens_per_turn": [],
            "tool_output_tokens_per_turn": [],
        },
        "total_tokens": answer.prompt_tokens + answer.output_tokens,
    }


def _part(words: bytes) -> dict[str, object]:
    return {"annotations": [], "text": words.decode(), "type": "output_text", "logprobs": None}


def _message(frame: Frame, words: bytes | None) -> dict[str, object]:
    return {
        "id": f"msg_{frame.id}",
        "content": [] if words is None else [_part(words)],
        "role": "assistant",
        "status": "in_progress" if words is None else "completed",
        "type": "message",
        "phase": None,
    }


class ResponsesStream:
    """Typed, numbered events, from `response.created` to `response.completed`."""

    def __init__(self, frame: Frame, ask: Ask) -> None:
        self._frame = frame
        self._ask = ask
        self._sequence = 0
        self._place: dict[str, object] = {
            "item_id": f"msg_{frame.id}", "output_index": 0, "content_index": 0,
        }  # fmt: skip

    def prologue(self) -> bytes:
        """The response object, before anything is known."""
        started = _response(self._frame, self._ask, answer=None)
        return self._event("response.created", {"response": started}) + self._event(
            "response.in_progress", {"response": started}
        )

    def opening(self, cached_tokens: int, prompt_tokens: int) -> bytes:  # noqa: ARG002 - the protocol's
        """The message and its only part."""
        item = _message(self._frame, None)
        return self._event(
            "response.output_item.added", {"output_index": 0, "item": item}
        ) + self._event("response.content_part.added", self._place | {"part": _part(b"")})

    def words(self, choice: int, words: bytes, *, ending: str | None) -> bytes:  # noqa: ARG002 - the protocol's
        """A delta for each token."""
        return b"".join(
            self._event(
                "response.output_text.delta",
                self._place | {"delta": word.decode(), "logprobs": []},
            )
            for word in split_words(words)
        )

    def closing(self, answers: Sequence[Answer]) -> bytes:
        """The whole text again, and the response object with its token counts."""
        answer = answers[0]
        text, message = answer.words.decode(), _message(self._frame, answer.words)
        done = _response(self._frame, self._ask, answer=answer)
        end = "response.incomplete" if done["status"] == "incomplete" else "response.completed"
        return b"".join(
            (
                self._event(
                    "response.output_text.done", self._place | {"text": text, "logprobs": []}
                ),
                self._event(
                    "response.content_part.done", self._place | {"part": _part(answer.words)}
                ),
                self._event("response.output_item.done", {"output_index": 0, "item": message}),
                self._event(end, {"response": done}),
            )
        )

    def _event(self, kind: str, fields: dict[str, object]) -> bytes:
        document = fields | {"sequence_number": self._sequence, "type": kind}
        self._sequence += 1
        return server_sent(document, kind)

"""One answer, written by an API as a whole or as a stream, without any server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pointsman.sim.formats.asks import Answer, Frame
from pointsman.sim.tokens import Answers

if TYPE_CHECKING:
    from pointsman.sim.formats.asks import Api, Ask, Stream

FRAME = Frame("my-req-1", created=1_795_557_547, model='tiny "llama"', has_cached_tokens=False)
WITH_DETAILS = Frame("my-req-1", created=1_795_557_547, model="tiny", has_cached_tokens=True)


def answers_to(ask: Ask, *, output_tokens: int = 4, ending: str = "length") -> list[Answer]:
    words = Answers(seed=1)
    return [
        Answer(
            words=words.words(7 * choice, output_tokens),
            prompt=prompt,
            cached_tokens=16,
            prompt_tokens=len(prompt) // 4,
            output_tokens=output_tokens,
            ending=ending,
        )
        for prompt in ask.prompts
        for choice in range(ask.choices)
    ]


def written(api: Api, body: dict[str, object], *, frame: Frame = FRAME) -> object:
    ask = api.read(body)
    return json.loads(api.write(frame, answers_to(ask), ask=ask))


def streamed(stream: Stream, answers: list[Answer]) -> bytes:
    """Every answer in two parts, the second with its end."""
    first = answers[0]
    pieces = [stream.prologue(), stream.opening(first.cached_tokens, first.prompt_tokens)]
    for start, stop in ((0, 4), (4, None)):
        for choice, answer in enumerate(answers):
            ending = answer.ending if stop is None else None
            pieces.append(stream.words(choice, answer.words[start:stop], ending=ending))
    return b"".join([*pieces, stream.closing(answers)])


def events(raw: bytes) -> list[object]:
    """The documents of a stream; its end mark as text."""
    found: list[object] = []
    for block in raw.decode().removesuffix("\n\n").split("\n\n"):
        data = block.rpartition("data: ")[2]
        found.append(data if data == "[DONE]" else json.loads(data))
    return found

"""POST /v1/embeddings."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
import orjson
import xxhash

from pointsman.sim.errors import bad_value, missing
from pointsman.sim.formats.asks import Ask, full_usage, read_count, read_text
from pointsman.sim.formats.prompts import chat_tokens, prompts_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from pointsman.sim.formats.asks import Answer, Frame, Json

DIMENSIONS = 64
DIMENSIONS_MAX = 8192


class EmbeddingsApi:
    """Text in, one vector for each prompt out; the engine only prefills."""

    def read(self, body: Json) -> Ask:
        """What a request body asks."""
        messages = body.get("messages")
        if isinstance(messages, list):
            prompts: tuple[bytes, ...] = (chat_tokens(messages),)
        elif body.get("input") is None:
            raise missing("input", body)
        else:
            prompts = prompts_tokens(body["input"], "input")
        dimensions = read_count(body, "dimensions") or DIMENSIONS
        if dimensions > DIMENSIONS_MAX:
            raise bad_value(f"dimensions must be at most {DIMENSIONS_MAX}.", "dimensions")
        return Ask(
            model=read_text(body, "model"),
            prompts=prompts,
            output_tokens=0,
            dimensions=dimensions,
            is_base64=read_text(body, "encoding_format") == "base64",
        )

    def write(self, frame: Frame, answers: Sequence[Answer], *, ask: Ask) -> bytes:
        """A complete response."""
        rows = []
        for index, answer in enumerate(answers):
            vector = _vector(answer.prompt, ask.dimensions)
            row = base64.b64encode(vector.tobytes()).decode() if ask.is_base64 else vector.tolist()
            rows.append({"index": index, "object": "embedding", "embedding": row})
        return orjson.dumps(
            {
                "id": f"embd-{frame.id}",
                "object": "list",
                "created": frame.created,
                "model": frame.model,
                "data": rows,
                "usage": full_usage(frame, answers),
            }
        )


def _vector(prompt: bytes, dimensions: int) -> npt.NDArray[np.float32]:
    """A vector of length one that depends on the whole prompt, shape (dimensions,)."""
    rng = np.random.default_rng(xxhash.xxh3_64_intdigest(prompt))
    vector = rng.standard_normal(dimensions, dtype=np.float32)
    unit: npt.NDArray[np.float32] = vector / np.linalg.norm(vector)
    return unit

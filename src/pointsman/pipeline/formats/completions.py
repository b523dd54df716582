"""`/v1/completions`: a prompt as text, several texts, or token ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.json_format import JsonFormat
from pointsman.pipeline.formats.media import digest_of
from pointsman.pipeline.formats.prompt import PromptBuilder, add_text_or_token_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.pipeline.formats.parsed import Document

EMBEDDING_BASE64_BYTES_PER_TOKEN = 4096 * 2 * 4 // 3
"""One embedding of 4,096 half-precision numbers, in base64."""


def _prompt(document: Document) -> Prompt:
    builder = PromptBuilder()
    prompt = document.get("prompt")
    embeds = document.get("prompt_embeds")
    if prompt is None and embeds is not None:
        _add_embeds(builder, embeds)
    elif prompt is None:
        raise BadRequestError(
            "prompt is missing; it must be a string, a list of strings or token ids",
            param="prompt",
        )
    else:
        add_text_or_token_ids(builder, prompt, where="prompt")
    return builder.build()


def _add_embeds(builder: PromptBuilder, embeds: object) -> None:
    """A prompt computed elsewhere (vLLM's extension): base64 tensors, which we only compare."""
    for tensor in embeds if isinstance(embeds, list) else [embeds]:
        if not isinstance(tensor, str):
            raise BadRequestError(
                "prompt_embeds must be base64 text or a list of it", param="prompt_embeds"
            )
        builder.reference(
            digest_of(tensor),
            tokens=len(tensor) // EMBEDDING_BASE64_BYTES_PER_TOKEN + 1,
        )


def _likeness(document: Mapping[str, object]) -> int:
    return 2 if isinstance(document.get("prompt"), (str, list)) else 0


COMPLETIONS = JsonFormat(
    kind=ApiKind.COMPLETIONS,
    claims=("completions",),
    limit_keys=("max_tokens",),
    prompt_of=_prompt,
    likeness_of=_likeness,
)

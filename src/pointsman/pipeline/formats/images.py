"""`/v1/images/generations`: a prompt for a diffusion model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.json_format import JsonFormat
from pointsman.pipeline.formats.prompt import PromptBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.pipeline.formats.parsed import Document

_HINTS = ("size", "num_inference_steps")


def _prompt(document: Document) -> Prompt:
    prompt = document.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        raise BadRequestError("prompt must be a non-empty string", param="prompt")
    builder = PromptBuilder()
    builder.text(prompt)
    return builder.build()


def _likeness(document: Mapping[str, object]) -> int:
    return 3 if "prompt" in document and any(hint in document for hint in _HINTS) else 0


IMAGES = JsonFormat(
    kind=ApiKind.PASSTHROUGH,
    claims=("images/generations",),
    limit_keys=(),
    prompt_of=_prompt,
    likeness_of=_likeness,
)

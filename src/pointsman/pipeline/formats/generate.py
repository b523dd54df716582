"""vLLM's `/inference/v1/generate`: token ids in, token ids out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.json_format import JsonFormat, wrong_type
from pointsman.pipeline.formats.media import reference_of
from pointsman.pipeline.formats.prompt import PromptBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.pipeline.formats.parsed import Document


def _prompt(document: Document) -> Prompt:
    ids = document.get("token_ids")
    if ids is None:
        raise BadRequestError(
            "token_ids is missing; it must be a list of token ids", param="token_ids"
        )
    if not isinstance(ids, list):
        raise wrong_type("token_ids", ids, allowed="a list of token ids")
    if not ids:
        raise BadRequestError("token_ids must not be empty", param="token_ids")
    builder = PromptBuilder()
    _add_media_hashes(builder, document.get("features"))
    builder.token_ids(ids, where="token_ids")
    return builder.build()


def _add_media_hashes(builder: PromptBuilder, features: object) -> None:
    """Placeholders look alike in `token_ids`; the hashes tell different media apart."""
    hashes = features.get("mm_hashes") if isinstance(features, dict) else None
    for of_modality in hashes.values() if isinstance(hashes, dict) else ():
        for media_hash in of_modality if isinstance(of_modality, list) else ():
            if isinstance(media_hash, str):
                builder.reference(reference_of(media_hash), tokens=0)


def _likeness(document: Mapping[str, object]) -> int:
    return 2 if isinstance(document.get("token_ids"), list) else 0


GENERATE = JsonFormat(
    kind=ApiKind.COMPLETIONS,
    claims=("inference/v1/generate",),
    limit_keys=("max_tokens",),
    limit_field="sampling_params",
    prompt_of=_prompt,
    likeness_of=_likeness,
)

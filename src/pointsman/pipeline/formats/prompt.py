"""Collects a prompt's pieces in the order in which the model will read them."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING

import orjson

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import BYTES_PER_TOKEN, Prompt
from pointsman.pipeline.formats.json_format import wrong_type

if TYPE_CHECKING:
    from collections.abc import Sequence

TOKEN_ID_BYTES = 4
TOKEN_ID_MAX = 2**32 - 1
_TOKEN_IDS = next(code for code in "IL" if array(code).itemsize == TOKEN_ID_BYTES)


class PromptBuilder:
    """A prompt under construction; equal pieces in equal order give equal bytes."""

    __slots__ = ("_counted_bytes", "_counted_tokens", "_segments")

    def __init__(self) -> None:
        self._segments: list[bytes] = []
        self._counted_bytes = 0
        self._counted_tokens = 0

    def text(self, text: str) -> None:
        """Add text; its length in tokens is estimated from its bytes."""
        if text:
            self._segments.append(text.encode())

    def json(self, value: object, *, where: str) -> None:
        """Add a structured value in one spelling, whatever the client's white space was.

        Raises:
            BadRequestError: it is nested too deeply to be written down again.
        """
        try:
            self._segments.append(orjson.dumps(value))
        except orjson.JSONEncodeError as error:
            raise BadRequestError(f"{where} is nested too deeply", param=where) from error

    def token_ids(self, ids: list[int], *, where: str) -> None:
        """Add token ids as a client sent them, unchecked; their number is exact.

        Raises:
            BadRequestError: one of them is not an integer between 0 and 2^32 - 1.
        """
        try:
            packed = array(_TOKEN_IDS, ids)
        except (TypeError, OverflowError) as error:
            raise _wrong_token_id(ids, where) from error
        if sys.byteorder == "big":
            packed.byteswap()
        self.reference(packed.tobytes(), tokens=len(ids))

    def reference(self, reference: bytes, *, tokens: int) -> None:
        """Add something whose length in tokens does not follow from these bytes."""
        self._segments.append(reference)
        self._counted_bytes += len(reference)
        self._counted_tokens += tokens

    def build(self) -> Prompt:
        """The prompt as collected so far."""
        text_bytes = sum(map(len, self._segments)) - self._counted_bytes
        return Prompt(
            tuple(self._segments),
            self._counted_tokens + (text_bytes + BYTES_PER_TOKEN - 1) // BYTES_PER_TOKEN,
        )


def _wrong_token_id(ids: Sequence[object], where: str) -> BadRequestError:
    at = next(
        i for i, id_ in enumerate(ids) if not isinstance(id_, int) or not 0 <= id_ <= TOKEN_ID_MAX
    )
    return BadRequestError(
        f"{where}[{at}] must be a token id: an integer between 0 and {TOKEN_ID_MAX}",
        param=f"{where}[{at}]",
    )


def add_text_or_token_ids(builder: PromptBuilder, value: object, *, where: str) -> None:
    """Add what `prompt` and `input` may be: text, token ids, or a list of either.

    Several prompts are added one after the other.

    Raises:
        BadRequestError: it is empty, or something else.
    """
    if isinstance(value, str):
        if not value:
            raise BadRequestError(f"{where} must not be empty", param=where)
        builder.text(value)
        return
    if not isinstance(value, list):
        raise wrong_type(where, value, allowed="a string, a list of strings or token ids")
    if not value:
        raise BadRequestError(f"{where} must not be empty", param=where)
    if isinstance(value[0], str):
        _add_texts(builder, value, where=where)
    elif isinstance(value[0], list):
        _add_id_lists(builder, value, where=where)
    else:
        builder.token_ids(value, where=where)


def _add_texts(builder: PromptBuilder, texts: list[object], *, where: str) -> None:
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise wrong_type(f"{where}[{i}]", text, allowed="a string, like its neighbours")
        builder.text(text)


def _add_id_lists(builder: PromptBuilder, id_lists: list[object], *, where: str) -> None:
    for i, ids in enumerate(id_lists):
        if not isinstance(ids, list):
            raise wrong_type(
                f"{where}[{i}]", ids, allowed="a list of token ids, like its neighbours"
            )
        builder.token_ids(ids, where=f"{where}[{i}]")

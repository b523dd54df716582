"""Text to tokens and back, cheaply: a token is four bytes of a piece of text, read as a number.

Equal beginnings of a prompt give equal tokens, which is all that prefix caching asks of a
tokenizer. Each piece (a message, a special mark) starts a new token, and the words of answers are
exactly one token each: an answer that comes back in the next turn of a conversation therefore has
the tokens it was generated with, and hits the cache as it would on a real engine.
"""

from __future__ import annotations

import random
from array import array

import xxhash

TOKEN_BYTES = 4
_PERIOD_TOKENS = 4096
_WORDS = (
    b" the", b" sun", b" sea", b" air", b" ice", b" oak", b" elm", b" fir", b" rye", b" oat",
    b" hay", b" bee", b" owl", b" fox", b" elk", b" cod", b" eel", b" red", b" tan", b" raw",
    b" old", b" new", b" big", b" shy", b" dry", b" wet", b" hot", b" icy", b" low", b" far",
    b" saw", b" ran", b" ate", b" hid", b" dug", b" fed", b" led", b" met", b" won", b" got",
    b" and", b" but", b" for", b" nor", b" yet", b" all", b" any", b" few", b" one", b" two",
    b" six", b" ten", b" day", b" way", b" map", b" key", b" net", b" pen", b" cup", b" jar",
    b" log", b" rod", b" hut", b" bay",
)  # fmt: skip


def text_tokens(text: str) -> bytes:
    """The tokens of one piece of text; its end is padded to a whole token."""
    raw = text.encode()
    return raw + bytes(-len(raw) % TOKEN_BYTES)


def id_tokens(ids: list[object]) -> bytes:
    """Tokens that the client has numbered itself.

    Raises:
        ValueError: one of them is not a whole number of 32 bits.
    """
    try:
        return array("I", ids).tobytes()  # type: ignore[type-var]  # array itself checks the items
    except (TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error


def token_ids(tokens: bytes) -> list[int]:
    """Tokens as the numbers a client would send."""
    return array("I", tokens).tolist()


def reference_tokens(reference: bytes, count: int) -> bytes:
    """Stand-in for an image or a sound: `count` tokens that depend on all of `reference`."""
    digest = xxhash.xxh3_128_digest(reference)
    return (digest * (count * TOKEN_BYTES // len(digest) + 1))[: count * TOKEN_BYTES]


class Answers:
    """What the model says: a cycle of words, entered at a place that depends on the prompt."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self._cycle = b"".join(rng.choices(_WORDS, k=_PERIOD_TOKENS))

    def words(self, start: int, count: int) -> bytes:
        """`count` tokens, which are also the text; equal `start`s give equal beginnings."""
        offset = start % _PERIOD_TOKENS * TOKEN_BYTES
        stop = offset + count * TOKEN_BYTES
        return (self._cycle * (stop // len(self._cycle) + 1))[offset:stop]


def split_words(words: bytes) -> list[bytes]:
    """The tokens of an answer one by one."""
    return [words[at : at + TOKEN_BYTES] for at in range(0, len(words), TOKEN_BYTES)]

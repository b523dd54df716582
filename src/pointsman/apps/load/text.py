"""Text that looks like prose and has an exact size in estimated tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pointsman.domain.requests import BYTES_PER_TOKEN

if TYPE_CHECKING:
    import random

WORDS: Final = (
    "account address after agent answer archive ask balance before billing branch brief build "
    "call carrier case change check city claim clause client close cloud code contract copy cost "
    "country credit customer daily date deliver depot detail document draft driver each early "
    "error event every exact export field file final first follow form freight from given group "
    "guide help history hold hour import index inform input invoice item journey keep key label "
    "last late ledger letter level line list local long market match meeting message method "
    "minute model month name never north note notice number offer office open order other output "
    "owner page paper part party pay period phone place plan please point policy present price "
    "process product proof public quality question queue rail rate read reason record refund "
    "region reply report request result return review right route rule safe sample schedule "
    "second section sent server service ship short signal site south staff standard start state "
    "station step stock store street subject sum supply switch system table team term text ticket "
    "time title today token total track trade train transit truck turn under unit until update "
    "user value vendor visit wagon warehouse week weight west when with work write yard year "
    "yield zone"
)
"""Plain ASCII, so that bytes and characters agree."""


def prose(rng: random.Random, tokens: int) -> str:
    """Words of exactly `tokens * BYTES_PER_TOKEN` bytes, the last one cut."""
    size = tokens * BYTES_PER_TOKEN
    vocabulary = WORDS.split()
    words: list[str] = []
    written = 0
    while written <= size:
        batch = rng.choices(vocabulary, k=max(8, (size - written) // 6))
        words += batch
        written += sum(len(word) + 1 for word in batch)
    return " ".join(words)[:size]

"""Paged KV cache: reference-counted blocks, found by the hash of everything up to their end.

A block is *private* (being filled, or a copy of one that somebody else published first), *held*
(published, used by at least one request) or *idle* (published, used by nobody: free, but worth
keeping until its place is needed). Only numbers are kept: no block has an identity but its hash.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PRIVATE = 0
"""Stands for the hash of a private block in a list of blocks."""


def chain_seed(adapter: str, cache_salt: str) -> int:
    """Where the hash chain of an adapter and a tenant begins; different for each pair."""
    return xxhash.xxh3_64_intdigest(f"{adapter}\0{cache_salt}".encode())


def chain(tokens: bytes, parent: int, *, start: int, stop: int, block_bytes: int) -> list[int]:
    """Hashes of the full blocks `start` to `stop` of a prompt, each seeded by the one before it.

    `parent` is the hash of block `start - 1`, or the chain's seed.
    """
    digest = xxhash.xxh3_64_intdigest
    view = memoryview(tokens)
    hashes = []
    for offset in range(start * block_bytes, stop * block_bytes, block_bytes):
        parent = digest(view[offset : offset + block_bytes], parent)
        hashes.append(parent)
    return hashes


class BlockPool:
    """The blocks of one engine. Never more than `usable` are private, held or idle together."""

    def __init__(self, usable: int) -> None:
        self.usable = usable
        self._private = 0
        self._held: dict[int, int] = {}  # hash -> requests that use it
        self._idle: OrderedDict[int, None] = OrderedDict()  # least recently used first

    @property
    def in_use(self) -> int:
        """Blocks that requests hold."""
        return self._private + len(self._held)

    @property
    def free(self) -> int:
        """Blocks that can be taken; idle ones among them."""
        return self.usable - self._private - len(self._held)

    @property
    def cached(self) -> int:
        """Published blocks, held or idle."""
        return len(self._held) + len(self._idle)

    def match(self, hashes: Sequence[int], limit: int) -> tuple[int, int]:
        """How many leading blocks (at most `limit`) are published, and how many of these are idle.

        Taking the idle ones uses up `free`.
        """
        held, idle = self._held, self._idle
        idle_count = 0
        for index in range(min(limit, len(hashes))):
            if hashes[index] in held:
                continue
            if hashes[index] not in idle:
                return index, idle_count
            idle_count += 1
        return min(limit, len(hashes)), idle_count

    def share(self, hashes: Iterable[int]) -> None:
        """Hold published blocks once more."""
        for block in hashes:
            if block in self._held:
                self._held[block] += 1
            else:
                del self._idle[block]
                self._held[block] = 1

    def take(self, count: int) -> bool:
        """Take `count` private blocks, forgetting the oldest idle ones as needed; all or none."""
        if count > self.free:
            return False
        self._private += count
        for _ in range(self._private + len(self._held) + len(self._idle) - self.usable):
            self._idle.popitem(last=False)
        return True

    def publish(self, block: int) -> int:
        """Make a full private block findable; what it is called from now on.

        A second copy of a published block stays private.
        """
        if block in self._held or block in self._idle:
            return PRIVATE
        self._private -= 1
        self._held[block] = 1
        return block

    def release(self, blocks: Sequence[int]) -> None:
        """Give back the blocks of one request, last first, so that its end is forgotten first."""
        held = self._held
        for block in reversed(blocks):
            if block == PRIVATE:
                self._private -= 1
            elif held[block] == 1:
                del held[block]
                self._idle[block] = None
            else:
                held[block] -= 1

    def forget(self) -> bool:
        """Drop every idle block; False (and nothing done) while any block is in use."""
        if self.in_use:
            return False
        self._idle.clear()
        return True

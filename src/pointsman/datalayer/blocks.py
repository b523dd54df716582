"""Cuts a prompt into blocks and names each by a hash of everything up to its end.

Blocks grow with their offset: the first 16 KiB are cut every 256 bytes (about 64 tokens), then
each block is an eighth of what precedes it, rounded down to a power of two. A matched length is
thus never wrong by more than an eighth, and a prompt of a megabyte has about 100 blocks instead
of 4,000. Boundaries depend on the offset only, so equal prefixes have equal chains.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    from pointsman.domain.requests import InferenceRequest

FINE_BYTES = 256
FINE_UNTIL_BYTES = 16_384
GROWTH = 8


@dataclass(frozen=True, slots=True)
class PromptBlocks:
    """The blocks of one prompt.

    Attributes:
        hashes: of each block together with all before it, 64 bits, in order.
        ends: offset in bytes at which each block ends; same length.
        total_bytes: length of the whole prompt; the last block may end before it.
    """

    hashes: tuple[int, ...]
    ends: tuple[int, ...]
    total_bytes: int


@lru_cache(maxsize=1)
def _boundaries(limit_bytes: int) -> tuple[int, ...]:
    ends, end = [], 0
    while end < limit_bytes:
        step = FINE_BYTES
        if end >= FINE_UNTIL_BYTES:
            step = 1 << ((end // GROWTH).bit_length() - 1)
        end += step
        ends.append(end)
    return tuple(ends)


def cut(request: InferenceRequest, *, prompt_bytes_max: int) -> PromptBlocks:
    """The blocks of a request's prompt, at most `prompt_bytes_max` of it.

    The chain starts from the target model and the cache salt, which separate KV caches. A partial
    last block is left out: engines reuse whole blocks only.
    """
    segments = request.prompt.segments
    total_bytes = sum(map(len, segments))
    limit = min(total_bytes, prompt_bytes_max)
    seed = xxhash.xxh3_64_intdigest(f"{request.target_model}\0{request.cache_salt}".encode())
    digest = xxhash.xxh3_64_intdigest
    hashes: list[int] = []
    ends = _boundaries(prompt_bytes_max)
    following = iter(segments)
    segment, base, segment_end, start = memoryview(b""), 0, 0, 0
    for end in ends:
        if end > limit:
            break
        if end <= segment_end:
            seed = digest(segment[start - base : end - base], seed)
        else:  # the block lies across segments: only then is anything copied
            pieces = [segment[start - base :]]
            while segment_end < end:
                segment = memoryview(next(following))
                base, segment_end = segment_end, segment_end + len(segment)
                pieces.append(segment[: end - base])
            seed = digest(b"".join(pieces), seed)
        hashes.append(seed)
        start = end
    return PromptBlocks(tuple(hashes), ends[: len(hashes)], total_bytes)

"""One request inside the engine, and the batch of those that decode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.sim.engine.blocks import chain, chain_seed
from pointsman.sim.engine.requests import TOKEN_BYTES, Finished

if TYPE_CHECKING:
    from pointsman.sim.engine.requests import EngineRequest


class Sequence:
    """A request's tokens and blocks; changed only by the engine that made it.

    Attributes:
        known: tokens that exist: the prompt and what was generated.
        computed: tokens whose keys and values are in its blocks.
        blocks: what it holds, by position.
        published: how many leading blocks were offered for sharing.
    """

    __slots__ = (
        "adapter", "arrived_s", "block_bytes", "blocks", "boundary_tick", "cached_tokens",
        "computed", "ending_tick", "entered_computed", "entered_tick", "first_token_s", "hashes",
        "id", "known", "last_token_s", "preemptions", "prompt_tokens", "published", "seed",
        "started_s", "target", "tokens",
    )  # fmt: skip

    def __init__(
        self, request: EngineRequest, *, identity: int, now_s: float, block_tokens: int
    ) -> None:
        self.id = identity
        self.adapter = request.adapter
        self.tokens = request.prompt + request.output
        self.prompt_tokens = len(request.prompt) // TOKEN_BYTES
        self.target = len(self.tokens) // TOKEN_BYTES
        self.block_bytes = block_tokens * TOKEN_BYTES
        self.seed = chain_seed(request.adapter, request.cache_salt)
        self.hashes: list[int] = []
        self.blocks: list[int] = []
        self.published = 0
        self.computed = 0
        self.known = self.prompt_tokens
        self.cached_tokens = 0
        self.preemptions = 0
        self.arrived_s = now_s
        self.started_s: float | None = None
        self.first_token_s: float | None = None
        self.last_token_s = 0.0
        self.entered_tick = self.entered_computed = 0
        self.boundary_tick = self.ending_tick = -1

    @property
    def has_output(self) -> bool:
        """It generates; an embedding does not."""
        return self.target > self.prompt_tokens

    def hashes_to(self, count: int) -> list[int]:
        """Hashes of the first `count` blocks (or more); their tokens must be known."""
        have = len(self.hashes)
        if count > have:
            parent = self.hashes[-1] if self.hashes else self.seed
            self.hashes += chain(
                self.tokens, parent, start=have, stop=count, block_bytes=self.block_bytes
            )
        return self.hashes

    def as_finished(self, ends_at_s: float) -> Finished:
        """The request's story, for whoever counts."""
        started_s = ends_at_s if self.started_s is None else self.started_s
        first_s = ends_at_s if self.first_token_s is None else self.first_token_s
        return Finished(
            id=self.id,
            prompt_tokens=self.prompt_tokens,
            output_tokens=self.target - self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            preemptions=self.preemptions,
            total_s=max(0.0, ends_at_s - self.arrived_s),
            queued_s=max(0.0, started_s - self.arrived_s),
            prefilling_s=first_s - started_s,
            decoding_s=ends_at_s - first_s,
        )


class DecodeBatch:
    """Sequences that each gain one token per step.

    All advance together, so none is touched in a step in which nothing happens to it: a calendar
    says at which tick (count of steps) one needs a block or ends. A step costs the number of such
    events, not the size of the batch.
    """

    def __init__(self, block_tokens: int) -> None:
        self._block_tokens = block_tokens
        self._tick = 0
        self._boundaries: dict[int, list[Sequence]] = {}
        self._endings: dict[int, list[Sequence]] = {}
        self.sequences: dict[int, Sequence] = {}
        self.context_tokens = 0

    def __len__(self) -> int:
        return len(self.sequences)

    def enter(self, sequence: Sequence) -> None:
        """Add one that has just got a token and lacks at least one more."""
        sequence.entered_tick, sequence.entered_computed = self._tick, sequence.computed
        self.sequences[sequence.id] = sequence
        self.context_tokens += sequence.computed
        to_boundary = -sequence.computed % self._block_tokens
        self._expect_boundary(sequence, self._tick + 1 + to_boundary)
        sequence.ending_tick = self._tick + sequence.target - sequence.known
        self._endings.setdefault(sequence.ending_tick, []).append(sequence)

    def leave(self, sequence: Sequence) -> None:
        """Remove one; its `computed` and `known` are right again."""
        del self.sequences[sequence.id]
        sequence.computed = sequence.entered_computed + self._tick - sequence.entered_tick
        sequence.known = sequence.computed + 1
        self.context_tokens -= sequence.computed
        sequence.boundary_tick = sequence.ending_tick = -1

    def full_blocks(self, sequence: Sequence) -> int:
        """Blocks that a member has filled."""
        computed = sequence.entered_computed + self._tick - sequence.entered_tick
        return computed // self._block_tokens

    def at_boundary(self) -> list[Sequence]:
        """Members that need another block before the coming step; asked once a step."""
        tick = self._tick + 1
        due = [each for each in self._boundaries.pop(tick, ()) if each.boundary_tick == tick]
        for sequence in due:
            self._expect_boundary(sequence, tick + self._block_tokens)
        return due

    def advance(self) -> list[Sequence]:
        """Give each member one token; those that are now complete."""
        self._tick += 1
        self.context_tokens += len(self.sequences)
        endings = self._endings.pop(self._tick, ())
        return [each for each in endings if each.ending_tick == self._tick]

    def _expect_boundary(self, sequence: Sequence, tick: int) -> None:
        sequence.boundary_tick = tick
        self._boundaries.setdefault(tick, []).append(sequence)

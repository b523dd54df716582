"""The step loop: continuous batching with chunked prefill, after vLLM's V1 scheduler.

In each step running requests decode one token each; what is left of the token budget goes to
prompts, first come first served. When blocks run out, the request admitted last gives up its
blocks and starts over later (recompute). The engine has no time of its own: `step` is told when it
begins and says when it ends.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pointsman.sim.engine.blocks import PRIVATE, BlockPool
from pointsman.sim.engine.queue import WaitingQueue
from pointsman.sim.engine.requests import (
    TOKEN_BYTES,
    ContextTooLongError,
    EngineStatistics,
    FirstToken,
    QueueFullError,
    Started,
    Step,
    UnknownAdapterError,
)
from pointsman.sim.engine.sequences import DecodeBatch, Sequence
from pointsman.sim.engine.slots import AdapterSlots

if TYPE_CHECKING:
    from pointsman.sim.engine.requests import EngineRequest
    from pointsman.sim.engine.settings import EngineSettings


@dataclass(slots=True)
class _Plan:
    """What a step has decided to prefill so far."""

    now_s: float
    budget: int
    tokens: int = 0
    pairs: float = 0.0
    is_preempting: bool = False
    started: list[Started] = field(default_factory=list)
    completed: list[Sequence] = field(default_factory=list)


@dataclass(slots=True)
class _Totals:
    """Counters since the engine was made; meanings in `EngineStatistics`."""

    steps: int = 0
    preemptions: int = 0
    queried_tokens: int = 0
    hit_tokens: int = 0
    prompt_tokens: int = 0
    prompt_cached_tokens: int = 0
    output_tokens: int = 0
    finished: int = 0
    aborted: int = 0
    rejected: int = 0
    running_peak: int = 0
    waiting_peak: int = 0


class Engine:
    """One simulated engine. Not thread-safe; nothing in it waits."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        self._ids = itertools.count(1)
        self._pool = BlockPool(settings.blocks - 1)
        self._sequences: dict[int, Sequence] = {}
        self._queue = WaitingQueue()
        self._prefilling: dict[int, Sequence] = {}
        self._batch = DecodeBatch(settings.block_tokens)
        self._running = 0
        self._slots = AdapterSlots(settings.adapters_max)
        self._last_end_s = 0.0
        self._totals = _Totals()

    @property
    def has_work(self) -> bool:
        """A step would do something."""
        return bool(self._sequences)

    def submit(self, request: EngineRequest, now_s: float) -> int:
        """Queue a request; its id in every later step.

        Raises:
            QueueFullError: `inflight_max` requests are here already.
            ContextTooLongError: prompt and output are longer than `context_tokens_max`.
            UnknownAdapterError: it names an adapter and there are no LoRA slots.
        """
        settings, totals = self.settings, self._totals
        tokens = (len(request.prompt) + len(request.output)) // TOKEN_BYTES
        if len(request.prompt) < TOKEN_BYTES or tokens > settings.context_tokens_max:
            raise ContextTooLongError(
                f"prompt and output must have between 1 and {settings.context_tokens_max} tokens"
            )
        if request.adapter and not settings.adapters_max:
            raise UnknownAdapterError(request.adapter)
        if settings.inflight_max is not None and len(self._sequences) >= settings.inflight_max:
            totals.rejected += 1
            raise QueueFullError(f"{settings.inflight_max} requests are in flight")
        sequence = Sequence(
            request, identity=next(self._ids), now_s=now_s, block_tokens=settings.block_tokens
        )
        self._sequences[sequence.id] = sequence
        self._queue.push(sequence)
        totals.waiting_peak = max(totals.waiting_peak, len(self._queue))
        return sequence.id

    def abort(self, request_id: int) -> bool:
        """Drop a request between two steps; False if it has finished or was never here."""
        sequence = self._sequences.pop(request_id, None)
        if sequence is None:
            return False
        self._totals.aborted += 1
        if not self._queue.remove(request_id):
            self._leave_running(sequence)
        return True

    def step(self, now_s: float) -> Step:
        """Schedule and compute one step that begins at `now_s`. There must be work."""
        assert self._sequences, "step() of an idle engine"
        batch = self._batch
        plan = _Plan(now_s=now_s, budget=self.settings.batched_tokens_max)
        self._grow_decoding(plan)
        plan.budget -= len(batch)
        self._continue_prefills(plan)
        if not plan.is_preempting:
            self._admit(plan)
        ends_at_s = now_s + self._cost_s(plan)
        step = Step(
            starts_at_s=now_s,
            ends_at_s=ends_at_s,
            prefilled_tokens=plan.tokens,
            emitted=list(batch.sequences),
            started=plan.started,
            first_tokens=[],
            token_gaps=[(ends_at_s - self._last_end_s, len(batch))] if batch.sequences else [],
            finished=[],
        )
        for sequence in batch.advance():
            self._finish(sequence, step)
        for sequence in plan.completed:
            self._complete_prefill(sequence, step)
        totals = self._totals
        totals.steps += 1
        totals.output_tokens += len(step.emitted)
        totals.finished += len(step.finished)
        self._last_end_s = ends_at_s
        return step

    def forget_prefixes(self) -> bool:
        """Empty the prefix cache; False (and nothing done) while requests hold blocks."""
        return self._pool.forget()

    @property
    def adapters(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Adapters of running and of waiting requests, sorted."""
        return self._slots.active, tuple(sorted(self._queue.adapters))

    def statistics(self) -> EngineStatistics:
        """A frozen picture of the engine."""
        pool, queue = self._pool, self._queue
        running_adapters, waiting_adapters = self.adapters
        return EngineStatistics(
            running=self._running,
            waiting_capacity=queue.ready_count,
            waiting_deferred=queue.deferred_count,
            kv_usage=pool.in_use / pool.usable,
            cached_blocks=pool.cached,
            running_adapters=running_adapters,
            waiting_adapters=waiting_adapters,
            **dataclasses.asdict(self._totals),
        )

    def _cost_s(self, plan: _Plan) -> float:
        speed, batch = self.settings.speed, self._batch
        return (
            speed.step_s
            + plan.tokens * speed.prefill_token_s
            + plan.pairs * speed.attention_pair_s
            + len(batch) * speed.decode_s
            + batch.context_tokens * speed.context_token_s
        )

    # The parts of a step, in the order in which they happen.

    def _grow_decoding(self, plan: _Plan) -> None:
        """Give a block to each decoding request that has filled its last one."""
        for sequence in self._batch.at_boundary():
            if sequence.id in self._batch.sequences:  # not preempted for the sake of another
                self._publish(sequence, self._batch.full_blocks(sequence))
                self._take_or_preempt(sequence, 1, plan=plan)

    def _continue_prefills(self, plan: _Plan) -> None:
        for sequence in list(self._prefilling.values()):
            if plan.budget <= 0:
                return
            if sequence.id in self._prefilling:
                chunk = min(sequence.known - sequence.computed, plan.budget)
                lacking = self._blocks_of(sequence.computed + chunk) - len(sequence.blocks)
                if self._take_or_preempt(sequence, lacking, plan=plan):
                    self._compute(sequence, chunk, plan=plan)

    def _admit(self, plan: _Plan) -> None:
        """Move waiting requests into the batch while there is room for them."""
        queue, slots = self._queue, self._slots
        if slots.is_changed:
            slots.is_changed = False
            queue.recall_deferred()
        while (
            queue.ready_count
            and plan.budget > 0
            and self._running < self.settings.running_max
            and self._pool.free >= queue.blocks_wanted
        ):
            if not slots.has_room(queue.head.adapter):
                queue.defer()
            elif not self._start(queue.head, plan):
                return

    def _start(self, sequence: Sequence, plan: _Plan) -> bool:
        """Admit the head of the queue; False when there are not enough blocks."""
        pool, block_tokens = self._pool, self.settings.block_tokens
        matched = idle = 0
        if self.settings.is_caching:
            hashes = sequence.hashes_to(sequence.known // block_tokens)
            # The last known token is always computed: its logits are what the next one comes from.
            matched, idle = pool.match(hashes, (sequence.known - 1) // block_tokens)
        cached = matched * block_tokens
        chunk = min(sequence.known - cached, plan.budget)
        lacking = self._blocks_of(cached + chunk) - matched
        if pool.free < lacking + idle:
            self._queue.blocks_wanted = lacking + idle
            return False
        self._queue.pop()
        sequence.blocks = sequence.hashes[:matched]
        pool.share(sequence.blocks)
        pool.take(lacking)
        sequence.blocks += [PRIVATE] * lacking
        sequence.computed, sequence.published = cached, matched
        self._enter_running(sequence, plan)
        self._compute(sequence, chunk, plan=plan)
        return True

    def _compute(self, sequence: Sequence, chunk: int, *, plan: _Plan) -> None:
        """Prefill `chunk` tokens of a request that has the blocks for them."""
        plan.budget -= chunk
        plan.tokens += chunk
        plan.pairs += chunk * (sequence.computed + chunk / 2)
        sequence.computed += chunk
        self._publish(sequence, sequence.computed // self.settings.block_tokens)
        if sequence.computed == sequence.known:
            del self._prefilling[sequence.id]
            plan.completed.append(sequence)

    def _complete_prefill(self, sequence: Sequence, step: Step) -> None:
        """Emit the token that a completed prefill yields, and let the request decode the rest."""
        if sequence.first_token_s is not None:  # it was preempted, and has recomputed everything
            step.token_gaps.append((step.ends_at_s - sequence.last_token_s, 1))
        else:
            sequence.first_token_s = step.ends_at_s
            self._totals.prompt_tokens += sequence.prompt_tokens
            self._totals.prompt_cached_tokens += sequence.cached_tokens
            waited_s = max(0.0, step.ends_at_s - sequence.arrived_s)
            if sequence.has_output:
                step.first_tokens.append(FirstToken(sequence.id, waited_s))
        if sequence.has_output:
            sequence.known += 1
            step.emitted.append(sequence.id)
        if sequence.known == sequence.target:
            self._finish(sequence, step)
        else:
            self._batch.enter(sequence)

    def _finish(self, sequence: Sequence, step: Step) -> None:
        del self._sequences[sequence.id]
        self._leave_running(sequence)
        step.finished.append(sequence.as_finished(step.ends_at_s))

    # Blocks and the batch.

    def _blocks_of(self, tokens: int) -> int:
        return -(-tokens // self.settings.block_tokens)

    def _publish(self, sequence: Sequence, full: int) -> None:
        """Offer the request's full blocks to others."""
        if self.settings.is_caching and full > sequence.published:
            hashes = sequence.hashes_to(full)
            for position in range(sequence.published, full):
                sequence.blocks[position] = self._pool.publish(hashes[position])
            sequence.published = full

    def _take_or_preempt(self, sequence: Sequence, count: int, *, plan: _Plan) -> bool:
        """Take blocks, throwing others out of the batch; False if it had to go itself."""
        while not self._pool.take(count):
            last_in = self._prefilling or self._batch.sequences
            victim = last_in[next(reversed(last_in))]
            plan.is_preempting = True
            self._preempt(victim)
            if victim is sequence:
                return False
        sequence.blocks += [PRIVATE] * count
        return True

    def _preempt(self, sequence: Sequence) -> None:
        self._leave_running(sequence)
        sequence.last_token_s = self._last_end_s
        sequence.preemptions += 1
        sequence.computed = sequence.published = 0
        self._totals.preemptions += 1
        self._queue.push_front(sequence)

    def _enter_running(self, sequence: Sequence, plan: _Plan) -> None:
        self._prefilling[sequence.id] = sequence
        self._slots.enter(sequence.adapter)
        self._running += 1
        totals = self._totals
        totals.running_peak = max(totals.running_peak, self._running)
        if sequence.started_s is None:  # a preempted request is not counted twice
            sequence.started_s, sequence.cached_tokens = plan.now_s, sequence.computed
            totals.queried_tokens += sequence.prompt_tokens
            totals.hit_tokens += sequence.computed
            queued_s = max(0.0, plan.now_s - sequence.arrived_s)
            plan.started.append(Started(sequence.id, queued_s, sequence.computed))

    def _leave_running(self, sequence: Sequence) -> None:
        """Take a request out of the batch and give back what it holds."""
        if sequence.id in self._batch.sequences:
            self._batch.leave(sequence)
        else:
            self._prefilling.pop(sequence.id, None)
        self._publish(sequence, sequence.computed // self.settings.block_tokens)
        self._pool.release(sequence.blocks)
        sequence.blocks = []
        self._slots.leave(sequence.adapter)
        self._running -= 1

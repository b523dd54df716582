"""From a request body to engine requests, and from their tokens to a response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import xxhash

from pointsman.sim.driver import Bell
from pointsman.sim.engine.requests import TOKEN_BYTES, EngineRequest, QueueFullError
from pointsman.sim.errors import output_too_long, prompt_too_long, queue_full
from pointsman.sim.formats.asks import Answer
from pointsman.sim.telemetry import Wanted

if TYPE_CHECKING:
    from pointsman.sim.driver import EngineDriver, Ticket
    from pointsman.sim.formats.asks import Ask, Stream
    from pointsman.sim.settings import ServerSettings
    from pointsman.sim.tokens import Answers

_CHOICE_STRIDE = 61
"""Distance in the cycle of words between two answers to one prompt."""


@dataclass(frozen=True, slots=True)
class Job:
    """One choice of one prompt."""

    request: EngineRequest
    wanted: Wanted


def jobs_of(ask: Ask, adapter: str, *, settings: ServerSettings, answers: Answers) -> list[Job]:
    """What the engine has to do for a request, prompt by prompt.

    Raises:
        ApiError: a prompt, or a prompt with its output, is longer than the model's context.
    """
    jobs = []
    for prompt in ask.prompts:
        digest = xxhash.xxh3_64_intdigest(prompt)
        count, ending = _output(len(prompt) // TOKEN_BYTES, digest, ask=ask, settings=settings)
        wanted = Wanted(choices=ask.choices, output_tokens=count, ending=ending)
        for choice in range(ask.choices):
            words = answers.words(digest + choice * _CHOICE_STRIDE, count)
            jobs.append(Job(EngineRequest(prompt, words, adapter, ask.cache_salt), wanted))
    return jobs


def _output(
    prompt_tokens: int, digest: int, *, ask: Ask, settings: ServerSettings
) -> tuple[int, str]:
    """How long an answer is, and why it ends there."""
    context_max = settings.engine.context_tokens_max
    room = context_max - prompt_tokens
    if ask.output_tokens == 0:  # an embedding may fill the whole context
        if room < 0:
            raise prompt_too_long(prompt_tokens, context_max)
        return 0, "stop"
    if room < 1:
        raise prompt_too_long(prompt_tokens, context_max)
    if ask.output_tokens is not None:
        if ask.output_tokens > room:
            raise output_too_long(prompt_tokens, ask.output_tokens, context_tokens_max=context_max)
        return ask.output_tokens, "length"
    low, high = settings.output_tokens_min, settings.output_tokens_max
    natural = low + digest % (high - low + 1)
    return (natural, "stop") if natural <= room else (room, "length")


class Inference:
    """All choices of one HTTP request on their way through the engine."""

    def __init__(self, driver: EngineDriver, *, is_streaming: bool) -> None:
        self._driver = driver
        self._is_streaming = is_streaming
        self._bell = Bell()
        self._tickets: list[Ticket] = []
        self._sent: list[int] = []

    def submit(self, jobs: list[Job]) -> None:
        """Give all jobs to the engine.

        Raises:
            ApiError: 503, the queue is full; `abandon` takes back what it has taken.
        """
        for job in jobs:
            try:
                ticket = self._driver.submit(
                    job.request,
                    wanted=job.wanted,
                    bell=self._bell,
                    is_streaming=self._is_streaming,
                )
            except QueueFullError as error:
                raise queue_full() from error
            self._tickets.append(ticket)

    def abandon(self) -> None:
        """Let the engine forget what is not finished."""
        for ticket in self._tickets:
            self._driver.abandon(ticket)

    @property
    def is_finished(self) -> bool:
        """Every choice is complete."""
        return all(ticket.finished is not None for ticket in self._tickets)

    async def progress(self) -> None:
        """Until a choice is complete, or with `is_streaming` until there are new tokens."""
        await self._bell.wait()

    def news(self, stream: Stream) -> bytes:
        """What a stream has to send after `progress`; with the last token also its end."""
        tickets, pieces = self._tickets, []
        if not self._sent:
            self._sent = [0] * len(tickets)
            pieces.append(stream.opening(tickets[0].cached_tokens, tickets[0].prompt_tokens))
        for choice, ticket in enumerate(tickets):
            start, stop = self._sent[choice] * TOKEN_BYTES, ticket.emitted * TOKEN_BYTES
            if stop > start:
                ending = ticket.wanted.ending if stop == len(ticket.words) else None
                pieces.append(stream.words(choice, ticket.words[start:stop], ending=ending))
                self._sent[choice] = ticket.emitted
        if self.is_finished:
            pieces.append(stream.closing(self.answers()))
        return b"".join(pieces)

    def answers(self) -> list[Answer]:
        """The complete choices."""
        return [
            Answer(
                words=ticket.words,
                prompt=ticket.prompt,
                cached_tokens=ticket.cached_tokens,
                prompt_tokens=ticket.prompt_tokens,
                output_tokens=len(ticket.words) // TOKEN_BYTES,
                ending=ticket.wanted.ending,
            )
            for ticket in self._tickets
        ]

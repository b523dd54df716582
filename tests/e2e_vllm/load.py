"""The load of the comparison, and what one pass of it did to the engines' caches.

Twelve long prefixes, more than one engine can cache and fewer than the pool can: four texts, each
asked of the base model and of both adapters, whose caches are separate.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import openai

from e2e_vllm.fleet import ADAPTERS, BASE, Engine
from pointsman.apps.load.text import prose

TEXTS = 4
TEXT_TOKENS = 1_000
"""As the picker estimates them; the model's own small vocabulary needs about 1,300."""
QUESTION_TOKENS = 12
ROUNDS = 10
OUTPUT_TOKENS = 4
CONCURRENCY = 3


@dataclass(frozen=True)
class Question:
    """One chat request; requests with equal model and text can share a cached prefix."""

    model: str
    text: str
    question: str


@dataclass(frozen=True)
class Answer:
    """What the engine said about one request, in tokens."""

    question: Question
    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True)
class Pass:
    """The whole load, sent once; tokens.

    Attributes:
        answers: in the order of their questions.
        queries: prompt tokens that the engines looked up in their caches, by their own count.
        hits: those that they found there, by their own count.
        hits_by_engine: the same, in the engines' order.
    """

    answers: tuple[Answer, ...]
    queries: float
    hits: float
    hits_by_engine: tuple[float, ...]

    @property
    def hit_share(self) -> float:
        return self.hits / self.queries


def questions(seed: int) -> list[Question]:
    """Every prefix once per round, in an order that chance decides, so that none is favoured."""
    rng = random.Random(seed)
    texts = [prose(rng, TEXT_TOKENS) for _ in range(TEXTS)]
    prefixes = [(model, text) for model in (BASE, *ADAPTERS) for text in texts]
    return [
        Question(model, text, prose(rng, QUESTION_TOKENS))
        for _ in range(ROUNDS)
        for model, text in rng.sample(prefixes, len(prefixes))
    ]


async def send(
    client: openai.AsyncOpenAI, plan: Sequence[Question], engines: Sequence[Engine]
) -> Pass:
    """Send the load in its order, `CONCURRENCY` at a time, to engines that know no prefix."""
    for engine in engines:
        await engine.forget_prefixes()
    before = [await engine.metrics() for engine in engines]
    waiting = iter(enumerate(plan))
    answers: dict[int, Answer] = {}
    async with asyncio.TaskGroup() as senders:
        for _ in range(CONCURRENCY):
            senders.create_task(_send_in_turn(client, waiting, answers))
    after = [await engine.metrics() for engine in engines]

    def grown(name: str) -> list[float]:
        return [end[name] - start[name] for start, end in zip(before, after, strict=True)]

    hits = grown("vllm:prefix_cache_hits_total")
    queries = sum(grown("vllm:prefix_cache_queries_total"))
    return Pass(tuple(answers[n] for n in sorted(answers)), queries, sum(hits), tuple(hits))


async def _send_in_turn(
    client: openai.AsyncOpenAI, waiting: Iterator[tuple[int, Question]], answers: dict[int, Answer]
) -> None:
    for number, question in waiting:
        answers[number] = await _ask(client, question)


async def _ask(client: openai.AsyncOpenAI, question: Question) -> Answer:
    chat = await client.chat.completions.create(
        model=question.model,
        messages=[
            {"role": "system", "content": question.text},
            {"role": "user", "content": question.question},
        ],
        max_tokens=OUTPUT_TOKENS,
        temperature=0,
    )
    assert chat.usage is not None
    details = chat.usage.prompt_tokens_details
    cached = (details.cached_tokens if details else None) or 0
    return Answer(question, chat.usage.prompt_tokens, cached)


def first_of_each_prefix(answers: Sequence[Answer]) -> list[Answer]:
    """The answers that no earlier one can have helped."""
    first: dict[tuple[str, str], Answer] = {}
    for answer in answers:
        first.setdefault((answer.question.model, answer.question.text), answer)
    return list(first.values())

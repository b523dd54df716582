"""What to send and when: a seeded, open-loop mix of chats, document questions and short prompts.

Three kinds of session, each a sequence of requests:

* *chat*: a tenant's system prompt (few tenants get most chats: Zipf), then a history that grows by
  one question and one answer per turn;
* *document*: several questions about one long document, which is the prefix of all of them;
* *short*: one prompt that shares nothing with any other.

Sessions begin long before the first request that is sent, so the mix is the same at the start as at
the end. Arrivals alternate between bursts and calm: bursts compress time, which keeps the order of
a session's requests and the mean rate. Times are planned, never derived from responses (open loop):
a slow server does not slow the load that measures it.
"""

from __future__ import annotations

import bisect
import math
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pointsman.apps.load.text import prose

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS_MAX: Final = 100_000
"""Plans are kept in memory; 100,000 is an hour at 28 requests per second."""


class Kind(StrEnum):
    """What a request is a part of."""

    CHAT = "chat"
    DOCUMENT = "document"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Span:
    """A positive quantity drawn log-uniformly between `low` and `high`, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high:
            raise ValueError(f"a span needs 1 <= low <= high, not {self.low}..{self.high}")

    def draw(self, rng: random.Random) -> int:
        """One value."""
        return round(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))


@dataclass(frozen=True, slots=True)
class SessionShape:
    """How one kind of session looks.

    Attributes:
        share: of all requests, relative to the other kinds.
        prefix_tokens: system prompt or document, shared by the session's requests.
        question_tokens: each new user message.
        answer_tokens: output of each request.
        turns_min: fewest requests of a session.
        turns_max: most requests of a session; every number between is equally likely.
        think_s: mean time between two requests of a session (exponential).
    """

    share: float
    prefix_tokens: Span
    question_tokens: Span
    answer_tokens: Span
    turns_min: int = 1
    turns_max: int = 1
    think_s: float = 6.0

    @property
    def turns_mean(self) -> float:
        """Expected requests per session."""
        return (self.turns_min + self.turns_max) / 2


@dataclass(frozen=True, slots=True)
class Bursts:
    """Alternating bursts and calm; each length is within half of its mean.

    Attributes:
        factor: rate within a burst, relative to the mean rate; 1 means no bursts.
        burst_s: mean length of a burst.
        calm_s: mean time between two bursts.
    """

    factor: float = 2.2
    burst_s: float = 2.0
    calm_s: float = 5.0

    def __post_init__(self) -> None:
        if not 1 <= self.factor < (self.burst_s + self.calm_s) / self.burst_s:
            raise ValueError(
                f"a burst factor of {self.factor} leaves nothing for the calm between bursts"
            )

    @property
    def calm_factor(self) -> float:
        """Rate between bursts, relative to the mean rate, so that the mean rate holds."""
        return (self.burst_s + self.calm_s - self.factor * self.burst_s) / self.calm_s


@dataclass(frozen=True, slots=True)
class WorkloadSettings:
    """A workload, but for its seed.

    Attributes:
        requests: how many are planned, 1..REQUESTS_MAX.
        rate_per_s: mean rate; the plan lasts requests / rate_per_s.
        tenants: number of distinct system prompts.
        zipf: popularity exponent; tenant k gets a share proportional to 1 / k**zipf.
        chat, document, short: the three kinds of session.
        bursts: how arrivals cluster.
    """

    requests: int = 700
    rate_per_s: float = 25.0
    tenants: int = 16
    zipf: float = 0.9
    chat: SessionShape = field(
        default_factory=lambda: SessionShape(
            share=0.68,
            prefix_tokens=Span(1200, 4000),
            question_tokens=Span(16, 120),
            answer_tokens=Span(24, 120),
            turns_min=2,
            turns_max=7,
        )
    )
    document: SessionShape = field(
        default_factory=lambda: SessionShape(
            share=0.10,
            prefix_tokens=Span(5000, 12000),
            question_tokens=Span(16, 60),
            answer_tokens=Span(24, 100),
            turns_min=2,
            turns_max=5,
        )
    )
    short: SessionShape = field(
        default_factory=lambda: SessionShape(
            share=0.22,
            prefix_tokens=Span(16, 64),
            question_tokens=Span(24, 400),
            answer_tokens=Span(8, 48),
        )
    )
    bursts: Bursts = field(default_factory=Bursts)

    def __post_init__(self) -> None:
        if not 1 <= self.requests <= REQUESTS_MAX:
            raise ValueError(f"requests must be 1..{REQUESTS_MAX}, not {self.requests}")
        if not 0 < self.rate_per_s < math.inf:
            raise ValueError(f"rate_per_s must be positive, not {self.rate_per_s}")
        if self.tenants < 1:
            raise ValueError(f"tenants must be at least 1, not {self.tenants}")
        if sum(shape.share for shape in self.shapes.values()) <= 0:
            raise ValueError("at least one kind of session needs a share above 0")

    @property
    def shapes(self) -> dict[Kind, SessionShape]:
        """The three kinds of session."""
        return {Kind.CHAT: self.chat, Kind.DOCUMENT: self.document, Kind.SHORT: self.short}

    @property
    def duration_s(self) -> float:
        """From the start to the last planned arrival."""
        return self.requests / self.rate_per_s


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a plan.

    Attributes:
        index: its place in the plan, from 0.
        at_s: planned arrival, seconds after the plan's start.
        kind: what it is a part of.
        messages: the whole chat so far; strings are shared between the requests of a session.
        output_tokens: how many tokens to ask for.
    """

    index: int
    at_s: float
    kind: Kind
    messages: tuple[Message, ...]
    output_tokens: int


@dataclass(frozen=True, slots=True)
class _Turn:
    at_s: float
    kind: Kind
    messages: tuple[Message, ...]
    output_tokens: int


def plan_requests(settings: WorkloadSettings, *, seed: int) -> tuple[PlannedRequest, ...]:
    """The requests to send, by arrival; equal arguments give equal plans.

    Prompts are about `sum(len(content)) / 4` tokens long. The last arrival is at
    `settings.duration_s`.
    """
    rng = random.Random(seed)
    warp = _BurstWarp(settings.bursts, settings.duration_s, rng=random.Random(seed + 1))
    horizon_s = 1.2 * settings.duration_s + 5.0  # random arrivals: leave room, then cut
    turns = _turns(settings, rng, horizon_s=horizon_s)
    while len(turns) < settings.requests:
        horizon_s *= 2
        turns = _turns(settings, rng, horizon_s=horizon_s)
    turns = turns[: settings.requests]
    stretch = settings.duration_s / turns[-1].at_s
    return tuple(
        PlannedRequest(
            index=index,
            at_s=warp.wall_s(turn.at_s * stretch),
            kind=turn.kind,
            messages=turn.messages,
            output_tokens=turn.output_tokens,
        )
        for index, turn in enumerate(turns)
    )


def _turns(settings: WorkloadSettings, rng: random.Random, *, horizon_s: float) -> list[_Turn]:
    """Turns at a steady rate in time order, those after 0 only."""
    tenants = [prose(rng, settings.chat.prefix_tokens.draw(rng)) for _ in range(settings.tenants)]
    weights = [1 / rank**settings.zipf for rank in range(1, settings.tenants + 1)]
    total_share = sum(shape.share for shape in settings.shapes.values())
    turns: list[_Turn] = []
    for kind, shape in settings.shapes.items():
        rate = settings.rate_per_s * shape.share / total_share / shape.turns_mean
        # Reaching back one long session's length makes the mix steady from the start.
        reach_s = -shape.turns_max * shape.think_s
        for start_s in _poisson(rng, rate, start_s=reach_s, end_s=horizon_s):
            prefix = (
                rng.choices(tenants, weights)[0]
                if kind is Kind.CHAT
                else prose(rng, shape.prefix_tokens.draw(rng))
            )
            session = _session(rng, kind, shape=shape, start_s=start_s, prefix=prefix)
            turns += [turn for turn in session if turn.at_s > 0]
    return sorted(turns, key=lambda turn: turn.at_s)


def _poisson(
    rng: random.Random, rate_per_s: float, *, start_s: float, end_s: float
) -> Iterator[float]:
    if rate_per_s <= 0:
        return
    at_s = start_s + rng.expovariate(rate_per_s)
    while at_s < end_s:
        yield at_s
        at_s += rng.expovariate(rate_per_s)


def _session(
    rng: random.Random, kind: Kind, *, shape: SessionShape, start_s: float, prefix: str
) -> Iterator[_Turn]:
    history: tuple[Message, ...] = (Message("system", prefix),)
    at_s = start_s
    for _ in range(rng.randint(shape.turns_min, shape.turns_max)):
        question = Message("user", prose(rng, shape.question_tokens.draw(rng)))
        answer_tokens = shape.answer_tokens.draw(rng)
        yield _Turn(at_s, kind, (*history, question), answer_tokens)
        history = (*history, question, Message("assistant", prose(rng, answer_tokens)))
        at_s += rng.expovariate(1 / shape.think_s)


class _BurstWarp:
    """Maps steady time to wall time: slower than the wall in calm, faster in a burst.

    Piecewise linear through `_steady_s -> _wall_s`; rescaled so that the end stays where it was.
    """

    def __init__(self, bursts: Bursts, duration_s: float, *, rng: random.Random) -> None:
        self._steady_s, self._wall_s = [0.0], [0.0]
        is_burst = False
        while self._steady_s[-1] <= duration_s:
            mean_s = bursts.burst_s if is_burst else bursts.calm_s
            factor = bursts.factor if is_burst else bursts.calm_factor
            length_s = rng.uniform(0.5, 1.5) * mean_s
            self._wall_s.append(self._wall_s[-1] + length_s)
            self._steady_s.append(self._steady_s[-1] + length_s * factor)
            is_burst = not is_burst
        self._scale = duration_s / self._unscaled(duration_s)

    def wall_s(self, steady_s: float) -> float:
        return self._scale * self._unscaled(steady_s)

    def _unscaled(self, steady_s: float) -> float:
        right = min(max(bisect.bisect_left(self._steady_s, steady_s), 1), len(self._steady_s) - 1)
        left = right - 1
        slope = (self._wall_s[right] - self._wall_s[left]) / (
            self._steady_s[right] - self._steady_s[left]
        )
        return self._wall_s[left] + slope * (steady_s - self._steady_s[left])

"""What can be learned from a response."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response, as the engine counted them; None where it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None


class Ending(StrEnum):
    """How a request's stay with us ended."""

    COMPLETE = "complete"
    """The response was seen to end."""
    UNOBSERVED = "unobserved"
    """We stopped listening on purpose (early end); the response goes on without us."""
    CLIENT_GONE = "client-gone"
    """The stream was reset before the response ended."""
    REJECTED = "rejected"
    """It was never sent to an endpoint."""
    FAILED = "failed"
    """Our own bug."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finished request, for whoever learns or counts.

    Attributes:
        ending: how it ended.
        status: HTTP status of the model server's response, None if none was seen.
        usage: tokens, as far as they were observed.
        first_token_s: from pick to the first token of the response, None if not observed.
        duration_s: from pick to the end of the stream.
        served: `ip:port` that served it when it differs from what was picked, else None.
    """

    ending: Ending
    status: int | None = None
    usage: Usage = Usage()
    first_token_s: float | None = None
    duration_s: float = 0.0
    served: str | None = None

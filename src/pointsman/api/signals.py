"""What is known about every endpoint, as one float64 column per signal.

The table's owner is `datalayer.table`; plugins only read it through `Candidates`.
"""

from __future__ import annotations

from enum import IntEnum, unique

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
SlotArray = NDArray[np.intp]


@unique
class Signal(IntEnum):
    """Rows of the signal matrix; shape (n_signals, n_slots), row-major, so each is contiguous."""

    WAITING = 0
    """Requests in the engine's queue at the last scrape."""
    RUNNING = 1
    """Requests in the engine's batch at the last scrape."""
    KV_USAGE = 2
    """Share of KV-cache blocks in use at the last scrape, 0..1."""
    BLOCK_TOKENS = 3
    """Tokens in one KV block; 0 = unknown."""
    BLOCKS = 4
    """KV blocks of the engine; 0 = unknown."""
    LORA_MAX = 5
    """Adapters the engine can hold at once; 0 = none or unknown."""
    SCRAPED_AT_S = 6
    """Monotonic time of the last good scrape; -inf = never."""
    INFLIGHT_REQUESTS = 7
    """Our own requests sent there and not known to have ended."""
    PICKED_SINCE_SCRAPE = 8
    """Our own picks that the last scrape cannot have seen and that have not ended."""
    BACKLOG_TOKENS = 9
    """Uncached prompt tokens of ours that the engine has still to compute, as of BACKLOG_AT_S."""
    BACKLOG_AT_S = 10
    """Monotonic time at which BACKLOG_TOKENS was true; it drains at PREFILL_RATE since."""
    CONTEXT_TOKENS = 11
    """Prompt and expected output tokens of our requests in flight: what decoding must carry."""
    PREFILL_RATE = 12
    """Uncached prompt tokens per second the engine computes; learned, never 0."""
    SERVICE_S = 13
    """Seconds a request occupies the batch after its first token; learned, 0 = nothing yet."""
    OTHERS = 15
    """Requests in the engine at the last scrape that we did not send."""
    UNREACHABLE = 14
    """1 when the last scrapes could not connect, else 0."""

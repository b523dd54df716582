"""What holds for the whole suite: reproducible chance, and no event loop that nobody owns."""

from __future__ import annotations

import asyncio

from hypothesis import settings

settings.register_profile(
    "suite",
    deadline=None,  # a slow machine is not a bug; pytest-timeout catches what hangs
    print_blob=True,  # a failure says how to repeat it
)
settings.load_profile("suite")


def pytest_configure() -> None:
    """Without this, asking for "the current loop" makes one on Python 3.11, and nobody closes it.

    pytest-asyncio asks so before its first test.
    """
    asyncio.set_event_loop(None)

"""The simulator's process and its parent agree on the first line."""

from __future__ import annotations

import pytest

from pointsman.apps.demo.simulators import announced, command
from pointsman.domain.endpoints import Address


def test_the_first_line_says_where_the_servers_are() -> None:
    assert announced("127.0.0.1:4001 127.0.0.1:4002") == (
        Address("127.0.0.1", 4001),
        Address("127.0.0.1", 4002),
    )


def test_another_first_line_is_not_mistaken_for_it() -> None:
    with pytest.raises(ValueError, match="Traceback"):
        announced("Traceback (most recent call last):")


def test_the_command_names_this_module() -> None:
    words = command(replicas=3, preset="tiny", model="demo", seed=7)
    assert words[1:] == ["-m", "pointsman.apps.demo.simulators", "3", "tiny", "demo", "7"]

"""A taken port is one clear error."""

from __future__ import annotations

import socket

import pytest

from pointsman.apps.demo.children import DemoError
from pointsman.apps.demo.ports import require_free
from pointsman.apps.ports import HOST


def test_a_port_in_use_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"port {port} cannot be used.*--port"):
            require_free(port)


def test_any_free_port_is_always_free() -> None:
    require_free(0)

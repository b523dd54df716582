"""Ports are free when they are handed out, and a taken one is one clear error."""

from __future__ import annotations

import socket

import pytest

from pointsman.apps.demo.children import DemoError
from pointsman.apps.demo.ports import HOST, free_ports, require_free


def test_free_ports_are_distinct_and_can_be_listened_on() -> None:
    ports = free_ports(8)
    assert len(set(ports)) == 8
    for port in ports:
        require_free(port)


def test_a_port_in_use_is_named_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"port {port} cannot be used.*--port"):
            require_free(port)


def test_any_free_port_is_always_free() -> None:
    require_free(0)

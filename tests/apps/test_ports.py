"""Ports are free when they are handed out."""

from __future__ import annotations

from pointsman.apps.ports import free_ports, listening


def test_free_ports_are_distinct_and_can_be_listened_on() -> None:
    ports = free_ports(8)
    assert len(set(ports)) == 8
    for port in ports:
        listening(port).close()

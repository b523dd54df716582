"""Ports of this machine that nobody listens on."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Final

HOST: Final = "127.0.0.1"


def free_ports(count: int) -> tuple[int, ...]:
    """Distinct ports that were free a moment ago; all are held until the last one is found."""
    with ExitStack() as held:
        sockets = [held.enter_context(listening(0)) for _ in range(count)]
        return tuple(each.getsockname()[1] for each in sockets)


def listening(port: int) -> socket.socket:
    """A socket that listens on this port of the loopback address; 0 is any free one.

    Raises:
        OSError: somebody does already, or we may not.
    """
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener

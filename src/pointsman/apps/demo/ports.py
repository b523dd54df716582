"""Ports of this machine that nobody listens on."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Final

from pointsman.apps.demo.children import DemoError

HOST: Final = "127.0.0.1"


def free_ports(count: int) -> tuple[int, ...]:
    """Distinct ports that were free a moment ago; all are held until the last one is found."""
    with ExitStack() as held:
        sockets = [held.enter_context(_bound(0)) for _ in range(count)]
        return tuple(each.getsockname()[1] for each in sockets)


def require_free(port: int) -> None:
    """Check that a server can listen on `port` (0 always can).

    Raises:
        DemoError: somebody does already, or we may not.
    """
    try:
        _bound(port).close()
    except OSError as error:
        raise DemoError(
            f"port {port} cannot be used ({error.strerror}); "
            "choose another one with --port, or --port 0 for any free one"
        ) from error


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener

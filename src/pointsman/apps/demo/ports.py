"""Says at once, and in words, that the demo's port is taken."""

from __future__ import annotations

from pointsman.apps.demo.children import DemoError
from pointsman.apps.ports import listening


def require_free(port: int) -> None:
    """Check that a server can listen on `port` (0 always can).

    Raises:
        DemoError: somebody does already, or we may not.
    """
    try:
        listening(port).close()
    except OSError as error:
        raise DemoError(
            f"port {port} cannot be used ({error.strerror}); "
            "choose another one with --port, or --port 0 for any free one"
        ) from error

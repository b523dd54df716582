"""`pointsman envoy-config`: the configuration of a standalone Envoy as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pointsman.envoy.settings import EnvoySettings


def envoy_config(settings: EnvoySettings, *, text_format: Literal["yaml", "json"] = "yaml") -> str:
    """A complete bootstrap document that `envoy -c` accepts.

    The first call takes about a second, for importing Envoy's types.
    """
    # Here, so that no other command waits for Envoy's types.
    from pointsman.envoy.bootstrap import standalone  # noqa: PLC0415 - see above
    from pointsman.envoy.text import TextFormat, to_text  # noqa: PLC0415 - see above

    return to_text(standalone(settings), TextFormat(text_format))

"""How many endpoints a picker returns: the parameter that all pickers share."""

from __future__ import annotations

from pointsman.api.plugins import PluginConfig


class PickerConfig(PluginConfig):
    """Parameters of a picker."""

    max_num_of_endpoints: int = 1
    """Endpoints returned, best first: the proxy's fallback order; default 1; below 1 means 1."""

    @property
    def endpoints_max(self) -> int:
        """Endpoints returned at most, at least 1."""
        return max(self.max_num_of_endpoints, 1)


def remarks_on(config: PickerConfig) -> tuple[str, ...]:
    """What is odd about the parameters."""
    if config.max_num_of_endpoints >= 1:
        return ()
    return (f"maxNumOfEndpoints {config.max_num_of_endpoints} means 1",)

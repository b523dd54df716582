"""Where endpoints come from."""

from __future__ import annotations

from pydantic import Field

from pointsman.api.plugins import Declared, PluginConfig


class FileDiscoveryConfig(PluginConfig):
    """Parameters of file-discovery."""

    path: str = Field(min_length=1, examples=["/etc/epp/endpoints.yaml"])
    """File with the list of endpoints, YAML or JSON."""
    watch_file: bool = False
    """Read the file again when it changes; default false, as upstream."""


class FileDiscovery(Declared):
    """Reads endpoints from a file instead of Kubernetes."""

    type_name = "file-discovery"
    kind = "discovery"
    Config = FileDiscoveryConfig

"""`pointsman plugins` as the command line calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.api.catalog import CatalogError
from pointsman.apps.errors import BadUsageError
from pointsman.apps.plugins import describe_plugin, list_plugins, list_plugins_json, load_catalog

if TYPE_CHECKING:
    from pathlib import Path


def show_plugins(name: str | None, *, plugin_dir: Path | None, as_json: bool) -> str:
    """The catalog, or one plugin of it, as text.

    Raises:
        BadUsageError: there is no such plugin or folder, or a plugin cannot be used.
    """
    if plugin_dir is not None and not plugin_dir.is_dir():
        raise BadUsageError([f"--plugin-dir: there is no folder {str(plugin_dir)!r}"])
    try:
        catalog = load_catalog([plugin_dir] if plugin_dir else [])
        if name is not None:
            return describe_plugin(catalog, name)
    except (CatalogError, LookupError) as error:
        raise BadUsageError(str(error).splitlines()) from error
    return list_plugins_json(catalog) if as_json else list_plugins(catalog)

"""Which plugins this process knows, and their listing: the one place that names them all."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
from typing import TYPE_CHECKING

import pointsman.config.declared
import pointsman.plugins
from pointsman.api.catalog import (
    ENTRY_POINT_GROUP,
    Catalog,
    in_directory,
    in_entry_points,
    in_package,
)
from pointsman.config.document import Document
from pointsman.config.reference import fields_of, plugin_sections, plugin_table, replace_section
from pointsman.config.scope import unknown_type

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def load_catalog(plugin_dirs: Iterable[Path] = ()) -> Catalog:
    """Built-in plugins, those of installed distributions, and those in folders.

    Raises:
        CatalogError: one of them cannot be used.
    """
    return Catalog(
        itertools.chain(
            built_in_catalog(),
            in_entry_points(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)),
            *(in_directory(directory) for directory in plugin_dirs),
        )
    )


def built_in_catalog() -> Catalog:
    """Only the plugins that come with Pointsman."""
    return Catalog(
        itertools.chain(in_package(pointsman.plugins), in_package(pointsman.config.declared))
    )


def list_plugins(catalog: Catalog) -> str:
    """One line for each plugin: kind, type, what it does."""
    rows = [(one.plugin.kind, one.plugin.type_name, one.summary) for one in catalog]
    kinds, types = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{kind:{kinds}}  {name:{types}}  {what}" for kind, name, what in sorted(rows))


def list_plugins_json(catalog: Catalog) -> str:
    """The catalog for programs: id, aliases, documentation, origin and parameter schema of each."""
    entries = [
        {
            "id": one.id,
            "kind": one.plugin.kind,
            "type": one.plugin.type_name,
            "aliases": list(one.plugin.aliases),
            "documentation": one.documentation,
            "origin": one.origin,
            "parameters": one.plugin.Config.model_json_schema(by_alias=True),
        }
        for one in catalog
    ]
    return json.dumps(sorted(entries, key=lambda one: str(one["id"])), indent=2)


def describe_plugin(catalog: Catalog, name: str) -> str:
    """Documentation and parameters of one plugin.

    Raises:
        LookupError: there is none; the message says which there are.
    """
    entry = next((one for one in catalog if name in one.names), None)
    if entry is None:
        raise LookupError(unknown_type(name, catalog))
    title = f"{entry.plugin.kind} {entry.plugin.type_name}"
    return f"{title}\n\n{entry.documentation}\n\n{fields_of(entry.plugin.Config)}"


def write_reference(docs: Path) -> tuple[Path, ...]:
    """Renew the generated parts of the documentation; returns the files that changed."""
    catalog = built_in_catalog()
    parts = {
        "configuration.md": {"fields": fields_of(Document)},
        "plugins.md": {"plugins": plugin_table(catalog), "parameters": plugin_sections(catalog)},
    }
    changed = []
    for file, bodies in parts.items():
        path = docs / file
        text = path.read_text(encoding="utf-8")
        renewed = text
        for name, body in bodies.items():
            renewed = replace_section(renewed, name, body=body)
        if renewed != text:
            path.write_text(renewed, encoding="utf-8")
            changed.append(path)
    return tuple(changed)

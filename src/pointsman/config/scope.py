"""The plugins that a document names, and following references to them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pointsman.api.plugins import RefersTo
from pointsman.config.decode import decode, unknown
from pointsman.config.plan import PluginPlan
from pointsman.config.upstream import NOT_AVAILABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pointsman.api.catalog import Catalog
    from pointsman.api.plugins import Plugin
    from pointsman.config.document import PluginEntry
    from pointsman.config.findings import Findings, Path


class Scope:
    """Plugins by the names that references use.

    Args:
        mentioned: every name in the document, also of entries that could not be read: a reference
            to one of those is not another problem.
    """

    def __init__(self, catalog: Catalog, findings: Findings, *, mentioned: Iterable[str]) -> None:
        self.catalog = catalog
        self.findings = findings
        self._mentioned = frozenset(mentioned)
        self._named: dict[str, PluginPlan] = {}
        self._places: dict[str, Path] = {}

    def __iter__(self) -> Iterator[PluginPlan]:
        return iter(tuple(self._named.values()))

    def place(self, plan: PluginPlan) -> Path:
        """Where the document says so; its root for a plugin that was added."""
        return self._places.get(plan.name, ())

    def get(self, name: str) -> PluginPlan | None:
        """The plugin of this name, if there is one; never a problem."""
        return self._named.get(name)

    def declare(self, entries: Iterable[PluginEntry]) -> None:
        """Take in the document's list of plugins."""
        for position, entry in enumerate(entries):
            path: Path = ("plugins", position)
            name = entry.name or entry.type
            if name in self._places:
                key = "name" if entry.name else "type"
                self.findings.problem(
                    (*path, key), f"name {name!r} is taken; give one of the two another name"
                )
                continue
            self._places[name] = path
            plugin = self.catalog.find(entry.type)
            if plugin is None:
                self.findings.problem((*path, "type"), unknown_type(entry.type, self.catalog))
                continue
            self._decode(name, plugin, parameters=entry.parameters or {})

    def _decode(self, name: str, plugin: type[Plugin], *, parameters: Mapping[str, object]) -> None:
        path = (*self._places[name], "parameters")
        config = decode(plugin.Config, parameters, path=path, findings=self.findings)
        if config is None:
            return
        for remark in plugin.remarks(config):
            self.findings.warning(path, remark)
        self._named[name] = PluginPlan(name, plugin, config)

    def add(self, type_name: str, *, path: Path) -> PluginPlan | None:
        """The plugin of this name, or one of this type with default parameters."""
        if (plan := self._named.get(type_name)) is not None:
            return plan
        plugin = self.catalog.find(type_name)
        if plugin is None:
            self.findings.problem(path, f"plugin {type_name!r} is needed but does not exist")
            return None
        config = decode(plugin.Config, {}, path=path, findings=self.findings)
        if config is None:
            return None
        plan = self._named[type_name] = PluginPlan(type_name, plugin, config)
        return plan

    def follow(self, name: str, *, path: Path, kind: str | None = None) -> PluginPlan | None:
        """The plugin a reference names; None, with a problem unless there is one already."""
        plan = self._named.get(name)
        if plan is not None:
            if kind in {None, plan.plugin.kind}:
                return plan
            self.findings.problem(path, f"{name!r} is of kind {plan.plugin.kind}, not {kind}")
            return None
        if name not in self._mentioned:
            message = unknown("plugin", name, allowed=self._names(kind))
            if self.catalog.find(name) is not None:
                message += f"; add `- type: {name}` to plugins"
            self.findings.problem(path, message)
        return None

    def _names(self, kind: str | None) -> tuple[str, ...]:
        return tuple(one.name for one in self if kind in {None, one.plugin.kind})

    def check_parameters(self) -> None:
        """Follow the references that stand in parameters."""
        for plan in self:
            for field, described in type(plan.config).model_fields.items():
                kinds = [mark.kind for mark in described.metadata if isinstance(mark, RefersTo)]
                name = str(getattr(plan.config, field))
                for kind in kinds if name else ():
                    path = (*self.place(plan), "parameters", described.alias or field)
                    if name not in self.catalog.names(kind):  # the default instance of a type
                        self.follow(name, path=path, kind=kind)


def unknown_type(name: str, catalog: Catalog) -> str:
    """Why there is no such plugin type; lists those of the same kind, by the end of the name."""
    near = difflib.get_close_matches(name, catalog.names(), n=1)
    suffix = f"-{(near[0] if near else name).rpartition('-')[2]}"
    alike = [one for one in catalog.names() if one.endswith(suffix)] or catalog.names()
    if name in NOT_AVAILABLE:
        names = ", ".join(alike)
        return f"{name!r} is known upstream, not available in Pointsman yet (available: {names})"
    return unknown("plugin type", name, allowed=alike)

"""Which producers run, and in which order: each before whatever consumes what it produces."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from pointsman.api.plugins import Producer

if TYPE_CHECKING:
    from pointsman.config.plan import PluginPlan
    from pointsman.config.scope import Scope


def resolve_producers(scope: Scope) -> tuple[PluginPlan, ...]:
    """Every producer of the document and the missing ones, in an order that works.

    All listed producers run, as upstream's do, whether or not a profile needs them.
    """
    makers = _makers(scope)
    while _add_missing(scope, makers):
        makers = _makers(scope)
    producers = [plan for plan in scope if issubclass(plan.plugin, Producer)]
    by_name = {plan.name: plan for plan in producers}
    graph = {
        plan.name: [makers[key].name for key in plan.plugin.consumes if key in makers]
        for plan in producers
    }
    try:
        return tuple(by_name[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle: list[str] = error.args[1]
        path = scope.place(by_name[cycle[0]])
        scope.findings.problem(path, f"producers need each other: {' -> '.join(cycle)}")
        return ()


def _makers(scope: Scope) -> dict[str, PluginPlan]:
    """The producer of each feature."""
    makers: dict[str, PluginPlan] = {}
    for plan in scope:
        for feature in plan.plugin.produces if issubclass(plan.plugin, Producer) else ():
            other = makers.setdefault(feature, plan)
            if other is not plan:
                scope.findings.problem(
                    scope.place(plan),
                    f"{plan.name!r} and {other.name!r} both produce {feature!r}; keep one of them",
                )
    return makers


def _add_missing(scope: Scope, makers: dict[str, PluginPlan]) -> bool:
    """Add the catalog's first producer of each feature that lacks one; whether any was added."""
    was_added = False
    for plan in scope:
        for feature in plan.plugin.consumes:
            if feature in makers:
                continue
            types = _types_producing(feature, scope)
            if not types:
                path = scope.place(plan)
                scope.findings.problem(
                    path, f"{plan.name!r} needs {feature!r}, which no plugin produces"
                )
                continue
            added = scope.add(types[0], path=scope.place(plan))
            if added is not None:
                makers[feature] = added
                was_added = True
    return was_added


def _types_producing(feature: str, scope: Scope) -> list[str]:
    return [
        entry.plugin.type_name
        for entry in scope.catalog
        if issubclass(entry.plugin, Producer) and feature in entry.plugin.produces
    ]

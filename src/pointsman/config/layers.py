"""The document's other sections: where endpoints and metrics come from, formats, flow control."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pointsman.config.declared.discovery import FileDiscoveryConfig
from pointsman.config.declared.sources import (
    CoreMetricsConfig,
    CoreMetricsExtractor,
    MetricsSource,
    MetricsSourceConfig,
)
from pointsman.config.decode import unknown
from pointsman.config.document import DataLayer, FlowControl, PriorityBand, Reference
from pointsman.config.plan import ScrapePlan
from pointsman.config.scope import unknown_type
from pointsman.config.upstream import GATES, NOT_AVAILABLE, PARSERS, REMOVED_GATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.config.document import Document, Source
    from pointsman.config.findings import Path
    from pointsman.config.scope import Scope

NO_EFFECT_YET = "accepted, has no effect yet"
_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})


def resolve_gates(document: Document, scope: Scope) -> Mapping[str, bool]:
    """Every feature gate with its value."""
    gates = dict(GATES)
    for position, text in enumerate(document.feature_gates):
        path = ("featureGates", position)
        name, separator, value = (part.strip() for part in text.partition("="))
        value = value.lower() if separator else "true"
        if name in REMOVED_GATES:
            scope.findings.warning(path, f"gate {name!r} no longer exists upstream; ignored")
        elif name not in gates:
            scope.findings.problem(path, unknown("feature gate", name, allowed=GATES))
        elif value not in _TRUE | _FALSE:
            scope.findings.problem(path, f"{value!r} is neither true nor false")
        else:
            gates[name] = value in _TRUE
            scope.findings.warning(path, NO_EFFECT_YET)
    return MappingProxyType(gates)


def resolve_parsers(document: Document, scope: Scope) -> tuple[str, ...]:
    """Type names of the parsers, in order."""
    references: list[tuple[Reference, Path]] = []
    if document.request_handler is not None:
        for position, reference in enumerate(document.request_handler.parsers):
            references.append((reference, ("requestHandler", "parsers", position, "pluginRef")))
    if document.parser is not None:
        scope.findings.warning(("parser",), "deprecated; use requestHandler.parsers")
        references = references or [(document.parser, ("parser", "pluginRef"))]
    parsers: list[str] = []
    for reference, path in references:
        parser = _parser(reference.plugin_ref, scope, path=path)
        if parser in parsers:
            scope.findings.warning(path, f"{parser!r} is listed already; the first one counts")
        elif parser is not None:
            parsers.append(parser)
    return tuple(parsers) or PARSERS


def _parser(name: str, scope: Scope, *, path: Path) -> str | None:
    """Unlike other plugins, a parser may be named by its type without being listed."""
    plugin = scope.catalog.find(name)
    if scope.get(name) is None and plugin is not None and plugin.kind == "parser":
        return plugin.type_name
    if scope.get(name) is None and name in NOT_AVAILABLE:
        scope.findings.problem(path, unknown_type(name, scope.catalog))
        return None
    plan = scope.follow(name, path=path, kind="parser")
    return plan.plugin.type_name if plan is not None else None


def resolve_discovery(layer: DataLayer, scope: Scope, *, path: Path) -> FileDiscoveryConfig | None:
    """Where endpoints are read from, if the document says so."""
    for key, value in (
        ("peerDiscovery", layer.peer_discovery),
        ("crossReplicaSyncerPluginRef", layer.cross_replica_syncer_plugin_ref),
        ("crossReplicaSyncInterval", layer.cross_replica_sync_interval_s),
    ):
        if value is not None:
            scope.findings.warning((*path, key), NO_EFFECT_YET)
    if layer.discovery is None:
        return None
    where = (*path, "discovery", "pluginRef")
    plan = scope.follow(layer.discovery.plugin_ref, path=where, kind="discovery")
    if plan is None or not isinstance(plan.config, FileDiscoveryConfig):
        return None
    return plan.config


def resolve_scrape(layer: DataLayer, scope: Scope, *, path: Path) -> ScrapePlan | None:
    """How metrics are read: by the one metrics source there may be, with its extractor."""
    found: list[ScrapePlan] = []
    for position, source in enumerate(layer.sources):
        where = (*path, "sources", position)
        plan = scope.follow(source.plugin_ref, path=(*where, "pluginRef"), kind="source")
        extractors = _extractors(source, scope, path=where)
        if plan is None or not isinstance(plan.config, MetricsSourceConfig):
            continue
        if found:
            scope.findings.problem(where, "only one metrics-data-source can be used yet")
        extractor = extractors[0] if extractors else _default_extractor(scope)
        found.append(ScrapePlan(plan.config, extractor))
    if found:
        return found[0]
    if not layer.inject_defaults:
        scope.findings.warning(
            (*path, "injectDefaults"), "no metrics source is listed: nothing is scraped"
        )
        return None
    default = scope.get(MetricsSource.type_name)
    config = default.config if default is not None else None
    source_config = config if isinstance(config, MetricsSourceConfig) else MetricsSourceConfig()
    return ScrapePlan(source_config, _default_extractor(scope))


def _extractors(source: Source, scope: Scope, *, path: Path) -> list[CoreMetricsConfig]:
    found: list[CoreMetricsConfig] = []
    for position, reference in enumerate(source.extractors):
        where = (*path, "extractors", position, "pluginRef")
        plan = scope.follow(reference.plugin_ref, path=where, kind="extractor")
        if plan is not None and isinstance(plan.config, CoreMetricsConfig):
            if found:
                scope.findings.problem(where, "a source has one core-metrics-extractor")
            found.append(plan.config)
    return found


def _default_extractor(scope: Scope) -> CoreMetricsConfig:
    plan = scope.get(CoreMetricsExtractor.type_name)
    config = plan.config if plan is not None else None
    return config if isinstance(config, CoreMetricsConfig) else CoreMetricsConfig()


def resolve_flow_control(document: Document, scope: Scope) -> FlowControl | None:
    """Flow control as written, checked, with the deprecated detector key folded in."""
    flow = document.flow_control
    if flow is not None:
        scope.findings.warning(("flowControl",), NO_EFFECT_YET)
        _check_flow(flow, scope)
    old = document.saturation_detector
    if old is None:
        return flow
    path: Path = ("saturationDetector",)
    scope.findings.warning(
        path, f"deprecated; use flowControl.saturationDetector ({NO_EFFECT_YET})"
    )
    if old.plugin_ref is None:
        return flow
    _check(old.plugin_ref, scope, path=(*path, "pluginRef"), kind="saturation-detector")
    if flow is not None and flow.saturation_detector is not None:
        return flow
    reference = Reference(pluginRef=old.plugin_ref)
    return (flow or FlowControl()).model_copy(update={"saturation_detector": reference})


def _check_flow(flow: FlowControl, scope: Scope) -> None:
    root: Path = ("flowControl",)
    if flow.saturation_detector is not None:
        where: Path = (*root, "saturationDetector", "pluginRef")
        _check(flow.saturation_detector.plugin_ref, scope, path=where, kind="saturation-detector")
    policy = flow.usage_limit_policy_plugin_ref
    _check(policy, scope, path=(*root, "usageLimitPolicyPluginRef"), kind="usage-limit-policy")
    bands: list[tuple[PriorityBand | None, Path]] = [
        (flow.default_priority_band, (*root, "defaultPriorityBand")),
        (flow.default_negative_priority_band, (*root, "defaultNegativePriorityBand")),
    ]
    seen: set[int] = set()
    for position, band in enumerate(flow.priority_bands):
        path: Path = (*root, "priorityBands", position)
        bands.append((band, path))
        if band.priority is None:
            scope.findings.problem((*path, "priority"), "is required")
        elif band.priority in seen:
            message = f"another band has priority {band.priority}, too"
            scope.findings.problem((*path, "priority"), message)
        else:
            seen.add(band.priority)
    for one, where in bands:
        if one is not None:
            fairness, ordering = one.fairness_policy_ref, one.ordering_policy_ref
            _check(fairness, scope, path=(*where, "fairnessPolicyRef"), kind="fairness-policy")
            _check(ordering, scope, path=(*where, "orderingPolicyRef"), kind="ordering-policy")


def _check(name: str | None, scope: Scope, *, path: Path, kind: str) -> None:
    """A policy by its name; those that upstream always creates need not be listed."""
    if name is None or (scope.get(name) is None and name in _ALWAYS_THERE):
        return
    scope.follow(name, path=path, kind=kind)


_ALWAYS_THERE = frozenset(
    {
        "utilization-detector",
        "fcfs-ordering-policy",
        "global-strict-fairness-policy",
        "static-usage-limit-policy",
    }
)

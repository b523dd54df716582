"""What a document means: every reference followed, every parameter typed, nothing constructed."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from pointsman.config.declared.sources import CoreMetricsConfig, MetricsSourceConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.api.plugins import Plugin, PluginConfig
    from pointsman.config.declared.discovery import FileDiscoveryConfig
    from pointsman.config.document import FlowControl
    from pointsman.config.findings import Finding


@dataclass(frozen=True, slots=True)
class PluginPlan:
    """A plugin to construct: `plugin(config, surroundings)`.

    Attributes:
        name: by which the document refers to it; unique.
    """

    name: str
    plugin: type[Plugin]
    config: PluginConfig


@dataclass(frozen=True, slots=True)
class ProfilePlan:
    """One scheduling profile.

    Attributes:
        filters: in order.
        scorers: with their weights, finite and >= 0.
    """

    name: str
    filters: tuple[PluginPlan, ...]
    scorers: tuple[tuple[PluginPlan, float], ...]
    picker: PluginPlan


@dataclass(frozen=True, slots=True)
class ScrapePlan:
    """How model servers' metrics are read."""

    source: MetricsSourceConfig = field(default_factory=MetricsSourceConfig)
    extractor: CoreMetricsConfig = field(default_factory=CoreMetricsConfig)


@dataclass(frozen=True, slots=True)
class PickerPlan:
    """Everything a document says.

    Attributes:
        profiles: at least one; the first is used until profile handlers choose among several.
        producers: in the order in which they must run.
        parsers: type names, in order.
        discovery: file to read endpoints from; None = what the process was started for.
        scrape: None = model servers are not scraped.
        flow_control: as written, with deprecated keys folded in; no effect yet.
        feature_gates: every gate with its value; no effect yet.
        warnings: what is accepted but does not do what the document may expect.
    """

    profiles: tuple[ProfilePlan, ...]
    producers: tuple[PluginPlan, ...]
    parsers: tuple[str, ...]
    discovery: FileDiscoveryConfig | None = None
    scrape: ScrapePlan | None = field(default_factory=ScrapePlan)
    flow_control: FlowControl | None = None
    feature_gates: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[Finding, ...] = ()

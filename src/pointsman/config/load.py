"""From the text of a configuration document to a plan, or to everything that is wrong with it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pointsman.config.decode import decode
from pointsman.config.document import API_VERSION, API_VERSION_DEPRECATED, DataLayer, Document
from pointsman.config.findings import ConfigError, Finding, Findings
from pointsman.config.layers import (
    resolve_discovery,
    resolve_flow_control,
    resolve_gates,
    resolve_parsers,
    resolve_scrape,
)
from pointsman.config.plan import PickerPlan
from pointsman.config.producers import resolve_producers
from pointsman.config.profiles import resolve_profiles
from pointsman.config.scope import Scope
from pointsman.config.text import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pointsman.api.catalog import Catalog
    from pointsman.config.text import Value


def load_plan(text: str | None, catalog: Catalog) -> PickerPlan:
    """What a document (YAML or JSON) means; None or an empty one means the default policy.

    Raises:
        ConfigError: the document cannot be used; carries every problem.
    """
    value, findings = read_text(text or "")
    if value is None or value == {}:
        document: Document | None = Document(apiVersion=API_VERSION, kind="EndpointPickerConfig")
        value = {}
    elif isinstance(value, dict):
        document = decode(Document, value, path=(), findings=findings)
    else:
        raise ConfigError((Finding("", "the document must be a mapping of keys to values", 1),))
    if document is None:
        findings.raise_problems()
        raise AssertionError("a document without a model has a problem")
    _check_version(document, findings)
    scope = Scope(catalog, findings, mentioned=_mentioned(value))
    plan = _resolve(document, scope)
    findings.raise_problems()
    return dataclasses.replace(plan, warnings=tuple(findings.warnings))


def _resolve(document: Document, scope: Scope) -> PickerPlan:
    scope.declare(document.plugins)
    layer_key, layer = _data_layer(document, scope.findings)
    profiles = resolve_profiles(document, scope)
    producers = resolve_producers(scope)
    scope.check_parameters()
    return PickerPlan(
        profiles=profiles,
        producers=producers,
        parsers=resolve_parsers(document, scope),
        discovery=resolve_discovery(layer, scope, path=(layer_key,)),
        scrape=resolve_scrape(layer, scope, path=(layer_key,)),
        flow_control=resolve_flow_control(document, scope),
        feature_gates=resolve_gates(document, scope),
    )


def _check_version(document: Document, findings: Findings) -> None:
    for key, value, expected in (
        ("apiVersion", document.api_version, API_VERSION),
        ("kind", document.kind, "EndpointPickerConfig"),
    ):
        if value is None and not findings.has_problem((key,)):
            findings.problem((key,), f"is required: {expected}")
    if document.api_version == API_VERSION_DEPRECATED:
        findings.warning(("apiVersion",), f"deprecated; use {API_VERSION}")


def _data_layer(document: Document, findings: Findings) -> tuple[str, DataLayer]:
    if document.data is not None:
        findings.warning(("data",), "deprecated; use dataLayer")
        if document.data_layer is not None:
            findings.problem(("data",), "only one of dataLayer and data can be set")
        return "data", document.data
    return "dataLayer", document.data_layer or DataLayer()


def _mentioned(value: dict[str, Value]) -> Iterator[str]:
    """Names of all entries of `plugins`, also of those that are not right."""
    entries = value.get("plugins")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            name = entry.get("name") or entry.get("type")
            if isinstance(name, str):
                yield name

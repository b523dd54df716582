"""Metric specs: `name{label=value,...}`, the field's way to point at series in a configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPEC = re.compile(r"\s*([^\s{}]*)\s*(?:\{(.*)\}\s*)?", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_MATCHER = re.compile(
    r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?:"([^"\\]*)"|([^\s",{}=~!\\]*))\s*(,|$)'
)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """The series of one metric that have all these labels (and any others)."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Every label asked for is there with that value; an absent label counts as empty."""
        return all(labels.get(name, "") == value for name, value in self.labels)

    def __str__(self) -> str:
        if not self.labels:
            return self.name
        return f"{self.name}{{{','.join(f'{name}={value}' for name, value in self.labels)}}}"


def parse_metric_spec(text: str) -> MetricSpec | None:
    """Read a metric spec; None for an empty text, which switches the metric off.

    The grammar is upstream's: a name, then optionally `{label=value,...}` with equality only,
    quotes optional, no escapes. Labels that start with `__` are dropped.

    Raises:
        ValueError: it is not a metric spec; the message says which part is wrong.
    """
    if not text.strip():
        return None
    spec = _SPEC.fullmatch(text)
    if spec is None:
        raise ValueError(f"{text!r} is not a metric spec; write name or name{{label=value,...}}")
    if _NAME.fullmatch(spec[1]) is None:
        raise ValueError(f"{text!r} has no metric name before its labels")
    return MetricSpec(spec[1], _matchers(spec[2] or "", text))


def _matchers(labels_text: str, text: str) -> tuple[tuple[str, str], ...]:
    found = []
    position = 0
    while labels_text[position:].strip():
        matcher = _MATCHER.match(labels_text, position)
        if matcher is None:
            raise ValueError(
                f"{text!r}: {labels_text[position:].strip()!r} is not label=value; "
                "only equality is supported"
            )
        if not matcher[1].startswith("__"):
            found.append((matcher[1], matcher[2] if matcher[2] is not None else matcher[3]))
        position = matcher.end()
    return tuple(found)

"""YAML or JSON text to plain values, strictly, with the line of every value.

Reads YAML 1.1 as Go's tools do, restricted to what JSON can say: string keys, no tags. Duplicate
keys are problems. JSON is read as JSON, because YAML 1.1 misreads some of it (tabs, escapes).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias, Union

import yaml

from pointsman.config.findings import ConfigError, Finding, Findings, Path

if TYPE_CHECKING:
    from collections.abc import Iterable

Value: TypeAlias = Union[bool, int, float, str, "list[Value]", "dict[str, Value]", None]

TEXT_BYTES_MAX = 256 << 10
"""Largest document that is read: a hundred times a real one."""

VALUES_MAX = 50_000
"""Most values in a document once YAML aliases are expanded: aliases of aliases grow fast."""

DEPTH_MAX = 64
"""Deepest nesting."""

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = {f"{_TAG}{name}" for name in ("str", "timestamp", "value")}
_PLAIN_TAGS = {f"{_TAG}{name}" for name in ("null", "bool", "int", "float")}
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")


def read_text(text: str) -> tuple[Value, Findings]:
    """The document's values; findings with the lines, and with problems of duplicate keys.

    Raises:
        ConfigError: the text is not YAML or JSON, or beyond a limit.
    """
    if len(text.encode(errors="surrogatepass")) > TEXT_BYTES_MAX:
        raise _refused(f"the document is larger than {TEXT_BYTES_MAX} bytes")
    if text.lstrip().startswith("{"):
        findings = Findings()
        try:
            return _read_json(text, findings), findings
        except json.JSONDecodeError:
            pass  # YAML's flow style looks like JSON without being it
    return _read_yaml(text)


def _read_json(text: str, findings: Findings) -> Value:
    def unique(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            for key in found:
                if keys.count(key) > 1:
                    findings.problem((), f"key {key!r} stands twice in one object")
        return found

    try:
        value: Value = json.loads(text, object_pairs_hook=unique)
    except RecursionError:
        raise _refused(f"the document is nested deeper than {DEPTH_MAX}") from None
    level: list[Value] = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [inner for one in level for inner in _inside(one)]
    if level:
        raise _refused(f"the document is nested deeper than {DEPTH_MAX}")
    return value


def _inside(value: Value) -> Iterable[Value]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _read_yaml(text: str) -> tuple[Value, Findings]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark is not None else None
        raise _refused(f"not valid YAML: {error.problem}", line) from error
    except yaml.YAMLError as error:
        raise _refused(f"not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise _refused(f"the document is nested deeper than {DEPTH_MAX}") from None
    if node is None:
        return None, Findings()
    walk = _Walk()
    value = walk.value(node, ())
    return value, walk.findings


def _refused(message: str, line: int | None = None) -> ConfigError:
    return ConfigError((Finding("", message, line),))


class _Walk:
    """Turns YAML nodes into values and remembers where each of them stands."""

    def __init__(self) -> None:
        self._lines: dict[Path, int] = {}
        self._constructor = yaml.constructor.SafeConstructor()
        self.findings = Findings(self._lines)

    def value(self, node: yaml.Node, path: Path) -> Value:
        """The value of a node.

        Raises:
            ConfigError: there are too many, or too deep.
        """
        self._lines[path] = node.start_mark.line + 1
        if len(path) > DEPTH_MAX:
            raise _refused(f"the document is nested deeper than {DEPTH_MAX}", self._lines[path])
        if len(self._lines) > VALUES_MAX:
            raise _refused(f"the document has more than {VALUES_MAX} values")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode), "YAML has three kinds of nodes"
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Value]:
        found: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged = {**self._merge(value_node, path), **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._lines[path] = key_node.start_mark.line + 1
                self.findings.problem(path, "a key must be a text")
                continue
            key = str(key_node.value)
            value = self.value(value_node, (*path, key))
            self._lines[(*path, key)] = key_node.start_mark.line + 1
            if key in found:
                self.findings.problem((*path, key), "this key stands twice")
            found[key] = value
        return {**merged, **found}

    def _merge(self, node: yaml.Node, path: Path) -> dict[str, Value]:
        """Values that `<<` brings in; those written in place win over them."""
        value = self.value(node, (*path, "<<"))
        merged: dict[str, Value] = {}
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                merged = {**one, **merged}
            else:
                self.findings.problem((*path, "<<"), "only mappings can be merged")
        return merged

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Value:
        text = str(node.value)
        if node.tag in _TEXT_TAGS:
            is_number = node.style is None and _EXPONENT.fullmatch(text)
            return float(text) if is_number else self._well_formed(text, path)
        if node.tag not in _PLAIN_TAGS:
            self.findings.problem(path, f"tag {node.tag.replace(_TAG, '!!')} is not allowed")
            return None
        if ":" in text:
            return text  # 1:30 is a number to the base of 60 in YAML 1.1, and nowhere else
        value: Value = self._constructor.construct_object(node)
        return value

    def _well_formed(self, text: str, path: Path) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            self.findings.problem(path, "not valid Unicode")
            return ""
        return text

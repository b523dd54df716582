"""The endpoints document: upstream's file format, read completely or not at all. Pure.

Upstream skips bad entries and applies the others; here one bad entry refuses the document, and
the error lists everything that is wrong with it. Keys that are not known are ignored, as upstream
ignores them.
"""

from __future__ import annotations

import json
import reprlib
from types import MappingProxyType
from typing import TYPE_CHECKING

import yaml

from pointsman.domain.endpoints import Address, Endpoint, normalised_ip

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENT_BYTES_MAX = 1024 * 1024
"""Upstream's limit."""

_PROBLEMS_SHOWN_MAX = 20
_PORT_MAX = 65_535


class EndpointsFileError(ValueError):
    """Whoever writes the endpoints file must act: the text lists everything that is wrong.

    Attributes:
        problems: one for each mistake, each with its path and, where it is known, its line.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        shown = list(problems[:_PROBLEMS_SHOWN_MAX])
        if len(problems) > len(shown):
            shown.append(f"and {len(problems) - len(shown)} more")
        super().__init__("; ".join(shown))
        self.problems = problems


def parse_endpoints(text: str | bytes) -> tuple[Endpoint, ...]:
    """Read a YAML or JSON document of the form `endpoints: [{name, address, port, ...}]`.

    Raises:
        EndpointsFileError: it is larger than 1 MiB, neither YAML nor JSON, or has wrong entries.
    """
    data = text.encode() if isinstance(text, str) else text
    if len(data) > DOCUMENT_BYTES_MAX:
        raise EndpointsFileError((f"larger than {DOCUMENT_BYTES_MAX} bytes",))
    document, lines = _decode(data)
    if not isinstance(document, dict) or not isinstance(document.get("endpoints"), list):
        raise EndpointsFileError(("the document must be a mapping with a list `endpoints`",))
    return _endpoints(document["endpoints"], lines)


def _decode(data: bytes) -> tuple[object, tuple[int, ...]]:
    """The document and, for YAML, the line on which each endpoint begins."""
    if data.lstrip().startswith(b"{"):  # JSON may be indented by tabs, which YAML forbids
        try:
            return json.loads(data), ()
        except (ValueError, RecursionError):
            pass  # YAML's flow style also begins with a brace, and its errors are as good
    loader = yaml.CSafeLoader(data)
    try:
        node = loader.get_single_node()
        return (None, ()) if node is None else (loader.construct_document(node), _lines(node))
    except yaml.YAMLError as error:
        raise EndpointsFileError((_syntax_problem(error),)) from error
    except RecursionError:
        raise EndpointsFileError(("nested too deeply",)) from None
    except ValueError as error:  # a date such as 2024-13-01, or bytes that are no UTF-8
        raise EndpointsFileError((str(error),)) from error
    finally:
        loader.dispose()


def _syntax_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())


def _lines(root: yaml.Node) -> tuple[int, ...]:
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == "endpoints" and isinstance(value, yaml.SequenceNode):
                return tuple(entry.start_mark.line + 1 for entry in value.value)
    return ()


def _endpoints(entries: list[object], lines: tuple[int, ...]) -> tuple[Endpoint, ...]:
    found: list[Endpoint] = []
    problems: list[str] = []
    ids: dict[str, int] = {}
    addresses: dict[Address, int] = {}
    for number, value in enumerate(entries):
        entry = _Entry(number, lines[number] if number < len(lines) else None)
        endpoint = entry.endpoint(value)
        if endpoint is not None:
            first = ids.setdefault(endpoint.id, number)
            if first != number:
                entry.problem("name", f"{endpoint.id} is already endpoints[{first}]")
            first = addresses.setdefault(endpoint.address, number)
            if first != number:
                authority = endpoint.address.authority
                entry.problem("address", f"{authority} is already endpoints[{first}]")
            found.append(endpoint)
        problems += entry.problems
    if problems:
        raise EndpointsFileError(tuple(problems))
    return tuple(found)


class _Entry:
    """Turns one entry into an endpoint and collects what is wrong with it."""

    def __init__(self, number: int, line: int | None) -> None:
        self._number = number
        self._line = line
        self.problems: list[str] = []

    def problem(self, key: str, text: str) -> None:
        path = f"endpoints[{self._number}]{'.' if key else ''}{key}"
        line = "" if self._line is None else f" (line {self._line})"
        self.problems.append(f"{path}{line}: {text}")

    def endpoint(self, entry: object) -> Endpoint | None:
        if not isinstance(entry, dict):
            self.problem("", "must be a mapping with name, address and port")
            return None
        name = self._identifier("name", entry.get("name"))
        namespace = self._identifier("namespace", entry.get("namespace", "default"))
        host = self._host(entry.get("address"))
        port = self._port(entry.get("port"))
        labels = self._labels(entry.get("labels"))
        if name is None or namespace is None or host is None or port is None or labels is None:
            return None
        return Endpoint(name, Address(host, port), namespace=namespace, labels=labels)

    def _identifier(self, key: str, value: object) -> str | None:
        """A name that can stand in `namespace/name`, a header and a log line."""
        if value is None:
            self.problem(key, "is missing")
        elif not isinstance(value, str):
            self.problem(key, f"must be a string, not {_short(value)}")
        elif not value or not value.isprintable() or any(c.isspace() or c == "/" for c in value):
            self.problem(key, f"{_short(value)} is empty or has a blank or slash in it")
        else:
            return value
        return None

    def _host(self, value: object) -> str | None:
        if value is None:
            self.problem("address", "is missing")
            return None
        text = value if isinstance(value, str) else ""
        try:
            # A scope id (fe80::1%eth0) means nothing on the proxy's machine.
            return normalised_ip(text.replace("%", "/"))
        except ValueError:
            self.problem("address", f"{_short(value)} is not an IPv4 or IPv6 address")
            return None

    def _port(self, value: object) -> int | None:
        if value is None:
            self.problem("port", "is missing")
            return None
        text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_PORT_MAX))
        if not is_number or not 1 <= int(text) <= _PORT_MAX:
            self.problem("port", f"{_short(value)} is not between 1 and {_PORT_MAX}")
            return None
        return int(text)

    def _labels(self, value: object) -> Mapping[str, str] | None:
        if value is None:
            return MappingProxyType({})
        if not isinstance(value, dict):
            self.problem("labels", "must be a mapping of strings")
            return None
        wrong = {
            key: text
            for key, text in value.items()
            if not isinstance(key, str) or not isinstance(text, str)
        }
        for key, text in wrong.items():
            self.problem(f"labels.{_short(key)}", f"must be a string, not {_short(text)}; quote it")
        return None if wrong else MappingProxyType(dict(value))


def _short(value: object) -> str:
    """Anything YAML can express, in a few words."""
    return reprlib.repr(value)

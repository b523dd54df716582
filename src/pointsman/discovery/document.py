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
    from collections.abc import Hashable, Mapping

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
    return _Reading(lines).endpoints(document["endpoints"])


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


class _Reading:
    """Turns entries into endpoints and collects what is wrong with them."""

    def __init__(self, lines: tuple[int, ...]) -> None:
        self._lines = lines
        self._problems: list[str] = []

    def endpoints(self, entries: list[object]) -> tuple[Endpoint, ...]:
        """All endpoints.

        Raises:
            EndpointsFileError: anything is wrong with any of them.
        """
        found: list[Endpoint] = []
        ids: dict[Hashable, int] = {}
        addresses: dict[Hashable, int] = {}
        for number, entry in enumerate(entries):
            endpoint = self._endpoint(number, entry)
            if endpoint is not None:
                self._distinct(number, "name", endpoint.id, seen=ids)
                self._distinct(number, "address", endpoint.address, seen=addresses)
                found.append(endpoint)
        if self._problems:
            raise EndpointsFileError(tuple(self._problems))
        return tuple(found)

    def _endpoint(self, number: int, entry: object) -> Endpoint | None:
        if not isinstance(entry, dict):
            self._problem(number, "", "must be a mapping with name, address and port")
            return None
        name = self._identifier(number, "name", entry.get("name"))
        namespace = self._identifier(number, "namespace", entry.get("namespace", "default"))
        host = self._host(number, entry.get("address"))
        port = self._port(number, entry.get("port"))
        labels = self._labels(number, entry.get("labels"))
        if name is None or namespace is None or host is None or port is None or labels is None:
            return None
        return Endpoint(name, Address(host, port), namespace=namespace, labels=labels)

    def _identifier(self, number: int, key: str, value: object) -> str | None:
        """A name that can stand in `namespace/name`, a header and a log line."""
        if value is None:
            self._problem(number, key, "is missing")
        elif not isinstance(value, str):
            self._problem(number, key, f"must be a string, not {_short(value)}")
        elif not value or not value.isprintable() or any(c.isspace() or c == "/" for c in value):
            self._problem(number, key, f"{_short(value)} is empty or has a blank or slash in it")
        else:
            return value
        return None

    def _host(self, number: int, value: object) -> str | None:
        if value is None:
            self._problem(number, "address", "is missing")
            return None
        try:
            if not isinstance(value, str) or "%" in value:  # a scope id means nothing to a proxy
                raise ValueError  # noqa: TRY301 - the same mistake as the one below
            return normalised_ip(value)
        except ValueError:
            self._problem(number, "address", f"{_short(value)} is not an IPv4 or IPv6 address")
            return None

    def _port(self, number: int, value: object) -> int | None:
        if value is None:
            self._problem(number, "port", "is missing")
            return None
        text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        if not text.isascii() or not text.isdigit() or len(text) > 5:
            text = "0"
        if not 1 <= int(text) <= _PORT_MAX:
            self._problem(number, "port", f"{_short(value)} is not between 1 and {_PORT_MAX}")
            return None
        return int(text)

    def _labels(self, number: int, value: object) -> Mapping[str, str] | None:
        if value is None:
            return MappingProxyType({})
        if not isinstance(value, dict):
            self._problem(number, "labels", "must be a mapping of strings")
            return None
        wrong = [
            key
            for key, text in value.items()
            if not isinstance(key, str) or not isinstance(text, str)
        ]
        for key in wrong:
            self._problem(
                number,
                f"labels.{_short(key)}",
                f"must be a string, not {_short(value[key])}; quote it",
            )
        return None if wrong else MappingProxyType(dict(value))

    def _distinct(
        self, number: int, key: str, value: Hashable, *, seen: dict[Hashable, int]
    ) -> None:
        first = seen.setdefault(value, number)
        if first != number:
            text = value.authority if isinstance(value, Address) else value
            self._problem(number, key, f"{text} is already endpoints[{first}]")

    def _problem(self, number: int, key: str, text: str) -> None:
        line = f" (line {self._lines[number]})" if number < len(self._lines) else ""
        self._problems.append(f"endpoints[{number}]{'.' if key else ''}{key}{line}: {text}")


def _short(value: object) -> str:
    """Anything YAML can express, in a few words."""
    return reprlib.repr(value)

"""Plain values into models, with every problem at once, each with its place and what is allowed.

A model that cannot be decoded is tried again without its broken parts, so that later checks can
look at the rest; `decode` therefore returns something whenever the outermost shape is right.
"""

from __future__ import annotations

import copy
import difflib
import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

    from pointsman.config.findings import Findings, Path

    # A JSON schema: pydantic types it as nested dicts of anything, too.
    _Schema = dict[str, Any]  # Any: see above

_M = TypeVar("_M", bound=BaseModel)
_SHOULD = re.compile(r"^\w+ should")

ROUNDS_MAX = 100
"""Tries at most; each removes all broken parts that are visible, so a handful is the rule."""


def decode(
    model: type[_M], value: Mapping[str, object], *, path: Path, findings: Findings
) -> _M | None:
    """The model, as far as the value is right; problems go to `findings`.

    A null is what it is for Go's decoder: the same as an absent key. Returns None when the root
    itself is broken.
    """
    rest = copy.deepcopy(dict(value))
    reported: list[Path] = []
    for _ in range(ROUNDS_MAX):
        try:
            return model.model_validate_json(json.dumps(rest), by_alias=True, by_name=False)
        except ValidationError as error:
            details = error.errors(include_url=False)
        for detail in details:
            where = findings.original((*path, *detail["loc"]))
            is_known = any(where[: len(one)] == one for one in reported)
            if not is_known and not _is_null(detail):
                findings.problem((*path, *detail["loc"]), explain(model, detail))
                reported.append(where)
        if not _prune(rest, {_broken(detail) for detail in details}, path=path, findings=findings):
            return None
    return None


def explain(model: type[BaseModel], detail: ErrorDetails) -> str:
    """A pydantic error as a person would say it."""
    if detail["type"] == "extra_forbidden":
        allowed = keys_at(model, tuple(detail["loc"][:-1]))
        return unknown("key", str(detail["loc"][-1]), allowed=allowed)
    if detail["type"] == "missing":
        return "is required"
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    message = _SHOULD.sub("must", detail["msg"])
    given = detail["input"]
    if given is None or isinstance(given, str | int | float):
        return f"{message}, not {json.dumps(given)}"
    return message


def unknown(what: str, name: str, *, allowed: Iterable[str]) -> str:
    """A name that does not exist: the nearest one that does, and all of them."""
    names = sorted(allowed)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {name!r}{hint} (allowed: {', '.join(names) or 'none'})"


def keys_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Keys that the model allows at a place inside it."""
    schema = model.model_json_schema(by_alias=True)
    nodes = _alternatives(schema, schema)
    for part in path:
        children = [_child(node, part) for node in nodes]
        nodes = [one for child in children if child for one in _alternatives(schema, child)]
    return tuple(key for node in nodes for key in node.get("properties", ()))


def _alternatives(schema: _Schema, node: _Schema) -> list[_Schema]:
    """What a node of the schema stands for, references followed."""
    if "$ref" in node:
        return [schema["$defs"][node["$ref"].rpartition("/")[2]]]
    if "anyOf" in node:
        return [one for option in node["anyOf"] for one in _alternatives(schema, option)]
    return [node]


def _child(node: _Schema, part: str | int) -> _Schema | None:
    inside = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
    return inside if isinstance(inside, dict) else None


def _is_null(detail: ErrorDetails) -> bool:
    return detail["input"] is None and detail["type"] not in {"extra_forbidden", "missing"}


def _broken(detail: ErrorDetails) -> Path:
    """The smallest part without which the rest could be right."""
    where: Path = tuple(detail["loc"])
    return where[:-1] if detail["type"] == "missing" else where


def _prune(rest: dict[str, object], broken: set[Path], *, path: Path, findings: Findings) -> bool:
    """Take broken parts out, later ones first so that positions stay true; False = all of it."""
    if () in broken:
        return False
    for where in sorted(broken, key=_position, reverse=True):
        parent: object = rest
        try:
            for part in where[:-1]:
                parent = _inside(parent, part)
            last = where[-1]
            if isinstance(parent, list) and isinstance(last, int):
                del parent[last]
                findings.removed((*path, *where))
            elif isinstance(parent, dict):
                del parent[last]
        except (KeyError, IndexError):
            continue  # a part of something that is gone already
    return True


def _inside(parent: object, part: str | int) -> object:
    if isinstance(parent, list) and isinstance(part, int):
        return parent[part]
    if isinstance(parent, dict):
        return parent[part]
    raise KeyError(part)


def _position(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (0, part) for part in path)

"""The reference documentation of documents and plugins, from the models themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from pointsman.api.catalog import Catalog, Entry

    # A JSON schema: pydantic types it as nested dicts of anything, too.
    _Schema = dict[str, Any]  # Any: see above

_KINDS = (
    "filter", "scorer", "picker", "producer", "profile-handler", "discovery", "source",
    "extractor", "parser", "saturation-detector", "fairness-policy", "ordering-policy",
    "usage-limit-policy",
)  # fmt: skip
"""Order of the plugin table: what a pick passes through first."""


def fields_of(model: type[BaseModel]) -> str:
    """A Markdown table of every field, nested ones by their path."""
    schema = model.model_json_schema(by_alias=True)
    rows = list(_rows(schema, schema, prefix=""))
    if not rows:
        return "No parameters.\n"
    lines = ["| field | type | default | meaning |", "|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def plugin_table(catalog: Catalog) -> str:
    """A Markdown table of every plugin."""
    lines = ["| kind | type | what it does |", "|---|---|---|"]
    for entry in _sorted(catalog):
        name = entry.plugin.type_name
        aliases = "".join(f", `{alias}`" for alias in entry.plugin.aliases)
        lines.append(f"| {entry.plugin.kind} | [`{name}`](#{name}){aliases} | {entry.summary} |")
    return "\n".join(lines) + "\n"


def plugin_sections(catalog: Catalog) -> str:
    """Markdown sections: each plugin's docstring and parameters."""
    return "\n".join(_section(entry) for entry in _sorted(catalog))


def replace_section(text: str, name: str, *, body: str) -> str:
    """A Markdown text with the part between the markers of this name replaced.

    Raises:
        ValueError: the text has no such markers.
    """
    begin, end = f"<!-- generated: {name} -->", f"<!-- end of {name} -->"
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"no part marked {begin} ... {end}")
    return f"{before}{begin}\n\n{body.strip()}\n\n{end}{after}"


def _sorted(catalog: Catalog) -> list[Entry]:
    def place(entry: Entry) -> tuple[int, str]:
        kind = entry.plugin.kind
        return (_KINDS.index(kind) if kind in _KINDS else len(_KINDS), entry.plugin.type_name)

    return sorted(catalog, key=place)


def _section(entry: Entry) -> str:
    title = f"### {entry.plugin.type_name}"
    return f"{title}\n\n{entry.documentation}\n\n{fields_of(entry.plugin.Config)}"


def _rows(schema: _Schema, node: _Schema, *, prefix: str) -> Iterator[str]:
    required = node.get("required", ())
    for name, field in node.get("properties", {}).items():
        shape = _shape(schema, field)
        meaning = " ".join(field.get("description", "").split())
        default = "required" if name in required else _default(field)
        cells = [f"`{prefix}{name}`", type_text(schema, field), default, meaning]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        if shape is not None:
            is_list = "items" in field
            yield from _rows(schema, shape, prefix=f"{prefix}{name}{'[]' if is_list else ''}.")


def _default(field: _Schema) -> str:
    """As a document would say it; durations, whose default is in seconds, say it in their text."""
    default = field.get("default")
    if not default and default not in (0, False):
        return ""
    if field.get("type") == "string":
        return f"`{default}`" if isinstance(default, str) else ""
    return f"`{json.dumps(default)}`"


def _shape(schema: _Schema, field: _Schema) -> _Schema | None:
    """The object that a field holds, itself or as list items, if it is one of ours."""
    for node in (field, *field.get("anyOf", ()), *field.get("allOf", ()), field.get("items", {})):
        if "$ref" in node:
            target: _Schema = schema["$defs"][node["$ref"].rpartition("/")[2]]
            return target if "properties" in target else None
    return None


def type_text(schema: _Schema, node: _Schema) -> str:
    """A field's type and range as a person writes it."""
    if "$ref" in node:
        target: _Schema = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return "object" if "properties" in target else type_text(schema, target)
    if "anyOf" in node:
        options = [one for one in node["anyOf"] if one.get("type") != "null"]
        texts = [type_text(schema, one) for one in options]
        return " or ".join(dict.fromkeys(texts)) + _range(node)
    if "enum" in node:
        return ", ".join(f"`{one}`" for one in node["enum"])
    if "const" in node:
        return f"`{node['const']}`"
    if node.get("type") == "array":
        return f"list of {type_text(schema, node.get('items', {}))}"
    return str(node.get("type", "any")) + _range(node)


def _range(node: _Schema) -> str:
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return "".join(f" {sign} {node[key]:g}" for key, sign in bounds.items() if key in node)

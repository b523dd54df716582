from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field

from config_documents import BUILT_IN
from pointsman.config.document import Section
from pointsman.config.reference import (
    fields_of,
    plugin_sections,
    plugin_table,
    replace_section,
)
from pointsman.config.units import DurationS


class Inner(Section):
    """Inside."""

    mode: Literal["a", "b"] = "a"
    """Which | one."""


class Outer(Section):
    """Outside."""

    count_max: int = Field(3, ge=1, le=9)
    """Requests."""
    wait_s: DurationS | None = Field(None, alias="wait")
    """A Go duration."""
    inner: tuple[Inner, ...] = ()
    """Insides."""
    name: str
    """A name
    over two lines."""


def test_every_field_is_a_row_with_type_range_default_and_meaning() -> None:
    assert fields_of(Outer).splitlines()[2:] == [
        "| `countMax` | integer ≥ 1 ≤ 9 | `3` | Requests. |",
        "| `wait` | string |  | A Go duration. |",
        "| `inner` | list of object |  | Insides. |",
        "| `inner[].mode` | `a`, `b` | `a` | Which \\| one. |",
        "| `name` | string | required | A name over two lines. |",
    ]


def test_a_model_without_fields_says_so() -> None:
    assert fields_of(Section) == "No parameters.\n"


def test_every_plugin_has_a_row_and_a_section() -> None:
    table, sections = plugin_table(BUILT_IN), plugin_sections(BUILT_IN)
    for entry in BUILT_IN:
        assert f"[`{entry.plugin.type_name}`](#{entry.plugin.type_name})" in table
        assert f"### {entry.plugin.type_name}\n\n{entry.summary}" in sections


def test_only_the_marked_part_of_a_page_is_replaced() -> None:
    page = "before\n<!-- generated: x -->\nold\n<!-- end of x -->\nafter\n"
    renewed = replace_section(page, "x", body="new\n")
    assert renewed == ("before\n<!-- generated: x -->\n\nnew\n\n<!-- end of x -->\nafter\n")
    assert replace_section(renewed, "x", body="new") == renewed


@pytest.mark.parametrize("page", ["", "<!-- generated: x -->", "<!-- end of x -->"])
def test_a_page_without_markers_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match="no part marked"):
        replace_section(page, "x", body="new")

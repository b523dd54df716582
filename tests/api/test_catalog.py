from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import pytest
from pydantic import Field, ValidationError

import pointsman.plugins.filters
from pointsman.api.catalog import (
    Catalog,
    CatalogError,
    Entry,
    decode,
    in_directory,
    in_entry_points,
    in_package,
)
from pointsman.api.plugins import Declared, Plugin, PluginConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCORER = '''
"""A plugin file."""

from __future__ import annotations

import numpy as np

from pointsman.api.plugins import PluginConfig, Scorer


class OneConfig(PluginConfig):
    """Parameters."""

    score_of_all: float = 1.0
    """Share; default 1."""


class OneScorer(Scorer):
    """Scores everybody alike.

    Nothing more.
    """

    type_name = "{name}"
    Config = OneConfig

    def score(self, request, candidates):
        """All equal."""
        return np.full(len(candidates), self.config.score_of_all)


class _Hidden(OneScorer):
    """Not a plugin: private."""
'''


class SomeConfig(PluginConfig):
    """Parameters."""

    names: tuple[str, ...] = ()
    """Names."""
    max_requests: int = Field(3, ge=1)
    """Requests; default 3."""


class Thing(Declared):
    """Is something."""

    type_name = "thing"
    aliases = ("old-thing",)
    kind = "sort"
    Config = SomeConfig


class Other(Declared):
    """Is something else."""

    type_name = "other"
    kind = "sort"


@pytest.fixture(autouse=True)
def _forget_loaded_files() -> Iterator[None]:
    """Files loaded by a test leave no module behind."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("_pointsman_plugin_"):
            del sys.modules[name]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_plugin_is_found_by_its_type_and_its_aliases() -> None:
    catalog = Catalog([Entry(Thing, "thing.py"), Entry(Other, "other.py")])
    assert catalog.find("thing") is catalog.find("old-thing") is Thing
    assert catalog.find("nothing") is None
    assert catalog.names() == catalog.names("sort") == ("other", "thing")
    assert catalog.names("picker") == ()
    assert [(entry.id, entry.summary) for entry in catalog] == [
        ("sort/thing", "Is something."),
        ("sort/other", "Is something else."),
    ]


def test_two_plugins_of_one_name_are_an_error_that_names_both_files() -> None:
    with pytest.raises(CatalogError, match=r"'thing' exists twice: in a\.py and in b\.py"):
        Catalog([Entry(Thing, "a.py"), Entry(Thing, "b.py")])


def test_an_alias_that_is_taken_is_an_error() -> None:
    class Late(Declared):
        """Comes late."""

        type_name = "old-thing"
        kind = "sort"

    with pytest.raises(CatalogError, match="'old-thing' exists twice"):
        Catalog([Entry(Thing, "a.py"), Entry(Late, "b.py")])


@pytest.mark.parametrize(
    ("attributes", "complaint"),
    [
        ({"type_name": "a"}, "x.py: class Broken has no kind"),
        ({"kind": "sort"}, "x.py: class Broken has no type_name"),
        ({"type_name": "No Name", "kind": "sort"}, "'No Name' must be lower-case"),
        ({"type_name": "a", "kind": "sort", "__doc__": None}, "has no docstring"),
        ({"type_name": "a", "kind": "sort", "Config": dict}, "Config must be a PluginConfig"),
    ],
)
def test_an_incomplete_class_is_found_at_start(
    attributes: dict[str, object], complaint: str
) -> None:
    broken = type("Broken", (Declared,), {"__doc__": "Is broken.", **attributes})
    with pytest.raises(CatalogError, match=complaint):
        Catalog([Entry(broken, "x.py")])


def test_a_package_is_walked_with_everything_below_it() -> None:
    found = [entry.plugin.type_name for entry in in_package(pointsman.plugins)]
    assert {"queue-scorer", "max-score-picker", "label-selector-filter"} <= set(found)
    assert len(found) == len(set(found))


def test_files_of_a_folder_become_plugins_without_meeting_each_other(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder, "one.py", SCORER.replace("{name}", f"one-{folder}"))
    write(tmp_path / "a", "_private.py", "raise SystemExit")
    catalog = Catalog([*in_directory(tmp_path / "a"), *in_directory(tmp_path / "b")])
    assert [entry.id for entry in catalog] == ["scorer/one-a", "scorer/one-b"]
    assert [entry.origin for entry in catalog] == [
        str(tmp_path / "a" / "one.py"),
        str(tmp_path / "b" / "one.py"),
    ]
    plugin = catalog.find("one-a")
    assert plugin is not None
    assert decode(plugin, {"scoreOfAll": 0.5}).model_dump() == {"score_of_all": 0.5}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1\n\nimport no_such_module\n", ":3: ModuleNotFoundError: No module named"),
        ("x = 1\ndef f(:\n", ":2: SyntaxError: "),
        ("def f():\n    raise ValueError('two\\nlines')\n\nf()\n", ":2: ValueError: two lines"),
        ("x = 1\n", ": defines no plugin class"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_with_file_and_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = write(tmp_path, "broken.py", text)
    with pytest.raises(CatalogError) as caught:
        list(in_directory(tmp_path))
    assert str(caught.value).startswith(f"{path}{complaint}")
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="not a folder"):
        list(in_directory(tmp_path / "nowhere"))


def entry_point(value: str) -> EntryPoint:
    return EntryPoint(name="mine", value=value, group="pointsman.plugins")


def test_entry_points_name_classes_or_modules() -> None:
    one = list(in_entry_points([entry_point("pointsman.plugins.scorers.queue:QueueScorer")]))
    assert [entry.id for entry in one] == ["scorer/queue-scorer"]
    assert one[0].origin.endswith("queue.py")
    many = list(in_entry_points([entry_point("pointsman.plugins.filters.roles")]))
    assert {entry.id for entry in many} == {
        "filter/decode-filter",
        "filter/prefill-filter",
        "filter/encode-filter",
    }


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("no_such_module", "mine = no_such_module: ModuleNotFoundError"),
        ("pointsman.api.plugins:Plugin", "neither a plugin class nor a module"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_named(value: str, complaint: str) -> None:
    with pytest.raises(CatalogError, match=complaint):
        list(in_entry_points([entry_point(value)]))


def test_parameters_are_decoded_as_json_and_strictly() -> None:
    config = decode(Thing, {"names": ["a"], "maxRequests": 5})
    assert config == SomeConfig(names=("a",), max_requests=5)
    for wrong in ({"max_requests": 5}, {"maxRequests": "5"}, {"maxRequests": 0}, {"x": 1}):
        with pytest.raises(ValidationError):
            decode(Thing, wrong)


def test_abstract_classes_are_no_plugins() -> None:
    assert Plugin not in {entry.plugin for entry in in_package(pointsman.plugins)}

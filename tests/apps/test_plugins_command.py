from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pointsman.apps.errors import BadUsageError
from pointsman.apps.plugins_command import show_plugins

if TYPE_CHECKING:
    from pathlib import Path


def test_all_plugins_are_listed_with_what_they_do() -> None:
    assert "queue-scorer" in show_plugins(None, plugin_dir=None, as_json=False)


def test_one_plugin_is_described() -> None:
    described = show_plugins("queue-scorer", plugin_dir=None, as_json=False)
    assert described.startswith("scorer queue-scorer\n")


def test_programs_get_json() -> None:
    entries = json.loads(show_plugins(None, plugin_dir=None, as_json=True))
    assert {"id", "kind", "type", "parameters"} <= entries[0].keys()


def test_a_plugin_that_is_not_there_is_bad_usage() -> None:
    with pytest.raises(BadUsageError, match="unknown plugin type 'nope'"):
        show_plugins("nope", plugin_dir=None, as_json=False)


def test_a_folder_that_is_not_there_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(BadUsageError, match="--plugin-dir: there is no folder"):
        show_plugins(None, plugin_dir=tmp_path / "none", as_json=False)


def test_a_file_that_cannot_be_loaded_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def")
    with pytest.raises(BadUsageError, match=r"broken\.py"):
        show_plugins(None, plugin_dir=tmp_path, as_json=False)

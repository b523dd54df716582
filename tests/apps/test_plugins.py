from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from builders import request, surroundings, table_of
from pointsman.api.catalog import CatalogError
from pointsman.api.signals import Signal
from pointsman.apps.plugins import (
    built_in_catalog,
    describe_plugin,
    list_plugins,
    list_plugins_json,
    load_catalog,
    write_reference,
)
from pointsman.config.build import build_scheduler
from pointsman.config.load import load_plan

DOCS = Path(__file__).parents[2] / "docs"


def blocks_of(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_documented_plugin_works_as_documented(tmp_path: Path) -> None:
    """The page's own file, through --plugin-dir, with the page's own document."""
    [source] = blocks_of("writing-a-plugin.md", "python")
    [document] = blocks_of("writing-a-plugin.md", "yaml")
    (tmp_path / "freshest.py").write_text(source, encoding="utf-8")
    catalog = load_catalog([tmp_path])
    assert "freshest-scorer" in list_plugins(catalog)
    assert "Seconds of age that halve the score" in describe_plugin(catalog, "freshest-scorer")

    table = table_of(3)
    table.signals[Signal.SCRAPED_AT_S, 1:3] = [10.0, 9.0]
    scheduler = build_scheduler(load_plan(document, catalog), surroundings(table))
    pick = scheduler.schedule(request(), table.candidates(10.0))
    assert pick.scores.tolist() == [2.0, 3.0, 2.25]


@pytest.mark.parametrize(
    ("page", "language"), [("configuration.md", "yaml"), ("writing-a-plugin.md", "yaml")]
)
def test_the_pages_show_documents_that_are_right(page: str, language: str, tmp_path: Path) -> None:
    [source] = blocks_of("writing-a-plugin.md", "python")
    (tmp_path / "freshest.py").write_text(source, encoding="utf-8")
    catalog = load_catalog([tmp_path])
    documents = blocks_of(page, language)
    assert documents
    for document in documents:
        assert load_plan(document, catalog).warnings == ()


def test_the_reference_pages_are_current(tmp_path: Path) -> None:
    """When this fails: `make generate`."""
    for page in ("configuration.md", "plugins.md"):
        shutil.copy(DOCS / page, tmp_path)
    assert write_reference(tmp_path) == ()


def test_a_stale_page_is_renewed(tmp_path: Path) -> None:
    for page in ("configuration.md", "plugins.md"):
        text = (DOCS / page).read_text(encoding="utf-8")
        (tmp_path / page).write_text(text.replace("weight", "wait"), encoding="utf-8")
    assert write_reference(tmp_path) == (tmp_path / "configuration.md", tmp_path / "plugins.md")


def test_the_listing_has_a_line_for_each_plugin() -> None:
    catalog = built_in_catalog()
    lines = list_plugins(catalog).splitlines()
    assert len(lines) == len(catalog)
    assert any(re.match(r"scorer +queue-scorer +Prefers the endpoint", line) for line in lines)


def test_the_listing_for_programs_has_schemas() -> None:
    entries = {entry["id"]: entry for entry in json.loads(list_plugins_json(built_in_catalog()))}
    scorer = entries["scorer/active-request-scorer"]
    assert scorer["parameters"]["properties"]["idleThreshold"]["minimum"] == 0
    assert scorer["documentation"].startswith("Prefers")
    assert entries["producer/token-producer"]["aliases"] == ["tokenizer"]


def test_a_plugin_is_described_by_any_of_its_names() -> None:
    catalog = built_in_catalog()
    assert describe_plugin(catalog, "tokenizer") == describe_plugin(catalog, "token-producer")
    with pytest.raises(LookupError, match="did you mean 'queue-scorer'"):
        describe_plugin(catalog, "queue-scorrer")


def test_a_broken_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1/0\n", encoding="utf-8")
    with pytest.raises(CatalogError, match=r"broken\.py:1: ZeroDivisionError"):
        load_catalog([tmp_path])

from __future__ import annotations

import shutil
from pathlib import Path

from pointsman.apps.generate import flag_sections, renew

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_committed_documentation_is_what_the_code_says(tmp_path: Path) -> None:
    """`make generate` would change nothing."""
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    assert renew(docs) == []


def test_what_has_changed_is_renewed_and_named(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    flags = docs / "flags.md"
    good = flags.read_text()
    flags.write_text(good.replace("| `--grpc-port` |", "| `--grpc-prot` |"))
    assert renew(docs) == [flags]
    assert flags.read_text() == good


def test_a_table_is_not_broken_by_what_it_shows() -> None:
    for name, section in flag_sections().items():
        columns = {line.count("|") for line in section.splitlines()}
        assert len(columns) == 1, name

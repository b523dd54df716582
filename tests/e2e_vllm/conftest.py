"""Collected only when the marker asks for it, as `make e2e-vllm` does; numbers at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from e2e_vllm.load import Pass
from e2e_vllm.system import System, running_system

MARKER = "e2e_vllm"
DEFAULT_VENV = Path(".venv-vllm")
PASSES = pytest.StashKey[dict[str, Pass]]()
SUMMARY_ROW = "{:<12} {:>13} {:>13} {:>7}   {}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--vllm-venv",
        type=Path,
        default=DEFAULT_VENV,
        help="virtual environment with vLLM, made by tests/e2e_vllm/install.py",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}: starts three real vLLM servers")
    config.stash[PASSES] = {}


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Whoever runs the whole suite need not have vLLM."""
    return None if MARKER in config.getoption("markexpr") else True


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    passes = config.stash[PASSES]
    if not passes:
        return
    terminalreporter.section("prefix caches, by the engines' own counters")
    head = ("", "prompt tokens", "cached tokens", "cached", "cached tokens by engine")
    terminalreporter.line(SUMMARY_ROW.format(*head))
    for name, seen in passes.items():
        by_engine = " ".join(f"{hits:.0f}" for hits in seen.hits_by_engine)
        row = (name, f"{seen.queries:.0f}", f"{seen.hits:.0f}", f"{seen.hit_share:.1%}", by_engine)
        terminalreporter.line(SUMMARY_ROW.format(*row))


@pytest.fixture
def passes(request: pytest.FixtureRequest) -> dict[str, Pass]:
    """Where a test leaves what the summary shows."""
    return request.config.stash[PASSES]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    # pytest knows the option only when it is given this folder.
    venv = request.config.getoption("--vllm-venv", DEFAULT_VENV)
    assert (venv / "bin" / "vllm").exists(), f"no vLLM in {venv}; `make e2e-vllm` installs it"
    folder = tmp_path_factory.mktemp("vllm")
    async with running_system(venv, folder) as running:
        yield running

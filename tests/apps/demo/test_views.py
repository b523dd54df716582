"""What a terminal shows, as text."""

from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from apps.demo.reports import outcome, report
from pointsman.apps.demo.metrics import EngineView
from pointsman.apps.demo.model import Policy
from pointsman.apps.demo.progress import PhaseProgress
from pointsman.apps.demo.views import comparison_table, phase_panel, result_line, shown, sparkline
from pointsman.lib.clock import ManualClock


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=110, force_terminal=terminal, color_system=None)


def text_of(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def drawn(renderable: object) -> str:
    screen = console()
    screen.print(renderable)
    return text_of(screen)


@pytest.fixture
def progress() -> PhaseProgress:
    progress = PhaseProgress(
        Policy.POINTSMAN,
        requests=10,
        duration_s=5.0,
        endpoints=["127.0.0.1:4001", "127.0.0.1:4002"],
        clock=ManualClock(),
    )
    progress.engines = {"127.0.0.1:4001": EngineView(5, 17, 0.5, 0.25)}
    progress.observe(outcome(0, ttft_s=0.25, endpoint="127.0.0.1:4001"))
    return progress


def test_the_panel_shows_each_server_and_the_way_left(progress: PhaseProgress) -> None:
    text = drawn(phase_panel(progress))
    for expected in ("Pointsman", "127.0.0.1:4001", "17", "50%", "25%", "100%", "1 of 10", "5 s"):
        assert expected in text


def test_the_result_fits_one_line(progress: PhaseProgress) -> None:
    text = drawn(result_line(progress))
    assert text.count("\n") == 1
    assert "TTFT p50 250 ms" in text


def test_the_comparison_shows_both_and_the_change() -> None:
    text = drawn(comparison_table(report()))
    assert "Round robin" in text
    assert "4.0x faster" in text


@pytest.mark.parametrize(
    ("values", "line"), [([], ""), ([0, 0], "▁▁"), ([1, 4, 8], "▂▅█"), ([3] * 99, "█" * 40)]
)
def test_a_sparkline_scales_to_its_largest_value(values: list[float], line: str) -> None:
    assert sparkline(values) == line


async def test_without_a_terminal_there_are_no_control_codes(progress: PhaseProgress) -> None:
    screen = console()
    async with shown(progress, screen, live=True):
        await asyncio.sleep(0)
    assert "\x1b" not in text_of(screen)
    assert "Pointsman: 1 requests" in text_of(screen)


async def test_on_a_terminal_the_panel_is_drawn_and_taken_away_again(
    progress: PhaseProgress,
) -> None:
    screen = console(terminal=True)
    async with shown(progress, screen, live=True):
        await asyncio.sleep(0.05)
        assert "127.0.0.1:4001" in text_of(screen)
    assert text_of(screen).rstrip().endswith("errors 0")


async def test_a_failing_phase_shows_no_result(progress: PhaseProgress) -> None:
    screen = console()
    with pytest.raises(ExceptionGroup):
        async with shown(progress, screen, live=False):
            raise ValueError("no")
    assert "requests" not in text_of(screen)

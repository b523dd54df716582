"""What a terminal shows: a live view while a phase runs, plain lines elsewhere, a table at the end.

Everything that is drawn is a function of a `PhaseProgress` or a `DemoReport`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.constrain import Constrain
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pointsman.apps.demo.compare import comparison, percent, seconds
from pointsman.apps.demo.model import Policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rich.console import Console, RenderableType

    from pointsman.apps.demo.model import DemoReport
    from pointsman.apps.demo.progress import PhaseProgress

_FRAME_S: Final = 0.25
_PLAIN_LINE_S: Final = 5.0
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_SPARKS_MAX: Final = 40
_WIDTH_MAX: Final = 104
_COLOURS: Final = {Policy.ROUND_ROBIN: "yellow", Policy.POINTSMAN: "cyan"}


@asynccontextmanager
async def shown(progress: PhaseProgress, console: Console, *, live: bool) -> AsyncIterator[None]:
    """Show a phase while the block runs; on a terminal redrawn, elsewhere line by line."""
    draw = _redraw if live and console.is_terminal else _print_lines
    async with asyncio.TaskGroup() as group:
        drawing = group.create_task(draw(progress, console), name="demo view")
        try:
            yield
        finally:
            drawing.cancel()
    console.print(result_line(progress), highlight=False, soft_wrap=True)


async def _redraw(progress: PhaseProgress, console: Console) -> None:
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        while True:
            screen.update(phase_panel(progress), refresh=True)
            await asyncio.sleep(_FRAME_S)


async def _print_lines(progress: PhaseProgress, console: Console) -> None:
    while True:
        await asyncio.sleep(_PLAIN_LINE_S)
        console.print(
            f"  {progress.policy}: {progress.elapsed_s:3.0f} s, {progress.done} of "
            f"{progress.requests} answered, {_so_far(progress)}",
            highlight=False,
            soft_wrap=True,
        )


def phase_panel(progress: PhaseProgress) -> RenderableType:
    """The live view of one phase."""
    colour = _COLOURS[progress.policy]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("model server")
    table.add_column("running", justify="right")
    table.add_column("waiting", justify="right")
    for heading in ("KV cache", "prefix hits", "answers"):
        table.add_column(heading, ratio=1)
    for name, engine in progress.engines.items():
        table.add_row(
            name,
            str(engine.running),
            Text(str(engine.waiting), style="red" if engine.waiting > 10 else ""),
            _bar(engine.kv_usage, colour),
            _bar(engine.hit_rate, colour),
            _bar(progress.share(name), colour),
        )
    trend = progress.ttft_by_second_s()
    panel = Panel(
        Group(
            _progress_row(progress, colour),
            Text(),
            table,
            Text(),
            Text.assemble(
                ("TTFT each second  ", "dim"),
                (sparkline(trend), colour),
                (f"  up to {seconds(max(trend, default=float('nan')))}", "dim"),
            ),
            Text(_so_far(progress)),
        ),
        title=f"[bold {colour}]{progress.policy}[/]",
        title_align="left",
        border_style=colour,
        padding=(1, 2),
    )
    return Constrain(panel, _WIDTH_MAX)


def sparkline(values: Sequence[float]) -> str:
    """The last values as blocks of eight heights, the largest of them full."""
    recent = values[-_SPARKS_MAX:]
    top = max(recent, default=0.0) or 1.0
    return "".join(_SPARKS[min(7, int(8 * value / top))] for value in recent)


def result_line(progress: PhaseProgress) -> Text:
    """A phase in one line, for when it is over."""
    return Text.assemble(
        ("✓ ", "green"),
        (f"{progress.policy}: ", f"bold {_COLOURS[progress.policy]}"),
        f"{progress.done} requests, {_so_far(progress)}",
    )


def comparison_table(report: DemoReport) -> Table:
    """Both phases side by side."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for phase in report.phases:
        table.add_column(phase.policy, justify="right", style=_COLOURS[phase.policy])
    table.add_column("")
    styles = {True: "bold green", False: "bold red", None: "dim"}
    for row in comparison(report):
        change = Text(row.change, style=styles[row.is_better])
        table.add_row(row.name, row.baseline, row.pointsman, change)
    return table


def _progress_row(progress: PhaseProgress, colour: str) -> RenderableType:
    row = Table.grid(padding=(0, 2))
    done = progress.done / progress.requests
    left = f"{progress.left_s:.0f} s left" if progress.left_s else "waiting for the last answers"
    row.add_row(
        ProgressBar(total=1.0, completed=done, width=30, complete_style=colour),
        f"{progress.done} of {progress.requests} requests",
        Text(left, style="dim"),
    )
    return row


def _bar(share: float, colour: str) -> RenderableType:
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(ratio=1)
    row.add_column(width=4, justify="right")
    bar = ProgressBar(total=1.0, completed=share, complete_style=colour, finished_style=colour)
    row.add_row(bar, percent(share))
    return row


def _so_far(progress: PhaseProgress) -> str:
    ttft_s = progress.ttft_s
    return (
        f"TTFT p50 {seconds(ttft_s.p50)}, p90 {seconds(ttft_s.p90)}, "
        f"prefix hits {percent(progress.hit_rate)}, errors {progress.errors}"
    )

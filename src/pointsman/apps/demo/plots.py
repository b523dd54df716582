"""The report's figures, as SVG that follows the page's colours, light or dark.

Drawn by matplotlib in placeholder colours, which are then replaced by the page's CSS variables;
text stays text, in the page's font.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from pointsman.apps.demo.compare import percent, seconds
from pointsman.apps.load.results import Percentiles
from pointsman.apps.load.workload import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType
    from numpy.typing import NDArray

    from pointsman.apps.demo.model import DemoReport, PhaseResult

    Floats = NDArray[np.float64]

_INK: Final = "#0a0b01"
_FAINT: Final = "#0a0b02"
_GRID: Final = "#0a0b03"
_BASE: Final = "#0a0b04"
_OURS: Final = "#0a0b05"
_VARIABLES: Final = {
    _INK: "var(--ink)",
    _FAINT: "var(--faint)",
    _GRID: "var(--grid)",
    _BASE: "var(--base)",
    _OURS: "var(--ours)",
}
_STYLE: Final[dict[RcKeyType, object]] = {
    "svg.fonttype": "none",
    "font.size": 10.0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": _INK,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "text.color": _INK,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "legend.frameon": False,
}
_WIDE_IN: Final = (10.4, 3.0)
_HALF_IN: Final = (5.1, 3.1)
_BAR: Final = 0.36


def figures(report: DemoReport) -> dict[str, str]:
    """Every figure of the report by name, each one an `<svg>` element."""
    drawings = {
        "percentiles": (_percentiles, _WIDE_IN),
        "over_time": (_over_time, _WIDE_IN),
        "distribution": (_distribution, _HALF_IN),
        "kinds": (_kinds, _HALF_IN),
        "shares": (_shares, _HALF_IN),
        "hits": (_hits, _HALF_IN),
    }
    found: dict[str, str] = {}
    for name, (draw, size) in drawings.items():
        with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
            figure = Figure(figsize=size, layout="constrained")
            draw(figure, report)
            found[name] = _svg(figure)
    return found


def _svg(figure: Figure) -> str:
    page = io.StringIO()
    figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    svg = page.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style .*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    for placeholder, variable in _VARIABLES.items():
        svg = svg.replace(placeholder, variable)
    return svg


def _percentiles(figure: Figure, report: DemoReport) -> None:
    ttft, latency, rate = figure.subplots(1, 3, width_ratios=(3, 3, 1.6))
    names = ("p50", "p90", "p99")
    base, ours = (phase.summary for phase in report.phases)
    for axes, title, base_s, ours_s in (
        (ttft, "Time to first token", base.ttft_s, ours.ttft_s),
        (latency, "Time to last token", base.latency_s, ours.latency_s),
    ):
        values = [(each.p50, each.p90, each.p99) for each in (base_s, ours_s)]
        _grouped(axes, names, rows=values, show=seconds)
        axes.set_title(title)
        axes.yaxis.set_major_formatter(FuncFormatter(_tick_s))
    _grouped(
        rate,
        ("",),
        rows=[(base.output_tokens_per_s,), (ours.output_tokens_per_s,)],
        show=lambda value: f"{value:,.0f}",
    )
    rate.set_title("Output tokens per second")


def _over_time(figure: Figure, report: DemoReport) -> None:
    load, ttft = figure.subplots(2, 1, sharex=True, height_ratios=(1, 3.4))
    planned = [outcome.planned_s for outcome in report.baseline.outcomes]
    edges = np.arange(0, int(max(planned)) + 2)
    load.hist(planned, bins=edges, color=_FAINT, alpha=0.5, rwidth=0.86)
    load.set_title("arrivals per second", fontsize=9, color=_FAINT)
    load.grid(visible=False)
    for phase, colour in _coloured(report):
        arrivals, waits = _arrivals_and_ttft_s(phase)
        ttft.plot(arrivals, waits, ".", color=colour, alpha=0.45, markersize=5, markeredgewidth=0)
        ttft.plot(*_rolling(arrivals, waits), color=colour, linewidth=2, label=phase.policy)
    _log_seconds(ttft, "y")
    ttft.set_ylabel("time to first token")
    ttft.set_xlabel("arrival, seconds after the start; the lines are medians over 2 s")
    ttft.set_xlim(0, float(edges[-1]))


def _distribution(figure: Figure, report: DemoReport) -> None:
    axes = figure.subplots()
    for phase, colour in _coloured(report):
        waits = np.sort(_arrivals_and_ttft_s(phase)[1])
        axes.step(waits, np.arange(1, len(waits) + 1) / len(waits), color=colour, linewidth=2)
    _log_seconds(axes, "x")
    axes.set_xlabel("time to first token")
    axes.set_ylabel("requests that waited no longer")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_ylim(0, 1.02)


def _kinds(figure: Figure, report: DemoReport) -> None:
    axes = figure.subplots()
    values = [
        [
            Percentiles.of(o.ttft_s for o in phase.outcomes if o.is_ok and o.kind is kind).p90
            for kind in Kind
        ]
        for phase in report.phases
    ]
    _grouped(axes, [kind.value for kind in Kind], rows=values, show=seconds)
    axes.yaxis.set_major_formatter(FuncFormatter(_tick_s))
    axes.set_ylabel("TTFT p90")


def _shares(figure: Figure, report: DemoReport) -> None:
    axes = figure.subplots()
    _per_server(
        axes,
        [
            {name: server.share for name, server in phase.summary.endpoints.items()}
            for phase in report.phases
        ],
    )
    axes.set_ylabel("share of the answers")


def _hits(figure: Figure, report: DemoReport) -> None:
    axes = figure.subplots()
    _per_server(
        axes,
        [
            {name: server.hit_rate for name, server in phase.summary.endpoints.items()}
            for phase in report.phases
        ],
    )
    axes.set_ylabel("prompt tokens found in cache")


def _per_server(axes: Axes, values: Sequence[dict[str, float]]) -> None:
    names = sorted(set().union(*values))
    rows = [[each.get(name, 0.0) for name in names] for each in values]
    _grouped(axes, names, rows=rows, show=percent)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _grouped(
    axes: Axes,
    groups: Sequence[str],
    *,
    rows: Sequence[Sequence[float]],
    show: Callable[[float], str],
) -> None:
    """Two bars for each group, baseline first, each with its value on top."""
    places = np.arange(len(groups))
    for row, colour, offset in zip(rows, (_BASE, _OURS), (-_BAR / 2, _BAR / 2), strict=True):
        heights = np.nan_to_num(np.array(row, dtype=np.float64))
        bars = axes.bar(places + offset, heights, width=0.9 * _BAR, color=colour)
        axes.bar_label(bars, [show(value) for value in row], padding=2, fontsize=8.5, color=_INK)
    axes.set_xticks(places, groups)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.14)


def _coloured(report: DemoReport) -> Iterator[tuple[PhaseResult, str]]:
    yield report.baseline, _BASE
    yield report.pointsman, _OURS


def _arrivals_and_ttft_s(phase: PhaseResult) -> tuple[Floats, Floats]:
    """Of the requests that were answered, shape (answers,) each, by arrival."""
    served = [outcome for outcome in phase.outcomes if outcome.is_ok]
    return (
        np.array([outcome.planned_s for outcome in served]),
        np.array([outcome.ttft_s for outcome in served]),
    )


def _rolling(arrivals_s: Floats, waits_s: Floats) -> tuple[Floats, Floats]:
    """Medians over a window of two seconds, one for each half second that has any."""
    middles = np.arange(0.5, arrivals_s.max(initial=0.0) + 0.5, 0.5)
    windows = [waits_s[np.abs(arrivals_s - middle) <= 1.0] for middle in middles]
    medians = [float(np.median(window)) if window.size else float("nan") for window in windows]
    return middles, np.array(medians)


def _log_seconds(axes: Axes, which: Literal["x", "y"]) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis.set_major_formatter(FuncFormatter(_tick_s))
    axis.set_minor_formatter(NullFormatter())


def _tick_s(value_s: float, _: int | None = None) -> str:
    return f"{value_s:g} s" if value_s >= 1 or value_s == 0 else f"{1000 * value_s:g} ms"

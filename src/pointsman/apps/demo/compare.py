"""The comparison as rows: what the table on the terminal and the one in the report both show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pointsman.apps.demo.model import DemoReport
    from pointsman.apps.load.results import Percentiles, Summary

_NOISE: Final = 0.03
"""Two runs of the same thing differ by this much; a smaller difference is called equal."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison, ready to print.

    Attributes:
        name: of the quantity.
        baseline: its value under round robin.
        pointsman: its value under Pointsman.
        change: how they differ, in words; "" where there is nothing to say.
        is_better: Pointsman's is the better one; None if they are about equal or not comparable.
    """

    name: str
    baseline: str
    pointsman: str
    change: str = ""
    is_better: bool | None = None


def comparison(report: DemoReport) -> tuple[Row, ...]:
    """All rows, most important first."""
    base, ours = report.baseline.summary, report.pointsman.summary
    return (
        *_time_rows("TTFT", base=base.ttft_s, ours=ours.ttft_s),
        *_time_rows("latency", base=base.latency_s, ours=ours.latency_s),
        _less_is_better(
            "time per output token p50", base_s=base.tpot_s.p50, ours_s=ours.tpot_s.p50
        ),
        _more_is_better("requests/s", base=base.requests_per_s, ours=ours.requests_per_s),
        _more_is_better(
            "output tokens/s", base=base.output_tokens_per_s, ours=ours.output_tokens_per_s
        ),
        _hit_row(base.hit_rate, ours.hit_rate),
        Row("busiest server's share", percent(_top_share(base)), percent(_top_share(ours))),
        Row("errors", str(base.errors), str(ours.errors), "", _fewer(base.errors, ours.errors)),
    )


def seconds(value_s: float) -> str:
    """Three significant digits and the unit people say: `84 ms`, `1.32 s`."""
    if not math.isfinite(value_s):
        return "n/a"
    if value_s < 0.9995:
        return f"{1000 * value_s:.0f} ms" if value_s >= 0.01 else f"{1000 * value_s:.1f} ms"
    return f"{value_s:.2f} s" if value_s < 10 else f"{value_s:.1f} s"


def percent(share: float) -> str:
    """A share of 0..1 in whole percent."""
    return f"{100 * share:.0f}%" if math.isfinite(share) else "n/a"


def times(factor: float) -> str:
    """A factor as people say it: `1.34x`, `3.4x`, `12x`."""
    digits = 2 if factor < 2 else 1 if factor < 10 else 0
    return f"{factor:.{digits}f}x"


def _time_rows(name: str, *, base: Percentiles, ours: Percentiles) -> Iterator[Row]:
    yield _less_is_better(f"{name} p50", base_s=base.p50, ours_s=ours.p50)
    yield _less_is_better(f"{name} p90", base_s=base.p90, ours_s=ours.p90)
    yield _less_is_better(f"{name} p99", base_s=base.p99, ours_s=ours.p99)


def _less_is_better(name: str, *, base_s: float, ours_s: float) -> Row:
    shown = seconds(base_s), seconds(ours_s)
    return _row(name, shown, gain=_quotient(base_s, ours_s), words=("faster", "slower"))


def _more_is_better(name: str, *, base: float, ours: float) -> Row:
    shown = f"{base:,.1f}", f"{ours:,.1f}"
    return _row(name, shown, gain=_quotient(ours, base), words=("more", "less"))


def _row(name: str, shown: tuple[str, str], *, gain: float, words: tuple[str, str]) -> Row:
    """`gain` is how many times better Pointsman is; below 1 it is worse."""
    if not math.isfinite(gain) or gain <= 0:
        return Row(name, *shown)
    if abs(gain - 1) < _NOISE:
        return Row(name, *shown, "about equal")
    if gain > 1:
        return Row(name, *shown, f"{times(gain)} {words[0]}", is_better=True)
    return Row(name, *shown, f"{times(1 / gain)} {words[1]}", is_better=False)


def _hit_row(base: float, ours: float) -> Row:
    points = round(100 * ours) - round(100 * base)
    is_better = None if points == 0 else points > 0
    return Row("prefix cache hits", percent(base), percent(ours), f"{points:+d} points", is_better)


def _fewer(base: int, ours: int) -> bool | None:
    return None if base == ours else ours < base


def _top_share(summary: Summary) -> float:
    return max((endpoint.share for endpoint in summary.endpoints.values()), default=float("nan"))


def _quotient(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")

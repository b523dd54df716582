"""The HTML report: one file that needs nothing else, built from a `DemoReport` and its figures."""

from __future__ import annotations

import math
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Final

from pointsman.apps.demo.compare import comparison, percent, seconds, times
from pointsman.apps.demo.model import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pointsman.apps.demo.compare import Row
    from pointsman.apps.demo.model import DemoReport

_CARDS: Final = ("TTFT p50", "TTFT p90", "latency p90", "prefix cache hits")
_CLASSES: Final = {True: "good", False: "bad", None: "even"}


def page(report: DemoReport, figures: Mapping[str, str]) -> str:
    """The report as one HTML document; `figures` are the SVG elements of `plots.figures`."""
    template = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    rows = comparison(report)
    cards = [_card(row) for name in _CARDS for row in rows if row.name == name]
    return Template(template).substitute(
        headline=escape(headline(report)),
        lead=escape(_lead(report)),
        baseline=escape(Policy.ROUND_ROBIN),
        pointsman=escape(Policy.POINTSMAN),
        warnings=_warnings(report.warnings),
        cards="\n".join(cards),
        why=escape(_why(report)),
        rows="\n".join(_table_row(row) for row in rows),
        conditions="\n".join(
            f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
            for name, value in _conditions(report)
        ),
        command=escape(report.command),
        **{f"plot_{name}": svg for name, svg in figures.items()},
    )


def headline(report: DemoReport) -> str:
    """The result in one sentence, whichever way it went."""
    base, ours = (phase.summary.ttft_s.p90 for phase in report.phases)
    gain = base / ours if ours > 0 else math.nan
    if not math.isfinite(gain) or gain <= 0:
        return "Round robin and Pointsman on the same load"
    if gain >= 1.03:
        return f"First tokens {times(gain)} sooner at p90, on the same servers"
    if gain <= 0.97:
        return f"First tokens {times(1 / gain)} later at p90 than with round robin"
    return "No difference to round robin on this load"


def _lead(report: DemoReport) -> str:
    base, ours = (phase.summary for phase in report.phases)
    return (
        f"One request in ten waited more than {seconds(base.ttft_s.p90)} for its first token while "
        f"{len(base.endpoints)} model servers took turns, and more than "
        f"{seconds(ours.ttft_s.p90)} while Pointsman chose a server for each request."
    )


def _why(report: DemoReport) -> str:
    base, ours = (phase.summary for phase in report.phases)
    computed = [
        sum(o.prompt_tokens - o.cached_tokens for o in phase.outcomes) for phase in report.phases
    ]
    return (
        "Most prompts begin like one that some server has seen: the same system prompt, the same "
        "chat so far, the same document. The server that has it in its KV cache skips that part. "
        f"Round robin finds such a server by luck ({percent(base.hit_rate)} of the prompt tokens "
        f"came from a cache), Pointsman looks for it ({percent(ours.hit_rate)}) and weighs it "
        "against the work each server already has. In tokens that had to be computed: "
        f"{computed[0]:,} with round robin, {computed[1]:,} with Pointsman."
    )


def _conditions(report: DemoReport) -> Sequence[tuple[str, str]]:
    cores = [
        (
            f"CPU cores busy, {phase.policy}",
            ", ".join(f"{name} {value:.2f}" for name, value in phase.cores.items())
            + f" (of {report.machine_cores})",
        )
        for phase in report.phases
        if phase.cores
    ]
    lateness = ", ".join(
        f"{phase.policy} {seconds(phase.summary.client_lag_s.p99)}" for phase in report.phases
    )
    return (*report.conditions, *cores, ("Requests sent late, p99", lateness))


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f'<div class="warnings"><b>Read these numbers with care</b><ul>{items}</ul></div>'


def _card(row: Row) -> str:
    return (
        f'<div class="card"><div class="name">{escape(row.name)}</div>'
        f'<div class="pair">{escape(row.baseline)}<i> → </i><b>{escape(row.pointsman)}</b></div>'
        f'<div class="change {_CLASSES[row.is_better]}">{escape(row.change)}</div></div>'
    )


def _table_row(row: Row) -> str:
    return (
        f"<tr><td>{escape(row.name)}</td><td>{escape(row.baseline)}</td>"
        f"<td>{escape(row.pointsman)}</td>"
        f'<td class="note {_CLASSES[row.is_better]}">{escape(row.change)}</td></tr>'
    )

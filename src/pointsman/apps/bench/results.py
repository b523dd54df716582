"""What a benchmark found, as JSON for machines and a table for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from pointsman.apps.bench.plan import Scenario


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario over one pool size; CPU is user and system time per request."""

    scenario: str
    dialect: str
    endpoints: int
    picker_cpu_us: float
    floor_cpu_us: float
    ratio: float
    requests: int


@dataclass(frozen=True, slots=True)
class Idle:
    """What an idle picker costs at default settings."""

    endpoints: int
    cores: float


@dataclass(frozen=True, slots=True)
class Target:
    """One number to hold."""

    claim: str
    limit: float
    value: float | None

    @property
    def is_met(self) -> bool:
        """True also where it was not measured in this run."""
        return self.value is None or self.value <= self.limit


@dataclass(frozen=True, slots=True)
class Results:
    """Everything one run found."""

    rows: tuple[Row, ...]
    idle: Idle | None
    rss_mib_max: float

    def as_json(self) -> dict[str, object]:
        """The document that `--json` writes."""
        return asdict(self)

    def targets(self) -> tuple[Target, ...]:
        """The numbers to hold, with what this run says about each."""
        return (
            Target("1KB prompt, 100 endpoints / floor", 1.6, self._ratio("1KB prompt", 100)),
            Target("1KB prompt, 1,000 endpoints / floor", 2.2, self._ratio("1KB prompt", 1000)),
            Target("400KB prompt / floor", 1.5, self._ratio("400KB prompt")),
            Target("NONE + trailers, 100 chunks / 1 chunk", 1.3, self._growth()),
            Target("observed chunk / bare echoed chunk", 2.0, self._chunk_ratio()),
            Target("idle with 100 endpoints, cores", 0.15, self.idle.cores if self.idle else None),
        )

    def _of(self, scenario: str, dialect: str) -> list[Row]:
        return [row for row in self.rows if (row.scenario, row.dialect) == (scenario, dialect)]

    def _ratio(self, scenario: str, endpoints: int | None = None) -> float | None:
        rows = self._of(scenario, "headers-only")
        ratios = [row.ratio for row in rows if endpoints in (None, row.endpoints)]
        return max(ratios) if ratios else None

    def _growth(self) -> float | None:
        """CPU of 100 chunks that nobody sends us over CPU of one; the median of all pools."""
        growths = [
            many.picker_cpu_us / one.picker_cpu_us for many, one in self._by_chunks("headers-only")
        ]
        return median(growths) if growths else None

    def _chunk_ratio(self) -> float | None:
        """What an observed chunk costs us over what it costs the floor; the median of all pools."""
        ratios = [
            (many.picker_cpu_us - one.picker_cpu_us) / (many.floor_cpu_us - one.floor_cpu_us)
            for many, one in self._by_chunks("observe")
        ]
        return median(ratios) if ratios else None

    def _by_chunks(self, dialect: str) -> list[tuple[Row, Row]]:
        """Rows of 100 chunks and of one chunk over the same pools."""
        ones = {row.endpoints: row for row in self._of("1 chunk", dialect)}
        return [
            (row, ones[row.endpoints])
            for row in self._of("100 chunks", dialect)
            if row.endpoints in ones
        ]


def row(scenario: Scenario, samples: list[tuple[float, float]], *, endpoints: int) -> Row:
    """The medians of rounds of (picker, floor) CPU in microseconds per request."""
    picker = median(sample[0] for sample in samples)
    floor = median(sample[1] for sample in samples)
    return Row(
        scenario=scenario.name,
        dialect=scenario.dialect,
        endpoints=endpoints,
        picker_cpu_us=round(picker, 1),
        floor_cpu_us=round(floor, 1),
        ratio=round(median(a / b for a, b in samples), 3),
        requests=scenario.requests * len(samples),
    )


def rows_table(results: Results) -> Table:
    """Every row, for a terminal."""
    table = Table(title="CPU per request of the picker beside the floor")
    for heading in (
        "scenario",
        "dialect",
        "endpoints",
        "picker us",
        "floor us",
        "ratio",
        "requests",
    ):
        table.add_column(heading, justify="left" if heading in ("scenario", "dialect") else "right")
    for found in results.rows:
        table.add_row(
            found.scenario,
            found.dialect,
            f"{found.endpoints:,}",
            f"{found.picker_cpu_us:,.0f}",
            f"{found.floor_cpu_us:,.0f}",
            f"{found.ratio:.2f}",
            f"{found.requests:,}",
        )
    return table


def targets_table(results: Results) -> Table:
    """The numbers to hold, for a terminal."""
    table = Table(title="Targets")
    for heading in ("claim", "at most", "measured", ""):
        table.add_column(heading, justify="left" if heading in ("claim", "") else "right")
    for target in results.targets():
        measured = "not measured" if target.value is None else f"{target.value:.2f}"
        verdict = "" if target.value is None else "held" if target.is_met else "MISSED"
        table.add_row(target.claim, f"{target.limit:.2f}", measured, verdict)
    return table

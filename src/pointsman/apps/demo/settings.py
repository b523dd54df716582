"""What a user can choose about the demo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pointsman.apps.flags import FlagSettings, flag, optional, port, switch, whole_number
from pointsman.apps.load.workload import REQUESTS_MAX, WorkloadSettings
from pointsman.lib.durations import parse_duration_s

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDPOINTS_MAX: Final = 32
"""One process simulates them all; with more than this it would measure itself."""

RATE_PER_S_MAX: Final = 1000.0
SERVE_PORT: Final = 8080
REPORT: Final = "pointsman-demo.html"

_LOAD: Final = "Load"
_OUTPUT: Final = "Output"


def _requests(text: str) -> int:
    return whole_number(text, least=1, most=REQUESTS_MAX)


def _endpoints(text: str) -> int:
    return whole_number(text, least=1, most=ENDPOINTS_MAX)


def _seed(text: str) -> int:
    return whole_number(text, least=0, most=2**32 - 1)


def _rate_per_s(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate <= RATE_PER_S_MAX:
        raise ValueError(f"{text!r} is not a number above 0 and at most {RATE_PER_S_MAX:.0f}")
    return rate


def _new_file(text: str) -> Path:
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ValueError(f"cannot write {text!r}: not a file in an existing folder")
    return path


@dataclass(frozen=True, slots=True)
class DemoSettings(FlagSettings):
    """Choices and their defaults.

    The default rate keeps the default four servers busy under round robin, and two CPU cores at
    ease; both phases together stay well under a minute and a half.
    """

    requests: int = flag(
        "requests",
        600,
        parse=_requests,
        meaning="Requests to send in each of the two phases.",
        group=_LOAD,
    )
    duration_s: float | None = flag(
        "duration",
        None,
        parse=optional(parse_duration_s),
        meaning="Length of each phase, such as 20s; overrides --requests.",
        group=_LOAD,
    )
    rate_per_s: float = flag(
        "rate",
        22.0,
        parse=_rate_per_s,
        meaning="Mean requests per second; they come in bursts.",
        group=_LOAD,
    )
    endpoints: int = flag(
        "endpoints", 4, parse=_endpoints, meaning="Simulated model servers.", group=_LOAD
    )
    seed: int = flag(
        "seed",
        1,
        parse=_seed,
        meaning="Decides the whole load: equal seeds send equal requests at equal times.",
        group=_LOAD,
        shown="1",
    )
    report: Path = flag(
        "report",
        Path(REPORT),
        parse=_new_file,
        meaning="HTML report to write.",
        group=_OUTPUT,
    )
    no_live: bool = flag(
        "no-live",
        False,
        parse=switch,
        meaning="Print plain lines instead of a live view; without a terminal that is what happens "
        "anyway.",
        group=_OUTPUT,
    )
    serve: bool = flag(
        "serve",
        False,
        parse=switch,
        meaning="Send no load: start everything, print how to use it, and stay up until Ctrl-C.",
        group="Serving",
    )
    port: int | None = flag(
        "port",
        None,
        parse=optional(port),
        meaning=f"Port of the gateway; 0 takes any free one. Default: {SERVE_PORT} with --serve, "
        "otherwise any free one.",
        group="Serving",
    )

    def problems(self) -> Iterator[str]:
        """What is wrong although each field is right."""
        if not 1 <= self.request_count <= REQUESTS_MAX:
            yield f"--duration times --rate must give 1..{REQUESTS_MAX} requests"

    @property
    def request_count(self) -> int:
        """Requests of each phase."""
        if self.duration_s is None:
            return self.requests
        return round(self.duration_s * self.rate_per_s)

    @property
    def workload(self) -> WorkloadSettings:
        """The load of each phase."""
        return WorkloadSettings(requests=self.request_count, rate_per_s=self.rate_per_s)

    @property
    def gateway_port(self) -> int:
        """Where the gateway listens; 0 for any free port."""
        if self.port is not None:
            return self.port
        return SERVE_PORT if self.serve else 0

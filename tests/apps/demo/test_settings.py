"""Flags of the demo are read strictly, all problems at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pointsman.apps.demo.settings import SERVE_PORT, DemoSettings
from pointsman.apps.errors import BadUsageError
from pointsman.apps.flags import decode

if TYPE_CHECKING:
    from pathlib import Path


def test_a_duration_and_a_rate_give_the_number_of_requests() -> None:
    settings = decode(DemoSettings, {"duration_s": "10s", "rate_per_s": "12.5"})
    assert settings.request_count == 125
    assert settings.workload.duration_s == pytest.approx(10)


def test_requests_are_taken_as_given_without_a_duration() -> None:
    assert decode(DemoSettings, {"requests": "40"}).workload.requests == 40


def test_serving_has_a_port_that_can_be_remembered() -> None:
    assert DemoSettings(serve=True).gateway_port == SERVE_PORT
    assert DemoSettings().gateway_port == 0
    assert DemoSettings(port=9999).gateway_port == 9999


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadUsageError) as caught:
        decode(
            DemoSettings,
            {
                "requests": "0",
                "rate_per_s": "fast",
                "endpoints": "99",
                "seed": "-1",
                "report": str(tmp_path / "missing" / "r.html"),
                "port": "70000",
            },
        )
    flags = ("--requests", "--rate", "--endpoints", "--seed", "--report", "--port")
    for flag, problem in zip(flags, caught.value.problems, strict=True):
        assert problem.startswith(flag)


def test_a_load_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadUsageError, match="--duration times --rate"):
        decode(DemoSettings, {"duration_s": "3h", "rate_per_s": "1000"})


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "1001"])
def test_an_impossible_rate_is_refused(rate: str) -> None:
    with pytest.raises(BadUsageError, match="--rate"):
        decode(DemoSettings, {"rate_per_s": rate})


def test_a_report_does_not_replace_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadUsageError, match="--report"):
        decode(DemoSettings, {"report": str(tmp_path)})

"""A report says itself when it should not be trusted."""

from __future__ import annotations

from apps.demo.reports import report


def test_a_fair_run_has_no_warnings() -> None:
    assert report().warnings == ()


def test_failed_requests_are_a_warning_with_the_first_reason() -> None:
    (warning,) = report(error="HTTP 503: no endpoints").warnings
    assert "1 of 24 requests failed" in warning
    assert "no endpoints" in warning


def test_a_machine_at_its_limit_is_a_warning() -> None:
    (warning,) = report(cores=1.9).warnings
    assert "1.9 of 2 CPU cores" in warning

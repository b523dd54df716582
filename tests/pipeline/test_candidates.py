"""Locating: the subset hint is exact, never widens, and unreachable endpoints come last."""

from __future__ import annotations

import pytest

from builders import endpoint
from pointsman.datalayer.table import EndpointTable
from pointsman.domain.endpoints import Address, Endpoint
from pointsman.domain.errors import NoEndpointsError
from pointsman.pipeline.candidates import locate

V6 = Endpoint(name="v6", address=Address("fd00::1", 8000))


@pytest.fixture
def table() -> EndpointTable:
    table = EndpointTable()
    table.replace([endpoint(0), endpoint(0, port=8001), endpoint(1), V6])
    return table


def named(table: EndpointTable, *subset: str) -> set[str]:
    candidates = locate(table, subset, now_s=0.0)
    return {candidates.endpoint(i).name for i in range(len(candidates))}


def test_no_hint_means_the_whole_pool(table: EndpointTable) -> None:
    assert len(locate(table, None, now_s=0.0)) == 4


@pytest.mark.parametrize(
    ("subset", "expected"),
    [
        (["10.0.0.1:8000"], {"e0"}),
        (["10.0.0.1"], {"e0", "e0-8001"}),
        (["10.0.0.1:8001", "10.0.0.2"], {"e0-8001", "e1"}),
        ([" 10.0.0.2:8000 ", "10.0.0.2:8000", "10.77.0.1:1"], {"e1"}),
        (["[fd00::1]:8000"], {"v6"}),
        (["[fd00::1]"], {"v6"}),
        (["fd00:0::1"], {"v6"}),
    ],
)
def test_entries_name_endpoints_exactly(
    table: EndpointTable, subset: list[str], expected: set[str]
) -> None:
    assert named(table, *subset) == expected


@pytest.mark.parametrize(
    "subset", [(), ("10.0.0.9:8000",), ("10.0.0.1:9",), ("host:8000", "", "x", "10.0.0.1:")]
)
def test_a_hint_that_names_nothing_is_an_error_and_never_the_whole_pool(
    table: EndpointTable, subset: tuple[str, ...]
) -> None:
    with pytest.raises(NoEndpointsError):
        locate(table, subset, now_s=0.0)


def test_an_empty_pool_is_an_error() -> None:
    with pytest.raises(NoEndpointsError):
        locate(EndpointTable(), None, now_s=0.0)


def test_unreachable_endpoints_are_avoided_while_others_remain(table: EndpointTable) -> None:
    table.mark_reachable(0, is_reachable=False)
    assert named(table, "10.0.0.1", "10.0.0.2") == {"e0-8001", "e1"}
    assert named(table, "10.0.0.1:8000") == {"e0"}

from __future__ import annotations

import dataclasses

import pytest

from builders import endpoint, request
from pointsman.domain.endpoints import Address, Endpoint
from pointsman.plugins.filters.header_based_testing import HeaderBasedTestingFilter
from pools import Pool


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (None, []),
        ("", []),
        ("nonsense, 300.1.1.1", []),
        ("10.0.0.1", ["e0", "e0-8001"]),
        ("10.0.0.1:8001", ["e0-8001"]),
        (" 10.0.0.2 ,10.0.0.1:8000", ["e0", "e1"]),
        ("fd00::1", ["v6"]),
        ("[fd00:0::1]:8000", ["v6"]),
        ("[fd00::1]:9", []),
    ],
)
def test_the_header_names_who_stays(header: str | None, kept: list[str]) -> None:
    pool = Pool()
    v6 = Endpoint("v6", Address("fd00::1", 8000))
    pool.table.replace([endpoint(0), endpoint(0, port=8001), endpoint(1), v6])
    headers = {} if header is None else {"test-epp-endpoint-selection": header}
    asked = dataclasses.replace(request(), headers=headers)
    candidates = pool.candidates()
    mask = pool.make(HeaderBasedTestingFilter).keep(asked, candidates)
    chosen = candidates.where(mask)
    assert [chosen.endpoint(position).name for position in range(len(chosen))] == kept

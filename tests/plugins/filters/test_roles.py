from __future__ import annotations

import pytest

from builders import request
from pointsman.api.plugins import Filter
from pointsman.plugins.filters.roles import DecodeFilter, EncodeFilter, PrefillFilter
from pools import Pool

ROLES = ("decode", "prefill", "encode", "prefill-decode", "both", "encode-prefill",
         "encode-prefill-decode", "encode-decode")  # fmt: skip


@pytest.mark.parametrize(
    ("plugin", "kept"),
    [
        (DecodeFilter, {"decode", "prefill-decode", "both", "encode-prefill-decode", None}),
        (
            PrefillFilter,
            {"prefill", "encode-prefill", "prefill-decode", "both", "encode-prefill-decode"},
        ),
        (EncodeFilter, {"encode", "encode-prefill", "encode-prefill-decode"}),
    ],
)
def test_roles_are_upstreams(plugin: type[Filter], kept: set[str | None]) -> None:
    labels = {number: {"llm-d.ai/role": role} for number, role in enumerate(ROLES)}
    pool = Pool().fill(len(ROLES) + 1, labels=labels)
    mask = pool.make(plugin).keep(request(), pool.candidates())
    assert {role for role, stays in zip((*ROLES, None), mask, strict=True) if stays} == kept

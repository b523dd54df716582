from __future__ import annotations

import pytest
from pydantic import ValidationError

from builders import request
from pointsman.plugins.filters.label_selector import LabelSelectorFilter
from pools import Pool

LABELS = {0: {"tier": "gold", "gpu": "h100"}, 1: {"tier": "silver"}, 2: {"gpu": "h100"}}


def expression(operator: str, *values: str, key: str = "tier") -> dict[str, object]:
    return {"key": key, "operator": operator} | ({"values": list(values)} if values else {})


@pytest.mark.parametrize(
    ("selector", "kept"),
    [
        ({}, [True, True, True, True]),
        ({"matchLabels": {"tier": "gold"}}, [True, False, False, False]),
        ({"matchLabels": {"tier": "gold", "gpu": "a100"}}, [False, False, False, False]),
        ({"matchExpressions": [expression("In", "gold", "silver")]}, [True, True, False, False]),
        ({"matchExpressions": [expression("NotIn", "gold")]}, [False, True, True, True]),
        ({"matchExpressions": [expression("Exists", key="gpu")]}, [True, False, True, False]),
        ({"matchExpressions": [expression("DoesNotExist")]}, [False, False, True, True]),
        (
            {"matchLabels": {"gpu": "h100"}, "matchExpressions": [expression("Exists")]},
            [True, False, False, False],
        ),
    ],
)
def test_endpoints_that_match_stay(selector: dict[str, object], kept: list[bool]) -> None:
    pool = Pool().fill(4, labels=LABELS)
    step = pool.make(LabelSelectorFilter, selector)
    assert step.keep(request(), pool.candidates()).tolist() == kept


@pytest.mark.parametrize(
    "wrong", [expression("In"), expression("Exists", "gold"), expression("Equals", "gold")]
)
def test_an_expression_that_means_nothing_is_rejected(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Pool().fill(1).make(LabelSelectorFilter, {"matchExpressions": [wrong]})


def test_changed_labels_are_seen() -> None:
    pool = Pool().fill(2, labels={0: {"tier": "gold"}})
    step = pool.make(LabelSelectorFilter, {"matchLabels": {"tier": "gold"}})
    assert step.keep(request(), pool.candidates()).tolist() == [True, False]
    pool.fill(2, labels={1: {"tier": "gold"}})
    assert step.keep(request(), pool.candidates()).tolist() == [False, True]

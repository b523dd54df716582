from __future__ import annotations

import pytest
from pydantic import ValidationError

from builders import request
from pointsman.plugins.filters.by_label import ByLabelFilter
from pools import Pool


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        ({"validValues": ["a", "b"]}, [True, True, False, False]),
        ({"validValues": ["b"], "allowsNoLabel": True}, [False, True, False, True]),
        ({"allowsNoLabel": True}, [False, False, False, True]),
    ],
)
def test_the_label_decides(parameters: dict[str, object], kept: list[bool]) -> None:
    pool = Pool().fill(4, labels={0: {"x": "a"}, 1: {"x": "b"}, 2: {"x": "c"}})
    step = pool.make(ByLabelFilter, {"label": "x", **parameters})
    assert step.keep(request(), pool.candidates()).tolist() == kept


def test_parameters_that_keep_nothing_are_rejected() -> None:
    with pytest.raises(ValidationError, match="no endpoint is ever kept"):
        Pool().fill(1).make(ByLabelFilter, {"label": "x"})

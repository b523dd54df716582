from __future__ import annotations

import pytest

from pointsman.plugins.pickers.limits import PickerConfig, remarks_on


@pytest.mark.parametrize(("asked", "used"), [(-3, 1), (0, 1), (1, 1), (4, 4)])
def test_less_than_one_endpoint_means_one(asked: int, used: int) -> None:
    config = PickerConfig(max_num_of_endpoints=asked)
    assert config.endpoints_max == used
    assert bool(remarks_on(config)) == (asked < 1)

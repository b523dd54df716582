from __future__ import annotations

import pytest

from pointsman.apps.errors import BadUsageError
from pointsman.apps.flags import decode, flags_of
from pointsman.apps.sim_flags import SimFlags


def test_the_default_that_is_shown_is_the_default_that_holds() -> None:
    shown = {field: each.default for field, each in flags_of(SimFlags).items() if each.default}
    assert decode(SimFlags, shown) == SimFlags()


def test_lists_are_separated_by_commas() -> None:
    flags = decode(SimFlags, {"ports": "8001, 8002", "adapters": "sql,chat=path/to"})
    assert flags.ports == (8001, 8002)
    assert flags.adapters == ("sql", "chat=path/to")


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(BadUsageError) as refused:
        decode(
            SimFlags,
            {"output_tokens_min": "300", "error_share": "60%", "hang_share": "60%"},
        )
    assert refused.value.problems == (
        "--output-tokens-min: is above --output-tokens-max",
        "--fault-errors, --fault-hangs and --fault-resets: are more than 100% together",
    )


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadUsageError, match="is not one of tiny, llama-8b-l4"):
        decode(SimFlags, {"preset": "huge"})

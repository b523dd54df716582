from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from pointsman.apps.bench.run import BenchSettings
from pointsman.apps.bench_flags import BenchFlags
from pointsman.apps.errors import BadUsageError
from pointsman.apps.flags import decode, flags_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_default_that_is_shown_is_the_default_that_holds() -> None:
    shown = {field: each.default for field, each in flags_of(BenchFlags).items() if each.default}
    assert decode(BenchFlags, shown) == BenchFlags()


def test_defaults_are_those_of_the_benchmark_itself() -> None:
    flags, settings = dataclasses.asdict(BenchFlags()), dataclasses.asdict(BenchSettings())
    same = flags.keys() & settings.keys()
    assert same == {"pool_sizes", "rounds", "scale", "idle_s", "seed"}
    assert {name: flags[name] for name in same} == {name: settings[name] for name in same}


def test_results_go_into_a_folder_that_exists(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    assert decode(BenchFlags, {"json": str(file)}).json == file
    with pytest.raises(BadUsageError, match="--json: cannot write"):
        decode(BenchFlags, {"json": str(tmp_path / "no" / "bench.json")})

"""`pointsman bench picker` as the command line calls it: progress, tables and the JSON file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import uvloop
from rich.console import Console

from pointsman.apps.bench.processes import ChildDiedError
from pointsman.apps.bench.results import rows_table, targets_table
from pointsman.apps.bench.run import BenchSettings, bench_picker
from pointsman.apps.envoy_process import EnvoyFailedError, EnvoyMissingError

if TYPE_CHECKING:
    from pointsman.apps.bench_flags import BenchFlags

_EXIT_FAILURE = 1


def bench(flags: BenchFlags) -> int:
    """Measure, print what was found, and return the exit code: 1 when a target was missed."""
    settings = BenchSettings(
        pool_sizes=flags.pool_sizes,
        rounds=flags.rounds,
        scale=flags.scale,
        idle_s=flags.idle_s,
        seed=flags.seed,
    )
    messages = Console(stderr=True)
    try:
        results = uvloop.run(
            bench_picker(settings, progress=lambda text: messages.print(text, highlight=False))
        )
    except (ChildDiedError, EnvoyFailedError, EnvoyMissingError) as error:
        messages.print(f"pointsman: {error}", markup=False, highlight=False, soft_wrap=True)
        return _EXIT_FAILURE
    if flags.json is not None:
        flags.json.write_text(json.dumps(results.as_json(), indent=2) + "\n")
    console = Console()
    console.print(rows_table(results))
    console.print(targets_table(results))
    return 0 if all(target.is_met for target in results.targets()) else _EXIT_FAILURE

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys

import httpx
import pytest

from pointsman.apps.errors import BadUsageError
from pointsman.apps.flags import decode
from pointsman.apps.sim import SimSettings
from pointsman.apps.sim_command import sim, sim_settings
from pointsman.apps.sim_flags import SimFlags
from pointsman.sim.faults import Faults


def test_what_nobody_says_is_the_simulators_own_default() -> None:
    assert sim_settings(SimFlags()) == SimSettings()


def test_what_is_said_arrives() -> None:
    flags = decode(
        SimFlags, {"ports": "1,2", "latency_s": "100ms", "error_share": "5%", "step_s": "15ms"}
    )
    settings = sim_settings(flags)
    assert settings.ports == (1, 2)
    assert settings.step_s == pytest.approx(0.015)
    assert settings.faults == Faults(latency_s=0.1, error_share=0.05)


def test_a_value_that_only_the_engine_can_judge_is_bad_usage() -> None:
    with pytest.raises(BadUsageError, match="engine: context_tokens_max must be between"):
        sim(SimFlags(port=0, blocks=2))


@pytest.mark.integration
def test_it_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-u", "-m", "pointsman", "sim", "--replicas", "2", "--port", "0"]
    with contextlib.ExitStack() as cleanup:
        child = cleanup.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        cleanup.callback(child.kill)
        assert child.stdout is not None
        urls = [re.sub(r".* at (\S+)\n", r"\1", child.stdout.readline()) for _ in range(2)]
        for url in urls:
            assert httpx.get(f"{url}/models").status_code == 200
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(timeout=10) == 0

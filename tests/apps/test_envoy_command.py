from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from pointsman.apps.envoy_command import print_config
from pointsman.apps.envoy_flags import EnvoyFlags
from pointsman.apps.errors import BadUsageError
from pointsman.domain.endpoints import Address

if TYPE_CHECKING:
    from pathlib import Path


def test_the_endpoints_file_of_the_picker_is_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "endpoints.yaml"
    file.write_text('endpoints: [{name: a, address: 10.1.2.3, port: "8000"}]')
    print_config(EnvoyFlags(endpoints_file=file))
    printed = capsys.readouterr().out
    assert "10.1.2.3" in printed
    assert "static_resources" in yaml.safe_load(printed)


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    print_config(EnvoyFlags(endpoints=(Address("10.0.0.1", 8000),), text_format="json"))
    assert "static_resources" in json.loads(capsys.readouterr().out)


def test_each_problem_of_a_wrong_file_is_a_line(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.yaml"
    file.write_text("endpoints: [{name: a}, {address: x}]")
    with pytest.raises(BadUsageError) as refused:
        print_config(EnvoyFlags(endpoints_file=file))
    assert len(refused.value.problems) > 1
    assert all(problem.startswith(f"{file}: ") for problem in refused.value.problems)


def test_what_envoy_would_refuse_is_refused_here() -> None:
    flags = EnvoyFlags(endpoints=(Address("10.0.0.1", 8000),), admin=Address("10.0.0.1", 1))
    with pytest.raises(BadUsageError, match="not on loopback"):
        print_config(flags)

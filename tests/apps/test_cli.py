"""The command line as a user types it: run in this process, except where time is the claim."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from pointsman import __version__
from pointsman.apps.cli import run


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


COMMANDS = ("picker", "sim", "demo", "envoy-config", "bench", "plugins", "version")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    for command in COMMANDS:
        assert command in printed


@pytest.mark.parametrize("command", [*COMMANDS, "bench picker"])
def test_every_command_has_help_with_an_example(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run([*command.split(), "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"Usage: pointsman {command}" in printed
    if command not in {"version", "bench"}:
        assert f"Examples: pointsman {command}" in printed


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        (["picker", "--config-text={}"], "POINTSMAN_PICKER_GRPC_PORT"),
        (["sim"], "POINTSMAN_SIM_PORT"),
        (["demo"], "POINTSMAN_DEMO_ENDPOINTS"),
        (["envoy-config", "--endpoints=10.0.0.1:80"], "POINTSMAN_ENVOY_CONFIG_RETRIES_MAX"),
        (["bench", "picker"], "POINTSMAN_BENCH_PICKER_ROUNDS"),
    ],
)
def test_every_commands_flags_come_from_the_environment_too(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    variable: str,
) -> None:
    """Shown by a value that is refused under the variable's name."""
    monkeypatch.setenv(variable, "-1")
    (line,) = refused(capsys, *command)
    assert line.startswith(f"pointsman: {variable}: '-1' is not a whole number between")


def test_plugins_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plugins", "queue-scorer"]) == 0
    assert capsys.readouterr().out.startswith("scorer queue-scorer")


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert run(["sim", "--port", str(taken.getsockname()[1])]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "address already in use" in line.lower()


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    assert "Commands" in captured.out + captured.err


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_version_says_the_version(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"pointsman {__version__}\n"


def test_version_starts_nothing_heavy() -> None:
    """Neither the option parser's pydantic nor any room of ours is loaded for it."""
    code = (
        "import sys; from pointsman.apps.cli import run; run(['version']);"
        "print(sorted({'pydantic', 'grpc', 'numpy', 'aiohttp', 'rich'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_one_line_with_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "pickr") == [
        "pointsman: No such command 'pickr'. Did you mean 'picker'?"
    ]


def test_an_unknown_flag_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = refused(capsys, "picker", "--grpc-prot", "1")
    assert line.startswith("pointsman: No such option: --grpc-prot")


def test_every_bad_flag_is_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_PICKER_DRAIN_TIMEOUT", "soon")
    lines = refused(
        capsys, "picker", "-grpc-port=70000", "--secure-serving=maybe", "--config-text", "{}"
    )
    assert lines[0] == "pointsman: --grpc-port: '70000' is not a whole number between 0 and 65535"
    assert lines[1] == "pointsman: --secure-serving: 'maybe' is neither true nor false"
    assert lines[2].startswith(
        "pointsman: POINTSMAN_PICKER_DRAIN_TIMEOUT: 'soon' is not a duration"
    )
    assert len(lines) == 3


def test_a_flag_that_upstream_refuses_is_refused_with_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = refused(capsys, "picker", "--config-text={}", "--lora-info-metric=x")
    (line,) = lines
    assert line.startswith("pointsman: --lora-info-metric: set engineConfigs of core-metrics-ext")


def test_a_switch_with_its_value_after_a_space_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = refused(capsys, "picker", "--secure-serving", "false")
    assert lines == ["pointsman: write --secure-serving=false: a true/false flag needs the = sign"]


def test_the_module_can_be_run() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pointsman", "version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"pointsman {__version__}\n"

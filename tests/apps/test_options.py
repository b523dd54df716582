"""What reaches a command through typer: flags, switches, environment."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import typer

from pointsman.apps import flags
from pointsman.apps.options import FlagSet, GoCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(flags.FlagSettings):
    """One flag of each sort."""

    secure: bool = flags.flag("secure-serving", True, parse=flags.switch, meaning="TLS.", group="S")
    port: int = flags.flag("grpc-port", 9002, parse=flags.port, meaning="Port.", group="S")
    namespace: str = flags.flag("pool-namespace", "", parse=str, meaning="Where.", group="S")


FLAGS = FlagSet(Settings, ignored_switches={"tracing": "none"}, ignored={"old": "gone"})


class Run:
    """A command line with one command, `picker`, that keeps what it was given."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.without_effect: dict[str, str] = {}
        self.app = typer.Typer(context_settings={"auto_envvar_prefix": "POINTSMAN"})
        self.app.callback()(lambda: None)

        @self.app.command("picker", cls=GoCommand)
        @FLAGS.draw
        def picker(context: typer.Context, **texts: str | None) -> None:
            self.settings = FLAGS.read(context, Settings)
            self.without_effect = dict(FLAGS.without_effect(texts))

    def __call__(self, *arguments: str) -> Settings:
        self.app(args=["picker", *arguments], standalone_mode=False)
        return self.settings


@pytest.fixture
def run() -> Run:
    return Run()


def test_without_arguments_everything_has_its_default(run: Run) -> None:
    assert run() == Settings(secure=True, port=9002, namespace="")


@pytest.mark.parametrize("word", ["--secure-serving=false", "-secure-serving=0"])
def test_a_switch_is_turned_off_as_written_for_go(run: Run, word: str) -> None:
    assert run(word).secure is False


@pytest.mark.parametrize("word", ["--secure-serving", "--secure-serving=true", "-secure-serving"])
def test_a_switch_is_turned_on_alone_or_with_a_value(run: Run, word: str) -> None:
    assert run(word).secure is True


def test_the_last_of_two_wins(run: Run) -> None:
    assert run("--grpc-port=1", "--grpc-port", "2").port == 2


def test_the_environment_gives_any_flag(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_PICKER_SECURE_SERVING", "false")
    monkeypatch.setenv("POINTSMAN_PICKER_GRPC_PORT", "7")
    monkeypatch.setenv("POINTSMAN_PICKER_POOL_NAMESPACE", "mine")
    assert run() == Settings(secure=False, port=7, namespace="mine")


def test_the_command_line_wins_over_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_PICKER_GRPC_PORT", "7")
    assert run("--grpc-port=8").port == 8


def test_flags_without_effect_are_accepted_and_named(run: Run) -> None:
    run("--tracing=false", "-old", "x")
    assert run.without_effect == {"tracing": "none", "old": "gone"}
    run()
    assert run.without_effect == {}

"""The `pointsman` command: one short function per subcommand, each starts its composition root.

Importing this module must stay cheap: roots are imported by the command that runs them.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path  # noqa: TC003 - typer evaluates the annotations of a command
from typing import TYPE_CHECKING, Annotated

import typer

from pointsman import __version__
from pointsman.apps.bench_flags import BenchFlags
from pointsman.apps.demo.settings import DemoSettings
from pointsman.apps.envoy_flags import EnvoyFlags
from pointsman.apps.errors import BadUsageError
from pointsman.apps.options import FlagSet, GoCommand
from pointsman.apps.picker_settings import (
    IGNORED_FLAGS,
    IGNORED_SWITCHES,
    REFUSED_FLAGS,
    PickerSettings,
)
from pointsman.apps.sim_flags import SimFlags

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)

_EXIT_FAILURE = 1
_EXIT_USAGE = 2


def _examples(*lines: str, after: str = "") -> str:
    """An epilog with one line for each example: typer keeps line breaks between paragraphs only."""
    return "\n\n".join(["Examples:", *(f"  {line}" for line in lines), *([after] if after else [])])


app = typer.Typer(
    name="pointsman",
    help="Sends every LLM request to the best model server, over Envoy's ext_proc.",
    epilog="Every flag can also be set as an environment variable: POINTSMAN_<COMMAND>_<FLAG>, "
    "such as POINTSMAN_PICKER_GRPC_PORT=9002.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={
        "auto_envvar_prefix": "POINTSMAN",
        "help_option_names": ["-h", "--help"],
    },
)

_SIM_FLAGS = FlagSet(SimFlags)
_DEMO_FLAGS = FlagSet(DemoSettings)
_ENVOY_FLAGS = FlagSet(EnvoyFlags)
_BENCH_FLAGS = FlagSet(BenchFlags)
_PICKER_FLAGS = FlagSet(
    PickerSettings,
    ignored_switches=IGNORED_SWITCHES,
    ignored=IGNORED_FLAGS,
    refused=REFUSED_FLAGS,
)


@app.command(
    "picker",
    cls=GoCommand,
    epilog=_examples(
        "pointsman picker --endpoints-file endpoints.yaml",
        "pointsman picker --endpoints-file endpoints.yaml --secure-serving=false -v=4",
        "POINTSMAN_PICKER_GRPC_PORT=9002 pointsman picker --endpoints-file endpoints.yaml",
        after="Flags are read as Go's programs read them, so arguments written for the Go picker "
        "work: one dash or two, a space or =; a true/false flag takes its value after = only. "
        "Upstream's flags that do nothing here are accepted with a note.",
    ),
)
@_PICKER_FLAGS.draw
def picker(context: typer.Context, **texts: str | None) -> None:
    """Run the endpoint picker: Envoy asks it over ext_proc where each request goes."""
    settings = _PICKER_FLAGS.read(context, PickerSettings)

    from pointsman.apps.logs import configure_logging

    configure_logging(settings.effective_log_level, log_format=settings.effective_log_format)
    for name, reason in _PICKER_FLAGS.without_effect(texts).items():
        _log.warning("flag has no effect here flag=%s reason=%s", f"--{name}", reason)

    import uvloop

    from pointsman.apps.picker import run_picker

    uvloop.run(run_picker(settings))


@app.command(
    "sim",
    cls=GoCommand,
    epilog=_examples(
        "pointsman sim --replicas 4 --preset qwen-32b-2xh100",
        "pointsman sim --port 8000 --model my-model --fault-errors 5%",
    ),
)
@_SIM_FLAGS.draw
def sim(context: typer.Context, **_texts: str | None) -> None:
    """Run simulated model servers that cannot be told from vLLM by their HTTP API."""
    flags = _SIM_FLAGS.read(context, SimFlags)

    from pointsman.apps.logs import configure_logging
    from pointsman.apps.sim_command import sim as run_command

    configure_logging("info", log_format="text")
    run_command(flags)


@app.command(
    "demo",
    cls=GoCommand,
    epilog=_examples("pointsman demo", "pointsman demo --serve --port 8080"),
)
@_DEMO_FLAGS.draw
def demo(context: typer.Context, **_texts: str | None) -> None:
    """Show what Pointsman gains over round robin, on simulated model servers and a real Envoy."""
    settings = _DEMO_FLAGS.read(context, DemoSettings)

    from pointsman.apps.demo.command import demo as run_command

    raise typer.Exit(run_command(settings))


@app.command(
    "envoy-config",
    cls=GoCommand,
    epilog=_examples(
        "pointsman envoy-config --endpoints-file endpoints.yaml > envoy.yaml",
        "pointsman envoy-config --endpoints 10.0.0.1:8000,10.0.0.2:8000 --listen 0.0.0.0:8081",
    ),
)
@_ENVOY_FLAGS.draw
def envoy_config(context: typer.Context, **_texts: str | None) -> None:
    """Print the configuration of an Envoy that asks the picker, ready for `envoy -c`."""
    flags = _ENVOY_FLAGS.read(context, EnvoyFlags)

    from pointsman.apps.envoy_command import print_config

    print_config(flags)


bench_app = typer.Typer(
    help="Measure what Pointsman costs on this machine.", no_args_is_help=True, add_completion=False
)
app.add_typer(bench_app, name="bench")


@bench_app.callback()
def bench() -> None:
    """Measure what Pointsman costs on this machine."""


@bench_app.command(
    "picker",
    cls=GoCommand,
    epilog=_examples(
        "pointsman bench picker", "pointsman bench picker --endpoints 100 --json bench-100.json"
    ),
)
@_BENCH_FLAGS.draw
def bench_picker(context: typer.Context, **_texts: str | None) -> None:
    """Measure the picker's CPU per request beside the floor: a bare echo of the same messages."""
    flags = _BENCH_FLAGS.read(context, BenchFlags)

    from pointsman.apps.bench_command import bench as run_command

    raise typer.Exit(run_command(flags))


@app.command("plugins", epilog=_examples("pointsman plugins", "pointsman plugins queue-scorer"))
def plugins(
    name: Annotated[str | None, typer.Argument(help="Show this plugin's parameters.")] = None,
    *,
    plugin_dir: Annotated[Path | None, typer.Option(help="Folder with your own plugins.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """List the plugins that a configuration may name."""
    from pointsman.apps.plugins_command import show_plugins

    typer.echo(show_plugins(name, plugin_dir=plugin_dir, as_json=json))


@app.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(f"pointsman {__version__}")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code: 0, 1 for failures, 2 for bad usage."""
    if list(arguments) in (["version"], ["--version"]):
        version()  # at once: reading any option makes typer load pydantic, which takes 0.2 s
        return 0
    try:
        code = app(args=list(arguments), prog_name="pointsman", standalone_mode=False)
    except BadUsageError as error:
        return _complain(error.problems, code=_EXIT_USAGE)
    except typer.TyperException as error:
        return _complain([error.format_message()], code=error.exit_code)
    except OSError as error:
        return _complain([str(error)], code=_EXIT_FAILURE)
    return code if isinstance(code, int) else 0


def _complain(problems: Sequence[str], *, code: int) -> int:
    for problem in problems:
        typer.echo(f"pointsman: {problem}", err=True)
    return code


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))

"""Flags on a typer command: draws them from settings, reads them as Go does, hands back settings.

Every flag can also come from the environment, as `POINTSMAN_<COMMAND>_<FLAG>`: the command is in
the name because Kubernetes itself sets `<SERVICE>_PORT` and the like for every Service, and because
`demo` starts commands whose flags have equal names.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from typer.core import TyperCommand

from pointsman.apps.errors import BadUsageError
from pointsman.apps.flags import Flag, FlagSettings, decode, flags_of
from pointsman.apps.goargs import normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_S = TypeVar("_S", bound=FlagSettings)
_NOTHING: Mapping[str, str] = MappingProxyType({})

_SWITCH = "[=BOOL]"
"""How a true/false flag's value is shown; also how `GoCommand` knows one."""
_VALUE = "VALUE"


class GoCommand(TyperCommand):
    """A command whose flags are read as Go reads them."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]  # typer hands its public Context
        """Accept `-name value`, `--name=value` and `--switch` before anything else is read."""
        by_kind: dict[str | None, set[str]] = {}
        for parameter in self.params:
            names = {option.removeprefix("--") for option in parameter.opts}
            by_kind.setdefault(parameter.metavar, set()).update(names)
        try:
            words = normalised(
                args, switches=by_kind.get(_SWITCH, set()), valued=by_kind.get(_VALUE, set())
            )
        except ValueError as error:
            raise BadUsageError([str(error)]) from None
        return super().parse_args(ctx, words)


@dataclass(frozen=True, slots=True)
class FlagSet:
    """All that one command accepts: its settings, and other programs' flags that mean nothing here.

    Attributes:
        settings: a dataclass of `flag()` fields.
        ignored_switches: true/false flags that are accepted without effect, with the reason.
        ignored: flags with a value that are accepted without effect, with the reason.
        refused: flags that are an error, with what to do instead.
    """

    settings: type[FlagSettings]
    ignored_switches: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    ignored: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    refused: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def draw(self, command: Callable[..., None]) -> Callable[..., None]:
        """Give a command that takes `(context, **texts)` these flags."""
        context = inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        )
        shown = [_option(each) for each in flags_of(self.settings).values()]
        hidden = [
            _hidden_option(name, switch=name in self.ignored_switches)
            for name in (*self.ignored_switches, *self.ignored, *self.refused)
        ]
        signature = inspect.Signature([context, *shown, *hidden])
        command.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
        return command

    def without_effect(self, given: Mapping[str, str | None]) -> Mapping[str, str]:
        """The flags among those given that do nothing here, with the reason."""
        reasons = {**self.ignored_switches, **self.ignored}
        return {
            name: reason
            for name, reason in reasons.items()
            if given.get(_parameter_name(name)) is not None
        }

    def read(self, context: typer.Context, settings: type[_S]) -> _S:
        """The settings that the command line and the environment give.

        Raises:
            BadUsageError: with one line for every problem of every flag.
        """
        problems = [
            f"--{name}: {advice}"
            for name, advice in self.refused.items()
            if context.params.get(_parameter_name(name)) is not None
        ]
        texts: dict[str, str] = {}
        spelled: dict[str, str] = {}
        for field_name, each in flags_of(settings).items():
            parameter = _parameter_name(each.name)
            text = context.params.get(parameter)
            source = context.get_parameter_source(parameter)
            if text is None or source is None or source.name == "DEFAULT":
                continue
            texts[field_name] = text
            if source.name == "ENVIRONMENT":
                spelled[field_name] = f"{context.auto_envvar_prefix}_{parameter.upper()}"
        try:
            decoded = decode(settings, texts, spelled=spelled)
        except BadUsageError as error:
            problems += error.problems
        if problems:
            raise BadUsageError(problems)
        return decoded


def _parameter_name(flag_name: str) -> str:
    return flag_name.replace("-", "_")


def _option(each: Flag) -> inspect.Parameter:
    option = typer.Option(
        f"--{each.name}",
        help=each.help,
        metavar=_SWITCH if each.is_switch else _VALUE,
        show_envvar=False,  # the rule is said once, in the help of `pointsman` itself
        rich_help_panel=each.group,
    )
    return _parameter(each.name, option, default=each.default or None)


def _hidden_option(name: str, *, switch: bool) -> inspect.Parameter:
    option = typer.Option(f"--{name}", metavar=_SWITCH if switch else _VALUE, hidden=True)
    return _parameter(name, option, default=None)


def _parameter(name: str, option: object, *, default: str | None) -> inspect.Parameter:
    return inspect.Parameter(
        _parameter_name(name),
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[str | None, option],
    )

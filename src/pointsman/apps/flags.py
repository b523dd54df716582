"""Settings as flags: a frozen dataclass says name, meaning and default of each flag once.

`flag()` marks the fields; `flags_of` lists them for whoever draws a command line; `decode` turns
texts, wherever they come from, into settings and reports every problem at once. Knows no command
line library.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from pointsman.apps.errors import BadUsageError
from pointsman.domain.endpoints import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_T = TypeVar("_T")

_METADATA_KEY = "flag"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag as a user sees it.

    Attributes:
        name: without dashes.
        parse: text to value; raises ValueError with a text for the user.
        default: as the user would write it; empty when there is none.
        group: heading it stands under in the help.
    """

    name: str
    help: str
    parse: Callable[[str], object]
    default: str
    group: str

    @property
    def is_switch(self) -> bool:
        """Whether it may stand alone, without a value."""
        return self.parse is switch


class FlagSettings:
    """What settings of a command have in common: a look across the fields."""

    __slots__ = ()

    def problems(self) -> Iterator[str]:
        """What is wrong although each field is right."""
        yield from ()


_S = TypeVar("_S", bound=FlagSettings)


def flag(
    name: str,
    default: _T,
    *,
    parse: Callable[[str], _T],
    meaning: str,
    group: str,
    shown: str | None = None,
) -> _T:
    """A field of settings that is a flag; `shown` is the default as a user would write it."""
    if shown is None:
        shown = "" if default is None or default == () else str(default)
        shown = shown.lower() if parse is switch else shown
    described = Flag(name=name, help=meaning, parse=parse, default=shown, group=group)
    return dataclasses.field(default=default, metadata={_METADATA_KEY: described})


def flags_of(settings: type[FlagSettings]) -> Mapping[str, Flag]:
    """The flags of a settings class by field name, in the order they are written there."""
    return {
        field.name: field.metadata[_METADATA_KEY]
        for field in dataclasses.fields(settings)  # type: ignore[arg-type]  # subclasses are dataclasses
    }


def decode(
    settings: type[_S], texts: Mapping[str, str], *, spelled: Mapping[str, str] | None = None
) -> _S:
    """Settings from the texts that a user gave, by field name; what is absent has its default.

    `spelled` says how the user wrote a flag's name where that is not `--name` (an environment
    variable).

    Raises:
        BadUsageError: with one line for each problem of each flag, and across flags.
    """
    flags = flags_of(settings)
    values: dict[str, object] = {}
    problems: list[str] = []
    for field, text in texts.items():
        try:
            values[field] = flags[field].parse(text)
        except ValueError as error:
            problems.append(f"{(spelled or {}).get(field, '--' + flags[field].name)}: {error}")
    build = cast("Callable[..., _S]", settings)
    decoded = build(**values)
    problems += decoded.problems()
    if problems:
        raise BadUsageError(problems)
    return decoded


def switch(text: str) -> bool:
    """True or false as Go's flags spell it."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def port(text: str) -> int:
    """A port; 0 asks the system for a free one."""
    return whole_number(text, least=0, most=65535)


def whole_number(text: str, *, least: int, most: int) -> int:
    """A whole number within limits, both included."""
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or not least <= int(digits) <= most:
        raise ValueError(f"{text!r} is not a whole number between {least} and {most}")
    return int(digits)


def positive_number(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError(f"{text!r} is not a number above 0")
    return number


def address(text: str) -> Address:
    """`ip:port`."""
    return Address.parse(text)


def list_of(parse: Callable[[str], _T]) -> Callable[[str], tuple[_T, ...]]:
    """A parser of comma-separated values; an empty text is an empty list."""

    def parse_all(text: str) -> tuple[_T, ...]:
        return tuple(parse(each.strip()) for each in text.split(",")) if text else ()

    return parse_all


def one_of(*allowed: str) -> Callable[[str], str]:
    """A parser that takes one of these words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is not one of {', '.join(allowed)}")
        return text

    return parse


def optional(parse: Callable[[str], _T]) -> Callable[[str], _T | None]:
    """A parser that reads an empty text as "not given"."""

    def parse_or_none(text: str) -> _T | None:
        return parse(text) if text else None

    return parse_or_none


def existing_file(text: str) -> Path:
    """The path of a file that is there now."""
    path = Path(text)
    if not path.is_file():
        raise ValueError(f"there is no file {text!r}")
    return path


def existing_folder(text: str) -> Path:
    """The path of a folder that is there now."""
    path = Path(text)
    if not path.is_dir():
        raise ValueError(f"there is no folder {text!r}")
    return path


def new_file(text: str) -> Path:
    """The path of a file that can be written: its folder is there."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ValueError(f"cannot write {text!r}: not a file in an existing folder")
    return path

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pointsman.apps import flags
from pointsman.apps.errors import BadUsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(flags.FlagSettings):
    """Two flags that must differ."""

    left: int = flags.flag("left-port", 1, parse=flags.port, meaning="Left.", group="Ports")
    right: int = flags.flag("right-port", 2, parse=flags.port, meaning="Right.", group="Ports")
    loud: bool = flags.flag("loud", False, parse=flags.switch, meaning="Loud.", group="Sound")

    def problems(self) -> Iterator[str]:
        if self.left == self.right:
            yield "--left-port: is the same as --right-port"


def test_what_is_not_given_has_its_default() -> None:
    assert flags.decode(Settings, {"right": "8"}) == Settings(left=1, right=8, loud=False)


def test_flags_are_listed_as_a_user_writes_them() -> None:
    listed = flags.flags_of(Settings)
    assert [(each.name, each.default) for each in listed.values()] == [
        ("left-port", "1"),
        ("right-port", "2"),
        ("loud", "false"),
    ]
    assert [each.name for each in listed.values() if each.is_switch] == ["loud"]


def test_every_problem_is_reported_at_once_under_the_name_the_user_wrote() -> None:
    with pytest.raises(BadUsageError) as refused:
        flags.decode(
            Settings,
            {"left": "2", "right": "70000", "loud": "yes"},
            spelled={"loud": "POINTSMAN_X_LOUD"},
        )
    assert refused.value.problems == (
        "--right-port: '70000' is not a whole number between 0 and 65535",
        "POINTSMAN_X_LOUD: 'yes' is neither true nor false",
        "--left-port: is the same as --right-port",
    )


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_a_switch_is_on_as_go_spells_it(text: str) -> None:
    assert flags.switch(text) is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_a_switch_is_off_as_go_spells_it(text: str) -> None:
    assert flags.switch(text) is False


@pytest.mark.parametrize("text", ["", "-1", "65536", "²", "1.0", "0x10"])  # noqa: RUF001, RUF100 - a digit that is no number
def test_a_port_is_a_plain_number(text: str) -> None:
    with pytest.raises(ValueError, match="whole number between 0 and 65535"):
        flags.port(text)


def test_an_optional_text_that_is_empty_is_not_given() -> None:
    assert flags.optional(flags.port)("") is None
    assert flags.optional(flags.port)("8") == 8


def test_one_of_names_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="'c' is not one of a, b"):
        flags.one_of("a", "b")("c")


def test_files_and_folders_must_be_there(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.touch()
    assert flags.existing_file(str(file)) == file
    assert flags.existing_folder(str(tmp_path)) == tmp_path
    with pytest.raises(ValueError, match="there is no file"):
        flags.existing_file(str(tmp_path))
    with pytest.raises(ValueError, match="there is no folder"):
        flags.existing_folder(str(file))

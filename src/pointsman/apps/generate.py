"""`python -m pointsman.apps.generate DOCS`: renews what the documentation takes from the code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pointsman.apps.bench_flags import BenchFlags
from pointsman.apps.demo.settings import DemoSettings
from pointsman.apps.envoy_flags import EnvoyFlags
from pointsman.apps.flags import flags_of
from pointsman.apps.picker_settings import (
    IGNORED_FLAGS,
    IGNORED_SWITCHES,
    REFUSED_FLAGS,
    PickerSettings,
)
from pointsman.apps.plugins import write_reference
from pointsman.apps.sim_flags import SimFlags
from pointsman.config.reference import replace_section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pointsman.apps.flags import FlagSettings

_COMMANDS: Mapping[str, type[FlagSettings]] = {
    "picker": PickerSettings,
    "envoy-config": EnvoyFlags,
    "sim": SimFlags,
    "demo": DemoSettings,
    "bench picker": BenchFlags,
}


def flag_sections() -> dict[str, str]:
    """For each marked part of docs/flags.md its text."""
    sections = {name: "\n".join(_rows(settings)) for name, settings in _COMMANDS.items()}
    sections["without effect"] = "\n".join(_reasons({**IGNORED_SWITCHES, **IGNORED_FLAGS}))
    sections["refused"] = "\n".join(_reasons(REFUSED_FLAGS))
    return sections


def _rows(settings: type[FlagSettings]) -> Iterator[str]:
    yield "| flag | default | meaning |"
    yield "|---|---|---|"
    for each in flags_of(settings).values():
        default = f"`{each.default}`" if each.default else ""
        yield f"| `--{each.name}` | {default} | {each.help.replace('|', r'&#124;')} |"


def _reasons(flags: Mapping[str, str]) -> Iterator[str]:
    yield "| flag | why |"
    yield "|---|---|"
    yield from (f"| `--{name}` | {reason} |" for name, reason in flags.items())


def renew(docs: Path) -> list[Path]:
    """Renew every generated part; the files that changed."""
    path = docs / "flags.md"
    text = renewed = path.read_text(encoding="utf-8")
    for name, body in flag_sections().items():
        renewed = replace_section(renewed, name, body=body)
    changed = list(write_reference(docs))
    if renewed != text:
        path.write_text(renewed, encoding="utf-8")
        changed.append(path)
    return changed


if __name__ == "__main__":
    for changed_file in renew(Path(sys.argv[1])):
        sys.stdout.write(f"renewed {changed_file}\n")

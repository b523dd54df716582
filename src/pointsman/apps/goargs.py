"""Command lines as Go's programs take them, turned into what our command line library takes.

Go reads `-name value`, `--name value`, `-name=value` and `--name=value` alike; a true/false flag
may stand alone and takes a value only after `=`. Manifests written for the Go picker rely on it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_COUNTED = re.compile(r"v\d+")
"""`-v4`: the one short flag that takes its value without a space."""


def normalised(
    arguments: Sequence[str], *, switches: Collection[str], valued: Collection[str]
) -> list[str]:
    """The same arguments with every known flag as one word, `--name=value`.

    Unknown flags and everything after `--` stay as they are.

    Raises:
        ValueError: a true/false flag is followed by a word that looks like its value, which Go
            would not read as such; or a flag has no value.
    """
    words: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*words, word, *rest]
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-"):
            words.append(word)
        elif name in switches:
            if not equals and rest and rest[0].lower() in {"true", "false"}:
                raise ValueError(f"write --{name}={rest[0]}: a true/false flag needs the = sign")
            words.append(f"--{name}={value if equals else 'true'}")
        elif name in valued:
            if not equals and not rest:
                raise ValueError(f"--{name} needs a value")
            words.append(f"--{name}={value if equals else rest.pop(0)}")
        elif "v" in valued and _COUNTED.fullmatch(word[1:]):
            words.append(f"--v={word[2:]}")
        else:
            words.append(word)
    return words

"""What is wrong or odd in a document, collected until all of it is known."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Where in a document: keys and list positions from the root."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that whoever wrote the document should know.

    Attributes:
        path: such as `schedulingProfiles[0].plugins[2].weight`; empty for the whole document.
        message: what is wrong, and what is allowed.
        line: in the text, counted from 1, where that is known.
    """

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.message}" + (f" (line {self.line})" if self.line else "")


class ConfigError(Exception):
    """A configuration document cannot be used; carries everything that is wrong with it.

    Attributes:
        problems: all of them, by line, at least one.
    """

    def __init__(self, problems: tuple[Finding, ...]) -> None:
        assert problems, "an error without a problem"
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(slots=True)
class Findings:
    """Problems and warnings so far.

    Attributes:
        lines: line of every place in the text, as far as they are known.
    """

    lines: Mapping[Path, int] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    _gone: dict[Path, list[int]] = field(default_factory=dict)

    def removed(self, path: Path) -> None:
        """A list item was left out: what follows it in the list moved up by one."""
        *parents, position = self.original(path)
        assert isinstance(position, int), "only list items move"
        bisect.insort(self._gone.setdefault(tuple(parents), []), position)

    def original(self, path: Path) -> Path:
        """Where a place is in the text, in spite of removed list items."""
        found: Path = ()
        for part in path:
            if isinstance(part, int):
                for gone in self._gone.get(found, ()):
                    part += gone <= part  # noqa: PLW2901 - each item gone before it moves it on
            found += (part,)
        return found

    def problem(self, path: Path, message: str) -> None:
        """The document cannot be used because of this."""
        self._add(path, message, to=self.problems)

    def warning(self, path: Path, message: str) -> None:
        """The document can be used, but not in every way it says."""
        self._add(path, message, to=self.warnings)

    def has_problem(self, path: Path) -> bool:
        """Whether something is wrong just there."""
        place = show(self.original(path))
        return any(problem.path == place for problem in self.problems)

    def raise_problems(self) -> None:
        """Go on only without problems.

        Raises:
            ConfigError: there are some.
        """
        if self.problems:
            raise ConfigError(tuple(sorted(self.problems, key=lambda one: one.line or 0)))

    def _add(self, path: Path, message: str, *, to: list[Finding]) -> None:
        path = self.original(path)
        finding = Finding(show(path), message, self._line_of(path))
        if finding not in to:
            to.append(finding)

    def _line_of(self, path: Path) -> int | None:
        """Line of the place, or of the nearest thing around it that is in the text."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]] if length else None
        return None


def show(path: Path) -> str:
    """A place as text: `plugins[0].parameters.matchLabels["a/b"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text

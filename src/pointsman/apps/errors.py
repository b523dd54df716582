"""What a command says when it cannot run: one line per problem, and no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class BadUsageError(Exception):
    """The user must change flags, configuration or files; the command ends with exit code 2.

    Attributes:
        problems: one line each, all that were found; each names the flag, file or path at fault.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        assert self.problems, "a refusal says why"
        super().__init__("; ".join(self.problems))

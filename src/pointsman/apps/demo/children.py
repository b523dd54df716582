"""The processes that the demo starts: a name, the last lines of their log, and a certain end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence

LOG_LINES_MAX: Final = 200
_LOG_LINE_BYTES_MAX: Final = 64 * 1024
_LAST_LINES: Final = 12
_STOP_S: Final = 5.0
"""How long a process may take to end by itself."""
_KILLED_S: Final = 2.0
"""How long to wait for the news that a killed process has ended; nothing depends on it."""


class DemoError(Exception):
    """The demo cannot go on; the text tells the user why, and what to do if something can be."""


class ChildDiedError(DemoError):
    """A process of the demo ended although nobody asked it to."""

    def __init__(self, name: str, *, how: str, last_lines: str) -> None:
        super().__init__(f"{name} died ({how}). Its last lines:\n{last_lines}")


class Child:
    """A running process whose output is kept, last lines only.

    Attributes:
        first_line: done once it has printed a line.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.first_line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.name = name
        self.pid = process.pid
        self._process = process
        self._lines: deque[str] = deque(maxlen=LOG_LINES_MAX)
        self._is_stopping = False

    @property
    def last_lines(self) -> str:
        """The end of its log, indented; what a user needs to see when it failed."""
        return last_lines(self._lines)

    async def watch(self) -> None:
        """Wait for its end, which is an error unless it was asked for.

        Raises:
            ChildDiedError: with its exit code and last lines.
        """
        code = await self._process.wait()
        if not self._is_stopping:
            await asyncio.sleep(0.1)  # its last words may still be in the pipe
            how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            raise ChildDiedError(self.name, how=how, last_lines=self.last_lines)

    async def keep_log(self) -> None:
        """Read its output until it closes it."""
        output = self._process.stdout
        assert output is not None, "it was started with a pipe"
        while True:
            try:
                line = await output.readline()
            except ValueError:  # a line over the limit; asyncio has dropped what it had of it
                continue
            if not line:
                return
            self._lines.append(line.decode("utf-8", "replace").rstrip())
            if not self.first_line.done():
                self.first_line.set_result(self._lines[0])

    async def stop(self) -> None:
        """End it: politely, and if that takes too long or we are in a hurry ourselves, not."""
        self._is_stopping = True
        try:
            if self._process.returncode is None:
                self._process.terminate()
            await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError:
            pass
        finally:
            if self._process.returncode is None:
                self._process.kill()
        with suppress(TimeoutError):  # the event loop may have missed the news of its end
            await asyncio.wait_for(self._process.wait(), _KILLED_S)


class Children:
    """All processes of one block of the demo; the death of one ends the block."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._started: list[Child] = []
        self._followers: list[asyncio.Task[None]] = []

    async def start(self, name: str, command: Sequence[str]) -> Child:
        """Start a process that runs until the block ends.

        It does not see the terminal's Ctrl-C: the block stops it, in order.

        Raises:
            DemoError: it cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=_LOG_LINE_BYTES_MAX,
                start_new_session=True,
            )
        except OSError as error:
            raise DemoError(f"cannot start {name}: {error}") from error
        child = Child(name, process)
        self._started.append(child)
        self._followers += (
            self._group.create_task(child.keep_log(), name=f"log of {name}"),
            self._group.create_task(child.watch(), name=f"end of {name}"),
        )
        return child

    def watch(self, name: str, loop: Coroutine[object, None, None]) -> asyncio.Task[None]:
        """Run something beside the block; its failure ends the block. The caller cancels it."""
        return self._group.create_task(loop, name=name)

    async def stop(self) -> None:
        """End all, last one first."""
        try:
            while self._started:
                await self._started.pop().stop()
        finally:
            # Their pipes may be held open by others: nobody waits for the end of a log.
            for follower in self._followers:
                follower.cancel()

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {child.name: child.pid for child in self._started}


@asynccontextmanager
async def children() -> AsyncIterator[Children]:
    """A block whose processes live as long as it does.

    Raises:
        ChildDiedError: one of them ended too early.
    """
    try:
        async with asyncio.TaskGroup() as group:
            family = Children(group)
            try:
                yield family
            finally:
                await family.stop()
    except BaseExceptionGroup as problems:
        raise first_cause(problems) from problems


def last_lines(lines: Iterable[str]) -> str:
    """The end of a log, indented, for an error's text."""
    shown = list(lines)[-_LAST_LINES:]
    return "\n".join(f"    {line}" for line in shown) or "    (it printed nothing)"


def first_cause(problem: BaseException) -> BaseException:
    """What to tell the user of several problems: the demo's own error if there is one."""
    if not isinstance(problem, BaseExceptionGroup):
        return problem
    causes = [first_cause(cause) for cause in problem.exceptions]
    return next((cause for cause in causes if isinstance(cause, DemoError)), causes[0])


def process_cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, user and system; NaN where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    # Fields 14 and 15 of proc(5); the split begins at field 3.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

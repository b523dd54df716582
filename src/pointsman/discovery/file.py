"""Endpoints from a file: read at the start, and again whenever it changes.

A file that is missing or wrong never empties the pool: whatever it said last stays in force until
it can be read again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from typing import TYPE_CHECKING, Protocol

import watchfiles

from pointsman.discovery.document import DOCUMENT_BYTES_MAX, EndpointsFileError, parse_endpoints

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pointsman.domain.endpoints import Endpoint

__all__ = ["EndpointsFile", "EndpointsFileError", "ReloadObserver"]

_log = logging.getLogger(__name__)


class ReloadObserver(Protocol):
    """Told of each time the file was read because it had changed, the first time included."""

    def on_reload(self, *, ok: bool, error: str | None) -> None:
        """The file was read, or `error` says why not."""
        ...


class EndpointsFile:
    """One endpoints file.

    Args:
        path: of the file; it may be a symbolic link, as in a mounted ConfigMap.
        observer: told of every reload.
        settle_s: how long a change is given to be complete before it is read.
        recheck_s: how often the file is looked at although no change was noticed: network file
            systems and links into other directories do not tell.
    """

    def __init__(
        self,
        path: Path,
        *,
        observer: ReloadObserver,
        settle_s: float = 0.2,
        recheck_s: float = 5.0,
    ) -> None:
        self._path = path
        self._observer = observer
        self._settle_s = settle_s
        self._recheck_s = recheck_s
        self._seen: bytes | str | None = None
        self._error: str | None = None

    def load(self) -> tuple[Endpoint, ...]:
        """The endpoints it lists now; for the start, when there is no last state to keep.

        Raises:
            EndpointsFileError: it cannot be read or is wrong; the text names the file.
        """
        try:
            endpoints = self._read_changed()
        except EndpointsFileError as error:
            self._observer.on_reload(ok=False, error=str(error))
            raise
        self._observer.on_reload(ok=True, error=None)
        return endpoints or ()

    async def watch(self, apply: Callable[[tuple[Endpoint, ...]], None]) -> None:
        """Call `apply` with the endpoints whenever the file has changed and is right; endless.

        `apply` may refuse the endpoints with a ValueError, which counts as a broken file.

        Raises:
            EndpointsFileError: its directory cannot be watched.
        """
        try:
            changes = watchfiles.awatch(
                # A careful writer replaces the file, and a ConfigMap the directory it links to.
                self._path.parent,
                watch_filter=None,
                debounce=_ms(2 * self._settle_s),
                step=_ms(self._settle_s),
                rust_timeout=_ms(self._recheck_s),
                yield_on_timeout=True,
                recursive=False,
            )
            async with contextlib.aclosing(changes):
                async for _ in changes:
                    await self._reload(apply)
        except OSError as error:
            problem = f"{self._path.parent} cannot be watched: {error}"
            raise EndpointsFileError((problem,)) from error

    async def _reload(self, apply: Callable[[tuple[Endpoint, ...]], None]) -> None:
        try:
            # In a thread: a file of the largest size takes a second to parse.
            endpoints = await asyncio.to_thread(self._read_changed)
            if endpoints is None:
                return
            apply(endpoints)
        except ValueError as error:
            self._broken(str(error))
        else:
            self._right(len(endpoints))

    def _right(self, count: int) -> None:
        news = "has changed" if self._error is None else "is right again"
        _log.info("endpoints file %s path=%s endpoints=%d", news, self._path, count)
        self._error = None
        self._observer.on_reload(ok=True, error=None)

    def _broken(self, error: str) -> None:
        if error != self._error:
            _log.error("endpoints file is broken, the last good state stays in use: %s", error)
        self._error = error
        self._observer.on_reload(ok=False, error=error)

    def _read_changed(self) -> tuple[Endpoint, ...] | None:
        """The endpoints, or None if the file, readable or not, is as it was the last time.

        Raises:
            EndpointsFileError: it cannot be read or is wrong; the text names the file.
        """
        try:
            with self._path.open("rb") as file:
                content: bytes | OSError = file.read(DOCUMENT_BYTES_MAX + 1)
        except OSError as error:
            content = error
        seen = repr(content) if isinstance(content, OSError) else hashlib.blake2b(content).digest()
        if seen == self._seen:
            return None
        self._seen = seen
        if isinstance(content, OSError):
            problem = f"{self._path}: {content.strerror or content}"
            raise EndpointsFileError((problem,)) from content
        try:
            return parse_endpoints(content)
        except EndpointsFileError as error:
            first, *others = error.problems
            raise EndpointsFileError((f"{self._path}: {first}", *others)) from error


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))

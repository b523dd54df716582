from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import TYPE_CHECKING

import pytest

from pointsman.discovery.file import EndpointsFile, EndpointsFileError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pointsman.domain.endpoints import Endpoint

BROKEN = "endpoints: [{name: a}]\n"


def listing(*names: str) -> str:
    entries = [
        f"- {{name: {name}, address: 10.0.0.{number}, port: 80}}\n"
        for number, name in enumerate(names, start=1)
    ]
    return "endpoints:\n" + "".join(entries) if names else "endpoints: []\n"


class Witness:
    """Sees what the file says and what becomes of it."""

    def __init__(self, *, refuses: str | None = None) -> None:
        self.reloads: list[str] = []
        self.applied: list[list[str]] = []
        self.refuses = refuses
        self._news = asyncio.Event()

    def on_reload(self, *, ok: bool, error: str | None) -> None:
        assert ok == (error is None)
        self.reloads.append("ok" if error is None else error)
        self._news.set()

    def apply(self, endpoints: tuple[Endpoint, ...]) -> None:
        if self.refuses is not None:
            raise ValueError(self.refuses)
        self.applied.append([endpoint.name for endpoint in endpoints])

    async def sees(self, reloads: int) -> None:
        """Wait for so many reloads, the one at the start included."""
        async with asyncio.timeout(10):
            while len(self.reloads) < reloads:
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def watching(
    path: Path, witness: Witness, *, recheck_s: float = 60.0
) -> AsyncIterator[EndpointsFile]:
    file = EndpointsFile(path, observer=witness, settle_s=0.01, recheck_s=recheck_s)
    file.load()
    task = asyncio.get_running_loop().create_task(file.watch(witness.apply))
    await asyncio.sleep(0.1)  # until the directory is watched
    try:
        yield file
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.timeout(2):
                await task


def replace_atomically(path: Path, text: str) -> None:
    """As editors, configuration management and careful scripts do."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


def write_in_place(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "endpoints.yaml"
    path.write_text(listing("a"))
    return path


def test_at_the_start_the_file_is_read(path: Path) -> None:
    witness = Witness()

    (endpoint,) = EndpointsFile(path, observer=witness).load()

    assert endpoint.name == "a"
    assert witness.reloads == ["ok"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "No such file or directory"),
        (BROKEN, "endpoints[0].address (line 1): is missing; endpoints[0].port (line 1)"),
        ("endpoints: [\n", "line 2, column 1: did not find expected node content"),
    ],
)
def test_at_the_start_a_file_that_is_missing_or_wrong_is_an_error_that_names_it(
    tmp_path: Path, text: str | None, problem: str
) -> None:
    path, witness = tmp_path / "endpoints.yaml", Witness()
    if text is not None:
        path.write_text(text)

    with pytest.raises(EndpointsFileError) as caught:
        EndpointsFile(path, observer=witness).load()

    assert str(caught.value).startswith(f"{path}: {problem}")
    assert witness.reloads == [str(caught.value)]


def test_at_the_start_a_directory_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(EndpointsFileError, match=f"{tmp_path}: Is a directory"):
        EndpointsFile(tmp_path, observer=Witness()).load()


async def test_a_file_that_is_written_in_place_is_read_again(path: Path) -> None:
    witness = Witness()
    async with watching(path, witness):
        write_in_place(path, listing("a", "b"))
        await witness.sees(2)

    assert witness.applied == [["a", "b"]]


async def test_a_file_that_is_replaced_atomically_is_read_again_each_time(path: Path) -> None:
    witness = Witness()
    async with watching(path, witness):
        for round_ in range(3):
            replace_atomically(path, listing(f"round-{round_}"))
            await witness.sees(round_ + 2)

    assert witness.applied == [["round-0"], ["round-1"], ["round-2"]]


async def test_a_mounted_config_map_is_followed_through_its_links(tmp_path: Path) -> None:
    """Kubernetes writes a new directory and swaps the link `..data` to it."""

    def publish(generation: str, text: str) -> None:
        (tmp_path / generation).mkdir()
        (tmp_path / generation / "endpoints.yaml").write_text(text)
        (tmp_path / "..data_tmp").symlink_to(generation)
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    publish("..1", listing("a"))
    path, witness = tmp_path / "endpoints.yaml", Witness()
    path.symlink_to(os.path.join("..data", "endpoints.yaml"))  # noqa: PTH118 - a relative link
    async with watching(path, witness):
        publish("..2", listing("b"))
        await witness.sees(2)
        publish("..3", listing("c"))
        await witness.sees(3)

    assert witness.applied == [["b"], ["c"]]


async def test_a_broken_file_keeps_the_last_good_state_and_is_reported(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    witness = Witness()
    async with watching(path, witness):
        replace_atomically(path, BROKEN)
        await witness.sees(2)
        assert witness.applied == []
        replace_atomically(path, listing("a"))  # the very text it had before
        await witness.sees(3)

    first, problem, last = witness.reloads
    assert (first, last) == ("ok", "ok")
    assert problem.startswith(f"{path}: endpoints[0].address")
    assert witness.applied == [["a"]]
    told = [(r.levelname, r.getMessage()) for r in caplog.records if "pointsman" in r.name]
    assert told == [
        ("ERROR", f"endpoints file is broken, the last good state stays in use: {problem}"),
        ("INFO", f"endpoints file is right again path={path} endpoints=1"),
    ]


async def test_each_distinct_breakage_is_told_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    witness = Witness()
    async with watching(path, witness):
        replace_atomically(path, BROKEN)
        await witness.sees(2)
        replace_atomically(path, f"{BROKEN}# still the same mistake\n")
        await witness.sees(3)
        replace_atomically(path, "endpoints: 7\n")
        await witness.sees(4)

    assert [r.levelname for r in caplog.records if "pointsman" in r.name] == ["ERROR", "ERROR"]


async def test_a_deleted_file_keeps_the_last_good_state(path: Path) -> None:
    witness = Witness()
    async with watching(path, witness):
        os.unlink(path)  # noqa: PTH108 - the lint takes a Path for a wait
        await witness.sees(2)
        replace_atomically(path, listing("b"))
        await witness.sees(3)

    assert witness.reloads == ["ok", f"{path}: No such file or directory", "ok"]
    assert witness.applied == [["b"]]


async def test_what_the_pool_refuses_counts_as_broken(path: Path) -> None:
    witness = Witness(refuses="more than 10000 endpoints")
    async with watching(path, witness):
        replace_atomically(path, listing("a", "b"))
        await witness.sees(2)
        witness.refuses = None
        replace_atomically(path, listing("b"))
        await witness.sees(3)

    assert witness.reloads == ["ok", "more than 10000 endpoints", "ok"]
    assert witness.applied == [["b"]]


async def test_an_event_that_leaves_the_file_as_it_was_changes_nothing(path: Path) -> None:
    witness = Witness()
    async with watching(path, witness):
        os.utime(path)
        write_in_place(path.with_name("other"), "x")
        await asyncio.sleep(0.2)

    assert witness.reloads == ["ok"]
    assert witness.applied == []


async def test_a_change_that_nobody_announces_is_found_by_looking(tmp_path: Path) -> None:
    """The link's own directory sees nothing when the file it points to is written elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here").mkdir()
    target, path = tmp_path / "elsewhere" / "real.yaml", tmp_path / "here" / "endpoints.yaml"
    target.write_text(listing("a"))
    path.symlink_to(target)
    witness = Witness()
    async with watching(path, witness, recheck_s=0.1):
        target.write_text(listing("b"))
        await witness.sees(2)

    assert witness.applied == [["b"]]


async def test_a_directory_that_cannot_be_watched_is_an_error_that_names_it(
    tmp_path: Path,
) -> None:
    file = EndpointsFile(tmp_path / "gone" / "endpoints.yaml", observer=Witness())

    with pytest.raises(EndpointsFileError, match="gone cannot be watched"):
        await file.watch(Witness().apply)


async def test_cancelling_the_watch_ends_it_soon_and_leaves_no_task(path: Path) -> None:
    """Though nothing happens in the directory and the next look is a minute away."""
    async with watching(path, Witness(), recheck_s=60.0):
        pass

    assert asyncio.all_tasks() == {asyncio.current_task()}

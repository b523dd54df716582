"""Importing any module does nothing, and the data path brings nothing that it does not use.

Each claim is checked in a fresh interpreter: this one has already imported half the world.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"


def module_names() -> list[str]:
    names = []
    for path in sorted((SOURCE / "pointsman").rglob("*.py")):
        relative = path.relative_to(SOURCE).with_suffix("")
        parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
        if parts[-1] != "__main__" and "_pb" not in parts:
            names.append(".".join(parts))
    return names


WATCH = """
import asyncio, json, os, socket, sys, threading, time

deeds = []
current = [""]


def watching(what, function):
    def watched(*arguments, **keywords):
        frame = sys._getframe(1)
        if "/src/pointsman/" in frame.f_code.co_filename.replace(os.sep, "/"):
            deeds.append(f"{current[0]}: {what}")
        return function(*arguments, **keywords)
    return watched


class Environment(dict):
    def _seen(self):
        frame = sys._getframe(2)
        if "/src/pointsman/" in frame.f_code.co_filename.replace(os.sep, "/"):
            deeds.append(f"{current[0]}: reads the environment")

    def get(self, *a):
        self._seen()
        return super().get(*a)

    def __getitem__(self, key):
        self._seen()
        return super().__getitem__(key)


threads = threading.active_count()
sockets = []
sys.addaudithook(lambda event, _: sockets.append(event) if event in WATCHED_EVENTS else None)
WATCHED_EVENTS = {"socket.__new__", "socket.bind", "socket.connect", "subprocess.Popen"}
os.environ = Environment(os.environ)
os.getenv = watching("reads the environment", os.getenv)
open = watching("opens a file", open)

import importlib
from prometheus_client import REGISTRY

known = set(REGISTRY._names_to_collectors)
for name in json.loads(sys.argv[1]):
    current[0] = name
    del sockets[:]
    importlib.import_module(name)
    deeds += [f"{name}: {event}" for event in sockets]
    if threading.active_count() > threads:
        deeds.append(f"{name}: starts a thread")
        threads = threading.active_count()
    if new := set(REGISTRY._names_to_collectors) - known:
        deeds.append(f"{name}: registers {sorted(new)} in the default registry")
        known |= new
    try:
        asyncio.get_running_loop()
        deeds.append(f"{name}: runs a loop")
    except RuntimeError:
        pass
print(json.dumps(deeds))
"""


def run(code: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_importing_any_module_does_nothing() -> None:
    """No thread, no socket, no process, no look at the environment, nothing in a registry."""
    assert json.loads(run(WATCH, json.dumps(module_names()))) == []


def test_the_watch_sees_what_it_watches(tmp_path: Path) -> None:
    package = tmp_path / "src"
    (package / "pointsman").mkdir(parents=True)
    (package / "pointsman" / "acts.py").write_text(
        "import os, socket, threading\n"
        "os.environ.get('X')\n"
        "socket.socket().close()\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    code = f"import sys; sys.path.insert(0, {str(package / 'pointsman')!r})\n{WATCH}"
    deeds = json.loads(run(code, '["acts"]'))
    assert deeds == [
        "acts: reads the environment",
        "acts: socket.__new__",
        "acts: starts a thread",
    ]


LOADED = (
    "import importlib, json, sys\nfor n in json.loads(sys.argv[1]): importlib.import_module(n)\n"
)


def loaded_by(*names: str) -> set[str]:
    return set(json.loads(run(LOADED + "print(json.dumps(list(sys.modules)))", json.dumps(names))))


DATA_PATH = ("pointsman.extproc.server", "pointsman.pipeline.director", "pointsman.scrape.poller")
NOT_FOR_DATA = {
    "aiohttp.web",
    "envoy_data_plane",
    "matplotlib",
    "rich",
    "typer",
    "pointsman.apps",
    "pointsman.sim",
    "pointsman.envoy",
}


def test_the_data_path_loads_only_what_it_uses() -> None:
    assert loaded_by(*DATA_PATH) & NOT_FOR_DATA == set()


def test_the_picker_loads_no_plotter_no_simulator_and_no_configuration_builder() -> None:
    unwanted = {"envoy_data_plane", "matplotlib", "rich", "pointsman.sim", "pointsman.envoy"}
    assert loaded_by("pointsman.apps.picker") & unwanted == set()


@pytest.mark.parametrize("name", ["pointsman.domain.requests", "pointsman.lib.clock"])
def test_the_inner_rooms_load_no_library_at_all(name: str) -> None:
    """A frozen type or a clock costs nothing to import."""
    libraries = {"numpy", "grpc", "google", "httpx", "pydantic", "aiohttp", "prometheus_client"}
    assert loaded_by(name) & libraries == set()

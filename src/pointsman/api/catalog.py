"""Which plugins exist: found by walking packages, entry points and folders; nothing registers.

A plugin's life: its parameters are decoded and validated by its `Config` (`decode`), it is
constructed with `plugin(config, surroundings)`, and it is dropped with the policy it belongs to.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import pkgutil
import re
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from pointsman.api.plugins import Plugin, PluginConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.metadata import EntryPoint
    from pathlib import Path
    from types import ModuleType

ENTRY_POINT_GROUP = "pointsman.plugins"
"""Entry points of this group name a plugin class, or a module with plugin classes."""

_TYPE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


class CatalogError(Exception):
    """A plugin cannot be used; one line that names the file. Its author must act."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One plugin of the catalog.

    Attributes:
        plugin: its class.
        origin: file it was found in.
    """

    plugin: type[Plugin]
    origin: str

    @property
    def id(self) -> str:
        """`kind/type_name`."""
        return f"{self.plugin.kind}/{self.plugin.type_name}"

    @property
    def summary(self) -> str:
        """First line of its documentation."""
        return self.documentation.partition("\n")[0]

    @property
    def documentation(self) -> str:
        """Its own docstring; an inherited one would document something else."""
        return inspect.cleandoc(self.plugin.__doc__ or "")

    @property
    def names(self) -> tuple[str, ...]:
        """Every name a document may use, the preferred one first."""
        return (self.plugin.type_name, *self.plugin.aliases)


class Catalog:
    """Every plugin by the names that documents use; immutable.

    Args:
        entries: in order of preference, built-in ones first; the order is kept.

    Raises:
        CatalogError: two plugins share a name, or a class is not complete.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = tuple(entries)
        by_name: dict[str, Entry] = {}
        for entry in self._entries:
            _require_complete(entry)
            for name in entry.names:
                other = by_name.setdefault(name, entry)
                if other is not entry:
                    raise CatalogError(
                        f"plugin {name!r} exists twice: in {other.origin} and in {entry.origin}"
                    )
        self._by_name: Mapping[str, Entry] = by_name

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, name: str) -> type[Plugin] | None:
        """The plugin of this type name or alias, if there is one."""
        entry = self._by_name.get(name)
        return entry.plugin if entry is not None else None

    def names(self, kind: str | None = None) -> tuple[str, ...]:
        """Type names without aliases, sorted; of one kind, or all."""
        wanted = (e.plugin.type_name for e in self._entries if kind in {None, e.plugin.kind})
        return tuple(sorted(wanted))


def decode(plugin: type[Plugin], parameters: Mapping[str, object]) -> PluginConfig:
    """The `parameters` of a document as the plugin's Config: decoded strictly and validated.

    Only the names that documents use are accepted. Values are taken as JSON, so that lists become
    tuples and enumerations, but no text becomes a number.

    Raises:
        pydantic.ValidationError: with every problem and its place.
    """
    return plugin.Config.model_validate_json(
        json.dumps(dict(parameters)), by_alias=True, by_name=False
    )


def in_package(package: ModuleType) -> Iterator[Entry]:
    """The plugin classes of every module of a package, by module name.

    Raises:
        CatalogError: a module cannot be imported.
    """
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    for name in sorted(module.name for module in found):
        yield from in_module(importlib.import_module(name))


def in_module(module: ModuleType) -> Iterator[Entry]:
    """The public plugin classes that a module defines, in the order it defines them."""
    for name, value in vars(module).items():
        if _is_plugin(value) and (value.__module__, value.__name__) == (module.__name__, name):
            yield Entry(value, origin=module.__file__ or module.__name__)


def in_entry_points(entry_points: Iterable[EntryPoint]) -> Iterator[Entry]:
    """The plugin classes that installed distributions offer.

    Raises:
        CatalogError: an entry point cannot be loaded, or is neither a plugin nor a module.
    """
    for entry_point in sorted(entry_points, key=lambda one: one.name):
        origin = f"entry point {entry_point.name} = {entry_point.value}"
        try:
            loaded: object = entry_point.load()
        except Exception as error:
            raise CatalogError(f"{origin}: {_describe(error)}") from error
        if _is_plugin(loaded):
            yield Entry(loaded, origin=inspect.getsourcefile(loaded) or origin)
        elif inspect.ismodule(loaded):
            yield from in_module(loaded)
        else:
            raise CatalogError(f"{origin}: neither a plugin class nor a module with some")


def in_directory(directory: Path) -> Iterator[Entry]:
    """The plugin classes of every `*.py` in a folder, by file name.

    Files that start with an underscore are left alone. Each file is a module of its own, under a
    private name, so that equal file names in two folders do not meet.

    Raises:
        CatalogError: there is no such folder, a file cannot be imported (the message names file
            and line) or holds no plugin.
    """
    if not directory.is_dir():
        raise CatalogError(f"{directory}: not a folder")
    for path in sorted(directory.glob("*.py")):
        if path.name.startswith("_"):
            continue
        entries = tuple(in_module(_import_file(path.resolve())))
        if not entries:
            raise CatalogError(f"{path}: defines no plugin class")
        yield from entries


def _import_file(path: Path) -> ModuleType:
    name = "_pointsman_plugin_" + re.sub(r"\W", "_", str(path.with_suffix("")))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file always has a loader"
    assert spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    # Registered while it runs: pydantic and dataclasses look a class's module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise CatalogError(f"{path}:{_line_of(error, path)}: {_describe(error)}") from error
    return module


def _line_of(error: Exception, path: Path) -> int:
    """Line of the file that is to blame: of the syntax error, or the last one executed in it."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path) and frame.lineno is not None
    ]
    return lines[-1] if lines else 1


def _describe(error: Exception) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}"


def _is_plugin(value: object) -> TypeGuard[type[Plugin]]:
    return (
        inspect.isclass(value)
        and issubclass(value, Plugin)
        and not inspect.isabstract(value)
        and not value.__name__.startswith("_")
        and value.__module__ != Plugin.__module__
    )


def _require_complete(entry: Entry) -> None:
    """A missing or malformed class attribute, found at start and not in the first request."""
    plugin, where = entry.plugin, f"{entry.origin}: class {entry.plugin.__name__}"
    attributes = {name for each in plugin.__mro__ for name in vars(each)}
    if missing := {"type_name", "kind"} - attributes:
        raise CatalogError(f"{where} has no {' and no '.join(sorted(missing))}")
    for name in entry.names:
        if not _TYPE_NAME.fullmatch(name):
            raise CatalogError(f"{where}: {name!r} must be lower-case letters, digits and dashes")
    if not issubclass(plugin.Config, PluginConfig):
        raise CatalogError(f"{where}: Config must be a PluginConfig")
    if not entry.summary:
        raise CatalogError(f"{where} has no docstring")

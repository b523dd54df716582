"""The style guide as tests: sizes, names, reasons, and that tests mirror the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tidy_rules
from tidy_rules import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
TESTS = ROOT / "tests"


def read_module(path: Path) -> Module:
    relative = path.relative_to(SOURCE).with_suffix("")
    parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
    return Module(str(path.relative_to(ROOT)), ".".join(parts), path.read_text())


MODULES = [read_module(path) for path in sorted(SOURCE.rglob("*.py")) if "_pb" not in path.parts]


@pytest.mark.parametrize("rule", tidy_rules.RULES, ids=lambda rule: rule.__name__)
def test_the_source_follows(rule: Callable[[Module], Iterator[str]]) -> None:
    findings = [finding for module in MODULES for finding in rule(module)]
    assert not findings, "\n" + "\n".join(findings)


LONG_BODY = "\n".join(f"    x{n} = {n}" for n in range(61))

BROKEN = [
    (tidy_rules.is_short_enough, "x = 1\n" * 501),
    (tidy_rules.functions_are_short, f"def f():\n{LONG_BODY}"),
    (tidy_rules.classes_are_short, "class A:\n" + "    x = 1\n" * 300),
    (tidy_rules.parameters_are_few, "def f(*, a, b, c, d, e, f, g, h, i): ..."),
    (tidy_rules.parameters_are_few, "def f(a, b, c): ..."),
    (tidy_rules.parameters_are_few, "class A:\n    def __init__(self, a, b, c): ..."),
    (
        tidy_rules.nesting_is_shallow,
        "def f():\n if a:\n  for b in c:\n   while d:\n    with e:\n     try: g\n     finally: h",
    ),
    (tidy_rules.names_say_what_things_are, "class PoolManager: ..."),
    (tidy_rules.names_say_what_things_are, "def common_setup(): ..."),
    (tidy_rules.exceptions_have_a_reason, "x = 1  # noqa"),
    (tidy_rules.exceptions_have_a_reason, "x = 1  # noqa: E501"),
    (tidy_rules.exceptions_have_a_reason, "x = 1  # type: ignore[misc]"),
    (tidy_rules.exceptions_have_a_reason, "# ruff: noqa"),
    (tidy_rules.any_has_a_reason, "x: Any = 1  # quick"),
    (tidy_rules.attributes_are_known, "getattr(a, 'b', None)"),
    (tidy_rules.private_names_stay_at_home, "from pointsman.lib.clock import _now"),
    (tidy_rules.private_names_stay_at_home, "from pointsman.lib._clock import now"),
    (tidy_rules.modules_hold_no_state, "seen = {}"),
    (tidy_rules.modules_hold_no_state, "_pool = Pool()"),
    (tidy_rules.modules_hold_no_state, "SEEN = {}\ndef f(): SEEN[1] = 2"),
    (tidy_rules.modules_hold_no_state, "SEEN = []\ndef f(): SEEN.append(2)"),
    (tidy_rules.modules_hold_no_state, "def f():\n    global x"),
    (tidy_rules.modules_hold_no_state, "@functools.cache\ndef f(): ..."),
    (tidy_rules.nothing_is_left_for_later, "# TODO: later"),
    (tidy_rules.nothing_is_left_for_later, "def f(): raise NotImplementedError"),
]

SOUND = [
    "def f(a, b, *, c): ...",
    "class A:\n    def __exit__(self, a, b, c): ...\n    def f(self, a, b): ...",
    "def f():\n if a: x\n elif b: y\n elif c: y\n elif d: y\n elif e: y\n else: z",
    "x = 1  # noqa: E501 - a URL",
    "x = 1  # type: ignore[misc]  # the stub is wrong",
    "x: Any = 1  # Any: what the library hands over",
    "getattr(a, name)",
    "from pointsman.room.other import _private",
    "TABLE = {1: 2}\n_log = logging.getLogger(__name__)\nAlias = dict[str, int]",
    "_PATTERN = re.compile('')\n_T = TypeVar('_T')",
    "class Metadata: ...\ndef database(): ...",
]


@pytest.mark.parametrize(("rule", "source"), BROKEN)
def test_a_rule_finds_what_breaks_it(rule: Callable[[Module], Iterator[str]], source: str) -> None:
    assert list(rule(Module("src/pointsman/room/x.py", "pointsman.room.x", source)))


@pytest.mark.parametrize("source", SOUND)
def test_no_rule_objects_to_sound_code(source: str) -> None:
    module = Module("src/pointsman/room/x.py", "pointsman.room.x", source)
    assert [finding for rule in tidy_rules.RULES for finding in rule(module)] == []


@pytest.mark.parametrize("source", ["", "x = 1", "'''Boundary.'''\nx = 1"])
def test_a_package_without_a_boundary_or_with_code_is_found(source: str) -> None:
    module = Module("src/pointsman/room/__init__.py", "pointsman.room", source)
    assert list(tidy_rules.packages_state_their_boundary(module))


ENTRY_POINTS = ("pointsman.__main__", "pointsman.apps.cli", "pointsman.apps.generate")
FOUND_BY_WALKING = ("pointsman.plugins.", "pointsman.config.declared.")
"""The catalog imports every module of these packages."""


def imported_by(module: Module) -> set[str]:
    """What it imports, and modules it names in a string, to run them in a child process."""
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and str(node.value).startswith("pointsman."):
            names.add(str(node.value))
    return names


def test_every_module_is_reachable_from_a_command() -> None:
    """A module that nothing imports is dead, or a twin of one that lives."""
    modules = {module.name: module for module in MODULES}
    waiting = [
        name for name in modules if name in ENTRY_POINTS or name.startswith(FOUND_BY_WALKING)
    ]
    reached = set(waiting)
    while waiting:
        new = imported_by(modules[waiting.pop()]) & modules.keys() - reached
        reached |= new
        waiting += new
    dead = [
        module.at(1, "no command imports this module")
        for name, module in modules.items()
        if name not in reached and not module.is_package
    ]
    assert not dead, "\n" + "\n".join(dead)


NOT_A_MIRROR = {"cancel", "contracts", "e2e_vllm", "golden", "integration"}
"""Folders under tests/ that are arranged by what they show, not by module."""
STATEMENTS_WITHOUT_TEST_MAX = 15
"""A module with fewer statements in its functions is shown well enough by its users' tests."""
TESTED_ELSEWHERE = {
    "pointsman.apps.picker": "tests/integration starts it; its parts are tested one by one",
}
"""Modules without a test file of their own, each with where it is tested."""


def statements_in_functions(module: Module) -> int:
    return sum(
        isinstance(node, ast.stmt)
        for function in module.functions()
        for statement in tidy_rules.body_without_docstring(function)
        for node in ast.walk(statement)
    )


WHOLE_ROOMS = {"invariants"}
"""Test names about all modules of a folder together."""


def is_mirror(path: Path) -> bool:
    """Whether a test file is about a module or package: its own name, or that and an aspect."""
    name = path.stem.removeprefix("test_")
    folder = SOURCE / "pointsman" / path.parent.relative_to(TESTS)
    words = name.split("_")
    named = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    is_module = any((folder / f"{each}.py").exists() or (folder / each).is_dir() for each in named)
    return is_module or (folder.is_dir() and name in {folder.name, *WHOLE_ROOMS})


def test_every_test_file_stands_where_its_module_stands() -> None:
    strays = []
    for path in sorted(TESTS.rglob("test_*.py")):
        relative = path.relative_to(TESTS)
        is_free = len(relative.parts) == 1 or relative.parts[0] in NOT_A_MIRROR
        if not is_free and not is_mirror(path):
            strays.append(f"tests/{relative}:1: there is no such module in src/pointsman")
    assert not strays, "\n" + "\n".join(strays)


def test_every_module_that_does_something_is_tested() -> None:
    """By a test file of its own, or by one in the mirror of its folder that imports it."""
    missing = []
    for module in MODULES:
        folder = TESTS / Path(module.path).relative_to("src/pointsman").parent
        is_small = statements_in_functions(module) <= STATEMENTS_WITHOUT_TEST_MAX
        if is_small or module.is_package or module.name in TESTED_ELSEWHERE:
            continue
        tests = [folder / f"test_{folder.name}.py", *folder.glob("test_*.py")]
        tests += [folder.parent / f"test_{folder.name}.py"]
        if not any(module.name in imported_by(read_test(path)) for path in tests if path.exists()):
            missing.append(module.at(1, f"no test in {folder.relative_to(ROOT)} imports it"))
    assert not missing, "\n" + "\n".join(missing)


def read_test(path: Path) -> Module:
    return Module(str(path.relative_to(ROOT)), path.stem, path.read_text())


def test_every_exemption_is_still_needed() -> None:
    names = {module.name for module in MODULES}
    assert TESTED_ELSEWHERE.keys() <= names


def test_locks_hold_hashes_and_no_address() -> None:
    """They install from whatever index the machine uses."""
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-build.lock"):
        lock = (ROOT / name).read_text()
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links", lock), name
        pins = re.findall(r"^[\w.\-\[\]]+==", lock, re.MULTILINE)
        assert len(pins) > 2, name
        assert lock.count("--hash=sha256:") >= len(pins), name

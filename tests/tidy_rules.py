"""The style as functions: each takes one parsed module and yields what is wrong with it.

A finding is `path:line: text`, and the text names the limit. The rules know nothing of pytest, so
that `test_tidy.py` can try each on a snippet that breaks it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
CLASS_LINES_MAX = 300
PARAMETERS_MAX = 8
POSITIONAL_MAX = 2
NESTING_MAX = 4

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file.

    Attributes:
        path: as messages show it.
        name: dotted, `pointsman.lib.clock`; a package's own name for its `__init__.py`.
        text: its source.
    """

    path: str
    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def comments(self) -> dict[int, str]:
        """Comment by line number."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {each.start[0]: each.string for each in tokens if each.type == tokenize.COMMENT}

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def is_root(self) -> bool:
        """Whether it belongs to the composition roots, which may take many parameters."""
        return self.name.startswith("pointsman.apps")

    def functions(self) -> Iterator[Function]:
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def at(self, node: ast.AST | int, text: str) -> str:
        line = node if isinstance(node, int) else node.lineno  # type: ignore[attr-defined]  # callers pass located nodes
        return f"{self.path}:{line}: {text}"


def body_without_docstring(node: Function | ast.ClassDef | ast.Module) -> list[ast.stmt]:
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def is_short_enough(module: Module) -> Iterator[str]:
    """Modules have at most 500 lines."""
    if (count := len(module.lines)) > MODULE_LINES_MAX:
        yield module.at(1, f"module has {count} lines, at most {MODULE_LINES_MAX}")


def functions_are_short(module: Module) -> Iterator[str]:
    """Function bodies have at most 60 lines, docstring not counted."""
    for function in module.functions():
        body = body_without_docstring(function)
        if not body:
            continue
        count = (body[-1].end_lineno or 0) - body[0].lineno + 1
        if count > FUNCTION_LINES_MAX:
            text = f"{function.name} has a body of {count} lines, at most {FUNCTION_LINES_MAX}"
            yield module.at(function, text)


def classes_are_short(module: Module) -> Iterator[str]:
    """Classes have at most 300 lines."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            count = (node.end_lineno or 0) - node.lineno + 1
            if count > CLASS_LINES_MAX:
                yield module.at(node, f"{node.name} has {count} lines, at most {CLASS_LINES_MAX}")


def _own_parameters(function: Function, methods: set[Function]) -> tuple[list[ast.arg], int]:
    """Positional parameters without self or cls, and the number of all."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    is_static = any(
        isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list
    )
    if function in methods and not is_static:
        positional = positional[1:]
    return positional, len(positional) + len(arguments.kwonlyargs)


def _methods(module: Module) -> set[Function]:
    return {
        statement
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, Function)
    }


def parameters_are_few(module: Module) -> Iterator[str]:
    """At most 8 parameters (composition roots may take more); more than 2 are keyword-only.

    Dunder methods whose parameters the language fixes, such as `__exit__`, are exempt from the
    second half.
    """
    methods = _methods(module)
    for function in module.functions():
        positional, count = _own_parameters(function, methods)
        if count > PARAMETERS_MAX and not module.is_root:
            text = f"{function.name} has {count} parameters, at most {PARAMETERS_MAX}"
            yield module.at(function, text)
        is_fixed = re.fullmatch(r"__\w+__", function.name) and function.name != "__init__"
        if len(positional) > POSITIONAL_MAX and not is_fixed:
            text = (
                f"{function.name} takes {len(positional)} positional parameters, at most"
                f" {POSITIONAL_MAX}: make the rest keyword-only"
            )
            yield module.at(function, text)


_NESTING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def _deepest(statements: list[ast.stmt], depth: int) -> tuple[int, int]:
    """The deepest nesting below these statements, and its line; inner functions start anew."""
    deepest = (depth, 0)
    for statement in statements:
        if isinstance(statement, Function | ast.ClassDef):
            continue
        inner = depth + isinstance(statement, _NESTING)
        deepest = max(deepest, (inner, statement.lineno), key=lambda found: found[0])
        for block in _blocks(statement):
            # An `elif` is one `if` in the `else` of another: it stands beside it, not inside.
            is_elif = (
                isinstance(statement, ast.If) and block is statement.orelse and len(block) == 1
            )
            below = depth if is_elif and isinstance(block[0], ast.If) else inner
            deepest = max(deepest, _deepest(block, below), key=lambda found: found[0])
    return deepest


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for _, value in ast.iter_fields(statement):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list):
            yield from (
                each.body for each in value if isinstance(each, ast.ExceptHandler | ast.match_case)
            )


def nesting_is_shallow(module: Module) -> Iterator[str]:
    """Blocks are nested at most 4 deep."""
    for function in module.functions():
        depth, line = _deepest(function.body, 0)
        if depth > NESTING_MAX:
            text = f"{function.name} nests {depth} blocks, at most {NESTING_MAX}"
            yield module.at(line, text)


_BANNED = frozenset(
    {
        "manager",
        "helper",
        "helpers",
        "util",
        "utils",
        "base",
        "common",
        "impl",
        "info",
        "data",
        "service",
        "handler",
    }
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


_NAMES_OF_OTHERS = {
    "data_received": "asyncio's protocol methods",
    "data_layer": "`dataLayer` of the EndpointPickerConfig document",
    "DataLayer": "the same",
    "http_connection_manager": "Envoy's filter",
    "service": "the method of gRPC's generic handler; as a whole name only",
}
"""Names that somebody else chose, each with who."""


def _banned_in(name: str) -> set[str]:
    for other in _NAMES_OF_OTHERS:
        name = name.replace(other, "") if other != "service" or name == other else name
    return {word.lower() for word in _WORD.findall(name)} & _BANNED


def names_say_what_things_are(module: Module) -> Iterator[str]:
    """Classes, functions and modules are not called Manager, Helper, Util, Base, Data, ..."""
    for word in _banned_in(module.name.rpartition(".")[2]):
        yield module.at(1, f"module name holds {word!r}, which says nothing")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef | Function):
            for word in _banned_in(node.name):
                yield module.at(node, f"{node.name} holds {word!r}, which says nothing")


_EXCEPTION = re.compile(r"#\s*(noqa|type:\s*ignore)(.*)", re.DOTALL)
_CODES_AND_REASON = re.compile(r"(?::\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[\w\-, ]+\])\s*\W+\s*\w+")


def exceptions_have_a_reason(module: Module) -> Iterator[str]:
    """`noqa` and `type: ignore` name their codes and the reason; none covers a whole file."""
    for line, comment in module.comments.items():
        if re.match(r"#\s*(ruff|flake8|mypy):", comment):
            yield module.at(line, "no exception may cover a whole file")
        found = _EXCEPTION.match(comment)
        if found and not _CODES_AND_REASON.match(found[2]):
            yield module.at(line, f"{found[1]} needs a code and a reason on the line")


def any_has_a_reason(module: Module) -> Iterator[str]:
    """`Any` has its reason on the line, as `# Any: ...`."""
    lines = {
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name) and node.id == "Any"
    }
    for line in sorted(lines):
        if not re.match(r"#.*\bAny: \w+", module.comments.get(line, "")):
            yield module.at(line, "Any needs a reason on the line: # Any: ...")


def attributes_are_known(module: Module) -> Iterator[str]:
    """No `hasattr`, `getattr`, `setattr` or `delattr` with a name that is written there."""
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"hasattr", "getattr", "setattr", "delattr"}
            and len(node.args) > 1
            and isinstance(node.args[1], ast.Constant)
        ):
            yield module.at(node, f"{node.func.id} with a literal name: use the attribute")


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_names_stay_at_home(module: Module) -> Iterator[str]:
    """Nothing that starts with an underscore is imported from another package of ours."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("pointsman"):
            continue
        source = node.module or ""
        names = [*source.split("."), *(alias.name for alias in node.names)]
        is_here = source == module.package or source.startswith(f"{module.package}.")
        is_sibling = source.rpartition(".")[0] == module.package
        for name in filter(_is_private, names):
            # Code generated from our protos lives in a package whose name says "do not edit".
            if name != "_pb" and not (is_here or is_sibling):
                yield module.at(node, f"{name} is private to {source}")


_CONTAINERS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_CONTAINER_CALLS = frozenset(
    {
        "list",
        "dict",
        "set",
        "bytearray",
        "deque",
        "defaultdict",
        "OrderedDict",
        "Counter",
        "WeakKeyDictionary",
        "WeakValueDictionary",
        "ContextVar",
        "count",
    }
)
_MUTATORS = frozenset(
    {
        "append",
        "appendleft",
        "extend",
        "insert",
        "pop",
        "popleft",
        "popitem",
        "remove",
        "discard",
        "clear",
        "update",
        "setdefault",
        "add",
        "sort",
        "reverse",
    }
)
_MADE_ONCE = frozenset({"getLogger", "TypeVar", "ParamSpec", "NewType", "Typer", "compile"})


def _called(value: ast.expr) -> str:
    if not isinstance(value, ast.Call):
        return ""
    return value.func.attr if isinstance(value.func, ast.Attribute) else ast.unparse(value.func)


def _module_values(module: Module) -> Iterator[tuple[ast.Name, ast.expr]]:
    for statement in module.tree.body:
        if isinstance(statement, ast.Assign):
            names = [each for each in statement.targets if isinstance(each, ast.Name)]
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names = [statement.target]
        else:
            continue
        if statement.value is not None:
            yield from ((name, statement.value) for name in names)


def modules_hold_no_state(module: Module) -> Iterator[str]:
    """Nothing at module level changes after import.

    A list, dict or set there is a table: it has an UPPER_CASE name and nobody in the module writes
    to it. An instance of a class there must be one of the few that a module makes once and for all
    (a logger, a pattern, a type variable, the typer application) or have an UPPER_CASE name too.
    `global` and unbounded `functools.cache` are state in disguise.
    """
    tables: set[str] = set()
    for name, value in _module_values(module):
        is_constant = name.id.lstrip("_").isupper()
        is_container = isinstance(value, _CONTAINERS) or _called(value) in _CONTAINER_CALLS
        if is_container and is_constant:
            tables.add(name.id)
        elif is_container and name.id != "__all__":
            yield module.at(name, f"{name.id} is state at module level: give it an owner")
        elif _is_instance(name.id, value):
            yield module.at(name, f"{name.id} is an instance at module level: give it an owner")
    yield from _writes_to(module, tables)
    yield from _disguised_state(module)


def _is_instance(name: str, value: ast.expr) -> bool:
    is_made = isinstance(value, ast.Call) and _called(value) not in _MADE_ONCE
    return is_made and name.lstrip("_")[0].islower()


def _disguised_state(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield module.at(node, "global: give the value an owner")
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                if ast.unparse(decorator) in {"functools.cache", "cache"}:
                    yield module.at(node, f"{node.name} is cached without a limit for ever")


def _writes_to(module: Module, tables: set[str]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        written: ast.expr | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            written = node.value
        elif isinstance(node, ast.AugAssign):
            written = node.target
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            written = node.func.value if node.func.attr in _MUTATORS else None
        if isinstance(written, ast.Name) and written.id in tables:
            yield module.at(node, f"{written.id} is a table and nobody may write to it")


def packages_state_their_boundary(module: Module) -> Iterator[str]:
    """A package's `__init__.py` is a docstring and nothing else (the root also has the version)."""
    if not module.is_package:
        return
    if not (ast.get_docstring(module.tree) or "").strip():
        yield module.at(1, "the package does not state its boundary in a docstring")
    for statement in body_without_docstring(module.tree):
        is_version = module.name == "pointsman" and ast.unparse(statement).startswith("__version__")
        if not is_version:
            yield module.at(statement, "a package's __init__ holds no code")


_LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def nothing_is_left_for_later(module: Module) -> Iterator[str]:
    """No to-do markers, no stubs."""
    for number, line in enumerate(module.lines, start=1):
        if found := _LEFTOVER.search(line):
            yield module.at(number, f"{found[1]} is left over: do it or file an issue")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node):
            yield module.at(node, "a stub: NotImplementedError")


RULES: tuple[Callable[[Module], Iterator[str]], ...] = (
    is_short_enough,
    functions_are_short,
    classes_are_short,
    parameters_are_few,
    nesting_is_shallow,
    names_say_what_things_are,
    exceptions_have_a_reason,
    any_has_a_reason,
    attributes_are_known,
    private_names_stay_at_home,
    modules_hold_no_state,
    packages_state_their_boundary,
    nothing_is_left_for_later,
)

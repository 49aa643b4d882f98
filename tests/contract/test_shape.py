"""The shape of the code: sizes, docstrings, and the few constructs that have their place."""

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_ARGUMENTS = 6

# The only places that may catch everything: the request, the handler's call and its import.
CATCHES_EVERYTHING = {
    "router/app/ingress.py",
    "router/ingress/connection.py",
    "router/consume/call.py",
    "router/consume/discover.py",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function

FILES = {
    path.relative_to(ROOT).as_posix(): path
    for folder in ("router", "handlers", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
TESTS = {name: path for name, path in FILES.items() if name.startswith("tests/")}


def _files(files: dict[str, Path]) -> pytest.MarkDecorator:
    """Return the mark that runs a test once per file."""
    return pytest.mark.parametrize("path", files.values(), ids=files)


def _tree(path: Path) -> ast.Module:
    """Return the file as a syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _lines(function: Function) -> int:
    """Return the number of lines from `def` to the end, the docstring not counted."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return lines


def _arguments(function: Function, *, is_method: bool) -> int:
    """Return the number of parameters; `self` or `cls` is none."""
    given = function.args
    positional = [argument.arg for argument in given.posonlyargs + given.args]
    receiver = is_method and positional[:1] in (["self"], ["cls"])
    variable = [argument for argument in (given.vararg, given.kwarg) if argument]
    return len(positional) - receiver + len(given.kwonlyargs) + len(variable)


def _with_class(tree: ast.AST) -> Iterator[tuple[Function, bool]]:
    """Yield every function and whether its parent is a class."""
    for parent, child in _parents(tree):
        if isinstance(child, Function):
            yield child, isinstance(parent, ast.ClassDef)


def _parents(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield every node behind its parent."""
    for parent in ast.walk(tree):
        yield from ((parent, child) for child in ast.iter_child_nodes(parent))


def _public(tree: ast.Module) -> Iterator[Documented]:
    """Yield the module and every class and function that others can reach by a public name."""
    yield tree
    bodies: list[ast.Module | ast.ClassDef] = [tree]
    while bodies:
        for node in bodies.pop().body:
            if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
                yield node
                bodies += [node] if isinstance(node, ast.ClassDef) else []


def _name(node: Documented) -> str:
    """Return how to find the node: its line and name."""
    return "the module" if isinstance(node, ast.Module) else f"{node.lineno}: {node.name}"


def _is_overload(node: Documented) -> bool:
    """Return whether the node only gives one more signature to a documented function."""
    decorators = [] if isinstance(node, ast.Module) else node.decorator_list
    return any(ast.unparse(decorator).endswith("overload") for decorator in decorators)


def _calls(tree: ast.AST) -> Iterator[str]:
    """Yield every call as source text, its callee's full dotted name in front."""
    return (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield the full dotted name of everything that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _caught(handler: ast.ExceptHandler) -> set[str]:
    """Return the names of what the clause catches; a bare `except` catches `BaseException`."""
    if handler.type is None:
        return {"BaseException"}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).removeprefix("builtins.") for kind in kinds}


@_files(FILES)
def test_a_file_fits_in_the_head(path: Path) -> None:
    """No file is longer than 400 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


@_files(FILES)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    """No function has more than 50 lines without its docstring."""
    long = [
        f"{f.lineno}: {f.name}" for f in _functions(_tree(path)) if _lines(f) > MAX_FUNCTION_LINES
    ]

    assert long == []


@_files(FILES)
def test_a_function_takes_few_arguments(path: Path) -> None:
    """No function takes more than six arguments beside `self`."""
    many = [
        f"{f.lineno}: {f.name}"
        for f, is_method in _with_class(_tree(path))
        if _arguments(f, is_method=is_method) > MAX_ARGUMENTS
    ]

    assert many == []


@_files(FILES)
def test_what_is_public_has_a_docstring(path: Path) -> None:
    """Every module, public class and function, and so every test, says what it guarantees."""
    silent = [
        _name(node)
        for node in _public(_tree(path))
        if not ast.get_docstring(node) and not _is_overload(node)
    ]

    assert silent == []


@_files(FILES)
def test_everything_is_caught_in_few_places_only(path: Path) -> None:
    """`except Exception` stands only where a failure of any kind must end; wider ones nowhere."""
    name = path.relative_to(ROOT).as_posix()
    allowed = {"Exception"} if name in CATCHES_EVERYTHING else set[str]()
    clauses = (node for node in ast.walk(_tree(path)) if isinstance(node, ast.ExceptHandler))
    wide = [
        f"{clause.lineno}: except {kind}"
        for clause in clauses
        for kind in _caught(clause) & ({"Exception", "BaseException"} - allowed)
    ]

    assert wide == []


@_files(TESTS)
def test_nothing_is_mocked(path: Path) -> None:
    """Tests use the shipped fakes: no mocks, no patches, no assertions about calls."""
    tree = _tree(path)
    attributes = (node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    mocks = [
        name for name in _imports(tree) if re.match(r"(unittest\.mock|mock|pytest_mock)\b", name)
    ]
    asked = [name for name in attributes if name.startswith(("assert_called", "assert_awaited"))]

    assert mocks + asked == []


@_files(TESTS)
def test_no_test_sleeps(path: Path) -> None:
    """Tests wait for what they expect, with a deadline; `asyncio.sleep(0)` gives way once."""
    tree = _tree(path)
    slept = [
        call
        for call in _calls(tree)
        if call.startswith(("time.sleep(", "asyncio.sleep(")) and call != "asyncio.sleep(0)"
    ]
    imported = {"time.sleep", "asyncio.sleep"}.intersection(_imports(tree))

    assert list(itertools.chain(slept, imported)) == []

"""Handlers by looking: every module of the configured folders and packages, with every fault.

Design: nothing registers itself. A module whose name begins with `_` is nobody's; any other must
hold a handler, so that a forgotten decorator is noticed at start and not in production.
"""

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

from router.errors import ConfigError, Problem
from router.handler import Handler


def find_handlers(entries: Sequence[str]) -> list[Handler]:
    """Return the handlers of all *entries*, sorted by name.

    An entry is a folder if there is one of that name in the working directory, else a package.

    Raises:
        ConfigError: A module cannot be imported or holds no handler, or two have one name.
    """
    problems: list[Problem] = []
    found: dict[str, tuple[Handler, str]] = {}
    for entry in entries:
        for place, module in _modules(entry, problems):
            handlers = [value for value in vars(module).values() if _is_own(value, module)]
            if not handlers:
                message = (
                    "holds no handler: mark a function with @handler, or let the name begin with _"
                )
                problems.append(_problem(place, message))
            for handler in handlers:
                first, other = found.setdefault(handler.name, (handler, place))
                if first is not handler:
                    message = f"the handler {handler.name} is in {other} already"
                    problems.append(_problem(place, message))
    if problems:
        raise ConfigError(problems)
    return [found[name][0] for name in sorted(found)]


def _modules(entry: str, problems: list[Problem]) -> Iterator[tuple[str, ModuleType]]:
    folder = Path(entry)
    if folder.is_dir():
        parent = str(folder.resolve().parent)
        if parent not in sys.path:
            sys.path.insert(0, parent)  # before a package of the same name that is installed
        names = sorted(path.stem for path in folder.glob("*.py"))
        try:
            _claim(folder.resolve())
        except Exception as error:  # noqa: BLE001 - as below
            problems.append(_failed(f"{entry.rstrip('/')}/__init__.py", error))
            return
        yield from _imported(folder.resolve().name, names, entry, problems)
        return
    try:
        package = importlib.import_module(entry)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's module raises
        problems.append(_failed(entry, error))
        return
    names = sorted(info.name for info in pkgutil.iter_modules(getattr(package, "__path__", [])))
    yield from _imported(entry, names, entry, problems)


def _claim(folder: Path) -> None:
    """Make the folder the package of its name: an installed one, with an `__init__`, would win."""
    known = sys.modules.get(folder.name)
    if known is not None and str(folder) in list(getattr(known, "__path__", [])):
        return
    spec = PathFinder.find_spec(folder.name, [str(folder.parent)])
    if spec is None:
        raise ImportError(f"{folder.name} cannot be a package")
    package = sys.modules[folder.name] = module_from_spec(spec)
    package.__path__ = [str(folder)]
    if spec.loader is not None:
        spec.loader.exec_module(package)


def _imported(
    package: str, names: Sequence[str], entry: str, problems: list[Problem]
) -> Iterator[tuple[str, ModuleType]]:
    for name in names:
        if name.startswith("_"):
            continue
        place = f"{entry.rstrip('/')}/{name}.py"
        try:
            yield place, importlib.import_module(f"{package}.{name}")
        except Exception as error:  # noqa: BLE001 - as above
            problems.append(_failed(place, error))


def _is_own(value: object, module: ModuleType) -> bool:
    return isinstance(value, Handler) and value.function.__module__ == module.__name__


def _failed(place: str, error: Exception) -> Problem:
    """Return what an import came to, at the line of the module that did it."""
    name = Path(place).name
    lines = [
        frame.lineno or 1
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).name == name
    ]
    line = lines[-1] if lines else 1
    if isinstance(error, SyntaxError) and error.lineno:
        line = error.lineno
    words = str(error) if isinstance(error, TypeError) else f"{type(error).__name__}: {error}"
    return Problem(place, line, 1, "", words)


def _problem(place: str, message: str) -> Problem:
    return Problem(place, 1, 1, "", message)

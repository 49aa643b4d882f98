"""Handlers are found by looking, and whatever is wrong with a module is told at once."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from router.consume.discover import find_handlers
from router.errors import ConfigError

GOOD = '''\
import msgspec
from router.handler import handler

class Stopped(msgspec.Struct):
    """An event class."""

@handler("{name}", events=[Stopped])
async def watch(event, context):
    """Watch."""
'''


@pytest.fixture
def folder(tmp_path: Path, unique: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of a name of its own, in the working directory; imports end with the test."""
    before, paths = set(sys.modules), list(sys.path)
    monkeypatch.chdir(tmp_path)
    made = tmp_path / unique
    made.mkdir()
    yield made
    sys.path[:] = paths
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == unique:
            del sys.modules[name]


def _write(folder: Path, **modules: str) -> None:
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")


def _problems(*entries: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        find_handlers(entries)
    return [str(problem) for problem in raised.value.problems]


def test_every_module_of_a_folder_is_looked_at(folder: Path) -> None:
    """Sorted by the handlers' names; a module that begins with `_` is nobody's."""
    _write(folder, b=GOOD.format(name="alpha"), a=GOOD.format(name="beta"), _shared="x = 1")

    found = find_handlers([folder.name])

    assert [handler.name for handler in found] == ["alpha", "beta"]
    assert found[0].description == "Watch."


def test_a_package_without_a_folder_here_is_imported() -> None:
    """An entry may name an installed package, also below another one."""
    with pytest.raises(ConfigError, match="holds no handler"):
        find_handlers(["router.routing"])


def test_a_folder_comes_before_a_package_of_its_name(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the working directory is meant, not what happens to be installed."""
    elsewhere = tmp_path / "installed" / folder.name
    elsewhere.mkdir(parents=True)
    _write(elsewhere, __init__="", watch=GOOD.format(name="installed"))
    _write(folder, watch=GOOD.format(name="here"))
    monkeypatch.syspath_prepend(elsewhere.parent)

    assert [handler.name for handler in find_handlers([folder.name])] == ["here"]


def test_a_folder_may_be_below_others(tmp_path: Path, folder: Path) -> None:
    """An entry is a path."""
    below = tmp_path / "deep" / folder.name
    below.mkdir(parents=True)
    _write(below, watch=GOOD.format(name="below"))

    assert [handler.name for handler in find_handlers([f"deep/{folder.name}/"])] == ["below"]


def test_two_folders_of_one_name_do_not_hide_each_other(tmp_path: Path, folder: Path) -> None:
    """Both are looked at, or it is told that they cannot be."""
    other = tmp_path / "other" / folder.name
    other.mkdir(parents=True)
    _write(folder, one=GOOD.format(name="one"))
    _write(other, two=GOOD.format(name="two"))
    found = ["one", "two"]

    with suppress(ConfigError):
        found = [handler.name for handler in find_handlers([folder.name, f"other/{folder.name}"])]

    assert found == ["one", "two"]


def test_a_handler_may_be_imported_by_another_module(folder: Path) -> None:
    """It belongs to the module that defines it, so it is found once."""
    shared = f"from {folder.name}.one import watch as other\n" + GOOD.format(name="two")
    _write(folder, one=GOOD.format(name="one"), two=shared)

    assert [handler.name for handler in find_handlers([folder.name])] == ["one", "two"]


def test_a_module_without_a_handler_is_told(folder: Path) -> None:
    """A forgotten decorator is noticed at start."""
    _write(folder, watch="async def watch(event, context): pass\n")

    [problem] = _problems(folder.name)

    assert problem == (
        f"{folder.name}/watch.py:1:1: holds no handler: mark a function with @handler, "
        "or let the name begin with _"
    )


def test_two_handlers_of_one_name_are_told(folder: Path) -> None:
    """In one module or in two: they would share a group and dead letters."""
    _write(folder, one=GOOD.format(name="same"), two=GOOD.format(name="same"))

    assert _problems(folder.name) == [
        f"{folder.name}/two.py:1:1: the handler same is in {folder.name}/one.py already"
    ]


def test_two_handlers_of_one_name_in_one_module_are_told(folder: Path) -> None:
    """Neither is chosen in silence."""
    second = GOOD.format(name="same").replace("def watch", "def watch_too")
    _write(folder, one=GOOD.format(name="same") + second)

    assert any("the handler same is in" in problem for problem in _problems(folder.name))


def test_an_import_error_is_told_with_its_line(folder: Path) -> None:
    """Of the module, not of what it imports."""
    _write(
        folder,
        missing="import msgspec\n\nimport no_such_module\n",
        raising="x = 1\nraise ValueError('no')\n",
        torn="x = 1\ny = (\n",
        wrong=GOOD.format(name="Not-Kebab"),
    )
    name = folder.name
    missing, raising, torn, wrong = _problems(name)

    assert (
        missing == f"{name}/missing.py:3:1: ModuleNotFoundError: No module named 'no_such_module'"
    )
    assert raising == f"{name}/raising.py:2:1: ValueError: no"
    assert torn.startswith(f"{name}/torn.py:2:1: SyntaxError: '(' was never closed")
    assert wrong.startswith(f"{name}/wrong.py:7:1: handler 'Not-Kebab': use kebab-case")


def test_an_entry_that_is_nothing_is_told() -> None:
    """Neither a folder here nor a package."""
    [problem] = _problems("no_such_folder")

    assert problem.startswith("no_such_folder:1:1: ModuleNotFoundError")


def test_an_entry_that_cannot_be_a_package_is_told() -> None:
    """A path to nothing."""
    assert len(_problems("../no/such")) == 1


def test_all_mistakes_of_all_entries_are_told(folder: Path) -> None:
    """One run of `check` is enough."""
    _write(folder, one="x = 1", two="raise ValueError", three=GOOD.format(name="fine"))

    assert len(_problems(folder.name, "no_such_folder")) == 3


def test_an_empty_folder_holds_nothing(folder: Path) -> None:
    """That is no mistake here: the command says that there is no handler."""
    assert find_handlers([folder.name]) == []

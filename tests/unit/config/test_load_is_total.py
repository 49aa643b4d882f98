"""Whatever the files hold, they load or raise ConfigError with places inside the files."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields

from router.config import (
    Options,
    RoutesOptions,
    load,
)
from router.config.options import (
    AckOptions,
    KafkaOptions,
    LiveCallbackOptions,
    SecretOptions,
    SourceOptions,
    TopicsOptions,
    VolcengineLiveOptions,
)
from router.config.route_options import RouteOptions
from router.errors import ConfigError, Problem

ENVIRON = {"KEY": "signing-secret", "TOKEN": "0123456789abcdef", "RAW": "\udcff", "SIX": "6"}

MINIMAL = """\
listen: 127.0.0.1:8080
kafka: {bootstrap_servers: "127.0.0.1:9092"}
sources:
  rtc: {vendor: volcengine-rtc, secrets: [{env: KEY}], tokens: [{env: TOKEN}]}
"""

SECTIONS = (
    Options,
    KafkaOptions,
    SourceOptions,
    SecretOptions,
    TopicsOptions,
    AckOptions,
    RoutesOptions,
    RouteOptions,
    VolcengineLiveOptions,
    LiveCallbackOptions,
)
KEYS = sorted({name for section in SECTIONS for name in section.__struct_fields__} | {"rtc", "x"})
WORDS = [
    *(
        "KEY",
        "TOKEN",
        "UNSET",
        "${KEY}",
        "${SIX}",
        "${RAW}",
        "${",
        "1s",
        "3s",
        "1MiB",
        "a:1",
        "[::1]:1",
    ),
    *(
        "10.0.0.0/8",
        "router.yaml",
        "routes.yaml",
        ".",
        "..",
        "a\0b",
        "\ud800",
        "SASL_SSL",
        "SSL",
        "PLAIN",
    ),
    *("callbacks.{type}", "{", "no", "\x85", "\u2028", "é"),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=20),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=5)), inner, max_size=6),
    ),
    max_leaves=20,
)
MARKS = [
    *(
        ": ",
        ":\n",
        "\n",
        "\n  ",
        "- ",
        "? ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "&a ",
        "*a",
        "!x ",
        "!!set ",
    ),
    *("%TAG ! x\n", "%YAML 1.1\n", "---\n", "...\n", "|\n", ">-\n", '"', "'", "\\", "#", "\t"),
    *(
        "\r",
        "<<: ",
        "\ufeff",
        '"\\ud800"',
        '"\\e[31m"',
        '"\\U00110000"',
        "%YAML 1." + "9" * 5000 + "\n",
    ),
]
SYNTAX = st.lists(st.sampled_from([*KEYS, *WORDS, *MARKS]), max_size=40).map("".join)


def _loads_or_says_why(router: bytes, routes: bytes) -> None:
    """Load the two files; every problem must name one of them and a place in it."""
    with tempfile.TemporaryDirectory() as folder:
        files = {str(Path(folder, name)): name for name in ("router.yaml", "routes.yaml")}
        for file, content in zip(files, (router, routes), strict=True):
            Path(file).write_bytes(content)
        problems: Sequence[Problem] = ()
        try:
            load(Path(folder, "router.yaml"), ENVIRON)
        except ConfigError as error:
            problems = error.problems or [Problem("none", 0, 0, "", "")]
        for problem in problems:
            assert problem.file in files or problem.file.startswith(folder)
            assert _is_inside(problem, Path(problem.file))
            assert str(problem).isprintable()


def _is_inside(problem: Problem, file: Path) -> bool:
    """Tell whether a problem's place is a character of the file, or right behind one."""
    content = file.read_bytes() if file.is_file() else b""
    text = content.decode("utf-8-sig", "surrogateescape")
    lines = re.split("\r\n|[\r\n\x85\u2028\u2029]", text)
    is_line = 1 <= problem.line <= len(lines)
    return is_line and 1 <= problem.column <= len(lines[problem.line - 1]) + 1


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=300))
def test_any_bytes_load_or_are_refused(content: bytes) -> None:
    """No file of bytes makes the loader fail in another way."""
    _loads_or_says_why(content, content)


@settings(deadline=None)  # a busy machine is no failure
@given(st.one_of(st.text(), SYNTAX), st.one_of(st.text(), SYNTAX))
def test_any_text_loads_or_is_refused(router: str, routes: str) -> None:
    """Neither does any text, nor any mixture of what YAML is made of."""
    _loads_or_says_why(_encode(router), _encode(routes))


@settings(deadline=None)  # a busy machine is no failure
@given(SYNTAX, SYNTAX)
def test_any_end_of_a_good_file_loads_or_is_refused(router: str, routes: str) -> None:
    """Syntax behind a file that is complete already."""
    _loads_or_says_why(_encode(f"{MINIMAL}routes: routes.yaml\n{router}"), _encode(routes))


@settings(deadline=None)  # a busy machine is no failure
@given(st.dictionaries(st.sampled_from(KEYS), VALUES), VALUES)
def test_any_values_load_or_are_refused(options: dict[str, object], routes: object) -> None:
    """Known keys with values of any shape, in valid YAML."""
    good = {**yaml.safe_load(MINIMAL), "routes": "routes.yaml"}
    router = yaml.safe_dump({**good, **options}, allow_unicode=True)

    _loads_or_says_why(_encode(router), _encode(yaml.safe_dump(routes)))


def _options(section: type[Struct], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every option, with `rtc` for the name of a source."""
    for field in fields(section):
        yield (*path, field.name)
        found = [kind for kind in _kinds(field.type) if issubclass(kind, Struct)]
        for kind in found:
            is_named = field.name == "sources"
            if kind is not SecretOptions and kind.__name__ not in NO_SECTION:
                more = (field.name, "rtc") if is_named else (field.name,)
                yield from _options(kind, (*path, *more))


def _kinds(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _kinds(argument)


NO_SECTION = {"Address", "LiveCallbackOptions", "RouteOptions"}
CONFUSED: tuple[object, ...] = (
    *(None, True, 0, -1, 10**30, 1.5, "", "no", "x", "1s", "1MiB", "2026-11-21", "\n", "x" * 9000),
    *(
        [],
        [None],
        ["x"],
        [["x"]],
        [{}],
        [{"env": "KEY"}],
        {},
        {"x": "y"},
        {"env": "KEY"},
        {"env": []},
    ),
)


@pytest.mark.parametrize("value", CONFUSED, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("path", list(_options(Options)), ids=".".join)
def test_any_kind_of_value_at_any_option(path: tuple[str, ...], value: object) -> None:
    """Each kind of value at each option is taken, or told with a place."""
    good = yaml.safe_load(MINIMAL)
    section = good
    for name in path[:-1]:
        section = section.setdefault(name, {})
    section[path[-1]] = value

    _loads_or_says_why(_encode(yaml.safe_dump(good)), b"")

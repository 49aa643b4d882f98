"""Whatever the files hold, they load or raise ConfigError with places inside the files."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from router.config import (
    Options,
    RoutesOptions,
    load,
)
from router.config.options import (
    AckOptions,
    KafkaOptions,
    RouteOptions,
    SecretOptions,
    SourceOptions,
    TopicsOptions,
)
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
            assert problem.line >= 1
            assert problem.column >= 1
            assert str(problem).isprintable()


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@given(st.binary(max_size=300))
def test_any_bytes_load_or_are_refused(content: bytes) -> None:
    """No file of bytes makes the loader fail in another way."""
    _loads_or_says_why(content, content)


@given(st.one_of(st.text(), SYNTAX), st.one_of(st.text(), SYNTAX))
def test_any_text_loads_or_is_refused(router: str, routes: str) -> None:
    """Neither does any text, nor any mixture of what YAML is made of."""
    _loads_or_says_why(_encode(router), _encode(routes))


@given(SYNTAX, SYNTAX)
def test_any_end_of_a_good_file_loads_or_is_refused(router: str, routes: str) -> None:
    """Syntax behind a file that is complete already."""
    _loads_or_says_why(_encode(f"{MINIMAL}routes: routes.yaml\n{router}"), _encode(routes))


@given(st.dictionaries(st.sampled_from(KEYS), VALUES), VALUES)
def test_any_values_load_or_are_refused(options: dict[str, object], routes: object) -> None:
    """Known keys with values of any shape, in valid YAML."""
    good = {**yaml.safe_load(MINIMAL), "routes": "routes.yaml"}
    router = yaml.safe_dump({**good, **options}, allow_unicode=True)

    _loads_or_says_why(_encode(router), _encode(yaml.safe_dump(routes)))

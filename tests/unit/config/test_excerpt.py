"""The line below a message: where the caret stands, and that no secret is in it."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config import Options, RoutesOptions, load
from router.config.excerpt import MAX_COLUMNS, Excerpts
from router.config.yaml_document import read_document
from router.errors import ConfigError, Problem

SECRET = "Zq7-Hunter2"  # as a person writes one: no word, and no name of a variable
GOOD = """\
listen: 127.0.0.1:8080
kafka:
  bootstrap_servers: a:1
sources:
  rtc:
    vendor: volcengine-rtc
    secrets:
      - env: KEY
"""


def _shown(text: str, line: int, column: int, root: type[Options | RoutesOptions] = Options) -> str:
    document = read_document("f", text.encode(), {}, root)
    return Excerpts(document.text, document.scalars, root).at(line, column)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("listen: 0.0.0.0", "listen: 0.0.0.0"),
        ("max_body_bytes: 1MiB # was S", "max_body_bytes: 1MiB # ***"),
        ("spool: {path: 'a b', max_bytes: 1GiB}", "spool: {path: 'a b', max_bytes: 1GiB}"),
        ("sources: {rtc: {vendor: v, secrets: [{env: A_KEY}]}}", None),
        ("sources: {rtc: {vendor: v, secrets: [{env: '${A_KEY}'}]}}", None),
        ("sources: {rtc: {secrets: [{file: /run/secrets/rtc, app: '65f1'}]}}", None),
        ("sources: {rtc: {secrets: [{file: S}]}}", "sources: {rtc: {secrets: [{file: ***}]}}"),
        ("sources: {rtc: {secrets: [{env: S}]}}", "sources: {rtc: {secrets: [{env: ***}]}}"),
        ("sources: {rtc: {secrets: [S, 'S']}}", "sources: {rtc: {secrets: [***, ***]}}"),
        ("sources: {rtc: {secrets: S}}", "sources: {rtc: {secrets: ***}}"),
        ("sources: {rtc: {tokens: [{S}]}}", "sources: {rtc: {tokens: [{***}]}}"),
        ("sources: {rtc: {tokens: [{env:S}]}}", "sources: {rtc: {tokens: [{***}]}}"),
        ("sources: {rtc: S}", "sources: {rtc: ***}"),
        ("sources: {rtc: {password: S}}", "sources: {rtc: {password: ***}}"),
        ("sources: {rtc: {password:S}}", "sources: {rtc: {***}}"),
        ("sources: {rtc: {secrets:S}}", "sources: {rtc: {***}}"),
        ("kafka: {bootstrapServers: S}", "kafka: {bootstrapServers: ***}"),
        ("kafka: {sasl_password: S}", "kafka: {sasl_password: ***}"),
        ("kafka: {sasl_password: '${X:-S}'}", "kafka: {sasl_password: ***}"),
        ("kafka: {sasl_password: !S x}", "kafka: {sasl_password: ***}"),
        ("kafka: {sasl_password: &S x}", "kafka: {sasl_password: ***}"),
        ("kafka: {sasl_password: *S }", "kafka: {sasl_password: ***"),
        ("kafka: {sasl_password: 'S", "kafka: {sasl_password: ***"),
        ("kafka: {sasl_password: S: x}", "kafka: {sasl_password: ***: ***"),
        ("kafka: {sasl_password S}", "kafka: {***}"),
        ("sasl_password: |S", "sasl_password: ***"),
        ("password: S", "password: ***"),
        ("S", "***"),
        ("\tsecrets: [S]", " secrets: ***"),
        ("state: {url: 'postgresql://u:S@h/d'}", "state: {url: 'postgresql://***}"),
        ("state: {url: u:S@h/d}", "state: {url: ***}"),
        ("kafka: {bootstrap_servers: u:S@h:1}", "kafka: {bootstrap_servers: ***}"),
        ("volcengine_live: {access_key: S}", "volcengine_live: {access_key: ***}"),
        ("volcengine_live: {endpoint: http://h/S}", "volcengine_live: {endpoint: http://***}"),
        ("lisen: S", "lisen: ***"),
    ],
)
def test_a_line_is_shown_without_secrets(line: str, shown: str | None) -> None:
    """What options know is shown as it is written; literals where references belong are not."""
    excerpt = _shown(_with_secret(line), 1, 1)

    assert excerpt.splitlines()[0] == (line if shown is None else shown)
    assert "Hunter2" not in excerpt


def _with_secret(line: str) -> str:
    """Return the line with the secret for each `S` that stands alone."""
    return re.sub(r"(?<![A-Za-z_])S(?![A-Za-z_])", SECRET, line)


@pytest.mark.parametrize(
    ("text", "place", "caret"),
    [
        ("listen: 0.0.0.0", (1, 9), 8),
        ("listen: 0.0.0.0", (1, 11), 10),
        ("listen: 0.0.0.0", (1, 16), 15),
        ("kafka: {sasl_password: a-long-secret, namespace: x}", (1, 50), 39),
        ("kafka: {sasl_password: a-long-secret, namespace: x}", (1, 28), 23),
    ],
)
def test_the_caret_stands_below_its_column(text: str, place: tuple[int, int], caret: int) -> None:
    """Also behind what is hidden, and at the beginning of that where the column is inside."""
    line, below = _shown(text, *place).split("\n")

    assert below == " " * caret + "^"
    assert caret <= len(line)


@pytest.mark.parametrize("column", [1, 50, 100, 5000, 9000])
def test_a_long_line_is_cut_around_the_column(column: int) -> None:
    """The place is in what is left, and what is left out shows as dots."""
    text = f"handlers: [{', '.join('h' * 8 for _ in range(1000))}]"
    line, below = _shown(text, 1, column).split("\n")

    assert len(line) <= MAX_COLUMNS + 6
    assert line[len(below) - 1] == text[column - 1]
    assert line.startswith("...") == (column > 61)


def test_a_line_that_is_not_there_is_not_shown() -> None:
    """Neither a line behind the last one nor an empty one."""
    assert [_shown("a: b\n\n", line, 1) for line in (0, 2, 3, 4)] == [""] * 4


def test_a_problem_is_shown_with_its_line() -> None:
    """The message in one line, then the line and the caret, indented."""
    problem = Problem("f", 1, 3, "a", "wrong", "a: b\n  ^", is_warning=True)

    assert problem.shown() == "f:1:3: a: wrong (warning)\n    a: b\n      ^"
    assert str(problem) == "f:1:3: a: wrong"


@pytest.mark.parametrize(
    "routes", ["base: S", "routes: [{name: a, when: {type: no}, to: b, more: c}]"]
)
def test_routes_are_shown_as_they_are(routes: str) -> None:
    """No secret belongs there."""
    assert _shown(routes, 1, 1, RoutesOptions).splitlines()[0] == routes.replace("c}", "***}")


def _positions() -> list[int]:
    """Return where a secret may slip into the good file: at each value below what holds secrets."""
    begin = GOOD.index("- env")
    return [*range(begin, len(GOOD))]


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.sampled_from(_positions()),
    st.sampled_from(
        ["", " ", ": ", "\n", "\n      - ", "'", '"', "[", "{", "&", "*", "!", "|\n", "#"]
    ),
    st.sampled_from(["", " ", ": ", "\n", "'", '"', "]", "}", "${", ":"]),
    st.sampled_from(["tokens: ", "secrets: ", "secrets: [", "secret: ", ""]),
)
def test_no_message_holds_a_secret_that_slipped_in(
    position: int, before: str, behind: str, key: str
) -> None:
    """Wherever in the list of secrets it is typed or pasted, in whatever syntax."""
    text = f"{GOOD[:position]}{before}{key}{SECRET}{behind}{GOOD[position:]}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "router.yaml")
        file.write_text(text)
        try:
            told = load(file, {"KEY": "signing-secret"}).warnings
        except ConfigError as error:
            told = (*error.problems, *error.warnings)

    assert "Hunter2" not in "\n".join(problem.shown() for problem in told)

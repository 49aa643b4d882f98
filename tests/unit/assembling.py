"""A configuration of one source and its routes, and what is said about it."""

from collections.abc import Sequence
from pathlib import Path

from router.assembly import CHECKS
from router.config import Check, Configuration, load
from router.errors import ConfigError
from tests.sender import TOKEN

RTC = "vendor: volcengine-rtc, secrets: [{env: KEY}]"
CASTER = "vendor: alibaba-caster, tokens: [{env: TOKEN}]"
ENVIRON = {"KEY": "signing-secret-1", "OTHER": "other-secret-22", "TOKEN": TOKEN}


def load_one(
    folder: Path, source: str, routes: str = "", checks: Sequence[Check] = CHECKS
) -> Configuration:
    """Return the configuration of the source `one` with these options, and of these routes.

    The source's options stand in line 4 from column 8.
    """
    lines = ["listen: 127.0.0.1:8080", 'kafka: {bootstrap_servers: "127.0.0.1:9092"}', "sources:"]
    lines += [f"  one: {{{source}}}"]
    if routes:
        (folder / "routes.yaml").write_text(routes, encoding="utf-8")
        lines += ["routes: routes.yaml"]
    (folder / "router.yaml").write_text("\n".join(lines), encoding="utf-8")
    return load(folder / "router.yaml", ENVIRON, checks)


def findings(
    folder: Path, source: str, routes: str = "", checks: Sequence[Check] = CHECKS
) -> tuple[list[str], list[str]]:
    """Return the errors and the warnings, without the folder's name."""
    try:
        configuration = load_one(folder, source, routes, checks)
    except ConfigError as error:
        errors = [str(problem) for problem in error.problems]
        return [_relative(text, folder) for text in errors], []
    return [], [_relative(str(warning), folder) for warning in configuration.warnings]


def said_of_rule(folder: Path, when: str, source: str = RTC, key: str = "") -> list[str]:
    """Return what is said about one rule, without its place in the file; a `?` marks a warning."""
    rule = f"name: a, when: {when}, to: x" + (f', key: "{key}"' if key else "")
    errors, warnings = findings(folder, source, f"routes: [{{{rule}}}]")
    assert all(each.startswith("routes.yaml:1:") for each in (*errors, *warnings))
    return [
        f"{mark}{each.partition(': routes[0].')[2]}"
        for mark, found in (("", errors), ("?", warnings))
        for each in found
    ]


def _relative(text: str, folder: Path) -> str:
    return text.removeprefix(f"{folder}/")

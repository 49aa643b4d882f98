"""What is shown of a rule's verdict, and what of it is hidden."""

from typing import Any

import pytest
from msgspec import UNSET

from router.routing import Verdict
from router.tools.verdicts import line_of, masked_verdict

LIVE = "volcengine-live"
ANY = '{"data.detail.fp_user_url":"***"}'


def _line(path: str | None, decided_by: str, seen: Any) -> str:
    verdict = Verdict(rule="r", fits=False, decided_by=decided_by, path=path, seen=seen)
    return line_of(masked_verdict(verdict, LIVE))


def test_a_rule_that_matches_says_so() -> None:
    """Nothing decided against it."""
    fitting = Verdict(rule="r", fits=True)

    assert masked_verdict(fitting, LIVE) is fitting
    assert line_of(fitting) == "rule r: matches"


@pytest.mark.parametrize(
    ("path", "asked", "seen", "shown"),
    [
        ("data.code", "{not: 0}", 0, "0"),
        ("data.code", "{not: 0}", UNSET, "nothing"),
        ("data.code", "1", None, "null"),
        ("type", "a", "b\x1b", '"b\\u001b"'),
        ("data.files.size", "1", [2, 3], "[2,3]"),
        ("data.detail", "x", {"a": 1}, '{"a":1}'),
    ],
)
def test_the_condition_and_what_it_saw_are_told(
    path: str, asked: str, seen: Any, shown: str
) -> None:
    """The condition as it is written, the value as JSON that a terminal can take."""
    line = _line(path, f"{path}: {asked}", seen)

    assert line == f"rule r: kept from it by {path}: {asked}, which saw {shown}"


@pytest.mark.parametrize(
    ("path", "seen", "shown"),
    [
        ("data.url", "rtmp://a:Zq7@h/l?k=Zq7", '"rtmp://***@h/l?***"'),
        ("data.urls", ["rtmp://h/l?k=Zq7"], '["rtmp://h/l?***"]'),
        ("data.detail.fp_user_url", "Zq7", '"***"'),
        ("data.detail.fp_user_url.deep", "Zq7", '"***"'),
        ("data.detail", {"fp_user_url": "Zq7"}, '{"fp_user_url":"***"}'),
        (None, {"data.detail.fp_user_url": "Zq7"}, ANY),
    ],
)
def test_credentials_are_not_shown(path: str | None, seen: Any, shown: str) -> None:
    """Neither those in URLs nor fields that may hold them, wherever the condition looked."""
    line = _line(path, "whatever: is written", seen)

    assert "Zq7" not in line
    assert line.endswith(f"which saw {shown}")

"""What is shown of a rule's verdict, and what of it is hidden."""

from typing import Any

import pytest
from msgspec import UNSET

from router.routing import Verdict
from router.tools.verdicts import line_of, masked_verdict

LIVE = "volcengine-live"
ANY = '{"data.detail.fp_user_url":"***"}'


def _line(decided_by: str, seen: Any) -> str:
    verdict = Verdict(rule="r", fits=False, decided_by=decided_by, seen=seen)
    return line_of(masked_verdict(verdict, LIVE))


def test_a_rule_that_matches_says_so() -> None:
    """Nothing decided against it."""
    fitting = Verdict(rule="r", fits=True)

    assert masked_verdict(fitting, LIVE) is fitting
    assert line_of(fitting) == "rule r: matches"


@pytest.mark.parametrize(
    ("decided_by", "seen", "line"),
    [
        ("data.code: {not: 0}", 0, "data.code: {not: 0}, which saw 0"),
        ("data.code: {not: 0}", UNSET, "data.code: {not: 0}, which saw nothing"),
        ("data.code: 1", None, "data.code: 1, which saw null"),
        ("type: a", "b\x1b", 'type: a, which saw "b\\u001b"'),
        ("data.files.size: 1", [2, 3], "data.files.size: 1, which saw [2,3]"),
        ("data.detail: x", {"a": 1}, 'data.detail: x, which saw {"a":1}'),
    ],
)
def test_the_condition_and_what_it_saw_are_told(decided_by: str, seen: Any, line: str) -> None:
    """The condition as it is written, the value as JSON that a terminal can take."""
    assert _line(decided_by, seen) == f"rule r: kept from it by {line}"


@pytest.mark.parametrize(
    ("decided_by", "seen", "shown"),
    [
        ("data.url: x", "rtmp://a:Zq7@h/l?k=Zq7", '"rtmp://***@h/l?***"'),
        ("data.urls: x", ["rtmp://h/l?k=Zq7"], '["rtmp://h/l?***"]'),
        ("data.detail.fp_user_url: x", "Zq7", '"***"'),
        ("data.detail.fp_user_url.deep: x", "Zq7", '"***"'),
        ("data.detail: x", {"fp_user_url": "Zq7"}, '{"fp_user_url":"***"}'),
        ("any: [{data.detail.fp_user_url: x}]", {"data.detail.fp_user_url": "Zq7"}, ANY),
    ],
)
def test_credentials_are_not_shown(decided_by: str, seen: Any, shown: str) -> None:
    """Neither those in URLs nor fields that may hold them, wherever the condition looked."""
    line = _line(decided_by, seen)

    assert "Zq7" not in line
    assert line.endswith(f"which saw {shown}")

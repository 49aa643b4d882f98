"""Verdicts: what decided about a rule, and the value that it saw."""

from typing import Any

import pytest
from msgspec import UNSET

from router.routing import RouteTable, Verdict, explain
from tests.unit.routing.asked import EVENT, rule


@pytest.mark.parametrize(
    ("when", "path", "asked", "seen"),
    [
        ({"data.code": 7}, "data.code", "7", 0),
        ({"type": "RecordStopped", "data.text": {"not": "0"}}, "data.text", '{not: "0"}', "0"),
        ({"type": ["RoomCreate", "a b"]}, "type", "[RoomCreate, a b]", "RecordStopped"),
        ({"data.absent": {"not": 0}}, "data.absent", "{not: 0}", UNSET),
        ({"data.nothing": True, "data.code": 1}, "data.nothing", "true", None),
        ({"data.files.size": {"gt": 30}}, "data.files.size", "{gt: 30}", [3, 20]),
        ({"data.many": "x"}, "data.many", "x", [1, {"key": "v"}, [7, {"key": 3}]]),
        ({"data.none": 1}, "data.none", "1", []),
        ({"data.body": 1}, "data.body", "1", {"RoomId": "r", "Files": [{"Size": 9}]}),
        ({"data.raw.key": 3}, "data.raw.key", "3", [1, 2]),
        (
            {"time": {"lt": "2020-01-01T00:00:00Z"}},
            "time",
            '{lt: "2020-01-01T00:00:00Z"}',
            "2023-03-21T07:32:04.691Z",
        ),
        ({"all": [{"data.code": 0}, {"data.share": 2}]}, "data.share", "2", 1.0),
    ],
    ids=repr,
)
def test_a_rule_that_does_not_fit_is_explained(
    when: dict[str, Any], path: str, asked: str, seen: object
) -> None:
    """The first condition that does not fit, as written, where it looks, and the value it saw."""
    (verdict,) = explain(RouteTable(rules=[rule(when)]), EVENT, "rtc")

    assert verdict == Verdict(
        rule="r", fits=False, decided_by=f"{path}: {asked}", path=path, seen=seen
    )


@pytest.mark.parametrize(
    ("when", "decided_by", "seen"),
    [
        (
            {"any": [{"data.code": 0, "data.share": 2}, {"data.absent": 1}]},
            "any: [{data.code: 0, data.share: 2}, {data.absent: 1}]",
            {"data.share": 1.0},
        ),
        (
            {"any": [{"any": [{"data.code": 1}]}]},
            "any: [{any: [{data.code: 1}]}]",
            {"data.code": 0},
        ),
        ({"any": [{"data.absent": "on"}]}, 'any: [{data.absent: "on"}]', UNSET),
    ],
    ids=repr,
)
def test_of_several_conditions_what_each_saw_is_told(
    when: dict[str, Any], decided_by: str, seen: object
) -> None:
    """Where one of several had to fit, none decided alone: the values stand by their paths."""
    (verdict,) = explain(RouteTable(rules=[rule(when)]), EVENT, "rtc")

    assert verdict == Verdict(rule="r", fits=False, decided_by=decided_by, seen=seen)


def test_every_rule_has_a_verdict() -> None:
    """In their order; one that fits has nothing that decided."""
    rules = [rule({}, "all"), rule({"source": "live"}, "live"), rule({"data.code": 0}, "zero")]

    assert explain(RouteTable(rules=rules), EVENT, "rtc") == (
        Verdict(rule="all", fits=True),
        Verdict(rule="live", fits=False, decided_by="source: live", path="source", seen="rtc"),
        Verdict(rule="zero", fits=True),
    )

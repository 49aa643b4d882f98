"""The route table: which records an event becomes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.record import Record, encode_event, headers_of
from router.routing import Routed, RouteTable, Rule, parse_conditions
from router.routing.templates import placeholders
from tests.unit.routing.asked import with_data

EVENT = with_data(
    {
        "task_id": "task",
        "code": 7,
        "share": 1.5,
        "is_on": True,
        "nothing": None,
        "empty": "",
        "one": {"key": "房"},
        "many": [],
        "braces": "{subject}",
    }
)
BASE = ("callbacks.volcengine-rtc.RecordStopped", "app/room")


def _rule(
    name: str = "r",
    when: dict[str, Any] | None = None,
    to: tuple[str, ...] = (),
    key: str = "{subject}",
    *,
    is_drop: bool = False,
) -> Rule:
    conditions, faults = parse_conditions(when or {})
    assert faults == []
    return Rule(name=name, conditions=conditions, topics=to, key=key, is_drop=is_drop)


def _routed(*rules: Rule, prefix: str = "") -> Routed:
    return RouteTable(rules=rules, prefix=prefix).records_for(EVENT, "rtc")


def _pairs(routed: Routed) -> list[tuple[str, str]]:
    return [(record.topic, record.key.decode()) for record in routed.records]


@pytest.mark.parametrize("rules", [(), (_rule(when={"type": "RoomCreate"}, to=("x",)),)])
def test_every_event_goes_to_its_base_topic(rules: tuple[Rule, ...]) -> None:
    """Without a rule that matches there is one record, keyed by the subject."""
    assert _routed(*rules) == Routed(
        (
            Record(
                topic=BASE[0], key=b"app/room", value=encode_event(EVENT), headers=headers_of(EVENT)
            ),
        )
    )


def test_every_rule_that_matches_acts() -> None:
    """Each adds its topics; all records share the value and the headers."""
    routed = _routed(
        _rule("a", {"type": "RecordStopped"}, ("alerts", "more")),
        _rule("b", {"type": "RoomCreate"}, ("never",)),
        _rule("c", {"data.code": 7}, ("alerts",), "{data.task_id}"),
    )

    assert _pairs(routed) == [
        BASE,
        ("alerts", "app/room"),
        ("more", "app/room"),
        ("alerts", "task"),
    ]
    assert {(record.value, record.headers) for record in routed.records} == {
        (encode_event(EVENT), headers_of(EVENT))
    }


def test_all_conditions_must_fit() -> None:
    """One that does not is enough to keep the rule from acting."""
    rule = _rule("a", {"type": "RecordStopped", "data.code": 0, "source": "rtc"}, ("x",))

    assert _pairs(_routed(rule)) == [BASE]
    assert _pairs(_routed(_rule("b", to=("x",)))) == [BASE, ("x", "app/room")]


def test_a_pair_of_topic_and_key_is_published_once() -> None:
    """Rules that meet in one pair, and the base's, make one record of it."""
    routed = _routed(
        _rule("a", to=("x", "x", BASE[0])),
        _rule("b", to=("x",)),
        _rule("c", to=(BASE[0],), key="{data.task_id}"),
    )

    assert _pairs(routed) == [BASE, ("x", "app/room"), (BASE[0], "task")]


def test_a_drop_stops_every_record() -> None:
    """The one rule that overrides: others' records go too, whatever the order."""
    drops = [_rule("d1", is_drop=True), _rule("d2", {"type": "RecordStopped"}, is_drop=True)]
    adds, other = _rule("a", to=("x",)), _rule("d3", {"type": "RoomCreate"}, is_drop=True)

    assert _routed(adds, *drops, other) == Routed((), ("d1", "d2"))
    assert _routed(*drops, adds) == Routed((), ("d1", "d2"))
    assert _pairs(_routed(adds, other)) == [BASE, ("x", "app/room")]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("{subject}", "app/room"),
        ("{data.task_id}", "task"),
        ("{data.code}", "7"),
        ("{data.share}", "1.5"),
        ("{data.is_on}", "true"),
        ("{data.one.key}", "房"),
        ("{data.braces}", "{subject}"),
        ("{vendor}/{type}/{source}", "volcengine-rtc/RecordStopped/rtc"),
        ("{subject}:{data.code}{data.code}", "app/room:77"),
        ("fixed", "fixed"),
        ("a{data.empty}", "a"),
    ],
)
def test_a_key_is_filled_in(key: str, text: str) -> None:
    """Attributes and plain values of the data; what a sender wrote is not filled in again."""
    routed = _routed(_rule("a", to=("x",), key=key))

    assert _pairs(routed) == [BASE, ("x", text)]
    assert routed.keyless == ()


@pytest.mark.parametrize(
    "key",
    [
        "{data.absent}",
        "{data.nothing}",
        "{data.one}",
        "{data.many}",
        "{data.task_id.x}",
        "{data.task_id}/{data.absent}",
        "{data.empty}",
    ],
)
def test_a_key_that_cannot_be_filled_in_is_the_subject(key: str) -> None:
    """A missing, empty or composite value yields the subject, and the rule is named."""
    routed = _routed(_rule("a", to=("x", "y"), key=key))

    assert _pairs(routed) == [BASE, ("x", "app/room"), ("y", "app/room")]
    assert routed.keyless == ("a",)


def test_topics_are_filled_in_and_prefixed() -> None:
    """Templates over vendor, type and source; every topic begins with the namespace."""
    rule = _rule("a", to=("{source}.{type}", "all-of-{vendor}"))

    assert _pairs(_routed(rule, prefix="staging.")) == [
        (f"staging.{BASE[0]}", "app/room"),
        ("staging.rtc.RecordStopped", "app/room"),
        ("staging.all-of-volcengine-rtc", "app/room"),
    ]
    assert _pairs(RouteTable("one", prefix="p.").records_for(EVENT, "rtc")) == [
        ("p.one", "app/room")
    ]


def test_every_topic_is_known_beforehand() -> None:
    """All templates over all types of all sources, once each, sorted."""
    table = RouteTable("{vendor}.{type}", [_rule(to=("from-{source}", "a"))], "p.")

    assert table.topics([("s1", "v", ["T1", "T2"]), ("s2", "v", ["T1"])]) == [
        "p.a",
        "p.from-s1",
        "p.from-s2",
        "p.v.T1",
        "p.v.T2",
    ]
    assert table.topics([]) == []


def test_what_reaches_a_topic_is_known_beforehand() -> None:
    """The types of its events, and the keys that rules give them there."""
    rules = [
        _rule("a", {"type": "T1"}, ("x",), key="{data.a}"),
        _rule("b", {"type": ["T1", "T2"], "data.code": 0}, ("x",)),
        _rule("c", {"source": "s2"}, ("{source}.all",)),
    ]
    table = RouteTable("{vendor}.{type}", rules, "p.")

    assert table.reach([("s1", "v", ["T1", "T2"]), ("s2", "v", ["T1"])]) == {
        "p.v.T1": {"v.T1": {"{subject}"}},
        "p.v.T2": {"v.T2": {"{subject}"}},
        "p.x": {"v.T1": {"{data.a}", "{subject}"}, "v.T2": {"{subject}"}},
        "p.s2.all": {"v.T1": {"{subject}"}},
    }


def test_only_topics_that_can_be_reached_are_known() -> None:
    """A rule's topics count where its vendor, type and source can come; its data may be any."""
    table = RouteTable(
        "base",
        [
            _rule("a", {"vendor": "v", "type": ["T1", "T2"]}, ("{type}",)),
            _rule("b", {"source": "s2", "data.code": 7}, ("b-{type}",)),
            _rule("c", {"vendor": "w"}, ("never",)),
            _rule("d", {"subject": "x"}, ("any",)),
        ],
    )

    assert table.topics([("s1", "v", ["T1", "T3"])]) == ["T1", "any", "base"]
    assert table.topics([("s2", "v", ["T2"])]) == ["T2", "any", "b-T2", "base"]


@pytest.mark.parametrize(
    ("template", "names"),
    [("", []), ("a", []), ("{a}.{data.b}", ["a", "data.b"]), ("{{a}}", ["a"]), ("{", [])],
)
def test_placeholders_are_found(template: str, names: list[str]) -> None:
    """What stands between braces, in order."""
    assert list(placeholders(template)) == names


WHENS = st.sampled_from(
    [{}, {"type": "RecordStopped"}, {"type": "RoomCreate"}, {"data.code": 7}, {"data.code": 8}]
)
RULES = st.lists(
    st.builds(
        _rule,
        st.uuids().map(str),
        WHENS,
        st.lists(st.sampled_from(["a", "b", "{type}", BASE[0]]), max_size=2).map(tuple),
        st.sampled_from(["{subject}", "{data.code}", "{data.absent}"]),
        is_drop=st.sampled_from([False, False, False, True]),
    ),
    max_size=5,
)


@given(rules=RULES, data=st.data())
def test_a_rule_never_changes_what_another_does(rules: list[Rule], data: st.DataObject) -> None:
    """The records are the union of what each rule does alone, in any order; a drop stops all."""
    alone = [_routed(rule) for rule in rules]
    together = _routed(*rules)
    shuffled = _routed(*data.draw(st.permutations(rules)))

    dropped = {name for routed in alone for name in routed.dropped_by}
    assert set(together.dropped_by) == set(shuffled.dropped_by) == dropped
    expected = {BASE}.union(*(_pairs(routed) for routed in alone)) if not dropped else set()
    assert len(_pairs(together)) == len(expected)
    assert set(_pairs(together)) == set(_pairs(shuffled)) == expected
    keyless = {name for routed in alone for name in routed.keyless} if not dropped else set()
    assert set(together.keyless) == keyless
    assert not expected or _pairs(together)[0] == BASE


@given(subject=st.text(min_size=1, max_size=9), value=st.text(max_size=9))
def test_no_topic_comes_from_what_a_sender_wrote(subject: str, value: str) -> None:
    """Whatever the event holds, its topics are those known beforehand; keys are its words."""
    event = msgspec.structs.replace(EVENT, subject=subject, data={"x": value})
    table = RouteTable(rules=[_rule(to=("{type}.{source}",), key="{data.x}")])

    routed = table.records_for(event, "rtc")
    known = table.topics([("rtc", "volcengine-rtc", ["RecordStopped"])])
    assert sorted({record.topic for record in routed.records}) == known
    assert [record.key.decode() for record in routed.records] == [subject, value or subject]

"""What holds for any rules and any event: one meaning, told the same by all who ask."""

from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from router.clock import format_rfc3339
from router.config.yaml_document import read_document
from router.event import Event
from router.routing import RouteTable, Rule, explain, parse_conditions
from router.routing.flow import flow
from tests.unit.routing.asked import EVENT

VENDORS = ["volcengine-rtc", "zego-cloud-player"]
TYPES = ["RoomCreate", "RecordStopped", "Unrecognized"]
SOURCES = ["rtc", "other"]
SUBJECTS = ["app", "app/room", "b"]
INSTANTS = [1_679_383_924_691, 1_679_383_924_692]

NUMBERS = st.integers(-2, 2) | st.sampled_from([-0.5, 0.0, 1.0, 1.5])
PLAIN = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "a", "ab", "b"])
NAMES = st.sampled_from(["a", "b"])
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=6,
)
DATA = st.dictionaries(NAMES, JSON, max_size=2)


def _raw(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data as an Unrecognized event keeps it: members of an object as JSON text."""
    return {
        key: {name: msgspec.Raw(msgspec.json.encode(item)) for name, item in value.items()}
        if isinstance(value, dict)
        else msgspec.Raw(msgspec.json.encode(value))
        for key, value in data.items()
    }


EVENTS = st.builds(
    lambda vendor, name, subject, instant, data: msgspec.structs.replace(
        EVENT,
        type=f"{vendor}.{name}",
        subject=subject,
        time=format_rfc3339(instant),
        data=data,
    ),
    st.sampled_from(VENDORS),
    st.sampled_from(TYPES),
    st.sampled_from(SUBJECTS),
    st.sampled_from(INSTANTS),
    DATA | DATA.map(_raw),
)

VALUES = PLAIN | st.lists(PLAIN, min_size=1, max_size=3)
TESTS = st.recursive(
    VALUES,
    lambda inner: (
        st.dictionaries(st.sampled_from(["not"]), inner, min_size=1)
        | st.dictionaries(
            st.sampled_from(["any", "all"]), st.lists(inner, min_size=1, max_size=2), min_size=1
        )
        | st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), NUMBERS, min_size=1)
        | st.fixed_dictionaries({"exists": st.booleans()})
        | st.fixed_dictionaries({"prefix": st.sampled_from(["a", ["ab", "b"]])})
    ),
    max_leaves=3,
)
MOMENTS = st.sampled_from(INSTANTS).map(format_rfc3339)
LINES = {
    "vendor": st.sampled_from([VENDORS[0], VENDORS, {"not": VENDORS[0]}, {"prefix": "zego"}]),
    "type": st.sampled_from([TYPES[0], TYPES[:2], {"not": TYPES[0]}, {"exists": False}]),
    "source": st.sampled_from([*SOURCES, {"not": ["rtc"]}]),
    "subject": st.sampled_from(SUBJECTS) | st.just({"prefix": "app/"}),
    "time": MOMENTS | st.dictionaries(st.sampled_from(["gt", "lte", "not"]), MOMENTS, min_size=1),
    **dict.fromkeys(["data.a", "data.b", "data.a.a", "data.a.b"], TESTS),
}
WHENS = st.recursive(
    st.fixed_dictionaries({}, optional=LINES).filter(bool),
    lambda inner: st.dictionaries(
        st.sampled_from(["any", "all"]), st.lists(inner, min_size=1, max_size=2), min_size=1
    ),
    max_leaves=3,
)
RULES = st.lists(st.tuples(WHENS | st.just({}), st.sampled_from([False, False, True])), max_size=4)


def _decoded(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list) and value:
        return [each for item in value for each in _flat(item)]
    return [value]


def _named(path: str, event: Event, source: str) -> list[Any]:
    attributes = {
        "vendor": event.type.split(".")[0],
        "type": event.type.split(".")[1],
        "source": source,
        "subject": event.subject,
        "time": event.time,
    }
    if path in attributes:
        return [attributes[path]]
    holders = [_decoded(event.data)]
    for key in path.split(".")[1:]:
        holders = [each for holder in holders for each in _flat(holder)]
        holders = [each[key] for each in holders if isinstance(each, dict) and key in each]
    return [each for holder in holders for each in _flat(holder)]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _meant(asked: Any, found: list[Any]) -> bool:
    """Tell what the README says of one value (`[value]`), or of nothing (`[]`)."""
    if isinstance(asked, list):
        return any(_meant(each, found) for each in asked)
    if not isinstance(asked, dict):
        kinds = {type(each) is bool for each in found}
        return bool(found == [asked]) and kinds == {type(asked) is bool}
    return all(_operator(name, argument, found) for name, argument in asked.items())


def _operator(name: str, argument: Any, found: list[Any]) -> bool:
    if name in ("any", "all"):
        held = [_meant(each, found) for each in argument]
        return any(held) if name == "any" else all(held)
    if name == "exists":
        return bool(found) is bool(argument)
    if not found or found == [[]]:
        return False
    (value,) = found
    if name == "not":
        return not _meant(argument, found)
    if name == "prefix":
        beginnings = argument if isinstance(argument, list) else [argument]
        return isinstance(value, str) and any(value[: len(each)] == each for each in beginnings)
    if isinstance(argument, str):  # these moments are all UTC with three digits
        return bool(value > argument if name == "gt" else value <= argument)
    if not _is_number(value):
        return False
    difference = value - argument
    signs = {"gt": {1}, "gte": {0, 1}, "lt": {-1}, "lte": {-1, 0}}[name]
    return (difference > 0) - (difference < 0) in signs


def meant(when: dict[str, Any], event: Event, source: str) -> bool:
    """Tell whether *when* fits, by the words of the README."""
    for key, asked in when.items():
        if key in ("any", "all"):
            held = [meant(member, event, source) for member in asked]
            if not (any(held) if key == "any" else all(held)):
                return False
        else:
            found = _named(key, event, source)
            if not any(_meant(asked, [each]) for each in found) and (
                found or not _meant(asked, [])
            ):
                return False
    return True


def _rules(written: list[tuple[dict[str, Any], bool]]) -> list[Rule]:
    return [
        Rule(
            name=f"r{number}",
            conditions=parse_conditions(when)[0],
            topics=() if is_drop else (f"t{number}", "shared"),
            is_drop=is_drop,
        )
        for number, (when, is_drop) in enumerate(written)
    ]


@given(written=RULES, event=EVENTS, source=st.sampled_from(SOURCES))
@example([({"data.a": {"not": 0}}, False)], msgspec.structs.replace(EVENT, data={"a": []}), "rtc")
@example([({"data.a.b": {"exists": True}}, False)], msgspec.structs.replace(EVENT, data={}), "rtc")
def test_every_rule_means_what_it_says(
    written: list[tuple[dict[str, Any], bool]], event: Event, source: str
) -> None:
    """What runs, what explains and what the README says agree about every rule."""
    assert all(parse_conditions(when)[1] == [] for when, _ in written)
    table = RouteTable(rules=_rules(written))
    routed = table.records_for(event, source)
    verdicts = explain(table, event, source)

    expected = [meant(when, event, source) for when, _ in written]
    assert [verdict.fits for verdict in verdicts] == expected
    assert [verdict.decided_by is None for verdict in verdicts] == expected
    drops = [f"r{n}" for n, (_, is_drop) in enumerate(written) if is_drop and expected[n]]
    assert list(routed.dropped_by) == drops
    topics = {record.topic for record in routed.records} - {f"callbacks.{event.type}", "shared"}
    adds = {f"t{n}" for n, (_, is_drop) in enumerate(written) if not is_drop and expected[n]}
    assert topics == (set() if drops else adds)


@given(when=WHENS, event=EVENTS, source=st.sampled_from(SOURCES))
def test_what_decided_does_not_fit(when: dict[str, Any], event: Event, source: str) -> None:
    """The condition that a verdict names is a part of the rule that by itself fits neither."""
    (verdict,) = explain(RouteTable(rules=_rules([(when, False)])), event, source)

    if verdict.decided_by is not None:
        decided = read_document("f", f"{{{verdict.decided_by}}}".encode(), {}).data
        assert isinstance(decided, dict)
        assert not meant(decided, event, source)
        assert verdict.decided_by in flow(when)
        (path,) = decided
        if path not in ("any", "all"):
            assert (verdict.seen is UNSET) is (not _named(path, event, source))


@given(written=RULES, event=EVENTS, source=st.sampled_from(SOURCES), data=st.data())
def test_rules_do_not_disturb_each_other(
    written: list[tuple[dict[str, Any], bool]], event: Event, source: str, data: st.DataObject
) -> None:
    """The records are the union of what each rule does alone, in any order; a drop stops all."""
    rules = _rules(written)
    alone = [RouteTable(rules=[rule]).records_for(event, source) for rule in rules]
    shuffled = RouteTable(rules=data.draw(st.permutations(rules))).records_for(event, source)
    together = RouteTable(rules=rules).records_for(event, source)

    dropped = {name for routed in alone for name in routed.dropped_by}
    assert set(together.dropped_by) == set(shuffled.dropped_by) == dropped
    base = RouteTable().records_for(event, source).records
    union = {*base, *(record for routed in alone for record in routed.records)}
    assert set(together.records) == set(shuffled.records) == (set() if dropped else union)
    assert len(together.records) == len(set(together.records))


TEXTS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"])
).filter(lambda text: "${" not in text)


@given(
    value=st.recursive(
        PLAIN | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    )
)
def test_flow_is_yaml(value: object) -> None:
    """What is written in one line is read again as the same value."""
    document = read_document("f", f"[{flow(value)}]".encode(), {})

    assert document.problems == ()
    assert document.data == [value]

"""Conditions: what a line of `when` asks of an event."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.event import Event
from router.routing.conditions import MISSING, Condition, Fault, parse_conditions, value_at

EVENT = Event(
    id="1",
    source="/callbacks/rtc",
    type="volcengine-rtc.RecordStopped",
    subject="app/room",
    time="2023-03-21T07:32:04.691Z",
    dataschema="urn:x",
    recordedtime="2023-03-21T07:32:04.691Z",
    timebasis="event",
    idbasis="vendor",
    traceparent="00-x",
    data={
        "code": 0,
        "share": 1.0,
        "is_on": True,
        "nothing": None,
        "text": "0",
        "empty": "",
        "one": {"deep": {"key": "v"}, "": "unnamed"},
        "many": [1, {"key": "v"}],
        "dotted.key": 1,
    },
)


def _fits(path: str, value: Any) -> bool:
    conditions, faults = parse_conditions({path: value})
    assert faults == []
    return conditions[0].fits(EVENT, "rtc")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vendor", "volcengine-rtc"),
        ("type", "RecordStopped"),
        ("source", "rtc"),
        ("subject", "app/room"),
        ("type", ["RoomCreate", "RecordStopped"]),
        ("data.code", 0),
        ("data.code", 0.0),
        ("data.share", 1),
        ("data.is_on", True),
        ("data.nothing", None),
        ("data.text", "0"),
        ("data.empty", ""),
        ("data.one.deep.key", "v"),
        ("data.code", [1, "x", 0]),
        ("data.is_on", [1, True]),
    ],
    ids=repr,
)
def test_a_condition_fits(path: str, value: object) -> None:
    """Attributes and data at any depth equal the value, or one of the list."""
    assert _fits(path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vendor", "rtc"),
        ("type", "volcengine-rtc.RecordStopped"),
        ("type", "recordstopped"),
        ("source", "/callbacks/rtc"),
        ("data.code", False),
        ("data.code", "0"),
        ("data.code", None),
        ("data.is_on", 1),
        ("data.is_on", [0, 1, "true"]),
        ("data.text", 0),
        ("data.absent", None),
        ("data.absent", ["x", None]),
        ("data.one.absent.key", None),
        ("data.many.key", "v"),
        ("data.many.0", 1),
        ("data.text.key", "0"),
        ("data.nothing.key", None),
        ("data.one", "v"),
        ("data.dotted.key", 1),
    ],
    ids=repr,
)
def test_a_condition_does_not_fit(path: str, value: object) -> None:
    """Kinds are told apart, numbers are one kind, and what is missing fits nothing."""
    assert not _fits(path, value)


def test_an_attribute_is_not_what_data_calls_so() -> None:
    """The four attributes come from the event itself."""
    assert value_at("data.vendor", EVENT, "rtc") is MISSING
    assert value_at("vendor", EVENT, "rtc") == "volcengine-rtc"


@pytest.mark.parametrize(
    ("when", "paths"),
    [
        ({"id": "1"}, [("id",)]),
        ({"data": 1}, [("data",)]),
        ({"data.": 1}, [("data.",)]),
        ({"data..a": 1}, [("data..a",)]),
        ({"": 1}, [("",)]),
        ({"type.x": 1}, [("type.x",)]),
        ({"type": []}, [("type",)]),
        ({"type": {"not": "x"}}, [("type",)]),
        ({"type": ["x", ["y"], {"z": 1}]}, [("type", 1), ("type", 2)]),
        ({"id": [], "type": "x"}, [("id",), ("id",)]),
        ({"type": "x", "source": ["y"]}, []),
        ({}, []),
    ],
    ids=repr,
)
def test_every_fault_is_told_with_its_place(
    when: dict[str, Any], paths: list[tuple[str | int, ...]]
) -> None:
    """All mistakes of a `when` come at once; what is right is kept."""
    conditions, faults = parse_conditions(when)

    assert [fault.path for fault in faults] == paths
    assert all(fault.message for fault in faults)
    wrong = {path[0] for path in paths}
    assert [condition.path for condition in conditions] == [key for key in when if key not in wrong]


def test_a_fault_says_what_to_write() -> None:
    """The words name what would be right."""
    _, (fault,) = parse_conditions({"kind": "x"})

    assert isinstance(fault, Fault)
    assert fault.message.startswith("unknown path")
    assert all(name in fault.message for name in ("vendor", "type", "source", "subject", "data."))


VALUES = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-2, 2) | st.text(max_size=2)


def _is_equal(left: object, right: object) -> bool:
    """Compare as JSON does: one kind of number, and a boolean is none."""
    kinds = [bool, str, type(None)]
    if any(isinstance(left, kind) != isinstance(right, kind) for kind in kinds):
        return False
    return left == right


@given(found=VALUES, wanted=VALUES, others=st.lists(VALUES, max_size=3))
def test_a_list_is_any_of_its_values(found: object, wanted: object, others: list[object]) -> None:
    """One value is equality as JSON has it; a list fits where one of its values would."""
    event = Event(
        **{name: getattr(EVENT, name) for name in Event.__struct_fields__ if name != "data"},
        data={"x": found},
    )

    def fits(value: object) -> bool:
        (condition,), _ = parse_conditions({"data.x": value})
        return condition.fits(event, "rtc")

    assert fits(wanted) == _is_equal(found, wanted)
    assert fits([wanted, *others]) == any(_is_equal(found, value) for value in [wanted, *others])


def test_a_condition_is_a_value() -> None:
    """Equal lines are equal conditions, so that tables compare."""
    first, again = (parse_conditions({"type": ["x", "y"]})[0] for _ in range(2))

    assert first == again
    assert isinstance(first[0], Condition)

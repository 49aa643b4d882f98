"""Conditions: what `when` asks of an event."""

from typing import Any

import pytest

from router.routing import OPERATORS, Fault, parse_conditions
from router.routing.paths import MISSING, value_at
from tests.unit.routing.asked import EVENT, fits


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vendor", "volcengine-rtc"),
        ("type", "RecordStopped"),
        ("source", "rtc"),
        ("subject", "app/room"),
        ("time", "2023-03-21T07:32:04.691Z"),
        ("time", "2023-03-21T15:32:04.691+08:00"),
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
        ("data.many", 1),
        ("data.many", 7),
        ("data.many.key", "v"),
        ("data.many.key", 3),
        ("data.files.vid", ["x", "b"]),
        ("data.body.RoomId", "r"),
        ("data.body.Files.Size", 9),
        ("data.raw.key", 2),
    ],
    ids=repr,
)
def test_a_condition_fits(path: str, value: object) -> None:
    """Attributes and data at any depth equal the value, or one of the list; of lists any does."""
    assert fits({path: value})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("vendor", "rtc"),
        ("type", "volcengine-rtc.RecordStopped"),
        ("type", "recordstopped"),
        ("source", "/callbacks/rtc"),
        ("time", "2023-03-21T07:32:04.692Z"),
        ("data.code", False),
        ("data.code", "0"),
        ("data.code", None),
        ("data.is_on", 1),
        ("data.is_on", [0, 1, "true"]),
        ("data.is_on", [0, 1]),
        ("data.one", [0, 1]),
        ("data.one", ["deep"]),
        ("data.text", 0),
        ("data.absent", None),
        ("data.absent", ["x", None]),
        ("data.one.absent.key", None),
        ("data.many.0", 1),
        ("data.text.key", "0"),
        ("data.nothing.key", None),
        ("data.one", "v"),
        ("data.none", None),
        ("data.dotted.key", 1),
        ("data.raw", "v"),
        ("data.raw.other", 1),
    ],
    ids=repr,
)
def test_a_condition_does_not_fit(path: str, value: object) -> None:
    """Kinds are told apart, numbers are one kind, and what is missing fits nothing."""
    assert not fits({path: value})


@pytest.mark.parametrize(
    ("path", "test", "is_fit"),
    [
        ("data.code", {"not": 1}, True),
        ("data.code", {"not": 0}, False),
        ("data.code", {"not": [1, 0]}, False),
        ("data.code", {"not": "0"}, True),
        ("data.nothing", {"not": 0}, True),
        ("data.absent", {"not": 0}, False),
        ("data.one", {"not": 0}, True),
        ("data.none", {"not": 0}, False),
        ("data.files.size", {"not": 3}, True),
        ("data.files.size", {"not": [3, 20]}, False),
        ("data.text", {"not": {"prefix": "1"}}, True),
        ("data.text", {"not": {"not": "0"}}, True),
        ("type", {"not": "RoomCreate"}, True),
        ("type", {"not": ["RecordStopped"]}, False),
        ("subject", {"prefix": "app/"}, True),
        ("subject", {"prefix": ["x", "app/r"]}, True),
        ("subject", {"prefix": "room"}, False),
        ("data.code", {"prefix": "0"}, False),
        ("data.absent", {"prefix": "0"}, False),
        ("data.code", {"exists": True}, True),
        ("data.code", {"exists": False}, False),
        ("data.nothing", {"exists": True}, True),
        ("data.none", {"exists": True}, True),
        ("data.none.key", {"exists": True}, False),
        ("data.none.key", {"exists": False}, True),
        ("data.empties.of", {"exists": True}, True),
        ("data.files.name", {"exists": False}, False),
        ("data.absent", {"exists": True}, False),
        ("data.absent", {"exists": False}, True),
        ("data.share", {"gt": 0.5}, True),
        ("data.share", {"gt": 1}, False),
        ("data.share", {"gte": 1}, True),
        ("data.share", {"lt": 1}, False),
        ("data.share", {"lte": 1.0}, True),
        ("data.text", {"gte": 0}, False),
        ("data.is_on", {"gte": 0}, False),
        ("data.absent", {"lt": 5}, False),
        ("data.files.size", {"gt": 10}, True),
        ("data.files.size", {"gt": 5, "lt": 10}, False),
        ("data.files.size", {"gt": 5, "lt": 30}, True),
        ("data.files.size", {"all": [{"gt": 5}, {"lt": 10}]}, False),
        ("data.code", {"any": [7, {"lt": 1}]}, True),
        ("data.code", {"any": [7, {"gt": 1}]}, False),
        ("data.absent", {"any": [{"exists": False}, {"lt": 5}]}, True),
        ("data.share", {"any": [{"exists": False}, {"lt": 5}]}, True),
        ("data.code", {"any": [[1, 2], {"not": 0}]}, False),
        ("time", {"gte": "2023-03-21T07:32:04.691Z"}, True),
        ("time", {"gt": "2023-03-21T07:32:04.691Z"}, False),
        ("time", {"lt": "2023-03-21T16:32:05+08:00"}, True),
        ("time", {"not": "2023-03-21T15:32:04.691+08:00"}, False),
        ("time", {"any": ["2023-03-21T15:32:04.691+08:00"]}, True),
    ],
    ids=repr,
)
def test_an_operator_decides(path: str, test: object, is_fit: bool) -> None:  # noqa: FBT001  # a table
    """Several operators ask the same value; `not` needs one that is there."""
    assert fits({path: test}) is is_fit


@pytest.mark.parametrize(
    ("when", "is_fit"),
    [
        ({"any": [{"type": "RoomCreate"}, {"data.code": 0}]}, True),
        ({"any": [{"type": "RecordStopped", "data.code": 1}, {"data.code": 2}]}, False),
        ({"any": [{"data.code": 1}], "type": "RecordStopped"}, False),
        ({"all": [{"data.code": 0}, {"data.code": {"lt": 1}}]}, True),
        ({"all": [{"data.code": 0}, {"data.code": 1}]}, False),
        ({"all": [{"any": [{"data.code": 1}, {"subject": "app/room"}]}, {"source": "rtc"}]}, True),
        ({"any": [{"all": [{"type": "RoomCreate"}, {"vendor": "volcengine-rtc"}]}]}, False),
        ({"any": [{"all": [{"data.code": 0}, {"subject": "x"}]}, {"type": "x"}]}, False),
        ({"any": [{"source": "rtc"}, {"subject": "x"}]}, True),
        ({}, True),
    ],
    ids=repr,
)
def test_conditions_nest(when: dict[str, Any], is_fit: bool) -> None:  # noqa: FBT001  # a table
    """`any` and `all` take whole conditions, also of each other, beside any others."""
    assert fits(when) is is_fit


def test_an_attribute_is_not_what_data_calls_so() -> None:
    """Attributes come from the event itself."""
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
        ({"not": {"type": "x"}}, [("not",), ("not", "type")]),
        ({"type.x": 1}, [("type.x",)]),
        ({"type": []}, [("type",)]),
        ({"type": {}}, [("type",)]),
        ({"type": {"nott": "x", "not": "y"}}, [("type", "nott")]),
        ({"type": {"not": {"prefix": 1}}}, [("type", "not", "prefix")]),
        ({"type": {"not": []}}, [("type", "not")]),
        ({"type": ["x", ["y"], {"z": 1}]}, [("type", 1), ("type", 2)]),
        ({"data.a": {"prefix": ["x", ""]}}, [("data.a", "prefix")]),
        ({"data.a": {"prefix": []}}, [("data.a", "prefix")]),
        ({"data.a": {"exists": 1}}, [("data.a", "exists")]),
        (
            {"data.a": {"gt": "1", "lt": True, "lte": [1]}},
            [("data.a", it) for it in ("gt", "lt", "lte")],
        ),
        ({"data.a": {"any": 1, "all": []}}, [("data.a", "any"), ("data.a", "all")]),
        ({"data.a": {"any": [1, {"all": [{"gt": None}]}]}}, [("data.a", "any", 1, "all", 0, "gt")]),
        ({"time": "yesterday"}, [("time",)]),
        ({"time": {"gt": 1679383924691}}, [("time", "gt")]),
        ({"time": {"prefix": "2023"}}, [("time", "prefix")]),
        ({"any": []}, [("any",)]),
        ({"any": {"type": "x"}}, [("any",)]),
        ({"all": ["x", {}, {"type": "x"}]}, [("all", 0), ("all", 1)]),
        ({"any": [{"type": "x"}, {"all": [{"typ": "x"}]}]}, [("any", 1, "all", 0, "typ")]),
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
    assert len(conditions) == len([key for key in when if key not in wrong])


def test_a_fault_says_what_to_write() -> None:
    """The words name what would be right."""
    _, (path, name) = parse_conditions({"kind": "x", "type": {"is": "y"}})

    assert isinstance(path, Fault)
    assert path.message == (
        "unknown path; use one of vendor, type, source, subject, time, data.<field>, any, all"
    )
    assert name.message == (
        "unknown condition; use a value, a list for any of several, or " + ", ".join(OPERATORS)
    )


def test_a_condition_is_a_value() -> None:
    """Equal lines are equal conditions, so that tables compare."""
    first, again = (parse_conditions({"type": {"not": ["x", "y"]}})[0] for _ in range(2))

    assert first == again

"""What the schema of `when` takes is what conditions are parsed from, by another's validator."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from router.routing import OPERATORS, parse_conditions
from router.routing.schema import definitions

DEFINITIONS = definitions({})
VALIDATOR = Draft202012Validator({"$ref": "#/$defs/When", "$defs": DEFINITIONS})
PLAIN = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", 1.5])
ATTRIBUTES = ["vendor", "type", "source", "subject"]
WRITTEN = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*OPERATORS, "typ"]), inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "data.a"]), inner, max_size=2)
    ),
    max_leaves=5,
)
PATHS = st.sampled_from([*ATTRIBUTES, "data.a", "data.a.b", "any", "all", "data", "data.", "id"])


@given(when=st.dictionaries(PATHS, WRITTEN, max_size=2))
def test_the_schema_takes_what_is_parsed(when: dict[str, Any]) -> None:
    """The two agree about everything but moments, in right rules and in wrong ones."""
    assert VALIDATOR.is_valid(when) == (parse_conditions(when)[1] == [])


@pytest.mark.parametrize(
    ("when", "is_fit"),
    [
        ({"time": {"gte": "2026-11-21T16:00:00+08:00"}}, True),
        ({"time": {"gte": "yesterday"}}, False),
        ({"data.code": {"gt": "5"}}, False),
        ({"data.code": {"not": {"any": [1, {"lt": -1}]}}}, True),
        ({"any": [{"type": "RoomCreate"}, {"all": [{"data.a.b": None}]}]}, True),
        ({"data.code": {"neq": 0}}, False),
        ({"typ": "RoomCreate"}, False),
    ],
    ids=repr,
)
def test_an_editor_sees_what_is_wrong(when: dict[str, Any], is_fit: bool) -> None:  # noqa: FBT001  # a table
    """Words that are none, and values of another kind."""
    assert VALIDATOR.is_valid(when) is is_fit


def test_an_editor_tells_what_an_operator_means() -> None:
    """Each has the line that stands above its class."""
    operators = DEFINITIONS["Operators"]["properties"]

    assert operators["exists"]["description"] == (
        "`exists: true` or `false`: something is there, be it null or an empty list; or nothing is."
    )
    assert all(each["description"].endswith(".") for each in operators.values())


@pytest.mark.parametrize("asked", ["x", ["a", "x"], {"not": "x"}, {"any": ["a", {"not": "x"}]}])
def test_an_attribute_has_words_of_its_own(asked: Any) -> None:
    """Where they are known, no other value may be compared with it, however it is asked."""
    known = definitions({"type": {"enum": ["a", "b"]}})
    validator = Draft202012Validator({"$ref": "#/$defs/When", "$defs": known})
    other = msgspec.json.decode(msgspec.json.encode(asked).replace(b"x", b"b"))

    assert validator.is_valid({"type": other, "source": asked, "data.type": asked})
    assert not validator.is_valid({"type": asked})
    assert validator.is_valid({"type": {"prefix": "x"}})

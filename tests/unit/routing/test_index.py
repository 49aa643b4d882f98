"""Rules that are found by value: none that fits is passed over, and many are that do not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.routing import parse_conditions
from router.routing.index import Index
from tests.unit.routing.asked import with_data

PLAIN: st.SearchStrategy[Any] = st.sampled_from([0, 1, 1.0, True, None, "a"])
WANTED = PLAIN | st.lists(PLAIN, min_size=1, max_size=2)
WHENS = st.fixed_dictionaries({"data.a": WANTED}, optional={"data.b": WANTED}) | st.sampled_from(
    [{}, {"data.a": {"not": 1}}, {"data.b": {"exists": False}}, {"any": [{"data.a": 1}]}]
)
COMPOSITE: st.SearchStrategy[Any] = st.sampled_from([[], {"a": 1}])
FOUND = PLAIN | COMPOSITE | st.lists(PLAIN | COMPOSITE, max_size=2)
DATA = st.dictionaries(st.sampled_from(["a", "b"]), FOUND, max_size=2)


def _index(whens: list[dict[str, Any]]) -> Index[int]:
    return Index([(parse_conditions(when)[0], number) for number, when in enumerate(whens)])


@given(whens=st.lists(WHENS, min_size=4, max_size=10), data=DATA)
def test_whatever_fits_is_left(whens: list[dict[str, Any]], data: dict[str, Any]) -> None:
    """Of all that fit none is missing and each is there once, in its place."""
    event = with_data(data)
    left = list(_index(whens).left(event, "rtc"))

    fitting = [
        number
        for number, when in enumerate(whens)
        if all(condition.fits(event, "rtc") for condition in parse_conditions(when)[0])
    ]
    assert [number for number in left if number in fitting] == fitting
    assert left == sorted(set(left))


@pytest.mark.parametrize(
    ("data", "left"),
    [
        ({"a": "r2"}, [2, 6]),
        ({"a": "r4"}, [5, 6]),
        ({"a": "r5"}, [5, 6]),
        ({"a": ["r1", "r3"]}, [1, 3, 6]),
        ({"a": 5.0}, [4, 6]),
        ({"a": "r9", "b": 0}, [6]),
        ({"a": {"x": 1}}, [6]),
        ({}, [6]),
    ],
    ids=repr,
)
def test_who_wants_another_value_is_passed_over(data: dict[str, Any], left: list[int]) -> None:
    """By the path of the most values, not by one that all want alike; others are always asked."""
    whens: list[dict[str, Any]] = [{"data.b": 0, "data.a": f"r{number}"} for number in range(4)]
    whens += [{"data.a": 5}, {"data.a": ["r4", "r5"]}, {"data.a": {"prefix": "r"}}]

    assert list(_index(whens).left(with_data(data), "rtc")) == left


def test_a_few_values_are_not_looked_up() -> None:
    """Asking three rules costs less."""
    whens = [{"data.a": number} for number in range(3)]

    assert list(_index(whens).left(with_data({}), "rtc")) == [0, 1, 2]

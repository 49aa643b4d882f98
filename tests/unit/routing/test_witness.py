"""Tests that nothing could fit, and that something could."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.routing.operators import Reader
from router.routing.witness import can_fit
from tests.unit.routing.test_properties import PLAIN, TESTS


@pytest.mark.parametrize(
    "asked",
    [
        {"gt": 5, "lt": 3},
        {"gt": 5, "lt": 5},
        {"gt": 5, "lte": 5},
        {"exists": False, "all": [0]},
        {"exists": False, "not": 0},
        {"all": [1, 2]},
        {"all": [[1, 2], {"not": [2, 1]}]},
        {"prefix": "a", "not": {"prefix": "a"}},
        {"prefix": "a", "gt": 1},
        {"not": {"any": [{"exists": True}, 1]}},
        {"not": {"exists": True}},
        {"prefix": "ab", "all": [{"prefix": "b"}]},
        {"any": [{"gt": 3, "lt": 2}, {"all": [True, 1]}]},
    ],
    ids=repr,
)
def test_nothing_fits_a_contradiction(asked: Any) -> None:
    """Whatever an event holds."""
    assert not can_fit(Reader("data.x").test(asked, ()))


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"gt": 5, "lt": 6}, [float]),
        ({"gt": 5, "lt": 5.5}, [float]),
        ({"gte": 5, "lte": 5}, [int]),
        ({"gte": 0.5, "lt": 1.5}, [int]),
        ({"gt": 10**99, "lt": 10**99 + 2}, [int]),
        ({"gt": 1e308, "lt": 1.5e308}, [int]),
        ({"prefix": "a", "not": ["a", "ab"]}, [str]),
        ({"not": {"prefix": "a"}}, [str]),
        ({"not": [True, None]}, [bool]),
        ({"not": 0}, [dict]),
        ({"exists": False}, []),
        (None, []),
        ({"exists": True}, [list]),
        ("x", [str]),
    ],
    ids=repr,
)
def test_something_fits(asked: Any, kinds: list[type]) -> None:
    """And a value of the kind is found; of no other kind is needed."""
    assert can_fit(Reader("data.x").test(asked, ()), kinds)


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ({"gt": 5, "lt": 6}, [int]),
        ("1", [int, float, bool, dict, list]),
        (1.5, [int]),
        (True, [int, float, str]),
        ({"prefix": "a"}, [int]),
        ({"gt": 1}, [str, bool, dict, list]),
        ({"not": [0, None]}, [list]),
    ],
    ids=repr,
)
def test_nothing_of_other_kinds_fits(asked: Any, kinds: list[type]) -> None:
    """A field's documented kind decides."""
    assert not can_fit(Reader("data.x").test(asked, ()), kinds)


@given(asked=TESTS, value=PLAIN | st.just({}) | st.sampled_from(["c", "abc", 7, -7.25]))
def test_what_fits_could_fit(asked: Any, value: object) -> None:
    """No test is said to fit nothing that fits a value."""
    test = Reader("data.x").test(asked, ())

    assert can_fit(test) or not test.fits(value)

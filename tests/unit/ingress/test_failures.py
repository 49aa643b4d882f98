"""Token buckets: what strangers may cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ingress.failures import Buckets


def test_a_burst_is_allowed_and_then_a_rate() -> None:
    """Three at once, then one every two seconds; a moment earlier there is none."""
    buckets = Buckets(rate=0.5, burst=3)

    assert [buckets.take("a", 10.0) for _ in range(5)] == [True, True, True, False, False]
    assert [buckets.take("a", now) for now in (11.9, 12.0, 12.0, 13.9, 14.0)] == [
        False,
        True,
        False,
        False,
        True,
    ]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    """A long silence saves nothing up."""
    buckets = Buckets(rate=10, burst=2)

    assert [buckets.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert [buckets.take("a", 1e6) for _ in range(3)] == [True, True, False]


def test_keys_have_buckets_of_their_own() -> None:
    """What one address did is not held against another."""
    buckets = Buckets(rate=0.0, burst=1)

    assert [buckets.take(key, 0.0) for key in "abab"] == [True, True, False, False]


@pytest.mark.parametrize(("others", "is_forgotten"), [(9_999, False), (10_000, True)])
def test_the_oldest_key_is_forgotten(others: int, *, is_forgotten: bool) -> None:
    """Many addresses cannot fill the memory: ten thousand are remembered, the latest ones."""
    buckets = Buckets(rate=0.0, burst=1)
    buckets.take("first", 0.0)
    for number in range(others):
        buckets.take(str(number), 0.0)

    assert buckets.take("first", 0.0) == is_forgotten


def test_a_key_that_is_asked_for_stays() -> None:
    """The oldest is the one that was longest not asked for."""
    buckets = Buckets(rate=0.0, burst=1)
    for number in range(10_000):
        buckets.take(str(number), 0.0)
    buckets.take("0", 0.0)
    buckets.take("new", 0.0)

    assert not buckets.take("0", 0.0)
    assert buckets.take("1", 0.0)


@given(
    gaps=st.lists(st.floats(0, 100), max_size=50),
    rate=st.floats(0.01, 10),
    burst=st.integers(1, 10),
)
def test_no_more_than_the_burst_and_the_rate_are_taken(
    gaps: list[float], rate: float, burst: int
) -> None:
    """Over any times, what is allowed is at most the burst and what the rate refilled."""
    buckets = Buckets(rate, burst)
    now = taken = 0.0
    for gap in gaps:
        now += gap
        taken += buckets.take("a", now)

    assert taken <= burst + rate * now + 1e-6

"""What follows from an outcome: every row of the table."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.consume.settle import (
    FIRST_BACKOFF_SECS,
    LEAST_RETRY_SECS,
    MAX_BACKOFF_SECS,
    Again,
    Dead,
    Failed,
    Failures,
    Finish,
    Unreadable,
    backoff_secs,
    settle,
)
from router.handler import Context, DeadLetter, Event, Handler, Outcome, Retry, handler

NOW = 1000.0
AFRESH = Failures()
PATIENCE_SECS = 300.0


async def _nothing(event: Event[object], context: Context) -> Outcome:
    del event, context
    return None


def _handler(retry_for_secs: float = PATIENCE_SECS) -> Handler:
    return handler("h", events=[Event], retry_for_secs=retry_for_secs)(_nothing)


Given = Retry | DeadLetter | Failed | Unreadable | None

RAISED = Failed("failed", "ValueError: no")
SLOW = Failed("timeout", "longer than 30 s")
LATER = Retry(5.0)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (None, Finish()),
        (LATER, Again(NOW + 5.0, Failures(1, NOW))),
        (Retry(), Again(NOW + 0.1, Failures(1, NOW))),
        (Retry(0), Again(NOW + 0.1, Failures(1, NOW))),
        (Retry(1e-300), Again(NOW + 0.1, Failures(1, NOW))),
        (Retry(1e300), Dead("retried", "asked to be tried again in 1e+300 s", Failures(1, NOW))),
        (RAISED, Again(NOW + 0.1, Failures(1, NOW))),
        (SLOW, Again(NOW + 0.1, Failures(1, NOW))),
        (DeadLetter("spam"), Dead("rejected", "spam", Failures(1, NOW))),
        (
            Unreadable("undecodable", "no JSON"),
            Dead("undecodable", "no JSON", Failures(1, NOW)),
        ),
        (Unreadable("bad-field", "no int"), Dead("bad-field", "no int", Failures(1, NOW))),
    ],
    ids=[
        "nothing",
        "retry",
        "retry-soon",
        "retry-at-once",
        "retry-tiny",
        "retry-huge",
        "raised",
        "slow",
        "dead",
        "undecodable",
        "bad-field",
    ],
)
def test_a_first_outcome_is_settled(outcome: Given, expected: Finish | Again | Dead) -> None:
    """Done, tried again, or put aside at once."""
    assert settle(outcome, _handler(), AFRESH, NOW, jitter=0.0) == expected


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (RAISED, Dead("failed", "ValueError: no", Failures(8, NOW - PATIENCE_SECS))),
        (SLOW, Dead("timeout", "longer than 30 s", Failures(8, NOW - PATIENCE_SECS))),
        (
            LATER,
            Dead("retried", "asked to be tried again in 5 s", Failures(8, NOW - PATIENCE_SECS)),
        ),
        (
            Retry(),
            Dead("retried", "asked to be tried again", Failures(8, NOW - PATIENCE_SECS)),
        ),
        (None, Finish()),
    ],
    ids=["raised", "slow", "retry", "retry-soon", "nothing"],
)
def test_patience_ends(outcome: Given, expected: Finish | Dead) -> None:
    """After `retry_for_secs` since the first failure the event is a dead letter; success counts."""
    before = Failures(7, NOW - PATIENCE_SECS)

    assert settle(outcome, _handler(), before, NOW, jitter=0.0) == expected


def test_a_wait_that_ends_with_the_patience_is_waited() -> None:
    """The last attempt may be at the very end."""
    before = Failures(7, NOW - PATIENCE_SECS + 5.0)

    assert settle(LATER, _handler(), before, NOW, jitter=0.0) == Again(
        NOW + 5.0, Failures(8, NOW - PATIENCE_SECS + 5.0)
    )


@pytest.mark.parametrize(
    ("attempts", "most"),
    [(1, 0.2), (2, 0.4), (3, 0.8), (8, 25.6), (9, 30.0), (1_000_000, 30.0)],
    ids=str,
)
def test_the_wait_doubles_up_to_a_bound(attempts: int, most: float) -> None:
    """Half of it is by chance."""
    assert backoff_secs(attempts, 0.0) == pytest.approx(most / 2)
    assert backoff_secs(attempts, 1.0) == pytest.approx(most)


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_every_wait_is_within_its_bounds(attempts: int, jitter: float) -> None:
    """Never nothing, never longer than the longest."""
    assert FIRST_BACKOFF_SECS / 2 <= backoff_secs(attempts, jitter) <= MAX_BACKOFF_SECS


@pytest.mark.parametrize(
    "after_secs",
    [-1, -1e-9, math.nan, math.inf, -math.inf, True, "5", [5]],
    ids=str,
)
def test_a_wait_that_no_clock_knows_is_refused(after_secs: Any) -> None:
    """Where it is written, in the handler: the message says what was given and what may be."""
    with pytest.raises(ValueError, match="use seconds from 0 on, or None") as refused:
        Retry(after_secs)

    assert f"after_secs={after_secs!r}" in str(refused.value)


@given(
    st.one_of(st.none(), st.floats(min_value=0, allow_infinity=False)),
    st.integers(0, 99),
    st.floats(0, 600),
    st.floats(0, 1),
)
def test_whatever_a_handler_asks_for_its_event_is_tried_soon_or_dead(
    after_secs: float | None, attempts: int, since: float, jitter: float
) -> None:
    """No wait is endless, or nothing: a lane would stop, or spin."""
    before = Failures(attempts, NOW - since)
    decision = settle(Retry(after_secs), _handler(), before, NOW, jitter)

    if isinstance(decision, Again):
        assert NOW + LEAST_RETRY_SECS <= decision.at <= NOW + PATIENCE_SECS
        assert decision.failures.attempts == attempts + 1
    else:
        assert isinstance(decision, Dead)


@given(st.lists(st.sampled_from([RAISED, SLOW, LATER, Retry()]), max_size=200), st.floats(0, 1))
def test_failures_end_in_a_dead_letter_in_time(outcomes: list[Given], jitter: float) -> None:
    """However they mix, no event is tried for longer than `retry_for_secs`."""
    failures, now = AFRESH, NOW
    for number, outcome in enumerate(outcomes, 1):
        decision = settle(outcome, _handler(60.0), failures, now, jitter)
        assert not isinstance(decision, Finish)
        assert decision.failures == Failures(number, NOW)
        if isinstance(decision, Dead):
            break
        assert now < decision.at <= NOW + 60.0
        now, failures = decision.at, decision.failures

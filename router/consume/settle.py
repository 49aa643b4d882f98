"""What follows from the outcome of a handler's call: a table, pure.

| outcome | then |
|---|---|
| nothing returned | finished |
| `Retry` | again after its time, at least `LEAST_RETRY_SECS`, or the back-off's |
| an exception, or longer than `timeout_secs` | again after the back-off's time |
| either of the two, `retry_for_secs` after the first failure | dead letter: `failed`, `timeout` or `retried` |
| `DeadLetter` | dead letter: `rejected` |
| no event, or data that does not fit the class | dead letter at once: `undecodable`, `bad-field` |
"""

from typing import Literal, assert_never

import msgspec

from router.handler import DeadLetter, Handler, Retry

FIRST_BACKOFF_SECS = 0.2
MAX_BACKOFF_SECS = 30.0
LEAST_RETRY_SECS = FIRST_BACKOFF_SECS / 2
"""As soon as a back-off may be over: `Retry(0)` again and again must not take a whole processor."""

Reason = Literal["undecodable", "bad-field", "rejected", "failed", "timeout", "retried"]
"""Why an event is a dead letter; a metric's label."""


class Failed(msgspec.Struct, frozen=True):
    """The call did not return.

    Attributes:
        reason: Whether it raised or took too long.
        detail: The exception, for the dead letter's headers.
    """

    reason: Literal["failed", "timeout"]
    detail: str


class Unreadable(msgspec.Struct, frozen=True):
    """There was nothing to call the handler with."""

    reason: Literal["undecodable", "bad-field"]
    detail: str


class Failures(msgspec.Struct, frozen=True):
    """What an event has behind it: how many failed attempts, and when the first one was."""

    attempts: int = 0
    first_at: float = 0.0


class Finish(msgspec.Struct, frozen=True):
    """The event is done."""


class Again(msgspec.Struct, frozen=True):
    """The event is tried again, its key waits."""

    at: float
    failures: Failures


class Dead(msgspec.Struct, frozen=True):
    """The event is put aside."""

    reason: Reason
    detail: str
    failures: Failures


def settle(
    outcome: Retry | DeadLetter | Failed | Unreadable | None,
    handler: Handler,
    before: Failures,
    now: float,
    jitter: float,
) -> Finish | Again | Dead:
    """Return what follows.

    Args:
        outcome: Of this attempt.
        handler: Whose patience counts.
        before: The failures of earlier attempts.
        now: Seconds of any steady clock.
        jitter: From 0 to 1, by chance: so that many failures do not come back at once.
    """
    if outcome is None:
        return Finish()
    first_at = before.first_at if before.attempts else now
    failures = Failures(before.attempts + 1, first_at)
    after_secs: float | None = None
    reason: Reason
    match outcome:
        case DeadLetter():
            return Dead("rejected", outcome.reason, failures)
        case Unreadable():
            return Dead(outcome.reason, outcome.detail, failures)
        case Failed():
            reason, detail = outcome.reason, outcome.detail
        case Retry():
            after_secs, reason = outcome.after_secs, "retried"
            detail = f"asked to be tried again{_in_words(after_secs)}"
        case _:
            assert_never(outcome)
    if after_secs is None:
        after_secs = backoff_secs(failures.attempts, jitter)
    at = now + max(LEAST_RETRY_SECS, after_secs)
    if at - first_at > handler.retry_for_secs:
        return Dead(reason, detail, failures)
    return Again(at, failures)


def backoff_secs(attempts: int, jitter: float) -> float:
    """Return the time after so many failures: doubled each time, bounded, half of it by chance."""
    whole: float = min(MAX_BACKOFF_SECS, FIRST_BACKOFF_SECS * 2 ** min(attempts - 1, 30))
    return whole * (0.5 + jitter / 2)


def _in_words(after_secs: float | None) -> str:
    return "" if after_secs is None else f" in {after_secs:g} s"

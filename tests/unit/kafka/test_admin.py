"""What is made of the cluster's answers about topics."""

from typing import Any

import pytest

from router.kafka.admin import TopicState, _state


def _answer(code: int, *partitions: tuple[int, list[int]]) -> dict[str, Any]:
    """Return an answer about the topic `t`: its error, and leader and copies of each partition."""
    described = [{"leader": leader, "replicas": replicas} for leader, replicas in partitions]
    return {"error_code": code, "topic": "t", "partitions": described}


def test_a_topic_is_as_its_partitions_are() -> None:
    """The fewest copies count, and partitions without a leader."""
    state = _state(_answer(0, (1, [1, 2, 3]), (-1, [2, 3]), (3, [1, 2, 3])))

    assert state == TopicState(name="t", partitions=3, replication=2, leaderless=1)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (0, "being made"),
        (3, "being made or deleted, ask again: UnknownTopicOrPartitionError"),
        (5, "being made, or all its brokers are away: LeaderNotAvailableError"),
        (29, "not authorised: TopicAuthorizationFailedError"),
        (7, "RequestTimedOutError"),
    ],
)
def test_a_topic_that_is_not_ready_has_a_fault(code: int, fault: str) -> None:
    """It says what the error means, and how Kafka calls it."""
    assert _state(_answer(code)).fault == fault

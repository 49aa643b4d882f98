"""What a plan makes of what the cluster has."""

import pytest
from msgspec.structs import replace

from router.kafka.admin import TopicState
from router.tools.topics import Plan, Wanted, plan

WANTED = Wanted(
    partitions=6,
    replication=3,
    min_insync_replicas=2,
    retention_ms=604_800_000,
    max_message_bytes=2 << 20,
)
AS_WANTED = TopicState(
    name="t",
    partitions=6,
    replication=3,
    settings={
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": "2",
        "max.message.bytes": "2097152",
        "retention.ms": "604800000",
        "cleanup.policy": "delete",
        "unclean.leader.election.enable": "false",
    },
)
NEVER_LOWERED = "nothing is lowered"
MOVED = "keys change their partition then: order across that moment is lost"
REASSIGN = "kafka-reassign-partitions changes it"


def _with(**changes: str) -> TopicState:
    """Return the topic with other settings, `_` for `.` in their names."""
    settings = {name.replace("_", "."): value for name, value in changes.items()}
    return replace(AS_WANTED, settings={**AS_WANTED.settings, **settings})


def _planned(state: TopicState) -> Plan:
    return plan(["t"], WANTED, {"t": state}, 3)


def test_what_is_as_wanted_is_unchanged() -> None:
    """Nothing is missing, nothing differs, nothing is doubted."""
    assert _planned(AS_WANTED) == Plan(brokers=3, unchanged=("t",))


def test_what_is_not_there_is_missing() -> None:
    """It is planned as configured."""
    planned = plan(["t"], WANTED, {}, 3)

    settings = dict(list(AS_WANTED.settings.items())[:4])
    assert planned == Plan(brokers=3, missing=(replace(AS_WANTED, settings=settings),))


def test_topics_of_handlers_take_larger_records() -> None:
    """A dead letter is the record that could not be handled, and says more in its headers."""
    wanted = replace(WANTED, written=frozenset({"dead"}))

    sizes = [t.settings["max.message.bytes"] for t in plan(["t", "dead"], wanted, {}, 3).missing]

    assert sizes == ["2097152", "2162688"]


@pytest.mark.parametrize(
    ("state", "text", "is_growth", "remark"),
    [
        (replace(AS_WANTED, partitions=2), "partitions: 2 -> 6", True, MOVED),
        (replace(AS_WANTED, partitions=8), "partitions: 8 -> 6", False, NEVER_LOWERED),
        (replace(AS_WANTED, replication=2), "replication: 2 -> 3", False, REASSIGN),
        (replace(AS_WANTED, replication=4), "replication: 4 -> 3", False, REASSIGN),
        (_with(retention_ms="5400000"), "retention.ms: 90m -> 7d", True, ""),
        (_with(retention_ms="1"), "retention.ms: 1ms -> 7d", True, ""),
        (_with(retention_ms="0"), "retention.ms: 0 -> 7d", True, ""),
        (_with(retention_ms="691200000"), "retention.ms: 8d -> 7d", False, NEVER_LOWERED),
        (_with(retention_ms="-1"), "retention.ms: no bound -> 7d", False, NEVER_LOWERED),
        (_with(max_message_bytes="1048588"), "max.message.bytes: 1048588 -> 2MiB", True, ""),
        (
            _with(max_message_bytes="3145728"),
            "max.message.bytes: 3MiB -> 2MiB",
            False,
            NEVER_LOWERED,
        ),
        (_with(min_insync_replicas="1"), "min.insync.replicas: 1 -> 2", True, ""),
        (_with(min_insync_replicas="3"), "min.insync.replicas: 3 -> 2", False, NEVER_LOWERED),
        (
            _with(message_timestamp_type="CreateTime"),
            "message.timestamp.type: CreateTime -> LogAppendTime",
            True,
            "",
        ),
    ],
)
def test_growing_only_adds(state: TopicState, text: str, is_growth: bool, remark: str) -> None:  # noqa: FBT001 - a row of the table
    """What would take something away stays as it is, and the plan says so."""
    planned = _planned(state)

    ((change,),) = planned.differing.values()
    assert (str(change), change.is_growth, change.remark) == (text, is_growth, remark)
    assert planned.unchanged == ()


def test_more_in_sync_copies_than_there_are_copies_stay() -> None:
    """Kafka would refuse every write, so growing does not ask for them."""
    one_copy = replace(_with(min_insync_replicas="1"), replication=1)

    changes = {change.setting: change for change in _planned(one_copy).differing["t"]}

    assert not changes["min.insync.replicas"].is_growth
    assert changes["min.insync.replicas"].remark.startswith("with 1 of a record")


@pytest.mark.parametrize(
    ("state", "warning"),
    [
        (
            _with(min_insync_replicas="1"),
            "min.insync.replicas is 1, less than configured: a 200 may",
        ),
        (
            replace(AS_WANTED, replication=1),
            "min.insync.replicas is 2 with 1 copies: Kafka refuses",
        ),
        (_with(unclean_leader_election_enable="true"), "unclean.leader.election.enable is true: a"),
        (_with(cleanup_policy="compact,delete"), "cleanup.policy is compact: only the last event"),
        (_with(message_timestamp_type="CreateTime"), "message.timestamp.type is CreateTime: reten"),
        (replace(AS_WANTED, leaderless=2), "2 partitions have no leader: Kafka takes no record"),
    ],
)
def test_less_than_promised_is_told(state: TopicState, warning: str) -> None:
    """One warning, with the topic that it is about."""
    (told,) = _planned(state).warnings

    assert told.startswith(warning)
    assert told.endswith(": t")


def test_a_small_cluster_caps_and_is_told() -> None:
    """One broker: one copy, one in sync, and what that means; many topics share one line."""
    planned = plan(["a", "b", "c", "d"], WANTED, {}, 1)

    assert {(t.replication, t.settings["min.insync.replicas"]) for t in planned.missing} == {
        (1, "1")
    }
    assert [text.split(":")[0] for text in planned.warnings] == [
        "replication 3 is more than the 1 brokers",
        "min.insync.replicas is 1, less than configured",
    ]
    assert planned.warnings[1].endswith(": a, b and 2 more")


def test_what_cannot_be_judged_is_neither_missing_nor_different() -> None:
    """Its fault is told, nothing else is said of it."""
    planned = _planned(replace(AS_WANTED, partitions=1, settings={}, fault="being made"))

    assert planned == Plan(brokers=3, faults={"t": "being made"})


@pytest.mark.parametrize(
    ("partitions", "remedy"),
    [
        (2, "a 2, b 6; `topics apply --grow` makes them equal"),
        (8, "b 6, a 8; set topics.partitions to 8 and `topics apply --grow` makes them equal"),
    ],
)
def test_topics_of_a_handler_are_equal(partitions: int, remedy: str) -> None:
    """One that there is and one that is missing would differ: said before it is made."""
    found = {"a": replace(AS_WANTED, name="a", partitions=partitions)}

    planned = plan(["a", "b", "c"], WANTED, found, 3, {"h": ["a", "b"], "one": ["a"]})

    (told,) = planned.warnings
    assert told.startswith("handler h needs equal numbers of partitions and would not start: ")
    assert told.endswith(remedy)

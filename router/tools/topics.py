"""What the configuration needs of topics against what the cluster has.

Design: a plan is a value that is shown before anything is done, and `apply` makes what is missing
and nothing else: a topic with data in it is never changed behind its users' backs.
"""

from collections.abc import Mapping, Sequence

import msgspec

from router.kafka.admin import TopicState


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How topics shall be.

    Attributes:
        partitions: Of each topic.
        replication: Copies of each partition; fewer on a smaller cluster.
        min_insync_replicas: Copies that must have a record before it counts.
        retention_ms: How long records are kept.
        max_message_bytes: Largest record.
    """

    partitions: int
    replication: int
    min_insync_replicas: int
    retention_ms: int
    max_message_bytes: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `apply` would do, and what it would leave as it is.

    Attributes:
        brokers: Of the cluster.
        missing: Topics to make.
        differing: What is not as configured, by topic; nothing is done about it.
        complete: How many topics are there, differing or not.
        warnings: About the plan as a whole.
    """

    brokers: int
    missing: tuple[TopicState, ...]
    differing: Mapping[str, Sequence[str]]
    complete: int
    warnings: tuple[str, ...] = ()


def plan(
    names: Sequence[str], wanted: Wanted, found: Mapping[str, TopicState], brokers: int
) -> Plan:
    """Return what is missing and what differs; replication is capped by the number of brokers."""
    replication = min(wanted.replication, brokers)
    in_sync = min(wanted.min_insync_replicas, replication)
    warnings: list[str] = []
    if replication < wanted.replication:
        warnings.append(
            f"replication {wanted.replication} is more than the {brokers} brokers: "
            f"topics get {replication}, and a lost broker loses events"
        )
    settings = {
        "message.timestamp.type": "LogAppendTime",  # a wrong clock of ours must refuse nothing
        "min.insync.replicas": str(in_sync),
        "max.message.bytes": str(wanted.max_message_bytes),
        "retention.ms": str(wanted.retention_ms),
    }
    differing: dict[str, Sequence[str]] = {}
    missing: list[TopicState] = []
    for name in names:
        target = TopicState(
            name=name, partitions=wanted.partitions, replication=replication, settings=settings
        )
        state = found.get(name)
        if state is None:
            missing.append(target)
        elif differences := _differences(state, target):
            differing[name] = differences
    return Plan(
        brokers=brokers,
        missing=tuple(missing),
        differing=differing,
        complete=len(names) - len(missing),
        warnings=tuple(warnings),
    )


def _differences(state: TopicState, target: TopicState) -> list[str]:
    pairs = {
        "partitions": (state.partitions, target.partitions),
        "replication": (state.replication, target.replication),
        **{
            key: (state.settings.get(key, "unset"), value) for key, value in target.settings.items()
        },
    }
    return [f"{name} is {has}, not {shall}" for name, (has, shall) in pairs.items() if has != shall]

"""What the configuration needs of topics against what the cluster has.

Design: a plan is a value that is shown before anything is done. `apply` makes what is missing, and
nothing else unless it is told to grow: a topic with data in it is not changed behind its users'
backs. What growing may do is what takes nothing away: more partitions, a longer retention, larger
records, more copies before a write counts. Nothing is ever deleted or lowered.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from router.kafka.admin import KafkaAdmin, TopicState

PARTITIONS = "partitions"
REPLICATION = "replication"
_IN_SYNC = "min.insync.replicas"
_TIME = "message.timestamp.type"
_UNITS: Mapping[str, Sequence[tuple[int, str]]] = {
    "retention.ms": ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")),
    "max.message.bytes": ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "")),
}
DEAD_LETTER_BYTES = 64 * 1024
"""What the headers of a dead letter may add to a record."""

_NAMED = 2
"""Topics that a warning names; of the others it tells how many there are."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How topics shall be.

    Attributes:
        partitions: Of each topic.
        replication: Copies of each partition; fewer on a smaller cluster.
        min_insync_replicas: Copies that must have a record before it counts.
        retention_ms: How long records are kept.
        max_message_bytes: Largest record.
        written: Topics of handlers, whose records may be larger by `DEAD_LETTER_BYTES`.
    """

    partitions: int
    replication: int
    min_insync_replicas: int
    retention_ms: int
    max_message_bytes: int
    written: frozenset[str] = frozenset()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a topic that is not as configured.

    Attributes:
        setting: `partitions`, `replication`, or Kafka's name.
        has: As the topic has it, in Kafka's words.
        shall: As configured.
        is_growth: Whether growing makes it so.
        remark: What growing costs, or why it does not.
    """

    setting: str
    has: str
    shall: str
    is_growth: bool
    remark: str = ""

    def __str__(self) -> str:
        """Return `retention.ms: 1d -> 7d`."""
        return f"{self.setting}: {_shown(self.setting, self.has)} -> {self.shown_target}"

    @property
    def shown_target(self) -> str:
        """What it shall be, as a person writes it."""
        return _shown(self.setting, self.shall)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `apply` would do, and what it would leave as it is.

    Attributes:
        brokers: Of the cluster.
        missing: Topics to make.
        differing: What is not as configured, by topic.
        unchanged: Topics that are as configured.
        faults: Why a topic cannot be judged now, by topic.
        warnings: Where less is promised than was configured.
    """

    brokers: int
    missing: tuple[TopicState, ...] = ()
    differing: Mapping[str, tuple[Change, ...]] = msgspec.field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    faults: Mapping[str, str] = msgspec.field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def plan(
    names: Sequence[str],
    wanted: Wanted,
    found: Mapping[str, TopicState],
    brokers: int,
    readers: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """Return what is missing and what differs; replication is capped by the number of brokers.

    Args:
        names: The topics that are needed.
        wanted: How they shall be.
        found: Those that there are.
        brokers: How many the cluster has.
        readers: Topics whose partitions must be equal in number, by handler.
    """
    targets = {name: _target(name, wanted, brokers) for name in names}
    faults = {name: found[name].fault for name in names if name in found and found[name].fault}
    judged = {name: state for name, state in found.items() if name in targets and not state.fault}
    changes = {name: tuple(_changes(judged[name], targets[name])) for name in sorted(judged)}
    after = {**targets, **judged}
    return Plan(
        brokers=brokers,
        missing=tuple(targets[name] for name in names if name not in found),
        differing={name: differences for name, differences in changes.items() if differences},
        unchanged=tuple(name for name, differences in changes.items() if not differences),
        faults=faults,
        warnings=(
            *_cap(wanted, brokers),
            *_grouped((after[name] for name in names if name not in faults), wanted),
            *_unequal(readers or {}, after, wanted.partitions),
        ),
    )


async def applied(admin: KafkaAdmin, planned: Plan, *, is_growing: bool) -> dict[str, str]:
    """Make what is missing and, if told so, let the others grow; return what failed, by topic.

    It can be run again at any time: what is done is not in the next plan.

    Raises:
        UnavailableError: The cluster does not answer.
    """
    failed = await admin.create(planned.missing) if planned.missing else {}
    if not is_growing:
        return failed
    growing = {
        name: {change.setting: change.shall for change in changes if change.is_growth}
        for name, changes in planned.differing.items()
    }
    totals = {name: new.pop(PARTITIONS) for name, new in growing.items() if PARTITIONS in new}
    failed |= await admin.set_settings({name: new for name, new in growing.items() if new})
    for name, total in totals.items():
        error = await admin.raise_partitions(name, int(total))
        if error:
            failed[name] = error
    return failed


def _target(name: str, wanted: Wanted, brokers: int) -> TopicState:
    replication = min(wanted.replication, brokers)
    more_bytes = DEAD_LETTER_BYTES if name in wanted.written else 0
    return TopicState(
        name=name,
        partitions=wanted.partitions,
        replication=replication,
        settings={
            _TIME: "LogAppendTime",  # a wrong clock of ours must refuse nothing
            _IN_SYNC: str(min(wanted.min_insync_replicas, replication)),
            "max.message.bytes": str(wanted.max_message_bytes + more_bytes),
            "retention.ms": str(wanted.retention_ms),
        },
    )


def _changes(state: TopicState, target: TopicState) -> Iterator[Change]:
    pairs = {
        PARTITIONS: (str(state.partitions), str(target.partitions)),
        REPLICATION: (str(state.replication), str(target.replication)),
        **{
            key: (state.settings.get(key, "unknown"), value)
            for key, value in target.settings.items()
        },
    }
    for setting, (has, shall) in pairs.items():
        if has != shall:
            is_growth, remark = _judged(setting, has, shall, state.replication)
            yield Change(setting=setting, has=has, shall=shall, is_growth=is_growth, remark=remark)


def _judged(setting: str, has: str, shall: str, copies: int) -> tuple[bool, str]:
    """Return whether growing makes it so, and what there is to say about that."""
    if setting == REPLICATION:
        return False, "kafka-reassign-partitions changes it"
    if setting == _TIME:
        return True, ""
    if _size(has) > _size(shall):
        return False, "nothing is lowered"
    if setting == _IN_SYNC and int(shall) > copies:
        return False, f"with {copies} of a record Kafka would refuse every write"
    if setting == PARTITIONS:
        return True, "keys change their partition then: order across that moment is lost"
    return True, ""


def _size(value: str) -> float:
    """Return the number; -1 is no bound, and so is what is no number: it stays as it is."""
    return float(value) if value.isdecimal() else float("inf")


def _cap(wanted: Wanted, brokers: int) -> Iterator[str]:
    if wanted.replication > brokers:
        yield (
            f"replication {wanted.replication} is more than the {brokers} brokers: "
            f"topics get {brokers}, and a lost broker loses events"
        )


def _grouped(states: Iterator[TopicState], wanted: Wanted) -> Iterator[str]:
    """Yield every doubt once, with the topics that it is about."""
    topics: dict[str, list[str]] = {}
    for state in states:
        for doubt in _doubts(state, wanted):
            topics.setdefault(doubt, []).append(state.name)
    for doubt, names in topics.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{doubt}: {', '.join(names[:_NAMED])}{more}"


def _doubts(state: TopicState, wanted: Wanted) -> Iterator[str]:
    """Yield where a topic promises less than `min_insync_replicas` copies of each record."""
    settings = state.settings
    in_sync = int(settings.get(_IN_SYNC, wanted.min_insync_replicas))
    if in_sync > state.replication:
        yield f"{_IN_SYNC} is {in_sync} with {state.replication} copies: Kafka refuses every write"
    elif in_sync == 1 or in_sync < wanted.min_insync_replicas:
        promised = "" if in_sync >= wanted.min_insync_replicas else ", less than configured"
        yield f"{_IN_SYNC} is {in_sync}{promised}: a 200 may mean as few copies of an event"
    if settings.get("unclean.leader.election.enable") == "true":
        yield "unclean.leader.election.enable is true: a broker that lags may lead and lose events"
    if "compact" in settings.get("cleanup.policy", ""):
        yield "cleanup.policy is compact: only the last event of each key is kept"
    if settings.get(_TIME) == "CreateTime":
        yield f"{_TIME} is CreateTime: retention follows our clock, and a wrong one loses events"
    if state.leaderless:
        yield f"{state.leaderless} partitions have no leader: Kafka takes no record there now"


def _unequal(
    readers: Mapping[str, Sequence[str]], after: Mapping[str, TopicState], wanted: int
) -> Iterator[str]:
    for reader, topics in readers.items():
        counts = {after[topic].partitions: topic for topic in topics if topic in after}
        if len(counts) > 1:
            words = ", ".join(f"{topic} {count}" for count, topic in sorted(counts.items()))
            remedy = f"set topics.partitions to {max(counts)} and " if max(counts) > wanted else ""
            yield (
                f"handler {reader} needs equal numbers of partitions and would not start: {words}; "
                f"{remedy}`topics apply --grow` makes them equal"
            )


def _shown(setting: str, value: str) -> str:
    """Return Kafka's value as a person writes it: `7d` for `604800000`."""
    if value == "-1":
        return "no bound"
    for unit, name in _UNITS.get(setting, ()):
        if value.isdecimal() and int(value) and int(value) % unit == 0:
            return f"{int(value) // unit}{name}"
    return value

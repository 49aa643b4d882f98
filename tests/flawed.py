"""Parts of the program with one mistake each: what must not pass the tests does not.

Design: each twin is the obvious way to write the thing, and wrong in a way that shows only when
processes die, partitions move or keys fail. A check that lets one of them pass proves nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from router.consume.call import Call
from router.consume.lanes import Lanes, Work
from router.consume.runner import Runner
from router.consume.store import Store, Unit, Written
from router.consume.writer import Writer
from router.publish.generation import Generations
from router.publish.lane import Lane, Ticket, Waiting
from router.publish.publisher import Publisher
from router.publish.topics import Topics
from router.record import Partition, Record
from tests.fakes import passed
from tests.fakes_store import FakeDatabase
from tests.unit.consume.consuming import LaggingStore, Parts, Send


class _CommitsFirst(Runner):
    """Finishes an event before its handler is called, as consumers that commit on receipt do."""

    async def _handle(self, work: Work[Call]) -> None:
        work.item.offsets.finish(work.offset)
        await super()._handle(work)


class _ForgetfulStore(LaggingStore):
    """Remembers which events had their effect after the transaction, not in it."""

    def __init__(self, database: FakeDatabase, lag: Callable[[], float]) -> None:
        super().__init__(database, lag)
        self._wait = lag

    async def write(self, units: Sequence[Unit], now_ms: int) -> list[Written]:
        """Write the values, and a moment later what caused them."""
        bare = [msgspec.structs.replace(unit, cause=None) for unit in units]
        outcomes = await super().write(bare, now_ms)
        await passed(self._wait())
        for unit, outcome in zip(units, outcomes, strict=True):
            if unit.cause is not None and outcome == "done":
                self.database.effects[unit.handler, unit.cause] = now_ms
        return outcomes


class _HastyWriter(Writer):
    """Publishes derived records before the transaction that they belong to is committed."""

    def __init__(self, store: Store, send: Send) -> None:
        super().__init__(store)
        self._publish = send

    async def write(self, unit: Unit) -> Written:
        """Publish, then write."""
        await self._publish(unit.outbox)
        return await super().write(msgspec.structs.replace(unit, outbox=()))


class _PartitionLanes(Lanes[Call]):
    """Keeps the order of each partition, all of its keys in one lane."""

    def add(self, work: Work[Call]) -> None:
        """Take the partition's number for the key."""
        work.lane = str(work.partition[1]).encode()
        super().add(work)


class _TopicLanes(Lanes[Call]):
    """Keeps the order of a key within a topic, and lets its topics run beside each other."""

    def add(self, work: Work[Call]) -> None:
        """Take topic and key for the key."""
        work.lane = f"{work.partition[0]} ".encode() + work.lane
        super().add(work)


class _ByPartition(Runner):
    """Runs the lanes of partitions."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._lanes = _PartitionLanes()


class _ByTopic(Runner):
    """Runs the lanes of topics and keys."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._lanes = _TopicLanes()


class _KeepsOffsets(Runner):
    """Goes on with what it holds of a partition that was taken away."""

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Commit, and that is all."""
        del partitions
        await self._commit()

    async def assigned(self, partitions: Iterable[Partition]) -> None:
        """Begin with those that are new."""
        await super().assigned([each for each in partitions if each not in self._offsets])


class _OvertakingLane(Lane):
    """Sends what is in memory while something older is on disk only, as buffers that overflow do."""

    __slots__ = ()

    def _front(self) -> deque[Waiting] | None:
        return None if self.is_frozen else self.head or self.tail or None


class _PatientLane(Lane):
    """Lets new records wait for their own soft deadline, whatever the lane is like."""

    __slots__ = ()

    def add(self, waiting: Waiting) -> bool:
        """Put a record at the end."""
        super().add(waiting)
        return False


class _HastySpoolingLane(Lane):
    """Gives the spool the newest record, and leaves out what is older."""

    __slots__ = ()

    def to_spool(self) -> list[Waiting]:
        """Ask for one."""
        self.is_all_asked = True
        asked = [item for item in [*self.tail][-1:] if not item.is_asked and item.is_wanted]
        for item in asked:
            item.is_asked = True
        return asked


class _Disowned(Waiting):
    """Is given up with its event, though it is on disk."""

    __slots__ = ()

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits."""
        return self.ticket.is_abandoned


class _DisowningLane(Lane):
    """Drops what is on disk and was abandoned."""

    __slots__ = ()

    def add(self, waiting: Waiting) -> bool:
        """Take it as one that is given up with its event."""
        waiting.__class__ = _Disowned
        return super().add(waiting)


class _LanesOf(Topics):
    """Has lanes of another kind."""

    def __init__(self, hash_of: Callable[[bytes], int], kind: type[Lane]) -> None:
        super().__init__(hash_of)
        self._kind = kind

    def place(self, topic: str, key: bytes) -> tuple[Lane, int]:
        """Make the lane what it should not be."""
        lane, key_hash = super().place(topic, key)
        lane.__class__ = self._kind
        return lane, key_hash


def _with_lanes(kind: type[Lane]) -> type[Publisher]:
    class Twin(Publisher):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            self._topics = _LanesOf(parts[1], kind)
            if self._is_recovering:
                self._topics.recover()

    return Twin


class _TellsAtOnce(Publisher):
    """Tells when it has taken a record, as services do that answer from memory."""

    def publish(
        self, records: Sequence[Record], on_durable: Callable[[], None], *more: Any, **named: Any
    ) -> Ticket:
        """Take it, and tell."""
        ticket = super().publish(records, lambda: None, *more, **named)
        on_durable()
        return ticket


class _ForeverTheSame(Generations):
    """Keeps a producer that can never write again."""

    async def replace(self, reason: str) -> None:
        """Do nothing."""


class _KeepsItsProducer(Publisher):
    """Goes on with a broken producer."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._pump._generations = _ForeverTheSame(parts[0], parts[2].producer_made)


class _Hopeful(Ticket):
    """Is never abandoned."""

    __slots__ = ()

    def abandon(self) -> None:
        """Wait on."""


class _NeverGivesUp(Publisher):
    """Sends and tells what was answered 503 long ago."""

    def publish(
        self, records: Sequence[Record], on_durable: Callable[[], None], *more: Any, **named: Any
    ) -> Ticket:
        """Take it for good."""
        ticket = super().publish(records, on_durable, *more, **named)
        ticket.__class__ = _Hopeful
        return ticket


LIVE_OVERTAKES_SPOOL = _with_lanes(_OvertakingLane)
NEW_WAIT_IN_A_SLOW_LANE = _with_lanes(_PatientLane)
NEWEST_TO_THE_SPOOL_ONLY = _with_lanes(_HastySpoolingLane)
LATE_ONES_DROPPED = _with_lanes(_DisowningLane)
ABANDONED_ONES_KEPT = _NeverGivesUp
TOLD_BEFORE_DURABLE = _TellsAtOnce
POISONED_PRODUCER_KEPT = _KeepsItsProducer

COMMIT_BEFORE_EFFECT = Parts(runner=_CommitsFirst)
MEMORY_OUTSIDE_THE_TRANSACTION = Parts(store=_ForgetfulStore)
OUTBOX_BEFORE_COMMIT = Parts(writer=_HastyWriter)
LANES_BY_PARTITION = Parts(runner=_ByPartition)
LANES_BY_TOPIC = Parts(runner=_ByTopic)
DEAF_TO_REBALANCES = Parts(runner=_KeepsOffsets)

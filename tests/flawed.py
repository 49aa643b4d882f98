"""Parts of the handlers' runtime with one mistake each: what must not pass the tests does not.

Design: each twin is the obvious way to write the thing, and wrong in a way that shows only when
processes die, partitions move or keys fail. A check that lets one of them pass proves nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from router.consume.call import Call
from router.consume.lanes import Lanes, Work
from router.consume.runner import Runner
from router.consume.store import Store, Unit, Written
from router.consume.writer import Writer
from router.record import Partition
from tests.fakes_store import FakeDatabase
from tests.unit.consume.consuming import LaggingStore, Parts, Send, passed


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


COMMIT_BEFORE_EFFECT = Parts(runner=_CommitsFirst)
MEMORY_OUTSIDE_THE_TRANSACTION = Parts(store=_ForgetfulStore)
OUTBOX_BEFORE_COMMIT = Parts(writer=_HastyWriter)
LANES_BY_PARTITION = Parts(runner=_ByPartition)
LANES_BY_TOPIC = Parts(runner=_ByTopic)
DEAF_TO_REBALANCES = Parts(runner=_KeepsOffsets)

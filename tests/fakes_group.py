"""Kafka's consumer groups in memory: partitions, the range assignor, eager rebalances, faults.

Design: `FakeGroup` passes the suite of `tests/integration/test_group_port.py` as the real one
does, and is less forgiving: what its listener raises ends in the next `poll`, where the engine
would only log it. `FakeBroker` is what outlives the members; everything that tests ask and steer
is there. A rebalance is Kafka's: all members are told, each gives up everything and joins again,
and when all have, or the time for it is over, the partitions are divided.
"""

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from router.errors import UnavailableError
from router.kafka.port import Rebalanced
from router.record import Headers, Partition, Received
from tests.fakes import passed

POLL_SECS = 0.2
SESSION_SECS = 10.0
HEARTBEAT_SECS = 2.5
REBALANCE_SECS = 20.0


class Commit(msgspec.Struct, frozen=True):
    """A commit that the broker took."""

    group: str
    partition: Partition
    offset: int


class FakeBroker:
    """The cluster behind fake groups.

    Attributes:
        is_up: Whether it answers; set by the test at any time.
        topics: Partitions by topic.
        log: The records of each partition.
        committed: The next offset to read, by group and partition.
        commits: Everything that was committed, in order.
        commits_lost: How many of the next commits are taken, but their answers lost.
        lag: Returns how many seconds the next commit takes.
        on_commit: Is told every commit when it is taken.
    """

    def __init__(self, topics: Mapping[str, int]) -> None:
        """Take partitions by topic."""
        self.is_up = True
        self.topics = dict(topics)
        self.log: defaultdict[Partition, list[Received]] = defaultdict(list)
        self.committed: dict[tuple[str, Partition], int] = {}
        self.commits: list[Commit] = []
        self.commits_lost = 0
        self.lag: Callable[[], float] = lambda: 0.0
        self.on_commit: Callable[[Commit], None] = lambda _: None
        self._groups: dict[str, _Coordinator] = {}

    def group(self, name: str = "group") -> "FakeGroup":
        """Return a new member of a group, not started."""
        return FakeGroup(self, name, self._groups.setdefault(name, _Coordinator(self)))

    def append(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Headers = (),
        partition: int | None = None,
    ) -> Received:
        """Return a new record, in the partition of its key unless another is named."""
        number = zlib.crc32(key) % self.topics[topic] if partition is None else partition
        record = Received(
            topic=topic, partition=number, offset=len(self.log[topic, number]),
            key=key, value=value, headers=headers,
        )  # fmt: skip
        self.log[topic, number].append(record)
        for coordinator in self._groups.values():
            for member in coordinator.members:
                member.wake()
        return record

    def expire(self, member: "FakeGroup") -> None:
        """End a member's session behind its back, as when its process was frozen for too long.

        Others get its partitions; it learns so with its next heartbeat, and joins again.
        """
        member.coordinator.dismiss(member)
        asyncio.get_running_loop().call_later(HEARTBEAT_SECS, member.must_join.set)

    def rebalance(self, name: str = "group") -> None:
        """Take all partitions from all members of a group, and divide them anew."""
        self._groups[name].call()

    def members(self, name: str = "group") -> int:
        """Return how many members a group has."""
        return len(self._groups[name].members)

    def take(self, group: str, offsets: Mapping[Partition, int]) -> None:
        """Remember what a member has committed."""
        for partition, offset in offsets.items():
            self.committed[group, partition] = offset
            commit = Commit(group, partition, offset)
            self.commits.append(commit)
            self.on_commit(commit)


class _Coordinator:
    """One group on the broker's side: its members by age, and the rebalance that is under way."""

    def __init__(self, broker: FakeBroker) -> None:
        self.members: list[FakeGroup] = []
        self.generation = 0
        self._broker = broker
        self._joined: dict[FakeGroup, asyncio.Future[list[Partition] | None]] = {}
        self._deadline: asyncio.TimerHandle | None = None

    async def join(self, member: "FakeGroup") -> list[Partition]:
        """Return the member's partitions once the rebalance has ended."""
        while True:
            if member not in self.members:
                self.members.append(member)
            self.call()
            self._joined[member] = ended = asyncio.Future[list[Partition] | None]()
            self._end_if_complete()
            partitions = await ended
            if partitions is not None:
                return partitions

    def dismiss(self, member: "FakeGroup") -> None:
        """Take a member out, and let the others share what it had."""
        if member in self.members:
            self.members.remove(member)
            ended = self._joined.pop(member, None)
            if ended is not None and not ended.done():
                ended.set_result(None)
            self.call()
            self._end_if_complete()

    def call(self) -> None:
        """Tell all members to join again."""
        for member in self.members:
            member.must_join.set()
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(REBALANCE_SECS, self._end)

    def _end_if_complete(self) -> None:
        if self.members and len(self._joined) == len(self.members):
            self._end()

    def _end(self) -> None:
        """Divide the partitions among those who have joined; the others are out."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self.generation += 1
        self.members = [member for member in self.members if member in self._joined]
        for member, partitions in self._divided().items():
            member.must_join.clear()
            if not self._joined[member].done():
                self._joined[member].set_result(partitions)
        self._joined.clear()

    def _divided(self) -> dict["FakeGroup", list[Partition]]:
        """Return whose partitions are which, as Kafka's range assignor does it topic by topic."""
        divided: dict[FakeGroup, list[Partition]] = {member: [] for member in self.members}
        for topic, count in self._broker.topics.items():
            readers = [member for member in self.members if topic in member.topics]
            for place, member in enumerate(readers):
                each, more = divmod(count, len(readers))
                begin = place * each + min(place, more)
                numbers = range(begin, begin + each + (place < more))
                divided[member] += [(topic, number) for number in numbers]
        return divided


class FakeGroup:
    """One member; see `router.kafka.port.Group`.

    Attributes:
        topics: What it reads.
        assigned: Its partitions, as far as it knows.
        polls: How often it was asked for records.
        must_join: Set when it has to give up everything and join again.
        coordinator: Its group on the broker's side.
    """

    def __init__(self, broker: FakeBroker, name: str, coordinator: _Coordinator) -> None:
        """Take the broker; nothing is connected yet."""
        self.topics: tuple[str, ...] = ()
        self.assigned: frozenset[Partition] = frozenset()
        self.polls = 0
        self.must_join = asyncio.Event()
        self.coordinator = coordinator
        self._broker = broker
        self._name = name
        self._news = asyncio.Event()
        self._next: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._generation = 0
        self._is_reading = False
        self._is_dead = False
        self._telling = asyncio.Lock()
        self._life: asyncio.Task[None] | None = None

    async def start(self, topics: Iterable[str], listener: Rebalanced) -> None:
        """Join, and return when there is a first assignment."""
        await asyncio.sleep(0)
        if not self._broker.is_up:
            raise UnavailableError("the fake broker is away")
        self.topics = tuple(topics)
        began: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._live(listener, began))
        await asyncio.wait([self._life, began], return_when=asyncio.FIRST_COMPLETED)
        self._check()

    async def poll(self, max_records: int) -> list[Received]:
        """Return what there is, or nothing after a fifth of a second."""
        assert max_records > 0, "a poll for no records"
        self.polls += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECS):
                while not (records := self._read(max_records)):
                    self._check()
                    self._news.clear()
                    await self._news.wait()
                return records
        return []

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Return no more records of these; they must be assigned."""
        paused = set(partitions)
        assert paused <= self.assigned, f"paused but not assigned: {paused - self.assigned}"
        self._paused |= paused

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Return records of these again; they must be assigned."""
        resumed = set(partitions)
        assert resumed <= self.assigned, f"resumed but not assigned: {resumed - self.assigned}"
        self._paused -= resumed
        self.wake()

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Commit, if the broker still knows the member and the partitions are its own."""
        generation = self._generation
        await passed(self._broker.lag())
        is_member = self in self.coordinator.members and generation == self.coordinator.generation
        if self._is_dead or not self._broker.is_up or not is_member:
            return False
        if not self.assigned >= offsets.keys():
            return False
        self._broker.take(self._name, offsets)
        if self._broker.commits_lost:
            self._broker.commits_lost -= 1
            return False
        return True

    async def spans(self) -> dict[Partition, tuple[int, int]]:
        """Return how far the assigned partitions were read, and where their logs end."""
        await asyncio.sleep(0)
        if not self._broker.is_up:
            raise UnavailableError("the fake broker is away")
        return {
            partition: (self._next[partition], len(self._broker.log[partition]))
            for partition in self.assigned
        }

    async def close(self) -> None:
        """Leave; once more does nothing."""
        if self._life is not None:
            async with self._telling:
                self._life.cancel()
            self._life = None
            if not self._is_dead:
                self.coordinator.dismiss(self)
        self.assigned = frozenset()

    def crash(self) -> None:
        """End without a word, as `kill -9`: the broker notices when the session has ended."""
        self._is_dead = True
        if self._life is not None:
            self._life.cancel()
        loop = asyncio.get_running_loop()
        loop.call_later(SESSION_SECS, self.coordinator.dismiss, self)

    def wake(self) -> None:
        """Look again whether there are records."""
        self._news.set()

    async def _live(self, listener: Rebalanced, began: asyncio.Future[None]) -> None:
        while True:
            self._is_reading = False
            async with self._telling:
                await listener.revoked(sorted(self.assigned))
            partitions = await self.coordinator.join(self)
            self.assigned = frozenset(partitions)
            self._generation = self.coordinator.generation
            self._paused.clear()
            self._next = {
                partition: self._broker.committed.get((self._name, partition), 0)
                for partition in partitions
            }
            async with self._telling:
                await listener.assigned(partitions)
            self._is_reading = True
            self.wake()
            if not began.done():
                began.set_result(None)
            await self.must_join.wait()

    def _read(self, max_records: int) -> list[Received]:
        read: list[Received] = []
        if not self._is_reading or self._is_dead or not self._broker.is_up:
            return read
        for partition in list(self._next):
            if partition not in self._paused and len(read) < max_records:
                begin = self._next[partition]
                found = self._broker.log[partition][begin : begin + max_records - len(read)]
                self._next[partition] = begin + len(found)
                read += found
                if found:  # the next poll begins with another one
                    self._next[partition] = self._next.pop(partition)
        return read

    def _check(self) -> None:
        """Raise what the listener has raised."""
        if self._life is not None and self._life.done() and not self._life.cancelled():
            self._life.result()


def values(records: Sequence[Received]) -> list[bytes]:
    """Return the values of records, in order."""
    return [record.value for record in records]

"""What a member of a consumer group promises (`router.kafka.port.Group`): real and fake alike."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import pytest

from router.errors import UnavailableError
from router.kafka.port import Group
from router.record import Partition, Received
from tests.fakes_group import values
from tests.integration.groups import HEADERS, PARTITIONS, Engine, FakeEngine, RealEngine

# The fixture `engine` asks for a Kafka itself, so the time to start one is given here.
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

LIMIT_SECS = 20.0


class _Member:
    """A member that polls, and what it was told and given."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.assignments: list[frozenset[Partition]] = []
        self.told: list[str] = []
        self.received: list[Received] = []
        self.at_revoke: Callable[[Sequence[Partition]], Awaitable[None]] | None = None

    @property
    def partitions(self) -> frozenset[Partition]:
        """What it has now."""
        is_assigned = self.told and self.told[-1] == "assigned"
        return self.assignments[-1] if is_assigned else frozenset()

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Note it."""
        if self.assignments:
            assert frozenset(partitions) == self.assignments[-1]
            self.told.append("revoked")
        if self.at_revoke is not None:
            await self.at_revoke(partitions)

    async def assigned(self, partitions: Sequence[Partition]) -> None:
        """Note it."""
        self.assignments.append(frozenset(partitions))
        self.told.append("assigned")

    async def poll(self) -> list[Received]:
        """Return what one poll returns; a rebalance may hold it up."""
        records = await self.group.poll(100)
        self.received += records
        return records

    async def read(self, count: int) -> list[bytes]:
        """Return the values of the next records, as many as asked for, or more."""
        read: list[bytes] = []
        async with asyncio.timeout(LIMIT_SECS):
            while len(read) < count:
                read += values(await self.poll())
        return read


@pytest.fixture(params=["fake", "kafka"])
async def engine(request: pytest.FixtureRequest, topic_prefix: str) -> AsyncIterator[Engine]:
    """What is behind the port; it has two topics of three partitions each."""
    made: Engine = FakeEngine()
    if request.param == "kafka":
        made = RealEngine(request.getfixturevalue("kafka"), topic_prefix)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def join(engine: Engine) -> AsyncIterator[Callable[[], Awaitable[_Member]]]:
    """A function that makes a member and lets it join; all leave at the end."""
    members: list[_Member] = []

    async def joined() -> _Member:
        members.append(_Member(engine.group()))
        async with asyncio.timeout(LIMIT_SECS):
            await members[-1].group.start(engine.topics, members[-1])
        return members[-1]

    yield joined
    for member in members:
        await member.group.close()


Join = Callable[[], Awaitable[_Member]]


def _all(engine: Engine) -> frozenset[Partition]:
    return frozenset((topic, number) for topic in engine.topics for number in range(PARTITIONS))


async def _settled(*members: _Member, partitions: frozenset[Partition]) -> None:
    """Return when these members have all the partitions among them; they poll meanwhile."""
    async with asyncio.timeout(LIMIT_SECS):
        while True:
            owned = [member.partitions for member in members]
            if sum(map(len, owned)) == len(partitions) and frozenset().union(*owned) == partitions:
                return
            await asyncio.gather(*(_polled(member) for member in members))


async def _polled(member: _Member) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):  # it may wait for a rebalance to end
            await member.poll()


async def _committed(member: _Member, offsets: Mapping[Partition, int]) -> bool:
    async with asyncio.timeout(LIMIT_SECS):
        return await member.group.commit(offsets)


async def test_a_member_alone_has_everything(engine: Engine, join: Join) -> None:
    """After `start` it was told all partitions of all its topics, once."""
    member = await join()
    await _settled(member, partitions=_all(engine))

    assert member.told == ["assigned"]


async def test_records_come_whole_and_in_order(engine: Engine, join: Join) -> None:
    """With place, key, value and headers; what was there before the group was, too."""
    topic = engine.topics[0]
    await engine.append(topic, 1, b"0", b"1")
    member = await join()
    await engine.append(topic, 1, b"2")

    assert await member.read(3) == [b"0", b"1", b"2"]
    assert member.received[1] == Received(
        topic=topic, partition=1, offset=1, key=b"key", value=b"1", headers=HEADERS
    )


async def test_a_poll_returns_no_more_than_asked_for(engine: Engine, join: Join) -> None:
    """The rest comes with the next one."""
    await engine.append(engine.topics[0], 0, *(b"%d" % number for number in range(5)))
    member = await join()
    read: list[list[bytes]] = []
    async with asyncio.timeout(LIMIT_SECS):
        while sum(map(len, read)) < 5:
            read.append(values(await member.group.poll(2)))

    assert max(map(len, read)) == 2
    assert [value for batch in read for value in batch] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_poll_for_nothing_ends_soon(join: Join) -> None:
    """It returns no records within a second, so that its caller can look after other things."""
    member = await join()
    await member.poll()

    async with asyncio.timeout(1.0):
        assert await member.group.poll(100) == []


async def test_paused_partitions_stay_in_kafka(engine: Engine, join: Join) -> None:
    """Others go on meanwhile, and after `resume` nothing is missing and nothing comes twice."""
    first, second = engine.topics
    member = await join()
    await engine.append(first, 0, b"a0")
    assert await member.read(1) == [b"a0"]

    member.group.pause([(first, 0)])
    await engine.append(first, 0, b"a1", b"a2")
    await engine.append(second, 0, b"b0")
    assert await member.read(1) == [b"b0"]
    assert await member.poll() == []
    member.group.resume([(first, 0)])

    assert await member.read(2) == [b"a1", b"a2"]


async def test_the_next_member_begins_at_what_was_committed(engine: Engine, join: Join) -> None:
    """Records that were read and not committed come again; those that were do not."""
    topic = engine.topics[0]
    await engine.append(topic, 2, b"0", b"1", b"2")
    member = await join()
    await member.read(3)
    assert await _committed(member, {(topic, 2): 1})
    await member.group.close()

    successor = await join()

    assert await successor.read(2) == [b"1", b"2"]


async def test_a_key_of_several_topics_is_with_one_member(engine: Engine, join: Join) -> None:
    """Partitions of one number go together, and each partition has one owner."""
    one, other = await join(), await join()
    await _settled(one, other, partitions=_all(engine))

    numbers = [{number for _, number in member.partitions} for member in (one, other)]
    assert sorted(map(len, numbers)) == [1, 2]
    for member, own in zip((one, other), numbers, strict=True):
        assert member.partitions == {(topic, n) for topic in engine.topics for n in own}


async def test_a_join_takes_everything_away_for_a_moment(engine: Engine, join: Join) -> None:
    """The first member is told that all is revoked before it is assigned what it keeps."""
    one = await join()
    await _settled(one, partitions=_all(engine))
    other = await asyncio.gather(join(), _polled(one))
    await _settled(one, other[0], partitions=_all(engine))

    assert one.told[:3] == ["assigned", "revoked", "assigned"]
    assert one.assignments[0] == _all(engine)


async def test_while_it_is_told_a_member_may_still_commit(engine: Engine, join: Join) -> None:
    """What is finished before partitions go is committed, and their next owner goes on there."""
    topic = engine.topics[0]
    for number in range(PARTITIONS):
        await engine.append(topic, number, b"0", b"1")
    one = await join()
    await one.read(2 * PARTITIONS)
    done: list[bool] = []

    async def commit(partitions: Sequence[Partition]) -> None:
        done.append(await one.group.commit(dict.fromkeys(partitions, 1)))

    one.at_revoke = commit
    other = await join()
    one.received.clear()
    await _settled(one, other, partitions=_all(engine))
    one.at_revoke = None
    async with asyncio.timeout(LIMIT_SECS):
        while len(one.received + other.received) < PARTITIONS:
            await asyncio.gather(_polled(one), _polled(other))

    assert done[0]
    assert values(one.received + other.received) == [b"1"] * PARTITIONS


async def test_what_belongs_to_another_is_never_committed(engine: Engine, join: Join) -> None:
    """A commit for a partition that was taken away fails, and changes nothing."""
    topic = engine.topics[0]
    one, other = await join(), await join()
    await _settled(one, other, partitions=_all(engine))
    lost = next(iter(other.partitions))
    await engine.append(*lost, b"0")
    await other.read(1)

    assert not await _committed(one, {lost: 1})
    await one.group.close()
    await other.group.close()
    successor = await join()

    assert await successor.read(1) == [b"0"]
    assert lost[0] in (topic, engine.topics[1])


async def test_after_it_left_others_have_its_partitions(engine: Engine, join: Join) -> None:
    """At once, not when a session has ended; and what it had not committed comes again."""
    topic = engine.topics[0]
    for number in range(PARTITIONS):
        await engine.append(topic, number, b"%d" % number)
    one, other = await join(), await join()
    await _settled(one, other, partitions=_all(engine))
    await one.group.close()
    await _settled(other, partitions=_all(engine))

    async with asyncio.timeout(LIMIT_SECS):
        while set(values(other.received)) < {b"0", b"1", b"2"}:
            await other.poll()


async def test_spans_are_from_the_next_record_to_the_end(engine: Engine, join: Join) -> None:
    """Of each partition: read, committed by an earlier member, paused, and empty ones."""
    first, second = engine.topics
    await engine.append(first, 1, b"0", b"1", b"2")
    earlier = await join()
    await earlier.read(3)
    assert await _committed(earlier, {(first, 1): 2})
    await earlier.group.close()
    member = await join()
    await member.read(1)
    member.group.pause(_all(engine))
    await engine.append(first, 1, b"3", b"4")
    await engine.append(second, 0, b"5")

    spans = await member.group.spans()

    empty = dict.fromkeys(_all(engine), (0, 0))
    assert spans == {**empty, (first, 1): (3, 5), (second, 0): (0, 1)}


async def test_a_member_of_nothing_has_no_spans(engine: Engine, join: Join) -> None:
    """Neither one that left, nor one that was never there."""
    member = await join()
    await member.group.close()

    assert await member.group.spans() == {}
    assert await engine.group().spans() == {}


async def test_no_broker_is_unavailable(engine: Engine) -> None:
    """Starting where nobody answers says so, and leaves nothing behind."""
    group, _ = engine.nowhere()

    async with asyncio.timeout(LIMIT_SECS):
        with pytest.raises(UnavailableError):
            await group.start(engine.topics, _Member(group))
        await group.close()


async def test_what_could_not_start_can_be_started_later(engine: Engine) -> None:
    """The runner tries the same member again until the brokers are there."""
    group, open_the_way = engine.nowhere()
    member = _Member(group)
    await engine.append(engine.topics[0], 0, b"0")
    async with asyncio.timeout(LIMIT_SECS):
        with pytest.raises(UnavailableError):
            await group.start(engine.topics, member)
        await open_the_way()
    try:
        async with asyncio.timeout(LIMIT_SECS):
            await group.start(engine.topics, member)
        assert await member.read(1) == [b"0"]
    finally:
        await group.close()


async def test_it_may_be_closed_twice(engine: Engine, join: Join) -> None:
    """Closing what is closed, or was never started, does nothing."""
    member = await join()
    await member.group.close()
    await member.group.close()
    await engine.group().close()


async def test_a_closed_member_commits_nothing(engine: Engine, join: Join) -> None:
    """It says that it did not, and raises nothing."""
    member = await join()
    await member.group.close()

    assert not await _committed(member, {(engine.topics[0], 0): 1})

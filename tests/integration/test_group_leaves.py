"""A member that ends in the middle of a rebalance: the others do not wait for its session."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from router.kafka.group import KafkaGroup
from router.kafka.port import KafkaSettings
from router.record import Partition
from tests.cluster import Cluster

pytestmark = pytest.mark.kafka

PARTITIONS = 6
# Long enough that no test can end in time if anybody waits for one to end.
SESSION_MS = 16_000
SOON_SECS = 6.0
CLOSE_SECS = 2.2
LIMIT_SECS = 20.0


class Member:
    """A member that polls as long as it lives, and knows what it has."""

    def __init__(self, group: KafkaGroup) -> None:
        self.group = group
        self.partitions: frozenset[Partition] = frozenset()
        self.held: asyncio.Event | None = None
        self.is_revoking = asyncio.Event()
        self._changed = asyncio.Event()

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Let them go; that ends once nobody holds it up."""
        self.partitions = frozenset()
        if partitions:
            self.is_revoking.set()
            if self.held is not None:
                await self.held.wait()

    async def assigned(self, partitions: Sequence[Partition]) -> None:
        """Take them."""
        self.partitions = frozenset(partitions)
        self._changed.set()

    async def wait_for(self, count: int, within_secs: float = LIMIT_SECS) -> None:
        """Return when it has so many partitions."""
        async with asyncio.timeout(within_secs):
            while len(self.partitions) != count:
                self._changed.clear()
                await self._changed.wait()

    async def poll(self) -> None:
        """Poll for ever: who does not is no member any more."""
        while True:
            await self.group.poll(100)


Join = Callable[[], Awaitable[Member]]


@pytest.fixture
async def make(kafka: Cluster, topic_prefix: str) -> AsyncIterator[Callable[[], KafkaGroup]]:
    """A function that makes a member of the test's group, not started; all leave at the end."""
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, client_id="leaves")
    groups: list[KafkaGroup] = []

    def made() -> KafkaGroup:
        groups.append(KafkaGroup(settings, f"{topic_prefix}group", session_ms=SESSION_MS))
        return groups[-1]

    yield made
    for group in groups:
        await group.close()


@pytest.fixture
async def join(
    kafka: Cluster, topic_prefix: str, make: Callable[[], KafkaGroup]
) -> AsyncIterator[Join]:
    """A function that returns a new member, which polls; its first partitions may come later."""
    topic = f"{topic_prefix}topic"
    await asyncio.to_thread(kafka.create_topics, [topic], partitions=PARTITIONS)
    tasks: list[asyncio.Task[None]] = []

    async def live(member: Member) -> None:
        await member.group.start([topic], member)
        await member.poll()

    async def joined() -> Member:
        member = Member(make())
        tasks.append(asyncio.create_task(live(member)))
        return member

    yield joined
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError, AssertionError):
            await task


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    yield
    assert loop.time() - began < seconds


async def test_a_member_that_waits_for_the_others_leaves(join: Join) -> None:
    """It has joined and waits for a slow one; when it ends, the slow one is alone at once."""
    slow = await join()
    await slow.wait_for(PARTITIONS)
    slow.held = asyncio.Event()
    newcomer = await join()
    await asyncio.wait_for(slow.is_revoking.wait(), LIMIT_SECS)

    with _within(CLOSE_SECS):
        await newcomer.group.close()
    slow.held.set()

    await slow.wait_for(PARTITIONS, SOON_SECS)


async def test_an_old_member_that_waits_for_the_others_leaves(join: Join) -> None:
    """It had partitions, and joins again because of a newcomer, when it ends."""
    slow, old = await join(), await join()
    await slow.wait_for(PARTITIONS // 2)
    await old.wait_for(PARTITIONS // 2)
    slow.is_revoking.clear()
    old.is_revoking.clear()
    slow.held = asyncio.Event()
    newcomer = await join()
    await asyncio.wait_for(slow.is_revoking.wait(), LIMIT_SECS)
    await asyncio.wait_for(old.is_revoking.wait(), LIMIT_SECS)

    with _within(CLOSE_SECS):
        await old.group.close()
    slow.held.set()

    await slow.wait_for(PARTITIONS // 2, SOON_SECS)
    await newcomer.wait_for(PARTITIONS // 2, SOON_SECS)


async def test_a_member_that_gives_partitions_back_leaves(join: Join) -> None:
    """It has not let go of its partitions when it ends; the newcomer has them soon."""
    old = await join()
    await old.wait_for(PARTITIONS)
    old.held = asyncio.Event()
    newcomer = await join()
    await asyncio.wait_for(old.is_revoking.wait(), LIMIT_SECS)

    with _within(CLOSE_SECS):
        await old.group.close()

    await newcomer.wait_for(PARTITIONS, SOON_SECS)


async def test_a_start_that_is_cancelled_leaves(
    join: Join, make: Callable[[], KafkaGroup], topic_prefix: str
) -> None:
    """A process that is ended while it starts holds nobody up either."""
    slow = await join()
    await slow.wait_for(PARTITIONS)
    slow.held = asyncio.Event()
    group = make()
    starting = asyncio.create_task(group.start([f"{topic_prefix}topic"], Member(group)))
    await asyncio.wait_for(slow.is_revoking.wait(), LIMIT_SECS)

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with _within(CLOSE_SECS):
        await group.close()
    slow.held.set()

    await slow.wait_for(PARTITIONS, SOON_SECS)

"""Partitions come and go: what is under way, what is held, and who commits."""

import asyncio

import pytest

from router.consume.runner import (
    MAX_HELD,
    MAX_HELD_PER_PARTITION,
    MAX_POLLED,
    REVOKE_SECS,
)
from router.handler import Context, Event, Retry
from tests.fakes import in_fake_time, now, passed
from tests.fakes_group import REBALANCE_SECS, SESSION_SECS
from tests.unit.consume.consuming import Process, Told, World, consuming, marked_as, note, until


class Slow:
    """A handler whose calls take their time, and what it has seen of them."""

    def __init__(self, secs: float) -> None:
        """Take how long a call takes."""
        self.secs = secs
        self.began: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []

    async def function(self, event: Event[Told], context: Context) -> None:
        """Wait, and note."""
        self.began.append(event.data.number)
        try:
            await passed(self.secs)
        except asyncio.CancelledError:
            self.cancelled.append(event.data.number)
            raise
        await note(event, context)
        self.ended.append(event.data.number)


@in_fake_time
async def test_what_is_under_way_may_finish() -> None:
    """A call that ends in time has its effect and its commit; nobody makes it again."""
    world = World(partitions=1)
    slow = Slow(REVOKE_SECS - 1.0)
    async with consuming(world, slow.function):
        world.tell("k", 0)
        await until(lambda: slow.began == [0])
        world.broker.rebalance()
        await world.settled()

    assert (slow.began, slow.ended) == ([0], [0])
    assert world.noted("k") == [["a", 0]]


@in_fake_time
async def test_what_takes_too_long_is_abandoned() -> None:
    """Its next owner makes the call again; the old one neither writes nor commits it."""
    world = World(partitions=1)
    slow = Slow(REVOKE_SECS + 2.0)
    async with consuming(world, slow.function) as process:
        world.tell("k", 0)
        await until(lambda: slow.began == [0])
        began = now()
        world.broker.rebalance()
        await until(lambda: bool(slow.cancelled))
        assert now() - began == pytest.approx(REVOKE_SECS, abs=0.2)
        assert world.broker.commits == []
        await world.settled()

        assert (process.count("done"), process.count("retried")) == (1, 0)
    assert (slow.began, slow.cancelled, slow.ended) == ([0, 0], [0], [0])
    assert world.noted("k") == [["a", 0]]


@in_fake_time
async def test_events_that_wait_are_read_again() -> None:
    """What was held and not under way goes with its partition, and comes back from Kafka once."""
    world = World(partitions=1)
    slow = Slow(1.0)
    async with consuming(world, slow.function, parallel=1):
        for number in range(5):
            world.tell(f"k{number}", number)
        await until(lambda: slow.began == [0])
        world.broker.rebalance()
        await world.settled()

    assert slow.ended == [0, 1, 2, 3, 4]


@in_fake_time
async def test_a_stale_wait_does_not_hold_its_key() -> None:
    """A call that ends in `Retry` while its partition goes is forgotten with it."""
    world = World(partitions=1)
    called: list[float] = []

    async def later(event: Event[Told], context: Context) -> Retry | None:
        called.append(now())
        if len(called) == 1:
            await passed(2.0)
            return Retry(250.0)
        await note(event, context)
        return None

    async with consuming(world, later):
        world.tell("k", 0)
        await until(lambda: len(called) == 1)
        world.broker.rebalance()
        await world.settled()

    assert called[1] - called[0] < 2.0 * REVOKE_SECS


@in_fake_time
async def test_partitions_may_go_while_a_batch_is_looked_up() -> None:
    """What was read and not yet held is read again by the next owner, and once only."""
    world = World(partitions=1)
    slow = Slow(0.1)
    async with consuming(world, slow.function):
        world.store_lag = lambda: 0.9
        for number in range(3):
            world.tell("k", number)
        await passed(0.3)  # the question which of them had their effect is under way
        assert slow.began == []
        world.broker.rebalance()
        await world.settled()

    assert slow.ended == [0, 1, 2]
    assert world.noted("k") == [["a", 0], ["a", 1], ["a", 2]]


@in_fake_time
@pytest.mark.parametrize("how", ["revoked", "drained"])
async def test_what_was_given_back_is_not_overtaken(how: str) -> None:
    """A batch that is looked up while its partition goes must wait behind what was forgotten."""
    world = World(partitions=1)
    slow = Slow(2.0)
    process = Process(world, marked_as(slow.function))
    await process.start()
    world.tell("k", 0)
    world.tell("k", 1)
    await until(lambda: slow.began == [0])
    world.store_lag = lambda: 0.5
    world.tell("k", 2)
    await passed(0.1)  # the question whether it had its effect is under way
    world.store_lag = lambda: 0.0
    if how == "revoked":
        world.broker.rebalance()
        await world.settled()
    await process.leave()
    async with consuming(world, slow.function):
        await world.settled()

    assert world.noted("k") == [["a", 0], ["a", 1], ["a", 2]]


@in_fake_time
async def test_who_is_in_a_hurry_waits_for_no_handler() -> None:
    """What is under way is abandoned at once, and happens again elsewhere."""
    world = World(partitions=1)
    slow = Slow(REVOKE_SECS + 2.0)
    process = Process(world, marked_as(slow.function))
    await process.start()
    world.tell("k", 0)
    await until(lambda: slow.began == [0])
    asyncio.get_running_loop().call_later(1.0, process.runner.hurry)
    began = now()
    await process.leave()
    took = now() - began
    async with consuming(world):
        await world.settled()

    assert took == pytest.approx(1.0, abs=0.2)
    assert (slow.ended, world.noted("k")) == ([], [["a", 0]])


@in_fake_time
async def test_a_slow_handler_keeps_its_partitions() -> None:
    """Polling goes on while it works, so the group does not take it for dead."""
    world = World()
    slow = Slow(200.0)
    async with consuming(world, slow.function, timeout_secs=300.0) as process:
        world.tell("k", 0)
        await until(lambda: slow.began == [0])
        before = process.group.polls
        await passed(100.0)
        assert process.group.polls - before > 100
        await world.settled()

    assert (slow.began, slow.ended) == ([0], [0])


@in_fake_time
async def test_what_cannot_be_held_stays_in_kafka() -> None:
    """A backlog is read as it is worked off, never more than the bounds; nothing of it is lost."""
    world = World(partitions=12)
    count = MAX_HELD + 3000
    is_stuck = True

    async def stuck(event: Event[Told], context: Context) -> None:
        del event, context
        while is_stuck:
            await passed(0.5)

    for number in range(count):
        world.tell(f"k{number % 60}", number, id_basis="none")
    async with consuming(world, stuck, parallel=2, timeout_secs=900.0) as process:
        await passed(60.0)
        held = [len(offsets) for offsets in process.runner._offsets.values()]
        assert MAX_HELD - MAX_POLLED <= sum(held) <= MAX_HELD + MAX_POLLED
        assert max(held) <= MAX_HELD_PER_PARTITION + MAX_POLLED
        assert process.lag == count
        polls = process.group.polls
        await passed(60.0)
        assert process.group.polls - polls > 100
        is_stuck = False
        await world.settled()

        assert process.count("done") == count


@in_fake_time
async def test_a_stuck_key_leaves_room_for_other_partitions() -> None:
    """However much waits behind it: what is held of one partition is bounded."""
    world = World(partitions=2)

    async def stuck(event: Event[Told], context: Context) -> None:
        if event.subject == "stuck" and now() < 200.0:
            raise ValueError("not yet")
        await note(event, context)

    partition = world.tell("stuck", 0).partition
    for number in range(1, 2 * MAX_HELD_PER_PARTITION):
        world.tell("stuck", number, id_basis="none")
    other = next(
        key
        for key in ("b", "c", "d", "e", "f")
        if world.tell(key, 0).partition != partition
    )  # fmt: skip
    async with consuming(world, stuck):
        await until(lambda: world.noted(other) == [["a", 0]], within_secs=30.0)


@in_fake_time
async def test_two_members_share_the_work() -> None:
    """Each event is done by one of them, and a member that leaves is replaced at once."""
    world = World(partitions=4)
    one, two = Slow(0.2), Slow(0.2)
    async with consuming(world, one.function):
        async with consuming(world, two.function):
            await until(lambda: world.broker.members() == 2)
            await passed(1.0)
            for number in range(40):
                world.tell(f"k{number}", number)
            await world.settled()
        assert one.ended
        assert two.ended
        for number in range(40, 60):
            world.tell(f"k{number}", number)
        await world.settled()

    assert sorted(one.began + two.began) == list(range(60))


@in_fake_time
async def test_a_member_that_lost_its_session_commits_nothing() -> None:
    """It learns so later; meanwhile another one does the work, and each effect is once."""
    world = World(partitions=2)
    slow, other = Slow(1.0), Slow(0.0)
    async with consuming(world, slow.function) as process, consuming(world, other.function):
        await until(lambda: world.broker.members() == 2)
        await passed(1.0)
        for number in range(8):
            world.tell(f"k{number}", number)
        await until(lambda: bool(slow.began))
        committed = len(world.broker.commits)
        world.broker.expire(process.group)
        assert not await process.group.commit(dict.fromkeys(process.group.assigned, 1))
        assert len(world.broker.commits) == committed
        await world.settled()

    assert [world.noted(f"k{number}") for number in range(8)] == [[["a", n]] for n in range(8)]


@in_fake_time
async def test_after_a_crash_others_finish_the_work() -> None:
    """Once its session has ended; what it had written is skipped, what not is done."""
    world = World(partitions=2)
    slow = Slow(2.0)
    crashed = Process(world, marked_as(slow.function))
    await crashed.start()
    async with consuming(world):
        await until(lambda: world.broker.members() == 2)
        await passed(1.0)
        for number in range(8):
            world.tell(f"k{number}", number)
        await until(lambda: bool(slow.began))
        await crashed.crash()
        began = now()
        await world.settled()

    assert now() - began < SESSION_SECS + REBALANCE_SECS
    assert [world.noted(f"k{number}") for number in range(8)] == [[["a", n]] for n in range(8)]


@in_fake_time
async def test_draining_finishes_what_is_under_way_and_reads_no_more() -> None:
    """Then everything finished is committed, and the member is gone."""
    world = World(partitions=1)
    slow = Slow(2.0)
    async with consuming(world, slow.function, parallel=1):
        world.tell("k", 0)
        world.tell("k", 1)
        await until(lambda: slow.began == [0])

    assert (slow.began, slow.ended) == ([0], [0])
    assert world.broker.committed == {("group", ("a", 0)): 1}
    assert world.broker.members() == 0


@in_fake_time
async def test_draining_has_an_end() -> None:
    """A call that hangs, a dead letter that cannot be written, a store that is away."""
    world = World(partitions=4)
    slow = Slow(10_000.0)
    async with consuming(world, slow.function, timeout_secs=9000.0):
        world.tell("hangs", 0)
        await until(lambda: slow.began == [0])
        world.is_writable = world.database.is_up = False
        world.broker.append("a", b"dies", b"no event")
        world.tell("other", 1)
        await passed(5.0)
        began = now()
    assert now() - began <= REVOKE_SECS + 2.0
    assert world.broker.committed == {}


@in_fake_time
async def test_a_member_joins_as_soon_as_there_are_brokers() -> None:
    """Until then it tries again."""
    world = World()
    world.broker.is_up = False
    world.tell("k", 0)
    async with consuming(world):
        await passed(60.0)
        world.broker.is_up = True
        await until(lambda: world.noted("k") is not None, within_secs=5.0)


@in_fake_time
async def test_whoever_is_ended_while_it_joins_is_not_in_the_group() -> None:
    """Else its partitions would wait for the end of a session that nobody has."""
    world = World()
    slow = Slow(60.0)
    async with consuming(world, slow.function, timeout_secs=90.0):
        world.tell("k", 0)
        await until(lambda: slow.began == [0])
        joining = Process(world, marked_as(note))
        await joining.start()
        await passed(1.0)  # the other member still works on what it has to give up
        await joining.leave()

        assert world.broker.members() == 1
        await joining.group.close()


@in_fake_time
async def test_the_brokers_may_go_and_come() -> None:
    """What was done meanwhile is committed afterwards; answers that were lost change nothing."""
    world = World()
    slow = Slow(1.0)
    async with consuming(world, slow.function):
        world.tell("k", 0)
        await until(lambda: slow.began == [0])
        world.broker.is_up = False
        await passed(60.0)
        assert world.broker.commits == []
        world.broker.is_up = True
        world.broker.commits_lost = 2
        await world.settled()

    assert slow.began == [0]

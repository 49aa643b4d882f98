"""What lies on disk comes back in its order, whatever happens to the disk and the partitions."""

import asyncio

import pytest

from tests.fakes import FakeKafka, in_fake_time, passed
from tests.fakes_spool import FakeFolder
from tests.unit.publish.publishing import LARGE, numbers, running


@in_fake_time
async def test_a_lane_drains_and_is_live_again_and_nothing_overtakes() -> None:
    """While the backlog goes, new records queue behind it; afterwards the disk is left alone."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_held = True
        for value in numbers(40):
            bench.publish(value.ljust(LARGE))
        await bench.settle()
        behind = bench.publisher.lanes_behind
        kafka.release()
        for value in numbers(20, 40):
            bench.publish(value.ljust(LARGE))
            await passed(0.005)
        await bench.wait_until(lambda: bench.publisher.is_empty)
        groups = len(bench.folder.groups)
        bench.publish("live")
        await bench.settle()

    assert behind == 1
    assert bench.in_kafka() == [*numbers(60), "live"]
    assert (len(bench.folder.groups), bench.on_disk()) == (groups, [])


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 2)])
@in_fake_time
async def test_partitions_may_change_under_way(before: int, after: int) -> None:
    """What is under way ends in its old partition before anything of its key goes to a new one."""
    kafka = FakeKafka({"a": max(before, after)}, max_message_bytes=1 << 20)
    async with running(kafka, FakeFolder()) as bench:
        bench.publisher.learn({"a": before})
        kafka.is_held = True
        for number in range(30):
            bench.publish(f"{number:04}".ljust(LARGE), key="klm"[number % 3])
            await passed(0.1)
        bench.publisher.learn({"a": after})
        for number in range(30, 45):
            bench.publish(f"{number:04}".ljust(LARGE), key="klm"[number % 3])
        await bench.settle()
        moved_early = [place for place in kafka.log if place[1] >= before]
        kafka.release()
        await bench.wait_until(lambda: bench.publisher.is_empty)

    values = [bench.in_kafka("a", partition) for partition in range(max(before, after))]
    assert moved_early == []
    assert sorted(value for each in values for value in each) == numbers(45)
    for key in range(3):
        of_key = [value for each in values for value in each if int(value) % 3 == key]
        for each in values:
            ours = [value for value in each if value in of_key]
            assert ours == sorted(ours)
    assert (len(bench.durable), bench.on_disk()) == (45, [])


@in_fake_time
async def test_a_disk_that_cannot_be_read_now_is_read_later() -> None:
    """The backlog waits and keeps its order; so does what came meanwhile."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_held = bench.folder.is_unreadable = True
        for value in numbers(20):
            bench.publish(value.ljust(LARGE))
        await bench.settle()
        kafka.release()
        await bench.settle()
        arrived = len(bench.in_kafka())
        bench.publish("0020")
        await bench.settle()
        bench.folder.is_unreadable = False
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert 0 < arrived < 20
    assert bench.in_kafka() == numbers(21)


@in_fake_time
async def test_partitions_may_change_while_the_disk_cannot_be_read() -> None:
    """The lanes move as soon as the reader has let go, and do not wait to be told again."""
    kafka = FakeKafka({"a": 2})
    async with running(kafka, FakeFolder()) as bench:
        bench.publisher.learn({"a": 1})
        kafka.is_held = True
        for value in numbers(20):
            bench.publish(value.ljust(LARGE))
        await bench.settle()
        bench.folder.is_unreadable = True
        kafka.release()
        lane = next(lane for lane in bench.publisher._topics if lane.behind.count)
        while not lane._reading:  # noqa: ASYNC110 - the lane has no event for it
            await asyncio.sleep(0)
        bench.publisher.learn({"a": 2})
        await bench.settle()
        bench.folder.is_unreadable = False
        await bench.wait_until(lambda: bench.publisher.is_empty)

    arrived = [value for partition in (0, 1) for value in bench.in_kafka("a", partition)]
    assert sorted(arrived) == numbers(20)


@in_fake_time
async def test_what_is_damaged_is_left_out() -> None:
    """A record that cannot be read holds up no other, and its place is let go."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_held = True
        for value in numbers(30):
            bench.publish(value.ljust(LARGE))
        await bench.settle()
        damaged = sorted(bench.folder.kept)[-20:-10]
        bench.folder.damaged.update(damaged)
        kafka.release()
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert bench.in_kafka() == [*numbers(10), *numbers(10, 20)]
    assert bench.on_disk() == []


@in_fake_time
async def test_a_bad_sector_keeps_its_lane_waiting_so_long_and_no_longer() -> None:
    """After ten minutes what the disk does not give back is left out; other lanes never wait."""
    kafka = FakeKafka({"a": 1, "b": 1})
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_held = True
        for value in numbers(20):
            bench.publish(value.ljust(LARGE), "a")
        await bench.settle()
        bench.folder.unreadable = {sorted(bench.folder.kept)[-10]}
        for value in numbers(20):
            bench.publish(value.ljust(LARGE), "b")
        await bench.settle()
        kafka.release()
        await passed(590.0)
        before = bench.in_kafka("a"), bench.in_kafka("b")
        await passed(20.0)

    left_out = numbers(10) + numbers(9, 11)
    assert before == (numbers(len(before[0])), numbers(20))
    assert len(before[0]) < 10
    assert (bench.in_kafka("a"), bench.on_disk()) == (left_out, [])


@in_fake_time
async def test_a_disk_that_ends_the_wait_of_many_lanes_keeps_each_in_order() -> None:
    """Records of many keys and topics go to one disk and come back to their own places."""
    kafka = FakeKafka({"a": 3, "b": 2})
    kafka.is_up = False
    async with running(kafka, FakeFolder()) as bench:
        for number in range(200):
            bench.publish(f"{number:04}", "ab"[number % 2], "klmno"[number % 5])
            await passed(0.01)
        await bench.settle()
        kafka.is_up = True
        await bench.wait_until(lambda: bench.publisher.is_empty)

    logs = [bench.in_kafka(*place) for place in kafka.log]
    assert sorted(value for log in logs for value in log) == numbers(200)
    assert all(log == sorted(log) for log in logs)

"""What Kafka does not take in time is durable on disk, in order, and comes to Kafka after all."""

import pytest

from router.publish.publisher import FAR_BEHIND_RECORDS, WINDOW_BYTES
from tests.fakes import FakeKafka, in_fake_time, passed
from tests.fakes_spool import FakeFolder
from tests.unit.publish.publishing import LARGE, SOFT_SECS, Bench, numbers, record, running

TICK = 0.06


@in_fake_time
async def test_a_fast_kafka_leaves_the_disk_alone() -> None:
    """What is written before the soft deadline never touches the disk."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        for value in numbers(5):
            bench.publish(value)
        await bench.settle()

    assert bench.durable == numbers(5)
    assert bench.in_kafka() == numbers(5)
    assert bench.folder.groups == []


@in_fake_time
async def test_after_the_soft_deadline_the_disk_is_enough() -> None:
    """It is told once, by the disk; the batch that comes back later tells nobody, and settles."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.kafka.is_held = True
        ticket = bench.publish("v")
        await passed(SOFT_SECS - 0.05)
        told_early = list(bench.durable)
        await bench.settle()
        on_disk = bench.on_disk()
        bench.kafka.release()
        await bench.settle()

    assert (told_early, on_disk) == ([], ["v"])
    assert SOFT_SECS <= bench.told_at["v"] <= SOFT_SECS + TICK
    assert (bench.durable, ticket.was_spooled) == (["v"], True)
    assert (bench.in_kafka(), bench.on_disk()) == (["v"], [])


@in_fake_time
async def test_what_is_being_synced_is_told_by_kafka_if_that_is_faster() -> None:
    """A disk that hangs tells nothing; Kafka does, and the place on disk is settled later."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.kafka.is_held = bench.folder.is_held = True
        ticket = bench.publish("v")
        await bench.settle()
        told_before = list(bench.durable)
        bench.kafka.release()
        await bench.settle()
        told_by_kafka = list(bench.durable)
        bench.folder.release()
        await bench.settle()

    assert (told_before, told_by_kafka, bench.durable) == ([], ["v"], ["v"])
    assert (ticket.was_spooled, bench.on_disk(), bench.in_kafka()) == (False, [], ["v"])


@in_fake_time
async def test_nothing_is_told_while_neither_is_there() -> None:
    """With Kafka and the disk hanging nothing is told; then it is, in order."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.kafka.is_held = bench.folder.is_held = True
        for value in numbers(3):
            bench.publish(value)
        await bench.settle()
        told_before = list(bench.durable)
        bench.folder.release()
        await bench.settle()

    assert (told_before, bench.durable) == ([], numbers(3))
    assert bench.on_disk() == numbers(3)


@in_fake_time
async def test_a_deadline_of_zero_is_the_disk_at_once() -> None:
    """Then each record goes both ways from the beginning."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        await bench.settle()
        bench.kafka.is_held = True
        began_at = 5.0
        bench.publish("v", soft_secs=0.0)
        await passed(0.01)

    assert bench.told_at["v"] == pytest.approx(began_at, abs=0.05)


@in_fake_time
async def test_an_event_is_durable_when_each_record_is() -> None:
    """One record by Kafka and one by the disk are enough; one alone is not."""
    kafka = FakeKafka({"a": 1, "b": 1})
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_held = bench.folder.is_held = True
        bench.publish_event("both", [record("1", "a"), record("2", "b")])
        await bench.settle()
        kafka.release_only("a")
        await bench.settle()
        told_by_one = list(bench.durable)
        bench.folder.release()
        await bench.settle()

    assert (told_by_one, bench.durable) == ([], ["both"])
    assert (bench.in_kafka("a"), bench.on_disk()) == (["1"], ["2"])


@in_fake_time
async def test_kafka_may_be_away_from_the_start() -> None:
    """Records are durable by the disk, and come to Kafka in order once it is there."""
    kafka = FakeKafka({"a": 1})
    kafka.is_up = False
    async with running(kafka, FakeFolder()) as bench:
        for value in numbers(20):
            bench.publish(value)
            await passed(0.1)
        await bench.settle()
        durable, on_disk = list(bench.durable), bench.on_disk()
        kafka.is_up = True
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert durable == on_disk == bench.in_kafka() == numbers(20)
    assert bench.on_disk() == []


@in_fake_time
async def test_what_is_far_behind_costs_no_memory() -> None:
    """Where much is to be read before it, what is newer does not wait in memory; order holds."""
    kafka = FakeKafka({"a": 1})
    count = 2 * FAR_BEHIND_RECORDS
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_up, kafka.is_held = False, True
        bench.publish("0")
        await passed(1.0)
        under_way = _in_memory(bench)
        for number in range(1, count):
            bench.publish(str(number))
        await passed(1.0)
        in_memory, durable = _in_memory(bench), len(bench.durable)
        kafka.is_up = True
        kafka.release()
        await bench.wait_until(lambda: bench.publisher.is_empty)

        left_in_memory = bench.publisher._waiting_bytes

    assert (in_memory, left_in_memory) == (under_way, 0)
    assert durable == count
    assert list(dict.fromkeys(bench.in_kafka())) == [str(number) for number in range(count)]


@in_fake_time
async def test_ten_minutes_without_kafka_cost_disk_and_no_memory() -> None:
    """Each lane keeps its window and what it was sending; the order is kept to the end."""
    kafka = FakeKafka({"a": 2}, max_message_bytes=1 << 20)
    count = 600
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_up, kafka.is_held = False, True
        most = 0
        for number in range(count):
            bench.publish(f"{number:04}".ljust(LARGE), key="kl"[number % 2])
            await passed(1.0)
            most = max(most, _in_memory(bench))
        durable = len(bench.durable)
        kafka.is_up = True
        kafka.release()
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert durable == count
    assert most <= 2 * (WINDOW_BYTES + 512 * 1024 + 2 * LARGE)
    assert bench.on_disk() == []
    seen = [list(dict.fromkeys(bench.in_kafka("a", partition))) for partition in (0, 1)]
    assert sorted(seen) == [numbers(count)[::2], numbers(count)[1::2]]


def _in_memory(bench: Bench) -> int:
    lanes = list(bench.publisher._topics)
    items = [item for lane in lanes for item in (*lane.under_way, *lane.head, *lane.tail)]
    return sum(item.record.size for item in items)


@in_fake_time
async def test_a_slow_lane_spools_and_others_stay_live() -> None:
    """Only what waits for the slow partition goes to disk."""
    kafka = FakeKafka({"a": 1, "b": 1})
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_held = True
        bench.publish("slow", "a")
        await passed(0.05)
        for value in numbers(20):
            bench.publish(value, "b")
            await passed(0.05)
            kafka.release_only("b")
            await passed(0.05)
        on_disk = bench.on_disk()
        bench.publish("slow 2", "a")
        await passed(0.01)
        kafka.release()
        await bench.settle()

    assert on_disk == ["slow"]
    assert bench.in_kafka("b") == numbers(20)
    assert bench.told_at["slow 2"] == pytest.approx(2.05, abs=0.02)  # at once: the lane is slow
    assert (bench.in_kafka("a"), bench.on_disk()) == (["slow", "slow 2"], [])


@in_fake_time
async def test_a_full_disk_is_no_matter_while_kafka_is_there() -> None:
    """Slow batches are told by Kafka, and what could not be kept on disk is not tried again."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.folder.is_full = bench.kafka.is_held = True
        for value in numbers(5):
            bench.publish(value)
        await bench.settle()
        told_before = list(bench.durable)
        bench.kafka.release()
        await bench.settle()
        bench.folder.is_full = False
        await bench.settle()

    assert (told_before, bench.durable) == ([], numbers(5))
    assert (bench.in_kafka(), bench.folder.groups) == (numbers(5), [])


@in_fake_time
async def test_with_a_full_disk_and_no_kafka_nothing_is_told() -> None:
    """Once there is room everything is, in the order of acceptance."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.folder.is_full = bench.kafka.is_held = True
        for value in numbers(5):
            bench.publish(value)
            await passed(0.2)
        await bench.settle()
        told_before = list(bench.durable)
        bench.folder.is_full = False
        await bench.settle()

    assert (told_before, bench.durable) == ([], numbers(5))
    assert bench.on_disk() == numbers(5)


@pytest.mark.parametrize("failing", [1, 3])
@in_fake_time
async def test_a_failing_disk_is_tried_again_in_order(failing: int) -> None:
    """What comes while it fails waits behind what failed."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.kafka.is_held, bench.folder.failing = True, failing
        for value in numbers(30):
            bench.publish(value)
            await passed(0.03)
        await bench.settle()

    assert bench.durable == bench.on_disk() == numbers(30)


@in_fake_time
async def test_a_missing_topic_spools_its_own_records_only() -> None:
    """The others stay live; when the topic is made, its records come in order."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder()) as bench:
        for number, value in enumerate(numbers(8)):
            bench.publish(value, "later" if number % 2 else "a")
            await passed(0.1)
        await bench.settle()
        durable, on_disk = sorted(bench.durable), bench.on_disk()
        kafka.topics["later"] = 1
        bench.publisher.learn(kafka.topics)
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert (durable, on_disk) == (numbers(8), numbers(8)[1::2])
    assert bench.in_kafka("later") == numbers(8)[1::2]
    assert bench.in_kafka("a") == numbers(8)[::2]


@in_fake_time
async def test_given_up_records_are_neither_kept_nor_sent() -> None:
    """What was neither in Kafka nor on disk at its deadline was answered 503, and is gone."""
    kafka = FakeKafka({"a": 1})
    kafka.is_up = False
    async with running(kafka, FakeFolder()) as bench:
        bench.folder.is_full = True
        tickets = [bench.publish(value) for value in numbers(5)]
        await passed(3.0)
        for ticket in tickets:
            ticket.abandon()
        bench.publish("new")
        await passed(0.5)
        bench.folder.is_full = False
        await bench.settle()
        on_disk = bench.on_disk()
        kafka.is_up = True
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert (bench.durable, on_disk, bench.in_kafka()) == (["new"], ["new"], ["new"])


@in_fake_time
async def test_what_is_on_disk_is_sent_though_its_event_was_given_up() -> None:
    """One record of an event may be durable when another is not; what is there is not lost."""
    kafka = FakeKafka({"a": 1, "b": 1})
    async with running(kafka, FakeFolder()) as bench:
        kafka.is_held = bench.folder.is_held = True
        ticket = bench.publish("v")
        await bench.settle()
        ticket.abandon()
        bench.folder.release()  # the sync returns a moment after the 503
        await bench.settle()
        kafka.release()
        await bench.settle()

    assert bench.durable == []
    assert (bench.in_kafka(), bench.on_disk()) == (["v"], [])

"""What an earlier run has left on disk goes first; what Kafka refuses goes aside; the end is bounded."""

import asyncio

import pytest

from router.kafka.port import SendError
from tests.fakes import FakeKafka, Verdict, in_fake_time, now, passed
from tests.fakes_spool import FakeFolder
from tests.unit.publish.publishing import LARGE, Bench, HesitantSpool, numbers, running

RETRY = Verdict(error=SendError("retry", "NotEnoughReplicas"), is_written=False)
TOO_LARGE = "x" * 3000


async def _left(values: list[str], keys: str = "k") -> FakeFolder:
    """Return the disk as a process leaves it that has never seen Kafka."""
    kafka, folder = FakeKafka(), FakeFolder()
    kafka.is_up = False
    async with running(kafka, folder) as bench:
        for number, value in enumerate(values):
            bench.publish(value, key=keys[number % len(keys)])
        await bench.settle()
    return folder


@in_fake_time
async def test_an_earlier_run_goes_first() -> None:
    """Records that come while it is being recovered are durable by the disk, and sent after it."""
    spool = HesitantSpool(await _left(["1", "2", "3"]))
    async with running(FakeKafka({"a": 1}), spool) as bench:
        spool.go_on(2)
        bench.publish("4")
        await bench.settle()
        durable, sent = list(bench.durable), bench.in_kafka()
        spool.go_on(2)
        bench.publish("5")
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert (durable, sent) == (["4"], [])
    assert bench.in_kafka() == ["1", "2", "3", "4", "5"]
    assert bench.on_disk() == []


@in_fake_time
async def test_a_recovery_that_takes_long_overflows_to_the_disk_behind_it() -> None:
    """What came since and no longer fits into memory is not read back before what is older."""
    spool = HesitantSpool(await _left(["a", "b"]))
    values = numbers(40)
    async with running(FakeKafka({"a": 1}, max_message_bytes=1 << 20), spool) as bench:
        spool.go_on(1)
        for number in values:
            bench.publish(number.ljust(LARGE))
            await passed(0.1)
        await bench.settle()
        spool.go_on(2)
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert bench.in_kafka() == ["a", "b", *values]


@in_fake_time
async def test_partitions_may_change_while_an_earlier_run_is_recovered() -> None:
    """Whatever lane it was found for: the older is sent first."""
    spool = HesitantSpool(await _left(["0001", "0002", "0003", "0004"], keys="km"))
    kafka = FakeKafka({"a": 1}, max_message_bytes=1 << 20)
    values = numbers(40, 5)
    async with running(kafka, spool) as bench:
        spool.go_on(2)
        for number in values[:20]:
            bench.publish(number.ljust(LARGE), key="mk"[int(number) % 2])
        await bench.settle()
        kafka.topics["a"] = 3
        bench.publisher.learn(kafka.topics)
        spool.go_on(1)
        for number in values[20:]:
            bench.publish(number.ljust(LARGE), key="mk"[int(number) % 2])
        await bench.settle()
        spool.go_on(2)
        await bench.wait_until(lambda: bench.publisher.is_empty)

    logs = [bench.in_kafka("a", partition) for partition in range(3)]
    arrived = sorted(value for log in logs for value in log)
    assert arrived == ["0001", "0002", "0003", "0004", *values]
    assert all(log == sorted(log) for log in logs)


@in_fake_time
async def test_an_earlier_run_of_a_topic_that_is_gone_waits_for_it() -> None:
    """Others are recovered meanwhile."""
    folder = await _left(["1", "2"])
    kafka = FakeKafka({"b": 1})
    async with running(kafka, folder) as bench:
        bench.publish("other", "b")
        await bench.settle()
        before = (list(bench.durable), bench.on_disk())
        kafka.topics["a"] = 2
        bench.publisher.learn(kafka.topics)
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert before == (["other"], ["1", "2"])
    assert bench.in_kafka("a", ord("k") % 2) == ["1", "2"]


@in_fake_time
async def test_a_refused_record_is_kept_aside_and_told() -> None:
    """It is durable among the refused, takes no other with it, and nothing of it stays behind."""
    async with running(FakeKafka({"a": 1}, max_message_bytes=1000), FakeFolder()) as bench:
        for value in ("1", TOO_LARGE, "3"):
            bench.publish(value)
        await bench.settle()

    assert sorted(bench.durable) == ["1", "3", TOO_LARGE]
    assert bench.in_kafka() == ["1", "3"]
    kept = [(record.value, reason) for record, reason in bench.folder.refused]
    assert kept == [(TOO_LARGE.encode(), "MessageSizeTooLargeError")]
    assert (bench.on_disk(), bench.publisher.is_empty) == ([], True)


@in_fake_time
async def test_a_refused_record_that_is_on_disk_is_let_go_there() -> None:
    """It is told once, and lies among the refused only."""
    async with running(FakeKafka({"a": 1}, max_message_bytes=1000), FakeFolder()) as bench:
        bench.kafka.is_held = True
        bench.publish(TOO_LARGE)
        await bench.settle()
        before = (list(bench.durable), bench.on_disk())
        bench.kafka.release()
        await bench.settle()

    assert before == ([TOO_LARGE], [TOO_LARGE])
    assert (bench.durable, bench.on_disk()) == ([TOO_LARGE], [])
    assert len(bench.folder.refused) == 1


@pytest.mark.parametrize("count", [1, 2, 5])
@in_fake_time
async def test_refused_records_wait_for_the_disk(count: int) -> None:
    """As long as it takes nothing they are neither told nor lost, and nobody waits for them."""
    async with running(FakeKafka({"a": 1}, max_message_bytes=1000), FakeFolder()) as bench:
        bench.folder.is_full = True
        for number in range(count):
            bench.publish(f"{number}{TOO_LARGE}")
        bench.publish("good")
        await bench.settle()
        told_before = list(bench.durable)
        bench.folder.is_full = False
        await bench.settle()
        await bench.settle()

    assert (told_before, bench.in_kafka()) == (["good"], ["good"])
    assert len(bench.durable) == len(bench.folder.refused) + 1 == count + 1
    assert (bench.on_disk(), bench.publisher.is_empty) == ([], True)


@in_fake_time
async def test_a_refused_record_that_nobody_waits_for_is_given_up() -> None:
    """After its 503 it is kept nowhere, if the disk did not take it before."""
    async with running(FakeKafka({"a": 1}, max_message_bytes=1000), FakeFolder()) as bench:
        bench.folder.is_full = True
        ticket = bench.publish(TOO_LARGE)
        await bench.settle()
        ticket.abandon()
        await bench.settle()

    assert (bench.durable, bench.folder.refused, bench.publisher.is_empty) == ([], [], True)


@in_fake_time
async def test_a_batch_that_never_comes_back_ends_its_producer() -> None:
    """After half a minute a new one sends first what the old one had under way."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.kafka.is_held = True
        bench.publish("1")
        await passed(0.1)
        bench.publish("2")
        await passed(29.0)
        producers = len(bench.kafka.producers)
        await passed(2.0)
        bench.kafka.release()
        await bench.settle()

    assert (producers, len(bench.kafka.producers)) == (1, 2)
    assert bench.kafka.producers[0].is_closed
    assert (bench.durable, bench.in_kafka(), bench.on_disk()) == (["1", "2"], ["1", "2"], [])


@in_fake_time
async def test_a_partition_may_fail_for_long() -> None:
    """However often a batch fails, it is tried again about once a second, and comes at last."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.kafka.verdicts += [RETRY] * 1100
        bench.publish("1")
        await passed(1090.0)
        before = bench.in_kafka()
        await passed(10.0)

    assert (before, bench.durable, bench.in_kafka()) == ([], ["1"], ["1"])


@in_fake_time
async def test_a_partition_that_breaks_every_producer_breaks_few() -> None:
    """It is tried at once, then ever more seldom, for the sake of all others; it comes at last."""
    kafka = FakeKafka({"a": 1, "b": 1})
    async with running(kafka, FakeFolder()) as bench:
        kafka.breaking.add(("a", 0))
        bench.publish("1", "a")
        await passed(600.0)
        made = len(kafka.producers)
        bench.publish("2", "b")
        await passed(1.0)
        others = list(bench.in_kafka("b"))
        kafka.breaking.clear()
        await passed(10.0)

    # 0, 0.1, 0.2 ... 6.4 s, then every 10 s
    assert made == 1 + 1 + 7 + (600 - 13) // 10 + 1
    assert others == ["2"]
    assert (bench.in_kafka("a"), bench.on_disk()) == (["1"], [])


@in_fake_time
async def test_a_topic_may_be_missing_at_the_brokers_for_long() -> None:
    """A producer that does not find the partition is no reason to end."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder()) as bench:
        del kafka.topics["a"]
        bench.publish("1")
        await passed(1100.0)
        kafka.topics["a"] = 1
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert (bench.durable, bench.in_kafka()) == (["1"], ["1"])


@in_fake_time
async def test_stopping_without_kafka_is_quick_and_leaves_all_on_disk() -> None:
    """Nothing can be waited for; who connects afterwards closes again."""
    kafka = FakeKafka({"a": 1})
    kafka.is_up = False
    async with running(kafka, FakeFolder()) as bench:
        bench.publish("1")
        await bench.settle()
        began_at = now()
        left = await bench.publisher.stop(3.0)
        took_secs = now() - began_at
        kafka.is_up = True
        await bench.settle()

    assert (left, bench.on_disk(), bench.in_kafka()) == (0, ["1"], [])
    assert took_secs < 0.1
    assert all(each.is_closed for each in kafka.producers if each.is_started)


@in_fake_time
async def test_stopping_waits_for_a_hanging_disk_so_long_and_no_longer() -> None:
    """Two seconds for the disk, and the time given for Kafka."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        bench.kafka.is_held = bench.folder.is_held = True
        bench.publish("1")
        await bench.settle()
        began_at = now()
        left = await bench.publisher.stop(3.0)

    assert (left, bench.durable) == (1, [])
    assert now() - began_at == pytest.approx(5.0, abs=0.1)


@in_fake_time
async def test_stopping_ends_the_work() -> None:
    """`run` returns by itself, with or without anything under way."""
    kafka = FakeKafka({"a": 1})
    bench = Bench(kafka)
    running_by_itself = asyncio.ensure_future(bench.publisher.run())
    bench.publish("1")
    await bench.settle()
    await bench.publisher.stop(1.0)
    async with asyncio.timeout(1.0):
        await running_by_itself

    assert bench.durable == ["1"]


@in_fake_time
async def test_a_backlog_holds_up_no_stop() -> None:
    """What lies on disk is left there, and nothing is sent twice by the next run."""
    values = numbers(60)
    kafka, folder = FakeKafka({"a": 1}), FakeFolder()
    kafka.is_up = False
    async with running(kafka, folder) as bench:
        for value in values:
            bench.publish(value.ljust(LARGE))
        await bench.settle()
        kafka.is_up = True
        await bench.wait_until(lambda: bool(kafka.values("a")))
        await bench.publisher.stop(3.0)
    async with running(kafka, folder) as bench:
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert bench.in_kafka() == values
    assert bench.on_disk() == []

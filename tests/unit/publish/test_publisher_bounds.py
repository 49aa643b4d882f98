"""What waits is bounded, in bytes and in time, and nobody who publishes is kept waiting."""

import asyncio

import pytest

from router.kafka.port import SendError
from router.publish.publisher import MAX_WAITING_BYTES
from tests.fakes import FakeKafka, Verdict, in_fake_time, passed
from tests.fakes_spool import FakeFolder
from tests.unit.publish.publishing import record, running


@in_fake_time
async def test_what_nobody_waits_for_is_not_sent() -> None:
    """A ticket that is abandoned while its record waits claims nothing, and blocks nothing."""
    async with running(FakeKafka({"a": 1})) as bench:
        bench.kafka.is_held = True
        bench.publish("first")
        await bench.wait_until(lambda: bench.kafka.batches == [1])
        ticket = bench.publisher.publish(
            [record("given up")], lambda: bench.durable.append("given up")
        )
        bench.publish("last")
        ticket.abandon()
        bench.kafka.release()
        await bench.settle()

    assert bench.durable == ["first", "last"]
    assert bench.kafka.values("a") == [b"first", b"last"]


@in_fake_time
async def test_a_lane_goes_on_though_all_that_failed_was_given_up() -> None:
    """Nothing is left to be tried again, so what comes next need not wait for that."""
    async with running(FakeKafka({"a": 1})) as bench:
        bench.kafka.verdicts += [Verdict(error=SendError("retry", "Some"), is_written=False)]
        ticket = bench.publish("given up")
        await bench.wait_until(lambda: bench.kafka.batches == [1])
        ticket.abandon()
        await bench.settle()
        bench.publish("next")
        await bench.settle()

    assert (bench.durable, bench.in_kafka()) == (["next"], ["next"])


@in_fake_time
async def test_an_abandoned_ticket_never_tells() -> None:
    """What was under way when it was given up may be written, but its 503 has been sent."""
    async with running(FakeKafka({"a": 1})) as bench:
        bench.kafka.is_held = True
        ticket = bench.publisher.publish([record("v")], lambda: bench.durable.append("v"))
        await bench.wait_until(lambda: bench.kafka.batches == [1])
        ticket.abandon()
        bench.kafka.release()
        await bench.settle()

    assert bench.durable == []


@in_fake_time
async def test_a_record_waits_for_its_topic() -> None:
    """A topic that is missing holds up its own records only, until it is there."""
    async with running(FakeKafka({"a": 1})) as bench:
        for value, topic in (("1", "later"), ("2", "a"), ("3", "later")):
            bench.publish(value, topic)
        await bench.settle()
        durable_before = list(bench.durable)
        missing_before = bench.publisher.missing(["a", "later"])

        bench.kafka.topics["later"] = 1
        bench.publisher.learn(bench.kafka.topics)
        await bench.settle()

    assert (durable_before, missing_before) == (["2"], ["later"])
    assert bench.durable == ["2", "1", "3"]
    assert bench.kafka.values("later") == [b"1", b"3"]
    assert bench.publisher.missing(["a", "later"]) == []


@in_fake_time
async def test_a_record_that_waited_in_vain_for_its_topic_is_not_sent() -> None:
    """After its 503 nothing is published, even if the topic appears."""
    async with running(FakeKafka({"a": 1})) as bench:
        ticket = bench.publisher.publish([record("v", "later")], lambda: None)
        ticket.abandon()
        bench.kafka.topics["later"] = 1
        bench.publisher.learn(bench.kafka.topics)
        await bench.settle()

    assert bench.kafka.values("later") == []


@pytest.mark.parametrize("topic", ["a", "later"], ids=["known", "unknown"])
@in_fake_time
async def test_memory_is_bounded(topic: str) -> None:
    """With Kafka away, records beyond the bound are not kept: their callbacks get 503."""
    kafka = FakeKafka({"a": 1}, max_message_bytes=1 << 30)
    kafka.is_up = False
    size = 1 << 20
    sent = 2 * MAX_WAITING_BYTES // size
    async with running(kafka) as bench:
        for number in range(sent):
            bench.publish(f"{number:04}".ljust(size), topic)
        kafka.is_up = True
        kafka.topics["later"] = 1
        bench.publisher.learn(kafka.topics)
        await bench.settle()

    kept = len(kafka.values(topic))
    assert sent * 0.45 < kept < sent * 0.55
    assert [value[:4] for value in kafka.values(topic)] == [b"%04d" % n for n in range(kept)]


@in_fake_time
async def test_what_is_written_is_let_go_before_its_soft_deadline() -> None:
    """At ten thousand a second three thousand records would lie about, and caches be cold."""
    async with running(FakeKafka({"a": 1}), FakeFolder()) as bench:
        for number in range(10):
            bench.publish(str(number))
            await passed(0.01)
        watched = len(bench.publisher._young)

    assert (len(bench.durable), watched) == (10, 0)


@in_fake_time
async def test_a_full_memory_leaves_to_the_disk_what_is_there() -> None:
    """Many partitions wait with their windows: they are let go, and no callback gets 503 for it."""
    size = 240 * 1024
    topics = [f"topic-{number}" for number in range(MAX_WAITING_BYTES // size + 20)]
    kafka = FakeKafka(dict.fromkeys(topics, 1))
    kafka.is_up = False
    async with running(kafka, FakeFolder()) as bench:
        for topic in topics:
            bench.publish(topic.ljust(size), topic)
            await passed(0.01)
        await bench.settle()
        told = len(bench.durable)
        kafka.is_up = True
        await bench.wait_until(lambda: bench.publisher.is_empty)

    assert told == len(topics)
    assert [bench.in_kafka(topic) for topic in topics] == [[topic] for topic in topics]


@in_fake_time
async def test_a_full_memory_and_a_full_disk_take_nothing() -> None:
    """What fits neither is not taken and never told; what was taken before comes in order."""
    size = 1 << 20
    sent = 2 * MAX_WAITING_BYTES // size
    kafka = FakeKafka({"a": 1}, max_message_bytes=1 << 30)
    kafka.is_up = False
    async with running(kafka, FakeFolder()) as bench:
        bench.folder.is_full = True
        for number in range(sent):
            bench.publish(f"{number:04}".ljust(size))
        await bench.settle()
        told = list(bench.durable)
        bench.folder.is_full = False
        kafka.is_up = True
        await bench.wait_until(lambda: bench.publisher.is_empty)
        bench.publish("new")
        await bench.settle()

    kept = len(bench.in_kafka()) - 1
    assert told == []
    assert sent * 0.45 < kept < sent * 0.55
    assert bench.in_kafka() == [*(f"{number:04}" for number in range(kept)), "new"]


@in_fake_time
async def test_without_a_spool_a_refused_record_is_told_to_its_sender() -> None:
    """Once for each such record, with the name of the error; nobody is told that it is durable."""
    told: list[str] = []
    async with running(FakeKafka({"a": 1, "b": 1}, max_message_bytes=1000)) as bench:
        event = [record("fits", "b"), record("x" * 2000, "a")]
        ticket = bench.publisher.publish(
            event, lambda: bench.durable.append("event"), on_refused=told.append
        )
        bench.publish("later")
        await bench.settle()

    assert told == ["MessageSizeTooLargeError"]
    assert (bench.durable, ticket.is_durable) == (["later"], False)
    assert (bench.in_kafka("a"), bench.in_kafka("b")) == (["later"], ["fits"])


@in_fake_time
async def test_with_a_spool_a_refused_record_is_no_news_to_its_sender() -> None:
    """It is durable among the refused, so that is what is told."""
    told: list[str] = []
    async with running(FakeKafka({"a": 1}, max_message_bytes=1000), FakeFolder()) as bench:
        bench.publisher.publish(
            [record("x" * 2000)], lambda: bench.durable.append("event"), on_refused=told.append
        )
        await bench.settle()

    assert (told, bench.durable) == ([], ["event"])


@in_fake_time
async def test_room_is_made_by_what_is_written() -> None:
    """Once Kafka is back and what waited is written, new records are taken again."""
    value = "x" * (1 << 20)
    async with running(FakeKafka({"a": 1}, max_message_bytes=1 << 30)) as bench:
        bench.kafka.is_held = True
        for _ in range(2 * MAX_WAITING_BYTES // len(value)):
            bench.publish(value)
        bench.kafka.release()
        await bench.settle()
        bench.durable.clear()
        bench.publish("new")
        await bench.settle()

    assert bench.durable == ["new"]


@in_fake_time
async def test_given_up_records_make_room_while_kafka_is_away() -> None:
    """What everybody was refused for does not keep the next hour's callbacks out."""
    value = "x" * (1 << 20)
    async with running(FakeKafka({"a": 1}, max_message_bytes=1 << 30)) as bench:
        bench.kafka.is_held = True
        tickets = [
            bench.publisher.publish([record(value)], lambda: None)
            for _ in range(2 * MAX_WAITING_BYTES // len(value))
        ]
        await bench.settle()
        for ticket in tickets:
            ticket.abandon()
        bench.publish("new")
        bench.kafka.release()
        await bench.settle()

    assert bench.durable == ["new"]


@in_fake_time
async def test_publishing_waits_for_nothing() -> None:
    """Without any Kafka at the start records are taken at once, and sent when it comes."""
    kafka = FakeKafka({"a": 1})
    kafka.is_up = False
    async with running(kafka) as bench:
        bench.publish("early")
        await bench.settle()
        began_at = asyncio.get_running_loop().time()
        bench.publish("late")
        took_secs = asyncio.get_running_loop().time() - began_at
        kafka.is_up = True
        await bench.wait_until(lambda: len(bench.durable) == 2)

    assert took_secs == 0
    assert kafka.values("a") == [b"early", b"late"]


@in_fake_time
async def test_stopping_lets_end_what_is_under_way() -> None:
    """What was sent is waited for, and the producer is closed afterwards."""
    async with running(FakeKafka({"a": 1})) as bench:
        bench.kafka.is_held = True
        bench.publish("v")
        await bench.wait_until(lambda: bench.kafka.batches == [1])
        asyncio.get_running_loop().call_later(1.0, bench.kafka.release)
        left = await bench.publisher.stop(3.0)

    assert (left, bench.durable) == (0, ["v"])
    assert bench.kafka.producers[0].is_closed


@in_fake_time
async def test_stopping_has_a_bound() -> None:
    """A Kafka that never answers holds up the end so long and no longer; what is left is told."""
    async with running(FakeKafka({"a": 1, "b": 1})) as bench:
        bench.kafka.is_held = True
        bench.publish("v", "a")
        bench.publish("v", "b")
        await bench.wait_until(lambda: bench.kafka.batches == [1, 1])
        began_at = asyncio.get_running_loop().time()
        left = await bench.publisher.stop(3.0)
        took_secs = asyncio.get_running_loop().time() - began_at

    assert left == 2
    assert took_secs == pytest.approx(3.0)
    assert bench.kafka.producers[0].is_closed


@in_fake_time
async def test_nothing_begins_after_the_stop() -> None:
    """Once stopped, neither a batch nor a new producer is made."""
    async with running(FakeKafka({"a": 1})) as bench:
        bench.kafka.is_held = True
        bench.publish("under way")
        await bench.wait_until(lambda: bench.kafka.batches == [1])
        bench.publish("waiting")
        await bench.publisher.stop(3.0)
        await bench.settle()

    assert len(bench.kafka.producers) == 1
    assert bench.kafka.values("a") == []

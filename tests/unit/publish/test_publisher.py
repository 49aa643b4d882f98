"""Accepted records become durable in the order of acceptance, whatever fails on the way."""

import asyncio
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.kafka.port import SendError
from router.publish.publisher import MAX_BATCH_BYTES
from tests.fakes import WRITTEN, FakeKafka, FakeTimeLoop, Verdict, in_fake_time, now
from tests.unit.publish.publishing import firsts, record, running

RETRY = SendError("retry", "KafkaTimeoutError")
REPLACE = SendError("replace", "OutOfOrderSequenceNumber")


@in_fake_time
async def test_an_event_is_told_once_when_all_its_records_are_written() -> None:
    """A ticket tells neither before its last record is in the log, nor twice."""
    async with running(FakeKafka({"a": 1, "b": 1})) as bench:
        bench.kafka.is_held = True
        records = [record("v", "a"), record("v", "b")]
        ticket = bench.publisher.publish(records, lambda: bench.durable.append("v"))
        await bench.settle()
        assert (bench.durable, ticket.is_durable) == ([], False)

        bench.kafka.release()
        await bench.settle()

    assert (bench.durable, ticket.is_durable) == (["v"], True)
    assert (bench.kafka.values("a"), bench.kafka.values("b")) == ([b"v"], [b"v"])


@in_fake_time
async def test_what_waits_behind_a_batch_is_the_next_batch() -> None:
    """While one batch is under way the others gather, so load makes batches larger."""
    async with running(FakeKafka({"a": 1})) as bench:
        bench.kafka.is_held = True
        bench.publish("0")
        await bench.wait_until(lambda: bench.kafka.batches == [1])
        for number in range(1, 10):
            bench.publish(str(number))
        bench.kafka.release()
        await bench.settle()

    assert bench.kafka.batches == [1, 9]
    assert bench.durable == [str(number) for number in range(10)]


@in_fake_time
async def test_a_batch_has_a_bound() -> None:
    """What waits goes in batches of bounded size, in order."""
    half = "x" * (MAX_BATCH_BYTES // 2)
    async with running(FakeKafka({"a": 1})) as bench:
        for number in range(5):
            bench.publish(f"{number}{half}")
        await bench.settle()

    assert bench.kafka.batches == [1] * 5
    assert [value[:1] for value in bench.kafka.values("a")] == [b"0", b"1", b"2", b"3", b"4"]


@in_fake_time
async def test_a_batch_is_no_larger_than_what_kafka_takes() -> None:
    """Where records are configured to be small, batches are as small."""
    async with running(FakeKafka({"a": 1}, max_request_bytes=2000)) as bench:
        bench.kafka.is_held = True
        for number in range(20):
            bench.publish(f"{number:02}".ljust(700))
        bench.kafka.release()
        await bench.settle()

    assert len(bench.durable) == 20
    assert [int(value) for value in bench.kafka.values("a")] == list(range(20))


@in_fake_time
async def test_a_slow_partition_holds_up_no_other() -> None:
    """While one partition's broker says nothing, what comes later for another is sent."""
    async with running(FakeKafka({"a": 1, "b": 1})) as bench:
        bench.kafka.is_held = True
        bench.publish("a", "a")
        await bench.settle()
        bench.publish("b", "b")
        await bench.settle()
        bench.kafka.release_only("b")
        await bench.settle()

    assert bench.durable == ["b"]


@in_fake_time
async def test_the_next_wave_waits_for_no_clock() -> None:
    """It is with the producer once all that came was taken, so Kafka need not wait for it."""
    async with running(FakeKafka({"a": 1, "b": 6})) as bench:
        bench.kafka.is_held = True
        bench.publish("a", "a")
        await _turns(10)
        began_at = now()
        for number in range(20):
            bench.publish(str(number), "b", key=str(number))
        await _turns(10)

        assert sum(bench.kafka.batches) == 21
        assert now() == began_at
        bench.kafka.release()


@pytest.mark.parametrize(
    ("turn_secs", "batches"),
    [
        pytest.param(0.0, [1], id="as long as each turn makes another lane ready"),
        pytest.param(0.004, [1, 1, 1, 1, 1], id="ten milliseconds at most"),
    ],
)
@in_fake_time
async def test_what_comes_turn_after_turn_gathers_for_one_wave(
    turn_secs: float, batches: list[int]
) -> None:
    """Meanwhile nothing more is handed over; in the end all is."""
    async with running(FakeKafka({"a": 1, "b": 6})) as bench:
        bench.kafka.is_held = True
        bench.publish("a", "a")
        await _turns(10)
        for key in "012345":  # each in another of the six partitions
            bench.publish(key, "b", key=key)
            cast("FakeTimeLoop", asyncio.get_running_loop()).jump(turn_secs)
            await _turns(1)
        gathered = list(bench.kafka.batches)
        await _turns(10)

        assert gathered == batches
        assert bench.kafka.batches == [1] * 7
        bench.kafka.release()


@pytest.mark.parametrize(
    ("verdict", "producers"),
    [
        (Verdict(error=RETRY, is_written=False), 1),
        (Verdict(error=RETRY, is_written=True), 1),
        (Verdict(error=REPLACE, is_written=False), 3),
        (Verdict(error=REPLACE, is_written=True), 3),
    ],
    ids=["retry", "retry, but written", "replace", "replace, but written"],
)
@in_fake_time
async def test_a_failed_batch_is_sent_again_before_anything_newer(
    verdict: Verdict, producers: int
) -> None:
    """No failure reorders a key; what may have been written comes again."""
    async with running(FakeKafka({"a": 1})) as bench:
        bench.kafka.verdicts += [verdict, verdict]
        bench.publish("old")
        await bench.wait_until(lambda: bool(bench.kafka.producers))
        bench.publish("new")
        await bench.wait_until(lambda: len(bench.durable) == 2)

    assert bench.durable == ["old", "new"]
    assert firsts(bench.kafka.values("a")) == [b"old", b"new"]
    assert len(bench.kafka.producers) == producers
    assert all(producer.is_closed for producer in bench.kafka.producers[:-1])


_verdicts = st.lists(
    st.one_of(
        st.just(WRITTEN),
        st.builds(Verdict, error=st.sampled_from([RETRY, REPLACE]), is_written=st.booleans()),
    ),
    max_size=20,
)
# Of each step: the key of the record, the rounds of the loop after it, whether batches are held.
_steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 8), st.booleans()), min_size=1, max_size=30
)


@given(_verdicts, _steps)
def test_order_is_kept_whatever_fails(
    verdicts: list[Verdict], steps: list[tuple[str, int, bool]]
) -> None:
    """Every record becomes durable, and first occurrences of a key are in the accepted order."""

    @in_fake_time
    async def scenario() -> None:
        async with running(FakeKafka({"a": 2})) as bench:
            bench.kafka.verdicts += verdicts
            for number, (key, rounds, is_held) in enumerate(steps):
                bench.publish(f"{key}{number:02}", key=key)
                bench.kafka.is_held = is_held
                for _ in range(rounds):
                    await asyncio.sleep(0)
            bench.kafka.release()
            await bench.wait_until(lambda: len(bench.durable) == len(steps))
        for partition in range(2):
            seen = firsts(bench.kafka.values("a", partition))
            assert all(one[1:] < other[1:] for one, other in pairwise(seen))
        assert sorted(bench.durable) == sorted(
            f"{key}{number:02}" for number, (key, _, _) in enumerate(steps)
        )

    scenario()


@in_fake_time
async def test_a_broken_partition_takes_no_other_with_it() -> None:
    """What other partitions have under way when a producer is replaced arrives as well."""
    async with running(FakeKafka({"a": 1, "b": 1})) as bench:
        bench.kafka.is_held = True
        bench.kafka.verdicts += [Verdict(error=REPLACE, is_written=False)]
        bench.publish("a", "a")
        bench.publish("b", "b")
        await bench.wait_until(lambda: bench.kafka.batches == [1, 1])
        bench.kafka.release_only("a")  # the batch of b is under way when the producer is closed
        await bench.settle()
        bench.kafka.release()
        await bench.settle()

    assert sorted(bench.durable) == ["a", "b"]
    assert (bench.kafka.values("a"), bench.kafka.values("b")) == ([b"a"], [b"b"])


@pytest.mark.parametrize("culprit", range(3), ids=["first", "middle", "last"])
@in_fake_time
async def test_a_refused_record_takes_no_other_with_it(culprit: int) -> None:
    """Of a batch with a record that Kafka never takes, all others are written, in order."""
    values = ["one", "two", "three"]
    values.insert(culprit, "x" * 2000)
    async with running(FakeKafka({"a": 1}, max_message_bytes=1000)) as bench:
        for value in values:
            bench.publish(value)
        await bench.settle()
        bench.publish("later")
        await bench.settle()

    assert bench.durable == ["one", "two", "three", "later"]
    assert bench.kafka.values("a") == [b"one", b"two", b"three", b"later"]
    assert bench.publisher.lanes_behind == 0


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)

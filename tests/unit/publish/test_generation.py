"""There is always one producer, and never two that write."""

import asyncio

import pytest

from router.publish.generation import Generations
from tests.fakes import FakeKafka, in_fake_time


def _generations(kafka: FakeKafka) -> tuple[Generations, list[str]]:
    reasons: list[str] = []
    return Generations(kafka.producer, reasons.append), reasons


def _come_back(kafka: FakeKafka) -> None:
    kafka.is_up = True


async def _made(kafka: FakeKafka, producers: int) -> None:
    """Return when so many producers were made."""
    async with asyncio.timeout(60.0):
        while len(kafka.producers) < producers:  # noqa: ASYNC110 - the fake has no event for it
            await asyncio.sleep(0)


@in_fake_time
async def test_the_first_producer_is_made_when_it_is_asked_for() -> None:
    """Nothing is connected before, and the same one is returned ever after."""
    kafka = FakeKafka()
    generations, reasons = _generations(kafka)
    assert kafka.producers == []

    first = await generations.current()

    assert await generations.current() is first
    assert kafka.producers == [first]
    assert reasons == ["start"]


@in_fake_time
async def test_a_missing_kafka_is_waited_for() -> None:
    """As long as no broker answers it is tried again, more and more slowly, and told once."""
    kafka = FakeKafka()
    kafka.is_up = False
    generations, reasons = _generations(kafka)
    asyncio.get_running_loop().call_later(600.0, _come_back, kafka)

    producer = await generations.current()

    assert producer is kafka.producers[-1]
    assert 600.0 <= asyncio.get_running_loop().time() <= 605.0
    assert 120 <= len(kafka.producers) <= 260  # a few quick ones, then one every 2.5 to 5 s
    assert reasons == ["start"]


@in_fake_time
async def test_the_old_one_is_silent_before_the_new_one_begins() -> None:
    """A replaced producer is closed first, and the reason of the new one is told."""
    kafka = FakeKafka()
    generations, reasons = _generations(kafka)
    await generations.current()
    kafka.is_up = False
    replacing = asyncio.ensure_future(generations.replace("OutOfOrderSequenceNumber"))
    await _made(kafka, 2)
    was_closed = kafka.producers[0].is_closed

    kafka.is_up = True
    await replacing

    assert was_closed
    assert await generations.current() is kafka.producers[-1]
    assert reasons == ["start", "OutOfOrderSequenceNumber"]


@pytest.mark.parametrize("error", [TimeoutError(), OSError("reset")], ids=["slow", "broken"])
async def test_one_that_cannot_be_closed_is_left_behind(error: TimeoutError | OSError) -> None:
    """A failing close is no reason to be without a producer."""
    kafka = FakeKafka()
    generations, _ = _generations(kafka)
    await generations.current()
    kafka.producers[0].closing_fails = error

    await generations.replace("reason")

    assert await generations.current() is kafka.producers[1]


async def test_closing_without_a_producer_does_nothing() -> None:
    """It may be closed before the first one was made, and twice."""
    kafka = FakeKafka()
    generations, _ = _generations(kafka)
    await generations.close()
    producer = await generations.current()
    await generations.close()
    await generations.close()

    assert kafka.producers == [producer]
    assert kafka.producers[0].is_closed


@in_fake_time
async def test_a_cancelled_start_leaves_no_producer_open() -> None:
    """Ending while Kafka is still being looked for closes what was begun."""
    kafka = FakeKafka()
    generations, _ = _generations(kafka)
    waiting = asyncio.ensure_future(generations.current())
    await _made(kafka, 1)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert [producer.is_closed for producer in kafka.producers] == [True]

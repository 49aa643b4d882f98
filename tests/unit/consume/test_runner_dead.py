"""Events that cannot be handled: put aside, with their story, and never in silence."""

import asyncio
from itertools import pairwise

import pytest

from router.consume.context import MAX_EMITTED_BYTES
from router.consume.runner import StoppedError
from router.consume.settle import LEAST_RETRY_SECS
from router.handler import Context, Event, Retry
from tests.fakes import in_fake_time, now, passed
from tests.unit.consume.consuming import Process, Told, World, consuming, marked_as, note, until


@in_fake_time
async def test_after_its_patience_an_event_is_a_dead_letter() -> None:
    """The record as it was, with its story in headers; then its key goes on."""
    world = World(partitions=1)

    async def never(event: Event[Told], context: Context) -> None:
        if event.data.number == 0:
            raise ValueError("never")
        await note(event, context)

    record = world.tell("k", 0)
    world.tell("k", 1)
    async with consuming(world, never, retry_for_secs=2.0):
        await world.settled()

    [letter] = [record for record in world.sent if "dead" in record.topic]
    [headers] = world.dead
    assert (letter.key, letter.value) == (record.key, record.value)
    assert headers.pop("first_failure") < headers.pop("last_failure")
    assert int(headers.pop("attempts")) > 3
    assert headers == {
        "handler": "noting", "reason": "failed", "detail": "ValueError: never",
        "topic": "a", "partition": "0", "offset": "0",
    }  # fmt: skip
    assert world.noted("k") == [["a", 1]]


@in_fake_time
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"no event", "undecodable"),
        (b"", "undecodable"),
        (b'{"id":"1"}', "undecodable"),
        (b"\xff\x00", "undecodable"),
    ],
    ids=["text", "empty", "no event", "bytes"],
)
async def test_what_cannot_be_decoded_dies_at_once(value: bytes, reason: str) -> None:
    """Nobody can handle it later either, and what comes behind it goes on."""
    world = World(partitions=1)
    world.broker.append("a", b"k", value)
    world.tell("k", 1)
    async with consuming(world):
        await until(lambda: world.noted("k") == [["a", 1]], within_secs=0.1)
        await world.settled()

    assert [(letter["reason"], letter["attempts"]) for letter in world.dead] == [(reason, "1")]


@in_fake_time
async def test_what_a_handler_emits_beyond_kafkas_bound_is_its_failure() -> None:
    """Retried, then a dead letter that says why; nothing of it is kept, and the outbox goes on."""
    world = World(partitions=1)

    async def talkative(event: Event[Told], context: Context) -> None:
        await note(event, context)
        if event.data.number == 0:
            context.emit("Noted", "x" * MAX_EMITTED_BYTES)

    world.tell("k", 0)
    world.tell("k", 1)
    async with consuming(world, talkative, retry_for_secs=2.0) as process:
        await world.settled()
        await until(lambda: len(world.sent) == 2)

    [headers] = world.dead
    assert (headers["reason"], int(headers["attempts"]) > 3) == ("failed", True)
    assert headers["detail"].startswith("ValueError: Noted takes 20")
    assert headers["detail"].endswith("topics.max_message_bytes allows 2097152")
    assert process.count("retried") > 2
    assert world.noted("k") == [["a", 1]]
    assert [record.topic for record in world.sent] == [
        "callback-router.dead.noting",
        "derived.Noted",
    ]


@in_fake_time
async def test_to_be_tried_again_at_once_does_not_spin() -> None:
    """`Retry(0)` again and again is a bounded number of calls, and ends as every other failure."""
    world = World(partitions=1)
    called: list[float] = []

    async def hasty(_: Event[Told], __: Context) -> Retry:
        called.append(now())
        return Retry(0)

    world.tell("k", 0)
    async with consuming(world, hasty, retry_for_secs=2.0):
        await world.settled()

    assert min(after - before for before, after in pairwise(called)) >= LEAST_RETRY_SECS - 0.01
    assert len(called) <= 21
    assert world.dead[0]["detail"] == "asked to be tried again in 0 s"


@in_fake_time
async def test_data_of_another_shape_dies_at_once() -> None:
    """A handler that asks for a class gets that class, or no event."""
    world = World()
    world.tell("k", 1, data={"number": "one"})
    async with consuming(world):
        await world.settled()

    assert [letter["reason"] for letter in world.dead] == ["bad-field"]
    assert "number" in world.dead[0]["detail"]


@in_fake_time
async def test_a_time_beyond_the_calendar_stops_nobody() -> None:
    """One poison record dies; the runner lives."""
    world = World(partitions=1)
    world.tell("poison", 0, time="9999-12-31T23:59:59-23:59")
    world.tell("k", 1)
    async with consuming(world):
        await world.settled()

    assert [letter["reason"] for letter in world.dead] == ["undecodable"]
    assert world.noted("k") == [["a", 1]]


@in_fake_time
async def test_too_many_dead_letters_stop_the_handler() -> None:
    """Before it empties its topics into them; what was not put aside is not committed."""
    world = World(partitions=1)
    for number in range(10):
        world.broker.append("a", b"k%d" % number, b"no event")
    process = Process(world, marked_as(note, max_dead_letters_per_minute=3))
    await process.start()
    with pytest.raises(StoppedError, match="noting: more than 3 dead letters a minute"):
        await process.ended()

    assert len(world.dead) == 3
    assert world.broker.committed.get(("group", ("a", 0)), 0) <= 3
    assert world.broker.members() == 0


@in_fake_time
async def test_a_handler_that_stops_commits_what_it_finished() -> None:
    """Whoever starts it again sees no dead letter twice."""
    world = World(partitions=1)
    for number in range(10):
        world.broker.append("a", b"k%d" % number, b"no event")
    for _ in range(2):
        process = Process(world, marked_as(note, max_dead_letters_per_minute=3, parallel=1))
        await process.start()
        with pytest.raises(StoppedError):
            await process.ended()

    assert [letter["offset"] for letter in world.dead] == ["0", "1", "2", "3", "4", "5"]


@in_fake_time
async def test_dead_letters_now_and_then_stop_nothing() -> None:
    """The bound is per minute."""
    world = World()
    async with consuming(world, max_dead_letters_per_minute=2):
        for number in range(8):
            world.broker.append("a", b"k%d" % number, b"no event")
            await passed(31.0)
        await world.settled()

    assert len(world.dead) == 8


@in_fake_time
async def test_an_unwritable_dead_letter_topic_stops_the_offset() -> None:
    """Until the dead letter is durable the event is not finished; other keys go on."""
    world = World(partitions=1)
    world.is_writable = False
    world.broker.append("a", b"bad", b"no event")
    world.tell("good", 1)
    async with consuming(world):
        await until(lambda: world.noted("good") == [["a", 1]])
        await passed(600.0)
        assert (world.dead, world.broker.commits) == ([], [])
        world.is_writable = True
        await world.settled()

    assert len(world.dead) == 1


@in_fake_time
async def test_a_call_that_hangs_is_ended() -> None:
    """After `timeout_secs` it counts as a failure; meanwhile other keys go on."""
    world = World()
    ended: list[float] = []

    async def hang(event: Event[Told], context: Context) -> None:
        if event.subject == "good":
            return await note(event, context)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(now())

    world.tell("bad", 0)
    world.tell("good", 1)
    async with consuming(world, hang, timeout_secs=3.0, retry_for_secs=5.0):
        await until(lambda: world.noted("good") is not None, within_secs=1.0)
        await world.settled()

    assert [letter["reason"] for letter in world.dead] == ["timeout"]
    assert world.dead[0]["detail"] == "longer than 3 s"
    assert ended[0] == pytest.approx(3.0, abs=0.1)

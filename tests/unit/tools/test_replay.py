"""`Replayer`: order, rate, what is skipped, what dies, and stopping between events."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

import msgspec
import pytest

from router.consume.writer import Writer
from router.errors import UnavailableError
from router.handler import Context, DeadLetter, Event, Function, Retry
from router.record import Received
from router.tools.replay import AWAY_SECS, Ended, Pace, Replayer, UnnamedWriter, line_of, time_of
from tests.fakes import in_fake_time, now, passed
from tests.fakes_store import FakeStore
from tests.unit.consume.consuming import Told, World, calls, marked_as, note, until


class _Replay:
    """A replay over a fake database; *ends* has what was told of each event."""

    def __init__(
        self, world: World, function: Function = note, *, rate: float = 1e6, is_again: bool = False
    ) -> None:
        self.ends: list[Ended] = []
        self.stop = asyncio.Event()
        self._store = FakeStore(world.database)
        self._writers = [Writer(self._store), UnnamedWriter(self._store)]
        marked = marked_as(function)
        plain, unnamed = (calls(marked, self._store, writer) for writer in self._writers)
        self.replayer = Replayer(
            marked,
            {"rtc.Told": Told},
            self._store,
            Pace(rate, self.stop),
            plain,
            unnamed if is_again else None,
        )

    async def run(self, records: Iterable[Received]) -> dict[str, int]:
        """Handle the records; return what came to what, without zeros."""
        await self._store.start()
        writing = [asyncio.create_task(writer.run()) for writer in self._writers]
        try:
            await self.replayer.run(_each(records), self._on_end)
        finally:
            for task in writing:
                task.cancel()
            await asyncio.wait(writing)
            await self._store.close()
        return {str(result): count for result, count in self.replayer.tally.items() if count}

    async def _on_end(self, ended: Ended) -> None:
        self.ends.append(ended)


async def _each(records: Iterable[Received]) -> AsyncGenerator[Received, None]:
    for record in records:
        yield record


@in_fake_time
async def test_each_key_is_in_order_and_keys_go_on_beside_each_other() -> None:
    """A slow event holds up its key and no other one; all have their effect."""
    world = World()
    order: list[int] = []

    async def slow_first(event: Event[Told], context: Context) -> None:
        await passed(1.0 if event.data.number == 0 else 0.0)
        order.append(event.data.number)
        await note(event, context)

    records = [world.tell("slow" if number % 2 == 0 else "fast", number) for number in range(6)]
    tally = await _Replay(world, slow_first).run(records)

    assert tally == {"done": 6}
    assert order == [1, 3, 5, 0, 2, 4]
    assert world.noted("slow") == [["a", 0], ["a", 2], ["a", 4]]
    assert len(world.database.outbox) == 6


@in_fake_time
async def test_the_rate_is_kept() -> None:
    """So many a second begin; what is skipped takes no time."""
    world = World()
    records = [world.tell("k", number) for number in range(11)]
    await _Replay(world).run(records[:5])
    begin = now()

    tally = await _Replay(world, rate=2.0).run(records)

    assert tally == {"done": 6, "skipped": 5}
    assert now() - begin == pytest.approx(2.5, abs=0.1)


@in_fake_time
async def test_what_had_its_effect_is_skipped() -> None:
    """A second replay does nothing, but for events that nothing names."""
    world = World()
    records = [world.tell("k", 0), world.tell("k", 1, id_basis="none")]
    await _Replay(world).run(records)

    tally = await _Replay(world).run(records)

    assert tally == {"done": 1, "skipped": 1}
    assert world.noted("k") == [["a", 0], ["a", 1], ["a", 1]]


@in_fake_time
async def test_again_each_event_has_its_effect_once_more() -> None:
    """State changes again, derived events leave again; a duplicate in the range does not count.

    An event that had none before is remembered, also with 400 others before its duplicate.
    """
    world = World()
    old, new = world.tell("k", 0), world.tell("k", 1)
    others = [world.tell("other", number) for number in range(2, 402)]
    await _Replay(world).run([old])

    tally = await _Replay(world, is_again=True).run([old, new, *others, old, new])
    later = await _Replay(world).run([new])

    assert (tally, later) == ({"done": 402, "skipped": 2}, {"skipped": 1})
    assert world.noted("k") == [["a", 0], ["a", 0], ["a", 1]]
    ids = [waiting.record.headers[1][1] for _, waiting in world.database.outbox.values()]
    assert ids[0] == ids[1]


@in_fake_time
async def test_what_fails_is_retried_for_a_while_and_counted() -> None:
    """An accident passes; what goes on failing dies within seconds, and its key goes on."""
    world = World()
    tries: list[int] = []

    async def failing(event: Event[Told], context: Context) -> Retry | DeadLetter | None:
        tries.append(event.data.number)
        if event.data.number == 0 and context.attempt == 1:
            return Retry()
        if event.data.number == 1:
            raise ValueError("always")
        if event.data.number == 2:
            return DeadLetter("never")
        await note(event, context)
        return None

    replay = _Replay(world, failing)
    tally = await replay.run([world.tell("k", number) for number in range(4)])

    assert tally == {"done": 2, "died": 2}
    assert tries.count(0) == 2
    assert tries.count(1) > 3
    assert now() < 12.0
    deaths = [ended.dead for ended in replay.ends if ended.dead is not None]
    assert [(dead.reason, dead.detail) for dead in deaths] == [
        ("failed", "ValueError: always"),
        ("rejected", "never"),
    ]
    assert world.noted("k") == [["a", 0], ["a", 3]]


@in_fake_time
async def test_what_the_handler_cannot_read_is_told_apart() -> None:
    """Other types are no business of it; what is no event, or has other fields, dies."""
    world = World()
    records = [
        world.tell("k", 0, type="rtc.Other"),
        world.tell("k", 1, data={"number": "one"}),
        msgspec.structs.replace(world.tell("k", 2), value=b"no event"),
    ]
    replay = _Replay(world)

    assert await replay.run(records) == {"other": 1, "died": 2}
    deaths = [ended.dead.reason for ended in replay.ends if ended.dead is not None]
    assert deaths == ["bad-field", "undecodable"]


@in_fake_time
async def test_it_stops_between_events() -> None:
    """What is under way comes to its end, nothing else begins, not even a retry."""
    world = World()
    begun: list[int] = []

    async def slow(event: Event[Told], context: Context) -> Retry | None:
        begun.append(event.data.number)
        await passed(1.0)
        if event.data.number == 1:
            return Retry()
        await note(event, context)
        return None

    replay = _Replay(world, slow)
    keys = ("a", "b", "a", "b")
    records = [world.tell(key, number) for number, key in enumerate(keys)]
    running = asyncio.create_task(replay.run(records))
    await until(lambda: len(begun) == 2)
    replay.stop.set()

    assert await running == {"done": 1, "unfinished": 3}
    assert begun == [0, 1]
    assert world.noted("a") == [["a", 0]]


@in_fake_time
async def test_a_database_that_stays_away_ends_it() -> None:
    """Events that cannot be handled for so long are nobody's failure: the command fails."""
    world = World()

    async def away(event: Event[Told], context: Context) -> None:
        world.database.is_up = False
        await note(event, context)

    with pytest.raises(UnavailableError):
        await _Replay(world, away).run([world.tell("k", 0)])
    assert AWAY_SECS <= now() < AWAY_SECS + 5.0


@in_fake_time
async def test_lines_and_times_are_those_of_the_event() -> None:
    """Where it lies, when it was, what it is; nothing for a terminal, and no credentials."""
    record = World().tell("k\x1b[0m https://u:p@h/?q", 7)
    broken = msgspec.structs.replace(record, value=b"\xff")
    place = f"{record.topic}[{record.partition}]@{record.offset}"

    assert line_of(record) == (
        f"{place}  1970-01-01T00:00:07.000Z  rtc.Told  k\\x1b[0m https://***@h/?***"
    )
    assert line_of(broken) == f"{place}  -  -  -"
    assert (time_of(record), time_of(broken)) == (7000, 0)

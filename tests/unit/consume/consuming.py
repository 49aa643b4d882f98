"""A handler's process over a fake broker and a fake database, in fake time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from router.clock import format_rfc3339
from router.consume.call import Calls
from router.consume.outbox import Outbox
from router.consume.runner import Reading, Runner
from router.consume.store import Store, Unit, Written
from router.consume.writer import Writer
from router.handler import Context, Event, Function, Handler, handler
from router.observability import Metrics
from router.record import Received, Record
from tests.fakes import passed
from tests.fakes_group import FakeBroker
from tests.fakes_store import FakeDatabase, FakeStore

NAME = "noting"
DEAD_TOPIC = f"callback-router.dead.{NAME}"
HOUR_SECS = 3600.0
_STEP_SECS = 0.05


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The event class of all tests."""

    number: int


class LaggingStore(FakeStore):
    """A store whose every answer takes a while; a write is done half way."""

    def __init__(self, database: FakeDatabase, lag: Callable[[], float]) -> None:
        """Take the database, and what tells how many seconds the next step takes."""
        super().__init__(database)
        self._lag = lag

    async def had_effect(self, handler: str, causes: Sequence[Any]) -> set[Any]:
        """Answer later."""
        await passed(self._lag())
        return await super().had_effect(handler, causes)

    async def write(self, units: Sequence[Unit], now_ms: int) -> list[Written]:
        """Write later, and answer later still."""
        await passed(self._lag())
        outcomes = await super().write(units, now_ms)
        await passed(self._lag())
        return outcomes


Send = Callable[[Sequence[Record]], Awaitable[None]]


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is made of: the product's own parts, or flawed twins of them."""

    runner: type[Runner] = Runner
    writer: Callable[[Store, Send], Writer] = lambda store, _: Writer(store)
    store: Callable[[FakeDatabase, Callable[[], float]], FakeStore] = LaggingStore


class World:
    """What outlives a process.

    Attributes:
        broker: Kafka's side of the group.
        database: Where effects are.
        sent: What the process has published, in order.
        is_writable: Whether Kafka takes what is published; set by the test at any time.
        store_lag: Tells how many seconds the store's next step takes.
        on_send: Is told what is published when it is durable.
    """

    def __init__(self, topics: Sequence[str] = ("a",), partitions: int = 4) -> None:
        """Begin with empty topics."""
        self.broker = FakeBroker(dict.fromkeys(topics, partitions))
        self.database = FakeDatabase(is_shared=True)
        self.sent: list[Record] = []
        self.is_writable = True
        self.store_lag: Callable[[], float] = lambda: 0.0
        self.on_send: Callable[[Record], None] = lambda _: None

    def tell(
        self, key: str, number: int, *, topic: str = "a", id_basis: str = "vendor", **more: Any
    ) -> Received:
        """Return the record of a new event; *more* replaces its attributes."""
        now = format_rfc3339(number * 1000)
        event = {
            "id": f"{key}/{topic}/{number}", "source": "/callbacks/rtc", "type": "rtc.Told",
            "subject": key, "time": now, "recordedtime": now, "timebasis": "event",
            "idbasis": id_basis, "traceparent": "", "data": {"number": number}, **more,
        }  # fmt: skip
        return self.broker.append(topic, key.encode(), msgspec.json.encode(event))

    async def send(self, records: Sequence[Record]) -> None:
        """Publish, as soon as Kafka takes it."""
        await asyncio.sleep(0)
        while not self.is_writable:
            await passed(_STEP_SECS)
        for record in records:
            self.on_send(record)
            self.sent.append(record)

    def noted(self, key: str) -> Any:
        """Return what the handler has in its state."""
        value = self.database.value(NAME, key).value
        return None if value is None else msgspec.json.decode(value)

    @property
    def dead(self) -> list[dict[str, str]]:
        """The headers of the dead letters, without `dead_`."""
        return [
            {name.removeprefix("dead_"): value.decode() for name, value in record.headers}
            for record in self.sent
            if record.topic == DEAD_TOPIC
        ]

    def is_committed(self) -> bool:
        """Tell whether everything is committed."""
        return all(
            self.broker.committed.get(("group", partition), 0) == len(log)
            for partition, log in self.broker.log.items()
        )

    async def settled(self) -> None:
        """Return when everything is committed."""
        await until(self.is_committed)


class Process:
    """One process of a handler."""

    def __init__(self, world: World, marked: Handler, parts: Parts | None = None) -> None:
        """Assemble it as `router.app.consume` does; nothing runs yet."""
        parts = parts or Parts()
        self.group = world.broker.group()
        self.metrics = Metrics()
        self._store = parts.store(world.database, lambda: world.store_lag())  # noqa: PLW0108 - changes
        self._writer = parts.writer(self._store, world.send)
        self._outbox = Outbox(NAME, self._store, world.send)
        self.runner = parts.runner(
            marked,
            reading(world.broker.topics),
            self.group,
            calls(marked, self._store, self._writer),
            world.send,
            self.metrics,
        )
        self._running: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin; return at once."""
        await self._store.start()
        work = (self.runner.run(), self._writer.run(), self._outbox.run())
        self._running = [asyncio.create_task(each) for each in work]

    async def leave(self) -> None:
        """End in good order; raise what the runner has raised."""
        await self.runner.drain()
        await self._end()

    async def crash(self) -> None:
        """End as `kill -9` does: what is under way stops where it waits."""
        self.group.crash()
        await self._end()

    async def ended(self) -> None:
        """Return when the runner ends by itself; raise what it has raised."""
        await asyncio.wait(self._running[:1])
        await self._end()

    def count(self, outcome: str) -> float:
        """Return how many events had this outcome, by the metric."""
        labels = {"handler": NAME, "outcome": outcome}
        name = "callback_router_handler_events_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    @property
    def lag(self) -> float | None:
        """How many records are not finished, by the metric; None before it tells."""
        name = "callback_router_handler_lag"
        return self.metrics.registry.get_sample_value(name, {"handler": NAME})

    async def _end(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.wait(self._running)
        await self._store.close()
        for task in self._running:
            with suppress(asyncio.CancelledError):
                task.result()


def reading(topics: Sequence[str] | dict[str, int]) -> Reading:
    """Return what the handler of the tests reads."""
    return Reading(topics=tuple(topics), classes={"rtc.Told": Told}, dead_topic=DEAD_TOPIC)


def calls(marked: Handler, store: Store, writer: Writer) -> Calls:
    """Return what calls the handler of the tests."""
    return Calls(marked, {"rtc.Told": Told}, store, writer, "derived.{}".format)


def marked_as(function: Function, **patience: Any) -> Handler:
    """Return a function as the handler of the tests."""
    return handler(NAME, events=[Told], emits=["Noted"], **patience)(function)


async def note(event: Event[Told], context: Context) -> None:
    """Keep an event's topic and number with its subject, and announce how many there are."""
    before = await context.state.get(event.subject) or []
    after = [*before, [event.id.split("/")[1], event.data.number]]
    await context.state.put(event.subject, after)
    context.emit("Noted", {"number": event.data.number, "count": len(after)})


@asynccontextmanager
async def consuming(
    world: World, function: Function = note, parts: Parts | None = None, **patience: Any
) -> AsyncIterator[Process]:
    """Yield a process that runs, and let it leave in good order, or crash with the test."""
    process = Process(world, marked_as(function, **patience), parts)
    await process.start()
    is_well = False
    try:
        yield process
        is_well = True
    finally:  # a task that nobody awaits would hide why the test failed
        await (process.leave() if is_well else process.crash())


async def until(is_true: Callable[[], bool], within_secs: float = HOUR_SECS) -> None:
    """Return when the condition holds.

    Raises:
        TimeoutError: It does not in time.
    """
    async with asyncio.timeout(within_secs):
        while not is_true():
            await passed(_STEP_SECS)

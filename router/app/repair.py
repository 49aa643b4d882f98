"""`Repair`: what `replay` and `dead redrive` run on: the database, its writer, the outbox.

Design: a small `consume` without a group. Nobody's offsets move, the memory of effects is the
same, and derived events leave through the same outbox, which is empty at the end.
"""

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial

import msgspec

from router.assembly import derived_topic, group_of, kafka_settings_of
from router.config import Configuration
from router.consume.call import Calls
from router.consume.outbox import LOOK_SECS, Outbox
from router.consume.runner import Reading
from router.consume.state import open_store
from router.consume.store import InUseError, Store, Unit
from router.consume.writer import Writer
from router.errors import CallbackRouterError, UnavailableError, ungrouped
from router.handler import Handler
from router.kafka.admin import KafkaAdmin
from router.kafka.groups import members_of
from router.kafka.port import KafkaSettings, SendError
from router.kafka.producer import KafkaProducer, partition_of
from router.record import Partition, Received, Record
from router.tools.dead import Letter, memory_of, redriven_by
from router.tools.replay import Ended, OnEnd, Pace, Replayer, Result, UnnamedWriter, chunks

TELL_SECS = 1.0
_GROUPS_SECS = 5.0
_GROUPS_AGAIN_SECS = 0.5
_SEND_SECS = 30.0
_OTHERS_SECS = 10.0
_MAX_BATCH_BYTES = 512 * 1024

Tally = Mapping[Result, int]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Whose events are handled, and how.

    Attributes:
        handler: Is called.
        reading: What it reads.
        rate: At most so many events a second.
        is_again: Whether events that had their effect have it once more.
    """

    handler: Handler
    reading: Reading
    rate: float
    is_again: bool = False


@asynccontextmanager
async def opened_store(configuration: Configuration, handler: Handler) -> AsyncIterator[Store]:
    """Give the state database of a handler, which no `consume` uses that would be in its way.

    Raises:
        InUseError: The database serves one process, and another one consumes.
        UnavailableError: It does not answer.
    """
    url = configuration.options.state.url
    store = open_store(url)
    try:
        await store.start()
        if url.startswith("sqlite:"):
            await _check_alone(configuration, handler)
        yield store
    finally:
        await store.close()


async def _check_alone(configuration: Configuration, handler: Handler) -> None:
    """Find who consumes with another file than ours: the lock does not tell of that one."""
    group = group_of(configuration, handler)
    if await _members(kafka_settings_of(configuration), group):
        raise InUseError(
            f"another process is in {group}, and SQLite serves one process only: stop it (one "
            "that was killed leaves within 10 s), or set state.url to postgresql://..."
        )


async def _members(settings: KafkaSettings, group: str) -> int:
    """Return how many are in a group; a cluster's first groups have no coordinator for a moment."""
    until = asyncio.get_running_loop().time() + _GROUPS_SECS
    while True:
        try:
            return (await members_of(settings, [group])).get(group, 0)
        except UnavailableError:
            if asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(_GROUPS_AGAIN_SECS)


async def not_redriven(
    store: Store, handler: str, letters: AsyncGenerator[Letter, None]
) -> AsyncGenerator[Letter, None]:
    """Yield the letters of a handler that no redrive has brought to an end."""
    async with aclosing(chunks(letters)) as lists:
        async for chunk in lists:
            memories = [memory_of(letter.received) for letter in chunk]
            known = await store.had_effect(redriven_by(handler), memories)
            for letter, memory in zip(chunk, memories, strict=True):
                if memory not in known:
                    yield letter


class Repair:
    """One run over events of one handler.

    Attributes:
        tally: How many events came to each result so far.
    """

    def __init__(
        self, configuration: Configuration, job: Job, store: Store, stop: asyncio.Event
    ) -> None:
        """Assemble it; nothing runs yet. Needs a running loop."""
        self._job = job
        self._store = store
        settings = kafka_settings_of(configuration)
        self._sender = Sender(settings)
        self._derived = [derived_topic(configuration, name) for name in job.handler.emits]
        self._writer = Writer(store)
        self._unnamed = UnnamedWriter(store)
        self._outbox = Outbox(job.handler.name, store, self._sender.send)
        self._over = asyncio.Event()

        def calls(writer: Writer) -> Calls:
            topic_of = partial(derived_topic, configuration)
            made = Calls(job.handler, job.reading.classes, store, writer, topic_of)
            return made.limit(settings.max_request_bytes)

        self._replayer = Replayer(
            job.handler,
            job.reading.classes,
            store,
            Pace(job.rate, stop),
            calls(self._writer),
            calls(self._unnamed) if job.is_again else None,
        )
        self.tally: Tally = self._replayer.tally

    async def run(
        self,
        records: AsyncGenerator[Received, None],
        on_end: OnEnd,
        tell: Callable[[Tally], None],
    ) -> None:
        """Handle the records; return when the outbox is empty. *tell* is called every second.

        Raises:
            UnavailableError: The database or Kafka does not answer.
        """
        try:
            await self._sender.start(self._derived)
            with ungrouped(CallbackRouterError):
                async with asyncio.TaskGroup() as tasks:
                    shared = [
                        tasks.create_task(self._writer.run()),
                        tasks.create_task(self._unnamed.run()),
                        tasks.create_task(_tell(tell, self.tally)),
                    ]
                    emptying = tasks.create_task(self._empty())
                    await self._replayer.run(records, on_end)
                    self._over.set()
                    await emptying
                    for task in shared:
                        task.cancel()
        finally:
            await self._sender.close()

    async def remember(self, ended: Ended) -> None:
        """Remember of a letter that it was redriven, unless it died again or was left."""
        if ended.result in ("done", "skipped"):
            name, cause = redriven_by(self._job.handler.name), memory_of(ended.received)
            await self._writer.write(Unit(handler=name, cause=cause))

    async def _empty(self) -> None:
        """Empty the outbox until everything is over and nothing waits."""
        while not self._over.is_set():
            while await self._outbox.step():
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECS):
                    await self._over.wait()
        await self._leave_nothing()

    async def _leave_nothing(self) -> None:
        """Send what is left, or see another process do so.

        While another one leads it empties the outbox; a repair may end before it has seen our
        last record, so we take over from it. A `consume` that only is slow may keep the rest.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + _OTHERS_SECS
        while await self._store.waiting(self._job.handler.name, 1):
            if await self._outbox.step():
                until = loop.time() + _OTHERS_SECS
            elif loop.time() > until:
                return
            else:
                await asyncio.sleep(LOOK_SECS)


class Sender:
    """Derived events to Kafka, durable one batch after the other."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Take the settings; nothing is connected yet. Needs a running loop."""
        self._settings = settings
        self._producer = KafkaProducer(settings)
        self._partitions: dict[str, int] = {}
        self._is_started = False

    async def start(self, topics: Sequence[str]) -> None:
        """Find the topics that may be written to.

        Raises:
            UnavailableError: One is missing, or no broker answers.
        """
        if topics:
            await self._know(topics)

    async def send(self, records: Sequence[Record]) -> None:
        """Return when all records are durable, in order.

        Raises:
            UnavailableError: They are not; they stay in the outbox.
        """
        try:
            async with asyncio.timeout(_SEND_SECS):
                await self._know({record.topic for record in records})
                if not self._is_started:  # emitted earlier, or now: often there is nothing at all
                    await self._producer.start()
                    self._is_started = True
                for (topic, number), batch in self._batches(records):
                    await (await self._producer.send(topic, number, batch))
        except (SendError, TimeoutError) as error:
            why = error.kind if isinstance(error, SendError) else "no answer"
            raise UnavailableError(
                f"derived events cannot be sent ({why}): they wait in the state database and "
                "leave with the next `consume`"
            ) from error

    async def close(self) -> None:
        """Let go of the connections."""
        with suppress(TimeoutError, OSError):  # what was sent is durable, the rest stays behind
            await self._producer.close()

    async def _know(self, topics: Collection[str]) -> None:
        if not set(topics) <= self._partitions.keys():
            self._partitions |= await topics_there(self._settings, topics)

    def _batches(self, records: Sequence[Record]) -> Iterator[tuple[Partition, list[Record]]]:
        """Yield the records by partition, each partition's in order."""
        batches: defaultdict[Partition, list[Record]] = defaultdict(list)
        for record in records:
            place = record.topic, partition_of(record.key, self._partitions[record.topic])
            batch = batches[place]
            if batch and sum(held.size for held in batch) + record.size > _MAX_BATCH_BYTES:
                yield place, batches.pop(place)
            batches[place].append(record)
        yield from batches.items()


async def topics_there(settings: KafkaSettings, topics: Collection[str]) -> dict[str, int]:
    """Return how many partitions each of these topics has.

    Raises:
        UnavailableError: One is missing, or no broker answers.
    """
    admin = KafkaAdmin(settings)
    try:
        found = await admin.partitions(topics)
    finally:
        await admin.close()
    if missing := sorted(set(topics) - found.keys()):
        raise UnavailableError(f"no such topic: {', '.join(missing)}; see `topics apply`")
    return found


async def _tell(tell: Callable[[Tally], None], tally: Tally) -> None:
    while True:
        await asyncio.sleep(TELL_SECS)
        tell(tally)

"""`consume`: one runner per handler, and what they share: the database, its writer, a publisher.

Design: handlers are told apart by their consumer groups, so one that stops leaves the others at
work. On SIGTERM nothing more is read, what is under way gets a moment, offsets are committed, and
the members leave their groups; whatever is left happens again elsewhere. Who asks once more gets
that without the moments.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from uuid import uuid4

import msgspec
import structlog

from router.app.parts import Hangup, Stop, keep_learning, opened_admin_port
from router.assembly import (
    derived_topic,
    group_of,
    kafka_settings_of,
    topics_of_handlers,
    wanted_topics,
)
from router.config import Configuration
from router.consume.call import Calls, wall_clock_ms
from router.consume.outbox import Outbox
from router.consume.runner import Reading, Runner, StoppedError
from router.consume.state import open_store
from router.consume.store import InUseError, Unit
from router.consume.writer import Writer
from router.errors import CallbackRouterError, UnavailableError, ungrouped
from router.handler import Handler
from router.kafka.admin import KafkaAdmin
from router.kafka.group import SESSION_MS, KafkaGroup
from router.kafka.groups import clients_of, members_of
from router.kafka.port import KafkaSettings
from router.kafka.producer import KafkaProducer, hash_of
from router.observability import Metrics
from router.probes import Readiness, probes_app
from router.publish.publisher import Publisher
from router.record import Received, Record
from router.tools.topics import DEAD_LETTER_BYTES, plan

PUBLISHER_STOP_SECS = 3.0
_AGAIN_SECS = 1.0
_SELDOM_SECS = 30.0
_DAY_SECS = 86_400
_FORGET_SECS = 600.0
_FORGET_AT_ONCE = 1000
_MAX_SEND_BYTES = 8 * 1024 * 1024
_SENDS = 4
_ALONE_TRIES = 2 + SESSION_MS // 1000

log = structlog.get_logger(__name__)


class UnequalTopicsError(CallbackRouterError):
    """Topics of one handler have different numbers of partitions, so a key would be divided."""


class _HeldGroup(KafkaGroup):
    """A member that reads nothing before it may."""

    def __init__(self, settings: KafkaSettings, group_id: str, may_read: asyncio.Event) -> None:
        super().__init__(settings, group_id)
        self._may_read = may_read

    async def poll(self, max_records: int) -> list[Received]:
        """Return records; see the port."""
        await self._may_read.wait()
        return await super().poll(max_records)


class Consume:
    """The service `consume`: events in, effects, derived events and dead letters out."""

    def __init__(
        self,
        configuration: Configuration,
        handlers: Sequence[tuple[Handler, Reading]],
        *,
        can_ask_groups: bool = True,
    ) -> None:
        """Assemble it; nothing runs yet. Needs a running loop.

        *can_ask_groups* is False for a broker that does not tell of groups, as the one in `dev`.
        """
        settings = kafka_settings_of(configuration)
        self._max_emitted_bytes = settings.max_request_bytes
        larger = settings.max_request_bytes + DEAD_LETTER_BYTES
        self.settings = msgspec.structs.replace(
            settings,
            max_request_bytes=larger,
            client_id=f"{settings.client_id}-{uuid4().hex[:8]}",  # see `_stay_alone`
        )
        self.metrics = Metrics(version("callback-router"))
        self.readiness = Readiness()
        self._can_ask_groups = can_ask_groups
        self._configuration = configuration
        self._handlers = handlers
        self._written = topics_of_handlers(configuration, handlers)
        self._store = open_store(configuration.options.state.url)
        self._outboxes = {
            handler.name: Outbox(
                handler.name,
                self._store,
                self._send,
                partial(self.metrics.outbox_stuck, handler.name),
            )
            for handler, _ in handlers
        }
        self._writer = Writer(self._store, self._look)
        self._publisher = Publisher(
            partial(KafkaProducer, self.settings), hash_of, self.metrics, larger
        )
        self._sends = asyncio.Semaphore(_SENDS)
        self._learn_now = asyncio.Event()
        self._may_read = asyncio.Event()
        if not self._must_be_alone:
            self._may_read.set()

    async def run(
        self, stop: Stop, *, has_admin_port: bool = True, hangup: Hangup | None = None
    ) -> None:
        """Run until *stop*; a *hangup* is answered by a line in the log.

        Raises:
            UnavailableError: The state database serves one process, and another one has it.
            UnequalTopicsError: A key of one handler would be divided among members.
            StoppedError: Every handler has stopped by itself.
        """
        admin = KafkaAdmin(self.settings)
        app = probes_app(self.metrics, self.readiness)
        address = self._configuration.options.admin
        port = await opened_admin_port(app, address) if has_admin_port else None
        try:
            await self._store.start()
            with ungrouped(CallbackRouterError):
                async with asyncio.TaskGroup() as group:
                    wish = group.create_task(stop.wished.wait())
                    work = group.create_task(self._work(admin, stop))
                    deaf = group.create_task(_say_what_hangups_do(hangup or Hangup()))
                    await asyncio.wait([wish, work], return_when=asyncio.FIRST_COMPLETED)
                    wish.cancel()
                    if not work.done():
                        await work
                    deaf.cancel()
        finally:
            await self._publisher.stop(0.0)  # where something failed it is still there
            await self._store.close()
            await admin.close()
            if port is not None:
                await port.cleanup()
        log.info("stopped")

    async def _work(self, admin: KafkaAdmin, stop: Stop) -> None:
        await self._prepared(admin, stop)
        if self._must_be_alone:
            await self._be_alone(stop)
        runners = [] if stop.wished.is_set() else [self._runner(*found) for found in self._handlers]
        async with asyncio.TaskGroup() as group:
            shared = [
                group.create_task(self._publisher.run()),
                group.create_task(self._writer.run()),
                group.create_task(
                    keep_learning(admin, lambda: self._written, self._publisher, self._learn_now)
                ),
                group.create_task(self._forget()),
                *([group.create_task(self._stay_alone())] if self._must_be_alone else []),
                *(group.create_task(outbox.run()) for outbox in self._outboxes.values()),
            ]
            running = [group.create_task(self._until_stopped(runner)) for runner in runners]
            self.readiness.is_ready = True
            log.info("consuming", handlers=[handler.name for handler, _ in self._handlers])
            wish = group.create_task(stop.wished.wait())
            ended = group.create_task(_until_ended(running))
            await asyncio.wait([wish, ended], return_when=asyncio.FIRST_COMPLETED)
            self.readiness.is_ready = False
            log.info("draining")
            have_left = asyncio.Event()
            hurry = group.create_task(self._hurry(stop, runners, have_left))
            await asyncio.gather(*(runner.drain() for runner in runners))
            for task in (*running, wish, ended):
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            have_left.set()
            left = await self._publisher.stop(PUBLISHER_STOP_SECS)
            log.info("drained", batches_left=left)
            for task in (*shared, hurry):
                task.cancel()
        if running and not stop.wished.is_set():
            raise StoppedError("every handler has stopped; the lines above say why")

    async def _hurry(self, stop: Stop, runners: Sequence[Runner], have_left: asyncio.Event) -> None:
        """Skip all waits for others once that is urgent."""
        await stop.urgent.wait()
        for runner in runners:
            runner.hurry()
        await have_left.wait()
        await self._publisher.stop(0.0)

    async def _forget(self) -> None:
        """Keep the memory of effects as long as their events can be read, and a day more."""
        keep_ms = round((self._configuration.options.topics.retention + _DAY_SECS) * 1000)
        while True:
            forgotten = 0
            with suppress(UnavailableError):
                forgotten = await self._store.forget(wall_clock_ms() - keep_ms, _FORGET_AT_ONCE)
            await asyncio.sleep(_AGAIN_SECS if forgotten == _FORGET_AT_ONCE else _FORGET_SECS)

    async def _until_stopped(self, runner: Runner) -> None:
        try:
            await runner.run()
        except StoppedError as error:
            log.error("handler_stopped", error=str(error))  # noqa: TRY400 - no traceback

    async def _prepared(self, admin: KafkaAdmin, stop: Stop) -> None:
        """Make the topics that handlers write to, and wait for those that they read."""
        told: list[str] = []
        while not stop.wished.is_set():
            try:
                missing = await self._missing(admin)
            except UnavailableError as error:
                missing = [str(error)]
            if not missing:
                return
            if missing != told:
                log.warning("not_there_yet", missing=missing, mend="callback-router topics apply")
                told = missing
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_SECS):
                    await stop.wished.wait()

    @property
    def _must_be_alone(self) -> bool:
        is_file = self._configuration.options.state.url.startswith("sqlite:")
        return is_file and self._can_ask_groups

    async def _be_alone(self, stop: Stop) -> None:
        """Wait until no other process is in the groups; a member that was killed leaves late.

        Raises:
            InUseError: Somebody is there: its state would be elsewhere than ours.
        """
        groups = [group_of(self._configuration, handler) for handler, _ in self._handlers]
        others: list[str] = []
        for _ in range(_ALONE_TRIES):
            with suppress(UnavailableError):  # a new cluster makes the place of groups when asked
                members = {} if stop.wished.is_set() else await members_of(self.settings, groups)
                others = [group for group, count in members.items() if count]
                if not others:
                    return
            await asyncio.sleep(_AGAIN_SECS)
        raise _in_use(others or groups)

    async def _stay_alone(self) -> None:
        """Let members read once no other process is in their groups; end if one comes all the same.

        Processes that start at the same moment see each other when both have joined, before either
        reads: the one whose client id is the least stays. Who reads already stays too, since its
        file has the effects: the newcomer gives up. Two that both read, as after a long
        standstill, stay in sight of each other, and the one with the greater id ends.

        Raises:
            InUseError: It is this one.
        """
        tries = 0
        while (others := await self._others()) is None or others:
            await asyncio.sleep(_AGAIN_SECS)
            tries += others is not None
            if others and (min(others.values()) < self.settings.client_id or tries > _ALONE_TRIES):
                raise _in_use(sorted(others))
        self._may_read.set()
        in_sight = 0
        while True:
            await asyncio.sleep(_SELDOM_SECS)
            others = await self._others()
            in_sight = in_sight + 1 if others else 0
            if others and in_sight > 1 and min(others.values()) < self.settings.client_id:
                raise _in_use(sorted(others))

    async def _others(self) -> dict[str, str] | None:
        """Return the least client id of others by group; None while it is not known, or not ours."""
        groups = [group_of(self._configuration, handler) for handler, _ in self._handlers]
        own = self.settings.client_id
        try:
            found = await clients_of(self.settings, groups)
        except UnavailableError:
            return None
        others = {group: set(ids) - {own} for group, ids in found.items()}
        if not all(own in ids for ids in found.values()):
            return None
        return {group: min(ids) for group, ids in others.items() if ids}

    async def _missing(self, admin: KafkaAdmin) -> list[str]:
        read = {topic for _, reading in self._handlers for topic in reading.topics}
        found = await admin.partitions(read)
        if read - found.keys():
            return sorted(read - found.keys())
        for handler, reading in self._handlers:
            counts = {topic: found[topic] for topic in reading.topics}
            if len(set(counts.values())) > 1:
                words = ", ".join(f"{topic} has {count}" for topic, count in counts.items())
                raise UnequalTopicsError(
                    f"handler {handler.name}: its topics need equal numbers of partitions: {words}"
                )
        if len(await admin.partitions(self._written)) == len(self._written):
            return []
        wanted = msgspec.structs.replace(
            wanted_topics(self._configuration), written=frozenset(self._written)
        )
        planned = plan(
            self._written, wanted, await admin.states(self._written), await admin.brokers()
        )
        failed = await admin.create(planned.missing) if planned.missing else {}
        return [f"{topic}: {error}" for topic, error in {**failed, **planned.faults}.items()]

    def _runner(self, handler: Handler, reading: Reading) -> Runner:
        calls = Calls(
            handler,
            reading.classes,
            self._store,
            self._writer,
            partial(derived_topic, self._configuration),
        ).limit(self._max_emitted_bytes)
        name = group_of(self._configuration, handler)
        group = _HeldGroup(self.settings, name, self._may_read)
        return Runner(handler, reading, group, calls, self._send, self.metrics)

    def _look(self, unit: Unit) -> None:
        if unit.outbox:
            self._outboxes[unit.handler].look()

    async def _send(self, records: Sequence[Record]) -> None:
        """Return when all records are durable, a bounded number of bytes at a time, in order."""
        async with self._sends:
            chunk: list[Record] = []
            for record in records:
                if chunk and sum(held.size for held in chunk) + record.size > _MAX_SEND_BYTES:
                    await self._written_to_kafka(chunk)
                    chunk = []
                chunk.append(record)
            if chunk:
                await self._written_to_kafka(chunk)

    async def _written_to_kafka(self, records: list[Record]) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def refused(kind: str) -> None:
            if not done.done():
                done.set_exception(UnavailableError(f"Kafka refuses a record: {kind}"))

        ticket = self._publisher.publish(
            records, partial(done.set_result, None), on_refused=refused
        )
        try:
            await done
        finally:
            ticket.abandon()  # where one is refused, or nobody waits any more


async def _say_what_hangups_do(hangup: Hangup) -> None:
    """Log each hangup: a handler's state, group and topics belong to one configuration."""
    while True:
        await hangup.wait()
        log.warning("config_not_reloaded", mend="restart `consume`")


def _in_use(groups: Sequence[str]) -> InUseError:
    return InUseError(
        f"another process may be in {', '.join(groups)}, and SQLite serves one process only: "
        "stop it, or set state.url to postgresql://..."
    )


async def _until_ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for all of the tasks; for ever, if there are none."""
    if tasks:
        await asyncio.wait(tasks)
    else:
        await asyncio.Event().wait()
